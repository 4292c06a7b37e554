//! Do the time stamps of the iterations run forward, without gaps, and not ahead of the clock?
//!
//! Instants are compared, never texts. What lies before the window is a finding, and so is the downtime between two
//! processes of one run.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::{base, count};
use crate::core::evidence::{Evidence, Finding};
use crate::core::excerpt::excerpt;
use crate::core::instant;
use crate::core::judge::list_numbers;
use crate::core::number::fixed;
use crate::core::policy::IntegrityRules;
use crate::core::series::Series;
use crate::core::verdict::{Check, Comparison, Outcome};
use crate::core::window::Window;
use crate::stats::summary::median;

/// More single iterations in a sentence help nobody.
const NAMED: usize = 4;

/// Characters of a text that is no time which are shown.
const TEXT: usize = 60;

/// What is wrong between an iteration and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepKind {
    /// It is stamped earlier.
    Back,
    /// Much later than an interval.
    Gap,
    /// The same, and the run was resumed in between.
    Downtime,
}

/// Two iterations that follow each other, with odd times.
#[derive(Clone, Copy, Debug)]
struct Step {
    kind: StepKind,
    from: (u64, DateTime<Utc>),
    to: (u64, DateTime<Utc>),
    /// The usual distance, seconds.
    usual: f64,
}

impl Step {
    fn words(&self) -> String {
        let Self { from: (before, earlier), to: (number, later), .. } = self;
        let distance = lasting(seconds(*later - *earlier).abs());
        match self.kind {
            StepKind::Back => format!(
                "iteration {number} is stamped {distance} before iteration {before} ({} after {})",
                text(*later),
                text(*earlier)
            ),
            StepKind::Gap => format!(
                "a gap of {distance} between iterations {before} and {number}, the interval is {}",
                lasting(self.usual)
            ),
            StepKind::Downtime => {
                format!(
                    "the run was resumed with iteration {number}, {distance} after iteration {before} ended"
                )
            }
        }
    }
}

/// The time stamps of a series.
struct Stamps {
    /// Those that are times, by the order of numbers.
    known: Vec<(u64, DateTime<Utc>)>,
    /// Texts that are none.
    none: Vec<(u64, String)>,
    /// Numbers of those without a zone.
    without_zone: Vec<u64>,
}

impl Stamps {
    fn of(series: &Series) -> Self {
        let mut stamps = Self { known: Vec::new(), none: Vec::new(), without_zone: Vec::new() };
        for row in series.rows() {
            let Some(text) = row.time.as_deref().filter(|text| !text.trim().is_empty()) else { continue };
            match instant::parse(text) {
                Some(time) => {
                    stamps.known.push((row.number, time.at));
                    if !time.has_zone {
                        stamps.without_zone.push(row.number);
                    }
                }
                None => stamps.none.push((row.number, excerpt(text, TEXT))),
            }
        }
        stamps
    }

    /// Whether they show how time passed: there are some, and not all are equal.
    fn are_evidence(&self) -> bool {
        self.known.len() == 1 || self.known.iter().any(|(_, time)| *time != self.known[0].1)
    }

    /// Odd distances. The usual one is the interval that the run declared, or the median where that is longer.
    fn steps(&self, evidence: &Evidence, stride: u64, rules: &IntegrityRules) -> Vec<Step> {
        // Iterations that are missing in between took their time.
        let intervals = |from: u64, to: u64| (to.saturating_sub(from) / stride.max(1)).max(1) as f64;
        let distances = || {
            self.known.windows(2).map(|pair| {
                let ((before, earlier), (number, later)) = (pair[0], pair[1]);
                (intervals(before, number), seconds(later - earlier))
            })
        };
        let mut each: Vec<f64> = distances().map(|(intervals, distance)| distance / intervals).collect();
        let stamped = median(&mut each).unwrap_or(0.0);
        let declared = evidence.declared.as_ref().filter(|declared| !declared.no_wait);
        let declared = declared.and_then(|declared| declared.interval).map_or(0.0, |it| it.as_secs_f64());
        let usual = stamped.max(declared);
        let resumed = |from: u64, to: u64| {
            let segments = evidence.declared.iter().flat_map(|declared| declared.segments.iter().skip(1));
            segments.into_iter().any(|segment| from < segment.from_iteration && segment.from_iteration <= to)
        };
        let kind = |from: (u64, DateTime<Utc>), to: (u64, DateTime<Utc>), intervals: f64, distance: f64| {
            if distance < 0.0 {
                return Some(StepKind::Back);
            }
            // Where most stamps are equal the clock is too coarse to show gaps.
            let largest = (rules.gap_intervals.value + intervals - 1.0) * usual;
            let is_gap = usual > 0.0 && distance > largest;
            is_gap.then(|| if resumed(from.0, to.0) { StepKind::Downtime } else { StepKind::Gap })
        };
        let found = self.known.windows(2).zip(distances()).filter_map(|(pair, (intervals, distance))| {
            let kind = kind(pair[0], pair[1], intervals, distance)?;
            Some(Step { kind, from: pair[0], to: pair[1], usual })
        });
        found.collect()
    }

