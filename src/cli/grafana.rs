//! Arguments of `soak grafana …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::environment;
use super::values::seconds;
use crate::infra::secret::Secret;

/// `soak grafana …`
#[derive(Debug, Subcommand)]
pub enum GrafanaCommand {
    /// Fetch a dashboard into a file that can be kept under version control
    ///
    /// What belongs to one server (id, version, meta) is left out and the keys are sorted, so two exports differ only
    /// in what somebody changed. The file is written whole or not at all.
    Export(ExportArgs),
    /// Save the dashboard of a file on a server
    ///
    /// The file may hold the dashboard alone or an answer of the API. One with the same uid is replaced, unless
    /// --no-overwrite is given.
    Import(ImportArgs),
    /// Check dashboard files, and with --url whether a server still has them as they are
    ///
    /// Looks for what makes an import fail or a panel stay empty: a missing uid, panels that Grafana has no more,
    /// queries without a data source. The exit code is 1 when something is found or a server has another dashboard.
    Check(CheckArgs),
}

/// Which server, and how it knows us.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// File with the token of a service account [default: the token in $GRAFANA_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// Seconds that an answer may take
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value_t = 10.0)]
    pub timeout: f64,
}

/// `soak grafana export`
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  GRAFANA_TOKEN=… soak grafana export --url https://grafana.example.org --uid mm-operability \\
      --output deploy/grafana/dashboards/mm_operability.json")]
pub struct ExportArgs {
    /// Base URL of Grafana, https, or http to this machine
    #[arg(long, value_name = "URL")]
    pub url: String,

    /// Uid of the dashboard: the part after /d/ in the address of its page
    #[arg(long, value_name = "UID")]
    pub uid: String,

    /// File to write; its folder is made if it is missing
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,

    /// The server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `soak grafana import`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak grafana import --url https://grafana.example.org --token-file /etc/soak/grafana-token \\
      --input deploy/grafana/dashboards/mm_operability.json
  soak grafana import --url https://grafana.example.org --input dashboard.json --folder ops \\
      --message \"limits of the new policy\" --no-overwrite")]
pub struct ImportArgs {
    /// Base URL of Grafana, https, or http to this machine
    #[arg(long, value_name = "URL")]
    pub url: String,

    /// File with the dashboard
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,

    /// Uid of the folder to save it in [default: the folder that it is in, or the top folder]
    #[arg(long, value_name = "UID")]
    pub folder: Option<String>,

    /// Text that stands in the history of the dashboard [default: none]
    #[arg(long, value_name = "TEXT")]
    pub message: Option<String>,

    /// Refuse to replace a dashboard that is there
    #[arg(long)]
    pub no_overwrite: bool,

    /// The server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `soak grafana check`
#[derive(Debug, Args)]
#[command(
    mut_arg("token_file", |arg| arg.requires("url")),
    mut_arg("timeout", |arg| arg.requires("url")),
    after_help = "\
Examples:
  soak grafana check --input deploy/grafana/dashboards/mm_operability.json
  soak grafana check --input dashboard.json --url https://grafana.example.org"
)]
pub struct CheckArgs {
    /// File with a dashboard; may be repeated
    #[arg(long, value_name = "FILE", required = true)]
    pub input: Vec<PathBuf>,

    /// Base URL of a Grafana that should have the same dashboards [default: only the files are checked]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,

    /// The server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// The token of the variable; `None` where it is not set.
pub fn token_of_environment() -> Option<Secret> {
    environment::text("GRAFANA_TOKEN").map(Secret::from)
}
