//! The shapes of the rollback's files and messages: policy, alert hook, audit log, answers.

pub mod answer;
pub mod hook;
pub mod log;
pub mod policy;
mod yaml;
