//! `soak analyze`: wiring only. Not connected yet.

use anyhow::anyhow;

use super::Failure;
use crate::cli::globals::GlobalArgs;
use crate::cli::post_soak::AnalyzeArgs;
use crate::exit::Exit;

/// Runs the command.
pub(super) fn run(_args: &AnalyzeArgs, _globals: &GlobalArgs) -> Result<Exit, Failure> {
    Err(Failure::failed(anyhow!("`soak analyze` is not connected yet")))
}
