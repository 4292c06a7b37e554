//! The time of a canary, cut into steps, measurements put into them, and whether they are enough to judge by. Must not
//! know what is asked of them.

use anyhow::anyhow;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::core::policy::release::CanaryRules;
use crate::core::text::number::{fixed, trimmed};
use crate::core::verdict::Outcome;
use crate::core::verdict::failure::Failure;

/// More steps than anybody watches a canary for: at five minutes almost a year.
const MOST_STEPS: u64 = 100_000;

/// The steps of a canary that are over. Step 0 begins with the canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timeline {
    /// The canary started.
    pub(super) since: DateTime<Utc>,
    /// It is looked at.
    pub(super) now: DateTime<Utc>,
    /// What is later is not looked at; never after `now`.
    pub(super) until: DateTime<Utc>,
    step: TimeDelta,
    steps: usize,
}

/// One measurement: its value held from then to then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stretch {
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    pub(super) value: f64,
}

fn impossible(problem: anyhow::Error) -> Failure {
    Failure::usage(problem).hint(
        "`--since` is the time, in the past, from which on the canary had its traffic; $SOAK_NOW fixes now",
    )
}

/// A time as it is written.
pub(super) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// So many hours later; the end of all time where there is no such time.
pub(super) fn later(time: DateTime<Utc>, hours: f64) -> DateTime<Utc> {
    #[expect(clippy::cast_possible_truncation, reason = "it saturates, and so many milliseconds are no time")]
    let millis = (hours * 3_600_000.0).round() as i64;
    let delta = TimeDelta::try_milliseconds(millis);
    delta.and_then(|delta| time.checked_add_signed(delta)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

impl Timeline {
    /// The canary since then, looked at for at most so many hours; `None` = without an end.
    pub(super) fn new(
        since: DateTime<Utc>,
        now: DateTime<Utc>,
        rules: &CanaryRules,
        longest_hours: Option<f64>,
    ) -> Result<Self, Failure> {
        if since > now {
            let (since, now) = (rfc3339(since), rfc3339(now));
            return Err(impossible(anyhow!("the start, {since}, is after now, {now}")));
        }
        let until = longest_hours.map_or(now, |hours| later(since, hours).min(now));
        // A policy may name any number of minutes; one that is longer than time itself leaves no step.
        let minutes = i64::try_from(rules.step_minutes).unwrap_or(i64::MAX);
        let step = TimeDelta::try_minutes(minutes).unwrap_or(TimeDelta::MAX);
        let steps = (until - since).num_milliseconds() / step.num_milliseconds().max(1);
        let steps = steps.unsigned_abs();
        if steps > MOST_STEPS {
            let since = rfc3339(since);
            return Err(impossible(anyhow!(
                "since {since} there are {steps} steps of `canary.step_minutes`, more than {MOST_STEPS}"
            )));
        }
        Ok(Self { since, now, until, step, steps: usize::try_from(steps).unwrap_or(0) })
    }

    /// Steps that are over.
    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// Length of a step.
    pub(super) fn step(&self) -> TimeDelta {
        self.step
    }

    /// When a step begins, or would.
    pub(super) fn start_of(&self, step: usize) -> DateTime<Utc> {
        let steps = i32::try_from(step).unwrap_or(i32::MAX);
        let passed = self.step.checked_mul(steps).and_then(|passed| self.since.checked_add_signed(passed));
        passed.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// When a step ends, or would.
    pub(super) fn end_of(&self, step: usize) -> DateTime<Utc> {
        self.start_of(step + 1)
    }

    /// Hours since the start.
    pub(super) fn hours(&self) -> f64 {
        (self.now - self.since).num_milliseconds() as f64 / 3_600_000.0
    }

    /// Whether so many hours have passed within the time looked at.
    pub(super) fn has_passed(&self, hours: f64) -> bool {
        later(self.since, hours) <= self.until
    }

    /// Whole steps in the first so many hours, over or not.
    pub(super) fn steps_by(&self, hours: f64) -> usize {
        let passed = (later(self.since, hours) - self.since).num_milliseconds();
        usize::try_from(passed / self.step.num_milliseconds().max(1)).unwrap_or(0)
    }

    /// Measurements put into the steps: the mean by the time that each covers of the step. A step of which less
    /// than half is covered has no value.
    pub(super) fn put(&self, stretches: &[Stretch]) -> Vec<Option<f64>> {
        let step_ms = self.step.num_milliseconds().max(1);
        let mut covered = vec![(0_i64, 0.0_f64); self.steps];
        for stretch in stretches {
            let (from, to) = (stretch.from.max(self.since), stretch.to.min(self.start_of(self.steps)));
            if to <= from {
                continue;
            }
            let (start, end) = ((from - self.since).num_milliseconds(), (to - self.since).num_milliseconds());
            for step in start / step_ms..=(end - 1) / step_ms {
                let Some(slot) = usize::try_from(step).ok().and_then(|step| covered.get_mut(step)) else {
                    break;
                };
                let shared = end.min((step + 1) * step_ms) - start.max(step * step_ms);
                slot.0 += shared;
                slot.1 += shared as f64 * stretch.value;
            }
        }
        covered
            .into_iter()
            .map(|(time, sum)| {
                (time * 2 >= step_ms).then(|| sum / time as f64).filter(|mean| mean.is_finite())
            })
            .collect()
    }
}

/// Why values are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// In words.
    pub(super) reason: String,
    /// Something is there that cannot be used; else nobody measured it.
    pub(super) is_broken: bool,
}

/// A metric, step by step.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Readings {
    /// One a step; `None` = nothing is known of the step.
    pub(super) values: Vec<Option<f64>>,
    /// Why values are missing; `None` where nothing is known about that.
    pub(super) trouble: Option<Trouble>,
}

impl Readings {
    /// A metric that nobody measured.
    pub(super) fn absent(steps: usize, reason: impl Into<String>) -> Self {
        Self { values: vec![None; steps], trouble: Some(Trouble { reason: reason.into(), is_broken: false }) }
    }

    /// A metric whose measurements cannot be used.
    pub(super) fn broken(steps: usize, reason: impl Into<String>) -> Self {
        Self { values: vec![None; steps], trouble: Some(Trouble { reason: reason.into(), is_broken: true }) }
    }

    /// Whether no step has a value.
    pub(super) fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }

    /// What follows where no step has a value, and why.
    pub(super) fn nothing(&self) -> (Outcome, String) {
        match &self.trouble {
            Some(trouble) if trouble.is_broken => (Outcome::Invalid, trouble.reason.clone()),
            Some(trouble) => (Outcome::Inconclusive, trouble.reason.clone()),
            None => (Outcome::Inconclusive, "no step has a value".to_owned()),
        }
    }
}

