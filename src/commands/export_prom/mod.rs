//! `soak export-prom`: the metrics of a run, as text, as an endpoint, to a Pushgateway, by remote write.

mod listen;
mod push;
mod remote_write;

use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;

use super::judging::{cannot_judge, collect_provenance, judging_options, load_window_policy};
use super::post_soak::{say, tell_folder};
use super::{Failure, print};
use crate::cli::export::ExportArgs;
use crate::cli::globals::GlobalArgs;
use crate::cli::judging::JudgedRunArgs;
use crate::core::analysis::{Analysis, Options};
use crate::core::policy::Policy;
use crate::exit::Exit;
use crate::flow::judge::{self, Judged, Request};
use crate::io::http::Limits;
use crate::io::loose;
use crate::render::exposition::Form;
use crate::render::prom_export::{Wanted, metrics};
use crate::wire::provenance::Provenance;

/// Exports the metrics.
pub(super) fn run(args: &ExportArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let ExportArgs {
        judged: JudgedRunArgs { path, policy, mock, window },
        output,
        openmetrics,
        no_legacy_metrics,
        endpoint,
        push,
        remote,
        sending,
    } = args;
    let group = push::group(push, sending)?;
    if let (Some(group), true) = (&group, push.delete) {
        return push::delete(group, globals);
    }
    let policy = load_window_policy(policy, window)?;
    let folder = path.folder();
    if let Some(url) = &remote.remote_write {
        return remote_write::run(url, remote, sending, &folder, &policy, globals);
    }
    let provenance = collect_provenance(&policy, None)?;
    let options = judging_options(*mock, window);
    let form = if *openmetrics { Form::OpenMetrics } else { Form::Prometheus };
    let wanted = Wanted { form, legacy: !no_legacy_metrics };
    if let Some(address) = endpoint.listen {
        let job = listen::Job { folder: &folder, policy, provenance, options, legacy: wanted.legacy };
        return listen::run(address, endpoint, job, globals);
    }
    let judged = judged(&folder, &policy, options, globals)?;
    let text = metrics(&judged.analysis, &provenance, wanted, None);
    match (output, &group) {
        (Some(file), _) => {
            loose::write_below(file, text.as_bytes()).map_err(Failure::output)?;
            say(globals, &format!("note: the metrics are in `{}`", file.display()));
        }
        (None, Some(group)) => push::put(group, &text, globals)?,
        (None, None) => print(text)?,
    }
    something(&judged)
}

fn judged(folder: &Path, policy: &Policy, options: Options, globals: &GlobalArgs) -> Result<Judged, Failure> {
    let request = Request::new(folder, policy, options);
    let judged = judge::judge(&request).map_err(cannot_judge)?;
    tell_folder(globals, &judged, folder);
    warn(globals, &judged.analysis);
    Ok(judged)
}

fn warn(globals: &GlobalArgs, analysis: &Analysis) {
    for finding in analysis.findings.iter().filter(|finding| finding.in_window) {
        say(globals, &format!("warning: {}", crate::render::terminal::printable(&finding.message)));
    }
}

/// Metrics of nothing were exported, because a scraper must see that the run is INVALID; but it is no success.
fn something(judged: &Judged) -> Result<Exit, Failure> {
    if judged.analysis.evidence.is_empty() {
        let folder = judged.folder.display();
        return Err(Failure::input(anyhow!("there is no iteration in `{folder}`; its metrics say INVALID"))
            .hint("`--path` names the folder with the ITER_SUMMARY_<n>.json files"));
    }
    Ok(Exit::Success)
}

/// Limits of requests, as the command line gives them.
fn limits(timeout: f64, tries: usize) -> Limits {
    Limits {
        timeout: Duration::from_secs_f64(timeout),
        tries: u32::try_from(tries).unwrap_or(u32::MAX),
        ..Limits::default()
    }
}
