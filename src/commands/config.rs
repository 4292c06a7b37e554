//! `soak config`: wiring only. Not connected yet.

use anyhow::anyhow;

use super::Failure;
use crate::cli::config::{ConfigCheckArgs, ConfigShowArgs, ConfigTestArgs};
use crate::cli::globals::GlobalArgs;
use crate::exit::Exit;

/// Shows the policy in force.
pub(super) fn show(_args: &ConfigShowArgs, _globals: &GlobalArgs) -> Result<Exit, Failure> {
    Err(Failure::failed(anyhow!("`soak config show` is not connected yet")))
}

/// Checks a policy file.
pub(super) fn check(_args: &ConfigCheckArgs, _globals: &GlobalArgs) -> Result<Exit, Failure> {
    Err(Failure::failed(anyhow!("`soak config check` is not connected yet")))
}

/// Tries a policy on runs.
pub(super) fn test(_args: &ConfigTestArgs, _globals: &GlobalArgs) -> Result<Exit, Failure> {
    Err(Failure::failed(anyhow!("`soak config test` is not connected yet")))
}
