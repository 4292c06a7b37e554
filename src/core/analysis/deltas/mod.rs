//! Delta verification: did what the tuner proposed reach the overrides?
//!
//! A proposal of iteration k is an increment per parameter. It is checked against the change of that parameter
//! between the overrides in force during iteration k and those in force during iteration k+1. A value that is not in the
//! files is missing, a pair that cannot be seen is unverifiable and never counted as applied. Pure; reads no files.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::core::iteration::Tuning;
use crate::core::iteration::guards::{Guard, GuardSet};
use crate::core::iteration::params::{ParamName, ParamValues};
use crate::core::policy::{DeltaRules, Limit};
use crate::core::series::{Row, Series};
use crate::core::text::number::TOLERANCE;
use crate::core::text::{WORDS, excerpt};
use crate::core::verdict::{Check, Comparison, Outcome, Part, Severity, WindowUsed};

/// Pairs that keep the details of their keys: this many of each [`Attention`]. A run of any length can be
/// verified, but nobody reads more than this.
pub const DETAILED_PAIRS: usize = 1000;

/// What became of a parameter's proposed increment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It changed by the increment.
    Applied,
    /// It changed in the proposed direction until a bound stopped it, as the record says. Counts as applied.
    Capped,
    /// A guard dropped it.
    Dropped,
    /// It did not change.
    Unchanged,
    /// It changed by something else.
    Mismatch,
    /// Its value is unknown on at least one side.
    Missing,
}

/// One proposed increment and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct KeyCheck {
    /// Value during the next iteration; null = unknown.
    pub after: Option<f64>,
    /// Value during the iteration that proposed; null = unknown.
    pub before: Option<f64>,
    /// after − before; null = unknown.
    pub change: Option<f64>,
    /// The code of the guard that dropped it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The proposed increment, in the unit of the parameter.
    pub delta: f64,
    /// The parameter, by its flat name.
    #[schemars(with = "String")]
    pub param: ParamName,
    pub state: KeyState,
    /// Whether the increment was stored as the value instead of being added.
    pub stored_as_value: bool,
}

impl KeyCheck {
    /// Whether the increment reached the overrides.
    pub fn is_applied(&self) -> bool {
        matches!(self.state, KeyState::Applied | KeyState::Capped)
    }
}

/// What a proposal became as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PairStatus {
    /// Every increment was applied, in full or up to its bound.
    Full,
    /// Some increments were applied.
    Partial,
    /// Not applied, with a reason.
    Skipped,
    /// Not applied without a reason, or the values differ from the record.
    Failed,
    /// Recorded as applied, but nothing changed.
    Stuck,
    /// Recorded as applied, but the files do not contain the values.
    Unverifiable,
}

/// How much a pair asks for a look, most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attention {
    /// The increments did not arrive as the record says.
    Failing,
    /// The files do not contain the values.
    Unseen,
    /// Applied, or left out with a reason; counts for the full-apply ratio.
    None,
}

impl Attention {
    /// All of them, most urgent first.
    pub const ALL: [Self; 3] = [Self::Failing, Self::Unseen, Self::None];
}

/// What the values of an iteration are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// The next iteration.
    Iteration,
    /// The next iteration is missing.
    Gap,
    /// The overrides that the run ended with.
    EndState,
    /// It is the last iteration, and nothing contains the values after it.
    Nothing,
}

/// Why a pair has its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// All values changed as proposed.
    AsProposed,
    /// Some values did not change as proposed; the keys say which.
    SomeKeys,
    /// No value changed as proposed, others changed.
    ValuesDiffer,
    /// Both sides hold the same overrides.
    SameOverrides,
    /// The record holds the same hash before and after.
    SameHash,
    /// The record says why nothing was applied.
    Reason {
        /// Documented code.
        code: Option<Arc<str>>,
        /// Free text.
        note: Option<Arc<str>>,
        /// The active guards.
        guards: GuardSet,
    },
    /// Every key has a guard's code.
    AllDropped,
    /// Not applied, and the record has no reason.
    NoReason,
    /// Iteration k+1 is missing.
    Gap(u64),
    /// At least one side carries no overrides.
    NoOverrides,
    /// The last iteration, and nothing shows the values after it.
    NothingAfter,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsProposed => f.write_str("all values changed as proposed"),
            Self::SomeKeys => f.write_str("some values did not change as proposed"),
            Self::ValuesDiffer => f.write_str("no value changed as proposed"),
            Self::SameOverrides => f.write_str("nothing changed although it was said to be applied"),
            Self::SameHash => {
                f.write_str("the hash is the same before and after although it was said to be applied")
            }
            Self::Reason { code, note, guards } => {
                match code {
                    Some(code) => f.write_str(code)?,
                    None => {
                        for (index, guard) in guards.iter().enumerate() {
                            if index > 0 {
                                f.write_str(" + ")?;
                            }
                            f.write_str(guard.word())?;
                        }
                    }
                }
                match note {
                    Some(note) if code.is_some() || !guards.is_empty() => write!(f, ": {note}"),
                    Some(note) => f.write_str(note),
                    None => Ok(()),
                }
            }
            Self::AllDropped => f.write_str("guards dropped every key"),
            Self::NoReason => f.write_str("not applied, and no reason is given"),
            Self::Gap(number) => write!(f, "iteration {number} is missing"),
            Self::NoOverrides => f.write_str("the iterations do not carry their overrides"),
            Self::NothingAfter => f.write_str("no overrides show the values after the last iteration"),
        }
    }
}

