//! Violations and anomalies: told beside the verdict, and part of it only where the policy says so.

use serde_json::Value;

use crate::it::support::{Folder, Run, Step};

fn gated(folder: &Folder, policy: &str) -> Value {
    let file = folder.file("policy.toml");
    std::fs::write(&file, format!("schema_version = 1\n{policy}")).expect("a file");
    folder.soak("gate", &["--format", "json", "--policy", file.to_str().expect("a plain path")]).json()
}

fn check<'v>(told: &'v Value, gate: &str) -> &'v Value {
    let checks = told["checks"].as_array().expect("a list");
    checks.iter().find(|check| check["gate"] == gate).unwrap_or_else(|| panic!("no check {gate}"))
}

/// Eight good iterations, the last one with these measurements.
fn last(change: impl FnOnce(&mut Step)) -> Folder {
    let mut step = Step::good(8);
    change(&mut step);
    Run::passing(8).step(step).in_temp()
}

#[test]
fn violations_begin_at_their_limits() {
    // Net: WARN below 3.0, CRIT below 2.5. Latency: WARN above 330, CRIT above 350.
    for (net, outcome) in [(3.0, "PASS"), (2.999, "WARN"), (2.5, "WARN"), (2.499, "FAIL")] {
        let told = gated(&last(|step| step.net = net), "");
        let check = check(&told, "violations.net_bps");
        assert_eq!((&check["outcome"], &check["joins"]), (&outcome.into(), &false.into()), "{net}");
        assert_eq!(check["observed"], f64::from(u8::from(outcome == "FAIL")), "{net}");
    }
    for (p95, outcome) in [(330.0, "PASS"), (330.5, "WARN"), (350.0, "WARN"), (350.5, "FAIL")] {
        let told = gated(&last(|step| step.p95 = p95), "");
        assert_eq!(check(&told, "violations.p95_latency_ms")["outcome"], outcome, "{p95}");
    }
    // Risk: WARN above 0.36, CRIT at 0.40 and above.
    for (risk, outcome) in [(0.36, "PASS"), (0.361, "WARN"), (0.399, "WARN"), (0.40, "FAIL")] {
        let told = gated(&last(|step| step.risk = risk), "");
        assert_eq!(check(&told, "violations.risk_ratio")["outcome"], outcome, "{risk}");
    }
}

#[test]
fn anomalies_begin_beyond_their_limits() {
    for (p95, n) in [(400.0, 0.0), (400.5, 1.0)] {
        let told = gated(&last(|step| step.p95 = p95), "");
        assert_eq!(check(&told, "anomalies.count")["observed"], n, "{p95}");
    }
    // From 0.33: a rise by 0.15 is none, by more is one.
    for (risk, n) in [(0.48, 0.0), (0.4801, 1.0)] {
        let told = gated(&last(|step| step.risk = risk), "");
        assert_eq!(check(&told, "anomalies.count")["observed"], n, "{risk}");
    }
    for (maker, n) in [(0.75, 0.0), (0.7499, 1.0)] {
        let told = gated(&last(|step| step.maker = maker), "");
        let check = check(&told, "anomalies.count");
        assert_eq!(check["observed"], n, "{maker}");
        assert_eq!(check["outcome"], if n > 0.0 { "WARN" } else { "PASS" }, "{maker}");
    }
}

#[test]
fn advice_becomes_part_of_the_verdict_where_the_policy_says_so() {
    let folder = last(|step| (step.net, step.p95) = (2.4, 401.0));
    for (policy, outcome, reasons) in [
        ("", "PASS", &[][..]),
        ("[anomalies]\ngates = true\n", "WARN", &["anomalies.count"][..]),
        ("[violations]\ngates = true\n", "FAIL", &["violations.net_bps", "violations.p95_latency_ms"][..]),
    ] {
        let told = gated(&folder, policy);
        assert_eq!(told["outcome"], outcome, "{policy}: {}", told["reason"]);
        let mut named: Vec<&str> =
            told["reasons"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        named.sort_unstable();
        assert_eq!(named, reasons, "{policy}");
    }
}

#[test]
fn a_kpi_without_values_is_a_warning_of_its_violations() {
    let run = (1..=8).fold(Run::passing(8), |run, number| {
        run.edit(number, |value| value["summary"]["net_bps"] = Value::Null)
    });
    let told = gated(&run.in_temp(), "");
    let check = check(&told, "violations.net_bps");
    assert_eq!(
        (&check["outcome"], &check["reason"]),
        (&"WARN".into(), &"`net_bps` has no value to look at".into())
    );
}
