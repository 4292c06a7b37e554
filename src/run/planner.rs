//! The planner of a run: what is in force in an iteration, and what becomes of it afterwards.
//!
//! State and event in, next state and record out. Same input, same record; must not know how time passes or
//! where anything is written.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::core::iteration::events::{Events, Restarts};
use crate::core::iteration::guards::{Guard, GuardSet};
use crate::core::iteration::params;
use crate::core::iteration::params::{ParamName, ParamValues, Parameters};
use crate::core::policy::Policy;
use crate::core::policy::run::{Phases, Preset, Profile, RunPolicy};
use crate::core::trend::resources::ProcessId;
use crate::run::events::Happened;
use crate::run::iteration::counters::Counters;
use crate::run::iteration::summary::{metrics, summarise};
use crate::run::iteration::tuning::{
    Applied, Delta, RecentChange, SkipCode, TunerState, TuningRecord, of_deltas, of_overrides,
};
use crate::run::iteration::{
    EdgeReport, IterationRecord, IterationSummary, KpiVerdict, Phase, Resources, Sample,
};
use crate::run::tuner::guards::{self, Case, Decision, Freeze, KEPT_HASHES, KEPT_VALUES, decide, merged};
use crate::run::tuner::propose::{Proposal, Question, propose, tag};

/// Plans a run.
#[derive(Clone, Copy, Debug)]
pub struct Planner<'a> {
    /// Everything with a number.
    pub policy: &'a Policy,
    /// How many iterations the run has.
    pub iterations: u64,
    /// How long each lasts; counts where the clock went backwards.
    pub interval: Duration,
    /// Whether deltas are applied.
    pub auto_tune: bool,
    /// The preset of the warm-up; `None` = the run has no phases.
    pub warmup: Option<&'a Preset>,
    /// Name of the source.
    pub source: &'a str,
}

/// An iteration that begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Begin {
    pub phase: Phase,
    /// The overrides in force while it runs.
    pub overrides: ParamValues,
    /// What is left of the warm-up preset's increments once it has begun.
    pub phase_offset: ParamValues,
}

/// When an iteration ran, and what came of it.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its number, from 1.
    pub number: u64,
    /// When it started.
    pub starts: DateTime<Utc>,
    /// When it ended.
    pub ends: DateTime<Utc>,
    /// Whether the command was done before half of the interval was over.
    pub measured_early: bool,
    /// What was collected, or why nothing was.
    pub outcome: Result<EdgeReport, String>,
    /// The watched process tree; `None` = none is watched, and then what the report tells of itself counts. Of one
    /// that is watched and gone nothing is known: what a report tells is another process.
    pub watched: Option<Sample>,
    /// The readings of counters before.
    pub counters: Counters,
    /// Restarts and marks that the store or files show.
    pub happened: Happened,
}

/// Restarts as the watched process shows them. Where the policy asks for them and it is the same process as before, there
/// was none, whatever the store knows; where it could not be looked at, they are unknown unless the store knows them.
fn of_process(
    events: &mut Events,
    is_asked: bool,
    before: Option<ProcessId>,
    resources: Option<&Resources>,
    watched: Option<&Sample>,
) {
    let now = resources.and_then(|resources| resources.process);
    let is_another = before.zip(now).is_some_and(|(before, now)| before != now);
    let count = watched.map_or(0, |sample| sample.restarts).max(u64::from(is_another));
    let failed = watched.and_then(|sample| sample.failed.as_ref());
    if count > 0 || (is_asked && now.is_some()) {
        events.see(Restarts { count, ..Restarts::default() });
        if let Some(restarts) = events.restarts.as_mut().filter(|_| before.is_some() && now.is_some()) {
            restarts.unknown = None;
        }
    } else if let Some(failed) = failed.filter(|_| is_asked && events.restarts.is_none()) {
        events.see(Restarts { unknown: Some(failed.clone()), ..Restarts::default() });
    }
}

