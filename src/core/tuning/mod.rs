//! Tuning: what a run may change, what it proposes, and the guards that decide. Pure.

#[cfg(test)]
pub mod fixture;
pub mod guards;
pub mod parameters;
pub mod propose;
pub mod record;
pub mod signature;
pub mod state;
pub mod steps;
