//! What touches the world: files, locks, the clock, the environment, the network.
//!
//! Must not judge and must not render; it moves bytes and reports what became of them.
#![expect(clippy::disallowed_methods, reason = "this is the room that touches the world")]

pub mod audited;
pub use crate::infra::clock; // moved
pub mod load;
pub use crate::infra::clock as signals; // moved
pub use crate::infra::lock; // moved
pub use crate::infra::progress;
pub use crate::run::folder as run_folder; // moved
pub use crate::run::procfs; // moved // moved
pub use crate::run::source; // moved
#[cfg(test)]
pub(crate) mod test_server;

pub use crate::export::store; // moved
pub use crate::infra::atomic_file as loose; // moved
pub(crate) use crate::infra::failpoint; // moved
pub use crate::infra::http; // moved
pub use crate::infra::{artifacts, environment}; // moved
