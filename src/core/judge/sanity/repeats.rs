//! A source that repeats itself: iterations whose measurements are equal to earlier ones.
//!
//! The measured values alone are compared, because the files of a run differ in more than them. Files that are equal
//! as a whole come with the evidence.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::Subject;
use crate::core::judge::{count, list_numbers};
use crate::core::kpi::{Kpi, KpiId};

/// The denominators that a simple fraction may have.
const LARGEST_DENOMINATOR: f64 = 1e6;

/// How far a computed value may be off the fraction that it stands for: a few units in the last place.
const ROUNDING: f64 = 1e-15;

/// Iterations with equal values of all KPIs of the verdict.
#[derive(Debug)]
struct Group {
    /// Ascending; the first of them is the measurement, the others repeat it.
    numbers: Vec<u64>,
    /// Significant digits of the values together: how improbable it is that another measurement has the same.
    digits: usize,
    /// Whether the files are equal as a whole, and not the KPIs of the verdict only.
    is_file: bool,
}

/// The values of the KPIs of the verdict in one iteration, as bits.
type Values = Vec<Option<u64>>;

/// What repeats in a series.
#[derive(Debug)]
pub(crate) struct Repeats<'s> {
    subject: Subject<'s>,
    groups: Vec<Group>,
    /// The measured iterations in order, each with the place of its values among all different ones.
    order: Vec<(u64, usize)>,
}

/// The repeated iterations of a range of numbers.
#[derive(Debug)]
pub(crate) struct Found {
    /// Iterations that repeat an earlier one.
    pub(crate) count: usize,
    /// Which ones, in a sentence.
    pub(crate) sentence: String,
}

impl<'s> Repeats<'s> {
    /// Looks at the whole series. A failed collection measured nothing.
    pub(crate) fn find(subject: Subject<'s>) -> Self {
        let series = subject.series;
        let values = |at: usize| -> Values {
            subject.required.iter().map(|kpi| series.value(*kpi, at).map(f64::to_bits)).collect()
        };
        let mut places: HashMap<Values, usize> = HashMap::new();
        let mut order = Vec::with_capacity(series.len());
        for (at, row) in series.rows().iter().enumerate() {
            let values = values(at);
            if row.collection_failed.is_some() || values.iter().all(Option::is_none) {
                continue;
            }
            let next = places.len();
            order.push((row.number, *places.entry(values).or_insert(next)));
        }
        let mut numbers: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for (number, place) in &order {
            numbers.entry(*place).or_default().push(*number);
        }
        let repeated = numbers.into_values().filter(|numbers| numbers.len() > 1);
        let of_values = repeated.map(|numbers| {
            let digits = digits(&subject, subject.required.iter().copied(), numbers[0]);
            Group { numbers, digits, is_file: false }
        });
        let of_symbol = subject.repeats.iter().filter(|repeat| repeat.symbol == series.symbol);
        let of_files = of_symbol.map(|repeat| {
            let digits =
                repeat.numbers.first().map_or(0, |first| digits(&subject, subject.kpis.ids(), *first));
            Group { numbers: repeat.numbers.clone(), digits, is_file: true }
        });
        let groups = of_values.chain(of_files).collect();
        Self { subject, groups, order }
    }

    /// Repeated iterations with numbers from `from` on and below `end` that cannot be equal by chance: their values
    /// have `fewest` digits together.
    pub(crate) fn sure(&self, (from, end): (u64, u64), fewest: usize) -> Found {
        self.found((from, end), |group| group.digits >= fewest)
    }

    /// Those that can be equal by chance: whole files, or KPIs where most of the iterations repeat others of the range.
    pub(crate) fn coarse(&self, (from, end): (u64, u64), fewest: usize) -> Found {
        let inside = self.order.iter().filter(|(number, _)| (from..end).contains(number));
        let mut places: Vec<usize> = inside.map(|(_, place)| *place).collect();
        let n = places.len();
        places.sort_unstable();
        places.dedup();
        let most_repeat = 2 * places.len() <= n;
        self.found((from, end), |group| group.digits < fewest && (group.is_file || most_repeat))
    }

    fn found(&self, (from, end): (u64, u64), is_meant: impl Fn(&Group) -> bool) -> Found {
        let copies = |group: &Group| -> Vec<u64> {
            group.numbers.iter().skip(1).copied().filter(|number| (from..end).contains(number)).collect()
        };
        let groups: Vec<&Group> =
            self.groups.iter().filter(|group| is_meant(group) && !copies(group).is_empty()).collect();
        let mut all: Vec<u64> = groups.iter().flat_map(|group| copies(group)).collect();
        all.sort_unstable();
        all.dedup();
        // What the KPIs show needs no file beside it.
        let of_values = groups.iter().filter(|group| !group.is_file).count();
        let told: Vec<&&Group> = groups.iter().filter(|group| !group.is_file || of_values == 0).collect();
        let digits = told.iter().map(|group| group.digits).min().unwrap_or_default();
        let named: Vec<String> = told.iter().take(4).map(|group| list_numbers(&group.numbers)).collect();
        let more = if told.len() > 4 { "; and more" } else { "" };
        let what =
            if of_values > 0 { self.names() } else { "the files without number and time are".to_owned() };
        let sentence = format!(
            "{what} equal to the last digit ({} together) in iteration {}{more}{}",
            count(digits, "digit"),
            named.join("; in "),
            if of_values > 0 { self.rhythm() } else { String::new() }
        );
        Found { count: all.len(), sentence }
    }

