//! What the tuner did in one iteration, as it is written down.

use std::collections::BTreeMap;

use crate::core::guards::{Guard, GuardSet};
use crate::core::params::{ParamName, ParamValues};

/// An increment that the tuner proposes, with its reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    /// The parameter.
    pub param: ParamName,
    /// The increment, not 0.
    pub delta: f64,
    /// `LATENCY_BUFFER: p95_latency_ms 342 >= 330`: the row's tag and the conditions that held.
    pub reason: String,
}

/// What applying an increment did.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The parameter.
    pub param: ParamName,
    /// Value before.
    pub old: f64,
    /// The proposed increment.
    pub delta: f64,
    /// Value after.
    pub new: f64,
    /// Whether a bound shortened the step.
    pub at_bound: bool,
}

/// Why nothing, or less than proposed, was applied: the documented codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipCode {
    /// Nothing is applied in the last iteration.
    FinalIteration,
    /// Tuning is switched off (no `--auto-tune`).
    TuningOff,
    /// The iteration's data could not be collected.
    NoData,
    /// A panic revert took the place of tuning.
    PanicRevert,
    /// The next iteration moves the parameter itself (warm-up, ramp-down).
    PhaseChange,
    /// No row acted.
    NoDeltas,
    /// Every delta was shortened to nothing by a cap, a floor or a bound.
    AllDeltasZeroHitBounds,
    /// One delta was shortened to nothing.
    AtBound,
    /// These deltas of this iteration were applied already.
    SameSignature,
    /// The parameter is frozen.
    Frozen,
    /// All proposed parameters are frozen.
    AllParamsFrozen,
    /// A → B → A.
    Oscillation,
    /// Beyond the hourly limit.
    Velocity,
    /// A large step is being watched.
    Cooldown,
    /// The subsystem is frozen.
    PartialFreeze,
    /// Warm-up and ramp-down change few keys at a time.
    MicroSteps,
    /// Nothing is left to change.
    NoOp,
}

impl SkipCode {
    /// All codes.
    pub const ALL: [Self; 17] = [
        Self::FinalIteration,
        Self::TuningOff,
        Self::NoData,
        Self::PanicRevert,
        Self::PhaseChange,
        Self::NoDeltas,
        Self::AllDeltasZeroHitBounds,
        Self::AtBound,
        Self::SameSignature,
        Self::Frozen,
        Self::AllParamsFrozen,
        Self::Oscillation,
        Self::Velocity,
        Self::Cooldown,
        Self::PartialFreeze,
        Self::MicroSteps,
        Self::NoOp,
    ];

    /// Word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::FinalIteration => "final_iteration",
            Self::TuningOff => "tuning_off",
            Self::NoData => "no_data",
            Self::PanicRevert => "panic_revert",
            Self::PhaseChange => "phase_change",
            Self::NoDeltas => "no_deltas",
            Self::AllDeltasZeroHitBounds => "all_deltas_zero_hit_bounds",
            Self::AtBound => "at_bound",
            Self::SameSignature => "same_signature",
            Self::Frozen => "freeze",
            Self::AllParamsFrozen => "all_params_frozen",
            Self::Oscillation => "oscillation",
            Self::Velocity => "velocity",
            Self::Cooldown => "cooldown",
            Self::PartialFreeze => "partial_freeze",
            Self::MicroSteps => "micro_steps",
            Self::NoOp => "no_op",
        }
    }

    /// The code with this word; `None` for words of other writers.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.word() == word)
    }

    /// The guard that the code speaks of, as readers of a file count it; `None` when it is none of those that
    /// are counted.
    pub fn guard(self) -> Option<Guard> {
        match self {
            Self::Frozen | Self::AllParamsFrozen => Some(Guard::Freeze),
            Self::Oscillation => Some(Guard::Oscillation),
            Self::Velocity => Some(Guard::Velocity),
            Self::Cooldown => Some(Guard::Cooldown),
            Self::PartialFreeze => Some(Guard::PartialFreeze),
            Self::NoOp => Some(Guard::NoOp),
            _ => None,
        }
    }
}

/// The tuning record of an iteration that `run` writes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TuningRecord {
    /// What was proposed, sorted by parameter. Also without `--auto-tune`, where nothing is applied.
    pub deltas: Vec<Delta>,
    /// What applying did, sorted by parameter.
    pub applied_values: Vec<Applied>,
    /// Proposed parameters that were not changed, with the reason of each.
    pub dropped: BTreeMap<ParamName, SkipCode>,
    /// The guard that prevented any change; `None` when something was applied.
    pub skip: Option<SkipCode>,
    /// The same in words.
    pub skip_note: Option<String>,
    /// All guards that spoke.
    pub guards: Vec<Guard>,
    /// Why a freeze started in this iteration; `None` = none did.
    pub freeze_started: Option<String>,
    /// Whether a freeze was in force in this iteration.
    pub freeze_active: bool,
    /// Whether the streak of failures put the panic profile in force after this iteration.
    pub panic_revert: bool,
    /// Signature of the proposed deltas, MD5 in hex; `None` when nothing was proposed.
    pub signature: Option<String>,
    /// Hash of the overrides before applying.
    pub old_hash: String,
    /// Hash of the overrides after applying.
    pub state_hash: String,
    /// What the subsystems' freezes held back: subsystem → cause.
    pub partial_freezes: BTreeMap<String, String>,
}

impl TuningRecord {
    /// Whether anything was applied.
    pub fn applied(&self) -> bool {
        !self.applied_values.is_empty()
    }

    /// Whether this guard prevented the change as a whole or dropped one of its parameters.
    pub fn held_back_by(&self, guard: Guard) -> bool {
        self.skip.iter().chain(self.dropped.values()).any(|code| code.guard() == Some(guard))
    }

    /// The guards that spoke, a freeze in force included: what `Tuning::spoke` reads back from its file.
    pub fn spoke(&self) -> GuardSet {
        let mut spoke = GuardSet::default();
        self.guards.iter().for_each(|guard| spoke.insert(*guard));
        if self.freeze_active || self.freeze_started.is_some() {
            spoke.insert(Guard::Freeze);
        }
        spoke
    }

    /// The proposed increments.
    pub fn proposed(&self) -> ParamValues {
        ParamValues::new(self.deltas.iter().map(|delta| (delta.param.clone(), delta.delta)).collect())
    }
}
