//! `soak selftest`: can the gates fail?

use super::judging::{cannot_judge, collect_provenance, judging_options, load_window_policy};
use super::post_soak::{say, style};
use super::{Failure, print};
use crate::cli::globals::GlobalArgs;
use crate::cli::judging::JudgedRunArgs;
use crate::cli::selftest::SelftestArgs;
use crate::cli::values::ReportFormat;
use crate::core::analysis::Options;
use crate::exit::Exit;
use crate::flow::selftest::{Asked, SelftestError, Tested, test};
use crate::io::scratch::ScratchError;
use crate::io::signals::StopRequest;
use crate::render::{json, selftest_md, selftest_text};
use crate::wire::selftest_result::SelftestResult;

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
    let asked = Asked { path: &path, policy: &policy, options, exit_code: &exit_code, stop: &stop };
    let Tested { folder, symbol, rows, notes } = test(&asked).map_err(cannot_test)?;
    if folder != path {
        let (asked, read) = (path.display(), folder.display());
        say(globals, &format!("note: `{asked}` has no iteration files, `{read}` has; that one is read"));
    }
    let folder = folder.to_string_lossy().into_owned();
    let result = SelftestResult::of(folder, symbol, rows, mock.mock, notes, &provenance);
    print(match format {
        ReportFormat::Text => selftest_text::text(&result, style(globals, false)),
        ReportFormat::Json => json::pretty(&result),
        ReportFormat::Md => selftest_md::md(&result),
    })?;
    Ok(match (result.not_caught.is_empty(), result.hidden.is_empty()) {
        (true, true) => Exit::Success,
        (true, false) => Exit::Inconclusive,
        (false, _) => Exit::Failed,
    })
}

fn cannot_test(error: SelftestError) -> Failure {
    match error {
        SelftestError::Judge(error) => cannot_judge(error),
        SelftestError::Interrupted { .. } | SelftestError::Scratch(ScratchError::Interrupted) => {
            Failure::interrupted(error)
        }
        SelftestError::Scratch(error) => {
            Failure::output(error).hint("$TMPDIR names a folder with room for a copy of the iteration files")
        }
        SelftestError::Empty { .. } => Failure::input(error)
            .hint("a selftest wants a run that passes: a folder with ITER_SUMMARY_<n>.json files"),
    }
}
