//! `soak rollback`: what its commands share, files and failures.

mod log;
mod manual;
mod rehearse;
mod serve;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::{Failure, print};
use crate::cli::rollback::{CheckArgs, FilesArgs, LiveArgs, LogCommand, RollbackCommand};
use crate::core::rollback::policy::RollbackPolicy;
use crate::exit::Exit;
use crate::flow::rollback::journal::Journal;
use crate::io::action::reveal;
use crate::io::audit_log::AuditLogError;
use crate::io::environment::Environment;
use crate::io::lock::LockError;
use crate::io::loose;
use crate::render::rollback_text;
use crate::wire::rollback::log::Mode;
use crate::wire::rollback::policy;

/// `soak rollback …`
pub(super) fn run(command: &RollbackCommand) -> Result<Exit, Failure> {
    match command {
        RollbackCommand::Serve(args) => serve::run(args),
        RollbackCommand::Run(args) => manual::run(args),
        RollbackCommand::Recover(args) => manual::recover(args),
        RollbackCommand::Check(args) => check(args),
        RollbackCommand::Rehearse(args) => rehearse::run(args),
        RollbackCommand::Log(LogCommand::Verify(args)) => log::verify(args),
        RollbackCommand::Log(LogCommand::Show(args)) => log::show(args),
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
    print(rollback_text::checked(&file.display().to_string(), &policy))?;
    Ok(Exit::Success)
}

fn load(file: &Path) -> Result<RollbackPolicy, Failure> {
    let text = loose::read_text(file).map_err(|error| {
        Failure::usage(error).hint("`--policy` names a file like deploy/policies/rollback.yaml")
    })?;
    policy::read(&text, &file.display().to_string()).map_err(|problems| {
        let word = if problems.list.len() == 1 { "mistake" } else { "mistakes" };
        let number = problems.list.len();
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
    let missing: BTreeSet<String> = policy
        .secrets()
        .into_iter()
        .filter_map(|source| reveal(source, &environment).err())
        .map(|error| error.to_string())
        .collect();
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

fn open_journal(path: &Path, mode: Mode, policy: &RollbackPolicy) -> Result<Journal, Failure> {
    Journal::open(path, mode, policy.auto.remember_alerts).map_err(cannot_log)
}

fn cannot_act(error: LockError) -> Failure {
    let hint = match &error {
        LockError::Held { .. } => "another rollback is under way; wait for it",
        _ => {
            "the lock beside the log keeps two from acting at the same time: it must be writable for whoever acts"
        }
    };
    Failure::failed(error).hint(hint)
}

fn cannot_log(error: AuditLogError) -> Failure {
    let hint = match &error {
        AuditLogError::Damaged { .. } => {
            "`soak rollback log verify FILE` says what does not fit; keep the file, and give `--log` another one \
             only if you know what was done"
        }
        AuditLogError::Io { action: "opened", .. } => "`--log FILE` names another place",
        AuditLogError::Moved { .. } => "the log must not be rotated while it is in use",
        _ => "",
    };
    let failure = match &error {
        AuditLogError::Damaged { .. } => Failure::input(error),
        _ => Failure::output(error),
    };
    if hint.is_empty() { failure } else { failure.hint(hint) }
}
