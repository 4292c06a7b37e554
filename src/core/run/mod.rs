//! A run: what a source delivers, what becomes of it in an iteration, what is written down. Pure.

pub mod clock;
pub mod edge_report;
#[cfg(test)]
pub(crate) mod fixture;
pub mod iteration;
pub mod live;
pub mod metrics;
pub mod phases;
pub mod planner;
pub mod report;
pub mod report_time;
pub mod settings;
pub mod source;
pub mod start;
pub mod summarise;
