//! Times on the wire.

use std::fmt;

use jiff::Timestamp;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A time, whole in milliseconds. On the wire a number: seconds since 1970 with up to three decimals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Timestamp);

impl Time {
    /// The time so many milliseconds after 1970; nothing outside the years -9999 to 9999.
    pub fn from_millisecond(millisecond: i64) -> Option<Self> {
        Timestamp::from_millisecond(millisecond).ok().map(Self)
    }

    /// The time so many seconds after 1970, without what is below a millisecond; nothing outside the years -9999 to 9999.
    ///
    /// Clients send microseconds, and ask for what came after such a time: rounded up it would leave out what came within
    /// the same millisecond.
    pub fn from_seconds(seconds: f64) -> Option<Self> {
        // A number that stands for a whole millisecond may lie below it, by what numbers of its size cannot tell apart.
        let near = seconds * 1000.0;
        let millisecond = (near + near.abs() * 2.0 * f64::EPSILON).floor();
        // Far wider than the years above, and far within what both f64 and i64 hold exactly.
        if !(-1e15..=1e15).contains(&millisecond) {
            return None;
        }
        #[allow(clippy::cast_possible_truncation, reason = "the bounds above are within i64")]
        Self::from_millisecond(millisecond as i64)
    }

    /// Milliseconds since 1970.
    pub fn millisecond(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The same as a timestamp.
    pub const fn timestamp(self) -> Timestamp {
        self.0
    }
}

/// What is below a millisecond is cut off, so that a time is the same after it was on the wire.
impl From<Timestamp> for Time {
    fn from(timestamp: Timestamp) -> Self {
        // Every timestamp lies within the years that milliseconds reach.
        Self::from_millisecond(timestamp.as_millisecond()).unwrap_or_default()
    }
}

impl From<Time> for Timestamp {
    fn from(time: Time) -> Self {
        time.0
    }
}

impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let millisecond = self.millisecond();
        if millisecond % 1000 == 0 {
            return serializer.serialize_i64(millisecond / 1000);
        }
        #[allow(
            clippy::cast_precision_loss,
            reason = "milliseconds of the years up to 9999 need 48 bits"
        )]
        serializer.serialize_f64(millisecond as f64 / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Seconds)
    }
}

/// Reads a number of seconds.
struct Seconds;

impl Visitor<'_> for Seconds {
    type Value = Time;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("seconds since 1970")
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Time, E> {
        seconds
            .checked_mul(1000)
            .and_then(Time::from_millisecond)
            .ok_or_else(|| E::custom("the time is out of range"))
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Time, E> {
        i64::try_from(seconds)
            .map_err(|_| E::custom("the time is out of range"))
            .and_then(|seconds| self.visit_i64(seconds))
    }

    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Time, E> {
        Time::from_seconds(seconds).ok_or_else(|| E::custom("the time is out of range"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_seconds_have_no_decimals_and_others_up_to_three() {
        let written = |millisecond| serde_json::to_string(&Time::from_millisecond(millisecond)).unwrap();
        assert_eq!(written(1_479_412_799_000), "1479412799");
        assert_eq!(written(1_479_412_799_881), "1479412799.881");
        assert_eq!(written(1_479_412_799_880), "1479412799.88");
        assert_eq!(written(0), "0");
        assert_eq!(written(-1), "-0.001");
        assert_eq!(written(-1500), "-1.5");
    }

    #[test]
    fn numbers_are_read_and_nothing_else() {
        let read = |value| serde_json::from_value::<Time>(value).map(Time::millisecond).ok();
        assert_eq!(read(json!(1_479_412_799)), Some(1_479_412_799_000));
        assert_eq!(read(json!(1_479_412_799.881_4)), Some(1_479_412_799_881));
        assert_eq!(read(json!(1_479_412_799.881_999)), Some(1_479_412_799_881));
        assert_eq!(read(json!(-1.000_1)), Some(-1_001));
        assert_eq!(read(json!(-1)), Some(-1000));
        assert_eq!(read(json!(u64::MAX)), None);
        assert_eq!(read(json!(i64::MAX)), None);
        assert_eq!(read(json!(1e300)), None);
        assert_eq!(read(json!("1479412799")), None);
        assert_eq!(read(json!(null)), None);
    }

    #[test]
    fn what_is_below_a_millisecond_is_cut_off() {
        let timestamp = Timestamp::new(5, 1_999_999).unwrap();
        assert_eq!(Time::from(timestamp).millisecond(), 5_001);
        assert_eq!(
            Time::from(timestamp).timestamp(),
            Timestamp::new(5, 1_000_000).unwrap()
        );
    }

    proptest! {
        #[test]
        fn a_time_survives_the_wire(millisecond in -62_000_000_000_000_i64..253_000_000_000_000) {
            let time = Time::from_millisecond(millisecond).unwrap();
            let text = serde_json::to_string(&time).unwrap();
            prop_assert_eq!(serde_json::from_str::<Time>(&text).unwrap(), time);
        }
    }
}
