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
pub mod sanity;

pub mod selftest;
pub mod series;
pub mod shell;
pub mod signatures;

pub mod snapshot;
pub mod spark;

pub mod symbols;
pub mod tally;
pub mod text;
pub mod verdict;
pub mod violations;
pub mod window;
