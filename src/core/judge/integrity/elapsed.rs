//! Did the run last as long as it declared? From the start of its first iteration to the end of its last, without the
//! downtime between its processes.

use chrono::{DateTime, TimeDelta, Utc};

use super::base;
use super::time::lasting;
use crate::core::policy::IntegrityRules;
use crate::core::series::Series;
use crate::core::series::window::Window;
use crate::core::verdict::evidence::{Declared, Evidence, RunState};
use crate::core::verdict::{Check, Comparison, Outcome};

/// What is an error of rounding and no time, seconds.
const ROUNDING: f64 = 1e-6;

/// The iterations of one process of the run.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    first: u64,
    last: u64,
    started: Option<DateTime<Utc>>,
}

/// How long a stretch lasted.
#[derive(Clone, Copy, Debug)]
struct Lasted {
    iterations: u64,
    seconds: f64,
}

/// The time that the run lasted against the time that it declared.
pub(super) fn check(evidence: &Evidence, series: &Series, window: &Window, rules: &IntegrityRules) -> Check {
    let check = base(series, window, "integrity.elapsed");
    let not_applicable = |reason: &str| Check {
        statistic: "elapsed seconds".to_owned(),
        outcome: Outcome::NotApplicable,
        reason: reason.to_owned(),
        limit_source: Some(rules.elapsed_share.source.clone()),
        ..base(series, window, "integrity.elapsed")
    };
    let Some(declared) = &evidence.declared else {
        return not_applicable("no `RUN_MANIFEST.json` declares an interval");
    };
    let interval = declared.interval.map(|interval| interval.as_secs_f64()).filter(|seconds| *seconds > 0.0);
    let Some(interval) = interval else {
        return not_applicable("`RUN_MANIFEST.json` declares no interval");
    };
    let clock = Clock { evidence, declared, series, interval };
    let stretches = clock.stretches();
    let lasted: Option<Vec<Lasted>> = stretches.iter().map(|stretch| clock.lasted(stretch)).collect();
    let Some(lasted) = lasted else {
        if declared.no_wait {
            return not_applicable("the run did not wait for its intervals (`--no-wait`), and has no times");
        }
        return Check {
            statistic: "elapsed seconds".to_owned(),
            outcome: Outcome::Invalid,
            reason: format!(
                "the iterations have no time stamps that show the declared interval of {}",
                lasting(interval)
            ),
            limit_source: Some(rules.elapsed_share.source.clone()),
            ..check
        };
    };
    let share = rules.elapsed_share.value;
    let iterations: u64 = lasted.iter().map(|stretch| stretch.iterations).sum();
    let elapsed: f64 = lasted.iter().map(|stretch| stretch.seconds).sum();
    let least = |iterations: u64| share * interval * iterations.saturating_sub(1) as f64;
    let needed = least(iterations);
    let is_short = |seconds: f64, needed: f64| seconds < needed - ROUNDING;
    let short = stretches.iter().zip(&lasted).find(|(_, it)| is_short(it.seconds, least(it.iterations)));
    let whole = format!(
        "{iterations} iterations of {} lasted {}, at least {} is needed",
        lasting(interval),
        lasting(elapsed.max(0.0)),
        lasting(needed)
    );
    let (outcome, reason, observed, limit) = match short {
        _ if is_short(elapsed, needed) => (Outcome::Invalid, whole, elapsed, needed),
        Some((Stretch { first, last, .. }, it)) => {
            let needed = least(it.iterations);
            let reason = format!(
                "iterations {first}-{last} of {} lasted {}, at least {} is needed",
                lasting(interval),
                lasting(it.seconds.max(0.0)),
                lasting(needed)
            );
            (Outcome::Invalid, reason, it.seconds, needed)
        }
        None => (Outcome::Pass, whole, elapsed, needed),
    };
    if outcome == Outcome::Invalid && declared.no_wait {
        return not_applicable(&format!("the run did not wait for its intervals (`--no-wait`): {reason}"));
    }
    Check {
        statistic: "elapsed seconds".to_owned(),
        comparison: Some(Comparison::AtLeast),
        limit: Some(limit),
        observed: Some(observed),
        margin: Some(observed - limit),
        outcome,
        reason,
        limit_source: Some(rules.elapsed_share.source.clone()),
        ..check
    }
}

/// The times of a run: those in its files, and those that it recorded of files that are rotated away.
struct Clock<'e> {
    evidence: &'e Evidence,
    declared: &'e Declared,
    series: &'e Series,
    interval: f64,
}

