//! The fourteen classes of failures.

use std::fmt;

use capt_core::fault::FaultClass;

/// What kind of failure it is, in the words of those who run Terraform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorClass {
    /// The run was stopped before its end.
    Interrupted,
    /// The state is damaged, too new, or could not be stored.
    State,
    /// Somebody holds the lock of the state.
    StateLock,
    /// The credentials are missing, expired or wrong.
    AuthCredentials,
    /// The credentials may not do this.
    AuthPermission,
    /// The configuration or its inputs cannot work.
    Config,
    /// A limit of the account is reached.
    Quota,
    /// Something of this name exists.
    Conflict,
    /// A provider did not start or crashed.
    Plugin,
    /// The working directory or the saved plan no longer fits: initialize or plan again.
    StaleWorkspace,
    /// The machine lacks disk, memory or a permission.
    Environment,
    /// Another thing must be ready or gone first.
    Dependency,
    /// What was just made is not visible everywhere yet.
    EventualConsistency,
    /// Passes by itself.
    Transient,
}

impl ErrorClass {
    /// Every class, in the order in which they decide.
    pub const ALL: [Self; 14] = [
        Self::Interrupted,
        Self::State,
        Self::StateLock,
        Self::AuthCredentials,
        Self::AuthPermission,
        Self::Config,
        Self::Quota,
        Self::Conflict,
        Self::Plugin,
        Self::StaleWorkspace,
        Self::Environment,
        Self::Dependency,
        Self::EventualConsistency,
        Self::Transient,
    ];

    /// The place in the order in which failures of one run decide, from zero.
    pub const fn precedence(self) -> u8 {
        self as u8
    }

    /// The word of the class.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::State => "state",
            Self::StateLock => "state-lock",
            Self::AuthCredentials => "auth-credentials",
            Self::AuthPermission => "auth-permission",
            Self::Config => "config",
            Self::Quota => "quota",
            Self::Conflict => "conflict",
            Self::Plugin => "plugin",
            Self::StaleWorkspace => "stale-workspace",
            Self::Environment => "environment",
            Self::Dependency => "dependency",
            Self::EventualConsistency => "eventual-consistency",
            Self::Transient => "transient",
        }
    }

    /// The class of this word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// The small generic class that decisions are made by.
    pub const fn fault_class(self) -> FaultClass {
        match self {
            Self::Interrupted => FaultClass::Interrupted,
            Self::State => FaultClass::Integrity,
            Self::StateLock => FaultClass::Locked,
            Self::AuthCredentials => FaultClass::Credentials,
            Self::AuthPermission => FaultClass::Permission,
            Self::Config => FaultClass::Invalid,
            Self::Quota => FaultClass::Quota,
            Self::Conflict => FaultClass::Conflict,
            Self::Plugin | Self::Environment => FaultClass::Environment,
            Self::Dependency => FaultClass::Dependency,
            // Every run initializes and plans anew, so trying again is all it takes.
            Self::StaleWorkspace | Self::EventualConsistency | Self::Transient => FaultClass::Transient,
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
