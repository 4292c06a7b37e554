//! A canary, checked: where its limits come from, what was measured, and what follows.

pub(crate) mod checks;
pub(crate) mod criteria;
mod measure;
pub(crate) mod report;
mod timeline;
pub(crate) mod verdict;

use std::path::Path;

use anyhow::anyhow;
use chrono::{DateTime, Utc};

use self::criteria::{CanaryCriteria, changes};
pub(crate) use self::measure::Server;
use self::timeline::Timeline;
use self::verdict::{BundleRef, CanaryResult, Scope, judge};
use super::bundle::sound;
use super::unusable_bundle;
use crate::core::analysis::Analysis;
use crate::core::policy::Policy;
use crate::core::policy::{Layer, Origin};
use crate::core::verdict::failure::Failure;
use crate::core::verdict::provenance::Provenance;
use crate::infra::clock::Wait;

/// Where the limits come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LimitsOf<'a> {
    /// A bundle, folder or archive: what its checklist says.
    Bundle(&'a Path),
    /// The policy, and the soak in this folder.
    Run(&'a Path, &'a Analysis),
    /// Only the policy.
    Policy,
}

/// Where the measurements come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MeasuredBy<'a> {
    /// A server that is queried for the steps of the canary.
    Server(Server<'a>),
    /// A run folder, whose iterations were measured on the canary.
    Folder {
        path: &'a Path,
        /// The symbol that is looked at.
        symbol: Option<&'a str>,
    },
}

/// What is to be checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CanaryRequest<'a> {
    pub(crate) limits: LimitsOf<'a>,
    pub(crate) measured: MeasuredBy<'a>,
    /// When the canary started, or the rollback was done.
    pub(crate) since: DateTime<Utc>,
    pub(crate) now: DateTime<Utc>,
    pub(crate) scope: Scope,
    /// Take simulated data.
    pub(crate) rehearsal: bool,
}

/// Limits, and where they are from.
struct Limits {
    criteria: CanaryCriteria,
    bundle: Option<BundleRef>,
    /// `bundle`, `run` or `policy`.
    from: &'static str,
    rehearsal: bool,
}

/// Checks a canary.
pub(crate) fn check(
    request: &CanaryRequest<'_>,
    policy: &Policy,
    provenance: &Provenance,
    wait: &dyn Wait,
) -> Result<CanaryResult, Failure> {
    let mut notes = Vec::new();
    let Limits { criteria, bundle, from, mut rehearsal } = limits(request, policy, &mut notes)?;
    if let Scope::Hour(hour) = request.scope
        && !criteria.checkpoints.iter().any(|known| known.after_hours == hour)
    {
        let known: Vec<String> = criteria.checkpoints.iter().map(|at| at.after_hours.to_string()).collect();
        let known = known.join(", ");
        return Err(Failure::usage(anyhow!("the canary has no hour {hour}; it has {known}"))
            .hint("`--hour` takes one of them"));
    }
    let (longest, metrics) = match request.scope {
        Scope::AfterRollback => (None, criteria.metrics_after_rollback()),
        _ => (Some(criteria.rules.watch_hours_max), criteria.metrics()),
    };
    let timeline = Timeline::new(request.since, request.now, &criteria.rules, longest)?;
    let (readings, source, source_place) = match request.measured {
        MeasuredBy::Server(server) => {
            let readings = measure::from_server(&server, &metrics, policy, &timeline, wait)?;
            (readings, "prometheus", server.target.url().to_owned())
        }
        MeasuredBy::Folder { path, symbol } => {
            let (readings, origin) =
                measure::from_folder(path, symbol, &metrics, policy, &timeline, &mut notes)?;
            let what = format!("the data in `{}`", path.display());
            if let Some(reason) = origin.against_release() {
                rehearsal = true;
                if origin.simulated {
                    permit(request, &what, &reason)?;
                } else {
                    // Not refused: a canary that is bad must be called so, whoever measured it.
                    notes.push(format!("{what} is not valid for a release: {reason}"));
                }
            }
            (readings, "folder", path.display().to_string())
        }
    };
    Ok(CanaryResult {
        envelope: provenance.into(),
        bundle,
        limits_from: from,
        source,
        source_place,
        rehearsal,
        notes,
        ..judge(&criteria, timeline, request.scope, &readings)
    })
}

/// Refuses what is no basis for a release, unless a rehearsal is requested.
fn permit(request: &CanaryRequest<'_>, what: &str, reason: &str) -> Result<(), Failure> {
    if request.rehearsal {
        return Ok(());
    }
    // Not the code of a FAIL, which a machine takes for the order to roll back.
    Err(Failure::input(anyhow!("{what} is not valid for a release: {reason}"))
        .hint("`--rehearsal` accepts it, and the result records it"))
}

fn limits(request: &CanaryRequest<'_>, policy: &Policy, notes: &mut Vec<String>) -> Result<Limits, Failure> {
    match request.limits {
        LimitsOf::Policy => {
            let criteria = CanaryCriteria::of_policy(policy);
            Ok(Limits { criteria, bundle: None, from: "policy", rehearsal: false })
        }
        LimitsOf::Run(path, analysis) => {
            if !analysis.outcome.is_acceptable() {
                let (path, outcome, reason) = (path.display(), analysis.outcome, analysis.reason());
                let problem = anyhow!("the run `{path}` sets no limits: it is {outcome}: {reason}");
                return Err(Failure::input(problem)
                    .hint("`soak gate` shows why; a canary needs a release that passed its soak"));
            }
            let reason = analysis.origin.against_release();
            if let Some(reason) = &reason {
                permit(request, &format!("the run `{}`", path.display()), reason)?;
            }
            let criteria = CanaryCriteria::of_soak(policy, analysis);
            Ok(Limits { criteria, bundle: None, from: "run", rehearsal: reason.is_some() })
        }
        LimitsOf::Bundle(path) => of_bundle(path, request, policy, notes),
    }
}

