//! The four subjects behind one interface, so that one sheet and one set of laws serves them all.

use std::fmt::Debug;

use capt_core::advance::Assessment;
use capt_core::decision::Decision;
use capt_core::fault::Fault;
use capt_core::object::Object;
use capt_core::progress::Progress;
use capt_core::record::Record;
use capt_core::wait::Wait;
use capt_core::{cluster, control_plane, template_apply, workspace};

use crate::world::NOW;

/// A snapshot of one of the four kinds.
pub(crate) trait Subject: Clone + Debug + PartialEq + 'static {
    type Command: Debug + PartialEq + Clone;

    fn object(&self) -> &Object;
    fn object_mut(&mut self) -> &mut Object;
    fn missing_mut(&mut self) -> &mut Vec<Wait>;
    fn invalid_mut(&mut self) -> &mut Option<Fault>;
    fn assess(&self) -> Assessment;
    fn decide(&self, assessment: Assessment) -> Decision<Record, Self::Command>;
    fn progress(&self, record: &Record) -> Progress;

    fn record(&self) -> &Record {
        &self.object().record
    }

    fn record_mut(&mut self) -> &mut Record {
        &mut self.object_mut().record
    }

    /// The snapshot, different in one way.
    #[must_use]
    fn with(mut self, vary: impl FnOnce(&mut Self)) -> Self {
        vary(&mut self);
        self
    }
}

macro_rules! subject {
    ($kind:ident) => {
        impl Subject for $kind::Snapshot {
            type Command = $kind::Command;

            fn object(&self) -> &Object {
                &self.object
            }

            fn object_mut(&mut self) -> &mut Object {
                &mut self.object
            }

            fn missing_mut(&mut self) -> &mut Vec<Wait> {
                &mut self.missing
            }

            fn invalid_mut(&mut self) -> &mut Option<Fault> {
                &mut self.invalid
            }

            fn assess(&self) -> Assessment {
                $kind::assess(self, NOW)
            }

            fn decide(&self, assessment: Assessment) -> Decision<Record, Self::Command> {
                $kind::decide(self, assessment, NOW)
            }

            fn progress(&self, record: &Record) -> Progress {
                $kind::progress(self, record)
            }
        }
    };
}

subject!(workspace);
subject!(template_apply);
subject!(cluster);
subject!(control_plane);
