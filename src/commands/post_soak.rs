//! The steps that `analyze`, `extract` and `gate` share: write, compare, warn, end.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::Failure;
use super::judging::cannot_write;
use crate::cli::globals::GlobalArgs;
use crate::cli::post_soak::BaselineArgs;
use crate::core::analysis::Analysis;
use crate::core::analysis::folder::Judged;
use crate::core::analysis::result::GateResult;
use crate::core::compare::snapshot::Snapshot;
use crate::core::compare::snapshot::baseline;
use crate::core::verdict::Outcome;
use crate::core::verdict::provenance::Provenance;
use crate::exit::Exit;
use crate::infra::notify::{self, Target};
use crate::report::artifacts::{self as write, Rendered};
use crate::report::notification::{Notification, line, with_link};
use crate::report::terminal::Style;

/// Says a line on stderr that is not a log line: part of the conversation, left out under `--quiet`.
pub(super) fn say(globals: &GlobalArgs, text: &str) {
    if !globals.quiet {
        // If nobody can read it there, nothing is lost that stdout and the exit code do not say.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// How stdout may be written to.
pub(super) fn style(globals: &GlobalArgs, ascii: bool) -> Style {
    Style { colour: globals.colors(io::stdout().is_terminal()), ascii }
}

/// Tells that another folder than the one asked for was read.
pub(super) fn tell_folder(globals: &GlobalArgs, judged: &Judged, asked: &Path) {
    if judged.redirected {
        tell_redirected(globals, &judged.folder, asked);
    }
}

/// The line of [`tell_folder`].
pub(super) fn tell_redirected(globals: &GlobalArgs, folder: &Path, asked: &Path) {
    say(
        globals,
        &format!(
            "note: `{}` has no iteration files, `{}` has; that one is read",
            asked.display(),
            folder.display()
        ),
    );
}

/// What became of the artifacts: their names, sorted, and how writing failed, if it did.
pub(super) struct Written {
    /// Relative to the folder.
    pub(super) names: Vec<PathBuf>,
    /// Why they could not be written.
    pub(super) failure: Option<Failure>,
}

/// Writes the artifacts. A folder without iterations is only written into where an earlier result would
/// otherwise go on claiming something: nobody wants reports in a folder that was named by mistake.
pub(super) fn write(globals: &GlobalArgs, base: &Path, analysis: &Analysis, rendered: Rendered) -> Written {
    write_where(globals, base, analysis, rendered, Path::new("POST_SOAK_SNAPSHOT.json"))
}

/// [`write`], where `result` is the file by which an earlier result is known.
pub(super) fn write_where(
    globals: &GlobalArgs,
    base: &Path,
    analysis: &Analysis,
    rendered: Rendered,
    result: &Path,
) -> Written {
    if analysis.evidence.is_empty() && !crate::infra::atomic_file::exists(&base.join(result)) {
        return Written { names: Vec::new(), failure: None };
    }
    match write::commit(base, rendered) {
        Ok(done) => {
            for left in &done.left_alone {
                say(
                    globals,
                    &format!(
                        "warning: stale `{}` is left alone: {}",
                        left.path.display(),
                        left.reason.words()
                    ),
                );
            }
            if done.manifest_was_unreadable {
                say(globals, "warning: the list of written artifacts could not be read and was made anew");
            }
            let mut names: Vec<PathBuf> = done.written.into_iter().chain(done.unchanged).collect();
            names.sort();
            Written { names, failure: None }
        }
        Err(error) => Written { names: Vec::new(), failure: Some(cannot_write(error)) },
    }
}

/// Compares with the baseline, if one was asked for. Without `--require-baseline` trouble is a warning.
pub(super) fn compare(globals: &GlobalArgs, args: &BaselineArgs, snapshot: &Snapshot) -> Result<(), Failure> {
    let BaselineArgs { compare, require_baseline } = args;
    let Some(path) = compare else { return Ok(()) };
    match baseline::compare(path, snapshot) {
        Ok(text) => {
            say(globals, text.trim_end());
            Ok(())
        }
        Err(problem) if *require_baseline => Err(Failure::input(problem)
            .hint("`--compare` wants a POST_SOAK_SNAPSHOT.json; `soak extract` writes one")),
        Err(problem) => {
            say(globals, &format!("warning: nothing to compare with: {:#}", anyhow!(problem)));
            Ok(())
        }
    }
}

/// Notifies of a verdict, and says on stderr what became of it; why it failed, if it did. It never changes how the
/// command ends.
pub(super) fn notify(
    globals: &GlobalArgs,
    snapshot: &Snapshot,
    target: &Target,
    link: Option<&str>,
) -> Option<String> {
    if snapshot.outcome == Outcome::Pass {
        say(globals, "note: the verdict is PASS, nobody is notified");
        return None;
    }
    let (kpi, guards) = (&snapshot.kpi_last8, &snapshot.guards_last8);
    let text = line(&Notification {
        outcome: snapshot.outcome,
        risk_ratio: kpi.risk_ratio.mean,
        maker_taker_ratio: kpi.maker_taker_ratio.mean,
        net_bps: kpi.net_bps.mean,
        p95_latency_ms: kpi.p95_latency_ms.mean,
        guards: Some(guards.oscillation_count + guards.velocity_count + guards.cooldown_count),
        origin: snapshot.origin.as_ref().and_then(|origin| origin.note.as_deref()),
        reason: Some(&snapshot.outcome_reason),
    });
    let Err(error) = notify::send(target, &with_link(text, link)) else {
        say(globals, "note: the notification was delivered");
        return None;
    };
    let hint = error.hint();
    let error = format!("{:#}", anyhow!(error));
    say(globals, &format!("warning: {error}"));
    hint.inspect(|hint| say(globals, &format!("hint: {hint}")));
    Some(error)
}

/// How a command that gates ends on a verdict; an override passes any.
pub(super) fn verdict_exit(analysis: &Analysis, provenance: &Provenance, fail_on_warn: bool) -> Exit {
    if provenance.overridden.is_some() {
        return Exit::Success;
    }
    Exit::of_verdict(analysis.outcome, fail_on_warn)
}

/// How [`end`] will end the command.
pub(super) fn ending(exit: Exit, failure: Option<&Failure>) -> Exit {
    match failure {
        Some(failure) if exit == Exit::Success => failure.exit,
        _ => exit,
    }
}

/// The JSON result of a command that judges.
pub(super) fn result<'a>(
    command: &'a str,
    analysis: &'a Analysis,
    provenance: &'a Provenance,
    written: &[PathBuf],
    exit_code: u8,
) -> GateResult<'a> {
    let name = |path: &PathBuf| path.to_string_lossy().replace('\\', "/");
    GateResult {
        artifacts: written.iter().map(name).collect(),
        exit_code,
        ..GateResult::of(command, analysis, provenance)
    }
}

/// Leaves a judged folder to the end of the process, which is near: taking a hundred thousand iterations apart
/// piece by piece costs more than judging them.
pub(super) fn leave(judged: Judged) {
    std::mem::forget(judged);
}

/// The end of a command: trouble with writing fails it, unless the verdict does so already.
pub(super) fn end(exit: Exit, failure: Option<Failure>) -> Result<Exit, Failure> {
    match failure {
        Some(failure) if exit == Exit::Success => Err(failure),
        Some(failure) => {
            failure.report();
            Ok(exit)
        }
        None => Ok(exit),
    }
}
