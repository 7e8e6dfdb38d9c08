//! What the command of a provisioner takes, and what it ends with.

use std::time::Duration;

/// `30s`, `5m`, `1h`
pub(super) fn duration(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return None,
    };
    text.get(..text.len() - 1)?
        .parse::<u64>()
        .ok()
        .map(|count| Duration::from_secs(count.saturating_mul(unit)))
}

/// The seconds of every `sleep N` in a command.
pub(super) fn sleeping(command: &str) -> Option<Duration> {
    let words: Vec<&str> = command
        .split(|c: char| c.is_whitespace() || ";&|()".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    let seconds = words.windows(2).filter(|pair| matches!(pair, ["sleep", _]));
    let seconds: Vec<f64> = seconds
        .filter_map(|pair| pair.last()?.trim_end_matches('s').parse().ok())
        .collect();
    let total = seconds
        .iter()
        .copied()
        .filter(|seconds| seconds.is_finite())
        .fold(0.0, |sum, seconds| sum + seconds);
    (!seconds.is_empty()).then(|| Duration::try_from_secs_f64(total.clamp(0.0, 1e6)).unwrap_or_default())
}

/// The code of a plain `exit N` other than zero in a command.
pub(super) fn exiting(command: &str) -> Option<i32> {
    command
        .split([';', '\n'])
        .flat_map(|part| part.split("&&"))
        .filter_map(|part| part.trim().strip_prefix("exit ")?.trim().parse::<i32>().ok())
        .find(|code| *code != 0)
}
