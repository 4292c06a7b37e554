//! Tuning: what is recorded of it.

#[cfg(test)]
pub mod fixture;
pub mod record;
pub mod signature;
pub mod state;

pub use crate::core::params as parameters; // moved
pub use crate::core::params as steps; // moved
