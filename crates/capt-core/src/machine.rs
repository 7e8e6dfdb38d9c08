//! A state machine as a table: every state, every signal, and where each pair leads.

use std::fmt::Write as _;

/// Where a signal leads from a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move<S> {
    /// Nowhere: the signal says nothing new in this state.
    Stay,
    /// To this state.
    To(S),
    /// To the state from which the present one was entered.
    Back,
    /// Nowhere: the signal cannot come up in this state. Never an error at run time, it is not taken.
    Illegal,
}

/// A finite state machine.
///
/// [`Machine::next`] is one exhaustive match on state and then on signal, without a catch-all arm, so that
/// a new state and a new signal both break the build where somebody has to think.
pub trait Machine {
    /// The states; without fields.
    type State: Copy + Eq + 'static;
    /// The signals; without fields.
    type Signal: Copy + Eq + 'static;
    /// What the machine is called in the documentation.
    const TITLE: &'static str;
    /// Every state, in order of declaration.
    const STATES: &'static [Self::State];
    /// Every signal, most urgent first: if several come up in one round, the first one that moves is taken.
    const SIGNALS: &'static [Self::Signal];

    /// Where `signal` leads from `state`.
    fn next(state: Self::State, signal: Self::Signal) -> Move<Self::State>;

    /// The name of a state as people see it.
    fn state_name(state: Self::State) -> &'static str;

    /// The name of a signal as people see it.
    fn signal_name(signal: Self::Signal) -> &'static str;

    /// What a signal means, in a few words.
    fn signal_meaning(signal: Self::Signal) -> &'static str;
}

/// The table of a machine as Markdown: a row per pair that moves.
pub fn render_markdown<M: Machine>() -> String {
    let mut text = String::from("| from | to | on | meaning |\n|---|---|---|---|\n");
    for &state in M::STATES {
        for &signal in M::SIGNALS {
            let to = match M::next(state, signal) {
                Move::To(to) => M::state_name(to),
                Move::Back => "where it came from",
                Move::Stay | Move::Illegal => continue,
            };
            let (from, on) = (M::state_name(state), M::signal_name(signal));
            // Writing to a String cannot fail.
            let _ = writeln!(text, "| {from} | {to} | {on} | {} |", M::signal_meaning(signal));
        }
    }
    text
}

/// Every pair of the machine as Markdown: a row per signal and a column per state. A dot is a pair in which the
/// signal says nothing new, a dash one in which it cannot come up.
pub fn render_matrix<M: Machine>() -> String {
    let mut text = String::from("| on |");
    for &state in M::STATES {
        let _ = write!(text, " {} |", M::state_name(state));
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(M::STATES.len()));
    text.push('\n');
    for &signal in M::SIGNALS {
        let _ = write!(text, "| {} |", M::signal_name(signal));
        for &state in M::STATES {
            let to = match M::next(state, signal) {
                Move::To(to) => M::state_name(to),
                Move::Back => "back",
                Move::Stay => "·",
                Move::Illegal => "–",
            };
            let _ = write!(text, " {to} |");
        }
        text.push('\n');
    }
    text
}

/// The machine as a Mermaid state diagram. `Back` is drawn as a loop through the state that it leaves.
pub fn render_mermaid<M: Machine>() -> String {
    let mut text = String::from("stateDiagram-v2\n");
    if let Some(&first) = M::STATES.first() {
        let _ = writeln!(text, "    [*] --> {}", M::state_name(first));
    }
    for &state in M::STATES {
        for &signal in M::SIGNALS {
            let from = M::state_name(state);
            match M::next(state, signal) {
                Move::To(to) => {
                    let _ = writeln!(
                        text,
                        "    {from} --> {}: {}",
                        M::state_name(to),
                        M::signal_name(signal)
                    );
                }
                Move::Back => {
                    let _ = writeln!(
                        text,
                        "    note right of {from}: {} returns to the former state",
                        M::signal_name(signal)
                    );
                }
                Move::Stay | Move::Illegal => {}
            }
        }
    }
    text
}
