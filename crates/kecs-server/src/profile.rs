//! What the process is doing: its runtime, its memory and where its time goes.

use std::time::Duration;

use kecs_store::Stats;
use serde_json::{Value, json};

/// Why no profile was taken.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// This build has no profiler.
    #[error("this build has no profiler: it was built without the feature `pprof`")]
    Absent,
    /// One is being taken, or the system does not let it be taken.
    #[error("take a profile: {0}")]
    Failed(String),
}

/// Workers and tasks of the runtime, memory and threads of the process, and what the store holds.
pub fn runtime(stats: &Stats) -> Value {
    let runtime = tokio::runtime::Handle::current().metrics();
    let told = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of_process = |name: &str| -> Option<u64> {
        let line = told.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':')
            .split_ascii_whitespace()
            .next()?
            .parse()
            .ok()
    };
    json!({
        "runtime": {
            "workers": runtime.num_workers(),
            "aliveTasks": runtime.num_alive_tasks(),
            "globalQueueDepth": runtime.global_queue_depth(),
        },
        "process": {
            "residentKib": of_process("VmRSS"),
            "peakResidentKib": of_process("VmHWM"),
            "threads": of_process("Threads"),
        },
        "store": stats,
    })
}

/// Where the time of all threads goes for so long: a line for each stack, `outer;inner count`, as flame graphs are
/// drawn from. A hundred samples for each second of processor time.
#[cfg(feature = "pprof")]
pub async fn cpu(duration: Duration) -> Result<String, ProfileError> {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;

    let failed = |error: pprof::Error| ProfileError::Failed(error.to_string());
    let guard = pprof::ProfilerGuardBuilder::default()
        .frequency(100)
        // A stack cannot be walked safely within these.
        .blocklist(&["libc", "libgcc", "pthread", "vdso"])
        .build()
        .map_err(failed)?;
    tokio::time::sleep(duration).await;
    let report = guard.report().build().map_err(failed)?;
    let mut stacks: BTreeMap<String, isize> = BTreeMap::new();
    for (frames, count) in &report.data {
        let names = frames.frames.iter().rev().flat_map(|frame| frame.iter().rev());
        let names: Vec<String> = names.map(|symbol| symbol.name().replace(';', ":")).collect();
        *stacks
            .entry(format!("{};{}", frames.thread_name, names.join(";")))
            .or_default() += count;
    }
    let mut text = String::new();
    for (stack, count) in &stacks {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{stack} {count}");
    }
    Ok(text)
}

/// Where the time goes is not told by this build.
#[cfg(not(feature = "pprof"))]
#[allow(clippy::unused_async, reason = "with a profiler it takes its time")]
pub async fn cpu(_duration: Duration) -> Result<String, ProfileError> {
    Err(ProfileError::Absent)
}
