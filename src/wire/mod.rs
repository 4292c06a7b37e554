//! The shape of every file that is read or written, with the tolerance for how others spell it.
//!
//! Turns bytes into core types and back; opens no files and judges nothing.

pub use crate::core::analysis::document as analysis; // moved
pub use crate::core::artifact_manifest; // moved
pub mod config_show;
pub use crate::core::analysis::result as error_result; // moved
pub use crate::core::analysis::result as gate_result; // moved
pub use crate::core::json::text as literals; // moved
pub use crate::core::load::edge_report; // moved
pub use crate::core::load::edge_report as edge_sidecars; // moved
pub use crate::core::load::iteration; // moved
pub use crate::export::live::document as live;
pub use crate::release::legacy_readiness; // moved
pub use crate::run::iteration_file; // moved // moved
/// Moved.
pub mod manifest {
    pub use crate::core::manifest::{read_declared as read, started_utc as started}; // moved
}
pub use crate::core::analysis::origin;
pub use crate::core::json as node; // moved
pub use crate::core::json as number;
pub use crate::core::json::text as nesting; // moved // moved // moved
pub mod overrides;
pub use crate::core::policy; // moved
pub mod preset;
pub mod prometheus;
pub use crate::core::json as read;
pub use crate::core::provenance; // moved // moved
pub mod remote_write;
/// Moved.
pub mod run_log {
    pub use crate::core::manifest::{RUN_LOG_FILE as FILE_NAME, RunEvent as Event, RunLogLine as LogLine}; // moved
}
/// Moved.
pub mod run_manifest {
    #[cfg(test)]
    pub(crate) use crate::core::manifest::fixture;
    pub use crate::core::manifest::{
        DeclaredOverride, MANIFEST_FILE as FILE_NAME, MANIFEST_VERSION as SCHEMA_VERSION, RunManifest,
        Segment,
    }; // moved // moved
}
pub use crate::run::plan as run_plan; // moved
pub mod soak_metrics;
pub use crate::core::json as told; // moved
pub use crate::core::json::text as stream; // moved
pub use crate::core::load::tuning_report; // moved
pub use crate::run::folder::report as tuning_written; // moved

pub use crate::report::audit as audit_summary; // moved
pub(crate) use crate::report::deltas as delta_report; // moved
/// Percent-encoding.
pub(crate) mod percent {
    pub(crate) use crate::infra::http::percent_encoded as encode; // moved
}
pub use crate::core::selftest::tamper; // moved
pub use crate::core::snapshot; // moved
pub use crate::core::snapshot::baseline; // moved
pub use crate::core::snapshot::v1_2 as snapshot_1_2; // moved
pub use crate::export::history as history_samples; // moved
pub use crate::report::schemas; // moved
