//! The tuner: what it proposes, what guards make of it, and presets of start values.

pub(crate) mod guards;
pub(crate) mod preset;
pub(crate) mod propose;
