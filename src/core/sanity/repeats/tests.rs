//! Sources that repeat themselves in every rhythm, and healthy ones that look alike.

use super::super::tests::{WINDOWS, rules};
use super::super::{Subject, checks};
use super::*;
use crate::core::evidence::Repeat;
use crate::core::iteration::Iteration;
use crate::core::judge::fixture::{empty, limit, series_of};
use crate::core::kpi::{Kpi, KpiTable};
use crate::core::policy::{SanityRules, WindowSpec};
use crate::core::ranges::Ranges;
use crate::core::verdict::{Check, Outcome, Severity};
use crate::core::window::Window;

const NET: KpiId = KpiId::NET_BPS;
const RISK: KpiId = KpiId::RISK_RATIO;
const LATENCY: KpiId = KpiId::P95_LATENCY_MS;

/// Nine digits each.
const FINE: [f64; 4] = [3.123_456_78, 3.212_345_67, 3.323_456_78, 3.434_567_89];

/// Eighteen iterations of a source; the verdict rests on 15 to 18, the steady part begins at 3.
struct Source<'s> {
    values: &'s dyn Fn(u64) -> Vec<(KpiId, f64)>,
    required: &'s [KpiId],
    repeats: &'s [Repeat],
    rules: SanityRules,
    interval: Option<Duration>,
    failed: &'s [u64],
}

impl<'s> Source<'s> {
    fn of(required: &'s [KpiId], values: &'s dyn Fn(u64) -> Vec<(KpiId, f64)>) -> Self {
        Self { values, required, repeats: &[], rules: rules(), interval: None, failed: &[] }
    }

    fn checks(&self) -> Vec<Check> {
        let series = series_of((1..=18).map(|number| {
            let mut iteration = Iteration { number, ..empty() };
            for (kpi, value) in (self.values)(number) {
                iteration.values[kpi.index()] = Some(value);
            }
            iteration.collection_failed = self.failed.contains(&number).then(|| "no answer".into());
            iteration
        }));
        let numbers: Ranges = series.rows().iter().map(|row| row.number).collect();
        let window = |spec| Window::find(&series, spec, &WINDOWS, &numbers);
        let subject = Subject {
            series: &series,
            last: &window(WindowSpec::LastN),
            steady: &window(WindowSpec::Steady),
            judged: &window(WindowSpec::LastN),
            repeats: self.repeats,
            required: self.required,
            looked_at: self.required,
            interval: self.interval,
            kpis: &KpiTable::default(),
        };
        let found = checks(&subject, &self.rules).into_iter();
        found.filter(|check| check.gate.starts_with("sanity.repeated")).collect()
    }

    /// The check on the iterations of the verdict: outcome, whether it joins, repeated iterations, reason.
    fn judged(&self) -> (Outcome, bool, Option<f64>, String) {
        let check = self.checks().remove(0);
        (check.outcome, check.joins, check.observed, check.reason)
    }
}

/// A value that no other number has.
fn moving(number: u64) -> f64 {
    300.0 + number as f64 / 7.0
}

#[test]
fn a_source_that_says_the_same_for_ever_is_no_measurement() {
    let (outcome, joins, repeated, reason) =
        Source::of(&[NET, RISK], &|_| vec![(NET, FINE[0]), (RISK, 0.312_345_6)]).judged();
    assert_eq!((outcome, joins, repeated), (Outcome::Invalid, true, Some(4.0)));
    assert_eq!(
        reason,
        "the source repeats itself: `net_bps` and `risk_ratio` are equal to the last digit (16 digits together) in \
         iteration 1-18; they never change"
    );
}

#[test]
fn a_source_that_alternates_or_replays_a_cycle_repeats_itself_too() {
    for cycle in 2..=4 {
        let values = move |number: u64| {
            let value = FINE[usize::try_from(number % cycle).expect("a small number")];
            vec![(NET, value), (RISK, value / 11.0)]
        };
        let (outcome, joins, repeated, reason) = Source::of(&[NET, RISK], &values).judged();
        assert_eq!((outcome, joins, repeated), (Outcome::Invalid, true, Some(4.0)), "{cycle}");
        assert!(reason.ends_with("; the source returns to values that it had before"), "{reason}");
    }
    // A recording of nine iterations that is played twice.
    let values = |number: u64| vec![(NET, 3.0 + (number % 9) as f64 / 7919.0)];
    let one = SanityRules { repeat_digits: limit(5.0), ..rules() };
    assert_eq!(Source { rules: one, ..Source::of(&[NET], &values) }.judged().0, Outcome::Invalid);
}

