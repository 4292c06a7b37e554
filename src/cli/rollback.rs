//! Arguments of `soak rollback`.

use crate::cli::arguments::values::{Format, count, person, reason};
use crate::cli::output::stdout::print;
use crate::core::text::did_you_mean;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::infra::clock::StopRequest;
use crate::infra::environment::Environment;
use crate::infra::http_server::{ListenAddress, Listening};
use crate::infra::lock::LockError;
use crate::infra::secret::Secret;
use crate::infra::{atomic_file, clock, environment};
use crate::report::json::compact_ascii;
use crate::rollback::alert::{Alert, AlertStatus, Hook};
use crate::rollback::coordinator::Coordinator;
use crate::rollback::decide::decide;
use crate::rollback::event::{Event, OperationKind, Outcome};
use crate::rollback::executor::{Context, Refusal};
use crate::rollback::journal::Journal;
use crate::rollback::log::{GENESIS, LogError, LogLine, Mode};
use crate::rollback::perform::reveal;
use crate::rollback::policy::read::read;
use crate::rollback::policy::{Environments, RollbackPolicy, SecretSource};
use crate::rollback::server::{Access, Reload, Service, acceptor};
use crate::rollback::state::State;
use crate::rollback::text::Rehearsal;
use crate::rollback::verify::carry_out_by_hand;
use crate::rollback::{alert, journal, log, server, text};
use anyhow::anyhow;
use clap::{Args, Subcommand};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `soak rollback …`
#[derive(Debug, Subcommand)]
pub enum RollbackCommand {
    /// Listen for alerts of Alertmanager and roll back when a hard gate fires
    ///
    /// POST /alert-hook takes Alertmanager's webhook (version 4), GET /health says that the server lives,
    /// GET /metrics is for Prometheus, GET /status tells the last decisions, the cool-down, and what nobody knows
    /// the outcome of. Without --live nothing is done: each answer says what would be. Decisions and actions
    /// are recorded in the audit log, which is the memory too: a repetition never acts twice, also after a restart.
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

    /// File with the bearer token that a sender must give
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

