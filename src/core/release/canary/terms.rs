//! What is asked of a canary: the limits by hour, what must hold after a rollback, the triggers.
//!
//! Metrics go by name here, because limits of a bundle come with a policy, and so a KPI table, of their own.

use std::collections::{BTreeMap, BTreeSet};

use super::readings::limit;
use super::{ResolvedCheckpoint, ResolvedLimit, resolve, source_of, statistic_of};
use crate::core::kpi::{KpiId, KpiTable};
use crate::core::number::{exact, trimmed};
use crate::core::policy::release::{CanaryRules, Checkpoint, Trigger};
use crate::core::policy::{Policy, Statistic};
use crate::core::release::notes::CanaryNote;
use crate::core::verdict::{Comparison, LimitSource};

/// A limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The metric.
    pub metric: String,
    /// Of its values in the window.
    pub statistic: Statistic,
    /// What must hold.
    pub comparison: Comparison,
    /// With what; `None` when that cannot be said.
    pub limit: Option<f64>,
    /// Where it comes from, in words.
    pub basis: String,
    /// Its key in the policy.
    pub source: LimitSource,
}

/// The limits of an hour.
#[derive(Clone, Debug, PartialEq)]
pub struct AskedHour {
    /// `hour_1`.
    pub name: String,
    /// Hours after the start of the canary.
    pub after_hours: f64,
    /// All must hold.
    pub limits: Vec<Asked>,
}

/// Everything that is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// Triggers, steps, how long the canary is watched.
    pub rules: CanaryRules,
    /// By hour.
    pub hours: Vec<AskedHour>,
    /// After a rollback.
    pub after_rollback: Vec<Asked>,
    units: BTreeMap<String, String>,
}

/// Why the notes of a bundle are no terms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limits of the canary in the bundle cannot be used: {0}")]
pub struct NoTerms(String);

impl Terms {
    /// Terms of a policy. `measured` is what the soak showed of a KPI in its window of `n` iterations.
    pub fn new(
        rules: &CanaryRules,
        kpis: &KpiTable,
        n: usize,
        measured: impl Fn(KpiId, Statistic) -> Option<f64>,
    ) -> Self {
        let asked = |limit: &ResolvedLimit| Asked {
            metric: limit.kpi.name.to_owned(),
            statistic: limit.statistic,
            comparison: limit.comparison,
            limit: limit.limit,
            basis: limit.basis.clone(),
            source: limit.source.clone(),
        };
        let hours = resolve(rules, n, &measured);
        // A single hour: nothing before it takes the place of what the soak did not measure.
        let after = Checkpoint {
            name: "after_rollback".to_owned(),
            after_hours: 0.0,
            limits: rules.after_rollback.clone(),
        };
        let only_after = CanaryRules { checkpoints: vec![after], ..rules.clone() };
        let after = resolve(&only_after, n, &measured);
        Self {
            hours: hours
                .iter()
                .map(|ResolvedCheckpoint { name, after_hours, limits }| AskedHour {
                    name: name.clone(),
                    after_hours: *after_hours,
                    limits: limits.iter().map(asked).collect(),
                })
                .collect(),
            after_rollback: after.iter().flat_map(|after| &after.limits).map(asked).collect(),
            units: units(kpis),
            rules: rules.clone(),
        }
    }

    /// Terms of a bundle: the limits that its manifest notes, and the rest of the policy that it was built by.
    pub fn of_bundle(policy: &Policy, notes: &[CanaryNote]) -> Result<Self, NoTerms> {
        let rules = &policy.release.canary;
        let mut terms = Self::new(rules, &policy.kpis, 0, |_, _| None);
        for (hour, checkpoint) in terms.hours.iter_mut().zip(&rules.checkpoints) {
            let of_hour = |note: &&CanaryNote| note.after_hours == checkpoint.after_hours;
            let limits = notes.iter().filter(of_hour).map(|note| of_note(note, policy, checkpoint));
            hour.limits = limits.collect::<Result<_, _>>()?;
            if hour.limits.len() != checkpoint.limits.len() {
                let number = exact(checkpoint.after_hours, 0);
                return Err(NoTerms(format!(
                    "the manifest notes {} of {} limits for hour {}",
                    hour.limits.len(),
                    checkpoint.limits.len(),
                    trimmed(&number)
                )));
            }
        }
        let is_asked = |note: &CanaryNote| {
            rules.checkpoints.iter().any(|checkpoint| checkpoint.after_hours == note.after_hours)
        };
        match notes.iter().find(|note| !is_asked(note)) {
            Some(note) => Err(NoTerms(format!("its policy has no hour {}", note.after_hours))),
            None => Ok(terms),
        }
    }

