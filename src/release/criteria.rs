//! The release criteria: what of a run decides whether it may be released, and every reason against it.
//!
//! They are recorded in the bundle's manifest, so that whoever verifies it asks the same questions again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::core::analysis::audit::Readiness;
use crate::core::analysis::deltas::Status;
use crate::core::analysis::{Analysis, NO_WAIT};
use crate::core::iteration::params::{ParamName, ParamValues};
use crate::core::iteration::params::{Parameter, Parameters};
use crate::core::policy::Policy;
use crate::core::text::number::{TOLERANCE, beside, exact, trimmed};
use crate::core::verdict::Outcome;

/// The delta verification of the run; of several symbols the worst.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeltaCriterion {
    /// Smallest ratio that a release may have.
    pub asked: f64,
    /// Full-apply ratio; null unless the status is `verified`.
    pub full_apply_ratio: Option<f64>,
    /// Whether the ratio means anything; null when nothing was verified.
    pub status: Option<Status>,
}

/// What the release is allowed by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the published format")]
pub(crate) struct ReleaseCriteria {
    /// Commits of the system under test: as the iterations say them, and as given by hand.
    pub commits: Vec<String>,
    /// The delta verification.
    pub deltas: DeltaCriterion,
    /// Whether the overrides may be frozen.
    pub freeze_ready: bool,
    /// Usable iterations; of several symbols the fewest.
    pub iterations: usize,
    /// So many a release needs.
    pub iterations_asked: usize,
    /// `production` or `mock`.
    pub limits: String,
    /// Whether the policy declares no parameters, so that nothing of tuning is asked for; absent where it declares some.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nothing_to_tune: bool,
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
pub(crate) struct Refusal {
    /// What is missing: `verdict`, `freeze`, `readiness`, `deltas`, `source`, `wait`, `limits`, `iterations`, `commit`,
    /// `bounds`, `profile`.
    pub needs: String,
    /// In a sentence.
    pub reason: String,
}

impl ReleaseCriteria {
    /// The facts of a judged and audited run. `overrides` is the profile that would be released.
    pub(crate) fn of(
        analysis: &Analysis,
        readiness: &Readiness,
        policy: &Policy,
        overrides: &ParamValues,
        commit: Option<&str>,
    ) -> Self {
        let rules = &policy.release;
        let mut commits: Vec<String> = analysis.evidence.commits.iter().cloned().collect();
        let is_new = |commit: &&str| !commits.iter().any(|known| is_same_commit(known, commit));
        commits.extend(commit.filter(is_new).map(str::to_owned));
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
            nothing_to_tune: !policy.run.tunes(),
            outcome: analysis.outcome,
            outcome_reason: analysis.reason(),
            out_of_bounds: out_of_bounds(overrides, &policy.run.parameters),
            readiness: readiness.word().to_owned(),
            readiness_failures: readiness.failures.clone(),
            simulated: analysis.origin.simulated,
            source: analysis.source(),
            unsoaked: if policy.run.tunes() { unsoaked(analysis, overrides) } else { Vec::new() },
        }
    }

    /// Every reason against a release. A rehearsal may do with made up data and relaxed limits.
    pub(crate) fn refusals(&self, rehearsal: bool) -> Vec<Refusal> {
        let source = match (&self.source, self.simulated) {
            (Some(source), true) => Some(format!("the data is simulated (source `{source}`)")),
            (None, true) => Some("the data is simulated".to_owned()),
            (Some(_), false) => None,
            (None, false) => Some("the origin of the data is not recorded (`source`)".to_owned()),
        };
        let deltas = self.deltas.refusal().filter(|_| !self.nothing_to_tune);
        let missed: [(&str, bool, String); 11] = [
            (
                "verdict",
                self.outcome != Outcome::Pass,
                format!("the verdict is {}: {}", self.outcome, self.outcome_reason),
            ),
            (
                "freeze",
                !self.freeze_ready && !self.nothing_to_tune,
                "the overrides may not be frozen: `freeze_ready` is false".to_owned(),
            ),
            (
                "readiness",
                self.readiness != "OK",
                format!("readiness is {}: {}", self.readiness, self.readiness_failures.join("; ")),
            ),
            ("deltas", deltas.is_some(), deltas.unwrap_or_default()),
            ("source", source.is_some() && !rehearsal, source.unwrap_or_default()),
            ("wait", self.no_wait && !rehearsal, NO_WAIT.to_owned()),
            (
                "limits",
                self.limits != "production" && !rehearsal,
                format!("the {} limits were applied, not the real ones", self.limits),
            ),
            (
                "iterations",
                self.iterations < self.iterations_asked,
                format!("{} iterations, {} or more are required", self.iterations, self.iterations_asked),
            ),
            (
                "commit",
                self.commits.len() > 1,
                format!("the run is of several commits: {}", self.commits.join(", ")),
            ),
            (
                "bounds",
                !self.out_of_bounds.is_empty(),
                format!("overrides are out of their bounds: {}", self.out_of_bounds.join("; ")),
            ),
            (
                "profile",
                !self.unsoaked.is_empty(),
                format!("the overrides are not those of the soak: {}", self.unsoaked.join("; ")),
            ),
        ];
        let refusal = |(needs, _, reason): (&str, bool, String)| Refusal { needs: needs.to_owned(), reason };
        missed.into_iter().filter(|(_, is_missed, _)| *is_missed).map(refusal).collect()
    }