impl Clock<'_> {
    /// The iterations that were done, by process. The virtual clock of the simulator knows no downtime.
    fn stretches(&self) -> Vec<Stretch> {
        let Declared { iterations, state, last_complete, segments, .. } = self.declared;
        let there = self.series.rows().last().map_or(0, |row| row.number).min(*iterations);
        let done = if *state == RunState::Complete { *iterations } else { there.max(*last_complete) };
        // A symbol that came later has no times before.
        let since = self.series.rows().first().filter(|_| self.series.symbol.is_some());
        let since = since.map_or(1, |row| row.number).max(1);
        let mut starts: Vec<(u64, Option<DateTime<Utc>>)> =
            segments.iter().map(|segment| (segment.from_iteration.max(1), segment.started)).collect();
        if self.evidence.has_virtual_clock() {
            starts.truncate(1);
        }
        if starts.is_empty() {
            starts.push((1, None));
        }
        let ends = starts.iter().skip(1).map(|(first, _)| first - 1).chain([done]);
        let whole = starts.iter().zip(ends).map(|((first, started), last)| Stretch {
            first: (*first).max(since),
            last: last.min(done),
            started: started.filter(|_| since <= *first),
        });
        // A process that was resumed before it completed an iteration did none.
        whole.filter(|stretch| stretch.first <= stretch.last).collect()
    }

    /// From the start of the first iteration to the end of the last one that has a time. Iterations that are rotated
    /// away count one interval each where no time is recorded. `None` = nothing shows how long it lasted.
    fn lasted(&self, stretch: &Stretch) -> Option<Lasted> {
        let Stretch { first, last, started } = *stretch;
        let iterations = last - first + 1;
        let rotated = |from: u64, to: u64| {
            let range = crate::core::series::ranges::Ranges::from_iter([(from, to)]);
            range.count().saturating_sub(range.without(&self.declared.rotated).count()) as f64 * self.interval
        };
        let Some((end_number, end)) = self.last_time(first, last) else {
            let all = rotated(first, last);
            let is_rotated = all >= iterations as f64 * self.interval - ROUNDING;
            return is_rotated.then_some(Lasted { iterations, seconds: all });
        };
        let (begin, before) = if let Some(started) = started {
            (started, 0.0)
        } else {
            let (number, time) = self.first_time(first, last)?;
            (time, if number > first { rotated(first, number - 1) } else { 0.0 })
        };
        let after = if end_number < last { rotated(end_number + 1, last) } else { 0.0 };
        let seconds = seconds(end - begin) - self.stepped(first, end_number) + before + after;
        Some(Lasted { iterations, seconds })
    }

    /// By how much the run noticed that its clock was moved: that is no time that passed in it, seconds.
    fn stepped(&self, first: u64, last: u64) -> f64 {
        let steps = self.declared.clock_steps.iter();
        steps.filter(|step| (first..=last).contains(&step.iteration)).map(|step| step.seconds).sum()
    }

    fn last_time(&self, first: u64, last: u64) -> Option<(u64, DateTime<Utc>)> {
        let rows = &self.series.rows()[self.series.position_of(first)..self.series.position_of(last + 1)];
        let of_files = rows.iter().rev().find_map(|row| Some((row.number, row.instant()?)));
        let log = self.evidence.recorded.as_ref();
        let of_log = log.and_then(|log| {
            log.files.range(first..=last).rev().find_map(|(number, file)| Some((*number, file.ends?)))
        });
        // Of one iteration the file says it as it is judged.
        match (of_files, of_log) {
            (Some(file), Some(log)) if log.0 > file.0 => Some(log),
            (file, log) => file.or(log),
        }
    }

    fn first_time(&self, first: u64, last: u64) -> Option<(u64, DateTime<Utc>)> {
        let rows = &self.series.rows()[self.series.position_of(first)..self.series.position_of(last + 1)];
        let of_files = rows.iter().find_map(|row| Some((row.number, row.instant()?)));
        let log = self.evidence.recorded.as_ref();
        let of_log = log.and_then(|log| {
            log.files.range(first..=last).find_map(|(number, file)| Some((*number, file.ends?)))
        });
        match (of_files, of_log) {
            (Some(file), Some(log)) if log.0 < file.0 => Some(log),
            (file, log) => file.or(log),
        }
    }
}

