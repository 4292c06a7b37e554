//! Guard 8, `partial_freeze`: a subsystem whose parameters swing, or whose latency is too high, is left alone.
//!
//! Signals are debounced in run time. What an iteration shows holds for the whole of its interval, so with
//! intervals of minutes a freeze opens and closes with the iteration that shows the signal or the quiet.

use std::collections::BTreeMap;

use crate::core::policy::run::{PartialFreezeRules, RunPolicy};
use crate::core::tuning::state::{Debounce, TunerState};

/// The causes, as they stand in the memory and in the record.
const OSCILLATION: &str = "oscillation";
const LATENCY: &str = "latency";

/// What an iteration says about a cause; `None` = its value was not measured.
type Signal = Option<bool>;

/// The freezes after an iteration that lasted from `started` to `now`, seconds of run time. `values` is
/// `None` when nothing was collected.
///
/// The key of each is `<subsystem>:<cause>`; those without a signal that are closed are not kept.
pub fn look(
    policy: &RunPolicy,
    state: &TunerState,
    number: u64,
    values: Option<&[Option<f64>]>,
    started: f64,
    now: f64,
) -> BTreeMap<String, Debounce> {
    let rules = &policy.guards.partial_freeze;
    let swinging = Some(is_any_swinging(rules, state, number));
    let slow = latency(rules, values);
    let mut freezes = BTreeMap::new();
    let causes =
        [(OSCILLATION, swinging, &rules.oscillation_freezes), (LATENCY, slow, &rules.latency_freezes)];
    for (cause, signal, subsystems) in causes {
        for subsystem in subsystems {
            let key = format!("{subsystem}:{cause}");
            let before = state.partial_freezes.get(&key).copied().unwrap_or_default();
            let after = debounced(rules, before, signal, started, now);
            if after.signal_since.is_some() || after.open_since.is_some() {
                freezes.insert(key, after);
            }
        }
    }
    freezes
}

/// The subsystems that are frozen, with their causes.
pub fn open(freezes: &BTreeMap<String, Debounce>) -> BTreeMap<String, String> {
    let mut open: BTreeMap<String, String> = BTreeMap::new();
    for (key, _) in freezes.iter().filter(|(_, freeze)| freeze.open_since.is_some()) {
        let Some((subsystem, cause)) = key.rsplit_once(':') else { continue };
        open.entry(subsystem.to_owned())
            .and_modify(|causes| {
                causes.push_str(", ");
                causes.push_str(cause);
            })
            .or_insert_with(|| cause.to_owned());
    }
    open
}

/// The next state of a debounced freeze. An unknown signal is a break of both signal and quiet.
fn debounced(
    rules: &PartialFreezeRules,
    before: Debounce,
    signal: Signal,
    started: f64,
    now: f64,
) -> Debounce {
    // Run time adds up interval by interval; a microsecond is far below any of them.
    let lasted = |since: f64, ms: f64| (now - since) * 1000.0 >= ms - 1e-3;
    let since = |before: Option<f64>, is_there: bool| is_there.then(|| before.unwrap_or(started));
    let signal_since = since(before.signal_since, signal == Some(true));
    let quiet_since = since(before.quiet_since, signal == Some(false));
    let open_since = match before.open_since {
        None => signal_since.filter(|since| lasted(*since, rules.open_after_ms)).map(|_| now),
        Some(open) => {
            let quiet = quiet_since.is_some_and(|since| lasted(since, rules.close_after_ms));
            (!(quiet && lasted(open, rules.minimum_ms))).then_some(open)
        }
    };
    Debounce { open_since, quiet_since, signal_since }
}

fn latency(rules: &PartialFreezeRules, values: Option<&[Option<f64>]>) -> Signal {
    let values = values?;
    let mut known = rules
        .latency_when
        .iter()
        .filter_map(|bound| {
            let value = values.get(bound.kpi.index()).copied().flatten();
            value.map(|_| bound.holds(value))
        })
        .peekable();
    known.peek()?;
    Some(known.any(|holds| holds))
}

/// Whether a parameter swings that was moved after the iteration before: one that is left alone has stopped
/// swinging, whatever its past values look like.
fn is_any_swinging(rules: &PartialFreezeRules, state: &TunerState, number: u64) -> bool {
    state.applied_values.iter().any(|(param, values)| {
        let moved = state.last_changed.get(param).is_some_and(|last| last.saturating_add(1) == number);
        moved && is_swinging(rules, values)
    })
}

/// Whether the last values go up and down too far: range ÷ mean |value| above the limit, with enough changes
/// of direction, so that steady tuning is no oscillation.
fn is_swinging(rules: &PartialFreezeRules, values: &[f64]) -> bool {
    let last = &values[values.len().saturating_sub(rules.applied_values)..];
    let (Some(lowest), Some(highest)) =
        (last.iter().copied().reduce(f64::min), last.iter().copied().reduce(f64::max))
    else {
        return false;
    };
    let mean = last.iter().map(|value| value.abs()).sum::<f64>() / last.len() as f64;
    let directions: Vec<bool> =
        last.windows(2).filter(|pair| pair[0] != pair[1]).map(|pair| pair[1] > pair[0]).collect();
    let changes = directions.windows(2).filter(|pair| pair[0] != pair[1]).count();
    mean > 0.0 && (highest - lowest) / mean > rules.relative_range && changes >= rules.direction_changes
}

#[cfg(test)]
mod tests;
