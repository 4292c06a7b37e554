//! `soak gate`: wiring only. Not connected yet.

use anyhow::anyhow;

use super::Failure;
use crate::cli::globals::GlobalArgs;
use crate::cli::post_soak::GateArgs;
use crate::exit::Exit;

/// Runs the command.
pub(super) fn run(_args: &GateArgs, _globals: &GlobalArgs) -> Result<Exit, Failure> {
    Err(Failure::failed(anyhow!("`soak gate` is not connected yet")))
}
