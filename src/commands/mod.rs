//! One file per command: arguments → flow → words. Wiring, no rules.
//!
//! Here is the dispatch, and the end of every run: a command gives back how it ends or why it failed, and
//! this module turns that into what stderr says and the exit code.

mod access;
mod analyze;
mod artifacts;
mod audit;
mod ci;
mod compare;
mod completions;
mod config;
mod deltas;
mod export_prom;
mod extract;
mod gate;
mod grafana;
mod judging;
mod logging;
mod man;
mod post_soak;
mod release;
mod rollback;
mod run;
mod schema;
mod selftest;
mod serve;
mod stdout;

use std::ffi::OsString;
use std::process::ExitCode;

pub use crate::failure::Failure;
pub use stdout::print;

use crate::cli::config::ConfigCommand;
use crate::cli::deltas::DeltasCommand;
use crate::cli::{Cli, Command, environment};
use crate::exit::Exit;

/// Runs the command and says how the program ends.
pub fn run(cli: &Cli) -> ExitCode {
    let exit = logging::start(&cli.globals).and_then(|()| dispatch(cli)).unwrap_or_else(|failure| {
        failure.report();
        failure.exit
    });
    ExitCode::from(exit.code(cli.globals.detailed_exitcode))
}

/// Prints what the parser of the command line answered: help and version on stdout, an error on stderr.
pub fn answer(answer: &clap::Error) -> ExitCode {
    // Whoever closed the pipe has had enough, and there is no other place to say so.
    let _ = answer.print();
    if answer.use_stderr() {
        let arguments: Vec<OsString> = environment::arguments().collect();
        ci::tell_unparsed(&arguments, &answer.to_string());
    }
    let exit = if answer.use_stderr() { Exit::Usage } else { Exit::Success };
    ExitCode::from(exit.code(false))
}

fn dispatch(cli: &Cli) -> Result<Exit, Failure> {
    let globals = &cli.globals;
    match &cli.command {
        Command::Run(args) => run::run(args, globals),
        Command::Analyze(args) => analyze::run(args, globals),
        Command::Extract(args) => extract::run(args, globals),
        Command::Gate(args) => gate::run(args, globals),
        Command::Audit(args) => audit::run(args, globals),
        Command::Compare(args) => compare::run(args, globals),
        Command::Release(command) => release::run(command, globals),
        Command::Rollback(command) => rollback::run(command),
        Command::ExportProm(args) => export_prom::run(args, globals),
        Command::Deltas(DeltasCommand::Verify(args)) => deltas::verify(args),
        Command::Grafana(command) => grafana::run(command),
        Command::Artifacts(command) => artifacts::run(command),
        Command::Config(ConfigCommand::Show(args)) => config::show(args),
        Command::Config(ConfigCommand::Check(args)) => config::check(args),
        Command::Config(ConfigCommand::Test(args)) => config::test(args),
        Command::Serve(args) => serve::run(args, globals),
        Command::Selftest(args) => selftest::run(args, globals),
        Command::Schema(args) => schema::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}
