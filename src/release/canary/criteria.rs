//! What a canary is checked against: the limits of its checkpoints, with what the soak measured put in, the limits
//! after a rollback, the triggers.
//!
//! Metrics go by name here, because limits of a bundle come with a policy, and so a KPI table, of their own.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::anyhow;
use serde::{Deserialize, Serialize};

use crate::core::analysis::{Analysis, statistic};
use crate::core::kpi::{KpiId, KpiTable};
use crate::core::policy::release::{CanaryBound, CanaryLimit, CanaryRules, Checkpoint, Trigger};
use crate::core::policy::{Policy, Statistic};
use crate::core::text::number::{beside, fixed, trimmed};
use crate::core::verdict::failure::Failure;
use crate::core::verdict::{Comparison, LimitSource};
use crate::release::criteria::number;
use crate::release::unusable_bundle;

/// A limit of the canary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CanaryNote {
    /// Hours after the start of the canary.
    pub after_hours: f64,
    /// Where the limit comes from.
    pub basis: String,
    /// `>=`, `<=`, `<`, `>`.
    pub comparison: String,
    /// Canonical name.
    pub kpi: String,
    /// The limit; null when it cannot be said.
    pub limit: Option<f64>,
}

/// A limit on a metric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Criterion {
    pub(crate) metric: String,
    /// Of its values in the window.
    pub(crate) statistic: Statistic,
    /// What must hold.
    pub(crate) comparison: Comparison,
    /// With what; `None` when the soak did not measure it and no earlier checkpoint has a limit.
    pub(crate) limit: Option<f64>,
    /// Where it comes from, in words.
    pub(crate) basis: String,
    /// Its key in the policy; that of the margin where the limit follows the soak.
    pub(crate) source: LimitSource,
}

/// The limits of a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CheckpointCriteria {
    /// `hour_1`.
    pub(crate) name: String,
    /// Hours after the start of the canary.
    pub(crate) after_hours: f64,
    /// All must hold.
    pub(crate) limits: Vec<Criterion>,
}

/// Everything that a canary is checked against.
#[derive(Clone, Debug)]
pub(crate) struct CanaryCriteria {
    /// Triggers, steps, how long the canary is watched.
    pub(crate) rules: CanaryRules,
    pub(crate) checkpoints: Vec<CheckpointCriteria>,
    pub(crate) after_rollback: Vec<Criterion>,
    kpis: KpiTable,
}

/// What the soak measured of a KPI, and in how many iterations.
struct Measured<'a> {
    n: usize,
    of: &'a dyn Fn(KpiId, Statistic) -> Option<f64>,
}

impl CanaryCriteria {
    /// The criteria of a policy, without a soak.
    pub(crate) fn of_policy(policy: &Policy) -> Self {
        Self::new(&policy.release.canary, &policy.kpis, 0, &|_, _| None)
    }

    /// The criteria of a policy, with what the last-n window of the worst symbol showed.
    pub(crate) fn of_soak(policy: &Policy, analysis: &Analysis) -> Self {
        let worst = analysis.worst();
        let measured = |kpi, of| worst.last_kpi(kpi).and_then(|stats| statistic(stats, of));
        Self::new(&policy.release.canary, &policy.kpis, worst.last.len(), &measured)
    }

    /// `measured` is what the soak showed of a KPI in its window of `n` iterations.
    pub(super) fn new(
        rules: &CanaryRules,
        kpis: &KpiTable,
        n: usize,
        measured: &dyn Fn(KpiId, Statistic) -> Option<f64>,
    ) -> Self {
        let measured = Measured { n, of: measured };
        let mut checkpoints: Vec<CheckpointCriteria> = Vec::new();
        for Checkpoint { name, after_hours, limits } in &rules.checkpoints {
            let criterion = |limit| resolve(limit, rules.statistic, &checkpoints, &measured);
            let limits = limits.iter().map(criterion).collect();
            checkpoints.push(CheckpointCriteria { name: name.clone(), after_hours: *after_hours, limits });
        }
        // Nothing takes the place of what the soak did not measure.
        let after = |limit| resolve(limit, rules.statistic, &[], &measured);
        Self {
            checkpoints,
            after_rollback: rules.after_rollback.iter().map(after).collect(),
            kpis: kpis.clone(),
            rules: rules.clone(),
        }
    }

