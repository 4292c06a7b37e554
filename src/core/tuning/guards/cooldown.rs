//! Guard 7, `cooldown`: after a large step its effect is waited for.

use crate::core::number::TOLERANCE;
use crate::core::policy::run::RunPolicy;
use crate::core::tuning::record::Applied;
use crate::core::tuning::state::TunerState;

/// Whether nothing may be applied in this iteration.
pub fn is_active(state: &TunerState, number: u64) -> bool {
    state.cooldown_until.is_some_and(|until| number <= until)
}

/// Up to which iteration nothing may be applied after these steps of iteration `number`; `None` when they are
/// not large. A step is large when the sum of |change| ÷ width of the bounds is above the policy's limit.
pub fn after(policy: &RunPolicy, number: u64, steps: &[Applied]) -> Option<u64> {
    let size: f64 = steps
        .iter()
        .filter_map(|step| Some((step.new - step.old).abs() / policy.parameters.get(&step.param)?.width()))
        .sum();
    let rules = &policy.guards.cooldown;
    (size > rules.large_step + TOLERANCE).then(|| number.saturating_add(rules.iterations))
}
