//! TODO what it is for.

pub mod serve;

pub mod prom;
