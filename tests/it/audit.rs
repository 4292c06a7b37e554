//! `soak audit`: readiness OK or HOLD, the numbers beside it, the files, the exit codes.

use serde_json::{Value, json};

use super::support::{Folder, Run, Step, name, program, ran, soak};

const JSON: &str = "reports/analysis/POST_SOAK_AUDIT_SUMMARY.json";
const REPORT: &str = "reports/analysis/POST_SOAK_AUDIT_SUMMARY.md";
const TABLE: &str = "reports/analysis/POST_SOAK_ITER_TABLE.csv";

fn summary(folder: &Folder) -> Value {
    folder.json(JSON)
}

fn failures(folder: &Folder, args: &[&str]) -> Vec<String> {
    let audited = folder.soak("audit", &[&["--format", "json"], args].concat());
    let failures = audited.json()["readiness"]["failures"].clone();
    serde_json::from_value(failures).expect("a list of sentences")
}

/// The last two lines but the rule.
fn ending(stdout: &str) -> Vec<&str> {
    let lines: Vec<&str> = stdout.lines().collect();
    vec![lines[lines.len() - 3], lines[lines.len() - 1]]
}

/// Sixteen iterations in which each KPI rises by a step from its first value; the medians can be done by hand.
fn rising() -> Run {
    let step = |number: u64| {
        let n = number as f64;
        Step {
            number,
            net: 3.0 + n / 8.0,
            risk: 0.25 + n / 256.0,
            maker: 0.8125 + n / 128.0,
            p95: 200.0 + 2.0 * n,
            freeze: number == 14,
        }
    };
    (1..=16).map(step).collect()
}

#[test]
fn a_run_within_its_limits_is_ok_and_the_last_lines_say_so() {
    let folder = rising().in_temp();
    let audited = folder.soak("audit", &["--fail-on-hold"]);
    assert_eq!(audited.code, 0, "{}", audited.stdout);
    let rule = "=".repeat(80);
    let (_, end) = audited.stdout.rsplit_once(&format!("{rule}\n🎯 FINAL VERDICT: ")).expect("a verdict");
    let analysis = folder.path().join("reports/analysis");
    let at = |name: &str| analysis.join(name).display().to_string();
    // The medians of `rising`, worked out below: 0.91015625, 4.5625, 225, 0.298828125.
    let expected = [
        "READINESS: OK".to_owned(),
        rule,
        String::new(),
        format!("📄 Full report: {}", at("POST_SOAK_AUDIT_SUMMARY.md")),
        format!("📊 JSON summary: {}", at("POST_SOAK_AUDIT_SUMMARY.json")),
        format!("📈 CSV table: {}", at("POST_SOAK_ITER_TABLE.csv")),
        String::new(),
        "All KPIs with a limit are within thresholds:".to_owned(),
        "  ✓ maker_taker_ratio: 0.91 >= 0.83".to_owned(),
        "  ✓ net_bps: 4.562 >= 2.9".to_owned(),
        "  ✓ p95_latency_ms: 225 <= 330".to_owned(),
        "  ✓ risk_ratio: 0.299 <= 0.4".to_owned(),
        String::new(),
        "✅ READINESS OK (source not recorded: not valid for a release)".to_owned(),
        "[EXIT] fail-on-hold: True, verdict: OK, exit_code=0".to_owned(),
    ];
    assert_eq!(end.lines().collect::<Vec<_>>(), expected);
    for step in 1..=11 {
        assert!(audited.stdout.contains(&format!("\n[{step}/11] ")), "step {step}");
    }
    assert_eq!(folder.written(), [JSON, REPORT, TABLE]);
    let good = Run::passing(16).in_temp();
    good.soak("audit", &[]);
    let advice = json!(["no limit of readiness is missed, and no rule of the policy asks for a change"]);
    assert_eq!(summary(&good)["recommendations"], advice);
    assert!(!audited.stdout.contains("WARNING"), "{}", audited.stdout);
}

