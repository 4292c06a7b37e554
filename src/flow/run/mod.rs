//! The run loop: source → iteration → tuning → files, one step at a time, until it is done or told to stop.
//!
//! Owns the order of things and the clock; decides nothing that the planner decides, and shows nothing.

mod drive;

pub use drive::{Clock, Drive, End, Ended, RunError, Sampler, Watcher};
