//! What the reader of the policy promises, asked from outside.

mod defaults {

    use crate::core::iteration::guards::Guard;
    use crate::core::iteration::params::ParamName;
    use crate::core::kpi::KpiId;
    use crate::core::policy::{FreezeRule, GateSet, Policy, Statistic, Step, Subject, WindowSpec};
    use crate::core::verdict::Comparison::{Above, AtLeast, AtMost, Below};
    use crate::core::verdict::{Comparison, Outcome, Severity};

    use super::super::read;
    use super::with_file;

    fn built_in() -> Policy {
        read(&[], &[]).unwrap_or_else(|errors| panic!("{errors}"))
    }

    /// KPI, statistic, comparison, limit.
    type Row = (KpiId, Statistic, Comparison, f64);

    fn rows(set: &GateSet) -> Vec<Row> {
        set.checks.iter().map(|gate| (gate.kpi, gate.statistic, gate.comparison, gate.limit.value)).collect()
    }

    #[test]
    fn the_windows_are_the_last_eight_and_from_seven_on() {
        let policy = built_in();
        assert_eq!((policy.windows.last_n, policy.windows.steady_start), (8, 7));
    }

    #[test]
    fn time_is_evidence_by_four_limits() {
        let rules = built_in().integrity;
        let limits =
            [&rules.elapsed_share, &rules.gap_intervals, &rules.ahead_minutes].map(|limit| limit.value);
        assert_eq!(limits, [0.9, 5.0, 5.0]);
        assert_eq!(rules.time_steps, Outcome::Warn);
    }

    #[test]
    fn an_iteration_passes_by_four_limits() {
        let set = built_in().iteration_pass;
        let expected = [
            (KpiId::NET_BPS, Statistic::Each, AtLeast, 2.7),
            (KpiId::RISK_RATIO, Statistic::Each, AtMost, 0.42),
            (KpiId::MAKER_TAKER_RATIO, Statistic::Each, AtLeast, 0.85),
            (KpiId::P95_LATENCY_MS, Statistic::Each, AtMost, 350.0),
        ];
        assert_eq!(rows(&set), expected);
        assert!(set.checks.iter().all(|gate| gate.severity == Severity::Hard && gate.margin == 0.0));
        assert!(set.checks.iter().all(|gate| gate.window == WindowSpec::LastN && gate.min_iterations == 1));
        assert_eq!(set.name, "iteration_pass");
    }

    #[test]
    fn mock_iterations_pass_by_relaxed_limits() {
        let expected = [
            (KpiId::NET_BPS, Statistic::Each, AtLeast, -10.0),
            (KpiId::RISK_RATIO, Statistic::Each, AtMost, 0.50),
            (KpiId::MAKER_TAKER_RATIO, Statistic::Each, AtLeast, 0.50),
            (KpiId::P95_LATENCY_MS, Statistic::Each, AtMost, 500.0),
        ];
        assert_eq!(rows(&built_in().iteration_pass_mock), expected);
    }

    #[test]
    fn the_run_verdict_requires_six_and_five_of_eight_and_a_freeze() {
        let rule = built_in().run_verdict;
        assert_eq!(rule.window, WindowSpec::LastN);
        assert_eq!((rule.pass_share.value * 8.0, rule.warn_share.value * 8.0), (6.0, 5.0));
        assert_eq!(rule.min_iterations, 8);
        assert_eq!(rule.freeze, FreezeRule::Require);
        assert_eq!(rule.freeze_source.key, "run_verdict.freeze");
        assert_eq!(rule.freeze_source.origin, "built-in policy");
    }

    #[test]
    fn readiness_looks_at_medians_of_the_last_eight() {
        let policy = built_in();
        let expected = [
            (KpiId::NET_BPS, Statistic::Median, AtLeast, 2.9),
            (KpiId::RISK_RATIO, Statistic::Median, AtMost, 0.40),
            (KpiId::MAKER_TAKER_RATIO, Statistic::Median, AtLeast, 0.83),
            (KpiId::P95_LATENCY_MS, Statistic::Median, AtMost, 330.0),
        ];
        assert_eq!(rows(&policy.readiness), expected);
        assert!(!policy.readiness.gates);
        assert!(policy.readiness.checks.iter().all(|gate| gate.min_iterations == 8));
        assert_eq!(policy.readiness_warn_below_iterations, 16);
    }

    #[test]
    fn each_goal_has_its_own_statistic() {
        let set = built_in().goals;
        let expected = [
            (KpiId::NET_BPS, Statistic::Mean, AtLeast, 2.5),
            (KpiId::RISK_RATIO, Statistic::Median, AtMost, 0.40),
            (KpiId::MAKER_TAKER_RATIO, Statistic::Mean, AtLeast, 0.83),
            (KpiId::P95_LATENCY_MS, Statistic::Max, AtMost, 340.0),
        ];
        assert_eq!(rows(&set), expected);
        assert!(!set.gates);
    }

    #[test]
    fn violations_have_two_levels_in_every_iteration() {
        let rules = built_in().violations;
        assert!(!rules.gates);
        assert_eq!(rules.window, WindowSpec::Overall);
        let levels: Vec<_> = rules
            .rules
            .iter()
            .map(|rule| (rule.kpi, rule.warn_when, rule.warn.value, rule.crit_when, rule.crit.value))
            .collect();
        let expected = [
            (KpiId::NET_BPS, Below, 3.0, Below, 2.5),
            (KpiId::RISK_RATIO, Above, 0.36, AtLeast, 0.40),
            (KpiId::MAKER_TAKER_RATIO, Below, 0.75, Below, 0.70),
            (KpiId::P95_LATENCY_MS, Above, 330.0, Above, 350.0),
        ];
        assert_eq!(levels, expected);
    }

    #[test]
    fn an_edge_report_has_seven_limits() {
        let policy = built_in();
        let limits: Vec<_> = policy
            .edge_report
            .iter()
            .map(|rule| {
                let warn = rule.warn.as_ref().map(|warn| warn.value);
                (rule.metric.as_str(), rule.miss_when, warn, rule.fail.value)
            })
            .collect();
        let expected = [
            ("adverse_bps_p95", Above, Some(4.0), 6.0),
            ("slippage_bps_p95", Above, Some(3.0), 5.0),
            ("cancel_ratio", Above, Some(0.55), 0.70),
            ("order_age_p95_ms", Above, Some(330.0), 360.0),
            ("ws_lag_p95_ms", Above, Some(120.0), 180.0),
            ("net_bps", Below, None, 2.5),
            ("maker_share_pct", Below, None, 85.0),
        ];
        assert_eq!(limits, expected);
    }

    #[test]
    fn the_long_report_has_four_hard_and_two_soft_gates() {
        let policy = built_in();
        let gates: Vec<_> = policy
            .run_gates
            .iter()
            .map(|gate| {
                (gate.name.as_str(), gate.metric.as_str(), gate.severity, gate.comparison, gate.limit.value)
            })
            .collect();
        let expected = [
            ("latency_p95", "tick_latency_ms.p95", Severity::Hard, AtMost, 150.0),
            ("hit_ratio", "mm_hit_ratio", Severity::Hard, AtLeast, 0.70),
            ("deadline_miss_rate", "mm_deadline_miss_rate", Severity::Hard, AtMost, 0.02),
            ("edge_bps", "mm_edge_bps_ema24h", Severity::Hard, AtLeast, 2.0),
            ("maker_share", "mm_maker_share_ratio", Severity::Soft, AtLeast, 0.85),
            ("ws_lag", "ws_lag_max_ms", Severity::Soft, AtMost, 200.0),
        ];
        assert_eq!(gates, expected);
    }

    #[test]
    fn deltas_anomalies_and_trend_have_their_limits() {
        let policy = built_in();
        assert!(policy.deltas.gates);
        assert_eq!(policy.deltas.full_apply_ratio.value, 0.90);
        assert_eq!(policy.deltas.full_apply_ratio_strict.value, 0.95);
        assert_eq!(policy.deltas.signature_stuck_max.value, 1.0);
        assert!(!policy.anomalies.gates);
        assert_eq!(policy.anomalies.latency_spike.value, 400.0);
        assert_eq!(policy.anomalies.risk_jump.value, 0.15);
        assert_eq!(policy.anomalies.maker_drop.value, 0.75);
        assert_eq!(policy.trend_relative_change.value, 0.05);
        let floors = policy.drift.floors.each_ref().map(|floor| floor.value);
        assert_eq!(floors, [1.0, 1.0, 0.5, 0.5]);
    }

