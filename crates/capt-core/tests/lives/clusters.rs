//! Lives of a cluster.

use capt_core::cluster;
use capt_core::fault::Fault;
use capt_core::lifecycle::State;

use crate::life::{Life, child, object};

#[test]
fn a_cluster_waits_for_its_owner_and_outlives_its_control_plane() {
    let mut life = Life::new();
    let mut seen = cluster::Snapshot {
        object: object("CAPTCluster/demo"),
        owned: false,
        vpc: cluster::Vpc::Owned {
            apply: None,
            retain: false,
        },
        missing: Vec::new(),
        invalid: None,
        vpc_id: None,
        wrong_output: None,
        held: None,
        dependents: Vec::new(),
    };
    life.cluster(&mut seen);
    seen.owned = true;
    for _ in 0..3 {
        life.cluster(&mut seen);
    }
    seen.object.finalized = true;
    seen.vpc = cluster::Vpc::Owned {
        apply: Some(child("WorkspaceTemplateApply/demo-vpc", State::Ready)),
        retain: false,
    };
    life.cluster(&mut seen);
    life.cluster(&mut seen);
    seen.vpc_id = Some("vpc-1".to_owned());
    life.cluster(&mut seen);
    assert_eq!(seen.object.record.state, State::Ready);
    seen.object.deleting = true;
    seen.dependents = vec!["CAPTControlPlane/demo".to_owned()];
    life.cluster(&mut seen);
    seen.dependents.clear();
    life.cluster(&mut seen);
    seen.vpc = cluster::Vpc::Owned {
        apply: None,
        retain: false,
    };
    life.cluster(&mut seen);
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_wrong_output_fails_until_it_is_another_one() {
    let mut life = Life::new();
    let missing = Fault::of_output("vpc_id", "OutputMissing", "there is none");
    let mut seen = cluster::Snapshot {
        object: object("CAPTCluster/demo"),
        owned: true,
        vpc: cluster::Vpc::Owned {
            apply: Some(child("WorkspaceTemplateApply/demo-vpc", State::Ready)),
            retain: false,
        },
        missing: Vec::new(),
        invalid: None,
        vpc_id: None,
        wrong_output: Some(missing.clone()),
        held: None,
        dependents: Vec::new(),
    };
    seen.object.finalized = true;
    for _ in 0..8 {
        life.cluster(&mut seen);
    }
    assert_eq!(seen.object.record.state, State::Failed);
    assert_eq!(seen.object.record.fault, Some(missing));
    life.say("the template is mended, and applied anew");
    for state in [State::Provisioning, State::Configuring] {
        seen.vpc = cluster::Vpc::Owned {
            apply: Some(child("WorkspaceTemplateApply/demo-vpc", state)),
            retain: false,
        };
        life.cluster(&mut seen);
    }
    assert_eq!(seen.object.record.state, State::Provisioning, "it follows again");
    seen.vpc = cluster::Vpc::Owned {
        apply: Some(child("WorkspaceTemplateApply/demo-vpc", State::Ready)),
        retain: false,
    };
    life.say("but now it is empty");
    let empty = Fault::of_output("vpc_id", "OutputInvalid", "it is empty");
    seen.wrong_output = Some(empty.clone());
    for _ in 0..8 {
        life.cluster(&mut seen);
    }
    assert_eq!(seen.object.record.fault, Some(empty));
    life.say("and then it is right");
    seen.wrong_output = None;
    seen.vpc_id = Some("vpc-1".to_owned());
    for _ in 0..4 {
        life.cluster(&mut seen);
    }
    assert_eq!(seen.object.record.state, State::Ready);
    insta::assert_snapshot!(life.text);
}
