//! The verdict on a canary: triggers, checkpoints, the time since the last one, and what follows.

use std::collections::BTreeMap;

use serde::Serialize;

use super::checks::{Block, Canary, TriggerResult};
use super::criteria::CanaryCriteria;
use super::timeline::{Readings, Timeline, later, rfc3339};
use crate::core::policy::release::RollbackKind;
use crate::core::verdict::provenance::Envelope;
use crate::core::verdict::{Check, Comparison, Outcome, Part, Severity, WindowUsed, join};
use crate::release::criteria::number;

/// What of the canary is to be judged.
#[derive(Clone, Copy, Debug, PartialEq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Scope {
    /// All of it: until the last hour and `watch_hours_min` have passed it is INCONCLUSIVE.
    Whole,
    /// What is due so far.
    SoFar,
    /// One checkpoint, by its hour.
    Hour(f64),
    /// What must hold after a rollback, and nothing else.
    AfterRollback,
}

/// The bundle that the limits are from.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct BundleRef {
    /// Name of the release.
    pub(crate) name: String,
    /// Its folder or archive, as given.
    pub(crate) path: String,
    /// SHA-256 of its `SHA256SUMS`.
    pub(crate) sha256: String,
}

/// When to check again.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct Next {
    /// The time.
    pub(crate) at: String,
    /// What is due then.
    pub(crate) what: String,
}

/// The verdict on a canary.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct CanaryResult {
    #[serde(flatten)]
    pub(crate) envelope: Envelope,
    /// The bundle that the limits are from; null where they are not from one.
    pub(crate) bundle: Option<BundleRef>,
    /// `bundle`, `run` (the policy and a soak) or `policy`.
    #[schemars(extend("enum" = ["bundle", "run", "policy"]))]
    pub(crate) limits_from: &'static str,
    /// `prometheus` or `folder`: where the measurements come from.
    #[schemars(extend("enum" = ["prometheus", "folder"]))]
    pub(crate) source: &'static str,
    /// The URL or the folder.
    pub(crate) source_place: String,
    /// Simulated data or a rehearsal: no statement about a release.
    pub(crate) rehearsal: bool,
    /// `whole`, `so_far`, `hour` or `after_rollback`: what was judged.
    #[schemars(extend("enum" = ["whole", "so_far", "hour", "after_rollback"]))]
    pub(crate) scope: &'static str,
    /// When the canary started, or the rollback was done.
    pub(crate) since: String,
    /// The time of the check.
    pub(crate) now: String,
    /// What is later was not looked at.
    pub(crate) until: String,
    /// Hours since the start.
    pub(crate) hours: f64,
    /// Length of a step, minutes. Windows of checks count steps.
    pub(crate) step_minutes: u64,
    /// Steps that are over.
    pub(crate) steps: usize,
    /// The true verdict.
    pub(crate) outcome: Outcome,
    /// PASS, WARN or FAIL; INCONCLUSIVE and INVALID are published as FAIL.
    #[schemars(extend("enum" = ["PASS", "WARN", "FAIL"]))]
    pub(crate) verdict: &'static str,
    /// The main reason.
    pub(crate) reason: String,
    /// The rollback that triggers require, overridden or not; null when none held.
    #[schemars(extend("enum" = ["quick", "full", null]))]
    pub(crate) rollback: Option<&'static str>,
    /// When to check again; null when everything is decided.
    pub(crate) next: Option<Next>,
    /// Whether `canary.watch_hours_max` has passed.
    pub(crate) is_over: bool,
    /// The triggers.
    pub(crate) triggers: Vec<TriggerResult>,
    /// The limits.
    pub(crate) blocks: Vec<Block>,
    /// Whether the canary was watched for long enough; null where only a part is judged.
    pub(crate) watched: Option<Check>,
    /// What a reader should know, a sentence each.
    pub(crate) notes: Vec<String>,
    /// The exit code of the command.
    pub(crate) exit_code: u8,
}

