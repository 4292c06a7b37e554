//! Resources that grow while a run goes on: the slope of each over time, with a confidence band.
//!
//! Memory that is collected now and then rises and drops like a saw; then its floors are looked at, the lows after
//! each drop: what rises there is not given back. Sign-aware: what falls is no leak. Says "no data" where there is none. The slope is Theil–Sen's and the band
//! Sen's (see [`crate::stats::trend`]); it takes the samples as independent, which memory is not, so on a
//! short run a wave can look like a drift. The verdict therefore rests on more: a straight line through the steady
//! part, tested with autocorrelation. A process that was restarted begins anew: the drift is that of the process with
//! most samples, and says so. Must not read files; the samples are brought.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::core::text::number::{TOLERANCE, distance, exactly, fixed};

use crate::core::policy::DriftRules;
use crate::core::policy::Limit;
use crate::core::verdict::{Check, Comparison, Outcome, Part, Severity, WindowUsed};
use crate::stats::regression::settles;
use crate::stats::summary::median;
use crate::stats::walk::Growth;
use crate::stats::{Slope as Line, Trend, TrendRule};

/// A resource of the watched process tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Resident memory, MiB.
    RssMb,
    /// Percent of one CPU.
    CpuPct,
    /// Threads.
    Threads,
    /// Open files.
    OpenFiles,
}

impl Resource {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 4] = [Self::RssMb, Self::CpuPct, Self::Threads, Self::OpenFiles];

    /// Name in files and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::RssMb => "rss_mb",
            Self::CpuPct => "cpu_pct",
            Self::Threads => "threads",
            Self::OpenFiles => "open_files",
        }
    }

    /// Whether it is held until it is released.
    fn accumulates(self) -> bool {
        self != Self::CpuPct
    }

    /// Its unit per hour, as it stands behind a slope.
    pub fn per_hour(self) -> &'static str {
        match self {
            Self::RssMb => "MB/h",
            Self::CpuPct => "%/h",
            Self::Threads | Self::OpenFiles => "/h",
        }
    }
}

/// Distinguishes a process from one that takes its place after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ProcessId {
    /// Its number; absent where a store knows only its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Its start: seconds after the machine's where there is a number, else Unix seconds.
    #[serde(serialize_with = "exactly")]
    pub started: f64,
}

/// A sample of each resource; `None` = not known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ResourceValues {
    values: [Option<f64>; Resource::ALL.len()],
    /// Whose resources they are; `None` = not known.
    pub process: Option<ProcessId>,
}

impl ResourceValues {
    /// The value of a resource.
    pub fn get(&self, resource: Resource) -> Option<f64> {
        self.values[resource as usize]
    }

    /// Sets the value of a resource.
    pub fn set(&mut self, resource: Resource, value: Option<f64>) {
        self.values[resource as usize] = value;
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }
}

/// What can be said about a slope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftWord {
    /// It rises, by at least the floor, and the band excludes 0.
    Grows,
    /// It falls, by at least the floor, and the band excludes 0.
    Falls,
    /// Neither can be said.
    NoDrift,
    /// Too few samples with a time for a slope.
    TooFew,
    /// No sample at all.
    NoData,
}

/// The slope of a resource, per hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slope {
    /// Median of the slopes of all pairs.
    pub per_hour: f64,
    /// Lower end of the band; `None` where so few samples allow none.
    pub low: Option<f64>,
    /// Upper end of the band; `None` where so few samples allow none.
    pub high: Option<f64>,
}

