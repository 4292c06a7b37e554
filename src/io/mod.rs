//! What touches the world: files, locks, the clock, the environment, the network.
//!
//! Must not judge and must not render; it moves bytes and reports what became of them.
#![expect(clippy::disallowed_methods, reason = "this is the room that touches the world")]

pub mod audited;

pub mod load;

#[cfg(test)]
pub(crate) mod test_server;
