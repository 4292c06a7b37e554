//! What a run writes and prints: its log, its lines on the terminal, and the files of its results.

pub(crate) mod columns;
pub(crate) mod log;
pub(crate) mod results;
pub mod soak_metrics;
pub(crate) mod text;
