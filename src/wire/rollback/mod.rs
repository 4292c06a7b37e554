//! The file of the rollback policy.

pub mod policy;
mod yaml;
