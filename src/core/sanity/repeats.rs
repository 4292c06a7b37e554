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
pub(super) struct Repeats<'s> {
    subject: Subject<'s>,
    groups: Vec<Group>,
    /// The measured iterations in order, each with the place of its values among all different ones.
    order: Vec<(u64, usize)>,
}

/// The repeated iterations of a range of numbers.
#[derive(Debug)]
pub(super) struct Found {
    /// Iterations that repeat an earlier one.
    pub(super) count: usize,
    /// Which ones, in a sentence.
    pub(super) sentence: String,
}

impl<'s> Repeats<'s> {
    /// Looks at the whole series. A failed collection measured nothing.
    pub(super) fn find(subject: Subject<'s>) -> Self {
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
    pub(super) fn sure(&self, (from, end): (u64, u64), fewest: usize) -> Found {
        self.found((from, end), |group| group.digits >= fewest)
    }

    /// Those that can be equal by chance: whole files, or KPIs where most of the iterations repeat others of the range.
    pub(super) fn coarse(&self, (from, end): (u64, u64), fewest: usize) -> Found {
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
mod tests;
