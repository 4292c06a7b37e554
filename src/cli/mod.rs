//! The command line: what can be asked, with the help that explains it. A command is one file: its arguments, and what it
//! does with them.
//!
//! Shared groups are flattened into the commands that need them. A flag beats its environment variable, and
//! a variable that is set to nothing counts as not set.
#![expect(
    clippy::doc_markdown,
    reason = "doc comments are help text here, and in a terminal backticks are noise"
)]

pub mod dispatch;

pub(crate) mod run;

pub mod compare;
pub mod release;
pub mod rollback;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::cli::arguments::globals::GlobalArgs;
use crate::cli::export::prom::ExportArgs;
use crate::cli::export::serve::ServeArgs;
use crate::cli::judge::audit::AuditArgs;
use crate::cli::judge::deltas::DeltasCommand;
use crate::cli::judge::post_soak::{AnalyzeArgs, ExtractArgs, GateArgs};
use crate::cli::judge::selftest::SelftestArgs;
use crate::cli::ops::artifacts::ArtifactsCommand;
use crate::cli::ops::grafana::GrafanaCommand;
use crate::cli::run::arguments::RunArgs;
use crate::cli::setup::config::ConfigCommand;
use crate::cli::setup::doctor::DoctorArgs;
use crate::cli::setup::init::InitArgs;
use compare::CompareArgs;
use release::ReleaseCommand;
use rollback::RollbackCommand;

/// May this build of a long-running system be frozen and released?
///
/// `soak` judges the iterations of an endurance ("soak") test run: it reads the ITER_SUMMARY_*.json files
/// of a folder, holds them against the limits of a policy, and answers PASS, WARN, INCONCLUSIVE, FAIL or
/// INVALID, with a reason for each check and an exit code that CI can act on. Nothing to judge is never a
/// pass.
#[derive(Debug, Parser)]
#[command(name = "soak", version, max_term_width = 100, arg_required_else_help = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// What every command understands.
    #[command(flatten)]
    pub globals: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 PASS or WARN, or done; 1 FAIL, INCONCLUSIVE, INVALID or an error; 2 the command line or the \
policy file is wrong; 130 interrupted. --detailed-exitcode splits code 1.";

