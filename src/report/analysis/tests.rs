//! The reports about hand-written runs, numbers by hand.

mod audit {

    use super::*;
    use crate::core::analysis::{Options, analyse};
    use crate::core::iteration::Iteration;
    use crate::core::iteration::guards::{Guard, GuardSet};
    use crate::core::iteration::params::{ParamName, ParamValues};
    use crate::core::kpi::KpiId;
    use crate::core::verdict::evidence::{BadFile, Evidence, Finding};
    use crate::report::fixture::{
        analysed, assert_well_formed, built_in, folder, frozen, good, hostile, overridden, passing,
        provenance, series, with,
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
    fn all_ten_sections_are_in_their_order() {
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
    fn the_overview_reports_what_was_looked_at_and_by_which_limits() {
        let text = audited(folder(passing(10)));
        let overview = part(&text, 1);
        has(overview, "| iterations | 10 iterations |\n| first - last | 1 - 10 |\n");
        has(overview, "| time range | 2025-01-02T00:01:00Z - 2025-01-02T00:10:00Z |\n");
        has(overview, "| window | last8, 3-10, n=8 |\n| source | - |\n| limits | production |\n");
        has(overview, "| net >= 2.70 bps, risk <= 0.420, maker >= 0.850, p95 <= 350 ms |\n");
        assert!(!overview.contains("disagree"));
    }

    #[test]
    fn two_gates_that_disagree_are_reported_in_one_line() {
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
    fn a_row_of_the_matrix_shows_an_iteration_and_unknown_is_a_dash() {
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
        // Eight values by themselves do not show their autocorrelation: no intervals.
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
        has(part(&text, 3), "Intervals have 95 % confidence and allow for autocorrelation");
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
        assert_eq!(
            (numbers[19].as_str(), numbers[20].as_str(), numbers[519].as_str()),
            ("20", "4501", "5000")
        );
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
        // 10 − 1 − 2 − 3.5 − 0 = 3.5, recorded is 3.0.
        has(
            edge,
            "does not hold** in 8 iterations: off by -0.50 bps in the mean and by -0.50 bps in iteration 1.\n",
        );
        has(edge, "- slippage_bps: 8 iterations\n");
        let imputed = audited(folder((1..=8).map(|n| Iteration { gross_imputed: true, ..whole(n) })));
        has(
            part(&imputed, 6),
            "In 8 iterations the gross edge was not measured: it is an upper-bound estimate",
        );
    }

    #[test]
    fn anomalies_and_violations_are_listed_crit_first_and_counted() {
        let mut iterations = passing(60);
        for one in &mut iterations {
            *one = with(one.clone(), KpiId::NET_BPS, Some(2.9));
        }
        // Risk 0.300 → 0.500 → 0.300 and a latency of 420: two anomalies; CRIT at risk >= 0.40 and p95 > 350.
        iterations[29] = with(
            with(iterations[29].clone(), KpiId::RISK_RATIO, Some(0.5)),
            KpiId::P95_LATENCY_MS,
            Some(420.0),
        );
        let text = audited(folder(iterations));
        let anomalies = part(&text, 7);
        has(anomalies, "| 30 | latency_spike | p95_latency_ms, ms | 420 | - | at most 400 |\n");
        has(anomalies, "| 30 | risk_jump | risk_ratio | 0.500 | +0.200 | a change of at most +0.150 |\n");
        let violations = part(&text, 8);
        has(violations, "| net_bps, bps | 60 | 0 | < 3.00 | < 2.50 |\n");
        has(violations, "| risk_ratio | 0 | 1 | > 0.360 | >= 0.400 |\n");
        let rows: Vec<&str> = violations
            .lines()
            .filter(|line| line.contains(" CRIT | ") || line.contains(" WARN | "))
            .collect();
        assert_eq!(rows[1], "| 30 | risk_ratio | CRIT | 0.500 | 0.400 | 0.100 |");
        // The heading, then 50 rows, of 62 violations.
        assert_eq!(rows.len(), 51);
        has(violations, "And 12 more.\n");
    }

    #[test]
    fn the_delta_verification_is_summed_up() {
        has(part(&audited(folder(passing(8))), 9), "Nothing was proposed, so there is nothing to verify.\n");
        let mut iterations = passing(8);
        let values = |spread: f64| {
            Some(ParamValues::new(vec![(ParamName::flat("base_spread_bps_delta"), spread)]).into())
        };
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
    fn symbols_are_distinguished() {
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
    fn a_fixed_time_and_an_override_are_at_the_top() {
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
}
mod failures {

    use super::*;
    use crate::core::iteration::{Defect, Iteration, KpiDefect};
    use crate::core::kpi::KpiId;
    use crate::core::verdict::evidence::{BadFile, Duplicate, Evidence};
    use crate::report::fixture::{
        analysed, assert_well_formed, folder, good, hostile, passing, provenance, series, with,
    };

    fn reported(evidence: Evidence) -> Option<String> {
        let (analysis, policy) = analysed(evidence);
        let text = failures(&analysis, &policy, &provenance());
        text.inspect(|text| assert_well_formed(text))
    }

    fn reported_of(iterations: impl IntoIterator<Item = Iteration>) -> String {
        reported(folder(iterations)).expect("a verdict that is not acceptable")
    }

    fn bad(number: u64) -> Iteration {
        with(good(number), KpiId::NET_BPS, Some(1.5))
    }

    #[track_caller]
    fn has(text: &str, what: &str) {
        assert!(text.contains(what), "{what} is not in:\n{text}");
    }

    #[test]
    fn there_is_no_report_while_the_verdict_is_acceptable() {
        assert_eq!(reported(folder(passing(8))), None);
        // Without a freeze the verdict is WARN.
        assert_eq!(reported(folder((1..=8).map(good))), None);
        // Seven iterations are too few to judge, and that is not acceptable.
        assert!(reported(folder((1..=7).map(good))).is_some());
    }

    #[test]
    fn reasons_come_first_and_then_the_iterations_newest_first() {
        let mut iterations = passing(8);
        for position in [1, 3, 5, 6] {
            iterations[position] = bad(iterations[position].number);
        }
        iterations[3] = with(iterations[3].clone(), KpiId::P95_LATENCY_MS, Some(350.2));
        let text = reported_of(iterations);
        assert!(
        text.starts_with("# Failures\n\n**Verdict:** FAIL - `net_bps` is below 2.70 in 4 of 8 iterations (2, 4, 6-7), lowest 1.50; also ")
    );
        has(&text, "## Reasons, worst first\n\n- **FAIL** run_verdict.pass_count: ");
        has(&text, "4 of 8 iterations by the production limits, newest first.\n");
        has(
            &text,
            "| iteration | time | what failed | value | limit |\n| ---: | --- | --- | --- | --- |\n\
         | 7 | 2025-01-02T00:07:00Z | net_bps, bps | 1.50 | >= 2.70 |\n\
         | 6 | 2025-01-02T00:06:00Z | net_bps, bps | 1.50 | >= 2.70 |\n\
         | 4 | 2025-01-02T00:04:00Z | net_bps, bps | 1.50 | >= 2.70 |\n\
         | 4 | 2025-01-02T00:04:00Z | p95_latency_ms, ms | 350.2 | <= 350 |\n\
         | 2 | 2025-01-02T00:02:00Z | net_bps, bps | 1.50 | >= 2.70 |\n",
        );
    }

    #[test]
    fn a_value_that_is_not_there_is_reported_with_its_cause() {
        let mut iterations: Vec<Iteration> = (1..=8).map(|n| with(good(n), KpiId::NET_BPS, None)).collect();
        iterations[7].defects =
            vec![KpiDefect { kpi: KpiId::NET_BPS, key: "edge_bps".into(), defect: Defect::Null }];
        iterations[6] = Iteration { collection_failed: Some("no route to host".into()), ..good(7) };
        let text = reported_of(iterations);
        has(&text, "| net_bps, bps | no value: `edge_bps` is null | >= 2.70 |\n");
        has(&text, "| net_bps, bps | no value: `net_bps` is not in the file | >= 2.70 |\n");
        has(&text, "| 7 | 2025-01-02T00:07:00Z | collection of measurements | no route to host | - |\n");
    }

    #[test]
    fn of_many_failures_the_newest_are_reported() {
        let rows = |n: u64| {
            let text = reported_of((1..=n).map(bad));
            let rows: Vec<String> =
                text.lines().filter(|line| line.ends_with("| >= 2.70 |")).map(str::to_owned).collect();
            (rows, text)
        };
        let (whole, text) = rows(200);
        assert_eq!(whole.len(), 200);
        assert!(!text.contains("more before them"));
        let (cut, text) = rows(5000);
        assert_eq!(cut.len(), 200);
        assert!(cut[0].starts_with("| 5000 |") && cut[199].starts_with("| 4801 |"));
        has(&text, "And 4800 more before them.\n");
    }

    #[test]
    fn anomalies_and_unusable_files_follow() {
        let mut evidence = folder((1..=7).map(|n| with(bad(n), KpiId::MAKER_TAKER_RATIO, Some(0.7))));
        evidence.bad_files = vec![BadFile {
            name: "ITER_SUMMARY_8.json".into(),
            number: 8,
            symbol: None,
            reason: "ends early".into(),
        }];
        let names = vec!["ITER_SUMMARY_09.json".to_owned(), "ITER_SUMMARY_9.json".to_owned()];
        evidence.duplicates = vec![Duplicate { symbol: None, number: 9, names }];
        evidence.manifest_error = Some("line 1: not JSON".into());
        let text = reported(evidence).expect("INVALID");
        has(&text, "| 7 | maker_taker_drop | maker_taker_ratio | 0.700 | - | at least 0.750 |\n");
        has(
            &text,
            "## Files that cannot be used\n\n- `RUN_MANIFEST.json`: line 1: not JSON\n- ITER_SUMMARY_8.json: ends \
         early\n- iteration 9 is there more than once: ITER_SUMMARY_09.json, ITER_SUMMARY_9.json\n",
        );
    }

    #[test]
    fn an_empty_folder_is_a_failure_with_a_reason() {
        let text = reported(Evidence::default()).expect("INVALID");
        has(&text, "- **INVALID** integrity.files: there is no iteration to judge");
        has(&text, "There is no iteration.\n");
    }

    #[test]
    fn symbols_are_distinguished() {
        let evidence = Evidence {
            series: vec![series(Some("AAA"), passing(8)), series(Some("BBB"), (1..=8).map(bad))],
            ..Evidence::default()
        };
        let text = reported(evidence).expect("FAIL");
        has(&text, "## Symbol AAA: PASS\n\n### Iterations that do not pass\n\nEvery iteration passes.\n");
        has(
            &text,
            "## Symbol BBB: FAIL\n\n### Iterations that do not pass\n\n8 of 8 iterations by the production",
        );
    }

    #[test]
    fn hostile_text_does_no_harm() {
        let poisoned = |number| {
            let defect =
                KpiDefect { kpi: KpiId::NET_BPS, key: hostile(), defect: Defect::Impossible(hostile()) };
            Iteration {
                defects: vec![defect],
                collection_failed: Some(hostile().into()),
                time: Some(hostile().into()),
                ..with(good(number), KpiId::NET_BPS, None)
            }
        };
        let mut evidence = folder((1..=8).map(poisoned));
        evidence.bad_files = vec![BadFile { name: hostile(), number: 8, symbol: None, reason: hostile() }];
        let text = reported(evidence).expect("INVALID");
        assert!(text.len() < 100_000 && !text.contains("<script"));
    }
}
mod page {

    use super::*;
    use crate::core::iteration::params::{ParamName, ParamValues};
    use crate::core::iteration::{Iteration, SkipReason};
    use crate::core::kpi::KpiId;
    use crate::core::verdict::evidence::{Evidence, Finding};
    use crate::report::fixture::{
        analysed, folder, frozen, good, hostile, overridden, passing, provenance, series, with,
    };

    fn reported(iterations: impl IntoIterator<Item = Iteration>) -> String {
        let (analysis, policy) = analysed(folder(iterations));
        page(&analysis, &policy, &provenance())
    }

    /// The elements that are opened and closed, as a check that nothing is left open.
    #[track_caller]
    fn assert_balanced(html: &str) {
        let body = &html[html.find("<body>").expect("a body")..html.find("<script>").expect("a script")];
        for name in [
            "section", "table", "thead", "tbody", "tr", "td", "th", "ul", "li", "p", "div", "span", "svg",
            "text", "figure", "details", "code", "b",
        ] {
            let opened =
                body.matches(&format!("<{name}>")).count() + body.matches(&format!("<{name} ")).count();
            assert_eq!(opened, body.matches(&format!("</{name}>")).count(), "{name}");
        }
    }

    #[test]
    fn the_verdict_and_its_reason_come_first() {
        let html = reported(passing(24));
        assert_balanced(&html);
        let place = |what: &str| html.find(what).unwrap_or_else(|| panic!("`{what}` is missing"));
        let order = [
            "<span id=\"verdict-word\">PASS</span>",
            "gating checks hold",
            "READY_TO_FREEZE",
            "id=\"why\"",
            "class=\"plot\"",
            "id=\"iterations\"",
            "id=\"tuning\"",
            "id=\"findings\"",
            "id=\"provenance\"",
            "Limits that were used",
        ];
        assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])));
        assert_eq!(html.matches("<figure>").count(), 4);
    }

    #[test]
    fn a_failure_says_why_and_marks_what_missed() {
        let html = reported((1..=8).map(|n| with(good(n), KpiId::NET_BPS, Some(2.0))));
        assert!(html.contains("<section id=\"verdict\" class=\"verdict\" data-outcome=\"FAIL\""));
        assert!(html.contains("0 of 8 iterations pass"), "the reason");
        assert!(html.contains("<td class=\"bad\">2.00</td>") && html.contains("✗ no"));
        assert!(!html.contains("<small>"));
        // Seven iterations are too few; the files that others read call that FAIL.
        assert!(reported(passing(7)).contains("INCONCLUSIVE</span> <small>published as FAIL</small>"));
    }

    #[test]
    fn the_page_requests_nothing() {
        let html = reported(passing(24));
        for word in ["http://", "https://", "src=", "@import", "url(", "innerHTML", "eval("] {
            assert!(!html.contains(word), "`{word}`");
        }
        let policy = &html[html.find("default-src").expect("a policy")..];
        let policy = &policy[..policy.find('"').expect("an end")];
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        // A policy without 'unsafe-inline' forbids these.
        assert!(!html.contains(" style=") && !html.contains(" onclick="));
        let style =
            &html[html.find("<style>").expect("a style") + 7..html.find("</style>").expect("its end")];
        assert!(policy.contains(&base64(&Sha256::digest(style))));
        let script =
            &html[html.find("<script>").expect("a script") + 8..html.find("</script>").expect("its end")];
        assert!(policy.contains(&base64(&Sha256::digest(script))));
    }

    #[test]
    fn whatever_comes_from_files_stays_text() {
        let evil = hostile();
        let text: std::sync::Arc<str> = evil.as_str().into();
        let mut run = passing(24);
        for iteration in &mut run {
            iteration.time = Some(text.clone());
            iteration.phase = Some(text.clone());
            let tuning = &mut iteration.tuning;
            tuning.skip = Some(SkipReason { code: Some(text.clone()), note: Some(text.clone()) });
            tuning.deltas = ParamValues::new(vec![(ParamName::flat("<img src=x onerror=y>"), 1.0)]);
            tuning.dropped = vec![(ParamName::flat("<script>x</script>"), text.clone())];
            tuning.freeze_reason = Some(text.clone());
        }
        run[3].collection_failed = Some(text);
        let mut evidence = Evidence { series: vec![series(Some(&evil), run)], ..Evidence::default() };
        evidence.findings.push(Finding {
            kind: "odd",
            symbol: Some(evil.clone()),
            iteration: None,
            file: None,
            in_window: true,
            message: evil.clone(),
        });
        evidence.sources.insert(evil.clone());
        let (analysis, policy) = analysed(evidence);
        let html = page(&analysis, &policy, &overridden(&evil));
        assert_balanced(&html);
        assert_eq!(html.matches("<script").count(), 1, "the one of the page");
        assert!(!html.contains("<img") && !html.contains("</td><script"));
        assert!(html.contains("&lt;script&gt;"));
        assert!(!html.chars().any(|letter| letter.is_control() && letter != '\n'));
        assert!(html.len() < 1_000_000, "{}", html.len());
    }

    #[test]
    fn a_thousand_busy_iterations_stay_below_a_megabyte() {
        let keys = [
            "base_spread_bps_delta",
            "concurrency_limit",
            "impact_cap_ratio",
            "min_interval_ms",
            "tail_age_ms",
        ];
        let run = (1..=1000).map(|n| {
            let mut iteration =
                frozen(with(good(n), KpiId::NET_BPS, Some((n % 7) as f64)), "two stable iterations in a row");
            iteration.tuning.deltas =
                ParamValues::new(keys.iter().map(|key| (ParamName::flat(key), 0.0125)).collect());
            iteration.tuning.dropped =
                keys.iter().map(|key| (ParamName::flat(key), "velocity".into())).collect();
            iteration
        });
        let html = reported(run);
        assert!(html.len() < 1_000_000, "{}", html.len());
        assert!(html.contains("1000 iterations with a proposal, of which the last 500 are listed."));
    }

    #[test]
    fn of_a_hundred_thousand_iterations_the_last_and_the_failing_ones_are_listed() {
        let run =
            (1..=100_000).map(|n| with(good(n), KpiId::NET_BPS, Some(if n == 777 { -9.0 } else { 3.0 })));
        let html = reported(run);
        assert!(html.len() < 1_000_000, "{}", html.len());
        assert!(html.contains(
            "100000 iterations, of which the last 1000 are listed, and of those before them the last 1 "
        ));
        assert!(html.contains("<tr><td>777</td>") && html.contains("<tr><td>99001</td>"));
        assert!(!html.contains("<tr><td>99000</td>"));
    }

    #[test]
    fn the_worst_of_many_symbols_are_shown_and_the_page_says_so() {
        let name = |n: u64| format!("S{n:02}");
        let bad = |n: u64| {
            (1..=8).map(move |i| with(good(i), KpiId::NET_BPS, Some(if n == 39 { 1.0 } else { 3.0 })))
        };
        let all = (0..40).map(|n| series(Some(&name(n)), bad(n))).collect();
        let (analysis, policy) = analysed(Evidence { series: all, ..Evidence::default() });
        let html = page(&analysis, &policy, &provenance());
        assert_balanced(&html);
        assert!(html.contains("The 12 worst of 40 symbols.") && html.contains("<h3>S39: FAIL</h3>"));
        assert_eq!(html.matches("<figure>").count(), 48);
        assert!(html.len() < 1_000_000, "{}", html.len());
    }

    #[test]
    fn an_override_is_reported_and_an_empty_folder_is_reported() {
        let (analysis, policy) = analysed(folder([]));
        let html = page(&analysis, &policy, &overridden("known <outage>"));
        assert_balanced(&html);
        assert!(html.contains("Overridden by alice at 2025-01-03T00:00:00Z: known &lt;outage&gt;"));
        assert!(html.contains("data-outcome=\"INVALID\"") && html.contains("There is no iteration to draw."));
        assert_eq!(html, page(&analysis, &policy, &overridden("known <outage>")));
    }
}
mod recommendations {

    use super::*;
    use crate::core::analysis::{Options, analyse};
    use crate::core::iteration::Iteration;
    use crate::core::iteration::guards::Guard;
    use crate::core::iteration::params::{ParamName, ParamValues};
    use crate::core::kpi::KpiId;
    use crate::core::policy::{Layer, Origin, read};
    use crate::core::verdict::evidence::Evidence;
    use crate::report::fixture::{
        analysed, assert_well_formed, folder, good, overridden, passing, provenance, series, with,
    };

    fn reported(evidence: Evidence) -> String {
        let (analysis, policy) = analysed(evidence);
        let text = recommendations(&analysis, &policy, &provenance());
        assert_well_formed(&text);
        text
    }

    fn by_layer(toml: &str, evidence: Evidence) -> String {
        let layer =
            Layer { origin: Origin::File("p.toml".into()), text: format!("schema_version = 1\n{toml}") };
        let policy = read(&[layer], &[]).expect("a policy");
        let analysis = analyse(evidence, &policy, &Options::default(), None);
        let text = recommendations(&analysis, &policy, &provenance());
        assert_well_formed(&text);
        text
    }

    /// Passing iterations with this value of a KPI in each.
    fn all(kpi: KpiId, value: f64) -> Evidence {
        folder(passing(8).into_iter().map(|one| with(one, kpi, Some(value))))
    }

    #[track_caller]
    fn has(text: &str, what: &str) {
        assert!(text.contains(what), "{what} is not in:\n{text}");
    }

    #[test]
    fn a_clean_run_may_be_frozen_and_needs_no_change() {
        let text = reported(folder(passing(8)));
        has(
            &text,
            "**Freeze decision:** READY_TO_FREEZE - the verdict is PASS and a freeze was seen in the window\n",
        );
        has(&text, "## KPIs of last8\n\nIterations 1-8, n=8.\n");
        has(
            &text,
            "| KPI | mean | median | missing |\n| --- | ---: | ---: | ---: |\n| risk_ratio | 0.300 | 0.300 | 0 |\n",
        );
        has(&text, "| net_bps, bps | 3.00 | 3.00 | 0 |\n| p95_latency_ms, ms | 300 | 300 | 0 |\n");
        has(&text, "No parameter change is recommended: no rule of the policy applies to last8.\n");
        has(&text, "Every limit of readiness and goals is met.\n");
    }

    #[test]
    fn nothing_but_a_pass_with_a_freeze_is_ready() {
        let without = folder((1..=8).map(good));
        has(&reported(without), "**Freeze decision:** HOLD - no freeze was seen in last8\n");
        let ignored = by_layer("[run_verdict]\nfreeze = \"ignore\"\n", folder((1..=8).map(good)));
        has(&ignored, "**Verdict:** PASS");
        has(&ignored, "**Freeze decision:** HOLD - no freeze was seen in last8\n");
        let short = reported(folder(passing(7)));
        has(
            &short,
            "**Freeze decision:** HOLD - the verdict is INCONCLUSIVE: 7 iterations in the window, 8 needed",
        );
        let (analysis, policy) = analysed(folder((1..=8).map(good)));
        let text = recommendations(&analysis, &policy, &overridden("we know"));
        has(&text, "**Overridden by alice at 2025-01-03T00:00:00Z: we know**\n");
        has(&text, "**Freeze decision:** HOLD");
    }

    #[test]
    fn steps_carry_their_signs_and_their_reasons() {
        let text = reported(all(KpiId::RISK_RATIO, 0.5));
        has(
            &text,
            "| parameter | step | value | why | rules | note |\n| --- | ---: | --- | --- | --- | --- |\n",
        );
        has(
            &text,
            "| base_spread_bps_delta | +0.030 | within 0.08 to 0.25 | mean risk_ratio 0.500 > 0.42 | high_risk | - |\n",
        );
        has(
            &text,
            "| min_interval_ms | +35 | within 40 to 80 | mean risk_ratio 0.500 > 0.42 | high_risk | - |\n",
        );
        let text = reported(all(KpiId::MAKER_TAKER_RATIO, 0.8));
        has(
            &text,
            "| replace_rate_per_min | x0.85 | within 200 to 320 | mean maker_taker_ratio 0.800 < 0.85 | low_maker_share | - |\n",
        );
        let mut iterations = passing(8);
        iterations[0].tuning.guards.insert(Guard::Velocity);
        has(
            &reported(folder(iterations)),
            "| max_delta_per_hour | x0.90 | - | iterations with velocity 1 > 0 | velocity | - |\n",
        );
    }

    #[test]
    fn a_conflict_is_marked_on_both_sides() {
        let toml = "[recommendations.calm]\nkpi = \"p95_latency_ms\"\nstatistic = \"mean\"\ncomparison = \"<\"\n\
                limit = 340\n[recommendations.calm.change]\nmin_interval_ms = { add = -5 }\n";
        let text = by_layer(toml, all(KpiId::RISK_RATIO, 0.5));
        let conflict = "**conflict**: other rules ask for the opposite |\n";
        has(
            &text,
            &format!(
                "| min_interval_ms | +35 | within 40 to 80 | mean risk_ratio 0.500 > 0.42 | high_risk | {conflict}"
            ),
        );
        has(
            &text,
            &format!(
                "| min_interval_ms | -5 | within 40 to 80 | mean p95_latency_ms 300 < 340 | calm | {conflict}"
            ),
        );
        has(&text, "Where rules conflict, a person has to decide;");
    }

    #[test]
    fn what_misses_a_limit_names_what_can_be_changed_and_never_the_distance() {
        // Readiness requires a median of 2.9, and the rule applies below a mean of 2.7.
        let text = reported(all(KpiId::NET_BPS, 2.6));
        let change = "- readiness **FAIL**: net_bps: change base_spread_bps_delta\n";
        has(&text, &format!("## Readiness and goals\n\n{change}"));
        assert!(!text.contains("- goals") && !text.contains("raise"), "{text}");
        // 2.8 is above 2.7: no rule applies.
        let text = reported(all(KpiId::NET_BPS, 2.8));
        has(&text, "- readiness **FAIL**: net_bps: find the cause in the system under test; no rule of ");
        assert!(!text.contains("2.90"), "{text}");
        // Readiness 330, goals 340 for the largest; the rule applies above 350.
        let text = reported(all(KpiId::P95_LATENCY_MS, 351.0));
        for part in ["readiness", "goals"] {
            let change = "change concurrency_limit, tail_age_ms";
            has(&text, &format!("- {part} **FAIL**: p95_latency_ms: {change}\n"));
        }
        assert!(!text.contains("lower the"), "{text}");
    }

    /// Passing iterations with a value of a KPI, that end with these overrides.
    fn ending(kpi: KpiId, value: f64, overrides: &[(&str, f64)]) -> Evidence {
        Evidence { end_overrides: Some(values(overrides)), ..all(kpi, value) }
    }

    fn values(of: &[(&str, f64)]) -> ParamValues {
        ParamValues::new(of.iter().map(|(name, value)| (ParamName::flat(name), *value)).collect())
    }

    #[test]
    fn a_change_ends_at_the_bound_and_one_that_is_there_is_not_proposed() {
        // 75 + 35 = 110 exceeds 80; 80 - 75 = 5. 0.14 + 0.03 = 0.17.
        let text = reported(ending(
            KpiId::RISK_RATIO,
            0.5,
            &[("min_interval_ms", 75.0), ("base_spread_bps_delta", 0.14)],
        ));
        let why = "mean risk_ratio 0.500 > 0.42 | high_risk | - |\n";
        has(&text, &format!("| base_spread_bps_delta | +0.030 | 0.14 -> 0.17 | {why}"));
        has(&text, &format!("| min_interval_ms | +5 | 75 -> 80 (bound) | {why}"));
        let text = reported(ending(
            KpiId::RISK_RATIO,
            0.5,
            &[("min_interval_ms", 80.0), ("base_spread_bps_delta", 0.14)],
        ));
        has(
            &text,
            "No change of min_interval_ms 80, at its bound (40 to 80): mean risk_ratio 0.500 > 0.42.\n",
        );
        assert!(!text.contains("| min_interval_ms"), "{text}");
        let text = reported(ending(
            KpiId::RISK_RATIO,
            0.5,
            &[("min_interval_ms", 80.0), ("base_spread_bps_delta", 0.25)],
        ));
        has(
            &text,
            "- readiness **FAIL**: risk_ratio: find the cause in the system under test; the bounds leave no ",
        );
        assert!(!text.contains("| parameter |") && !text.contains("no rule of"), "{text}");
    }

    #[test]
    fn without_overrides_at_the_end_those_of_the_last_iteration_count() {
        let mut iterations: Vec<_> =
            passing(8).into_iter().map(|one| with(one, KpiId::RISK_RATIO, Some(0.5))).collect();
        iterations[6].overrides = Some(values(&[("min_interval_ms", 50.0)]).into());
        iterations[7].overrides = Some(values(&[("min_interval_ms", 60.0)]).into());
        // 60 + 35 = 95 exceeds 80; 80 - 60 = 20.
        has(&reported(folder(iterations.clone())), "| min_interval_ms | +20 | 60 -> 80 (bound) | ");
        let end_overrides = Some(values(&[("min_interval_ms", 41.0)]));
        let text = reported(Evidence { end_overrides, ..folder(iterations) });
        has(&text, "| min_interval_ms | +35 | 41 -> 76 | ");
    }

    #[test]
    fn maker_share_and_adverse_selection_have_their_parameters() {
        let start = [
            ("rescue_max_ratio", 0.3),
            ("rescue_min_edge_bps", 1.0),
            ("impact_cap_ratio", 0.1),
            ("max_delta_ratio", 0.155),
            ("min_interval_ms", 60.0),
        ];
        let of = |adverse: Option<f64>| {
            let one =
                |one| with(with(one, KpiId::MAKER_TAKER_RATIO, Some(0.8)), KpiId::ADVERSE_BPS_P95, adverse);
            let end_overrides = Some(values(&start));
            reported(Evidence { end_overrides, ..folder(passing(8).into_iter().map(one)) })
        };
        let text = of(None);
        // 0.3 × 0.85 = 0.255; 1.0 + 0.5; 60 + 15.
        has(&text, "| rescue_max_ratio | x0.85 | 0.3 -> 0.255 | median maker_taker_ratio 0.800 < 0.83 | ");
        has(&text, "| rescue_min_edge_bps | +0.500 | 1 -> 1.5 | ");
        has(&text, "| min_interval_ms | +15 | 60 -> 75 | ");
        assert!(!text.contains("impact_cap_ratio"), "nothing is known of adverse selection:\n{text}");
        let text = of(Some(3.5));
        has(&text, "| impact_cap_ratio | +0.005 | 0.1 -> 0.105 | ");
        has(&text, "| max_delta_ratio | +0.005 | 0.155 -> 0.16 | ");
        let text = of(Some(3.6));
        has(
            &text,
            "| impact_cap_ratio | -0.010 | 0.1 -> 0.09 | mean adverse_bps_p95 3.60 > 3.5 | adverse_selection |",
        );
        has(&text, "| max_delta_ratio | -0.010 | 0.155 -> 0.145 | ");
    }

    #[test]
    fn what_cannot_be_judged_says_what_is_missing() {
        let text = reported(folder((1..=7).map(good)));
        has(
            &text,
            "- readiness **INCONCLUSIVE**: let the run go on: median 3.00 bps of 7 values in last8, 8 needed",
        );
        let text = reported(folder((1..=8).map(|n| with(good(n), KpiId::NET_BPS, None))));
        has(&text, "- readiness **INVALID**: record net_bps: `net_bps` has no value in last8\n");
        has(&text, "| net_bps, bps | - | - | 8 |\n");
        let text = reported(Evidence::default());
        has(&text, "**Freeze decision:** HOLD - the verdict is INVALID: there is no iteration to judge");
        has(&text, "There is no iteration.\n");
    }

    #[test]
    fn a_margin_that_is_used_up_is_reported() {
        let text = by_layer("[readiness]\nmargin = 0.2\n", folder(passing(8)));
        has(&text, "- readiness **WARN**: net_bps: gain room in the system under test; no rule of ");
    }

    #[test]
    fn each_symbol_has_its_own_advice() {
        let risky = |n| -> Iteration { with(good(n), KpiId::RISK_RATIO, Some(0.5)) };
        let evidence = Evidence {
            series: vec![series(Some("AAA"), passing(8)), series(Some("B<b>"), (1..=8).map(risky))],
            ..Evidence::default()
        };
        let text = reported(evidence);
        has(&text, "## Symbol AAA: PASS\n\n### KPIs of last8\n");
        has(&text, "## Symbol B&lt;b&gt;: FAIL\n\n### KPIs of last8\n");
        assert_eq!(text.matches("| base_spread_bps_delta |").count(), 1);
    }
}
mod resources {

    use super::audit;
    use crate::core::iteration::Iteration;
    use crate::core::trend::resources::{Resource, ResourceValues};
    use crate::core::verdict::{Outcome, Part};
    use crate::report::fixture::{analysed, assert_well_formed, folder, passing, provenance};

    /// A passing run of an iteration a minute whose memory grows by `step` MB each time; the third has no value.
    fn run(step: f64) -> Vec<Iteration> {
        let mut run = passing(24);
        for iteration in &mut run {
            let mut values = ResourceValues::default();
            values.set(Resource::RssMb, Some(500.0 + step * iteration.number as f64));
            iteration.resources = (iteration.number != 3).then(|| Box::new(values));
        }
        run
    }

    #[test]
    fn growth_is_reported_per_hour_and_changes_no_verdict() {
        let (analysis, policy) = analysed(folder(run(0.5)));
        let text = audit(&analysis, &policy, &provenance(), true);
        assert_well_formed(&text);
        // Half a MB a minute is 30 an hour; from minute 1 to minute 24 are 23/60 h.
        let row = "| `rss_mb` | 500.5 | 512 | 23 | 0.4 | +30.0 MB/h \\[30.0, 30.0\\]: grows | 1 MB/h |\n";
        assert!(text.contains(row), "{text}");
        assert!(text.contains("| `threads` | - | - | 0 | 0.0 | no data | 0.5 /h |\n"), "{text}");
        let checks: Vec<_> = analysis.checks().filter(|check| check.part == Part::Drift).collect();
        assert_eq!(checks.len(), 1);
        assert_eq!((checks[0].outcome, checks[0].joins), (Outcome::Warn, false));
        assert_eq!(analysis.outcome, Outcome::Pass);
    }

    #[test]
    fn a_run_without_resources_says_so_and_has_no_check() {
        let (analysis, policy) = analysed(folder(passing(24)));
        let text = audit(&analysis, &policy, &provenance(), true);
        assert!(
            text.contains(
                "## Drift of resources\n\nNo data: no iteration reports the resources of the process.\n"
            ),
            "{text}"
        );
        assert!(analysis.checks().all(|check| check.part != Part::Drift));
    }
}
mod trends {

    use super::audit;
    use crate::core::iteration::Iteration;
    use crate::core::kpi::KpiId;
    use crate::core::verdict::{Outcome, Part};
    use crate::report::fixture::{analysed, assert_well_formed, folder, passing, provenance, with};

    /// Small waves, so that nothing is a constant.
    fn wave(number: u64) -> f64 {
        (number * 7 % 13) as f64 / 130.0 - 0.05
    }

    /// A passing run of an iteration a minute whose net edge is this.
    fn run(n: u64, net: impl Fn(u64) -> f64) -> Vec<Iteration> {
        let one = |iteration: Iteration| {
            let value = net(iteration.number) + wave(iteration.number);
            with(iteration, KpiId::NET_BPS, Some(value))
        };
        passing(n).into_iter().map(one).collect()
    }

    fn reported(n: u64, net: impl Fn(u64) -> f64) -> (String, Outcome) {
        let (analysis, policy) = analysed(folder(run(n, net)));
        let text = audit(&analysis, &policy, &provenance(), true);
        assert_well_formed(&text);
        assert!(analysis.checks().filter(|check| check.part == Part::KpiDrift).count() == 4);
        (text, analysis.outcome)
    }

    #[test]
    fn a_slow_fall_within_the_limits_is_reported_per_hour_with_the_time_to_the_limit() {
        // From 3.60 to 3.00 in 60 minutes: -0.6 an hour; 0.3 above the limit of 2.70 at the end: half an hour.
        let (text, outcome) = reported(61, |number| 3.6 - 0.01 * (number - 1) as f64);
        assert_eq!(outcome, Outcome::Fail);
        let row = text.lines().find(|line| line.starts_with("| `net_bps` | 7-61 | 55 |")).expect("a row");
        assert!(row.contains("-0.60") && row.ends_with("| 0.5 h | gets steadily worse |"), "{row}");
        assert!(text.contains("iterations times the usual distance of their time stamps"), "{text}");
    }

    #[test]
    fn a_step_is_reported_with_its_place_and_size_and_a_spike_is_none() {
        let step = |number: u64| match number {
            20 => 9.0,
            number if number >= 60 => 3.0,
            _ => 4.0,
        };
        let (text, _) = reported(100, step);
        let line =
            text.lines().find(|line| line.starts_with("- `net_bps`: worsened from")).expect("a change");
        assert!(line.contains("at iteration 60 (-1.00 bps"), "{line}");
        // 140 mod 13 is 10: the wave adds 10/130 - 0.05 to 9.
        assert!(text.contains("  - outlier in iteration 20: 9.03 where"), "{text}");
    }

    #[test]
    fn a_short_run_says_that_it_is_too_short() {
        let (text, outcome) = reported(24, |_| 3.0);
        assert_eq!(outcome, Outcome::Pass);
        assert!(text.contains("- `net_bps`: too few values (18)"), "{text}");
    }
}

use super::*;
