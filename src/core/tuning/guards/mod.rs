//! The guards: which of the proposed steps are taken. Asked in the documented order; each may drop steps, and
//! the one that drops the last names why nothing was applied.
//!
//! Decides only; the memory is brought up to date by [`crate::core::run::planner`].

pub mod cooldown;
pub mod freeze;
pub mod micro_steps;
pub mod oscillation;
pub mod partial_freeze;
pub mod repeated;
pub mod velocity;

use std::collections::{BTreeMap, BTreeSet};

use super::parameters::Parameter;
use super::propose::Proposal;
use super::record::{Applied, SkipCode};
use super::state::TunerState;
use super::steps;
use crate::core::guards::{Guard, GuardSet};
use crate::core::params::{ParamName, ParamValues};
use crate::core::policy::run::RunPolicy;

/// What the guards look at.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The numbers of the guards, and the parameters.
    pub policy: &'a RunPolicy,
    /// The memory before this iteration.
    pub state: &'a TunerState,
    /// Number of the iteration.
    pub number: u64,
    /// Whether anything may be applied, and why not.
    pub tuning: Tuning,
    /// Whether the run warms up, which widens the hourly limits.
    pub warming_up: bool,
    /// Whether few keys may move at a time: warm-up and ramp-down.
    pub small_steps: bool,
    /// Parameters that the phase moves between this iteration and the next.
    pub moved_by_phase: &'a BTreeSet<ParamName>,
    /// End of the iteration, seconds of run time.
    pub now: f64,
    /// Hashes of the overrides that have been in force, this iteration's last.
    pub hashes: &'a [String],
    /// The overrides in force.
    pub overrides: &'a ParamValues,
    /// Whether the sensitive parameters are held: a freeze is in force or starts now.
    pub frozen: bool,
    /// Subsystems that are held, with the causes.
    pub partial_freezes: &'a BTreeMap<String, String>,
    /// Signature of the proposal.
    pub signature: Option<&'a str>,
}

/// Whether anything may be applied in an iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tuning {
    /// What the guards leave.
    On,
    /// Nothing: the run does not tune.
    Off,
    /// Nothing: a panic revert takes its place.
    Reverted,
    /// Nothing: it is the last iteration.
    Over,
}

impl Tuning {
    fn code(self) -> Option<SkipCode> {
        match self {
            Self::On => None,
            Self::Off => Some(SkipCode::TuningOff),
            Self::Reverted => Some(SkipCode::PanicRevert),
            Self::Over => Some(SkipCode::FinalIteration),
        }
    }
}

/// A step that no guard has objected to yet.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// The parameter.
    pub parameter: &'a Parameter,
    /// Value before.
    pub old: f64,
    /// The proposed increment.
    pub delta: f64,
    /// Value after, within the bounds.
    pub new: f64,
    /// Whether a bound shortened the step.
    pub at_bound: bool,
}

impl Step<'_> {
    /// Its size in widths of the parameter's bounds, at least 0.
    pub fn size(&self) -> f64 {
        (self.new - self.old).abs() / self.parameter.width()
    }
}

/// What the guards decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// Steps to take, sorted by parameter; empty = nothing is applied.
    pub steps: Vec<Applied>,
    /// Steps that are not taken, with the code of the guard that dropped each.
    pub dropped: BTreeMap<ParamName, SkipCode>,
    /// Why there are none to take.
    pub skip: Option<SkipCode>,
    /// The guards that dropped something.
    pub guards: GuardSet,
}

