//! The chores around runs: dashboards of Grafana, golden files, rotation of old artifacts.

pub mod golden;
pub mod grafana;
pub mod rotation;
