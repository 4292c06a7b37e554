//! `notifications`: who can be told, and how. Secrets are named, never held.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::yaml::{Entry, Value};
use super::fields::{Fields, Notes, boolean, text, words};
use crate::rollback::policy::SecretSource;
use crate::rollback::policy::{Channel, Service};

/// `PagerDuty`'s address for events.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
/// Telegram's address of the bot API.
const TELEGRAM: &str = "https://api.telegram.org";
/// Services that a channel can have.
const METHODS: &str = "pagerduty, slack, telegram, webhook";

/// The channels, those that had errors by name too, so that nobody who names one is told that it is unknown.
pub(super) struct Channels {
    good: BTreeMap<String, Channel>,
    names: Vec<String>,
}

impl Channels {
    pub(super) fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    pub(super) fn into_channels(self) -> BTreeMap<String, Channel> {
        self.good
    }
}

pub(super) fn read(root: &mut Fields<'_>, notes: &mut Notes) -> Channels {
    let mut channels = Channels { good: BTreeMap::new(), names: Vec::new() };
    let Some(fields) = root.fields("notifications", notes) else { return channels };
    for entry in fields.all() {
        channels.names.push(entry.key.clone());
        if let Some(channel) = channel(entry, &fields.name(&entry.key), notes) {
            channels.good.insert(entry.key.clone(), channel);
        }
    }
    channels
}

fn channel(entry: &Entry, path: &str, notes: &mut Notes) -> Option<Channel> {
    let mut fields = Fields::of(&entry.node, path, notes)?;
    let enabled = fields.read("enabled", notes, boolean).unwrap_or(true);
    // A channel called `slack` is one of Slack, unless it says otherwise.
    let method = fields.read("method", notes, text).unwrap_or_else(|| entry.key.clone());
    let service = match method.as_str() {
        "pagerduty" => Some(Service::PagerDuty {
            routing_key: source(&mut fields, "routing_key", "PAGERDUTY_ROUTING_KEY", notes),
            url: fields.read("url", notes, text).unwrap_or_else(|| PAGERDUTY.to_owned()),
            escalation_policy: fields.read("escalation_policy", notes, words).unwrap_or_default(),
        }),
        "slack" => Some(Service::Slack {
            url: source(&mut fields, "webhook_url", "SLACK_WEBHOOK", notes),
            channel: fields.read("channel", notes, words).unwrap_or_default(),
            mention: fields.read("mention", notes, words).unwrap_or_default(),
        }),
        "telegram" => Some(Service::Telegram {
            token: source(&mut fields, "token", "TELEGRAM_BOT_TOKEN", notes),
            chat_id: source(&mut fields, "chat_id", "TELEGRAM_CHAT_ID", notes),
            api: fields.read("url", notes, text).unwrap_or_else(|| TELEGRAM.to_owned()),
        }),
        "webhook" => {
            Some(Service::Webhook { url: source(&mut fields, "webhook_url", "SOAK_WEBHOOK_URL", notes) })
        }
        "email" => {
            // Stands in files of old, switched off; soak sends no mail, and must not seem to.
            fields.get("recipients");
            if enabled {
                notes.note(
                    entry.at,
                    path,
                    "soak sends no e-mail; set `enabled: false`, and let Alertmanager send it",
                );
            }
            None
        }
        other => {
            notes.note(entry.at, path, format!("`{other}` is no notifier; set `method` to one of {METHODS}"));
            return None;
        }
    };
    fields.finish(notes);
    service.map(|service| Channel { enabled, service })
}

/// A secret by the name of its variable (`{env: NAME}`) or file (`{file: PATH}`); else the usual variable.
fn source(fields: &mut Fields<'_>, key: &'static str, usual: &str, notes: &mut Notes) -> SecretSource {
    super::executors::secret(fields, key, notes).unwrap_or_else(|| SecretSource::Env(usual.to_owned()))
}

/// What `{env: NAME}` or `{file: PATH}` names.
pub(super) fn secret_of(mut fields: Fields<'_>, notes: &mut Notes) -> Option<SecretSource> {
    let env = fields.read("env", notes, |value: &Value| {
        let name = text(value)?;
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if is_name { Ok(name) } else { Err(format!("`{name}` is no name of a variable")) }
    });
    let file = fields.read("file", notes, text);
    let (at, path) = (fields.at, fields.path.clone());
    fields.finish(notes);
    match (env, file) {
        (Some(name), None) => Some(SecretSource::Env(name)),
        (None, Some(path)) => Some(SecretSource::File(PathBuf::from(path))),
        _ => {
            notes.note(at, &path, "names one place of a secret: `env: NAME` or `file: PATH`");
            None
        }
    }
}