/// One proposal and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Pair {
    /// Whether it was applied, by the record or by the values.
    pub claimed: bool,
    /// For `partial`: whether every key that was not applied has the code of a guard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explained: Option<bool>,
    /// The iteration that proposed.
    pub from: u64,
    /// The increments, sorted by parameter. Empty after the first 1000 pairs of a kind.
    pub keys: Box<[KeyCheck]>,
    pub next: Next,
    /// Why it has its status.
    #[serde(serialize_with = "shortened")]
    #[schemars(with = "String")]
    pub reason: Why,
    pub status: PairStatus,
    /// The iteration after; null for the last one.
    pub to: Option<u64>,
}

fn shortened<S: Serializer>(reason: &Why, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&excerpt(&reason.to_string(), WORDS))
}

impl Pair {
    pub fn attention(&self) -> Attention {
        match self.status {
            PairStatus::Unverifiable => Attention::Unseen,
            PairStatus::Failed | PairStatus::Stuck => Attention::Failing,
            PairStatus::Partial if self.explained != Some(true) => Attention::Failing,
            PairStatus::Full | PairStatus::Partial | PairStatus::Skipped => Attention::None,
        }
    }
}

/// How many iterations have which status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "DeltaCounts")]
pub struct Counts {
    /// Iterations that proposed nothing.
    pub none: usize,
    /// Iterations with a proposal; the sum of all below except `claimed`.
    pub proposed: usize,
    /// Fully applied.
    pub full: usize,
    /// Partly applied, with a code for each key that was not.
    pub partial_explained: usize,
    /// Partly applied, without such codes.
    pub partial_unexplained: usize,
    /// Not applied, with a reason.
    pub skipped: usize,
    /// Failed.
    pub failed: usize,
    /// Stuck.
    pub stuck: usize,
    /// Unverifiable.
    pub unverifiable: usize,
    /// Said or seen to be applied.
    pub claimed: usize,
    /// Proposed increments, not iterations, whose parameter the overrides on one side do not hold, although
    /// there are overrides on both.
    #[serde(skip)]
    pub missing_values: usize,
}

impl Counts {
    /// Proposals in order: every increment arrived, or what did not has a reason. What reports call full
    /// applications, and what the full-apply ratio is made of.
    pub fn in_order(&self) -> usize {
        self.full + self.partial_explained + self.skipped
    }

    /// [`Self::in_order`] in percent of the proposals; `None` when nothing was proposed.
    pub fn in_order_percent(&self) -> Option<f64> {
        (self.proposed > 0).then(|| 100.0 * self.in_order() as f64 / self.proposed as f64)
    }
}

/// Whether the ratios mean anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing was proposed.
    NoProposals,
    /// Something was said to be applied, and the files can show none of it.
    Unverifiable,
    /// The ratios hold.
    Verified,
}

impl Status {
    /// Word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoProposals => "no_proposals",
            Self::Unverifiable => "unverifiable",
            Self::Verified => "verified",
        }
    }
}

/// The delta verification of one series.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Verification {
    /// The iterations with a proposal, in order of their numbers.
    #[serde(skip)]
    pub pairs: Vec<Pair>,
    /// How many of each.
    pub counts: Counts,
    /// Parameters by the number of failed, stuck and unexplained pairs in which their increment was not
    /// applied.
    #[schemars(with = "BTreeMap<String, usize>")]
    pub misses: BTreeMap<ParamName, usize>,
    /// (full + explained partial + skipped) ÷ proposed, unrounded; `None` unless the status is verified.
    pub full_apply_ratio: Option<f64>,
    /// full ÷ said or seen to be applied, unrounded; `None` unless the status is verified, and when nothing
    /// was applied.
    pub strict_apply_ratio: Option<f64>,
    /// Whether the ratios mean anything.
    pub status: Status,
}