    #[test]
    fn drift_warns_and_its_three_tables_share_a_rate_of_false_alarms_of_five_percent() {
        let policy = built_in();
        let drift = &policy.drift;
        assert!(drift.gates && drift.severity == Severity::Soft);
        assert_eq!((drift.min_iterations, drift.relative_change.value), (48, 0.05));
        let trend = [&policy.kpi_drift.trend, &policy.change_points.trend];
        for rules in trend {
            assert!(rules.gates && rules.severity == Severity::Soft && !rules.insists());
            assert_eq!((rules.min_iterations.value, rules.relative_change.value), (48.0, 0.05));
        }
        let rates = trend.map(|rules| rules.false_alarm_rate.value).iter().sum::<f64>();
        assert!((rates + drift.false_alarm_rate.value - 0.05).abs() < 1e-12);
        let horizon = policy.kpi_drift.horizon.expect("a soft drift can fail");
        assert_eq!((horizon.hours.value, horizon.spans.value), (168.0, 3.0));
        let never = with_file("[kpi_drift]\nhorizon_hours = \"none\"").expect("a policy");
        assert_eq!(never.kpi_drift.horizon, None);
        for wrong in ["0", "-1", "\"never\""] {
            assert!(with_file(&format!("[kpi_drift]\nhorizon_hours = {wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nine_rules_give_advice_in_this_order() {
        let policy = built_in();
        let mean = |kpi| Subject::Kpi(kpi, Statistic::Mean);
        let median_maker = Subject::Kpi(KpiId::MAKER_TAKER_RATIO, Statistic::Median);
        let (add, multiply) = (Step::Add, Step::Multiply);
        let expected = [
            (
                "high_risk",
                vec![(mean(KpiId::RISK_RATIO), Above, 0.42)],
                vec![("base_spread_bps_delta", add(0.03)), ("min_interval_ms", add(35.0))],
            ),
            (
                "low_maker_share",
                vec![(mean(KpiId::MAKER_TAKER_RATIO), Below, 0.85)],
                vec![("base_spread_bps_delta", add(0.015)), ("replace_rate_per_min", multiply(0.85))],
            ),
            (
                "maker_share_not_ready",
                vec![(median_maker.clone(), Below, 0.83)],
                vec![
                    ("min_interval_ms", add(15.0)),
                    ("rescue_max_ratio", multiply(0.85)),
                    ("rescue_min_edge_bps", add(0.5)),
                ],
            ),
            (
                "maker_share_has_room",
                vec![(median_maker, Below, 0.83), (mean(KpiId::ADVERSE_BPS_P95), AtMost, 3.5)],
                vec![("impact_cap_ratio", add(0.005)), ("max_delta_ratio", add(0.005))],
            ),
            (
                "adverse_selection",
                vec![(mean(KpiId::ADVERSE_BPS_P95), Above, 3.5)],
                vec![("impact_cap_ratio", add(-0.01)), ("max_delta_ratio", add(-0.01))],
            ),
            (
                "high_latency",
                vec![(mean(KpiId::P95_LATENCY_MS), Above, 350.0)],
                vec![("concurrency_limit", multiply(0.85)), ("tail_age_ms", add(75.0))],
            ),
            (
                "oscillation",
                vec![(Subject::Guard(Guard::Oscillation), Above, 1.0)],
                vec![("cooldown_iters", add(1.0)), ("max_delta_per_hour", multiply(0.8))],
            ),
            (
                "velocity",
                vec![(Subject::Guard(Guard::Velocity), Above, 0.0)],
                vec![("max_delta_per_hour", multiply(0.9))],
            ),
            (
                "low_edge",
                vec![(mean(KpiId::NET_BPS), Below, 2.7), (mean(KpiId::RISK_RATIO), AtMost, 0.40)],
                vec![("base_spread_bps_delta", add(0.01))],
            ),
        ];
        assert_eq!(policy.recommendations.len(), expected.len());
        for (rule, (name, conditions, changes)) in policy.recommendations.iter().zip(expected) {
            assert_eq!(rule.name, name);
            let found: Vec<_> =
                rule.conditions.iter().map(|c| (c.subject.clone(), c.comparison, c.limit.value)).collect();
            assert_eq!(found, conditions, "{name}");
            let changes: Vec<_> =
                changes.into_iter().map(|(param, step)| (ParamName::flat(param), step)).collect();
            assert_eq!(rule.changes, changes, "{name}");
        }
    }

    #[test]
    fn no_kpi_is_declared_and_every_value_says_where_it_comes_from() {
        let policy = built_in();
        assert_eq!(policy.kpis.ids().count(), 16);
        assert!(policy.effective.iter().all(|entry| entry.origin == "built-in policy"));
        assert!(policy.effective.windows(2).all(|pair| pair[0].key < pair[1].key));
        let source = &policy.readiness.checks[0].limit.source;
        assert_eq!(source.key, "readiness.kpi.net_bps.limit");
        assert_eq!(source.origin, "built-in policy");
    }

    #[test]
    fn a_release_needs_sixteen_iterations_and_95_percent_of_the_tuning() {
        let release = built_in().release;
        assert_eq!((release.min_iterations, release.full_apply_ratio.value), (16, 0.95));
        assert!(
            release.is_simulated("sim") && release.is_simulated("exec, sim") && release.is_simulated("mock")
        );
        assert!(!release.is_simulated("prometheus") && !release.is_simulated("simple"));
        assert_eq!(release.service, crate::core::policy::release::Service::default());
    }

    #[test]
    fn the_readiness_score_is_that_of_the_documents() {
        let score = built_in().release.score;
        let points = [
            &score.edge.points,
            &score.latency.points,
            &score.taker.points,
            &score.guards,
            &score.chaos,
            &score.tests,
        ];
        assert_eq!(points.map(|points| points.value), [30.0, 25.0, 15.0, 10.0, 10.0, 10.0]);
        assert_eq!(
            [&score.edge, &score.latency, &score.taker].map(|scored| scored.limit.value),
            [2.5, 350.0, 15.0]
        );
        assert_eq!((score.days, score.regression_share.value, score.warn_share.value), (7, 0.10, 0.10));
    }

    #[test]
    fn the_canary_is_looked_at_in_three_hours_and_rolled_back_within_ten_minutes() {
        use crate::core::policy::release::CanaryBound;
        let canary = built_in().release.canary;
        assert_eq!((canary.watch_hours_min, canary.watch_hours_max), (24.0, 48.0));
        assert_eq!((canary.step_minutes, canary.rollback_minutes, canary.full_minutes), (5, 10, 30));
        assert_eq!((canary.window_minutes, canary.statistic, canary.misses), (60, Statistic::Mean, 2));
        assert_eq!((canary.seen_share.value, canary.longest_gap_minutes.value), (0.9, 15.0));
        assert!(canary.triggers.iter().all(|trigger| !trigger.is_optional));
        let fixed = |index: usize| -> Vec<(KpiId, Comparison, f64)> {
            let limits = &canary.checkpoints[index].limits;
            let fixed = limits.iter().filter_map(|limit| match &limit.bound {
                CanaryBound::Fixed(bound) => Some((limit.kpi, limit.comparison, bound.value)),
                CanaryBound::FromSoak { .. } => None,
            });
            fixed.collect()
        };
        assert_eq!(
            canary.checkpoints.iter().map(|hour| hour.after_hours).collect::<Vec<_>>(),
            [1.0, 6.0, 24.0]
        );
        let risk = |value| (KpiId::RISK_RATIO, AtMost, value);
        let maker = |value| (KpiId::MAKER_TAKER_RATIO, AtLeast, value);
        let p95 = |value| (KpiId::P95_LATENCY_MS, AtMost, value);
        assert_eq!(fixed(0), [risk(0.50), maker(0.75), p95(400.0)]);
        assert_eq!(fixed(1), [(KpiId::NET_BPS, Above, 0.0), risk(0.45), maker(0.80), p95(350.0)]);
        assert_eq!(fixed(2), []);
        let from_soak = canary.checkpoints[2].limits.iter().map(|limit| match &limit.bound {
            CanaryBound::FromSoak { statistic, margin, decimals } => {
                (limit.kpi, *statistic, margin.value, *decimals)
            }
            CanaryBound::Fixed(_) => panic!("hour 24 follows the soak"),
        });
        assert_eq!(
            from_soak.collect::<Vec<_>>(),
            [
                (KpiId::NET_BPS, Statistic::Mean, 0.4, 1),
                (KpiId::RISK_RATIO, Statistic::Median, 0.03, 2),
                (KpiId::MAKER_TAKER_RATIO, Statistic::Mean, 0.02, 2),
                (KpiId::P95_LATENCY_MS, Statistic::Max, 20.0, 0),
            ]
        );
        let triggers = canary.triggers.iter().map(|trigger| {
            (trigger.metric.as_str(), trigger.comparison, trigger.limit.value, trigger.for_minutes)
        });
        assert_eq!(
            triggers.collect::<Vec<_>>(),
            [
                ("maker_taker_ratio", Below, 0.70, 5),
                ("p95_latency_ms", Above, 500.0, 5),
                ("risk_ratio", Above, 0.60, 5),
                ("net_bps", Below, 0.0, 10),
                ("error_ratio", Above, 0.05, 5),
            ]
        );
        assert_eq!(
            canary.stages.iter().map(|stage| (stage.percent, stage.hold_hours)).collect::<Vec<_>>(),
            [(5.0, 24.0), (25.0, 12.0), (50.0, 6.0), (100.0, 24.0)]
        );
    }
}
mod errors {

    use proptest::prelude::*;

    use super::super::SeasonRule;
    use super::super::run::Bound;
    use super::super::{BUILT_IN, Layer, Origin, Patch, Policy, PolicyErrors, read};
    use super::{error_of, errors_of};

    fn policy_of(text: &str) -> Result<Policy, PolicyErrors> {
        read(&[Layer { origin: Origin::File("p.toml".to_owned()), text: text.to_owned() }], &[])
    }

    fn read_text(text: &str) -> Result<(), PolicyErrors> {
        policy_of(text).map(|_| ())
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_reported_with_line_column_and_key() {
        assert_eq!(
            error_of("\n[readiness.kpi.net_bps]\nlimit = \"2.9\"\n"),
            "`p.toml`:4:9: `readiness.kpi.net_bps.limit`: expected a number, found a string"
        );
        assert_eq!(
            error_of("windows.last_n = 8.0"),
            "`p.toml`:2:18: `windows.last_n`: expected a whole number, found a float"
        );
        assert_eq!(
            error_of("[goals]\ngates = \"yes\""),
            "`p.toml`:3:9: `goals.gates`: expected `true` or `false`, found a string"
        );
        assert_eq!(
            error_of("[trend]\nrelative_change = 2025-10-11"),
            "`p.toml`:3:19: `trend.relative_change`: expected a number, found a date or time"
        );
        assert_eq!(
            error_of("windows.last_n = 99999999999999999999"),
            "`p.toml`:2:18: `windows.last_n`: expected a whole number, found an integer beyond 64 bits"
        );
    }

    #[test]
    fn rules_of_integrity_that_could_never_hold_are_reported() {
        for (text, words) in [
            ("time_steps = \"fail\"", "`integrity.time_steps`: unknown outcome `fail`"),
            ("elapsed_share = 0", "`integrity.elapsed_share`: expected"),
            ("elapsed_share = 1.01", "`integrity.elapsed_share`: expected"),
            ("gap_intervals = 1", "`integrity.gap_intervals`: expected a number above 1, found 1"),
            ("ahead_minutes = -1", "`integrity.ahead_minutes`: expected"),
        ] {
            let error = error_of(&format!("[integrity]\n{text}"));
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_table_in_the_place_of_a_value_and_the_reverse_are_reported() {
        assert_eq!(
            error_of("[windows.last_n]\nlength = 8"),
            "`p.toml`:2:10: `windows.last_n`: expected a whole number, found a table"
        );
        assert_eq!(
            error_of("readiness = 3"),
            "`p.toml`:2:1: `readiness`: expected a table, found an integer"
        );
        assert_eq!(
            error_of("[readiness]\nkpi = \"net_bps\""),
            "`p.toml`:3:1: `readiness.kpi`: expected a table, found a string"
        );
    }

    #[test]
    fn unknown_keys_are_reported_once_with_what_was_probably_meant() {
        assert_eq!(
            error_of("[readiness]\nstatistics = \"mean\""),
            "`p.toml`:3:1: `readiness.statistics`: unknown key, did you mean `readiness.statistic`?"
        );
        assert_eq!(
            error_of("[readyness.kpi.net_bps]\ncomparison = \">=\"\nlimit = 3"),
            "`p.toml`:2:2: `readyness`: unknown key, did you mean `readiness`?"
        );
        assert_eq!(error_of("zebra_crossing = 1"), "`p.toml`:2:1: `zebra_crossing`: unknown key");
        assert_eq!(error_of("[zebra_crossing]"), "`p.toml`:2:2: `zebra_crossing`: unknown key");
        // Iterations are judged one by one, in the window of the run verdict.
        assert_eq!(
            error_of("[iteration_pass]\nstatistic = \"mean\""),
            "`p.toml`:3:1: `iteration_pass.statistic`: unknown key"
        );
    }

    #[test]
    fn unknown_words_are_reported_with_the_known_ones() {
        assert_eq!(
            error_of("readiness.statistic = \"medain\""),
            "`p.toml`:2:23: `readiness.statistic`: unknown statistic `medain` (did you mean `median`?); \
         expected `each`, `mean`, `median`, `min`, `max`, `p5`, `p95`"
        );
        assert_eq!(
            error_of("goals.window = \"last8\""),
            "`p.toml`:2:16: `goals.window`: unknown window `last8`; expected `last_n`, `steady`, `overall`, or `last 5`"
        );
        assert_eq!(
            error_of("readiness.kpi.net_bps.comparison = \"=>\""),
            "`p.toml`:2:36: `readiness.kpi.net_bps.comparison`: unknown comparison `=>` (did you mean `>=`?); \
         expected `<=`, `>=`, `<`, `>`"
        );
        assert!(
            error_of("readiness.severity = \"Hard\"")
                .contains("unknown severity `Hard` (did you mean `hard`?)")
        );
        assert!(error_of("run_verdict.freeze = \"required\"").contains("did you mean `require`?"));
        assert!(error_of("edge_report.net_bps.miss_when = \"<=\"").contains("expected `>`, `<`"));
    }

    #[test]
    fn unknown_kpis_parameters_and_guards_are_reported() {
        assert_eq!(
            error_of("[readiness.kpi.net_bp]\ncomparison = \">=\"\nlimit = 3"),
            "`p.toml`:2:16: `readiness.kpi.net_bp`: unknown KPI `net_bp` (did you mean `net_bps`?); \
         declare it as `[kpi.<name>]` if it is new"
        );
        assert!(error_of("[goals.kpi.maker_ratio]").contains("(here it goes by `maker_taker_ratio`)"));
        assert!(
            error_of("[recommendations.high_risk]\nkpi = \"risk\"")
                .contains("(here it goes by `risk_ratio`)")
        );
        assert!(
            error_of("[recommendations.velocity]\nguard = \"velocty\"").contains("did you mean `velocity`?")
        );
        assert_eq!(
            error_of("[recommendations.velocity.change]\nmin_interval = { add = 1 }"),
            "`p.toml`:3:1: `recommendations.velocity.change.min_interval`: unknown parameter `min_interval` \
         (did you mean `min_interval_ms`?)"
        );
        assert!(
            error_of("[recommendations.velocity.change]\n\"taker_rescue.cooldown_ms\" = { add = 1 }")
                .contains("(here it goes by `rescue_cooldown_ms`)")
        );
    }

    #[test]
    fn bad_syntax_is_reported_with_its_place_and_hides_no_other_layer() {
        let broken =
            Layer { origin: Origin::File("a.toml".into()), text: "schema_version = 1\n[windows\n".into() };
        let wrong = Layer {
            origin: Origin::File("b.toml".into()),
            text: "schema_version = 1\nwindows.last_n = 0\n".into(),
        };
        let errors = read(&[broken, wrong], &[]).expect_err("both are wrong").to_string();
        let lines: Vec<&str> = errors.lines().collect();
        assert_eq!(lines.len(), 2, "{errors}");
        assert!(lines[0].starts_with("`a.toml`:2:9: not valid TOML: "), "{errors}");
        assert!(lines[1].starts_with("`b.toml`:2:18: `windows.last_n`: expected 1 or more"), "{errors}");
    }

    #[test]
    fn a_duplicate_key_is_reported_at_its_second_place_together_with_other_errors() {
        let errors = errors_of("windows.last_n = 8\nwindows.last_n = 9\nwindows.steady_start = 0\n");
        assert_eq!(errors.len(), 2, "{errors:#?}");
        assert!(
            errors.iter().any(|e| e.starts_with("`p.toml`:3:9: not valid TOML: duplicate key")),
            "{errors:#?}"
        );
        assert!(errors.iter().any(|e| e.starts_with("`p.toml`:4:24: `windows.steady_start`")), "{errors:#?}");
    }

    #[test]
    fn the_season_is_a_word_and_auto_unless_it_is_written() {
        let season =
            |text: &str| policy_of(text).map(|policy| policy.windows.season).map_err(|it| it.to_string());
        assert_eq!(season(""), Ok(SeasonRule::Auto));
        for (word, rule) in [("auto", SeasonRule::Auto), ("24h", SeasonRule::Daily), ("off", SeasonRule::Off)]
        {
            assert_eq!(season(&format!("windows.season = \"{word}\"\n")), Ok(rule));
        }
        assert_eq!(
            season("windows.season = \"24\"\n"),
            Err("`p.toml`:1:18: `windows.season`: unknown season `24` (did you mean `24h`?); expected `auto`, `24h`, `off`"
                .to_owned())
        );
        let number = season("windows.season = 24\n").expect_err("no word");
        assert!(number.ends_with("expected `auto`, `24h`, `off`, found an integer"), "{number}");
    }

    #[test]
    fn a_layer_may_say_which_version_it_is_written_in_and_no_other_than_this_one() {
        let message = |text| read_text(text).err().map(|errors| errors.to_string());
        assert_eq!(message("windows.last_n = 9\n"), None);
        assert_eq!(message(""), None);
        // Keys of another version are not looked at.
        assert_eq!(
            message("schema_version = 2\nnew_key = 9\n"),
            Some(
                "`p.toml`:1:18: `schema_version`: unknown version 2, this program reads version 1".to_owned()
            )
        );
        assert!(message("schema_version = \"1\"\n").is_some_and(|m| m.contains("expected a whole number")));
        assert_eq!(message("\u{feff}schema_version = 1\r\nwindows.last_n = 9\r\n"), None);
    }

    #[test]
    fn a_run_gate_can_look_only_at_a_metric_of_a_run() {
        let error = error_of("[run_gates.hit_ratio]\nmetric = \"mm_hit_ration\"\n");
        assert_eq!(
            error,
            "`p.toml`:3:10: `run_gates.hit_ratio.metric`: `mm_hit_ration` is no metric of a run (did you mean \
         `mm_hit_ratio`?); expected one of duration_hours, mm_deadline_miss_rate, mm_edge_bps_ema1h, \
         mm_edge_bps_ema24h, mm_hit_ratio, mm_maker_share_ratio, tick_latency_ms.p50, tick_latency_ms.p95, \
         ws_lag_max_ms"
        );
    }

    #[test]
    fn outside_trading_a_run_gate_looks_at_a_kpi() {
        let gate = |metric: &str, more: &str| {
            let text = format!(
                "extends = \"service\"\n[run_gates.g]\nmetric = \"{metric}\"\nseverity = \"hard\"\n\
                 comparison = \"<=\"\nlimit = 0.5\n{more}"
            );
            policy_of(&format!("schema_version = 1\n{text}"))
        };
        for metric in ["error_ratio", "error_ratio.max", "p95_ms.p5", "rss_mb.median"] {
            let policy = gate(metric, "").expect("a statistic of a KPI");
            assert_eq!(policy.run_gates[0].metric, metric);
        }
        // A gate does not vanish with its KPI.
        let out = "[kpi.cpu_pct]\nenabled = false\n";
        let reported = gate("cpu_pct.max", out).expect_err("a gate that would judge nothing").to_string();
        assert!(reported.contains("`cpu_pct` is taken out (`kpi.cpu_pct.enabled`)"), "{reported}");
        let without = gate("cpu_pct.max", &format!("enabled = false\n{out}")).expect("both are out");
        assert_eq!(without.run_gates, []);
        let hours = gate("duration_hours", "").expect("every run has a duration");
        assert_eq!(hours.run_gates[0].metric, "duration_hours");
        let error = |metric| gate(metric, "").expect_err("an error").to_string();
        assert_eq!(
            error("eror_ratio"),
            "`p.toml`:4:10: `run_gates.g.metric`: `eror_ratio` is no metric of a run (did you mean `error_ratio`?); \
             expected duration_hours or a KPI, as in `request_rate` (its mean) or `request_rate.max` (mean, median, min, \
             max, p5, p95)"
        );
        for metric in ["mm_hit_ratio", "net_bps", "error_ratio.each", "error_ratio.p99", "error_ratio."] {
            assert!(error(metric).contains("is no metric of a run"), "{metric}");
        }
        assert!(
            error("request_rate").contains("for `request_rate` higher is better"),
            "{}",
            error("request_rate")
        );
    }

    #[test]
    fn the_verdict_on_an_iteration_is_that_of_iteration_pass_where_it_says_nothing_itself() {
        let own = "[iteration_verdict.fail.slow]\nkpi = \"p95_ms\"\ncomparison = \">\"\nlimit = 900.0\n";
        let soft = "[iteration_pass.kpi.p95_ms]\nseverity = \"soft\"\ncomparison = \"<\"\nlimit = 300.0\n";
        let rules = |text: &str| {
            let text = format!("schema_version = 1\nextends = \"service\"\n{text}");
            let rules = policy_of(&text).expect("a fine policy").run.iteration_verdict;
            let of = |bounds: &[Bound]| -> Vec<String> {
                let words = |b: &Bound| format!("{} {} {}", b.kpi, b.comparison.symbol(), b.limit.value);
                bounds.iter().map(words).collect()
            };
            (of(&rules.fail), of(&rules.warn), rules.of_iteration_pass)
        };
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(rules(soft), (texts(&["error_ratio > 0.01"]), texts(&["p95_ms >= 300"]), true));
        assert_eq!(rules(own), (texts(&["p95_ms > 900"]), texts(&[]), false));
        // Each reason of the trading bot taken out is still its own verdict: always PASS.
        let trading = "schema_version = 1\niteration_verdict.fail.net.enabled = false\n";
        assert!(!policy_of(trading).expect("a fine policy").run.iteration_verdict.of_iteration_pass);
    }

    #[test]
    fn one_limit_on_iterations_must_be_hard() {
        for set in ["iteration_pass", "iteration_pass_mock"] {
            let error = error_of(&format!("[{set}]\nseverity = \"soft\"\n"));
            assert_eq!(
                error,
                format!(
                    "`p.toml`:2:2: `{set}`: has no hard limit in force, so nothing could fail; one must have \
                 `severity = \"hard\"`"
                )
            );
            let one = format!("[{set}]\nseverity = \"soft\"\n[{set}.kpi.net_bps]\nseverity = \"hard\"\n");
            assert_eq!(errors_of(&one), [""; 0]);
        }
    }

    #[test]
    fn new_entries_must_be_complete() {
        let errors =
            errors_of("[goals.kpi.gross_bps]\nlimit = 0.5\n[run_gates.x]\nmetric = \"mm_hit_ratio\"\n");
        assert_eq!(
            errors,
            [
                "`p.toml`:2:12: `goals.kpi.gross_bps.comparison`: is missing, expected `<=`, `>=`, `<`, `>`",
                "`p.toml`:4:12: `run_gates.x.comparison`: is missing, expected `<=`, `>=`, `<`, `>`",
                "`p.toml`:4:12: `run_gates.x.limit`: is missing, expected a number",
                "`p.toml`:4:12: `run_gates.x.severity`: is missing, expected `hard`, `soft`",
            ]
        );
        let rule = "[recommendations.x]\ncomparison = \">\"\nlimit = 1\n[recommendations.x.change]\n";
        let errors = errors_of(&format!("{rule}tail_age_ms = {{}}\n"));
        assert_eq!(errors.len(), 2, "{errors:#?}");
        assert!(
            errors[0].ends_with("`recommendations.x`: is missing its subject, expected `kpi` or `guard`")
        );
        assert!(errors[1].ends_with("is missing its step, expected `add` or `multiply`"));
        assert!(
            error_of("recommendations.velocity.change.tail_age_ms = { add = 1, multiply = 2 }")
                .contains("has both `add` and `multiply`")
        );
        assert!(
            error_of("[recommendations.velocity]\nkpi = \"net_bps\"\nguard = \"no_op\"\n")
                .contains("has both `kpi` and `guard`")
        );
        assert!(
            error_of("[recommendations.velocity]\nkpi = \"net_bps\"\n").contains("statistic`: is missing")
        );
        assert!(
            error_of("recommendations.low_edge.statistic = \"each\"").contains("advice needs one number")
        );
    }

    #[test]
    fn kpis_that_clash_or_cannot_have_values_are_refused() {
        let declare =
            |name: &str, more: &str| format!("[kpi.{name}]\nunit = \"x\"\ndirection = \"none\"\n{more}\n");
        assert_eq!(
            error_of(&declare("net_bps", "")),
            "`p.toml`:2:6: `kpi.net_bps`: `net_bps` is already a name of KPI `net_bps`"
        );
        assert!(
            error_of(&declare("x", "aliases = [\"p95\"]")).contains("already a name of KPI `p95_latency_ms`")
        );
        assert!(error_of(&declare("x", "aliases = [\"y\", \"y\"]")).contains("`y` is listed twice"));
        assert!(
            error_of(&declare("x", "aliases = \"y\"")).contains("expected a list of strings, found a string")
        );
        assert!(error_of(&declare("x", "aliases = [1]")).contains("expected a string, found an integer"));
        assert!(error_of(&declare("x", "lowest = 1\nhighest = 1")).contains("no value lies between them"));
        assert!(error_of(&declare("x", "floor = -1")).contains("expected 0 or more"));
        assert!(error_of(&declare("\"x-y\"", "")).contains("expected a name of letters, digits and `_`"));
        // A limit on a KPI whose declaration is wrong is no second error.
        let limit = "[goals.kpi.x]\ncomparison = \"<\"\nlimit = 5";
        assert!(error_of(&declare("x", &format!("floor = -1\n{limit}"))).contains("`kpi.x.floor`"));
        assert!(error_of("[kpi.x]\ndirection = \"lower\"").contains("`kpi.x.unit`: is missing"));
        assert!(
            error_of("[kpi.x]\nunit = \"ms\"\ndirection = \"down\"").contains("unknown direction `down`")
        );
    }

    #[test]
    fn errors_in_flags_name_the_flag() {
        let patch = |key: &str, value: &str| Patch {
            key: key.to_owned(),
            value: value.to_owned(),
            origin: Origin::Flag("--last-n".to_owned()),
        };
        let message = |key, value| read(&[], &[patch(key, value)]).err().map(|errors| errors.to_string());
        assert_eq!(
            message("windows.last_n", "0").as_deref(),
            Some(
                "flag --last-n: `windows.last_n`: expected 1 or more, found 0: nothing would ever be judged"
            )
        );
        assert_eq!(
            message("windows.last_n", "many").as_deref(),
            Some("flag --last-n: `windows.last_n`: expected a whole number, found a string")
        );
        assert_eq!(
            message("window.last_n", "9").as_deref(),
            Some("flag --last-n: `window`: unknown key, did you mean `windows`?")
        );
    }

    #[test]
    fn all_errors_are_reported_at_once_in_the_order_of_their_places() {
        let errors = errors_of(concat!(
            "[windows]\nlast_n = 0\n",
            "[readiness]\nwindow = \"all\"\nstatistik = \"mean\"\n",
            "[goals.kpi.net_bps]\nlimit = \"x\"\n",
            "[anomalies]\nrisk_jump = 2.0\n",
        ));
        let places: Vec<&str> = errors.iter().filter_map(|error| error.split(": ").next()).collect();
        assert_eq!(
            places,
            ["`p.toml`:3:10", "`p.toml`:5:10", "`p.toml`:6:1", "`p.toml`:8:9", "`p.toml`:10:13"]
        );
    }

    #[test]
    fn keys_that_nest_without_end_are_refused() {
        let mut texts = [100, 100_000].map(|depth| format!("{}a = 1", "a.".repeat(depth))).to_vec();
        texts.push(format!("[{}a]\na = 1", "a.".repeat(100_000)));
        texts.push(format!("a = {}{}", "[".repeat(5000), "]".repeat(5000)));
        texts.push(format!("a = {}1{}", "{ a = ".repeat(5000), "}".repeat(5000)));
        for text in texts {
            let errors = errors_of(&text);
            assert!(!errors.is_empty(), "{}", &text[..40]);
        }
        // A key of a patch is no TOML; only so many parts of it are looked at.
        let key = "a.".repeat(100_000);
        assert!(
            read(&[], &[Patch { key, value: "1".to_owned(), origin: Origin::Env("X".to_owned()) }]).is_err()
        );
    }

    /// Lines that look like a policy: known and unknown keys, good and bad values.
    fn lines() -> impl Strategy<Value = String> {
        let key = prop_oneof![
            Just("windows.last_n"),
            Just("readiness.kpi.net_bps.limit"),
            Just("run_verdict.min_iterations"),
            Just("recommendations.x.change.tail_age_ms.add"),
            Just("recommendations.x.kpi"),
            Just("kpi.x.unit"),
            Just("kpi.x"),
            Just("violations"),
            Just("\"\".x"),
        ];
        let value = prop_oneof![
            Just("1".to_owned()),
            Just("nan".to_owned()),
            Just("\"last 3\"".to_owned()),
            Just("{ add = 1 }".to_owned()),
            Just("[1, \"a\"]".to_owned()),
            any::<f64>().prop_map(|value| format!("{value:?}")),
            "[a-z\"'\\[\\]{}=.# ]{0,12}",
        ];
        prop::collection::vec((key, value).prop_map(|(key, value)| format!("{key} = {value}\n")), 0..8)
            .prop_map(|lines| lines.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>()) {
            let _ = read_text(&text);
            let _ = read_text(&format!("schema_version = 1\n{text}"));
        }

        #[test]
        fn nothing_that_looks_like_a_policy_makes_the_reader_panic(text in lines()) {
            let _ = read_text(&format!("schema_version = 1\n{text}"));
        }

        #[test]
        fn a_damaged_policy_is_read_or_refused_with_at_least_one_error(
            at in 0..BUILT_IN.len(), length in 0..40_usize, put in "[a-z0-9\\[\\]\"=.\n]{0,4}",
        ) {
            prop_assume!(BUILT_IN.is_ascii());
            let end = (at + length).min(BUILT_IN.len());
            let damaged = format!("{}{put}{}", &BUILT_IN[..at], &BUILT_IN[end..]);
            if let Err(errors) = read_text(&damaged) {
                prop_assert!(errors.iter().count() > 0);
                prop_assert!(errors.iter().all(|error| error.position.is_some()));
            }
        }

        #[test]
        fn no_patch_makes_the_reader_panic(key in any::<String>(), value in any::<String>()) {
            let _ = read(&[], &[Patch { key, value, origin: Origin::Env("X".to_owned()) }]);
        }
    }
}
mod gates {

    use super::{error_of, errors_of, with_file};
    use crate::core::kpi::KpiId;
    use crate::core::policy::{HoldCount, Judge, KpiGate, Policy, Statistic};

    #[test]
    fn numbers_that_nothing_compares_with_are_refused() {
        for value in ["nan", "inf", "-inf"] {
            let error = error_of(&format!("readiness.kpi.net_bps.limit = {value}"));
            assert!(error.contains("expected a finite number"), "{error}");
        }
    }

    #[test]
    fn limits_that_can_never_fail_or_never_hold_are_refused() {
        let pointless = |text: &str| error_of(text);
        assert_eq!(
            pointless("iteration_pass.kpi.risk_ratio.limit = 1.0"),
            "`p.toml`:2:39: `iteration_pass.kpi.risk_ratio.limit`: `<= 1` can never fail: \
         values lie between 0 and 1"
        );
        assert!(errors_of("iteration_pass.kpi.risk_ratio.limit = 0.999").is_empty());
        assert!(pointless("readiness.kpi.maker_taker_ratio.limit = 0").contains("can never fail"));
        assert!(errors_of("readiness.kpi.maker_taker_ratio.limit = 0.001").is_empty());
        assert!(pointless("readiness.kpi.maker_taker_ratio.limit = 83").contains("can never hold"));
        assert!(pointless("iteration_pass_mock.kpi.risk_ratio.limit = 50").contains("can never fail"));
        assert!(
            pointless("readiness.kpi.p95_latency_ms.limit = -1")
                .contains("can never hold: values are at least 0")
        );
        assert!(pointless("violations.kpi.risk_ratio.crit = 1.5").contains("can never be reached"));
        assert!(pointless("edge_report.cancel_ratio.fail = 1.0").contains("can never be reached"));
        assert!(pointless("edge_report.maker_share_pct.fail = 0").contains("can never be reached"));
        assert!(errors_of("edge_report.maker_share_pct.fail = 0.85").is_empty());
        assert!(pointless("run_gates.hit_ratio.limit = 0.0").contains("can never fail"));
        assert!(pointless("run_gates.deadline_miss_rate.limit = 2").contains("can never fail"));
        assert!(pointless("anomalies.risk_jump = 1.0").contains("can never be reached"));
        assert!(pointless("anomalies.maker_drop = 75").contains("is always reached"));
        assert!(pointless("recommendations.velocity.limit = -1").contains("is always reached"));
    }

    #[test]
    fn a_gate_that_requires_the_bad_side_is_refused() {
        assert_eq!(
            error_of("readiness.kpi.net_bps.comparison = \"<=\""),
            "`p.toml`:2:36: `readiness.kpi.net_bps.comparison`: found `<=`, but for `net_bps` higher is better; \
         expected `>=` or `>`"
        );
        assert!(error_of("violations.kpi.risk_ratio.crit_when = \"<\"").contains("expected `>=` or `>`"));
        assert!(error_of("edge_report.net_bps.miss_when = \">\"").contains("expected `<=` or `<`"));
    }

    #[test]
    fn inverted_levels_are_refused_and_equal_ones_are_not() {
        assert!(error_of("violations.kpi.net_bps.crit = 3.01").contains("limits are inverted"));
        assert!(errors_of("violations.kpi.net_bps.crit = 3.0").is_empty());
        assert!(error_of("violations.kpi.p95_latency_ms.crit = 329").contains("limits are inverted"));
        assert!(error_of("edge_report.adverse_bps_p95.fail = 3.9").contains("limits are inverted"));
        assert!(errors_of("edge_report.adverse_bps_p95.fail = 4.0").is_empty());
        assert!(
            error_of("run_verdict.pass_share = 0.6").contains("is below `run_verdict.warn_share`, 0.625")
        );
        assert!(errors_of("run_verdict.pass_share = 0.625").is_empty());
        assert!(
            error_of("deltas.full_apply_ratio_strict = 0.89")
                .contains("is below `deltas.full_apply_ratio`, 0.9")
        );
        let undirected = concat!(
            "[kpi.x]\nunit = \"x\"\ndirection = \"none\"\n",
            "[violations.kpi.x]\nwarn_when = \">\"\nwarn = 1\ncrit_when = \"<\"\ncrit = 2\n"
        );
        assert!(error_of(undirected).contains("look in different directions"));
    }

    #[test]
    fn shares_counts_and_margins_keep_to_their_range() {
        for (text, part) in [
            ("run_verdict.pass_share = 75", "expected a share above 0 and at most 1, found 75"),
            ("run_verdict.warn_share = 0", "expected a share above 0 and at most 1, found 0"),
            ("deltas.full_apply_ratio = 1.01", "expected a share"),
            ("trend.relative_change = -0.05", "expected a share"),
            ("windows.last_n = 0", "expected 1 or more, found 0"),
            ("windows.last_n = -8", "expected 0 or more, found -8"),
            ("goals.margin = -0.1", "expected 0 or more, found -0.1"),
            ("goals.kpi.net_bps.margin = -1", "expected 0 or more, found -1"),
            ("deltas.signature_stuck_max = -1", "expected 0 or more, found -1"),
            ("readiness.min_iterations = 0", "expected 1 or more, found 0"),
            ("readiness.window = \"last 0\"", "expected 1 or more"),
            ("anomalies.latency_spike_ms = 0", "expected a number above 0"),
            ("recommendations.velocity.change.max_delta_per_hour.multiply = 0", "expected a number above 0"),
            ("recommendations.velocity.change.max_delta_per_hour.multiply = 1", "changes nothing"),
            ("recommendations.high_risk.change.min_interval_ms.add = 0", "changes nothing"),
        ] {
            let error = error_of(text);
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(errors_of("deltas.signature_stuck_max = 0").is_empty());
        assert!(errors_of("deltas.full_apply_ratio = 0.95").is_empty());
    }

    #[test]
    fn a_minimum_must_fit_into_its_window() {
        assert_eq!(
            error_of("run_verdict.min_iterations = 9"),
            "`p.toml`:2:30: `run_verdict.min_iterations`: a window of 8 never holds 9 iterations; \
         expected at most 8, or `window`"
        );
        assert!(errors_of("run_verdict.min_iterations = 8").is_empty());
        assert!(error_of("[readiness]\nwindow = \"last 5\"\nmin_iterations = 6").contains("a window of 5"));
        assert!(errors_of("[readiness]\nwindow = \"last 5\"\nmin_iterations = 5").is_empty());
        assert!(errors_of("[readiness]\nwindow = \"overall\"\nmin_iterations = 100").is_empty());
        // The built-in policy contains the minimum, but it is the new window that it does not fit.
        let error = error_of("readiness.window = \"steady\"");
        assert!(error.contains("the window `steady` has no fixed length"), "{error}");
    }

    #[test]
    fn a_group_that_would_judge_nothing_is_refused() {
        let without = |set: &str, of: &str| {
            ["net_bps", "risk_ratio", "maker_taker_ratio", "p95_latency_ms"]
                .map(|kpi| format!("{set}.kpi.{kpi}.enabled = false\n"))
                .concat()
                + of
        };
        for set in ["iteration_pass", "iteration_pass_mock", "readiness"] {
            let error = error_of(&without(set, ""));
            assert!(error.contains(&format!("`{set}`: has no limit in force")), "{error}");
        }
        assert!(errors_of(&without("goals", "")).is_empty());
        assert!(error_of(&without("goals", "goals.gates = true\n")).contains("has no limit in force"));
        assert!(
            error_of(&without("violations", "violations.gates = true\n")).contains("has no limit in force")
        );
        assert!(
            error_of("recommendations.velocity.change.max_delta_per_hour.enabled = false")
                .contains("changes nothing; expected at least one parameter")
        );
    }

    fn net(policy: &Policy) -> &KpiGate {
        let of_net = |gate: &&KpiGate| gate.kpi == KpiId::NET_BPS;
        policy.readiness.checks.iter().find(of_net).expect("a limit on net")
    }

    #[track_caller]
    fn read(text: &str) -> Policy {
        with_file(text).unwrap_or_else(|errors| panic!("{errors}"))
    }

    #[test]
    fn gates_judge_the_point_unless_the_set_or_the_kpi_requires_a_bound() {
        assert_eq!((net(&read("")).judge, net(&read("")).count), (Judge::Point, None));
        let set = read("[readiness]\njudge = \"lower\"\nconfidence = 0.9\n");
        assert!(set.readiness.checks.iter().all(|gate| gate.judge == Judge::Lower(0.9)));
        let one = read("[readiness.kpi.net_bps]\njudge = \"upper\"\n");
        assert_eq!(net(&one).judge, Judge::Upper(0.95));
        assert_eq!(one.readiness.checks.iter().filter(|gate| gate.judge != Judge::Point).count(), 1);
    }

    #[test]
    fn a_bound_that_can_never_be_had_is_reported_with_its_place() {
        assert_eq!(
            error_of("[readiness.kpi.net_bps]\nstatistic = \"min\"\njudge = \"lower\""),
            "`p.toml`:4:9: `readiness.kpi.net_bps.judge`: a bound is known for `mean` and `median`, not for `min`; \
         expected `point`, or another statistic"
        );
        assert_eq!(
            error_of("[readiness.kpi.net_bps]\nwindow = \"last 5\"\njudge = \"lower\""),
            "`p.toml`:4:9: `readiness.kpi.net_bps.judge`: a window of 5 never gives a bound; expected `point`, or a \
         window of at least 6"
        );
        assert!(errors_of("[readiness.kpi.net_bps]\nwindow = \"last 6\"\njudge = \"lower\"").is_empty());
        let unknown = error_of("[goals]\njudge = \"lowest\"");
        assert!(unknown.starts_with("`p.toml`:3:9: `goals.judge`: unknown judge `lowest`"), "{unknown}");
        for confidence in ["0.5", "1.0", "95", "-1"] {
            let error = error_of(&format!("[goals]\nconfidence = {confidence}"));
            assert!(error.contains("expected a share above 0.5 and below 1"), "{error}");
        }
        assert!(errors_of("[goals]\nconfidence = 0.501").is_empty());
    }

    #[test]
    fn so_many_iterations_must_hold_in_a_row_or_of_the_last_ones() {
        let each = "[readiness.kpi.net_bps]\nstatistic = \"each\"\n";
        let count = |keys: &str| net(&read(&format!("{each}{keys}"))).count;
        assert_eq!(count("holds_for = 5"), Some(HoldCount { holds: 5, of: 5 }));
        assert_eq!(count("holds_in = 6\nover_last = 8"), Some(HoldCount { holds: 6, of: 8 }));
        assert_eq!(count("holds_in = 8\nover_last = 8"), Some(HoldCount { holds: 8, of: 8 }));
        assert_eq!(net(&read(each)).statistic, Statistic::Each);
    }

    #[test]
    fn counts_that_can_never_judge_are_reported_with_their_place() {
        let error = |keys: &str| error_of(&format!("[readiness.kpi.net_bps]\nstatistic = \"each\"\n{keys}"));
        let starts = |error: String, words: &str| assert!(error.contains(words), "{error}");
        starts(
            error("holds_in = 9\nover_last = 8"),
            "`p.toml`:4:12: `readiness.kpi.net_bps.holds_in`: 9 of the last 8 iterations can never hold",
        );
        starts(
            error("holds_for = 9"),
            "`p.toml`:4:13: `readiness.kpi.net_bps.holds_for`: a window of 8 never holds 9 iterations",
        );
        starts(
            error("holds_in = 3\nover_last = 9"),
            "`p.toml`:5:13: `readiness.kpi.net_bps.over_last`: a window of 8 never holds 9 iterations",
        );
        starts(error("holds_in = 3"), "and not over how many; expected `over_last` beside it");
        starts(error("over_last = 3"), "and not in how many; expected `holds_in` beside it");
        starts(error("holds_for = 3\nholds_in = 2\nover_last = 3"), "has both `holds_for` and `holds_in`");
        starts(error("holds_for = 0"), "expected 1 or more, found 0");
        starts(
            error_of("[readiness.kpi.net_bps]\nholds_for = 3"),
            "counts single iterations, and the statistic is `median`; expected `statistic = \"each\"` beside it",
        );
    }

    #[test]
    fn a_wider_spread_counts_where_a_table_says_so() {
        let of = |text: &str| read(text);
        let none = of("");
        for rules in [&none.spread, &none.compare.spread] {
            assert_eq!((rules.gates, rules.ratio), (false, 1.0));
        }
        let own = of("[spread]\ngates = true\n[compare.spread]\nratio = 1.5");
        assert_eq!((own.spread.gates, own.spread.ratio), (true, 1.0));
        assert_eq!((own.compare.spread.gates, own.compare.spread.ratio), (false, 1.5));
        for table in ["spread", "compare.spread"] {
            let error = error_of(&format!("[{table}]\nratio = 0.5"));
            assert!(
                error.contains(&format!("`{table}.ratio`: expected a number from 1 on, found 0.5")),
                "{error}"
            );
        }
    }

    #[test]
    fn the_rules_of_a_comparison_are_read_and_checked() {
        let rules = read("[compare.kpi.net_bps]\nabsolute = 0.5").compare;
        let absolute: Vec<f64> =
            rules.kpis.iter().filter_map(|rule| Some(rule.margin.as_ref()?.absolute.value)).collect();
        // In the order of their names: maker, net, latency, risk.
        assert_eq!(absolute, [0.02, 0.5, 10.0, 0.02]);
        assert_eq!((rules.error_rate.value, rules.extensions, rules.min_iterations), (0.05, 1, 16));
        for (text, words) in [
            (
                "error_rate = 0.5",
                "`p.toml`:3:14: `compare.error_rate`: expected a share above 0 and below 0.5",
            ),
            ("error_rate = 0", "expected a share above 0 and below 0.5, found 0"),
            ("extensions = 2", "`p.toml`:3:14: `compare.extensions`: expected 0 or 1, found 2"),
            ("window = \"last 15\"", "a window of 15 never holds 16 iterations"),
            ("min_iterations = \"window\"", "the window `steady` has no fixed length"),
            ("kpi.net_bps.absolute = -0.1", "expected 0 or more, found -0.1"),
            ("kpi.net_bps.relative = -1", "expected 0 or more, found -1"),
            ("kpi.gross_bps.absolute = 1", "`gross_bps` has no direction, so neither way is worse"),
            ("refuse = [\"intervall\"]", "unknown condition `intervall` (did you mean `interval`?)"),
            ("relative = -0.1", "expected 0 or more, found -0.1"),
        ] {
            let error = error_of(&format!("[compare]\n{text}"));
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn every_kpi_of_the_policy_is_compared_with_a_margin_of_its_own_or_the_default() {
        let policy = read(
            "[kpi.zeta_ms]\nunit = \"ms\"\ndirection = \"lower\"\nfloor = 2\n\
         [kpi.alpha]\nunit = \"1/s\"\ndirection = \"higher\"\n\
         [kpi.color]\nunit = \"x\"\ndirection = \"none\"\n\
         [iteration_pass.kpi.zeta_ms]\ncomparison = \"<=\"\nlimit = 9\n\
         [iteration_pass.kpi.net_bps]\nenabled = false\n\
         [compare.kpi.alpha]\nabsolute = 5\n\
         [compare.kpi.cancel_ratio]\nrelative = 0.5\n\
         [compare.kpi.risk_ratio]\nenabled = false\n\
         [compare]\nrefuse = [\"interval\", \"cpu\"]",
        );
        let rules = &policy.compare;
        let reported: Vec<_> = rules
            .kpis
            .iter()
            .map(|rule| {
                let margin =
                    rule.margin.as_ref().map(|margin| (margin.absolute.value, margin.relative.value));
                (rule.kpi.name, margin, rule.required)
            })
            .collect();
        // The four by name, then the others by name. The share for all is 5 %; the floor of ratios is 0.005.
        let expected = [
            ("maker_taker_ratio", Some((0.02, 0.0)), true),
            ("net_bps", Some((0.2, 0.05)), false),
            ("p95_latency_ms", Some((10.0, 0.0)), true),
            ("risk_ratio", None, false),
            ("alpha", Some((5.0, 0.05)), false),
            ("cancel_ratio", Some((0.005, 0.5)), false),
            ("color", None, false),
            ("zeta_ms", Some((2.0, 0.05)), true),
        ];
        assert_eq!(reported, expected);
        let refuse: Vec<&str> = rules.refuse.iter().map(|condition| condition.word()).collect();
        assert_eq!(refuse, ["interval", "cpu"]);
    }

    #[test]
    fn a_window_that_never_holds_what_a_trend_requires_is_an_error() {
        for table in ["kpi_drift", "change_points"] {
            let error = error_of(&format!("[{table}]\nwindow = \"last 47\""));
            let words = format!(
                "`p.toml`:3:10: `{table}.window`: a window of 47 never holds the 48 iterations of `{table}.min_iterations`"
            );
            assert!(error.contains(&words), "{error}");
            assert!(
                error_of(&format!("[{table}]\nwindow = \"last_n\"")).contains("a window of 8 never holds")
            );
            read(&format!("[{table}]\nwindow = \"last 48\""));
        }
    }

    #[test]
    fn gates_that_a_run_is_too_short_for_are_known_before_it_starts() {
        assert_eq!(read("").never_judged(1), []);
        let beyond =
            |text: &str, iterations: u64| -> Vec<(String, u64)> { read(text).never_judged(iterations) };
        let named = |name: &str, needed: u64| (name.to_owned(), needed);
        // From the 7th on 48: up to the 54th.
        let drift = "[kpi_drift]\nseverity = \"hard\"";
        assert_eq!(beyond(drift, 53), [named("kpi_drift", 54)]);
        assert_eq!(beyond(drift, 54), []);
        let over = "[readiness]\ngates = true\n[readiness.kpi.net_bps]\nstatistic = \"each\"\nwindow = \"overall\"\n\
                min_iterations = 1\nholds_in = 80\nover_last = 100";
        assert_eq!(beyond(over, 99), [named("readiness.net_bps", 100)]);
        assert_eq!(beyond(over, 100), []);
        // Eight of the others.
        assert_eq!(beyond(over, 7).len(), 4);
        // Sixteen of the steady part.
        let bound = "[goals]\ngates = true\n[goals.kpi.net_bps]\njudge = \"lower\"";
        assert_eq!(beyond(bound, 21), [named("goals.net_bps", 22)]);
        assert_eq!(beyond(&bound.replace("gates = true", "gates = false"), 1), []);
    }
}
mod asked_of_a_run {
    use crate::core::policy::run::RunDefaults;
    use crate::core::policy::{Layer, Origin, Patch, Policy, PolicyErrors, read as read_layers};

    fn layer(origin: &str, text: &str) -> Layer {
        Layer { origin: Origin::File(origin.to_owned()), text: text.to_owned() }
    }

    fn read_text(text: &str) -> Result<Policy, PolicyErrors> {
        read_layers(&[layer("p.toml", text)], &[])
    }

    fn read(text: &str) -> Policy {
        read_text(text).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn fails_later(text: &str) -> Vec<String> {
        read(text).fails_later()
    }

    #[test]
    fn what_is_absent_is_none_and_changes_no_hash() {
        assert_eq!(read("").run.defaults, RunDefaults::default());
        assert_ne!(read("[run]\niterations = 24").sha256, read("").sha256);
    }

    #[test]
    fn a_url_has_a_scheme_a_host_and_no_password() {
        let is_good = |url: &str| read_text(&format!("[run]\nprometheus_url = \"{url}\"\n")).is_ok();
        for good in ["http://localhost:9090", "https://metrics.example/prefix", "http://h/a@b"] {
            assert!(is_good(good), "{good}");
        }
        for wrong in ["localhost:9090", "ftp://h", "http://", "http://user:pw@h", "http://user@h/p"] {
            assert!(!is_good(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_command_names_a_program() {
        let is_good = |list: &str| read_text(&format!("[run]\ncommand = {list}\n")).is_ok();
        assert!(is_good("[\"./measure.sh\", \"\"]"));
        for wrong in ["[]", "[\" \"]", "\"./measure.sh\"", "[1]"] {
            assert!(!is_good(wrong), "{wrong}");
        }
    }

    #[test]
    fn numbers_keep_to_what_the_flags_allow() {
        let is_good = |line: &str| read_text(&format!("[run]\n{line}\n")).is_ok();
        for good in ["iterations = 1", "interval_seconds = 0.001", "interval_seconds = 31536000"] {
            assert!(is_good(good), "{good}");
        }
        for wrong in ["iterations = 0", "interval_seconds = 0.0009", "interval_seconds = 31536001"] {
            assert!(!is_good(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_path_is_beside_the_file_that_names_it() {
        let beside = |origin: &str| {
            let policy = read_layers(&[layer(origin, "[run]\nfile = \"m.json\"\n")], &[]).expect("a policy");
            policy.beside("run.file", "m.json").display().to_string()
        };
        assert_eq!(beside("soak.toml"), "m.json");
        assert_eq!(beside("../../soak.toml"), "../../m.json");
        assert_eq!(beside("/etc/soak.toml"), "/etc/m.json");
        assert_eq!(read("").beside("run.file", "m.json").display().to_string(), "m.json");
    }

    #[test]
    fn a_judged_kpi_without_a_query_fails_later_where_the_policy_names_the_source() {
        let kpi = "[kpi.queue_depth]\nunit = \"1\"\ndirection = \"lower\"\n\
                   [iteration_pass.kpi.queue_depth]\ncomparison = \"<=\"\nlimit = 10\n";
        let source = "[run]\nsource = \"prometheus\"\n";
        let query = "[prometheus.queue_depth]\nquery = \"max(queue_depth)\"\noptional = false\n";
        assert_eq!(fails_later(source), Vec::<String>::new());
        assert_eq!(fails_later(kpi), Vec::<String>::new());
        assert_eq!(fails_later(&format!("{kpi}{source}{query}")), Vec::<String>::new());
        let reported = fails_later(&format!("{source}{kpi}"));
        assert_eq!(
            reported,
            [
                "`p.toml`:2: `run.source`: the source `prometheus` has no query for `queue_depth`, which is judged; \
                 expected `[prometheus.queue_depth]`"
            ]
        );
    }

    #[test]
    fn a_declared_length_that_no_gate_can_judge_fails_later() {
        assert_eq!(fails_later("[run]\niterations = 8"), Vec::<String>::new());
        assert_eq!(
            fails_later("[run]\niterations = 7"),
            [
                "`p.toml`:2: `run.iterations`: a run of 7 iterations never has the 8 that `run_verdict` requires"
            ]
        );
        // From the 7th on 48: up to the 54th.
        let hard = "[kpi_drift]\nseverity = \"hard\"\n[run]\niterations = ";
        assert_eq!(fails_later(&format!("{hard}54")), Vec::<String>::new());
        assert!(fails_later(&format!("{hard}53"))[0].contains("never has the 54 that `kpi_drift` requires"));
    }

    #[test]
    fn a_length_in_which_no_drift_of_a_service_can_be_found_fails_later() {
        let reported = |more: &str, iterations| {
            fails_later(&format!("extends = \"service\"\n{more}[run]\niterations = {iterations}\n"))
        };
        assert_eq!(reported("", 54), Vec::<String>::new());
        let short = reported("", 53);
        let all = ["run_verdict", "kpi_drift", "change_points"];
        assert_eq!(short.len(), 3, "{short:?}");
        assert!(
            all.iter()
                .zip(&short)
                .all(|(gate, line)| line.ends_with(&format!("the 54 that `{gate}` requires")))
        );
        // A verdict from 20 steady iterations on, and still no drift.
        let fewer = "[run_verdict]\nmin_iterations = 20\n";
        assert_eq!(reported(fewer, 26).len(), 2);
        assert_eq!(reported(fewer, 25).len(), 3);
        let off = "[kpi_drift]\ngates = false\n[change_points]\ngates = false\n";
        assert_eq!(reported(&format!("{fewer}{off}"), 26), Vec::<String>::new());
    }

    #[test]
    fn a_hard_gate_on_the_length_of_a_run_that_never_gets_there_fails_later() {
        let reported = |severity: &str, hours: f64| {
            fails_later(&format!(
                "[run_gates.long]\nmetric = \"duration_hours\"\nseverity = \"{severity}\"\ncomparison = \">=\"\n\
                 limit = {hours}\n[run]\niterations = 12\ninterval_seconds = 600\n"
            ))
        };
        // Twelve times ten minutes.
        assert_eq!(reported("hard", 2.0), Vec::<String>::new());
        assert_eq!(
            reported("hard", 2.1),
            [
                "`p.toml`:7: `run.iterations`: 12 iterations of 600 s never meet the hard gate `run_gates.long`: `duration_hours >= 2.1`"
            ]
        );
        assert_eq!(reported("soft", 72.0), Vec::<String>::new());
    }

    #[test]
    fn flags_change_the_hash_and_not_that_of_the_files() {
        let patch = Patch {
            key: "windows.last_n".to_owned(),
            value: "9".to_owned(),
            origin: Origin::Flag("--last-n".to_owned()),
        };
        let with = read_layers(&[], std::slice::from_ref(&patch)).expect("a policy");
        let without = read_layers(&[], &[]).expect("a policy");
        assert_ne!(with.sha256, without.sha256);
        assert_eq!((&with.files_sha256, &without.files_sha256), (&without.sha256, &without.sha256));
    }
}
mod layers {

    use crate::core::kpi::{Direction, Unit};
    use crate::core::policy::{Effective, FreezeRule, Policy, Statistic, Step, Subject, WindowSpec};
    use crate::core::verdict::Severity;

    use super::super::{Layer, Origin, Patch, read};
    use super::with_file;

    fn layer(path: &str, text: &str) -> Layer {
        Layer { origin: Origin::File(path.to_owned()), text: text.to_owned() }
    }

    fn patch(key: &str, value: &str, origin: Origin) -> Patch {
        Patch { key: key.to_owned(), value: value.to_owned(), origin }
    }

    fn flag(key: &str, value: &str, flag: &str) -> Patch {
        patch(key, value, Origin::Flag(flag.to_owned()))
    }

    fn good(text: &str) -> Policy {
        with_file(text).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn entry<'p>(policy: &'p Policy, key: &str) -> &'p Effective {
        policy.effective.iter().find(|entry| entry.key == key).unwrap_or_else(|| panic!("no `{key}`"))
    }

    #[test]
    fn the_topmost_layer_that_has_a_key_gives_its_value_and_origin() {
        let base = layer("base.toml", "schema_version = 1\n\n[readiness.kpi.net_bps]\nlimit = 3.1\n");
        let site = layer("site.toml", "schema_version = 1\nreadiness.kpi.net_bps.limit = 3.2\n");
        let source = |layers: &[Layer]| {
            let policy = read(layers, &[]).unwrap_or_else(|errors| panic!("{errors}"));
            let limit = policy.readiness.checks[0].limit.clone();
            (limit.value, limit.source.origin)
        };
        assert_eq!(source(std::slice::from_ref(&base)), (3.1, "base.toml:4".to_owned()));
        assert_eq!(source(&[base.clone(), site.clone()]), (3.2, "site.toml:2".to_owned()));
        assert_eq!(source(&[site, base]), (3.1, "base.toml:4".to_owned()));
    }

    #[test]
    fn other_keys_of_a_table_stay_as_they_are_below() {
        let policy = good("[readiness.kpi.net_bps]\nlimit = 3.1\n");
        assert_eq!(policy.readiness.checks.len(), 4);
        assert_eq!(entry(&policy, "readiness.kpi.net_bps.comparison").origin, "built-in policy");
        assert_eq!(entry(&policy, "readiness.kpi.net_bps.limit").origin, "p.toml:3");
    }

    #[test]
    fn a_flag_beats_a_variable_and_a_variable_beats_a_file() {
        let file = layer("p.toml", "schema_version = 1\nwindows.last_n = 10\n");
        let variable = patch("windows.last_n", "11", Origin::Env("SOAK_LAST_N".to_owned()));
        let last_n = |patches: &[Patch]| {
            let policy =
                read(std::slice::from_ref(&file), patches).unwrap_or_else(|errors| panic!("{errors}"));
            (policy.windows.last_n, entry(&policy, "windows.last_n").origin.clone())
        };
        assert_eq!(last_n(&[]), (10, "p.toml:2".to_owned()));
        assert_eq!(last_n(std::slice::from_ref(&variable)), (11, "env SOAK_LAST_N".to_owned()));
        let typed = flag("windows.last_n", "12", "--last-n");
        assert_eq!(last_n(&[variable, typed]), (12, "flag --last-n".to_owned()));
    }

    #[test]
    fn a_longer_window_takes_the_minimum_with_it_and_one_that_a_flag_cuts_does_not() {
        let minimum = |layers: &[Layer], length: &str| {
            let patches = [flag("windows.last_n", length, "--last-n")];
            let policy = read(layers, &patches).unwrap_or_else(|errors| panic!("{errors}"));
            let rule = policy.run_verdict;
            assert!(policy.readiness.checks.iter().all(|gate| gate.min_iterations == rule.min_iterations));
            (rule.min_iterations, rule.own_min_iterations)
        };
        assert_eq!(minimum(&[], "4"), (8, 8));
        assert_eq!(minimum(&[], "12"), (12, 8));
        // A shorter window in a file comes with a minimum of its own.
        let six = [layer(
            "p.toml",
            "schema_version = 1\nwindows.last_n = 6\nrun_verdict.min_iterations = \"window\"\n",
        )];
        assert_eq!(minimum(&six, "4"), (6, 6));
        // A number in a file is meant for every run, and is no error of the flag.
        let number = [layer(
            "p.toml",
            "schema_version = 1\n[run_verdict]\nmin_iterations = 7\n[readiness]\nmin_iterations = 7\n",
        )];
        assert_eq!(minimum(&number, "4"), (7, 7));
        let patches = [flag("run_verdict.min_iterations", "3", "--min-iterations")];
        let policy = read(&[], &patches).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(policy.run_verdict.min_iterations, 3);
        assert!(policy.readiness.checks.iter().all(|gate| gate.min_iterations == 8));
    }

    #[test]
    fn words_in_flags_need_no_quotes() {
        for value in ["ignore", "\"ignore\""] {
            let patches = [flag("run_verdict.freeze", value, "--freeze")];
            let policy = read(&[], &patches).unwrap_or_else(|errors| panic!("{errors}"));
            assert_eq!(policy.run_verdict.freeze, FreezeRule::Ignore);
            assert_eq!(policy.run_verdict.freeze_source.origin, "flag --freeze");
        }
        let patches = [flag("readiness.window", "last 5", "--window")];
        let policy = read(&[], &patches);
        assert!(policy.is_ok_and(|policy| policy.readiness.checks[0].window == WindowSpec::Last(5)));
    }

    #[test]
    fn a_kpi_may_differ_from_the_defaults_of_its_group() {
        let policy = good(concat!(
            "[readiness.kpi.p95_latency_ms]\n",
            "severity = \"soft\"\nstatistic = \"p95\"\nwindow = \"steady\"\nmin_iterations = 20\nmargin = 5\n",
        ));
        let changed = &policy.readiness.checks[3];
        assert_eq!(changed.severity, Severity::Soft);
        assert_eq!(changed.statistic, Statistic::P95);
        assert_eq!(changed.window, WindowSpec::Steady);
        assert_eq!((changed.min_iterations, changed.margin), (20, 5.0));
        let other = &policy.readiness.checks[2];
        assert_eq!((other.severity, other.window), (Severity::Hard, WindowSpec::LastN));
        assert_eq!((other.min_iterations, other.margin), (8, 0.0));
    }

    #[test]
    fn a_declared_kpi_can_be_in_every_group() {
        let policy = good(concat!(
            "[kpi.queue_depth]\nunit = \"orders\"\ndirection = \"lower\"\naliases = [\"depth\"]\n",
            "floor = 2\nlowest = 0\n",
            "[kpi.error_ratio]\nunit = \"ratio\"\ndirection = \"lower\"\n",
            "[iteration_pass.kpi.queue_depth]\ncomparison = \"<=\"\nlimit = 40\n",
            "[goals.kpi.queue_depth]\ncomparison = \"<\"\nlimit = 30\n",
            "[violations.kpi.error_ratio]\nwarn_when = \">\"\nwarn = 0.01\ncrit_when = \">\"\ncrit = 0.02\n",
            "[recommendations.deep]\nkpi = \"queue_depth\"\nstatistic = \"max\"\ncomparison = \">\"\nlimit = 50\n",
            "change.concurrency_limit = { add = -1 }\n",
        ));
        // Declared KPIs come after the built-in ones, by name: error_ratio, then queue_depth.
        assert_eq!(policy.kpis.ids().count(), 18);
        let depth = policy.kpis.find("queue_depth").expect("declared");
        let errors = policy.kpis.find("error_ratio").expect("declared");
        assert!(errors < depth);
        assert_eq!(policy.kpis.spelled("depth"), Some((depth, 1)));
        let kpi = depth;
        assert_eq!(kpi.unit, Unit::Other("orders"));
        assert_eq!((kpi.direction, kpi.floor), (Some(Direction::Lower), 2.0));
        assert_eq!((kpi.lowest, kpi.highest), (Some(0.0), None));
        let ratio = errors;
        assert_eq!((ratio.lowest, ratio.highest, ratio.floor), (Some(0.0), Some(1.0), 0.0));
        assert_eq!(policy.iteration_pass.checks.last().map(|gate| gate.kpi), Some(depth));
        assert_eq!(policy.goals.checks.last().map(|gate| gate.limit.value), Some(30.0));
        assert_eq!(policy.violations.rules.last().map(|rule| rule.kpi), Some(errors));
        let rule = policy.recommendations.last().expect("ten rules");
        assert_eq!(rule.conditions[0].subject, Subject::Kpi(depth, Statistic::Max));
        assert_eq!(rule.changes[0].1, Step::Add(-1.0));
    }

    #[test]
    fn what_does_not_suit_a_service_can_be_taken_out() {
        let policy = good(concat!(
            "iteration_pass.kpi.maker_taker_ratio.enabled = false\n",
            "violations.kpi.net_bps.enabled = false\n",
            "edge_report.maker_share_pct.enabled = false\n",
            "run_gates.hit_ratio.enabled = false\n",
            "recommendations.velocity.enabled = false\n",
            "recommendations.high_risk.change.min_interval_ms.enabled = false\n",
        ));
        assert_eq!(policy.iteration_pass.checks.len(), 3);
        assert_eq!(policy.violations.rules.len(), 3);
        assert_eq!(policy.edge_report.len(), 6);
        assert_eq!(policy.run_gates.len(), 5);
        assert_eq!(policy.recommendations.len(), 8);
        assert_eq!(policy.recommendations[0].changes.len(), 1);
    }

    #[test]
    fn a_layer_above_may_multiply_where_the_one_below_adds() {
        let policy = good("[recommendations.high_risk.change]\nmin_interval_ms = { multiply = 1.5 }\n");
        assert_eq!(policy.recommendations[0].changes[1].1, Step::Multiply(1.5));
        let key = "recommendations.high_risk.change.min_interval_ms.add";
        assert!(policy.effective.iter().all(|entry| entry.key != key));
        let policy = good("[recommendations.high_risk]\nguard = \"no_op\"\nlimit = 3\n");
        assert!(matches!(policy.recommendations[0].conditions[0].subject, Subject::Guard(_)));
        assert!(policy.effective.iter().all(|entry| entry.key != "recommendations.high_risk.kpi"));
    }

    #[test]
    fn the_hash_follows_values_and_not_spelling_or_place() {
        let built_in = read(&[], &[]).unwrap_or_else(|errors| panic!("{errors}")).sha256;
        assert_eq!(built_in.len(), 64);
        // 0.40 is what the built-in policy says.
        let same = good("# a comment\n[readiness.kpi.risk_ratio]\nlimit = 4.0e-1\n");
        assert_eq!(same.sha256, built_in);
        assert_eq!(entry(&same, "readiness.kpi.risk_ratio.limit").value, "0.4");
        assert_ne!(good("[readiness.kpi.risk_ratio]\nlimit = 0.39\n").sha256, built_in);
    }
}
mod run {

    use super::{error_of, errors_of, with_file};
    use crate::core::iteration::params::ParamName;
    use crate::core::policy::run::{Movement, RunPolicy};
    use crate::core::verdict::Comparison;

    /// Each text has one error with this part.
    #[track_caller]
    fn refused(cases: &[(&str, &str)]) {
        for (text, part) in cases {
            let error = error_of(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[track_caller]
    fn accepted(texts: &[&str]) {
        for text in texts {
            assert_eq!(errors_of(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn unknown_parameters_are_reported_with_what_was_probably_meant() {
        assert_eq!(
            error_of("[profiles.steady_safe]\nmin_interval = 70"),
            "`p.toml`:3:1: `profiles.steady_safe.min_interval`: unknown parameter `min_interval` \
         (did you mean `min_interval_ms`?); declare it as `[parameters.<name>]` if it is new"
        );
        refused(&[
            ("presets.x.change.tail_age_m = { add = 1 }", "(did you mean `tail_age_ms`?)"),
            (
                "tuner.edge.change.\"taker_rescue.cooldown_ms\" = { add = 1 }",
                "(here it goes by `rescue_cooldown_ms`)",
            ),
            // Known to files, but no parameter of a run.
            ("tuner.edge.change.velocity_cap = { add = 1 }", "unknown parameter `velocity_cap`"),
            ("guards.freeze.parameters = [\"impact_cap\"]", "unknown parameter `impact_cap`"),
            (
                "cautions.spread_and_interval.keeps = \"min_interval\"",
                "`cautions.spread_and_interval.keeps`: unknown parameter",
            ),
            (
                "[parameters.\"engine.tail_age_ms\"]\nunit = \"ms\"\nlowest = 1\nhighest = 2\nmax_change_per_hour = 1\n\
          default = 1\nwhole = false\nsubsystem = \"edge\"",
                "the flat name of this parameter is `tail_age_ms`",
            ),
            (
                "[parameters.enabled]\nunit = \"ms\"\nlowest = 1\nhighest = 2\nmax_change_per_hour = 1\n\
          default = 1\nwhole = false\nsubsystem = \"edge\"",
                "`enabled` cannot be the name of a parameter",
            ),
        ]);
    }

    #[test]
    fn bounds_of_a_parameter_must_hold_its_default() {
        refused(&[
            (
                "parameters.position_limit_ratio.lowest = 1.0",
                "1 is not above `parameters.position_limit_ratio.lowest`, 1: no value lies between them",
            ),
            ("parameters.tail_age_ms.lowest = 801", "800 is not above `parameters.tail_age_ms.lowest`, 801"),
            (
                "parameters.concurrency_limit.default = 0",
                "0 is outside of the bounds of `concurrency_limit`, 1 to 64",
            ),
            ("parameters.concurrency_limit.default = 65", "65 is outside of the bounds"),
            ("parameters.concurrency_limit.default = 9.5", "expected a whole number, found 9.5"),
            ("parameters.concurrency_limit.highest = 64.5", "expected a whole number, found 64.5"),
            ("parameters.tail_age_ms.max_change_per_hour = 0", "expected a number above 0"),
            ("parameters.tail_age_ms.subsystem = \"\"", "expected a name, found an empty string"),
            ("parameters.tail_age_ms.step = 1", "unknown key"),
        ]);
        accepted(&["parameters.concurrency_limit.default = 1", "parameters.concurrency_limit.default = 64"]);
    }

    #[test]
    fn a_profile_keeps_to_the_bounds() {
        assert_eq!(
            error_of("profiles.steady_safe.min_interval_ms = 81"),
            "`p.toml`:2:40: `profiles.steady_safe.min_interval_ms`: 81 is outside of the bounds of \
         `min_interval_ms`, 40 to 80"
        );
        accepted(&["profiles.steady_safe.min_interval_ms = 80", "profiles.steady_safe.min_interval_ms = 40"]);
        refused(&[
            ("profiles.steady_safe.min_interval_ms = 39", "39 is outside of the bounds"),
            ("profiles.steady_safe.tail_age_ms = 700.5", "expected a whole number, found 700.5"),
            ("profiles.steady_safe.tail_age_ms = \"700\"", "expected a number, found a string"),
            ("[profiles.empty]", "`profiles.empty`: sets nothing; expected at least one parameter"),
        ]);
        // The built-in policy contains the profile, but it is the new bound that it does not fit.
        let errors = errors_of("parameters.min_interval_ms.highest = 79");
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert!(errors[0].contains("`profiles.ultra_safe.min_interval_ms`: 80 is outside"), "{errors:#?}");
    }

    #[test]
    fn a_preset_has_one_step_a_parameter_and_at_least_one() {
        refused(&[
            ("[presets.x]", "`presets.x.change`: changes nothing; expected at least one parameter"),
            ("presets.x.change.tail_age_ms = { add = 0 }", "0 changes nothing"),
            ("presets.x.change.tail_age_ms = { multiply = 1.0 }", "1 changes nothing"),
            ("presets.x.change.tail_age_ms = { multiply = 0 }", "expected a number above 0"),
            ("presets.x.change.tail_age_ms = { add = 1, multiply = 2 }", "has both `add` and `multiply`"),
        ]);
        let errors = errors_of("presets.x.change.tail_age_ms = { at_least = 1 }");
        assert_eq!(errors.len(), 2, "{errors:#?}");
        assert!(
            errors.iter().any(|error| error.contains("`presets.x.change.tail_age_ms.at_least`: unknown key"))
        );
    }

    #[test]
    fn names_must_be_those_of_something_in_force() {
        refused(&[
            ("phases.warmup_preset = \"warmup_conservative\"", "no preset `warmup_conservative` is in force"),
            ("presets.warmup_conservative_v1.enabled = false", "`phases.warmup_preset`: no preset"),
            (
                "patience.panic_profile = \"steady_save\"",
                "no profile `steady_save` is in force (did you mean `steady_safe`?)",
            ),
            ("profiles.steady_safe.enabled = false", "`patience.panic_profile`: no profile"),
            (
                "tuner.maker_boost.replaces = [\"normalise\"]",
                "unknown row above `normalise` (did you mean `normalize`?)",
            ),
            ("tuner.maker_boost.replaces = [\"driver_adverse\"]", "unknown row above `driver_adverse`"),
            ("tuner.maker_boost.replaces = [\"maker_boost\"]", "unknown row above `maker_boost`"),
            ("tuner.maker_boost.replaces = [\"edge\", \"edge\"]", "`edge` is listed twice"),
            (
                "guards.partial_freeze.latency_freezes = [\"rebids\"]",
                "unknown subsystem `rebids` (did you mean `rebid`?)",
            ),
            ("guards.partial_freeze.oscillation_freezes = [\"rebid\", \"rebid\"]", "`rebid` is listed twice"),
            (
                "guards.freeze.parameters = [\"tail_age_ms\", \"tail_age_ms\"]",
                "`tail_age_ms` is listed twice",
            ),
            ("cautions.spread_and_interval.keeps = \"base_spread_bps_delta\"", "is `raised` as well"),
            ("tuner.edge.when.net = { below = 1 }", "(here it goes by `net_bps`)"),
            ("iteration_verdict.warn.risk.kpi = \"risk_rate\"", "(did you mean `risk_ratio`?)"),
        ]);
        accepted(&["guards.partial_freeze.latency_freezes = []"]);
    }

    #[test]
    fn lengths_start_at_one() {
        for key in [
            "phases.warmup_iterations",
            "phases.rampdown_iterations",
            "patience.panic_after_fails",
            "patience.failed_collections",
            "tuner.edge.in_a_row",
            "guards.freeze.in_a_row",
            "guards.freeze.lasts",
            "guards.cooldown.iterations",
            "guards.micro_steps.keys",
            "guards.partial_freeze.direction_changes",
        ] {
            refused(&[(&format!("{key} = 0"), "expected 1 or more, found 0")]);
            refused(&[(&format!("{key} = 1.5"), "expected a whole number, found a float")]);
            accepted(&[&format!("{key} = 1")]);
        }
        refused(&[
            ("guards.velocity.window_seconds = 0", "expected a number above 0"),
            ("guards.velocity.warmup_factor = 0", "expected a number above 0"),
            ("guards.cooldown.large_step = 0", "expected a number above 0"),
            ("guards.partial_freeze.relative_range = 0", "expected a number above 0"),
            ("guards.partial_freeze.open_after_ms = -1", "expected 0 or more"),
            ("guards.partial_freeze.close_after_ms = -1", "expected 0 or more"),
            ("guards.partial_freeze.minimum_ms = -1", "expected 0 or more"),
            ("guards.oscillation.tolerance = -1e-9", "expected 0 or more"),
            ("patience.child_grace_seconds = -1", "expected 0 or more"),
            ("patience.child_kill_after_seconds = -1", "expected 0 or more"),
            ("tuner.edge.rest = -1", "expected 0 or more"),
            ("guards.micro_steps.keys = 4294967296", "4294967296 is too large"),
        ]);
    }

    #[test]
    fn how_a_run_measures_is_checked() {
        refused(&[
            ("run.source = \"simulator\"", "unknown source `simulator`"),
            ("run.measure_at = \"middle\"", "unknown time `middle`"),
            ("run.stale_after = \"5m\"", "expected whole seconds or `interval`"),
            ("run.stale_after = 1.5", "expected whole seconds or `interval`"),
            ("run.stale_after = -1", "expected 0 or more"),
            ("run.clock_step_seconds = 0", "expected a number above 0"),
            ("run.clock_step_share = 1.5", "expected a share"),
            ("run.interval = 3", "unknown key"),
        ]);
        accepted(&[
            "run.source = \"exec\"",
            "run.source = \"none\"",
            "run.measure_at = \"end\"",
            "run.stale_after = 0",
            "run.stale_after = \"interval\"",
        ]);
    }

    #[test]
    fn limits_that_decide_nothing_are_refused() {
        refused(&[
            ("tuner.aggressive.when.risk_ratio.at_least = 1.01", "`>= 1.01` can never be reached"),
            ("tuner.aggressive.when.risk_ratio.at_least = 0", "`>= 0` is always reached"),
            ("tuner.moderate.when.risk_ratio.below = 0.40", "`>= 0.4` and `< 0.4` can never both hold"),
            ("tuner.moderate.when.risk_ratio.below = 0.39", "can never both hold"),
            (
                "tuner.latency_buffer.when.p95_latency_ms.at_most = 329",
                "`>= 330` and `<= 329` can never both hold",
            ),
            ("iteration_verdict.fail.risk.limit = 1", "can never be reached"),
            ("iteration_verdict.fail.net.comparison = \">\"", "for `net_bps` higher is better"),
            ("guards.freeze.when.risk_ratio.at_most = 1", "is always reached"),
            ("guards.partial_freeze.latency_when.p95_latency_ms.at_least = 0", "is always reached"),
            (
                "guards.partial_freeze.latency_when.p95_latency_ms.below = 400",
                "has two limits; here any one is enough, so expected one a KPI",
            ),
            (
                "guards.partial_freeze.applied_values = 3",
                "3 values change direction at most 1 times; expected `applied_values` to be at least 4",
            ),
            ("guards.cooldown.large_step = 11", "`> 11` can never be reached: 11 parameters"),
            (
                "tuner.aggressive.when.risk_ratio.above = 0.7\ntuner.aggressive.when.risk_ratio.at_least = 0.7",
                "has both `at_least` and `above`",
            ),
            (
                "tuner.aggressive.when.net_bps = {}",
                "is missing its limit, expected `at_least`, `above`, `at_most` or `below`",
            ),
            (
                "tuner.aggressive.when.risk_ratio.enabled = false",
                "`tuner.aggressive.when`: has no condition in force",
            ),
            (
                "guards.freeze.when.risk_ratio.enabled = false\nguards.freeze.when.net_bps.enabled = false",
                "`guards.freeze.when`: has no condition in force",
            ),
            ("guards.freeze.parameters = []", "a freeze that holds no parameter does nothing"),
        ]);
        accepted(&[
            "tuner.latency_buffer.when.p95_latency_ms.at_most = 330",
            "tuner.moderate.when.risk_ratio.below = 0.41",
            "guards.partial_freeze.applied_values = 4",
            "guards.cooldown.large_step = 10.9",
            "iteration_verdict.fail.risk.limit = 0.999",
        ]);
    }

    #[test]
    fn a_row_must_be_able_to_change_something() {
        refused(&[
            (
                "tuner.edge.change.base_spread_bps_delta.enabled = false",
                "`tuner.edge.change`: changes nothing",
            ),
            ("parameters.base_spread_bps_delta.enabled = false", "`tuner.edge.change`: changes nothing"),
            ("tuner.edge.change.base_spread_bps_delta.add = 0", "0 changes nothing"),
            ("tuner.latency_hard.change.concurrency_limit.multiply = 1", "1 changes nothing"),
            (
                "tuner.edge.change.base_spread_bps_delta.floor = 0.1",
                "shortens nothing: a `cap` is for a step up",
            ),
            ("tuner.normalize.change.min_interval_ms.cap = 70", "shortens nothing"),
            ("tuner.latency_hard.change.concurrency_limit.cap = 5", "shortens nothing"),
            ("tuner.fallback.change.tail_age_ms.cap = 750", "shortens nothing"),
            (
                "tuner.moderate.change.min_interval_ms.cap = 40",
                "40 leaves no step: the `lowest` value of `min_interval_ms` is 40",
            ),
            (
                "tuner.normalize.change.min_interval_ms.floor = 80",
                "80 leaves no step: the `highest` value of `min_interval_ms` is 80",
            ),
            (
                "tuner.edge.change.tail_age_ms = {}",
                "is missing its step, expected `add`, `multiply` or `at_least`",
            ),
            (
                "tuner.edge.change.tail_age_ms = { add = 1, at_least = 600 }",
                "has more than one of `add`, `multiply` and `at_least`",
            ),
        ]);
        accepted(&[
            "tuner.moderate.change.min_interval_ms.cap = 41",
            "tuner.normalize.change.min_interval_ms.floor = 79",
            "tuner.latency_hard.change.concurrency_limit.floor = 5",
        ]);
    }

    #[test]
    fn a_query_names_only_what_has_a_value() {
        refused(&[
            (
                "prometheus.mm_hit_ratio.query = \"x[$windw]\"",
                "unknown placeholder `$windw` (did you mean `window`?)",
            ),
            ("prometheus.mm_hit_ratio.query = \" \"", "expected a name, found an empty string"),
            ("prometheus.mm_hit_ratio.optional = 1", "expected `true` or `false`"),
            ("prometheus.mm_hit_ratio.querry = \"x\"", "did you mean `prometheus.mm_hit_ratio.query`?"),
        ]);
        accepted(&[
            "prometheus.mm_hit_ratio.query = 'x{a=~\"b$\",$selector}[$window]'",
            "prometheus.mm_hit_ratio.query = \"vector(1)\"",
        ]);
        let errors = errors_of("[prometheus.\"a.b\"]");
        assert_eq!(errors, ["`p.toml`:2:13: `prometheus.\"a.b\".query`: is missing, expected a string"]);
    }

    #[test]
    fn one_wrong_parameter_does_not_make_errors_of_all_that_name_it() {
        let error = error_of("parameters.min_interval_ms.default = 100");
        assert!(error.contains("`parameters.min_interval_ms.default`: 100 is outside"), "{error}");
    }

    fn good(text: &str) -> RunPolicy {
        with_file(text).unwrap_or_else(|errors| panic!("{errors}")).run
    }

    fn row_names(run: &RunPolicy) -> Vec<&str> {
        run.tuner.iter().map(|row| row.name.as_str()).collect()
    }

    #[test]
    fn single_numbers_of_a_row_can_be_changed() {
        let run = good(concat!(
            "[tuner.moderate]\nin_a_row = 3\nwhen.risk_ratio.below = 0.55\n",
            "[tuner.moderate.change]\nmin_interval_ms = { add = 7 }\n",
        ));
        let row = &run.tuner[2];
        assert_eq!((row.name.as_str(), row.in_a_row), ("moderate", 3));
        let limits: Vec<f64> = row.when.iter().map(|bound| bound.limit.value).collect();
        assert_eq!(limits, [0.40, 0.55]);
        assert_eq!(row.when[1].limit.source.origin, "p.toml:4");
        assert_eq!((row.changes[0].movement, row.changes[0].cap), (Movement::Add(7.0), Some(75.0)));
    }

    #[test]
    fn another_word_takes_the_place_of_the_one_below() {
        let policy = with_file("[tuner.moderate.when.risk_ratio]\nabove = 0.41\nat_most = 0.59\n");
        let policy = policy.unwrap_or_else(|errors| panic!("{errors}"));
        let found: Vec<_> = policy.run.tuner[2].when.iter().map(|b| (b.comparison, b.limit.value)).collect();
        assert_eq!(found, [(Comparison::Above, 0.41), (Comparison::AtMost, 0.59)]);
        assert!(policy.effective.iter().all(|entry| entry.key != "tuner.moderate.when.risk_ratio.at_least"));
        let policy = with_file("[tuner.edge.change]\nbase_spread_bps_delta = { multiply = 1.1 }\n");
        let policy = policy.unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(policy.run.tuner[5].changes[0].movement, Movement::Multiply(1.1));
        assert!(policy.effective.iter().all(|e| e.key != "tuner.edge.change.base_spread_bps_delta.add"));
    }

    #[test]
    fn a_new_row_comes_last_and_keeps_to_the_built_in_words() {
        let run = good(concat!(
            "[tuner.a_new_row]\nreplaces = [\"edge\"]\n",
            "[tuner.a_new_row.when]\ncancel_ratio = { above = 0.7 }\n",
            "[tuner.a_new_row.change]\nreplace_rate_per_min = { multiply = 0.5, floor = 210 }\n",
        ));
        assert_eq!(run.tuner.len(), 12);
        let row = &run.tuner[11];
        assert_eq!((row.name.as_str(), row.in_a_row, row.rest, row.is_exclusive), ("a_new_row", 1, 0, false));
        assert_eq!(row.replaces, ["edge"]);
        assert_eq!((row.changes[0].movement, row.changes[0].floor), (Movement::Multiply(0.5), Some(210.0)));
    }

    #[test]
    fn what_does_not_suit_a_system_can_be_taken_out() {
        let run = good(concat!(
            "tuner.settle.enabled = false\n",
            "tuner.normalize.enabled = false\n",
            "tuner.moderate.when.risk_ratio.enabled = true\n",
            "tuner.driver_adverse.unless.net_bps.enabled = false\n",
            "tuner.aggressive.change.tail_age_ms.enabled = false\n",
            "presets.maker_bias_uplift_v1.enabled = false\n",
            "profiles.ultra_safe.enabled = false\n",
            "cautions.spread_and_interval.enabled = false\n",
            "iteration_verdict.warn.adverse.enabled = false\n",
            "guards.partial_freeze.latency_when.p95_latency_ms.enabled = false\n",
            "prometheus.mm_hit_ratio.enabled = false\n",
        ));
        // A row may replace one that is taken out.
        assert_eq!(
            row_names(&run),
            [
                "fallback",
                "aggressive",
                "moderate",
                "edge",
                "maker_boost",
                "latency_buffer",
                "latency_hard",
                "driver_adverse",
                "driver_slippage"
            ]
        );
        assert_eq!(run.tuner[1].changes.len(), 2);
        assert_eq!(run.tuner[7].unless.len(), 1);
        assert_eq!((run.presets.len(), run.profiles.len(), run.cautions.len()), (1, 1, 0));
        assert_eq!(run.iteration_verdict.warn.len(), 1);
        assert!(run.guards.partial_freeze.latency_when.is_empty());
        assert_eq!(run.queries.len(), 18);
    }

    #[test]
    fn a_parameter_that_is_taken_out_is_left_as_it_is_everywhere() {
        let run = good(concat!(
            "parameters.max_delta_ratio.enabled = false\n",
            "parameters.min_interval_ms.enabled = false\n",
        ));
        let gone = [ParamName::flat("max_delta_ratio"), ParamName::flat("min_interval_ms")];
        assert_eq!(run.parameters.iter().count(), 9);
        assert!(gone.iter().all(|name| run.parameters.get(name).is_none()));
        assert!(run.profiles.iter().all(|profile| profile.values.len() == 9));
        assert!(
            run.presets.iter().all(|preset| preset.changes.iter().all(|(param, _)| !gone.contains(param)))
        );
        assert!(run.tuner.iter().flat_map(|row| &row.changes).all(|change| !gone.contains(&change.param)));
        assert_eq!(run.guards.freeze.parameters, [ParamName::flat("impact_cap_ratio")]);
        assert!(run.cautions.is_empty());
    }

    #[test]
    fn a_parameter_of_ones_own_can_be_declared_and_tuned() {
        let run = good(concat!(
            "[parameters.batch_size]\nunit = \"count\"\nlowest = 1\nhighest = 500\nmax_change_per_hour = 50\n",
            "default = 100\nwhole = true\nsubsystem = \"ingest\"\n",
            "[profiles.steady_safe]\nbatch_size = 20\n",
            "[presets.big.change]\nbatch_size = { multiply = 2 }\n",
            "[tuner.too_slow.when]\np95_latency_ms = { above = 340 }\n",
            "[tuner.too_slow.change]\nbatch_size = { multiply = 0.8, floor = 10 }\n",
            "[guards.partial_freeze]\nlatency_freezes = [\"ingest\"]\n",
        ));
        let batch = ParamName::flat("batch_size");
        let parameter = run.parameters.iter().last().expect("twelve");
        assert_eq!((parameter.name.clone(), parameter.width()), (batch.clone(), 499.0));
        assert_eq!(run.profile("steady_safe").and_then(|profile| profile.values.get(&batch)), Some(20.0));
        assert_eq!(run.preset("big").map(|preset| preset.source.key.as_str()), Some("presets.big"));
        assert_eq!(run.tuner.last().map(|row| row.changes[0].param.clone()), Some(batch));
        assert_eq!(run.guards.partial_freeze.latency_freezes, ["ingest"]);
    }
}
mod run_defaults {

    use crate::core::iteration::params::ParamName;
    use crate::core::kpi::KpiId;
    use crate::core::policy::Step;
    use crate::core::policy::read;
    use crate::core::policy::run::Movement::{Add, AtLeast as Reach, Multiply};
    use crate::core::policy::run::{Bound, Movement, RunPolicy, TunerRule};
    use crate::core::verdict::Comparison::{Above, AtLeast, AtMost, Below};
    use crate::core::verdict::{Comparison, LimitSource};

    fn built_in() -> RunPolicy {
        read(&[], &[]).unwrap_or_else(|errors| panic!("{errors}")).run
    }

    fn plain(bounds: &[Bound]) -> Vec<(KpiId, Comparison, f64)> {
        bounds.iter().map(|bound| (bound.kpi, bound.comparison, bound.limit.value)).collect()
    }

    fn names(params: &[ParamName]) -> Vec<&str> {
        params.iter().map(ParamName::as_str).collect()
    }

    #[test]
    fn eleven_parameters_have_bounds_a_speed_and_a_default() {
        // Name, unit, lowest, highest, per hour, default, whole, subsystem.
        let expected = [
            ("min_interval_ms", "ms", 40.0, 80.0, 30.0, 60.0, true, "rebid"),
            ("replace_rate_per_min", "1/min", 200.0, 320.0, 60.0, 300.0, true, "rebid"),
            ("base_spread_bps_delta", "bps", 0.08, 0.25, 0.10, 0.14, false, "rebid"),
            ("impact_cap_ratio", "ratio", 0.08, 0.12, 0.04, 0.10, false, "edge"),
            ("max_delta_ratio", "ratio", 0.10, 0.16, 0.04, 0.15, false, "edge"),
            ("tail_age_ms", "ms", 500.0, 800.0, 150.0, 600.0, true, "edge"),
            ("concurrency_limit", "count", 1.0, 64.0, 4.0, 10.0, true, "edge"),
            ("rescue_max_ratio", "ratio", 0.0, 1.0, 0.10, 0.30, false, "rescue_taker"),
            ("rescue_min_edge_bps", "bps", 0.0, 10.0, 1.0, 1.0, false, "rescue_taker"),
            ("rescue_cooldown_ms", "ms", 0.0, 5000.0, 500.0, 500.0, true, "rescue_taker"),
            ("position_limit_ratio", "ratio", 0.2, 1.0, 0.10, 1.0, false, "risk"),
        ];
        let run = built_in();
        let found: Vec<_> = run
            .parameters
            .iter()
            .map(|p| {
                let subsystem = p.subsystem.as_str();
                let name = p.name.as_str();
                let (speed, whole) = (p.max_change_per_hour, p.is_whole);
                (name, p.unit.as_str(), p.lowest, p.highest, speed, p.default, whole, subsystem)
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn two_profiles_set_every_parameter() {
        let order = [
            "min_interval_ms",
            "replace_rate_per_min",
            "base_spread_bps_delta",
            "impact_cap_ratio",
            "max_delta_ratio",
            "tail_age_ms",
            "concurrency_limit",
            "rescue_max_ratio",
            "rescue_min_edge_bps",
            "rescue_cooldown_ms",
            "position_limit_ratio",
        ];
        let expected = [
            ("steady_safe", [75.0, 250.0, 0.15, 0.08, 0.15, 740.0, 10.0, 0.20, 1.5, 750.0, 0.9]),
            ("ultra_safe", [80.0, 220.0, 0.18, 0.08, 0.12, 780.0, 8.0, 0.10, 2.0, 1000.0, 0.8]),
        ];
        let run = built_in();
        assert_eq!(run.profiles.len(), expected.len());
        for (name, values) in expected {
            let profile = run.profile(name).expect("built in");
            assert_eq!(profile.values.len(), order.len());
            for (param, value) in order.into_iter().zip(values) {
                assert_eq!(profile.values.get(&ParamName::flat(param)), Some(value), "{name} {param}");
            }
            let (key, origin) = (format!("profiles.{name}"), "built-in policy".to_owned());
            assert_eq!(profile.source, LimitSource { key, origin });
        }
    }

    #[test]
    fn two_presets_change_values() {
        let expected = [
            (
                "maker_bias_uplift_v1",
                vec![
                    ("base_spread_bps_delta", Step::Add(0.01)),
                    ("min_interval_ms", Step::Add(15.0)),
                    ("replace_rate_per_min", Step::Multiply(0.90)),
                    ("impact_cap_ratio", Step::Multiply(0.95)),
                    ("max_delta_ratio", Step::Multiply(0.95)),
                    ("rescue_max_ratio", Step::Multiply(0.85)),
                    ("rescue_min_edge_bps", Step::Add(0.5)),
                    ("rescue_cooldown_ms", Step::Add(250.0)),
                ],
            ),
            (
                "warmup_conservative_v1",
                vec![
                    ("base_spread_bps_delta", Step::Add(0.03)),
                    ("min_interval_ms", Step::Add(25.0)),
                    ("replace_rate_per_min", Step::Multiply(0.75)),
                    ("impact_cap_ratio", Step::Multiply(0.85)),
                    ("max_delta_ratio", Step::Multiply(0.85)),
                    ("tail_age_ms", Step::Add(100.0)),
                    ("rescue_max_ratio", Step::Multiply(0.70)),
                    ("rescue_min_edge_bps", Step::Add(0.8)),
                    ("rescue_cooldown_ms", Step::Add(400.0)),
                    ("position_limit_ratio", Step::Multiply(0.80)),
                ],
            ),
        ];
        let run = built_in();
        let found: Vec<_> = run
            .presets
            .iter()
            .map(|preset| {
                let changes: Vec<_> =
                    preset.changes.iter().map(|(param, step)| (param.as_str(), *step)).collect();
                (preset.name.as_str(), changes)
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn four_iterations_warm_up_and_two_go_back() {
        let phases = built_in().phases;
        assert_eq!((phases.warmup_iterations, phases.rampdown_iterations), (4, 2));
        assert_eq!(phases.warmup_preset, "warmup_conservative_v1");
    }

    #[test]
    fn an_iteration_warns_and_fails_by_these_limits() {
        let rules = built_in().iteration_verdict;
        let warn = [(KpiId::RISK_RATIO, Above, 0.40), (KpiId::ADVERSE_BPS_P95, Above, 3.0)];
        assert_eq!(plain(&rules.warn), warn);
        assert_eq!(plain(&rules.warmup_warn), [(KpiId::P95_LATENCY_MS, Above, 350.0)]);
        assert_eq!(plain(&rules.fail), [(KpiId::RISK_RATIO, Above, 0.50), (KpiId::NET_BPS, Below, 2.0)]);
        assert_eq!(rules.fail[1].limit.source.key, "iteration_verdict.fail.net.limit");
    }

    #[test]
    fn patience_ends_after_three() {
        let patience = built_in().patience;
        assert_eq!((patience.panic_after_fails, patience.failed_collections), (3, 3));
        assert_eq!(patience.panic_profile, "steady_safe");
        assert_eq!((patience.child_grace_seconds, patience.child_kill_after_seconds), (30.0, 5.0));
    }

    #[test]
    fn a_run_names_its_source_measures_at_the_start_and_notices_steps_of_two_seconds() {
        assert_eq!(built_in().measuring, crate::run::fixture::measuring());
    }

    #[test]
    fn a_widened_spread_keeps_the_interval() {
        let cautions = built_in().cautions;
        assert_eq!(cautions.len(), 1);
        assert_eq!(cautions[0].name, "spread_and_interval");
        assert_eq!(cautions[0].raised.as_str(), "base_spread_bps_delta");
        assert_eq!(cautions[0].keeps.as_str(), "min_interval_ms");
    }

    #[test]
    fn the_guards_have_their_numbers() {
        let guards = built_in().guards;
        let stable = [(KpiId::RISK_RATIO, AtMost, 0.35), (KpiId::NET_BPS, AtLeast, 2.7)];
        assert_eq!(plain(&guards.freeze.when), stable);
        assert_eq!((guards.freeze.in_a_row, guards.freeze.lasts), (2, 4));
        assert_eq!(names(&guards.freeze.parameters), ["impact_cap_ratio", "max_delta_ratio"]);
        assert_eq!(guards.oscillation.tolerance, 1e-6);
        assert_eq!((guards.velocity.window_seconds, guards.velocity.warmup_factor), (3600.0, 1.5));
        assert_eq!((guards.cooldown.large_step, guards.cooldown.iterations), (0.5, 2));
        assert_eq!((guards.micro_steps.keys, guards.micro_steps.rest), (2, 1));
        let partial = guards.partial_freeze;
        assert_eq!((partial.applied_values, partial.relative_range, partial.direction_changes), (5, 0.15, 2));
        assert_eq!(partial.oscillation_freezes, ["rebid", "rescue_taker"]);
        assert_eq!(plain(&partial.latency_when), [(KpiId::P95_LATENCY_MS, AtLeast, 360.0)]);
        assert_eq!(partial.latency_freezes, ["rebid"]);
        assert_eq!(
            (partial.open_after_ms, partial.close_after_ms, partial.minimum_ms),
            (2500.0, 4000.0, 3000.0)
        );
    }

    #[test]
    fn prometheus_is_queried_for_the_kpis_of_the_verdict_and_may_lack_the_rest() {
        let run = built_in();
        let metrics = |is_optional: bool| -> Vec<&str> {
            let queries = run.queries.iter().filter(|query| query.is_optional == is_optional);
            queries.map(|query| query.metric.as_str()).collect()
        };
        assert_eq!(metrics(false), ["net_bps", "risk_ratio", "maker_taker_ratio", "p95_latency_ms"]);
        assert_eq!(
            metrics(true),
            [
                "adverse_bps_p95",
                "slippage_bps_p95",
                "gross_bps",
                "cancel_ratio",
                "order_age_p95_ms",
                "ws_lag_p95_ms",
                "min_interval_ratio",
                "concurrency_ratio",
                "tick_latency_ms.p50",
                "tick_latency_ms.p95",
                "mm_hit_ratio",
                "mm_maker_share_ratio",
                "mm_deadline_miss_rate",
                "error_ratio",
                "ws_lag_max_ms",
            ]
        );
        assert!(
            run.queries
                .iter()
                .all(|query| query.query.contains("$window") && query.query.contains("$selector"))
        );
    }

    type Condition = (KpiId, Comparison, f64);
    /// Parameter, movement, cap, floor.
    type Move = (&'static str, Movement, Option<f64>, Option<f64>);

    const RISK: KpiId = KpiId::RISK_RATIO;
    const NET: KpiId = KpiId::NET_BPS;
    const LATENCY: KpiId = KpiId::P95_LATENCY_MS;

    fn conditions(bounds: &[Bound]) -> Vec<Condition> {
        bounds.iter().map(|bound| (bound.kpi, bound.comparison, bound.limit.value)).collect()
    }

    #[track_caller]
    fn assert_row(rule: &TunerRule, name: &str, when: &[Condition], moves: &[Move]) {
        assert_eq!(rule.name, name);
        assert_eq!(conditions(&rule.when), when, "{name}");
        let found: Vec<_> =
            rule.changes.iter().map(|c| (c.param.as_str(), c.movement, c.cap, c.floor)).collect();
        assert_eq!(found, moves, "{name}");
    }

    #[test]
    fn the_rows_of_the_tuner_are_in_the_published_order_with_the_published_steps() {
        let rows = read(&[], &[]).unwrap_or_else(|errors| panic!("{errors}")).run.tuner;
        let expected: [(&str, &[Condition], &[Move]); 11] = [
            (
                "fallback",
                &[(NET, Below, 0.0)],
                &[
                    ("min_interval_ms", Add(20.0), Some(80.0), None),
                    ("replace_rate_per_min", Add(-60.0), None, Some(200.0)),
                    ("base_spread_bps_delta", Add(0.02), None, None),
                    ("impact_cap_ratio", Reach(0.08), None, None),
                    ("tail_age_ms", Reach(700.0), None, None),
                ],
            ),
            (
                "aggressive",
                &[(RISK, AtLeast, 0.60)],
                &[
                    ("min_interval_ms", Add(5.0), Some(80.0), None),
                    ("impact_cap_ratio", Add(-0.01), None, Some(0.08)),
                    ("tail_age_ms", Add(30.0), Some(800.0), None),
                ],
            ),
            (
                "moderate",
                &[(RISK, AtLeast, 0.40), (RISK, Below, 0.60)],
                &[
                    ("min_interval_ms", Add(5.0), Some(75.0), None),
                    ("impact_cap_ratio", Add(-0.005), None, Some(0.09)),
                ],
            ),
            (
                "settle",
                &[(RISK, Above, 0.35), (RISK, Below, 0.40)],
                &[
                    ("min_interval_ms", Add(2.0), Some(75.0), None),
                    ("impact_cap_ratio", Add(-0.0025), None, Some(0.08)),
                ],
            ),
            (
                "normalize",
                &[(RISK, Below, 0.35), (NET, AtLeast, 3.0)],
                &[
                    ("min_interval_ms", Add(-3.0), None, Some(50.0)),
                    ("impact_cap_ratio", Add(0.005), Some(0.10), None),
                ],
            ),
            (
                "edge",
                &[(RISK, Below, 0.40), (NET, Below, 3.0)],
                &[("base_spread_bps_delta", Add(0.01), Some(0.25), None)],
            ),
            (
                "maker_boost",
                &[(RISK, AtMost, 0.40), (KpiId::MAKER_TAKER_RATIO, Below, 0.85), (NET, AtLeast, 2.7)],
                &[
                    ("base_spread_bps_delta", Add(0.015), None, None),
                    ("replace_rate_per_min", Multiply(0.85), None, None),
                    ("min_interval_ms", Add(25.0), None, None),
                ],
            ),
            (
                "latency_buffer",
                &[(LATENCY, AtLeast, 330.0), (LATENCY, AtMost, 360.0)],
                &[
                    ("concurrency_limit", Multiply(0.90), None, Some(1.0)),
                    ("tail_age_ms", Add(50.0), Some(800.0), None),
                ],
            ),
            (
                "latency_hard",
                &[(LATENCY, Above, 360.0)],
                &[("concurrency_limit", Multiply(0.85), None, None), ("tail_age_ms", Add(75.0), None, None)],
            ),
            (
                "driver_adverse",
                &[(KpiId::ADVERSE_BPS_P95, Above, 3.5)],
                &[
                    ("impact_cap_ratio", Add(-0.01), None, Some(0.08)),
                    ("max_delta_ratio", Add(-0.01), None, Some(0.10)),
                ],
            ),
            (
                "driver_slippage",
                &[(KpiId::SLIPPAGE_BPS_P95, Above, 2.5)],
                &[
                    ("base_spread_bps_delta", Add(0.02), Some(0.25), None),
                    ("tail_age_ms", Add(30.0), None, None),
                ],
            ),
        ];
        assert_eq!(rows.len(), expected.len());
        for (rule, (name, when, moves)) in rows.iter().zip(expected) {
            assert_row(rule, name, when, moves);
        }
    }

    #[test]
    fn only_some_rows_are_more_than_a_condition_and_its_steps() {
        for rule in read(&[], &[]).unwrap_or_else(|errors| panic!("{errors}")).run.tuner {
            let name = rule.name.as_str();
            let is_fallback = name == "fallback";
            let expected = (if is_fallback { 2 } else { 1 }, u64::from(is_fallback), is_fallback);
            assert_eq!((rule.in_a_row, rule.rest, rule.is_exclusive), expected, "{name}");
            let replaces: &[&str] = if name == "maker_boost" { &["normalize"] } else { &[] };
            assert_eq!(rule.replaces, replaces, "{name}");
            let stable: &[Condition] =
                if name.starts_with("driver_") { &[(RISK, Below, 0.40), (NET, AtLeast, 3.0)] } else { &[] };
            assert_eq!(conditions(&rule.unless), stable, "{name}");
        }
    }
}

use crate::core::policy::Policy;

use super::{Layer, Origin, PolicyErrors, read};

/// The built-in policy with one file above it. Its first line is the version.
fn with_file(text: &str) -> Result<Policy, PolicyErrors> {
    let text = format!("schema_version = 1\n{text}");
    read(&[Layer { origin: Origin::File("p.toml".to_owned()), text }], &[])
}

/// The messages about a file whose first line is the version.
fn errors_of(text: &str) -> Vec<String> {
    match with_file(text) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

/// The one message about a file whose first line is the version.
#[track_caller]
fn error_of(text: &str) -> String {
    let errors = errors_of(text);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    errors.into_iter().next().unwrap_or_default()
}

#[cfg(test)]
mod events {
    use std::path::PathBuf;

    use crate::core::policy::events::MarkedBy;
    use crate::core::policy::run::Reduce;
    use crate::core::policy::tests::{error_of, with_file};

    #[test]
    fn the_built_in_policy_looks_for_no_restarts_and_no_marks() {
        let events = with_file("").expect("the built-in policy").events;
        assert!(events.is_empty() && !events.asks_a_store());
    }

    #[test]
    fn restarts_and_phases_are_read_with_their_usual_values() {
        let policy = with_file(
            "[restarts]\nquery = \"r{$selector}[$window]\"\nexpected = 2\n\
             [phase.deploy]\nfile = \"marks.jsonl\"\n\
             [phase.load]\nquery = \"stage\"\nlabel = \"stage\"\nexpects_restarts = false\n\
             [phase.off]\nquery = \"x\"\nenabled = false\n",
        );
        let events = policy.expect("a policy").events;
        assert_eq!(events.restarts.query_in_force(), Some("r{$selector}[$window]"));
        let expected = events.restarts.expected.as_ref().expect("a limit");
        assert_eq!((expected.value, expected.source.key.as_str()), (2.0, "restarts.expected"));
        let phases: Vec<_> = events
            .phases
            .iter()
            .map(|phase| {
                (phase.name.as_str(), phase.by.clone(), phase.label.as_deref(), phase.expects_restarts)
            })
            .collect();
        let expected = [
            ("deploy", MarkedBy::File(PathBuf::from("marks.jsonl")), None, true),
            ("load", MarkedBy::Query("stage".to_owned()), Some("stage"), false),
        ];
        assert_eq!(phases, expected);
        assert!(events.asks_a_store());
    }

    #[test]
    fn a_query_that_is_taken_out_is_not_queried() {
        let policy = with_file("[restarts]\nquery = \"r\"\nenabled = false\n").expect("a policy");
        assert_eq!(policy.events.restarts.query_in_force(), None);
        let of_file = with_file("[phase.deploy]\nfile = \"f\"\n").expect("a policy").events;
        assert!(!of_file.is_empty() && !of_file.asks_a_store());
    }

    #[test]
    fn what_is_wrong_with_restarts_and_phases_is_named() {
        for (text, part) in [
            ("[restarts]\nexpected = 1.5", "expected a whole number"),
            ("[restarts]\nquery = \"x[$windw]\"", "unknown placeholder `$windw` (did you mean `window`?)"),
            ("[phase.a]\nlabel = \"x\"", "is missing where its marks come from, expected `query` or `file`"),
            ("[phase.a]\nquery = \"x\"\nfile = \"y\"", "has both `query` and `file`; expected one of them"),
            ("[phase.a]\nfile = \"y\"\nlabel = \"z\"", "names a label of series, and a file has none"),
            ("[phase.a]\nqeury = \"x\"\nfile = \"y\"", "unknown key, did you mean `phase.a.query`?"),
            (
                "[prometheus.net_bps]\nreduce = \"avg\"",
                "unknown reduction `avg`; expected `max`, `sum`, `mean`",
            ),
        ] {
            let error = error_of(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_query_is_reduced_where_its_table_says_how() {
        let policy = with_file("[prometheus.net_bps]\nreduce = \"mean\"\n").expect("a policy");
        let of = |metric: &str| {
            policy.run.queries.iter().find(|query| query.metric == metric).expect("a query").reduce
        };
        assert_eq!(of("net_bps"), Some(Reduce::Mean));
        assert_eq!(of("risk_ratio"), None);
    }

    #[test]
    fn a_reduction_of_nothing_or_of_too_much_is_none() {
        assert_eq!(Reduce::Max.of(&[]), None);
        assert_eq!(Reduce::Mean.of(&[]), None);
        assert_eq!(Reduce::Sum.of(&[f64::MAX, f64::MAX]), None);
        assert_eq!(Reduce::ALL.map(|reduce| reduce.of(&[1.0, 2.0, 6.0])), [Some(6.0), Some(9.0), Some(3.0)]);
    }
}

mod profiles {

    use super::super::{Layer, Origin, Patch, Policy, Profile, WindowSpec, read};
    use super::{error_of, errors_of};
    use crate::core::kpi::{Direction, Kind};
    use crate::core::verdict::Comparison;

    fn policy(text: &str) -> Policy {
        let layer =
            Layer { origin: Origin::File("p.toml".to_owned()), text: format!("schema_version = 1\n{text}") };
        read(&[layer], &[]).unwrap_or_else(|errors| panic!("{errors}"))
    }

    const OWN: &str = "[kpi.lag]\nunit = \"ms\"\ndirection = \"lower\"\n";
    const LIMIT: &str = "[iteration_pass.kpi.lag]\ncomparison = \"<=\"\nlimit = 5\n";

    #[test]
    fn the_trading_profile_is_the_default_and_has_the_values_of_the_built_in_policy() {
        let built_in = read(&[], &[]).expect("the built-in policy is fine");
        assert_eq!(built_in.profile, Profile::Trading);
        let named = policy("extends = \"trading\"\n");
        let values = |policy: &Policy| {
            let own = |key: &str| key != "extends" && key != "schema_version";
            let pair = |value: &super::super::Effective| (value.key.clone(), value.value.clone());
            policy.effective.iter().filter(|value| own(&value.key)).map(pair).collect::<Vec<_>>()
        };
        assert_eq!(values(&named), values(&built_in));
    }

    #[test]
    fn a_service_is_judged_by_its_kpis_over_the_steady_part_and_tunes_nothing() {
        let policy = policy("extends = \"service\"\n");
        let names: Vec<&str> = policy.kpis.of_verdict().iter().map(|kpi| kpi.name).collect();
        let expected = ["request_rate", "error_ratio", "p95_ms", "p99_ms", "rss_mb", "cpu_pct", "open_fds"];
        assert_eq!(names, expected);
        assert_eq!(policy.kpis.ids().count(), 7);
        assert!(policy.kpis.is_closed() && !policy.run.tunes());
        assert_eq!(policy.run_verdict.window, WindowSpec::Steady);
        let limits: Vec<f64> = [&policy.run_verdict.pass_share, &policy.run_verdict.warn_share]
            .map(|limit| limit.value)
            .to_vec();
        assert_eq!(limits, [0.95, 0.90]);
        let in_a_row = [&policy.run_verdict.max_failing_in_a_row, &policy.run_verdict.fail_failing_in_a_row];
        assert_eq!(in_a_row.map(|limit| limit.as_ref().map(|limit| limit.value)), [Some(3.0), Some(6.0)]);
        let queries: Vec<&str> = policy.run.queries.iter().map(|query| query.metric.as_str()).collect();
        assert!(expected.iter().all(|kpi| queries.contains(kpi)), "{queries:?}");
        // Every KPI without a limit must have a value all the same.
        let present: Vec<&str> = policy.iteration_pass.present.iter().map(|kpi| kpi.name).collect();
        assert_eq!(present, ["request_rate", "p95_ms", "p99_ms", "rss_mb", "cpu_pct", "open_fds"]);
        let shown = |word: &str| policy.effective.iter().any(|value| value.key.contains(word));
        let of_trading =
            ["net_bps", "maker", "edge", "guards", "tuner", "freeze", "phases", "panic", "deltas"];
        let seen: Vec<&&str> = of_trading.iter().filter(|word| shown(word)).collect();
        assert!(seen.is_empty(), "{seen:?}");
    }

    #[test]
    fn a_service_knows_outages_and_bad_ends_and_the_trading_profile_does_not() {
        let rules = policy("extends = \"service\"\n").excursions.expect("a table");
        let limits = [&rules.spreads, &rules.share, &rules.in_a_row, &rules.at_end, &rules.end_iterations];
        assert_eq!(limits.map(|limit| limit.value), [6.0, 0.5, 3.0, 2.0, 8.0]);
        assert_eq!(policy("").excursions, None);
        assert_eq!(policy("extends = \"service\"\n[excursions]\nenabled = false\n").excursions, None);
    }

    #[test]
    fn tables_can_be_taken_out_and_those_that_a_verdict_rests_on_say_why_not() {
        let out = |table: &str| format!("extends = \"service\"\n[{table}]\nenabled = false\n");
        assert!(policy(&out("compare")).compare.kpis.iter().all(|rule| rule.margin.is_none()));
        assert!(policy("extends = \"service\"\n").compare.kpis.iter().all(|rule| rule.margin.is_some()));
        let own = "exclude = [\"A\"]\nallow_start = [\"B\"]\nallow_end = [\"C\"]\n";
        let symbols = policy(&(out("symbols") + own)).symbols;
        assert!(
            [symbols.exclude, symbols.allow_start, symbols.allow_end].iter().all(|it| it.names.is_empty())
        );
        let mock = "[iteration_pass_mock]\nenabled = false\n";
        let trading = policy(mock);
        assert_eq!(trading.iteration_pass_mock.checks, trading.iteration_pass.checks);
        assert_eq!(trading.iteration_pass_mock.name, "iteration_pass_mock");
        for (table, why) in [
            (
                "iteration_pass",
                "every verdict rests on it; single limits are taken out in `[iteration_pass.kpi.X]`",
            ),
            ("run_verdict", "every verdict is one of the run; its shares and counts can be changed"),
            ("integrity", "no verdict is sound without it; its shares and counts can be changed"),
            (
                "canary",
                "a canary is never without limits; single hours are taken out, as in `[canary.hour_6]`",
            ),
        ] {
            let errors = errors_of(&out(table));
            let expected = format!("`{table}.enabled`: cannot be taken out: {why}");
            assert!(errors.len() == 1 && errors[0].ends_with(&expected), "{errors:?}");
        }
    }

    #[test]
    fn an_error_is_in_the_file_of_the_user_and_not_in_the_profile() {
        // `pass_share` is that of the profile, 0.95.
        let errors = errors_of("extends = \"service\"\n\n[run_verdict]\nwarn_share = 0.97\n");
        assert_eq!(errors.len(), 1);
        assert!(
            errors[0].contains("`run_verdict.pass_share`: 0.95 is below `run_verdict.warn_share`, 0.97"),
            "{errors:?}"
        );
        assert!(errors[0].contains("4:2") && !errors[0].contains("profile"), "{errors:?}");
    }

    #[test]
    fn groups_without_limits_take_those_of_the_iterations() {
        let policy = policy(&format!("extends = \"none\"\n{OWN}{LIMIT}"));
        assert_eq!(policy.kpis.ids().map(|kpi| kpi.name).collect::<Vec<_>>(), ["lag"]);
        assert_eq!(policy.iteration_pass_mock.checks, policy.iteration_pass.checks);
        let readiness = &policy.readiness.checks[0];
        assert_eq!((readiness.kpi.name, readiness.limit.value), ("lag", 5.0));
        assert_eq!((readiness.window, readiness.statistic.word()), (WindowSpec::LastN, "median"));
        let triggers = &policy.release.canary.triggers;
        assert_eq!((triggers[0].metric.as_str(), triggers[0].comparison), ("lag", Comparison::Above));
        assert_eq!(policy.release.canary.checkpoints.len(), 3);
    }

    #[test]
    fn the_verdict_of_no_profile_looks_at_all_of_the_steady_part() {
        let rule = policy(&format!("extends = \"none\"\n{OWN}{LIMIT}")).run_verdict;
        assert_eq!((rule.window, rule.min_iterations), (WindowSpec::Steady, 48));
        assert_eq!((rule.pass_share.value, rule.warn_share.value), (0.95, 0.90));
        let in_a_row = [rule.max_failing_in_a_row, rule.fail_failing_in_a_row];
        assert_eq!(in_a_row.map(|limit| limit.map(|limit| limit.value)), [Some(3.0), Some(6.0)]);
    }

    #[test]
    fn a_limit_on_what_the_verdict_does_not_rest_on_is_refused() {
        let with = |kpi: &str| format!("extends = \"none\"\n{}{LIMIT}", OWN.replace("[kpi.lag]", kpi));
        let reported = error_of(&with("[kpi.lag]\nadvisory = true"));
        assert!(
            reported.contains("`iteration_pass.kpi.lag`: `lag` is advisory (`kpi.lag.advisory`)"),
            "{reported}"
        );
        let none = with("[kpi.lag]").replace("\"lower\"", "\"none\"");
        let reported = error_of(&none);
        assert!(reported.contains("`lag` has no direction (`kpi.lag.direction`)"), "{reported}");
        let other = "[kpi.load]\nunit = \"1\"\ndirection = \"lower\"\n[iteration_pass.kpi.load]\n\
                     comparison = \"<=\"\nlimit = 5\n";
        assert_eq!(policy(&format!("{none}enabled = false\n{other}")).iteration_pass.checks.len(), 1);
        // Trading policies have limited such KPIs from the first.
        let trading = none.replace("extends = \"none\"\n", "");
        assert!(policy(&trading).iteration_pass.checks.iter().any(|gate| gate.kpi.name == "lag"));
    }

    #[test]
    fn parts_of_a_measurement_are_no_names_of_kpis() {
        for name in ["totals", "total", "kpis", "runtime"] {
            let text = format!("extends = \"none\"\n{OWN}{LIMIT}").replace("lag", name);
            let reported = error_of(&text);
            assert!(reported.contains("are parts of a measurement; expected another name"), "{reported}");
        }
        let reported = error_of(&format!("extends = \"none\"\n{OWN}aliases = [\"kpis\"]\n{LIMIT}"));
        assert!(reported.contains("`kpi.lag.aliases`: `kpis` is a part of a measurement"), "{reported}");
    }

    #[test]
    fn a_limit_alone_is_on_the_bad_side_of_its_kpi() {
        let limit = |kpi: &str| {
            let text = format!("extends = \"service\"\n[iteration_pass.kpi.{kpi}]\nlimit = 50\n");
            let checks = policy(&text).iteration_pass.checks;
            checks.iter().find(|gate| gate.kpi.name == kpi).map(|gate| (gate.comparison, gate.limit.value))
        };
        assert_eq!(limit("p95_ms"), Some((Comparison::AtMost, 50.0)));
        assert_eq!(limit("request_rate"), Some((Comparison::AtLeast, 50.0)));
        assert!(
            error_of(&format!("{OWN}[iteration_pass.kpi.lag]\nlimit = 5\ncomparison = \">=\""))
                .contains("lower is better")
        );
    }

    #[test]
    fn nothing_but_enabled_false_takes_out_whatever_has_that_name() {
        let with = |text: &str| policy(&format!("extends = \"none\"\n{OWN}{LIMIT}{text}\nenabled = false\n"));
        assert!(policy("").drift.gates && !with("[drift]").drift.gates);
        assert!(
            !with("[kpi_drift]").kpi_drift.trend.gates && !with("[change_points]").change_points.trend.gates
        );
        assert!(!with("[sanity]").sanity.gates);
        assert!(with("[run_gates.x]").run_gates.is_empty());
        let more = "[kpi.load]\nunit = \"1\"\ndirection = \"lower\"\n[iteration_pass.kpi.load]\nlimit = 5\n";
        let left = with(&format!("{more}[readiness.kpi.lag]")).readiness.checks;
        assert_eq!(left.iter().map(|gate| gate.kpi.name).collect::<Vec<_>>(), ["load"]);
        let canary = with(&format!("{more}[canary.hour_1.kpi.lag]")).release.canary;
        assert_eq!(canary.checkpoints[0].limits.len(), 1);
        let left = with(&format!("{more}[canary.trigger.lag]")).release.canary.triggers;
        assert_eq!(left.iter().map(|trigger| trigger.name.as_str()).collect::<Vec<_>>(), ["load"]);
        let none = |table: &str| format!("extends = \"none\"\n{OWN}{LIMIT}[{table}]\nenabled = false\n");
        assert!(error_of(&none("readiness.kpi.leg")).contains("unknown KPI `leg` (did you mean `lag`?)"));
        assert!(
            error_of(&none("canary.trigger.leg")).contains("takes nothing out: there is no such trigger")
        );
        assert!(error_of(&none("readiness.kpi.lag")).contains("has no limit in force"));
    }

    #[test]
    fn a_profile_without_any_kpi_is_one_error_that_says_what_is_missing() {
        let told = error_of("extends = \"none\"");
        assert!(told.contains("declares no KPI; expected `[kpi.<name>]`"), "{told}");
    }

    #[test]
    fn what_reports_print_has_no_control_characters_and_a_unit_is_not_empty() {
        for (key, was) in [("unit", "\"ms\""), ("label", "\"Lag\""), ("job", "\"queue\"")] {
            let text =
                format!("{OWN}label = \"Lag\"\njob = \"queue\"\n{LIMIT}").replace(was, "\"a\\u001b[31m\"");
            let told = error_of(&text);
            assert!(
                told.contains(&format!("`kpi.lag.{key}`: has a character that cannot be printed")),
                "{told}"
            );
        }
        let told = error_of(&format!("{OWN}{LIMIT}").replace("\"ms\"", "\" \""));
        assert!(told.contains("is empty, expected a unit such as `ms`, `ratio`, `1/s` or `count`"), "{told}");
    }

    #[test]
    fn a_file_over_one_of_another_profile_is_one_error() {
        let layer =
            |name: &str, text: &str| Layer { origin: Origin::File(name.to_owned()), text: text.to_owned() };
        let below = layer("soak.toml", "extends = \"service\"\n[iteration_pass.kpi.p95_ms]\nlimit = 5\n");
        let over = |text: &str| read(&[below.clone(), layer("mine.toml", text)], &[]);
        let told = over("extends = \"trading\"\n").expect_err("p95_ms is of another profile").to_string();
        assert_eq!(
            told,
            "`mine.toml`:1:11: `extends`: is `trading`, and `service` in `soak.toml`, which this file comes over; \
             `--no-config` leaves that one out"
        );
        let wrong =
            over("extends = \"trading\"\nwindow = 3\n").expect_err("more in the file itself").to_string();
        assert_eq!(wrong.lines().count(), 2, "{wrong}");
        assert!(over("extends = \"service\"\n").is_ok() && over("").is_ok());
    }

    #[test]
    fn times_that_show_no_age_are_refused_but_in_the_trading_profile() {
        assert!(policy(&format!("extends = \"none\"\n{OWN}{LIMIT}")).run.measuring.times_are_strict);
        assert!(!policy("").run.measuring.times_are_strict);
    }

    #[test]
    fn a_policy_that_declares_no_limit_is_refused_and_so_is_a_kpi_of_another_profile() {
        assert!(error_of(&format!("extends = \"none\"\n{OWN}")).contains("has no limit in force"));
        let of_trading =
            "extends = \"service\"\n[iteration_pass.kpi.net_bps]\ncomparison = \">=\"\nlimit = 2\n";
        assert!(error_of(of_trading).contains("unknown KPI `net_bps`"));
        let wrong = error_of("extends = \"servce\"");
        assert!(wrong.contains("did you mean `service`?"), "{wrong}");
    }

    #[test]
    fn a_kpi_that_is_taken_out_takes_its_limits_and_its_query_along() {
        let text = "extends = \"service\"\n[kpi.error_ratio]\nenabled = false\n[iteration_pass.kpi.p95_ms]\n\
                    comparison = \"<=\"\nlimit = 250\n";
        let policy = policy(text);
        assert!(policy.kpis.find("error_ratio").is_none());
        let limited: Vec<&str> = policy.iteration_pass.checks.iter().map(|gate| gate.kpi.name).collect();
        assert_eq!(limited, ["p95_ms"]);
        assert!(policy.run.queries.iter().all(|query| query.metric != "error_ratio"));
    }

    #[test]
    fn every_guard_can_be_taken_out() {
        let guards = |text: &str| {
            let guards = policy(text).run.guards;
            [
                guards.freeze.is_on,
                guards.oscillation.is_on,
                guards.velocity.is_on,
                guards.cooldown.is_on,
                guards.partial_freeze.is_on,
                guards.micro_steps.is_on,
            ]
        };
        assert_eq!(guards(""), [true; 6]);
        let names = ["freeze", "oscillation", "velocity", "cooldown", "partial_freeze", "micro_steps"];
        let out = names.map(|name| format!("[guards.{name}]\nenabled = false\n")).concat();
        assert_eq!(guards(&out), [false; 6]);
    }

    #[test]
    fn the_topmost_layer_that_names_a_profile_decides() {
        let origin = Origin::Flag("--set".to_owned());
        let patch = Patch { key: "extends".to_owned(), value: "service".to_owned(), origin };
        let policy = read(&[], &[patch]).expect("a profile");
        assert_eq!(policy.profile, Profile::Service);
    }

    #[test]
    fn a_kpi_says_what_it_is() {
        let text = "extends = \"none\"\n[kpi.lag]\nunit = \"ms\"\ndirection = \"lower\"\nkind = \"accumulating\"\n\
                    label = \"Lag\"\ndigits = 4\njob = \"queue\"\n[kpi.seen]\nunit = \"1/s\"\n\
                    direction = \"higher\"\nadvisory = true\n[kpi.build]\nunit = \"count\"\ndirection = \"none\"\n";
        let policy = policy(&format!("{text}{LIMIT}"));
        let lag = policy.kpis.find("lag").expect("declared");
        assert_eq!(
            (lag.kind, lag.label, lag.decimals(), lag.job),
            (Kind::Accumulating, Some("Lag"), 4, Some("queue"))
        );
        assert_eq!(policy.kpis.of_verdict(), [lag]);
        let seen = policy.kpis.find("seen").expect("declared");
        assert!(seen.is_advisory && seen.direction == Some(Direction::Higher) && seen.decimals() == 3);
        let error = error_of(&format!("{}{LIMIT}", text.replace("accumulating", "cumulative")));
        assert!(error.contains("`kpi.lag.kind`"), "{error}");
        let error = error_of(&format!("{}{LIMIT}", text.replace("digits = 4", "digits = 10")));
        assert!(error.contains("`kpi.lag.digits`"), "{error}");
    }
}
