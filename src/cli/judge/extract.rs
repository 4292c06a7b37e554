//! `soak extract`: the compact snapshot.

use anyhow::anyhow;

use super::post_soak::{base, compare, notify, say, tell_folder, write};
use crate::cli::arguments::globals::GlobalArgs;
use crate::cli::arguments::judging::JudgedRunArgs;
use crate::cli::arguments::values::FailOn;
use crate::cli::judge::folder::{
    NO_ITERATIONS_HINT, cannot_judge, collect_provenance, judging_options, load_window_policy,
};
use crate::cli::judge::post_soak::{ExtractArgs, MetricsArgs};
use crate::cli::output::stdout::print;
use crate::core::analysis::folder as judge;
use crate::core::analysis::folder::Request;
use crate::core::compare::snapshot::Snapshot;
use crate::core::verdict::Outcome;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::report::artifacts::{Metrics, Selection, render};
use crate::report::json;

/// Judges, writes the snapshot, prints it.
pub(crate) fn run(args: &ExtractArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let ExtractArgs {
        judged: JudgedRunArgs { path, policy, mock, window },
        pretty,
        baseline,
        metrics,
        notify: notify_args,
        fail_on,
        out,
    } = args;
    let target = notify_args.destination().map_err(Failure::usage)?;
    let policy = load_window_policy(policy, window)?;
    let provenance = collect_provenance(&policy, None)?;
    let options = judging_options(*mock, window);
    let asked = path.folder();
    let request = Request::new(&asked, &policy, options);
    let judged = judge::judge(&request).map_err(cannot_judge)?;
    tell_folder(globals, &judged, &asked);
    let base = base(globals, out.as_deref(), &judged, &[("--prometheus", metrics.prometheus)])?;
    let analysis = &judged.analysis;
    for finding in analysis.findings.iter().filter(|finding| finding.in_window) {
        say(globals, &format!("warning: {}", crate::report::format::text::printable(&finding.message)));
    }
    let mut snapshot = Snapshot::of(analysis, &provenance);
    let wanted = Selection { snapshot: true, metrics: metrics_wanted(*metrics), ..Selection::default() };
    let rendered = render(analysis, &policy, &provenance, &wanted);
    // The baseline may be the very file that is written next.
    let compared = compare(globals, baseline, &snapshot);
    let written = write(globals, base.as_deref(), analysis, rendered);
    if analysis.evidence.is_empty() {
        let reason = format!(
            "there is nothing to extract in `{}`: {}",
            judged.folder.path().display(),
            analysis.reason()
        );
        return Err(Failure::input(anyhow!(reason)).hint(NO_ITERATIONS_HINT));
    }
    snapshot.notification_error =
        target.and_then(|target| notify(globals, &snapshot, &target, notify_args.link(), analysis.tunes));
    print(if *pretty { json::pretty_ascii(&snapshot) } else { json::compact_ascii(&snapshot) })?;
    compared?;
    if let Some(failure) = written.failure {
        return Err(failure);
    }
    Ok(match (fail_on, snapshot.outcome) {
        (None, _) | (_, Outcome::Pass) => Exit::Success,
        (Some(FailOn::Warn), outcome) => Exit::of_verdict(outcome, true),
        (Some(FailOn::Fail), outcome) => Exit::of_verdict(outcome, false),
    })
}

/// The metrics file, as asked for.
pub(crate) fn metrics_wanted(args: MetricsArgs) -> Option<Metrics> {
    let MetricsArgs { prometheus, no_legacy_metrics } = args;
    prometheus.then_some(if no_legacy_metrics { Metrics::Clean } else { Metrics::WithLegacy })
}
