//! What becomes of each thing that the API has, as tables of states and signals.
//!
//! A table says where a signal leads; what else a signal needs to be taken (that a cluster is empty, that a service is
//! scaled to zero) is the operation's own to check.

use capt_core::machine::{Machine, Move};

pub mod cluster;
pub mod container_instance;
pub mod deployment;
pub mod service;
pub mod service_deployment;
pub mod task;
pub mod task_definition;
pub mod task_set;

#[cfg(test)]
mod tests;

/// Where `signal` leads from `state`, if it leads to another one.
pub fn moved<M: Machine>(state: M::State, signal: M::Signal) -> Option<M::State> {
    match M::next(state, signal) {
        Move::To(next) => Some(next),
        // No table here goes back: what is entered is left by its own signals.
        Move::Stay | Move::Back | Move::Illegal => None,
    }
}

/// An enum of states: the words of the API, each read and written.
macro_rules! states {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// Every state, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word of the API for it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The state that the API calls so.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

/// An enum of signals: the name and the meaning of each.
macro_rules! signals {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $word:literal: $meaning:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[doc = $meaning] $variant,)* }

        impl $name {
            /// Every signal, most urgent first.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// What it is called.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// What it means, in a few words.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

/// The machine of a table, whose states and signals say their names themselves.
macro_rules! machine {
    ($(#[$meta:meta])* $name:ident($title:literal): $state:ident, $signal:ident, $next:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl capt_core::machine::Machine for $name {
            type State = $state;
            type Signal = $signal;
            const TITLE: &'static str = $title;
            const STATES: &'static [$state] = $state::ALL;
            const SIGNALS: &'static [$signal] = $signal::ALL;

            fn next(state: $state, signal: $signal) -> capt_core::machine::Move<$state> {
                $next(state, signal)
            }

            fn state_name(state: $state) -> &'static str {
                state.as_str()
            }

            fn signal_name(signal: $signal) -> &'static str {
                signal.name()
            }

            fn signal_meaning(signal: $signal) -> &'static str {
                signal.meaning()
            }
        }
    };
}

use {machine, signals, states};

/// Calls `visit` with the machine of every table, in the order of the page.
pub fn each(visit: &mut impl Visit) {
    visit.machine::<cluster::Lifecycle>();
    visit.machine::<service::Lifecycle>();
    visit.machine::<deployment::Lifecycle>();
    visit.machine::<deployment::RolloutLifecycle>();
    visit.machine::<service_deployment::Lifecycle>();
    visit.machine::<task::Lifecycle>();
    visit.machine::<task_definition::Lifecycle>();
    visit.machine::<task_set::Lifecycle>();
    visit.machine::<task_set::StabilityLifecycle>();
    visit.machine::<container_instance::Lifecycle>();
}

/// What is done with each table.
pub trait Visit {
    /// One of them.
    fn machine<M: Machine>(&mut self);
}
