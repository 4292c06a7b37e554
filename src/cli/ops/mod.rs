//! Commands for the operation of what soak leaves behind: dashboards of Grafana, and rotation of artifacts.

pub mod artifacts;
pub mod grafana;
