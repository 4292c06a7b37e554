//! What soak knows: KPIs, windows, statistics, limits and verdicts. Pure; imports nothing of ours.

pub mod analysis;
pub mod anomalies;
pub mod audit;
pub mod bot_metrics;
pub mod compare;
pub mod config;
pub mod course;
pub mod deltas;
pub mod drift;
pub mod edge;
pub mod evidence;
pub use self::text as excerpt; // moved
pub mod findings;
pub mod guards;
pub mod instant;
pub mod iteration;
pub mod json;
pub mod judge;
pub mod kpi;
pub mod listen;
pub mod load;
pub mod manifest;
pub mod number;
pub mod params;
pub mod person;
pub mod policy;
pub mod provenance;
pub mod ranges;
pub mod recommend;
pub mod recorded;
pub mod run;
pub mod sanity;
pub use crate::infra::secret; // moved
pub mod selftest;
pub mod series;
pub mod shell;
pub mod signatures;
pub use crate::run::simulator; // moved
pub mod snapshot;
pub mod spark;
pub use self::text as spelling; // moved
pub use crate::stats; // moved
pub mod symbols;
pub mod tally;
pub mod text;
pub mod tuning;
pub mod verdict;
pub mod violations;
pub mod window;
pub use crate::export::history; // moved
pub use crate::infra::artifacts::manifest as artifact_manifest; // moved
pub use crate::infra::hex; // moved
pub use snapshot::baseline; // moved
