//! How long a run must be for the gates that join its verdict: asked before it starts, and not after three days.
//!
//! Must not judge a run.

use super::sanity::whole;
use super::{GateSet, Judge, KpiGate, Policy, WindowSpec};
use crate::core::course::CourseRules;
use crate::stats::intervals::FEWEST_FOR_PHI;

impl Policy {
    /// The gates that join the verdict and can never be judged in a run of so many iterations, with how many they need.
    /// The run verdict itself is left out: its own minimum can be lowered where it is asked for.
    pub fn beyond(&self, iterations: u64) -> Vec<(String, u64)> {
        let sets = [&self.readiness, &self.goals].into_iter().filter(|set| set.gates);
        let gates = sets.flat_map(|set| set.checks.iter().map(|gate| self.of_gate(set, gate)));
        let course = [("kpi_drift", &self.kpi_drift.course), ("change_points", &self.change_points.course)];
        let course = course.into_iter().filter(|(_, rules)| rules.insists());
        let course = course.map(|(name, rules)| (name.to_owned(), self.of_course(rules)));
        gates.chain(course).filter(|(_, needed)| *needed > iterations).collect()
    }

    fn of_gate(&self, set: &GateSet, gate: &KpiGate) -> (String, u64) {
        let values = gate.count.map_or(gate.min_iterations, |count| count.of.max(gate.min_iterations));
        let own = self.until(gate.window, values);
        // How much neighbours resemble each other is seen in the steady part, or in a window that is longer.
        let of_bound = self.until(WindowSpec::Steady, FEWEST_FOR_PHI).max(own);
        let needed = if gate.judge == Judge::Point { own } else { of_bound };
        (format!("{}.{}", set.name, gate.kpi.name), needed)
    }

    fn of_course(&self, rules: &CourseRules) -> u64 {
        self.until(rules.window, whole(&rules.min_iterations))
    }

    /// The number of the iteration with which a window holds so many.
    fn until(&self, window: WindowSpec, values: usize) -> u64 {
        let before = match window {
            WindowSpec::Steady => self.windows.steady_start.saturating_sub(1),
            WindowSpec::LastN | WindowSpec::Last(_) | WindowSpec::Overall => 0,
        };
        before + values as u64
    }
}
