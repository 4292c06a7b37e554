//! `soak analyze`: the deep look.

use super::post_soak::{base, leave, result, style, tell_folder, verdict_exit, write};
use crate::cli::arguments::globals::GlobalArgs;
use crate::cli::arguments::judging::JudgedRunArgs;
use crate::cli::arguments::values::Format;
use crate::cli::judge::folder::{
    cannot_judge, collect_provenance, judging_options, load_window_policy, overriding,
};
use crate::cli::judge::post_soak::{AnalyzeArgs, OutcomeArgs};
use crate::cli::output::ci::Reporter;
use crate::core::analysis::Options;
use crate::core::analysis::folder as judge;
use crate::core::analysis::folder::Request;
use crate::core::analysis::result::GateResult;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::report::artifacts::{ANALYSIS, Selection, add_plots, render};
use crate::report::ci::CiReport;
use crate::report::gate::Places;
use crate::report::{gate as gate_text, json};

/// Judges everything, writes the reports, tells the result.
pub(crate) fn run(args: &AnalyzeArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let AnalyzeArgs {
        judged: JudgedRunArgs { path, policy, mock, window },
        symbol,
        exit_on_crit,
        min_windows,
        plots,
        outcome: OutcomeArgs { fail_on, override_, ci, out, no_html, ascii, format },
    } = args;
    let reporter = Reporter {
        globals,
        args: ci,
        name: "soak analyze",
        is_json: *format == Format::Json,
        is_text: *format == Format::Text,
    };
    let options = Options { min_windows: *min_windows, ..judging_options(*mock, window) };
    let asked = path.folder();
    let (policy, provenance, judged) = reporter.or_error(|| {
        let policy = load_window_policy(policy, window)?;
        let provenance = collect_provenance(&policy, overriding(override_))?;
        let request = Request { path: &asked, policy: &policy, options, symbols: symbol, edge_report: None };
        let judged = judge::judge(&request).map_err(cannot_judge)?;
        Ok((policy, provenance, judged))
    })?;
    tell_folder(globals, &judged, &asked);
    let base = reporter.or_error(|| base(globals, out.as_deref(), &judged, &[("--plots", *plots)]))?;
    let analysis = &judged.analysis;
    let wanted = Selection { reports: true, ascii: *ascii, html: !no_html, ..Selection::default() };
    let mut rendered = render(analysis, &policy, &provenance, &wanted);
    if *plots {
        reporter
            .or_error(|| add_plots(&mut rendered, ANALYSIS, analysis, &policy).map_err(Failure::output))?;
    }
    let written = write(globals, base.as_deref(), analysis, rendered);
    let mut flag = "--fail-on warn";
    let mut exit = verdict_exit(analysis, &provenance, fail_on.is_some());
    if exit == Exit::Success && *exit_on_crit && analysis.has_crit() && provenance.overridden.is_none() {
        exit = Exit::Failed;
        flag = "--exit-on-crit";
    }
    let told = CiReport::gate(analysis, &provenance).named("soak analyze");
    let places = Places::new(judged.folder.path(), base.as_deref(), &written.names);
    let ended = reporter.conclude(&told, exit, written.failure, flag, |code, error| match format {
        Format::Text => gate_text::analyze(analysis, &provenance, places, style(globals, *ascii)),
        Format::Json => json::pretty(&GateResult {
            error,
            ..result("analyze", analysis, &provenance, &written.names, code)
        }),
    });
    leave(judged);
    ended
}
