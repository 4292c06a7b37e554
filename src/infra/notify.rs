//! Notifying people: a text to Slack, Telegram, `PagerDuty` or a webhook.
//!
//! Does not decide whether to notify, nor of what. A text that is too long for the service goes in several
//! messages, in order.
//!
//! - Slack reads `&`, `<` and `>` as the beginning of its own markup, mentions among it, so these three are
//!   escaped; a message is kept to the length that Slack shows in one piece.
//! - Telegram is sent plain text: without a parse mode nothing in it is markup, and nothing must be escaped.
//! - A webhook of unknown kind gets the text whole and as it is.
//!
//! Parts of a text joined are the whole. Whole lines stay together where they can, else whole words; a word is cut only
//! where it fills half a message by itself, and a character never.

use serde_json::{Value, json};

use crate::infra::http::{Address, HttpError, Limits, post_json};
use crate::infra::secret::Secret;

/// Where Telegram's bot API lives.
pub const TELEGRAM_API: &str = "https://api.telegram.org";

/// Telegram counts a message in UTF-16 units, and takes this many.
const TELEGRAM_LIMIT: usize = 4096;

/// Slack shows a message of this many characters in one piece; it breaks a longer one wherever it likes, and
/// cuts it off at 40 000. Counted after escaping and in UTF-16 units, which never allows more.
const SLACK_LIMIT: usize = 4000;

/// `PagerDuty` takes a summary of this many characters. Counting UTF-16 units never allows more.
const PAGERDUTY_SUMMARY: usize = 1024;

/// Where a notification goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An incoming webhook of Slack, or of a system that takes the same JSON (Mattermost, Rocket.Chat).
    Slack {
        url: Secret,
        /// Whom Slack shall call, as its markup has it (`<!here>`), in front of the first message. May be empty.
        mention: String,
    },
    /// A webhook that takes `{"text": …}` as JSON.
    Webhook { url: Secret },
    /// A chat of Telegram.
    Telegram {
        /// The bot that sends.
        bot: TelegramBot,
        /// The chat: a number, or `@channel`.
        chat_id: String,
    },
    /// `PagerDuty`, Events API v2.
    PagerDuty { url: Secret, routing_key: Secret, event: PagerDutyEvent },
}

/// What an event of `PagerDuty` has besides its text.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TelegramBot {
    /// By its token, at this address of the bot API, without a slash at the end.
    Token { token: Secret, api: Secret },
    /// By the whole address of its `sendMessage`.
    Url(Secret),
}

