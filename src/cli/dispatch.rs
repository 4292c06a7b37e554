//! One file per command: arguments → flow → words. Wiring, no rules.
//!
//! Here is the dispatch, and the end of every run: a command gives back how it ends or why it failed, and
//! this module turns that into what stderr says and the exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::cli::arguments::environment;
use crate::cli::judge::deltas::DeltasCommand;
use crate::cli::setup::config::ConfigCommand;
use crate::cli::{Cli, Command};
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;

/// Runs the command and says how the program ends.
pub fn run(cli: &Cli) -> ExitCode {
    crate::infra::clock::survive_size_limits();
    let exit = crate::cli::output::logging::start(&cli.globals).and_then(|()| dispatch(cli)).unwrap_or_else(
        |failure| {
            failure.report();
            failure.exit
        },
    );
    ExitCode::from(exit.code(cli.globals.detailed_exitcode))
}

/// Prints what the parser of the command line answered: help and version on stdout, an error on stderr.
pub fn answer(answer: &clap::Error) -> ExitCode {
    // Whoever closed the pipe has had enough, and there is no other place to say so.
    let _ = answer.print();
    if answer.use_stderr() {
        let arguments: Vec<OsString> = environment::arguments().collect();
        crate::cli::output::ci::tell_unparsed(&arguments, &answer.to_string());
    }
    let exit = if answer.use_stderr() { Exit::Usage } else { Exit::Success };
    ExitCode::from(exit.code(false))
}

fn dispatch(cli: &Cli) -> Result<Exit, Failure> {
    let globals = &cli.globals;
    match &cli.command {
        Command::Run(args) => crate::cli::run::run(args, globals),
        Command::Analyze(args) => crate::cli::judge::analyze::run(args, globals),
        Command::Extract(args) => crate::cli::judge::extract::run(args, globals),
        Command::Gate(args) => crate::cli::judge::gate::run(args, globals),
        Command::Audit(args) => crate::cli::judge::audit::run(args, globals),
        Command::Compare(args) => crate::cli::compare::run(args, globals),
        Command::Release(command) => crate::cli::release::run(command, globals),
        Command::Rollback(command) => crate::cli::rollback::run(command),
        Command::ExportProm(args) => crate::cli::export::prom::run(args, globals),
        Command::Deltas(DeltasCommand::Verify(args)) => crate::cli::judge::deltas::verify(args, globals),
        Command::Grafana(command) => crate::cli::ops::grafana::run(command),
        Command::Artifacts(command) => crate::cli::ops::artifacts::run(command),
        Command::Init(args) => crate::cli::setup::init::run(args),
        Command::Doctor(args) => crate::cli::setup::doctor::run(args),
        Command::Config(ConfigCommand::Show(args)) => crate::cli::setup::config::show(args),
        Command::Config(ConfigCommand::Check(args)) => crate::cli::setup::config::check(args),
        Command::Config(ConfigCommand::Test(args)) => crate::cli::setup::config::test(args),
        Command::Serve(args) => crate::cli::export::serve::run(args, globals),
        Command::Selftest(args) => crate::cli::judge::selftest::run(args, globals),
        Command::Schema(args) => crate::cli::setup::schemas::run(args),
        Command::Completions(args) => crate::cli::setup::completions::run(args),
        Command::Man(args) => crate::cli::setup::man::run(args),
    }
}
