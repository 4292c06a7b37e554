//! What a release is decided by: the readiness score, what a bundle needs, the numbers of its texts. Pure.

pub mod day;
#[cfg(test)]
pub(crate) mod fixture;
pub mod score;
