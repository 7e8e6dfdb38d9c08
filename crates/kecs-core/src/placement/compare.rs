//! How values of the cluster query language are ordered.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// How one value is to another: as numbers, as moments, as versions, or as texts, whichever both are first.
pub(super) fn order(left: &str, right: &str) -> Ordering {
    if let (Ok(left), Ok(right)) = (left.parse::<f64>(), right.parse::<f64>()) {
        return left.total_cmp(&right);
    }
    if let (Some(left), Some(right)) = (moment(left), moment(right)) {
        return left.cmp(&right);
    }
    if let (Some(left), Some(right)) = (version(left), version(right)) {
        return left.cmp(&right);
    }
    left.cmp(right)
}

/// A moment: a day, which begins it, or a time of day with an offset.
fn moment(text: &str) -> Option<Timestamp> {
    let day = || {
        let day: Date = text.parse().ok()?;
        Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    // A text that is both, such as `2018-03-18T00:00:00Z`, is a moment.
    text.parse().ok().or_else(day)
}

/// The parts of a version: `1.14.0`.
fn version(text: &str) -> Option<Vec<u64>> {
    text.split('.').map(|part| part.parse().ok()).collect()
}
