//! What must always hold.

/// What must always hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// An endpoint that was published is never cleared.
    EndpointStays,
    /// `initialized` is never taken back.
    InitializedStays,
    /// An object becomes Ready only when it is applied for this input, with endpoint and secrets.
    ReadyIsEarned,
    /// Failed is left only for a new input, a request, a probe that is due, or a child that is no longer at fault.
    FailedIsLeft,
    /// Every change of state is one of the table.
    Table,
    /// No attempt is made beyond the budget.
    Budget,
    /// A retry waits for its delay.
    Patience,
    /// Nothing is done to an object that is paused, nor for one that nobody owns.
    HandsOff,
    /// A workspace has one run at a time.
    OneRun,
    /// The network is there as long as something stands in it, and before.
    Ground,
    /// Nothing is left behind by an object that goes.
    NothingLeft,
    /// What is intended is persisted before it is done.
    Intent,
    /// Who has come to rest has no operation going on.
    OperationEnds,
    /// With faults off, every world comes to rest, where nothing is written and nothing is done.
    Rest,
    /// At rest each object is Ready for its input, has failed, or says what it waits for.
    Reason,
    /// With faults off, what had failed when a person asked is tried again.
    Answered,
    /// With everything mended and asked for, each object becomes Ready.
    Mends,
    /// With everything deleted, everything goes.
    Goes,
}

impl Law {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::EndpointStays,
        Self::InitializedStays,
        Self::ReadyIsEarned,
        Self::FailedIsLeft,
        Self::Table,
        Self::Budget,
        Self::Patience,
        Self::HandsOff,
        Self::OneRun,
        Self::Ground,
        Self::NothingLeft,
        Self::Intent,
        Self::OperationEnds,
        Self::Rest,
        Self::Reason,
        Self::Answered,
        Self::Mends,
        Self::Goes,
    ];

    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::EndpointStays => "an endpoint that was published is never cleared",
            Self::InitializedStays => "initialized is never taken back",
            Self::ReadyIsEarned => "Ready comes only with the input applied, the endpoint and the secrets",
            Self::FailedIsLeft => "Failed is left only as the table says",
            Self::Table => "every change of state is one of the table",
            Self::Budget => "attempts stay within the budget",
            Self::Patience => "a retry waits for its delay",
            Self::HandsOff => "nothing is done to what is paused, nor for what nobody owns",
            Self::OneRun => "a workspace has one run at a time",
            Self::Ground => "the network is there as long as something stands in it",
            Self::NothingLeft => "nothing is left behind by an object that goes",
            Self::Intent => "what is intended is persisted before it is done",
            Self::OperationEnds => "who has come to rest has no operation going on",
            Self::Rest => "with faults off every world comes to rest, in silence",
            Self::Reason => "at rest each object is Ready, has failed, or says what it waits for",
            Self::Answered => "what had failed when a person asked is tried again",
            Self::Mends => "with everything mended and asked for, each object becomes Ready",
            Self::Goes => "with everything deleted, everything goes",
        }
    }
}
