//! What people are told of when it begins to be waited for.

use capt_api::status::Wait as Known;
use capt_core::decision::Decision;
use capt_core::record::Record;
use capt_core::wait::{Notice, Wait};

/// The reasons of waits that end only when a person does something.
const FOR_A_PERSON: &[&str] = &[
    "WorkspaceTemplateNotFound",
    "KubeconfigSourceMissing",
    "VPCWorkspaceNotFound",
    "SecretMissing",
    "ConfigMapMissing",
    "KeyMissing",
];

/// Adds a notice for each wait for something `missing` that a person has to supply and that was not waited for
/// `before`.
///
/// What only takes its time is in the status; what will not come unless somebody acts is an Event as well. What a
/// child waits for is told by the child.
pub fn announce<C>(decision: &mut Decision<Record, C>, missing: &[Wait], before: &[Known]) {
    for wait in missing.iter().filter(|wait| decision.waits.contains(wait)) {
        let known = before
            .iter()
            .any(|known| known.on == wait.on && known.reason == wait.reason);
        let notice = Notice::warning(&*wait.reason, &*wait.message);
        if FOR_A_PERSON.contains(&&*wait.reason) && !known && !decision.notices.contains(&notice) {
            decision.notices.push(notice);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_person_is_told_once() {
        let mut decision: Decision<Record, ()> = Decision::hold(Record::default());
        decision.waits = vec![
            Wait::new(
                "WorkspaceTemplate/a",
                "WorkspaceTemplateNotFound",
                "there is none",
            ),
            Wait::new(
                "WorkspaceTemplate/a",
                "WorkspaceTemplateNotFound",
                "there is none",
            ),
            Wait::new("CAPTCluster/a", "WaitingForVPC", "it takes its time"),
        ];
        let own = decision.waits.clone();
        decision
            .waits
            .push(Wait::new("Secret/b", "SecretMissing", "the child waits"));
        let mut again = decision.clone();
        announce(&mut decision, &own, &[]);
        assert_eq!(
            decision.notices,
            [Notice::warning("WorkspaceTemplateNotFound", "there is none")]
        );
        let known = Known {
            on: "WorkspaceTemplate/a".to_owned(),
            reason: "WorkspaceTemplateNotFound".to_owned(),
            ..Known::default()
        };
        announce(&mut again, &own, &[known]);
        assert_eq!(again.notices, []);
    }
}
