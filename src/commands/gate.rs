//! `soak gate`: one load, one analysis, one verdict.

use std::path::Path;

use super::extract::metrics_wanted;
use super::judging::{cannot_judge, collect_provenance, load_window_policy, notify_target, overriding};
use super::post_soak::{
    compare, end, ending, leave, notify, result, say, style, tell_folder, verdict_exit, write,
};
use super::{Failure, print};
use crate::cli::environment;
use crate::cli::globals::GlobalArgs;
use crate::cli::judging::JudgedRunArgs;
use crate::cli::post_soak::GateArgs;
use crate::cli::values::Format;
use crate::core::analysis::{Analysis, Options};
use crate::exit::Exit;
use crate::flow::judge::{self, Request};
use crate::flow::write::{Wanted, render};
use crate::io::loose;
use crate::render::gate_text::Places;
use crate::render::{gate_text, github, json, junit};
use crate::wire::provenance::Provenance;
use crate::wire::snapshot::Snapshot;

/// Judges, writes, tells, ends by the verdict.
pub(super) fn run(args: &GateArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let GateArgs {
        judged: JudgedRunArgs { path, policy, mock, window },
        strict,
        skip_delta_verify,
        skip_analyzer,
        require_freeze,
        edge_report,
        baseline,
        metrics,
        notify: notify_args,
        fail_on,
        override_,
        junit,
        github,
        out,
        no_html,
        ascii,
        format,
    } = args;
    let target = notify_args.destination().map_err(Failure::usage)?.map(notify_target);
    let policy = load_window_policy(policy, window)?;
    let provenance = collect_provenance(&policy, overriding(override_))?;
    let options = Options {
        mock: mock.mock,
        so_far: window.so_far,
        deltas: !skip_delta_verify,
        strict: *strict,
        require_freeze: *require_freeze,
        ..Options::default()
    };
    let asked = path.folder();
    let request =
        Request { path: &asked, policy: &policy, options, symbols: &[], edge_report: edge_report.as_deref() };
    let judged = judge::judge(&request).map_err(cannot_judge)?;
    tell_folder(globals, &judged, &asked);
    let analysis = &judged.analysis;
    let snapshot = Snapshot::of(analysis, &provenance);
    let wanted = Wanted {
        snapshot: true,
        metrics: metrics_wanted(*metrics),
        reports: !skip_analyzer,
        deltas: !skip_delta_verify,
        ascii: *ascii,
        html: !no_html,
    };
    let rendered = render(analysis, &policy, &provenance, &wanted);
    // The baseline may be the very file that is written next.
    let compared = compare(globals, baseline, &snapshot, &policy.kpis);
    let base = out.as_deref().unwrap_or(&judged.folder);
    let written = write(globals, base, analysis, rendered);
    let mut failure = written.failure.or(compared.err());
    if let Some(file) = junit
        && let Err(error) = loose::write(file, junit::report(analysis, &provenance).as_bytes())
    {
        failure.get_or_insert(Failure::output(error).hint("`--junit` names a file in a folder that exists"));
    }
    if *github && let Err(error) = append_summary(analysis, &provenance) {
        failure.get_or_insert(error);
    }
    if let Some(target) = target {
        notify(globals, &snapshot, &target, notify_args.link());
    }
    let exit = verdict_exit(analysis, &provenance, fail_on.is_some());
    let places = Places { run: &judged.folder, base, written: &written.names };
    match format {
        Format::Text => {
            let style = style(globals, *ascii);
            print(gate_text::gate(analysis, &policy, &provenance, places, style))?;
        }
        Format::Json => {
            let code = ending(exit, failure.as_ref()).code(globals.detailed_exitcode);
            print(json::pretty(&result("gate", analysis, &provenance, &written.names, code)))?;
        }
    }
    if *github {
        annotate(globals, analysis, *format)?;
    }
    leave(judged);
    end(exit, failure)
}

/// Annotations on stdout; on stderr where stdout holds JSON.
fn annotate(globals: &GlobalArgs, analysis: &Analysis, format: Format) -> Result<(), Failure> {
    let annotations = github::annotations(analysis);
    match format {
        Format::Text => print(&annotations)?,
        Format::Json if annotations.is_empty() => {}
        Format::Json => say(globals, annotations.trim_end()),
    }
    Ok(())
}

/// The summary, into the file that GitHub names.
fn append_summary(analysis: &Analysis, provenance: &Provenance) -> Result<(), Failure> {
    let Some(file) = environment::text("GITHUB_STEP_SUMMARY") else { return Ok(()) };
    loose::append(Path::new(&file), |size| {
        let used = usize::try_from(size).unwrap_or(usize::MAX);
        github::summary(analysis, provenance, github::SUMMARY_LIMIT.saturating_sub(used))
    })
    .map_err(|error| Failure::output(error).hint("$GITHUB_STEP_SUMMARY names the file to append to"))
}
