//! The audit of hand-written runs: section by section, numbers by hand.

use super::*;
use crate::core::analysis::{Options, analyse};
use crate::core::iteration::Iteration;
use crate::core::iteration::guards::{Guard, GuardSet};
use crate::core::iteration::params::{ParamName, ParamValues};
use crate::core::kpi::KpiId;
use crate::core::verdict::evidence::{BadFile, Evidence, Finding};
use crate::report::fixture::{
    analysed, assert_well_formed, built_in, folder, frozen, good, hostile, overridden, passing, provenance,
    series, with,
};

fn audited(evidence: Evidence) -> String {
    let (analysis, policy) = analysed(evidence);
    let text = audit(&analysis, &policy, &provenance(), false);
    assert_well_formed(&text);
    text
}

/// The section with this number.
fn part(text: &str, number: usize) -> &str {
    let find = |number: usize| text.find(&format!("## {number}. "));
    let start = find(number).expect("the section is there");
    &text[start..find(number + 1).unwrap_or(text.len())]
}

#[track_caller]
fn has(text: &str, what: &str) {
    assert!(text.contains(what), "{what} is not in:\n{text}");
}

#[test]
fn all_ten_sections_stand_in_their_order() {
    let text = audited(folder(passing(8)));
    let titles: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(
        titles,
        [
            "## 1. Overview",
            "## 2. Iteration matrix",
            "## 3. KPIs",
            "## 4. Guards",
            "## 5. Signatures",
            "## 6. Edge decomposition (last8)",
            "## 7. Anomalies",
            "## 8. Violations",
            "## 9. Delta verification",
            "## 10. Verdict and actions",
        ]
    );
    assert!(text.starts_with("# Post-soak audit\n\n**Verdict:** PASS - "));
    has(&text, "- time: 2025-01-02T00:08:00Z (the last one in the data)\n- checks: ");
    has(&text, "\n- limits: production\n");
}

#[test]
fn the_overview_tells_what_was_looked_at_and_by_which_limits() {
    let text = audited(folder(passing(10)));
    let overview = part(&text, 1);
    has(overview, "| iterations | 10 iterations |\n| first - last | 1 - 10 |\n");
    has(overview, "| time range | 2025-01-02T00:01:00Z - 2025-01-02T00:10:00Z |\n");
    has(overview, "| window | last8, 3-10, n=8 |\n| source | - |\n| limits | production |\n");
    has(overview, "| net >= 2.70 bps, risk <= 0.420, maker >= 0.850, p95 <= 350 ms |\n");
    assert!(!overview.contains("disagree"));
}

#[test]
fn two_gates_that_disagree_are_told_in_one_line() {
    let at_the_limit = |n| with(good(n), KpiId::NET_BPS, Some(2.7));
    let mut iterations: Vec<Iteration> = (1..=8).map(at_the_limit).collect();
    iterations[7] = frozen(at_the_limit(8), "stable");
    let text = audited(folder(iterations.clone()));
    has(
        part(&text, 1),
        "The limits disagree: gate PASS, readiness HOLD: net 2.70 < 2.90 bps (median of last8)\n",
    );
    iterations[7] = at_the_limit(8);
    has(
        &audited(folder(iterations.clone())),
        "gate WARN, readiness HOLD: net 2.70 < 2.90 bps (median of last8)\n",
    );
    // Seven of eight latencies that fail an iteration: the median of 351 fails readiness too.
    let slow: Vec<Iteration> =
        iterations.into_iter().map(|one| with(one, KpiId::P95_LATENCY_MS, Some(351.0))).collect();
    assert!(!audited(folder(slow)).contains("disagree"));
}

#[test]
fn a_miss_is_not_rounded_onto_its_limit() {
    let mut iterations: Vec<Iteration> =
        passing(8).into_iter().map(|one| with(one, KpiId::NET_BPS, Some(2.898))).collect();
    has(&audited(folder(iterations.clone())), "readiness HOLD: net 2.898 < 2.90 bps (median of last8)\n");
    iterations[0] = with(good(1), KpiId::NET_BPS, Some(2.699));
    let text = audited(folder(iterations));
    has(
        part(&text, 2),
        "| 1 | 2025-01-02T00:01:00Z | 0.300 | 0.900 | 2.699 | 300 | - | - | - | no | - | FAIL |\n",
    );
}

