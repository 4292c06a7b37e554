//! Tuning: what a run may change, what it proposes, and the guards that decide. Pure.

pub mod parameters;
pub mod record;
pub mod state;
