//! A service in the middle of its deployments, as small as it can be told.

use crate::law::Law;

/// A service and all around it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// What the service is like.
    pub setup: Setup,
    /// How many tasks it is to have.
    pub desired: u8,
    /// Its deployments, the newest first.
    pub deployments: Vec<Deployment>,
    /// Its tasks, in an order of their own; those that are over are there until a round has seen them.
    pub tasks: Vec<Task>,
    /// Its service deployments, the oldest first; each is of the revision of its place, counted from one.
    pub told: Vec<Told>,
    /// The id of the next deployment.
    pub next: u8,
    /// How much happened since the last round.
    pub unseen: u8,
    /// What may happen yet.
    pub left: Left,
    /// What is known without asking the scheduler.
    pub truth: Truth,
    /// The law that the last round broke.
    pub broken: Option<Law>,
}

/// What a service is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Setup {
    /// How many tasks it is to have at first.
    pub desired: u8,
    /// The minimum healthy percent.
    pub minimum: u8,
    /// The maximum percent.
    pub maximum: u8,
    /// What its breaker does.
    pub breaker: Breaker,
    /// Whether its tasks have health checks.
    pub checked: bool,
}

/// What a breaker does when it trips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Breaker {
    /// There is none.
    Off,
    /// It gives the deployment up.
    GivesUp,
    /// It goes back to the revision before.
    GoesBack,
}

/// At how many failures one after the other the breaker trips.
pub const THRESHOLD: u8 = 2;

/// A deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Deployment {
    /// Its id.
    pub id: u8,
    /// The revision that its tasks are made from.
    pub revision: u8,
    /// The place of the service deployment that tells of it.
    pub told: u8,
    /// How far it is.
    pub state: State,
    /// Its failures one after the other.
    pub failures: u8,
    /// The rounds that saw a failure, one after the other, up to two.
    pub setbacks: u8,
    /// Whether nothing may be started for it for a while.
    pub held: bool,
    /// Whether it was ever complete.
    pub completed: bool,
    /// Whether it goes back to an earlier revision.
    pub goes_back: bool,
}

/// How far a deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Under way.
    InProgress,
    /// Complete.
    Completed,
    /// Given up.
    Failed,
}

/// A task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Task {
    /// The deployment it is of.
    pub deployment: u8,
    /// How far it is.
    pub phase: Phase,
    /// Whether it is to run.
    pub wanted: bool,
    /// What its health checks say.
    pub health: Health,
    /// Whether it was seen to be healthy.
    pub seen_healthy: bool,
    /// Whether its failure was counted.
    pub counted: bool,
    /// Why it ends.
    pub end: End,
    /// Whether it came to run since the last round, and as which happening.
    pub ran_at: u8,
    /// The same for its end.
    pub ended_at: u8,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// It is on its way.
    Coming,
    /// It runs.
    Running,
    /// It is over without having run.
    NeverRan,
    /// It ran and is over.
    Over,
}

/// What health checks say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Health {
    /// Nothing, or nothing yet.
    Unknown,
    /// They pass.
    Healthy,
    /// They fail.
    Unhealthy,
}

/// Why a task ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// It does not.
    None,
    /// It could not start.
    FailedToStart,
    /// Its container ended.
    Exited,
    /// The scheduler asked it to, for its health.
    Sick,
    /// The scheduler asked it to, for another reason.
    Scaled,
}

/// What is told of a service deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Told {
    /// How far it is.
    pub status: Status,
    /// The revision that it goes or went back to; zero: none.
    pub back_to: u8,
    /// As which one it was finished; zero: it was not.
    pub finished: u8,
}

/// How far a service deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It was asked for.
    Pending,
    /// It is under way.
    InProgress,
    /// It is to be stopped where it is.
    StopRequested,
    /// It is to go back.
    RollbackRequested,
    /// It goes back.
    RollbackInProgress,
    /// It is steady.
    Successful,
    /// It was stopped.
    Stopped,
    /// It went back.
    RollbackSuccessful,
    /// It could not go back.
    RollbackFailed,
}

/// What may happen yet, besides what goes well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Left {
    /// Tasks that fail before they run.
    pub fails: u8,
    /// Tasks that sicken.
    pub sickens: u8,
    /// Tasks that end by themselves.
    pub exits: u8,
    /// Updates to another revision.
    pub updates: u8,
    /// Requests to stop a deployment, of either kind.
    pub requests: u8,
    /// Changes of the count.
    pub scales: u8,
}

/// What is known without asking the scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Truth {
    /// The failures of the newest deployment one after the other.
    pub row: u8,
    /// Whether these ever reached the threshold.
    pub tripped: bool,
    /// The revision that was complete last; zero: none.
    pub complete: u8,
    /// Whether somebody asked for the newest deployment to be stopped.
    pub asked: bool,
}

impl Left {
    /// Nothing.
    pub const NOTHING: Self = Self {
        fails: 0,
        sickens: 0,
        exits: 0,
        updates: 0,
        requests: 0,
        scales: 0,
    };
}

impl World {
    /// A service whose first deployment was just begun.
    pub fn new(setup: Setup, left: Left) -> Self {
        let mut world = Self {
            setup,
            desired: setup.desired,
            deployments: Vec::new(),
            tasks: Vec::new(),
            told: Vec::new(),
            next: 1,
            unseen: 0,
            left,
            truth: Truth {
                row: 0,
                tripped: false,
                complete: 0,
                asked: false,
            },
            broken: None,
        };
        world.update();
        world
    }

    /// Somebody begins a deployment of the next revision.
    pub fn update(&mut self) {
        self.told.push(Told {
            status: Status::Pending,
            back_to: 0,
            finished: 0,
        });
        // As many as there are, which are few.
        let revision = u8::try_from(self.told.len()).unwrap_or(u8::MAX);
        self.deployments.insert(
            0,
            Deployment {
                id: self.next,
                revision,
                told: revision,
                state: State::InProgress,
                failures: 0,
                setbacks: 0,
                held: false,
                completed: false,
                goes_back: false,
            },
        );
        self.next += 1;
        self.truth.row = 0;
        self.truth.tripped = false;
        self.truth.asked = false;
    }

    /// The newest deployment.
    pub fn newest(&self) -> Option<&Deployment> {
        self.deployments.first()
    }

    /// So many tasks are to be healthy.
    pub fn lower(&self) -> usize {
        (usize::from(self.desired) * usize::from(self.setup.minimum)).div_ceil(100)
    }

    /// So many may run or be on their way.
    pub fn upper(&self) -> usize {
        usize::from(self.desired) * usize::from(self.setup.maximum) / 100
    }

    /// How many tasks this holds for.
    pub fn count(&self, is: impl Fn(&Task) -> bool) -> usize {
        self.tasks.iter().filter(|it| is(it)).count()
    }

    /// The same world, with its tasks in order.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.tasks.sort_unstable();
        self
    }
}

impl Task {
    /// Whether it runs or is on its way.
    pub const fn is_active(&self) -> bool {
        matches!(self.phase, Phase::Coming | Phase::Running)
    }

    /// Whether it is to run and does so healthily.
    pub fn is_healthy(&self, setup: Setup) -> bool {
        let passes = match self.health {
            Health::Unknown => !setup.checked,
            Health::Healthy => true,
            Health::Unhealthy => false,
        };
        self.wanted && self.phase == Phase::Running && passes
    }
}
