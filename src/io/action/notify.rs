//! An action as a notification of several channels: each is tried, whatever became of the others.

use std::collections::BTreeMap;

use super::{Carried, reveal};
use crate::core::rollback::action::Priority;
use crate::core::rollback::policy::{Channel, Service};
use crate::io::clock::Stopwatch;
use crate::io::environment::{self, Environment};
use crate::io::http::Limits;
use crate::io::notify::{Notifier, NotifyError, PagerDutyEvent, Target, TelegramBot};

/// Something to be told.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The text.
    pub text: &'a str,
    /// How urgent it is.
    pub priority: Priority,
    /// What `PagerDuty` takes for the same incident.
    pub dedup_key: &'a str,
}

/// Who was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Channels that took it.
    pub told: Vec<String>,
    /// Channels that did not, with the reason.
    pub failed: BTreeMap<String, String>,
    /// Channels that are off.
    pub off: Vec<String>,
    /// It is certain that nobody was told.
    pub nobody: bool,
}

/// Tells all of these channels.
pub fn tell(
    names: &[String],
    channels: &BTreeMap<String, Channel>,
    message: &Message<'_>,
    environment: &Environment,
    limits: &Limits,
) -> Told {
    let mut told = Told { nobody: true, ..Told::default() };
    for name in names {
        match channels.get(name) {
            None => {
                told.failed.insert(name.clone(), "the policy has no such channel".to_owned());
            }
            Some(channel) if !channel.enabled => told.off.push(name.clone()),
            Some(channel) => match send(&channel.service, message, environment, limits) {
                Ok(()) => {
                    told.nobody = false;
                    told.told.push(name.clone());
                }
                Err((problem, nobody)) => {
                    told.nobody &= nobody;
                    told.failed.insert(name.clone(), problem);
                }
            },
        }
    }
    told
}

/// The same as an action with a result.
pub fn carry_out(
    names: &[String],
    channels: &BTreeMap<String, Channel>,
    message: &Message<'_>,
    environment: &Environment,
    limits: &Limits,
) -> Carried {
    let watch = Stopwatch::start();
    let told = tell(names, channels, message, environment, limits);
    let mut parts = Vec::new();
    if !told.told.is_empty() {
        parts.push(format!("told: {}", told.told.join(", ")));
    }
    parts.extend(told.failed.iter().map(|(name, problem)| format!("{name}: {problem}")));
    if !told.off.is_empty() {
        parts.push(format!("switched off: {}", told.off.join(", ")));
    }
    if told.told.is_empty() {
        parts.insert(0, "nobody was told".to_owned());
    }
    Carried {
        is_done: told.failed.is_empty() && !told.told.is_empty(),
        nothing_done: told.nobody,
        message: parts.join("; "),
        detail: None,
        tries: 1,
        took: watch.elapsed(),
    }
}

/// Sends to one service; the error says, too, whether it is certain that nothing arrived.
fn send(
    service: &Service,
    message: &Message<'_>,
    environment: &Environment,
    limits: &Limits,
) -> Result<(), (String, bool)> {
    let secret = |source| reveal(source, environment).map_err(|error| (error.to_string(), true));
    let mut notifier = Notifier { limits: limits.clone(), ..Notifier::default() };
    let mut text = message.text.to_owned();
    let target = match service {
        Service::PagerDuty { routing_key, url, escalation_policy } => Target::PagerDuty {
            url: url.clone().into(),
            routing_key: secret(routing_key)?,
            event: PagerDutyEvent {
                dedup_key: message.dedup_key.to_owned(),
                severity: message.priority.word().to_owned(),
                source: environment::host_name().unwrap_or_else(|| "soak".to_owned()),
                escalation_policy: escalation_policy.clone(),
            },
        },
        Service::Slack { url, channel, mention } => {
            if !mention.is_empty() {
                notifier.slack_mention = format!("{mention} ");
            }
            if !channel.is_empty() {
                text = format!("{channel}\n{text}");
            }
            Target::Slack { url: secret(url)? }
        }
        Service::Telegram { token, chat_id, api } => {
            api.trim_end_matches('/').clone_into(&mut notifier.telegram_api);
            let bot = TelegramBot::Token(secret(token)?);
            Target::Telegram { bot, chat_id: secret(chat_id)?.reveal().to_owned() }
        }
        Service::Webhook { url } => Target::Webhook { url: secret(url)? },
    };
    notifier.send(&target, &text).map(|_| ()).map_err(|error| {
        let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
        let nothing = match &error {
            NotifyError::Http { message: 1, source, .. } => source.is_without_effect(),
            NotifyError::Http { .. } => false,
            NotifyError::Empty | NotifyError::Token | NotifyError::ChatId => true,
        };
        (format!("{error}{cause}"), nothing)
    })
}
