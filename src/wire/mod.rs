//! The shape of every file that is read or written, with the tolerance for how others spell it.
//!
//! Turns bytes into core types and back; opens no files and judges nothing.

pub mod analysis;
pub mod artifact_manifest;
pub mod audit_summary;
pub mod baseline;
pub mod check;
pub mod compare_result;
pub mod compared_file;
pub mod config_show;
pub mod delta_report;
pub mod edge_report;
pub mod edge_sidecars;
pub mod gate_result;
pub mod golden;
pub mod golden_result;
pub mod history_result;
pub mod iteration;
pub mod iteration_file;
pub mod literals;
pub mod live;
pub mod manifest;
pub mod nesting;
mod node;
pub mod number;
pub mod overrides;
pub mod policy;
pub mod preset;
pub mod procfs;
pub mod prometheus;
pub mod provenance;
pub mod read;
pub mod run_log;
pub mod run_manifest;
pub mod run_plan;
pub mod schemas;
pub mod snapshot;
pub mod snapshot_1_2;
pub mod soak_metrics;
pub mod stream;
pub mod told;
pub mod tolerances;
pub mod tuning;
mod tuning_parts;
pub mod tuning_report;
pub mod tuning_written;
pub mod warmup_metrics;
