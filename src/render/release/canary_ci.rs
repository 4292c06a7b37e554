//! What CI systems are told by `release canary check`.

use super::canary_text::{facts, order};
use crate::core::release::canary::verdict::CanaryJudged;
use crate::render::ci::Told;
use crate::wire::release::canary_result::CanaryResult;

/// The verdict on a canary.
pub fn told<'a>(judged: &'a CanaryJudged, result: &'a CanaryResult) -> Told<'a> {
    let [time, measured, limits] = facts(result);
    Told {
        name: "soak canary",
        outcome: judged.outcome,
        reason: judged.reason.clone(),
        order: order(result),
        rehearsal: result.rehearsal,
        origin: None,
        hint: None,
        overridden: result.overridden.as_ref(),
        facts: vec![
            ("time", time),
            ("measured", measured),
            ("limits", limits),
            ("policy_sha256", result.policy_sha256.clone()),
            ("tool_version", result.tool_version.clone()),
        ],
        // The newest measurement that a trigger looked at.
        time: result.triggers.iter().filter_map(|trigger| trigger.last_at.clone()).max(),
        checks: judged.checks().collect(),
        notes: result.notes.iter().map(|note| ("soak canary note".to_owned(), note.as_str())).collect(),
        failing: None,
    }
}
