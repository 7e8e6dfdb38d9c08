//! A sheet: some snapshots, and what is decided about each of them when one thing about it is different.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use capt_core::condition;
use capt_core::decision::Requeue;
use capt_core::lifecycle::{Signal, State};
use capt_core::loss::Loss;
use capt_core::record::Record;
use capt_core::wait::Severity;

use crate::factors::Factor;
use crate::subject::Subject;
use crate::words::{changes, condition as in_short, list, mark, moment};
use crate::world::NOW;

/// A typical snapshot.
pub(crate) struct Base<S> {
    /// What it is called.
    pub(crate) name: &'static str,
    /// The snapshot.
    pub(crate) seen: S,
    /// Whether every factor is tried on it, and not only those of its kind.
    whole: bool,
}

/// A snapshot on which every factor is tried.
pub(crate) fn base<S>(name: &'static str, seen: S) -> Base<S> {
    Base {
        name,
        seen,
        whole: true,
    }
}

/// A snapshot in which what every kind has matters as much as in another one, of this kind or of another.
pub(crate) fn further<S>(name: &'static str, seen: S) -> Base<S> {
    Base {
        name,
        seen,
        whole: false,
    }
}

/// The factors of one kind.
pub(crate) struct Factors<S> {
    /// What every kind has.
    pub(crate) common: Vec<Factor<S>>,
    /// What only this one has.
    pub(crate) own: Vec<Factor<S>>,
}

/// A test for each sheet of a kind, which is a function that gives its bases; and one for the sentences in them.
macro_rules! sheets {
    ($kind:literal: $($sheet:ident),+ $(,)?) => {
        /// Every base.
        pub(crate) fn bases() -> Vec<Base<Snapshot>> {
            [$($sheet()),+].into_iter().flatten().collect()
        }

        mod sheets {
            $(
                #[test]
                fn $sheet() {
                    let text = crate::sheet::sheet(&super::$sheet(), &super::factors());
                    let name = concat!($kind, "_", stringify!($sheet));
                    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                        insta::assert_snapshot!(name, text);
                    });
                }
            )+

            #[test]
            fn sentences() {
                let text = crate::sheet::sentences(&super::bases(), &super::factors());
                insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                    insta::assert_snapshot!(concat!($kind, "_sentences"), text);
                });
            }
        }
    };
}

pub(crate) use sheets;

/// What is decided, in the words of a row.
#[derive(Clone, PartialEq, Eq)]
struct Outcome {
    signals: String,
    state: State,
    moved: bool,
    percent: u8,
    doing: String,
    record: String,
    plan: String,
    again: String,
    waits: String,
    notices: String,
    conditions: Vec<String>,
}

/// The rows of one base. Rows that say the same stand together.
struct Section {
    name: &'static str,
    record: String,
    base: Outcome,
    rows: Vec<(String, Outcome, Vec<String>)>,
    same: usize,
}

/// The decisions for each base, as it is and with each of the factors.
pub(crate) fn sheet<S: Subject>(bases: &[Base<S>], factors: &Factors<S>) -> String {
    let mut text = String::from(
        "# what is different | percent, signals, the state that it moves to | record | do | again | wait | say | \
         conditions that the first row does not have so | doing\n# ~ab stands for a sentence\n",
    );
    for base in bases {
        Section::new(base, factors, &mut BTreeSet::new()).write(&mut text);
    }
    text
}

/// Every sentence that people read in the sheets of these bases, with the letters that stand for it there.
pub(crate) fn sentences<S: Subject>(bases: &[Base<S>], factors: &Factors<S>) -> String {
    let mut words = BTreeSet::new();
    for base in bases {
        Section::new(base, factors, &mut words);
    }
    words
        .into_iter()
        .fold(String::new(), |text, line| text + &line + "\n")
}

/// The widths of the columns. What is wider pushes the rest of its row, so that no row changes with another one.
const NAMES: usize = 44;
const SIGNALS: usize = 30;
const MOVES: usize = 14;

impl Section {
    fn new<S: Subject>(base: &Base<S>, factors: &Factors<S>, words: &mut BTreeSet<String>) -> Self {
        let Base { name, seen, whole } = base;
        let mut section = Self {
            name,
            record: changes(&Record::default(), seen.record()),
            base: outcome(seen, words),
            rows: Vec::new(),
            same: 0,
        };
        let common = factors.common.iter().filter(|factor| *whole || factor.brief);
        for factor in common.chain(&factors.own) {
            let varied = seen.clone().with(&factor.vary);
            if varied == *seen {
                // It is so already.
                continue;
            }
            let outcome = outcome(&varied, words);
            if outcome == section.base {
                section.same += 1;
            } else if let Some((_, _, others)) =
                section.rows.iter_mut().find(|(_, other, _)| *other == outcome)
            {
                others.push(factor.name.clone());
            } else {
                section.rows.push((factor.name.clone(), outcome, Vec::new()));
            }
        }
        section
    }

