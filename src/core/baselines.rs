//! The life of a baseline: steps that are each within the margin and add up to more, and changes that are known.
//!
//! Pure; where baselines are kept is the business of `flow`.

use super::kpi::{Direction, KpiId};
use super::number::TOLERANCE;
use super::policy::KpiRule;

/// A baseline that was promoted.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its number in the history.
    pub sequence: u64,
    /// Means over the window of significance, in the order of the rules; `None` = unknown.
    pub means: Vec<Option<f64>>,
}

/// Baselines that slid away from a better one, no step of them beyond the margin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slide {
    /// The KPI.
    pub kpi: KpiId,
    /// Number of the better baseline.
    pub from: u64,
    /// Number of the newest one.
    pub to: u64,
    /// By how much the newest is worse, in the KPI's unit.
    pub by: f64,
    /// The margin around the better one.
    pub margin: f64,
}

/// Where the newest of these baselines, oldest first, is worse than an earlier one by more than the margin although
/// no step in between was. The farthest slide of each KPI.
pub fn ratchet(steps: &[Step], rules: &[KpiRule]) -> Vec<Slide> {
    let slides = rules.iter().enumerate().filter_map(|(at, rule)| {
        let (kpi, rule_margin) = (rule.kpi, rule.margin.as_ref()?);
        let bad = bad(kpi)?;
        let known: Vec<(u64, f64)> =
            steps.iter().filter_map(|step| Some((step.sequence, step.means[at]?))).collect();
        let (newest, rest) = known.split_last()?;
        let mut later = newest;
        let mut worst: Option<Slide> = None;
        for earlier in rest.iter().rev() {
            let margin = |level: f64| rule_margin.around(level) + TOLERANCE;
            if bad * (later.1 - earlier.1) > margin(earlier.1) {
                // A step like that was seen and taken on purpose; what was before it is no slide.
                break;
            }
            let (by, margin) = (bad * (newest.1 - earlier.1), margin(earlier.1));
            if by > margin && worst.is_none_or(|worst| by > worst.by) {
                worst = Some(Slide { kpi, from: earlier.0, to: newest.0, by, margin });
            }
            later = earlier;
        }
        worst
    });
    slides.collect()
}

/// Where the newest of these baselines, oldest first, is worse than the one before it by more than the margin: a step
/// like that is for someone to take on purpose, and to be told of.
pub fn step_down(steps: &[Step], rules: &[KpiRule]) -> Vec<Slide> {
    let [.., before, newest] = steps else { return Vec::new() };
    let worse = rules.iter().enumerate().filter_map(|(at, rule)| {
        let (kpi, margin) = (rule.kpi, rule.margin.as_ref()?);
        let bad = bad(kpi)?;
        let (was, is) = (before.means[at]?, newest.means[at]?);
        let (by, margin) = (bad * (is - was), margin.around(was));
        let slide = Slide { kpi, from: before.sequence, to: newest.sequence, by, margin };
        (by > margin + TOLERANCE).then_some(slide)
    });
    worse.collect()
}

/// +1 where more is worse, −1 where less is; `None` where neither is.
fn bad(kpi: KpiId) -> Option<f64> {
    Some(match kpi.direction? {
        Direction::Higher => -1.0,
        Direction::Lower => 1.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::compare::fixture::four;

    fn slides(nets: &[Option<f64>]) -> Vec<(u64, u64, f64)> {
        let steps: Vec<Step> = (1..)
            .zip(nets)
            .map(|(sequence, net)| Step { sequence, means: vec![Some(0.9), *net, Some(300.0), Some(0.3)] })
            .collect();
        let told = ratchet(&steps, &four(0.25));
        told.iter()
            .map(|slide| {
                assert_eq!(slide.kpi, KpiId::NET_BPS);
                (slide.from, slide.to, slide.by)
            })
            .collect()
    }

    #[test]
    fn small_steps_for_the_worse_that_add_up_are_a_slide() {
        // Quarters and eighths are exact in binary; the margin is a quarter.
        assert_eq!(slides(&[Some(3.0), Some(2.875), Some(2.75)]), []);
        assert_eq!(slides(&[Some(3.0), Some(2.875), Some(2.625)]), [(1, 3, 0.375)]);
        assert_eq!(slides(&[Some(2.75), Some(3.0), Some(2.875), Some(2.625)]), [(2, 4, 0.375)]);
        // For the better, and a single baseline.
        assert_eq!(slides(&[Some(2.0), Some(2.25), Some(2.5), Some(2.75)]), []);
        assert_eq!(slides(&[Some(2.0)]), []);
        assert_eq!(slides(&[]), []);
    }

    #[test]
    fn a_step_beyond_the_margin_was_taken_on_purpose_and_starts_anew() {
        assert_eq!(slides(&[Some(3.0), Some(2.5), Some(2.375)]), []);
        assert_eq!(slides(&[Some(3.0), Some(2.5), Some(2.375), Some(2.125)]), [(2, 4, 0.375)]);
        // What is unknown is no step.
        assert_eq!(slides(&[Some(3.0), None, Some(2.75), Some(2.5)]), [(1, 4, 0.5)]);
    }
}