/// Where a resource is heading.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// The resource.
    pub resource: Resource,
    /// Samples that have a time and a value, of the process with most of them.
    pub n: usize,
    /// How many processes have samples, one after the other; `n` and all that follows is about one.
    pub processes: usize,
    /// Hours from the first of them to the last.
    pub hours: f64,
    /// The first value; `None` without samples.
    pub first: Option<f64>,
    /// The last value; `None` without samples.
    pub last: Option<f64>,
    /// The slope; `None` where there are too few samples.
    pub slope: Option<Slope>,
    /// How many floors of a saw the slope goes through; `None` where it goes through all samples.
    pub floors: Option<usize>,
    /// Confidence level of the band.
    pub confidence: f64,
    /// The floor that was applied.
    pub floor: Limit,
    /// What can be said.
    pub word: DriftWord,
    /// The probability of such a rise of the steady part by chance, adjusted for all that is tested together; `None`
    /// where it was not tested, or where nothing rises that counts.
    pub p_adjusted: Option<f64>,
}

/// Confidence of the band: 95 %, as everywhere in the reports. It is no limit.
const CONFIDENCE: f64 = 0.95;

/// Milliseconds of an hour.
const HOUR_MS: f64 = 3_600_000.0;

/// The drift of every resource over samples with their times, in any order.
pub fn find(samples: &[(DateTime<Utc>, ResourceValues)], rules: &DriftRules) -> Vec<Drift> {
    Resource::ALL
        .into_iter()
        .zip(&rules.floors)
        .map(|(resource, floor)| {
            let points = samples.iter().filter_map(|(time, values)| {
                Some((time.timestamp_millis(), values.get(resource)?, values.process))
            });
            let mut points: Vec<_> = points.collect();
            points.sort_by_key(|(time, ..)| *time);
            let (points, processes) = of_one_process(&points);
            one(resource, &points, processes, floor)
        })
        .collect()
}

/// The samples of the process with most of them, of equal ones the last, and how many processes there are. One that is
/// not named is the one before it.
fn of_one_process<T: Copy>(points: &[(T, f64, Option<ProcessId>)]) -> (Vec<(T, f64)>, usize) {
    let mut lives: Vec<Vec<(T, f64)>> = Vec::new();
    let mut current = None;
    for (time, value, process) in points {
        let is_another = process.is_some() && current.is_some() && *process != current;
        current = process.or(current);
        match lives.last_mut() {
            Some(life) if !is_another => life.push((*time, *value)),
            _ => lives.push(vec![(*time, *value)]),
        }
    }
    let processes = lives.len();
    (lives.into_iter().max_by_key(Vec::len).unwrap_or_default(), processes)
}

fn one(resource: Resource, points: &[(i64, f64)], processes: usize, floor: &Limit) -> Drift {
    let start = points.first().map_or(0, |(time, _)| *time);
    // Milliseconds take the place of iteration numbers.
    let numbered: Vec<(u64, f64)> =
        points.iter().map(|(time, value)| (time.abs_diff(start), *value)).collect();
    let rule = TrendRule { relative_change: 0.0, floor: 0.0, confidence: CONFIDENCE };
    let lows = floors_of_saw(&numbered);
    let slope = Trend::of(lows.as_ref().unwrap_or(&numbered), rule).map(|trend| Slope {
        per_hour: trend.slope * HOUR_MS,
        low: trend.low.map(|low| low * HOUR_MS),
        high: trend.high.map(|high| high * HOUR_MS),
    });
    let reaches = |size: f64| size >= floor.value - TOLERANCE && size > 0.0;
    let word = match slope {
        _ if points.is_empty() => DriftWord::NoData,
        None => DriftWord::TooFew,
        Some(Slope { per_hour, low: Some(low), .. }) if low > 0.0 && reaches(per_hour) => DriftWord::Grows,
        Some(Slope { per_hour, high: Some(high), .. }) if high < 0.0 && reaches(-per_hour) => {
            DriftWord::Falls
        }
        Some(_) => DriftWord::NoDrift,
    };
    Drift {
        resource,
        n: points.len(),
        processes,
        hours: numbered.last().map_or(0.0, |(last, _)| *last as f64 / HOUR_MS),
        first: points.first().map(|(_, value)| *value),
        last: points.last().map(|(_, value)| *value),
        slope,
        floors: lows.map(|lows| lows.len()),
        confidence: CONFIDENCE,
        floor: floor.clone(),
        word,
        p_adjusted: None,
    }
}

