//! What is to be reached, and what is reached in this run.

use std::collections::BTreeMap;
use std::fmt;

/// What a figure is to reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// This much or less.
    AtMost(f64),
    /// This much or more.
    AtLeast(f64),
}

impl Goal {
    fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtMost(most) => figure <= most,
            Self::AtLeast(least) => figure >= least,
        }
    }

    fn worse(self, a: f64, b: f64) -> f64 {
        match self {
            Self::AtMost(_) => a.max(b),
            Self::AtLeast(_) => a.min(b),
        }
    }

    fn verdict(self, figure: f64) -> &'static str {
        if self.is_met(figure) { "met" } else { "MISSED" }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "at most {most}"),
            Self::AtLeast(least) => write!(f, "at least {least}"),
        }
    }
}

/// The goals of a run, each with the worst figure that was held against it.
#[derive(Debug, Default)]
pub(crate) struct Goals {
    seen: BTreeMap<String, (usize, Goal, f64)>,
}

impl Goals {
    /// Holds a figure against a goal. Returns what is said in its row.
    pub(crate) fn judge(&mut self, name: &str, goal: Goal, figure: f64) -> String {
        let place = self.seen.len();
        let (_, _, worst) = self.seen.entry(name.to_owned()).or_insert((place, goal, figure));
        *worst = goal.worse(*worst, figure);
        format!("{goal}: {}", goal.verdict(figure))
    }

    /// Prints all goals in the order in which they came up.
    pub(crate) fn print(&self) {
        println!("## Goals\n");
        println!("| what | goal | worst | |");
        println!("|---|---|---|---|");
        let mut rows: Vec<_> = self.seen.iter().collect();
        rows.sort_by_key(|(_, (place, _, _))| *place);
        for (name, (_, goal, worst)) in rows {
            println!("| {name} | {goal} | {worst:.2} | {} |", goal.verdict(*worst));
        }
    }
}
