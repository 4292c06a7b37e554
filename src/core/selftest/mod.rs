//! Can the gates of a policy fail? Faults to put into a run, and which checks notice them.
//!
//! `faults` chooses the faults, [`tamper`] puts them into files, [`result`] judges and tells which gate notices which.
//! Which checks there are is not known here: whatever an [`Analysis`] has is looked at.

mod faults;
pub mod result;
pub(crate) mod scratch;
pub mod tamper;

use schemars::JsonSchema;
use serde::Serialize;

use super::analysis::Analysis;
use super::kpi::KpiId;
use super::verdict::{Check, Outcome};
use crate::core::text::number::TOLERANCE;

#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
pub enum FaultKind {
    /// Every value of the window judged is out of limits.
    #[strum(serialize = "level shift")]
    Shift,
    /// The second half of the steady part moves by three spreads.
    #[strum(serialize = "small level shift")]
    SmallShift,
    /// The steady part drifts, a little more each iteration.
    #[strum(serialize = "drift")]
    Drift,
    /// One iteration is far off.
    #[strum(serialize = "spike")]
    Spike,
    /// The KPI has no value in the window judged.
    #[strum(serialize = "missing KPI")]
    Missing,
    /// The newest file ends in the middle.
    #[strum(serialize = "truncated file")]
    Truncated,
    /// The KPI does not move any more.
    #[strum(serialize = "stuck value")]
    Stuck,
    /// The newest file is a copy of the one before it, but for number and time.
    #[strum(serialize = "copied iteration")]
    Copied,
}

/// A change of the file of one iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Edit {
    /// The KPI gets this value, in its unit.
    Set(KpiId, f64),
    /// The KPI is not told.
    Remove(KpiId),
    /// The file ends in the middle.
    Truncate,
    /// The file gets the content of that of this iteration, but for number and time.
    CopyOf(u64),
}

/// A fault that is put into a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// The KPI it is about; `None` for faults of files.
    pub kpi: Option<KpiId>,
    /// Whether a policy that lets it through is no gate.
    pub must: bool,
    /// What is done, in a sentence.
    pub what: String,
    /// What is done to which iterations.
    pub edits: Vec<(u64, Edit)>,
}

/// A check that reacts to a fault.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Reaction {
    /// Name of the gate.
    pub gate: String,
    /// What it says of the run itself; null where it has no such check.
    pub before: Option<Outcome>,
    /// What it says with the fault.
    pub after: Outcome,
    /// Why.
    pub reason: String,
    /// Whether it takes part in the verdict; the others are advisory.
    pub joins: bool,
}

/// How well a fault is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[schemars(inline)]
pub enum Notice {
    // A check that joins the verdict got worse, and the gate does not let the run pass.
    Caught,
    // A check that joins got worse, and the gate still lets the run pass, as with a WARN.
    Warned,
    // Whether the gate would stop it cannot be seen: the run does not pass by itself, and no gate got worse.
    Hidden,
    // Only checks got worse that do not join the verdict.
    Advised,
    // Nothing says anything.
    Missed,
}

impl Notice {
    /// From what reacted, and whether the gate lets the run itself and the changed run pass.
    ///
    /// Where the run itself does not pass, only a gate that misses by the fault counts as catching it: one that has
    /// too little to judge stops every run.
    pub fn of(reactions: &[Reaction], passes: Passes, must: bool) -> Self {
        let joins = |reaction: &&Reaction| reaction.joins;
        let decides = |reaction: &&Reaction| {
            passes.before
                || reaction.after != Outcome::Inconclusive
                || reaction.before != Some(reaction.after)
        };
        let caught = reactions.iter().filter(joins).any(|reaction| decides(&reaction));
        match (caught, passes.after, reactions.is_empty()) {
            (true, false, _) => Self::Caught,
            (true, true, _) => Self::Warned,
            _ if must && !passes.before => Self::Hidden,
            (false, _, false) => Self::Advised,
            (false, _, true) => Self::Missed,
        }
    }
}

/// What the gate lets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passes {
    /// The run itself.
    pub before: bool,
    /// The run with the fault.
    pub after: bool,
}

/// The checks that say something worse about `after` than about `before`: a worse outcome, or the same one with
/// less room. Those that join come first, then the worst.
pub fn reactions(before: &Analysis, after: &Analysis) -> Vec<Reaction> {
    let known: Vec<&Check> = before.checks().collect();
    let mut reactions: Vec<Reaction> = after
        .checks()
        .filter_map(|check| {
            let same = |other: &&&Check| other.gate == check.gate && other.symbol == check.symbol;
            let earlier = known.iter().find(same).copied();
            got_worse(earlier, check).then(|| Reaction {
                gate: check.gate.clone(),
                before: earlier.map(|earlier| earlier.outcome),
                after: check.outcome,
                reason: check.reason.clone(),
                joins: check.joins,
            })
        })
        .collect();
    reactions.sort_by_key(|reaction| (!reaction.joins, std::cmp::Reverse(reaction.after)));
    reactions
}

