//! What the services are sent, and what is told when they refuse.

use std::error::Error;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::io::test_server::{Answer, TestServer};

type TestResult = Result<(), Box<dyn Error>>;

const TOKEN: &str = "123456:hush_Hush-hush";

fn notifier(server: &TestServer) -> Notifier {
    Notifier {
        limits: Limits { pause: Duration::from_millis(2), ..Limits::default() },
        telegram_api: server.url(""),
        slack_mention: String::new(),
    }
}

fn telegram(chat_id: &str) -> Target {
    let bot = TelegramBot::Token(Secret::new(TOKEN));
    Target::Telegram { bot, chat_id: chat_id.to_owned() }
}

fn bodies(server: &TestServer) -> Result<Vec<Value>, serde_json::Error> {
    server.requests().iter().map(|request| serde_json::from_str(&request.body)).collect()
}

#[test]
fn slack_gets_the_text_alone() -> TestResult {
    let server = TestServer::start(vec![Answer::status(200)])?;
    let target = Target::Slack { url: Secret::new(&server.url("/services/T0/B0/hush")) };
    assert_eq!(notifier(&server).send(&target, "Soak [FAIL] \"FAIL\""), Ok(1));
    assert!(server.requests()[0].head.starts_with("POST /services/T0/B0/hush "));
    assert_eq!(bodies(&server)?, [json!({"text": "Soak [FAIL] \"FAIL\""})]);
    Ok(())
}

#[test]
fn a_webhook_gets_the_text_whole_however_long_it_is() -> TestResult {
    let server = TestServer::start(vec![Answer::status(204)])?;
    let target = Target::Webhook { url: Secret::new(&server.url("/hook")) };
    let text = "long ".repeat(10_000);
    assert_eq!(notifier(&server).send(&target, &text), Ok(1));
    assert_eq!(bodies(&server)?, [json!({"text": text})]);
    Ok(())
}

#[test]
fn telegram_gets_the_chat_and_the_text_at_the_bots_address() -> TestResult {
    let server = TestServer::start([200, 200].map(Answer::status).to_vec())?;
    assert_eq!(notifier(&server).send(&telegram(" -100123 "), "hello_world"), Ok(1));
    let url = Secret::new(&server.url("/relay/sendMessage?x=1"));
    let by_url = Target::Telegram { bot: TelegramBot::Url(url), chat_id: "@ops".to_owned() };
    assert_eq!(notifier(&server).send(&by_url, "hello"), Ok(1));

    let heads: Vec<_> = server.requests().into_iter().map(|request| request.head).collect();
    assert!(heads[0].starts_with(&format!("POST /bot{TOKEN}/sendMessage ")), "{}", heads[0]);
    assert!(heads[1].starts_with("POST /relay/sendMessage?x=1 "), "{}", heads[1]);
    let expected =
        [json!({"chat_id": "-100123", "text": "hello_world"}), json!({"chat_id": "@ops", "text": "hello"})];
    assert_eq!(bodies(&server)?, expected);
    Ok(())
}

#[test]
fn a_long_text_goes_to_telegram_in_parts_that_make_the_whole() -> TestResult {
    let server = TestServer::start([200, 200, 200].map(Answer::status).to_vec())?;
    let text = "é".repeat(4096) + &"x".repeat(4096) + "!";
    assert_eq!(notifier(&server).send(&telegram("1"), &text), Ok(3));
    let parts: Vec<String> =
        bodies(&server)?.iter().filter_map(|body| body["text"].as_str().map(str::to_owned)).collect();
    assert_eq!(parts.iter().map(|part| part.chars().count()).collect::<Vec<_>>(), [4096, 4096, 1]);
    assert_eq!(parts.concat(), text);
    Ok(())
}

#[test]
fn a_part_that_fails_is_named_and_the_rest_is_not_sent() -> TestResult {
    let server = TestServer::start([200, 403, 200].map(Answer::status).to_vec())?;
    let failed = notifier(&server).send(&telegram("1"), &"x".repeat(3 * 4096));
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
    "risk_ratio 0.44 > 0.42 & more\n".chars().cycle().take(characters.saturating_sub(1)).collect::<String>()
        + "."
}

