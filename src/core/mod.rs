//! What soak knows: KPIs, windows, statistics, limits and verdicts. Pure; imports nothing of ours.

pub mod anomalies;
pub mod deltas;
pub mod edge;
pub mod guards;
pub mod iteration;
pub mod kpi;
pub mod number;
pub mod params;
pub mod policy;
pub mod recommend;
pub mod series;
pub mod signatures;
pub mod spark;
pub mod stats;
pub mod verdict;
pub mod violations;