fn got_worse(before: Option<&Check>, after: &Check) -> bool {
    if after.outcome <= Outcome::Pass {
        return false;
    }
    let Some(before) = before else { return true };
    let lost_room = || match (before.margin, after.margin) {
        (Some(before), Some(after)) => after < before - TOLERANCE,
        _ => false,
    };
    after.outcome > before.outcome || (after.outcome == before.outcome && lost_room())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::verdict::{Part, Severity, WindowUsed};

    fn check(outcome: Outcome, margin: Option<f64>) -> Check {
        Check {
            part: Part::RunVerdict,
            gate: "run_verdict.pass_count".to_owned(),
            kpi: None,
            symbol: None,
            severity: Severity::Hard,
            window: WindowUsed { name: "last8".to_owned(), first: None, last: None, n: 0 },
            statistic: String::new(),
            comparison: None,
            limit: None,
            observed: None,
            margin,
            outcome,
            reason: String::new(),
            limit_source: None,
            joins: true,
            inference: None,
        }
    }

    #[test]
    fn a_check_reacts_when_its_outcome_or_its_room_got_worse_and_it_does_not_hold() {
        use Outcome::{Fail, Inconclusive, NotApplicable, Pass, Warn};
        let reacts = |before: (Outcome, f64), after: (Outcome, f64)| {
            got_worse(Some(&check(before.0, Some(before.1))), &check(after.0, Some(after.1)))
        };
        assert!(reacts((Pass, 2.0), (Warn, 1.0)));
        assert!(reacts((NotApplicable, 2.0), (Inconclusive, 2.0)));
        // Less room of a gate that holds is no alarm, and neither is a failure as bad as before.
        assert!(!reacts((Pass, 2.0), (Pass, 1.0)));
        assert!(!reacts((Fail, -2.0), (Fail, -2.0)));
        assert!(reacts((Fail, -2.0), (Fail, -3.0)));
        assert!(!reacts((Fail, -3.0), (Fail, -2.0)));
        assert!(!reacts((Fail, -3.0), (Warn, -4.0)));
        assert!(got_worse(None, &check(Warn, None)));
        assert!(!got_worse(None, &check(NotApplicable, None)));
    }

    #[test]
    fn a_fault_is_caught_only_where_the_gate_stops_the_run() {
        let reaction = |joins| Reaction {
            gate: "g".to_owned(),
            before: Some(Outcome::Pass),
            after: Outcome::Warn,
            reason: String::new(),
            joins,
        };
        let of =
            |reactions: &[Reaction], before, after| Notice::of(reactions, Passes { before, after }, false);
        assert_eq!(of(&[reaction(true)], true, false), Notice::Caught);
        assert_eq!(of(&[reaction(true)], true, true), Notice::Warned);
        assert_eq!(of(&[reaction(false)], true, false), Notice::Advised);
        assert_eq!(of(&[reaction(false), reaction(true)], true, false), Notice::Caught);
        assert_eq!(of(&[], true, true), Notice::Missed);
        // A run that fails anyway does not catch what nothing reacts to.
        assert_eq!(of(&[], false, false), Notice::Missed);
    }

    #[test]
    fn what_a_run_that_does_not_pass_hides_is_neither_caught_nor_let_through() {
        let reaction = |before, after, joins| Reaction {
            gate: "g".to_owned(),
            before: Some(before),
            after,
            reason: String::new(),
            joins,
        };
        let neither = Passes { before: false, after: false };
        let of = |reactions: &[Reaction]| Notice::of(reactions, neither, true);
        assert_eq!(of(&[]), Notice::Hidden);
        assert_eq!(of(&[reaction(Outcome::Pass, Outcome::Fail, false)]), Notice::Hidden);
        // Too little to judge stops the run with and without the fault.
        assert_eq!(of(&[reaction(Outcome::Inconclusive, Outcome::Inconclusive, true)]), Notice::Hidden);
        assert_eq!(of(&[reaction(Outcome::Inconclusive, Outcome::Fail, true)]), Notice::Caught);
        assert_eq!(of(&[reaction(Outcome::Pass, Outcome::Inconclusive, true)]), Notice::Caught);
        assert_eq!(of(&[reaction(Outcome::Fail, Outcome::Fail, true)]), Notice::Caught);
        // Of a run that passes the same is let through.
        let passes = Passes { before: true, after: true };
        assert_eq!(Notice::of(&[], passes, true), Notice::Missed);
    }
}
