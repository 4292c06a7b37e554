//! `soak completions`: the completion script of a shell, from the same definition as the parser.

use super::{Failure, print};
use crate::cli::{self, CompletionsArgs};
use crate::exit::Exit;

/// Prints the script.
pub(super) fn run(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let CompletionsArgs { shell } = args;
    let mut script = Vec::new();
    clap_complete::generate(*shell, &mut cli::definition(), "soak", &mut script);
    print(script)?;
    Ok(Exit::Success)
}