/// Of each resource, in the order of [`Resource::ALL`], the probability of a rise like that of these samples of the
/// steady part by chance. `None` with fewer samples than the rules ask for, where the rise is too small to count, and
/// where it is over.
pub fn rises(
    samples: &[(DateTime<Utc>, ResourceValues)],
    rules: &DriftRules,
) -> [Option<f64>; Resource::ALL.len()] {
    let start = samples.first().map(|(time, _)| *time).unwrap_or_default();
    Resource::ALL.map(|resource| {
        let hours = |time: &DateTime<Utc>| (*time - start).num_milliseconds() as f64 / HOUR_MS;
        let points: Vec<_> = samples
            .iter()
            .filter_map(|(time, values)| Some((hours(time), values.get(resource)?, values.process)))
            .collect();
        let (points, _) = of_one_process(&points);
        if points.len() < rules.min_iterations {
            return None;
        }
        let grown = |points: &[(f64, f64)]| {
            if resource.accumulates() {
                let growth = Growth::likeliest(points, 1.0, Line::p_of_rise)?;
                return Some((growth.line, growth.p));
            }
            Line::fitted(points, rules.walks).map(|line| (line, line.p_of_rise()))
        };
        let (fit, p) = grown(&points)?;
        let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
        let goes_on = |from: usize| {
            let alpha = rules.false_alarm_rate.value / Resource::ALL.len() as f64;
            grown(&points[from..]).is_some_and(|(_, p)| p <= alpha)
        };
        let is_over = settles(&values).is_some_and(|from| !goes_on(from));
        let counts = fit.last - fit.first > rules.relative_change.value * fit.first.abs() + TOLERANCE;
        (counts && !is_over).then_some(p)
    })
}

/// Fewest drops that make a saw: with fewer floors a slope through them has no band.
const TEETH: usize = 5;

/// A drop is so many times as large as a usual step.
const SHARP: f64 = 5.0;

/// The samples after each sharp drop, where the samples rise slowly and drop sharply again and again. `None`
/// where they do not.
fn floors_of_saw(points: &[(u64, f64)]) -> Option<Vec<(u64, f64)>> {
    let steps: Vec<f64> = points.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
    let usual = median(&mut steps.iter().map(|step| step.abs()).collect::<Vec<_>>())?;
    let drops = |step: f64| usual > 0.0 && step < -SHARP * usual;
    // A drop over several samples has its floor at the last of them.
    let ends = (0..steps.len())
        .filter(|at| drops(steps[*at]) && !steps.get(at + 1).is_some_and(|next| drops(*next)));
    let lows: Vec<(u64, f64)> = ends.map(|at| points[at + 1]).collect();
    let rises = steps.iter().filter(|step| **step > 0.0).count();
    let others = steps.iter().filter(|step| !drops(**step)).count();
    (lows.len() >= TEETH && 3 * rises >= 2 * others).then_some(lows)
}

impl Drift {
    /// In words: `+11.8 MB/h [11.2, 12.4]: grows`.
    pub fn text(&self) -> String {
        let Some(slope) = self.slope else {
            return match self.word {
                DriftWord::NoData => "no data".to_owned(),
                _ => format!("too few samples with a time ({}) for a slope{}", self.n, self.of_process()),
            };
        };
        let size = distance(slope.per_hour, 1);
        let is_zero = slope.per_hour == 0.0;
        let sign = if is_zero {
            ""
        } else if slope.per_hour < 0.0 {
            "-"
        } else {
            "+"
        };
        let digits = size.split_once('.').map_or(1, |(_, decimals)| decimals.len()).max(1);
        let band = match (slope.low, slope.high) {
            (Some(low), Some(high)) => format!(" [{}, {}]", fixed(low, digits), fixed(high, digits)),
            _ => " [no band, too few samples]".to_owned(),
        };
        let word = match self.word {
            DriftWord::Grows => "grows",
            DriftWord::Falls => "falls",
            _ => "no drift shown",
        };
        let unit = self.resource.per_hour();
        let gap = if unit.starts_with('/') { "" } else { " " };
        let saw = self.floors.map_or_else(String::new, |floors| format!(" at the floors of {floors} teeth"));
        format!("{sign}{size}{gap}{unit}{band}{saw}: {word}{}", self.of_process())
    }

