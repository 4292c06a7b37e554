//! `soak analyze`: its reports, its exit codes, symbols.

use crate::it::support::{Folder, Ran, Run, Step, visible};
use serde_json::{Value, json};

const REPORTS: [&str; 7] = [
    "POST_SOAK_AUDIT.md",
    "RECOMMENDATIONS.md",
    "reports/analysis/POST_SOAK_ANALYSIS.json",
    "reports/analysis/POST_SOAK_AUDIT.md",
    "reports/analysis/POST_SOAK_SNAPSHOT.json",
    "reports/analysis/RECOMMENDATIONS.md",
    "reports/analysis/report.html",
];

fn codes(place: &Folder, args: &[&str]) -> (i32, i32) {
    let detailed = [args, &["--detailed-exitcode"]].concat();
    (place.soak("analyze", args).code, place.soak("analyze", &detailed).code)
}

fn result(place: &Folder, args: &[&str]) -> Value {
    place.soak("analyze", &[args, &["--format", "json"]].concat()).json()
}

/// A run of flat files per symbol, each iteration as the step says.
fn symbols(steps: &[(&str, Step)]) -> Run {
    steps.iter().fold(Run::default(), |run, (symbol, Step { number, net, risk, maker, p95, freeze })| {
        let flat = json!({"symbol": symbol, "net_bps": net, "risk_ratio": risk, "maker_taker_ratio": maker,
                          "p95_latency_ms": p95, "ticks": 18_000 + number, "tuning": {"freeze_triggered": freeze}});
        run.with_json(&format!("ITER_SUMMARY_{symbol}_{number}.json"), &flat)
    })
}

/// BTCUSDT passes with a freeze; ETHUSDT fails.
fn good_and_bad() -> Run {
    let frozen = |number| Step { freeze: number == 6, ..Step::good(number) };
    let steps: Vec<(&str, Step)> =
        (1..=8).flat_map(|number| [("BTCUSDT", frozen(number)), ("ETHUSDT", Step::bad(number))]).collect();
    symbols(&steps)
}

#[test]
fn the_reports_go_into_the_folder_and_into_its_reports() {
    let place = Run::passing(8).in_temp();
    let Ran { code, stdout, .. } = place.soak("analyze", &[]);
    assert_eq!(code, 0);
    let written = place.written();
    for name in REPORTS {
        assert!(written.contains(&name.to_owned()), "{name}: {written:?}");
        assert!(stdout.contains(&format!("\n  {name}\n")), "{name}: {stdout}");
    }
    assert!(!written.iter().any(|name| name.ends_with("FAILURES.md")), "{written:?}");
    // The compact snapshot is for `extract` and `gate` to write.
    assert!(!written.contains(&"POST_SOAK_SNAPSHOT.json".to_owned()));
    assert_eq!(place.text("POST_SOAK_AUDIT.md"), place.text("reports/analysis/POST_SOAK_AUDIT.md"));
    assert_eq!(place.json("reports/analysis/POST_SOAK_SNAPSHOT.json")["schema_version"], "1.2");
}

#[test]
fn failures_are_written_on_fail_alone() {
    let has_failures = |run: Run| {
        let place = run.in_temp();
        place.soak("analyze", &[]);
        let written = place.written();
        (
            written.contains(&"FAILURES.md".to_owned()),
            written.contains(&"reports/analysis/FAILURES.md".to_owned()),
        )
    };
    assert_eq!(has_failures(Run::passing(8)), (false, false));
    assert_eq!(has_failures(Run::passing(8).failing(&[2, 3, 4])), (false, false), "a WARN");
    assert_eq!(has_failures(Run::passing(8).failing(&[2, 3, 4, 5])), (true, true));
}

#[test]
fn the_failures_tell_where_and_by_how_much() {
    let place = Run::passing(8).failing(&[2, 3, 4, 5]).in_temp();
    place.soak("analyze", &[]);
    let failures = place.text("FAILURES.md");
    for part in ["4 of 8", "risk_ratio", "0.55", "0.42"] {
        assert!(failures.contains(part), "{part}: {failures}");
    }
}

#[test]
fn analyze_exits_by_the_verdict() {
    assert_eq!(codes(&Run::passing(8).in_temp(), &[]), (0, 0));
    let warn = Run::passing(8).failing(&[2, 3, 4]).in_temp();
    assert_eq!((codes(&warn, &[]), codes(&warn, &["--fail-on", "warn"])), ((0, 0), (1, 1)));
    assert_eq!(codes(&Run::passing(8).failing(&[2, 3, 4, 5]).in_temp(), &[]), (1, 1));
    assert_eq!(codes(&Run::passing(7).in_temp(), &[]), (1, 3));
    assert_eq!(codes(&Run::passing(8).with("ITER_SUMMARY_8.json", "{").in_temp(), &[]), (1, 4));
    assert_eq!(codes(&Run::passing(7).in_temp(), &["--override", "known outage"]), (0, 0));
}

