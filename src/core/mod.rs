//! What soak knows: KPIs, windows, statistics, limits and verdicts. Pure; imports nothing of ours.

pub mod deltas;
pub mod guards;
pub mod iteration;
pub mod kpi;
pub mod number;
pub mod params;
pub mod policy;
pub mod series;
pub mod verdict;
