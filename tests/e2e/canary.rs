//! `soak release canary check` against real servers with a day of history: a canary that is good and one that is not,
//! told apart by a label.

use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, DurationRound, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;

use crate::e2e::has;
use crate::e2e::servers::{Manner, Server, plain_victoria_metrics, prometheus_over, proxy};
use crate::support::{Folder, Ran, Run, program, ran};

/// The canaries started so long ago: a day and ten minutes.
fn start() -> DateTime<Utc> {
    let ago = Utc::now() - TimeDelta::hours(24) - TimeDelta::minutes(10);
    ago.duration_trunc(TimeDelta::minutes(1)).expect("a whole minute")
}

/// Ends of the minutes of the slow canary in which orders take long: those from 2:00 to 2:12.
const SLOW: std::ops::Range<i64> = 121..133;

/// A sample a minute of what the queries of the built-in policy ask for, of two canaries; a line each, time behind it.
fn history(start: DateTime<Utc>, time: impl Fn(DateTime<Utc>) -> String) -> String {
    let mut text = String::new();
    for who in ["good", "slow"] {
        let (mut n, mut slow) = (0.0, 0.0);
        // From shortly before the start on, so that the first step has something to begin with.
        for minute in -6..=24 * 60 + 8 {
            let at = time(start + TimeDelta::minutes(minute));
            let is_slow = who == "slow" && SLOW.contains(&minute);
            n += 100.0;
            slow += if is_slow { 100.0 } else { 0.0 };
            let fast = n - slow;
            // Half of the fast orders take up to 200 ms, the others up to 300: the 95th of a hundred takes
            // 200 + 100 x 45 / 50 = 290. The slow ones take 500 to 1000: 500 + 500 x 95 / 100 = 975.
            for (name, labels, value) in [
                ("mm_net_bps", "", 3.25),
                ("mm_decisions_total", "", n),
                ("mm_blocks_total", ",reason=\"risk\"", n * 0.3),
                ("mm_fill_volume_total", ",liquidity=\"maker\"", n * 0.9),
                ("mm_fill_volume_total", ",liquidity=\"taker\"", n * 0.1),
                ("mm_order_errors_total", "", n * 0.01),
                ("mm_orders_placed_total", "", n),
                ("mm_tick_to_order_seconds_bucket", ",le=\"0.2\"", fast * 0.5),
                ("mm_tick_to_order_seconds_bucket", ",le=\"0.3\"", fast),
                ("mm_tick_to_order_seconds_bucket", ",le=\"0.5\"", fast),
                ("mm_tick_to_order_seconds_bucket", ",le=\"1.0\"", n),
                ("mm_tick_to_order_seconds_bucket", ",le=\"+Inf\"", n),
            ] {
                let _ = writeln!(text, "{name}{{who=\"{who}\"{labels}}} {value} {at}");
            }
        }
    }
    text
}

/// A folder with a bundle in `v1`.
fn bundle() -> Folder {
    let folder = Run::releasable().in_temp_below("run");
    let built =
        ran(program().current_dir(folder.path()).args(["release", "bundle", "--src", "run", "--out", "v1"]));
    assert_eq!(built.code, 0, "{}", built.stderr);
    folder
}