impl Planner<'_> {
    /// The memory before the first iteration of a run that starts with these overrides.
    pub fn start(&self, overrides: ParamValues) -> TunerState {
        TunerState { overrides, ..TunerState::default() }
    }

    /// What is in force in iteration `number`, given the memory after the one before.
    pub fn begin(&self, state: &TunerState, number: u64) -> Begin {
        let moved = self.moved(number, &state.overrides, &state.phase_offset);
        Begin { phase: self.phase(number), overrides: moved.overrides, phase_offset: moved.offset }
    }

    /// Everything about an iteration that is over; its `state` is the memory for the next.
    ///
    /// A failed collection proposes nothing and ends what goes "in a row" for the freeze and the tuner's
    /// rows; the row of KPI failures neither grows nor ends with it. One that is only incomplete ends the row of
    /// failed collections.
    pub fn finish(&self, state: &TunerState, begin: Begin, event: Event) -> IterationRecord {
        let Event { number, starts, ends, measured_early, outcome, watched, counters, happened } = event;
        let Happened { mut events, expecting, notes: of_events } = happened;
        let warming_up = begin.phase == Phase::Warmup;
        let told = outcome.as_ref().ok().and_then(|report| report.resources);
        let asked_again = outcome.as_ref().map_or(0, |report| report.asked_again);
        let is_alive = outcome
            .as_ref()
            .is_ok_and(|report| report.incomplete.as_ref().is_none_or(|incomplete| incomplete.is_alive));
        let (mut summary, metrics, collection_failed) = match outcome {
            Ok(report) => {
                let mut summary = summarise(self.policy, &report, warming_up, &counters, ends);
                let failed = report.incomplete.as_ref().map(|incomplete| incomplete.reason.clone());
                if failed.is_some() {
                    (summary.kpi_verdict, summary.kpi_reasons) = (None, Vec::new());
                }
                (summary, metrics(self.policy, &report), failed)
            }
            Err(reason) => {
                let values = vec![None; self.policy.kpis.columns()];
                (IterationSummary { values, ..IterationSummary::default() }, BTreeMap::new(), Some(reason))
            }
        };
        let seen = collection_failed.is_none().then_some(&summary);
        let resources = watched.as_ref().map_or(told, |sample| sample.resources);
        let resources_failed = watched.as_ref().and_then(|sample| sample.failed.clone());
        let now = state.run_seconds + self.run_time(starts, ends);
        let (tuning, state) = if self.policy.run.tunes() {
            self.tune(state, &begin, number, now, seen, is_alive)
        } else {
            without_tuning(state, &begin, now, seen, is_alive)
        };
        let is_asked = self.policy.events.restarts.query_in_force().is_some();
        of_process(&mut events, is_asked, counters.process, resources.as_ref(), watched.as_ref());
        if let Some(restarts) = &mut events.restarts {
            restarts.during = expecting;
        }
        summary.notes.extend(of_events);
        summary.notes.extend(watched.and_then(|sample| sample.note));
        IterationRecord {
            number,
            source: self.source.to_owned(),
            starts,
            ends,
            measured_early,
            phase: begin.phase,
            has_phases: self.warmup.is_some(),
            asked_again,
            collection_failed,
            events,
            overrides: begin.overrides,
            summary,
            metrics,
            resources,
            resources_failed,
            tuning,
            state,
        }
    }

    fn phase(&self, number: u64) -> Phase {
        match self.warmup {
            Some(_) => phase_of(&self.policy.run.phases, number),
            None => Phase::Steady,
        }
    }

    fn moved(&self, number: u64, overrides: &ParamValues, offset: &ParamValues) -> Moved {
        let run = &self.policy.run;
        match self.warmup {
            Some(preset) => moved(&run.phases, &run.parameters, preset, number, overrides, offset),
            None => Moved {
                overrides: overrides.clone(),
                offset: ParamValues::default(),
                params: BTreeSet::new(),
            },
        }
    }

    /// Seconds of run time that an iteration took.
    fn run_time(&self, starts: DateTime<Utc>, ends: DateTime<Utc>) -> f64 {
        (ends - starts).to_std().unwrap_or(self.interval).as_secs_f64()
    }

    /// What the tuner makes of an iteration that is over. `seen` is `None` when its collection failed, `is_alive` says
    /// whether the system under test answered.
    fn tune(
        &self,
        state: &TunerState,
        begin: &Begin,
        number: u64,
        now: f64,
        seen: Option<&IterationSummary>,
        is_alive: bool,
    ) -> (TuningRecord, TunerState) {
        let run = &self.policy.run;
        let values = seen.map(|summary| summary.values.as_slice());
        let fail_streak = fail_streak(state, seen);
        let patience = &run.patience;
        let panics = seen.is_some()
            && number < self.iterations
            && patience.panic_after_fails > 0
            && fail_streak >= patience.panic_after_fails;
        let panic = if panics { run.profile(&patience.panic_profile) } else { None };
        let freeze = Freeze::look(&run.guards.freeze, state, number, values);
        let partial = guards::partial_freezes(run, state, number, values, state.run_seconds, now);
        let proposal = match values {
            Some(values) => {
                propose(Question { policy: run, number, values, overrides: &begin.overrides, state })
            }
            None => Proposal { acted: state.rule_acted.clone(), ..Proposal::default() },
        };
        let open = guards::open_subsystems(&partial);
        let signature = of_deltas(number, &proposal.deltas);
        let old_hash = of_overrides(&begin.overrides);
        let mut hashes = state.override_hashes.clone();
        seen_hash(&mut hashes, &old_hash);
        let next = self.moved(number.saturating_add(1), &begin.overrides, &begin.phase_offset);
        let case = Case {
            policy: run,
            state,
            number,
            off: if number >= self.iterations {
                Some(SkipCode::FinalIteration)
            } else if panic.is_some() {
                Some(SkipCode::PanicRevert)
            } else {
                (!self.auto_tune).then_some(SkipCode::TuningOff)
            },
            warming_up: begin.phase == Phase::Warmup,
            small_steps: begin.phase != Phase::Steady,
            moved_by_phase: &next.params,
            now,
            hashes: &hashes,
            overrides: &begin.overrides,
            frozen: freeze.holds(),
            partial_freezes: &open,
            signature: signature.as_deref(),
        };
        let Decision { steps, dropped, skip, guards } = decide(&case, &proposal);
        let (overrides, phase_offset) = if let Some(profile) = panic {
            reverted(run, begin, profile)
        } else {
            let changes = steps.iter().map(|step| (step.param.clone(), step.new));
            (merged(&begin.overrides, changes), begin.phase_offset.clone())
        };
        let state_hash = of_overrides(&overrides);
        seen_hash(&mut hashes, &state_hash);

        let skip = if seen.is_none() { Some(SkipCode::NoData) } else { skip };
        let record = TuningRecord {
            guards: spoke(guards, &freeze, &proposal.deltas),
            deltas: proposal.deltas,
            dropped,
            skip,
            skip_note: skip.map(|code| skip_note(code, state, &freeze, &open)),
            freeze_started: freeze.starts.clone(),
            freeze_active: freeze.is_active,
            panic_revert: panic.is_some(),
            signature,
            old_hash,
            state_hash,
            partial_freezes: open,
            applied_values: steps,
        };
        let mut after = TunerState {
            overrides,
            run_seconds: now,
            frozen_until: freeze.until,
            stable_streak: freeze.streak,
            fail_streak: if panic.is_some() { 0 } else { fail_streak },
            failed_collections: failed_collections(state, is_alive),
            rule_streaks: proposal.streaks,
            rule_acted: proposal.acted,
            override_hashes: hashes,
            partial_freezes: partial,
            phase_offset,
            ..state.clone()
        };
        if freeze.starts.is_some() {
            after.freeze_reason = freeze.starts;
        }
        remember(run, &mut after, number, record.signature.as_ref(), &record.applied_values);
        (record, after)
    }
}

