//! A canary, looked at: where its limits come from, what was measured, and what follows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::verify::verify_with_files;
use crate::core::analysis::{Options, statistic};
use crate::core::policy::Policy;
use crate::core::release::canary::readings::Readings;
use crate::core::release::canary::terms::{NoTerms, Terms, drift};
use crate::core::release::canary::verdict::{CanaryJudged, Scope, judge};
use crate::core::release::canary::watch::{Watch, WatchError};
use crate::core::run::source::Wait;
use crate::core::verdict::Outcome;
use crate::flow::judge::{self as judging, JudgeError, Request};
use crate::io::bundle::BundleError;
use crate::io::http::Limits;
use crate::io::load::LoadError;
use crate::io::source::prometheus::Target;
use crate::wire::policy::{Layer, Origin, PolicyErrors};
use crate::wire::release::canary_result::BundleTold;

mod asked;
mod measured;

/// Where the limits come from.
#[derive(Clone, Copy, Debug)]
pub enum LimitsOf<'a> {
    /// A bundle, folder or archive: what its checklist says.
    Bundle(&'a Path),
    /// The policy, and the soak in this folder.
    Run(&'a Path),
    /// The policy alone.
    Policy,
}

/// Where the measurements come from.
#[derive(Clone, Copy, Debug)]
pub enum Measured<'a> {
    /// A server that is asked for the steps of the canary.
    Server {
        /// Whom to ask.
        target: &'a Target,
        /// What `$selector` stands for.
        selector: &'a str,
        /// Time-outs and tries.
        limits: &'a Limits,
    },
    /// A run folder, whose iterations were measured on the canary.
    Folder {
        /// The folder.
        path: &'a Path,
        /// The symbol that is looked at.
        symbol: Option<&'a str>,
    },
}

/// What is to be looked at.
#[derive(Clone, Copy, Debug)]
pub struct CanaryRequest<'a> {
    /// The limits.
    pub limits: LimitsOf<'a>,
    /// The measurements.
    pub measured: Measured<'a>,
    /// When the canary started, or the rollback was done.
    pub since: DateTime<Utc>,
    /// The time now.
    pub now: DateTime<Utc>,
    /// What is judged.
    pub scope: Scope,
    /// Take simulated data.
    pub rehearsal: bool,
}

/// A canary that was looked at.
#[derive(Debug)]
pub struct CanaryLooked {
    /// What follows.
    pub judged: CanaryJudged,
    /// What was asked of it.
    pub terms: Terms,
    /// The bundle, if the limits are from one.
    pub bundle: Option<BundleTold>,
    /// The data is made up, or the bundle is a rehearsal.
    pub rehearsal: bool,
    /// What a reader should know, a sentence each.
    pub notes: Vec<String>,
}

