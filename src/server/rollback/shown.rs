//! How things stand, in the shapes that are shown: `/status` and the facts of `/metrics`. Decides nothing.

use super::routes::Http;
use crate::core::rollback::state::{PlanOutcome, Undertaking};
use crate::core::rollback::words;
use crate::flow::rollback::engine::{Common, Status};
use crate::io::clock;
use crate::render::rollback_prom::Facts;
use crate::wire::rollback::answer::{StatusAnswer, UndertakingStatus, UnknownAnswer};
use crate::wire::rollback::log::{Mode, time};

pub(super) fn status(status: &Status, problem: Option<String>, common: &Common) -> StatusAnswer {
    let policy = common.policy();
    StatusAnswer {
        mode: common.mode,
        policy_sha256: policy.sha256.clone(),
        policy_problem: problem,
        auto_rollback_enabled: policy.auto.enabled,
        cooling_down_until: status.cooling_until.map(time),
        actions_last_24h: status.actions_of_the_day,
        max_actions_per_day: policy.auto.max_actions_per_day,
        remembered_alerts: status.episodes,
        max_remembered_alerts: policy.auto.remember_alerts,
        forgotten_alerts: common.counters().forgotten.iter().sum(),
        consequences: status.consequences.clone(),
        unknown_outcomes: status
            .unknown
            .iter()
            .map(|(id, action)| UnknownAnswer { id: id.to_string(), action: action.clone() })
            .collect(),
        last_decisions: status.decisions.clone(),
        undertakings: status.undertakings.iter().map(undertaking).collect(),
        log: status.head.clone(),
    }
}

fn undertaking(of: &Undertaking) -> UndertakingStatus {
    let actions = of.plan.actions.iter().zip(&of.progress);
    UndertakingStatus {
        id: of.plan.id.to_string(),
        kind: of.plan.kind.word().to_owned(),
        at: time(of.plan.at),
        reason: of.plan.reason.clone(),
        status: of.outcome.map_or("running", PlanOutcome::word).to_owned(),
        verified: of.verified,
        actions: actions
            .map(|(action, progress)| format!("{}: {}", action.words(), words::progress(*progress)))
            .collect(),
    }
}

pub(super) fn facts(status: &Status, http: &Http, common: &Common) -> Facts {
    let policy = common.policy();
    let now = clock::machine_time();
    let left = status.cooling_until.map(|until| until.signed_duration_since(now).num_milliseconds());
    Facts {
        is_live: common.mode == Mode::Live,
        policy_sha256: policy.sha256.clone(),
        policy_is_current: http.policy_problem.is_none(),
        reloads: http.reloads,
        hooks: http.hooks.clone(),
        refused: http.refused.clone(),
        counters: common.counters(),
        log_lines: status.head.seq,
        cooldown_seconds: left.map_or(0.0, |left| left.max(0) as f64 / 1000.0),
        last_rollback: status.last_rollback.map(|at| at.timestamp_millis() as f64 / 1000.0),
        actions_of_the_day: status.actions_of_the_day,
        episodes: status.episodes,
        unknown: status.unknown.len(),
        consequences: status.consequences.iter().map(|known| known.firing).sum(),
    }
}
