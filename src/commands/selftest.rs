//! `soak selftest`: can the gates fail?

use std::path::Path;

use super::judging::{collect_provenance, judging_options, load_window_policy};
use super::post_soak::{say, style};
use super::{Failure, print};
use crate::cli::globals::GlobalArgs;
use crate::cli::judging::JudgedRunArgs;
use crate::cli::selftest::SelftestArgs;
use crate::cli::values::ReportFormat;
use crate::core::analysis::Options;
use crate::core::selftest::result::SelftestResult;
use crate::exit::Exit;
use crate::infra::clock::StopRequest;
use crate::report;
use crate::report::json;

/// Puts faults into a copy of the run, judges, prints.
pub(super) fn run(args: &SelftestArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let SelftestArgs {
        run,
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
    let path = run.clone().unwrap_or_else(|| path.folder());
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
