//! Medians of pairs that are measured in turn, and the exponents of curves.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The median times of two ways of doing the same, measured in turn: A B B A, `rounds` times.
pub(crate) fn paired<A, B>(
    rounds: usize,
    mut a: impl FnMut() -> A,
    mut b: impl FnMut() -> B,
) -> (Duration, Duration) {
    let mut of_a = Vec::new();
    let mut of_b = Vec::new();
    for _ in 0..rounds {
        of_a.push(time(&mut a));
        of_b.push(time(&mut b));
        of_b.push(time(&mut b));
        of_a.push(time(&mut a));
    }
    (median(of_a), median(of_b))
}

/// The median time of doing something, over so many rounds.
pub(crate) fn alone<A>(rounds: usize, mut a: impl FnMut() -> A) -> Duration {
    median((0..rounds).map(|_| time(&mut a)).collect())
}

fn time<A>(run: &mut impl FnMut() -> A) -> Duration {
    let start = Instant::now();
    let result = black_box(run());
    let took = start.elapsed();
    drop(result);
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The exponent of the curve through the first and the last point: 1 for what is linear.
pub(crate) fn exponent(points: &[(usize, Duration)]) -> f64 {
    let (first, last) = (points[0], points[points.len() - 1]);
    #[allow(clippy::cast_precision_loss, reason = "sizes of a benchmark")]
    let size = (last.0 as f64 / first.0 as f64).ln();
    (last.1.as_secs_f64() / first.1.as_secs_f64()).ln() / size
}