    fn write(&self, text: &mut String) {
        writeln!(text, "\n## {}\n{}", self.name, self.record).unwrap();
        let first = ("as it is".to_owned(), self.base.clone(), Vec::new());
        for (place, (name, outcome, others)) in [&first].into_iter().chain(&self.rows).enumerate() {
            let but = (place > 0).then_some(&self.base);
            let row = format!(
                "{name:<NAMES$} {:>3}% {:<SIGNALS$} {:<MOVES$} {}",
                outcome.percent,
                outcome.signals,
                outcome.to(),
                outcome.rest(but),
            );
            text.push_str(row.trim_end());
            text.push('\n');
            if !others.is_empty() {
                text.push_str(&list("  and:", others));
            }
        }
        writeln!(text, "{} others make no difference", self.same).unwrap();
    }
}

impl Outcome {
    fn to(&self) -> String {
        if self.moved {
            format!("> {}", self.state)
        } else {
            "-".to_owned()
        }
    }

    /// What is not in columns; of the conditions those that are not as in `but`.
    fn rest(&self, but: Option<&Self>) -> String {
        let mut conditions = self.conditions.clone();
        if let Some(but) = but {
            conditions.retain(|it| !but.conditions.contains(it));
            let kind = |it: &String| it.split('=').next().unwrap_or_default().to_owned();
            let kinds: BTreeSet<_> = self.conditions.iter().map(kind).collect();
            let gone = but.conditions.iter().map(kind).filter(|it| !kinds.contains(it));
            conditions.extend(gone.map(|it| format!("no {it}")));
        }
        let doing = if but.is_some_and(|but| but.doing == self.doing) {
            ""
        } else {
            &self.doing
        };
        let parts = [
            ("", self.record.as_str()),
            ("do ", &self.plan),
            ("again ", &self.again),
            ("wait ", &self.waits),
            ("say ", &self.notices),
            ("", &conditions.join(" ")),
            ("doing ", doing),
        ];
        let said = parts.iter().filter(|(_, part)| !part.is_empty());
        let said: Vec<_> = said.map(|(head, part)| format!("{head}{part}")).collect();
        said.iter()
            .fold(String::new(), |text, part| text + "| " + part + " ")
    }
}

/// One round of a snapshot. The sentences that people read are collected in `words`.
fn outcome<S: Subject>(seen: &S, words: &mut BTreeSet<String>) -> Outcome {
    let before = seen.record();
    let assessment = seen.assess();
    let mut signals: Vec<_> = Signal::ALL
        .iter()
        .filter(|signal| assessment.signals.contains(signal))
        .map(|signal| signal.name().to_owned())
        .collect();
    signals.extend(assessment.loss.as_ref().map(|loss| match loss {
        Loss::Leaving(_) => "(leaving)".to_owned(),
        Loss::Gone(_) => "(gone)".to_owned(),
        Loss::Unready => "(unready)".to_owned(),
    }));
    let ignored = seen.object().deleting || seen.object().paused.is_some();
    if signals.is_empty() || ignored {
        signals = vec!["-".to_owned()];
    }
    let decision = seen.decide(assessment);
    let after = &decision.record;
    let conditions = condition::standard(seen.object(), after, &decision.waits, NOW);
    let progress = seen.progress(after);
    let sentences = decision.waits.iter().map(|wait| &wait.message);
    let sentences = sentences.chain(decision.notices.iter().map(|notice| &notice.message));
    let sentences = sentences.chain(conditions.iter().map(|condition| &condition.message));
    for sentence in sentences.filter(|sentence| !sentence.is_empty()) {
        words.insert(format!("{} {sentence}", mark(sentence)));
    }
    let waits = decision.waits.iter();
    let waits = waits.map(|wait| format!("{}@{}{}", wait.reason, wait.on, mark(&wait.message)));
    let notices = decision.notices.iter().map(|notice| {
        let loud = match notice.severity {
            Severity::Normal => "",
            Severity::Warning => "!",
        };
        format!("{loud}{}{}", notice.reason, mark(&notice.message))
    });
    let steps = decision.plan.steps().iter().map(|step| {
        let after: Vec<_> = step.after.iter().map(|id| id.0).collect();
        let command = format!("{}={:?}", step.id, step.command);
        if after.is_empty() {
            command
        } else {
            format!("{command} after {}", after.join("+"))
        }
    });
    let counted = if progress.total > 0 {
        format!(" {}/{}", progress.completed, progress.total)
    } else {
        String::new()
    };
    Outcome {
        signals: signals.join("+"),
        state: after.state,
        moved: after.state != before.state,
        percent: progress.percent,
        doing: if progress.current.is_empty() {
            counted
        } else {
            format!("\"{}\"{counted}", progress.current)
        },
        record: changes(
            &Record {
                state: after.state,
                ..before.clone()
            },
            after,
        ),
        plan: steps.collect::<Vec<_>>().join(", "),
        again: match decision.requeue {
            Requeue::OnChange => String::new(),
            Requeue::At(at) => moment(at),
        },
        waits: waits.collect::<Vec<_>>().join(" "),
        notices: notices.collect::<Vec<_>>().join(" "),
        conditions: conditions
            .iter()
            .map(in_short)
            .chain([format!("phase={}", after.phase().name())])
            .collect(),
    }
}
