//! `--remote-write`: the history of a run to a store.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::anyhow;

use super::{Exit, Failure, GlobalArgs, Policy, cannot_judge, limits, print, say};
use crate::cli::export::{RemoteArgs, SendingArgs};
use crate::commands::access::target;
use crate::commands::post_soak::tell_redirected;
use crate::core::history::History;
use crate::core::history::plan::Store;
use crate::flow::judge::JudgeError;
use crate::flow::remote_write::{Delivered, Request, deliver, load};
use crate::io::http::HttpError;
use crate::io::store::{AskError, RemoteStore, SendError};
use crate::render::remote_write_text::{Told, text};
use crate::wire::history_samples::TAKEN;

/// At most so many files that cannot be used are named.
const NAMED: usize = 10;

/// Sends what the store takes.
pub(super) fn run(
    url: &str,
    args: &RemoteArgs,
    sending: &SendingArgs,
    asked: &Path,
    policy: &Policy,
    globals: &GlobalArgs,
) -> Result<Exit, Failure> {
    let RemoteArgs { remote_write: _, run, label, batch_samples, dry_run, fail_on_refused } = args;
    let SendingArgs { job, timeout, tries, access } = sending;
    let target = target(
        url,
        access,
        "`--remote-write` wants http(s)://host[:port]/api/v1/write, or what the store calls it",
    )?;
    let store = RemoteStore::new(&target, limits(*timeout, *tries));
    let mut labels = BTreeMap::new();
    for (name, value) in label {
        if TAKEN.contains(&name.as_str()) || labels.insert(name.clone(), value.clone()).is_some() {
            return Err(Failure::usage(anyhow!(
                "`--label {name}=…`: the series have a label `{name}` already"
            ))
            .hint("`--job` and `--run` give those two"));
        }
    }
    let loaded = load(asked, &policy.kpis).map_err(|error| cannot_judge(JudgeError::Load(error)))?;
    if loaded.folder != asked {
        tell_redirected(globals, &loaded.folder, asked);
    }
    tell_bad_files(globals, &loaded.bad_files);
    let history = loaded.history;
    if history.moments.is_empty() {
        return Err(nothing(&loaded.folder, &history));
    }
    labels.insert("job".to_owned(), job.clone());
    labels.insert("run".to_owned(), run.clone().unwrap_or(loaded.run));
    // A label without a value is the same as none, and the protocol wants it left out.
    labels.retain(|_, value| !value.is_empty());
    let request = Request { history: &history, labels: &labels, batch: *batch_samples, dry_run: *dry_run };
    let delivered = deliver(&store, &request).map_err(cannot_ask)?;
    print(text(&Told {
        url: store.url(),
        labels: &labels,
        history: &history,
        store: &delivered.store,
        plan: &delivered.plan,
        sent: delivered.sent,
        requests: delivered.requests,
        dry_run: *dry_run,
    }))?;
    end(delivered, &history, *dry_run, *fail_on_refused)
}

fn tell_bad_files(globals: &GlobalArgs, bad: &[String]) {
    for told in bad.iter().take(NAMED) {
        say(globals, &format!("warning: {}", crate::render::terminal::printable(told)));
    }
    if bad.len() > NAMED {
        say(globals, &format!("warning: {} more files are left out", bad.len() - NAMED));
    }
}

fn nothing(folder: &Path, history: &History) -> Failure {
    let folder = folder.display();
    match history.left_out.first() {
        Some(left) => Failure::input(anyhow!(
            "no iteration in `{folder}` has a place in time: of iteration {}, {}",
            left.iteration,
            left.why.words()
        )),
        None => Failure::input(anyhow!("there is no iteration in `{folder}`"))
            .hint("`--path` names the folder with the ITER_SUMMARY_<n>.json files"),
    }
}

fn end(
    delivered: Delivered,
    history: &History,
    dry_run: bool,
    fail_on_refused: bool,
) -> Result<Exit, Failure> {
    let Delivered { store, plan, sent, requests: _, failure } = delivered;
    if matches!(&store, Store::Prometheus(told) if told.receives == Some(false)) {
        return Err(Failure::external(anyhow!("this Prometheus does not take remote write"))
            .hint("start it with `--web.enable-remote-write-receiver`"));
    }
    if let Some(error) = failure {
        return Err(cannot_send(error));
    }
    if dry_run {
        return Ok(Exit::Success);
    }
    if sent == 0 && plan.present.is_empty() {
        return Err(Failure::external(anyhow!("the store takes none of the samples, see above")));
    }
    if fail_on_refused && !(plan.refused.is_empty() && history.left_out.is_empty()) {
        return Err(Failure::failed(anyhow!("not every iteration is in the store, see above")));
    }
    Ok(Exit::Success)
}

fn with_hint(failure: Failure, source: &HttpError) -> Failure {
    match source {
        HttpError::Refused { status: 401 | 403, .. } => failure
            .hint("check `--bearer-token-file`, or `--basic-auth-user` and `--basic-auth-password-file`"),
        _ => failure,
    }
}

fn cannot_ask(error: AskError) -> Failure {
    let AskError { url, source } = error;
    let copy = anyhow!("{source}").context(format!("`{url}` cannot be asked what it takes"));
    with_hint(Failure::external(copy), &source)
}

fn cannot_send(error: SendError) -> Failure {
    match &error {
        SendError::Http { url, source } => {
            let copy = anyhow!("{source}").context(format!("`{url}` cannot be written to"));
            with_hint(Failure::external(copy), source)
        }
        SendError::Refused { status: 404, .. } => Failure::external(error)
            .hint("check the path of the URL: Prometheus and VictoriaMetrics have /api/v1/write"),
        SendError::TooLarge(_) | SendError::Refused { status: 413, .. } => {
            Failure::external(error).hint("give a smaller `--batch-samples`")
        }
        SendError::Refused { .. } => Failure::external(error),
    }
}