    /// Which process it is about, where there are several.
    fn of_process(&self) -> String {
        match self.processes {
            0 | 1 => String::new(),
            several => format!(", in {} samples of one of {several} processes", self.n),
        }
    }

    /// The check of this drift. `None` where nothing is known and the policy does not ask for it.
    pub fn check(&self, rules: &DriftRules, window: WindowUsed, symbol: Option<&str>) -> Option<Check> {
        let insists = rules.gates && rules.severity == Severity::Hard;
        let is_sure = self.p_adjusted.is_some_and(|p| p <= rules.false_alarm_rate.value);
        let (outcome, joins) = match self.word {
            DriftWord::Grows if is_sure => (rules.severity.of_a_miss(), true),
            DriftWord::Grows => (Outcome::Warn, insists),
            DriftWord::Falls | DriftWord::NoDrift => (Outcome::Pass, true),
            DriftWord::TooFew | DriftWord::NoData if insists => (Outcome::Inconclusive, true),
            DriftWord::TooFew => (Outcome::NotApplicable, false),
            DriftWord::NoData => return None,
        };
        let observed = self.slope.map(|slope| slope.per_hour);
        let told = match (self.slope, self.first.zip(self.last)) {
            (Some(Slope { low: Some(low), high: Some(high), per_hour }), Some((first, last))) if is_sure => {
                format!(
                    "`{}` drifts by +{} {} (95 % CI {} to {}), from {} to {} in {} h{}",
                    self.resource.word(),
                    distance(per_hour, 1),
                    self.resource.per_hour(),
                    fixed(low, 1),
                    fixed(high, 1),
                    fixed(first, 0),
                    fixed(last, 0),
                    fixed(self.hours, 1),
                    self.of_process()
                )
            }
            _ => format!("{} {}", self.resource.word(), self.text()),
        };
        Some(Check {
            part: Part::Drift,
            gate: format!("drift.{}", self.resource.word()),
            kpi: None,
            symbol: symbol.map(str::to_owned),
            severity: rules.severity,
            window: WindowUsed { n: self.n, ..window },
            statistic: "slope_per_hour".to_owned(),
            comparison: Some(Comparison::Below),
            limit: Some(self.floor.value),
            observed,
            margin: observed.map(|slope| Comparison::Below.margin(slope, self.floor.value)),
            outcome,
            reason: told,
            limit_source: Some(self.floor.source.clone()),
            joins: rules.gates && joins,
            inference: None,
        })
    }
}

#[cfg(test)]
mod tests {

    use chrono::TimeDelta;

    use super::*;
    use crate::core::verdict::LimitSource;

    fn rules(floor: f64) -> DriftRules {
        let limit = || Limit {
            value: floor,
            source: LimitSource { key: "drift.x".to_owned(), origin: "a test".to_owned() },
        };
        DriftRules {
            gates: false,
            severity: Severity::Soft,
            false_alarm_rate: Limit { value: 0.01, ..limit() },
            min_iterations: 48,
            relative_change: Limit { value: 0.05, ..limit() },
            walks: false,
            floors: [limit(), limit(), limit(), limit()],
        }
    }