    /// The unit of a metric; empty for ratios and what is no KPI.
    pub fn unit(&self, metric: &str) -> &str {
        self.units.get(metric).map_or("", String::as_str)
    }

    /// The metrics of the triggers and the hours.
    pub fn metrics(&self) -> BTreeSet<&str> {
        let limits = self.hours.iter().flat_map(|hour| &hour.limits).map(|limit| limit.metric.as_str());
        limits.chain(self.rules.triggers.iter().map(|trigger| trigger.metric.as_str())).collect()
    }

    /// The metrics of what must hold after a rollback.
    pub fn metrics_after_rollback(&self) -> BTreeSet<&str> {
        self.after_rollback.iter().map(|limit| limit.metric.as_str()).collect()
    }
}

/// What is asked otherwise now than then, a few words each. Limits that follow a soak are not compared.
pub fn drift(then: &Terms, now: &Terms) -> Vec<String> {
    let mut changes = Vec::new();
    let triggers = |terms: &Terms| -> BTreeMap<String, String> {
        let words = |trigger: &Trigger| {
            format!(
                "{} {} {} for {} minutes, {}",
                trigger.metric,
                trigger.comparison.symbol(),
                limit(trigger.limit.value, terms.unit(&trigger.metric)),
                trigger.for_minutes,
                trigger.rollback.word()
            )
        };
        let named = |trigger: &Trigger| (format!("canary.trigger.{}", trigger.name), words(trigger));
        terms.rules.triggers.iter().map(named).collect()
    };
    let limits = |terms: &Terms| -> BTreeMap<String, String> {
        let all = terms.hours.iter().flat_map(|hour| &hour.limits).chain(&terms.after_rollback);
        // The key of a limit that follows the soak is that of its margin.
        let fixed = all.filter(|asked| asked.source.key.rsplit('.').next() == Some("limit"));
        let words = |asked: &Asked| {
            let told =
                asked.limit.map_or_else(|| "?".to_owned(), |value| limit(value, terms.unit(&asked.metric)));
            format!("{} {told}", asked.comparison.symbol())
        };
        fixed.map(|asked| (asked.source.key.clone(), words(asked))).collect()
    };
    for of in [&triggers as &dyn Fn(&Terms) -> BTreeMap<String, String>, &limits] {
        let (then, now) = (of(then), of(now));
        let keys: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
        for key in keys {
            let word = |terms: &BTreeMap<String, String>| {
                terms.get(key).cloned().unwrap_or_else(|| "none".to_owned())
            };
            let (then, now) = (word(&then), word(&now));
            if then != now {
                changes.push(format!("`{key}`: {then} in the bundle, {now} now"));
            }
        }
    }
    let rules = |rules: &CanaryRules| {
        [
            ("canary.step_minutes", rules.step_minutes as f64),
            ("canary.window_minutes", rules.window_minutes as f64),
            ("canary.misses", rules.misses as f64),
            ("canary.seen_share", rules.seen_share.value),
            ("canary.longest_gap_minutes", rules.longest_gap_minutes.value),
            ("canary.watch_hours_min", rules.watch_hours_min),
            ("canary.watch_hours_max", rules.watch_hours_max),
            ("canary.after_rollback.watch_minutes", rules.after_rollback_minutes as f64),
        ]
    };
    for ((key, then), (_, now)) in rules(&then.rules).into_iter().zip(rules(&now.rules)) {
        if then != now {
            changes.push(format!("`{key}`: {then} in the bundle, {now} now"));
        }
    }
    changes
}

