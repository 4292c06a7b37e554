//! What leaves the program while or after a run: metrics as text, at an endpoint, pushed and by remote write; the live
//! page.

pub mod remote_write_message;

pub(crate) mod bot;
pub mod endpoint;
pub mod exporter;
pub mod history;
pub mod live;
pub(crate) mod metrics;
pub(crate) mod pushgateway;
pub(crate) mod remote_write;
pub mod store;
