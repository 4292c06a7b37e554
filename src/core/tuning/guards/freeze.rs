//! Guard 4, `freeze`: what has been found good is left alone for a while.
//!
//! Seen and recorded whether or not anything is applied; must not look at more than this iteration's values
//! and the streak.

use super::{Case, Step};
use crate::core::policy::run::FreezeRules;
use crate::core::tuning::propose::{all_hold, told};
use crate::core::tuning::state::TunerState;

/// What an iteration means for the freeze.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
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
    pub fn look(
        rules: &FreezeRules,
        state: &TunerState,
        number: u64,
        values: Option<&[Option<f64>]>,
    ) -> Self {
        let is_active = state.frozen_until.is_some_and(|until| number <= until);
        let stable = values.filter(|values| all_hold(&rules.when, values));
        let streak = if stable.is_some() { state.stable_streak.saturating_add(1) } else { 0 };
        match stable {
            Some(values) if !is_active && streak >= rules.in_a_row && rules.lasts > 0 => Self {
                is_active,
                starts: Some(reason(rules, values)),
                until: Some(number.saturating_add(rules.lasts)),
                streak: 0,
            },
            _ => Self { is_active, starts: None, until: state.frozen_until, streak },
        }
    }

    /// Whether its parameters are held in this iteration.
    pub fn holds(&self) -> bool {
        self.is_active || self.starts.is_some()
    }
}

/// Whether the step is on a frozen parameter.
pub fn holds(case: &Case<'_>, step: &Step<'_>) -> bool {
    case.frozen && case.policy.guards.freeze.parameters.contains(&step.parameter.name)
}

/// `2 stable iterations in a row: risk_ratio 0.33 <= 0.35, net_bps 3.05 >= 2.70`.
fn reason(rules: &FreezeRules, values: &[Option<f64>]) -> String {
    let conditions: Vec<String> = rules
        .when
        .iter()
        .filter_map(|bound| told(bound, values.get(bound.kpi.index()).copied().flatten()?))
        .collect();
    format!("{} stable iterations in a row: {}", rules.in_a_row, conditions.join(", "))
}