    /// The criteria of a bundle: the limits that its manifest notes, and the rest of the policy that it was built by.
    pub(crate) fn of_bundle(policy: &Policy, notes: &[CanaryNote]) -> Result<Self, Failure> {
        let rules = &policy.release.canary;
        let mut criteria = Self::of_policy(policy);
        for (at, checkpoint) in criteria.checkpoints.iter_mut().zip(&rules.checkpoints) {
            let of_hour = notes.iter().filter(|note| note.after_hours == checkpoint.after_hours);
            at.limits = of_hour.map(|note| of_note(note, policy, checkpoint)).collect::<Result<_, _>>()?;
            if at.limits.len() != checkpoint.limits.len() {
                return Err(no_criteria(&format!(
                    "the manifest notes {} of {} limits for hour {}",
                    at.limits.len(),
                    checkpoint.limits.len(),
                    number(checkpoint.after_hours)
                )));
            }
        }
        let is_known = |note: &&CanaryNote| {
            rules.checkpoints.iter().any(|checkpoint| checkpoint.after_hours == note.after_hours)
        };
        match notes.iter().find(|note| !is_known(note)) {
            Some(note) => Err(no_criteria(&format!("its policy has no hour {}", note.after_hours))),
            None => Ok(criteria),
        }
    }

    /// A limit with its unit.
    pub(super) fn limit(&self, limit: f64, metric: &str) -> String {
        self.with_unit(&number(limit), metric)
    }

    /// A value with its unit, on its side of the limit.
    pub(super) fn value(&self, observed: f64, limit: f64, metric: &str) -> String {
        self.with_unit(trimmed(&beside(observed, limit, 4)), metric)
    }

    /// Ratios, and what is no KPI, have no unit.
    fn with_unit(&self, number: &str, metric: &str) -> String {
        match self.kpis.find(metric).map_or("", |kpi| kpi.unit.symbol()) {
            "" => number.to_owned(),
            unit => format!("{number} {unit}"),
        }
    }

    /// The metrics of the triggers and the checkpoints.
    pub(super) fn metrics(&self) -> BTreeSet<&str> {
        let limits = self.checkpoints.iter().flat_map(|at| &at.limits).map(|limit| limit.metric.as_str());
        limits.chain(self.rules.triggers.iter().map(|trigger| trigger.metric.as_str())).collect()
    }

    /// The metrics of what must hold after a rollback.
    pub(super) fn metrics_after_rollback(&self) -> BTreeSet<&str> {
        self.after_rollback.iter().map(|limit| limit.metric.as_str()).collect()
    }

    /// Everything that can be compared with other criteria, by key. Limits that follow a soak are left out.
    fn fixed(&self) -> [BTreeMap<String, String>; 2] {
        let trigger = |trigger: &Trigger| {
            let words = format!(
                "{} {} {} for {} minutes, {}",
                trigger.metric,
                trigger.comparison.symbol(),
                self.limit(trigger.limit.value, &trigger.metric),
                trigger.for_minutes,
                trigger.rollback.word()
            );
            (format!("canary.trigger.{}", trigger.name), words)
        };
        let limit = |of: &Criterion| {
            let value = of.limit.map_or_else(|| "?".to_owned(), |value| self.limit(value, &of.metric));
            (of.source.key.clone(), format!("{} {value}", of.comparison.symbol()))
        };
        let all = self.checkpoints.iter().flat_map(|at| &at.limits).chain(&self.after_rollback);
        // The key of a limit that follows the soak is that of its margin.
        let of_policy = all.filter(|limit| limit.source.key.rsplit('.').next() == Some("limit"));
        [self.rules.triggers.iter().map(trigger).collect(), of_policy.map(limit).collect()]
    }
}

/// What is different now from then, a few words each. Limits that follow a soak are not compared.
pub(super) fn changes(then: &CanaryCriteria, now: &CanaryCriteria) -> Vec<String> {
    let mut changes = Vec::new();
    let mut compare = |key: &str, then: &str, now: &str| {
        if then != now {
            changes.push(format!("`{key}`: {then} in the bundle, {now} now"));
        }
    };
    for (then, now) in then.fixed().iter().zip(&now.fixed()) {
        let keys: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
        for key in keys {
            let words = |of: &BTreeMap<String, String>| of.get(key).map_or("none", String::as_str).to_owned();
            compare(key, &words(then), &words(now));
        }
    }
    let rules = |rules: &CanaryRules| {
        [
            ("canary.step_minutes", rules.step_minutes.to_string()),
            ("canary.window_minutes", rules.window_minutes.to_string()),
            ("canary.misses", rules.misses.to_string()),
            ("canary.seen_share", rules.seen_share.value.to_string()),
            ("canary.longest_gap_minutes", rules.longest_gap_minutes.value.to_string()),
            ("canary.watch_hours_min", rules.watch_hours_min.to_string()),
            ("canary.watch_hours_max", rules.watch_hours_max.to_string()),
            ("canary.after_rollback.watch_minutes", rules.after_rollback_minutes.to_string()),
        ]
    };
    for ((key, then), (_, now)) in rules(&then.rules).iter().zip(&rules(&now.rules)) {
        compare(key, then, now);
    }
    changes
}

