//! `ITER_SUMMARY_<n>.json` as `run` writes it: the whole record of an iteration, and the way back.
//!
//! Nothing of the record is lost, so that a run goes on from its last file as if it had never stopped. Files
//! of other runners are read by [`super::iteration`], which wants less and forgives more.

mod document;
mod fields;
mod numbers;
mod read;
mod summary;
mod tuning;

pub use document::{Document, utc};
pub(super) use numbers::Number;
pub use read::{DamagedRecord, read};
pub(super) use tuning::{Deltas, SkipReason, rationale};

use crate::core::kpi::KpiTable;
use crate::core::run::iteration::IterationRecord;

/// The version of the shape that this program writes; 1.x is read.
pub const SCHEMA_VERSION: &str = "1.0";

/// The name of the file of an iteration.
pub fn file_name(number: u64) -> String {
    format!("ITER_SUMMARY_{number}.json")
}

/// The bytes of the file: JSON with sorted keys, two blanks of indent, numbers in their shortest exact form,
/// and a final newline. The error is a number that is not finite, which no file can hold.
pub fn write(record: &IterationRecord, kpis: &KpiTable) -> Result<Vec<u8>, serde_json::Error> {
    // A usual file has some four thousand bytes.
    let mut bytes = Vec::with_capacity(6 * 1024);
    serde_json::to_writer_pretty(&mut bytes, &Document::of(record, kpis))?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
