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

#[test]
fn texts_are_cut_at_the_limit_in_utf16_units_and_never_inside_a_character() {
    let lengths = |text: &str, limit| -> Vec<usize> {
        let pieces = split(text, limit);
        assert_eq!(pieces.concat(), text);
        pieces.iter().map(|piece| piece.encode_utf16().count()).collect()
    };
    assert_eq!(lengths("abc", 4), [3]);
    assert_eq!(lengths("abcd", 4), [4]);
    assert_eq!(lengths("abcde", 4), [4, 1]);
    // Two units each: two fit into four, one into three, and the half of one nowhere.
    assert_eq!(lengths("😀😀😀", 4), [4, 2]);
    assert_eq!(lengths("😀😀😀", 3), [2, 2, 2]);
    assert_eq!(lengths("a😀😀", 4), [3, 2]);
    assert_eq!(split("abcd    ", 4), ["abcd"]);
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
