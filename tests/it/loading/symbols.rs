//! Runs of several symbols: each is judged as if it were alone, in maps of symbols and in files of their own.

use std::fs;

use serde_json::{Value, json};

use super::{Gated, message};
use crate::it::support::{Folder, Run, name};

/// A KPI of one's own, and no other.
const POLICY: &str = "schema_version = 1\n[kpi.p95_ms]\nunit = \"ms\"\ndirection = \"lower\"\n\
    [iteration_pass.kpi]\np95_ms = { comparison = \"<=\", limit = 15 }\nnet_bps.enabled = false\n\
    risk_ratio.enabled = false\nmaker_taker_ratio.enabled = false\np95_latency_ms.enabled = false\n\
    [run_verdict]\nfreeze = \"ignore\"\n";

/// A value that no other iteration has.
fn moving(number: u64) -> f64 {
    5.0 + (number * 37 % 101) as f64 / 307.0
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "one of the two symbols may be absent, and this is its healthy twin"
)]
fn good(number: u64) -> Option<Value> {
    Some(json!({"p95_ms": moving(number)}))
}

/// 24 iterations of `a`, which is good, and of `b`, as maps or as files of their own. `None`: `b` is not there.
fn folder(maps: bool, b: impl Fn(u64) -> Option<Value>, policy: &str) -> Folder {
    let mut run = Run::default().with("p.toml", format!("{POLICY}{policy}"));
    for number in 1..=24 {
        if maps {
            let mut map = json!({"iteration": number, "a": good(number)});
            if let Some(b) = b(number) {
                map["b"] = b;
            }
            run = run.with_json(&name(number), &map);
        } else {
            for (symbol, summary) in [("a", good(number)), ("b", b(number))] {
                if let Some(summary) = summary {
                    let file = format!("ITER_SUMMARY_{symbol}_{number}.json");
                    run = run.with_json(
                        &file,
                        &json!({"iteration": number, "symbol": symbol, "summary": summary}),
                    );
                }
            }
        }
    }
    run.in_temp()
}

fn gated(folder: &Folder, args: &[&str]) -> Gated {
    let policy = folder.file("p.toml").display().to_string();
    let mut all = vec!["--policy", policy.as_str()];
    all.extend(args);
    Gated::of(folder, &all)
}

/// The outcome in both layouts, which must be the same.
#[track_caller]
fn both(b: impl Fn(u64) -> Option<Value>, policy: &str, args: &[&str], outcome: &str, words: &str) {
    for maps in [true, false] {
        let gated = gated(&folder(maps, &b, policy), args);
        assert_eq!(gated.outcome(), outcome, "maps: {maps}: {}", gated.reason());
        assert!(gated.reason().contains(words), "maps: {maps}: {}", gated.reason());
    }
}

#[test]
fn two_good_symbols_pass_and_one_that_starts_late_is_judged_from_there() {
    both(good, "", &[], "PASS", "");
    both(|number| good(number).filter(|_| number >= 10), "", &[], "PASS", "");
    both(|number| good(number).filter(|_| number >= 17), "", &[], "PASS", "");
    // What the other symbol has, this one owes: every second iteration is no step of its own.
    both(|number| good(number).filter(|_| number % 2 == 0), "", &[], "INVALID", "17, 19, 21, 23");
}

#[test]
fn a_symbol_that_ends_or_is_missing_in_the_window_is_invalid() {
    both(
        |number| good(number).filter(|_| number <= 14),
        "",
        &[],
        "INVALID",
        "`b` ends at iteration 14, the run at 24",
    );
    both(|number| good(number).filter(|_| number != 20), "", &[], "INVALID", "20");
    both(|number| good(number).filter(|_| number != 10), "", &[], "PASS", "");
}

