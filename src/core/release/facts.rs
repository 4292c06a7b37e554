//! What a bundle is allowed by: the facts about a run, and every reason that stands against its release.
//!
//! The facts stand in the bundle's manifest, so that whoever verifies it asks the same questions again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::core::analysis::{Analysis, NO_WAIT};

use crate::core::audit::Readiness;
use crate::core::deltas::Status;
use crate::core::number::{TOLERANCE, beside, exact, trimmed};
use crate::core::params::{ParamName, ParamValues};
use crate::core::policy::Policy;
use crate::core::tuning::parameters::Parameters;
use crate::core::verdict::Outcome;

/// The delta verification of the run; of several symbols the worst.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeltaFacts {
    /// Smallest ratio that a release may have.
    pub asked: f64,
    /// Full-apply ratio; null unless the status is `verified`.
    pub full_apply_ratio: Option<f64>,
    /// Whether the ratio means anything; null when nothing was verified.
    pub status: Option<Status>,
}

/// The facts, in the order of their names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Commits of the system under test: as the iterations say them, and as given by hand.
    pub commits: Vec<String>,
    /// The delta verification.
    pub deltas: DeltaFacts,
    /// Whether the overrides may be frozen.
    pub freeze_ready: bool,
    /// Usable iterations; of several symbols the fewest.
    pub iterations: usize,
    /// So many a release needs.
    pub iterations_asked: usize,
    /// `production` or `mock`.
    pub limits: String,
    /// The true verdict of `gate`.
    pub outcome: Outcome,
    /// Its main reason.
    pub outcome_reason: String,
    /// Whether the run did not wait for its intervals, which makes it a rehearsal.
    pub no_wait: bool,
    /// Overrides out of their bounds, one sentence each.
    pub out_of_bounds: Vec<String>,
    /// `OK` or `HOLD`.
    pub readiness: String,
    /// Why not.
    pub readiness_failures: Vec<String>,
    /// The data is made up.
    pub simulated: bool,
    /// Where the data came from; null when nothing says so.
    pub source: Option<String>,
    /// Where the overrides are not those that the last iteration ran with, one sentence each.
    pub unsoaked: Vec<String>,
}

/// A reason against a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// What is missing: `verdict`, `freeze`, `readiness`, `deltas`, `source`, `wait`, `limits`, `iterations`, `commit`,
    /// `bounds`, `profile`.
    pub needs: String,
    /// In a sentence.
    pub reason: String,
}

impl Facts {
    /// The facts of a judged and audited run. `overrides` is the profile that would be released.
    pub fn of(
        analysis: &Analysis,
        readiness: &Readiness,
        policy: &Policy,
        overrides: &ParamValues,
        commit: Option<&str>,
    ) -> Self {
        let rules = &policy.release;
        let mut commits: Vec<String> = analysis.evidence.commits.iter().cloned().collect();
        if let Some(commit) =
            commit.filter(|commit| !commits.iter().any(|known| is_same_commit(known, commit)))
        {
            commits.push(commit.to_owned());
        }
        Self {
            commits,
            deltas: deltas(analysis, rules.full_apply_ratio.value),
            freeze_ready: analysis.freeze_ready(),
            iterations: analysis
                .symbols
                .iter()
                .map(|symbol| analysis.series(symbol).len())
                .min()
                .unwrap_or_default(),
            iterations_asked: rules.min_iterations,
            limits: analysis.limits().to_owned(),
            no_wait: analysis.origin.rehearsal,
            outcome: analysis.outcome,
            outcome_reason: analysis.reason(),
            out_of_bounds: out_of_bounds(overrides, &policy.run.parameters),
            readiness: readiness.word().to_owned(),
            readiness_failures: readiness.failures.clone(),
            simulated: analysis.origin.simulated,
            source: analysis.source(),
            unsoaked: unsoaked(analysis, overrides),
        }
    }

    /// Every reason against a release. A rehearsal may do with made up data and relaxed limits.
    pub fn refusals(&self, rehearsal: bool) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        let mut refuse = |needs: &str, reason: String| {
            refusals.push(Refusal { needs: needs.to_owned(), reason });
        };
        if self.outcome != Outcome::Pass {
            refuse("verdict", format!("the verdict is {}: {}", self.outcome, self.outcome_reason));
        }
        if !self.freeze_ready {
            refuse("freeze", "the overrides may not be frozen: `freeze_ready` is false".to_owned());
        }
        if self.readiness != "OK" {
            refuse(
                "readiness",
                format!("readiness is {}: {}", self.readiness, self.readiness_failures.join("; ")),
            );
        }
        if let Some(reason) = self.deltas.refusal() {
            refuse("deltas", reason);
        }
        match &self.source {
            _ if rehearsal => {}
            Some(source) if self.simulated => {
                refuse("source", format!("the data is simulated (source `{source}`)"));
            }
            _ if self.simulated => {
                refuse("source", "the data is simulated".to_owned());
            }
            Some(_) => {}
            None => refuse("source", "nothing says where the data came from (`source`)".to_owned()),
        }
        if self.no_wait && !rehearsal {
            refuse("wait", NO_WAIT.to_owned());
        }
        if self.limits != "production" && !rehearsal {
            refuse("limits", format!("the {} limits were applied, not the real ones", self.limits));
        }
        if self.iterations < self.iterations_asked {
            refuse(
                "iterations",
                format!("{} iterations, {} or more are asked for", self.iterations, self.iterations_asked),
            );
        }
        if self.commits.len() > 1 {
            refuse("commit", format!("the run is of several commits: {}", self.commits.join(", ")));
        }
        if !self.out_of_bounds.is_empty() {
            refuse("bounds", format!("overrides are out of their bounds: {}", self.out_of_bounds.join("; ")));
        }
        if !self.unsoaked.is_empty() {
            refuse(
                "profile",
                format!("the overrides are not those of the soak: {}", self.unsoaked.join("; ")),
            );
        }
        refusals
    }

    /// The commit of the system under test; `None` unless there is exactly one.
    pub fn commit(&self) -> Option<&str> {
        match self.commits.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }
}