/// Holds every proposal in the series against the overrides around it.
///
/// `fallback` holds tuning records by iteration number; one counts where the iteration itself carries no
/// tuning record at all, so that a proposal emptied on purpose stays empty. `end_state` are the overrides
/// that the run ended with: they follow the last iteration, if that one carries its own overrides.
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
            PairStatus::Partial if pair.explained == Some(true) => &mut counts.partial_explained,
            PairStatus::Partial => &mut counts.partial_unexplained,
            PairStatus::Skipped => &mut counts.skipped,
            PairStatus::Failed => &mut counts.failed,
            PairStatus::Stuck => &mut counts.stuck,
            PairStatus::Unverifiable => &mut counts.unverifiable,
        } += 1;
        let attention = pair.attention();
        if attention == Attention::Failing {
            for key in pair.keys.iter().filter(|key| !key.is_applied()) {
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
    let number = row.number.saturating_add(1);
    let (next, to, after) = match following {
        Some(following) if following.number == number => {
            (Next::Iteration, Some(number), following.overrides.as_deref())
        }
        Some(_) => (Next::Gap, Some(number), None),
        None if own.is_some() && end_state.is_some() => (Next::EndState, None, end_state),
        None => (Next::Nothing, None, None),
    };
    let sides = own.zip(after).map(|(before, after)| Sides { before, after });
    let keys: Box<[KeyCheck]> =
        tuning.deltas.iter().map(|(param, delta)| key(tuning, param, delta, sides.as_ref())).collect();
    let unseen = match next {
        Next::Gap => Why::Gap(number),
        Next::Nothing => Why::NothingAfter,
        Next::Iteration | Next::EndState => Why::NoOverrides,
    };
    let (status, reason) = weigh(tuning, unseen, &keys, sides.as_ref());
    let claimed = tuning
        .applied
        .unwrap_or(matches!(status, PairStatus::Full | PairStatus::Partial | PairStatus::Unverifiable));
    let is_explained = |key: &KeyCheck| key.is_applied() || key.state == KeyState::Dropped;
    let explained = (status == PairStatus::Partial).then(|| keys.iter().all(is_explained));
    let is_missing = |key: &&KeyCheck| key.state == KeyState::Missing;
    let missing = if sides.is_some() { keys.iter().filter(is_missing).count() } else { 0 };
    (Pair { claimed, explained, from: row.number, keys, next, reason, status, to }, missing)
}

fn weigh(tuning: &Tuning, unseen: Why, keys: &[KeyCheck], sides: Option<&Sides>) -> (PairStatus, Why) {
    let reached = keys.iter().filter(|key| key.is_applied()).count();
    match tuning.applied {
        Some(false) => not_applied(tuning, keys),
        Some(true) => applied(tuning, unseen, keys, sides, reached),
        // The record does not say, so the values decide; without a change a reason is as good as a denial.
        None if reached > 0 => applied(tuning, unseen, keys, sides, reached),
        None => match not_applied(tuning, keys) {
            (PairStatus::Failed, _) if sides.is_none() => (PairStatus::Unverifiable, unseen),
            verdict => verdict,
        },
    }
}

fn applied(
    tuning: &Tuning,
    unseen: Why,
    keys: &[KeyCheck],
    sides: Option<&Sides>,
    reached: usize,
) -> (PairStatus, Why) {
    let Some(sides) = sides else {
        // The hashes come from the iteration itself and hold without its neighbour.
        return match (&tuning.old_hash, &tuning.state_hash) {
            (Some(old), Some(new)) if old == new => (PairStatus::Stuck, Why::SameHash),
            _ => (PairStatus::Unverifiable, unseen),
        };
    };
    if reached == keys.len() {
        (PairStatus::Full, Why::AsProposed)
    } else if same(sides.before, sides.after) {
        (PairStatus::Stuck, Why::SameOverrides)
    } else if reached > 0 {
        (PairStatus::Partial, Why::SomeKeys)
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

fn key(tuning: &Tuning, param: &ParamName, delta: f64, sides: Option<&Sides>) -> KeyCheck {
    let before = sides.and_then(|sides| sides.before.get(param));
    let after = sides.and_then(|sides| sides.after.get(param));
    let change = after.zip(before).map(|(after, before)| after - before);
    let code = dropped_by(tuning, param);
    let state = match change {
        Some(change) if close(change, delta) => KeyState::Applied,
        _ if code.is_some() => KeyState::Dropped,
        None => KeyState::Missing,
        Some(change) if close(change, 0.0) => KeyState::Unchanged,
        Some(change) if is_capped(tuning, param, delta, change, after) => KeyState::Capped,
        Some(_) => KeyState::Mismatch,
    };
    KeyCheck {
        after,
        before,
        change,
        code: code.filter(|_| state == KeyState::Dropped).map(ToString::to_string),
        delta,
        param: param.clone(),
        state,
        stored_as_value: state == KeyState::Mismatch && after.is_some_and(|after| close(after, delta)),
    }
}

/// A bound stopped the change: same direction, smaller step, and the record contains the value that is seen.
fn is_capped(tuning: &Tuning, param: &ParamName, delta: f64, change: f64, after: Option<f64>) -> bool {
    change.signum() == delta.signum()
        && change.abs() < delta.abs()
        && tuning.applied_values.iter().any(|value| {
            value.param == *param
                && value.at_bound
                && value.new.zip(after).is_some_and(|(new, after)| close(new, after))
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

/// One check for each limit of the policy. They do not apply when nothing was proposed or nothing can be seen.
pub fn checks(
    verification: &Verification,
    rules: &DeltaRules,
    strict: bool,
    window: &WindowUsed,
    symbol: Option<&str>,
) -> Vec<Check> {
    let counts = &verification.counts;
    let applies = verification.status == Status::Verified;
    let why_not = match verification.status {
        Status::NoProposals => "nothing was proposed, so there is nothing to verify".to_owned(),
        _ => format!(
            "the iterations do not show the overrides around any of the {} proposals said to be applied, so \
             they cannot be verified",
            counts.claimed
        ),
    };
    let build =
        |gate: &str, statistic: &str, comparison: Comparison, limit: &Limit, seen: f64, words: String| {
            let holds = comparison.holds(seen, limit.value);
            let (outcome, reason) = match (applies, holds) {
                (false, _) => (Outcome::NotApplicable, why_not.clone()),
                (true, true) => (Outcome::Pass, words),
                (true, false) => (Outcome::Fail, words),
            };
            Check {
                part: Part::Deltas,
                gate: gate.to_owned(),
                kpi: None,
                symbol: symbol.map(str::to_owned),
                severity: Severity::Hard,
                window: window.clone(),
                statistic: statistic.to_owned(),
                comparison: Some(comparison),
                limit: Some(limit.value),
                observed: applies.then_some(seen),
                margin: applies.then(|| comparison.margin(seen, limit.value)),
                outcome,
                reason,
                limit_source: Some(limit.source.clone()),
                joins: rules.gates,
                inference: None,
            }
        };
    let ratio_limit = if strict { &rules.full_apply_ratio_strict } else { &rules.full_apply_ratio };
    let in_order = counts.in_order();
    vec![
        build(
            "deltas.full_apply_ratio",
            "full_apply_ratio",
            Comparison::AtLeast,
            ratio_limit,
            verification.full_apply_ratio.unwrap_or_default(),
            format!("{in_order} of {} proposals were applied or left out with a reason", counts.proposed),
        ),
        build(
            "deltas.signature_stuck",
            "count",
            Comparison::AtMost,
            &rules.signature_stuck_max,
            counts.stuck as f64,
            format!("{} proposals were said to be applied and changed nothing", counts.stuck),
        ),
    ]
}

#[cfg(test)]
mod check_tests {
    use super::*;

    use crate::core::verdict::LimitSource;
    use std::collections::BTreeMap;

    fn limit(value: f64, key: &str) -> Limit {
        Limit { value, source: LimitSource { key: key.into(), origin: "test".into() } }
    }

    fn rules(gates: bool) -> DeltaRules {
        DeltaRules {
            gates,
            full_apply_ratio: limit(0.90, "deltas.full_apply_ratio"),
            full_apply_ratio_strict: limit(0.95, "deltas.full_apply_ratio_strict"),
            signature_stuck_max: limit(1.0, "deltas.signature_stuck_max"),
        }
    }

    fn window() -> WindowUsed {
        WindowUsed { name: "overall".into(), first: Some(1), last: Some(9), n: 9 }
    }

    fn verified(full: usize, failed: usize, stuck: usize) -> Verification {
        let proposed = full + failed + stuck;
        Verification {
            pairs: Vec::new(),
            counts: Counts { proposed, full, failed, stuck, claimed: proposed, ..Counts::default() },
            misses: BTreeMap::new(),
            full_apply_ratio: Some(full as f64 / proposed as f64),
            strict_apply_ratio: Some(full as f64 / proposed as f64),
            status: Status::Verified,
        }
    }

    fn outcomes(verification: &Verification, strict: bool) -> (Outcome, Outcome) {
        let checks = checks(verification, &rules(true), strict, &window(), None);
        (checks[0].outcome, checks[1].outcome)
    }

    #[test]
    fn the_ratio_holds_at_its_limit_and_fails_just_below() {
        assert_eq!(outcomes(&verified(9, 1, 0), false).0, Outcome::Pass);
        assert_eq!(outcomes(&verified(8999, 1001, 0), false).0, Outcome::Fail);
        assert_eq!(outcomes(&verified(9001, 999, 0), false).0, Outcome::Pass);
        assert_eq!(outcomes(&verified(19, 1, 0), true).0, Outcome::Pass);
        assert_eq!(outcomes(&verified(18, 1, 0), true).0, Outcome::Fail);
        assert_eq!(outcomes(&verified(9, 1, 0), true).0, Outcome::Fail);
    }

    #[test]
    fn a_ratio_that_only_rounds_up_to_the_limit_fails() {
        // 9496 / 10000 = 0.9496, which three digits would show as 0.950.
        assert_eq!(outcomes(&verified(9496, 504, 0), true).0, Outcome::Fail);
        assert_eq!(outcomes(&verified(9500, 500, 0), true).0, Outcome::Pass);
    }

    #[test]
    fn one_stuck_signature_is_allowed_and_two_are_not() {
        assert_eq!(outcomes(&verified(98, 0, 0), false).1, Outcome::Pass);
        assert_eq!(outcomes(&verified(98, 0, 1), false).1, Outcome::Pass);
        assert_eq!(outcomes(&verified(98, 0, 2), false).1, Outcome::Fail);
    }

    #[test]
    fn a_check_carries_everything_to_redo_it() {
        let checks = checks(&verified(8, 2, 0), &rules(true), true, &window(), Some("BTCUSDT"));
        let ratio = &checks[0];
        assert_eq!(ratio.gate, "deltas.full_apply_ratio");
        assert_eq!(ratio.part, Part::Deltas);
        assert_eq!(ratio.symbol.as_deref(), Some("BTCUSDT"));
        assert_eq!(ratio.severity, Severity::Hard);
        assert_eq!(ratio.comparison, Some(Comparison::AtLeast));
        assert_eq!((ratio.limit, ratio.observed), (Some(0.95), Some(0.8)));
        assert!(ratio.margin.is_some_and(|margin| (margin + 0.15).abs() < 1e-12));
        assert_eq!(
            ratio.limit_source.as_ref().map(|s| s.key.as_str()),
            Some("deltas.full_apply_ratio_strict")
        );
        assert_eq!(ratio.window, window());
        assert_eq!(ratio.reason, "8 of 10 proposals were applied or left out with a reason");
        assert_eq!(checks[1].gate, "deltas.signature_stuck");
        assert_eq!(
            (checks[1].limit, checks[1].observed, checks[1].margin),
            (Some(1.0), Some(0.0), Some(1.0))
        );
    }

    #[test]
    fn the_policy_decides_whether_the_checks_join_the_verdict() {
        for gates in [true, false] {
            let checks = checks(&verified(1, 0, 0), &rules(gates), false, &window(), None);
            assert!(checks.iter().all(|check| check.joins == gates));
        }
    }

    #[test]
    fn checks_do_not_apply_to_nothing_and_say_why() {
        let nothing = Verification {
            pairs: Vec::new(),
            counts: Counts { none: 8, ..Counts::default() },
            misses: BTreeMap::new(),
            full_apply_ratio: None,
            strict_apply_ratio: None,
            status: Status::NoProposals,
        };
        let unseen = Verification {
            counts: Counts { proposed: 3, claimed: 3, unverifiable: 3, ..Counts::default() },
            status: Status::Unverifiable,
            ..nothing.clone()
        };
        for (verification, words) in [(nothing, "nothing was proposed"), (unseen, "cannot be verified")] {
            for check in checks(&verification, &rules(true), false, &window(), None) {
                assert_eq!(check.outcome, Outcome::NotApplicable);
                assert_eq!((check.observed, check.margin), (None, None));
                assert!(check.reason.contains(words), "{}", check.reason);
            }
        }
    }
}
