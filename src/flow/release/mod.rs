//! What a release engineer does after a green gate: score, bundle, verify, tag.

pub mod bundle;
pub mod canary;
pub mod readiness;
pub mod tag;
pub mod verify;
