//! What a release is decided by: the readiness score, what a bundle needs, the numbers of its texts. Pure.

pub mod canary;
pub mod day;
pub mod facts;
#[cfg(test)]
pub(crate) mod fixture;
pub mod name;
pub mod notes;
pub mod score;
