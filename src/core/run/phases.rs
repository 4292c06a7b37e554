//! The phases of a run with `--warmup`: a preset at the start, then back to the run's own values in equal
//! steps, then steady. Moves parameters between iterations; must not look at measurements.

use std::collections::BTreeSet;

use super::iteration::Phase;
use crate::core::params::{ParamName, ParamValues};
use crate::core::policy::run::{Phases, Preset};
use crate::core::tuning::guards::oscillation::merged;
use crate::core::tuning::parameters::Parameters;
use crate::core::tuning::steps;

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
        let new = steps::preset(parameter, value, *step);
        let made = steps::clean(new - value);
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
        let share = if shares <= 1 { whole } else { parameter.rounded(steps::clean(whole / shares as f64)) };
        let rest = steps::clean(whole - share);
        if rest != 0.0 {
            left.push((name.clone(), rest));
        }
        if share != 0.0 {
            params.insert(name.clone());
        }
        let new = parameter.clamp(steps::add(parameter, value, -share));
        if new != value {
            changed.push((name.clone(), new));
        }
    }
    Moved { overrides: merged(overrides, changed), offset: ParamValues::new(left), params }
}

#[cfg(test)]
mod tests;