    /// The KPIs of the verdict, as the subject of a sentence.
    fn names(&self) -> String {
        let names: Vec<String> = self.subject.required.iter().map(|kpi| format!("`{}`", kpi.name)).collect();
        match names.as_slice() {
            [only] => format!("{only} is"),
            [both @ .., last] if both.len() < 5 => format!("{} and {last} are", both.join(", ")),
            _ => format!("all {} KPIs of the verdict are", names.len()),
        }
    }

    /// How the values come and go, to stand behind a sentence about them.
    fn rhythm(&self) -> String {
        let blocks: Vec<&[(u64, usize)]> = self.order.chunk_by(|one, other| one.1 == other.1).collect();
        // Places are given in order, so values that were there before have a lower one.
        let is_new = blocks.windows(2).all(|pair| pair[1][0].1 > pair[0][0].1);
        match blocks.as_slice() {
            [only] if only.len() > 2 => "; they never change".to_owned(),
            // The first and the last block are cut off.
            [_, inner @ .., _]
                if is_new && !inner.is_empty() && inner.iter().all(|block| block.len() > 1) =>
            {
                let mut lengths: Vec<usize> = inner.iter().map(|block| block.len()).collect();
                lengths.sort_unstable();
                let length = lengths[lengths.len() / 2];
                format!("; they change every {length} iterations{}", self.too_short(length))
            }
            _ if !is_new => "; the source returns to values that it had before".to_owned(),
            _ => String::new(),
        }
    }

    fn too_short(&self, iterations: usize) -> String {
        let Some(interval) = self.subject.interval.filter(|interval| *interval > Duration::ZERO) else {
            return ": the interval is shorter than the source takes to renew them".to_owned();
        };
        let seconds = interval.as_secs();
        let renewal = seconds.saturating_mul(iterations as u64);
        format!(
            ": the interval of {seconds} s is shorter than the source takes to renew them (about {renewal} s)"
        )
    }
}

/// Significant digits of these KPIs of an iteration together.
fn digits(subject: &Subject<'_>, kpis: impl Iterator<Item = KpiId>, number: u64) -> usize {
    let at = subject.series.position_of(number);
    let known = kpis.filter_map(|kpi| Some((kpi, subject.series.value(kpi, at)?)));
    known.map(|(kpi, value)| informative_digits(&kpi, value)).sum()
}

/// A value at a bound says nothing: that is where an idle system stands.
fn informative_digits(kpi: &Kpi, value: f64) -> usize {
    let is_bound = kpi.lowest == Some(value) || kpi.highest == Some(value);
    if is_bound { 0 } else { significant_digits(value) }
}

/// Of the shortest decimal that reads back as the same number, or of numerator and denominator where it is a simple
/// fraction: 2/3 has two, however many sixes are written. 0 of 0.
fn significant_digits(value: f64) -> usize {
    if value == 0.0 || !value.is_finite() {
        return 0;
    }
    let shortest = format!("{value:e}");
    let decimal = shortest.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
    fraction_digits(value.abs()).map_or(decimal, |fraction| fraction.min(decimal))
}

/// Digits of the simplest fraction that a value stands for, by its convergents.
fn fraction_digits(value: f64) -> Option<usize> {
    let length = |whole: f64| format!("{whole:.0}").len();
    let (mut before, mut last) = ((0.0, 1.0), (1.0, 0.0));
    let mut rest = value;
    loop {
        let whole = rest.floor();
        let next: (f64, f64) = (whole * last.0 + before.0, whole * last.1 + before.1);
        if next.1 > LARGEST_DENOMINATOR || next.0 > LARGEST_DENOMINATOR {
            return None;
        }
        if (value - next.0 / next.1).abs() <= ROUNDING * value {
            return Some(length(next.0) + if next.1 == 1.0 { 0 } else { length(next.1) });
        }
        let remainder = rest - whole;
        if remainder <= 0.0 {
            return None;
        }
        rest = 1.0 / remainder;
        (before, last) = (last, next);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{WINDOWS, rules};
    use super::super::{Subject, checks};
    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::judge::fixture::{empty, limit, series_of};
    use crate::core::kpi::{Kpi, KpiTable};
    use crate::core::policy::{SanityRules, WindowSpec};
    use crate::core::series::ranges::Ranges;
    use crate::core::series::window::Window;
    use crate::core::verdict::evidence::Repeat;
    use crate::core::verdict::{Check, Outcome, Severity};

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
        for (risk, expected) in [(0.312_345, (Outcome::Warn, false)), (0.312_345_6, (Outcome::Invalid, true))]
        {
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
        let told: Vec<(&str, Outcome, bool, Option<f64>)> = found
            .iter()
            .map(|check| (check.gate.as_str(), check.outcome, check.joins, check.observed))
            .collect();
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
}
