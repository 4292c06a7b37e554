//! `soak extract`: wiring only. Not connected yet.

use anyhow::anyhow;

use super::Failure;
use crate::cli::globals::GlobalArgs;
use crate::cli::post_soak::ExtractArgs;
use crate::exit::Exit;

/// Runs the command.
pub(super) fn run(_args: &ExtractArgs, _globals: &GlobalArgs) -> Result<Exit, Failure> {
    Err(Failure::failed(anyhow!("`soak extract` is not connected yet")))
}
