//! The metrics that are written, against promtool.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::e2e::has;
use crate::support::{Run, Step, name};

/// What `promtool check metrics` has to say about a text: nothing, if it is well formed.
fn promtool_check_metrics(text: &str) -> Result<(), String> {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    let mut stdin = promtool.stdin.take().expect("a pipe to promtool");
    stdin.write_all(text.as_bytes()).expect("promtool reads");
    drop(stdin);
    let output = promtool.wait_with_output().expect("promtool ends");
    let said = [output.stdout, output.stderr].concat();
    if output.status.success() && said.is_empty() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&said).into_owned())
    }
}

/// Runs `soak COMMAND` over a folder; gives back the metrics it wrote.
fn metrics(run: &Run, command: &str, args: &[&str]) -> String {
    let folder = run.in_temp();
    let ran = folder.soak(command, &[&["--prometheus"], args].concat());
    assert!(ran.code < 2, "{}{}", ran.stdout, ran.stderr);
    folder.text("POST_SOAK_METRICS.prom")
}

/// Flat files of symbols that nobody should call their markets.
fn hostile_symbols() -> Run {
    let symbols = ["BTC\"USDT", "ETH\\USDT", "line\nbreak", "{a=\"b\"} 1", "ü≠\u{1f980}", "tab\there\r"];
    let mut run = Run::default();
    for (index, symbol) in (0u64..).zip(symbols) {
        for number in 1..=8 {
            let mut content = Step { freeze: number == 4, ..Step::good(number) }.json();
            content["symbol"] = symbol.into();
            let number = number * 10 + index;
            content["iteration"] = number.into();
            run = run.with_json(&name(number), &content);
        }
    }
    run
}

/// Runs of every verdict.
pub fn runs() -> Vec<(&'static str, Run)> {
    let fail = (1..=8).map(Step::bad).collect();
    let invalid = Run::passing(8).with(&name(5), "{");
    let no_value = (1..=8).fold(Run::passing(8), |run, number| {
        run.edit(number, |value| value["summary"]["net_bps"] = serde_json::Value::Null)
    });
    vec![
        ("pass", Run::passing(24).tuned(3, 2.0).declared(24, "complete", 24)),
        ("fail", fail),
        ("inconclusive", Run::passing(3)),
        ("invalid", invalid),
        ("a KPI without values", no_value),
        ("hostile symbols", hostile_symbols()),
    ]
}

#[test]
fn promtool_has_nothing_to_say_about_the_clean_metrics() {
    if !has("promtool") {
        return;
    }
    for (case, run) in runs() {
        let exported = run.in_temp().soak("export-prom", &["--no-legacy-metrics"]).stdout;
        assert!(exported.contains("\nsoak_guard_triggers_total"), "{case}: {exported}");
        assert_eq!(promtool_check_metrics(&exported), Ok(()), "{case}, export-prom:\n{exported}");
        for command in ["extract", "gate"] {
            let text = metrics(&run, command, &["--no-legacy-metrics"]);
            assert!(text.lines().count() > 10, "{case}, {command}: {text}");
            assert_eq!(promtool_check_metrics(&text), Ok(()), "{case}, {command}:\n{text}");
        }
    }
}

#[test]
fn promtool_can_read_the_metrics_with_the_names_of_old() {
    if !has("promtool") {
        return;
    }
    for (case, run) in runs() {
        let text = metrics(&run, "gate", &[]);
        // The names are the ones of old, and promtool says what it would call them; it has to get that far.
        if let Err(said) = promtool_check_metrics(&text) {
            assert!(!said.contains("error while linting"), "{case}: {said}\n{text}");
            assert!(!said.contains("text format parsing error"), "{case}: {said}\n{text}");
        }
    }
}

#[test]
fn symbols_come_out_of_the_metrics_as_they_went_in() {
    let text = metrics(&hostile_symbols(), "gate", &["--no-legacy-metrics"]);
    for label in [r#"="BTC\"USDT""#, r#"="ETH\\USDT""#, r#"="line\nbreak""#] {
        assert!(text.contains(label), "{label} is not in\n{text}");
    }
}

/// A gauge in base units with HELP and TYPE, as the clean metrics are written.
const CLEAN: &str = "\
# HELP soak_iterations Iterations in the run.
# TYPE soak_iterations gauge
soak_iterations 24
";

#[test]
fn promtool_accepts_clean_metrics_and_refuses_others() {
    if !has("promtool") {
        return;
    }
    assert_eq!(promtool_check_metrics(CLEAN), Ok(()));
    let (_, no_help) = CLEAN.split_once('\n').expect("HELP is the first line");
    assert!(promtool_check_metrics(no_help).is_err(), "a metric without HELP must be told");
    assert!(promtool_check_metrics("soak iterations 24\n").is_err(), "a malformed line must be told");
}