#[test]
fn every_file_that_is_told_is_there_and_out_takes_them_all() {
    let (place, out) = (Run::passing(8).in_temp(), Run::default().in_temp());
    let told = result(&place, &["--out", out.path().to_str().expect("plain")]);
    assert_eq!(told["command"], "analyze");
    let named: Vec<&str> =
        told["artifacts"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(named, visible(out.path()).into_keys().collect::<Vec<_>>());
    assert_eq!(place.written(), Vec::<String>::new());
}

#[test]
fn exit_on_crit_fails_a_pass_with_a_critical_violation() {
    // The ninth from the end: outside of the window that makes the verdict, inside of the whole run.
    let crit = Run::passing(9).edit(1, |json| json["summary"]["net_bps"] = json!(2.4999)).in_temp();
    assert_eq!(codes(&crit, &[]), (0, 0));
    assert_eq!(codes(&crit, &["--exit-on-crit"]), (1, 1));
    assert_eq!(codes(&crit, &["--exit-on-crit", "--override", "known outage"]), (0, 0));
    // At the limit it is a WARN.
    let warn = Run::passing(9).edit(1, |json| json["summary"]["net_bps"] = json!(2.5)).in_temp();
    assert_eq!(codes(&warn, &["--exit-on-crit"]), (0, 0));
    assert_eq!(codes(&Run::passing(8).in_temp(), &["--exit-on-crit"]), (0, 0));
}

#[test]
fn with_min_windows_a_symbol_with_fewer_is_inconclusive_and_named() {
    let steps: Vec<(&str, Step)> = (1..=9)
        .flat_map(|number| [("BTCUSDT", Step::good(number)), ("ETHUSDT", Step::good(number))])
        .filter(|(symbol, step)| *symbol == "BTCUSDT" || step.number > 1)
        .collect();
    let place = symbols(&steps).in_temp();
    let told = |n: &str| place.soak("analyze", &["--min-windows", n]).stdout;
    assert!(!told("8").contains("asks for"), "{}", told("8"));
    assert_eq!(codes(&place, &["--min-windows", "8"]), (0, 0));
    assert_eq!(codes(&place, &["--min-windows", "9"]), (1, 3));
    let nine = told("9");
    assert!(nine.contains("ETHUSDT: 8 iterations, `--min-windows` asks for 9"), "{nine}");
    assert!(!nine.contains("BTCUSDT: 9 iterations, `--min-windows`"), "{nine}");
    assert!(told("10").contains("BTCUSDT: 9 iterations, `--min-windows` asks for 10"));
}

#[test]
fn the_whole_is_the_worst_symbol() {
    let place = good_and_bad().in_temp();
    let told = result(&place, &[]);
    assert_eq!(
        (&told["outcome"], &told["symbol"], &told["pass_count"]),
        (&json!("FAIL"), &json!("ETHUSDT"), &json!(0))
    );
    let text = place.soak("analyze", &[]).stdout;
    assert!(text.contains("BTCUSDT:\n") && text.contains("ETHUSDT:\n"), "{text}");
}

#[test]
fn nothing_is_pooled_over_symbols() {
    // Pooled, 12 of 16 would be 75 %.
    let steps: Vec<(&str, Step)> = (1..=8)
        .flat_map(|number| {
            let other = if number <= 4 { Step::bad(number) } else { Step::good(number) };
            [
                ("BTCUSDT", Step { freeze: number == 6, ..Step::good(number) }),
                ("ETHUSDT", Step { freeze: number == 6, ..other }),
            ]
        })
        .collect();
    let told = result(&symbols(&steps).in_temp(), &[]);
    assert_eq!((&told["outcome"], &told["symbol"]), (&json!("FAIL"), &json!("ETHUSDT")));
}

#[test]
fn one_symbol_can_be_looked_at_alone() {
    let place = good_and_bad().in_temp();
    for (args, outcome, code) in [
        (&["--symbol", "BTCUSDT"][..], "PASS", 0),
        (&["--symbol", "ETHUSDT"], "FAIL", 1),
        (&["--symbol", "BTCUSDT", "--symbol", "ETHUSDT"], "FAIL", 1),
        (&["--symbol", "BTCUSDT,ETHUSDT"], "FAIL", 1),
        (&["--symbol", " BTCUSDT "], "PASS", 0),
    ] {
        let told = result(&place, args);
        assert_eq!((&told["outcome"], &told["exit_code"]), (&json!(outcome), &json!(code)), "{args:?}");
    }
}

#[test]
fn an_unknown_symbol_is_an_error_that_names_those_there_are() {
    let place = good_and_bad().in_temp();
    for args in [&["--symbol", "XRPUSDT"][..], &["--symbol", "BTCUSDT,XRPUSDT"]] {
        let Ran { code, stdout, stderr } = place.soak("analyze", &[args, &["--detailed-exitcode"]].concat());
        assert_eq!((code, stdout.as_str()), (4, ""));
        assert_eq!(stderr, "error: the run has no symbol `XRPUSDT`\nhint: it has BTCUSDT, ETHUSDT\n");
    }
    let plain = Run::passing(8).in_temp().soak("analyze", &["--symbol", "BTCUSDT"]);
    assert_eq!(plain.code, 1);
    assert!(plain.stderr.contains("carry no symbol; leave `--symbol` out"), "{}", plain.stderr);
    assert_eq!(place.written(), Vec::<String>::new());
}

#[test]
fn the_analysis_keeps_to_its_published_schema() {
    for (file, schema) in [
        ("POST_SOAK_ANALYSIS.json", "post_soak_analysis"),
        ("POST_SOAK_SNAPSHOT.json", "post_soak_snapshot_1_2"),
    ] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("deploy/schemas/{schema}.schema.json"));
        let schema: Value =
            serde_json::from_str(&std::fs::read_to_string(path).expect("there")).expect("JSON");
        let validator = jsonschema::draft202012::new(&schema).expect("a schema");
        for run in
            [Run::passing(8).tuned(2, 5.0), good_and_bad(), Run::passing(3).with("ITER_SUMMARY_2.json", "{")]
        {
            let place = run.in_temp();
            place.soak("analyze", &[]);
            let document = place.json(&format!("reports/analysis/{file}"));
            let errors: Vec<String> =
                validator.iter_errors(&document).map(|error| error.to_string()).collect();
            assert_eq!(errors, Vec::<String>::new(), "{file}");
        }
    }
}

