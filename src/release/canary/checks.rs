//! The checks of a canary: its triggers, the limits of its checkpoints by the window that ends with each, the time since
//! by the last checkpoint that passed, and what must hold after a rollback.
//!
//! For a trigger, a step without a value is no break and no sign. What lies between two bad steps without a good one
//! between them counts as held; what could have held, had the missing steps been bad, is not decided.

use std::collections::BTreeMap;

use serde::Serialize;

use super::criteria::{CanaryCriteria, CheckpointCriteria, Criterion};
use super::timeline::{Readings, Timeline, insufficient_data, later, rfc3339};
use crate::core::policy::Statistic;
use crate::core::policy::release::Trigger;
use crate::core::verdict::{Check, Comparison, Outcome, Part, Severity, WindowUsed, join};
use crate::release::criteria::number;
use crate::stats::Summary;

/// A time for which a trigger held.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct Held {
    /// Begin of the first step.
    pub(crate) from: String,
    /// End of the last step.
    pub(crate) to: String,
    /// First and last step, counted from 0.
    #[serde(skip)]
    steps: (usize, usize),
}

/// A trigger, checked.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct TriggerResult {
    /// The decision. `observed` is the level that was held for as long as the trigger requires; null when no stretch of
    /// steps is that long.
    // That is the mildest value of the worst stretch that is as long as the trigger requires.
    pub(crate) check: Check,
    /// It must hold for so many minutes without a break.
    pub(crate) for_minutes: u64,
    /// When it did; empty when it never did.
    pub(crate) held: Vec<Held>,
    /// The last value; null without one.
    pub(crate) last: Option<f64>,
    /// End of the step of the last value; null without one.
    pub(crate) last_at: Option<String>,
    /// `quick` or `full`: the rollback that it requires.
    #[schemars(extend("enum" = ["quick", "full"]))]
    pub(crate) rollback: &'static str,
    #[serde(skip)]
    pub(crate) trigger: Trigger,
}

/// A limit of a checkpoint, checked.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct LimitResult {
    /// The decision.
    pub(crate) check: Check,
    /// Where the limit comes from, in words.
    pub(crate) basis: String,
}

/// The limits of a checkpoint, those of the last one checked against the newest window (`now`), or those that must hold
/// after a rollback.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct Block {
    /// `hour_1`, `hour_6`, `hour_24`, `now`, `after_rollback`.
    pub(crate) name: String,
    /// Hours after the start of the canary; null after a rollback.
    pub(crate) after_hours: Option<f64>,
    /// When it is, or was, looked at.
    pub(crate) due: String,
    /// Whether that time has come.
    pub(crate) is_due: bool,
    /// The worst of its limits; `NOT_APPLICABLE` when it is not due and was not asked for.
    pub(crate) outcome: Outcome,
    /// The limits.
    pub(crate) limits: Vec<LimitResult>,
}

impl Block {
    fn new(
        name: &str,
        after_hours: Option<f64>,
        due: chrono::DateTime<chrono::Utc>,
        is_due: bool,
        limits: Vec<LimitResult>,
    ) -> Self {
        let checks = || limits.iter().map(|limit| &limit.check);
        let is_open = !is_due && checks().all(|check| check.outcome == Outcome::NotApplicable);
        let outcome = if is_open { Outcome::NotApplicable } else { join(checks()) };
        Self { name: name.to_owned(), after_hours, due: rfc3339(due), is_due, outcome, limits }
    }

    /// `hour 6`, `now`, `after the rollback`.
    pub(crate) fn title(&self) -> String {
        match (self.name.as_str(), self.after_hours) {
            ("now", Some(hours)) => format!("now, by the limits of hour {}", number(hours)),
            (_, Some(hours)) => format!("hour {}", number(hours)),
            _ => "after the rollback".to_owned(),
        }
    }
}

/// What is checked, against what.
pub(super) struct Canary<'a> {
    pub(super) criteria: &'a CanaryCriteria,
    pub(super) timeline: Timeline,
    pub(super) readings: &'a BTreeMap<String, Readings>,
    /// What is not due yet, or cannot have held yet, is `NOT_APPLICABLE` instead of INCONCLUSIVE.
    pub(super) so_far: bool,
}

