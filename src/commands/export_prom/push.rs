//! `--push`: a group of a Pushgateway.

use anyhow::anyhow;

use super::{Exit, Failure, GlobalArgs, limits, say};
use crate::cli::export::{PushArgs, SendingArgs};
use crate::commands::access::target;
use crate::io::environment::host_name;
use crate::io::http::{HttpError, Limits, Target};
use crate::io::pushgateway::{self, PushError};
use crate::wire::pushgateway::path;

/// A group.
pub(super) struct Group {
    target: Target,
    path: String,
    /// For a person.
    name: String,
    limits: Limits,
}

/// The group that is asked for, if one is.
pub(super) fn group(args: &PushArgs, sending: &SendingArgs) -> Result<Option<Group>, Failure> {
    let PushArgs { push, instance, grouping, delete: _ } = args;
    let SendingArgs { job, timeout, tries, access } = sending;
    let Some(url) = push else { return Ok(None) };
    let usage = |problem: String| Failure::usage(anyhow!(problem));
    if job.is_empty() {
        return Err(usage("`--job` is empty, and a Pushgateway wants a job".to_owned()));
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
    let target = target(url, access, "`--push` wants http(s)://host[:port][/prefix]")?;
    let named: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Ok(Some(Group {
        path: path(job, &labels),
        name: crate::render::terminal::printable(&format!("job={job} {}", named.join(" "))),
        target,
        limits: limits(*timeout, *tries),
    }))
}

/// Replaces what is in it.
pub(super) fn put(group: &Group, text: &str, globals: &GlobalArgs) -> Result<(), Failure> {
    pushgateway::put(&group.target, &group.path, text, &group.limits).map_err(failed)?;
    say(globals, &format!("note: `{}` has the metrics in the group {}", group.target.url(), group.name));
    Ok(())
}

/// Deletes it.
pub(super) fn delete(group: &Group, globals: &GlobalArgs) -> Result<Exit, Failure> {
    pushgateway::delete(&group.target, &group.path, &group.limits).map_err(failed)?;
    say(globals, &format!("note: `{}` has the group {} no more", group.target.url(), group.name));
    Ok(Exit::Success)
}

fn failed(error: PushError) -> Failure {
    let hint = match &error {
        PushError::Http { source: HttpError::Refused { status: 401 | 403, .. }, .. } => {
            Some("check `--bearer-token-file`, or `--basic-auth-user` and `--basic-auth-password-file`")
        }
        PushError::Refused { status: 404 | 405, .. } => {
            Some("is there a Pushgateway? `--push` wants its URL without `/metrics/…`")
        }
        PushError::Refused { .. } | PushError::Http { .. } => None,
    };
    Failure::external(error).hint_if_known(hint)
}