    /// Why, in words; for the log, requests and notifications
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

/// How long a person's rollback is waited for at the start of a server.
const ACTING: Duration = Duration::from_secs(60);
/// How long another rollback that is under way is waited for.
const ACTING_BY_HAND: Duration = Duration::from_secs(120);

/// `soak rollback …`
pub(crate) fn run(command: &RollbackCommand) -> Result<Exit, Failure> {
    match command {
        RollbackCommand::Serve(args) => serve(args),
        RollbackCommand::Run(args) => run_now(args),
        RollbackCommand::Recover(args) => recover(args),
        RollbackCommand::Check(args) => check(args),
        RollbackCommand::Rehearse(args) => rehearse(args),
        RollbackCommand::Log(LogCommand::Verify(args)) => log_verify(args),
        RollbackCommand::Log(LogCommand::Show(args)) => log_show(args),
    }
}

/// `soak rollback check`
fn check(args: &CheckArgs) -> Result<Exit, Failure> {
    let CheckArgs { file, live } = args;
    let policy = load(file)?;
    let gaps = policy.gaps();
    if *live && !gaps.is_empty() {
        return Err(gapped(&gaps));
    }
    print(text::checked(&file.display().to_string(), &policy))?;
    Ok(Exit::Success)
}

fn serve(args: &ServeArgs) -> Result<Exit, Failure> {
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
    let mut journal = Journal::open(&log, mode, policy.auto.remember_alerts)?;
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
    let opened = Event::Opened {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: environment::command_of_process(),
        pid: std::process::id(),
        policy_sha256: policy.sha256.clone(),
    };
    let left = journal.transact(|transaction| {
        transaction.push(opened);
        transaction.settle(true)
    })?;
    drop(acting);
    let listening = Listening::at(address).map_err(Failure::failed)?;
    let bound = listening.bound;
    let environment = Environment::of_process();
    let coordinator =
        Coordinator::start(journal, log.clone(), policy, environment, &left).map_err(Failure::failed)?;
    let reload = reloader(files.clone(), log.clone(), mode);
    // Where it listens must be told at any level: with port 0 there is no other way to know.
    let words = format!(
        "soak rollback: listening on {scheme}://{bound} ({}), log `{}`",
        if mode == Mode::Live { "live: it acts" } else { "dry run: it does nothing" },
        log.display()
    );
    let ready = Box::new(move || tell(&words));
    server::serve(listening, Service { coordinator, access, tls, reload, ready }).map_err(Failure::failed)?;
    Ok(Exit::Success)
}

/// Reads the policy again, and says in words what is wrong with it.
fn reloader(files: FilesArgs, log: PathBuf, mode: Mode) -> Reload {
    Box::new(move || {
        let problem =
            |failure: Failure| failure.to_string().lines().map(str::trim).collect::<Vec<_>>().join("; ");
        // A pipe in its place would be waited for, and signals with it.
        atomic_file::read_plain(&files.policy).map_err(Failure::usage).map_err(problem)?;
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
    let secret = Secret::from(atomic_file::read_text(file).map_err(Failure::usage)?);
    if secret.reveal().chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Failure::usage(anyhow!(
            "`{}` holds more than one word or line, expected one secret",
            file.display()
        )));
    }
    if atomic_file::is_open_to_all(file) {
        tracing::warn!(file = %file.display(), "every user of this machine may read this secret: chmod 0600");
    }
    if secret.reveal().len() < 16 {
        return Err(Failure::usage(anyhow!("the secret in `{}` is too short", file.display()))
            .hint("at least 16 characters: `openssl rand -hex 32 > FILE`"));
    }
    Ok(secret)
}

fn run_now(args: &RunNowArgs) -> Result<Exit, Failure> {
    let RunNowArgs { manual, force } = args;
    operate(manual, OperationKind::Manual, *force)
}

fn recover(args: &RecoverArgs) -> Result<Exit, Failure> {
    let RecoverArgs { manual } = args;
    operate(manual, OperationKind::Recovery, false)
}

fn operate(args: &ManualArgs, kind: OperationKind, is_forced: bool) -> Result<Exit, Failure> {
    let ManualArgs { files, live, reason, by } = args;
    let (policy, log, mode) = open(files, *live)?;
    if kind == OperationKind::Recovery && policy.recovery.actions.is_empty() {
        return Err(Failure::usage(anyhow!(
            "the policy has no `recovery.actions`: there is no way back in it"
        )));
    }
    let by = by.clone().unwrap_or_else(|| crate::core::load::provenance::person(&Environment::of_process()));
    let mut journal = Journal::open(&log, mode, policy.auto.remember_alerts)?;
    let _acting = journal::acting(&log, ACTING_BY_HAND).map_err(cannot_act)?;
    let planned = journal.plan_by_hand(kind, reason, by, is_forced, &policy)?;
    let (operation, left) =
        planned.map_err(|why| Failure::failed(anyhow!("{why}")).hint("`--force` rolls back all the same"))?;
    for left in left {
        tell(&format!(
            "{left} was interrupted when its process ended; `soak rollback log show` shows how far it got"
        ));
    }
    if kind == OperationKind::Recovery {
        for (alert, by) in journal.state.still_firing() {
            tell(&format!(
                "{alert} is not resolved: {by} has handled it, so it starts no other rollback while it fires; watch it"
            ));
        }
    }
    let stop = StopRequest::listen().map_err(Failure::failed)?;
    let environment = Environment::of_process();
    let journal = RefCell::new(journal);
    let context = Context { policy: &policy, mode, environment: &environment, wait: &stop, log: &journal };
    let (outcome, verified) =
        carry_out_by_hand(&operation, context, &mut |result| tell(&text::result(result)));
    let journal = journal.borrow();
    print(journal.state.operation(operation.id).map(text::operation).unwrap_or_default())?;
    exit(outcome, verified, mode, stop.is_requested())
}

fn exit(
    outcome: Result<Outcome, Refusal>,
    verified: Option<bool>,
    mode: Mode,
    is_interrupted: bool,
) -> Result<Exit, Failure> {
    let outcome = outcome.map_err(|problem| Failure::output(anyhow!("it was broken off: {problem}")))?;
    match (outcome, verified) {
        (_, Some(false)) => Err(Failure::external(anyhow!("what must be true afterwards is not"))),
        (Outcome::Done, None) if is_interrupted => {
            Err(Failure::interrupted(anyhow!("all actions succeeded; the recovery was not verified")))
        }
        (Outcome::Done, _) => Ok(Exit::Success),
        (Outcome::DryRun, _) if mode == Mode::DryRun => {
            tell("dry run: no action was taken; --live acts");
            Ok(Exit::Success)
        }
        _ => Err(Failure::external(anyhow!("not all actions succeeded"))),
    }
}

/// A line on stderr, at any level of logging: a person waits for it. If nobody can read it there, the log has it all.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

fn rehearse(args: &RehearseArgs) -> Result<Exit, Failure> {
    let RehearseArgs { alert, files, label, format } = args;
    let policy = load(&files.policy)?;
    let hook = hook_of(alert, label, &policy)?;
    let environment = Environment::of_process();
    let now = clock::now(&environment).map_err(Failure::usage)?;
    let (mut state, is_known) = remembered(files, &policy)?;
    state.age(now);
    let decided = decide(&hook, &state, &policy, now);
    let missing = |source: &SecretSource| reveal(source, &environment).err();
    let rehearsal = Rehearsal {
        policy: &policy,
        hook: &hook,
        decided: &decided,
        state: &state,
        log_is_known: is_known,
        missing: &missing,
        now,
    };
    match format {
        Format::Text => print(rehearsal.text())?,
        Format::Json => print(compact_ascii(&rehearsal.json()))?,
    }
    Ok(Exit::Success)
}

/// The body of a file, or a firing alert of this name.
fn hook_of(alert: &str, labels: &[(String, String)], policy: &RollbackPolicy) -> Result<Hook, Failure> {
    let file = Path::new(alert);
    // No alert's name has a dot or a slash.
    if alert.contains(['/', '.']) {
        if !labels.is_empty() {
            let problem = format!("`--label` has no effect: the alerts of `{alert}` have their own labels");
            return Err(
                Failure::usage(anyhow!(problem)).hint("give the name of an alert, or change the file")
            );
        }
        let text = atomic_file::read_text(file).map_err(Failure::input)?;
        return alert::read(text.as_bytes()).map_err(|error| {
            Failure::input(anyhow::Error::new(error).context(format!("`{alert}` is no alert hook")))
        });
    }
    if alert.trim().is_empty() {
        return Err(Failure::usage(anyhow!("the name of the alert is empty")));
    }
    if policy.hard(alert).is_none() && policy.soft(alert).is_none() {
        let gates = policy.hard_gates.iter().chain(&policy.soft_gates).map(|gate| gate.name.as_str());
        let near = did_you_mean(alert, gates);
        tracing::warn!("`{}` is no gate of the policy{near}", alert::shown(alert));
    }
    let mut all = BTreeMap::new();
    if let Environments::Labels(wanted) = &policy.environments {
        for (name, values) in wanted {
            all.extend(values.first().map(|value| (name.clone(), value.clone())));
        }
    }
    all.extend(labels.iter().cloned());
    all.insert("alertname".to_owned(), alert.to_owned());
    // A start of its own: a rehearsal is never a repetition.
    let starts_at = Some("a rehearsal".to_owned());
    let alert = Alert { status: AlertStatus::Firing, labels: all, fingerprint: None, starts_at };
    Ok(Hook { group_key: "a rehearsal".to_owned(), alerts: vec![alert], ..Hook::default() })
}

/// What a live server would remember; nothing where there is no log yet.
fn remembered(files: &FilesArgs, policy: &RollbackPolicy) -> Result<(State, bool), Failure> {
    let mut state = State::new(policy.auto.remember_alerts);
    let Ok(path) = log_path(files, policy) else { return Ok((state, false)) };
    match log::read(&path, &mut |line, _| line.apply(Mode::Live, &mut state)) {
        Ok(_) => Ok((state, true)),
        Err(LogError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok((state, false))
        }
        Err(error) => Err(error.into()),
    }
}

fn log_verify(args: &LogVerifyArgs) -> Result<Exit, Failure> {
    let LogVerifyArgs { file, head } = args;
    let wanted = head.as_deref().map(str::to_ascii_lowercase);
    if let Some(head) = &wanted
        && !(head.len() == GENESIS.len() && head.bytes().all(|digit| digit.is_ascii_hexdigit()))
    {
        return Err(Failure::usage(anyhow!(
            "`--head` is no hash: expected {} hexadecimal digits",
            GENESIS.len()
        ))
        .hint("`soak rollback log verify` prints it after `head`"));
    }
    let mut is_there = wanted.is_none();
    let (found, torn) =
        log::read(file, &mut |line: &LogLine, _| is_there |= wanted.as_ref() == Some(&line.hash))
            .map_err(unreadable)?;
    if found.seq == 0 {
        return Err(Failure::input(anyhow!(
            "`{}` has no line, so there is nothing to verify",
            file.display()
        ))
        .hint("the server starts each log with a line: its content was removed, or this is another file"));
    }
    if !is_there {
        return Err(Failure::input(anyhow!(
            "`{}` is intact up to its end, but no line has the hash of `--head`: lines were removed at the end, or it is another log",
            file.display()
        )));
    }
    print(text::log_is_whole(&file.display().to_string(), &found.hash, found.seq, torn))?;
    Ok(Exit::Success)
}

fn log_show(args: &LogShowArgs) -> Result<Exit, Failure> {
    let LogShowArgs { file, last, format } = args;
    let mut lines = VecDeque::new();
    let mut keep = |line: &LogLine, written: &[u8]| {
        lines.push_back(match format {
            Format::Text => text::log_line(line),
            // As it was written, also what a later version has put in it.
            Format::Json => serde_json::from_slice::<Value>(written)
                .map_or_else(|_| compact_ascii(line), |line| compact_ascii(&line)),
        });
        if last.is_some_and(|last| lines.len() > last) {
            lines.pop_front();
        }
    };
    let end = log::read(file, &mut keep);
    // What could be read is shown, and then what is wrong behind it.
    print(lines.into_iter().collect::<String>())?;
    let (found, torn) = end.map_err(unreadable)?;
    if found.seq == 0 {
        tracing::warn!(log = %file.display(), "there is no line in it");
    }
    if torn > 0 {
        tracing::warn!(bytes = torn, "the last line was cut short by a crash");
    }
    Ok(Exit::Success)
}

fn unreadable(error: LogError) -> Failure {
    match error {
        LogError::Io { .. } | LogError::NoFile { .. } => Failure::input(error),
        LogError::Damaged { .. } => {
            Failure::input(error).hint("the lines before it are as written; the lines after it prove nothing")
        }
        LogError::Moved { .. } => error.into(),
    }
}

fn load(file: &Path) -> Result<RollbackPolicy, Failure> {
    let text = atomic_file::read_text(file).map_err(|error| {
        Failure::usage(error).hint("`--policy` names a file like deploy/policies/rollback.yaml")
    })?;
    read(&text, &file.display().to_string()).map_err(|problems| {
        let number = problems.iter().count();
        let word = if number == 1 { "mistake" } else { "mistakes" };
        Failure::usage(anyhow::Error::new(problems).context(format!("the policy has {number} {word}")))
    })
}

fn gapped(gaps: &[String]) -> Failure {
    Failure::usage(anyhow!("the policy cannot act:\n{}", gaps.join("\n")))
        .hint("deploy/policies/rollback.yaml shows every key")
}

/// Refuses a policy that cannot act: something is missing in it, or a secret that it names is not there. In an
/// emergency it is too late to find that out.
fn able(policy: &RollbackPolicy) -> Result<(), Failure> {
    let gaps = policy.gaps();
    if !gaps.is_empty() {
        return Err(gapped(&gaps));
    }
    let environment = Environment::of_process();
    let missing: BTreeSet<String> =
        policy.secrets().into_iter().filter_map(|source| reveal(source, &environment).err()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<String> = missing.into_iter().collect();
    Err(Failure::usage(anyhow!("secrets of the policy are not there:\n{}", missing.join("\n")))
        .hint("a channel that is not used is switched off by `enabled: false`"))
}

/// The policy, the log's path and the mode of a command that writes the log.
fn open(files: &FilesArgs, live: LiveArgs) -> Result<(RollbackPolicy, PathBuf, Mode), Failure> {
    let LiveArgs { live, dry_run: _ } = live;
    let policy = load(&files.policy)?;
    let gaps = policy.gaps();
    if live {
        able(&policy)?;
    }
    for gap in &gaps {
        tracing::warn!("with --live this policy would be refused: {gap}");
    }
    let log = log_path(files, &policy)?;
    Ok((policy, log, if live { Mode::Live } else { Mode::DryRun }))
}

fn log_path(files: &FilesArgs, policy: &RollbackPolicy) -> Result<PathBuf, Failure> {
    let FilesArgs { policy: _, log } = files;
    log.clone().or_else(|| policy.audit.log_path.clone()).ok_or_else(|| {
        Failure::usage(anyhow!("neither `--log` nor `audit.log_path` of the policy names the audit log"))
    })
}

fn cannot_act(error: LockError) -> Failure {
    let hint = match &error {
        LockError::Held { .. } => "another rollback is under way; wait for it",
        _ => {
            "the lock next to the log prevents two from acting at once: whoever acts must be able to write it"
        }
    };
    Failure::failed(error).hint(hint)
}