/// Steps that were looked at: those from `from` up to `to`, counted from 0, `to` left out; `n` of them have a value.
fn steps(name: &str, from: usize, to: usize, n: usize) -> WindowUsed {
    let number = |step: usize| (to > from).then(|| u64::try_from(step).unwrap_or(u64::MAX));
    WindowUsed { name: name.to_owned(), first: number(from + 1), last: number(to), n }
}

/// The check of a criterion. Its window counts steps, from 1.
fn decided(
    gate: String,
    criterion: &Criterion,
    statistic: String,
    window: WindowUsed,
    observed: Option<f64>,
    (outcome, reason): (Outcome, String),
) -> Check {
    let Criterion { metric, comparison, limit, source, .. } = criterion;
    Check {
        part: Part::Canary,
        gate,
        kpi: Some(metric.clone()),
        symbol: None,
        severity: Severity::Hard,
        window,
        statistic,
        comparison: Some(*comparison),
        limit: *limit,
        observed,
        margin: observed.zip(*limit).map(|(seen, limit)| comparison.margin(seen, limit)),
        outcome,
        reason,
        limit_source: Some(source.clone()),
        joins: true,
        inference: None,
    }
}

const AFTER_ROLLBACK: &str = "after_rollback";

impl Canary<'_> {
    /// What is known of a metric; one that is not there was measured by nobody.
    fn readings(&self, metric: &str) -> std::borrow::Cow<'_, Readings> {
        match self.readings.get(metric) {
            Some(readings) => std::borrow::Cow::Borrowed(readings),
            None => std::borrow::Cow::Owned(Readings::absent(self.timeline.steps(), "it was not measured")),
        }
    }

    fn not_yet(&self) -> Outcome {
        if self.so_far { Outcome::NotApplicable } else { Outcome::Inconclusive }
    }

    /// The limits of a checkpoint, by the window that ends with it.
    pub(super) fn at(&self, checkpoint: &CheckpointCriteria) -> Block {
        let CheckpointCriteria { name, after_hours, limits } = checkpoint;
        let due = later(self.timeline.since, *after_hours);
        let is_due = self.timeline.has_passed(*after_hours);
        let end = self.timeline.steps_by(*after_hours);
        let check = |criterion: &Criterion| {
            let check = if is_due {
                self.window(name, criterion, end)
            } else {
                let decision = (self.not_yet(), format!("due at {}", rfc3339(due)));
                let statistic = criterion.statistic.word().to_owned();
                decided(gate(name, criterion), criterion, statistic, steps(name, 0, 0, 0), None, decision)
            };
            LimitResult { check, basis: criterion.basis.clone() }
        };
        Block::new(name, Some(*after_hours), due, is_due, limits.iter().map(check).collect())
    }

    /// The limits of the last checkpoint that passed, checked against the newest window; `None` while that is its own.
    ///
    /// One look that misses is a WARN, [`crate::core::policy::release::CanaryRules::misses`] in a row are a FAIL.
    pub(super) fn since(&self, checkpoint: &CheckpointCriteria) -> Option<Block> {
        const NAME: &str = "now";
        let (own, newest) = (self.timeline.steps_by(checkpoint.after_hours), self.timeline.steps());
        if newest <= own {
            return None;
        }
        let check = |criterion: &Criterion| {
            let mut check = self.window(NAME, criterion, newest);
            if check.outcome == Outcome::Fail {
                let needed = usize::try_from(self.criteria.rules.misses).unwrap_or(usize::MAX);
                let is_miss = |end: &usize| self.window(NAME, criterion, *end).outcome == Outcome::Fail;
                let missed = (own + 1..=newest).rev().take(needed).take_while(is_miss).count();
                check.reason = format!("{}, in {missed} of {needed} looks in a row", check.reason);
                if missed < needed {
                    check.severity = Severity::Soft;
                    check.outcome = Outcome::Warn;
                }
            }
            LimitResult { check, basis: criterion.basis.clone() }
        };
        let limits = checkpoint.limits.iter().map(check).collect();
        Some(Block::new(NAME, Some(checkpoint.after_hours), self.timeline.start_of(newest), true, limits))
    }

    /// What must hold after a rollback, every step of the last `after_rollback_minutes`. Steps at the end that have no
    /// value yet are looked over as far as gaps are.
    pub(super) fn after_rollback(&self) -> Block {
        let minutes = self.criteria.rules.after_rollback_minutes;
        let due = later(self.timeline.since, minutes as f64 / 60.0);
        let check = |criterion: &Criterion| {
            let (window, observed, decision) = self.streak(criterion);
            let statistic = Statistic::Each.word().to_owned();
            let gate = gate(AFTER_ROLLBACK, criterion);
            let check = decided(gate, criterion, statistic, window, observed, decision);
            LimitResult { check, basis: criterion.basis.clone() }
        };
        let limits = self.criteria.after_rollback.iter().map(check).collect();
        Block::new(AFTER_ROLLBACK, None, due, due <= self.timeline.until, limits)
    }

    /// A criterion, checked against the window that ends with this step.
    fn window(&self, block: &str, criterion: &Criterion, to: usize) -> Check {
        let rules = &self.criteria.rules;
        let length = usize::try_from(rules.window_minutes / rules.step_minutes.max(1)).unwrap_or(usize::MAX);
        let from = to.saturating_sub(length);
        let readings = self.readings(&criterion.metric);
        let values = readings.values.get(from..to).unwrap_or_default();
        let known: Vec<f64> = values.iter().copied().flatten().collect();
        let observed = Summary::of(&known).and_then(|summary| summary.get(criterion.statistic));
        let statistic = criterion.statistic.word();
        let decision = match (criterion.limit, observed) {
            (None, _) => (Outcome::Inconclusive, no_limit(criterion)),
            (Some(_), None) if readings.is_empty() => readings.nothing(),
            (Some(_), None) => (Outcome::Inconclusive, "it was not measured in this time".to_owned()),
            (Some(limit), Some(seen)) => match insufficient_data(values, rules) {
                Some(reason) => (Outcome::Inconclusive, reason),
                None => self.compared(criterion, statistic, limit, seen),
            },
        };
        let window = steps(block, from, to, known.len());
        decided(gate(block, criterion), criterion, statistic.to_owned(), window, observed, decision)
    }

    fn compared(&self, criterion: &Criterion, statistic: &str, limit: f64, seen: f64) -> (Outcome, String) {
        let Criterion { metric, comparison, .. } = criterion;
        let value = self.criteria.value(seen, limit, metric);
        let (outcome, is) =
            if comparison.holds(seen, limit) { (Outcome::Pass, "is") } else { (Outcome::Fail, "is not") };
        let limit = self.criteria.limit(limit, metric);
        (outcome, format!("{statistic} {value} {is} {} {limit}", comparison.symbol()))
    }

    /// The good steps in a row up to the last that was seen, the worst of them, and whether they are enough.
    fn streak(&self, criterion: &Criterion) -> (WindowUsed, Option<f64>, (Outcome, String)) {
        let (rules, readings) = (&self.criteria.rules, self.readings(&criterion.metric));
        let values = &readings.values;
        let last = values.iter().rposition(Option::is_some);
        let (Some(last), Some(limit)) = (last, criterion.limit) else {
            let decision = match criterion.limit {
                None => (Outcome::Inconclusive, no_limit(criterion)),
                Some(_) => readings.nothing(),
            };
            return (steps(AFTER_ROLLBACK, 0, values.len(), 0), None, decision);
        };
        let required = rules.after_rollback_minutes;
        let needed = usize::try_from(required.div_ceil(rules.step_minutes.max(1))).unwrap_or(usize::MAX);
        let is_good =
            |value: &&Option<f64>| value.is_some_and(|seen| criterion.comparison.holds(seen, limit));
        let streak = values[..=last].iter().rev().take_while(is_good).count();
        let from = (last + 1).saturating_sub(streak.min(needed).max(1));
        let margin = |seen: &f64| criterion.comparison.margin(*seen, limit);
        let seen = values[from..=last].iter().flatten().copied();
        let observed = seen.min_by(|a, b| margin(a).total_cmp(&margin(b)));
        let late = (values.len() - 1 - last) as f64 * rules.step_minutes as f64;
        let decision = if late > rules.longest_gap_minutes.value {
            (Outcome::Inconclusive, format!("it was not measured for {late} minutes"))
        } else if streak >= needed {
            (Outcome::Pass, format!("has held for {required} minutes"))
        } else if streak == 0 {
            self.compared(criterion, Statistic::Each.word(), limit, observed.unwrap_or(limit))
        } else {
            let minutes = streak as u64 * rules.step_minutes;
            (Outcome::Inconclusive, format!("has held for {minutes} of {required} minutes"))
        };
        (steps(AFTER_ROLLBACK, from, last + 1, last + 1 - from), observed, decision)
    }

    /// Whether a trigger held for as long as it requires, without a break that anybody saw.
    pub(super) fn trigger(&self, trigger: &Trigger) -> TriggerResult {
        let Trigger { name, metric, comparison, limit, for_minutes, rollback, is_optional } = trigger;
        let (rules, readings) = (&self.criteria.rules, self.readings(metric));
        let values = &readings.values;
        let required = usize::try_from(for_minutes / rules.step_minutes.max(1)).unwrap_or(usize::MAX).max(1);
        let runs = runs(trigger, values);
        let time = |(first, last): (usize, usize)| Held {
            from: rfc3339(self.timeline.start_of(first)),
            to: rfc3339(self.timeline.end_of(last)),
            steps: (first, last),
        };
        let held: Vec<Held> = runs.iter().filter_map(|run| run.held(required)).map(time).collect();
        let last = values.iter().enumerate().rev().find_map(|(step, value)| Some((step, (*value)?)));
        let bad = format!("{} {}", comparison.symbol(), self.criteria.limit(limit.value, metric));
        let level = level(trigger, values, required);
        let number = |seen: f64| self.criteria.value(seen, limit.value, metric);
        let decision = if let Some(Held { from, to, steps: (first, until) }) = held.first() {
            let more = match held.len() - 1 {
                0 => String::new(),
                times => format!(", and {times} more times"),
            };
            let values = values[*first..=*until].iter();
            let values: Vec<String> =
                values.map(|seen| seen.map_or_else(|| "?".to_owned(), number)).collect();
            (Outcome::Fail, format!("{bad} held from {from} to {to}{more}: {}", some(&values)))
        } else if values.is_empty() {
            let end = rfc3339(self.timeline.end_of(0));
            (Outcome::Inconclusive, format!("the first step ends at {end}"))
        } else if readings.is_empty() {
            match readings.nothing() {
                (Outcome::Inconclusive, reason) if *is_optional => (Outcome::NotApplicable, reason),
                nothing => nothing,
            }
        } else if let Some(run) = runs.iter().find(|run| run.could_have_held(required)) {
            let reason = format!(
                "it may have held: {bad} was seen, and with steps without a measurement it is {for_minutes} minutes from {} on",
                rfc3339(self.timeline.start_of(run.from))
            );
            (Outcome::Inconclusive, reason)
        } else if let Some(reason) = insufficient_data(values, rules) {
            (Outcome::Inconclusive, reason)
        } else if values.len() < required {
            (self.not_yet(), format!("{for_minutes} minutes have not passed yet"))
        } else {
            let worst = level
                .map_or_else(String::new, |level| format!("; the worst level held is {}", number(level)));
            (Outcome::Pass, format!("{bad} did not hold for {for_minutes} minutes{worst}"))
        };
        let criterion = Criterion {
            metric: metric.clone(),
            statistic: Statistic::Each,
            comparison: comparison.opposite(),
            limit: Some(limit.value),
            basis: String::new(),
            source: limit.source.clone(),
        };
        let window = steps("canary", 0, values.len(), values.iter().flatten().count());
        let statistic = format!("held for {for_minutes} min");
        let gate = format!("canary.trigger.{name}");
        TriggerResult {
            check: decided(gate, &criterion, statistic, window, level, decision),
            for_minutes: *for_minutes,
            held,
            last: last.map(|(_, value)| value),
            last_at: last.map(|(step, _)| rfc3339(self.timeline.end_of(step))),
            rollback: rollback.word(),
            trigger: trigger.clone(),
        }
    }
}

