//! Arguments of the three commands that judge a run: `analyze`, `extract` and `gate`.

use crate::cli::arguments::globals::GlobalArgs;
use crate::cli::arguments::judging::{CiArgs, JudgedRunArgs, OverrideArgs};
use crate::cli::arguments::notify::NotifyArgs;
use crate::cli::arguments::values::{FailOn, FailOnWarn, Format, count, symbol};
use crate::cli::judge::folder::cannot_write;
use crate::core::analysis::Analysis;
use crate::core::analysis::folder::Judged;
use crate::core::analysis::result::GateResult;
use crate::core::compare::snapshot::{Snapshot, baseline};
use crate::core::verdict::Outcome;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::core::verdict::provenance::Provenance;
use crate::infra::notify;
use crate::infra::notify::Target;
use crate::report::artifacts as write;
use crate::report::artifacts::Rendered;
use crate::report::notification::{Notification, line, with_link};
use crate::report::terminal::Style;
use anyhow::anyhow;
use clap::Args;
use std::io;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// `soak analyze`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak analyze artifacts/soak/latest
  soak analyze runs/multi --symbol BTCUSDT,ETHUSDT --exit-on-crit
  soak analyze --plots                                pictures of the KPIs, too")]
pub struct AnalyzeArgs {
    /// The run, and how it is judged.
    #[command(flatten)]
    pub judged: JudgedRunArgs,

    /// Look only at this symbol; may be repeated, or be a list with commas [default: all symbols]
    #[arg(long, value_name = "SYMBOL", value_delimiter = ',', value_parser = symbol)]
    pub symbol: Vec<String>,

    /// Exit 1 if any violation is CRIT, even if the verdict is better
    #[arg(long)]
    pub exit_on_crit: bool,

    /// With a symbol of fewer than N iterations the verdict is INCONCLUSIVE
    #[arg(long, value_name = "N", value_parser = count)]
    pub min_windows: Option<usize>,

    /// Draw the KPIs of the verdict into reports/analysis/plots, as PNG and SVG; of several symbols the worst one
    #[arg(long)]
    pub plots: bool,

    /// What comes of the verdict.
    #[command(flatten)]
    pub outcome: OutcomeArgs,
}

/// `soak extract`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak extract artifacts/soak/latest --pretty
  soak extract --compare baseline.json --prometheus --notify slack")]
pub struct ExtractArgs {
    /// The run, and how it is judged.
    #[command(flatten)]
    pub judged: JudgedRunArgs,

    /// Print the snapshot with line breaks; the file stays on one line
    #[arg(long)]
    pub pretty: bool,

    /// The baseline.
    #[command(flatten)]
    pub baseline: BaselineArgs,
    /// The metrics file.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// The notification.
    #[command(flatten)]
    pub notify: NotifyArgs,

    /// Exit by the verdict: `fail` on everything but PASS and WARN, `warn` on everything but PASS [default:
    /// any verdict exits 0]
    #[arg(long, value_name = "OUTCOME", value_enum)]
    pub fail_on: Option<FailOn>,

    /// Folder for everything that is written [default: the folder of the run]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `soak gate`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak gate artifacts/soak/latest
  soak gate artifacts/soak/latest --strict --require-freeze --fail-on warn --junit gate.xml
  soak gate --mock --min-iterations 4 --last-n 4      a smoke test")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub struct GateArgs {
    /// The run, and how it is judged.
    #[command(flatten)]
    pub judged: JudgedRunArgs,

    /// Apply the strict limit to the share of deltas that reached the overrides
    /// (deltas.full_apply_ratio_strict of the policy; built in: 0.95 instead of 0.90)
    #[arg(long, conflicts_with = "skip_delta_verify")]
    pub strict: bool,

    /// Leave the verification of the deltas out of the verdict; the result says so
    #[arg(long)]
    pub skip_delta_verify: bool,

    /// Do not write the reports of `analyze`; the verdict is the same
    #[arg(long, conflicts_with = "no_html")]
    pub skip_analyzer: bool,

