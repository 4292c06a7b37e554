//! What touches the world: files, locks, the clock, the environment, the network.
//!
//! Must not judge and must not render; it moves bytes and reports what became of them.
#![expect(clippy::disallowed_methods, reason = "this is the room that touches the world")]

pub mod account;
pub mod artifacts;
pub mod audited;
pub mod baseline_folder;
pub use crate::infra::clock; // moved
pub mod environment;
pub(crate) mod failpoint;
pub mod grafana;
pub mod load;
pub use crate::infra::lock; // moved
pub mod loose;
pub use crate::infra::progress;
pub use crate::run::procfs; // moved // moved
pub mod rotation;
pub use crate::run::folder as run_folder; // moved
pub mod scratch;
pub use crate::infra::clock as signals; // moved
pub use crate::run::source; // moved
pub mod store;
#[cfg(test)]
pub(crate) mod test_server;

pub use crate::infra::http; // moved
