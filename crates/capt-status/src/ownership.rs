//! Whose an object is that exists under a name that we would give.
//!
//! What a controller makes, it controls by an owner reference. A backup that is restored and a person who cleans up
//! lose owner references; what was made carries a mark as well, by which it is taken for ours again. Whatever has
//! neither is somebody else's: nothing of it is changed, and it is not deleted.

use std::collections::BTreeMap;

use capt_api::keys;
use capt_core::fault::{Fault, FaultClass};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{Identity, controller_of};

/// The code of the fault of whoever would have made an object that is somebody else's.
pub const FOREIGN_OBJECT: &str = "ForeignObject";

/// What says whose an object is that nobody controls. A person hands an object over by giving it the mark.
struct Mark<'a> {
    place: &'static str,
    key: &'static str,
    value: &'a str,
    present: Option<&'a str>,
    /// What another value of it says about the object, up to the value.
    other: &'static str,
    /// Why it cannot become what we would make of it, whatever its mark, if it cannot.
    unfit: Option<String>,
}

/// Why `maker` may not write the object of `kind` (`TerraformWorkspace`, say) that it would have made, if it may not.
///
/// It may if it controls the object, or if nobody does and the annotation [`keys::OWNER`] names it.
pub fn foreign_child(kind: &str, metadata: &ObjectMeta, maker: &Identity) -> Option<Fault> {
    let mark = Mark {
        place: "annotation",
        key: keys::OWNER,
        value: &maker.name,
        present: value(metadata.annotations.as_ref(), keys::OWNER),
        other: "was made for ",
        unfit: None,
    };
    foreign(kind, metadata, maker, &mark)
}

/// Why `maker` may not write this Secret of the Cluster API contract, if it may not.
///
/// It may if it is an owner of the Secret, or if nobody controls it and its label names the Cluster: so Secrets are
/// told apart in Cluster API, where people supply them themselves. A Secret of another type than `wanted` cannot be
/// written by anybody: its type is for life.
pub fn foreign_secret(secret: &Secret, wanted: &str, maker: &Identity, cluster: &str) -> Option<Fault> {
    let metadata = &secret.metadata;
    let type_ = secret.type_.as_deref().unwrap_or(keys::OPAQUE);
    let unfit =
        (type_ != wanted).then(|| format!("is of the type {type_}, which cannot be changed into {wanted}"));
    let mark = Mark {
        place: "label",
        key: keys::CLUSTER_NAME,
        value: cluster,
        present: value(metadata.labels.as_ref(), keys::CLUSTER_NAME),
        other: "belongs to Cluster/",
        unfit,
    };
    foreign("Secret", metadata, maker, &mark)
}

fn value<'a>(map: Option<&'a BTreeMap<String, String>>, key: &str) -> Option<&'a str> {
    let value = map?.get(key)?.as_str();
    Some(value).filter(|value| !value.is_empty())
}

