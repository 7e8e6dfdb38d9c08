//! Lives of a control plane.

use capt_core::control_plane;
use capt_core::fault::Fault;
use capt_core::lifecycle::State;

use crate::life::{Life, child, object};

#[test]
fn a_control_plane_is_ready_only_with_endpoint_and_secrets() {
    use control_plane::{Endpoint, Kubeconfig, Secret};
    let mut life = Life::new();
    let mut seen = control_plane::Snapshot {
        object: object("CAPTControlPlane/demo"),
        owned: true,
        missing: Vec::new(),
        invalid: None,
        apply: None,
        held: None,
        endpoint: Endpoint::Unknown,
        kubeconfig: Kubeconfig::Template {
            apply: None,
            secret: Secret::Unknown,
        },
        ca: Secret::Unknown,
        wrong_output: None,
    };
    for _ in 0..3 {
        life.control_plane(&mut seen);
    }
    seen.object.finalized = true;
    seen.apply = Some(child("WorkspaceTemplateApply/demo-eks", State::Ready));
    life.control_plane(&mut seen);
    life.control_plane(&mut seen);
    life.say("the outputs are there");
    seen.endpoint = Endpoint::Found;
    seen.ca = Secret::Stale;
    life.control_plane(&mut seen);
    seen.endpoint = Endpoint::Published;
    seen.ca = Secret::Current;
    life.say("the kubeconfig fails and heals");
    for state in [
        State::Recovering,
        State::Recovering,
        State::Provisioning,
        State::Ready,
    ] {
        let apply = Some(child("WorkspaceTemplateApply/demo-kubeconfig", state));
        seen.kubeconfig = Kubeconfig::Template {
            apply,
            secret: Secret::Unknown,
        };
        life.control_plane(&mut seen);
    }
    assert_ne!(seen.object.record.state, State::Ready);
    let apply = Some(child("WorkspaceTemplateApply/demo-kubeconfig", State::Ready));
    seen.kubeconfig = Kubeconfig::Template {
        apply: apply.clone(),
        secret: Secret::Stale,
    };
    life.control_plane(&mut seen);
    seen.kubeconfig = Kubeconfig::Template {
        apply: apply.clone(),
        secret: Secret::Current,
    };
    life.control_plane(&mut seen);
    assert_eq!(seen.object.record.state, State::Ready);
    life.say("converged");
    life.control_plane(&mut seen);
    life.say("deleted: dependents first");
    seen.object.deleting = true;
    life.control_plane(&mut seen);
    seen.kubeconfig = Kubeconfig::Template {
        apply: None,
        secret: Secret::Unknown,
    };
    life.control_plane(&mut seen);
    seen.apply = None;
    life.control_plane(&mut seen);
    insta::assert_snapshot!(life.text);
}

#[test]
fn an_endpoint_that_is_none_fails_once_and_is_mended_by_a_better_one() {
    use control_plane::{Endpoint, Kubeconfig, Secret};
    let mut life = Life::new();
    let mut seen = control_plane::Snapshot {
        object: object("CAPTControlPlane/demo"),
        owned: true,
        missing: Vec::new(),
        invalid: None,
        apply: Some(child("WorkspaceTemplateApply/demo-eks", State::Ready)),
        held: None,
        endpoint: Endpoint::Invalid(Fault::of_output(
            "cluster_endpoint",
            "InvalidEndpoint",
            "not an address",
        )),
        kubeconfig: Kubeconfig::Output(Secret::Current),
        ca: Secret::Unwanted,
        wrong_output: None,
    };
    seen.object.finalized = true;
    for _ in 0..8 {
        life.control_plane(&mut seen);
    }
    assert_eq!(seen.object.record.state, State::Failed);
    seen.endpoint = Endpoint::Published;
    for _ in 0..4 {
        life.control_plane(&mut seen);
    }
    assert_eq!(seen.object.record.state, State::Ready);
    insta::assert_snapshot!(life.text);
}
