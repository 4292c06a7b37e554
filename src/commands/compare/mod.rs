//! `soak compare`: two runs, baselines, golden files, the history of a folder.

mod baseline;
mod golden;
mod history;
mod runs;

use super::Failure;
use crate::cli::compare::{CompareArgs, CompareCommand};
use crate::cli::globals::GlobalArgs;
use crate::exit::Exit;

/// Compares what was asked for.
pub(super) fn run(args: &CompareArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    match &args.other {
        None => runs::run(args, globals),
        Some(CompareCommand::Baseline(command)) => baseline::run(command),
        Some(CompareCommand::Golden(args)) => golden::run(args),
        Some(CompareCommand::History(args)) => history::run(args),
    }
}
