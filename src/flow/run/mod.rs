//! The run loop: source → iteration → tuning → files, one step at a time, until it is done or told to stop.
//!
//! Owns the order of things and the clock; decides nothing that the planner decides, and shows nothing.

mod drive;
mod pace;

pub use drive::{Drive, End, Ended, RunError, Sampler, Watcher};
pub use pace::{Clock, Pace};