    /// Fail unless the run is ready to freeze, even where the verdict is WARN
    #[arg(long)]
    pub require_freeze: bool,

    /// Check this edge report against the limits of the policy, too
    #[arg(long, value_name = "FILE")]
    pub edge_report: Option<PathBuf>,

    /// The baseline.
    #[command(flatten)]
    pub baseline: BaselineArgs,
    /// The metrics file.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// The notification.
    #[command(flatten)]
    pub notify: NotifyArgs,

    /// What comes of the verdict.
    #[command(flatten)]
    pub outcome: OutcomeArgs,
}

/// What comes of a verdict: the exit code, what CI gets, files, and what is printed.
#[derive(Debug, Args)]
pub struct OutcomeArgs {
    /// Exit 1 on a WARN, too [default: a WARN exits 0]
    #[arg(long, value_name = "OUTCOME", value_enum)]
    pub fail_on: Option<FailOnWarn>,

    /// An override.
    #[command(flatten)]
    pub override_: OverrideArgs,

    /// What CI gets.
    #[command(flatten)]
    pub ci: CiArgs,

    /// Folder for everything that is written [default: the folder of the run, and reports/analysis in it]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Leave report.html, the report for the browser, out; an earlier one is removed
    #[arg(long)]
    pub no_html: bool,

    /// Draw sparklines with -=+# instead of block characters
    #[arg(long)]
    pub ascii: bool,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Comparison with an earlier snapshot.
#[derive(Clone, Debug, Args)]
pub struct BaselineArgs {
    /// Show on stderr how the KPIs changed against this earlier snapshot
    #[arg(long, value_name = "BASELINE")]
    pub compare: Option<PathBuf>,

    /// Fail if the baseline is missing or cannot be read, instead of a warning
    #[arg(long, requires = "compare")]
    pub require_baseline: bool,
}

/// The metrics file for Prometheus.
#[derive(Clone, Copy, Debug, Args)]
pub struct MetricsArgs {
    /// Write POST_SOAK_METRICS.prom, for node_exporter's textfile collector
    #[arg(long)]
    pub prometheus: bool,

