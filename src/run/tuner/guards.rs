//! The guards: which of the proposed steps are taken. Candidates in the documented order; each may drop steps, and
//! the one that drops the last names why nothing was applied.
//!
//! Decides only; the memory is brought up to date by [`crate::core::run::planner`].

use std::collections::{BTreeMap, BTreeSet};

use crate::core::iteration::guards::{Guard, GuardSet};
use crate::core::iteration::params;
use crate::core::iteration::params::{ParamName, ParamValues, Parameter};
use crate::core::policy::run::{FreezeRules, PartialFreezeRules, RunPolicy};
use crate::core::text::number::TOLERANCE;
use crate::run::iteration::tuning as signature;
use crate::run::iteration::tuning::{Applied, Debounce, RecentChange, SkipCode, TunerState};
use crate::run::tuner::propose::{Proposal, all_hold, bound_words};

/// What the guards look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case<'a> {
    /// The numbers of the guards, and the parameters.
    pub policy: &'a RunPolicy,
    /// The memory before this iteration.
    pub state: &'a TunerState,
    /// Number of the iteration.
    pub number: u64,
    /// Why nothing is applied, whatever the guards say.
    pub off: Option<SkipCode>,
    /// Whether the run warms up, which widens the hourly limits.
    pub warming_up: bool,
    /// Whether few keys may move at a time: warm-up and ramp-down.
    pub small_steps: bool,
    /// Parameters that the phase moves between this iteration and the next.
    pub moved_by_phase: &'a BTreeSet<ParamName>,
    /// End of the iteration, seconds of run time.
    pub now: f64,
    /// Hashes of the overrides that have been in force, this iteration's last.
    pub hashes: &'a [String],
    /// The overrides in force.
    pub overrides: &'a ParamValues,
    /// Whether the sensitive parameters are held: a freeze is in force or starts now.
    pub frozen: bool,
    /// Subsystems that are held, with the causes.
    pub partial_freezes: &'a BTreeMap<String, String>,
    /// Signature of the proposal.
    pub signature: Option<&'a str>,
}

/// A step that no guard has objected to yet.
#[derive(Clone, Debug)]
pub(crate) struct Step<'a> {
    pub parameter: &'a Parameter,
    /// Value before.
    pub old: f64,
    /// The proposed increment.
    pub delta: f64,
    /// Value after, within the bounds.
    pub new: f64,
    /// Whether a bound shortened the step.
    pub at_bound: bool,
}

impl Step<'_> {
    /// Its size in widths of the parameter's bounds, at least 0.
    pub(crate) fn size(&self) -> f64 {
        (self.new - self.old).abs() / self.parameter.width()
    }
}

/// What the guards decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Decision {
    /// Steps to take, sorted by parameter; empty = nothing is applied.
    pub steps: Vec<Applied>,
    /// Steps that are not taken, with the code of the guard that dropped each.
    pub dropped: BTreeMap<ParamName, SkipCode>,
    /// Why there are none to take.
    pub skip: Option<SkipCode>,
    /// The guards that dropped something.
    pub guards: GuardSet,
}

/// Asks all guards about a proposal.
pub(crate) fn decide(case: &Case<'_>, proposal: &Proposal) -> Decision {
    let mut candidates = Candidates::of(case, proposal);
    if let Some(code) = case.off {
        candidates.drop_all(code, None);
        candidates.decision.skip = Some(code);
    } else if proposal.deltas.is_empty() {
        let nothing = if proposal.shortened_to_nothing.is_empty() {
            SkipCode::NoDeltas
        } else {
            SkipCode::AllDeltasZeroHitBounds
        };
        candidates.decision.skip = Some(nothing);
    }
    if is_repeated(case) {
        candidates.drop_all(SkipCode::SameSignature, None);
    }
    candidates.drop_where(SkipCode::PhaseChange, SkipCode::PhaseChange, None, |step| {
        case.moved_by_phase.contains(&step.parameter.name)
    });
    candidates.drop_where(SkipCode::Frozen, SkipCode::AllParamsFrozen, Some(Guard::Freeze), |step| {
        is_frozen(case, step)
    });
    let oscillating = Some(Guard::Oscillation);
    candidates
        .drop_where(SkipCode::Oscillation, SkipCode::Oscillation, oscillating, |step| oscillates(case, step));
    if oscillates_as_a_whole(case, &candidates.steps) {
        candidates.drop_all(SkipCode::Oscillation, oscillating);
    }
    candidates.drop_where(SkipCode::Velocity, SkipCode::Velocity, Some(Guard::Velocity), |step| {
        exceeds_velocity(case, step)
    });
    if is_cooling_down(case.state, case.number) {
        candidates.drop_all(SkipCode::Cooldown, Some(Guard::Cooldown));
    }
    let held = Some(Guard::PartialFreeze);
    candidates.drop_where(SkipCode::PartialFreeze, SkipCode::PartialFreeze, held, |step| {
        case.partial_freezes.contains_key(&step.parameter.subsystem)
    });
    if case.small_steps {
        let chosen = micro_steps(case, &candidates.steps);
        candidates.drop_where(SkipCode::MicroSteps, SkipCode::MicroSteps, None, |step| {
            !chosen.contains(&step.parameter.name)
        });
    }
    candidates.drop_where(SkipCode::NoOp, SkipCode::NoOp, Some(Guard::NoOp), |step| step.new == step.old);
    candidates.finish()
}

