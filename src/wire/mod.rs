//! The shape of every file that is read or written, with the tolerance for how others spell it.
//!
//! Turns bytes into core types and back; opens no files and judges nothing.

pub mod artifact_manifest;
pub mod delta_report;
pub mod number;
pub mod overrides;
pub mod policy;
pub mod read;
pub mod tuning;
mod tuning_parts;
pub mod tuning_report;