fn gate(block: &str, criterion: &Criterion) -> String {
    format!("canary.{block}.{}", criterion.metric)
}

fn no_limit(criterion: &Criterion) -> String {
    format!("no limit can be computed: {}", criterion.basis)
}

/// The first values of a list, and how many more there are.
fn some(values: &[String]) -> String {
    const SHOWN: usize = 6;
    let more = values.len().saturating_sub(SHOWN);
    let shown = values[..values.len().min(SHOWN)].join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// Steps in a row of which none was seen to be good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bad {
    from: usize,
    to: usize,
    /// First and last step that were seen to be bad; `None` = nothing was seen.
    seen: Option<(usize, usize)>,
}

impl Bad {
    fn held(&self, required: usize) -> Option<(usize, usize)> {
        self.seen.filter(|(first, last)| last - first + 1 >= required)
    }

    fn could_have_held(&self, required: usize) -> bool {
        self.seen.is_some() && self.held(required).is_none() && self.to - self.from + 1 >= required
    }
}

fn runs(trigger: &Trigger, values: &[Option<f64>]) -> Vec<Bad> {
    let mut runs: Vec<Bad> = Vec::new();
    let mut is_open = false;
    for (step, value) in values.iter().enumerate() {
        let is_bad = value.map(|value| trigger.comparison.holds(value, trigger.limit.value));
        if is_bad == Some(false) {
            is_open = false;
            continue;
        }
        if !is_open {
            runs.push(Bad { from: step, to: step, seen: None });
            is_open = true;
        }
        if let Some(run) = runs.last_mut() {
            run.to = step;
            if is_bad == Some(true) {
                run.seen = Some((run.seen.map_or(step, |(first, _)| first), step));
            }
        }
    }
    runs
}

