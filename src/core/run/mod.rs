//! The record of an iteration.

pub mod edge_report;
#[cfg(test)]
pub(crate) mod fixture;
pub mod iteration;

pub use crate::core::manifest as clock; // moved
pub use crate::core::manifest as settings; // moved
pub use crate::export::live; // moved
pub use crate::run::metrics; // moved
pub use crate::run::metrics as report; // moved
pub use crate::run::planner; // moved
pub use crate::run::start; // moved
pub use crate::run::summary as summarise; // moved

/// Moved.
pub mod source {
    pub use crate::infra::clock::{Interrupted, Wait}; // moved
    pub use crate::run::source::{Interval, NoReport, Source}; // moved
}
