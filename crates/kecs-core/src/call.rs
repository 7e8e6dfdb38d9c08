//! What comes with a request besides its input.

use std::cell::Cell;

use capt_core::retry::splitmix64;
use jiff::Timestamp;
use kecs_model::Time;

use crate::key::Scope;

/// The request that an operation answers.
#[derive(Debug)]
pub struct Call<'a> {
    /// Whose records it reads and writes.
    pub scope: &'a Scope,
    /// The time.
    pub now: Timestamp,
    /// Who asks: the ARN of the caller.
    pub principal: &'a str,
    /// Where the endpoint is reached, as agents are told.
    pub endpoint: &'a str,
    /// New ids.
    pub ids: Ids,
}

/// Ids from a seed: the same seed gives the same ids in the same order.
#[derive(Debug)]
pub struct Ids(Cell<u64>);

impl Ids {
    /// Ids of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    /// Any number.
    pub fn number(&self) -> u64 {
        // The state goes on by the increment of the generator and never by its output: two streams whose seeds were
        // numbers of each other would be the same.
        let state = self.0.get();
        self.0.set(state.wrapping_add(0x9E37_79B9_7F4A_7C15));
        splitmix64(state)
    }

    /// Thirty-two hexadecimal digits, as tasks and container instances have.
    pub fn hex(&self) -> String {
        format!("{:016x}{:016x}", self.number(), self.number())
    }

    /// A version 4 UUID, as containers and attachments have.
    pub fn uuid(&self) -> String {
        let (high, low) = (self.number(), self.number());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xFFFF,
            high & 0xFFF,
            0x8000 | ((low >> 48) & 0x3FFF),
            low & 0xFFFF_FFFF_FFFF
        )
    }

    /// Nineteen digits, as deployments and task sets have behind `ecs-svc/`.
    pub fn digits(&self) -> String {
        format!(
            "{}",
            1_000_000_000_000_000_000 + self.number() % 8_999_999_999_999_999_999
        )
    }
}

impl Call<'_> {
    /// The time as the API tells it.
    pub fn time(&self) -> Time {
        Time::from(self.now)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_have_the_shape_that_clients_know() {
        let ids = Ids::new(7);
        let hex = ids.hex();
        assert!(
            hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{hex}"
        );
        let uuid = ids.uuid();
        let parts: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{uuid}");
        assert_eq!(&uuid[14..15], "4");
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
        assert_eq!(ids.digits().len(), 19);
        assert_ne!(ids.hex(), hex);
        assert_eq!(Ids::new(7).hex(), hex);
    }

    /// However seeds come of one another, what is told with them does not.
    #[test]
    fn ids_of_seeds_that_are_numbers_of_each_other_never_meet() {
        let mut seen = BTreeSet::new();
        let mut next = 7;
        for _ in 0..1_000 {
            let ids = Ids::new(next);
            for _ in 0..10 {
                assert!(seen.insert(ids.hex()));
            }
            next = splitmix64(next);
        }
    }
}