/// The commands, in the order of `--help`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a soak: measure, summarise, tune under guards, write an iteration file, again and again
    ///
    /// The run goes into OUT/latest: ITER_SUMMARY_*.json for every iteration, the overrides in force,
    /// RUN_MANIFEST.json, RUN_LOG.jsonl and, at the end, TUNING_REPORT.json. --resume continues a
    /// killed run. Exit code 0: the run is complete, and no hard run gate is missed where they were asked for
    /// (--hours, or a report flag); 2: no iteration was completed; 130: interrupted, and can be resumed.
    /// --notify tells failure, panic revert and completion.
    Run(Box<RunArgs>),
    /// Look deeply into a run and write the reports about it
    ///
    /// Windows, trends, violations, anomalies, guards, recommendations and failures. POST_SOAK_AUDIT.md and
    /// RECOMMENDATIONS.md, and FAILURES.md on a verdict worse than WARN, go into the folder of the run; the
    /// whole set, with POST_SOAK_ANALYSIS.json and report.html, goes into its reports/analysis, the pictures of
    /// --plots into its reports/analysis/plots. The exit code is that of the verdict.
    Analyze(AnalyzeArgs),
    /// Write the compact snapshot of a run, POST_SOAK_SNAPSHOT.json, and print it
    ///
    /// The snapshot has schema 1.1 and goes into the folder of the run. The exit code is 0 on any verdict,
    /// and 1 when there is nothing to extract; --fail-on makes it gate. --notify tells a verdict that is not
    /// PASS.
    Extract(ExtractArgs),
    /// Give the verdict on a run, write the reports and the snapshot, and exit by the verdict
    ///
    /// Three parts join the verdict: whether the input can be trusted, whether enough of the last iterations
    /// pass (and a freeze was seen), and whether the tuning reached the overrides. Readiness, goals and
    /// violations are shown beside it. What is written is what `analyze` and `extract` write.
    Gate(GateArgs),
    /// Audit whether a run is ready for release: OK or HOLD, and the table of its iterations
    ///
    /// Holds the last iterations against the readiness limits of the policy, and looks at the files, the tuning and
    /// the warm-up. POST_SOAK_AUDIT_SUMMARY.md, POST_SOAK_AUDIT_SUMMARY.json and POST_SOAK_ITER_TABLE.csv go into
    /// reports/analysis in the folder of the run. The exit code is 0 on OK and on HOLD; --fail-on-hold makes HOLD
    /// exit 1. Readiness asks another question than `gate`, with limits of its own; where the answers differ, a
    /// note says why.
    Audit(AuditArgs),
    /// Compare two runs, a JSON file with a golden one, or the runs below a folder
    ///
    /// Of two runs the medians of the four KPIs of the verdict over the last iterations are compared, and, but in the
    /// CSV, whether the means of the steady parts differ by more than a margin and more than chance explains: worse,
    /// better, no change, or cannot tell, with what would decide. The exit code is 0; --fail-on-regression makes it
    /// gate: 1 when a KPI got worse, and when that cannot be told, because there are too few iterations, a side does
    /// not know a KPI, or is INVALID or INCONCLUSIVE.
    Compare(Box<CompareArgs>),
    /// Score readiness, build and verify a release bundle, tag it
    ///
    /// Each of them refuses with exit code 1 what may not be released, and says every reason at once.
    #[command(subcommand)]
    Release(ReleaseCommand),
    /// Export the metrics of a run for Prometheus: as text, as an endpoint, to a Pushgateway, by remote write
    ///
    /// Without a destination the metrics go to stdout in the text format. They are those of
    /// POST_SOAK_METRICS.prom and, of the newest iteration and the last window, the names that the Python
    /// exporters had. The exit code says whether that was done, not how the run is: that is `soak_verdict`.
    ExportProm(Box<ExportArgs>),
    /// Check what became of the tuning
    #[command(subcommand)]
    Deltas(DeltasCommand),
    /// Roll back when alerts fire, or by hand, with verification and an audit log
    #[command(subcommand)]
    Rollback(RollbackCommand),
    /// Fetch, save and check dashboards of Grafana
    #[command(subcommand)]
    Grafana(GrafanaCommand),
    /// See what old runs take, and rotate it
    #[command(subcommand)]
    Artifacts(ArtifactsCommand),
    /// Write the files that a project starts with: soak.toml, a script that measures, .gitignore
    ///
    /// On a terminal it asks what no flag says. No file is overwritten: where one is there, nothing is written and the
    /// exit code is 1.
    Init(InitArgs),
    /// Check whether a run can measure and write here, a line for each answer, with what to do
    ///
    /// Takes one measurement as `run` does and writes nothing. The policy must be valid, the source must answer, each
    /// KPI must have a value that can be, the clock must agree with that of the server, and the folder must be writable.
    /// The exit code is 1 when a line failed (6 with --detailed-exitcode when it was the source).
    Doctor(Box<DoctorArgs>),
    /// Show, check and try out the policy, where every limit lives
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Show a folder live: a page, metrics and JSON over HTTP, of a finished or growing run
    ///
    /// Serves /, /metrics, /api/iterations, /events and /healthz, as `run --serve` does, and follows the folder:
    /// files that come or change are read, the others are not read again. The folder may come later, be emptied, or
    /// be replaced by another run; the page says so. Nothing is written. SIGINT and SIGTERM end it with exit code 0.
    Serve(ServeArgs),
    /// Prove that the gates can fail: put faults into a copy of a run and show which gate notices which
    ///
    /// A level shift, a drift, a spike, a missing KPI, a truncated file and a stuck value, in sizes that follow from
    /// the run's own spread and from the limits, are put into a private copy one at a time and judged by the policy
    /// in force, as `gate` does. The run itself is only read. The exit code is 1 when a fault gets through that no
    /// gate may let through: a KPI beyond its limit or missing in the whole window, a truncated file. It is 1 also
    /// when a run that does not pass by itself cannot show it (INCONCLUSIVE, 3 with --detailed-exitcode).
    Selftest(SelftestArgs),
    /// Print the JSON Schema of a file that soak writes, or list them
    Schema(SchemaArgs),
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Print the manual page of soak or of one command, in roff
    Man(ManArgs),
}

/// `soak schema`
#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    /// Schema to print [default: list the names of all]
    pub name: Option<String>,
}