/// Iterations in a row with KPI FAIL, with this one.
fn fail_streak(state: &TunerState, seen: Option<&IterationSummary>) -> u64 {
    match seen.and_then(|summary| summary.kpi_verdict) {
        Some(KpiVerdict::Fail) => state.fail_streak.saturating_add(1),
        Some(_) => 0,
        None => state.fail_streak,
    }
}

/// Failed collections in a row, with this one.
fn failed_collections(state: &TunerState, is_alive: bool) -> u64 {
    if is_alive { 0 } else { state.failed_collections.saturating_add(1) }
}

/// The memory of a run that has nothing to tune: what may end it early.
fn without_tuning(
    state: &TunerState,
    begin: &Begin,
    now: f64,
    seen: Option<&IterationSummary>,
    is_alive: bool,
) -> (TuningRecord, TunerState) {
    let hash = of_overrides(&begin.overrides);
    let record = TuningRecord { old_hash: hash.clone(), state_hash: hash, ..TuningRecord::default() };
    let after = TunerState {
        run_seconds: now,
        fail_streak: fail_streak(state, seen),
        failed_collections: failed_collections(state, is_alive),
        ..state.clone()
    };
    (record, after)
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

/// Notes what was applied, and forgets what no guard looks at any more.
pub(crate) fn remember(
    policy: &RunPolicy,
    state: &mut TunerState,
    number: u64,
    signature: Option<&String>,
    steps: &[Applied],
) {
    let guards = &policy.guards;
    let (now, window) = (state.run_seconds, guards.velocity.window_seconds);
    if !steps.is_empty() {
        state.last_applied_signature = signature.cloned();
        if let Some(until) = guards::cooldown_after(policy, number, steps) {
            state.cooldown_until = Some(until);
        }
    }
    let keep = guards.partial_freeze.applied_values.max(KEPT_VALUES);
    for step in steps {
        let (param, change) = (step.param.clone(), step.new - step.old);
        state.recent_changes.push(RecentChange { run_seconds: now, param, change });
        state.last_changed.insert(step.param.clone(), number);
        let values = state.applied_values.entry(step.param.clone()).or_default();
        if values.last().is_none_or(|last| (last - step.old).abs() > guards.oscillation.tolerance) {
            // Something else has moved it since: its past is not the tuner's.
            *values = vec![step.old];
        }
        values.push(step.new);
        values.drain(..values.len().saturating_sub(keep));
    }
    state.recent_changes.retain(|change| guards::is_recent(change, now, window));
}

/// Appends a hash where it differs from the last, and keeps as many as are looked at.
pub(crate) fn seen_hash(hashes: &mut Vec<String>, hash: &str) {
    if hashes.last().is_none_or(|last| last != hash) {
        hashes.push(hash.to_owned());
    }
    hashes.drain(..hashes.len().saturating_sub(KEPT_HASHES));
}

/// The guards that spoke: those that dropped something, a freeze that started, and the latency rows, which
/// speak by what they propose.
pub(crate) fn spoke(mut guards: GuardSet, freeze: &Freeze, deltas: &[Delta]) -> Vec<Guard> {
    if freeze.starts.is_some() {
        guards.insert(Guard::Freeze);
    }
    for (row, guard) in [("latency_buffer", Guard::LatencySoft), ("latency_hard", Guard::LatencyHard)] {
        let start = format!("{}:", tag(row));
        if deltas.iter().any(|delta| delta.reason.starts_with(&start)) {
            guards.insert(guard);
        }
    }
    guards.iter().collect()
}

/// A skip in words.
pub(crate) fn skip_note(
    code: SkipCode,
    state: &TunerState,
    freeze: &Freeze,
    open: &BTreeMap<String, String>,
) -> String {
    match code {
        SkipCode::FinalIteration => "nothing is applied in the last iteration".to_owned(),
        SkipCode::TuningOff => "tuning is off".to_owned(),
        SkipCode::NoData => "nothing was collected".to_owned(),
        SkipCode::PanicRevert => "a panic revert took the place of tuning".to_owned(),
        SkipCode::PhaseChange => "the next phase moves these parameters".to_owned(),
        SkipCode::NoDeltas => "no row of the tuner acted".to_owned(),
        SkipCode::AllDeltasZeroHitBounds => "every step was shortened to nothing by a bound".to_owned(),
        SkipCode::AtBound => "the step was shortened to nothing by a bound".to_owned(),
        SkipCode::SameSignature => "this iteration's deltas were applied already".to_owned(),
        SkipCode::Frozen | SkipCode::AllParamsFrozen => match freeze.until {
            Some(until) => format!("frozen up to iteration {until}"),
            None => "frozen".to_owned(),
        },
        SkipCode::Oscillation => "the change would go back to the values before the last".to_owned(),
        SkipCode::Velocity => "the change would be beyond the hourly limit".to_owned(),
        SkipCode::Cooldown => match state.cooldown_until {
            Some(until) => format!("a large step is being watched up to iteration {until}"),
            None => "a large step is being watched".to_owned(),
        },
        SkipCode::PartialFreeze => {
            let held: Vec<String> =
                open.iter().map(|(subsystem, cause)| format!("{subsystem} ({cause})")).collect();
            format!("held back: {}", held.join(", "))
        }
        SkipCode::MicroSteps => "changed parameters rest while the run warms up or ramps down".to_owned(),
        SkipCode::NoOp => "nothing was left to change".to_owned(),
    }
}

/// The phase of an iteration of a run with `--warmup`.
pub fn phase_of(phases: &Phases, number: u64) -> Phase {
    if number <= phases.warmup_iterations {
        Phase::Warmup
    } else if number <= phases.warmup_iterations.saturating_add(phases.rampdown_iterations) {
        Phase::Rampdown
    } else {
        Phase::Steady
    }
}

/// What the start of an iteration makes of the overrides.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// The overrides in force.
    pub overrides: ParamValues,
    /// What is still to be taken back.
    pub offset: ParamValues,
    /// Parameters that the phase has a hand on: those that were moved, and those whose share of the way back a
    /// bound left nothing of. A delta beside it would not arrive as proposed.
    pub params: BTreeSet<ParamName>,
}

