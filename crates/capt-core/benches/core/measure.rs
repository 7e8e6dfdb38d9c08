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

/// The median time of what is too short for the clock, its result dropped, over 101 samples of so many calls each.
pub(crate) fn short<A>(calls: u32, mut a: impl FnMut() -> A) -> Duration {
    let mut sample = || {
        for _ in 0..calls {
            drop(black_box(a()));
        }
    };
    alone(101, &mut sample) / calls
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

/// How many times as long the first took.
pub(crate) fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

/// The exponent of the curve that fits the points best (least squares of the logarithms): 1 for what is linear.
#[allow(clippy::cast_precision_loss, reason = "sizes of a benchmark")]
pub(crate) fn exponent(points: &[(usize, Duration)]) -> f64 {
    let logarithms = points
        .iter()
        .map(|(size, time)| ((*size as f64).ln(), time.as_secs_f64().ln()));
    let logarithms: Vec<(f64, f64)> = logarithms.collect();
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| logarithms.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let along = logarithms.iter().map(|point| (point.0 - x) * (point.1 - y));
    let across = logarithms.iter().map(|point| (point.0 - x).powi(2));
    along.sum::<f64>() / across.sum::<f64>()
}
