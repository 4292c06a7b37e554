//! The end of a run: the folder is closed, reports are written, the judge is asked, people are told.

use std::path::{Path, PathBuf};

use super::begin::{PreparedRun, origin};
use super::settings::{Job, plain, resume_command};
use super::watch::{Messenger, Watch};
use crate::cli::arguments::values::Format;
use crate::cli::judge::folder::cannot_judge;
use crate::cli::judge::post_soak::end as end_with;
use crate::cli::output::stdout::print;
use crate::core::analysis::folder::{Request, judge};
use crate::core::analysis::{Analysis, Options, Origin};
use crate::core::iteration::manifest::RunState;
use crate::core::load::overrides_file as overrides;
use crate::core::policy::{Policy, Profile};
use crate::core::text::shell;
use crate::core::verdict::Outcome;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::export::live::LiveVerdict;
use crate::export::live::server::Server;
use crate::infra::atomic_file;
use crate::report::json;
use crate::report::terminal::Style;
use crate::run::engine::{End, Ended};
use crate::run::folder::RunFolderError;
use crate::run::metrics::RunReport;
use crate::run::output::log::{self, LogEvent};
use crate::run::output::results as soak_results_md;
use crate::run::output::soak_metrics::{GatesSummary, SoakMetrics};
use crate::run::output::text::{self, Decision, NextStep, RunEnd};

/// Ends a run, however it ended.
pub(crate) fn end(
    job: &Job<'_>,
    mut prepared: PreparedRun,
    ended: Result<Ended, RunFolderError>,
    mut watch: Watch<'_>,
    server: Option<Server>,
    style: Style,
) -> Result<Exit, Failure> {
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => {
            let failure = Failure::from(error);
            report_failure(&mut watch, &failure.error.to_string());
            // As far as the folder still can: a run that is over must not look as if it went on.
            drop(prepared.folder.finish(RunState::Failed, Some(&failure.error.to_string()), job.now));
            close(&mut watch, server, RunState::Failed, None, &failure.error.to_string());
            warn_unsent(&watch.voice, watch.messenger.take());
            return Err(failure);
        }
    };
    let state = match ended.end {
        End::Complete => RunState::Complete,
        End::Interrupted => RunState::Interrupted,
        End::Uncollected { .. } | End::Aborted { .. } => RunState::Failed,
    };
    let reason = reason(&ended.end);
    // A run that was complete before it was resumed is written down already.
    if prepared.folder.manifest().state != RunState::Complete {
        prepared.folder.finish(state, reason.as_deref(), job.now)?;
    }
    let folder = match state {
        RunState::Complete | RunState::Failed => prepared.folder.materialise()?,
        RunState::Interrupted | RunState::Running => prepared.folder.path().to_owned(),
    };
    let report = RunReport::judge(watch.metrics.finish(), &job.policy.run_gates);
    if ended.end == End::Interrupted {
        log_end(&mut watch, &ended, &report, job.args.wants_run_gates());
        let told = format!("interrupted; the state is saved. Next: {}", resume_command(job));
        close(&mut watch, server, RunState::Interrupted, None, &told);
        warn_unsent(&watch.voice, watch.messenger.take());
        let problem =
            format!("interrupted after iteration {} of {}; the state is saved", ended.last, watch.iterations);
        return Err(Failure::interrupted(plain(problem)).hint(format!("go on with: {}", resume_command(job))));
    }
    let judged = decide(&folder, job.policy);
    let report = match &judged {
        Ok(analysis) => report.beside(analysis.outcome, analysis.reason()),
        Err(failure) => report.beside(Outcome::Invalid, failure.error.to_string()),
    };
    log_end(&mut watch, &ended, &report, job.args.wants_run_gates());
    let origin = origin(job, &prepared);
    let exported = export(job, &report, &origin);
    let analysis = judged?;
    let decision = decision(&analysis);
    let next = next_step(job, &analysis, &ended, &folder);
    let adopted = adopt(job, &prepared, &ended, &analysis, &watch);
    let told = decision.notes.iter().cloned().chain([format!("Next: {}", next.command)]).collect::<Vec<_>>();
    close(&mut watch, server, state, Some(&decision), &told.join("\n"));
    notify_end(&mut watch, &ended, &decision, &origin);
    warn_unsent(&watch.voice, watch.messenger.take());
    match job.args.format {
        Format::Text => print(text::end(
            &RunEnd {
                rows: &watch.rows,
                columns: &watch.columns,
                drift: &job.policy.drift,
                report: job.args.wants_run_gates().then_some(&report),
                decision: &decision,
                next: &next,
            },
            style,
        ))?,
        Format::Json => {
            print(json::pretty(&SoakMetrics::of(&report, &origin, &job.provenance)))?;
        }
    }
    let (exit, failure) = exit(job, &ended, &watch, &report);
    end_with(exit, failure.or(exported.err()).or(adopted.err()))
}