    /// Leave the metrics with the old names out of it; the clean `soak_*` metrics say the same
    #[arg(long, requires = "prometheus")]
    pub no_legacy_metrics: bool,
}

/// Says a line on stderr that is not a log line: part of the conversation, left out under `--quiet`.
pub(crate) fn say(globals: &GlobalArgs, text: &str) {
    if !globals.quiet {
        // If nobody can read it there, nothing is lost that stdout and the exit code do not say.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// How stdout may be written to.
pub(crate) fn style(globals: &GlobalArgs, ascii: bool) -> Style {
    Style { colour: globals.colors(io::stdout().is_terminal()), ascii }
}

/// Tells that another folder than the one asked for was read.
pub(crate) fn tell_folder(globals: &GlobalArgs, judged: &Judged, asked: &Path) {
    if judged.redirected {
        tell_redirected(globals, judged.folder.path(), asked);
    }
}

/// The line of [`tell_folder`].
pub(crate) fn tell_redirected(globals: &GlobalArgs, folder: &Path, asked: &Path) {
    say(
        globals,
        &format!(
            "note: `{}` has no iteration files, `{}` has; that one is read",
            asked.display(),
            folder.display()
        ),
    );
}

/// The folder to write into: that of `--out`, else that of the run. An archive has none: without `--out` nothing is
/// written, and a note says so. `wants` are flags that ask for a file there, and whether they are given.
pub(crate) fn base(
    globals: &GlobalArgs,
    out: Option<&Path>,
    judged: &Judged,
    wants: &[(&str, bool)],
) -> Result<Option<PathBuf>, Failure> {
    if let Some(out) = out {
        return Ok(Some(out.to_owned()));
    }
    if !judged.folder.is_archived() {
        return Ok(Some(judged.folder.path().to_owned()));
    }
    let archive = judged.folder.path().display();
    if let Some((flag, _)) = wants.iter().find(|(_, is_given)| *is_given) {
        return Err(Failure::usage(anyhow!("`{flag}` needs `--out`: `{archive}` is an archive"))
            .hint("`--out DIR` names the folder for everything that is written"));
    }
    say(globals, &format!("note: `{archive}` is an archive: nothing is written without `--out DIR`"));
    Ok(None)
}

/// What became of the artifacts: their names, sorted, and how writing failed, if it did.
pub(crate) struct Written {
    /// Relative to the folder.
    pub(crate) names: Vec<PathBuf>,
    /// Why they could not be written.
    pub(crate) failure: Option<Failure>,
}

/// Writes the artifacts. A folder without iterations is only written into where an earlier result would
/// otherwise be out of date: a folder that was named by mistake gets no reports.
pub(crate) fn write(
    globals: &GlobalArgs,
    base: Option<&Path>,
    analysis: &Analysis,
    rendered: Rendered,
) -> Written {
    write_where(globals, base, analysis, rendered, Path::new("POST_SOAK_SNAPSHOT.json"))
}

/// [`write`], where `result` is the file by which an earlier result is known.
pub(crate) fn write_where(
    globals: &GlobalArgs,
    base: Option<&Path>,
    analysis: &Analysis,
    rendered: Rendered,
    result: &Path,
) -> Written {
    let nothing = Written { names: Vec::new(), failure: None };
    let Some(base) = base else { return nothing };
    if analysis.evidence.is_empty() && !crate::infra::atomic_file::exists(&base.join(result)) {
        return nothing;
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
pub(crate) fn compare(globals: &GlobalArgs, args: &BaselineArgs, snapshot: &Snapshot) -> Result<(), Failure> {
    let BaselineArgs { compare, require_baseline } = args;
    let Some(path) = compare else { return Ok(()) };
    match baseline::compare(path, snapshot) {
        Ok(text) => {
            say(globals, text.trim_end());
            Ok(())
        }
        Err(problem) if *require_baseline => Err(Failure::input(problem)
            .hint("`--compare` expects a POST_SOAK_SNAPSHOT.json; `soak extract` writes one")),
        Err(problem) => {
            say(globals, &format!("warning: nothing to compare with: {:#}", anyhow!(problem)));
            Ok(())
        }
    }
}

/// Notifies of a verdict, and says on stderr what became of it; why it failed, if it did. It never changes how the
/// command ends.
pub(crate) fn notify(
    globals: &GlobalArgs,
    snapshot: &Snapshot,
    target: &Target,
    link: Option<&str>,
    tunes: bool,
) -> Option<String> {
    if snapshot.outcome == Outcome::Pass {
        say(globals, "note: the verdict is PASS, no notification is sent");
        return None;
    }
    let guards = &snapshot.guards_last8;
    let kpis: Vec<_> = snapshot.kpi_last8.means().collect();
    let spoke = guards.oscillation_count + guards.velocity_count + guards.cooldown_count;
    let text = line(&Notification {
        outcome: snapshot.outcome,
        kpis: &kpis,
        guards: tunes.then_some(spoke),
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
pub(crate) fn verdict_exit(analysis: &Analysis, provenance: &Provenance, fail_on_warn: bool) -> Exit {
    if provenance.overridden.is_some() {
        return Exit::Success;
    }
    Exit::of_verdict(analysis.outcome, fail_on_warn)
}

/// How [`end`] will end the command.
pub(crate) fn ending(exit: Exit, failure: Option<&Failure>) -> Exit {
    match failure {
        Some(failure) if exit == Exit::Success => failure.exit,
        _ => exit,
    }
}

/// The JSON result of a command that judges.
pub(crate) fn result<'a>(
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
pub(crate) fn leave(judged: Judged) {
    std::mem::forget(judged);
}

/// The end of a command: trouble with writing fails it, unless the verdict does so already.
pub(crate) fn end(exit: Exit, failure: Option<Failure>) -> Result<Exit, Failure> {
    match failure {
        Some(failure) if exit == Exit::Success => Err(failure),
        Some(failure) => {
            failure.report();
            Ok(exit)
        }
        None => Ok(exit),
    }
}