/// The steps that are left while the guards are candidates.
struct Candidates<'a> {
    steps: Vec<Step<'a>>,
    decision: Decision,
}

impl<'a> Candidates<'a> {
    /// All proposed steps, clamped to the bounds.
    fn of(case: &Case<'a>, proposal: &Proposal) -> Self {
        let mut decision = Decision::default();
        for param in &proposal.shortened_to_nothing {
            decision.dropped.insert(param.clone(), SkipCode::AtBound);
        }
        let steps = proposal
            .deltas
            .iter()
            .filter_map(|delta| {
                let parameter = case.policy.parameters.get(&delta.param)?;
                let old = case.overrides.get(&delta.param)?;
                let wanted = parameter.rounded(params::clean(old + delta.delta));
                let new = parameter.clamp(wanted);
                let at_bound = new != wanted || proposal.shortened_by_bound.contains(&delta.param);
                Some(Step { parameter, old, delta: delta.delta, new, at_bound })
            })
            .collect();
        Self { steps, decision }
    }

    /// Drops the steps that a guard objects to. Where none is left after it, `whole` is why.
    fn drop_where(
        &mut self,
        code: SkipCode,
        whole: SkipCode,
        guard: Option<Guard>,
        objects: impl Fn(&Step<'_>) -> bool,
    ) {
        let before = self.steps.len();
        let dropped = &mut self.decision.dropped;
        self.steps.retain(|step| {
            let objected = objects(step);
            if objected {
                dropped.insert(step.parameter.name.clone(), code);
            }
            !objected
        });
        if self.steps.len() == before {
            return;
        }
        if let Some(guard) = guard {
            self.decision.guards.insert(guard);
        }
        if self.steps.is_empty() {
            self.decision.skip = Some(whole);
        }
    }

    fn drop_all(&mut self, code: SkipCode, guard: Option<Guard>) {
        self.drop_where(code, code, guard, |_| true);
    }

    fn finish(mut self) -> Decision {
        self.decision.steps = self
            .steps
            .into_iter()
            .map(|step| Applied {
                param: step.parameter.name.clone(),
                old: step.old,
                delta: step.delta,
                new: step.new,
                at_bound: step.at_bound,
            })
            .collect();
        self.decision
    }
}

/// Whether this iteration was applied before: its signature is the last one applied, or a parameter was
/// already changed in it. The second holds where values that have moved on since change the proposal, and so
/// its signature.
pub(crate) fn is_repeated(case: &Case<'_>) -> bool {
    let same = case.signature.is_some() && case.state.last_applied_signature.as_deref() == case.signature;
    same || case.state.last_changed.values().any(|changed| *changed >= case.number)
}

/// What an iteration means for the freeze.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Freeze {
    /// Whether one that started earlier is in force in this iteration.
    pub is_active: bool,
    /// Why one starts now.
    pub starts: Option<String>,
    /// Up to and including this iteration; the memory afterwards.
    pub until: Option<u64>,
    /// Stable iterations in a row since the last start; the memory afterwards.
    pub streak: u64,
}

impl Freeze {
    /// Looks at an iteration. `values` is `None` when nothing was collected, which ends a row.
    ///
    /// A freeze holds its parameters from the iteration that starts it, so that they keep their values in all
    /// iterations that it lasts, up to and including the decision of the last of them. Stable iterations
    /// count while it lasts, so the next one may start as soon as it has ended.
    pub(crate) fn look(
        rules: &FreezeRules,
        state: &TunerState,
        number: u64,
        values: Option<&[Option<f64>]>,
    ) -> Self {
        let is_active = state.frozen_until.is_some_and(|until| number <= until);
        let stable = values.filter(|values| rules.is_on && all_hold(&rules.when, values));
        let streak = if stable.is_some() { state.stable_streak.saturating_add(1) } else { 0 };
        match stable {
            Some(values) if !is_active && streak >= rules.in_a_row && rules.lasts > 0 => Self {
                is_active,
                starts: Some(freeze_reason(rules, values)),
                until: Some(number.saturating_add(rules.lasts)),
                streak: 0,
            },
            _ => Self { is_active, starts: None, until: state.frozen_until, streak },
        }
    }