#[test]
fn a_row_of_the_matrix_tells_an_iteration_and_unknown_is_a_dash() {
    let mut iterations = passing(8);
    let tuning = &mut iterations[2].tuning;
    tuning.applied = Some(true);
    tuning.deltas = ParamValues::new(vec![
        (ParamName::flat("min_interval_ms"), -20.0),
        (ParamName::flat("base_spread_bps_delta"), 0.015),
    ]);
    tuning.guards.insert(Guard::Velocity);
    tuning.guards.insert(Guard::Cooldown);
    tuning.signature = Some("0123456789abcdef".into());
    iterations[3] = with(with(good(4), KpiId::RISK_RATIO, None), KpiId::NET_BPS, Some(0.0));
    iterations[3].time = None;
    let text = audited(folder(iterations));
    let matrix = part(&text, 2);
    has(
        matrix,
        "| iteration | time | risk | maker | net, bps | p95, ms | applied | proposed deltas | guards | freeze | \
         signature | by the production limits |\n| ---: | --- | ---: | ---: | ---: | ---: | --- |",
    );
    has(
        matrix,
        "| 3 | 2025-01-02T00:03:00Z | 0.300 | 0.900 | 3.00 | 300 | yes | base_spread_bps_delta +0.015, min_interval_ms \
         -20 | velocity, cooldown | no | 01234567 | PASS |\n",
    );
    has(matrix, "| 4 | - | - | 0.900 | 0.00 | 300 | - | - | - | no | - | FAIL |\n");
    has(
        matrix,
        "| 8 | 2025-01-02T00:08:00Z | 0.300 | 0.900 | 3.00 | 300 | - | - | freeze | yes | - | PASS |\n",
    );
}

#[test]
fn the_kpi_table_has_the_numbers_calculated_by_hand() {
    // 2.8, 3.0, …, 4.2: mean and median 3.5; p5 at position 0.35: 2.8 + 0.35 × 0.2; p95 at 6.65: 4.0 + 0.65 × 0.2;
    // variance 2 × (0.49 + 0.25 + 0.09 + 0.01) ÷ 7 = 0.24; |x − 3.5| sorted 0.1 0.1 0.3 0.3 0.5 0.5 0.7 0.7. A rise
    // without scatter is worth less than two independent values: no interval of the mean.
    let rising = (0..8u32)
        .zip(passing(8))
        .map(|(step, one)| with(one, KpiId::NET_BPS, Some(2.8 + 0.2 * f64::from(step))));
    let text = audited(folder(rising));
    let kpis = part(&text, 3);
    has(kpis, "**last8**, iterations 1-8, n=8\n");
    has(
        kpis,
        "| net_bps, bps | 8 | 0 | 3.50 | 3.50 | 2.80 | 4.20 | 2.87 | 4.13 | 0.49 | 0.40 | up | +0.20000 | +0.20000 to \
         +0.20000 | - | - | - | >= 2.70 | PASS | PASS |\n",
    );
    // Eight values by themselves do not show how much neighbours resemble each other: no intervals.
    has(
        kpis,
        "| risk_ratio | 8 | 0 | 0.300 | 0.300 | 0.300 | 0.300 | 0.300 | 0.300 | 0.000 | 0.000 | flat | 0.000000 | \
         0.000000 to 0.000000 | - | - | - | <= 0.420 | PASS | PASS |\n",
    );
    has(kpis, "**steady**, iterations 7-8, n=2\n");
    has(
        kpis,
        "| net_bps, bps | `▁▂▃▄▅▆▇█` | 2.80 | 4.20 |\n| p95_latency_ms, ms | `▅▅▅▅▅▅▅▅` | 300 | 300 |\n",
    );
    // Where there are enough and nothing varies, the interval is the value.
    let text = audited(folder(passing(24)));
    has(part(&text, 3), "0.000000 to 0.000000 | 0.300 to 0.300 | 0.300 to 0.300 | 24.0 | <= 0.420");
    has(part(&text, 3), "Intervals hold with 95 % confidence and allow for the resemblance");
}

#[test]
fn a_missing_value_makes_the_worst_a_failure_and_not_the_mean() {
    let mut iterations = passing(8);
    iterations[0] = with(good(1), KpiId::MAKER_TAKER_RATIO, None);
    let text = audited(folder(iterations));
    has(part(&text, 3), "| maker_taker_ratio | 7 | 1 | 0.900 |");
    has(part(&text, 3), "| >= 0.850 | FAIL | PASS |\n");
}

#[test]
fn shapes_are_drawn_in_ascii_on_wish() {
    let (analysis, policy) = analysed(folder(passing(2000)));
    let text = audit(&analysis, &policy, &provenance(), true);
    assert_well_formed(&text);
    assert!(text.is_ascii());
    has(&text, &format!("| risk_ratio | `{}` | 0.300 | 0.300 |", "=".repeat(40)));
    assert!(!audit(&analysis, &policy, &provenance(), false).is_ascii());
}

