//! What soak knows: KPIs, windows, statistics, limits and verdicts. Pure; imports nothing of ours.

pub mod trend;

pub mod analysis;
pub mod compare;
pub mod config;

pub mod iteration;
pub mod json;
pub mod judge;
pub mod kpi;
pub mod load;
pub mod policy;

pub mod selftest;
pub mod series;

pub mod text;
pub mod verdict;
