//! Arguments of `soak export-prom`.

use crate::cli::arguments::globals::GlobalArgs;
use crate::cli::arguments::judging::JudgedRunArgs;
use crate::cli::arguments::server::AccessArgs;
use crate::cli::arguments::server::target;
use crate::cli::arguments::values::{count, label, seconds};
use crate::cli::judge::folder::{
    NO_ITERATIONS_HINT, cannot_judge, collect_provenance, judging_options, load_window_policy,
};
use crate::cli::judge::post_soak::{say, tell_folder, tell_redirected};
use crate::cli::output::stdout::print;
use crate::core::analysis::folder as judge;
use crate::core::analysis::folder::JudgeError;
use crate::core::policy::Policy;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::export::endpoint::Endpoint;
use crate::export::exporter::Exporter;
use crate::export::history::plan::Store;
use crate::export::history::{History, TAKEN};
use crate::export::live::folder::Follower;
use crate::export::metrics::metrics;
use crate::export::pushgateway;
use crate::export::pushgateway::{PushError, group_path};
use crate::export::remote_write::{Delivered, Request, deliver, load};
use crate::export::store::{AskError, RemoteStore, SendError};
use crate::infra::atomic_file;
use crate::infra::clock::{StopRequest, Wait};
use crate::infra::environment::host_name;
use crate::infra::http::{HttpError, Limits, Target};
use crate::infra::http_server::{ListenAddress, Listening, ServeError};
use crate::report::exposition::Form;
use crate::report::text::printable;
use anyhow::anyhow;
use clap::{ArgGroup, Args};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `soak export-prom`
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("destination").multiple(false)),
    mut_arg("bearer_token_file", |arg| arg.requires("server")),
    mut_arg("basic_auth_user", |arg| arg.requires("server")),
    mut_arg("basic_auth_password_file", |arg| arg.requires("server")),
    mut_arg("header", |arg| arg.requires("server")),
    after_help = "\
The history goes by --remote-write as, for every iteration at its own time,
  soak_iteration_kpi{job,run,kpi,symbol}    a KPI in base units: seconds, ratios (1 bps = 0.0001)
  soak_iteration_number{job,run,symbol}     the number of the iteration
`symbol` is there where the run has symbols. Sending it again changes nothing.

Examples:
  soak export-prom --output /var/lib/node_exporter/textfile/soak.prom
  soak export-prom artifacts/soak/latest --listen 9099
  soak export-prom --push http://localhost:9091 --grouping branch=main
  soak export-prom --push http://localhost:9091 --grouping branch=main --delete
  soak export-prom --remote-write http://localhost:9090/api/v1/write --dry-run"
)]
pub struct ExportArgs {
    /// The run, and how it is judged.
    #[command(flatten)]
    pub judged: JudgedRunArgs,

    /// Write the metrics to this file atomically, for node_exporter's textfile collector [default: stdout]
    #[arg(long, value_name = "FILE", group = "destination")]
    pub output: Option<PathBuf>,

    /// Write OpenMetrics instead of the text format of Prometheus
    #[arg(long, conflicts_with_all = ["listen", "push", "remote_write"])]
    pub openmetrics: bool,

    /// Leave the metrics with the old names out; the clean `soak_*` metrics say the same
    #[arg(long, conflicts_with = "remote_write")]
    pub no_legacy_metrics: bool,

    /// The endpoint.
    #[command(flatten)]
    pub endpoint: EndpointArgs,
    /// The Pushgateway.
    #[command(flatten)]
    pub push: PushArgs,
    /// Remote write.
    #[command(flatten)]
    pub remote: RemoteArgs,
    /// Requests.
    #[command(flatten)]
    pub sending: SendingArgs,
}

/// An endpoint to scrape.
#[derive(Debug, Args)]
#[command(next_help_heading = "Endpoint")]
pub struct EndpointArgs {
    /// Answer scrapers at this address until SIGINT or SIGTERM: /metrics in the form that they want, /healthz; a
    /// port alone means 127.0.0.1
    ///
    /// The folder may still be written. A scrape reads the files that are new or changed and no others; the
    /// folder need not be there yet.
    #[arg(long, value_name = "ADDR", group = "destination")]
    pub listen: Option<ListenAddress>,