fn units(kpis: &KpiTable) -> BTreeMap<String, String> {
    kpis.ids().map(|id| (id.name.to_owned(), id.unit.symbol().to_owned())).collect()
}

fn of_note(note: &CanaryNote, policy: &Policy, checkpoint: &Checkpoint) -> Result<Asked, NoTerms> {
    let of_kpi = checkpoint.limits.iter().find(|limit| limit.kpi.name == note.kpi);
    let Some(rule) = of_kpi else {
        return Err(NoTerms(format!("its policy has no limit on `{}` in `{}`", note.kpi, checkpoint.name)));
    };
    let comparison = Comparison::parse(&note.comparison)
        .ok_or_else(|| NoTerms(format!("`{}` is no comparison", note.comparison)))?;
    if note.limit.is_some_and(|limit| !limit.is_finite()) {
        return Err(NoTerms(format!("the limit on `{}` is not finite", note.kpi)));
    }
    Ok(Asked {
        metric: note.kpi.clone(),
        statistic: statistic_of(&rule.bound, policy.release.canary.statistic),
        comparison,
        limit: note.limit,
        basis: note.basis.clone(),
        source: source_of(&rule.bound).clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::judge::fixture::limit;
    use crate::core::policy::release::CanaryBound;
    use crate::core::release::canary::fixture::{latency_trigger, rules, terms};

    /// The rules of the fixture, with keys as a policy has them.
    fn keyed() -> CanaryRules {
        let mut rules = rules();
        let after = rules.after_rollback.iter_mut().map(|limit| ("after_rollback".to_owned(), limit));
        let hours = rules.checkpoints.iter_mut().map(|hour| (hour.name.clone(), &mut hour.limits[0]));
        for (name, limit) in hours.chain(after) {
            if let CanaryBound::Fixed(bound) = &mut limit.bound {
                bound.source.key = format!("canary.{name}.kpi.p95_latency_ms.limit");
            }
        }
        rules
    }

    fn changed(change: impl Fn(&mut CanaryRules)) -> Vec<String> {
        let mut rules = keyed();
        change(&mut rules);
        drift(&terms(&keyed()), &terms(&rules))
    }

    #[test]
    fn what_changed_is_told_with_both_values_and_what_did_not_is_not() {
        assert!(changed(|_| ()).is_empty());
        assert_eq!(
            changed(|rules| rules.checkpoints[1].limits[0].bound = {
                let mut bound = limit(360.0);
                bound.source.key = "canary.hour_6.kpi.p95_latency_ms.limit".to_owned();
                CanaryBound::Fixed(bound)
            }),
            ["`canary.hour_6.kpi.p95_latency_ms.limit`: <= 350 ms in the bundle, <= 360 ms now"]
        );
        assert_eq!(
            changed(|rules| rules.triggers = vec![latency_trigger(15)]),
            [
                "`canary.trigger.latency`: p95_latency_ms > 500 ms for 10 minutes, quick in the bundle, p95_latency_ms > \
              500 ms for 15 minutes, quick now"
            ]
        );
        assert_eq!(
            changed(|rules| rules.triggers.clear()),
            [
                "`canary.trigger.latency`: p95_latency_ms > 500 ms for 10 minutes, quick in the bundle, none now"
            ]
        );
        assert_eq!(
            changed(|rules| rules.seen_share = limit(0.5)),
            ["`canary.seen_share`: 0.9 in the bundle, 0.5 now"]
        );
    }

    #[test]
    fn a_metric_has_the_unit_of_its_kpi_or_none() {
        let terms = terms(&rules());
        assert_eq!([terms.unit("p95_latency_ms"), terms.unit("error_ratio")], ["ms", ""]);
        assert_eq!(terms.metrics(), BTreeSet::from(["p95_latency_ms"]));
    }
}