    /// The commit of the system under test; `None` unless there is exactly one.
    pub(crate) fn commit(&self) -> Option<&str> {
        match self.commits.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }
}

impl DeltaCriterion {
    fn refusal(&self) -> Option<String> {
        match (self.status, self.full_apply_ratio) {
            (Some(Status::NoProposals), _) => None,
            (Some(Status::Verified), Some(ratio)) if ratio >= self.asked => None,
            (Some(Status::Verified), Some(ratio)) => Some(format!(
                "the full-apply ratio of the tuning is {}, required >= {}",
                beside(ratio, self.asked, 3),
                number(self.asked)
            )),
            _ => Some("whether the tuning reached the overrides cannot be verified".to_owned()),
        }
    }

    /// The ratio in words.
    pub(crate) fn words(&self) -> String {
        match (self.status, self.full_apply_ratio) {
            (Some(Status::NoProposals), _) => "nothing was proposed".to_owned(),
            (_, Some(ratio)) => beside(ratio, self.asked, 3),
            _ => "cannot be verified".to_owned(),
        }
    }
}

/// A number as people write it.
pub(super) fn number(value: f64) -> String {
    trimmed(&exact(value, 0)).to_owned()
}

/// Whether two spellings are of one commit: a short one is the beginning of the long one.
pub(crate) fn is_same_commit(one: &str, other: &str) -> bool {
    const SHORTEST: usize = 7;
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    one == other
        || (short.len() >= SHORTEST
            && long.get(..short.len()).is_some_and(|start| start.eq_ignore_ascii_case(short)))
}

fn deltas(analysis: &Analysis, asked: f64) -> DeltaCriterion {
    let unknown = |status| DeltaCriterion { asked, full_apply_ratio: None, status };
    // Default-deny: what one symbol cannot show, the run cannot.
    let known: Option<Vec<_>> = analysis.symbols.iter().map(|symbol| symbol.deltas.as_ref()).collect();
    let Some(known) = known else { return unknown(None) };
    if known.iter().any(|deltas| deltas.status == Status::Unverifiable) {
        return unknown(Some(Status::Unverifiable));
    }
    match known.iter().filter_map(|deltas| deltas.full_apply_ratio).min_by(f64::total_cmp) {
        Some(worst) => {
            DeltaCriterion { asked, full_apply_ratio: Some(worst), status: Some(Status::Verified) }
        }
        None => unknown(Some(Status::NoProposals)),
    }
}

