//! Telling people: a text to Slack, Telegram or `PagerDuty`.
//!
//! Must not decide whether to tell, nor what. A text that is too long for the service goes in several
//! messages, in order.
//!
//! - Slack reads `&`, `<` and `>` as the beginning of its own markup, mentions among it, so these three are
//!   escaped; a message is kept to the length that Slack shows in one piece.
//! - Telegram is sent plain text: without a parse mode nothing in it is markup, and nothing must be escaped.
//! - A webhook of unknown kind gets the text whole and as it is.

mod parts;

use serde_json::json;

use self::parts::parts;
use super::http::{Address, HttpError, Limits, post_json};
use crate::core::secret::Secret;

/// Where Telegram's bot API lives.
pub const TELEGRAM_API: &str = "https://api.telegram.org";

/// Telegram counts a message in UTF-16 units, and takes this many.
const TELEGRAM_LIMIT: usize = 4096;

/// Slack shows a message of this many characters in one piece; it breaks a longer one wherever it likes, and
/// cuts it off at 40 000. Counted after escaping and in UTF-16 units, which never allows more.
const SLACK_LIMIT: usize = 4000;

/// `PagerDuty` takes a summary of this many characters. Counting UTF-16 units never allows more.
const PAGERDUTY_SUMMARY: usize = 1024;

/// Whom to tell.
#[derive(Clone, Debug)]
pub enum Target {
    /// An incoming webhook of Slack, or of a system that takes the same JSON (Mattermost, Rocket.Chat).
    Slack {
        /// The webhook's address.
        url: Secret,
    },
    /// A webhook that takes `{"text": …}` as JSON.
    Webhook {
        /// Its address.
        url: Secret,
    },
    /// A chat of Telegram.
    Telegram {
        /// The bot that speaks.
        bot: TelegramBot,
        /// The chat: a number, or `@channel`.
        chat_id: String,
    },
    /// `PagerDuty`, Events API v2.
    PagerDuty {
        /// Where events go.
        url: Secret,
        /// The routing key of the integration.
        routing_key: Secret,
        /// What goes with the text.
        event: PagerDutyEvent,
    },
}

/// What an event of `PagerDuty` has besides its text.
#[derive(Clone, Debug)]
pub struct PagerDutyEvent {
    /// Events with the same key are one incident.
    pub dedup_key: String,
    /// `critical`, `error`, `warning` or `info`.
    pub severity: String,
    /// The machine that it comes from.
    pub source: String,
    /// Named in the details; may be empty.
    pub escalation_policy: String,
}

/// How Telegram's bot is reached.
#[derive(Clone, Debug)]
pub enum TelegramBot {
    /// By its token, on Telegram's server.
    Token(Secret),
    /// By the whole address of its `sendMessage`.
    Url(Secret),
}

/// Why nobody, or not everybody, was told. Never holds an address or a token.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotifyError {
    /// There is nothing to tell.
    #[error("the notification has no text")]
    Empty,
    /// The bot's token cannot be one.
    #[error("the telegram bot token is not of the form `123456:letters`")]
    Token,
    /// The chat is not named.
    #[error("the telegram chat id is empty")]
    ChatId,
    /// A message was not delivered.
    #[error("the notification to {service} failed{}", place(*message, *messages))]
    Http {
        /// `slack`, `telegram`, `pagerduty` or `the webhook`.
        service: &'static str,
        /// The message that failed, from 1; those before it were delivered.
        message: usize,
        /// How many messages the text makes.
        messages: usize,
        /// What happened.
        source: HttpError,
    },
}

fn place(message: usize, messages: usize) -> String {
    if messages > 1 { format!(" at part {message} of {messages}") } else { String::new() }
}

impl NotifyError {
    /// What the user can do about it. `None` where we know no way out.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Token => Some("set `TELEGRAM_BOT_TOKEN` to the token that BotFather gave"),
            Self::ChatId => Some("set `TELEGRAM_CHAT_ID`, or give `--chat-id`"),
            Self::Http {
                service: "telegram", source: HttpError::Refused { status: 400 | 403, .. }, ..
            } => Some("check the chat id, and that the bot is a member of the chat"),
            Self::Http {
                service: "telegram", source: HttpError::Refused { status: 401 | 404, .. }, ..
            } => Some("check the bot token"),
            Self::Http { source: HttpError::Refused { status: 401 | 403 | 404 | 410, .. }, .. } => {
                Some("check the webhook's address; it may have been revoked")
            }
            Self::Empty | Self::Http { .. } => None,
        }
    }
}

/// Sends texts. The default has the usual limits and speaks to Telegram's server.
#[derive(Clone, Debug)]
pub struct Notifier {
    /// Limits of each request.
    pub limits: Limits,
    /// Where Telegram's bot API lives, without a slash at the end.
    pub telegram_api: String,
    /// Whom Slack shall call, as its markup has it (`<!here>`), in front of the first message. May be empty.
    pub slack_mention: String,
}

