//! TODO what it is for.

pub mod values;

pub mod start;

pub mod server;

pub mod notify;

pub mod judging;

pub(crate) mod idle;

pub mod globals;

pub mod environment;

pub mod access;
