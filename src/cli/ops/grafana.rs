//! Arguments of `soak grafana …`.

use crate::cli::arguments::environment;
use crate::cli::arguments::values::seconds;
use crate::cli::output::stdout::print;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::infra::atomic_file;
use crate::infra::secret::Secret;
use crate::ops::golden;
use crate::ops::golden::{Drift, Settings};
use crate::ops::grafana::dashboard::{Dashboard, Saving};
use crate::ops::grafana::{Grafana, GrafanaError, Server};
use crate::report::text::printable;
use anyhow::anyhow;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use std::time::Duration;

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

    /// Message in the history of the dashboard
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

/// Does what was asked for.
pub(crate) fn run(command: &GrafanaCommand) -> Result<Exit, Failure> {
    match command {
        GrafanaCommand::Export(args) => export(args),
        GrafanaCommand::Import(args) => import(args),
        GrafanaCommand::Check(args) => check(args),
    }
}

fn export(args: &ExportArgs) -> Result<Exit, Failure> {
    let ExportArgs { url, uid, output, server } = args;
    if uid.trim().is_empty() {
        return Err(Failure::usage(anyhow!("`--uid` is empty"))
            .hint("the uid is the part after `/d/` in the address of the dashboard's page"));
    }
    let (_, grafana) = connect(url, server)?;
    let dashboard = fetch(&grafana, uid)?;
    atomic_file::write_below(output, dashboard.to_text().as_bytes()).map_err(Failure::output)?;
    print(format!("exported `{}` to {}\n", printable(uid), output.display()))?;
    Ok(Exit::Success)
}

fn import(args: &ImportArgs) -> Result<Exit, Failure> {
    let ImportArgs { url, input, folder, message, no_overwrite, server } = args;
    let dashboard = read(input)?;
    if dashboard.title().is_none() {
        return Err(Failure::input(anyhow!(
            "`{}` has no `title`, and Grafana takes no dashboard without one",
            input.display()
        )));
    }
    let (server, grafana) = connect(url, server)?;
    // A dashboard that is saved without a folder moves to the top one.
    let at = match (folder, dashboard.uid()) {
        (None, Some(uid)) => grafana.folder_of(uid).map_err(|error| {
            let hint = hint_of(&error);
            failed(error, hint)
        })?,
        _ => folder.clone(),
    };
    let saving = Saving { folder: at.as_deref(), message: message.as_deref(), overwrite: !no_overwrite };
    let saved = grafana.save(&dashboard.to_request(&saving)).map_err(|error| {
        let hint = match &error {
            GrafanaError::Refused { status: 404, .. } => {
                Some("`--folder` is the uid of a folder that is there; `--url` is the base, without `/api`")
            }
            GrafanaError::Refused { status: 412, .. } if *no_overwrite => {
                Some("it is there already; without `--no-overwrite` it is replaced")
            }
            GrafanaError::Refused { status: 412, reason: Some(reason), .. } if reason == "name-exists" => {
                Some("another dashboard of the folder has this title")
            }
            error => hint_of(error),
        };
        failed(error, hint)
    })?;
    let uid = saved.uid.as_deref().or(dashboard.uid()).unwrap_or("without a uid");
    let version = saved.version.map_or_else(String::new, |version| format!(", version {version}"));
    let page =
        saved.path.and_then(|path| server.page(&path)).map_or_else(String::new, |page| format!(", {page}"));
    print(format!("imported `{}`{version}{page}\n", printable(uid)))?;
    Ok(Exit::Success)
}