/// Moves the overrides as the phase of iteration `number` asks for.
///
/// Iteration 1 applies the preset, clamped, and remembers the offset that was really made. Each iteration of
/// the ramp-down takes back an equal share of what is left (whole parameters rounded, half away from zero),
/// the last one the rest; with no ramp-down that is the first steady iteration. Deltas in between stay.
pub fn moved(
    phases: &Phases,
    parameters: &Parameters,
    preset: &Preset,
    number: u64,
    overrides: &ParamValues,
    offset: &ParamValues,
) -> Moved {
    match phase_of(phases, number) {
        // An offset that is there already was made by this iteration, before it was begun again.
        Phase::Warmup if number == 1 && offset.is_empty() => begun(parameters, preset, overrides),
        Phase::Warmup => {
            Moved { overrides: overrides.clone(), offset: offset.clone(), params: BTreeSet::new() }
        }
        Phase::Rampdown | Phase::Steady => {
            let end = phases.warmup_iterations.saturating_add(phases.rampdown_iterations);
            taken_back(parameters, overrides, offset, end.saturating_sub(number).saturating_add(1))
        }
    }
}

fn begun(parameters: &Parameters, preset: &Preset, overrides: &ParamValues) -> Moved {
    let mut changed = Vec::new();
    let mut offset = Vec::new();
    for (name, step) in &preset.changes {
        let (Some(parameter), Some(value)) = (parameters.get(name), overrides.get(name)) else { continue };
        let new = params::preset_step(parameter, value, *step);
        let made = params::clean(new - value);
        if made != 0.0 {
            changed.push((name.clone(), new));
            offset.push((name.clone(), made));
        }
    }
    let params = changed.iter().map(|(name, _)| name.clone()).collect();
    Moved { overrides: merged(overrides, changed), offset: ParamValues::new(offset), params }
}

