//! Commands about soak itself: its policy, the schemas of its files, shell completions and manual pages.

pub(crate) mod completions;
pub mod config;
pub mod doctor;
pub(crate) mod init;
pub(crate) mod man;
pub mod schemas;