/// The worst level that was held for so many steps: of each stretch of at least that length that begins and ends
/// with a value its mildest value, and of those the worst. `None` where there is no such stretch. It exceeds the
/// limit exactly where the trigger held.
fn level(trigger: &Trigger, values: &[Option<f64>], required: usize) -> Option<f64> {
    let is_high_bad = matches!(trigger.comparison, Comparison::Above | Comparison::AtLeast);
    let milder = |a: f64, b: f64| if is_high_bad { a.min(b) } else { a.max(b) };
    let worse = |a: f64, b: f64| if is_high_bad { a.max(b) } else { a.min(b) };
    let mildest_from = |from: usize| {
        let until = (from.checked_add(required - 1)?..values.len()).find(|step| values[*step].is_some())?;
        values[from..=until].iter().flatten().copied().reduce(milder)
    };
    (0..values.len()).filter(|from| values[*from].is_some()).filter_map(mildest_from).reduce(worse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::policy::release::CanaryRules;
    use crate::release::canary::fixture::{criteria, latency_trigger, readings, rules, timeline};

    fn with<T>(
        criteria: &CanaryCriteria,
        minutes: i64,
        readings: &Readings,
        so_far: bool,
        check: impl Fn(&Canary<'_>) -> T,
    ) -> T {
        let readings = BTreeMap::from([("p95_latency_ms".to_owned(), readings.clone())]);
        check(&Canary { criteria, timeline: timeline(minutes), readings: &readings, so_far })
    }

    /// A canary of so many minutes with these values of its latency.
    fn canary<T>(
        criteria: &CanaryCriteria,
        minutes: i64,
        readings: &Readings,
        check: impl Fn(&Canary<'_>) -> T,
    ) -> T {
        with(criteria, minutes, readings, false, check)
    }

    fn after(canary: &Canary<'_>) -> Block {
        canary.after_rollback()
    }

    /// The same for who asks for what is due.
    fn so_far<T>(
        criteria: &CanaryCriteria,
        minutes: i64,
        readings: &Readings,
        check: impl Fn(&Canary<'_>) -> T,
    ) -> T {
        with(criteria, minutes, readings, true, check)
    }

    /// One value for each step, by its number from 1.
    fn by_step(steps: u32, value: impl Fn(u32) -> Option<f64>) -> Readings {
        readings((1..=steps).map(value))
    }

    fn hour_1(minutes: i64, readings: &Readings) -> Block {
        let criteria = criteria(&rules());
        canary(&criteria, minutes, readings, |canary| canary.at(&criteria.checkpoints[0]))
    }

    fn only(block: &Block) -> &Check {
        let [limit] = block.limits.as_slice() else { panic!("{block:?}") };
        &limit.check
    }

    #[test]
    fn an_hour_is_due_with_its_minute() {
        let flat = by_step(12, |_| Some(300.0));
        let early = hour_1(59, &flat);
        assert_eq!((early.is_due, early.outcome), (false, Outcome::Inconclusive));
        assert_eq!(only(&early).reason, "due at 2026-03-01T01:00:00Z");
        let due = hour_1(60, &flat);
        assert_eq!((due.is_due, due.outcome), (true, Outcome::Pass));
        // For who asks for what is due, what is not due plays no part.
        let criteria = criteria(&rules());
        let so_far = so_far(&criteria, 59, &flat, |canary| canary.at(&criteria.checkpoints[0]));
        assert_eq!(only(&so_far).outcome, Outcome::NotApplicable);
    }

    #[test]
    fn the_limit_itself_holds_and_what_exceeds_it_does_not() {
        for (value, outcome) in [(399.9999, Outcome::Pass), (400.0, Outcome::Pass), (400.0001, Outcome::Fail)]
        {
            let block = hour_1(60, &by_step(12, |_| Some(value)));
            assert_eq!(only(&block).outcome, outcome, "{value}");
        }
        let block = hour_1(60, &by_step(12, |_| Some(400.0001)));
        assert_eq!(only(&block).reason, "mean 400.0001 ms is not <= 400 ms");
        assert_eq!(only(&block).limit_source.as_ref().map(|source| source.key.is_empty()), Some(false));
    }

    #[test]
    fn the_window_of_an_hour_ends_with_it_and_nothing_else_is_looked_at() {
        // Twelve steps up to hour 6 are steps 61 to 72; all others would fail.
        let inside = by_step(80, |step| Some(if (61..=72).contains(&step) { 300.0 } else { 900.0 }));
        let criteria = criteria(&rules());
        let block = canary(&criteria, 400, &inside, |canary| canary.at(&criteria.checkpoints[1]));
        let check = only(&block);
        assert_eq!((check.outcome, check.observed), (Outcome::Pass, Some(300.0)));
        assert_eq!((check.window.first, check.window.last, check.window.n), (Some(61), Some(72), 12));
        for step in [61, 72] {
            let one = by_step(80, |number| Some(if number == step { 1500.0 } else { 300.0 }));
            let block = canary(&criteria, 400, &one, |canary| canary.at(&criteria.checkpoints[1]));
            // (11 * 300 + 1500) / 12
            assert_eq!(only(&block).observed, Some(400.0), "{step}");
        }
    }

    #[test]
    fn too_few_steps_or_none_are_not_judged() {
        let with = |missing: u32| by_step(12, move |step| (step > missing).then_some(300.0));
        // 11 of 12 are 91.7 %, 10 are 83.3 %.
        assert_eq!(hour_1(60, &with(1)).outcome, Outcome::Pass);
        assert_eq!(hour_1(60, &with(2)).outcome, Outcome::Inconclusive);
        assert_eq!(hour_1(60, &with(12)).outcome, Outcome::Inconclusive);
        assert_eq!(hour_1(60, &Readings::broken(12, "2 series")).outcome, Outcome::Invalid);
        // A limit that cannot be said is no limit that holds.
        let criteria = criteria(&rules());
        let mut hour = criteria.checkpoints[0].clone();
        hour.limits[0].limit = None;
        let flat = by_step(12, |_| Some(300.0));
        let block = canary(&criteria, 60, &flat, |canary| canary.at(&hour));
        assert_eq!(block.outcome, Outcome::Inconclusive);
        assert!(only(&block).reason.starts_with("no limit can be computed: "));
    }

    #[test]
    fn between_two_hours_one_look_that_misses_warns_and_two_in_a_row_fail() {
        // Hour 1 asks for a mean of 400 over twelve steps. So many high steps of 1600 at the end make it
        // 300 + 1300 * high / 12: one 408, none 300.
        let criteria = criteria(&rules());
        let now = |high: u32, steps: u32| {
            let values = by_step(steps, |step| Some(if step > steps - high { 1600.0 } else { 300.0 }));
            canary(&criteria, 5 * i64::from(steps), &values, |canary| canary.since(&criteria.checkpoints[0]))
        };
        assert_eq!(now(0, 12), None, "that is the hour's own");
        assert_eq!(now(0, 13).map(|block| block.outcome), Some(Outcome::Pass));
        let once = now(1, 20).expect("a look");
        assert_eq!(only(&once).outcome, Outcome::Warn);
        assert!(only(&once).reason.ends_with("in 1 of 2 looks in a row"), "{once:?}");
        assert_eq!(now(2, 20).map(|block| block.outcome), Some(Outcome::Fail));
        // The hour's own look is not counted again.
        assert_eq!(now(2, 13).map(|block| block.outcome), Some(Outcome::Warn));
    }

    #[test]
    fn after_a_rollback_every_step_of_its_minutes_must_hold() {
        use Outcome::{Fail, Inconclusive, Pass};
        // Steps of five minutes, thirty required: six good ones in a row up to the last that was seen.
        for (steps, outcome) in [
            ("gggggg", Pass),
            ("ggggg", Inconclusive),
            ("bggggg", Inconclusive),
            ("bgggggg", Pass),
            ("ggggggb", Fail),
            ("b", Fail),
            ("gggggg...", Pass),
            ("gggggg....", Inconclusive),
            ("ggg.ggg", Inconclusive),
            ("", Inconclusive),
            ("...", Inconclusive),
        ] {
            let value = |step| match step {
                'g' => Some(350.0),
                'b' => Some(350.01),
                _ => None,
            };
            let values = readings(steps.chars().map(value));
            let criteria = criteria(&rules());
            let minutes = 5 * i64::try_from(steps.len()).expect("a few");
            let block = canary(&criteria, minutes, &values, after);
            assert_eq!(block.outcome, outcome, "{steps}: {block:?}");
        }
    }

    #[test]
    fn minutes_that_are_no_whole_steps_are_rounded_up() {
        let criteria = criteria(&CanaryRules { after_rollback_minutes: 31, ..rules() });
        let of = |steps: u32| {
            let values = by_step(steps, |_| Some(300.0));
            canary(&criteria, 5 * i64::from(steps), &values, after).outcome
        };
        assert_eq!([of(6), of(7)], [Outcome::Inconclusive, Outcome::Pass]);
    }

    /// Steps are letters: `.` nobody saw it, `g` good (300), `b` bad (600), `w` worse (900), `e` exactly the limit (500).
    fn values(steps: &str) -> Vec<Option<f64>> {
        let value = |step| match step {
            'g' => Some(300.0),
            'b' => Some(600.0),
            'w' => Some(900.0),
            'e' => Some(500.0),
            _ => None,
        };
        steps.chars().map(value).collect()
    }

    fn checked(steps: &str, for_minutes: u64) -> TriggerResult {
        let minutes = 5 * i64::try_from(steps.len()).expect("a few");
        let trigger = latency_trigger(for_minutes);
        canary(&criteria(&rules()), minutes, &readings(values(steps)), |canary| canary.trigger(&trigger))
    }

    fn held(result: &TriggerResult) -> Vec<(usize, usize)> {
        result.held.iter().map(|held| held.steps).collect()
    }

    /// Good steps around, so that a gap does not decide.
    fn among_good(steps: &str) -> String {
        format!("{}{steps}{}", "g".repeat(30), "g".repeat(30))
    }

    #[test]
    fn a_trigger_fires_at_its_minutes_and_not_a_step_before() {
        use Outcome::{Fail, Inconclusive, Pass};
        for (steps, minutes, outcome, held) in [
            ("b", 5, Fail, vec![(30, 30)]),
            ("b", 10, Pass, vec![]),
            ("bb", 10, Fail, vec![(30, 31)]),
            ("bb", 15, Pass, vec![]),
            ("bbb", 15, Fail, vec![(30, 32)]),
            ("bbbb", 15, Fail, vec![(30, 33)]),
            // A break, and the limit itself, which does not exceed it.
            ("bgb", 10, Pass, vec![]),
            ("beb", 10, Pass, vec![]),
            ("bbgbb", 10, Fail, vec![(30, 31), (33, 34)]),
            // What nobody saw is no break: between two bad steps it counts, at an end nobody knows.
            ("b.b", 15, Fail, vec![(30, 32)]),
            ("b.", 10, Inconclusive, vec![]),
            (".b", 10, Inconclusive, vec![]),
            ("b.", 15, Pass, vec![]),
            ("b.g", 10, Inconclusive, vec![]),
            // Nothing but what nobody saw is a gap, which is looked over while it is short.
            ("..", 10, Pass, vec![]),
            ("...", 10, Pass, vec![]),
            ("....", 10, Inconclusive, vec![]),
        ] {
            let seen = checked(&among_good(steps), minutes);
            assert_eq!(
                (seen.check.outcome, super::tests::held(&seen)),
                (outcome, held),
                "{steps} {minutes}: {seen:?}"
            );
        }
    }

    #[test]
    fn at_the_ends_of_the_time_the_same_holds() {
        assert_eq!(held(&checked("bbgggggggg", 10)), [(0, 1)]);
        assert_eq!(held(&checked("ggggggggbb", 10)), [(8, 9)]);
        assert_eq!(checked("gggggggggb", 10).check.outcome, Outcome::Pass);
        assert_eq!(checked("b", 10).check.outcome, Outcome::Inconclusive);
        // For who asks for what is due, what cannot have held yet plays no part; what nobody sees does.
        let so_far = |steps: &str| {
            let minutes = 5 * i64::try_from(steps.len()).expect("a few");
            let trigger = latency_trigger(10);
            super::tests::so_far(&criteria(&rules()), minutes, &readings(values(steps)), |canary| {
                canary.trigger(&trigger)
            })
            .check
            .outcome
        };
        assert_eq!(["b", "g", "bb", "gg"].map(so_far), {
            [Outcome::NotApplicable, Outcome::NotApplicable, Outcome::Fail, Outcome::Pass]
        });
        assert_eq!([".", ""].map(so_far), [Outcome::Inconclusive; 2]);
        let early = checked("", 10).check;
        assert_eq!(early.outcome, Outcome::Inconclusive);
        assert_eq!(early.reason, "the first step ends at 2026-03-01T00:05:00Z");
    }

    #[test]
    fn a_floor_is_missed_below() {
        let floor = Trigger {
            comparison: Comparison::Below,
            limit: crate::core::judge::fixture::limit(0.7),
            ..latency_trigger(10)
        };
        let of = |values: &[f64]| {
            let minutes = 5 * i64::try_from(values.len()).expect("a few");
            let values = readings(values.iter().copied().map(Some));
            canary(&criteria(&rules()), minutes, &values, |canary| canary.trigger(&floor)).check
        };
        let check = of(&[0.8, 0.69, 0.5, 0.8]);
        assert_eq!(
            (check.outcome, check.observed, check.comparison),
            (Outcome::Fail, Some(0.69), Some(Comparison::AtLeast))
        );
        assert!(check.margin.is_some_and(|margin| (margin + 0.01).abs() < 1e-12));
        let check = of(&[0.8, 0.5, 0.7, 0.5]);
        assert_eq!((check.outcome, check.observed, check.margin), (Outcome::Pass, Some(0.7), Some(0.0)));
    }

    #[test]
    fn the_ladder_shows_the_level_that_was_held_and_from_when_to_when() {
        let check = checked("ggbwbgg", 10).check;
        // Of "bw" and "wb" the mildest is 600; of three in a row, too.
        assert_eq!((check.observed, check.limit, check.margin), (Some(600.0), Some(500.0), Some(-100.0)));
        assert_eq!(check.comparison, Some(Comparison::AtMost));
        assert_eq!(
            check.reason,
            "> 500 ms held from 2026-03-01T00:10:00Z to 2026-03-01T00:25:00Z: 600 ms, 900 ms, 600 ms"
        );
        assert_eq!((check.window.first, check.window.last, check.window.n), (Some(1), Some(7), 7));
        // The level exceeds the limit exactly where the trigger held, whatever the steps are.
        let letters = ['.', 'g', 'b', 'w', 'e'];
        for code in 0..5_usize.pow(6) {
            let steps: String = (0..6).map(|place| letters[code / 5_usize.pow(place) % 5]).collect();
            for minutes in [5, 10, 15] {
                let seen = checked(&steps, minutes);
                let exceeds = seen.check.observed.is_some_and(|level| level > 500.0);
                assert_eq!(exceeds, !seen.held.is_empty(), "{steps} {minutes}: {seen:?}");
            }
        }
    }

    #[test]
    fn a_metric_without_values_is_never_a_pass() {
        let of = |readings: &Readings, is_optional| {
            let trigger = Trigger { is_optional, ..latency_trigger(10) };
            canary(&criteria(&rules()), 60, readings, |canary| canary.trigger(&trigger)).check.outcome
        };
        let (absent, broken) = (Readings::absent(12, "no series"), Readings::broken(12, "2 series"));
        assert_eq!(
            [false, true].map(|optional| of(&absent, optional)),
            [Outcome::Inconclusive, Outcome::NotApplicable]
        );
        assert_eq!([false, true].map(|optional| of(&broken, optional)), [Outcome::Invalid; 2]);
        // Optional is what nobody ever measured, not what went away.
        let gone = Readings { values: values("gggggg......"), trouble: None };
        assert_eq!(of(&gone, true), Outcome::Inconclusive);
    }
}
