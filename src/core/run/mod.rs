//! A run: what a source delivers, what becomes of it in an iteration, what is written down. Pure.

pub mod edge_report;
pub mod iteration;
pub mod phases;
pub mod planner;
pub mod source;
pub mod start;
pub mod summarise;
