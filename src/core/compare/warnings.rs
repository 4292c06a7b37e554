//! What a reader of a baseline store should know: baselines that are worse than earlier ones, too short, or no basis;
//! also steps that are each within the margin and add up to more.

use super::baselines::{StoredBaseline, each_kpi};
use super::conditions::Condition;
use crate::core::judge::show_distance;
use crate::core::kpi::{Direction, KpiId};
use crate::core::policy::{KpiRule, Policy};
use crate::core::text::number::TOLERANCE;
use crate::stats::summary;

/// One sentence each, of the readable baselines with their numbers and files, oldest first.
pub(super) fn of(baselines: &[(u64, String, StoredBaseline)], policy: &Policy) -> Vec<String> {
    let steps: Vec<Step> = baselines
        .iter()
        .map(|(sequence, _, baseline)| Step {
            sequence: *sequence,
            means: each_kpi(policy, |name| {
                let stored = baseline.kpis.get(name)?;
                summary::mean(&stored.values).or(stored.mean)
            }),
        })
        .collect();
    let rules = &policy.compare.kpis;
    let mut warnings: Vec<String> = step_down(&steps, rules).iter().map(step_sentence).collect();
    warnings.extend(ratchet(&steps, rules).iter().map(slide_sentence));
    let newest = baselines.last();
    warnings.extend(newest.and_then(|(_, file, baseline)| too_short(file, baseline, policy)));
    warnings.extend(newest.into_iter().flat_map(|(_, file, baseline)| no_basis(file, baseline, policy)));
    warnings
}

fn step_sentence(step: &Slide) -> String {
    let kpi = step.kpi;
    format!(
        "{} of baseline {} is worse than that of baseline {} by {}, more than the margin of {}: runs are compared with \
         the worse one from now on",
        kpi.name,
        step.to,
        step.from,
        show_distance(kpi, step.by),
        show_distance(kpi, step.margin)
    )
}

fn slide_sentence(slide: &Slide) -> String {
    let kpi = slide.kpi;
    format!(
        "{} slid from baseline {} to {} by {} for the worse, more than the margin of {}, and no step on the way was \
         beyond it",
        kpi.name,
        slide.from,
        slide.to,
        show_distance(kpi, slide.by),
        show_distance(kpi, slide.margin)
    )
}

/// That nothing can be told against a baseline with so few values.
fn too_short(file: &str, baseline: &StoredBaseline, policy: &Policy) -> Option<String> {
    let fewest = policy.compare.min_iterations;
    let values = |rule: &KpiRule| {
        let n = baseline.kpis.get(rule.kpi.name).map_or(0, |stored| stored.values.len());
        (rule.margin.is_some() && (rule.required || n > 0)).then_some(n)
    };
    let few = policy.compare.kpis.iter().filter_map(values).min().unwrap_or(0);
    (few < fewest).then(|| {
        format!(
            "`{file}` has {few} values in its window `{}`, and {fewest} are needed: `compare` cannot tell anything against \
             it; promote a longer run",
            baseline.significance.name
        )
    })
}

/// Why a baseline says little about a build: where its data came from, and KPIs that it does not have.
fn no_basis(file: &str, baseline: &StoredBaseline, policy: &Policy) -> Vec<String> {
    let mut found = Vec::new();
    match &baseline.source {
        Some(source) if policy.release.is_simulated(source) => found.push(format!(
            "`{file}` is simulated (source `{source}`): comparing with it says nothing about a release"
        )),
        Some(_) => {}
        None => found.push(format!("`{file}` does not say where its data came from (`source`)")),
    }
    if baseline.conditions.get(Condition::Waited.word()).is_some_and(|waited| waited == "no") {
        found.push(format!(
            "`{file}` did not wait for its interval (`--no-wait`): comparing with it says nothing about a release"
        ));
    }
    let is_missing = |rule: &&KpiRule| {
        let stored = baseline.kpis.get(rule.kpi.name);
        rule.required && stored.is_none_or(|stored| stored.values.is_empty())
    };
    let missing: Vec<&str> =
        policy.compare.kpis.iter().filter(is_missing).map(|rule| rule.kpi.name).collect();
    if !missing.is_empty() {
        let kpis = missing.join(", ");
        found.push(format!(
            "`{file}` has no values of {kpis}, which the policy limits; promote a run that has them"
        ));
    }
    found
}

/// A baseline that was promoted.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    /// Its number in the history.
    sequence: u64,
    /// Means over the window of significance, in the order of the rules; `None` = unknown.
    means: Vec<Option<f64>>,
}

