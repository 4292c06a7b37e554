//! The planner of a run: what is in force in an iteration, and what becomes of it afterwards.
//!
//! State and event in, next state and record out. Same input, same record; must not know how time passes or
//! where anything is written.

mod memory;
mod tune;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::edge_report::EdgeReport;
use super::iteration::{IterationRecord, IterationSummary, Phase, Sample};
use super::phases;
use super::summarise::{metrics, summarise};
use crate::core::params::ParamValues;
use crate::core::policy::Policy;
use crate::core::policy::run::Preset;
use crate::core::tuning::state::TunerState;

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
    /// Its phase.
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
        let Event { number, starts, ends, measured_early, outcome, watched } = event;
        let warming_up = begin.phase == Phase::Warmup;
        let told = outcome.as_ref().ok().and_then(|report| report.resources);
        let is_alive = outcome
            .as_ref()
            .is_ok_and(|report| report.incomplete.as_ref().is_none_or(|incomplete| incomplete.is_alive));
        let (mut summary, metrics, collection_failed) = match outcome {
            Ok(report) => {
                let mut summary = summarise(self.policy, &report, warming_up);
                let failed = report.incomplete.as_ref().map(|incomplete| incomplete.reason.clone());
                if failed.is_some() {
                    (summary.kpi_verdict, summary.kpi_reasons) = (None, Vec::new());
                }
                (summary, metrics(self.policy, &report), failed)
            }
            Err(reason) => {
                let values = vec![None; self.policy.kpis.len()];
                (IterationSummary { values, ..IterationSummary::default() }, BTreeMap::new(), Some(reason))
            }
        };
        let seen = collection_failed.is_none().then_some(&summary);
        let resources = watched.as_ref().map_or(told, |sample| sample.resources);
        let now = state.run_seconds + self.run_time(starts, ends);
        let (tuning, state) =
            tune::tune(self, &tune::Over { state, begin: &begin, number, now, seen, is_alive });
        summary.notes.extend(watched.and_then(|sample| sample.note));
        IterationRecord {
            number,
            source: self.source.to_owned(),
            starts,
            ends,
            measured_early,
            phase: begin.phase,
            has_phases: self.warmup.is_some(),
            collection_failed,
            overrides: begin.overrides,
            summary,
            metrics,
            resources,
            tuning,
            state,
        }
    }

    fn phase(&self, number: u64) -> Phase {
        match self.warmup {
            Some(_) => phases::phase_of(&self.policy.run.phases, number),
            None => Phase::Steady,
        }
    }

    fn moved(&self, number: u64, overrides: &ParamValues, offset: &ParamValues) -> phases::Moved {
        let run = &self.policy.run;
        match self.warmup {
            Some(preset) => phases::moved(&run.phases, &run.parameters, preset, number, overrides, offset),
            None => phases::Moved {
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
}
