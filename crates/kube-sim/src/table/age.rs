//! How long ago, in few letters.

use jiff::Timestamp;

/// The time since an RFC 3339 timestamp; `<unknown>` where there is none, `<invalid>` where it cannot be
/// read or lies ahead.
pub(super) fn since(text: &str, now: Timestamp) -> String {
    if text.is_empty() {
        return "<unknown>".to_owned();
    }
    match text.parse::<Timestamp>() {
        Ok(then) => human(now.duration_since(then).as_secs_f64()),
        Err(_) => "<invalid>".to_owned(),
    }
}

/// A duration in seconds as kubectl shows ages: two units while it is short, one when it is long.
#[allow(
    clippy::cast_possible_truncation,
    reason = "ages are far below 2^53 seconds; fractions are dropped on purpose"
)]
fn human(seconds: f64) -> String {
    let seconds = seconds.trunc() as i64;
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let two = |first: i64, unit: &str, second: i64, smaller: &str| {
        if second == 0 {
            format!("{first}{unit}")
        } else {
            format!("{first}{unit}{second}{smaller}")
        }
    };
    let (days, years) = (hours / 24, hours / 24 / 365);
    if seconds < -1 {
        "<invalid>".to_owned()
    } else if seconds < 0 {
        "0s".to_owned()
    } else if seconds < 120 {
        format!("{seconds}s")
    } else if minutes < 10 {
        two(minutes, "m", seconds % 60, "s")
    } else if minutes < 180 {
        format!("{minutes}m")
    } else if hours < 8 {
        two(hours, "h", minutes % 60, "m")
    } else if hours < 48 {
        format!("{hours}h")
    } else if days < 8 {
        two(days, "d", hours % 24, "h")
    } else if years < 2 {
        format!("{days}d")
    } else if years < 8 {
        two(years, "y", days % 365, "d")
    } else {
        format!("{years}y")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_kubectl_shows_them() {
        let cases = [
            (-5.0, "<invalid>"),
            (-1.0, "0s"),
            (0.9, "0s"),
            (119.0, "119s"),
            (120.0, "2m"),
            (125.0, "2m5s"),
            (600.0, "10m"),
            (10_799.0, "179m"),
            (10_800.0, "3h"),
            (11_000.0, "3h3m"),
            (28_800.0, "8h"),
            (172_800.0, "2d"),
            (180_000.0, "2d2h"),
            (691_200.0, "8d"),
            (63_072_000.0, "2y"),
            (64_000_000.0, "2y10d"),
            (252_288_000.0, "8y"),
        ];
        for (seconds, shown) in cases {
            assert_eq!(human(seconds), shown, "{seconds}");
        }
    }

    #[test]
    fn what_is_no_time_says_so() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(since("", now), "<unknown>");
        assert_eq!(since("yesterday", now), "<invalid>");
        assert_eq!(since("1970-01-01T00:00:00Z", now), "0s");
    }
}
