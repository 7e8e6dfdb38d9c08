//! What must hold.

/// A law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// What is started never lifts what runs or is on its way above the maximum.
    Maximum,
    /// What is stopped never takes the healthy tasks below the minimum.
    Minimum,
    /// Decided once more on what was made of it, nothing new is decided.
    Once,
    /// The breaker trips at its threshold, and not before.
    Breaker,
    /// A rollback is to the revision that was complete last, and what cannot go back is not gone back from.
    Back,
    /// Nothing is started for a deployment that was given up or is held.
    Held,
    /// A deployment is complete if all its tasks are healthy and there are no others, and then only.
    Complete,
    /// A task that is sound, of the newest deployment and not too many is not stopped.
    Sound,
    /// A deployment is not forgotten while it has tasks, and is not shown any more when it has none.
    Kept,
    /// When nothing fails any more, the service comes to rest with what it is to have.
    Rest,
}

impl Law {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Maximum,
        Self::Minimum,
        Self::Once,
        Self::Breaker,
        Self::Back,
        Self::Held,
        Self::Complete,
        Self::Sound,
        Self::Kept,
        Self::Rest,
    ];
}