#[test]
fn a_symbol_that_stands_still_or_lacks_values_counts_as_it_would_alone() {
    both(
        |_| Some(json!({"p95_ms": 4.123_456_789_012_345})),
        "",
        &[],
        "INVALID",
        "b: the source repeats itself",
    );
    let without = |value: &'static str| {
        move |number| if number <= 18 { good(number) } else { serde_json::from_str(value).ok() }
    };
    for nothing in ["{}", r#"{"runtime_utc": "2026-01-01T00:00:00Z"}"#, r#"{"p95_ms": null}"#] {
        both(without(nothing), "", &[], "FAIL", "2 of 8 iterations pass");
    }
    // Only a map can have something else than an object in the place of a symbol.
    for nothing in ["null", "\"no data\"", "[]", "7"] {
        let gated = gated(&folder(true, without(nothing), ""), &[]);
        assert_eq!(gated.outcome(), "FAIL", "{nothing}: {}", gated.reason());
    }
    both(
        |_| Some(json!({"runtime_utc": "2026-01-01T00:00:00Z"})),
        "",
        &[],
        "INVALID",
        "no value in the whole window",
    );
}

#[test]
fn what_is_no_symbol_in_any_file_is_none() {
    let folder = folder(true, |number| Some(json!({"host": "h", "note": number})), "");
    assert_eq!(gated(&folder, &[]).outcome(), "PASS");
}

#[test]
fn a_file_that_says_nothing_of_any_symbol_is_an_iteration_without_values_of_each() {
    let failed = json!({"iteration": 20, "collection": {"ok": false, "reason": "no route to host"}});
    for nothing in [json!({"iteration": 20}), json!({"iteration": 20, "a": {}, "b": {}}), failed] {
        let folder = folder(true, good, "");
        std::fs::write(folder.file(&name(20)), nothing.to_string()).expect("a file");
        let gated = gated(&folder, &[]);
        gated.ends("PASS", 0);
        let counted = gated.check("run_verdict.pass_count")["reason"].as_str().expect("a sentence");
        assert!(counted.contains("7 of 8 iterations pass") && counted.contains("(20)"), "{counted}");
    }
}

#[test]
fn the_exceptions_are_the_way_out_and_are_named() {
    let ended = |number| good(number).filter(|_| number <= 14);
    both(ended, "[symbols]\nallow_end = [\"b\"]\n", &[], "PASS", "");
    both(ended, "[symbols]\nexclude = [\"b\"]\n", &[], "PASS", "");
    both(ended, "", &["--exclude-symbol", "b"], "PASS", "");
    both(ended, "[symbols]\nexclude = [\"a\"]\n", &["--exclude-symbol", "b"], "INVALID", "every symbol");
    both(ended, "[symbols]\nexclude = [\"c\"]\n", &[], "INVALID", "`b` ends at iteration 14");
    let late = |number| good(number).filter(|_| number >= 20);
    both(late, "", &[], "INCONCLUSIVE", "");
    both(late, "[symbols]\nallow_start = [\"b\"]\n", &[], "PASS", "");
    // A symbol that is judged by few iterations is judged by them.
    let bad = |number: u64| (number >= 20).then(|| json!({"p95_ms": 20.0 + moving(number)}));
    both(bad, "[symbols]\nallow_start = [\"b\"]\n", &[], "FAIL", "0 of 5 iterations pass");

    let folder = folder(true, ended, "[symbols]\nallow_end = [\"b\"]\n");
    let check = gated(&folder, &[]).check("symbols.allow_end").clone();
    assert_eq!((&check["outcome"], &check["symbol"]), (&json!("NOT_APPLICABLE"), &json!("b")));
    let gated = gated(&folder, &["--exclude-symbol", "b"]);
    assert_eq!(gated.told["excluded_symbols"], json!(["b"]));
    assert_eq!(gated.check("symbols.exclude")["limit_source"]["origin"], "flag --exclude-symbol");
    assert!(message(gated.finding("excluded_symbol")).contains("`b` is excluded"));
    for command in ["gate", "analyze", "audit", "extract"] {
        let policy = folder.file("p.toml").display().to_string();
        let ran = folder.soak(command, &["--policy", &policy, "--exclude-symbol", "b"]);
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            told.contains("`b` is excluded") || told.contains("\"excluded_symbols\":[\"b\"]"),
            "{command}: {told}"
        );
    }
    for name in ["RECOMMENDATIONS.md", "DELTA_VERIFY_REPORT.md"] {
        let page = fs::read_to_string(folder.file(name)).expect("a page");
        assert!(page.contains("\n\nExcluded and not judged: b\n\n"), "{name}: {page}");
    }
    let summary = folder.soak("audit pr-summary", &[]).stdout;
    assert!(summary.contains("\n\nExcluded and not judged: b\n\n"), "{summary}");
}