impl Default for Notifier {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            telegram_api: TELEGRAM_API.to_owned(),
            slack_mention: String::new(),
        }
    }
}

impl Notifier {
    /// Whether there is an address to send to; sends nothing.
    pub fn check(&self, target: &Target) -> Result<(), NotifyError> {
        let (service, url) = match target {
            Target::Slack { url } => ("slack", url.clone()),
            Target::Webhook { url } => ("the webhook", url.clone()),
            Target::PagerDuty { url, .. } => ("pagerduty", url.clone()),
            Target::Telegram { chat_id, .. } if chat_id.trim().is_empty() => return Err(NotifyError::ChatId),
            Target::Telegram { bot, .. } => ("telegram", self.telegram_url(bot)?),
        };
        let failed = |source| NotifyError::Http { service, message: 1, messages: 1, source };
        Address::new(&url).map(drop).map_err(failed)
    }

    /// Sends the text; returns how many messages it took.
    pub fn send(&self, target: &Target, text: &str) -> Result<usize, NotifyError> {
        if text.trim().is_empty() {
            return Err(NotifyError::Empty);
        }
        match target {
            Target::Slack { url } => {
                let messages = parts(text, SLACK_LIMIT, |letter| {
                    slack_letter(letter).map_or(letter.len_utf16(), str::len)
                });
                let first = messages.first().copied().unwrap_or_default();
                self.deliver("slack", url, &messages, |part| {
                    let mention = if std::ptr::eq(part, first) { self.slack_mention.as_str() } else { "" };
                    json!({ "text": format!("{mention}{}", slack_text(part)) }).to_string()
                })
            }
            Target::Webhook { url } => {
                self.deliver("the webhook", url, &[text], |text| json!({ "text": text }).to_string())
            }
            Target::PagerDuty { url, routing_key, event } => {
                let body = |text: &str| pagerduty(routing_key, event, text);
                self.deliver("pagerduty", url, &[text], body)
            }
            Target::Telegram { bot, chat_id } => {
                let chat_id = chat_id.trim();
                if chat_id.is_empty() {
                    return Err(NotifyError::ChatId);
                }
                let url = self.telegram_url(bot)?;
                let messages = parts(text, TELEGRAM_LIMIT, char::len_utf16);
                self.deliver("telegram", &url, &messages, |text| {
                    json!({ "chat_id": chat_id, "text": text }).to_string()
                })
            }
        }
    }

    fn deliver(
        &self,
        service: &'static str,
        url: &Secret,
        messages: &[&str],
        body: impl Fn(&str) -> String,
    ) -> Result<usize, NotifyError> {
        let failed =
            |message| move |source| NotifyError::Http { service, message, messages: messages.len(), source };
        let address = Address::new(url).map_err(failed(1))?;
        for (before, message) in messages.iter().enumerate() {
            post_json(&address, &body(message), &self.limits).map_err(failed(before + 1))?;
        }
        Ok(messages.len())
    }

    fn telegram_url(&self, bot: &TelegramBot) -> Result<Secret, NotifyError> {
        match bot {
            TelegramBot::Url(url) => Ok(url.clone()),
            TelegramBot::Token(token) => {
                let token = token.reveal();
                let is_token = token.split_once(':').is_some_and(|(number, letters)| {
                    !number.is_empty()
                        && number.bytes().all(|b| b.is_ascii_digit())
                        && !letters.is_empty()
                        && letters.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
                });
                if !is_token {
                    return Err(NotifyError::Token);
                }
                Ok(Secret::new(&format!("{}/bot{token}/sendMessage", self.telegram_api)))
            }
        }
    }
}

/// An event; the first line of the text is its summary, as far as it may go.
fn pagerduty(routing_key: &Secret, event: &PagerDutyEvent, text: &str) -> String {
    let PagerDutyEvent { dedup_key, severity, source, escalation_policy } = event;
    let first =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).take(2).collect::<Vec<_>>().join(": ");
    let summary =
        parts(&first, PAGERDUTY_SUMMARY, char::len_utf16).first().copied().unwrap_or_default().to_owned();
    json!({
        "routing_key": routing_key.reveal(),
        "event_action": "trigger",
        "dedup_key": dedup_key,
        "client": "soak",
        "payload": {
            "summary": summary,
            "source": source,
            "severity": severity,
            "component": "rollback",
            "custom_details": { "text": text, "escalation_policy": escalation_policy },
        },
    })
    .to_string()
}

/// How Slack wants a character that would begin its markup. `None` = as it is.
fn slack_letter(letter: char) -> Option<&'static str> {
    match letter {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

fn slack_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match slack_letter(letter) {
            Some(entity) => escaped.push_str(entity),
            None => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