impl DeltaFacts {
    fn refusal(&self) -> Option<String> {
        let asked = exact(self.asked, 0);
        match (self.status, self.full_apply_ratio) {
            (Some(Status::NoProposals), _) => None,
            (Some(Status::Verified), Some(ratio)) if ratio >= self.asked => None,
            (Some(Status::Verified), Some(ratio)) => Some(format!(
                "the full-apply ratio of the tuning is {}, asked >= {}",
                beside(ratio, self.asked, 3),
                trimmed(&asked)
            )),
            _ => Some("whether the tuning reached the overrides cannot be verified".to_owned()),
        }
    }

    /// The ratio in words.
    pub fn told(&self) -> String {
        match (self.status, self.full_apply_ratio) {
            (Some(Status::NoProposals), _) => "nothing was proposed".to_owned(),
            (_, Some(ratio)) => beside(ratio, self.asked, 3),
            _ => "cannot be verified".to_owned(),
        }
    }
}

/// Whether two spellings are of one commit: a short one is the beginning of the long one.
pub fn is_same_commit(one: &str, other: &str) -> bool {
    const SHORTEST: usize = 7;
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    one == other
        || (short.len() >= SHORTEST
            && long.get(..short.len()).is_some_and(|start| start.eq_ignore_ascii_case(short)))
}

fn deltas(analysis: &Analysis, asked: f64) -> DeltaFacts {
    let all = || analysis.symbols.iter().map(|symbol| symbol.deltas.as_ref());
    // Default-deny: what one symbol cannot show, the run cannot.
    if all().any(|deltas| deltas.is_none()) {
        return DeltaFacts { asked, full_apply_ratio: None, status: None };
    }
    let known = || all().flatten();
    if known().any(|deltas| deltas.status == Status::Unverifiable) {
        return DeltaFacts { asked, full_apply_ratio: None, status: Some(Status::Unverifiable) };
    }
    let worst = known().filter_map(|deltas| deltas.full_apply_ratio).min_by(f64::total_cmp);
    let status = if worst.is_some() { Status::Verified } else { Status::NoProposals };
    DeltaFacts { asked, full_apply_ratio: worst, status: Some(status) }
}

fn out_of_bounds(overrides: &ParamValues, parameters: &Parameters) -> Vec<String> {
    let mut found = Vec::new();
    for parameter in parameters.iter() {
        if let Some(value) = overrides.get(&parameter.name).filter(|value| !parameter.allows(*value)) {
            let number = |value: f64| trimmed(&exact(value, 0)).to_owned();
            found.push(format!(
                "{} is {}, allowed {} to {}",
                parameter.name,
                number(value),
                number(parameter.lowest),
                number(parameter.highest)
            ));
        }
    }
    found
}

/// Where the overrides part from those that the last iteration ran with: what nobody measured is not released,
/// nor is a change that was made after the last iteration.
fn unsoaked(analysis: &Analysis, overrides: &ParamValues) -> Vec<String> {
    let mut found = Vec::new();
    for symbol in &analysis.symbols {
        let Some(last) = analysis.series(symbol).rows().last() else { continue };
        let of_symbol = symbol.symbol.as_deref().map(|name| format!(" of {name}")).unwrap_or_default();
        let last_name = format!("iteration {}{of_symbol}", last.number);
        match &last.overrides {
            Some(soaked) => found.extend(differences(soaked, overrides, &last_name)),
            None => found.push(format!("{last_name} does not say what it ran with")),
        }
    }
    found
}

fn differences(soaked: &ParamValues, overrides: &ParamValues, last: &str) -> Vec<String> {
    let number = |value: f64| trimmed(&exact(value, 0)).to_owned();
    let names: BTreeSet<&ParamName> = soaked.iter().chain(overrides.iter()).map(|(name, _)| name).collect();
    let told = names.into_iter().filter_map(|name| match (soaked.get(name), overrides.get(name)) {
        (Some(ran), Some(value)) if (ran - value).abs() <= TOLERANCE => None,
        (Some(ran), Some(value)) => {
            Some(format!("{name} is {}, {last} ran with {}", number(value), number(ran)))
        }
        (Some(ran), None) => Some(format!("{name} is missing, {last} ran with {}", number(ran))),
        (None, Some(value)) => Some(format!("{name} is {}, {last} ran without it", number(value))),
        (None, None) => None,
    });
    told.collect()
}

#[cfg(test)]
mod tests;