/// Takes back one of `shares` equal shares of the offset; `shares` is at least 1.
fn taken_back(parameters: &Parameters, overrides: &ParamValues, offset: &ParamValues, shares: u64) -> Moved {
    let mut changed = Vec::new();
    let mut left = Vec::new();
    let mut params = BTreeSet::new();
    for (name, whole) in offset.iter() {
        let (Some(parameter), Some(value)) = (parameters.get(name), overrides.get(name)) else { continue };
        let share = if shares <= 1 { whole } else { parameter.rounded(params::clean(whole / shares as f64)) };
        let rest = params::clean(whole - share);
        if rest != 0.0 {
            left.push((name.clone(), rest));
        }
        if share != 0.0 {
            params.insert(name.clone());
        }
        let new = parameter.clamp(params::add_step(parameter, value, -share));
        if new != value {
            changed.push((name.clone(), new));
        }
    }
    Moved { overrides: merged(overrides, changed), offset: ParamValues::new(left), params }
}

#[cfg(test)]
mod tests {

    use crate::core::policy::run::RunPolicy;
    use crate::run::fixture;
    use crate::run::planner::*;

    fn at(policy: &RunPolicy, number: u64, overrides: &ParamValues, offset: &ParamValues) -> Moved {
        moved(&policy.phases, &policy.parameters, &policy.presets[0], number, overrides, offset)
    }

