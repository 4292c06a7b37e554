//! `soak rollback serve`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;

use super::{able, cannot_act, cannot_log, load, log_path, open, open_journal};
use crate::cli::rollback::{FilesArgs, ServeArgs};
use crate::commands::Failure;
use crate::core::listen::ListenAddress;
use crate::core::secret::Secret;
use crate::exit::Exit;
use crate::flow::rollback::engine::Engine;
use crate::flow::rollback::journal;
use crate::io::environment::{self, Environment};
use crate::io::http::Limits;
use crate::io::lock::LockError;
use crate::io::loose;
use crate::server::rollback::{Access, Listening, Service, acceptor, serve};
use crate::wire::rollback::log::{LogEvent, Mode};

/// How long a person's rollback is waited for at the start.
const ACTING: Duration = Duration::from_secs(60);

pub(super) fn run(args: &ServeArgs) -> Result<Exit, Failure> {
    let ServeArgs { files, live, listen, port, token_file, hmac_key_file, tls_cert, tls_key, tls_client_ca } =
        args;
    let address = match port {
        Some(port) => ListenAddress::from(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), *port)),
        None => *listen,
    };
    let access = Access {
        token: token_file.as_deref().map(secret).transpose()?,
        hmac_key: hmac_key_file.as_deref().map(secret).transpose()?,
    };
    if !address.is_loopback() && access.is_open() {
        return Err(Failure::usage(anyhow!(
            "`{}` can be reached from other machines, and whoever reaches it could stop trading",
            address.socket()
        ))
        .hint("give `--token-file FILE` or `--hmac-key-file FILE`, or listen on 127.0.0.1"));
    }
    let tls = match (tls_cert, tls_key) {
        (Some(certificate), Some(key)) => {
            Some(acceptor(certificate, key, tls_client_ca.as_deref()).map_err(Failure::usage)?)
        }
        _ => None,
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    if !address.is_loopback() && access.token.is_none() {
        tracing::warn!(
            "/metrics and /status are shown to whoever has the token, and there is none: Prometheus cannot look; \
             `--token-file` names one"
        );
    }
    if !address.is_loopback() && tls.is_none() && access.token.is_some() {
        tracing::warn!("the token travels in plain text; `--tls-cert` and `--tls-key` would hide it");
    }
    let (policy, log, mode) = open(files, *live)?;
    let mut journal = open_journal(&log, mode, &policy)?;
    // Both are let go when this function ends.
    let _serving = journal::serving(&log).map_err(|error| match error {
        LockError::Held { .. } => {
            Failure::failed(error).hint("one server a folder of logs; `--log` names a log in another one")
        }
        other => cannot_act(other),
    })?;
    if journal.head().seq == 0 {
        tracing::warn!(
            log = %log.display(),
            "this audit log is new: nothing that happened before is remembered, and an alert that fires counts as new"
        );
    }
    let acting = journal::acting(&log, ACTING).map_err(cannot_act)?;
    let opened = LogEvent::Opened {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: environment::command_of_process(),
        pid: std::process::id(),
        policy_sha256: policy.sha256.clone(),
    };
    let left = journal
        .transact(|writing| {
            writing.push(opened);
            writing.settle(true)
        })
        .map_err(cannot_log)?;
    drop(acting);
    let listening = Listening::at(address).map_err(Failure::failed)?;
    let bound = listening.address();
    let environment = Environment::of_process();
    let engine = Engine::start(journal, log.clone(), policy, environment, Limits::default(), &left)
        .map_err(Failure::failed)?;
    let reload = reloader(files.clone(), log.clone(), mode);
    // Where it listens must be told at any level: with port 0 there is no other way to know.
    let words = format!(
        "soak rollback: listening on {scheme}://{bound} ({}), log `{}`",
        if mode == Mode::Live { "live: it acts" } else { "dry run: it does nothing" },
        log.display()
    );
    let ready = Box::new(move || tell(&words));
    serve(listening, Service { engine, access, tls, reload, ready }).map_err(Failure::failed)?;
    Ok(Exit::Success)
}

/// A line on stderr. If nobody can read it there, nothing is lost that `/status` does not say.
fn tell(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Reads the policy again, and says in words what is wrong with it.
fn reloader(files: FilesArgs, log: PathBuf, mode: Mode) -> crate::server::rollback::Reload {
    Box::new(move || {
        let problem =
            |failure: Failure| failure.to_string().lines().map(str::trim).collect::<Vec<_>>().join("; ");
        let policy = load(&files.policy).map_err(problem)?;
        if mode == Mode::Live {
            able(&policy).map_err(problem)?;
        }
        let named = log_path(&files, &policy).map_err(problem)?;
        if named != log {
            tracing::warn!(
                named = %named.display(),
                log = %log.display(),
                "the policy names another audit log; the one in use stays in use until a restart"
            );
        }
        Ok(policy)
    })
}

fn secret(file: &Path) -> Result<Secret, Failure> {
    let secret = Secret::from(loose::read_text(file).map_err(Failure::usage)?);
    if secret.reveal().chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Failure::usage(anyhow!(
            "`{}` holds more than one word or line, expected one secret",
            file.display()
        )));
    }
    if loose::is_open_to_all(file) {
        tracing::warn!(file = %file.display(), "every user of this machine may read this secret: chmod 0600");
    }
    if secret.reveal().len() < 16 {
        return Err(Failure::usage(anyhow!("the secret in `{}` is too short", file.display()))
            .hint("at least 16 characters: `openssl rand -hex 32 > FILE`"));
    }
    Ok(secret)
}
