//! Automatic rollback: an alert arrives, a decision is made, actions are carried out and verified.
//!
//! Every step is an `Event`, a line of the audit log. `State` is a fold over these events, the same
//! at the start of a server, while it serves, in a rehearsal and for commands. Nothing is begun before the log on the
//! disk says that it will be; nothing is reported before the log says that it was done.

pub mod action;
pub mod alert;
pub(crate) mod answer;
pub(crate) mod coordinator;
pub(crate) mod decide;
pub(crate) mod event;
pub(crate) mod executor;
pub(crate) mod journal;
pub(crate) mod log;
pub(crate) mod perform;
pub mod policy;
pub mod server;
pub(crate) mod state;
pub(crate) mod text;
pub(crate) mod verify;
