//! Do the time stamps of the iterations run forward, without gaps, and not ahead of the clock?
//!
//! Instants are compared, never texts. What lies before the window is a finding, and so is the downtime between two
//! processes of one run.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::{base, count};
use crate::core::judge::list_numbers;
use crate::core::policy::IntegrityRules;
use crate::core::series::Series;
use crate::core::series::instant;
use crate::core::series::window::Window;
use crate::core::text::excerpt;
use crate::core::text::number::fixed;
use crate::core::verdict::evidence::{Evidence, Finding};
use crate::core::verdict::{Check, Comparison, Outcome};
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
    let finding = |step: &crate::core::iteration::manifest::ClockStep| Finding {
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
mod tests {
    use super::super::super::fixture::{empty, integrity_rules, last, series_of};
    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::iteration::manifest::{ClockStep, ClockStepKind};
    use crate::core::verdict::evidence::{Declared, RunState, SegmentStart};

    const MINUTE: i64 = 60;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
    }

    /// Iterations 1, 2, … that end at these minutes.
    fn stamped(minutes: &[i64]) -> Series {
        texts(&minutes.iter().map(|minute| Some(text(at(minute * MINUTE)))).collect::<Vec<_>>())
    }

    fn texts(texts: &[Option<String>]) -> Series {
        series_of((1..).zip(texts).map(|(number, text)| Iteration {
            number,
            time: text.as_deref().map(Into::into),
            ..empty()
        }))
    }

    /// Ten even intervals, then changed.
    fn ten(change: impl FnOnce(&mut Vec<i64>)) -> Series {
        let mut minutes: Vec<i64> = (1..=10).map(|number| 5 * number).collect();
        change(&mut minutes);
        stamped(&minutes)
    }

    fn judged(series: &Series) -> Check {
        check(&Evidence::default(), series, &last(series), &integrity_rules())
    }

    fn kinds(evidence: &Evidence, series: &Series) -> Vec<(&'static str, bool)> {
        let found = findings(evidence, series, last(series).from, &integrity_rules());
        found.into_iter().map(|finding| (finding.kind, finding.in_window)).collect()
    }

    #[test]
    fn even_jittery_late_and_equal_stamps_are_in_order() {
        // Intervals of 2.5 to 7.5 minutes, one of 15 (3 intervals), and two equal stamps.
        for minutes in [
            vec![5, 10, 15, 20, 25, 30, 35, 40, 45, 50],
            vec![3, 10, 13, 20, 23, 30, 33, 40, 43, 50],
            vec![5, 10, 15, 20, 25, 30, 35, 40, 55, 60],
            vec![5, 10, 15, 20, 25, 30, 35, 40, 40, 50],
        ] {
            let series = stamped(&minutes);
            let check = judged(&series);
            assert_eq!(check.outcome, Outcome::Pass, "{}", check.reason);
            assert_eq!(kinds(&Evidence::default(), &series), []);
        }
    }

    #[test]
    fn a_step_back_inside_the_window_is_a_warning_and_before_it_a_finding() {
        // The window is 8 to 10. Iteration 9 an hour before 8, iteration 8 before 7.
        let inside = ten(|minutes| minutes[8..].iter_mut().for_each(|minute| *minute -= 60));
        let check = judged(&inside);
        assert_eq!((check.outcome, check.observed), (Outcome::Warn, Some(1.0)));
        assert!(
            check.reason.contains("iteration 9 is stamped 55.0 min before iteration 8"),
            "{}",
            check.reason
        );
        let before = ten(|minutes| minutes[6..].iter_mut().for_each(|minute| *minute -= 60));
        assert_eq!(judged(&before).outcome, Outcome::Pass);
        assert_eq!(kinds(&Evidence::default(), &before), [("time_step_back", false)]);
    }

    #[test]
    fn a_distance_of_more_than_five_intervals_is_a_gap() {
        // The median stays 5 minutes, so 25 minutes are allowed.
        for (distance, outcome) in [(24, Outcome::Pass), (25, Outcome::Pass), (26, Outcome::Warn)] {
            let series = ten(|minutes| minutes[9] = minutes[8] + distance);
            assert_eq!(judged(&series).outcome, outcome, "{distance}");
        }
        let first = ten(|minutes| minutes[7..].iter_mut().for_each(|minute| *minute += 480));
        assert_eq!(judged(&first).outcome, Outcome::Warn);
        let before = ten(|minutes| minutes[6..].iter_mut().for_each(|minute| *minute += 480));
        assert_eq!(judged(&before).outcome, Outcome::Pass);
        assert_eq!(kinds(&Evidence::default(), &before), [("time_gap", false)]);
    }

    #[test]
    fn the_policy_can_make_odd_times_invalid() {
        let rules = IntegrityRules { time_steps: Outcome::Invalid, ..integrity_rules() };
        let series = ten(|minutes| minutes[9] += 480);
        assert_eq!(check(&Evidence::default(), &series, &last(&series), &rules).outcome, Outcome::Invalid);
    }

    #[test]
    fn missing_iterations_take_their_time() {
        // 1 to 4, then 9 and 10 (by the stride of all numbers), 30 minutes later: the four between had 25.
        let rows = [(1, 5), (2, 10), (3, 15), (4, 20), (9, 45), (10, 50)];
        let rows = rows.map(|(number, minute)| Iteration {
            number,
            time: Some(text(at(minute * MINUTE)).as_str().into()),
            ..empty()
        });
        assert_eq!(judged(&series_of(rows)).outcome, Outcome::Pass);
    }

    #[test]
    fn one_instant_in_two_zones_is_no_step() {
        let mut all: Vec<Option<String>> = (1..=10).map(|number| Some(text(at(300 * number)))).collect();
        let later = at(300 * 9) + TimeDelta::hours(2);
        all[8] = Some(text(later).replace('Z', "+02:00"));
        assert_eq!(judged(&texts(&all)).outcome, Outcome::Pass);
    }

    #[test]
    fn what_is_no_time_and_what_has_no_zone_is_named() {
        let mut all: Vec<Option<String>> = (1..=10).map(|number| Some(text(at(300 * number)))).collect();
        all[1] = Some("30/11/2026 08:40".to_owned());
        all[8] = Some("2026-13-45T99:00:00Z".to_owned());
        all[9] = all[9].as_ref().map(|text| text.trim_end_matches('Z').to_owned());
        let series = texts(&all);
        assert_eq!(judged(&series).outcome, Outcome::Pass);
        assert!(judged(&series).reason.contains("2 of 3 iterations"), "{}", judged(&series).reason);
        let found = findings(&Evidence::default(), &series, 8, &integrity_rules());
        let told: Vec<(bool, bool)> =
            found.iter().map(|finding| (finding.in_window, finding.symbol.is_none())).collect();
        assert_eq!(told, [(false, true), (true, true), (true, true)]);
        assert!(found[0].message.contains("`30/11/2026 08:40` in iteration 2"), "{}", found[0].message);
        assert!(found[1].message.contains("`2026-13-45T99:00:00Z` in iteration 9"), "{}", found[1].message);
        assert!(found[2].message.contains("iteration 10 have no zone"), "{}", found[2].message);
    }

    #[test]
    fn all_equal_or_no_times_are_time_unknown() {
        for series in [stamped(&[5; 10]), texts(&[const { None }; 10])] {
            let check = judged(&series);
            assert_eq!(check.outcome, Outcome::NotApplicable);
            assert!(check.reason.starts_with("time unknown"), "{}", check.reason);
            assert_eq!(kinds(&Evidence::default(), &series), [("time_unknown", true)]);
            // With a declared interval the length of an iteration is known.
            let interval = Some(std::time::Duration::from_secs(300));
            let declared = Declared { interval, ..Declared::of(10, RunState::Complete, 10) };
            let evidence = Evidence { declared: Some(declared), ..Evidence::default() };
            assert_eq!(kinds(&evidence, &series), []);
        }
    }

    #[test]
    fn the_downtime_between_two_processes_is_a_note() {
        let interval = Some(std::time::Duration::from_secs(300));
        let segments = vec![
            SegmentStart { from_iteration: 1, started: Some(at(0)) },
            SegmentStart { from_iteration: 10, started: Some(at(600 * MINUTE)) },
        ];
        let declared = Declared { interval, segments, ..Declared::of(10, RunState::Complete, 10) };
        let evidence = Evidence { declared: Some(declared), ..Evidence::default() };
        let resumed = ten(|minutes| minutes[9] = 605);
        assert_eq!(check(&evidence, &resumed, &last(&resumed), &integrity_rules()).outcome, Outcome::Pass);
        assert_eq!(kinds(&evidence, &resumed), [("downtime", true)]);
        let elsewhere = ten(|minutes| minutes[8..].iter_mut().for_each(|minute| *minute += 600));
        assert_eq!(
            check(&evidence, &elsewhere, &last(&elsewhere), &integrity_rules()).outcome,
            Outcome::Warn
        );
    }

    #[test]
    fn stamps_ahead_of_the_clock_are_a_warning_but_for_a_virtual_clock() {
        let series = ten(|_| ());
        // The last is at 50 minutes; 5 minutes ahead are allowed.
        for (now, outcome) in [(45 * MINUTE, Outcome::Pass), (45 * MINUTE - 1, Outcome::Warn)] {
            let evidence = Evidence { now: Some(at(now)), ..Evidence::default() };
            assert_eq!(
                check(&evidence, &series, &last(&series), &integrity_rules()).outcome,
                outcome,
                "{now}"
            );
            let sources = std::iter::once("sim".to_owned()).collect();
            let simulated = Evidence { sources, ..evidence };
            assert_eq!(check(&simulated, &series, &last(&series), &integrity_rules()).outcome, Outcome::Pass);
        }
    }

    #[test]
    fn steps_that_the_run_noticed_are_named() {
        let step =
            ClockStep { iteration: 9, kind: ClockStepKind::Step, seconds: -7200.0, utc: String::new() };
        let declared =
            Declared { clock_steps: vec![step.clone()], ..Declared::of(10, RunState::Complete, 10) };
        let evidence = Evidence { declared: Some(declared), ..Evidence::default() };
        let found = clock_steps(&evidence, 8);
        assert_eq!((found[0].in_window, found[0].message.clone()), (true, step.words()));
        assert!(!clock_steps(&evidence, 10)[0].in_window);
        let back = ten(|minutes| minutes[8..].iter_mut().for_each(|minute| *minute -= 120));
        let check = check(&evidence, &back, &last(&back), &integrity_rules());
        assert!(check.reason.ends_with(&format!(": {}", step.words())), "{}", check.reason);
    }
}