    /// Whether its parameters are held in this iteration.
    pub(crate) fn holds(&self) -> bool {
        self.is_active || self.starts.is_some()
    }
}

/// Whether the step is on a frozen parameter.
pub(crate) fn is_frozen(case: &Case<'_>, step: &Step<'_>) -> bool {
    case.frozen && case.policy.guards.freeze.parameters.contains(&step.parameter.name)
}

/// `2 stable iterations in a row: risk_ratio 0.33 <= 0.35, net_bps 3.05 >= 2.70`.
fn freeze_reason(rules: &FreezeRules, values: &[Option<f64>]) -> String {
    let conditions: Vec<String> = rules
        .when
        .iter()
        .filter_map(|bound| bound_words(bound, values.get(bound.kpi.index()).copied().flatten()?))
        .collect();
    format!("{} stable iterations in a row: {}", rules.in_a_row, conditions.join(", "))
}

/// How many hashes of overrides are looked at, the proposed one included.
pub(crate) const KEPT_HASHES: usize = 3;

/// How many values of a parameter are looked at, the proposed one included.
pub(crate) const KEPT_VALUES: usize = 3;

/// Whether the step brings its parameter back to the value before the last one.
pub(crate) fn oscillates(case: &Case<'_>, step: &Step<'_>) -> bool {
    let rules = &case.policy.guards.oscillation;
    let same = |a: f64, b: f64| (a - b).abs() <= rules.tolerance;
    match case.state.applied_values.get(&step.parameter.name).map(Vec::as_slice) {
        // A value that a phase or a panic revert has moved since is not the tuner's to swing back from.
        Some([.., first, second]) if rules.is_on => {
            same(*second, step.old) && same(*first, step.new) && !same(*first, *second)
        }
        _ => false,
    }
}

/// Whether the steps together bring back the overrides that were in force before the last ones.
pub(crate) fn oscillates_as_a_whole(case: &Case<'_>, steps: &[Step<'_>]) -> bool {
    let [.., first, second] = case.hashes else { return false };
    if !case.policy.guards.oscillation.is_on || steps.is_empty() || first == second {
        return false;
    }
    let changed = steps.iter().map(|step| (step.parameter.name.clone(), step.new));
    signature::of_overrides(&merged(case.overrides, changed)) == *first
}

/// The values with these in their place.
pub(crate) fn merged(
    values: &ParamValues,
    changed: impl IntoIterator<Item = (ParamName, f64)>,
) -> ParamValues {
    let mut pairs: Vec<(ParamName, f64)> = changed.into_iter().collect();
    pairs.extend(values.iter().map(|(name, value)| (name.clone(), value)));
    ParamValues::new(pairs)
}

/// Whether the step, together with what was applied in the window, is beyond the parameter's limit. A step
/// that is exactly on it is not.
pub(crate) fn exceeds_velocity(case: &Case<'_>, step: &Step<'_>) -> bool {
    let rules = &case.policy.guards.velocity;
    let factor = if case.warming_up { rules.warmup_factor } else { 1.0 };
    let limit = step.parameter.max_change_per_hour * factor;
    let spent: f64 = case
        .state
        .recent_changes
        .iter()
        .filter(|change| change.param == step.parameter.name)
        .filter(|change| is_recent(change, case.now, rules.window_seconds))
        .map(|change| change.change.abs())
        .sum();
    rules.is_on && spent + (step.new - step.old).abs() > limit + TOLERANCE
}

/// Whether a change counts at `now`; one that is exactly a window old does not.
pub(crate) fn is_recent(change: &RecentChange, now: f64, window_seconds: f64) -> bool {
    now - change.run_seconds < window_seconds
}

/// Whether nothing may be applied in this iteration.
pub(crate) fn is_cooling_down(state: &TunerState, number: u64) -> bool {
    state.cooldown_until.is_some_and(|until| number <= until)
}

/// Up to which iteration nothing may be applied after these steps of iteration `number`; `None` when they are
/// not large. A step is large when the sum of |change| ÷ width of the bounds is above the policy's limit.
pub(crate) fn cooldown_after(policy: &RunPolicy, number: u64, steps: &[Applied]) -> Option<u64> {
    let size: f64 = steps
        .iter()
        .filter_map(|step| Some((step.new - step.old).abs() / policy.parameters.get(&step.param)?.width()))
        .sum();
    let rules = &policy.guards.cooldown;
    (rules.is_on && size > rules.large_step + TOLERANCE).then(|| number.saturating_add(rules.iterations))
}

/// The causes, as they stand in the memory and in the record.
const OSCILLATION: &str = "oscillation";
const LATENCY: &str = "latency";

