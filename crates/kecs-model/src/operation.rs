//! The operations of the API.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::generated::Operation;

/// The input of a classic operation.
pub trait Input: DeserializeOwned + Serialize {
    /// What the operation answers.
    type Output: DeserializeOwned + Serialize;
    /// The operation.
    const OPERATION: Operation;
}

impl Operation {
    /// The operation of this name. Upper and lower case differ, as at AWS.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|operation| operation.name() == name)
    }

    /// The classic operations in alphabetical order.
    pub fn classic() -> impl Iterator<Item = Self> {
        Self::ALL
            .iter()
            .copied()
            .filter(|operation| operation.is_classic())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
