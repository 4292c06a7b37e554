//! A run: a source is measured interval by interval, each iteration is summarised and judged, the tuner proposes
//! changes, guards decide, and everything is recorded in the folder of the run.
//!
//! ```text
//! source ──▶ EdgeReport ──▶ IterationRecord ──▶ Proposal ──▶ Guards ──▶ overrides
//! ```
//!
//! The [`planner`] is pure (state and event in, record and next state out); the [`engine`] owns the clock and the
//! order of things; the [`folder`] owns the files.

pub mod preset;

pub mod engine;
pub mod folder;
pub mod guards;
pub mod iteration;
pub mod log;
pub mod metrics;
pub mod plan;
pub mod planner;
pub mod procfs;
pub mod propose;
pub mod simulator;
pub mod source;
pub mod start;
pub mod text;

#[cfg(test)]
#[path = "tests/policy.rs"]
pub(crate) mod fixture;
#[cfg(test)]
#[path = "tests/records.rs"]
pub(crate) mod records;
