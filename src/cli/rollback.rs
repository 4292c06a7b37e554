//! Arguments of `soak rollback`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::values::{Format, count, person, reason};
use crate::infra::http_server::ListenAddress;

/// `soak rollback …`
#[derive(Debug, Subcommand)]
pub enum RollbackCommand {
    /// Listen for alerts of Alertmanager and roll back when a hard gate fires
    ///
    /// POST /alert-hook takes Alertmanager's webhook (version 4), GET /health says that the server lives,
    /// GET /metrics is for Prometheus, GET /status tells the last decisions, the cool-down, and what nobody knows
    /// the outcome of. Without --live nothing is done: each answer says what would be. What was decided and done
    /// stands in the audit log, which is the memory too: a repetition never acts twice, also after a restart.
    /// SIGHUP reads the policy again; a new one that is wrong is refused and the old one stays in force. Token, key and
    /// certificate are read at the start alone, and another log is taken at a restart. SIGTERM ends the server once the
    /// actions that were begun are through.
    Serve(Box<ServeArgs>),
    /// Roll back now, because a person says so
    ///
    /// Carries out the actions of `auto_rollback`, verifies them, and writes the same log as the server, which may
    /// run meanwhile. A rollback also begins its cool-down. Without --live nothing is done. Exit code 0: everything
    /// was done, and what must be true afterwards is.
    Run(RunNowArgs),
    /// Go back to trading: carry out the actions of `recovery`
    ///
    /// With the same executors, verification and log as a rollback. It stops at the first action that fails, unless
    /// the policy says otherwise. Alerts that were not told to be over are named: an episode acts once, so they would
    /// not stop trading again. Without --live nothing is done.
    Recover(RecoverArgs),
    /// Check a rollback policy: every mistake at once, with line and column
    Check(CheckArgs),
    /// Say what would happen if an alert fired now, and touch nothing
    Rehearse(RehearseArgs),
    /// Verify and show the audit log
    #[command(subcommand)]
    Log(LogCommand),
}

/// Policy and log.
#[derive(Clone, Debug, Args)]
pub struct FilesArgs {
    /// Rollback policy
    #[arg(long, value_name = "FILE", default_value = "deploy/policies/rollback.yaml")]
    pub policy: PathBuf,

    /// Audit log, which is the memory too [default: `audit.log_path` of the policy]
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

/// Whether anything is done.
#[derive(Clone, Copy, Debug, Args)]
pub struct LiveArgs {
    /// Act; without it nothing is done, and everything says what would be
    #[arg(long)]
    pub live: bool,

    /// Do nothing, as without --live
    #[arg(long, conflicts_with = "live")]
    pub dry_run: bool,
}

/// `soak rollback serve`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak rollback serve --policy deploy/policies/rollback.yaml --log rollback.jsonl
  soak rollback serve --live --token-file /etc/soak/hook-token
  soak rollback serve --live --listen 0.0.0.0:8080 --token-file t --tls-cert cert.pem --tls-key key.pem

In Alertmanager:
  receivers:
    - name: rollback-watcher
      webhook_configs:
        - url: http://127.0.0.1:8080/alert-hook
          http_config: {authorization: {credentials_file: /etc/alertmanager/secrets/hook-token}}")]
pub struct ServeArgs {
    /// Policy and log.
    #[command(flatten)]
    pub files: FilesArgs,

    /// Whether anything is done.
    #[command(flatten)]
    pub live: LiveArgs,

    /// Address to listen on: a port, or IP:PORT. Anything but loopback needs a token or a key
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: ListenAddress,

    /// Port to listen on, on this machine alone [default: that of --listen]
    #[arg(long, value_name = "N", conflicts_with = "listen")]
    pub port: Option<u16>,

    /// File with the bearer token that a sender must give [default: none is asked for]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// File with the key by which a sender may sign the body instead, in the header
    /// `X-Soak-Signature: sha256=HEX` (HMAC-SHA-256). It opens the hook alone: beyond this machine /metrics and /status
    /// need the token [default: signatures are not taken]
    #[arg(long, value_name = "FILE")]
    pub hmac_key_file: Option<PathBuf>,

    /// Certificate chain in PEM form, for https [default: plain http]
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of the certificate, in PEM form [default: plain http]
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Certificates of the authorities that sign those of clients, in PEM form: whoever has none of theirs is not
    /// served, not even /health. The token is asked for all the same [default: clients need no certificate]
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_client_ca: Option<PathBuf>,
}

/// `soak rollback run`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak rollback run --reason \"latency of the exchange, INC-1234\"
  soak rollback run --reason \"latency of the exchange, INC-1234\" --live")]
pub struct RunNowArgs {
    /// What is asked for.
    #[command(flatten)]
    pub manual: ManualArgs,

    /// Roll back even though the cool-down of the last rollback lasts
    #[arg(long)]
    pub force: bool,
}

/// `soak rollback recover`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak rollback recover --reason \"INC-1234 is over\"
  soak rollback recover --reason \"INC-1234 is over\" --live")]
pub struct RecoverArgs {
    /// What is asked for.
    #[command(flatten)]
    pub manual: ManualArgs,
}

/// What a person asks for.
#[derive(Debug, Args)]
pub struct ManualArgs {
    /// Policy and log.
    #[command(flatten)]
    pub files: FilesArgs,

    /// Whether anything is done.
    #[command(flatten)]
    pub live: LiveArgs,

    /// Why, in words; it stands in the log, in requests and in notifications
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: String,

    /// Who asks, for the log [default: $GITHUB_ACTOR, else $SUDO_USER, $USER, $LOGNAME or $USERNAME, else the account
    /// that runs it]
    #[arg(long, value_name = "NAME", value_parser = person)]
    pub by: Option<String>,
}

/// `soak rollback check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Policy file to check
    pub file: PathBuf,

    /// Also refuse what is missing for `--live`: environment, executors, whom to ask
    #[arg(long)]
    pub live: bool,
}

/// `soak rollback rehearse`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak rollback rehearse SoakLatencyP95High
  soak rollback rehearse SoakLatencyP95High --label env=staging
  soak rollback rehearse payload.json")]
pub struct RehearseArgs {
    /// Name of an alert, or a file with the body of an alert hook
    pub alert: String,

    /// Policy and log.
    #[command(flatten)]
    pub files: FilesArgs,

    /// Label of the alert, NAME=VALUE; repeatable [default: labels of the environment that counts]
    #[arg(long, value_name = "NAME=VALUE", value_parser = label)]
    pub label: Vec<(String, String)>,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `soak rollback log …`
#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// Verify that no line of an audit log was changed, taken out or put in
    ///
    /// Prints the number and the hash of the last line: kept elsewhere, they prove later that nothing was cut off
    /// at the end (--head).
    Verify(LogVerifyArgs),
    /// Print an audit log, a line an event
    Show(LogShowArgs),
}

/// `soak rollback log verify`
#[derive(Debug, Args)]
pub struct LogVerifyArgs {
    /// Audit log
    pub file: PathBuf,

    /// Hash of a line that must be there, as an earlier `verify` printed it [default: any log that is whole]
    #[arg(long, value_name = "HASH")]
    pub head: Option<String>,
}

/// `soak rollback log show`
#[derive(Debug, Args)]
pub struct LogShowArgs {
    /// Audit log
    pub file: PathBuf,

    /// Only the last N lines [default: all]
    #[arg(long, value_name = "N", value_parser = count)]
    pub last: Option<usize>,

    /// How lines are printed; json is the log's own form
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

fn label(value: &str) -> Result<(String, String), String> {
    match value.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
