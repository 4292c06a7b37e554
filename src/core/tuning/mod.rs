//! Moved.

pub use crate::core::params as parameters; // moved
pub use crate::core::params as steps; // moved
#[cfg(test)]
pub(crate) use crate::run::fixture; // moved
pub use crate::run::iteration::tuning as record; // moved
pub use crate::run::iteration::tuning as signature; // moved
pub use crate::run::iteration::tuning as state; // moved