fn told(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn check(folder: &Path, url: &str, start: DateTime<Utc>, minutes: i64, args: &[&str]) -> Ran {
    let now = told(start + TimeDelta::minutes(minutes));
    let mut command = program();
    command
        .current_dir(folder)
        .env("SOAK_NOW", now)
        .args([
            "release",
            "canary",
            "check",
            "--bundle",
            "v1",
            "--since",
            &told(start),
            "--detailed-exitcode",
        ])
        .args(["--prometheus-url", url])
        .args(args);
    ran(&mut command)
}

#[track_caller]
fn ends(ran: &Ran, code: i32, outcome: &str) -> Value {
    assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
    let result = ran.json();
    assert_eq!(result["outcome"], outcome, "{}", ran.stdout);
    result
}

/// What holds of every engine that has the history.
fn holds(url: &str, start: DateTime<Utc>, nearly: f64) {
    const DAY: i64 = 24 * 60 + 5;
    let folder = bundle();
    let of = |who: &str, minutes: i64, args: &[&str]| {
        let selector = format!("who=\"{who}\"");
        check(
            folder.path(),
            url,
            start,
            minutes,
            &[&["--selector", &selector, "--format", "json"], args].concat(),
        )
    };
    let good = ends(&of("good", DAY, &[]), 0, "PASS");
    assert_eq!(good["steps"], 289);
    // Each value is what the history was made of.
    let day = good["blocks"].as_array().expect("a list").iter().find(|block| block["name"] == "hour_24");
    for limit in day.expect("hour 24")["limits"].as_array().expect("a list") {
        let check = &limit["check"];
        let expected = match check["kpi"].as_str().expect("a name") {
            "net_bps" => 3.25,
            "risk_ratio" => 0.3,
            "maker_taker_ratio" => 0.9,
            "p95_latency_ms" => 290.0,
            other => panic!("{other}"),
        };
        let observed = check["observed"].as_f64().expect("a value");
        assert!((observed - expected).abs() <= nearly * expected, "{check}");
        assert_eq!(check["window"]["n"], 12, "{check}");
    }
    for trigger in good["triggers"].as_array().expect("a list") {
        assert_eq!(trigger["check"]["window"]["n"], 289, "{trigger}");
    }
    ends(&of("good", 61, &[]), 3, "INCONCLUSIVE");
    ends(&of("good", 61, &["--so-far"]), 0, "PASS");
    // Twelve minutes of slow orders from 2:00 on, seen in the steps that end at 2:05, 2:10 and 2:15.
    ends(&of("slow", 119, &["--so-far"]), 0, "PASS");
    let slow = ends(&of("slow", DAY, &[]), 1, "FAIL");
    assert_eq!(slow["rollback"], "quick");
    let reason = slow["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("canary.trigger.latency: > 500 ms held from "), "{reason}");
    let trigger =
        slow["triggers"].as_array().expect("a list").iter().find(|it| it["check"]["kpi"] == "p95_latency_ms");
    let held = &trigger.expect("a trigger")["held"];
    assert_eq!(held.as_array().map(Vec::len), Some(1), "{held}");
    let time =
        |key: &str| -> DateTime<Utc> { held[0][key].as_str().expect("a time").parse().expect("a time") };
    let minutes = |time: DateTime<Utc>| (time - start).num_minutes();
    assert_eq!(minutes(time("from")), 120, "{held}");
    assert!((130..=135).contains(&minutes(time("to"))), "{held}");
    // Nobody is no series.
    let nobody = ends(&of("nobody", 61, &["--hour", "1"]), 3, "INCONCLUSIVE");
    assert!(nobody["reason"].as_str().is_some_and(|told| told.ends_with("finds no series")), "{nobody}");
    // A query of the user's own that leaves the series apart.
    let policy = "schema_version = 1\n[prometheus.net_bps]\nquery = 'mm_net_bps{$selector}'\n";
    std::fs::write(folder.path().join("p.toml"), policy).expect("a file");
    let apart =
        check(folder.path(), url, start, 61, &["--hour", "1", "--policy", "p.toml", "--format", "json"]);
    let apart = ends(&apart, 4, "INVALID");
    assert!(apart["reason"].as_str().is_some_and(|told| told.contains("2 series, expected one")), "{apart}");
    // And one that it does not understand.
    let policy = "schema_version = 1\n[prometheus.net_bps]\nquery = 'sum('\n";
    std::fs::write(folder.path().join("p.toml"), policy).expect("a file");
    let refused = ends(&of("good", 61, &["--hour", "1", "--policy", "p.toml"]), 4, "INVALID");
    let reason = refused["reason"].as_str().expect("a reason");
    assert!(reason.contains("the server refused `prometheus.net_bps.query`"), "{reason}");
}

/// Beside a query that nobody understands a trigger that held is still what counts.
fn holds_beside_what_is_invalid(url: &str, start: DateTime<Utc>) {
    let folder = bundle();
    let policy = "schema_version = 1\n[prometheus.net_bps]\nquery = 'sum('\n";
    std::fs::write(folder.path().join("p.toml"), policy).expect("a file");
    let args = ["--so-far", "--policy", "p.toml", "--selector", "who=\"slow\"", "--format", "json"];
    let both = ends(&check(folder.path(), url, start, 140, &args), 1, "INVALID");
    assert_eq!((&both["rollback"], &both["exit_code"]), (&"quick".into(), &1.into()));
    assert!(
        both["reason"].as_str().is_some_and(|told| told.starts_with("canary.trigger.latency: ")),
        "{both}"
    );
}

#[test]
fn prometheus_tells_a_good_canary_from_a_slow_one() {
    if !has("prometheus") || !has("promtool") {
        return;
    }
    let start = start();
    let history = history(start, |time| time.timestamp().to_string());
    let server: Server = prometheus_over(&format!("{history}# EOF\n"));
    holds(&server.url, start, 1e-6);
    holds_beside_what_is_invalid(&server.url, start);
    // What stands before it.
    let folder = bundle();
    let token = folder.path().join("token");
    std::fs::write(&token, "hush\n").expect("a file");
    let token = token.to_str().expect("a plain path");
    let good = ["--selector", "who=\"good\"", "--so-far"];
    let guarded = proxy(&server, Manner::Token("hush"));
    let with = |url: &str, args: &[&str]| check(folder.path(), url, start, 61, &[&good, args].concat());
    assert_eq!(with(&guarded, &["--bearer-token-file", token]).code, 0);
    let refused = with(&guarded, &[]);
    assert_eq!(refused.code, 6, "{}", refused.stdout);
    assert!(refused.stderr.contains("answered 401: check the token"), "{}", refused.stderr);
    let wrong = with(&server.url.replace("/p", "/q"), &[]);
    assert_eq!(wrong.code, 6, "{}", wrong.stdout);
    assert!(wrong.stderr.contains("answered 404: check the path of the URL"), "{}", wrong.stderr);
}

/// Puts a history into a `VictoriaMetrics`, to be asked for at once.
fn import(url: &str, history: &str) {
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    agent.post(format!("{url}/api/v1/import/prometheus")).send(history).expect("it takes it");
    agent.get(format!("{url}/internal/force_flush")).call().expect("it flushes");
}

#[test]
fn victoria_metrics_tells_a_good_canary_from_a_slow_one() {
    if !has("victoria-metrics") {
        return;
    }
    let start = start();
    let history = history(start, |time| time.timestamp_millis().to_string());
    let server = plain_victoria_metrics();
    import(&server.url, &history);
    holds(&server.url, start, 0.02);
}
