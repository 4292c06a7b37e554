//! KPI values that are none: the iteration does not pass and is named; nowhere in the window is INVALID.

use super::{Gated, gate, message};
use crate::it::support::{Run, Step, name};

/// The run with the text of one value in iteration 9 replaced.
fn with_text(run: Run, number: u64, old: &str, new: &str) -> Run {
    let text = Step::good(number).json().to_string();
    let changed = text.replacen(old, new, 1);
    assert_ne!(changed, text, "{old}");
    run.with(&name(number), changed)
}

const NET: &str = "\"net_bps\":3.2";

/// What stands in the place of a value, and how it is told.
const NO_VALUES: [(&str, &str, &str, &str); 12] = [
    (NET, "\"net_bps\":NaN", "net_bps", "`net_bps` is not finite"),
    (NET, "\"net_bps\":Infinity", "net_bps", "`net_bps` is not finite"),
    (NET, "\"net_bps\":-Infinity", "net_bps", "`net_bps` is not finite"),
    (NET, "\"net_bps\":1e999", "net_bps", "`net_bps` is not finite"),
    (NET, "\"net_bps\":-1e999", "net_bps", "`net_bps` is not finite"),
    (NET, "\"net_bps\":null", "net_bps", "`net_bps` is null"),
    (NET, "\"net_bps\":\"3.2\"", "net_bps", "`net_bps` is text, not a number"),
    (NET, "\"net_bps\":true", "net_bps", "`net_bps` is a boolean, not a number"),
    (NET, "\"net_bps\":[3.2]", "net_bps", "`net_bps` is a list, not a number"),
    (NET, "\"net_bps\":{\"v\":3.2}", "net_bps", "`net_bps` is an object, not a number"),
    ("\"p95_latency_ms\":300.0", "\"p95\":-5", "p95_latency_ms", "`p95` is -5, which cannot be"),
    ("\"risk_ratio\":0.33", "\"risk_ratio\":-0.01", "risk_ratio", "`risk_ratio` is -0.01, which cannot be"),
];

/// Ratios above their highest: what stands in the place of a value, whether it is one, and the key.
const SHARES: [(&str, &str, bool, &str); 7] = [
    ("\"risk_ratio\":0.33", "\"risk_percent\":42", true, "`risk_percent`"),
    ("\"risk_ratio\":0.33", "\"risk_percent\":101", false, "`risk_percent` is 101"),
    ("\"maker_taker_ratio\":0.88", "\"maker_taker_ratio\":8500", false, "`maker_taker_ratio` is 8500"),
    ("\"maker_taker_ratio\":0.88", "\"maker_taker_ratio\":1.0000000005", true, ""),
    ("\"maker_taker_ratio\":0.88", "\"maker_share_pct\":101.5", false, "`maker_share_pct` is 101.5"),
    ("\"maker_taker_ratio\":0.88", "\"maker_share_pct\":100.00000001", true, ""),
    ("\"maker_taker_ratio\":0.88", "\"maker_share_pct\":88", true, ""),
];

#[test]
fn a_share_above_one_cannot_be_and_one_in_the_window_is_invalid() {
    for (old, new, is_value, words) in SHARES {
        let gated = gate(&with_text(Run::passing(12), 9, old, new));
        if is_value {
            gated.ends("PASS", 0);
            assert!(gated.findings("kpi_without_value").is_empty(), "{new}");
            continue;
        }
        gated.ends("INVALID", 4);
        let reason = gated.reason();
        assert!(reason.contains(words) && reason.contains("`ITER_SUMMARY_9.json`"), "{new}: {reason}");
        // Before the window it is a finding.
        let gated = gate(&with_text(Run::passing(12), 4, old, new));
        gated.ends("PASS", 0);
        assert!(message(gated.finding("kpi_without_value")).contains(words), "{new}");
    }
}

#[test]
fn a_kpi_of_the_policy_is_taken_as_declared() {
    let policy = |highest: &str| {
        format!(
            "schema_version = 1\n[kpi.cpu_saturation]\nunit = \"ratio\"\ndirection = \"lower\"\n{highest}\n\
             [iteration_pass.kpi.cpu_saturation]\ncomparison = \"<=\"\nlimit = 0.9\n\
             [run_verdict]\nfreeze = \"ignore\"\n"
        )
    };
    let of = |value: f64, highest: &str| {
        let with = |run, number| {
            let new = format!("\"net_bps\":3.2,\"cpu_saturation\":{value}");
            with_text(run, number, NET, &new)
        };
        let folder = (5..=12).fold(Run::passing(12), with).with("p.toml", policy(highest)).in_temp();
        let file = folder.path().join("p.toml").display().to_string();
        Gated::of(&folder, &["--policy", &file])
    };
    for (value, highest, outcome, code) in [
        (0.85, "highest = 10.0", "PASS", 0),
        (1.37, "highest = 10.0", "FAIL", 1),
        (10.5, "highest = 10.0", "INVALID", 4),
        (0.85, "", "PASS", 0),
        // Without bounds of its own a ratio lies between 0 and 1: neither is a percentage.
        (1.37, "", "INVALID", 4),
        (85.0, "", "INVALID", 4),
    ] {
        of(value, highest).ends(outcome, code);
    }
    let check = of(1.37, "highest = 10.0").check("iteration_pass.cpu_saturation").clone();
    assert_eq!(check["observed"], 1.37);
}

