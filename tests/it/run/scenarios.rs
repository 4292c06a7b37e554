//! Each scenario gives the gates something to say.

use serde_json::json;

use super::Out;

fn gate_code(scenario: &str) -> (i32, Out) {
    let out = Out::new();
    out.simulated(&["--iterations", "24", "--auto-tune", "--scenario", scenario]);
    (out.soak("gate", &["--detailed-exitcode"]).code, out)
}

#[test]
fn a_calm_market_passes() {
    assert_eq!(gate_code("calm").0, 0);
}

#[test]
fn a_latency_storm_fails() {
    let (code, out) = gate_code("latency-storm");
    assert_eq!(code, 1);
    let latency = |number: u64| out.iteration(number)["summary"]["p95_latency_ms"].as_f64().expect("latency");
    assert!((17..=24).filter(|number| latency(*number) > 350.0).count() > 2);
}

#[test]
fn a_regression_fails_from_its_iteration_on() {
    let (code, out) = gate_code("regression@16");
    assert_eq!(code, 1);
    let net = |range: std::ops::RangeInclusive<u64>| {
        let n = range.clone().count() as f64;
        range.map(|number| out.iteration(number)["summary"]["net_bps"].as_f64().expect("net")).sum::<f64>()
            / n
    };
    assert!(net(8..=15) - net(17..=24) > 0.5, "{} → {}", net(8..=15), net(17..=24));
    let default = Out::new();
    default.simulated(&["--iterations", "15", "--auto-tune"]);
    for number in 1..15 {
        assert_eq!(default.iteration(number)["summary"], out.iteration(number)["summary"], "{number}");
    }
}

#[test]
fn a_leak_grows_and_nothing_else_does() {
    let memory = |scenario: &str| {
        let out = Out::new();
        out.simulated(&["--iterations", "48", "--scenario", scenario]);
        let at = |number| out.iteration(number)["summary"]["resources"]["rss_mb"].as_f64().expect("memory");
        at(48) - at(1)
    };
    let (leak, calm) = (memory("leak"), memory("calm"));
    assert!(leak > 20.0, "{leak} MB in four hours");
    assert!(calm.abs() < 10.0, "{calm} MB in four hours");
}

#[test]
fn a_leak_is_named_by_the_gate_and_warns_from_48_steady_iterations_on() {
    let advisory = |out: &Out| {
        let file = out.path().with_file_name("policy.toml");
        std::fs::write(&file, "schema_version = 1\n[drift]\ngates = false\n").expect("a policy");
        file.to_str().expect("a plain path").to_owned()
    };
    let gate = |out: &Out, args: &[&str]| {
        let gate = out.soak("gate", &[&["--fail-on", "warn", "--format", "json"], args].concat());
        (gate.code, gate.json()["outcome"].as_str().map(str::to_owned))
    };
    let (pass, warn) = ((0, Some("PASS".to_owned())), (1, Some("WARN".to_owned())));
    for (scenario, long) in [("leak", &warn), ("default", &pass)] {
        let out = Out::new();
        out.simulated(&["--iterations", "24", "--auto-tune", "--scenario", scenario]);
        assert_eq!(gate(&out, &[]), pass, "{scenario}");
        let told = out.soak("gate", &[]).stdout;
        assert_eq!(told.contains("[WARN] drift.rss_mb"), scenario == "leak", "{scenario}: {told}");
        let out = Out::new();
        out.simulated(&["--iterations", "54", "--auto-tune", "--scenario", scenario]);
        assert_eq!(gate(&out, &[]), *long, "{scenario}");
        assert_eq!(gate(&out, &["--policy", &advisory(&out)]), pass, "{scenario}");
    }
}

#[test]
fn always_bad_fails_and_is_panic_reverted_every_third_time() {
    let (code, out) = gate_code("always-bad");
    assert_eq!(code, 1);
    let iterations = out.iterations();
    assert!(iterations.iter().all(|iteration| iteration["summary"]["kpi_verdict"] == "FAIL"));
    let reverted: Vec<u64> = iterations
        .iter()
        .filter(|iteration| iteration["tuning"]["panic_revert"] == true)
        .map(|iteration| iteration["iteration"].as_u64().expect("a number"))
        .collect();
    // Not in the last iteration, the 24th.
    assert_eq!(reverted, [3, 6, 9, 12, 15, 18, 21]);
    let after = &iterations[3]["runtime_overrides"];
    assert_eq!((&after["min_interval_ms"], &after["tail_age_ms"]), (&json!(75), &json!(740)));
    assert_eq!((&after["base_spread_bps_delta"], &after["impact_cap_ratio"]), (&json!(0.15), &json!(0.08)));
}

#[test]
fn an_aborted_run_is_failed_and_can_be_resumed_with_more_patience() {
    let out = Out::new();
    let ran =
        out.run(&["--mock", "--scenario", "always-bad", "--iterations", "24", "--abort-after-fails", "5"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(out.iterations().len(), 5);
    assert_eq!(out.json("RUN_MANIFEST.json")["state"], "failed");
    assert!(ran.stderr.contains("5 iterations in a row"), "{}", ran.stderr);
}

#[test]
fn every_scenario_ends_with_a_whole_folder() {
    for scenario in ["volatile", "flash-crash", "liquidity-gap", "default"] {
        let (code, out) = gate_code(scenario);
        assert!(code == 0 || code == 1, "{scenario}: {code}");
        assert_eq!(out.iterations().len(), 24, "{scenario}");
    }
}
