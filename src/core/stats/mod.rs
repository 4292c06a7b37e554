//! Statistics of a window: summaries, trends, intervals.
//!
//! Works on plain numbers and knows no KPI and no limit; what follows from a statistic is decided by its
//! caller. Too little data is `None`, never a number that looks like one.

pub mod decay;
pub mod distributions;
pub mod interval;
mod sum;
pub mod summary;
pub mod trend;

pub use decay::DecayingMean;
pub use interval::MeanInterval;
pub use sum::RunningMean;
pub use summary::{Summary, mean, median};
pub use trend::{Trend, TrendRule, TrendWord};
