//! The shape of every file that is read or written, with the tolerance for how others spell it.
//!
//! Turns bytes into core types and back; opens no files and judges nothing.

pub mod analysis;
pub mod artifact_manifest;
pub mod base64;
pub mod baseline;
pub mod baseline_status;
pub mod baseline_store;
pub mod check;
pub mod compare_result;
pub mod compare_significance;
pub mod compared_file;
pub mod conditions;
pub mod config_show;
pub mod dashboard;
pub mod edge_report;
pub mod edge_sidecars;
pub mod error_result;
pub mod gate_result;
pub mod golden;
pub mod golden_result;
pub mod history_result;
pub mod history_samples;
pub mod iteration;
pub use crate::run::iteration_file; // moved
pub mod legacy_readiness;
pub mod literals;
pub mod live;
pub mod manifest;
pub mod nesting;
mod node;
pub mod number;
pub mod origin;
pub mod overrides;
pub mod percent;
pub mod policy;
pub mod preset;
pub mod procfs;
pub mod prometheus;
pub mod provenance;
pub mod pushgateway;
pub mod read;
pub mod release;
pub mod remote_write;
pub mod rollback;
pub mod rotation;
pub mod run_log;
pub mod run_manifest;
pub mod run_plan;
pub mod schemas;
pub mod selftest_result;
pub mod snapshot;
pub mod snapshot_1_2;
pub mod soak_metrics;
pub mod store_status;
pub mod stream;
pub mod tamper;
pub mod told;
pub mod tolerances;
pub mod tuning;
mod tuning_parts;
pub mod tuning_report;
pub mod tuning_written;
pub mod warmup_metrics;

pub use crate::report::audit as audit_summary; // moved
pub(crate) use crate::report::deltas as delta_report; // moved
