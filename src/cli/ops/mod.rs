//! TODO what it is for.

pub mod grafana;

pub mod artifacts;
