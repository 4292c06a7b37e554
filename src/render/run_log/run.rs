//! Events of the run as a whole.

use super::LogEvent;
use crate::core::run::clock::{ClockStep, ClockStepKind};
use crate::core::verdict::Outcome;

/// A run starts.
pub fn start(iterations: u64, source: &str, seed: Option<u64>, folder: &str) -> LogEvent {
    LogEvent::new("soak", "START")
        .with("iterations", iterations)
        .with("source", source)
        .with_some("seed", seed)
        .with("out", folder)
}

/// A run goes on after the iteration with this number.
pub fn resume(after: u64, iterations: u64, folder: &str) -> LogEvent {
    LogEvent::new("soak", "RESUME").with("after", after).with("iterations", iterations).with("out", folder)
}

/// The wall clock moved as no passing of time explains.
pub fn clock_step(step: &ClockStep) -> LogEvent {
    let event = match step.kind {
        ClockStepKind::Step => "CLOCK_STEP",
        ClockStepKind::Suspend => "SUSPEND",
    };
    LogEvent::new("sanity", event)
        .with("iteration", step.iteration)
        .with("seconds", step.seconds)
        .with("note", step.words())
}

/// A run was interrupted and can go on.
pub fn interrupted(done: u64, iterations: u64, signal: &str) -> LogEvent {
    LogEvent::new("soak", "INTERRUPTED")
        .with("done", done)
        .with("iterations", iterations)
        .with("reason", signal)
}

/// A run has made all its iterations. `outcome` is that of the run gates, where they were asked for.
pub fn complete(done: u64, failed_collections: u64, outcome: Option<Outcome>) -> LogEvent {
    LogEvent::new("soak", "COMPLETE")
        .with("iterations", done)
        .with("failed_collections", failed_collections)
        .with_some("run_gates", outcome.map(Outcome::word))
}

/// A run ended before its last iteration, and not because somebody asked for it.
pub fn failed(done: u64, iterations: u64, reason: &str) -> LogEvent {
    LogEvent::new("soak", "FAILED").with("done", done).with("iterations", iterations).with("reason", reason)
}
