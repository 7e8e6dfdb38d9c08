//! How patient everybody is: the policies that worlds are gone through with.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use capt_core::advance::{ABLE, Policy};
use capt_core::fault::FaultClass;
use capt_core::recovery::{ActionKind, RecoveryMode, Rules, ladder};
use capt_core::retry::RetryStrategy;

/// What an owner has written about recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Manner {
    /// One attempt in an incident, so that two faults use it up, and as many incidents as there are.
    #[default]
    Act,
    /// Nothing is tried.
    Off,
    /// Nothing is tried, and what would have been is written down.
    Observe,
    /// Two attempts in an incident, and one within an hour.
    Window,
    /// As [`Manner::Act`], in a world where incident after incident has ended with a person just now.
    Tripped,
    /// One action of the owner's own, about whatever it is.
    Written,
}

/// The window of [`Manner::Window`].
pub(crate) const WINDOW: Duration = Duration::from_hours(1);

/// How long nothing is tried once the breaker has opened.
pub(crate) const COOL_DOWN: Duration = Duration::from_hours(1);

/// So many incidents in a row that ended with a person open the breaker.
pub(crate) const TRIPS: u32 = 3;

/// How attempts are spaced.
pub(crate) const BASE_DELAY: Duration = Duration::from_mins(1);
pub(crate) const MAX_DELAY: Duration = Duration::from_mins(10);
/// How long dependencies are waited for.
pub(crate) const LIMIT: Duration = Duration::from_mins(30);

impl Manner {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Act,
        Self::Off,
        Self::Observe,
        Self::Window,
        Self::Tripped,
        Self::Written,
    ];

    /// The most attempts of one incident.
    pub(crate) const fn most(self) -> u32 {
        match self {
            Self::Act | Self::Tripped | Self::Off | Self::Observe => 1,
            Self::Window | Self::Written => 2,
        }
    }

    /// The most attempts within the window, where there is one.
    pub(crate) const fn in_window(self) -> Option<u32> {
        match self {
            Self::Window => Some(1),
            Self::Act | Self::Off | Self::Observe | Self::Tripped | Self::Written => None,
        }
    }

    const fn mode(self) -> RecoveryMode {
        match self {
            Self::Off => RecoveryMode::Off,
            Self::Observe => RecoveryMode::Observe,
            Self::Act | Self::Window | Self::Tripped | Self::Written => RecoveryMode::Act,
        }
    }

    /// The policy.
    pub(crate) fn policy(self) -> &'static Policy {
        static ALL: LazyLock<[Policy; 6]> = LazyLock::new(|| Manner::ALL.map(Manner::written));
        &ALL[self as usize]
    }

    fn written(self) -> Policy {
        Policy {
            recovery: Rules {
                mode: self.mode(),
                retry: RetryStrategy {
                    base_delay: BASE_DELAY,
                    max_delay: MAX_DELAY,
                    max_retries: self.most(),
                    backoff_factor_percent: 200,
                    success_threshold: 1,
                },
                // What a look finds is believed at once.
                failure_threshold: Some(1),
                actions: match self {
                    Self::Written => vec![(ActionKind::Replan, None)],
                    Self::Act | Self::Off | Self::Observe | Self::Window | Self::Tripped => Vec::new(),
                },
                allow: BTreeSet::new(),
                per_window: self.in_window().unwrap_or(u32::MAX),
                window: WINDOW,
            },
            dependencies: LIMIT,
            // Nothing is overdue and nothing is expected: both are looked at only to be shown.
            work: Duration::MAX,
            usually: Duration::ZERO,
        }
    }

    /// How often a fault of this class is answered by another attempt in one incident.
    pub(crate) fn attempts(self, class: FaultClass) -> u32 {
        let acts = match self.mode() {
            RecoveryMode::Act => true,
            RecoveryMode::Off | RecoveryMode::Observe => false,
        };
        if !acts {
            return 0;
        }
        let rungs = ladder(class).iter().filter(|rung| ABLE.contains(&rung.kind));
        let tries: u32 = match self {
            Self::Written => rungs
                .filter(|rung| rung.kind == ActionKind::Replan)
                .map(|rung| rung.tries)
                .sum::<u32>()
                // What its ladder does not have is tried once.
                .max(1),
            Self::Act | Self::Off | Self::Observe | Self::Window | Self::Tripped => {
                rungs.map(|rung| rung.tries).sum()
            }
        };
        tries.min(self.most())
    }

    /// The class that stands for all that ask for the same.
    pub fn stands_for(self, class: FaultClass) -> FaultClass {
        let asks = |class: FaultClass| {
            let permission = class == FaultClass::Permission;
            (
                self.policy().recovery.retry.for_class(class),
                class.disposition(),
                class.is_terminal(),
                class.passes(),
                permission,
                self.attempts(class),
            )
        };
        let same = FaultClass::ALL.iter().find(|known| asks(**known) == asks(class));
        same.copied().unwrap_or(class)
    }
}
