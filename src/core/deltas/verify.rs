//! The verification itself: one pass over the iterations.
//!
//! Must not guess: a value that is not in the files is missing, a pair that cannot be seen is unverifiable.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    Attention, Counts, DETAILED_PAIRS, KeyCheck, KeyState, Next, Pair, PairStatus, Status, Verification, Why,
};
use crate::core::guards::{Guard, GuardSet};
use crate::core::iteration::Tuning;
use crate::core::number::TOLERANCE;
use crate::core::params::{ParamName, ParamValues};
use crate::core::series::{Row, Series};

/// Holds every proposal in the series against the overrides around it.
///
/// `fallback` holds tuning records by iteration number; one counts where the iteration itself carries no
/// tuning record at all, so that a proposal emptied on purpose stays empty. `end_state` are the overrides
/// that the run left behind: they stand after the last iteration, if that one carries its own overrides.
pub fn verify(
    series: &Series,
    fallback: &BTreeMap<u64, Tuning>,
    end_state: Option<&ParamValues>,
) -> Verification {
    let absent = Tuning::default();
    let rows = series.rows();
    let mut tally = Tally::default();
    for (position, row) in rows.iter().enumerate() {
        let tuning =
            if row.tuning == absent { fallback.get(&row.number).unwrap_or(&absent) } else { &row.tuning };
        if tuning.deltas.is_empty() {
            tally.counts.none += 1;
        } else {
            let (pair, missing) = judge(row, tuning, rows.get(position + 1), end_state);
            tally.counts.missing_values += missing;
            tally.add(pair);
        }
    }
    tally.finish()
}

#[derive(Default)]
struct Tally {
    pairs: Vec<Pair>,
    counts: Counts,
    misses: BTreeMap<ParamName, usize>,
    detailed: [usize; Attention::ALL.len()],
}

impl Tally {
    fn add(&mut self, mut pair: Pair) {
        let counts = &mut self.counts;
        counts.proposed += 1;
        counts.claimed += usize::from(pair.claimed);
        *match pair.status {
            PairStatus::Full => &mut counts.full,
            PairStatus::Partial { explained: true } => &mut counts.partial_explained,
            PairStatus::Partial { explained: false } => &mut counts.partial_unexplained,
            PairStatus::Skipped => &mut counts.skipped,
            PairStatus::Failed => &mut counts.failed,
            PairStatus::Stuck => &mut counts.stuck,
            PairStatus::Unverifiable => &mut counts.unverifiable,
        } += 1;
        let attention = pair.status.attention();
        if attention == Attention::Failing {
            for key in pair.keys.iter().filter(|key| !key.state.is_applied()) {
                *self.misses.entry(key.param.clone()).or_default() += 1;
            }
        }
        let detailed = &mut self.detailed[attention as usize];
        if *detailed < DETAILED_PAIRS {
            *detailed += 1;
        } else {
            pair.keys = Box::default();
        }
        self.pairs.push(pair);
    }

    fn finish(self) -> Verification {
        let Self { pairs, counts, misses, detailed: _ } = self;
        let status = if counts.proposed == 0 {
            Status::NoProposals
        } else if counts.claimed > 0 && counts.claimed == counts.unverifiable {
            Status::Unverifiable
        } else {
            Status::Verified
        };
        let share = |part: usize, whole: usize| {
            (status == Status::Verified && whole > 0).then(|| part as f64 / whole as f64)
        };
        Verification {
            full_apply_ratio: share(counts.in_order(), counts.proposed),
            strict_apply_ratio: share(counts.full, counts.claimed),
            pairs,
            counts,
            misses,
            status,
        }
    }
}

/// Both sides of a pair, when they are known.
struct Sides<'a> {
    before: &'a ParamValues,
    after: &'a ParamValues,
}

/// The pair, and how many of its parameters the overrides do not hold.
fn judge(
    row: &Row,
    tuning: &Tuning,
    following: Option<&Row>,
    end_state: Option<&ParamValues>,
) -> (Pair, usize) {
    let own = row.overrides.as_deref();
    let (next, after) = match following {
        Some(following) if row.number.checked_add(1) == Some(following.number) => {
            (Next::Iteration(following.number), following.overrides.as_deref())
        }
        Some(_) => (Next::Gap(row.number.saturating_add(1)), None),
        None if own.is_some() && end_state.is_some() => (Next::EndState, end_state),
        None => (Next::Nothing, None),
    };
    let sides = own.zip(after).map(|(before, after)| Sides { before, after });
    let keys: Box<[KeyCheck]> =
        tuning.deltas.iter().map(|(param, delta)| key(tuning, param, delta, sides.as_ref())).collect();
    let (status, why) = weigh(tuning, next, &keys, sides.as_ref());
    let claimed = match tuning.applied {
        Some(said) => said,
        None => {
            matches!(status, PairStatus::Full | PairStatus::Partial { .. } | PairStatus::Unverifiable)
        }
    };
    let is_missing = |key: &&KeyCheck| key.state == KeyState::Missing;
    let missing = if sides.is_some() { keys.iter().filter(is_missing).count() } else { 0 };
    (Pair { from: row.number, next, status, why, claimed, keys }, missing)
}

