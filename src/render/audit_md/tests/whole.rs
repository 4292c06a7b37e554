//! The audit as a whole: several symbols, empty and shallow runs, overrides, relaxed limits, hostile text.

use super::*;

#[test]
fn symbols_are_told_apart() {
    let evidence = Evidence {
        series: vec![
            series(Some("BTC|USDT"), passing(8)),
            series(Some("ETHUSDT"), (1..=8).map(|n| with(good(n), KpiId::NET_BPS, Some(1.0)))),
        ],
        ..Evidence::default()
    };
    let text = audited(evidence);
    let titles: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(
        titles,
        [
            "## 1. Overview",
            "## Symbol BTC\\|USDT: PASS",
            "## Symbol ETHUSDT: FAIL",
            "## 10. Verdict and actions",
        ]
    );
    assert_eq!(text.lines().filter(|line| line.starts_with("### 3. KPIs")).count(), 2);
    has(&text, "| iterations | 16 iterations of 2 symbols |\n");
    has(&text, "| window | BTC\\|USDT: last8, 1-8, n=8; ETHUSDT: last8, 1-8, n=8 |\n");
    has(&text, "**Verdict:** FAIL - ETHUSDT: ");
}

#[test]
fn an_empty_folder_is_invalid_and_says_so_in_every_section() {
    let text = audited(Evidence::default());
    has(&text, "**Verdict:** INVALID (published as FAIL) - there is no iteration to judge");
    has(&text, "- time: unknown, no iteration carries one\n");
    has(part(&text, 1), "| iterations | 0 iterations |\n| first - last | - |\n");
    has(part(&text, 2), "There is no iteration.\n");
    has(part(&text, 3), "**last8**: no iteration\n");
}

#[test]
fn a_fixed_time_and_an_override_stand_at_the_top() {
    let (analysis, policy) = analysed(folder((1..=3).map(good)));
    let mut provenance = overridden("known outage <b>");
    provenance.fixed_time = Some("2030-01-01T00:00:00Z".into());
    let text = audit(&analysis, &policy, &provenance, false);
    assert_well_formed(&text);
    has(&text, "\n**Overridden by alice at 2025-01-03T00:00:00Z: known outage &lt;b&gt;**\n");
    has(&text, "- time: 2030-01-01T00:00:00Z (set by `SOAK_NOW`)\n");
    has(&text, "**Verdict:** INCONCLUSIVE (published as FAIL) - ");
}

#[test]
fn relaxed_limits_are_named_wherever_they_decide() {
    let policy = built_in();
    let options = Options { mock: true, ..Options::default() };
    let loose = (1..=8).map(|n| with(good(n), KpiId::NET_BPS, Some(-10.0)));
    let text = audit(&analyse(folder(loose), &policy, &options, None), &policy, &provenance(), false);
    has(&text, "- limits: mock\n");
    has(part(&text, 2), "| by the mock limits |\n");
    has(part(&text, 2), "| 0.300 | 0.900 | -10.00 | 300 | - | - | - | no | - | PASS |\n");
    has(part(&text, 3), "| >= -10.00 | PASS | PASS |\n");
}

/// An iteration in which every text is hostile.
pub(in crate::render) fn poisoned(number: u64) -> Iteration {
    let mut one = frozen(good(number), &hostile());
    one.time = Some(hostile().into());
    one.collection_failed = Some(hostile().into());
    one.negative_drivers = vec![hostile().into()];
    one.tuning.signature = Some(format!("{number}{}", hostile()).into());
    one.tuning.deltas = ParamValues::new(vec![(ParamName::flat(&hostile()), 0.1)]);
    one.tuning.guards = GuardSet::default();
    one
}

#[test]
fn hostile_text_does_no_harm_and_does_not_blow_up_the_report() {
    let finding = Finding {
        kind: "corrupt_file",
        symbol: Some(hostile()),
        iteration: None,
        file: Some(hostile()),
        in_window: true,
        message: hostile(),
    };
    let bad = BadFile { name: hostile(), number: 9, symbol: None, reason: hostile() };
    let mut evidence = Evidence {
        series: vec![series(Some(&hostile()), (1..=8).map(poisoned))],
        bad_files: vec![bad],
        findings: vec![finding],
        ..Evidence::default()
    };
    evidence.sources.insert(hostile());
    let text = audited(evidence);
    assert!(text.len() < 100_000, "{}", text.len());
    assert!(!text.contains("<script") && !text.contains("<img"));
}
