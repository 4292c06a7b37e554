//! Did the run last as long as it declared? From the start of its first iteration to the end of its last, without the
//! downtime between its processes.

use chrono::{DateTime, TimeDelta, Utc};

use super::base;
use super::time::lasting;
use crate::core::evidence::{Declared, Evidence, RunState};
use crate::core::policy::IntegrityRules;
use crate::core::series::Series;
use crate::core::verdict::{Check, Comparison, Outcome};
use crate::core::window::Window;

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
            let range = crate::core::ranges::Ranges::from_iter([(from, to)]);
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
mod tests;
