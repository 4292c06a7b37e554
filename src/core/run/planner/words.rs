//! The decision in words: which guards spoke, and why nothing was applied.

use std::collections::BTreeMap;

use crate::core::guards::{Guard, GuardSet};
use crate::core::tuning::guards::freeze::Freeze;
use crate::core::tuning::propose::tag;
use crate::core::tuning::record::{Delta, SkipCode};
use crate::core::tuning::state::TunerState;

/// The guards that spoke: those that dropped something, a freeze that started, and the latency rows, which
/// speak by what they propose.
pub(super) fn spoke(mut guards: GuardSet, freeze: &Freeze, deltas: &[Delta]) -> Vec<Guard> {
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
pub(super) fn note(
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
