//! Commands that judge a folder of iterations: gate, analysis, audit, deltas, self-test, and what runs them together.

pub(crate) mod analyze;
pub mod audit;
pub mod deltas;
pub(crate) mod extract;
pub(crate) mod folder;
pub(crate) mod gate;
pub mod post_soak;
pub mod selftest;