#[test]
fn a_gap_in_the_numbers_before_the_window_is_a_finding_and_changes_no_verdict() {
    let place = Run::passing(14).without("ITER_SUMMARY_4.json").in_temp();
    let told = result(&place, &[]);
    assert_eq!(told["outcome"], "PASS");
    let findings = told["findings"].as_array().expect("a list");
    let gap = findings.iter().find(|finding| finding["kind"] == "gap");
    assert!(gap.is_some_and(|gap| gap["message"].as_str().expect("text").contains('4')), "{findings:?}");
}

#[test]
fn the_page_can_be_left_out_and_an_earlier_one_goes() {
    let place = Run::passing(8).in_temp();
    let page = "reports/analysis/report.html".to_owned();
    place.soak("analyze", &["--no-html"]);
    assert!(!place.written().contains(&page));
    place.soak("analyze", &[]);
    assert!(place.text(&page).contains("<span id=\"verdict-word\">PASS</span>"));
    place.soak("gate", &["--no-html"]);
    assert!(!place.written().contains(&page));
    place.soak("gate", &[]);
    assert!(place.written().contains(&page));
    // One that soak did not write is nobody's to remove.
    let foreign = Run::passing(8).with(&page, "mine").in_temp();
    foreign.soak("analyze", &["--no-html"]);
    assert_eq!(foreign.text(&page), "mine");
}

#[test]
fn plots_are_drawn_on_request_and_the_same_each_time() {
    let place = Run::passing(8).in_temp();
    let plots = || -> Vec<(String, Vec<u8>)> {
        let files = visible(place.path()).into_iter();
        files.filter(|(name, _)| name.contains("/plots/")).collect()
    };
    place.soak("analyze", &[]);
    assert_eq!(plots(), []);
    let told = result(&place, &["--plots"]);
    let drawn = plots();
    let names: Vec<&str> = drawn.iter().filter_map(|(name, _)| name.rsplit('/').next()).collect();
    let expected = [
        "latency_p95_ms.png",
        "latency_p95_ms.svg",
        "maker_taker_ratio.png",
        "maker_taker_ratio.svg",
        "net_bps.png",
        "net_bps.svg",
        "risk_ratio.png",
        "risk_ratio.svg",
    ];
    assert_eq!(names, expected);
    let artifacts = told["artifacts"].as_array().expect("a list");
    assert_eq!(
        artifacts.iter().filter(|name| name.as_str().is_some_and(|name| name.contains("/plots/"))).count(),
        8
    );
    for (name, bytes) in &drawn {
        let start: &[u8] = if name.contains(".png") { b"\x89PNG" } else { b"<svg " };
        assert!(bytes.starts_with(start), "{name}");
    }
    place.soak("analyze", &["--plots"]);
    assert_eq!(plots(), drawn);
    // Without the flag they are left alone.
    place.soak("analyze", &[]);
    assert_eq!(plots(), drawn);
}
