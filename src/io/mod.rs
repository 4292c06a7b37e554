//! What touches the world: files, locks, the clock, the environment, the network.
//!
//! Must not judge and must not render; it moves bytes and reports what became of them.
#![expect(clippy::disallowed_methods, reason = "this is the room that touches the world")]

pub mod account;
pub mod action;
pub mod artifacts;
pub mod audit_log;
pub mod audited;
pub mod baseline_folder;
pub mod bundle;
pub mod clock;
pub mod day_reports;
pub mod environment;
mod exchange;
mod failpoint;
pub mod git;
pub mod grafana;
pub mod http;
pub mod load;
pub mod lock;
pub mod loose;
pub mod notify;
pub mod procfs;
pub mod progress;
pub mod pushgateway;
pub mod rotation;
pub mod run_folder;
pub mod scratch;
pub mod signals;
pub mod source;
pub mod store;
#[cfg(test)]
pub(crate) mod test_server;