    /// Iterations that are stamped later than it is.
    fn ahead(&self, evidence: &Evidence, rules: &IntegrityRules) -> Vec<(u64, DateTime<Utc>)> {
        let seconds = rules.ahead_minutes.value * 60.0;
        let allowed = TimeDelta::try_milliseconds(fixed(seconds * 1000.0, 0).parse().unwrap_or(i64::MAX));
        let Some(now) = evidence.now.filter(|_| !evidence.has_virtual_clock()) else { return Vec::new() };
        let Some(latest) = allowed.and_then(|allowed| now.checked_add_signed(allowed)) else {
            return Vec::new();
        };
        self.known.iter().filter(|(_, time)| *time > latest).copied().collect()
    }
}

/// Whether the time stamps of a series show how time passed.
pub fn is_known(series: &Series) -> bool {
    Stamps::of(series).are_evidence()
}

/// The time stamps in the window.
pub(super) fn check(evidence: &Evidence, series: &Series, window: &Window, rules: &IntegrityRules) -> Check {
    let stamps = Stamps::of(series);
    let inside = |number: u64| number >= window.from;
    let known = stamps.known.iter().filter(|(number, _)| inside(*number)).count();
    let steps = stamps.steps(evidence, evidence.found(series).stride(), rules);
    let steps: Vec<&Step> =
        steps.iter().filter(|step| step.kind != StepKind::Downtime && inside(step.to.0)).collect();
    let ahead: Vec<(u64, DateTime<Utc>)> =
        stamps.ahead(evidence, rules).into_iter().filter(|(number, _)| inside(*number)).collect();
    let noticed = |step: &Step| {
        let clock_steps = evidence.declared.iter().flat_map(|declared| &declared.clock_steps);
        let during = step.from.0..=step.to.0;
        clock_steps
            .filter(|it| during.contains(&it.iteration))
            .map(|it| format!(": {}", it.words()))
            .next_back()
    };
    let words = |step: &&Step| format!("{}{}", step.words(), noticed(step).unwrap_or_default());
    let mut sentences: Vec<String> = steps.iter().take(NAMED).map(words).collect();
    if steps.len() > NAMED {
        sentences.push(format!("and {} more", steps.len() - NAMED));
    }
    if let Some((_, last)) = ahead.last() {
        let numbers: Vec<u64> = ahead.iter().map(|(number, _)| *number).collect();
        sentences.push(format!(
            "iteration {} is stamped ahead of the clock, up to {}",
            list_numbers(&numbers),
            text(*last)
        ));
    }
    let is_evidence = stamps.are_evidence();
    let (outcome, reason) = if !is_evidence {
        (Outcome::NotApplicable, format!("time unknown: {}", unknown(&stamps)))
    } else if !steps.is_empty() {
        (rules.time_steps, sentences.join("; "))
    } else if !ahead.is_empty() {
        (Outcome::Warn, sentences.join("; "))
    } else if known == 0 {
        (Outcome::NotApplicable, "no iteration of the window has a time stamp".to_owned())
    } else {
        let n = window.len();
        (Outcome::Pass, format!("the time stamps of {known} of {} are in order", count(n, "iteration")))
    };
    let odd = (outcome != Outcome::NotApplicable).then_some((steps.len() + ahead.len()) as f64);
    Check {
        statistic: "odd time stamps".to_owned(),
        comparison: Some(Comparison::AtMost),
        limit: Some(0.0),
        observed: odd,
        margin: odd.map(|odd| 0.0 - odd),
        outcome,
        reason,
        limit_source: Some(rules.time_steps_source.clone()),
        ..base(series, window, "integrity.time_stamps")
    }
}

