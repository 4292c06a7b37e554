//! Tells people about a verdict that is not PASS. Trouble with it is reported and changes nothing else.

use crate::core::verdict::Outcome;
use crate::infra::notify::{self, NotifyError, Target};
use crate::render::notification::{Notification, line, with_link};
use crate::wire::snapshot::Snapshot;

/// Sends the notification of a snapshot, with a link if there is one; `Ok(None)` when the verdict is PASS and nobody
/// needs to know.
pub fn verdict(
    snapshot: &Snapshot,
    target: &Target,
    link: Option<&str>,
) -> Result<Option<usize>, NotifyError> {
    if snapshot.outcome == Outcome::Pass {
        return Ok(None);
    }
    notify::send(target, &with_link(text(snapshot), link)).map(Some)
}

/// The line that is sent.
pub fn text(snapshot: &Snapshot) -> String {
    let kpi = &snapshot.kpi_last8;
    let guards = &snapshot.guards_last8;
    line(&Notification {
        outcome: snapshot.outcome,
        risk_ratio: kpi.risk_ratio.mean,
        maker_taker_ratio: kpi.maker_taker_ratio.mean,
        net_bps: kpi.net_bps.mean,
        p95_latency_ms: kpi.p95_latency_ms.mean,
        guards: Some(guards.oscillation_count + guards.velocity_count + guards.cooldown_count),
        origin: snapshot.origin.as_ref().and_then(|origin| origin.note.as_deref()),
        reason: Some(&snapshot.outcome_reason),
    })
}
