//! What a release engineer does after a green gate: score, bundle, verify, tag.

pub mod readiness;
