//! What `release canary check --format json` prints: the verdict on a canary, with every decision and its times.
//!
//! Must not judge; [`crate::core::release::canary::verdict`] did.

use serde::Serialize;

use crate::core::release::canary::hours::Block;
use crate::core::release::canary::terms::Terms;
use crate::core::release::canary::triggers::TriggerSeen;
use crate::core::release::canary::verdict::{CanaryJudged, Scope};
use crate::core::release::canary::watch::{Watch, told};
use crate::core::verdict::Outcome;
use crate::wire::check::Ladder;
use crate::wire::provenance::{Override, Provenance};

/// The bundle that the limits are from.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct BundleTold {
    /// Name of the release.
    pub name: String,
    /// Its folder or archive, as given.
    pub path: String,
    /// SHA-256 of its `SHA256SUMS`.
    pub sha256: String,
}

/// A time for which a trigger held.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct HeldTold {
    /// Begin of the first step.
    pub from: String,
    /// End of the last step.
    pub to: String,
}

/// A trigger.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct TriggerTold {
    /// The decision. `observed` is the level that was held for as long as the trigger asks; null when no stretch of
    /// steps is that long.
    pub check: Ladder,
    /// It must hold for so many minutes without a break.
    pub for_minutes: u64,
    /// When it did; empty when it never did.
    pub held: Vec<HeldTold>,
    /// The last value; null without one.
    pub last: Option<f64>,
    /// End of the step of the last value; null without one.
    pub last_at: Option<String>,
    /// `quick` or `full`: the rollback that it asks for.
    #[schemars(extend("enum" = ["quick", "full"]))]
    pub rollback: String,
}

/// A limit of an hour.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct LimitTold {
    /// The decision.
    pub check: Ladder,
    /// Where the limit comes from, in words.
    pub basis: String,
}

/// The limits of an hour, those of the last hour held against the newest window (`now`), or those that must hold
/// after a rollback.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct BlockTold {
    /// `hour_1`, `hour_6`, `hour_24`, `now`, `after_rollback`.
    pub name: String,
    /// Hours after the start of the canary; null after a rollback.
    pub after_hours: Option<f64>,
    /// When it is, or was, looked at.
    pub due: String,
    /// Whether that time has come.
    pub is_due: bool,
    /// The worst of its limits; `NOT_APPLICABLE` when it is not due and was not asked for.
    pub outcome: Outcome,
    /// The limits.
    pub limits: Vec<LimitTold>,
}

/// When to ask again.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct NextTold {
    /// The time.
    pub at: String,
    /// What is due then.
    pub what: String,
}

/// The whole.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct CanaryResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// Version of the program.
    pub tool_version: String,
    /// SHA-256 of the policy values in force; the limits are those of `bundle` where there is one.
    pub policy_sha256: String,
    /// The bundle that the limits are from; null where they are not from one.
    pub bundle: Option<BundleTold>,
    /// `bundle`, `run` (the policy and a soak) or `policy`.
    #[schemars(extend("enum" = ["bundle", "run", "policy"]))]
    pub limits_from: String,
    /// `prometheus` or `folder`: where the measurements come from.
    #[schemars(extend("enum" = ["prometheus", "folder"]))]
    pub source: String,
    /// The URL or the folder.
    pub source_place: String,
    /// Simulated data or a rehearsal: no statement about a release.
    pub rehearsal: bool,
    /// `whole`, `so_far`, `hour` or `after_rollback`: what was judged.
    #[schemars(extend("enum" = ["whole", "so_far", "hour", "after_rollback"]))]
    pub scope: String,
    /// When the canary started, or the rollback was done.
    pub since: String,
    /// The time of the check.
    pub now: String,
    /// What is later was not looked at.
    pub until: String,
    /// Hours since the start.
    pub hours: f64,
    /// Length of a step, minutes. Windows of checks count steps.
    pub step_minutes: u64,
    /// Steps that are over.
    pub steps: usize,
    /// The true verdict.
    pub outcome: Outcome,
    /// PASS, WARN or FAIL; INCONCLUSIVE and INVALID are published as FAIL.
    #[schemars(extend("enum" = ["PASS", "WARN", "FAIL"]))]
    pub verdict: String,
    /// The main reason.
    pub reason: String,
    /// The rollback that triggers ask for, overridden or not; null when none held.
    #[schemars(extend("enum" = ["quick", "full", null]))]
    pub rollback: Option<String>,
    /// When to ask again; null when everything is decided.
    pub next: Option<NextTold>,
    /// Whether `canary.watch_hours_max` has passed.
    pub is_over: bool,
    /// The triggers.
    pub triggers: Vec<TriggerTold>,
    /// The limits.
    pub blocks: Vec<BlockTold>,
    /// Whether the canary was watched for long enough; null where only a part is judged.
    pub watched: Option<Ladder>,
    /// What a reader should know, a sentence each.
    pub notes: Vec<String>,
    /// A recorded override of the verdict; null when there is none.
    #[serde(rename = "override")]
    pub overridden: Option<Override>,
    /// The exit code of the command.
    pub exit_code: u8,
}