#[test]
fn a_long_run_shows_its_beginning_and_its_end() {
    let rows = |n: u64| {
        let text = audited(folder(passing(n)));
        let matrix = part(&text, 2);
        let numbers: Vec<String> = matrix
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.split(' ').next().map(str::to_owned))
            .filter(|first| first.parse::<u64>().is_ok())
            .collect();
        (numbers, matrix.contains("are shown"), text.len())
    };
    let (numbers, is_cut, _) = rows(1000);
    assert_eq!((numbers.len(), is_cut), (1000, false));
    let (numbers, is_cut, short) = rows(1001);
    assert_eq!((numbers.len(), is_cut), (520, true));
    assert_eq!((numbers[19].as_str(), numbers[20].as_str()), ("20", "502"));
    let (numbers, _, long) = rows(5000);
    assert_eq!(numbers.len(), 520);
    assert_eq!((numbers[19].as_str(), numbers[20].as_str(), numbers[519].as_str()), ("20", "4501", "5000"));
    assert!(long < short + 2000, "{long} bytes against {short}");
}

#[test]
fn guards_are_counted_over_the_run_and_over_the_window() {
    let mut iterations = passing(12);
    for number in [1usize, 2, 3, 9] {
        iterations[number - 1].tuning.guards.insert(Guard::Velocity);
    }
    iterations[1].tuning.guards.insert(Guard::Freeze);
    let text = audited(folder(iterations));
    let guards = part(&text, 4);
    has(guards, "| guard | iterations in the whole run | iterations in last8 | which |\n");
    has(guards, "| velocity | 4 | 1 | 1-3, 9 |\n| cooldown | 0 | 0 | - |\n| freeze | 2 | 1 | 2, 12 |\n");
    has(guards, "Freeze in 2 of 12 iterations.\n");
    has(guards, "| 2 | - |\n| 12 | two stable iterations |\n");
    has(part(&audited(folder((1..=8).map(good))), 4), "No freeze was seen.\n");
}

#[test]
fn loops_of_signatures_are_listed() {
    let mut iterations = passing(10);
    for (one, signature) in
        iterations.iter_mut().zip(["aaaaaaaaaaaaaaaa", "bbbbbbbbbb", "aaaaaaaaaaaaaaaa", "c"])
    {
        one.tuning.signature = Some(signature.into());
    }
    let text = audited(folder(iterations));
    let signatures = part(&text, 5);
    has(signatures, "3 signatures different: aaaaaaaaaaaa, bbbbbbbbbb, c\n");
    has(signatures, "1 loop A -> B -> A in the whole run, 0 in last8.\n");
    has(signatures, "| 1, 2, 3 | aaaaaaaa -> bbbbbbbb -> aaaaaaaa |\n");
    has(part(&audited(folder(passing(8))), 5), "No iteration carries a signature.\n");
}

#[test]
fn the_edge_is_taken_apart_as_far_as_it_is_known() {
    let text = audited(folder(passing(8)));
    has(part(&text, 6), "Only the net edge is known, 3.00 bps in the mean of 8 iterations;");
    let nothing = audited(folder((1..=8).map(|n| with(good(n), KpiId::NET_BPS, None))));
    has(part(&nothing, 6), "Neither the net edge nor what it is made of is in the files.\n");
    let whole = |n| {
        let parts = [
            (KpiId::GROSS_BPS, 10.0),
            (KpiId::FEES_BPS, 1.0),
            (KpiId::SLIPPAGE_BPS, 2.0),
            (KpiId::ADVERSE_BPS, 3.5),
            (KpiId::INVENTORY_BPS, 0.0),
        ];
        let mut one = parts.iter().fold(good(n), |one, (kpi, value)| with(one, *kpi, Some(*value)));
        one.negative_drivers = vec!["slippage_bps".into()];
        one
    };
    let edge = audited(folder((1..=8).map(whole)));
    let edge = part(&edge, 6);
    has(edge, "| gross_bps | 10.00 | 8 |\n| fees_bps | 1.00 | 8 |\n");
    has(
        edge,
        "| gross_bps | +10.00 |\n| adverse_bps | -3.50 |\n| slippage_bps | -2.00 |\n| fees_bps | -1.00 |\n",
    );
    has(edge, "| inventory_bps | 0.00 |\n");
    // 10 − 1 − 2 − 3.5 − 0 = 3.5, told is 3.0.
    has(
        edge,
        "does not hold** in 8 iterations: off by -0.50 bps in the mean and by -0.50 bps in iteration 1.\n",
    );
    has(edge, "- slippage_bps: 8 iterations\n");
    let imputed = audited(folder((1..=8).map(|n| Iteration { gross_imputed: true, ..whole(n) })));
    has(part(&imputed, 6), "In 8 iterations the gross edge was not measured: it is an upper-bound estimate");
}