#[test]
fn an_interval_shorter_than_the_source_renews_its_values_is_named() {
    let values =
        |number: u64| vec![(NET, moving(number / 3).sqrt()), (RISK, moving(number / 3).sqrt() / 7.0)];
    let source = Source::of(&[NET, RISK], &values);
    let (outcome, _, repeated, reason) = source.judged();
    // 15-17 and 18: of the last four only 16 and 17 repeat.
    assert_eq!((outcome, repeated), (Outcome::Invalid, Some(2.0)));
    let blocks =
        "; they change every 3 iterations: the interval is shorter than the source takes to renew them";
    assert!(reason.ends_with(blocks), "{reason}");
    let declared = Source { interval: Some(Duration::from_secs(10)), ..source };
    let told = "; they change every 3 iterations: the interval of 10 s is shorter than the source takes to renew them \
                (about 30 s)";
    assert!(declared.judged().3.ends_with(told), "{}", declared.judged().3);
}

#[test]
fn one_iteration_that_repeats_another_is_enough() {
    let values = |number: u64| {
        let of = if number == 17 { 9 } else { number };
        vec![(NET, moving(of).sqrt()), (RISK, moving(of).sqrt() / 7.0)]
    };
    let (outcome, joins, repeated, reason) = Source::of(&[NET, RISK], &values).judged();
    assert_eq!((outcome, joins, repeated), (Outcome::Invalid, true, Some(1.0)));
    assert!(reason.contains("in iteration 9, 17;"), "{reason}");
}

#[test]
fn with_fewer_digits_equal_values_can_be_chance() {
    // 9 and 6 digits, and 9 and 7.
    for (risk, expected) in [(0.312_345, (Outcome::Warn, false)), (0.312_345_6, (Outcome::Invalid, true))] {
        let values = |_| vec![(NET, FINE[0]), (RISK, risk)];
        let (outcome, joins, repeated, reason) = Source::of(&[NET, RISK], &values).judged();
        assert_eq!((outcome, joins), expected, "{risk}");
        assert_eq!(repeated, Some(4.0));
        let is_said = reason.contains("fewer than 16 digits can be equal by chance");
        assert_eq!(is_said, outcome == Outcome::Warn, "{reason}");
    }
    // Now and then an equal one says nothing at all.
    let values = |number: u64| vec![(NET, if number == 17 { 3.9 } else { 2.0 + number as f64 / 10.0 })];
    let twice = |number: u64| if number == 16 { values(17) } else { values(number) };
    assert_eq!(Source::of(&[NET], &values).judged().0, Outcome::Pass);
    assert_eq!(Source::of(&[NET], &twice).judged().0, Outcome::Pass);
    let hard = SanityRules { gates: true, severity: Severity::Hard, ..rules() };
    let constant = |_| vec![(NET, 3.1)];
    let (outcome, joins, ..) = Source { rules: hard, ..Source::of(&[NET], &constant) }.judged();
    assert_eq!((outcome, joins), (Outcome::Fail, true));
}

#[test]
fn an_idle_system_stands_at_zero_or_at_a_bound_and_that_is_no_defect() {
    let bounded = Kpi { highest: Some(FINE[0]), ..(*NET).clone() };
    assert_eq!(informative_digits(&bounded, FINE[0]), 0);
    assert_eq!(informative_digits(&bounded, FINE[1]), 9);
    let values = |_| vec![(NET, 0.0), (RISK, 0.0), (KpiId::MAKER_TAKER_RATIO, 1.0), (LATENCY, 0.0)];
    let (outcome, joins, ..) = Source::of(&KpiId::OF_THE_VERDICT, &values).judged();
    assert_eq!((outcome, joins), (Outcome::Warn, false));
}

#[test]
fn one_kpi_that_stands_still_while_another_moves_is_no_repetition() {
    let values = |number: u64| vec![(NET, FINE[0]), (RISK, 0.312_345_678_9), (LATENCY, moving(number))];
    let source = Source::of(&[NET, RISK, LATENCY], &values);
    assert_eq!((source.judged().0, source.judged().2), (Outcome::Pass, Some(0.0)));
    // The verdict of one's own KPI rests on that one, whatever moves beside it.
    let own = |number: u64| vec![(NET, 4.123_456_789_012_345), (LATENCY, moving(number))];
    let (outcome, _, _, reason) = Source::of(&[NET], &own).judged();
    assert_eq!(outcome, Outcome::Invalid);
    assert!(reason.contains("`net_bps` is equal to the last digit (16 digits together)"), "{reason}");
}