/// Why these steps cannot be judged: too few of them have a value, or there is a gap that is too long. `None` =
/// they can.
pub(super) fn insufficient_data(values: &[Option<f64>], rules: &CanaryRules) -> Option<String> {
    let seen = values.iter().flatten().count();
    let share = seen as f64 / values.len().max(1) as f64;
    let least = &rules.seen_share;
    if share < least.value {
        return Some(format!(
            "only {seen} of {} steps have a value, {} % of the time; required are {} %",
            values.len(),
            trimmed(&fixed(100.0 * share, 1)),
            trimmed(&fixed(100.0 * least.value, 1))
        ));
    }
    let gap = values.split(Option::is_some).map(<[_]>::len).max().unwrap_or(0);
    let minutes = gap as f64 * rules.step_minutes as f64;
    let longest = rules.longest_gap_minutes.value;
    (minutes > longest).then(|| {
        format!(
            "it was not measured for {minutes} minutes, longer than {} minutes",
            trimmed(&fixed(longest, 2))
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::canary::fixture::{rules, start};

    fn after(minutes: i64) -> DateTime<Utc> {
        start() + TimeDelta::minutes(minutes)
    }

    fn of(minutes: i64) -> Timeline {
        Timeline::new(start(), after(minutes), &rules(), Some(8.0)).expect("a timeline")
    }

    #[test]
    fn a_step_counts_when_it_is_over_and_none_after_the_end_of_the_watch() {
        assert_eq!(
            [0, 4, 5, 9, 10, 479, 480, 5000].map(|minutes| of(minutes).steps()),
            [0, 0, 1, 1, 2, 95, 96, 96]
        );
        assert_eq!((of(12).start_of(1), of(12).end_of(1)), (after(5), after(10)));
        let without_end = Timeline::new(start(), after(5000), &rules(), None).expect("a timeline");
        assert_eq!(without_end.steps(), 1000);
    }

    #[test]
    fn a_start_to_come_and_a_canary_without_an_end_are_refused() {
        let reported = |minutes, rules: &CanaryRules, longest| {
            Timeline::new(start(), after(minutes), rules, longest)
                .map(|watch| watch.steps())
                .map_err(|error| error.sentence())
        };
        let future = "the start, 2026-03-01T00:00:00Z, is after now, 2026-02-28T23:59:00Z";
        assert_eq!(reported(-1, &rules(), None), Err(future.to_owned()));
        assert_eq!(reported(0, &rules(), None), Ok(0));
        assert_eq!(reported(500_000, &rules(), None), Ok(100_000));
        assert!(reported(500_005, &rules(), None).is_err_and(|reported| reported.contains("100001 steps")));
        // Numbers that no clock has.
        for step_minutes in [u64::MAX, 1 << 62, 1 << 40] {
            assert_eq!(reported(5000, &CanaryRules { step_minutes, ..rules() }, Some(1e300)), Ok(0));
        }
        assert_eq!(later(start(), f64::MAX), DateTime::<Utc>::MAX_UTC);
        assert!(!of(10).has_passed(1e300));
    }

    #[test]
    fn measurements_fall_into_the_steps_that_they_cover() {
        let at = |from, to, value| Stretch { from: after(from), to: after(to), value };
        let watch = of(20);
        assert_eq!(
            watch.put(&[at(0, 5, 1.0), at(5, 10, 2.0), at(15, 20, 4.0)]),
            [Some(1.0), Some(2.0), None, Some(4.0)]
        );
        // Iterations that do not begin with the canary: by the time that they share with a step.
        let shifted = watch.put(&[at(-2, 3, 10.0), at(3, 8, 20.0), at(8, 13, 30.0)]);
        let expected = [(3.0 * 10.0 + 2.0 * 20.0) / 5.0, (3.0 * 20.0 + 2.0 * 30.0) / 5.0, 30.0];
        assert_eq!(shifted, [Some(expected[0]), Some(expected[1]), Some(expected[2]), None]);
        // 3 of 5 minutes are enough, 2 are not; a long one covers many.
        assert_eq!(watch.put(&[at(0, 2, 1.0), at(5, 8, 1.0)]), [None, Some(1.0), None, None]);
        assert_eq!(watch.put(&[at(0, 20, 7.0)]), [Some(7.0); 4]);
        // Before and after the time looked at, backwards, and not finite in the mean.
        assert_eq!(watch.put(&[at(-10, 0, 1.0), at(20, 30, 1.0), at(10, 5, 1.0)]), [None; 4]);
        assert_eq!(watch.put(&[at(0, 2, f64::MAX), at(2, 5, f64::MAX)])[0], None);
    }

    fn seen(pattern: &str) -> Vec<Option<f64>> {
        pattern.chars().map(|step| (step == 'x').then_some(1.0)).collect()
    }

    #[test]
    fn too_few_values_and_a_long_gap_are_reported_and_the_limits_themselves_are_enough() {
        let rules = rules();
        let reported = |pattern: &str| insufficient_data(&seen(pattern), &rules);
        // 90 % of the steps, and 15 minutes in steps of five.
        assert_eq!(reported("xxxxxxxxx."), None);
        assert!(
            reported("xxxxxxxx..")
                .is_some_and(|reported| reported.starts_with("only 8 of 10 steps have a value, 80 %"))
        );
        let long = |gap: usize| format!("{}{}{}", "x".repeat(40), ".".repeat(gap), "x".repeat(10));
        assert_eq!(reported(&long(3)), None);
        assert_eq!(
            reported(&long(4)).as_deref(),
            Some("it was not measured for 20 minutes, longer than 15 minutes")
        );
        // At the ends, too.
        assert!(reported(&format!("....{}", "x".repeat(60))).is_some());
        assert!(reported(&format!("{}....", "x".repeat(60))).is_some());
        assert!(reported("").is_some_and(|reported| reported.starts_with("only 0 of 0")));
    }
}
