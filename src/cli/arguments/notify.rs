//! Where a notification goes, from flags and variables. Says where; sending is not done here, and nothing
//! here prints a URL or a token.

use clap::{Args, ValueEnum};

use super::environment;
use super::values;
use crate::infra::notify::{TELEGRAM_API, Target, TelegramBot};
use crate::infra::secret::Secret;

/// A chat that takes notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Channel {
    /// Slack, by an incoming webhook
    Slack,
    /// Telegram, by a bot
    Telegram,
    /// Anything that takes a POST of `{"text": …}` as JSON
    Webhook,
}

/// Notification of a verdict.
#[derive(Clone, Debug, Args)]
pub struct NotifyArgs {
    /// Send a notification there; a failure never changes the exit code
    #[arg(long, value_name = "CHAT", value_enum)]
    notify: Option<Channel>,

    /// URL to post to [default: $SOAK_WEBHOOK_URL, else $SLACK_WEBHOOK or $TELEGRAM_WEBHOOK, else for
    /// Telegram the bot of $TELEGRAM_BOT_TOKEN]
    ///
    /// The URL is a secret: prefer the variable, other users of the machine can see command lines. It is
    /// never shown.
    #[arg(long, value_name = "URL", requires = "notify")]
    webhook_url: Option<Secret>,

    /// Telegram chat to write to [default: $TELEGRAM_CHAT_ID]
    #[arg(long, value_name = "ID", requires = "notify", allow_hyphen_values = true)]
    chat_id: Option<String>,

    /// Link to the report or the build, at the end of the notification
    #[arg(long, value_name = "URL", requires = "notify", value_parser = values::link)]
    link: Option<String>,
}

/// Why there is nowhere to send a notification that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoDestination(&'static str);

impl NoDestination {
    const SLACK_URL: Self = Self(
        "`--notify slack` needs a webhook: set `SOAK_WEBHOOK_URL` or `SLACK_WEBHOOK`, or give `--webhook-url`",
    );
    const WEBHOOK_URL: Self =
        Self("`--notify webhook` needs an address: set `SOAK_WEBHOOK_URL`, or give `--webhook-url`");
    const TELEGRAM_BOT: Self = Self(
        "`--notify telegram` needs a bot: set `TELEGRAM_BOT_TOKEN`, `TELEGRAM_WEBHOOK` or `SOAK_WEBHOOK_URL`",
    );
    const IDLE_CHAT: Self = Self("`--chat-id` has no effect without `--notify telegram`");
    const TELEGRAM_CHAT: Self =
        Self("`--notify telegram` needs a chat: set `TELEGRAM_CHAT_ID` or give `--chat-id`");
}

impl NotifyArgs {
    /// What the notification ends with; `None` where it has no link.
    pub fn link(&self) -> Option<&str> {
        self.link.as_deref()
    }

    /// Where the notification goes; `None` where none was asked for.
    pub fn destination(&self) -> Result<Option<Target>, NoDestination> {
        self.destination_with(environment::text)
    }