#[test]
fn slack_gets_whole_lines_in_messages_that_it_shows_in_one_piece() -> TestResult {
    // Escaping makes 31 characters 38; 105 such lines are 3990 units.
    for (characters, messages) in [(1, 1), (4096, 2), (20_000, 7)] {
        let server = TestServer::start(vec![Answer::status(200); messages])?;
        let target = Target::Slack { url: Secret::new(&server.url("/services/T0/B0/hush")) };
        let text = of_length(characters);
        assert_eq!(text.chars().count(), characters);
        assert_eq!(notifier(&server).send(&target, &text), Ok(messages));
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
        assert_eq!(notifier(&server).send(&telegram("1"), &text), Ok(messages));
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
    let target = Target::Slack { url: Secret::new(&server.url("/services/T0/B0/hush")) };
    assert_eq!(notifier(&server).send(&target, "<!channel> &lt; <https://evil.test|ok>"), Ok(1));
    assert_eq!(texts(&server)?, ["&lt;!channel&gt; &amp;lt; &lt;https://evil.test|ok&gt;"]);
    assert_eq!(notifier(&server).send(&telegram("1"), "<b> & </b>"), Ok(1));
    let bodies = bodies(&server)?;
    assert_eq!(bodies[1]["text"], "<b> & </b>");
    assert_eq!(bodies[1].get("parse_mode"), None);
    Ok(())
}

#[test]
fn telegrams_own_way_to_ask_for_a_pause_is_understood() -> TestResult {
    let busy = |seconds: u64| {
        let body =
            json!({"ok": false, "error_code": 429, "parameters": {"retry_after": seconds}}).to_string();
        Answer::with_body(429, &body)
    };
    let server = TestServer::start(vec![busy(1), Answer::status(200)])?;
    let started = std::time::Instant::now();
    assert_eq!(notifier(&server).send(&telegram("1"), "x"), Ok(1));
    assert!(started.elapsed() >= Duration::from_secs(1));

    let server = TestServer::start(vec![busy(3600), Answer::status(200)])?;
    let Err(error) = notifier(&server).send(&telegram("1"), "x") else { return Err("it was sent".into()) };
    assert_eq!(
        error.source().map(ToString::to_string).as_deref(),
        Some("the server answered 429 and wants a pause of 3600 s")
    );
    assert_eq!(server.requests().len(), 1);
    Ok(())
}

#[test]
fn what_cannot_be_sent_is_refused_before_anything_is_sent() -> TestResult {
    let server = TestServer::start(vec![Answer::status(200)])?;
    let notifier = notifier(&server);
    let with_token = |token: &str| Target::Telegram {
        bot: TelegramBot::Token(Secret::new(token)),
        chat_id: "1".to_owned(),
    };
    assert_eq!(notifier.send(&telegram("1"), " \n"), Err(NotifyError::Empty));
    assert_eq!(notifier.send(&telegram(" "), "x"), Err(NotifyError::ChatId));
    for token in ["", "hush", "123456", "123456:", ":hush", "12x:hush", "1:hush/../x", "1:hush?x", "1:hush@x"]
    {
        assert_eq!(notifier.send(&with_token(token), "x"), Err(NotifyError::Token), "{token}");
    }
    assert!(server.requests().is_empty());
    Ok(())
}

#[test]
fn neither_addresses_nor_tokens_are_told() -> TestResult {
    let server = TestServer::start([404, 404].map(Answer::status).to_vec())?;
    let notifier = notifier(&server);
    let slack = |url: &str| Target::Slack { url: Secret::new(url) };
    let targets = [
        slack(&server.url("/services/hush")),
        slack("http://example.test/hush"),
        slack("hush"),
        telegram("1"),
        Target::Telegram { bot: TelegramBot::Token(Secret::new("hush")), chat_id: "1".to_owned() },
        Target::Telegram { bot: TelegramBot::Url(Secret::new("hush")), chat_id: "1".to_owned() },
    ];
    for target in targets {
        let Err(error) = notifier.send(&target, "x") else { return Err("it was delivered".into()) };
        let source = error.source().map(ToString::to_string).unwrap_or_default();
        let told = format!("{error} {error:?} {source} {target:?} {:?}", error.hint()).to_lowercase();
        assert!(
            !told.contains("hush") && !told.contains("127.0.0.1") && !told.contains("123456:h"),
            "{told}"
        );
    }
    Ok(())
}
