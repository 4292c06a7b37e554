//! `soak gate`: one load, one analysis, one verdict.

use super::extract::metrics_wanted;
use super::post_soak::{base, compare, leave, notify, result, style, tell_folder, verdict_exit, write};
use crate::cli::arguments::globals::GlobalArgs;
use crate::cli::arguments::judging::JudgedRunArgs;
use crate::cli::arguments::values::Format;
use crate::cli::judge::folder::{
    cannot_judge, collect_provenance, judging_options, load_window_policy, needs_tuning, overriding,
};
use crate::cli::judge::post_soak::{GateArgs, OutcomeArgs};
use crate::cli::output::ci::Reporter;
use crate::core::analysis::Options;
use crate::core::analysis::folder as judge;
use crate::core::analysis::folder::Request;
use crate::core::analysis::result::GateResult;
use crate::core::compare::snapshot::Snapshot;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::report::artifacts::{Selection, render};
use crate::report::ci::CiReport;
use crate::report::gate::Places;
use crate::report::{gate as gate_text, json};
use anyhow::anyhow;

/// Judges, writes, tells, ends by the verdict.
pub(crate) fn run(args: &GateArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
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
        outcome: OutcomeArgs { fail_on, override_, ci, out, no_html, ascii, format },
    } = args;
    let reporter = Reporter {
        globals,
        args: ci,
        name: "soak gate",
        is_json: *format == Format::Json,
        is_text: *format == Format::Text,
    };
    let asked = path.folder();
    let options = Options {
        deltas: !skip_delta_verify,
        strict: *strict,
        require_freeze: *require_freeze,
        ..judging_options(*mock, window)
    };
    let (target, policy, provenance, judged) = reporter.or_error(|| {
        let target = notify_args.destination().map_err(Failure::usage)?;
        let policy = load_window_policy(policy, window)?;
        let of_tuning = [("`--require-freeze`", *require_freeze), ("`--strict`", *strict)];
        for (flag, _) in of_tuning.into_iter().filter(|(_, is_given)| *is_given) {
            needs_tuning(&policy, flag)?;
        }
        let provenance = collect_provenance(&policy, overriding(override_))?;
        let edge_report = edge_report.as_deref();
        if edge_report.is_some() && policy.edge_report.is_empty() {
            let problem = "`--edge-report` has nothing to check: the policy has no limit in `[edge_report]`";
            return Err(Failure::usage(anyhow!(problem))
                .hint("leave it out, or declare a limit as `[edge_report.<name>]`"));
        }
        let request = Request { path: &asked, policy: &policy, options, symbols: &[], edge_report };
        let judged = judge::judge(&request).map_err(cannot_judge)?;
        Ok((target, policy, provenance, judged))
    })?;
    tell_folder(globals, &judged, &asked);
    let needed = [("--prometheus", metrics.prometheus)];
    let base = reporter.or_error(|| base(globals, out.as_deref(), &judged, &needed))?;
    let analysis = &judged.analysis;
    let snapshot = Snapshot::of(analysis, &provenance);
    let wanted = Selection {
        snapshot: true,
        metrics: metrics_wanted(*metrics),
        reports: !skip_analyzer,
        deltas: !skip_delta_verify,
        ascii: *ascii,
        html: !no_html,
    };
    let rendered = render(analysis, &policy, &provenance, &wanted);
    // The baseline may be the very file that is written next.
    let compared = compare(globals, baseline, &snapshot);
    let written = write(globals, base.as_deref(), analysis, rendered);
    let failure = written.failure.or(compared.err());
    let told = CiReport::gate(analysis, &provenance);
    if let Some(target) = target {
        notify(globals, &snapshot, &target, notify_args.link(), analysis.tunes);
    }
    let exit = verdict_exit(analysis, &provenance, fail_on.is_some());
    let places = Places::new(judged.folder.path(), base.as_deref(), &written.names);
    let ended = reporter.conclude(&told, exit, failure, "--fail-on warn", |code, error| match format {
        Format::Text => {
            gate_text::gate(analysis, &provenance, places, fail_on.is_some(), style(globals, *ascii))
        }
        Format::Json => {
            json::pretty(&GateResult { error, ..result("gate", analysis, &provenance, &written.names, code) })
        }
    });
    leave(judged);
    ended
}