    /// One sample of memory every `minutes`.
    fn memory(values: &[f64], minutes: i64) -> Vec<(DateTime<Utc>, ResourceValues)> {
        (0..)
            .zip(values)
            .map(|(at, value)| {
                let mut sample = ResourceValues::default();
                sample.set(Resource::RssMb, Some(*value));
                (DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes * at), sample)
            })
            .collect()
    }

    fn rss(samples: &[(DateTime<Utc>, ResourceValues)], floor: f64) -> Drift {
        find(samples, &rules(floor)).remove(0)
    }

    /// Grows by `step` MB a sample.
    fn line(step: f64, n: u32) -> Vec<f64> {
        (0..n).map(|at| 500.0 + step * f64::from(at)).collect()
    }

    #[test]
    fn a_megabyte_in_five_minutes_is_twelve_in_an_hour() {
        let drift = rss(&memory(&line(1.0, 12), 5), 1.0);
        let slope = drift.slope.expect("twelve samples");
        assert!((slope.per_hour - 12.0).abs() < 1e-9, "{slope:?}");
        assert_eq!((drift.word, drift.n), (DriftWord::Grows, 12));
        assert_eq!((drift.first, drift.last), (Some(500.0), Some(511.0)));
        assert!((drift.hours - 55.0 / 60.0).abs() < 1e-12);
        assert_eq!(drift.text(), "+12.0 MB/h [12.0, 12.0]: grows");
    }

    #[test]
    fn what_falls_is_said_to_fall() {
        let drift = rss(&memory(&line(-1.0, 12), 5), 1.0);
        assert_eq!(drift.text(), "-12.0 MB/h [-12.0, -12.0]: falls");
        assert_eq!(drift.check(&rules(1.0), window(), None).map(|check| check.outcome), Some(Outcome::Pass));
    }

    #[test]
    fn below_the_floor_nothing_is_claimed() {
        // One sample an hour: the step is the slope.
        let word = |step: f64| rss(&memory(&line(step, 8), 60), 1.0).word;
        assert_eq!(
            (word(0.999), word(1.0), word(1.001)),
            (DriftWord::NoDrift, DriftWord::Grows, DriftWord::Grows)
        );
        assert_eq!((word(-0.999), word(-1.0)), (DriftWord::NoDrift, DriftWord::Falls));
        assert_eq!(rss(&memory(&line(0.0, 8), 60), 0.0).word, DriftWord::NoDrift);
        assert_eq!(rss(&memory(&line(0.0, 8), 60), 0.0).text(), "0.0 MB/h [0.0, 0.0]: no drift shown");
    }

    #[test]
    fn a_wave_is_no_drift_and_one_spike_changes_nothing() {
        let wave = [500.0, 520.0, 500.0, 520.0, 500.0, 520.0, 500.0, 520.0];
        assert_eq!(rss(&memory(&wave, 60), 1.0).word, DriftWord::NoDrift);
        let mut spiked = line(2.0, 12);
        spiked[6] = 9000.0;
        let drift = rss(&memory(&spiked, 60), 1.0);
        assert_eq!(drift.word, DriftWord::Grows);
        assert!((drift.slope.expect("a slope").per_hour - 2.0).abs() < 1e-9);
    }

    /// Rises by 4 MB a sample and gives `back` MB after every tenth.
    fn saw(back: f64, n: u32) -> Vec<f64> {
        (0..n).map(|at| 500.0 + 4.0 * f64::from(at) - back * f64::from(at / 10)).collect()
    }

    #[test]
    fn a_saw_leaks_what_its_floors_rise_by() {
        // 4 MB a minute up, 40 MB down every ten minutes: nothing is left, whatever a line through all of it says.
        let even = rss(&memory(&saw(40.0, 84), 1), 1.0);
        assert_eq!((even.word, even.floors), (DriftWord::NoDrift, Some(8)));
        assert_eq!(even.text(), "0.0 MB/h [0.0, 0.0] at the floors of 8 teeth: no drift shown");
        // 37 MB of 40 come back: 3 MB in ten minutes are 18 in an hour.
        let leak = rss(&memory(&saw(37.0, 84), 1), 1.0);
        assert_eq!(leak.word, DriftWord::Grows);
        assert!((leak.slope.expect("floors").per_hour - 18.0).abs() < 1e-9, "{leak:?}");
        // Four drops are not enough to tell, and a line is no saw.
        assert_eq!(rss(&memory(&saw(37.0, 44), 1), 1.0).floors, None);
        assert_eq!(rss(&memory(&line(1.0, 84), 1), 1.0).floors, None);
    }

    #[test]
    fn samples_in_any_order_and_with_a_pause_give_the_same_slope() {
        // 500 at 0 h, 501 at 1 h, then a pause, 510 at 10 h, 511 at 11 h, 512 at 12 h.
        let at = |hours: i64, value: f64| {
            let mut sample = ResourceValues::default();
            sample.set(Resource::RssMb, Some(value));
            (DateTime::UNIX_EPOCH + TimeDelta::hours(hours), sample)
        };
        let samples = [at(10, 510.0), at(0, 500.0), at(12, 512.0), at(1, 501.0), at(11, 511.0)];
        let drift = rss(&samples, 0.5);
        assert!((drift.slope.expect("five samples").per_hour - 1.0).abs() < 1e-9);
        assert_eq!(drift.word, DriftWord::Grows);
    }

    /// Memory of processes one after the other, an hour from sample to sample.
    fn lives(of: &[&[f64]]) -> Vec<(DateTime<Utc>, ResourceValues)> {
        let processes = of.iter().zip(1_u32..).flat_map(|(values, pid)| values.iter().map(move |_| pid));
        let values: Vec<f64> = of.concat();
        let mut samples = memory(&values, 60);
        for ((_, sample), pid) in samples.iter_mut().zip(processes) {
            sample.process = Some(ProcessId { pid: Some(pid), started: f64::from(pid) });
        }
        samples
    }

    #[test]
    fn samples_of_several_processes_are_not_joined() {
        // Each leaks 10 MB an hour and falls back at a restart; a line through all of it would be flat.
        let (short, long) = (line(10.0, 6), line(10.0, 8));
        let drift = rss(&lives(&[&short, &long, &short]), 1.0);
        assert_eq!((drift.word, drift.n, drift.processes), (DriftWord::Grows, 8, 3));
        assert_eq!((drift.first, drift.last, drift.hours), (Some(500.0), Some(570.0), 7.0));
        assert_eq!(drift.text(), "+10.0 MB/h [10.0, 10.0]: grows, in 8 samples of one of 3 processes");
        let sure = Drift { p_adjusted: Some(0.001), ..drift };
        assert_eq!(
            sure.check(&rules(1.0), window(), None).expect("a check").reason,
            "`rss_mb` drifts by +10.0 MB/h (95 % CI 10.0 to 10.0), from 500 to 570 in 7.0 h, \
             in 8 samples of one of 3 processes"
        );
        // A restart that takes memory with it is no fall.
        let drift = rss(&lives(&[&[500.0, 501.0], &[20.0, 20.0]]), 1.0);
        assert_eq!(drift.word, DriftWord::TooFew);
        assert_eq!(
            drift.text(),
            "too few samples with a time (2) for a slope, in 2 samples of one of 2 processes"
        );
        // A sample without a process is one of the process before.
        let mut samples = lives(&[&long]);
        samples[3].1.process = None;
        samples[0].1.process = None;
        assert_eq!(rss(&samples, 1.0).processes, 1);
    }

    #[test]
    fn the_rise_that_is_tested_is_that_of_one_process() {
        let wave = |at: usize| (at * 7 % 13) as f64 / 20.0;
        let leak: Vec<f64> = (0..60).map(|at| 100.0 + at as f64 + wave(at)).collect();
        let [first, second] = [&leak[..30], &leak[30..]];
        assert_eq!(rises(&lives(&[first, second]), &rules(1.0))[0], None, "30 samples each are too few");
        assert!(rises(&lives(&[&leak, first]), &rules(1.0))[0].is_some_and(|p| p < 1e-6));
    }

    #[test]
    fn no_data_and_too_few_samples_are_said_and_never_zero() {
        let drifts = find(&memory(&[500.0, 501.0], 60), &rules(1.0));
        assert_eq!(drifts[0].text(), "too few samples with a time (2) for a slope");
        assert_eq!((drifts[1].word, drifts[1].text().as_str()), (DriftWord::NoData, "no data"));
        // At one and the same time there is no slope.
        assert_eq!(rss(&memory(&line(1.0, 5), 0), 1.0).word, DriftWord::TooFew);
        // Three samples have a slope and no band.
        let three = rss(&memory(&line(2.0, 3), 60), 1.0);
        assert_eq!(three.text(), "+2.0 MB/h [no band, too few samples]: no drift shown");
    }

    fn window() -> WindowUsed {
        WindowUsed { name: "overall".to_owned(), first: Some(1), last: Some(9), n: 9 }
    }

    #[test]
    fn growth_is_a_warning_that_joins_only_where_the_policy_says_so() {
        let advisory = rules(1.0);
        let gating = DriftRules { gates: true, ..rules(1.0) };
        let grows = rss(&memory(&line(1.0, 12), 5), 1.0);
        let check = grows.check(&advisory, window(), Some("BTC")).expect("a check");
        assert_eq!((check.outcome, check.joins, check.window.n), (Outcome::Warn, false, 12));
        assert_eq!(check.reason, "rss_mb +12.0 MB/h [12.0, 12.0]: grows");
        // Twelve samples are too few to rest a verdict on.
        assert!(!grows.check(&gating, window(), None).expect("a check").joins);
        let hard = DriftRules { severity: Severity::Hard, ..gating.clone() };
        assert!(grows.check(&hard, window(), None).expect("a check").joins);
        let sure = |p: f64| Drift { p_adjusted: Some(p), ..grows.clone() };
        let check = sure(0.01).check(&gating, window(), None).expect("a check");
        assert_eq!((check.outcome, check.joins), (Outcome::Warn, true));
        // From 500 by 1 every five minutes: 511 after 55 minutes.
        assert_eq!(
            check.reason,
            "`rss_mb` drifts by +12.0 MB/h (95 % CI 12.0 to 12.0), from 500 to 511 in 0.9 h"
        );
        assert!(!sure(0.011).check(&gating, window(), None).expect("a check").joins);
        assert_eq!(sure(0.01).check(&hard, window(), None).expect("a check").outcome, Outcome::Fail);
        let nothing = rss(&[], 1.0);
        assert_eq!(nothing.check(&advisory, window(), None), None);
        assert_eq!(nothing.check(&gating, window(), None), None);
        let check = nothing.check(&hard, window(), None).expect("a check");
        assert_eq!((check.outcome, check.reason.as_str()), (Outcome::Inconclusive, "rss_mb no data"));
    }

    #[test]
    fn the_rise_of_the_steady_part_is_tested_where_it_is_long_large_and_not_over() {
        let of = |values: &[f64]| rises(&memory(values, 5), &rules(1.0))[0];
        let wave = |at: usize| (at * 7 % 13) as f64 / 20.0 - 0.3;
        let grows = |n: usize, step: f64| -> Vec<f64> {
            (0..n).map(|at| 100.0 + step * at as f64 + wave(at)).collect()
        };
        assert_eq!(of(&grows(47, 1.0)), None, "too few");
        assert!(of(&grows(48, 1.0)).is_some_and(|p| p < 1e-6));
        // 47 steps of 0.1 are 4.7 of 100, of 0.11 they are 5.17.
        assert_eq!(of(&grows(48, 0.1)), None, "less than 5 %");
        assert!(of(&grows(48, 0.112)).is_some());
        let warm: Vec<f64> = (0..96).map(|at| 100.0 + at.min(20) as f64 + wave(at)).collect();
        assert_eq!(of(&warm), None, "it levelled off");
        assert_eq!(of(&grows(96, -1.0)), None, "what falls is no leak");
        assert_eq!(rises(&[], &rules(1.0)), [None; 4]);
    }
}
