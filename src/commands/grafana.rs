//! `soak grafana`: dashboards from a server into files, from files to a server, and whether the two agree.

use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;

use super::{Failure, print};
use crate::cli::grafana::{
    CheckArgs, ExportArgs, GrafanaCommand, ImportArgs, ServerArgs, token_of_environment,
};
use crate::exit::Exit;
use crate::infra::atomic_file;
use crate::infra::secret::Secret;
use crate::ops::golden::{self, Drift, Settings};
use crate::ops::grafana::dashboard::{Dashboard, Saving};
use crate::ops::grafana::{Grafana, GrafanaError, Server};
use crate::report::text::printable;

/// Does what was asked for.
pub(super) fn run(command: &GrafanaCommand) -> Result<Exit, Failure> {
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
        .map_err(|error| Failure::usage(error).hint("`--url` wants https://host[:port][/prefix]"))?;
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