    /// Look at the folder at most once in so many seconds
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = seconds,
        default_value = "1",
        requires = "listen",
        allow_negative_numbers = true
    )]
    pub refresh: f64,
}

/// A Pushgateway.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pushgateway")]
pub struct PushArgs {
    /// Replace the metrics of a group in the Pushgateway at this URL
    ///
    /// The group is job, instance and what --grouping adds. User and password go into files, not into the URL.
    #[arg(long, value_name = "URL", groups = ["destination", "server"])]
    pub push: Option<String>,

    /// Instance of the group [default: the name of this machine]
    #[arg(long, value_name = "NAME", requires = "push")]
    pub instance: Option<String>,

    /// Further label of the group; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = label, requires = "push")]
    pub grouping: Vec<(String, String)>,

    /// Delete the group instead of writing it; no run is read
    #[arg(
        long,
        requires = "push",
        conflicts_with_all = ["run_folder", "path", "last_n", "min_iterations", "so_far", "exclude_symbol", "no_legacy_metrics"]
    )]
    pub delete: bool,
}

/// Remote write.
#[derive(Debug, Args)]
#[command(next_help_heading = "Remote write")]
pub struct RemoteArgs {
    /// Send the history of the iterations to the store at this URL, by remote write 1.0
    ///
    /// Prometheus (--web.enable-remote-write-receiver) and VictoriaMetrics are asked first what they take; what
    /// they would refuse is named with the reason and what to set, and the rest is sent, oldest first. Another
    /// store (a URL that does not end in /api/v1/write) is sent everything.
    #[arg(
        long,
        value_name = "URL",
        groups = ["destination", "server"],
        conflicts_with_all = ["last_n", "min_iterations", "so_far", "exclude_symbol"]
    )]
    pub remote_write: Option<String>,

    /// Label `run` of the series [default: when the run started, else the time of its first iteration, else the
    /// name of the folder]
    #[arg(long, value_name = "NAME", requires = "remote_write")]
    pub run: Option<String>,

    /// Further label of the series; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = label, requires = "remote_write")]
    pub label: Vec<(String, String)>,

    /// Samples in one request, at most
    #[arg(long, value_name = "N", value_parser = count, default_value = "2000", requires = "remote_write")]
    pub batch_samples: usize,

    /// Ask the store and say what would be sent; send nothing
    #[arg(long, requires = "remote_write")]
    pub dry_run: bool,

    /// Exit 1 unless every iteration is in the store at the end
    #[arg(long, requires = "remote_write", conflicts_with = "dry_run")]
    pub fail_on_refused: bool,
}

/// What --push and --remote-write have in common.
#[derive(Debug, Args)]
#[command(next_help_heading = "Requests")]
pub struct SendingArgs {
    /// Label `job` of the group or the series
    #[arg(long, value_name = "NAME", default_value = "soak", requires = "server")]
    pub job: String,

    /// So long may a request take, seconds
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = seconds,
        default_value = "10",
        requires = "server",
        allow_negative_numbers = true
    )]
    pub timeout: f64,

    /// Tries of a request that fails with 429 or 5xx, or finds nobody; the pause between them grows and is partly
    /// left to chance, and Retry-After is honoured up to 30 s
    #[arg(long, value_name = "N", value_parser = count, default_value = "3", requires = "server")]
    pub tries: usize,

    /// How the server knows us.
    #[command(flatten)]
    pub access: AccessArgs,
}

