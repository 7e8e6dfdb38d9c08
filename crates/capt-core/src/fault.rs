//! What went wrong, classified once at the edge and from then on a value.
//!
//! An adapter (Kubernetes, Terraform) turns its own errors into a [`Fault`]; everything behind it decides
//! by [`FaultClass`] alone and shows `code`, `subject` and `message` to people.

use std::fmt::{self, Write as _};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::retry::RetryStrategy;

/// The kind of failure, as far as the decision what to do next needs to know it.
///
/// Deliberately small: adapters map their richer vocabularies onto it (`capt-terraform` maps fourteen
/// Terraform error classes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FaultClass {
    /// Passes by itself: throttling, time-outs, a server that is down for a moment.
    Transient,
    /// Another thing must be ready or gone first.
    Dependency,
    /// Somebody else holds the lock.
    Locked,
    /// The work was stopped before its end; it can be taken up again at once.
    Interrupted,
    /// The credentials are missing, expired or wrong.
    Credentials,
    /// The credentials are good but may not do this.
    Permission,
    /// A limit of the account or cluster is reached.
    Quota,
    /// Something of that name or identity exists and is not ours.
    Conflict,
    /// The input cannot work until somebody changes it.
    Invalid,
    /// What is recorded and what exists do not agree; going on could destroy something.
    Integrity,
    /// The machine that does the work lacks something: disk, memory, a binary.
    Environment,
    /// Nobody has classified this yet.
    Unknown,
}

/// What a class asks for once it has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Try what the ladder of the class has ([`crate::recovery::ladder`]), with growing delays, then ask a person.
    Retry,
    /// Try again at once; it does not count against any budget.
    Resume,
    /// Stop, and look again at this interval, because the cause can be mended outside the cluster.
    Probe {
        /// How long to wait between two looks.
        every: Duration,
    },
    /// Stop until the input changes or a person asks for a retry.
    Stop,
}

impl FaultClass {
    /// Every class, in the order of declaration.
    pub const ALL: &'static [Self] = &[
        Self::Transient,
        Self::Dependency,
        Self::Locked,
        Self::Interrupted,
        Self::Credentials,
        Self::Permission,
        Self::Quota,
        Self::Conflict,
        Self::Invalid,
        Self::Integrity,
        Self::Environment,
        Self::Unknown,
    ];

    /// What to do about a fault of this class.
    pub const fn disposition(self) -> Disposition {
        const HALF_HOUR: Duration = Duration::from_mins(30);
        match self {
            Self::Transient
            | Self::Dependency
            | Self::Locked
            | Self::Credentials
            | Self::Environment
            | Self::Unknown => Disposition::Retry,
            Self::Interrupted => Disposition::Resume,
            Self::Permission | Self::Quota => Disposition::Probe { every: HALF_HOUR },
            Self::Conflict | Self::Invalid | Self::Integrity => Disposition::Stop,
        }
    }

    /// Whether waiting alone can never mend it.
    pub const fn is_terminal(self) -> bool {
        match self.disposition() {
            Disposition::Retry | Disposition::Resume => false,
            Disposition::Probe { .. } | Disposition::Stop => true,
        }
    }

    /// Whether it passes by itself, so that whoever met it just tries again.
    pub const fn passes(self) -> bool {
        match self {
            Self::Transient | Self::Dependency | Self::Locked | Self::Interrupted => true,
            Self::Credentials
            | Self::Permission
            | Self::Quota
            | Self::Conflict
            | Self::Invalid
            | Self::Integrity
            | Self::Environment
            | Self::Unknown => false,
        }
    }

    /// The classes in the order in which they decide when several come at once, the first first.
    ///
    /// What says that nothing else can be believed comes first (an interrupted run, a state that does not agree), then
    /// what only a person mends, from the narrowest cause to the widest; what passes by itself comes last.
    pub const BY_PRECEDENCE: &'static [Self] = &[
        Self::Interrupted,
        Self::Integrity,
        Self::Locked,
        Self::Credentials,
        Self::Permission,
        Self::Invalid,
        Self::Quota,
        Self::Conflict,
        Self::Environment,
        Self::Unknown,
        Self::Dependency,
        Self::Transient,
    ];

    /// The place in [`FaultClass::BY_PRECEDENCE`], from zero.
    pub const fn precedence(self) -> u8 {
        match self {
            Self::Interrupted => 0,
            Self::Integrity => 1,
            Self::Locked => 2,
            Self::Credentials => 3,
            Self::Permission => 4,
            Self::Invalid => 5,
            Self::Quota => 6,
            Self::Conflict => 7,
            Self::Environment => 8,
            Self::Unknown => 9,
            Self::Dependency => 10,
            Self::Transient => 11,
        }
    }

    /// What a person can do about it, in one line.
    pub const fn next_step(self) -> &'static str {
        match self {
            Self::Transient => "nothing: it is tried again by itself",
            Self::Dependency => "see to what it waits for; it goes on by itself once that is ready",
            Self::Locked => "let whoever holds the lock end, or release it if its holder is dead",
            Self::Interrupted => "nothing: it is taken up again at once",
            Self::Credentials => "renew the credentials; it is tried again once they change",
            Self::Permission => {
                "grant what the message names; it is looked at again every half hour, or on request"
            }
            Self::Quota => {
                "raise the limit that the message names, or free some of it; it is looked at again every half hour"
            }
            Self::Conflict => "rename, remove or hand over what exists under that name, and ask for a retry",
            Self::Invalid => "correct what the message names; it goes on as soon as that is changed",
            Self::Integrity => {
                "compare the state with what exists before anything else is done, and ask for a retry"
            }
            Self::Environment => {
                "give the machine that runs it what it lacks: disk, memory, a program, a right"
            }
            Self::Unknown => "read the message; correct what it names, and ask for a retry",
        }
    }

    /// The name of the class as people see it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transient => "Transient",
            Self::Dependency => "Dependency",
            Self::Locked => "Locked",
            Self::Interrupted => "Interrupted",
            Self::Credentials => "Credentials",
            Self::Permission => "Permission",
            Self::Quota => "Quota",
            Self::Conflict => "Conflict",
            Self::Invalid => "Invalid",
            Self::Integrity => "Integrity",
            Self::Environment => "Environment",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for FaultClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One classified failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What kind of failure it is.
    pub class: FaultClass,
    /// A `CamelCase` word for programs, fit to be a condition reason (`VpcLimitExceeded`).
    pub code: String,
    /// What failed: a Terraform address, an object, a field path. May be empty.
    pub subject: String,
    /// What happened, in words for a person. Never holds a secret value.
    pub message: String,
    /// Where in a text that a person wrote, as `field:line,column` or `file:line,column`. May be empty.
    #[serde(default)]
    pub position: String,
    /// The other side said when to come back.
    pub retry_after: Option<Duration>,
}