    fn value(values: &ParamValues, name: &str) -> Option<f64> {
        values.get(&ParamName::flat(name))
    }

    fn process(started: f64) -> ProcessId {
        ProcessId { pid: Some(7), started }
    }

    /// What an iteration records of restarts: the store saw `seen`, the process before started at the first time, the one
    /// now at the second, and why it could not be sampled.
    fn recorded(
        is_asked: bool,
        seen: Option<Restarts>,
        (before, now): (Option<f64>, Option<f64>),
        failed: Option<&str>,
    ) -> Option<Restarts> {
        let mut events = Events { restarts: seen, ..Events::default() };
        let resources =
            now.map(|started| Resources { process: Some(process(started)), ..Resources::default() });
        let failed = failed.map(str::to_owned);
        let sample = Sample { resources, failed, restarts: 0, note: None };
        of_process(&mut events, is_asked, before.map(process), resources.as_ref(), Some(&sample));
        events.restarts
    }

    #[test]
    fn the_watched_process_shows_restarts_and_their_absence_where_the_policy_asks() {
        let count = |count| Some(Restarts { count, ..Restarts::default() });
        let unknown = |why: &str| Some(Restarts { unknown: Some(why.to_owned()), ..Restarts::default() });
        let (same, other, first) = ((Some(1.0), Some(1.0)), (Some(1.0), Some(2.0)), (None, Some(1.0)));
        let gone = (Some(1.0), None);
        assert_eq!(recorded(true, None, same, None), count(0));
        assert_eq!(recorded(true, None, first, None), count(0));
        assert_eq!(recorded(true, None, other, None), count(1));
        assert_eq!(recorded(true, None, gone, Some("ended")), unknown("ended"));
        // The store did not know it, and the process is the same.
        assert_eq!(recorded(true, unknown("no series"), same, None), count(0));
        assert_eq!(recorded(true, unknown("no series"), first, None), unknown("no series"));
        assert_eq!(recorded(true, unknown("no series"), gone, Some("ended")), unknown("no series"));
        assert_eq!(recorded(true, count(2), other, None), count(2));
        assert_eq!(recorded(true, count(0), gone, Some("ended")), count(0));
        // Nobody asked: what happened is recorded all the same.
        assert_eq!(recorded(false, None, same, None), None);
        assert_eq!(recorded(false, None, other, None), count(1));
        assert_eq!(recorded(false, None, gone, Some("ended")), None);
    }