#[test]
fn advice_stays_within_the_bounds_and_restates_no_failure() {
    let of = |net: f64, overrides: &str| {
        let run: Run =
            (1..=16).map(|number| Step { net, freeze: number == 14, ..Step::good(number) }).collect();
        let folder = run.in_temp();
        std::fs::write(folder.path().join("runtime_overrides.json"), overrides).expect("written");
        folder.soak("audit", &[]);
        summary(&folder)["recommendations"].clone()
    };
    // The rule speaks below a mean of 2.7 and adds 0.01; the bounds are 0.08 and 0.25.
    let why = "mean net_bps 2.60 < 2.7 and mean risk_ratio 0.330 <= 0.4";
    let advice = |text: &str| json!([format!("base_spread_bps_delta {text}: {why}")]);
    assert_eq!(of(2.6, "{}"), advice("+0.01 (within 0.08 to 0.25)"));
    assert_eq!(of(2.6, r#"{"base_spread_bps_delta": 0.14}"#), advice("0.14 -> 0.15"));
    assert_eq!(of(2.6, r#"{"base_spread_bps_delta": 0.245}"#), advice("0.245 -> 0.25 (bound)"));
    let cause = "net_bps: find the cause in the system under test";
    let none_left = format!("{cause}; the bounds leave no change of base_spread_bps_delta");
    assert_eq!(of(2.6, r#"{"base_spread_bps_delta": 0.25}"#), json!([none_left]));
    // Readiness asks for 2.9.
    assert_eq!(of(2.8, "{}"), json!([format!("{cause}; no rule of `[recommendations]` applies")]));
}

#[test]
fn min_max_and_median_are_those_of_the_three_windows() {
    let folder = rising().in_temp();
    folder.soak("audit", &[]);
    let found = summary(&folder);
    // Iterations 1-16, 7-16 and 9-16: the middle lies at 8.5, 11.5 and 12.5.
    let spread = |from: f64, to: f64, value: fn(f64) -> f64| json!({"min": value(from), "max": value(to), "median": value(f64::midpoint(from, to))});
    let windows = |value: fn(f64) -> f64| {
        json!({"overall": spread(1.0, 16.0, value), "steady": spread(7.0, 16.0, value),
               "last8": spread(9.0, 16.0, value)})
    };
    assert_eq!(
        found["trend_stats"],
        json!({
            "net_bps": windows(|n| 3.0 + n / 8.0),
            "risk_ratio": windows(|n| 0.25 + n / 256.0),
            "latency_p95_ms": windows(|n| 200.0 + 2.0 * n),
            "maker_taker_ratio": windows(|n| 0.8125 + n / 128.0),
        })
    );
    // 3 + 12.5/8; 0.25 + 12.5/256; 0.8125 + 12.5/128; 200 + 25.
    assert_eq!(
        found["snapshot_kpis"],
        json!({"net_bps": 4.5625, "risk_ratio": 0.298_828_125, "maker_taker_ratio": 0.910_156_25,
               "p95_latency_ms": 225.0})
    );
    let counts =
        ["iterations", "max_iter", "steady_start", "last8_start", "last_n"].map(|key| found[key].clone());
    assert_eq!(counts, [json!(16), json!(16), json!(7), json!(9), json!(8)]);
    assert_eq!((&found["verdict"], &found["outcome"]), (&json!("OK"), &json!("PASS")));
    assert_eq!(found["readiness"], json!({"pass": true, "failures": []}));
    assert_eq!(found["timestamp"], "2026-01-01T01:20:00Z", "80 minutes after midnight");
}

#[test]
fn each_limit_holds_at_its_value_and_fails_beyond_it() {
    let at = |change: fn(&mut Step)| {
        let mut steps: Vec<Step> = (1..=16).map(Step::good).collect();
        steps.iter_mut().for_each(change);
        // The gate accepts a lower maker share than usual, so that the limits of readiness alone decide.
        let run = steps.into_iter().collect::<Run>();
        let policy = "schema_version = 1\n[iteration_pass.kpi.maker_taker_ratio]\nlimit = 0.8\n";
        let folder = run.with("policy.toml", policy).in_temp();
        failures(&folder, &["--policy", &folder.file("policy.toml").to_string_lossy()])
    };
    assert_eq!(
        at(|step| (step.net, step.risk, step.maker, step.p95) = (2.9, 0.40, 0.83, 330.0)),
        Vec::<String>::new()
    );
    assert_eq!(at(|step| step.net = 2.7), ["net_bps: 2.700 (expected >= 2.9)"]);
    assert_eq!(at(|step| step.risk = 0.401), ["risk_ratio: 0.401 (expected <= 0.4)"]);
    assert_eq!(at(|step| step.maker = 0.829), ["maker_taker_ratio: 0.829 (expected >= 0.83)"]);
    assert_eq!(at(|step| step.p95 = 330.5), ["p95_latency_ms: 330.500 (expected <= 330)"]);
    // Never rounded onto its limit.
    assert_eq!(at(|step| step.net = 2.8999), ["net_bps: 2.8999 (expected >= 2.9)"]);
    // Zero is a value: the best risk and latency, and no edge.
    let zeros = at(|step| (step.net, step.risk, step.p95) = (0.0, 0.0, 0.0));
    assert_eq!(zeros, ["net_bps: 0.000 (expected >= 2.9)"]);
}

#[test]
fn plots_stand_beside_the_reports_when_asked_for() {
    let folder = rising().in_temp();
    folder.soak("audit", &[]);
    assert!(!folder.path().join("reports/analysis/plots").exists());
    let audited = folder.soak("audit", &["--plots"]);
    assert_eq!(audited.code, 0);
    let out = folder.path().join("elsewhere");
    folder.soak("audit", &["--plots", "--out", &out.display().to_string()]);
    for name in ["net_bps", "risk_ratio", "latency_p95_ms", "maker_taker_ratio"] {
        for plots in [folder.path().join("reports/analysis/plots"), out.join("plots")] {
            let png = std::fs::read(plots.join(format!("{name}.png"))).expect("a picture");
            // Width and height behind the name of the first chunk, RFC 2083.
            assert_eq!((&png[16..20], &png[20..24]), (&1000u32.to_be_bytes()[..], &600u32.to_be_bytes()[..]));
            assert!(plots.join(format!("{name}.svg")).exists());
        }
        assert!(audited.stdout.contains(&format!("plots/{name}.png")), "{}", audited.stdout);
    }
    assert!(out.join("POST_SOAK_AUDIT_SUMMARY.md").exists());
}

#[test]
fn hold_exits_0_and_with_the_flag_by_its_class() {
    let bad = Run::passing(16).failing(&[11, 12, 13, 14, 15, 16]).in_temp();
    let codes = |folder: &Folder| {
        [&[][..], &["--fail-on-hold"], &["--fail-on-hold", "--detailed-exitcode"]]
            .map(|args| folder.soak("audit", args).code)
    };
    assert_eq!(codes(&bad), [0, 1, 1]);
    let audited = bad.soak("audit", &["--fail-on-hold"]);
    assert_eq!(
        ending(&audited.stdout),
        [
            "🎯 FINAL VERDICT: READINESS: HOLD (4 KPI(s) failed)",
            "[EXIT] fail-on-hold: True, verdict: HOLD, exit_code=1"
        ]
    );
    // Too little data, and data that cannot be trusted.
    let short = Run::passing(7).in_temp();
    assert_eq!(codes(&short), [0, 1, 3]);
    let corrupt = Run::passing(16).with(&name(16), "{").in_temp();
    assert_eq!(codes(&corrupt), [0, 1, 4]);
    assert_eq!(summary(&corrupt)["outcome"], "INVALID");
    // A corrupt file outside the window is a finding and no more.
    let early = Run::passing(16).with(&name(2), "{").in_temp();
    assert_eq!(codes(&early), [0, 0, 0]);
    assert_eq!(summary(&early)["findings"][0]["kind"], "unusable_file");
}

#[test]
fn what_cannot_be_audited_at_all_is_an_error() {
    let empty = Run::default().in_temp();
    let audited = empty.soak("audit", &["--detailed-exitcode"]);
    assert_eq!(audited.code, 4, "{}", audited.stderr);
    assert!(audited.stderr.contains("error: there is nothing to audit in `"), "{}", audited.stderr);
    assert_eq!(empty.written(), Vec::<String>::new());
    assert_eq!(soak(&["audit", "--path", "/nowhere/at/all"]).code, 1);
    assert_eq!(soak(&["audit", "--base", "/nowhere/at/all", "--detailed-exitcode"]).code, 4);
    assert_eq!(soak(&["audit", "--nonsense"]).code, 2);
    let run = Run::passing(16).in_temp();
    assert_eq!(run.soak("audit", &["--policy", "/nowhere/policy.toml"]).code, 2);
    let file = run.file("ITER_SUMMARY_1.json");
    let out = ["--out", file.to_str().expect("a plain path"), "--detailed-exitcode"];
    assert_eq!(run.soak("audit", &out).code, 5);
}

#[test]
fn an_override_passes_a_hold_and_stands_in_every_artifact() {
    let folder = Run::passing(16).failing(&[11, 12, 13, 14, 15, 16]).in_temp();
    let args = ["--fail-on-hold", "--override", "known | harmless"];
    let audited = super::support::ran(folder.command("audit", &args).env("USER", "ada"));
    assert_eq!(audited.code, 0);
    assert_eq!(summary(&folder)["override"]["reason"], "known | harmless");
    assert_eq!(summary(&folder)["verdict"], "HOLD");
    assert!(folder.text(REPORT).contains("**Overridden by ada at "));
    assert!(audited.stdout.contains("OVERRIDDEN by ada"));
    let comment = folder.soak("audit pr-summary", &[]).stdout;
    assert!(comment.contains(r"known \| harmless"), "{comment}");
}

#[test]
fn few_iterations_are_hold_below_the_window_and_a_warning_below_sixteen() {
    let held = failures(&Run::passing(7).in_temp(), &[]);
    assert_eq!(held.len(), 4, "{held:?}");
    let net = "net_bps: median 3.20 bps of 7 values in last8, 8 needed to hold it against >= 2.90 bps (expected >= 2.9)";
    assert!(held.contains(&net.to_owned()), "{held:?}");
    assert_eq!(failures(&Run::passing(7).in_temp(), &["--min-iterations", "7"]), Vec::<String>::new());
    let warnings = |n: u64| {
        let folder = Run::passing(n).in_temp();
        folder.soak("audit", &[]);
        let found = summary(&folder);
        (found["verdict"].clone(), found["warnings"].as_array().map(Vec::len))
    };
    assert_eq!(warnings(8), (json!("OK"), Some(1)));
    assert_eq!(warnings(15), (json!("OK"), Some(1)));
    assert_eq!(warnings(16), (json!("OK"), Some(0)));
}

#[test]
fn a_run_that_goes_on_is_hold_unless_judged_so_far() {
    let folder = Run::passing(16).declared(24, "running", 16).in_temp();
    let held = failures(&folder, &[]);
    assert_eq!(held, ["integrity.run_state: the run is running: 16 of 24 iterations"]);
    assert_eq!(failures(&folder, &["--so-far"]), Vec::<String>::new());
}

#[test]
fn a_kpi_that_is_missing_is_named_and_never_zero() {
    let mut run = Run::passing(16);
    for number in 1..=16 {
        run = run.edit(number, |value| value["summary"]["net_bps"] = Value::Null);
    }
    let folder = run.in_temp();
    assert_eq!(failures(&folder, &[]), ["net_bps: missing (expected >= 2.9)"]);
    let found = summary(&folder);
    assert_eq!(found["snapshot_kpis"]["net_bps"], Value::Null);
    assert_eq!(found["trend_stats"]["net_bps"]["last8"], json!({"min": null, "max": null, "median": null}));
    assert!(folder.text(TABLE).lines().nth(1).is_some_and(|line| line.starts_with("1,,0.33,")));
    let comment = folder.soak("audit pr-summary", &[]).stdout;
    assert!(comment.contains("- net_bps: **n/a** (≥ 2.9)\n"), "{comment}");
}

#[test]
fn the_table_has_a_row_an_iteration_and_marks_what_was_imputed() {
    let run = Run::passing(2).edit(2, |value| {
        value["summary"]["gross_bps"] = json!(9.5);
        value["summary"]["fees_bps"] = Value::Null;
    });
    let folder = run.in_temp();
    folder.soak("audit", &[]);
    // 3.2 + 2.5 + 1.5 + 0.5 = 7.7; gross that is there stays as it is.
    insta::assert_snapshot!(format!("{}(end)", folder.text(TABLE)), @r"
        iter,net_bps,risk_ratio,slippage_p95,adverse_p95,latency_p95_ms,maker_taker_ratio,gross_bps,fees_bps,gross_imputed
        1,3.2,0.33,1.5,2.5,300,0.88,7.7,0.5,true
        2,3.2,0.33,1.5,2.5,300,0.88,9.5,,false
        (end)
        ");
}

#[test]
fn the_same_run_gives_the_same_bytes_again() {
    let folder = rising().in_temp();
    folder.soak("audit", &[]);
    let first = [JSON, REPORT, TABLE].map(|name| folder.text(name));
    folder.soak("audit", &[]);
    assert_eq!([JSON, REPORT, TABLE].map(|name| folder.text(name)), first);
}

#[test]
fn audit_and_gate_tell_the_same_numbers_and_say_where_their_limits_differ() {
    // Net 2.8 passes each iteration (2.7) and misses readiness (2.9).
    let steps = (1..=16).map(|number| Step { net: 2.8, freeze: number == 14, ..Step::good(number) });
    let folder = steps.collect::<Run>().in_temp();
    let note = "gate PASS, readiness HOLD: net 2.80 < 2.90 bps (median of last8)";
    let gate = folder.soak("gate", &["--format", "json"]).json();
    let audit = folder.soak("audit", &["--format", "json"]).json();
    assert_eq!(gate["notes"][0], note);
    assert_eq!(audit["notes"], gate["notes"]);
    assert_eq!((&audit["gate_outcome"], &audit["outcome"]), (&json!("PASS"), &json!("FAIL")));
    let readiness = |value: &Value| -> Vec<Value> {
        let checks = value["checks"].as_array().expect("checks").iter();
        checks.filter(|check| check["part"] == "readiness").map(|check| check["observed"].clone()).collect()
    };
    assert_eq!(readiness(&audit), readiness(&gate));
    assert!(folder.soak("audit", &[]).stdout.contains(&format!("note: {note}\n")));
}

#[test]
fn a_snapshot_that_says_otherwise_is_a_finding_and_not_a_source() {
    let folder = rising().in_temp();
    folder.soak("gate", &[]);
    folder.soak("audit", &[]);
    assert_eq!(
        summary(&folder)["findings_total"],
        1,
        "only the imputed gross: {}",
        summary(&folder)["findings"]
    );
    assert_eq!(summary(&folder)["files_present"]["POST_SOAK_SNAPSHOT.json"], true);
    let lying = json!({"schema_version": "1.1", "verdict": "PASS",
        "kpi_last8": {"net_bps": {"mean": 1.0, "median": 1.0}, "risk_ratio": {"mean": 0.299},
                      "maker_taker_ratio": {"mean": 0.910}, "p95_latency_ms": {"mean": 225}}});
    let lied = rising().with_json("POST_SOAK_SNAPSHOT.json", &lying).in_temp();
    let audited = lied.soak("audit", &["--fail-on-hold"]);
    assert_eq!(audited.code, 0, "the iterations count");
    let found = &summary(&lied)["findings"][1];
    assert_eq!(found["kind"], "snapshot_disagrees");
    // The means of 9 to 16 are the medians of a line: 4.5625 in three digits, half to even.
    assert_eq!(
        found["message"],
        "`POST_SOAK_SNAPSHOT.json` differs from the iterations, which count: mean net_bps 1.000, not \
         4.562"
    );
    let damaged = rising().with("reports/analysis/POST_SOAK_SNAPSHOT.json", "{").in_temp();
    assert_eq!(damaged.soak("audit", &["--fail-on-hold"]).code, 0);
    assert_eq!(summary(&damaged)["findings"][1]["kind"], "unusable_file");
}

#[test]
fn tuning_is_counted_from_the_iterations_and_else_from_the_report() {
    let folder = Run::passing(16).tuned(3, 5.0).tuned(5, -5.0).in_temp();
    folder.soak("audit", &[]);
    let tuning = summary(&folder)["tuning"].clone();
    let counts = ["records", "from_report", "proposed_total", "applied_total"].map(|key| tuning[key].clone());
    assert_eq!(counts, [json!(16), json!(0), json!(2), json!(2)]);
    assert_eq!(tuning["skip_reasons"], json!({"no_deltas": 14}));
    let deltas = summary(&folder)["delta_verify"].clone();
    assert_eq!((&deltas["full_applied"], &deltas["full_total"]), (&json!(2), &json!(2)));
    assert_eq!((&deltas["full_pct"], &deltas["full_apply_ratio"]), (&json!(100.0), &json!(1.0)));

    let entries: Vec<Value> = (1..=16)
        .map(|number| {
            json!({"iteration": number, "proposed_deltas": {"tail_age_ms": 30}, "applied": number <= 4,
                   "velocity_violation": number > 4, "cooldown_active": number > 10})
        })
        .collect();
    for report in [json!(entries), json!({"iterations": entries, "summary": {"count": 16}})] {
        let mut run = Run::passing(16).with_json("TUNING_REPORT.json", &report);
        for number in 1..=16 {
            run = run.edit(number, |value| value["tuning"] = json!({}));
        }
        let folder = run.in_temp();
        folder.soak("audit", &[]);
        let tuning = summary(&folder)["tuning"].clone();
        let counts = ["from_report", "proposed_total", "applied_total"].map(|key| tuning[key].clone());
        assert_eq!(counts, [json!(16), json!(16), json!(4)]);
        assert_eq!(tuning["skip_reasons"], json!({"velocity": 12, "cooldown": 6}));
    }
}

#[test]
fn phases_and_warmup_metrics_are_told() {
    let mut run = Run::passing(16).with(
        "reports/analysis/warmup_metrics.prom",
        "warmup_exporter_error 1\nguard_triggers_total{type=\"velocity\"} 3\n",
    );
    for number in 1..=16 {
        let phase = if number <= 4 { "WARMUP" } else { "STEADY" };
        run = run.edit(number, |value| value["summary"]["phase"] = json!(phase));
    }
    let folder = run.in_temp();
    let audited = folder.soak("audit", &[]);
    assert_eq!(
        summary(&folder)["warmup"],
        json!({"found": true, "exporter_error": 1.0, "guard_triggers": {"velocity": 3.0},
               "phases": {"WARMUP": {"iterations": 4, "first": 1, "last": 4},
                          "STEADY": {"iterations": 12, "first": 5, "last": 16}}})
    );
    assert!(audited.stdout.contains("  WARMUP: 4 iterations (1-4)\n  STEADY: 12 iterations (5-16)\n"));
}

#[test]
fn symbols_are_judged_apart_and_the_worst_stands_for_the_whole() {
    let mut run = Run::default();
    for number in 1..=16 {
        for (symbol, net) in [("AAA", 3.5), ("BBB", 2.0)] {
            let flat = json!({"net_bps": net, "risk_ratio": 0.3, "maker_taker_ratio": 0.9, "p95_latency_ms": 300, "ticks": number});
            run = run.with_json(&format!("ITER_SUMMARY_{symbol}_{number}.json"), &flat);
        }
    }
    let folder = run.in_temp();
    assert_eq!(failures(&folder, &[]), ["BBB: net_bps: 2.000 (expected >= 2.9)"]);
    let found = summary(&folder);
    assert_eq!((&found["symbol"], &found["snapshot_kpis"]["net_bps"]), (&json!("BBB"), &json!(2.0)));
    let outcomes: Vec<&Value> =
        found["symbols"].as_array().expect("symbols").iter().map(|s| &s["outcome"]).collect();
    assert_eq!(outcomes, ["PASS", "FAIL"]);
    let table = folder.text(TABLE);
    assert!(table.starts_with("iter,") && table.contains(",gross_imputed,symbol\n1,3.5,"), "{table}");
    assert_eq!(table.lines().filter(|line| line.ends_with(",BBB")).count(), 16);
}

#[test]
fn out_takes_everything_and_leaves_the_run_alone() {
    let folder = Run::passing(16).in_temp();
    let out = tempfile::tempdir().expect("a folder");
    let path = out.path().join("new");
    let audited = folder.soak("audit", &["--out", path.to_str().expect("a plain path"), "--ascii"]);
    assert_eq!(audited.code, 0, "{}", audited.stderr);
    assert_eq!(folder.written(), Vec::<String>::new());
    let names: Vec<String> = super::support::visible(&path).into_keys().collect();
    assert_eq!(
        names,
        ["POST_SOAK_AUDIT_SUMMARY.json", "POST_SOAK_AUDIT_SUMMARY.md", "POST_SOAK_ITER_TABLE.csv"]
    );
    assert!(audited.stdout.is_ascii(), "{}", audited.stdout);
    assert!(super::support::visible(&path)["POST_SOAK_AUDIT_SUMMARY.md"].is_ascii());
}

#[test]
fn the_pull_request_summary_is_short_and_takes_its_limits_from_the_audit() {
    let policy = "schema_version = 1\n[readiness.kpi.net_bps]\nlimit = 3.25\n";
    let folder = Run::passing(16).with("policy.toml", policy).in_temp();
    let file = folder.file("policy.toml");
    folder.soak("audit", &["--policy", file.to_str().expect("a plain path")]);
    let by_folder = folder.soak("audit pr-summary", &[]);
    insta::assert_snapshot!(format!("{}(end)", by_folder.stdout), @r"
        ### Post-Soak Readiness (last-8 window)

        ❌ READINESS: HOLD

        **source not recorded: not valid for a release**

        Gate: **PASS**

        - maker_taker_ratio: **0.880** (≥ 0.83)
        - net_bps: **3.200** (≥ 3.25)
        - p95_latency_ms: **300** (≤ 330)
        - risk_ratio: **0.330** (≤ 0.4)

        Failures:

        - net_bps: 3.200 (expected >= 3.25)
        (end)
        ");
    assert_eq!(by_folder.code, 0);
    let by_file = ran(program().args(["audit", "pr-summary"]).arg(folder.file(JSON)));
    assert_eq!(by_file.stdout, by_folder.stdout);
    assert_eq!(soak(&["audit", "pr-summary", "/nowhere/audit.json", "--detailed-exitcode"]).code, 4);
    let other = ran(program().args(["audit", "pr-summary"]).arg(folder.file(&name(1))));
    assert_eq!(other.code, 1);
    assert!(other.stderr.contains("missing field `readiness`"), "{}", other.stderr);
}

#[test]
fn hostile_text_reaches_no_report_as_markup() {
    let evil = "</td><script>alert(1)</script> a|b `x` [l](http://h) \u{1b}[31m\r\n\n# h\n| --- |";
    let long = format!("{evil}{}", "<img src=x> ".repeat(90_000));
    let mut run = Run::default();
    for number in 1..=16 {
        // One of them is enough to be a megabyte everywhere.
        let long = if number == 16 { &long } else { evil };
        let mut file = Step::bad(number).json();
        file["symbol"] = json!(evil);
        file["source"] = json!(long);
        file["summary"]["phase"] = json!(long);
        file["tuning"]["rationale"] = json!(long);
        file["tuning"]["skip_reason"] = json!({"code": long, "note": long});
        file["tuning"]["dropped"] = json!({"tail_age_ms": long});
        run = run.with_json(&name(number), &file);
    }
    let metrics = format!("guard_triggers_total{{type=\"{}\"}} 1\n", "<b>|".repeat(50));
    let folder = run.with("warmup_metrics.prom", metrics).with("a|<b>.txt", "x").in_temp();
    let audited = folder.soak("audit", &[]);
    assert_eq!(audited.code, 0, "{}", audited.stderr);
    let comment = folder.soak("audit pr-summary", &[]).stdout;
    for (what, text) in [("report", folder.text(REPORT)), ("comment", comment)] {
        assert!(
            !text.contains("<script") && !text.contains("<img") && !text.contains("<b>"),
            "{what}: {text}"
        );
        assert!(!text.contains("[l](") && !text.contains("\n# h"), "{what}: {text}");
        assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()), "{what}");
        assert!(text.len() < 40_000, "{what}: {} bytes", text.len());
    }
    assert!(!audited.stdout.contains('\u{1b}') && !audited.stdout.contains("\n# h"));
    assert!(audited.stdout.len() < 40_000, "{} bytes", audited.stdout.len());
    // A table of 17 lines stays one, whatever the symbol is called.
    assert_eq!(folder.text(TABLE).lines().count(), 17);
}