/// How the subject of a fault begins whose cause is an output of a workspace.
const OUTPUT: &str = "output ";

/// How the subject of a fault begins whose cause is a health check.
const CHECK: &str = "check ";

impl Fault {
    /// A fault of `class` with a program-readable `code` and a message for people.
    pub fn new(class: FaultClass, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            class,
            code: code.into(),
            subject: String::new(),
            message: message.into(),
            position: String::new(),
            retry_after: None,
        }
    }

    /// The output `name` of a workspace is not what it must be; only another template mends that.
    pub fn of_output(name: &str, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(FaultClass::Invalid, code, message).on(format!("{OUTPUT}{name}"))
    }

    /// A health check fails, of this name.
    pub fn of_check(class: FaultClass, name: &str, message: impl Into<String>) -> Self {
        Self::new(class, format!("{name}Failing"), message).on(format!("{CHECK}{name}"))
    }

    /// Whether a health check is its cause.
    pub fn is_of_check(&self) -> bool {
        self.subject.starts_with(CHECK)
    }

    /// Whether an output of a workspace is its cause.
    pub fn is_of_output(&self) -> bool {
        self.subject.starts_with(OUTPUT)
    }

    /// The same fault, saying what it happened to.
    #[must_use]
    pub fn on(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }

    /// The same fault, saying where in a text that a person wrote it lies.
    #[must_use]
    pub fn at(mut self, position: impl Into<String>) -> Self {
        self.position = position.into();
        self
    }

    /// The same fault, not to be retried before `delay` has passed.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.subject.is_empty() {
            write!(f, "{}: ", self.subject)?;
        }
        f.write_str(&self.message)?;
        if !self.position.is_empty() {
            write!(f, " ({})", self.position)?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

/// The fault that decides when several come at once: the first by [`FaultClass::precedence`], and of equal ones the
/// one that came first. The others are told and not acted upon.
pub fn deciding<'f>(faults: impl IntoIterator<Item = &'f Fault>) -> Option<&'f Fault> {
    faults.into_iter().min_by_key(|fault| fault.class.precedence())
}

