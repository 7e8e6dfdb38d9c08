//! Lengths of time as people write them: `30m`, `1h30m`, `90s`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::fmt::friendly::{Designator, Spacing, SpanParser, SpanPrinter};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A length of time that is not negative, on the wire in the form of Kubernetes' `metav1.Duration`
/// (`1h30m`, units `ms`, `s`, `m`, `h`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub std::time::Duration);

impl Duration {
    /// The pattern that the schema checks. Six digits a unit keep every sum far from an overflow.
    pub const PATTERN: &'static str = "^([0-9]{1,6}(ms|s|m|h))+$";

    /// So many minutes.
    pub const fn from_mins(minutes: u64) -> Self {
        Self(std::time::Duration::from_secs(minutes * 60))
    }

    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(std::time::Duration::from_secs(seconds))
    }
}

impl From<std::time::Duration> for Duration {
    fn from(duration: std::time::Duration) -> Self {
        Self(duration)
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Below a millisecond nothing here is measured; cutting it off keeps to the units of the pattern.
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let whole = std::time::Duration::from_millis(millis);
        let printer = SpanPrinter::new()
            .designator(Designator::Compact)
            .spacing(Spacing::None);
        f.write_str(&printer.unsigned_duration_to_string(&whole))
    }
}

/// A text that is no length of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseDurationError(String);

impl fmt::Display for ParseDurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no duration: numbers with units are expected, such as 90s, 30m or 1h30m",
            self.0
        )
    }
}

impl std::error::Error for ParseDurationError {}

impl FromStr for Duration {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        SpanParser::new()
            .parse_unsigned_duration(text)
            .map(Self)
            .map_err(|_| ParseDurationError(text.to_owned()))
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "maxLength": 32, "pattern": Self::PATTERN })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read_and_written_back_in_one_form() {
        for (text, seconds, back) in [
            ("30m", 1_800, "30m"),
            ("1h30m", 5_400, "1h30m"),
            ("1h0m0s", 3_600, "1h"),
            ("90s", 90, "1m30s"),
            ("0s", 0, "0s"),
        ] {
            let duration: Duration = text.parse().unwrap();
            assert_eq!(duration, Duration::from_secs(seconds), "{text}");
            assert_eq!(duration.to_string(), back, "{text}");
            assert_eq!(back.parse::<Duration>().unwrap(), duration);
        }
        assert_eq!(
            Duration(std::time::Duration::from_millis(1_500)).to_string(),
            "1s500ms"
        );
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "30", "-1m", "soon", "5 parsecs"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }
}
