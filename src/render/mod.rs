//! One module a format: values in, text or JSON out. Nothing here judges, and nothing touches the world.

pub mod config;
