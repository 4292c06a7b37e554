//! The part of the policy that `run` works by.

mod defaults;
mod errors;
mod layers;
mod rows;
