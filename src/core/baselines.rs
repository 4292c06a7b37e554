//! The life of a baseline: steps that are each within the margin and add up to more, and changes that are known.
//!
//! Pure; where baselines are kept is the business of `flow`.

use super::compare::ORDER;
use super::kpi::{Direction, KpiId, KpiTable};
use super::number::TOLERANCE;
use super::policy::Margin;

/// A baseline that was promoted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Its number in the history.
    pub sequence: u64,
    /// Means over the window of significance, in the order of [`ORDER`]; `None` = unknown.
    pub means: [Option<f64>; ORDER.len()],
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
pub fn ratchet(steps: &[Step], margins: &[Margin; ORDER.len()], kpis: &KpiTable) -> Vec<Slide> {
    let slides = ORDER.into_iter().enumerate().filter_map(|(at, kpi)| {
        let bad = match kpis.get(kpi).direction? {
            Direction::Higher => -1.0,
            Direction::Lower => 1.0,
        };
        let known: Vec<(u64, f64)> =
            steps.iter().filter_map(|step| Some((step.sequence, step.means[at]?))).collect();
        let (newest, rest) = known.split_last()?;
        let mut later = newest;
        let mut worst: Option<Slide> = None;
        for earlier in rest.iter().rev() {
            let margin = |level: f64| margins[at].around(level) + TOLERANCE;
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
pub fn step_down(steps: &[Step], margins: &[Margin; ORDER.len()], kpis: &KpiTable) -> Vec<Slide> {
    let [.., before, newest] = steps else { return Vec::new() };
    let worse = ORDER.into_iter().enumerate().filter_map(|(at, kpi)| {
        let bad = match kpis.get(kpi).direction? {
            Direction::Higher => -1.0,
            Direction::Lower => 1.0,
        };
        let (was, is) = (before.means[at]?, newest.means[at]?);
        let (by, margin) = (bad * (is - was), margins[at].around(was));
        let slide = Slide { kpi, from: before.sequence, to: newest.sequence, by, margin };
        (by > margin + TOLERANCE).then_some(slide)
    });
    worse.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::policy::Limit;
    use crate::core::verdict::LimitSource;

    fn slides(nets: &[Option<f64>]) -> Vec<(u64, u64, f64)> {
        let source = LimitSource { key: String::new(), origin: String::new() };
        let limit = |value| Limit { value, source: source.clone() };
        let margins = std::array::from_fn(|_| Margin { absolute: limit(0.25), relative: limit(0.0) });
        let steps: Vec<Step> = (1..)
            .zip(nets)
            .map(|(sequence, net)| Step { sequence, means: [Some(0.9), *net, Some(300.0), Some(0.3)] })
            .collect();
        let told = ratchet(&steps, &margins, &KpiTable::default());
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
