//! Arguments of `soak export-prom`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::access::AccessArgs;
use super::judging::JudgedRunArgs;
use super::values::{count, label, seconds};
use crate::infra::http_server::ListenAddress;

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
  soak export-prom --path artifacts/soak/latest --listen 9099
  soak export-prom --push http://localhost:9091 --grouping branch=main
  soak export-prom --push http://localhost:9091 --grouping branch=main --delete
  soak export-prom --remote-write http://localhost:9090/api/v1/write --dry-run"
)]
pub struct ExportArgs {
    /// The run, and how it is judged.
    #[command(flatten)]
    pub judged: JudgedRunArgs,

    /// Write the metrics to this file, whole or not at all, for node_exporter's textfile collector [default:
    /// stdout]
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
    /// port alone means 127.0.0.1 [default: no endpoint]
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
    /// Replace the metrics of a group in the Pushgateway at this URL [default: none]
    ///
    /// The group is job, instance and what --grouping adds. User and password go into files, not into the URL.
    #[arg(long, value_name = "URL", groups = ["destination", "server"])]
    pub push: Option<String>,

    /// Instance of the group [default: the name of this machine]
    #[arg(long, value_name = "NAME", requires = "push")]
    pub instance: Option<String>,

    /// Further label of the group; may be repeated [default: none]
    #[arg(long, value_name = "NAME=VALUE", value_parser = label, requires = "push")]
    pub grouping: Vec<(String, String)>,

    /// Delete the group instead of writing it; no run is read
    #[arg(
        long,
        requires = "push",
        conflicts_with_all = ["path", "last_n", "min_iterations", "so_far", "exclude_symbol", "no_legacy_metrics"]
    )]
    pub delete: bool,
}

/// Remote write.
#[derive(Debug, Args)]
#[command(next_help_heading = "Remote write")]
pub struct RemoteArgs {
    /// Send the history of the iterations to the store at this URL, by remote write 1.0 [default: none]
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

    /// Further label of the series; may be repeated [default: none]
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
