//! Runs a mix over many connections, and counts times.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::http::Connection;
use crate::mix::{self, Asker, Mix};

/// Before anything is measured: connections are opened and caches filled.
const WARM_UP: Duration = Duration::from_secs(1);

/// What was measured.
pub(crate) struct Measured {
    pub(crate) seconds: f64,
    /// Times in microseconds by operation, sorted.
    pub(crate) times: BTreeMap<&'static str, Vec<u32>>,
    /// Answers other than 200, by status and operation, and the first of each.
    pub(crate) refused: BTreeMap<(u16, &'static str), (u64, String)>,
}

/// Runs a mix over `connections` for a time.
pub(crate) async fn run(address: &str, mix: Mix, connections: usize, time: Duration) -> Result<Measured> {
    mix::set_up(address).await?;
    let begin = Instant::now() + WARM_UP;
    let end = begin + time;
    let mut workers = JoinSet::new();
    for worker in 0..connections {
        let address = address.to_owned();
        workers.spawn(async move { work(&address, Asker::new(mix, worker as u64), begin, end).await });
    }
    let mut measured = Measured {
        seconds: time.as_secs_f64(),
        times: BTreeMap::new(),
        refused: BTreeMap::new(),
    };
    while let Some(done) = workers.join_next().await {
        let one = done.context("a worker")??;
        for (operation, times) in one.times {
            measured.times.entry(operation).or_default().extend(times);
        }
        for (key, (count, first)) in one.refused {
            measured.refused.entry(key).or_insert((0, first)).0 += count;
        }
    }
    measured
        .times
        .values_mut()
        .for_each(|times| times.sort_unstable());
    Ok(measured)
}

async fn work(address: &str, mut asker: Asker, begin: Instant, end: Instant) -> Result<Measured> {
    let mut connection = Connection::new(address);
    let mut measured = Measured {
        seconds: 0.0,
        times: BTreeMap::new(),
        refused: BTreeMap::new(),
    };
    loop {
        let call = asker.next();
        let body = call.body.to_string();
        let sent = Instant::now();
        if sent >= end {
            return Ok(measured);
        }
        let (status, answer) = connection.call(call.operation, &body).await?;
        let took = sent.elapsed();
        if status == 200 {
            asker.answered(&call, answer);
        } else {
            let first = || (0, String::from_utf8_lossy(answer).chars().take(300).collect());
            measured
                .refused
                .entry((status, call.operation))
                .or_insert_with(first)
                .0 += 1;
        }
        if sent >= begin {
            let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
            measured.times.entry(call.operation).or_default().push(micros);
        }
    }
}

impl Measured {
    /// Requests in a second.
    pub(crate) fn rate(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
        let count = self.times.values().map(Vec::len).sum::<usize>() as f64;
        count / self.seconds
    }

    /// All times, sorted.
    pub(crate) fn all(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.times.values().flatten().copied().collect();
        all.sort_unstable();
        all
    }

    /// A table with a line for each operation.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "{:.0} requests/s\n\n| operation | requests/s | p50 ms | p99 ms | p99.9 ms |\n|---|---:|---:|---:|---:|\n",
            self.rate()
        );
        let all = self.all();
        let lines = self.times.iter().map(|(operation, times)| (*operation, times));
        for (operation, times) in lines.chain([("all", &all)]) {
            #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
            let rate = times.len() as f64 / self.seconds;
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "| {operation} | {rate:.0} | {} |",
                percentiles(times).join(" | ")
            );
        }
        for ((status, operation), (count, first)) in &self.refused {
            let _ = writeln!(
                text,
                "\n{count} times {operation} was answered with {status}: {first}"
            );
        }
        text
    }
}

/// The three times that are told, in milliseconds.
pub(crate) fn percentiles(sorted: &[u32]) -> [String; 3] {
    [500, 990, 999].map(|thousandth| {
        let micros = percentile(sorted, thousandth);
        format!("{:.2}", f64::from(micros) / 1000.0)
    })
}

/// The time that so many thousandths of all do not exceed (nearest rank).
fn percentile(sorted: &[u32], thousandth: usize) -> u32 {
    let rank = (sorted.len() * thousandth).div_ceil(1000).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let hundred: Vec<u32> = (1..=100).collect();
        assert_eq!(percentile(&hundred, 500), 50);
        assert_eq!(percentile(&hundred, 990), 99);
        assert_eq!(percentile(&hundred, 999), 100);
        assert_eq!(percentile(&[7], 500), 7);
        assert_eq!(percentile(&[], 990), 0);
        assert_eq!(percentiles(&[1500, 2500]), ["1.50", "2.50", "2.50"]);
    }

    #[test]
    fn a_table_has_a_line_for_each_operation_and_one_for_all() {
        let measured = Measured {
            seconds: 2.0,
            times: BTreeMap::from([("ListClusters", vec![1000, 3000]), ("RunTask", vec![5000, 9000])]),
            refused: BTreeMap::from([((400, "RunTask"), (3, "{}".to_owned()))]),
        };
        assert_eq!(
            measured.table(),
            "2 requests/s\n\n\
             | operation | requests/s | p50 ms | p99 ms | p99.9 ms |\n|---|---:|---:|---:|---:|\n\
             | ListClusters | 1 | 1.00 | 3.00 | 3.00 |\n\
             | RunTask | 1 | 5.00 | 9.00 | 9.00 |\n\
             | all | 2 | 3.00 | 9.00 | 9.00 |\n\
             \n3 times RunTask was answered with 400: {}\n"
        );
    }
}
