//! Statistics of a window: summaries, trends, intervals.
//!
//! Works on plain numbers and knows no KPI and no limit; what follows from a statistic is decided by its
//! caller. Too little data is `None`, never a number that looks like one.

pub mod ar1;
pub mod decay;
pub mod distributions;
pub mod holm;
pub mod interval;
pub mod levels;
pub mod plateau;
pub mod pooled;
pub mod rank;
#[cfg(test)]
mod reference;
pub mod slope;
pub mod spikes;
pub mod steps;
mod sum;
pub mod summary;
pub mod trend;
pub mod two_sample;

pub use decay::DecayingMean;
pub use interval::{MeanInterval, MedianInterval, Memory};
pub use slope::Slope;
pub use sum::RunningMean;
pub use summary::{Summary, mean, median};
pub use trend::{Trend, TrendRule, TrendWord};