fn no_criteria(problem: &str) -> Failure {
    unusable_bundle(anyhow!("the limits of the canary in the bundle cannot be used: {problem}"))
}

fn of_note(note: &CanaryNote, policy: &Policy, checkpoint: &Checkpoint) -> Result<Criterion, Failure> {
    let Some(rule) = checkpoint.limits.iter().find(|limit| limit.kpi.name == note.kpi) else {
        let problem = format!("its policy has no limit on `{}` in `{}`", note.kpi, checkpoint.name);
        return Err(no_criteria(&problem));
    };
    let comparison = Comparison::parse(&note.comparison)
        .ok_or_else(|| no_criteria(&format!("`{}` is no comparison", note.comparison)))?;
    if note.limit.is_some_and(|limit| !limit.is_finite()) {
        return Err(no_criteria(&format!("the limit on `{}` is not finite", note.kpi)));
    }
    Ok(Criterion {
        metric: note.kpi.clone(),
        statistic: statistic_of(&rule.bound, policy.release.canary.statistic),
        comparison,
        limit: note.limit,
        basis: note.basis.clone(),
        source: source_of(&rule.bound).clone(),
    })
}

/// A limit with what the soak measured put in; never less strict than at the checkpoints before.
fn resolve(
    limit: &CanaryLimit,
    usual: Statistic,
    before: &[CheckpointCriteria],
    measured: &Measured<'_>,
) -> Criterion {
    let CanaryLimit { kpi, comparison, bound } = limit;
    let resolved = |comparison, limit, basis| Criterion {
        metric: kpi.name.to_owned(),
        statistic: statistic_of(bound, usual),
        comparison,
        limit,
        basis,
        source: source_of(bound).clone(),
    };
    let (statistic, margin, decimals) = match bound {
        CanaryBound::Fixed(limit) => {
            return resolved(*comparison, Some(limit.value), format!("`{}`", limit.source.key));
        }
        CanaryBound::FromSoak { statistic, margin, decimals } => (*statistic, margin.value, *decimals),
    };
    let before = before.iter().rev().find_map(|checkpoint| {
        let of_kpi = checkpoint.limits.iter().find(|limit| limit.metric == kpi.name)?;
        Some((of_kpi.limit?, of_kpi.comparison, number(checkpoint.after_hours)))
    });
    let Some(seen) = (measured.of)(*kpi, statistic) else {
        return match before {
            Some((limit, comparison, hour)) => {
                resolved(comparison, Some(limit), format!("as at hour {hour}; the soak did not measure it"))
            }
            None => resolved(*comparison, None, "the soak did not measure it".to_owned()),
        };
    };
    let is_floor = matches!(comparison, Comparison::AtLeast | Comparison::Above);
    let bar = strict(if is_floor { seen - margin } else { seen + margin }, decimals, is_floor);
    if let Some((limit, comparison, hour)) = before
        && (if is_floor { limit > bar } else { limit < bar })
    {
        let basis = format!("as at hour {hour}, which is stricter than the soak less its margin");
        return resolved(comparison, Some(limit), basis);
    }
    let unit = kpi.unit;
    let shown = fixed(seen, unit.decimals().max(decimals + 1));
    let (sign, way) = if is_floor { ("-", "up") } else { ("+", "down") };
    let basis = format!(
        "soak: {} {} {} over n = {}, {sign} margin {}, rounded {way}",
        statistic.word(),
        trimmed(&shown),
        unit.symbol(),
        measured.n,
        number(margin)
    );
    resolved(*comparison, Some(bar), basis.replace("  ", " "))
}

/// What is looked at of the canary's values: the statistic that the soak was looked at by, else the usual one.
pub(crate) fn statistic_of(bound: &CanaryBound, usual: Statistic) -> Statistic {
    match bound {
        CanaryBound::Fixed(_) => usual,
        CanaryBound::FromSoak { statistic, .. } => *statistic,
    }
}