impl CanaryResult {
    /// Every check, triggers first.
    pub(crate) fn checks(&self) -> impl Iterator<Item = &Check> {
        let triggers = self.triggers.iter().map(|result| &result.check);
        let limits = self.blocks.iter().flat_map(|block| &block.limits).map(|limit| &limit.check);
        triggers.chain(limits).chain(&self.watched)
    }

    /// A trigger that held comes before everything else, whatever the verdict is called.
    fn reason(&self) -> String {
        let explained = |check: &Check| format!("{}: {}", check.gate, check.reason);
        let held = self
            .triggers
            .iter()
            .find(|result| !result.held.is_empty() && Some(result.rollback) == self.rollback);
        if let Some(result) = held {
            return explained(&result.check);
        }
        if self.outcome != Outcome::Pass {
            let worst = self.checks().find(|check| check.joins && check.outcome == self.outcome);
            return worst.map_or_else(|| "nothing is due yet".to_owned(), explained);
        }
        let due: Vec<String> = self.blocks.iter().filter(|block| block.is_due).map(Block::title).collect();
        let limits = if due.is_empty() { "no hour is due".to_owned() } else { due.join(", ") };
        match (self.triggers.is_empty(), due.is_empty()) {
            (true, _) => format!("{limits}: every limit holds"),
            (false, true) => format!("{limits}, and no trigger held"),
            (false, false) => format!("{limits}: every limit holds, and no trigger held"),
        }
    }
}

/// Judges. `readings` by metric; one that is not there was measured by nobody. Where limits and measurements are from,
/// and who asked, the caller fills in.
pub(super) fn judge(
    criteria: &CanaryCriteria,
    timeline: Timeline,
    scope: Scope,
    readings: &BTreeMap<String, Readings>,
) -> CanaryResult {
    let so_far = scope == Scope::SoFar;
    let canary = Canary { criteria, timeline, readings, so_far };
    let rules = &criteria.rules;
    let (mut triggers, mut blocks, mut watched, mut next) = (Vec::new(), Vec::new(), None, None);
    if scope == Scope::AfterRollback {
        let block = canary.after_rollback();
        if block.outcome != Outcome::Pass {
            let due = later(timeline.since, rules.after_rollback_minutes as f64 / 60.0);
            let at = due.max(timeline.end_of(timeline.steps()));
            next = Some((at, "the limits after a rollback".to_owned()));
        }
        blocks.push(block);
    } else {
        triggers.extend(rules.triggers.iter().map(|trigger| canary.trigger(trigger)));
        let is_due = |after: f64| !matches!(scope, Scope::Hour(hour) if hour != after);
        let due: Vec<_> = criteria.checkpoints.iter().filter(|at| is_due(at.after_hours)).collect();
        blocks.extend(due.iter().map(|checkpoint| canary.at(checkpoint)));
        if !matches!(scope, Scope::Hour(_)) {
            let passed = due.iter().rev().find(|at| timeline.has_passed(at.after_hours));
            blocks.extend(passed.and_then(|checkpoint| canary.since(checkpoint)));
            watched = Some(watch_time(criteria, &timeline, so_far));
        }
        let end = later(timeline.since, rules.watch_hours_min);
        next = match criteria.checkpoints.iter().find(|at| !timeline.has_passed(at.after_hours)) {
            Some(at) => {
                let due = later(timeline.since, at.after_hours);
                Some((due, format!("hour {}", number(at.after_hours))))
            }
            None => (timeline.now < end).then(|| (end, "the end of the watch".to_owned())),
        };
    }
    let is_held = |result: &&TriggerResult| !result.held.is_empty();
    let held: Vec<RollbackKind> =
        triggers.iter().filter(is_held).map(|result| result.trigger.rollback).collect();
    let rollback = held.iter().find(|kind| **kind == RollbackKind::Full).or(held.first());
    let mut result = CanaryResult {
        envelope: Envelope::default(),
        bundle: None,
        limits_from: "",
        source: "",
        source_place: String::new(),
        rehearsal: false,
        scope: scope.into(),
        since: rfc3339(timeline.since),
        now: rfc3339(timeline.now),
        until: rfc3339(timeline.until),
        hours: timeline.hours(),
        step_minutes: rules.step_minutes,
        steps: timeline.steps(),
        outcome: Outcome::Inconclusive,
        verdict: "",
        reason: String::new(),
        rollback: rollback.map(|kind| kind.word()),
        next: next.map(|(at, what)| Next { at: rfc3339(at), what }),
        is_over: scope != Scope::AfterRollback && timeline.now > later(timeline.since, rules.watch_hours_max),
        triggers,
        blocks,
        watched,
        notes: Vec::new(),
        exit_code: 0,
    };
    // What was asked for can be too young for everything; then nothing was judged, and nothing is wrong.
    if result.checks().any(|check| check.joins && check.outcome != Outcome::NotApplicable) {
        result.outcome = join(result.checks());
    }
    result.verdict = result.outcome.published();
    result.reason = result.reason();
    result
}

