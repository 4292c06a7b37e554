//! What a release engineer does around a green gate: record days, score readiness, build and verify a bundle,
//! tag it, watch its canary.

pub(crate) mod bundle;
pub(crate) mod canary;
pub(crate) mod criteria;
pub(crate) mod day;
mod json;
pub mod legacy_readiness;
pub(crate) mod name;
pub(crate) mod notes;
pub(crate) mod score;
pub(crate) mod tag;
mod texts;
pub(crate) mod validate;

use crate::core::verdict::failure::Failure;

/// Something in a bundle cannot be used.
fn unusable_bundle(problem: anyhow::Error) -> Failure {
    Failure::input(problem).hint("`soak release verify` lists what is wrong; build the bundle anew")
}