fn seconds(span: TimeDelta) -> f64 {
    span.num_milliseconds() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::fixture::{empty, integrity_rules, series_of, whole};
    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::iteration::manifest::{ClockStep, ClockStepKind};
    use crate::core::iteration::recorded::{FileRecord, Recorded};
    use crate::core::series::ranges::Ranges;
    use crate::core::verdict::evidence::SegmentStart;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
    }

    fn rows(ends: impl IntoIterator<Item = (u64, i64)>) -> Series {
        series_of(ends.into_iter().map(|(number, end)| Iteration {
            number,
            time: Some(at(end).to_rfc3339().as_str().into()),
            ..empty()
        }))
    }

    /// Iterations `from` to 10, so many seconds apart.
    fn every(from: u64, seconds: i64) -> Series {
        rows((from..=10).map(|number| (number, seconds * i64::try_from(number).unwrap_or(0))))
    }

    fn segment(from_iteration: u64, started: i64) -> SegmentStart {
        SegmentStart { from_iteration, started: Some(at(started)) }
    }

    fn ten(state: RunState, done: u64) -> Declared {
        let interval = Some(Duration::from_secs(100));
        Declared { interval, segments: vec![segment(1, 0)], ..Declared::of(10, state, done) }
    }

    fn complete() -> Declared {
        ten(RunState::Complete, 10)
    }

    fn judged(declared: Declared, series: &Series) -> Check {
        with_log(declared, series, None)
    }

    fn with_log(declared: Declared, series: &Series, recorded: Option<Recorded>) -> Check {
        let evidence = Evidence { declared: Some(declared), recorded, ..Evidence::default() };
        check(&evidence, series, &whole(series), &integrity_rules())
    }

    #[test]
    fn a_run_lasts_nine_tenths_of_what_it_declared() {
        // From 0 on, 10 × 81 = 810 s.
        for (seconds, outcome) in
            [(100, Outcome::Pass), (81, Outcome::Pass), (80, Outcome::Invalid), (1, Outcome::Invalid)]
        {
            let check = judged(complete(), &every(1, seconds));
            assert_eq!(check.outcome, outcome, "{seconds}: {}", check.reason);
            assert_eq!(check.limit, Some(810.0));
            assert_eq!(check.observed, Some(10.0 * seconds as f64));
        }
    }

    #[test]
    fn without_a_declared_interval_there_is_nothing_to_compare_with() {
        let series = every(1, 1);
        assert_eq!(
            judged(Declared { interval: None, ..complete() }, &series).outcome,
            Outcome::NotApplicable
        );
        let check = check(&Evidence::default(), &series, &whole(&series), &integrity_rules());
        assert_eq!(check.outcome, Outcome::NotApplicable);
    }

    #[test]
    fn a_run_without_time_stamps_is_invalid() {
        let without = series_of((1..=10).map(|number| Iteration { number, ..empty() }));
        assert_eq!(judged(complete(), &without).outcome, Outcome::Invalid);
        // Of the first iteration alone: 100 s are no 810.
        assert_eq!(judged(complete(), &rows([(1, 100)])).outcome, Outcome::Invalid);
        // All at one time.
        assert_eq!(judged(complete(), &rows((1..=10).map(|number| (number, 0)))).outcome, Outcome::Invalid);
    }

    #[test]
    fn an_unfinished_run_is_compared_with_what_it_did() {
        for state in [RunState::Running, RunState::Interrupted, RunState::Failed] {
            let four = |seconds: i64| {
                rows((1..=4).map(|number| (number, seconds * i64::try_from(number).unwrap_or(0))))
            };
            assert_eq!(judged(ten(state, 4), &four(100)).outcome, Outcome::Pass);
            // 4 × 10 s are no 0.9 × 300 s.
            assert_eq!(judged(ten(state, 4), &four(10)).outcome, Outcome::Invalid);
        }
        // The manifest of a run in progress lags behind.
        assert_eq!(judged(ten(RunState::Running, 0), &every(1, 10)).outcome, Outcome::Invalid);
    }

    #[test]
    fn downtime_is_no_time_of_the_run() {
        let resumed = || Declared { segments: vec![segment(1, 0), segment(6, 5_000)], ..complete() };
        let run = |seconds: i64| {
            rows(
                (1..=5)
                    .map(|n| (n, seconds * i64::try_from(n).unwrap_or(0)))
                    .chain((6..=10).map(|n| (n, 5_000 + seconds * i64::try_from(n - 5).unwrap_or(0)))),
            )
        };
        assert_eq!(judged(resumed(), &run(100)).outcome, Outcome::Pass);
        let short = judged(resumed(), &run(10));
        assert_eq!((short.outcome, short.observed), (Outcome::Invalid, Some(100.0)));
        // A process that was resumed at once does not end the one before it.
        let twice =
            Declared { segments: vec![segment(1, 0), segment(6, 900), segment(6, 5_000)], ..complete() };
        assert_eq!(judged(twice, &run(100)).outcome, Outcome::Pass);
    }

    #[test]
    fn one_slow_iteration_does_not_make_up_for_a_hurried_process() {
        let resumed = Declared { segments: vec![segment(1, 0), segment(6, 1_000)], ..complete() };
        let hurried = (1..=5).map(|n| (n, i64::try_from(n).unwrap_or(0)));
        let check = judged(
            resumed,
            &rows(hurried.chain((6..=10).map(|n| (n, 1_000 + 300 * (i64::try_from(n).unwrap_or(0) - 5))))),
        );
        assert_eq!(check.outcome, Outcome::Invalid);
        assert!(check.reason.starts_with("iterations 1-5 "), "{}", check.reason);
    }

    #[test]
    fn rotated_iterations_count_with_their_recorded_times_or_an_interval_each() {
        let rotated = || Declared { rotated: Ranges::from_iter([(1, 6)]), ..complete() };
        assert_eq!(judged(rotated(), &every(7, 100)).outcome, Outcome::Pass);
        let without_start = |seconds: i64| {
            let series = every(7, seconds);
            (Declared { segments: Vec::new(), ..rotated() }, series)
        };
        // Six intervals and three distances: 600 + 3 × 100, or 600 + 3 × 50 = 750.
        let (declared, series) = without_start(100);
        assert_eq!(judged(declared, &series).observed, Some(900.0));
        let (declared, series) = without_start(50);
        let check = judged(declared, &series);
        assert_eq!((check.outcome, check.observed), (Outcome::Invalid, Some(750.0)));
        // The log knows better: from the end of the first to the end of the last.
        let files = (1..=10)
            .map(|n| (n, FileRecord { sha256: [0; 32], ends: Some(at(80 * i64::try_from(n).unwrap_or(0))) }));
        let log = Recorded { files: files.collect(), unreadable_lines: 0 };
        let (declared, series) = without_start(80);
        let check = with_log(declared, &series, Some(log));
        assert_eq!((check.outcome, check.observed), (Outcome::Invalid, Some(720.0)));
    }

    #[test]
    fn a_process_whose_iterations_are_all_rotated_away_counts_by_intervals() {
        let segments = vec![segment(1, 0), segment(6, 5_000)];
        let declared = Declared { segments, rotated: Ranges::from_iter([(1, 5)]), ..complete() };
        let series = rows((6..=10).map(|n| (n, 5_000 + 100 * (i64::try_from(n).unwrap_or(0) - 5))));
        let check = judged(declared, &series);
        assert_eq!((check.outcome, check.observed), (Outcome::Pass, Some(1_000.0)));
    }

    #[test]
    fn a_step_of_the_clock_is_no_time() {
        let step =
            |seconds| ClockStep { iteration: 5, kind: ClockStepKind::Step, seconds, utc: String::new() };
        // Two hours back in iteration 5: the stamps end 7 200 s too early.
        let back =
            rows((1..=10).map(|n| (n, 100 * i64::try_from(n).unwrap_or(0) - if n >= 5 { 7_200 } else { 0 })));
        let noticed = Declared { clock_steps: vec![step(-7_200.0)], ..complete() };
        assert_eq!(judged(noticed, &back).outcome, Outcome::Pass);
        // Forward: what looks like 1 000 s were 100.
        let forward =
            rows((1..=10).map(|n| (n, 10 * i64::try_from(n).unwrap_or(0) + if n >= 5 { 900 } else { 0 })));
        let noticed = Declared { clock_steps: vec![step(900.0)], ..complete() };
        assert_eq!(judged(noticed, &forward).outcome, Outcome::Invalid);
    }

    #[test]
    fn the_virtual_clock_knows_no_downtime() {
        let source = Some("sim".to_owned());
        let segments = vec![segment(1, 0), segment(6, 90_000)];
        let declared = Declared { source, segments, ..complete() };
        assert_eq!(judged(declared, &every(1, 100)).outcome, Outcome::Pass);
    }

    #[test]
    fn a_run_that_did_not_wait_is_judged_by_its_reports_where_they_last() {
        let declared = || Declared { no_wait: true, ..complete() };
        assert_eq!(judged(declared(), &every(1, 100)).outcome, Outcome::Pass);
        let short = judged(declared(), &every(1, 1));
        assert_eq!(short.outcome, Outcome::NotApplicable);
        assert!(short.reason.contains("--no-wait"), "{}", short.reason);
    }

    #[test]
    fn a_symbol_that_came_later_is_compared_from_there_on() {
        let mut later = every(6, 100);
        later.symbol = Some("BBB".to_owned());
        // Four distances of 100 s between five iterations.
        let check = judged(Declared { segments: Vec::new(), ..complete() }, &later);
        assert_eq!((check.outcome, check.observed, check.limit), (Outcome::Pass, Some(400.0), Some(360.0)));
    }
}