/// Why the run ended before its last iteration; `None` = it did not.
fn reason(end: &End) -> Option<String> {
    match end {
        End::Complete => None,
        End::Interrupted => Some("interrupted by a signal".to_owned()),
        End::Uncollected { in_a_row, reason } => {
            Some(format!("{in_a_row} collections in a row failed, the last one because: {reason}"))
        }
        End::Aborted { in_a_row } => Some(format!("{in_a_row} iterations in a row had the KPI verdict FAIL")),
    }
}

/// The exit code, and the failure that explains one that is not 0.
fn exit(job: &Job<'_>, ended: &Ended, watch: &Watch<'_>, report: &RunReport) -> (Exit, Option<Failure>) {
    if watch.collected == 0 {
        let every = || match &watch.last_failure {
            Some(reason) => format!("every collection failed, the last one because: {reason}"),
            None => "every collection failed".to_owned(),
        };
        let why = reason(&ended.end).unwrap_or_else(every);
        if watch.has_parts {
            let failure = Failure::external(plain(why))
                .hint("the iteration files hold what was measured, and each reason");
            return (Exit::ExternalFailed, Some(failure));
        }
        let failure = Failure::usage(plain(format!("no iteration was completed: {why}")))
            .hint("`soak run --dry-run` shows what would be run; the iteration files hold each reason");
        return (Exit::Usage, Some(failure));
    }
    match &ended.end {
        End::Complete if job.args.wants_run_gates() && report.misses_a_hard_gate() => {
            let gates = report.of_the_gates();
            let outcome = if gates.is_acceptable() { Outcome::Fail } else { gates };
            (Exit::of_verdict(outcome, false), None)
        }
        End::Complete | End::Interrupted => (Exit::Success, None),
        End::Uncollected { .. } => {
            let why = reason(&ended.end).unwrap_or_default();
            let failure = Failure::external(plain(why))
                .hint(format!("mend the source and go on with: {}", resume_command(job)));
            (Exit::ExternalFailed, Some(failure))
        }
        End::Aborted { .. } => {
            let why = reason(&ended.end).unwrap_or_default();
            (
                Exit::Failed,
                Some(Failure::failed(plain(why)).hint("`--abort-after-fails 0` never ends a run early")),
            )
        }
    }
}

/// What the gate says of the folder as it is now.
fn decide(folder: &Path, policy: &Policy) -> Result<Analysis, Failure> {
    let request = Request::new(folder, policy, Options::default());
    judge(&request).map(|judged| judged.analysis).map_err(cannot_judge)
}

fn decision(analysis: &Analysis) -> Decision {
    let reason = analysis.reason();
    // The verdict and its reason are told already; a sentence needs not say them again.
    let (start, end) = (format!("gate {}, ", analysis.outcome.word()), format!(": {reason}"));
    let short = |note: &String| {
        let note = note.strip_prefix(&start).unwrap_or(note);
        note.strip_suffix(&end).unwrap_or(note).to_owned()
    };
    let notes = analysis.disagreements.iter().map(short).chain(analysis.origin.sentence()).collect();
    Decision { outcome: analysis.outcome, reason, notes }
}

/// What to do after a run with this verdict.
fn next_step(job: &Job<'_>, analysis: &Analysis, ended: &Ended, folder: &Path) -> NextStep {
    let folder = shell::path(folder);
    let (command, purpose) = match analysis.outcome {
        Outcome::Pass | Outcome::Warn if analysis.origin.sentence().is_some() => (
            format!("soak gate --path {folder}"),
            "writes the reports; the data is not about a build, and not valid for a release",
        ),
        Outcome::Pass | Outcome::Warn => (
            format!("soak gate --path {folder}"),
            "writes the reports; its exit code is the verdict on the build",
        ),
        Outcome::Inconclusive if ended.end == End::Complete => (
            format!("{} --extend {}", resume_command(job), more(job.policy, ended.last)),
            "more iterations of the same run, then judged again",
        ),
        _ => (format!("soak analyze --path {folder}"), "says what failed, where, and what to change"),
    };
    NextStep { command, purpose }
}

/// How many iterations a run of so many lacks. A trading run is doubled: its verdict rests on the last ones.
fn more(policy: &Policy, iterations: u64) -> u64 {
    let needed = policy.too_short_for(iterations).into_iter().map(|(_, needed)| needed).max();
    let lacking = needed.filter(|_| policy.profile != Profile::Trading).map(|needed| needed - iterations);
    lacking.unwrap_or(iterations.max(8))
}

