//! What a reader of a baseline store should know: baselines that are worse than earlier ones, too short, or no basis.

use super::each_kpi;
use crate::core::baselines::{Slide, Step, ratchet, step_down};
use crate::core::compare::conditions::Condition;
use crate::core::judge::show_distance;
use crate::core::policy::{KpiRule, Policy};
use crate::wire::baseline_store::StoredBaseline;

/// One sentence each, of the readable baselines with their numbers and files, oldest first.
pub(super) fn of(baselines: &[(u64, String, StoredBaseline)], policy: &Policy) -> Vec<String> {
    let steps: Vec<Step> = baselines
        .iter()
        .map(|(sequence, _, baseline)| Step {
            sequence: *sequence,
            means: each_kpi(policy, |name| {
                let stored = baseline.kpis.get(name)?;
                crate::stats::summary::mean(&stored.values).or(stored.mean)
            }),
        })
        .collect();
    let rules = &policy.compare.kpis;
    let mut warnings: Vec<String> = step_down(&steps, rules).iter().map(told_step).collect();
    warnings.extend(ratchet(&steps, rules).iter().map(told_slide));
    let newest = baselines.last();
    warnings.extend(newest.and_then(|(_, file, baseline)| too_short(file, baseline, policy)));
    warnings.extend(newest.into_iter().flat_map(|(_, file, baseline)| no_basis(file, baseline, policy)));
    warnings
}

fn told_step(step: &Slide) -> String {
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

fn told_slide(slide: &Slide) -> String {
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
    let lacks = |rule: &&KpiRule| {
        let stored = baseline.kpis.get(rule.kpi.name);
        rule.required && stored.is_none_or(|stored| stored.values.is_empty())
    };
    let lacking: Vec<&str> = policy.compare.kpis.iter().filter(lacks).map(|rule| rule.kpi.name).collect();
    if !lacking.is_empty() {
        let kpis = lacking.join(", ");
        found.push(format!(
            "`{file}` has no values of {kpis}, which the policy limits; promote a run that has them"
        ));
    }
    found
}
