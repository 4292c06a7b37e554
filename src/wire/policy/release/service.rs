//! `[service]`: what texts for people may name. All of it may be absent.

use crate::core::policy::release::{Service, ServiceCommand};
use crate::core::shell;

use super::super::reader::{Read, Reader};
use super::super::tree::{Key, Value};
use super::super::values;

/// Longest text that is taken.
const LONGEST: usize = 1000;

pub(super) fn read(reader: &mut Reader<'_>) -> Read<Service> {
    let table = Key::new("service");
    let mut text = |key: &str, parse: fn(&Value) -> Result<String, String>| {
        reader.optional(&table.at(key), parse).map(|found| found.map(|found| found.value))
    };
    let name = text("name", line);
    let overrides = text("overrides_file", path);
    let canary = text("canary_overrides_file", path);
    let previous = text("previous_overrides_file", path);
    let urls = ["dashboard_url", "metrics_url", "health_url", "version_url", "prometheus_url"];
    let urls = urls.map(|key| text(key, url));
    let [selector, canary_selector] = ["selector", "canary_selector"].map(|key| text(key, line));
    let people = ["contact", "pager"].map(|key| text(key, line));
    let commands = ServiceCommand::ALL.map(|which| command(reader, &table, which));
    let ([dashboard, metrics, health, version, prometheus], [contact, pager]) = (urls, people);
    Ok(Service {
        name: name?,
        overrides_file: overrides?,
        canary_overrides_file: canary?,
        previous_overrides_file: previous?,
        dashboard_url: dashboard?,
        metrics_url: metrics?,
        prometheus_url: prometheus?,
        selector: selector?,
        canary_selector: canary_selector?,
        health_url: health?,
        version_url: version?,
        contact: contact?,
        pager: pager?,
        commands: commands.into_iter().filter_map(Result::transpose).collect::<Read<_>>()?,
    })
}

fn command(
    reader: &mut Reader<'_>,
    table: &Key,
    which: ServiceCommand,
) -> Read<Option<(ServiceCommand, String)>> {
    let key = table.at("commands").at(which.key());
    let Some(found) = reader.optional(&key, shell_line)? else { return Ok(None) };
    if which == ServiceCommand::SetTraffic && !found.value.contains("{percent}") {
        let problem = "holds no `{percent}`, which becomes the share of the canary".to_owned();
        return Err(reader.note(&found.place, problem));
    }
    Ok(Some((which, found.value)))
}

/// Text on one line.
fn line(value: &Value) -> Result<String, String> {
    let text = values::name(value)?;
    if text.chars().any(char::is_control) || text.chars().count() > LONGEST {
        return Err(format!("expected one line of at most {LONGEST} characters"));
    }
    Ok(text)
}

fn path(value: &Value) -> Result<String, String> {
    let path = line(value)?;
    if path.starts_with('-') {
        return Err("starts with a dash, which programs take for a flag; write `./-…`".to_owned());
    }
    Ok(path)
}

fn url(value: &Value) -> Result<String, String> {
    let url = line(value)?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/') || rest.contains(char::is_whitespace))
    {
        return Err("expected an address that begins with `http://` or `https://`".to_owned());
    }
    if rest.is_some_and(|rest| rest.split('/').next().unwrap_or_default().contains('@')) {
        return Err("holds a user name or a password, and would stand in every bundle".to_owned());
    }
    Ok(url)
}

fn shell_line(value: &Value) -> Result<String, String> {
    let command = line(value)?;
    match shell::problem(&command) {
        Some(problem) => Err(format!("cannot stand in a script: {problem}")),
        None => Ok(command),
    }
}
