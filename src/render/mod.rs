//! One module per format: values in, text or bytes out. Must not touch the world.

pub mod config;
pub mod deltas_md;
pub mod json;
pub mod markdown;
pub mod notification;