fn out_of_bounds(overrides: &ParamValues, parameters: &Parameters) -> Vec<String> {
    let problem = |parameter: &Parameter| {
        let value = overrides.get(&parameter.name).filter(|value| !parameter.allows(*value))?;
        let [value, lowest, highest] = [value, parameter.lowest, parameter.highest].map(number);
        Some(format!("{} is {value}, allowed {lowest} to {highest}", parameter.name))
    };
    parameters.iter().filter_map(problem).collect()
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
    let names: BTreeSet<&ParamName> = soaked.iter().chain(overrides.iter()).map(|(name, _)| name).collect();
    let difference = |name: &ParamName| match (soaked.get(name), overrides.get(name)) {
        (Some(ran), Some(value)) if (ran - value).abs() <= TOLERANCE => None,
        (Some(ran), Some(value)) => {
            Some(format!("{name} is {}, {last} ran with {}", number(value), number(ran)))
        }
        (Some(ran), None) => Some(format!("{name} is missing, {last} ran with {}", number(ran))),
        (None, Some(value)) => Some(format!("{name} is {}, {last} ran without it", number(value))),
        (None, None) => None,
    };
    names.into_iter().filter_map(difference).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut ReleaseCriteria);

    fn good() -> ReleaseCriteria {
        ReleaseCriteria {
            nothing_to_tune: false,
            commits: vec!["0123456789abcdef".to_owned()],
            deltas: DeltaCriterion {
                asked: 0.95,
                full_apply_ratio: Some(0.95),
                status: Some(Status::Verified),
            },
            freeze_ready: true,
            iterations: 16,
            iterations_asked: 16,
            limits: "production".to_owned(),
            no_wait: false,
            outcome: Outcome::Pass,
            outcome_reason: "holds".to_owned(),
            out_of_bounds: Vec::new(),
            readiness: "OK".to_owned(),
            readiness_failures: Vec::new(),
            simulated: false,
            source: Some("prometheus".to_owned()),
            unsoaked: Vec::new(),
        }
    }

    fn needs(criteria: &ReleaseCriteria, rehearsal: bool) -> Vec<String> {
        criteria.refusals(rehearsal).into_iter().map(|refusal| refusal.needs).collect()
    }

    #[test]
    fn only_a_run_that_has_everything_is_released() {
        assert_eq!(needs(&good(), false), Vec::<String>::new());
        for outcome in
            [Outcome::Warn, Outcome::Inconclusive, Outcome::Fail, Outcome::Invalid, Outcome::NotApplicable]
        {
            assert_eq!(needs(&ReleaseCriteria { outcome, ..good() }, false), ["verdict"]);
        }
        let changed: [(Change, &str); 12] = [
            (|criteria| criteria.freeze_ready = false, "freeze"),
            (|criteria| criteria.readiness = "HOLD".to_owned(), "readiness"),
            (|criteria| criteria.deltas.full_apply_ratio = Some(0.9499), "deltas"),
            (|criteria| criteria.deltas.status = Some(Status::Unverifiable), "deltas"),
            (|criteria| criteria.deltas.status = None, "deltas"),
            (|criteria| criteria.iterations = 15, "iterations"),
            (|criteria| criteria.source = None, "source"),
            (|criteria| criteria.no_wait = true, "wait"),
            (|criteria| criteria.limits = "mock".to_owned(), "limits"),
            (|criteria| criteria.commits.push("fedcba9".to_owned()), "commit"),
            (|criteria| criteria.out_of_bounds.push("x".to_owned()), "bounds"),
            (|criteria| criteria.unsoaked.push("x".to_owned()), "profile"),
        ];
        for (change, expected) in changed {
            let mut criteria = good();
            change(&mut criteria);
            assert_eq!(needs(&criteria, false), [expected]);
        }
    }

    #[test]
    fn every_reason_is_named_at_once() {
        let criteria = ReleaseCriteria {
            outcome: Outcome::Fail,
            freeze_ready: false,
            readiness: "HOLD".to_owned(),
            simulated: true,
            no_wait: true,
            limits: "mock".to_owned(),
            iterations: 3,
            deltas: DeltaCriterion {
                asked: 0.95,
                full_apply_ratio: Some(0.5),
                status: Some(Status::Verified),
            },
            ..good()
        };
        assert_eq!(
            needs(&criteria, false),
            ["verdict", "freeze", "readiness", "deltas", "source", "wait", "limits", "iterations"]
        );
        assert_eq!(needs(&criteria, true), ["verdict", "freeze", "readiness", "deltas", "iterations"]);
    }

    #[test]
    fn nothing_proposed_is_nothing_missed_and_a_ratio_is_never_rounded_onto_its_limit() {
        let mut criteria = good();
        criteria.deltas =
            DeltaCriterion { asked: 0.95, full_apply_ratio: None, status: Some(Status::NoProposals) };
        assert_eq!(needs(&criteria, false), Vec::<String>::new());
        criteria.deltas =
            DeltaCriterion { asked: 0.95, full_apply_ratio: Some(0.9499), status: Some(Status::Verified) };
        let reason = &criteria.refusals(false)[0].reason;
        assert_eq!(reason, "the full-apply ratio of the tuning is 0.9499, required >= 0.95");
    }

    #[test]
    fn a_profile_is_what_the_last_iteration_ran_with_to_a_billionth() {
        let values = |pairs: &[(&str, f64)]| {
            ParamValues::new(pairs.iter().map(|(name, value)| (ParamName::flat(name), *value)).collect())
        };
        let soaked = values(&[("min_interval_ms", 60.0), ("tail_age_ms", 600.0)]);
        let reported = |pairs: &[(&str, f64)]| differences(&soaked, &values(pairs), "iteration 24");
        assert_eq!(reported(&[("min_interval_ms", 60.0), ("tail_age_ms", 600.0)]), Vec::<String>::new());
        assert_eq!(
            reported(&[("min_interval_ms", 60.0 + 9e-10), ("tail_age_ms", 600.0)]),
            Vec::<String>::new()
        );
        assert_eq!(
            reported(&[("min_interval_ms", 65.0), ("tail_age_ms", 600.0)]),
            ["min_interval_ms is 65, iteration 24 ran with 60"]
        );
        assert_eq!(
            reported(&[("min_interval_ms", 60.0), ("max_age_ms", 1.5)]),
            [
                "max_age_ms is 1.5, iteration 24 ran without it",
                "tail_age_ms is missing, iteration 24 ran with 600"
            ]
        );
        assert_eq!(reported(&[("min_interval_ms", 60.0 + 2e-9), ("tail_age_ms", 600.0)]).len(), 1);
    }

    #[test]
    fn a_short_commit_is_the_beginning_of_its_long_form() {
        assert!(is_same_commit("0123456", "0123456789abcdef"));
        assert!(is_same_commit("0123456789ABCDEF", "0123456"));
        assert!(!is_same_commit("012345", "0123456789abcdef"));
        assert!(!is_same_commit("0123457", "0123456789abcdef"));
        assert!(is_same_commit("v1", "v1"));
        assert!(!is_same_commit("0123456", "é123456789abcdef"));
    }
}
