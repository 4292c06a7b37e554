//! Where the servers were.

pub use crate::export::endpoint as scrape; // moved
pub use crate::export::live::server::{EVENT_READERS, Publisher, Server}; // moved
pub use crate::infra::http_server::{Listening, ServeError}; // moved // moved
