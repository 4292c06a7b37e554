//! The shape of every file that is read or written, with its tolerance. No effects.

pub mod delta_report;
pub mod number;
pub mod overrides;
pub mod read;
pub mod tuning;
mod tuning_parts;
pub mod tuning_report;