/// Asks all guards about a proposal.
pub fn decide(case: &Case<'_>, proposal: &Proposal) -> Decision {
    let mut asked = Asked::of(case, proposal);
    if let Some(code) = case.tuning.code() {
        asked.drop_all(code, None);
        asked.decision.skip = Some(code);
    } else if proposal.deltas.is_empty() {
        let nothing = if proposal.shortened_to_nothing.is_empty() {
            SkipCode::NoDeltas
        } else {
            SkipCode::AllDeltasZeroHitBounds
        };
        asked.decision.skip = Some(nothing);
    }
    if repeated::is_repeated(case) {
        asked.drop_all(SkipCode::SameSignature, None);
    }
    asked.drop_where(SkipCode::PhaseChange, SkipCode::PhaseChange, None, |step| {
        case.moved_by_phase.contains(&step.parameter.name)
    });
    asked.drop_where(SkipCode::Frozen, SkipCode::AllParamsFrozen, Some(Guard::Freeze), |step| {
        freeze::holds(case, step)
    });
    let oscillating = Some(Guard::Oscillation);
    asked.drop_where(SkipCode::Oscillation, SkipCode::Oscillation, oscillating, |step| {
        oscillation::returns(case, step)
    });
    if oscillation::returns_as_a_whole(case, &asked.steps) {
        asked.drop_all(SkipCode::Oscillation, oscillating);
    }
    asked.drop_where(SkipCode::Velocity, SkipCode::Velocity, Some(Guard::Velocity), |step| {
        velocity::exceeds(case, step)
    });
    if cooldown::is_active(case.state, case.number) {
        asked.drop_all(SkipCode::Cooldown, Some(Guard::Cooldown));
    }
    let held = Some(Guard::PartialFreeze);
    asked.drop_where(SkipCode::PartialFreeze, SkipCode::PartialFreeze, held, |step| {
        case.partial_freezes.contains_key(&step.parameter.subsystem)
    });
    if case.small_steps {
        let chosen = micro_steps::chosen(case, &asked.steps);
        asked.drop_where(SkipCode::MicroSteps, SkipCode::MicroSteps, None, |step| {
            !chosen.contains(&step.parameter.name)
        });
    }
    asked.drop_where(SkipCode::NoOp, SkipCode::NoOp, Some(Guard::NoOp), |step| step.new == step.old);
    asked.finish()
}

/// The steps that are left while the guards are asked.
struct Asked<'a> {
    steps: Vec<Step<'a>>,
    decision: Decision,
}

impl<'a> Asked<'a> {
    /// All proposed steps, clamped to the bounds.
    fn of(case: &Case<'a>, proposal: &Proposal) -> Self {
        let mut decision = Decision::default();
        for param in &proposal.shortened_to_nothing {
            decision.dropped.insert(param.clone(), SkipCode::AtBound);
        }
        let steps = proposal
            .deltas
            .iter()
            .filter_map(|delta| {
                let parameter = case.policy.parameters.get(&delta.param)?;
                let old = case.overrides.get(&delta.param)?;
                let wanted = parameter.rounded(steps::clean(old + delta.delta));
                let new = parameter.clamp(wanted);
                let at_bound = new != wanted || proposal.shortened_by_bound.contains(&delta.param);
                Some(Step { parameter, old, delta: delta.delta, new, at_bound })
            })
            .collect();
        Self { steps, decision }
    }

    /// Drops the steps that a guard objects to. Where none is left after it, `whole` is why.
    fn drop_where(
        &mut self,
        code: SkipCode,
        whole: SkipCode,
        guard: Option<Guard>,
        objects: impl Fn(&Step<'_>) -> bool,
    ) {
        let before = self.steps.len();
        let dropped = &mut self.decision.dropped;
        self.steps.retain(|step| {
            let objected = objects(step);
            if objected {
                dropped.insert(step.parameter.name.clone(), code);
            }
            !objected
        });
        if self.steps.len() == before {
            return;
        }
        if let Some(guard) = guard {
            self.decision.guards.insert(guard);
        }
        if self.steps.is_empty() {
            self.decision.skip = Some(whole);
        }
    }

    fn drop_all(&mut self, code: SkipCode, guard: Option<Guard>) {
        self.drop_where(code, code, guard, |_| true);
    }

    fn finish(mut self) -> Decision {
        self.decision.steps = self
            .steps
            .into_iter()
            .map(|step| Applied {
                param: step.parameter.name.clone(),
                old: step.old,
                delta: step.delta,
                new: step.new,
                at_bound: step.at_bound,
            })
            .collect();
        self.decision
    }
}

#[cfg(test)]
mod tests;
