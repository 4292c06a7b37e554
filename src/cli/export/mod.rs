//! Commands that hand the numbers of a run to others: Prometheus and its relatives, and the live page.

pub mod prom;
pub mod serve;