    #[test]
    fn the_phases_have_their_lengths() {
        let phases = fixture::policy().phases;
        let words = [1, 4, 5, 6, 7, 100].map(|number| phase_of(&phases, number).word());
        assert_eq!(words, ["WARMUP", "WARMUP", "RAMPDOWN", "RAMPDOWN", "STEADY", "STEADY"]);
    }

    #[test]
    fn the_offset_is_what_was_really_made() {
        let policy = fixture::policy();
        let start =
            fixture::values(&[("min_interval_ms", 70.0), ("base_spread_bps_delta", 0.14), ("other", 1.0)]);
        let first = at(&policy, 1, &start, &ParamValues::default());
        // 70 + 15 stops at 80; 0.14 + 0.02.
        assert_eq!(value(&first.overrides, "min_interval_ms"), Some(80.0));
        assert_eq!(value(&first.offset, "min_interval_ms"), Some(10.0));
        assert_eq!(value(&first.overrides, "base_spread_bps_delta"), Some(0.16));
        assert_eq!(value(&first.offset, "base_spread_bps_delta"), Some(0.02));
        assert_eq!(value(&first.overrides, "other"), Some(1.0));
        assert_eq!(first.params.len(), 2);
        // Begun again it is not made again.
        assert_eq!(at(&policy, 1, &first.overrides, &first.offset).overrides, first.overrides);
        assert_eq!(at(&policy, 2, &first.overrides, &first.offset).params.len(), 0);
    }

    #[test]
    fn an_odd_offset_of_a_whole_parameter_goes_back_in_whole_steps() {
        let policy = fixture::policy();
        let start = fixture::values(&[("min_interval_ms", 60.0)]);
        let first = at(&policy, 1, &start, &ParamValues::default());
        // Half of 15 is 7.5, rounded to 8; the rest is 7.
        let fifth = at(&policy, 5, &first.overrides, &first.offset);
        assert_eq!(value(&fifth.overrides, "min_interval_ms"), Some(67.0));
        assert_eq!(value(&fifth.offset, "min_interval_ms"), Some(7.0));
        let sixth = at(&policy, 6, &fifth.overrides, &fifth.offset);
        assert_eq!((value(&sixth.overrides, "min_interval_ms"), sixth.offset.len()), (Some(60.0), 0));
        assert!(at(&policy, 7, &sixth.overrides, &sixth.offset).params.is_empty());
    }

    #[test]
    fn the_way_back_stays_within_the_bounds() {
        let policy = fixture::policy();
        // A delta has taken the interval to 42 in the meantime.
        let (overrides, offset) =
            (fixture::values(&[("min_interval_ms", 42.0)]), fixture::values(&[("min_interval_ms", 15.0)]));
        let fifth = at(&policy, 5, &overrides, &offset);
        assert_eq!(value(&fifth.overrides, "min_interval_ms"), Some(40.0));
        // Where the bound leaves nothing of the share, the phase still has its hand on the parameter: a delta that
        // lifted the value would be taken back at once.
        let sixth = at(&policy, 6, &fifth.overrides, &fifth.offset);
        assert_eq!(sixth.overrides, fifth.overrides);
        assert!(sixth.params.contains(&ParamName::flat("min_interval_ms")));
    }

    #[test]
    fn without_a_ramp_down_the_first_steady_iteration_takes_everything_back() {
        let mut policy = fixture::policy();
        policy.phases.rampdown_iterations = 0;
        let start = fixture::values(&[("base_spread_bps_delta", 0.14)]);
        let first = at(&policy, 1, &start, &ParamValues::default());
        let fifth = at(&policy, 5, &first.overrides, &first.offset);
        assert_eq!((fifth.overrides, fifth.offset.len()), (start, 0));
    }
}