/// Writes the reports of the run that were asked for.
fn export(job: &Job<'_>, report: &RunReport, origin: &Origin) -> Result<(), Failure> {
    let reports = &job.args.reports;
    let write = |path: &Path, text: String| {
        atomic_file::write_below(path, text.as_bytes()).map_err(|error| {
            Failure::output(error).hint("the report flags name files in folders that can be written")
        })
    };
    let metrics = || json::pretty(&SoakMetrics::of(report, origin, &job.provenance));
    let markdown = || soak_results_md::results(report, origin, &job.provenance);
    let gates = || json::pretty(&GatesSummary::of(report, origin, &job.provenance));
    // One that cannot be written does not cost the others.
    let written: Vec<Result<(), Failure>> = (reports.json().iter().map(|path| write(path, metrics())))
        .chain(reports.markdown().iter().map(|path| write(path, markdown())))
        .chain(reports.gates().iter().map(|path| write(path, gates())))
        .collect();
    written.into_iter().collect()
}

/// After a PASS, the tuned values go into the start file.
fn adopt(
    job: &Job<'_>,
    prepared: &PreparedRun,
    ended: &Ended,
    analysis: &Analysis,
    watch: &Watch<'_>,
) -> Result<(), Failure> {
    if !job.args.tuning.adopt {
        return Ok(());
    }
    let file = PathBuf::from(&prepared.settings.start_file);
    if ended.end != End::Complete || analysis.outcome != Outcome::Pass {
        let event = LogEvent::new("overrides", "NOT_ADOPTED").with("gate", analysis.outcome.word());
        watch.voice.log(&event);
        return Ok(());
    }
    let shape = super::settings::overrides_shape(&file)?;
    let text = overrides::write(shape.as_deref(), &ended.state.overrides).map_err(Failure::input)?;
    atomic_file::write_below(&file, text.as_bytes()).map_err(Failure::output)?;
    watch.voice.log(&LogEvent::new("overrides", "ADOPTED").with("file", file.display().to_string()));
    Ok(())
}

fn log_end(watch: &mut Watch<'_>, ended: &Ended, report: &RunReport, gates: bool) {
    let failed = report.metrics.failed as u64;
    let event = match &ended.end {
        End::Complete => log::complete(ended.last, failed, gates.then_some(report.outcome)),
        End::Interrupted => log::interrupted(ended.last, watch.iterations, "signal"),
        other => log::failed(ended.last, watch.iterations, &reason(other).unwrap_or_default()),
    };
    watch.voice.log(&event);
}

fn report_failure(watch: &mut Watch<'_>, problem: &str) {
    let done = watch.rows.len() as u64;
    watch.voice.log(&log::failed(done, watch.iterations, problem));
    if let Some(messenger) = &watch.messenger {
        messenger
            .send(&format!("Soak run [FAILED] after iteration {done} of {}: {problem}", watch.iterations));
    }
}

fn notify_end(watch: &mut Watch<'_>, ended: &Ended, decision: &Decision, origin: &Origin) {
    let origin = origin.note().map_or_else(String::new, |note| format!(" | {note}"));
    let decision = format!("gate {}: {}{origin}", decision.outcome.word(), decision.reason);
    let iterations = watch.iterations;
    let Some(messenger) = &watch.messenger else { return };
    let text = match reason(&ended.end) {
        None => format!("Soak run [COMPLETE] {} of {iterations} iterations; {decision}", ended.last),
        Some(why) => {
            format!("Soak run [FAILED] after iteration {} of {iterations}: {why}; {decision}", ended.last)
        }
    };
    messenger.send(&text);
}

/// What could not be sent is logged, and changes nothing else.
fn warn_unsent(voice: &super::watch::Voice, messenger: Option<Messenger>) {
    for problem in messenger.into_iter().flat_map(Messenger::finish) {
        voice.log(&LogEvent::new("soak", "NOT_NOTIFIED").with("reason", problem));
    }
}

/// The page shows the end before it goes away. Without a decision the verdict is that on the folder as it is.
fn close(
    watch: &mut Watch<'_>,
    server: Option<Server>,
    state: RunState,
    decision: Option<&Decision>,
    told: &str,
) {
    if let Some(publisher) = &watch.publisher {
        let verdict = match decision {
            Some(decision) => LiveVerdict { outcome: decision.outcome, reason: decision.reason.clone() },
            None => watch.so_far.now(),
        };
        publisher.update(|live| {
            live.facts.state = Some(state);
            live.facts.decision = Some(told.to_owned());
            live.facts.verdict = Some(verdict);
        });
    }
    drop(server);
}
