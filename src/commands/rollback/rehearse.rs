//! `soak rollback rehearse`: decides as the server would, and shows what would be sent.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::anyhow;

use super::{cannot_log, load, log_path};
use crate::cli::rollback::RehearseArgs;
use crate::cli::values::Format;
use crate::commands::{Failure, print};
use crate::core::rollback::alert::{Alert, AlertStatus, Hook};
use crate::core::rollback::decide::decide;
use crate::core::rollback::executor::SecretSource;
use crate::core::rollback::policy::{Environments, RollbackPolicy};
use crate::core::spelling::did_you_mean;
use crate::exit::Exit;
use crate::flow::rollback::journal::Memory;
use crate::io::action::reveal;
use crate::io::audit_log::{self, AuditLogError};
use crate::io::clock;
use crate::io::environment::Environment;
use crate::io::loose;
use crate::render::json::compact_ascii;
use crate::render::rollback_text::{self, Rehearsal};
use crate::wire::rollback::hook;
use crate::wire::rollback::log::Mode;

pub(super) fn run(args: &RehearseArgs) -> Result<Exit, Failure> {
    let RehearseArgs { alert, files, label, format } = args;
    let policy = load(&files.policy)?;
    let hook = hook_of(alert, label, &policy)?;
    let environment = Environment::of_process();
    let now = clock::now(&environment).map_err(Failure::usage)?;
    let (mut memory, is_known) = remembered(files, &policy)?;
    memory.state.age(now);
    let decided = decide(&hook, &memory.state, &policy, now);
    let missing = |source: &SecretSource| reveal(source, &environment).err().map(|error| error.to_string());
    let rehearsal = Rehearsal {
        policy: &policy,
        hook: &hook,
        decided: &decided,
        state: &memory.state,
        log_is_known: is_known,
        missing: &missing,
        now,
    };
    match format {
        Format::Text => print(rollback_text::rehearsal(&rehearsal))?,
        Format::Json => print(compact_ascii(&rollback_text::rehearsal_json(&rehearsal)))?,
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
        let text = loose::read_text(file).map_err(Failure::input)?;
        return hook::read(text.as_bytes()).map_err(|error| {
            Failure::input(anyhow::Error::new(error).context(format!("`{alert}` is no alert hook")))
        });
    }
    if alert.trim().is_empty() {
        return Err(Failure::usage(anyhow!("the name of the alert is empty")));
    }
    if policy.hard(alert).is_none() && policy.soft(alert).is_none() {
        let gates = policy.hard_gates.iter().chain(&policy.soft_gates).map(|gate| gate.name.as_str());
        let near = did_you_mean(alert, gates);
        tracing::warn!("`{}` is no gate of the policy{near}", hook::shown(alert));
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
fn remembered(
    files: &crate::cli::rollback::FilesArgs,
    policy: &RollbackPolicy,
) -> Result<(Memory, bool), Failure> {
    let mut memory = Memory::new(Mode::Live, policy.auto.remember_alerts);
    let Ok(path) = log_path(files, policy) else { return Ok((memory, false)) };
    match audit_log::read(&path, &mut |line| memory.hear(line)) {
        Ok(_) => Ok((memory, true)),
        Err(AuditLogError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok((memory, false))
        }
        Err(error) => Err(cannot_log(error)),
    }
}
