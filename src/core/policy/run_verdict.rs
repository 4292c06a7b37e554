//! The rule of the run verdict: from passing iterations to PASS, WARN or FAIL. No number of its own.

use super::{Limit, WindowSpec};
use crate::core::verdict::LimitSource;

/// Whether the run verdict asks for a freeze.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreezeRule {
    /// PASS needs a freeze in the window; without one it is WARN at best.
    Require,
    /// Freezes are shown and change nothing.
    Ignore,
}

/// PASS, WARN or FAIL by the number of passing iterations.
#[derive(Clone, Debug, PartialEq)]
pub struct RunVerdictRule {
    /// Where to look.
    pub window: WindowSpec,
    /// Share of the window that must pass for PASS; the count is rounded up.
    pub pass_share: Limit,
    /// Share of the window that must pass for WARN; the count is rounded up.
    pub warn_share: Limit,
    /// With fewer iterations the verdict is INCONCLUSIVE.
    pub min_iterations: usize,
    /// The same by the policy files, whatever a flag or a variable says.
    pub own_min_iterations: usize,
    /// Whether PASS needs a freeze.
    pub freeze: FreezeRule,
    /// Where the freeze rule comes from.
    pub freeze_source: LimitSource,
}

impl RunVerdictRule {
    /// What a reader must know where fewer iterations suffice than the policy files ask for. `None` = they do not.
    pub fn smoke_test(&self) -> Option<String> {
        (self.min_iterations < self.own_min_iterations).then(|| {
            format!(
                "smoke test: a minimum of {} was asked for, the minimum of the policy is {}",
                self.min_iterations, self.own_min_iterations
            )
        })
    }
}