    fn destination_with(
        &self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Target>, NoDestination> {
        let url = |own: &str| {
            let from_variables = || variable("SOAK_WEBHOOK_URL").or_else(|| variable(own)).map(Secret::from);
            self.webhook_url.clone().or_else(from_variables)
        };
        match self.notify {
            None => Ok(None),
            Some(Channel::Slack | Channel::Webhook) if self.chat_id.is_some() => {
                Err(NoDestination::IDLE_CHAT)
            }
            Some(Channel::Slack) => {
                let url = url("SLACK_WEBHOOK").ok_or(NoDestination::SLACK_URL)?;
                Ok(Some(Target::Slack { url, mention: String::new() }))
            }
            Some(Channel::Webhook) => {
                let common = || variable("SOAK_WEBHOOK_URL").map(Secret::from);
                let url = self.webhook_url.clone().or_else(common).ok_or(NoDestination::WEBHOOK_URL)?;
                Ok(Some(Target::Webhook { url }))
            }
            Some(Channel::Telegram) => {
                let chat = self.chat_id.clone().or_else(|| variable("TELEGRAM_CHAT_ID"));
                let url = url("TELEGRAM_WEBHOOK");
                let token = variable("TELEGRAM_BOT_TOKEN").map(Secret::from);
                let bot = match (url, token) {
                    (Some(url), _) => TelegramBot::Url(url),
                    (None, Some(token)) => TelegramBot::Token { token, api: Secret::new(TELEGRAM_API) },
                    (None, None) => return Err(NoDestination::TELEGRAM_BOT),
                };
                let chat_id = chat.ok_or(NoDestination::TELEGRAM_CHAT)?;
                Ok(Some(Target::Telegram { bot, chat_id }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(notify: Option<Channel>, url: Option<&str>, chat: Option<&str>) -> NotifyArgs {
        NotifyArgs {
            notify,
            webhook_url: url.map(|url| url.to_owned().into()),
            chat_id: chat.map(str::to_owned),
            link: None,
        }
    }

    fn destination(args: &NotifyArgs, variables: &[(&str, &str)]) -> Result<Option<Target>, NoDestination> {
        args.destination_with(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn slack(url: &str) -> Target {
        Target::Slack { url: url.to_owned().into(), mention: String::new() }
    }

    #[test]
    fn variables_alone_send_nothing() {
        let all = [("SOAK_WEBHOOK_URL", "https://a"), ("TELEGRAM_BOT_TOKEN", "t")];
        assert_eq!(destination(&args(None, None, None), &all), Ok(None));
    }

    #[test]
    fn slack_takes_the_flag_then_the_common_variable_then_its_own() {
        let both = [("SLACK_WEBHOOK", "https://own"), ("SOAK_WEBHOOK_URL", "https://common")];
        let asked = args(Some(Channel::Slack), None, None);
        assert_eq!(
            destination(&args(Some(Channel::Slack), Some("https://flag"), None), &both),
            Ok(Some(slack("https://flag")))
        );
        assert_eq!(destination(&asked, &both), Ok(Some(slack("https://common"))));
        assert_eq!(destination(&asked, &both[..1]), Ok(Some(slack("https://own"))));
        assert_eq!(destination(&asked, &[("TELEGRAM_WEBHOOK", "https://t")]), Err(NoDestination::SLACK_URL));
    }

    #[test]
    fn a_webhook_takes_the_flag_then_the_common_variable_and_no_chats_own() {
        let common = [("SOAK_WEBHOOK_URL", "https://common")];
        let asked = args(Some(Channel::Webhook), None, None);
        let to = |url: &str| Ok(Some(Target::Webhook { url: Secret::new(url) }));
        assert_eq!(
            destination(&args(Some(Channel::Webhook), Some("https://flag"), None), &common),
            to("https://flag")
        );
        assert_eq!(destination(&asked, &common), to("https://common"));
        assert_eq!(
            destination(&asked, &[("SLACK_WEBHOOK", "https://slack")]),
            Err(NoDestination::WEBHOOK_URL)
        );
    }

    #[test]
    fn a_chat_is_only_for_telegram() {
        let variables = [("SOAK_WEBHOOK_URL", "https://common"), ("TELEGRAM_CHAT_ID", "1")];
        for channel in [Channel::Slack, Channel::Webhook] {
            let asked = args(Some(channel), None, Some("7"));
            assert_eq!(destination(&asked, &variables), Err(NoDestination::IDLE_CHAT));
            assert!(destination(&args(Some(channel), None, None), &variables).is_ok());
        }
    }

    #[test]
    fn telegram_takes_a_whole_url_before_a_bot_token() {
        let token = ("TELEGRAM_BOT_TOKEN", "12:ab");
        let chat = ("TELEGRAM_CHAT_ID", "-100");
        let asked = args(Some(Channel::Telegram), None, None);
        let by_token = |chat_id: &str| {
            let bot = TelegramBot::Token { token: Secret::new("12:ab"), api: Secret::new(TELEGRAM_API) };
            Ok(Some(Target::Telegram { bot, chat_id: chat_id.to_owned() }))
        };
        assert_eq!(destination(&asked, &[token, chat]), by_token("-100"));
        assert_eq!(
            destination(&args(Some(Channel::Telegram), None, Some("7")), &[token, chat]),
            by_token("7")
        );
        let url = "https://bots.example/sendMessage";
        assert_eq!(
            destination(&asked, &[token, chat, ("TELEGRAM_WEBHOOK", url)]),
            Ok(Some(Target::Telegram {
                bot: TelegramBot::Url(Secret::new(url)),
                chat_id: "-100".to_owned()
            }))
        );
    }

    #[test]
    fn telegram_needs_a_bot_and_a_chat() {
        let asked = args(Some(Channel::Telegram), None, None);
        assert_eq!(destination(&asked, &[("TELEGRAM_CHAT_ID", "1")]), Err(NoDestination::TELEGRAM_BOT));
        assert_eq!(destination(&asked, &[("TELEGRAM_BOT_TOKEN", "t")]), Err(NoDestination::TELEGRAM_CHAT));
    }
}