fn weigh(tuning: &Tuning, next: Next, keys: &[KeyCheck], sides: Option<&Sides>) -> (PairStatus, Why) {
    let reached = keys.iter().filter(|key| key.state.is_applied()).count();
    match tuning.applied {
        Some(false) => not_applied(tuning, keys),
        Some(true) => applied(tuning, next, keys, sides, reached),
        // The record does not say, so the values decide; without a change a reason is as good as a denial.
        None if reached > 0 => applied(tuning, next, keys, sides, reached),
        None => match not_applied(tuning, keys) {
            (PairStatus::Failed, _) if sides.is_none() => (PairStatus::Unverifiable, unseen(next)),
            verdict => verdict,
        },
    }
}

fn applied(
    tuning: &Tuning,
    next: Next,
    keys: &[KeyCheck],
    sides: Option<&Sides>,
    reached: usize,
) -> (PairStatus, Why) {
    let Some(sides) = sides else {
        // The hashes come from the iteration itself and hold without its neighbour.
        return match (&tuning.old_hash, &tuning.state_hash) {
            (Some(old), Some(new)) if old == new => (PairStatus::Stuck, Why::SameHash),
            _ => (PairStatus::Unverifiable, unseen(next)),
        };
    };
    if reached == keys.len() {
        (PairStatus::Full, Why::AsProposed)
    } else if same(sides.before, sides.after) {
        (PairStatus::Stuck, Why::SameOverrides)
    } else if reached > 0 {
        let explained =
            keys.iter().all(|key| key.state.is_applied() || matches!(key.state, KeyState::Dropped(_)));
        (PairStatus::Partial { explained }, Why::SomeKeys)
    } else {
        (PairStatus::Failed, Why::ValuesDiffer)
    }
}

fn not_applied(tuning: &Tuning, keys: &[KeyCheck]) -> (PairStatus, Why) {
    let text = |text: &Option<Arc<str>>| text.clone().filter(|text| !text.trim().is_empty());
    let (code, note) = tuning.skip.as_ref().map_or((None, None), |skip| (text(&skip.code), text(&skip.note)));
    // The latency guards shape a proposal; they never hold one back.
    let mut guards = GuardSet::default();
    for guard in
        tuning.guards.iter().filter(|guard| !matches!(guard, Guard::LatencySoft | Guard::LatencyHard))
    {
        guards.insert(guard);
    }
    if code.is_some() || note.is_some() || !guards.is_empty() {
        (PairStatus::Skipped, Why::Reason { code, note, guards })
    } else if keys.iter().all(|key| dropped_by(tuning, &key.param).is_some()) {
        (PairStatus::Skipped, Why::AllDropped)
    } else {
        (PairStatus::Failed, Why::NoReason)
    }
}

fn unseen(next: Next) -> Why {
    match next {
        Next::Gap(number) => Why::Gap(number),
        Next::Nothing => Why::NothingAfter,
        Next::Iteration(_) | Next::EndState => Why::NoOverrides,
    }
}

fn key(tuning: &Tuning, param: &ParamName, delta: f64, sides: Option<&Sides>) -> KeyCheck {
    let before = sides.and_then(|sides| sides.before.get(param));
    let after = sides.and_then(|sides| sides.after.get(param));
    let state = state(tuning, param, delta, before, after);
    KeyCheck { param: param.clone(), delta, before, after, state }
}

fn state(
    tuning: &Tuning,
    param: &ParamName,
    delta: f64,
    before: Option<f64>,
    after: Option<f64>,
) -> KeyState {
    let dropped = || dropped_by(tuning, param).map(|code| KeyState::Dropped(code.clone()));
    let (Some(before), Some(after)) = (before, after) else {
        return dropped().unwrap_or(KeyState::Missing);
    };
    let change = after - before;
    if close(change, delta) {
        KeyState::Applied
    } else if let Some(dropped) = dropped() {
        dropped
    } else if close(change, 0.0) {
        KeyState::Unchanged
    } else if is_capped(tuning, param, delta, change, after) {
        KeyState::Capped
    } else {
        KeyState::Mismatch { stored_as_value: close(after, delta) }
    }
}

/// A bound stopped the change: same direction, smaller step, and the record holds the value that is seen.
fn is_capped(tuning: &Tuning, param: &ParamName, delta: f64, change: f64, after: f64) -> bool {
    change.signum() == delta.signum()
        && change.abs() < delta.abs()
        && tuning.applied_values.iter().any(|value| {
            value.param == *param && value.at_bound && value.new.is_some_and(|new| close(new, after))
        })
}

fn dropped_by<'a>(tuning: &'a Tuning, param: &ParamName) -> Option<&'a Arc<str>> {
    tuning.dropped.iter().find(|(dropped, _)| dropped == param).map(|(_, code)| code)
}

fn same(a: &ParamValues, b: &ParamValues) -> bool {
    a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.0 == b.0 && close(a.1, b.1))
}

/// Equal within [`TOLERANCE`], absolute.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= TOLERANCE
}

#[cfg(test)]
mod tests;
