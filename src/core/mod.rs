//! What soak knows: KPIs, windows, statistics, limits and verdicts. Pure; imports nothing of ours.

pub mod analysis;
pub mod anomalies;
pub mod baseline;
pub mod deltas;
pub mod edge;
pub mod evidence;
pub mod findings;
pub mod guards;
pub mod iteration;
pub mod judge;
pub mod kpi;
pub mod number;
pub mod params;
pub mod policy;
pub mod ranges;
pub mod recommend;
pub mod run;
pub mod secret;
pub mod series;
pub mod signatures;
pub mod spark;
pub mod stats;
pub mod tuning;
pub mod verdict;
pub mod violations;
pub mod window;
