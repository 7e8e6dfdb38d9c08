//! What an object rests on that was in order once, and how it is said when that is there no longer.
//!
//! An update leaves an object Ready, because what it replaces goes on working until then. What is gone does not: an
//! object whose child is known to be missing, or to be made anew, is not Ready, whatever its own state is. What it has
//! once published (`initialized`, the endpoint) is never taken back.

use crate::advance::Assessment;
use crate::lifecycle::State;
use crate::object::{Child, Object};
use crate::wait::{Notice, Wait};

/// What an object rests on, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Basis {
    /// What it is (`the VPC`).
    pub name: &'static str,
    /// The `CamelCase` word for programs that it is gone.
    pub gone: &'static str,
}

/// How an object lost what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// It is on its way out, which nobody can take back, and may still do its work until others let it go.
    Leaving(Wait),
    /// It is not there, or not there again yet.
    Gone(Wait),
    /// It is at work and not in order, for which it has its own words.
    Unready,
}

impl Loss {
    /// Why the object is not in order any more, where the child does not say so itself.
    pub fn wait(&self) -> Option<&Wait> {
        match self {
            Self::Leaving(wait) | Self::Gone(wait) => Some(wait),
            Self::Unready => None,
        }
    }

    /// What people are told when it happens.
    pub(crate) fn notice(&self) -> Option<Notice> {
        let wait = self.wait()?;
        Some(Notice::warning(&*wait.reason, &*wait.message))
    }
}

/// What is said of a child that is being deleted.
pub(crate) fn leaving(child: &Child) -> Wait {
    let message = format!("{} is being deleted", child.name);
    Wait::new(&*child.name, "WaitingForDeletion", message)
}

impl Object {
    /// How an object that was in order once has lost its `child`, if it has.
    ///
    /// A child that is not ours is a fault of its own, and so is one that failed.
    pub fn loss(&self, basis: Basis, child: Option<&Child>) -> Option<Loss> {
        if !self.record.initialized || self.deleting {
            return None;
        }
        let Some(child) = child else {
            let message = format!("{} is gone", basis.name);
            return Some(Loss::Gone(Wait::new(basis.name, basis.gone, message)));
        };
        if child.foreign.is_some() {
            return None;
        }
        if child.deleting {
            return Some(Loss::Leaving(leaving(child)));
        }
        if child.ready || !child.is_working() {
            return None;
        }
        if child.made {
            return Some(Loss::Unready);
        }
        let message = format!("{} is gone; {} is made anew", basis.name, child.name);
        Some(Loss::Gone(Wait::new(&*child.name, basis.gone, message)))
    }

    /// Takes down a loss. It is why nothing happens unless there is a better reason.
    pub(crate) fn lose(&self, loss: Option<Loss>, assessment: &mut Assessment) {
        if let Some(wait) = loss.as_ref().and_then(Loss::wait)
            && assessment.waits.is_empty()
            && self.record.state != State::Failed
        {
            assessment.waits.push(wait.clone());
        }
        assessment.loss = loss;
    }
}

#[cfg(test)]
mod tests;