/// The key of a bound.
fn source_of(bound: &CanaryBound) -> &LimitSource {
    match bound {
        CanaryBound::Fixed(limit) | CanaryBound::FromSoak { margin: limit, .. } => &limit.source,
    }
}

/// Rounded to so many decimals, to the stricter side.
fn strict(value: f64, decimals: usize, is_floor: bool) -> f64 {
    // What a subtraction leaves behind is no reason to require a whole step more.
    const DUST: f64 = 1e-6;
    let scale = (0..decimals).fold(1.0, |scale, _| scale * 10.0);
    let scaled = value * scale;
    let nearest = scaled.round();
    let whole = match is_floor {
        _ if (scaled - nearest).abs() < DUST => nearest,
        true => scaled.ceil(),
        false => scaled.floor(),
    };
    whole / scale + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::judge::fixture::limit;
    use crate::release::canary::fixture::{criteria, latency_trigger, rules};

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
        changes(&criteria(&keyed()), &criteria(&rules))
    }

    #[test]
    fn what_changed_is_reported_with_both_values_and_what_did_not_is_not() {
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
        let criteria = criteria(&rules());
        assert_eq!(
            [criteria.limit(1.0, "p95_latency_ms"), criteria.limit(1.0, "error_ratio")],
            ["1 ms", "1"]
        );
        assert_eq!(criteria.metrics(), BTreeSet::from(["p95_latency_ms"]));
    }

    #[test]
    fn a_limit_is_rounded_to_the_side_that_requires_more() {
        // The earlier scripts loosened 2.25 to 2.2, 339.5 to 340 and 0.405 to 0.41.
        assert_eq!(strict(2.25, 1, true), 2.3);
        assert_eq!(strict(339.5, 0, false), 339.0);
        assert_eq!(strict(0.405, 2, false), 0.40);
        assert_eq!(strict(0.8349, 2, true), 0.84);
        assert_eq!(strict(4.75, 1, true), 4.8);
        assert_eq!(strict(-0.25, 1, true), -0.2);
        // What is exact stays, also behind a subtraction: 0.85 - 0.02 and 0.30 + 0.03.
        assert_eq!(strict(0.85 - 0.02, 2, true), 0.83);
        assert_eq!(strict(0.30 + 0.03, 2, false), 0.33);
        assert_eq!(strict(180.0, 0, false), 180.0);
        assert!(strict(-0.04, 1, true).is_sign_positive());
    }

    fn rules_at_24(hour_6: f64) -> CanaryRules {
        let net = |bound, comparison| vec![CanaryLimit { kpi: KpiId::NET_BPS, comparison, bound }];
        let soak = CanaryBound::FromSoak { statistic: Statistic::Mean, margin: limit(0.5), decimals: 1 };
        CanaryRules {
            checkpoints: vec![
                Checkpoint {
                    name: "hour_6".to_owned(),
                    after_hours: 6.0,
                    limits: net(CanaryBound::Fixed(limit(hour_6)), Comparison::Above),
                },
                Checkpoint {
                    name: "hour_24".to_owned(),
                    after_hours: 24.0,
                    limits: net(soak, Comparison::AtLeast),
                },
            ],
            ..rules()
        }
    }

    fn at_24(hour_6: f64, measured: Option<f64>) -> Criterion {
        let resolved = CanaryCriteria::new(&rules_at_24(hour_6), &KpiTable::default(), 8, &|_, _| measured);
        resolved.checkpoints[1].limits[0].clone()
    }

    #[test]
    fn what_the_soak_showed_less_its_margin_is_required() {
        let found = at_24(0.0, Some(4.46));
        assert_eq!((found.limit, found.comparison), (Some(4.0), Comparison::AtLeast));
        assert_eq!(found.basis, "soak: mean 4.46 bps over n = 8, - margin 0.5, rounded up");
    }

    #[test]
    fn a_later_hour_is_never_looser_than_an_earlier_one() {
        let found = at_24(0.0, Some(-3.0));
        assert_eq!((found.limit, found.comparison), (Some(0.0), Comparison::Above));
        assert!(found.basis.starts_with("as at hour 6, which is stricter"), "{}", found.basis);
    }

    #[test]
    fn what_the_soak_did_not_measure_is_required_as_before() {
        let found = at_24(1.0, None);
        assert_eq!(found.limit, Some(1.0));
        assert!(found.basis.contains("did not measure"), "{}", found.basis);
    }
}