/// Baselines that slid away from a better one, no step of them beyond the margin.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Slide {
    kpi: KpiId,
    /// Number of the better baseline.
    from: u64,
    /// Number of the newest one.
    to: u64,
    /// By how much the newest is worse, in the KPI's unit.
    by: f64,
    /// The margin around the better one.
    margin: f64,
}

/// Where the newest of these baselines, oldest first, is worse than an earlier one by more than the margin although
/// no step in between was. The farthest slide of each KPI.
fn ratchet(steps: &[Step], rules: &[KpiRule]) -> Vec<Slide> {
    let slides = rules.iter().enumerate().filter_map(|(at, rule)| {
        let (kpi, rule_margin) = (rule.kpi, rule.margin.as_ref()?);
        let bad = bad(kpi)?;
        let known: Vec<(u64, f64)> =
            steps.iter().filter_map(|step| Some((step.sequence, step.means[at]?))).collect();
        let (newest, rest) = known.split_last()?;
        let mut later = newest;
        let mut worst: Option<Slide> = None;
        for earlier in rest.iter().rev() {
            let margin = |level: f64| rule_margin.around(level) + TOLERANCE;
            if bad * (later.1 - earlier.1) > margin(earlier.1) {
                // A step like that was seen and taken on purpose; what was before it is no slide.
                break;
            }
            let (by, margin) = (bad * (newest.1 - earlier.1), margin(earlier.1));
            if by > margin && worst.is_none_or(|worst| by > worst.by) {
                worst = Some(Slide { kpi, from: earlier.0, to: newest.0, by, margin });
            }
            later = earlier;
        }
        worst
    });
    slides.collect()
}

/// Where the newest of these baselines, oldest first, is worse than the one before it by more than the margin: a step
/// like that is for someone to take on purpose, and to be told of.
fn step_down(steps: &[Step], rules: &[KpiRule]) -> Vec<Slide> {
    let [.., before, newest] = steps else { return Vec::new() };
    let worse = rules.iter().enumerate().filter_map(|(at, rule)| {
        let (kpi, margin) = (rule.kpi, rule.margin.as_ref()?);
        let bad = bad(kpi)?;
        let (was, is) = (before.means[at]?, newest.means[at]?);
        let (by, margin) = (bad * (is - was), margin.around(was));
        let slide = Slide { kpi, from: before.sequence, to: newest.sequence, by, margin };
        (by > margin + TOLERANCE).then_some(slide)
    });
    worse.collect()
}

/// +1 where more is worse, −1 where less is; `None` where neither is.
fn bad(kpi: KpiId) -> Option<f64> {
    Some(match kpi.direction? {
        Direction::Higher => -1.0,
        Direction::Lower => 1.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::compare::fixture::four;

    fn slides(nets: &[Option<f64>]) -> Vec<(u64, u64, f64)> {
        let steps: Vec<Step> = (1..)
            .zip(nets)
            .map(|(sequence, net)| Step { sequence, means: vec![Some(0.9), *net, Some(300.0), Some(0.3)] })
            .collect();
        let told = ratchet(&steps, &four(0.25));
        told.iter()
            .map(|slide| {
                assert_eq!(slide.kpi, KpiId::NET_BPS);
                (slide.from, slide.to, slide.by)
            })
            .collect()
    }

    #[test]
    fn small_steps_for_the_worse_that_add_up_are_a_slide() {
        // Quarters and eighths are exact in binary; the margin is a quarter.
        assert_eq!(slides(&[Some(3.0), Some(2.875), Some(2.75)]), []);
        assert_eq!(slides(&[Some(3.0), Some(2.875), Some(2.625)]), [(1, 3, 0.375)]);
        assert_eq!(slides(&[Some(2.75), Some(3.0), Some(2.875), Some(2.625)]), [(2, 4, 0.375)]);
        // For the better, and a single baseline.
        assert_eq!(slides(&[Some(2.0), Some(2.25), Some(2.5), Some(2.75)]), []);
        assert_eq!(slides(&[Some(2.0)]), []);
        assert_eq!(slides(&[]), []);
    }

    #[test]
    fn a_step_beyond_the_margin_was_taken_on_purpose_and_starts_anew() {
        assert_eq!(slides(&[Some(3.0), Some(2.5), Some(2.375)]), []);
        assert_eq!(slides(&[Some(3.0), Some(2.5), Some(2.375), Some(2.125)]), [(2, 4, 0.375)]);
        // What is unknown is no step.
        assert_eq!(slides(&[Some(3.0), None, Some(2.75), Some(2.5)]), [(1, 4, 0.5)]);
    }
}