#[test]
fn anomalies_and_violations_are_listed_crit_first_and_counted() {
    let mut iterations = passing(60);
    for one in &mut iterations {
        *one = with(one.clone(), KpiId::NET_BPS, Some(2.9));
    }
    // Risk 0.300 → 0.500 → 0.300 and a latency of 420: two anomalies; CRIT at risk >= 0.40 and p95 > 350.
    iterations[29] =
        with(with(iterations[29].clone(), KpiId::RISK_RATIO, Some(0.5)), KpiId::P95_LATENCY_MS, Some(420.0));
    let text = audited(folder(iterations));
    let anomalies = part(&text, 7);
    has(anomalies, "| 30 | latency_spike | p95_latency_ms, ms | 420 | - | at most 400 |\n");
    has(anomalies, "| 30 | risk_jump | risk_ratio | 0.500 | +0.200 | a change of at most +0.150 |\n");
    let violations = part(&text, 8);
    has(violations, "| net_bps, bps | 60 | 0 | < 3.00 | < 2.50 |\n");
    has(violations, "| risk_ratio | 0 | 1 | > 0.360 | >= 0.400 |\n");
    let rows: Vec<&str> =
        violations.lines().filter(|line| line.contains(" CRIT | ") || line.contains(" WARN | ")).collect();
    assert_eq!(rows[1], "| 30 | risk_ratio | CRIT | 0.500 | 0.400 | 0.100 |");
    // The heading, then 50 rows, of 62 violations.
    assert_eq!(rows.len(), 51);
    has(violations, "And 12 more.\n");
}

#[test]
fn the_delta_verification_is_summed_up() {
    has(part(&audited(folder(passing(8))), 9), "Nothing was proposed, so there is nothing to verify.\n");
    let mut iterations = passing(8);
    let values =
        |spread: f64| Some(ParamValues::new(vec![(ParamName::flat("base_spread_bps_delta"), spread)]).into());
    for one in &mut iterations {
        one.overrides = values(if one.number < 3 { 0.1 } else { 0.12 });
    }
    // Iteration 2 proposes what arrives, iteration 5 what does not.
    for position in [1, 4] {
        iterations[position].tuning.deltas =
            ParamValues::new(vec![(ParamName::flat("base_spread_bps_delta"), 0.02)]);
        iterations[position].tuning.applied = Some(true);
    }
    let text = audited(folder(iterations.clone()));
    let deltas = part(&text, 9);
    has(deltas, "| proposed | 2 |\n| applied in full | 1 |\n");
    has(deltas, "| full apply ratio | 0.500 |\n");
    has(deltas, "- base_spread_bps_delta: 1\n");
    let policy = built_in();
    let options = Options { deltas: false, ..Options::default() };
    let left_out =
        audit(&analyse(folder(iterations), &policy, &options, None), &policy, &provenance(), false);
    has(part(&left_out, 9), "Left out on request.\n");
}

#[test]
fn the_checks_that_make_the_verdict_come_first_and_the_worst_of_them_first() {
    let mut iterations: Vec<Iteration> = (1..=8).map(good).collect();
    for one in iterations.iter_mut().take(4) {
        *one = with(one.clone(), KpiId::RISK_RATIO, Some(0.9));
    }
    let text = audited(folder(iterations));
    let verdict = part(&text, 10);
    has(
        verdict,
        "**Verdict:** FAIL - `risk_ratio` is above 0.420 in 4 of 8 iterations (1-4), highest 0.900; 4 of 8 iterations pass",
    );
    has(
        verdict,
        "### Checks that make the verdict\n\n- **FAIL** run_verdict.pass_count: `risk_ratio` is above 0.420 in 4 of 8 \
         iterations (1-4), highest 0.900; 4 of 8 iterations pass, 5 needed for WARN (passing iterations 4 >= 5, margin -1; last8 1-8, n=8; hard; run_verdict.warn_share \
         (built-in policy))\n- **WARN** run_verdict.freeze: ",
    );
    // Mean risk (4 × 0.9 + 4 × 0.3) ÷ 8 = 0.6.
    has(
        verdict,
        "- base_spread_bps_delta +0.03 (within 0.08 to 0.25) - mean risk_ratio 0.600 > 0.42\n- min_interval_ms +35 (within 40 to 80) - ",
    );
    has(verdict, "**Freeze decision:** HOLD - the verdict is FAIL: ");
}

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
pub(crate) fn poisoned(number: u64) -> Iteration {
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
