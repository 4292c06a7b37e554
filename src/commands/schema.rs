//! `soak schema`: wiring only. Not connected yet.

use anyhow::anyhow;

use super::Failure;
use crate::cli::SchemaArgs;
use crate::exit::Exit;

/// Prints a schema, or the names of all.
pub(super) fn run(_args: &SchemaArgs) -> Result<Exit, Failure> {
    Err(Failure::failed(anyhow!("`soak schema` is not connected yet")))
}