/// What only the caller knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked<'a> {
    /// The bundle.
    pub bundle: Option<BundleTold>,
    /// `run` or `policy` where there is no bundle.
    pub limits_from: &'a str,
    /// `prometheus` or `folder`.
    pub source: &'a str,
    /// The URL or the folder.
    pub source_place: String,
    /// What was judged.
    pub scope: Scope,
    /// No statement about a release.
    pub rehearsal: bool,
    /// Notes.
    pub notes: Vec<String>,
}

impl CanaryResult {
    /// The result of a check. What the caller alone knows is 0 until it is set: `exit_code`.
    pub fn of(judged: &CanaryJudged, terms: &Terms, provenance: &Provenance, asked: Asked<'_>) -> Self {
        let Asked { bundle, limits_from, source, source_place, scope, rehearsal, notes } = asked;
        let watch = &judged.watch;
        Self {
            schema_version: "1.0".to_owned(),
            tool_version: provenance.tool_version.clone(),
            policy_sha256: provenance.policy_sha256.clone(),
            limits_from: if bundle.is_some() { "bundle" } else { limits_from }.to_owned(),
            bundle,
            source: source.to_owned(),
            source_place,
            rehearsal,
            scope: match scope {
                Scope::Whole => "whole",
                Scope::SoFar => "so_far",
                Scope::Hour(_) => "hour",
                Scope::AfterRollback => "after_rollback",
            }
            .to_owned(),
            since: told(watch.since),
            now: told(watch.now),
            until: told(watch.until),
            hours: watch.hours(),
            step_minutes: terms.rules.step_minutes,
            steps: watch.steps(),
            outcome: judged.outcome,
            verdict: judged.outcome.published().to_owned(),
            reason: judged.reason.clone(),
            rollback: judged.rollback.map(|kind| kind.word().to_owned()),
            next: judged.next.as_ref().map(|(at, what)| NextTold { at: told(*at), what: what.clone() }),
            is_over: judged.is_over,
            triggers: judged.triggers.iter().map(|seen| trigger(seen, watch)).collect(),
            blocks: judged.blocks.iter().map(block).collect(),
            watched: judged.watched.as_ref().map(Ladder::from),
            notes,
            overridden: provenance.overridden.clone(),
            exit_code: 0,
        }
    }
}

fn trigger(seen: &TriggerSeen, watch: &Watch) -> TriggerTold {
    let held = |(first, last): &(usize, usize)| HeldTold {
        from: told(watch.start_of(*first)),
        to: told(watch.end_of(*last)),
    };
    TriggerTold {
        check: Ladder::from(&seen.check),
        for_minutes: seen.trigger.for_minutes,
        held: seen.held.iter().map(held).collect(),
        last: seen.last.map(|(_, value)| value),
        last_at: seen.last.map(|(step, _)| told(watch.end_of(step))),
        rollback: seen.trigger.rollback.word().to_owned(),
    }
}

fn block(block: &Block) -> BlockTold {
    BlockTold {
        name: block.name.clone(),
        after_hours: block.after_hours,
        due: told(block.due),
        is_due: block.is_due,
        outcome: block.outcome(),
        limits: block
            .limits
            .iter()
            .map(|limit| LimitTold { check: Ladder::from(&limit.check), basis: limit.basis.clone() })
            .collect(),
    }
}