/// Why it could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    /// The bundle cannot be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The bundle is not what was released.
    #[error("the bundle `{}` cannot be used: {}", path.display(), problems.join("; "))]
    Unsound {
        /// Where it is.
        path: PathBuf,
        /// Everything that is wrong with it.
        problems: Vec<String>,
    },
    /// The policy in the bundle cannot be read by this program.
    #[error("`policy.toml` in the bundle cannot be used")]
    BundlePolicy(#[from] PolicyErrors),
    /// The bundle tells no limits.
    #[error(transparent)]
    Notes(#[from] NoTerms),
    /// The soak cannot be judged.
    #[error(transparent)]
    Judge(#[from] JudgeError),
    /// The soak is no measure.
    #[error("the run `{}` sets no limits: it is {outcome}: {reason}", path.display())]
    NotPassed {
        /// The folder.
        path: PathBuf,
        /// Its verdict.
        outcome: Outcome,
        /// The main reason.
        reason: String,
    },
    /// Data that was made up.
    #[error("{what} says nothing about a release: {reason}")]
    Rehearsal {
        /// What.
        what: String,
        /// Why it is no basis for a release.
        reason: String,
    },
    /// There is no such hour.
    #[error("the canary has no hour {hour}; it has {known}")]
    Hour {
        /// As asked.
        hour: f64,
        /// Those that there are.
        known: String,
    },
    /// The times make no canary.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// The folder with the measurements cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The folder has several symbols, or not the one that was asked for.
    #[error("`{}` {problem}", path.display())]
    Symbol {
        /// The folder.
        path: PathBuf,
        /// What is the matter.
        problem: String,
        /// The symbols there are.
        known: Vec<String>,
    },
    /// The server gave no answer that can be used.
    #[error("{0}")]
    Server(String),
    /// A signal came.
    #[error("interrupted")]
    Interrupted,
}

/// Looks at a canary.
pub fn check(
    request: &CanaryRequest<'_>,
    policy: &Policy,
    wait: &dyn Wait,
) -> Result<CanaryLooked, CanaryError> {
    let mut notes = Vec::new();
    let Limited { terms, bundle, rehearsal } = limits(request, policy, &mut notes)?;
    if let Scope::Hour(hour) = request.scope
        && !terms.hours.iter().any(|known| known.after_hours == hour)
    {
        let known: Vec<String> = terms.hours.iter().map(|hour| hour.after_hours.to_string()).collect();
        return Err(CanaryError::Hour { hour, known: known.join(", ") });
    }
    let longest = match request.scope {
        Scope::AfterRollback => None,
        Scope::Whole | Scope::SoFar | Scope::Hour(_) => Some(terms.rules.watch_hours_max),
    };
    let watch = Watch::new(request.since, request.now, &terms.rules, longest)?;
    let metrics = match request.scope {
        Scope::AfterRollback => terms.metrics_after_rollback(),
        Scope::Whole | Scope::SoFar | Scope::Hour(_) => terms.metrics(),
    };
    let mut is_rehearsal = rehearsal;
    let readings: BTreeMap<String, Readings> = match request.measured {
        Measured::Server { target, selector, limits } => {
            asked::readings(&asked::Server { target, selector, limits }, &metrics, policy, &watch, wait)?
        }
        Measured::Folder { path, symbol } => {
            let found = measured::readings(path, symbol, &metrics, policy, &watch, &mut notes)?;
            let what = format!("the data in `{}`", path.display());
            if let Some(reason) = found.origin.against_release() {
                is_rehearsal = true;
                if found.origin.simulated {
                    permit(request, what, reason)?;
                } else {
                    // Not refused: a canary that is bad must be called so, whoever measured it.
                    notes.push(format!("{what} says nothing about a release: {reason}"));
                }
            }
            found.readings
        }
    };
    let judged = judge(&terms, watch, request.scope, &readings);
    Ok(CanaryLooked { judged, terms, bundle, rehearsal: is_rehearsal, notes })
}

/// Refuses what is no basis for a release, unless a rehearsal is asked for.
fn permit(request: &CanaryRequest<'_>, what: String, reason: String) -> Result<(), CanaryError> {
    if request.rehearsal { Ok(()) } else { Err(CanaryError::Rehearsal { what, reason }) }
}

/// Limits, and where they are from.
struct Limited {
    terms: Terms,
    bundle: Option<BundleTold>,
    rehearsal: bool,
}

fn limits(
    request: &CanaryRequest<'_>,
    policy: &Policy,
    notes: &mut Vec<String>,
) -> Result<Limited, CanaryError> {
    let rules = &policy.release.canary;
    match request.limits {
        LimitsOf::Policy => {
            let terms = Terms::new(rules, &policy.kpis, 0, |_, _| None);
            Ok(Limited { terms, bundle: None, rehearsal: false })
        }
        LimitsOf::Run(path) => {
            let asked = Request::new(path, policy, Options::default());
            let judged = judging::judge(&asked)?;
            let analysis = &judged.analysis;
            if !analysis.outcome.is_acceptable() {
                let (outcome, reason) = (analysis.outcome, analysis.reason());
                return Err(CanaryError::NotPassed { path: path.to_owned(), outcome, reason });
            }
            let reason = analysis.origin.against_release();
            let rehearsal = reason.is_some();
            if let Some(reason) = reason {
                permit(request, format!("the run `{}`", path.display()), reason)?;
            }
            let worst = analysis.worst();
            let measured = |kpi, of| worst.last_kpi(kpi).and_then(|stats| statistic(stats, of));
            let terms = Terms::new(rules, &policy.kpis, worst.last.len(), measured);
            Ok(Limited { terms, bundle: None, rehearsal })
        }
        LimitsOf::Bundle(path) => of_bundle(path, request, policy, notes),
    }
}

fn of_bundle(
    path: &Path,
    request: &CanaryRequest<'_>,
    policy: &Policy,
    notes: &mut Vec<String>,
) -> Result<Limited, CanaryError> {
    let (checked, contents) = verify_with_files(path)?;
    let (Some(manifest), Some(sha256), true) =
        (checked.manifest, checked.bundle_sha256, checked.problems.is_empty())
    else {
        return Err(CanaryError::Unsound { path: path.to_owned(), problems: checked.problems });
    };
    if manifest.rehearsal {
        permit(request, format!("the bundle `{}`", path.display()), "it is a rehearsal".to_owned())?;
    }
    if let Some(given) = &manifest.overridden {
        let reasons: Vec<&str> = manifest.refusals.iter().map(|refusal| refusal.reason.as_str()).collect();
        let in_spite = if reasons.is_empty() { "nothing".to_owned() } else { reasons.join("; ") };
        notes.push(format!(
            "the bundle was released by an override ({}), in spite of: {in_spite}",
            given.reason
        ));
    }
    let text = contents.files.get("policy.toml").map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let layer = Layer {
        origin: Origin::File("policy.toml of the bundle".to_owned()),
        text: text.unwrap_or_default(),
    };
    let of_then = crate::wire::policy::read(&[layer], &[])?;
    let terms = Terms::of_bundle(&of_then, &manifest.notes.canary)?;
    if manifest.policy_sha256 != policy.sha256 {
        let now = Terms::new(&policy.release.canary, &policy.kpis, 0, |_, _| None);
        let changes = drift(&terms, &now);
        let what = if changes.is_empty() { "nothing about canaries".to_owned() } else { changes.join("; ") };
        notes.push(format!(
            "the policy in force is not the one that the bundle was built by; the bundle's limits hold. Changed is {what}"
        ));
    }
    let bundle = BundleTold { name: manifest.name, path: path.display().to_string(), sha256 };
    Ok(Limited { terms, bundle: Some(bundle), rehearsal: manifest.rehearsal })
}
