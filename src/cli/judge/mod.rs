//! TODO what it is for.

pub(crate) mod extract;

pub(crate) mod analyze;

pub(crate) mod gate;

pub(crate) mod folder;

pub mod deltas;

pub mod audit;

pub mod selftest;

pub mod post_soak;
