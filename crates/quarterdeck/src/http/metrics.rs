//! Counters of `/graphql`, kept by hand: a few atomics and Prometheus' text format.

use std::{
    fmt::Write,
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// What a request asked for; `Unknown` when it was refused before that could be told.
#[derive(Clone, Copy)]
pub(super) enum Operation {
    Unknown,
    Query,
    Mutation,
    Subscription,
}

/// How a request ended.
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    /// The client left, or the worker was told to stop, before there was an answer.
    Abandoned,
    /// Executed without errors.
    Ok,
    /// Executed; the answer has errors.
    Errors,
    /// Not executed: the request itself was at fault.
    Refused,
    /// Told to come again: too many requests at once, or too much asked.
    TurnedAway,
    /// Ended by the deadline.
    Deadline,
    /// Ended by a panic.
    Panic,
}

const OPERATIONS: [&str; 4] = ["unknown", "query", "mutation", "subscription"];
const OUTCOMES: [&str; 7] = ["abandoned", "ok", "errors", "refused", "turned_away", "deadline", "panic"];
/// Upper bounds of the histogram's buckets, with the label of each; the last bucket has none.
const BUCKETS_MS: [(u64, &str); 12] = [
    (1, "0.001"),
    (5, "0.005"),
    (10, "0.01"),
    (25, "0.025"),
    (50, "0.05"),
    (100, "0.1"),
    (250, "0.25"),
    (500, "0.5"),
    (1_000, "1"),
    (2_500, "2.5"),
    (5_000, "5"),
    (10_000, "10"),
];

/// Requests by operation and outcome, their durations by operation, and how many are running.
#[derive(Default)]
pub(super) struct Requests {
    running: AtomicI64,
    ended: [[AtomicU64; OUTCOMES.len()]; OPERATIONS.len()],
    durations: [Durations; OPERATIONS.len()],
}

#[derive(Default)]
struct Durations {
    /// Not cumulative here; one more than there are bounds.
    buckets: [AtomicU64; BUCKETS_MS.len() + 1],
    sum_us: AtomicU64,
}

/// One running request; dropping it counts it.
pub(super) struct Watch<'a> {
    requests: &'a Requests,
    started: Instant,
    pub(super) operation: Operation,
    pub(super) outcome: Outcome,
}

impl Requests {
    pub(super) fn begin(&self) -> Watch<'_> {
        self.running.fetch_add(1, Relaxed);
        Watch { requests: self, started: Instant::now(), operation: Operation::Unknown, outcome: Outcome::Abandoned }
    }

    /// In Prometheus' text format.
    pub(super) fn text(&self) -> String {
        let mut text = String::with_capacity(8 * 1024);
        self.write(&mut text).expect("a String takes any text");
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        const RUNNING: &str = "quarterdeck_graphql_requests_running";
        const ENDED: &str = "quarterdeck_graphql_requests_total";
        const DURATION: &str = "quarterdeck_graphql_request_duration_seconds";
        writeln!(text, "# HELP {RUNNING} Requests of /graphql that have no answer yet.\n# TYPE {RUNNING} gauge")?;
        writeln!(text, "{RUNNING} {}", self.running.load(Relaxed))?;
        writeln!(text, "# HELP {ENDED} Requests of /graphql by operation and outcome.\n# TYPE {ENDED} counter")?;
        for (operation, outcomes) in OPERATIONS.iter().zip(&self.ended) {
            for (outcome, count) in OUTCOMES.iter().zip(outcomes) {
                let count = count.load(Relaxed);
                writeln!(text, "{ENDED}{{operation=\"{operation}\",outcome=\"{outcome}\"}} {count}")?;
            }
        }
        writeln!(text, "# HELP {DURATION} Time from the request's head to its answer.\n# TYPE {DURATION} histogram")?;
        for (operation, durations) in OPERATIONS.iter().zip(&self.durations) {
            let mut total = 0;
            let labels = BUCKETS_MS.iter().map(|(_, label)| *label).chain(["+Inf"]);
            for (label, bucket) in labels.zip(&durations.buckets) {
                total += bucket.load(Relaxed);
                writeln!(text, "{DURATION}_bucket{{operation=\"{operation}\",le=\"{label}\"}} {total}")?;
            }
            let sum = Duration::from_micros(durations.sum_us.load(Relaxed)).as_secs_f64();
            writeln!(text, "{DURATION}_sum{{operation=\"{operation}\"}} {sum}")?;
            writeln!(text, "{DURATION}_count{{operation=\"{operation}\"}} {total}")?;
        }
        Ok(())
    }
}

impl Watch<'_> {
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let elapsed = self.elapsed();
        let operation = self.operation as usize;
        let bucket = BUCKETS_MS.partition_point(|(bound_ms, _)| Duration::from_millis(*bound_ms) < elapsed);
        let elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        self.requests.durations[operation].buckets[bucket].fetch_add(1, Relaxed);
        self.requests.durations[operation].sum_us.fetch_add(elapsed_us, Relaxed);
        self.requests.ended[operation][self.outcome as usize].fetch_add(1, Relaxed);
        self.requests.running.fetch_sub(1, Relaxed);
    }
}