/// `soak completions`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  soak completions bash > ~/.local/share/bash-completion/completions/soak")]
pub struct CompletionsArgs {
    /// Shell to complete in
    pub shell: clap_complete::Shell,
}

/// `soak man`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  soak man | man -l -
  soak man deltas verify | man -l -")]
pub struct ManArgs {
    /// Command whose page to print, e.g. `gate` or `deltas verify` [default: soak itself]
    pub command: Vec<String>,
}

/// The whole command line as clap knows it, its variables without values.
pub fn definition() -> clap::Command {
    with_plain_variables(Cli::command())
}

/// Reads the command line of this process. The error of `--help` and `--version` is their text.
pub fn parse() -> Result<Cli, clap::Error> {
    read(crate::cli::arguments::environment::arguments())
}

/// Reads a command line, the name of the program first.
fn read(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Cli, clap::Error> {
    let mut definition = definition();
    let matches = definition.try_get_matches_from_mut(arguments)?;
    crate::cli::arguments::idle::check(&mut definition, &matches)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut definition))
}

/// CI systems set the variables of absent inputs to nothing; that must not switch anything. And help must be
/// the same on every machine and tell no secret, so it names variables without their values.
fn with_plain_variables(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| match arg.get_env().map(crate::cli::arguments::environment::is_set_to_nothing) {
            Some(true) => arg.env(None::<&'static str>),
            _ => arg.hide_env_values(true),
        })
        .mut_subcommands(with_plain_variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        definition().debug_assert();
    }

    #[test]
    fn every_argument_has_help_and_names_no_default_that_is_none() {
        fn check(command: &clap::Command) {
            for arg in command.get_arguments() {
                let name = format!("{} {}", command.get_name(), arg.get_id());
                let help = arg.get_help().unwrap_or_else(|| panic!("{name} has no help")).to_string();
                let long = arg.get_long_help().map(ToString::to_string).unwrap_or_default();
                assert!(
                    !format!("{help}{long}").contains("[default: no"),
                    "{name} shows a default of nothing: {help}"
                );
            }
            command.get_subcommands().for_each(check);
        }
        let mut definition = definition();
        definition.build();
        definition.get_subcommands().filter(|command| command.get_name() != "help").for_each(check);
    }

    #[test]
    fn a_flag_that_names_a_run_is_an_argument_too_and_the_argument_comes_first() {
        fn check(command: &clap::Command, words: &str, found: &mut Vec<String>) {
            let words = format!("{words} {}", command.get_name());
            command.get_subcommands().for_each(|command| check(command, &words, found));
            let has_long = |long| command.get_arguments().any(|arg| arg.get_long() == Some(long));
            if !["path", "src", "a", "b"].into_iter().any(has_long) {
                return;
            }
            let positional =
                command.get_positionals().next().unwrap_or_else(|| panic!("{words}: only a flag"));
            assert!(["run_folder", "first"].contains(&positional.get_id().as_str()), "{words}");
            let excluded = command.get_arg_conflicts_with(positional);
            assert!(
                excluded.iter().any(|arg| matches!(arg.get_long(), Some("path" | "src" | "b"))),
                "{words}"
            );
            found.push(words);
        }
        let mut definition = definition();
        definition.build();
        let mut found = Vec::new();
        definition.get_subcommands().for_each(|command| check(command, "", &mut found));
        assert_eq!(
            found,
            [
                " analyze",
                " extract",
                " gate",
                " audit pr-summary",
                " audit",
                " compare",
                " release bundle",
                " release canary check",
                " export-prom",
                " deltas verify",
                " artifacts rotate",
                " artifacts usage",
                " serve",
                " selftest"
            ]
        );
    }

    #[test]
    fn commands_come_in_the_order_of_the_product() {
        let definition = definition();
        let names: Vec<&str> = definition.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(
            names,
            [
                "run",
                "analyze",
                "extract",
                "gate",
                "audit",
                "compare",
                "release",
                "export-prom",
                "deltas",
                "rollback",
                "grafana",
                "artifacts",
                "init",
                "doctor",
                "config",
                "serve",
                "selftest",
                "schema",
                "completions",
                "man"
            ]
        );
    }
}

pub mod arguments;

pub mod judge;

pub mod setup;

pub mod ops;

pub mod export;

pub mod output;