/// Whether the canary was watched for long enough.
fn watch_time(criteria: &CanaryCriteria, timeline: &Timeline, so_far: bool) -> Check {
    let (least, hours) = (criteria.rules.watch_hours_min, timeline.hours());
    let shown = number((hours * 100.0).floor() / 100.0);
    let (outcome, reason) = match (hours >= least, so_far) {
        (true, _) => (Outcome::Pass, format!("watched for {shown} hours")),
        (false, true) => (Outcome::NotApplicable, format!("{shown} of at least {} hours", number(least))),
        (false, false) => {
            let end = rfc3339(later(timeline.since, least));
            (Outcome::Inconclusive, format!("{shown} of at least {} hours, until {end}", number(least)))
        }
    };
    Check {
        part: Part::Canary,
        gate: "canary.watch_hours_min".to_owned(),
        kpi: None,
        symbol: None,
        severity: Severity::Hard,
        window: WindowUsed {
            name: "canary".to_owned(),
            first: (timeline.steps() > 0).then_some(1),
            last: u64::try_from(timeline.steps()).ok().filter(|last| *last > 0),
            n: timeline.steps(),
        },
        statistic: "hours".to_owned(),
        comparison: Some(Comparison::AtLeast),
        limit: Some(least),
        observed: Some(hours),
        margin: Some(hours - least),
        outcome,
        reason,
        limit_source: None,
        joins: true,
        inference: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::policy::release::{CanaryRules, Trigger};
    use crate::release::canary::fixture::{criteria, latency_trigger, readings, rules, start, timeline};

    fn judged_by(
        rules: &CanaryRules,
        minutes: i64,
        scope: Scope,
        value: impl Fn(usize) -> f64,
    ) -> CanaryResult {
        let timeline = timeline(minutes);
        let values = readings((0..timeline.steps()).map(|step| Some(value(step))));
        judge(&criteria(rules), timeline, scope, &BTreeMap::from([("p95_latency_ms".to_owned(), values)]))
    }

    fn judged(minutes: i64, scope: Scope, value: impl Fn(usize) -> f64) -> CanaryResult {
        judged_by(&rules(), minutes, scope, value)
    }

    #[test]
    fn a_good_canary_passes_when_its_last_hour_and_the_watch_are_over_and_not_before() {
        let outcome = |minutes, scope| judged(minutes, scope, |_| 300.0).outcome;
        assert_eq!(outcome(359, Scope::Whole), Outcome::Inconclusive);
        assert_eq!(outcome(360, Scope::Whole), Outcome::Pass);
        // What is due so far.
        assert_eq!(outcome(59, Scope::SoFar), Outcome::Pass);
        assert_eq!(outcome(9, Scope::SoFar), Outcome::Inconclusive, "the trigger asks for ten minutes");
        assert_eq!(judged(9, Scope::SoFar, |_| 300.0).reason, "nothing is due yet");
        assert_eq!(outcome(10, Scope::SoFar), Outcome::Pass);
        // An hour by itself.
        assert_eq!(
            [59, 60].map(|minutes| outcome(minutes, Scope::Hour(1.0))),
            [Outcome::Inconclusive, Outcome::Pass]
        );
        assert_eq!(outcome(60, Scope::Hour(6.0)), Outcome::Inconclusive);
        // The last hour is over, and the watch is not.
        let longer = CanaryRules { watch_hours_min: 7.0, ..rules() };
        let waiting = judged_by(&longer, 360, Scope::Whole, |_| 300.0);
        assert_eq!(waiting.outcome, Outcome::Inconclusive);
        assert_eq!(
            waiting.reason,
            "canary.watch_hours_min: 6 of at least 7 hours, until 2026-03-01T07:00:00Z"
        );
    }

    #[test]
    fn it_says_what_is_next_and_when() {
        let next = |minutes| judged(minutes, Scope::Whole, |_| 300.0).next;
        let at = |hours, what: &str| {
            let at = rfc3339(start() + chrono::TimeDelta::hours(hours));
            Some(Next { at, what: what.to_owned() })
        };
        assert_eq!(next(0), at(1, "hour 1"));
        assert_eq!(next(60), at(6, "hour 6"));
        assert_eq!(next(360), None);
        assert!(!judged(480, Scope::Whole, |_| 300.0).is_over);
        assert!(judged(481, Scope::Whole, |_| 300.0).is_over);
    }

    #[test]
    fn what_comes_after_the_watch_changes_nothing() {
        let late = judged(600, Scope::Whole, |step| if step < 96 { 300.0 } else { 900.0 });
        assert_eq!((late.outcome, late.is_over, late.steps), (Outcome::Pass, true, 96));
    }

    #[test]
    fn a_trigger_that_held_comes_first_and_names_the_rollback() {
        let quick = judged(30, Scope::Whole, |_| 600.0);
        assert_eq!((quick.outcome, quick.rollback), (Outcome::Fail, Some("quick")));
        assert!(quick.reason.starts_with("canary.trigger.latency: > 500 ms held from"), "{}", quick.reason);
        // The full rollback includes the quick one; and an input that is INVALID hides no trigger.
        let full = Trigger { name: "worse".to_owned(), rollback: RollbackKind::Full, ..latency_trigger(5) };
        let blind = Trigger { name: "blind".to_owned(), metric: "nobody".to_owned(), ..latency_trigger(5) };
        let rules = CanaryRules { triggers: vec![blind, latency_trigger(10), full], ..rules() };
        let readings = BTreeMap::from([
            ("p95_latency_ms".to_owned(), readings((0..6).map(|_| Some(600.0)))),
            ("nobody".to_owned(), Readings::broken(6, "2 series")),
        ]);
        let both = judge(&criteria(&rules), timeline(30), Scope::Whole, &readings);
        assert_eq!((both.outcome, both.rollback), (Outcome::Invalid, Some("full")));
        assert!(both.reason.starts_with("canary.trigger.worse: "), "{}", both.reason);
    }

    #[test]
    fn a_miss_of_the_limits_after_an_hour_is_reported_beside_it() {
        // Hour 1 is met; from the second hour on the mean is 450, above 400 and below the trigger.
        let drifted = judged(150, Scope::SoFar, |step| if step < 12 { 300.0 } else { 450.0 });
        assert_eq!(drifted.outcome, Outcome::Fail);
        let outcomes: Vec<_> =
            drifted.blocks.iter().map(|block| (block.name.as_str(), block.outcome)).collect();
        assert_eq!(
            outcomes,
            [("hour_1", Outcome::Pass), ("hour_6", Outcome::NotApplicable), ("now", Outcome::Fail)]
        );
        // An hour by itself is not changed by what came later.
        assert_eq!(
            judged(150, Scope::Hour(1.0), |step| if step < 12 { 300.0 } else { 450.0 }).outcome,
            Outcome::Pass
        );
    }

    #[test]
    fn a_metric_that_nobody_requested_was_measured_by_nobody() {
        let judged = judge(&criteria(&rules()), timeline(360), Scope::Whole, &BTreeMap::new());
        assert_eq!(judged.outcome, Outcome::Inconclusive);
        assert!(judged.reason.ends_with("it was not measured"), "{}", judged.reason);
    }
}
