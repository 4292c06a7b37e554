//! A rollback or the way back, because a person asked for it: the same log, the same hands, no server.

use std::cell::RefCell;

use crate::core::rollback::decide::{Draft, hindrance};
use crate::core::rollback::policy::RollbackPolicy;
use crate::core::rollback::state::{PlanId, PlanKind, PlanOutcome, Undertaking};
use crate::io::audit_log::AuditLogError;
use crate::wire::rollback::log::{ActionResult, LogEvent};

use super::act::{self, Hands, Record};
use super::journal::Journal;
use super::verify::verify;

/// A journal that one thread writes.
#[derive(Debug)]
pub struct Own(RefCell<Journal>);

impl Own {
    /// Of this journal.
    pub fn new(journal: Journal) -> Self {
        Self(RefCell::new(journal))
    }

    /// Alerts that were rolled back for and, as far as is known, still fire, with the rollback.
    pub fn still_firing(&self) -> Vec<(String, PlanId)> {
        let journal = self.0.borrow();
        journal.memory().state.still_firing().into_iter().map(|(name, id)| (name.to_owned(), id)).collect()
    }

    /// An undertaking as it stands.
    pub fn undertaking(&self, id: PlanId) -> Option<Undertaking> {
        self.0.borrow().memory().state.undertaking(id).cloned()
    }
}

impl Record for Own {
    fn record(&self, event: LogEvent) -> Result<(), String> {
        let written = self.0.borrow_mut().transact(|writing| writing.push(event));
        written.map(|_| ()).map_err(|error| causes(&error))
    }
}

/// An error with its causes, on one line.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// What a person asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// A rollback or the way back.
    pub kind: PlanKind,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// Also during a cool-down.
    pub is_forced: bool,
}

/// Why nothing was begun.
#[derive(Debug, thiserror::Error)]
pub enum NotBegun {
    /// A cool-down lasts.
    #[error("{0}")]
    Hindered(String),
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] AuditLogError),
}

/// What an undertaking came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Came {
    /// Its number.
    pub id: PlanId,
    /// How it ended. `None` = the log could not be written any more, and it was broken off.
    pub outcome: Option<PlanOutcome>,
    /// Why it was broken off.
    pub problem: Option<String>,
    /// Whether what must be true afterwards is. `None` = nothing is to be verified, or nobody looked.
    pub verified: Option<bool>,
}

/// Writes down what was asked for; nothing is done yet. What others left behind is closed first, and given back.
pub fn plan(own: &Own, asked: &Asked, policy: &RollbackPolicy) -> Result<(PlanId, Vec<PlanId>), NotBegun> {
    let actions = match asked.kind {
        PlanKind::Recovery => policy.recovery.actions.clone(),
        _ => policy.auto.actions.clone(),
    };
    let draft = Draft { kind: asked.kind, reason: asked.reason.clone(), alerts: Vec::new(), actions };
    let planned = own.0.borrow_mut().transact(|writing| {
        let left = writing.settle(false);
        let hindered = if asked.is_forced || asked.kind == PlanKind::Recovery {
            None
        } else {
            hindrance(writing.state(), policy, writing.now())
        };
        match hindered {
            Some(why) => Err(why),
            None => Ok((writing.plan(&draft, Some(asked.by.clone())), left)),
        }
    })?;
    planned.map_err(NotBegun::Hindered)
}

/// Carries out what was written down, and verifies it.
pub fn carry_out(own: &Own, id: PlanId, hands: Hands<'_>, told: &mut dyn FnMut(&ActionResult)) -> Came {
    let mut came = Came { id, outcome: None, problem: None, verified: None };
    let Some(undertaking) = own.undertaking(id) else {
        came.problem = Some("the log does not know it".to_owned());
        return came;
    };
    match act::carry_out(&undertaking, hands, told) {
        Ok(outcome) => came.outcome = Some(outcome),
        Err(problem) => came.problem = Some(problem),
    }
    let verification = match undertaking.plan.kind {
        PlanKind::Recovery => &hands.policy.recovery.verification,
        _ => &hands.policy.auto.verification,
    };
    let did = matches!(came.outcome, Some(PlanOutcome::Done | PlanOutcome::Failed));
    if did && !verification.checks.is_empty() {
        came.verified = verify(&undertaking.plan, verification, hands);
    }
    came
}
