//! What is tried about each class of fault, from the gentlest to the last.

use std::fmt::Write as _;

use crate::fault::FaultClass;

use super::ActionKind;

/// One rung: an action and how often it is tried in one incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    /// What is tried.
    pub kind: ActionKind,
    /// How often.
    pub tries: u32,
}

const fn rung(kind: ActionKind, tries: u32) -> Rung {
    Rung { kind, tries }
}

/// What is tried about a fault of this class, in order. A rung whose action has nothing to work on is passed over;
/// after the last a person is asked.
///
/// What only a person can mend has no rung that would repeat it: a quota, a missing permission and a wrong input
/// stay what they are however often they are applied.
pub const fn ladder(class: FaultClass) -> &'static [Rung] {
    use ActionKind as Do;
    match class {
        FaultClass::Transient => const { &[rung(Do::RetryApply, 10), rung(Do::RollBack, 1)] },
        FaultClass::Dependency => {
            const {
                &[
                    rung(Do::RepairDependency, 2),
                    rung(Do::WaitForDependency, 10),
                    rung(Do::RetryApply, 20),
                ]
            }
        }
        FaultClass::Locked => const { &[rung(Do::Unlock, 3), rung(Do::RetryApply, 20)] },
        // What an interrupted run made and did not record comes first, or the next run would make it again.
        FaultClass::Interrupted => {
            const {
                &[
                    rung(Do::Import, 20),
                    rung(Do::Untaint, 20),
                    rung(Do::RetryApply, 20),
                ]
            }
        }
        FaultClass::Credentials => const { &[rung(Do::RetryApply, 3)] },
        FaultClass::Permission | FaultClass::Quota | FaultClass::Invalid => {
            const { &[rung(Do::RollBack, 1)] }
        }
        FaultClass::Conflict => const { &[rung(Do::Import, 20), rung(Do::RollBack, 1)] },
        FaultClass::Integrity => const { &[rung(Do::Reconstruct, 1)] },
        FaultClass::Environment => const { &[rung(Do::Replan, 2)] },
        FaultClass::Unknown => {
            const {
                &[
                    rung(Do::Refresh, 1),
                    rung(Do::RetryApply, 2),
                    rung(Do::Replan, 1),
                    rung(Do::RollBack, 1),
                    rung(Do::RecreateWorkspace, 1),
                ]
            }
        }
    }
}

/// The ladders as Markdown: a row for each class.
pub fn render_markdown() -> String {
    let mut text = String::from("| class | is tried, in this order |\n|---|---|\n");
    for &class in FaultClass::ALL {
        let rungs = ladder(class).iter();
        let rungs: Vec<String> = rungs
            .map(|rung| format!("{} ({}x)", rung.kind, rung.tries))
            .collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {class} | {} |", rungs.join(", "));
    }
    text.push_str("\n| action | may change at most | time |\n|---|---|---|\n");
    for &kind in ActionKind::ALL {
        let minutes = kind.timeout().as_secs() / 60;
        let _ = writeln!(text, "| {kind} | {} | {minutes} min |", kind.touches().name());
    }
    text
}