/// Why nobody, or not everybody, was notified. Never contains an address or a token.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotifyError {
    #[error("the notification has no text")]
    Empty,
    #[error("the telegram bot token is not of the form `123456:letters`")]
    Token,
    #[error("the telegram chat id is empty")]
    ChatId,
    #[error("the notification to {service} failed{}", place(*message, *messages))]
    Http {
        /// `slack`, `telegram`, `pagerduty` or `the webhook`.
        service: &'static str,
        /// The message that failed, from 1; those before it were delivered.
        message: usize,
        messages: usize,
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

/// Whether there is an address to send to; sends nothing.
pub fn check(target: &Target) -> Result<(), NotifyError> {
    let (service, url) = match target {
        Target::Slack { url, .. } => ("slack", url.clone()),
        Target::Webhook { url } => ("the webhook", url.clone()),
        Target::PagerDuty { url, .. } => ("pagerduty", url.clone()),
        Target::Telegram { chat_id, .. } if chat_id.trim().is_empty() => return Err(NotifyError::ChatId),
        Target::Telegram { bot, .. } => ("telegram", telegram_url(bot)?),
    };
    let failed = |source| NotifyError::Http { service, message: 1, messages: 1, source };
    Address::new(&url).map(drop).map_err(failed)
}

/// Sends the text; returns how many messages it took.
pub fn send(target: &Target, text: &str) -> Result<usize, NotifyError> {
    send_within(target, text, &Limits::default())
}

/// The same within these limits of each request.
fn send_within(target: &Target, text: &str, limits: &Limits) -> Result<usize, NotifyError> {
    if text.trim().is_empty() {
        return Err(NotifyError::Empty);
    }
    match target {
        Target::Slack { url, mention } => {
            let messages =
                parts(text, SLACK_LIMIT, |letter| slack_letter(letter).map_or(letter.len_utf16(), str::len));
            let first = messages.first().copied().unwrap_or_default();
            deliver("slack", url, &messages, limits, |part| {
                let mention = if std::ptr::eq(part, first) { mention.as_str() } else { "" };
                json!({ "text": format!("{mention}{}", slack_text(part)) })
            })
        }
        Target::Webhook { url } => {
            deliver("the webhook", url, &[text], limits, |text| json!({ "text": text }))
        }
        Target::PagerDuty { url, routing_key, event } => {
            deliver("pagerduty", url, &[text], limits, |text| pagerduty(routing_key, event, text))
        }
        Target::Telegram { bot, chat_id } => {
            let chat_id = chat_id.trim();
            if chat_id.is_empty() {
                return Err(NotifyError::ChatId);
            }
            let url = telegram_url(bot)?;
            let messages = parts(text, TELEGRAM_LIMIT, char::len_utf16);
            deliver("telegram", &url, &messages, limits, |text| json!({ "chat_id": chat_id, "text": text }))
        }
    }
}

fn deliver(
    service: &'static str,
    url: &Secret,
    messages: &[&str],
    limits: &Limits,
    body: impl Fn(&str) -> Value,
) -> Result<usize, NotifyError> {
    let failed =
        |message| move |source| NotifyError::Http { service, message, messages: messages.len(), source };
    let address = Address::new(url).map_err(failed(1))?;
    for (before, message) in messages.iter().enumerate() {
        post_json(&address, &body(message).to_string(), limits).map_err(failed(before + 1))?;
    }
    Ok(messages.len())
}

fn telegram_url(bot: &TelegramBot) -> Result<Secret, NotifyError> {
    let (token, api) = match bot {
        TelegramBot::Url(url) => return Ok(url.clone()),
        TelegramBot::Token { token, api } => (token.reveal(), api),
    };
    let is_token = token.split_once(':').is_some_and(|(number, letters)| {
        !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
            && !letters.is_empty()
            && letters.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    });
    if !is_token {
        return Err(NotifyError::Token);
    }
    Ok(Secret::new(&format!("{}/bot{token}/sendMessage", api.reveal())))
}

/// An event; the first line of the text is its summary, as far as it may go.
fn pagerduty(routing_key: &Secret, event: &PagerDutyEvent, text: &str) -> Value {
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
}

/// How Slack escapes a character that would begin its markup. `None` = as it is.
fn slack_letter(letter: char) -> Option<&'static str> {
    match letter {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

fn slack_text(text: &str) -> String {
    text.chars()
        .map(|letter| slack_letter(letter).map_or_else(|| letter.to_string(), str::to_owned))
        .collect()
}

/// The text in parts of at most `limit` units, where a character takes as many as `units` says. A part that would
/// be blank is left out, because services refuse it.
fn parts(text: &str, limit: usize, units: impl Fn(char) -> usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(most) = overflow(rest, limit, &units) {
        // A cut in the first half would make many small messages of a text with few line ends.
        let half = overflow(rest, limit / 2, &units).unwrap_or(0);
        let after = |is_end: fn(char) -> bool| {
            let before = rest[..most].rfind(is_end)?;
            let width = rest[before..].chars().next().map_or(0, char::len_utf8);
            (before + width > half).then_some(before + width)
        };
        let cut = after(|c| c == '\n').or_else(|| after(char::is_whitespace)).unwrap_or(most);
        let (part, left) = rest.split_at(cut);
        parts.push(part);
        rest = left;
    }
    parts.push(rest);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// Position of the first character that does not fit any more, at least after one character. `None` = all fit.
fn overflow(text: &str, limit: usize, units: impl Fn(char) -> usize) -> Option<usize> {
    let mut used = 0;
    for (position, character) in text.char_indices() {
        used += units(character);
        if used > limit && position > 0 {
            return Some(position);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::time::Duration;

    use super::*;
    use crate::infra::clock::Stopwatch;
    use crate::infra::test_server::{Answer, TestServer};

    type TestResult = Result<(), Box<dyn Error>>;

    const TOKEN: &str = "123456:hush_Hush-hush";

    fn send(target: &Target, text: &str) -> Result<usize, NotifyError> {
        send_within(target, text, &Limits { pause: Duration::from_millis(2), ..Limits::default() })
    }

    fn slack(url: &str) -> Target {
        Target::Slack { url: Secret::new(url), mention: String::new() }
    }

    fn telegram_with(server: &TestServer, token: &str, chat_id: &str) -> Target {
        let bot = TelegramBot::Token { token: Secret::new(token), api: Secret::new(&server.url("")) };
        Target::Telegram { bot, chat_id: chat_id.to_owned() }
    }

    fn telegram(server: &TestServer, chat_id: &str) -> Target {
        telegram_with(server, TOKEN, chat_id)
    }

    fn bodies(server: &TestServer) -> Result<Vec<Value>, serde_json::Error> {
        server.requests().iter().map(|request| serde_json::from_str(&request.body)).collect()
    }

    #[test]
    fn slack_gets_only_the_text() -> TestResult {
        let server = TestServer::start(vec![Answer::status(200)])?;
        let target = slack(&server.url("/services/T0/B0/hush"));
        assert_eq!(send(&target, "Soak [FAIL] \"FAIL\""), Ok(1));
        assert!(server.requests()[0].head.starts_with("POST /services/T0/B0/hush "));
        assert_eq!(bodies(&server)?, [json!({"text": "Soak [FAIL] \"FAIL\""})]);
        Ok(())
    }

    #[test]
    fn a_webhook_gets_the_text_whole_however_long_it_is() -> TestResult {
        let server = TestServer::start(vec![Answer::status(204)])?;
        let target = Target::Webhook { url: Secret::new(&server.url("/hook")) };
        let text = "long ".repeat(10_000);
        assert_eq!(send(&target, &text), Ok(1));
        assert_eq!(bodies(&server)?, [json!({"text": text})]);
        Ok(())
    }

    #[test]
    fn telegram_gets_the_chat_and_the_text_at_the_bots_address() -> TestResult {
        let server = TestServer::start([200, 200].map(Answer::status).to_vec())?;
        assert_eq!(send(&telegram(&server, " -100123 "), "hello_world"), Ok(1));
        let url = Secret::new(&server.url("/relay/sendMessage?x=1"));
        let by_url = Target::Telegram { bot: TelegramBot::Url(url), chat_id: "@ops".to_owned() };
        assert_eq!(send(&by_url, "hello"), Ok(1));

        let heads: Vec<_> = server.requests().into_iter().map(|request| request.head).collect();
        assert!(heads[0].starts_with(&format!("POST /bot{TOKEN}/sendMessage ")), "{}", heads[0]);
        assert!(heads[1].starts_with("POST /relay/sendMessage?x=1 "), "{}", heads[1]);
        let expected = [
            json!({"chat_id": "-100123", "text": "hello_world"}),
            json!({"chat_id": "@ops", "text": "hello"}),
        ];
        assert_eq!(bodies(&server)?, expected);
        Ok(())
    }

    #[test]
    fn a_long_text_goes_to_telegram_in_parts_that_make_the_whole() -> TestResult {
        let server = TestServer::start([200, 200, 200].map(Answer::status).to_vec())?;
        let text = "é".repeat(4096) + &"x".repeat(4096) + "!";
        assert_eq!(send(&telegram(&server, "1"), &text), Ok(3));
        let parts: Vec<String> =
            bodies(&server)?.iter().filter_map(|body| body["text"].as_str().map(str::to_owned)).collect();
        assert_eq!(parts.iter().map(|part| part.chars().count()).collect::<Vec<_>>(), [4096, 4096, 1]);
        assert_eq!(parts.concat(), text);
        Ok(())
    }

    #[test]
    fn a_part_that_fails_is_named_and_the_rest_is_not_sent() -> TestResult {
        let server = TestServer::start([200, 403, 200].map(Answer::status).to_vec())?;
        let failed = send(&telegram(&server, "1"), &"x".repeat(3 * 4096));
        let Err(error) = failed else { return Err("it was delivered".into()) };
        assert_eq!(error.to_string(), "the notification to telegram failed at part 2 of 3");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("the server answered 403"));
        assert!(error.hint().is_some_and(|hint| hint.contains("member")));
        assert_eq!(server.requests().len(), 2);
        Ok(())
    }

    /// What Slack makes of a text.
    fn shown_by_slack(text: &str) -> String {
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    }

    fn texts(server: &TestServer) -> Result<Vec<String>, serde_json::Error> {
        Ok(bodies(server)?.iter().filter_map(|body| body["text"].as_str().map(str::to_owned)).collect())
    }

    /// A text of this many characters: a line, then words on long lines.
    fn of_length(characters: usize) -> String {
        "risk_ratio 0.44 > 0.42 & more\n"
            .chars()
            .cycle()
            .take(characters.saturating_sub(1))
            .collect::<String>()
            + "."
    }

    #[test]
    fn slack_gets_whole_lines_in_messages_that_it_shows_in_one_piece() -> TestResult {
        // Escaping makes 31 characters 38; 105 such lines are 3990 units.
        for (characters, messages) in [(1, 1), (4096, 2), (20_000, 7)] {
            let server = TestServer::start(vec![Answer::status(200); messages])?;
            let target = slack(&server.url("/services/T0/B0/hush"));
            let text = of_length(characters);
            assert_eq!(text.chars().count(), characters);
            assert_eq!(send(&target, &text), Ok(messages));
            let texts = texts(&server)?;
            assert_eq!(shown_by_slack(&texts.concat()), text);
            assert!(texts.iter().all(|text| text.len() <= 4000), "{characters}");
            let (_, before) = texts.split_last().ok_or("no message")?;
            assert!(before.iter().all(|text| text.ends_with('\n')), "{characters}");
        }
        Ok(())
    }

    #[test]
    fn telegram_gets_whole_lines_in_messages_that_it_takes() -> TestResult {
        // 132 lines of 31 characters are 4092.
        for (characters, messages) in [(1, 1), (4096, 1), (4097, 2), (20_000, 5)] {
            let server = TestServer::start(vec![Answer::status(200); messages])?;
            let text = of_length(characters);
            assert_eq!(send(&telegram(&server, "1"), &text), Ok(messages));
            let texts = texts(&server)?;
            assert_eq!(texts.concat(), text);
            assert!(texts.iter().all(|text| text.encode_utf16().count() <= 4096), "{characters}");
            let (_, before) = texts.split_last().ok_or("no message")?;
            assert!(before.iter().all(|text| text.ends_with('\n')), "{characters}");
        }
        Ok(())
    }

    #[test]
    fn slack_mentions_nobody_and_links_nothing_because_of_a_text() -> TestResult {
        let server = TestServer::start([200, 200].map(Answer::status).to_vec())?;
        let target = slack(&server.url("/services/T0/B0/hush"));
        assert_eq!(send(&target, "<!channel> &lt; <https://evil.test|ok>"), Ok(1));
        assert_eq!(texts(&server)?, ["&lt;!channel&gt; &amp;lt; &lt;https://evil.test|ok&gt;"]);
        assert_eq!(send(&telegram(&server, "1"), "<b> & </b>"), Ok(1));
        let bodies = bodies(&server)?;
        assert_eq!(bodies[1]["text"], "<b> & </b>");
        assert_eq!(bodies[1].get("parse_mode"), None);
        Ok(())
    }

    #[test]
    fn telegrams_own_way_to_require_a_pause_is_understood() -> TestResult {
        let busy = |seconds: u64| {
            let body =
                json!({"ok": false, "error_code": 429, "parameters": {"retry_after": seconds}}).to_string();
            Answer::with_body(429, &body)
        };
        let server = TestServer::start(vec![busy(1), Answer::status(200)])?;
        let watch = Stopwatch::start();
        assert_eq!(send(&telegram(&server, "1"), "x"), Ok(1));
        assert!(watch.elapsed() >= Duration::from_secs(1));

        let server = TestServer::start(vec![busy(3600), Answer::status(200)])?;
        let Err(error) = send(&telegram(&server, "1"), "x") else {
            return Err("it was sent".into());
        };
        assert_eq!(
            error.source().map(ToString::to_string).as_deref(),
            Some("the server answered 429 and requires a pause of 3600 s")
        );
        assert_eq!(server.requests().len(), 1);
        Ok(())
    }

    #[test]
    fn what_cannot_be_sent_is_refused_before_anything_is_sent() -> TestResult {
        let server = TestServer::start(vec![Answer::status(200)])?;
        assert_eq!(send(&telegram(&server, "1"), " \n"), Err(NotifyError::Empty));
        assert_eq!(send(&telegram(&server, " "), "x"), Err(NotifyError::ChatId));
        for token in
            ["", "hush", "123456", "123456:", ":hush", "12x:hush", "1:hush/../x", "1:hush?x", "1:hush@x"]
        {
            assert_eq!(send(&telegram_with(&server, token, "1"), "x"), Err(NotifyError::Token), "{token}");
        }
        assert!(server.requests().is_empty());
        Ok(())
    }

    #[test]
    fn neither_addresses_nor_tokens_are_shown() -> TestResult {
        let server = TestServer::start([404, 404].map(Answer::status).to_vec())?;
        let targets = [
            slack(&server.url("/services/hush")),
            slack("http://example.test/hush"),
            slack("hush"),
            telegram(&server, "1"),
            telegram_with(&server, "hush", "1"),
            Target::Telegram { bot: TelegramBot::Url(Secret::new("hush")), chat_id: "1".to_owned() },
        ];
        for target in targets {
            let Err(error) = send(&target, "x") else { return Err("it was delivered".into()) };
            let source = error.source().map(ToString::to_string).unwrap_or_default();
            let reported = format!("{error} {error:?} {source} {target:?} {:?}", error.hint()).to_lowercase();
            assert!(
                !reported.contains("hush")
                    && !reported.contains("127.0.0.1")
                    && !reported.contains("123456:h"),
                "{reported}"
            );
        }
        Ok(())
    }

    fn lengths(text: &str, limit: usize) -> Vec<usize> {
        let parts = parts(text, limit, char::len_utf16);
        assert_eq!(parts.concat(), text);
        parts.iter().map(|part| part.encode_utf16().count()).collect()
    }

    #[test]
    fn a_text_without_blanks_is_cut_at_the_limit_and_never_inside_a_character() {
        assert_eq!(lengths("abc", 4), [3]);
        assert_eq!(lengths("abcd", 4), [4]);
        assert_eq!(lengths("abcde", 4), [4, 1]);
        // Two units each: two fit into four, one into three.
        assert_eq!(lengths("😀😀😀", 4), [4, 2]);
        assert_eq!(lengths("😀😀😀", 3), [2, 2, 2]);
        assert_eq!(lengths("a😀😀", 4), [3, 2]);
        // Wider than a message can be: there is no better way than to try.
        assert_eq!(lengths("😀😀", 1), [2, 2]);
    }

    #[test]
    fn lines_stay_together_before_words_do_and_words_before_letters() {
        assert_eq!(parts("one two\nthree four", 12, char::len_utf16), ["one two\n", "three four"]);
        assert_eq!(parts("one two three four", 12, char::len_utf16), ["one two ", "three four"]);
        // The only line end is in the first half, so the word before the limit counts.
        assert_eq!(parts("a\nbcdef ghij klmn", 12, char::len_utf16), ["a\nbcdef ", "ghij klmn"]);
        assert_eq!(parts("a bcdefghijklmnop", 12, char::len_utf16), ["a bcdefghijk", "lmnop"]);
        assert_eq!(parts("abcdefghijk lm", 12, char::len_utf16), ["abcdefghijk ", "lm"]);
    }

    #[test]
    fn a_blank_part_is_not_sent() {
        assert_eq!(parts("abcd    ", 4, char::len_utf16), ["abcd"]);
    }

    #[test]
    fn the_width_of_a_character_is_the_services_affair() {
        let double = |letter: char| if letter == '&' { 5 } else { 1 };
        assert_eq!(parts("&&x&", 10, double), ["&&", "x&"]);
    }
}
