//! What the tuner makes of an iteration that is over: proposal, guards, panic revert, and the memory afterwards.

use std::collections::BTreeMap;

use super::memory::{remember, seen_hash};
use super::words::{note, spoke};
use super::{Begin, Planner};
use crate::core::params::{ParamName, ParamValues};
use crate::core::policy::run::{Profile, RunPolicy};
use crate::core::run::iteration::{IterationSummary, KpiVerdict, Phase};
use crate::core::tuning::guards::freeze::Freeze;
use crate::core::tuning::guards::oscillation::merged;
use crate::core::tuning::guards::{Case, Decision, Tuning, decide, partial_freeze};
use crate::core::tuning::propose::{Proposal, Question, propose};
use crate::core::tuning::record::{SkipCode, TuningRecord};
use crate::core::tuning::signature;
use crate::core::tuning::state::{Debounce, TunerState};

/// An iteration that is over.
pub(super) struct Over<'a> {
    /// The memory before it.
    pub(super) state: &'a TunerState,
    /// How it began.
    pub(super) begin: &'a Begin,
    /// Its number.
    pub(super) number: u64,
    /// Its end, seconds of run time.
    pub(super) now: f64,
    /// What it measured; `None` = the collection failed.
    pub(super) seen: Option<&'a IterationSummary>,
    /// Whether the source answered what it must: a failed collection can be incomplete only.
    pub(super) is_alive: bool,
}

impl Over<'_> {
    fn values(&self) -> Option<&[Option<f64>]> {
        self.seen.map(|summary| summary.values.as_slice())
    }

    /// Iterations in a row with KPI FAIL. One without data neither adds to them nor ends them.
    fn fail_streak(&self) -> u64 {
        match self.seen.and_then(|summary| summary.kpi_verdict) {
            Some(KpiVerdict::Fail) => self.state.fail_streak.saturating_add(1),
            Some(_) => 0,
            None => self.state.fail_streak,
        }
    }
}

/// What is seen in an iteration, whether or not anything is applied.
struct Observed<'a> {
    fail_streak: u64,
    /// The profile that a panic revert puts in force now.
    panic: Option<&'a Profile>,
    freeze: Freeze,
    partial: BTreeMap<String, Debounce>,
    proposal: Proposal,
}

/// The record of the tuning, and the memory for the next iteration.
pub(super) fn tune(planner: &Planner<'_>, over: &Over<'_>) -> (TuningRecord, TunerState) {
    let run = &planner.policy.run;
    let (begin, number) = (over.begin, over.number);
    let observed = observe(planner, over);
    let open = partial_freeze::open(&observed.partial);
    let signature = signature::of_deltas(number, &observed.proposal.deltas);
    let old_hash = signature::of_overrides(&begin.overrides);
    let mut hashes = over.state.override_hashes.clone();
    seen_hash(&mut hashes, &old_hash);
    let next = planner.moved(number.saturating_add(1), &begin.overrides, &begin.phase_offset);
    let case = Case {
        policy: run,
        state: over.state,
        number,
        tuning: if number >= planner.iterations {
            Tuning::Over
        } else if observed.panic.is_some() {
            Tuning::Reverted
        } else if planner.auto_tune {
            Tuning::On
        } else {
            Tuning::Off
        },
        warming_up: begin.phase == Phase::Warmup,
        small_steps: begin.phase != Phase::Steady,
        moved_by_phase: &next.params,
        now: over.now,
        hashes: &hashes,
        overrides: &begin.overrides,
        frozen: observed.freeze.holds(),
        partial_freezes: &open,
        signature: signature.as_deref(),
    };
    let Decision { steps, dropped, skip, guards } = decide(&case, &observed.proposal);
    let (overrides, phase_offset) = if let Some(profile) = observed.panic {
        reverted(run, begin, profile)
    } else {
        let changes = steps.iter().map(|step| (step.param.clone(), step.new));
        (merged(&begin.overrides, changes), begin.phase_offset.clone())
    };
    let state_hash = signature::of_overrides(&overrides);
    seen_hash(&mut hashes, &state_hash);

    let Observed { fail_streak, panic, freeze, partial, proposal } = observed;
    let skip = if over.seen.is_none() { Some(SkipCode::NoData) } else { skip };
    let record = TuningRecord {
        guards: spoke(guards, &freeze, &proposal.deltas),
        deltas: proposal.deltas,
        dropped,
        skip,
        skip_note: skip.map(|code| note(code, over.state, &freeze, &open)),
        freeze_started: freeze.starts.clone(),
        freeze_active: freeze.is_active,
        panic_revert: panic.is_some(),
        signature,
        old_hash,
        state_hash,
        partial_freezes: open,
        applied_values: steps,
    };
    let before = over.state.clone();
    let mut after = TunerState {
        overrides,
        run_seconds: over.now,
        frozen_until: freeze.until,
        freeze_reason: freeze.starts.or(before.freeze_reason),
        stable_streak: freeze.streak,
        fail_streak: if panic.is_some() { 0 } else { fail_streak },
        failed_collections: if over.is_alive { 0 } else { before.failed_collections.saturating_add(1) },
        rule_streaks: proposal.streaks,
        rule_acted: proposal.acted,
        override_hashes: hashes,
        partial_freezes: partial,
        phase_offset,
        last_applied_signature: before.last_applied_signature,
        cooldown_until: before.cooldown_until,
        applied_values: before.applied_values,
        recent_changes: before.recent_changes,
        last_changed: before.last_changed,
    };
    remember(run, &mut after, number, record.signature.as_ref(), &record.applied_values);
    (record, after)
}

fn observe<'a>(planner: &Planner<'a>, over: &Over<'_>) -> Observed<'a> {
    let run = &planner.policy.run;
    let Over { state, begin, number, now, seen, is_alive: _ } = *over;
    let fail_streak = over.fail_streak();
    let patience = &run.patience;
    let panics = seen.is_some()
        && number < planner.iterations
        && patience.panic_after_fails > 0
        && fail_streak >= patience.panic_after_fails;
    Observed {
        fail_streak,
        panic: if panics { run.profile(&patience.panic_profile) } else { None },
        freeze: Freeze::look(&run.guards.freeze, state, number, over.values()),
        partial: partial_freeze::look(run, state, number, over.values(), state.run_seconds, now),
        proposal: match over.values() {
            Some(values) => {
                propose(Question { policy: run, number, values, overrides: &begin.overrides, state })
            }
            None => Proposal { acted: state.rule_acted.clone(), ..Proposal::default() },
        },
    }
}

/// The overrides with the profile's values in their place, and what the phases still have to take back: none
/// of what the profile set.
fn reverted(run: &RunPolicy, begin: &Begin, profile: &Profile) -> (ParamValues, ParamValues) {
    let set: Vec<(ParamName, f64)> = profile
        .values
        .iter()
        .filter_map(|(name, value)| {
            let parameter = run.parameters.get(name)?;
            Some((name.clone(), parameter.clamp(parameter.rounded(value))))
        })
        .collect();
    let kept = begin.phase_offset.iter().filter(|(name, _)| set.iter().all(|(param, _)| param != *name));
    let offset = ParamValues::new(kept.map(|(name, value)| (name.clone(), value)).collect());
    (merged(&begin.overrides, set), offset)
}
