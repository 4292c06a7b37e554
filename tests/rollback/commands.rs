//! The commands besides the server: run, recover, check, rehearse, log.

use std::process::Output;

use serde_json::Value;

use super::TestResult;
use super::place::{Place, Policy, assert_keeps, delivery};
use super::stub::Stub;

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_person_rolls_back_and_recovers_beside_a_server_which_hears_of_it() {
    let api = Stub::good();
    let place = Place::new(&Policy::new(api.address));
    let server = place.serve(&["--live"]);
    let output = place.run(&["run", "--live", "--reason", "the exchange is slow", "--by", "ann"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(api.paths(), ["/scale", "/circuit", "/freeze", "/chat/hush"]);
    assert_eq!(api.requests()[0].json()["reason"], "the exchange is slow");
    assert!(
        stdout(&output).contains("manual r") && stdout(&output).contains("scale_strategy target=0: done")
    );
    assert_eq!(place.events("planned")[0]["by"], "ann");
    // The server is in the cool-down of the person's rollback.
    let (_, answer) = server.hook(&delivery("Hard", 1));
    assert_eq!(answer["responses"][0]["decision"], "cooling_down");
    // And so is the person, unless they insist.
    let output = place.run(&["run", "--live", "--reason", "once more"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("cool-down") && stderr(&output).contains("hint: `--force`"),
        "{}",
        stderr(&output)
    );
    assert_eq!(api.requests().len(), 4);
    assert_eq!(place.run(&["run", "--live", "--force", "--reason", "once more"]).status.code(), Some(0));
    assert_eq!(api.requests().len(), 8);

    let output = place.run(&["recover", "--live", "--reason", "it is over"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(api.paths()[8..], ["/circuit", "/scale"]);
    assert_eq!(api.requests()[8].json()["state"], "CLOSED");
    assert_eq!(api.requests()[9].json()["target"], 1);
    place.assert_log_is_whole();
}

#[test]
fn without_live_nothing_is_done() {
    let api = Stub::good();
    let place = Place::new(&Policy::new(api.address));
    for command in ["run", "recover"] {
        let output = place.run(&[command, "--reason", "to see it"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stderr(&output).contains("dry run: no action was taken"), "{}", stderr(&output));
    }
    assert!(api.requests().is_empty());
}

#[test]
fn a_rollback_that_fails_exits_with_its_class() {
    let api =
        Stub::start(|request| Some((if request.path() == "/scale" { 500 } else { 200 }, String::new())));
    let place = Place::new(&Policy::new(api.address));
    let output = place.run(&["run", "--live", "--reason", "to see it fail", "--detailed-exitcode"]);
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert!(stdout(&output).contains("scale_strategy target=0: FAILED"), "{}", stdout(&output));
    let output = place.run(&["run", "--live", "--reason", "1"]);
    assert_eq!(output.status.code(), Some(2), "a reason has words");
}

#[test]
fn secrets_that_are_not_there_are_told_before_anything_is_begun() {
    let place = Place::new(&Policy::new(Stub::good().address));
    let mut command =
        place.command(&["serve", "--live", "--port", "0", "--policy", "rollback.yaml", "--log", "l"]);
    let output = command.env_remove("ADMIN_TOKEN").env_remove("CHAT_URL").output().expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    assert!(told.contains("`ADMIN_TOKEN` is not set") && told.contains("`CHAT_URL` is not set"), "{told}");
}

#[test]
fn check_tells_every_mistake_and_every_gap() -> TestResult {
    let place = Place::new(&Policy::new(Stub::good().address));
    let check = |args: &[&str]| place.command(&[&["check"], args].concat()).output();
    let output = check(&["rollback.yaml", "--live"])?;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("2 hard gates, 1 soft gates, 4 actions, 2 on the way back"),
        "{}",
        stdout(&output)
    );
    let text = std::fs::read_to_string(place.path("rollback.yaml"))?;
    std::fs::write(place.path("old.yaml"), text.replace("environment:", "#"))?;
    let output = check(&["old.yaml"])?;
    assert_eq!(output.status.code(), Some(0));
    assert!(
        stdout(&output).contains("with --live it would be refused: `environment` is missing"),
        "{}",
        stdout(&output)
    );
    assert_eq!(check(&["old.yaml", "--live"])?.status.code(), Some(2));
    std::fs::write(
        place.path("bad.yaml"),
        text.replace("version: \"1.0\"", "versio: 2").replace("Harder", "Hard"),
    )?;
    let output = check(&["bad.yaml"])?;
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    for words in
        ["the policy has 3 mistakes", "`bad.yaml`:1:1: `versio`: unknown key", "is in the policy twice"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    Ok(())
}

#[test]
fn a_policy_by_which_nobody_can_be_told_does_not_act() {
    let place = Place::new(&Policy::new(Stub::good().address));
    let off = Policy::new(place.api).text().replace("chat: {method", "chat: {enabled: false, method");
    place.write_policy(&off);
    let check = |args: &[&str]| place.command(args).output().expect("the program starts");
    assert_eq!(check(&["check", "rollback.yaml"]).status.code(), Some(0));
    for output in
        [check(&["check", "rollback.yaml", "--live"]), place.run(&["serve", "--port", "0", "--live"])]
    {
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("no channel of `notifications` is on"), "{told}");
        assert!(told.contains("`notify` of `auto_rollback` notifies only chat"), "{told}");
    }
    // With another one that is on it is enough that the action names it, too.
    let both = off.replace("channels: [chat]", "channels: [chat, more]").replace(
        "notifications: {",
        "notifications: {more: {method: webhook, webhook_url: {env: CHAT_URL}}, ",
    );
    place.write_policy(&both);
    let output = check(&["check", "rollback.yaml", "--live"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_rehearsal_shows_requests_and_hides_secrets_and_touches_nothing() -> TestResult {
    let api = Stub::good();
    let place = Place::new(&Policy { causes: "[Harder]", ..Policy::new(api.address) });
    let output = place.run(&["rehearse", "Hard"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    for words in [
        "Hard: rollback (a hard gate fires)",
        "PUT http://",
        "Authorization: Bearer <$ADMIN_TOKEN>\n",
        "{\"id\":\"<id>\",\"reason\":\"Hard fires\",\"target\":0}",
        "chat: webhook by <$CHAT_URL>\n",
        "brings about Harder, which leads to no other rollback",
        "Only alerts with env=prod count.",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("hush") && !text.contains("MISSING"), "{text}");
    assert!(!place.path("log.jsonl").exists(), "nothing is written");
    let output = place.run(&["rehearse", "Hard", "--label", "env=staging", "--format", "json"]);
    let told: Value = serde_json::from_str(&stdout(&output))?;
    assert_keeps("rollback_rehearsal", &told);
    assert_eq!(told["decisions"][0]["decision"], "other_environment");
    std::fs::write(place.path("payload.json"), delivery("Soft", 1).to_string())?;
    let output = place.run(&["rehearse", "payload.json"]);
    assert!(stdout(&output).contains("Soft: notify"), "{}", stdout(&output));
    std::fs::write(place.path("payload.json"), "[]")?;
    assert_eq!(place.run(&["rehearse", "payload.json"]).status.code(), Some(1));
    // What a live server remembers counts.
    let server = place.serve(&["--live"]);
    server.hook(&delivery("Hard", 1));
    let output = place.run(&["rehearse", "Harder"]);
    assert!(stdout(&output).contains("Harder: consequence"), "{}", stdout(&output));
    assert_eq!(api.requests().len(), 4);
    Ok(())
}

#[test]
fn a_log_is_shown_and_verified_and_what_was_cut_off_is_noticed() -> TestResult {
    let place = Place::new(&Policy::new(Stub::good().address));
    let server = place.serve(&[]);
    server.hook(&delivery("Hard", 1));
    server.stop();
    let log = |args: &[&str]| place.command(&[&["log"], args].concat()).output();
    let shown = stdout(&log(&["show", "log.jsonl"])?);
    assert!(shown.contains("Hard rollback") && shown.contains("scale_strategy target=0"), "{shown}");
    let last = stdout(&log(&["show", "log.jsonl", "--last", "1", "--format", "json"])?);
    let last: Value = serde_json::from_str(&last)?;
    assert_eq!(last["event"]["data"]["outcome"], "dry_run");
    let verified = stdout(&log(&["verify", "log.jsonl"])?);
    let head = last["hash"].as_str().ok_or("a hash")?;
    assert!(verified.contains(&format!("head {head}")), "{verified}");
    assert!(log(&["verify", "log.jsonl", "--head", head])?.status.success());
    let text = std::fs::read_to_string(place.path("log.jsonl"))?;
    let end = text[..text.len() - 1].rfind('\n').ok_or("lines")? + 1;
    std::fs::write(place.path("log.jsonl"), &text[..end])?;
    assert!(log(&["verify", "log.jsonl"])?.status.success(), "a whole log that is shorter is whole");
    let output = log(&["verify", "log.jsonl", "--head", head])?;
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("lines were removed at the end"), "{}", stderr(&output));
    assert_eq!(log(&["verify", "nowhere.jsonl"])?.status.code(), Some(1));
    // What proves nothing is not whole.
    std::fs::write(place.path("log.jsonl"), "")?;
    let output = log(&["verify", "log.jsonl"])?;
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("nothing to verify"), "{}", stderr(&output));
    let output = log(&["show", "log.jsonl"])?;
    assert!(output.status.success() && stderr(&output).contains("no line in it"), "{}", stderr(&output));
    for bad in ["", "zz", &head[1..], &format!("{head}0")] {
        assert_eq!(log(&["verify", "log.jsonl", "--head", bad])?.status.code(), Some(2), "{bad}");
    }
    Ok(())
}

#[test]
fn files_that_are_none_have_their_words() -> TestResult {
    let place = Place::new(&Policy::new(Stub::good().address));
    std::fs::write(place.path("binary"), b"\xff\xfe\0\n")?;
    std::fs::write(place.path("empty"), "")?;
    for (args, code, words) in [
        (&["check", "/dev/zero"][..], 2, "larger than 64 MiB"),
        (&["check", "/dev/null"], 2, "the policy is empty"),
        (&["check", "."], 2, "Is a directory"),
        (&["check", "binary"], 2, "valid UTF-8"),
        (&["check", "empty"], 2, "the policy is empty"),
        (&["rehearse", "", "--policy", "rollback.yaml"], 2, "the name of the alert is empty"),
        (&["rehearse", "./binary", "--policy", "rollback.yaml"], 1, "valid UTF-8"),
        (&["rehearse", "./empty", "--policy", "rollback.yaml"], 1, "no alert hook"),
        (&["rehearse", "/dev/zero", "--policy", "rollback.yaml"], 1, "larger than 64 MiB"),
        (&["log", "show", "binary"], 1, "damaged at line 1"),
        (&["log", "verify", "/dev/zero"], 1, "no regular file"),
        (&["recover", "--force", "--reason", "there is no such flag"], 2, "unexpected argument '--force'"),
    ] {
        let output = place.command(args).output()?;
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(words), "{args:?}: {}", stderr(&output));
    }
    let output = place.run(&["rehearse", "Harde"]);
    assert!(stderr(&output).contains("did you mean `Hard"), "{}", stderr(&output));
    Ok(())
}

#[test]
fn a_secret_is_one_word_and_one_that_everybody_may_read_is_told() -> TestResult {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new(&Policy::new(Stub::good().address));
    for (text, words) in [
        ("", "too short"),
        ("short", "too short"),
        ("0123456789abcdef\nfedcba9876543210", "one secret"),
        ("0123456789abcdef fedcba9876543210", "one secret"),
        ("0123456789abcdef\u{1}fedcba9876543210", "one secret"),
    ] {
        std::fs::write(place.path("token"), text)?;
        for flag in ["--token-file", "--hmac-key-file"] {
            let output = place.run(&["serve", "--port", "0", flag, "token"]);
            assert_eq!(output.status.code(), Some(2), "{text:?}");
            assert!(stderr(&output).contains(words), "{text:?}: {}", stderr(&output));
            assert!(!stderr(&output).contains("fedcba"), "{}", stderr(&output));
        }
    }
    // A line end of Windows does not belong to the token.
    std::fs::write(place.path("token"), "0123456789abcdef0123\r\n")?;
    for (mode, is_reported) in [(0o644, true), (0o640, false), (0o600, false)] {
        std::fs::set_permissions(place.path("token"), std::fs::Permissions::from_mode(mode))?;
        let server = place.serve(&["--token-file", "token"]);
        assert_eq!(server.stderr().contains("chmod 0600"), is_reported, "{mode:o}: {}", server.stderr());
        let head = "Content-Type: application/json\r\nAuthorization: Bearer 0123456789abcdef0123\r\nContent-Length: 2\r\n";
        assert_eq!(server.ask("POST /alert-hook", head, b"{}").0, 422);
    }
    Ok(())
}

#[test]
fn two_servers_on_one_log_are_one_too_many() {
    let place = Place::new(&Policy::new(Stub::good().address));
    let _server = place.serve(&[]);
    let output = place.run(&["serve", "--port", "0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("hint: one server a folder of logs"), "{}", stderr(&output));
}

#[test]
fn a_command_gets_its_words_as_they_are_and_no_shell_reads_them() -> TestResult {
    let place = Place::new(&Policy::new(Stub::good().address));
    let script = place.path("act.sh");
    std::fs::write(&script, "#!/bin/sh\nprintf '%s|' \"$@\" \"$SOAK_ROLLBACK_REASON\" >> out\n")?;
    std::process::Command::new("chmod").arg("+x").arg(&script).status()?;
    let text = std::fs::read_to_string(place.path("rollback.yaml"))?;
    let at = text.find("  scale_strategy: {http").ok_or("an executor")?;
    let end = text[at..].find('\n').ok_or("a line")? + at;
    let exec = format!(
        "  scale_strategy: {{exec: {{command: [\"{}\", \"{{{{params.target}}}}\", \"$(id) {{{{reason}}}}\"]}}}}",
        script.display()
    );
    place.write_policy(&format!("{}{exec}{}", &text[..at], &text[end..]));
    let output = place.run(&["run", "--live", "--reason", "it's `bad` $HOME; rm"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let out = std::fs::read_to_string(place.path("out"))?;
    assert_eq!(out, "0|$(id) it's `bad` $HOME; rm|it's `bad` $HOME; rm|");
    Ok(())
}

#[test]
fn who_asked_is_named_by_the_flag_else_by_the_environment_else_by_the_account() {
    let stub = Stub::good();
    let place = Place::new(&Policy::new(stub.address));
    let nameless = |args: &[&str]| {
        let mut command =
            place.command(&[args, &["--policy", "rollback.yaml", "--log", "log.jsonl"]].concat());
        command.env_remove("USER").output().expect("the program starts")
    };
    let stopped = nameless(&["run", "--live", "--reason", "the exchange is slow"]);
    assert!(stopped.status.success(), "{}", stderr(&stopped));
    let by = place.events("planned")[0]["by"].clone();
    assert!(by.as_str().is_some_and(|by| !by.is_empty()) && (!cfg!(unix) || by != "unknown"), "{by}");
    let back = place.run(&["recover", "--live", "--reason", "it is over"]);
    assert!(back.status.success(), "{}", stderr(&back));
    assert_eq!(place.events("planned")[1]["by"], "tester");
    let again = nameless(&["recover", "--live", "--reason", "it is over now", "--by", " Ann B. "]);
    assert!(again.status.success(), "{}", stderr(&again));
    assert_eq!(place.events("planned")[2]["by"], "Ann B.");
    assert_eq!(nameless(&["run", "--reason", "the exchange is slow", "--by", "a\nb"]).status.code(), Some(2));
}
