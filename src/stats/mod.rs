//! Statistics of a window: summaries, trends, intervals.
//!
//! Works on plain numbers and knows no KPI and no limit; what follows from a statistic is decided by its
//! caller. Too little data is `None`, never a number that looks like one.

pub mod autocorrelation;
pub mod change_points;
#[rustfmt::skip]
#[expect(clippy::approx_constant, reason = "a quantile may look like one")]
mod critical_values;
pub mod distributions;
pub mod intervals;
#[cfg(test)]
mod reference;
pub mod regression;
pub mod summary;
pub mod trend;
pub mod two_sample;

pub use intervals::{MeanInterval, MedianInterval, Memory};
pub use regression::Slope;
pub use summary::{DecayingMean, RunningMean, Statistic, Summary, mean, median};
pub use trend::{Trend, TrendRule, TrendWord};

/// Differences are compared with this tolerance, so that 0.30 → 0.45 is a change of 0.15 and not of
/// 0.15000000000000002.
pub const TOLERANCE: f64 = 1e-9;