/// The classes as Markdown, in the order in which they decide: what is done about each and what a person can do.
pub fn render_markdown() -> String {
    let mut text = String::from("| class | is answered by | what a person can do |\n|---|---|---|\n");
    for &class in FaultClass::BY_PRECEDENCE {
        let answer = match class.disposition() {
            Disposition::Retry => {
                let pace = RetryStrategy::default().for_class(class);
                let (base, max) = (pace.base_delay.as_secs(), pace.max_delay.as_secs() / 60);
                format!("its ladder, after {base} s growing to {max} min, then a person")
            }
            Disposition::Resume => "going on at once, at no cost".to_owned(),
            Disposition::Probe { every } => format!("another look every {} min", every.as_secs() / 60),
            Disposition::Stop => "nothing, until the input changes or a retry is asked for".to_owned(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {class} | {answer} | {} |", class.next_step());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_as_what_where_and_why() {
        let fault = Fault::new(FaultClass::Invalid, "Code", "it is wrong");
        assert_eq!(fault.to_string(), "it is wrong");
        let fault = fault.on("a.b").at("spec.module:3,5");
        assert_eq!(fault.to_string(), "a.b: it is wrong (spec.module:3,5)");
    }

    #[test]
    fn the_order_of_precedence_has_every_class_once() {
        for (place, class) in (0..).zip(FaultClass::BY_PRECEDENCE) {
            assert_eq!(class.precedence(), place);
        }
        let mut ordered = FaultClass::BY_PRECEDENCE.to_vec();
        ordered.sort_unstable();
        assert_eq!(ordered, FaultClass::ALL);
    }

    #[test]
    fn of_several_faults_the_first_by_precedence_decides_and_of_equal_ones_the_first_to_come() {
        let fault = |class, code: &str| Fault::new(class, code, "words");
        let faults = [
            fault(FaultClass::Transient, "a"),
            fault(FaultClass::Invalid, "b"),
            fault(FaultClass::Invalid, "c"),
            fault(FaultClass::Quota, "d"),
        ];
        assert_eq!(deciding(&faults).unwrap().code, "b");
        assert_eq!(deciding(&faults[..1]).unwrap().code, "a");
        assert_eq!(deciding([]), None);
        let interrupted = fault(FaultClass::Interrupted, "e");
        assert_eq!(deciding(faults.iter().chain([&interrupted])).unwrap().code, "e");
    }

    #[test]
    fn what_is_done_about_each_class() {
        insta::assert_snapshot!(render_markdown());
    }

    #[test]
    fn what_passes_and_what_does_not() {
        let classes = |wanted: fn(FaultClass) -> bool| -> Vec<&str> {
            let classes = FaultClass::ALL.iter().filter(|class| wanted(**class));
            classes.map(|class| class.name()).collect()
        };
        assert_eq!(
            classes(FaultClass::passes),
            ["Transient", "Dependency", "Locked", "Interrupted"]
        );
        assert_eq!(
            classes(FaultClass::is_terminal),
            ["Permission", "Quota", "Conflict", "Invalid", "Integrity"]
        );
    }

    #[test]
    fn a_fault_keeps_what_it_is_given() {
        let fault = Fault::new(FaultClass::Transient, "Throttled", "slow down");
        assert_eq!(
            (fault.class, &*fault.code, &*fault.message),
            (FaultClass::Transient, "Throttled", "slow down")
        );
        assert_eq!(
            (&*fault.subject, &*fault.position, fault.retry_after),
            ("", "", None)
        );
        let delay = Duration::from_secs(7);
        assert_eq!(fault.retry_after(delay).retry_after, Some(delay));
    }

    #[test]
    fn a_fault_of_a_check_is_told_by_its_subject() {
        let fault = Fault::of_check(FaultClass::Unknown, "Endpoint", "it is missing");
        assert!(fault.is_of_check());
        assert!(!fault.is_of_output());
        assert_eq!(fault.code, "EndpointFailing");
        assert_eq!(fault.to_string(), "check Endpoint: it is missing");
        assert!(!Fault::of_output("vpc_id", "OutputMissing", "there is none").is_of_check());
    }

    #[test]
    fn a_fault_of_an_output_is_told_by_its_subject() {
        let fault = Fault::of_output("vpc_id", "OutputMissing", "there is none");
        assert!(fault.is_of_output());
        assert_eq!(fault.to_string(), "output vpc_id: there is none");
        assert!(fault.class.is_terminal());
        assert!(!Fault::new(FaultClass::Invalid, "Code", "output of no use").is_of_output());
    }
}
