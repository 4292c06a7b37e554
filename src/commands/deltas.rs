//! `soak deltas`: wiring only. Not connected yet.

use anyhow::anyhow;

use super::Failure;
use crate::cli::deltas::DeltasVerifyArgs;
use crate::cli::globals::GlobalArgs;
use crate::exit::Exit;

/// Runs the command.
pub(super) fn verify(_args: &DeltasVerifyArgs, _globals: &GlobalArgs) -> Result<Exit, Failure> {
    Err(Failure::failed(anyhow!("`soak deltas verify` is not connected yet")))
}
