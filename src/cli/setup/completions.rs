//! `soak completions`: the completion script of a shell, from the same definition as the parser.

use crate::cli::output::stdout::print;
use crate::cli::{self, CompletionsArgs};
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;

/// Prints the script.
pub(crate) fn run(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let CompletionsArgs { shell } = args;
    let mut script = Vec::new();
    clap_complete::generate(*shell, &mut cli::definition(), "soak", &mut script);
    print(script)?;
    Ok(Exit::Success)
}
