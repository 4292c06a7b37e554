//! The use cases that touch the world in order: load and judge, write what was found, tell people.
//!
//! Knows no command line: commands turn arguments into requests, and results into words and exit codes.

pub use crate::export::live::folder as follow; // moved
pub mod judge;
pub use crate::export::live::folder as live_folder; // moved
pub use crate::release::legacy_readiness; // moved
pub mod provenance;
pub use crate::run::engine as run; // moved
pub use crate::run::start; // moved

pub use crate::export::exporter as export; // moved

pub use crate::report::artifacts as write; // moved

pub use crate::core::snapshot::baseline;
pub(crate) use crate::report::audit; // moved // moved
