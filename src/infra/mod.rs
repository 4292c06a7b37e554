//! What touches the world and knows nothing of soak: the clock, signals, locks, processes, the terminal.
#![expect(clippy::disallowed_methods, reason = "this is the room that touches the world")]

#[cfg(test)]
pub(crate) mod test_server;

pub mod prometheus;

pub mod artifacts;
pub mod atomic_file;
pub mod clock;
pub mod environment;
pub(crate) mod exchange;
pub(crate) mod failpoint;
pub(crate) mod git;
pub mod hex;
pub mod http;
pub mod http_server;
pub mod lock;
pub mod notify;
pub mod process;
pub mod progress;
pub mod secret;
