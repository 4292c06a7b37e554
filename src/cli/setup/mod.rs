//! TODO what it is for.

pub(crate) mod man;

pub(crate) mod completions;

pub(crate) mod schema;

pub mod config;
