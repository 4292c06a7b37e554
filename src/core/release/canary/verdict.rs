//! The whole canary: triggers, hours, the time since the last hour, and what follows.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::hours::{self, Block, hour};
use super::readings::Readings;
use super::terms::Terms;
use super::triggers::{self, TriggerSeen};
use super::watch::{Watch, later, told};
use crate::core::policy::release::RollbackKind;
use crate::core::verdict::{Check, Comparison, Outcome, Part, Severity, WindowUsed, join};

/// What of the canary is to be judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scope {
    /// All of it: until the last hour and `watch_hours_min` have passed it is INCONCLUSIVE.
    Whole,
    /// What is due so far.
    SoFar,
    /// One hour, by its number.
    Hour(f64),
    /// What must hold after a rollback, and nothing else.
    AfterRollback,
}

/// A canary, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct CanaryJudged {
    /// The time that was looked at.
    pub watch: Watch,
    /// The verdict.
    pub outcome: Outcome,
    /// One sentence: why.
    pub reason: String,
    /// The triggers, in the order of the policy.
    pub triggers: Vec<TriggerSeen>,
    /// The hours, then the time since the last one that passed.
    pub blocks: Vec<Block>,
    /// Whether the canary was watched for long enough; `None` where only a part is judged.
    pub watched: Option<Check>,
    /// The rollback that triggers ask for; `None` = none does.
    pub rollback: Option<RollbackKind>,
    /// When to ask again, and what for; `None` = never, it is decided.
    pub next: Option<(DateTime<Utc>, String)>,
    /// Whether `watch_hours_max` has passed.
    pub is_over: bool,
}

impl CanaryJudged {
    /// Every check, triggers first.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        let triggers = self.triggers.iter().map(|seen| &seen.check);
        let limits = self.blocks.iter().flat_map(|block| &block.limits).map(|limit| &limit.check);
        triggers.chain(limits).chain(&self.watched)
    }
}

/// Judges. `readings` by metric; one that is not there was measured by nobody.
pub fn judge(
    terms: &Terms,
    watch: Watch,
    scope: Scope,
    readings: &BTreeMap<String, Readings>,
) -> CanaryJudged {
    let nobody = Readings::absent(watch.steps(), "nobody measured it");
    let of = |metric: &str| readings.get(metric).unwrap_or(&nobody);
    let rules = &terms.rules;
    if scope == Scope::AfterRollback {
        let block = hours::after_rollback(terms, &watch, of);
        let next = match block.outcome() {
            Outcome::Pass => None,
            _ => Some((block.due.max(watch.end_of(watch.steps())), "the limits after a rollback".to_owned())),
        };
        return whole(watch, Vec::new(), vec![block], None, next, false);
    }
    let so_far = scope == Scope::SoFar;
    let triggers = rules.triggers.iter().map(|trigger| {
        let readings = of(&trigger.metric);
        triggers::look(trigger, terms.unit(&trigger.metric), readings, &watch, rules, so_far)
    });
    let triggers = triggers.collect();
    let is_asked = |after: f64| !matches!(scope, Scope::Hour(hour) if hour != after);
    let asked: Vec<_> = terms.hours.iter().filter(|hour| is_asked(hour.after_hours)).collect();
    let mut blocks: Vec<Block> =
        asked.iter().map(|hour| hours::at_hour(hour, terms, &watch, so_far, of)).collect();
    let passed = asked.iter().rev().find(|hour| watch.has_passed(hour.after_hours));
    if !matches!(scope, Scope::Hour(_)) {
        blocks.extend(passed.and_then(|hour| hours::since_hour(hour, terms, &watch, of)));
    }
    let next_hour = terms.hours.iter().find(|hour| !watch.has_passed(hour.after_hours));
    let end = later(watch.since, rules.watch_hours_min);
    let next = match next_hour {
        Some(next) => {
            Some((later(watch.since, next.after_hours), format!("hour {}", hour(next.after_hours))))
        }
        None => (watch.now < end).then(|| (end, "the end of the watch".to_owned())),
    };
    let is_over = watch.now > later(watch.since, rules.watch_hours_max);
    let watched = (!matches!(scope, Scope::Hour(_))).then(|| watched(terms, &watch, so_far));
    whole(watch, triggers, blocks, watched, next, is_over)
}

fn whole(
    watch: Watch,
    triggers: Vec<TriggerSeen>,
    blocks: Vec<Block>,
    watched: Option<Check>,
    next: Option<(DateTime<Utc>, String)>,
    is_over: bool,
) -> CanaryJudged {
    let held = || triggers.iter().filter(|seen| !seen.held.is_empty()).map(|seen| seen.trigger.rollback);
    let rollback = held().find(|kind| *kind == RollbackKind::Full).or_else(|| held().next());
    let mut judged = CanaryJudged {
        watch,
        outcome: Outcome::Invalid,
        reason: String::new(),
        triggers,
        blocks,
        watched,
        rollback,
        next,
        is_over,
    };
    // What was asked for can be too young for everything; then nothing was judged, and nothing is wrong.
    let is_judged = judged.checks().any(|check| check.joins && check.outcome != Outcome::NotApplicable);
    judged.outcome = if is_judged { join(judged.checks()) } else { Outcome::Inconclusive };
    judged.reason = reason(&judged);
    judged
}

/// A trigger that held comes before everything else, whatever the verdict is called.
fn reason(judged: &CanaryJudged) -> String {
    let held = judged
        .triggers
        .iter()
        .find(|seen| !seen.held.is_empty() && Some(seen.trigger.rollback) == judged.rollback);
    let worst = || judged.checks().find(|check| check.joins && check.outcome == judged.outcome);
    match (held, judged.outcome) {
        (Some(seen), _) => format!("{}: {}", seen.check.gate, seen.check.reason),
        (None, Outcome::Pass) => {
            let due = judged.blocks.iter().filter(|block| block.is_due).map(Block::title).collect::<Vec<_>>();
            let limits = if due.is_empty() { "no hour is due".to_owned() } else { due.join(", ") };
            match (judged.triggers.len(), due.is_empty()) {
                (0, _) => format!("{limits}: every limit holds"),
                (_, true) => format!("{limits}, and no trigger held"),
                (_, false) => format!("{limits}: every limit holds, and no trigger held"),
            }
        }
        (None, _) => worst().map_or_else(
            || "nothing is due yet".to_owned(),
            |check| format!("{}: {}", check.gate, check.reason),
        ),
    }
}

fn watched(terms: &Terms, watch: &Watch, so_far: bool) -> Check {
    let (least, hours) = (terms.rules.watch_hours_min, watch.hours());
    let shown = hour((hours * 100.0).floor() / 100.0);
    let (outcome, reason) = match (hours >= least, so_far) {
        (true, _) => (Outcome::Pass, format!("watched for {shown} hours")),
        (false, true) => (Outcome::NotApplicable, format!("{shown} of at least {} hours", hour(least))),
        (false, false) => {
            let end = told(later(watch.since, least));
            (Outcome::Inconclusive, format!("{shown} of at least {} hours, until {end}", hour(least)))
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
            first: (watch.steps() > 0).then_some(1),
            last: u64::try_from(watch.steps()).ok().filter(|last| *last > 0),
            n: watch.steps(),
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
mod tests;
