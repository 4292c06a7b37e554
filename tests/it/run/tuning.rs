//! Tuning as a folder shows it: deltas that can be verified, phases, the last iteration.

use serde_json::{Value, json};

use super::Out;

#[test]
fn every_applied_delta_is_in_force_in_the_next_iteration() {
    let out = Out::new();
    out.simulated(&["--iterations", "24", "--auto-tune"]);
    let iterations = out.iterations();
    let mut applied = 0;
    for pair in iterations.windows(2) {
        for (name, change) in pair[0]["tuning"]["applied_values"].as_object().into_iter().flatten() {
            assert_eq!(pair[0]["runtime_overrides"][name], change["old"], "{name}");
            assert_eq!(pair[1]["runtime_overrides"][name], change["new"], "{name}");
            applied += 1;
        }
    }
    assert!(applied > 3, "{applied} changes");
    let verified = out.soak("deltas verify", &["--strict"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    assert_eq!(out.json("runtime_overrides.json"), {
        let last = &iterations[23];
        last["runtime_overrides"].clone()
    });
}

#[test]
fn nothing_is_applied_in_the_last_iteration_nor_without_tuning() {
    let out = Out::new();
    out.simulated(&["--iterations", "10", "--auto-tune"]);
    let last = out.iteration(10);
    assert_eq!(
        (&last["tuning"]["applied"], &last["tuning"]["skip_reason"]["code"]),
        (&json!(false), &json!("final_iteration"))
    );
    let untuned = Out::new();
    untuned.simulated(&["--iterations", "10"]);
    let first = untuned.iteration(1)["runtime_overrides"].clone();
    let mut proposed = 0;
    for iteration in untuned.iterations() {
        assert_eq!(iteration["runtime_overrides"], first);
        assert_eq!(iteration["tuning"]["applied"], false);
        proposed += iteration["tuning"]["proposed_deltas"].as_object().map_or(0, serde_json::Map::len);
    }
    assert!(proposed > 0, "proposals are written down all the same");
}

#[test]
fn a_warm_up_goes_through_its_phases_and_back_to_the_base() {
    let out = Out::new();
    out.simulated(&["--iterations", "10", "--warmup"]);
    let phases: Vec<Value> =
        out.iterations().iter().map(|iteration| iteration["summary"]["phase"].clone()).collect();
    let expected = [
        "WARMUP", "WARMUP", "WARMUP", "WARMUP", "RAMPDOWN", "RAMPDOWN", "STEADY", "STEADY", "STEADY",
        "STEADY",
    ];
    assert_eq!(phases, expected);
    let interval = |number: u64| out.iteration(number)["runtime_overrides"]["min_interval_ms"].as_f64();
    // 60 + 25 is cut at the bound, 80; half of the way back is 70.
    assert_eq!([1, 4, 5, 6, 7].map(interval), [80.0, 80.0, 70.0, 60.0, 60.0].map(Some));
    let warm = out.iteration(3);
    assert_eq!(
        (&warm["summary"]["warmup_active"], &warm["summary"]["warmup_iter_idx"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(out.iteration(5)["summary"]["rampdown_active"], 1);
    let plain = Out::new();
    plain.simulated(&["--iterations", "2"]);
    assert!(plain.iteration(1)["summary"].get("phase").is_none_or(Value::is_null));
}

#[test]
fn tuning_with_a_warm_up_can_be_verified_too() {
    let out = Out::new();
    out.simulated(&["--iterations", "24", "--warmup", "--auto-tune"]);
    let verified = out.soak("deltas verify", &["--strict"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    for iteration in out.iterations().iter().take(6) {
        let changed = iteration["tuning"]["changed_keys"].as_array().map_or(0, Vec::len);
        assert!(changed <= 2, "{changed} keys at once in a warm-up");
    }
}

#[test]
fn freezes_and_full_applications_have_one_number_in_every_report() {
    let out = Out::new();
    let ran = out.simulated(&["--iterations", "24", "--auto-tune"]);
    let of = |flag: &str| out.iterations().iter().filter(|row| row["tuning"][flag] == true).count();
    // An iteration starts a freeze or lies in one, never both.
    let frozen = of("freeze_triggered") + of("freeze_active");
    assert!(frozen > 1, "{frozen}");
    assert!(ran.stdout.contains(&format!(", freeze {frozen}")), "{}", ran.stdout);
    out.soak("analyze", &[]);
    let audit = std::fs::read_to_string(out.latest().join("reports/analysis/POST_SOAK_AUDIT.md"));
    let audit = audit.expect("a report");
    assert!(audit.contains(&format!("Freeze in {frozen} of 24 iterations.")), "{audit}");
    let metrics = out.soak("export-prom", &[]).stdout;
    let sample = format!("soak_guard_triggers_total{{guard=\"freeze\"}} {frozen}\n");
    assert!(metrics.contains(&sample), "{metrics}");
    let last = out.iteration(24)["tuning"].clone();
    let held = u8::from(last["freeze_active"] == true || last["freeze_triggered"] == true);
    assert!(metrics.contains(&format!("\npartial_freeze_active {held}\n")), "{metrics}");

    let pairs = |status: &str| {
        let name = format!("soak_delta_pairs{{status=\"{status}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&name)).expect("a sample");
        line.parse::<usize>().expect("a number")
    };
    let (full, partial, skipped) = (pairs("full"), pairs("partial"), pairs("skipped"));
    let parts = format!(
        "Every increment arrived in {full}; a reason explains {partial} applied in part and {skipped} not applied."
    );
    let whole = full + partial + skipped;
    for command in ["deltas verify", "audit"] {
        let told = out.soak(command, &[]);
        let text = told.stdout + &told.stderr;
        assert!(
            text.contains(&format!("Full applications: {whole}/{whole} (100.0%)\n  {parts}\n")),
            "{text}"
        );
    }
    assert!(metrics.contains(&format!("\nsoak_delta_full_apply_count {full}\n")), "{metrics}");
    assert!(metrics.contains(&format!("\nsoak_delta_partial_ok_count {}\n", partial + skipped)), "{metrics}");

    let untuned = Out::new();
    untuned.simulated(&["--iterations", "10"]);
    let told = untuned.soak("deltas verify", &[]);
    let text = told.stdout + &told.stderr;
    assert!(
        text.contains("Every increment arrived in 0; a reason explains 0 applied in part and "),
        "{text}"
    );
}