/// Exports the metrics.
pub(crate) fn run(args: &ExportArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
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
    let group = Group::asked(push, sending)?;
    if let (Some(group), true) = (&group, push.delete) {
        pushgateway::delete(&group.target, &group.path, &group.limits).map_err(cannot_push)?;
        say(globals, &format!("note: `{}` has the group {} no more", group.target.url(), group.name));
        return Ok(Exit::Success);
    }
    let policy = load_window_policy(policy, window)?;
    let folder = path.folder();
    if let Some(url) = &remote.remote_write {
        return remote_write(url, remote, sending, &folder, &policy, globals);
    }
    let provenance = collect_provenance(&policy, None)?;
    let options = judging_options(*mock, window);
    let form = if *openmetrics { Form::OpenMetrics } else { Form::Prometheus };
    let legacy = !no_legacy_metrics;
    if let Some(address) = endpoint.listen {
        let EndpointArgs { listen: _, refresh } = endpoint;
        let follower = Follower::new(&folder, policy, options);
        let refresh = Duration::from_secs_f64(*refresh);
        return serve(address, Exporter::new(follower, provenance, legacy, refresh), globals);
    }
    let request = judge::Request::new(&folder, &policy, options);
    let judged = judge::judge(&request).map_err(cannot_judge)?;
    tell_folder(globals, &judged, &folder);
    for finding in judged.analysis.findings.iter().filter(|finding| finding.in_window) {
        say(globals, &format!("warning: {}", printable(&finding.message)));
    }
    let text = metrics(&judged.analysis, &provenance, form, legacy, None);
    match (output, &group) {
        (Some(file), _) => {
            atomic_file::write_below(file, text.as_bytes()).map_err(Failure::output)?;
            say(globals, &format!("note: the metrics are in `{}`", file.display()));
        }
        (None, Some(group)) => {
            pushgateway::put(&group.target, &group.path, &text, &group.limits).map_err(cannot_push)?;
            let (url, name) = (group.target.url(), &group.name);
            say(globals, &format!("note: `{url}` has the metrics in the group {name}"));
        }
        (None, None) => print(text)?,
    }
    // Metrics of nothing were exported, because a scraper must see that the run is INVALID; but it is no success.
    if judged.analysis.evidence.is_empty() {
        let folder = judged.folder.path().display();
        return Err(Failure::input(anyhow!(
            "there is no iteration in `{folder}`; its metrics report INVALID"
        ))
        .hint(NO_ITERATIONS_HINT));
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

/// `--listen`: answers until a signal ends it, which is a success.
fn serve(address: ListenAddress, mut exporter: Exporter, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let cannot_serve = |error: ServeError| {
        Failure::failed(error).hint("`--listen` takes a free port, e.g. `--listen 0` for any")
    };
    let stop = StopRequest::listen().map_err(Failure::failed)?;
    let listening = Listening::at(address).map_err(cannot_serve)?;
    if let Err(reason) = exporter.look() {
        say(globals, &format!("warning: {reason}; scrapes are answered with 503 until that has changed"));
    }
    if !address.is_loopback() {
        say(globals, "warning: whoever can reach this machine can read the metrics");
    }
    let endpoint = Endpoint::start(listening, exporter).map_err(cannot_serve)?;
    say(globals, &format!("note: the metrics are at http://{}/metrics", endpoint.address()));
    while stop.wait(Duration::MAX).is_ok() {}
    drop(endpoint);
    Ok(Exit::Success)
}

/// A group of a Pushgateway.
struct Group {
    target: Target,
    path: String,
    /// For a person.
    name: String,
    limits: Limits,
}

impl Group {
    /// The group that is asked for, if one is.
    fn asked(args: &PushArgs, sending: &SendingArgs) -> Result<Option<Self>, Failure> {
        let PushArgs { push, instance, grouping, delete: _ } = args;
        let SendingArgs { job, timeout, tries, access } = sending;
        let Some(url) = push else { return Ok(None) };
        let usage = |problem: String| Failure::usage(anyhow!(problem));
        if job.is_empty() {
            return Err(usage("`--job` is empty: a Pushgateway needs a job".to_owned()));
        }
        let mut labels: Vec<(String, String)> = Vec::new();
        if let Some(instance) = instance.clone().or_else(host_name) {
            labels.push(("instance".to_owned(), instance));
        }
        for (name, value) in grouping {
            if name == "job" || labels.iter().any(|(known, _)| known == name) {
                return Err(usage(format!("`--grouping {name}=…`: the group has a label `{name}` already"))
                    .hint("`--job` and `--instance` give those two"));
            }
            labels.push((name.clone(), value.clone()));
        }
        let target = target(url, access, "`--push` expects http(s)://host[:port][/prefix]")?;
        let named: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let name = printable(&format!("job={job} {}", named.join(" ")));
        Ok(Some(Self { path: group_path(job, &labels), name, target, limits: limits(*timeout, *tries) }))
    }
}

const CREDENTIALS_HINT: &str =
    "check `--bearer-token-file`, or `--basic-auth-user` and `--basic-auth-password-file`";

fn cannot_push(error: PushError) -> Failure {
    let hint = match &error {
        PushError::Http { source: HttpError::Refused { status: 401 | 403, .. }, .. } => {
            Some(CREDENTIALS_HINT)
        }
        PushError::Refused { status: 404 | 405, .. } => {
            Some("is there a Pushgateway? `--push` expects its URL without `/metrics/…`")
        }
        PushError::Refused { .. } | PushError::Http { .. } => None,
    };
    Failure::external(error).hint_if_known(hint)
}

/// `--remote-write`: sends the history of a run to a store, as far as it takes it.
fn remote_write(
    url: &str,
    args: &RemoteArgs,
    sending: &SendingArgs,
    asked: &Path,
    policy: &Policy,
    globals: &GlobalArgs,
) -> Result<Exit, Failure> {
    /// At most so many files that cannot be used are named.
    const NAMED: usize = 10;
    let RemoteArgs { remote_write: _, run, label, batch_samples, dry_run, fail_on_refused } = args;
    let SendingArgs { job, timeout, tries, access } = sending;
    let usage = "`--remote-write` expects http(s)://host[:port]/api/v1/write, or the store's own path";
    let store = RemoteStore::new(&target(url, access, usage)?, limits(*timeout, *tries));
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
    for bad in loaded.bad_files.iter().take(NAMED) {
        say(globals, &format!("warning: {}", printable(bad)));
    }
    if loaded.bad_files.len() > NAMED {
        say(globals, &format!("warning: {} more files are left out", loaded.bad_files.len() - NAMED));
    }
    let history = loaded.history;
    if history.moments.is_empty() {
        return Err(nothing_to_send(&loaded.folder, &history));
    }
    labels.insert("job".to_owned(), job.clone());
    labels.insert("run".to_owned(), run.clone().unwrap_or(loaded.run));
    // A label without a value is the same as none, and the protocol wants it left out.
    labels.retain(|_, value| !value.is_empty());
    let (history, labels) = (&history, &labels);
    let request = Request { history, labels, batch: *batch_samples, dry_run: *dry_run };
    let delivered = deliver(&store, &request).map_err(|AskError { url, source }| {
        let error = anyhow!("{source}").context(format!("`{url}` does not report what it accepts"));
        with_credentials_hint(Failure::external(error), &source)
    })?;
    print(delivered.text(store.url(), &request))?;
    let Delivered { store, plan, sent, requests: _, failure } = delivered;
    if matches!(&store, Store::Prometheus(told) if told.receives == Some(false)) {
        return Err(Failure::external(anyhow!("this Prometheus does not take remote write"))
            .hint("start it with `--web.enable-remote-write-receiver`"));
    }
    if let Some(error) = failure {
        return Err(cannot_send(error));
    }
    if *dry_run {
        return Ok(Exit::Success);
    }
    if sent == 0 && plan.present.is_empty() {
        return Err(Failure::external(anyhow!("the store takes none of the samples, see above")));
    }
    if *fail_on_refused && !(plan.refused.is_empty() && history.left_out.is_empty()) {
        return Err(Failure::failed(anyhow!("not every iteration is in the store, see above")));
    }
    Ok(Exit::Success)
}

fn nothing_to_send(folder: &Path, history: &History) -> Failure {
    let folder = folder.display();
    match history.left_out.first() {
        Some(left) => Failure::input(anyhow!(
            "no iteration in `{folder}` has a place in time: of iteration {}, {}",
            left.iteration,
            left.why.words()
        )),
        None => Failure::input(anyhow!("there is no iteration in `{folder}`")).hint(NO_ITERATIONS_HINT),
    }
}

fn with_credentials_hint(failure: Failure, source: &HttpError) -> Failure {
    match source {
        HttpError::Refused { status: 401 | 403, .. } => failure.hint(CREDENTIALS_HINT),
        _ => failure,
    }
}

fn cannot_send(error: SendError) -> Failure {
    match &error {
        SendError::Http { url, source } => {
            let copy = anyhow!("{source}").context(format!("`{url}` cannot be written to"));
            with_credentials_hint(Failure::external(copy), source)
        }
        SendError::Refused { status: 404, .. } => Failure::external(error)
            .hint("check the path of the URL: Prometheus and VictoriaMetrics have /api/v1/write"),
        SendError::TooLarge(_) | SendError::Refused { status: 413, .. } => {
            Failure::external(error).hint("give a smaller `--batch-samples`")
        }
        SendError::Refused { .. } => Failure::external(error),
    }
}
