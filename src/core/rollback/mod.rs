//! The rollback: which alerts stop trading, what is then done, and what is remembered so that nothing is done twice.
//!
//! Pure: [`decide::decide`] is given alerts, state, policy and time. Sends, starts and writes nothing.

pub mod action;
pub mod alert;
pub mod condition;
pub mod counters;
pub mod decide;
pub mod episodes;
pub mod executor;
pub mod outcome;
pub mod policy;
pub mod state;
pub mod template;
pub mod words;
