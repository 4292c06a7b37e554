//! `soak release readiness`, `… record` and `soak release validate`.

use std::path::Path;

use super::{Failure, print};
use crate::cli::globals::GlobalArgs;
use crate::cli::release::readiness::{
    ReadinessArgs, ReadinessCommand, RecordArgs, ScoringArgs, ValidateArgs,
};
use crate::cli::values::Format;
use crate::commands::judging::{cannot_judge, collect_provenance, load_policy};
use crate::commands::post_soak::{leave, say, tell_folder};
use crate::core::analysis::Options;
use crate::core::release::day::Stated;
use crate::exit::Exit;
use crate::flow::judge::{self, Request};
use crate::flow::release::readiness::{self, RecordError, RecordRequest, SCORE_FILE};
use crate::io::loose::FileError;
use crate::render::json;
use crate::render::release::score_text;

/// Scores, writes, tells; HOLD is exit code 1.
pub(super) fn run(args: &ReadinessArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let ReadinessArgs { command, dir, out_json, scoring: ScoringArgs { policy, rehearsal, format } } = args;
    if let Some(ReadinessCommand::Record(args)) = command {
        return record(args, globals);
    }
    let policy = load_policy(policy.policy.as_deref(), &[])?;
    let provenance = collect_provenance(&policy, None)?;
    let scored = readiness::score(dir, &policy, &provenance, *rehearsal).map_err(no_reports)?;
    let file = out_json.clone().unwrap_or_else(|| dir.join(SCORE_FILE));
    let beside = readiness::write(&scored, &file).map_err(|error| {
        Failure::output(error).hint("`--out-json` names a file in a folder that can be written")
    })?;
    match format {
        Format::Text => print(score_text::score(&scored.score, [&file, &beside]))?,
        Format::Json => print(json::compact_ascii(&scored.document))?,
    }
    if scored.score.has_unreleasable() {
        say(globals, &format!("hint: {WAY_OUT}"));
    }
    Ok(if scored.score.is_go() { Exit::Success } else { Exit::Failed })
}

/// What is left to those whose reports do not say that their data is real, as those of the earlier scripts.
const WAY_OUT: &str = "`--rehearsal` scores such reports as a rehearsal; `soak release readiness record` writes reports \
                       that say where their data came from";

fn no_reports(error: FileError) -> Failure {
    Failure::input(error).hint("`--dir` names the folder with the REPORT_SOAK_<date>.json files")
}

fn record(args: &RecordArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let RecordArgs {
        run,
        chaos,
        bug_bash,
        drift,
        fill_rate,
        pos_skew_abs_p95,
        caps_breaches,
        dir,
        replace,
        scoring: ScoringArgs { policy, rehearsal, format },
    } = args;
    let policy = load_policy(policy.policy.as_deref(), &[])?;
    let provenance = collect_provenance(&policy, None)?;
    let request = Request::new(run, &policy, Options::default());
    let judged = judge::judge(&request).map_err(|error| cannot_judge(error).hint(NO_RUN))?;
    tell_folder(globals, &judged, run);
    let stated = Stated {
        chaos: chaos.clone(),
        bug_bash: bug_bash.clone(),
        drift: drift.clone(),
        fill_rate: *fill_rate,
        pos_skew_abs_p95: *pos_skew_abs_p95,
        caps_breach_count: *caps_breaches,
    };
    let request = RecordRequest { stated: &stated, folder: dir, rehearsal: *rehearsal, replace: *replace };
    let recorded =
        readiness::record(&judged, &policy, &provenance, &request).map_err(|error| refused(error, dir))?;
    leave(judged);
    for problem in &recorded.unusable {
        say(globals, &format!("warning: an earlier report is left out of the comparison: {problem}"));
    }
    match format {
        Format::Text => print(score_text::recorded(&recorded.path, &recorded.report))?,
        Format::Json => print(json::pretty_ascii(&recorded.report))?,
    }
    Ok(Exit::Success)
}

const NO_RUN: &str = "RUN is the folder with the ITER_SUMMARY_<n>.json files";

fn refused(error: RecordError, dir: &Path) -> Failure {
    match error {
        RecordError::Refused { .. } => Failure::failed(error),
        RecordError::Exists { .. } => Failure::failed(error).hint("`--replace` writes over it"),
        RecordError::Clock(_) => Failure::usage(error),
        RecordError::File(_) => Failure::output(error)
            .hint(format!("`--dir` names the folder of the reports, here `{}`", dir.display())),
    }
}

/// Looks at a score's file; only a valid GO is exit code 0.
pub(super) fn validate(args: &ValidateArgs) -> Result<Exit, Failure> {
    let ValidateArgs { file, scoring: ScoringArgs { policy, rehearsal, format } } = args;
    let policy = load_policy(policy.policy.as_deref(), &[])?;
    let found = readiness::validate(file, &policy, *rehearsal);
    match format {
        Format::Text => print(score_text::validated(&found))?,
        Format::Json => print(json::pretty(&found))?,
    }
    Ok(match () {
        () if found.is_go() => Exit::Success,
        () if found.errors.is_empty() => Exit::Failed,
        () => Exit::InputInvalid,
    })
}
