//! `soak release …`.

mod bundle;
mod canary;
mod readiness;
mod tag;

use super::{Failure, print};
use crate::cli::globals::GlobalArgs;
use crate::cli::release::ReleaseCommand;
use crate::exit::Exit;

/// The command that was asked for.
pub(super) fn run(command: &ReleaseCommand, globals: &GlobalArgs) -> Result<Exit, Failure> {
    match command {
        ReleaseCommand::Readiness(args) => readiness::run(args, globals),
        ReleaseCommand::Validate(args) => readiness::validate(args),
        ReleaseCommand::Bundle(args) => bundle::run(args, globals),
        ReleaseCommand::Verify(args) => bundle::verify(args),
        ReleaseCommand::Tag(args) => tag::run(args),
        ReleaseCommand::Canary(command) => canary::run(command, globals),
    }
}