fn of_bundle(
    path: &Path,
    request: &CanaryRequest<'_>,
    policy: &Policy,
    notes: &mut Vec<String>,
) -> Result<Limits, Failure> {
    let place = path.display();
    let (manifest, sha256, contents) = sound(path, &format!("the bundle `{place}` cannot be used"))?;
    if manifest.rehearsal {
        permit(request, &format!("the bundle `{place}`"), "it is a rehearsal")?;
    }
    if let Some(given) = &manifest.overridden {
        let reasons: Vec<&str> = manifest.refusals.iter().map(|refusal| refusal.reason.as_str()).collect();
        let in_spite = if reasons.is_empty() { "nothing".to_owned() } else { reasons.join("; ") };
        notes.push(format!("the bundle was released by an override ({}), despite: {in_spite}", given.reason));
    }
    let text = contents.files.get("policy.toml").map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let layer = Layer {
        origin: Origin::File("policy.toml of the bundle".to_owned()),
        text: text.unwrap_or_default(),
    };
    let of_then = crate::core::policy::read(&[layer], &[]).map_err(|errors| {
        unusable_bundle(anyhow!(errors).context("`policy.toml` in the bundle cannot be used"))
    })?;
    let criteria = CanaryCriteria::of_bundle(&of_then, &manifest.notes.canary)?;
    if manifest.policy_sha256 != policy.sha256 {
        let changes = changes(&criteria, &CanaryCriteria::of_policy(policy));
        let what = if changes.is_empty() { "nothing about canaries".to_owned() } else { changes.join("; ") };
        notes.push(format!(
            "the policy in force is not the one that the bundle was built by; the bundle's limits hold. Changed is {what}"
        ));
    }
    let bundle = BundleRef { name: manifest.name, path: place.to_string(), sha256 };
    Ok(Limits { criteria, bundle: Some(bundle), from: "bundle", rehearsal: manifest.rehearsal })
}

#[cfg(test)]
mod fixture {

    use chrono::{DateTime, Utc};

    use super::criteria::CanaryCriteria;
    use super::timeline::{Readings, Timeline};
    use crate::core::judge::fixture::limit;
    use crate::core::kpi::{KpiId, KpiTable};
    use crate::core::policy::Statistic;
    use crate::core::policy::release::{
        CanaryBound, CanaryLimit, CanaryRules, Checkpoint, RollbackKind, Trigger,
    };
    use crate::core::verdict::Comparison;

    /// When the canaries of these tests start.
    pub(super) fn start() -> DateTime<Utc> {
        "2026-03-01T00:00:00Z".parse().expect("a time")
    }

    /// Five-minute steps, hours 1 and 6, a latency trigger of ten minutes.
    pub(super) fn rules() -> CanaryRules {
        let latency = |value| CanaryLimit {
            kpi: KpiId::P95_LATENCY_MS,
            comparison: Comparison::AtMost,
            bound: CanaryBound::Fixed(limit(value)),
        };
        let hour = |name: &str, after_hours, value| Checkpoint {
            name: name.to_owned(),
            after_hours,
            limits: vec![latency(value)],
        };
        CanaryRules {
            watch_hours_min: 6.0,
            watch_hours_max: 8.0,
            step_minutes: 5,
            window_minutes: 60,
            statistic: Statistic::Mean,
            misses: 2,
            seen_share: limit(0.9),
            longest_gap_minutes: limit(15.0),
            rollback_minutes: 10,
            full_minutes: 30,
            checkpoints: vec![hour("hour_1", 1.0, 400.0), hour("hour_6", 6.0, 350.0)],
            after_rollback_minutes: 30,
            after_rollback: vec![latency(350.0)],
            triggers: vec![latency_trigger(10)],
            stages: Vec::new(),
        }
    }

    /// Latency above 500 ms for so long.
    pub(super) fn latency_trigger(for_minutes: u64) -> Trigger {
        Trigger {
            name: "latency".to_owned(),
            metric: "p95_latency_ms".to_owned(),
            comparison: Comparison::Above,
            limit: limit(500.0),
            for_minutes,
            rollback: RollbackKind::Quick,
            is_optional: false,
        }
    }

    pub(super) fn criteria(rules: &CanaryRules) -> CanaryCriteria {
        CanaryCriteria::new(rules, &KpiTable::default(), 8, &|_, _| None)
    }

    /// A canary of so many minutes.
    pub(super) fn timeline(minutes: i64) -> Timeline {
        Timeline::new(start(), start() + chrono::TimeDelta::minutes(minutes), &rules(), Some(8.0))
            .expect("a timeline")
    }

    /// A value a step.
    pub(super) fn readings(values: impl IntoIterator<Item = Option<f64>>) -> Readings {
        Readings { values: values.into_iter().collect(), trouble: None }
    }
}
