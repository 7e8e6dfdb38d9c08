//! Applies that wait for each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use capt_api::WorkspaceTemplateApply;
use capt_core::fault::{Fault, FaultClass};
use capt_runtime::ObjectKey;

use super::workspace_name;

/// Refuses `apply` if it waits for itself, through however many of `all`, in whatever namespaces.
///
/// Every apply on a cycle is refused, each with the shortest way back to itself, so that it does not matter which
/// of them is mended: with one wait gone none of the others is on a cycle any more. An apply that only waits for
/// one on a cycle is not refused; it waits.
pub(super) fn refuse<'a>(
    apply: &'a WorkspaceTemplateApply,
    all: impl IntoIterator<Item = &'a WorkspaceTemplateApply>,
) -> Result<(), Fault> {
    let own = made_by(apply);
    let mut waits: BTreeMap<ObjectKey, Vec<ObjectKey>> = BTreeMap::new();
    for other in all {
        waits.entry(made_by(other)).or_default().extend(waited_for(other));
    }
    // As it is now, and not as it was listed.
    waits.insert(own.clone(), waited_for(apply).collect());
    let Some(path) = way_back(&own, &waits) else {
        return Ok(());
    };
    let first = path.get(1);
    let index = waited_for(apply).position(|key| Some(&key) == first).unwrap_or(0);
    let path: Vec<String> = path.iter().map(ToString::to_string).collect();
    let message = format!(
        "the workspaces wait for each other: {}; remove one of these waits from spec.waitForWorkspaces of the \
         WorkspaceTemplateApply that has it",
        path.join(" -> ")
    );
    Err(Fault::new(FaultClass::Invalid, "DependencyCycle", message)
        .on(format!("spec.waitForWorkspaces[{index}]")))
}

/// The shortest way from `start` back to it, both ends included.
fn way_back(start: &ObjectKey, waits: &BTreeMap<ObjectKey, Vec<ObjectKey>>) -> Option<Vec<ObjectKey>> {
    let mut seen = BTreeSet::new();
    let mut ways = VecDeque::from([vec![start.clone()]]);
    while let Some(way) = ways.pop_front() {
        for next in way.last().and_then(|last| waits.get(last)).into_iter().flatten() {
            let longer = || way.iter().chain([next]).cloned().collect();
            if next == start {
                return Some(longer());
            }
            if seen.insert(next) {
                ways.push_back(longer());
            }
        }
    }
    None
}

/// The workspace that an apply makes.
fn made_by(apply: &WorkspaceTemplateApply) -> ObjectKey {
    let key = ObjectKey::of(apply);
    ObjectKey::new(&*key.namespace, workspace_name(&key.name))
}

/// The workspaces that an apply waits for.
fn waited_for(apply: &WorkspaceTemplateApply) -> impl Iterator<Item = ObjectKey> {
    let own = ObjectKey::of(apply).namespace;
    apply.spec.wait_for_workspaces.iter().map(move |reference| {
        let namespace = reference.namespace.as_deref().filter(|named| !named.is_empty());
        ObjectKey::new(namespace.unwrap_or(&own), &*reference.name)
    })
}

#[cfg(test)]
mod tests {
    use capt_api::reference::ObjectReference;
    use capt_api::template_apply::WorkspaceTemplateApplySpec;

    use super::*;

    /// `namespace/name -> waits`
    fn apply(name: &str, waits: &[&str]) -> WorkspaceTemplateApply {
        let (namespace, name) = name.split_once('/').unwrap_or(("ns", name));
        let reference = |name: &&str| {
            let (namespace, name) = name
                .split_once('/')
                .map_or((None, *name), |(ns, name)| (Some(ns), name));
            ObjectReference {
                name: name.to_owned(),
                namespace: namespace.map(ToOwned::to_owned),
            }
        };
        let spec = WorkspaceTemplateApplySpec {
            wait_for_workspaces: waits.iter().map(reference).collect(),
            ..WorkspaceTemplateApplySpec::default()
        };
        let mut apply = WorkspaceTemplateApply::new(name, spec);
        apply.metadata.namespace = Some(namespace.to_owned());
        apply
    }

    fn refused(all: &[WorkspaceTemplateApply]) -> Vec<Option<String>> {
        all.iter()
            .map(|apply| {
                let fault = refuse(apply, all).err()?;
                let (_, way) = fault.message.split_once(": ")?;
                Some(format!("{} {}", fault.subject, way.split(';').next()?))
            })
            .collect()
    }

    #[test]
    fn everybody_on_a_cycle_is_refused_and_nobody_else() {
        let cycle = |text: &str| Some(text.to_owned());
        assert_eq!(
            refused(&[apply("a", &["a"])]),
            [cycle("spec.waitForWorkspaces[0] ns/a -> ns/a")]
        );
        assert_eq!(
            refused(&[
                apply("a", &["x", "b"]),
                apply("b-apply", &["a"]),
                apply("c", &["b"])
            ]),
            [
                cycle("spec.waitForWorkspaces[1] ns/a -> ns/b -> ns/a"),
                cycle("spec.waitForWorkspaces[0] ns/b -> ns/a -> ns/b"),
                None,
            ]
        );
        assert_eq!(
            refused(&[
                apply("one/a", &["two/b"]),
                apply("two/b", &["c"]),
                apply("two/c", &["one/a"]),
            ]),
            [
                cycle("spec.waitForWorkspaces[0] one/a -> two/b -> two/c -> one/a"),
                cycle("spec.waitForWorkspaces[0] two/b -> two/c -> one/a -> two/b"),
                cycle("spec.waitForWorkspaces[0] two/c -> one/a -> two/b -> two/c"),
            ]
        );
        // Names alone do not make a cycle: b of another namespace is another one.
        assert_eq!(
            refused(&[apply("one/a", &["two/b"]), apply("one/b", &["a"])]),
            [None, None]
        );
    }

    #[test]
    fn another_cycle_does_not_hide_ones_own() {
        let all = [
            apply("x", &["a", "y"]),
            apply("y", &["a", "x"]),
            apply("a", &["x"]),
        ];
        assert_eq!(refused(&all).iter().flatten().count(), 3);
    }

    #[test]
    fn any_wait_that_goes_frees_everybody() {
        let ring = [("a", "b"), ("b", "c"), ("c", "a")];
        for gone in 0..ring.len() {
            let all: Vec<_> = ring
                .iter()
                .enumerate()
                .map(|(index, (name, wait))| {
                    apply(
                        name,
                        if index == gone {
                            &[]
                        } else {
                            std::slice::from_ref(wait)
                        },
                    )
                })
                .collect();
            assert_eq!(refused(&all), [None, None, None], "{gone}");
        }
    }
}
