//! The trends of KPIs over a run: steady drifts and changes of level, each KPI by itself and judged as a
//! family.
//!
//! Pure statistics on columns; where they come from and which window they are is the caller's business. Must not
//! read files or time.

pub mod resources;

pub mod autocorrelation;

pub mod breach;
pub mod changes;
pub mod checks;
mod column;
pub mod drift;
pub mod pace;
pub mod tuner;

pub use changes::{Change, KpiChanges};
pub use column::{Column, Season};
pub use drift::{DriftVerdict, KpiDrift};
pub use pace::{Pace, PaceSource};