fn unknown(stamps: &Stamps) -> &'static str {
    if stamps.known.is_empty() { "no iteration has a time stamp" } else { "all time stamps are equal" }
}

/// What the time stamps of a series show besides: texts that are no time, zones that are missing, steps before the
/// window, downtime.
pub fn findings(evidence: &Evidence, series: &Series, from: u64, rules: &IntegrityRules) -> Vec<Finding> {
    let stamps = Stamps::of(series);
    let mut found = Vec::new();
    let mut add = |kind: &'static str, iteration: Option<u64>, in_window: bool, message: String| {
        let symbol = series.symbol.clone();
        found.push(Finding { kind, symbol, iteration, file: None, in_window, message });
    };
    for (number, text) in stamps.none.iter().rev().take(NAMED).rev() {
        let message = format!(
            "`{text}` in iteration {number} is not a time; the iteration counts as one without a time"
        );
        add("not_a_time", Some(*number), *number >= from, message);
    }
    if stamps.none.len() > NAMED {
        let numbers: Vec<u64> = stamps.none.iter().map(|(number, _)| *number).collect();
        let message = format!("the time stamps of iteration {} are not times", list_numbers(&numbers));
        add("not_a_time", None, false, message);
    }
    if let Some(last) = stamps.without_zone.last() {
        let numbers = list_numbers(&stamps.without_zone);
        let message = format!("the time stamps of iteration {numbers} have no zone and are read as UTC");
        add("time_without_zone", Some(*last), *last >= from, message);
    }
    let has_interval = evidence.declared.as_ref().is_some_and(|declared| declared.interval.is_some());
    if !stamps.are_evidence() && !has_interval && !series.is_empty() {
        let message = format!("time unknown: {}; nothing is judged by time", unknown(&stamps));
        add("time_unknown", None, true, message);
    }
    let steps = stamps.steps(evidence, evidence.found(series).stride(), rules);
    let before = |step: &&Step| step.to.0 < from || step.kind == StepKind::Downtime;
    let steps: Vec<&Step> = steps.iter().filter(before).collect();
    for step in steps.iter().rev().take(NAMED).rev() {
        let kind = match step.kind {
            StepKind::Back => "time_step_back",
            StepKind::Gap => "time_gap",
            StepKind::Downtime => "downtime",
        };
        add(kind, Some(step.to.0), step.to.0 >= from, step.words());
    }
    if steps.len() > NAMED {
        add("time_gap", None, false, format!("{} more odd time stamps before", steps.len() - NAMED));
    }
    let ahead = stamps.ahead(evidence, rules);
    if let Some((number, time)) = ahead.iter().rfind(|(number, _)| *number < from) {
        let message = format!("iteration {number} is stamped ahead of the clock, {}", text(*time));
        add("time_ahead", Some(*number), false, message);
    }
    found
}

/// Steps of the clock that the run noticed itself.
pub fn clock_steps(evidence: &Evidence, from: u64) -> Vec<Finding> {
    let steps = evidence.declared.iter().flat_map(|declared| &declared.clock_steps);
    let finding = |step: &crate::core::run::clock::ClockStep| Finding {
        kind: "clock_step",
        symbol: None,
        iteration: Some(step.iteration),
        file: None,
        in_window: step.iteration >= from,
        message: step.words(),
    };
    steps.map(finding).collect()
}

fn seconds(span: TimeDelta) -> f64 {
    span.num_milliseconds() as f64 / 1000.0
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A span of time in the units that people use: `12.5 s`, `5.0 min`, `8.1 h`.
pub(super) fn lasting(seconds: f64) -> String {
    if seconds < 120.0 {
        format!("{} s", fixed(seconds, 1))
    } else if seconds < 7200.0 {
        format!("{} min", fixed(seconds / 60.0, 1))
    } else {
        format!("{} h", fixed(seconds / 3600.0, 1))
    }
}

#[cfg(test)]
mod tests;
