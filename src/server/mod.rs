//! The hook of rollback over HTTP.

pub use crate::export::endpoint as scrape; // moved
pub use crate::export::live::server::{EVENT_READERS, Publisher, Server}; // moved
pub(crate) use crate::infra::http_server as connections; // moved
pub(crate) use crate::infra::http_server as routes; // moved
pub(crate) use crate::infra::http_server::bind;
pub use crate::infra::http_server::{Listening, ServeError}; // moved // moved
