//! Arguments of `soak selftest`.

use crate::cli::arguments::globals::GlobalArgs;
use crate::cli::arguments::judging::JudgedRunArgs;
use crate::cli::arguments::values::{FailOnWarn, ReportFormat};
use crate::cli::judge::folder::{collect_provenance, judging_options, load_window_policy};
use crate::cli::judge::post_soak::{say, style};
use crate::cli::output::stdout::print;
use crate::core::analysis::Options;
use crate::core::selftest::result::SelftestResult;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::infra::clock::StopRequest;
use crate::report;
use crate::report::json;
use clap::Args;
use std::path::Path;

/// `soak selftest`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak selftest artifacts/soak/latest
  soak selftest artifacts/soak/latest --policy policy.toml --format md > selftest.md")]
pub struct SelftestArgs {
    /// The run, and how it is judged.
    #[command(flatten)]
    pub judged: JudgedRunArgs,

    /// Judge as `gate --strict`
    #[arg(long, conflicts_with = "skip_delta_verify")]
    pub strict: bool,

    /// Judge as `gate --skip-delta-verify`
    #[arg(long)]
    pub skip_delta_verify: bool,

    /// Judge as `gate --require-freeze`
    #[arg(long)]
    pub require_freeze: bool,

    /// Judge as `gate --fail-on warn` [default: a WARN exits 0]
    #[arg(long, value_name = "OUTCOME", value_enum)]
    pub fail_on: Option<FailOnWarn>,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}

/// Puts faults into a copy of the run, judges, prints.
pub(crate) fn run(args: &SelftestArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let SelftestArgs {
        judged: JudgedRunArgs { path, policy, mock, window },
        strict,
        skip_delta_verify,
        require_freeze,
        fail_on,
        format,
    } = args;
    let policy = load_window_policy(policy, window)?;
    let provenance = collect_provenance(&policy, None)?;
    let options = Options {
        deltas: !skip_delta_verify,
        strict: *strict,
        require_freeze: *require_freeze,
        ..judging_options(*mock, window)
    };
    let path = path.folder();
    let exit_code = |verdict| Exit::of_verdict(verdict, fail_on.is_some()).code(globals.detailed_exitcode);
    let stop = StopRequest::listen().map_err(Failure::failed)?;
    let result = SelftestResult::of(&path, &policy, &options, &exit_code, &stop, &provenance)?;
    if Path::new(&result.path) != path {
        let (asked, read) = (path.display(), &result.path);
        say(globals, &format!("note: `{asked}` has no iteration files, `{read}` has; that one is read"));
    }
    print(match format {
        ReportFormat::Text => report::selftest::text(&result, style(globals, false)),
        ReportFormat::Json => json::pretty(&result),
        ReportFormat::Md => report::selftest::md(&result),
    })?;
    Ok(match (result.not_caught.is_empty(), result.hidden.is_empty()) {
        (true, true) => Exit::Success,
        (true, false) => Exit::Inconclusive,
        (false, _) => Exit::Failed,
    })
}
