//! TODO what it is for.

pub mod config_show;

pub mod config_text;

pub mod schemas;

pub(crate) mod man;

pub(crate) mod completions;

pub(crate) mod schema;

pub mod config;
