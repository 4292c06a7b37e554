//! The shape of every file that is read or written, with the tolerance for how others spell it.
//!
//! Turns bytes into core types and back; opens no files and judges nothing.

pub mod config_show;

pub mod overrides;

pub mod preset;
pub mod prometheus;

pub mod remote_write;

pub mod soak_metrics;