fn check(args: &CheckArgs) -> Result<Exit, Failure> {
    let CheckArgs { input, url, server } = args;
    let dashboards = input.iter().map(|path| Ok((path, read(path)?))).collect::<Result<Vec<_>, Failure>>()?;
    let grafana = url.as_deref().map(|url| connect(url, server)).transpose()?;
    let mut is_good = true;
    for (path, dashboard) in dashboards {
        let problems = dashboard.problems();
        is_good &= problems.is_empty();
        let mut found = if problems.is_empty() { vec!["ok".to_owned()] } else { problems };
        if let (Some((_, grafana)), Some(uid)) = (&grafana, dashboard.uid()) {
            let drift = differences(&fetch(grafana, uid)?, &dashboard)?;
            is_good &= drift.count == 0;
            let lines = golden::text(&drift);
            found.extend(lines.lines().map(|line| format!("server: {line}")));
        }
        for line in found {
            print(format!("{}: {}\n", path.display(), printable(&line)))?;
        }
    }
    Ok(if is_good { Exit::Success } else { Exit::Failed })
}

/// In what the file differs from what the server has.
fn differences(theirs: &Dashboard, ours: &Dashboard) -> Result<Drift, Failure> {
    let json = |dashboard: &Dashboard| {
        golden::json::read(dashboard.to_text().as_bytes()).map_err(|reason| Failure::input(anyhow!(reason)))
    };
    let settings = Settings { int_equals_float: true, ..Settings::default() };
    Ok(golden::compare(&json(theirs)?, &json(ours)?, &settings))
}

fn fetch(grafana: &Grafana, uid: &str) -> Result<Dashboard, Failure> {
    let bytes = grafana.dashboard(uid).map_err(|error| {
        let hint = match &error {
            GrafanaError::Refused { status: 404, .. } => {
                Some("no dashboard has this uid, or `--url` is not the base of Grafana")
            }
            error => hint_of(error),
        };
        failed(error, hint)
    })?;
    Dashboard::read(&bytes).map_err(|error| {
        Failure::external(error).hint("this is no answer of Grafana; is `--url` its base URL?")
    })
}

fn hint_of(error: &GrafanaError) -> Option<&'static str> {
    match error {
        GrafanaError::Refused { status: 401, .. } => {
            Some("check the token in `--token-file` or `$GRAFANA_TOKEN`; it may have expired")
        }
        GrafanaError::Refused { status: 403, .. } => Some(
            "the token is known, but its service account may not do this; importing takes the role Editor",
        ),
        GrafanaError::NotJson { .. } => {
            Some("a login page or a proxy answers; `--url` is the base URL of Grafana itself")
        }
        GrafanaError::OtherOrigin { .. } => Some("if Grafana has moved, give its new address with `--url`"),
        GrafanaError::RedirectedPost { .. } => Some("give the address that it leads to with `--url`"),
        _ => None,
    }
}

fn failed(error: GrafanaError, hint: Option<&str>) -> Failure {
    Failure::external(error).hint_if_known(hint)
}

fn read(path: &Path) -> Result<Dashboard, Failure> {
    let bytes = atomic_file::read(path).map_err(Failure::input)?;
    Dashboard::read(&bytes).map_err(|error| {
        Failure::input(error.context(format!("`{}` cannot be used", path.display())))
            .hint("`--input` is a dashboard as `soak grafana export` writes it")
    })
}

fn connect(url: &str, args: &ServerArgs) -> Result<(Server, Grafana), Failure> {
    let ServerArgs { token_file, timeout } = args;
    let server = Server::new(url)
        .map_err(|error| Failure::usage(error).hint("`--url` expects https://host[:port][/prefix]"))?;
    let token = match token_file {
        Some(path) => Some(Secret::from(atomic_file::read_text(path).map_err(Failure::input)?)),
        None => token_of_environment(),
    };
    let is_token =
        |token: &Secret| !token.reveal().is_empty() && token.reveal().chars().all(|c| c.is_ascii_graphic());
    let Some(token) = token else {
        return Err(Failure::usage(anyhow!("there is no token for Grafana"))
            .hint("set `$GRAFANA_TOKEN`, or give a file with `--token-file`"));
    };
    if !is_token(&token) {
        return Err(Failure::usage(anyhow!(
            "the token for Grafana is empty or holds blanks or control characters"
        )));
    }
    let grafana = Grafana::new(server.clone(), token, Duration::from_secs_f64(*timeout));
    Ok((server, grafana))
}
