//! One module per format: values in, text or bytes out. Must not touch the world.

pub mod notification;
