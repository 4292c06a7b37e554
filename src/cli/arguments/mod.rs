//! Arguments that several commands share, the parsers of their values, and the variables that stand in for them.

pub mod environment;
pub mod globals;
pub(crate) mod idle;
pub mod judging;
pub mod notify;
pub(crate) mod project;
pub mod server;
pub mod start;
pub mod values;
