//! What clients saw, and what of it cannot have been.

use std::collections::{BTreeMap, BTreeSet};

use crate::register::{self, Step, What};

/// What one client saw, or all of them.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) requests: u64,
    /// Requests that were never answered.
    pub(crate) broken_off: u64,
    /// Answers that nobody should get.
    pub(crate) refused: Vec<String>,
    /// What was done with each register.
    registers: BTreeMap<u64, Vec<Step>>,
    /// Revisions of the family that all of them register.
    pub(crate) revisions: Vec<Revision>,
    /// Registrations that were never answered: each may have taken a revision.
    pub(crate) revisions_unknown: u64,
    /// The tasks that were answered to each token.
    pub(crate) started: BTreeMap<u64, Vec<String>>,
    /// Tasks that were asked to stop.
    pub(crate) stopped: BTreeSet<String>,
    /// Tokens that were answered with other tasks than before.
    doubled: Vec<String>,
}

/// An answer to a registration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Revision {
    pub(crate) begun: u64,
    pub(crate) ended: u64,
    pub(crate) number: i64,
}

impl Seen {
    /// Something was done with a register.
    pub(crate) fn step(&mut self, register: u64, begun: u64, ended: u64, what: What) {
        self.registers
            .entry(register)
            .or_default()
            .push(Step { begun, ended, what });
    }

    /// These tasks were answered to a token.
    pub(crate) fn started(&mut self, token: u64, arns: Vec<String>) {
        match self.started.get(&token) {
            Some(known) if *known != arns => self
                .doubled
                .push(format!("token {token}: {known:?} and {arns:?}")),
            Some(_) => {}
            None => {
                self.started.insert(token, arns);
            }
        }
    }

    /// Takes in what another saw.
    pub(crate) fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.broken_off += other.broken_off;
        self.refused.extend(other.refused);
        for (register, steps) in other.registers {
            self.registers.entry(register).or_default().extend(steps);
        }
        self.revisions.extend(other.revisions);
        self.revisions_unknown += other.revisions_unknown;
        self.stopped.extend(other.stopped);
        self.doubled.extend(other.doubled);
        for (token, arns) in other.started {
            self.started(token, arns);
        }
    }

    /// How many tasks of a cluster were started and not stopped.
    pub(crate) fn alive(&self, cluster: &str) -> u64 {
        let of_cluster = format!("task/{cluster}/");
        let started = self.started.values().flatten();
        started
            .filter(|arn| arn.contains(&of_cluster) && !self.stopped.contains(*arn))
            .count() as u64
    }

    /// How often registers were written.
    pub(crate) fn writes(&self) -> usize {
        let steps = self.registers.values().flatten();
        steps.filter(|it| matches!(it.what, What::Write(_))).count()
    }

    /// Everything that cannot have been.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let mut wrong = self.doubled.clone();
        for (number, steps) in &self.registers {
            wrong.extend(
                register::check(steps)
                    .iter()
                    .map(|it| format!("register {number}: {it:?}")),
            );
        }
        let mut tasks = BTreeSet::new();
        for (token, arns) in &self.started {
            wrong.extend(
                arns.iter()
                    .filter(|arn| !tasks.insert(*arn))
                    .map(|arn| format!("{arn} is of {token}, too")),
            );
            if arns.len() as u64 != 1 + token % 3 {
                wrong.push(format!("token {token} has {} tasks", arns.len()));
            }
        }
        wrong.extend(counted(&self.revisions, self.revisions_unknown));
        wrong
    }
}

/// Revisions count on without gap or repeat, and in the order of requests that did not overlap. Each request without
/// an answer may have taken one.
fn counted(revisions: &[Revision], unknown: u64) -> Vec<String> {
    let mut sorted = revisions.to_vec();
    sorted.sort_by_key(|it| it.number);
    let mut wrong = Vec::new();
    for pair in sorted.windows(2) {
        if pair[0].number == pair[1].number {
            wrong.push(format!("revision {} was given twice", pair[0].number));
        }
    }
    let highest = sorted.last().map_or(0, |it| it.number.unsigned_abs());
    if highest > sorted.len() as u64 + unknown {
        wrong.push(format!(
            "revision {highest} of {} registrations and {unknown} unknown ones",
            sorted.len()
        ));
    }
    // From the highest down: nobody may have ended before one with a lower revision was begun.
    let mut earliest_end = u64::MAX;
    for one in sorted.iter().rev() {
        if one.begun > earliest_end {
            wrong.push(format!(
                "revision {} was asked for when a higher one was given",
                one.number
            ));
        }
        earliest_end = earliest_end.min(one.ended);
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(begun: u64, ended: u64, number: i64) -> Revision {
        Revision { begun, ended, number }
    }

    #[test]
    fn revisions_count_on() {
        let right = [revision(1, 4, 2), revision(2, 3, 1), revision(5, 6, 3)];
        assert_eq!(counted(&right, 0), Vec::<String>::new());
        assert_eq!(counted(&[revision(1, 2, 2)], 1), Vec::<String>::new());
        assert_eq!(counted(&[revision(1, 2, 2)], 0).len(), 1);
        assert_eq!(
            counted(&[revision(1, 2, 1), revision(1, 2, 1)], 0),
            ["revision 1 was given twice"]
        );
        assert_eq!(
            counted(&[revision(1, 2, 2), revision(3, 4, 1)], 0),
            ["revision 1 was asked for when a higher one was given"]
        );
    }

    #[test]
    fn a_token_has_the_same_tasks_whoever_asks() {
        let mut one = Seen::default();
        one.started(0, vec!["arn:task/a/1".to_owned()]);
        one.started(0, vec!["arn:task/a/1".to_owned()]);
        assert_eq!(one.wrong(), Vec::<String>::new());
        assert_eq!((one.alive("a"), one.alive("b")), (1, 0));
        let mut other = Seen::default();
        other.started(0, vec!["arn:task/a/2".to_owned()]);
        one.add(other);
        assert_eq!(one.wrong().len(), 1);
        one.stopped.insert("arn:task/a/1".to_owned());
        assert_eq!(one.alive("a"), 0);
    }
}
