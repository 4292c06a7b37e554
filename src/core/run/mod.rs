//! Moved.

pub use crate::core::manifest as clock; // moved
pub use crate::core::manifest as settings; // moved
pub use crate::export::live; // moved
pub use crate::run::iteration; // moved
pub use crate::run::iteration as edge_report; // moved
pub use crate::run::iteration::summary as summarise; // moved
pub use crate::run::metrics; // moved
pub use crate::run::metrics as report; // moved
pub use crate::run::planner; // moved
#[cfg(test)]
pub(crate) use crate::run::records as fixture; // moved
pub use crate::run::start; // moved

/// Moved.
pub mod source {
    pub use crate::infra::clock::{Interrupted, Wait}; // moved
    pub use crate::run::source::{Interval, NoReport, Source}; // moved
}