#[test]
fn a_missing_value_is_as_equal_as_any_and_a_failed_collection_measured_nothing() {
    let values = |_| vec![(NET, 4.123_456_789_012_345)];
    assert_eq!(Source::of(&[NET, RISK], &values).judged().0, Outcome::Invalid);
    let all: Vec<u64> = (1..=18).collect();
    let failed = Source { failed: &all, ..Source::of(&[NET], &values) };
    assert_eq!((failed.judged().0, failed.judged().2), (Outcome::Pass, Some(0.0)));
    assert_eq!(Source::of(&[], &values).judged().0, Outcome::Pass);
}

#[test]
fn repetitions_before_the_window_are_shown_and_join_nothing() {
    let values = |number: u64| {
        let of = if number < 6 { 0 } else { number };
        vec![(NET, moving(of).sqrt()), (RISK, moving(of).sqrt() / 7.0)]
    };
    let found = Source::of(&[NET, RISK], &values).checks();
    let told: Vec<(&str, Outcome, bool, Option<f64>)> =
        found.iter().map(|check| (check.gate.as_str(), check.outcome, check.joins, check.observed)).collect();
    // 2 repeats as well, but the steady part begins at 3.
    let before = ("sanity.repeated_before", Outcome::Warn, false, Some(3.0));
    assert_eq!(told, [("sanity.repeated", Outcome::Pass, true, Some(0.0)), before]);
}

#[test]
fn files_that_are_equal_as_a_whole_count_with_the_digits_of_all_their_kpis() {
    // 3.1 and 9 digits of a KPI that the verdict does not rest on.
    let values = |number: u64| vec![(NET, 3.0 + number as f64 / 10.0), (KpiId::GROSS_BPS, FINE[0])];
    let judged = |numbers: &[u64], digits: f64, gate: bool| {
        let repeats = [Repeat { symbol: None, numbers: numbers.to_vec() }];
        let rules = SanityRules { repeat_digits: limit(digits), repeats_gate: gate, ..rules() };
        Source { repeats: &repeats, rules, ..Source::of(&[NET], &values) }.judged()
    };
    let (outcome, joins, repeated, reason) = judged(&[1, 15, 17], 11.0, true);
    assert_eq!((outcome, joins, repeated), (Outcome::Invalid, true, Some(2.0)));
    assert!(reason.contains("the files without number and time are equal"), "{reason}");
    assert_eq!(judged(&[15, 17], 11.0, true).2, Some(1.0));
    assert!(!judged(&[15, 17], 11.0, false).1, "by policy it is shown beside the verdict");
    let (outcome, joins, ..) = judged(&[15, 17], 12.0, true);
    assert_eq!((outcome, joins), (Outcome::Warn, false));
    assert_eq!(judged(&[1, 3], 11.0, true).0, Outcome::Pass);
    let other = [Repeat { symbol: Some("A".to_owned()), numbers: vec![15, 17] }];
    assert_eq!(Source { repeats: &other, ..Source::of(&[NET], &values) }.judged().0, Outcome::Pass);
}

#[test]
fn digits_are_those_of_the_shortest_decimal_or_of_a_simple_fraction() {
    let told = [
        (0.0, 0),
        (-0.0, 0),
        (5.0, 1),
        (250.0, 2),
        (-3.1, 2),
        (0.105, 3),
        (1e-300, 1),
        (1.0 / 3.0, 2),
        (-2.0 / 3.0, 2),
        (15.0 / 17.0, 4),
        (880.0 / 999.0, 6),
        // 3/10 and 19/4, computed.
        (0.1 + 0.2, 3),
        (4.749_999_999_999_999, 3),
        (4.123_456_789_012_345, 16),
        (3.123_456_789_01, 12),
        (std::f64::consts::PI, 16),
        (f64::MAX, 17),
        (f64::MIN_POSITIVE, 17),
        (f64::NAN, 0),
    ];
    for (value, digits) in told {
        assert_eq!(significant_digits(value), digits, "{value}");
    }
}