/// What an iteration says about a cause; `None` = its value was not measured.
type Signal = Option<bool>;

/// The freezes after an iteration that lasted from `started` to `now`, seconds of run time. `values` is
/// `None` when nothing was collected.
///
/// The key of each is `<subsystem>:<cause>`; those without a signal that are closed are not kept.
pub(crate) fn partial_freezes(
    policy: &RunPolicy,
    state: &TunerState,
    number: u64,
    values: Option<&[Option<f64>]>,
    started: f64,
    now: f64,
) -> BTreeMap<String, Debounce> {
    let rules = &policy.guards.partial_freeze;
    if !rules.is_on {
        return BTreeMap::new();
    }
    let swinging = Some(is_any_swinging(rules, state, number));
    let slow = latency_signal(rules, values);
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
pub(crate) fn open_subsystems(freezes: &BTreeMap<String, Debounce>) -> BTreeMap<String, String> {
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

fn latency_signal(rules: &PartialFreezeRules, values: Option<&[Option<f64>]>) -> Signal {
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

/// The parameters that may move: those that have rested, the largest steps first (change ÷ width of the
/// bounds), equal ones by name.
pub(crate) fn micro_steps(case: &Case<'_>, steps: &[Step<'_>]) -> BTreeSet<ParamName> {
    let rules = &case.policy.guards.micro_steps;
    let mut rested: Vec<&Step<'_>> = steps
        .iter()
        .filter(|step| {
            let last = case.state.last_changed.get(&step.parameter.name);
            !rules.is_on || last.is_none_or(|last| case.number.saturating_sub(*last) > rules.rest)
        })
        .collect();
    rested
        .sort_by(|a, b| b.size().total_cmp(&a.size()).then_with(|| a.parameter.name.cmp(&b.parameter.name)));
    let most = if rules.is_on { rules.keys } else { usize::MAX };
    rested.into_iter().take(most).map(|step| step.parameter.name.clone()).collect()
}

#[cfg(test)]
mod tests {

    use crate::run::fixture;
    use crate::run::iteration::tuning as signature;
    use crate::run::iteration::tuning::{Delta, RecentChange};
    use crate::run::tuner::guards::*;

    /// Iteration 10 of a steady run, 3000 s in.
    struct World {
        policy: RunPolicy,
        state: TunerState,
        overrides: ParamValues,
        hashes: Vec<String>,
        moved_by_phase: BTreeSet<ParamName>,
        partial: BTreeMap<String, String>,
        signature: Option<String>,
        warming_up: bool,
        small_steps: bool,
        off: Option<SkipCode>,
        frozen: bool,
    }

    fn world() -> World {
        let policy = fixture::policy();
        World {
            overrides: policy.parameters.defaults(),
            policy,
            state: TunerState::default(),
            hashes: Vec::new(),
            moved_by_phase: BTreeSet::new(),
            partial: BTreeMap::new(),
            signature: Some("this".to_owned()),
            warming_up: false,
            small_steps: false,
            off: None,
            frozen: false,
        }
    }

    impl World {
        fn decide(&self, deltas: &[(&str, f64)]) -> Decision {
            let case = Case {
                policy: &self.policy,
                state: &self.state,
                number: 10,
                off: self.off,
                warming_up: self.warming_up,
                small_steps: self.small_steps,
                moved_by_phase: &self.moved_by_phase,
                now: 3000.0,
                hashes: &self.hashes,
                overrides: &self.overrides,
                frozen: self.frozen,
                partial_freezes: &self.partial,
                signature: self.signature.as_deref(),
            };
            let deltas = deltas
                .iter()
                .map(|(name, delta)| Delta {
                    param: ParamName::flat(name),
                    delta: *delta,
                    reason: String::new(),
                })
                .collect();
            decide(&case, &Proposal { deltas, ..Proposal::default() })
        }

        fn spent(mut self, name: &str, changes: &[(f64, f64)]) -> Self {
            self.state.recent_changes = changes
                .iter()
                .map(|(at, change)| RecentChange {
                    run_seconds: *at,
                    param: ParamName::flat(name),
                    change: *change,
                })
                .collect();
            self
        }
    }

    fn taken(decision: &Decision) -> Vec<(&str, f64)> {
        decision.steps.iter().map(|step| (step.param.as_str(), step.new)).collect()
    }

    #[test]
    fn velocity_lets_a_parameter_move_up_to_its_limit_and_no_further() {
        let skip = |world: World, delta| world.decide(&[("min_interval_ms", delta)]).skip;
        // 30 ms an hour; the default of 60 allows no more than 20 at once.
        for (spent, delta, expected) in [
            (25.0, 5.0, None),
            (26.0, 5.0, Some(SkipCode::Velocity)),
            (25.0, -5.0, None),
            (26.0, -5.0, Some(SkipCode::Velocity)),
        ] {
            for sign in [1.0, -1.0] {
                let world = world().spent("min_interval_ms", &[(100.0, sign * spent)]);
                assert_eq!(skip(world, delta), expected, "{spent} {delta}");
            }
        }
        // Back and forth counts too.
        let world_of = |changes: &[(f64, f64)]| world().spent("min_interval_ms", changes);
        let swung = [(100.0, 15.0), (200.0, -15.0)];
        assert_eq!(skip(world_of(&swung), 1.0), Some(SkipCode::Velocity));
        // Half as much more while the run warms up.
        let warming = |spent| World { warming_up: true, ..world_of(&[(100.0, spent)]) };
        assert_eq!(skip(warming(40.0), 5.0), None);
        assert_eq!(skip(warming(41.0), 5.0), Some(SkipCode::Velocity));
        // What another parameter did is its own affair.
        assert_eq!(skip(world().spent("tail_age_ms", &[(100.0, 150.0)]), 5.0), None);
        // 0.01 four times is 0.04, whatever the binary sum says.
        let small = world().spent("impact_cap_ratio", &[(1.0, 0.01), (2.0, 0.01), (3.0, 0.01)]);
        assert_eq!(small.decide(&[("impact_cap_ratio", -0.01)]).skip, None);
        let over = world().spent("impact_cap_ratio", &[(1.0, 0.030_000_1)]);
        assert_eq!(over.decide(&[("impact_cap_ratio", -0.01)]).skip, Some(SkipCode::Velocity));
    }

    #[test]
    fn a_guard_that_is_taken_out_stops_nothing() {
        let mut fast = world().spent("min_interval_ms", &[(100.0, 30.0)]);
        assert_eq!(fast.decide(&[("min_interval_ms", 5.0)]).skip, Some(SkipCode::Velocity));
        fast.policy.guards.velocity.is_on = false;
        assert_eq!(fast.decide(&[("min_interval_ms", 5.0)]).skip, None);

        let mut swinging = world();
        swinging.overrides = fixture::values(&[("impact_cap_ratio", 0.095)]);
        swinging.state.applied_values.insert(ParamName::flat("impact_cap_ratio"), vec![0.1, 0.095]);
        let before = merged(&swinging.overrides, [(ParamName::flat("impact_cap_ratio"), 0.1)]);
        swinging.hashes =
            vec![signature::of_overrides(&before), signature::of_overrides(&swinging.overrides)];
        let back = [("impact_cap_ratio", 0.005)];
        assert_eq!(swinging.decide(&back).skip, Some(SkipCode::Oscillation));
        swinging.policy.guards.oscillation.is_on = false;
        assert_eq!(swinging.decide(&back).skip, None);

        let mut small = World { small_steps: true, ..world() };
        let deltas = [("impact_cap_ratio", -0.01), ("min_interval_ms", 5.0), ("tail_age_ms", 30.0)];
        small.state.last_changed.insert(ParamName::flat("impact_cap_ratio"), 9);
        assert_eq!(small.decide(&deltas).steps.len(), 2);
        small.policy.guards.micro_steps.is_on = false;
        assert_eq!(small.decide(&deltas).steps.len(), 3);

        let mut policy = fixture::policy();
        let large = Applied {
            param: ParamName::flat("min_interval_ms"),
            old: 61.0,
            delta: -21.0,
            new: 40.0,
            at_bound: false,
        };
        assert_eq!(cooldown_after(&policy, 10, std::slice::from_ref(&large)), Some(12));
        policy.guards.cooldown.is_on = false;
        assert_eq!(cooldown_after(&policy, 10, &[large]), None);

        let mut stable = vec![None; crate::core::kpi::KpiTable::default().columns()];
        stable[crate::core::kpi::KpiId::RISK_RATIO.index()] = Some(0.3);
        stable[crate::core::kpi::KpiId::NET_BPS.index()] = Some(3.0);
        let state = TunerState { stable_streak: 1, ..TunerState::default() };
        let look = |rules: &FreezeRules| Freeze::look(rules, &state, 10, Some(&stable)).starts.is_some();
        assert!(look(&policy.guards.freeze));
        policy.guards.freeze.is_on = false;
        assert!(!look(&policy.guards.freeze));

        let mut slow = stable.clone();
        slow[crate::core::kpi::KpiId::P95_LATENCY_MS.index()] = Some(400.0);
        let freezes = |policy: &RunPolicy| partial_freezes(policy, &state, 10, Some(&slow), 0.0, 300.0);
        assert!(!freezes(&policy).is_empty());
        policy.guards.partial_freeze.is_on = false;
        assert!(freezes(&policy).is_empty());
    }

    #[test]
    fn a_change_counts_until_it_is_an_hour_old() {
        let at = |run_seconds, now| {
            let change = RecentChange { run_seconds, param: ParamName::flat("tail_age_ms"), change: 1.0 };
            is_recent(&change, now, 3600.0)
        };
        assert!(at(300.0, 3899.9));
        assert!(!at(300.0, 3900.0));
    }

    #[test]
    fn only_the_key_that_is_too_fast_is_dropped() {
        let world = world().spent("min_interval_ms", &[(100.0, 30.0)]);
        let decision = world.decide(&[("min_interval_ms", 5.0), ("tail_age_ms", 30.0)]);
        assert_eq!(taken(&decision), [("tail_age_ms", 630.0)]);
        assert_eq!(decision.dropped.get(&ParamName::flat("min_interval_ms")), Some(&SkipCode::Velocity));
        assert_eq!((decision.skip, decision.guards.contains(Guard::Velocity)), (None, true));
    }

    #[test]
    fn a_step_is_large_above_half_the_width_of_the_bounds() {
        let policy = fixture::policy();
        let step = |name: &str, old: f64, new: f64| Applied {
            param: ParamName::flat(name),
            old,
            delta: new - old,
            new,
            at_bound: false,
        };
        let until = |steps: &[Applied]| cooldown_after(&policy, 10, steps);
        // 20 of 40; 150 of 300; 0.005 of 0.04.
        assert_eq!(until(&[step("min_interval_ms", 60.0, 40.0)]), None);
        assert_eq!(until(&[step("min_interval_ms", 61.0, 40.0)]), Some(12));
        assert_eq!(until(&[step("tail_age_ms", 500.0, 650.0), step("impact_cap_ratio", 0.1, 0.1)]), None);
        assert_eq!(
            until(&[step("tail_age_ms", 500.0, 650.0), step("impact_cap_ratio", 0.1, 0.095)]),
            Some(12)
        );
        assert_eq!(until(&[]), None);
        let mut world = world();
        for (cooling, skip) in [(9, None), (10, Some(SkipCode::Cooldown)), (11, Some(SkipCode::Cooldown))] {
            world.state.cooldown_until = Some(cooling);
            assert_eq!(world.decide(&[("tail_age_ms", 30.0)]).skip, skip, "{cooling}");
        }
    }

    #[test]
    fn a_b_a_is_an_oscillation_within_the_tolerance() {
        let with = |values: &[f64], overrides: f64, delta: f64| {
            let mut world = world();
            world.overrides = fixture::values(&[("impact_cap_ratio", overrides)]);
            world.state.applied_values.insert(ParamName::flat("impact_cap_ratio"), values.to_vec());
            world.decide(&[("impact_cap_ratio", delta)]).skip
        };
        let oscillation = Some(SkipCode::Oscillation);
        assert_eq!(with(&[0.1, 0.095], 0.095, 0.005), oscillation);
        assert_eq!(with(&[0.09, 0.1, 0.095], 0.095, 0.005), oscillation);
        // Within 1e-6 it is the same value.
        assert_eq!(with(&[0.1, 0.095], 0.095, 0.004_999_1), oscillation);
        assert_eq!(with(&[0.1, 0.095], 0.095, 0.004_998_9), None);
        // Two back is no return, and neither is what something else has moved since.
        assert_eq!(with(&[0.1, 0.095, 0.09], 0.09, 0.01), None);
        assert_eq!(with(&[0.1, 0.095], 0.09, 0.01), None);
        assert_eq!(with(&[0.095], 0.095, 0.005), None);
    }

    #[test]
    fn overrides_that_come_back_as_a_whole_are_an_oscillation() {
        let mut world = world();
        let before = merged(&world.overrides, [(ParamName::flat("tail_age_ms"), 630.0)]);
        let now = signature::of_overrides(&world.overrides);
        world.hashes = vec![signature::of_overrides(&before), now.clone()];
        let decision = world.decide(&[("tail_age_ms", 30.0)]);
        assert_eq!((decision.skip, decision.steps.len()), (Some(SkipCode::Oscillation), 0));
        assert_eq!(world.decide(&[("tail_age_ms", 31.0)]).skip, None);
        world.hashes = vec![signature::of_overrides(&before), "another".to_owned(), now];
        assert_eq!(world.decide(&[("tail_age_ms", 30.0)]).skip, None);
    }

    #[test]
    fn the_largest_two_keys_move_and_those_that_moved_rest() {
        // 5 / 40 = 0.125, 30 / 300 = 0.1, 0.01 / 0.04 = 0.25.
        let deltas = [("impact_cap_ratio", -0.01), ("min_interval_ms", 5.0), ("tail_age_ms", 30.0)];
        assert_eq!(world().decide(&deltas).steps.len(), 3);
        let mut world = World { small_steps: true, ..world() };
        assert_eq!(taken(&world.decide(&deltas)), [("impact_cap_ratio", 0.09), ("min_interval_ms", 65.0)]);
        world.state.last_changed.insert(ParamName::flat("impact_cap_ratio"), 9);
        assert_eq!(taken(&world.decide(&deltas)), [("min_interval_ms", 65.0), ("tail_age_ms", 630.0)]);
        world.state.last_changed.insert(ParamName::flat("impact_cap_ratio"), 8);
        assert_eq!(taken(&world.decide(&deltas)), [("impact_cap_ratio", 0.09), ("min_interval_ms", 65.0)]);
        // Equal ones by name.
        let equal = [("impact_cap_ratio", -0.004), ("min_interval_ms", 4.0), ("tail_age_ms", 30.0)];
        world.policy.guards.micro_steps.keys = 1;
        assert_eq!(taken(&world.decide(&equal)), [("impact_cap_ratio", 0.096)]);
    }

    #[test]
    fn what_was_applied_in_this_iteration_is_not_applied_again() {
        let mut world = world();
        world.state.last_applied_signature = Some("this".to_owned());
        assert_eq!(world.decide(&[("tail_age_ms", 30.0)]).skip, Some(SkipCode::SameSignature));
        world.state.last_applied_signature = Some("that".to_owned());
        assert_eq!(world.decide(&[("tail_age_ms", 30.0)]).skip, None);
        world.state.last_changed.insert(ParamName::flat("min_interval_ms"), 9);
        assert_eq!(world.decide(&[("tail_age_ms", 30.0)]).skip, None);
        world.state.last_changed.insert(ParamName::flat("min_interval_ms"), 10);
        assert_eq!(world.decide(&[("tail_age_ms", 30.0)]).skip, Some(SkipCode::SameSignature));
    }

    #[test]
    fn the_guard_that_drops_the_last_key_says_why_and_each_key_keeps_its_own_reason() {
        let mut world = world().spent("min_interval_ms", &[(100.0, 30.0)]);
        world.frozen = true;
        world.partial.insert("edge".to_owned(), "latency".to_owned());
        world.moved_by_phase.insert(ParamName::flat("rescue_max_ratio"));
        let decision = world.decide(&[
            ("impact_cap_ratio", -0.005),
            ("min_interval_ms", 5.0),
            ("rescue_max_ratio", 0.01),
            ("tail_age_ms", 30.0),
        ]);
        let dropped: Vec<(&str, SkipCode)> =
            decision.dropped.iter().map(|(param, code)| (param.as_str(), *code)).collect();
        assert_eq!(
            dropped,
            [
                ("impact_cap_ratio", SkipCode::Frozen),
                ("min_interval_ms", SkipCode::Velocity),
                ("rescue_max_ratio", SkipCode::PhaseChange),
                ("tail_age_ms", SkipCode::PartialFreeze),
            ]
        );
        assert_eq!(decision.skip, Some(SkipCode::PartialFreeze));
        assert_eq!(
            decision.guards.iter().collect::<Vec<_>>(),
            [Guard::Velocity, Guard::Freeze, Guard::PartialFreeze]
        );
    }

    #[test]
    fn a_step_that_the_bounds_leave_nothing_of_is_no_op() {
        let world = world();
        let decision = world.decide(&[("position_limit_ratio", 0.05)]);
        assert_eq!(decision.skip, Some(SkipCode::NoOp));
        assert!(decision.guards.contains(Guard::NoOp));
        let decision = world.decide(&[("min_interval_ms", 25.0)]);
        assert_eq!((taken(&decision), decision.steps[0].at_bound), (vec![("min_interval_ms", 80.0)], true));
        for code in [SkipCode::TuningOff, SkipCode::FinalIteration, SkipCode::PanicRevert] {
            let decision =
                World { off: Some(code), ..super::tests::world() }.decide(&[("tail_age_ms", 30.0)]);
            assert_eq!((decision.skip, decision.steps.len()), (Some(code), 0));
        }
    }
}

#[cfg(test)]
mod partial_freeze_tests {

    use crate::core::iteration::params::ParamName;
    use crate::core::kpi::{KpiId, KpiTable};
    use crate::run::fixture;
    use crate::run::tuner::guards::*;

    /// Whether it is open after each span of (milliseconds, signal).
    fn opened(rules: &PartialFreezeRules, spans: &[(f64, Signal)]) -> Vec<bool> {
        let (mut freeze, mut now) = (Debounce::default(), 100.0);
        spans
            .iter()
            .map(|(ms, signal)| {
                let started = now;
                now += ms / 1000.0;
                freeze = debounced(rules, freeze, *signal, started, now);
                freeze.open_since.is_some()
            })
            .collect()
    }

    const YES: Signal = Some(true);
    const NO: Signal = Some(false);

    fn rules() -> PartialFreezeRules {
        fixture::policy().guards.partial_freeze
    }

    #[test]
    fn it_opens_after_2500_ms_of_signal() {
        assert_eq!(opened(&rules(), &[(2499.0, YES)]), [false]);
        assert_eq!(opened(&rules(), &[(2500.0, YES)]), [true]);
        assert_eq!(opened(&rules(), &[(2501.0, YES)]), [true]);
        assert_eq!(opened(&rules(), &[(1250.0, YES), (1250.0, YES)]), [false, true]);
        // A break starts it anew, also one of which nothing is known.
        assert_eq!(opened(&rules(), &[(2000.0, YES), (1.0, NO), (2000.0, YES)]), [false, false, false]);
        assert_eq!(opened(&rules(), &[(2000.0, YES), (1.0, None), (2000.0, YES)]), [false, false, false]);
    }

    #[test]
    fn it_closes_after_4000_ms_without_signal() {
        let after = |quiet: &[(f64, Signal)]| {
            let spans = [&[(3000.0, YES)], quiet].concat();
            opened(&rules(), &spans).last().copied()
        };
        assert_eq!(after(&[(3999.0, NO)]), Some(true));
        assert_eq!(after(&[(4000.0, NO)]), Some(false));
        assert_eq!(after(&[(2000.0, NO), (2000.0, NO)]), Some(false));
        assert_eq!(after(&[(3000.0, NO), (1.0, YES), (3000.0, NO)]), Some(true));
        assert_eq!(after(&[(9000.0, None)]), Some(true));
    }

    #[test]
    fn it_lasts_3000_ms_even_where_it_could_close_earlier() {
        let rules = PartialFreezeRules { close_after_ms: 1000.0, ..rules() };
        assert_eq!(opened(&rules, &[(2500.0, YES), (2999.0, NO)]), [true, true]);
        assert_eq!(opened(&rules, &[(2500.0, YES), (3000.0, NO)]), [true, false]);
        assert_eq!(opened(&rules, &[(2500.0, YES), (1500.0, NO), (1500.0, NO)]), [true, true, false]);
    }

    #[test]
    fn swinging_is_range_and_two_changes_of_direction() {
        let swings = |values: &[f64]| is_swinging(&rules(), values);
        // Range 10 of a mean of 60 or so is 0.167, 9 is 0.15 at most.
        assert!(swings(&[55.0, 65.0, 55.0, 65.0]));
        assert!(!swings(&[55.0, 65.0, 55.0]), "one change of direction");
        assert!(!swings(&[40.0, 50.0, 60.0, 70.0, 80.0]), "steady tuning");
        // Range 15 of a mean of 100 is 0.15: not above.
        assert!(!swings(&[92.5, 107.5, 92.5, 107.5]));
        assert!(swings(&[92.4, 107.6, 92.4, 107.6]));
        // Only the last five count.
        assert!(!swings(&[10.0, 90.0, 60.0, 61.0, 60.0, 61.0, 60.0]));
        assert!(!swings(&[]) && !swings(&[0.0, 0.0, 0.0]));
    }

    #[test]
    fn a_swing_freezes_two_subsystems_while_the_parameter_moves() {
        let policy = fixture::policy();
        let param = ParamName::flat("min_interval_ms");
        let mut state = TunerState::default();
        state.applied_values.insert(param.clone(), vec![50.0, 70.0, 50.0, 70.0]);
        state.last_changed.insert(param, 6);
        let first = partial_freezes(&policy, &state, 7, None, 1800.0, 2100.0);
        let held: Vec<(String, String)> = open_subsystems(&first).into_iter().collect();
        let cause = || "oscillation".to_owned();
        assert_eq!(held, [("rebid".to_owned(), cause()), ("rescue_taker".to_owned(), cause())]);
        // It was left alone in iteration 7.
        state.partial_freezes = first;
        assert!(open_subsystems(&partial_freezes(&policy, &state, 8, None, 2100.0, 2400.0)).is_empty());
    }

    #[test]
    fn latency_is_a_signal_from_360_ms_on_and_unknown_is_none() {
        let look = |value: Option<f64>| {
            let mut values = vec![None; KpiTable::default().columns()];
            values[KpiId::P95_LATENCY_MS.index()] = value;
            latency_signal(&rules(), Some(&values))
        };
        assert_eq!([359.9, 360.0, 360.1].map(|ms| look(Some(ms))), [NO, YES, YES]);
        assert_eq!((look(None), latency_signal(&rules(), None)), (None, None));
    }
}