#[test]
fn an_iteration_without_a_value_does_not_pass_and_is_named() {
    for (old, new, kpi, words) in NO_VALUES {
        let gated = gate(&with_text(Run::passing(12), 9, old, new));
        assert_eq!((gated.outcome(), gated.code), ("PASS", 0), "{new}: {}", gated.reason());
        assert_eq!((&gated.told["pass_count"], &gated.told["window_n"]), (&7.into(), &8.into()), "{new}");
        let counted = gated.check("run_verdict.pass_count")["reason"].as_str().expect("a sentence");
        assert!(counted.contains("1 of 8 iterations (9)"), "{new}: {counted}");
        let finding = gated.finding("kpi_without_value");
        assert!(message(finding).contains(words), "{new}: {}", message(finding));
        assert!(message(finding).contains("in iteration 9"), "{new}: {}", message(finding));
        assert!(message(finding).starts_with("`ITER_SUMMARY_9.json`: `"), "{}", message(finding));
        assert_eq!(finding["in_window"], true, "{new}");
        let check = gated.check(&format!("iteration_pass.{kpi}"));
        assert_eq!(check["outcome"], "WARN", "{new}");
        assert!(
            check["reason"]
                .as_str()
                .is_some_and(|reason| reason.contains("has no value in 1 of 8 iterations (9)"))
        );
    }
}

#[test]
fn a_value_that_is_missing_in_the_whole_window_is_invalid() {
    for (old, new, kpi, words) in NO_VALUES {
        let run = (5..=12).fold(Run::passing(12), |run, number| with_text(run, number, old, new));
        let gated = gate(&run);
        assert_eq!((gated.outcome(), gated.code), ("INVALID", 4), "{new}: {}", gated.reason());
        assert!(gated.reason().contains(&format!("`{kpi}` has no value in the whole window")), "{new}");
        assert!(gated.reason().contains(words), "{new}: {}", gated.reason());
        assert!(gated.reason().ends_with("in `ITER_SUMMARY_5.json`"), "{new}: {}", gated.reason());
    }
}

#[test]
fn one_value_in_the_window_is_enough_to_judge_by() {
    let run = (5..=11).fold(Run::passing(12), |run, number| with_text(run, number, NET, "\"net_bps\":null"));
    let gated = gate(&run);
    gated.ends("FAIL", 1);
    assert!(gated.reason().contains("1 of 8 iterations pass"), "{}", gated.reason());
}

#[test]
fn trouble_outside_the_window_is_told_to_be_there() {
    let gated = gate(&with_text(Run::passing(24), 3, NET, "\"net_bps\":NaN"));
    gated.ends("PASS", 0);
    assert_eq!(gated.finding("kpi_without_value")["in_window"], false);
}

#[test]
fn zero_is_a_value() {
    let gated = gate(&with_text(Run::passing(12), 9, NET, "\"net_bps\":0.0"));
    gated.ends("PASS", 0);
    let check = gated.check("iteration_pass.net_bps");
    assert_eq!((&check["observed"], &check["margin"]), (&0.0.into(), &(-2.7).into()));
    assert!(gated.findings("kpi_missing").is_empty() && gated.findings("kpi_without_value").is_empty());
    // Zero everywhere is bad, not missing.
    let run = (5..=12).fold(Run::passing(12), |run, number| with_text(run, number, NET, "\"net_bps\":0"));
    gate(&run).ends("FAIL", 1);
}

#[test]
fn files_that_say_nothing_are_iterations_without_values() {
    for content in ["{}", "null", r#"{"summary": {}}"#, r#"{"summary": null, "tuning": null}"#] {
        let gated = gate(&Run::passing(12).with(&name(9), content));
        gated.ends("PASS", 0);
        let missing = gated.findings("kpi_missing");
        assert_eq!(missing.len(), 4, "{content}");
        assert!(missing.iter().all(|one| message(one).ends_with("is missing in iteration 9")), "{content}");
    }
}

#[test]
fn an_iteration_whose_collection_failed_does_not_pass_whatever_its_values_are() {
    let failed = |number: u64, run: Run| {
        run.edit(number, |value| {
            value["collection"] = serde_json::json!({"ok": false, "reason": "metrics endpoint timed out"});
        })
    };
    let gated = gate(&failed(9, Run::passing(12)));
    gated.ends("PASS", 0);
    assert_eq!(gated.told["pass_count"], 7);
    let finding = gated.finding("collection_failed");
    assert!(message(finding).contains("metrics endpoint timed out"), "{}", message(finding));
    let three = [7, 8, 9].into_iter().fold(Run::passing(12), |run, number| failed(number, run));
    gate(&three).ends("WARN", 0);
    let fine = Run::passing(12).edit(9, |value| value["collection"] = serde_json::json!({"ok": true}));
    assert_eq!(gate(&fine).told["pass_count"], 8);
}

#[test]
fn fewer_iterations_than_asked_for_are_inconclusive_at_every_length() {
    for (n, args, outcome, code) in [
        (7, &[][..], "INCONCLUSIVE", 3),
        (8, &[][..], "PASS", 0),
        (1, &["--min-iterations", "1"][..], "PASS", 0),
        (2, &["--min-iterations", "3"][..], "INCONCLUSIVE", 3),
        (3, &["--min-iterations", "3"][..], "PASS", 0),
    ] {
        let gated = Gated::of(&Run::passing(n).in_temp(), args);
        assert_eq!((gated.outcome(), gated.code), (outcome, code), "{n} {args:?}: {}", gated.reason());
    }
}