fn foreign(kind: &str, metadata: &ObjectMeta, maker: &Identity, mark: &Mark<'_>) -> Option<Fault> {
    let controller = controller_of(metadata).filter(|(_, uid)| *uid != maker.uid);
    let is_owner = || {
        let mut owners = metadata.owner_references.iter().flatten();
        owners.any(|owner| owner.uid == maker.uid)
    };
    let ours = controller.is_none() && (is_owner() || mark.present == Some(mark.value));
    if ours && mark.unfit.is_none() {
        return None;
    }
    let by = &maker.name;
    let message = if let Some((controller, _)) = controller {
        let earlier = if controller == *by { "an earlier " } else { "" };
        format!("it exists already and belongs to {earlier}{controller}; delete it, or rename one of the two")
    } else if let Some(unfit) = &mark.unfit {
        format!("it exists already and {unfit}; delete it, or rename one of the two")
    } else {
        let whose = match mark.present {
            Some(other) => format!("{}{other}", mark.other),
            None => format!("was not made by {by}"),
        };
        format!(
            "it exists already and {whose}; delete it, rename one of the two, or hand it over with the {} {}={}: \
             what is in it is overwritten then",
            mark.place, mark.key, mark.value
        )
    };
    let code = if kind == "Secret" {
        "ForeignSecret"
    } else {
        FOREIGN_OBJECT
    };
    let name = metadata.name.as_deref().unwrap_or_default();
    Some(Fault::new(FaultClass::Conflict, code, message).on(format!("{kind}/{name}")))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

    use super::*;

    fn maker() -> Identity {
        let metadata = ObjectMeta {
            name: Some("net".to_owned()),
            uid: Some("u-1".to_owned()),
            ..ObjectMeta::default()
        };
        crate::identity("WorkspaceTemplateApply", &metadata, "finalizer")
    }

    fn owner(name: &str, uid: &str, controller: bool) -> OwnerReference {
        OwnerReference {
            kind: "WorkspaceTemplateApply".to_owned(),
            name: name.to_owned(),
            uid: uid.to_owned(),
            controller: Some(controller),
            ..OwnerReference::default()
        }
    }

    /// An object with these owners, and this mark if there is one.
    fn object(owners: Vec<OwnerReference>, key: &str, mark: Option<&str>) -> ObjectMeta {
        let marks = || mark.map(|mark| [(key.to_owned(), mark.to_owned())].into());
        ObjectMeta {
            name: Some("net".to_owned()),
            owner_references: Some(owners),
            annotations: marks(),
            labels: marks(),
            ..ObjectMeta::default()
        }
    }

    #[test]
    fn a_child_is_ours_by_its_controller_or_by_its_mark_where_nobody_controls_it() {
        let own = "WorkspaceTemplateApply/net";
        for (owners, mark, whose) in [
            (vec![owner("net", "u-1", true)], None, ""),
            (vec![owner("net", "u-1", false)], None, ""),
            (vec![], Some(own), ""),
            (vec![owner("other", "u-2", false)], Some(own), ""),
            (
                vec![],
                None,
                "it exists already and was not made by WorkspaceTemplateApply/net; delete it, rename",
            ),
            (vec![], Some(""), "was not made by WorkspaceTemplateApply/net"),
            (
                vec![],
                Some("WorkspaceTemplateApply/netz"),
                "was made for WorkspaceTemplateApply/netz; delete it",
            ),
            (
                vec![owner("other", "u-2", true)],
                Some(own),
                "belongs to WorkspaceTemplateApply/other; delete it, or",
            ),
            (
                vec![owner("net", "u-1", false), owner("other", "u-2", true)],
                Some(own),
                "belongs to WorkspaceTemplateApply/other;",
            ),
            (
                vec![owner("net", "u-0", true)],
                Some(own),
                "belongs to an earlier WorkspaceTemplateApply/net;",
            ),
        ] {
            let metadata = object(owners, keys::OWNER, mark);
            let refused = foreign_child("TerraformWorkspace", &metadata, &maker());
            assert_eq!(refused.is_none(), whose.is_empty(), "{metadata:?}: {refused:?}");
            if let Some(fault) = refused {
                assert_eq!(
                    (fault.class, &*fault.code),
                    (FaultClass::Conflict, "ForeignObject")
                );
                assert_eq!(fault.subject, "TerraformWorkspace/net");
                assert!(fault.message.contains(whose), "{fault}");
                assert!(!fault.message.contains("  "), "{fault}");
            }
        }
    }

    #[test]
    fn the_mark_that_hands_an_object_over_is_named() {
        let metadata = object(vec![], keys::OWNER, None);
        let fault = foreign_child("TerraformWorkspace", &metadata, &maker()).unwrap();
        let annotation =
            "the annotation capt.infrastructure.cluster.x-k8s.io/owner=WorkspaceTemplateApply/net:";
        assert!(fault.message.contains(annotation), "{fault}");
        let fault = foreign_secret(
            &secret(metadata, keys::SECRET_TYPE),
            keys::SECRET_TYPE,
            &maker(),
            "demo",
        )
        .unwrap();
        assert!(
            fault
                .message
                .contains("the label cluster.x-k8s.io/cluster-name=demo:"),
            "{fault}"
        );
    }

    fn secret(metadata: ObjectMeta, type_: &str) -> Secret {
        Secret {
            metadata,
            type_: Some(type_.to_owned()),
            ..Secret::default()
        }
    }

    /// `kubectl create secret generic` makes such a one; the API server refuses to change its type.
    #[test]
    fn a_secret_of_another_type_cannot_be_handed_over() {
        for (owners, cluster) in [
            (vec![], None),
            (vec![], Some("demo")),
            (vec![owner("net", "u-1", true)], Some("demo")),
        ] {
            let mut secret = secret(object(owners, keys::CLUSTER_NAME, cluster), "Opaque");
            let fault = foreign_secret(&secret, keys::SECRET_TYPE, &maker(), "demo").unwrap();
            assert_eq!(fault.code, "ForeignSecret");
            assert_eq!(
                fault.message,
                "it exists already and is of the type Opaque, which cannot be changed into \
                 cluster.x-k8s.io/secret; delete it, or rename one of the two"
            );
            secret.type_ = None;
            assert_eq!(
                foreign_secret(&secret, keys::SECRET_TYPE, &maker(), "demo"),
                Some(fault)
            );
        }
    }

    #[test]
    fn a_secret_is_told_by_the_label_of_its_cluster() {
        let refused = |owners, cluster| {
            let metadata = object(owners, keys::CLUSTER_NAME, cluster);
            let secret = secret(metadata, keys::SECRET_TYPE);
            foreign_secret(&secret, keys::SECRET_TYPE, &maker(), "demo")
                .map(|fault| (fault.code, fault.message))
        };
        assert_eq!(refused(vec![], Some("demo")), None);
        assert_eq!(refused(vec![owner("net", "u-1", true)], None), None);
        let (code, message) = refused(vec![], Some("other")).unwrap();
        assert_eq!(code, "ForeignSecret");
        assert!(message.contains("belongs to Cluster/other;"), "{message}");
        let (_, message) = refused(vec![owner("x", "u-2", true)], Some("demo")).unwrap();
        assert!(
            message.contains("belongs to WorkspaceTemplateApply/x;"),
            "{message}"
        );
    }
}
