//! How much neighbouring values of a KPI resemble each other, for an interval over a window of a run.
//!
//! Finds the values that say so; the statistics are in `stats`.

use crate::core::kpi::KpiId;
use crate::core::policy::ChangeRules;
use crate::core::series::Series;
use crate::core::series::window::Window;
use crate::stats::Autocorrelation;
use crate::stats::autocorrelation::Levels;
use crate::stats::change_points::Searched;

/// What part of the rate of false alarms of the search for changes a change may have that counts here, of each KPI: one
/// that is none makes a series look as if it remembered less than it does.
const SHARE_OF_CHANGES: f64 = 0.25 / 4.0;

/// The autocorrelation for an interval over `window`.
///
/// It is asked of the steady part where the window is a piece of that, because a few values do not know it
/// themselves; else, and where the steady part is too short, of the window. `None` where too few values say anything.
pub fn of(
    series: &Series,
    kpi: KpiId,
    window: &Window,
    steady: &Window,
    rules: &ChangeRules,
) -> Option<Autocorrelation> {
    let of_window = || Autocorrelation::of_whole(&series.known(kpi, window.positions.clone()));
    if window.positions.start < steady.positions.start {
        return of_window();
    }
    let values = series.known(kpi, steady.positions.clone());
    let before = series.known(kpi, steady.positions.start..window.positions.start).len();
    of_last(&values, before, rules, kpi.floor).or_else(of_window)
}

/// The autocorrelation of values in the order of time, for an interval over those that have `before` others before
/// them.
///
/// Where their level changed before that, what is left beside the levels is asked, so that an old change does not pass
/// for memory; where it changed later there is no level that the interval could be about, and the change widens it.
/// `floor`: what deviates by no more is no spike. `None` with fewer than 16 values.
pub fn of_last(values: &[f64], before: usize, rules: &ChangeRules, floor: f64) -> Option<Autocorrelation> {
    if before == 0 {
        return Autocorrelation::of_whole(values);
    }
    let cuts = changes(values, rules, floor);
    let is_present = cuts.last().is_none_or(|last| *last <= before);
    Autocorrelation::beside(&Levels::cut(values, if is_present { cuts } else { Vec::new() }))
}

/// Positions of the first value after each change.
fn changes(values: &[f64], rules: &ChangeRules, floor: f64) -> Vec<usize> {
    let alpha = SHARE_OF_CHANGES * rules.trend.false_alarm_rate.value;
    let found = Searched::of(values, rules.min_segment, floor).map(|searched| searched.steps(alpha));
    found.unwrap_or_default().into_iter().map(|step| step.at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::judge::fixture::{WINDOWS, change_rules as rules, numbers, series};
    use crate::core::policy::WindowSpec;

    fn wave(at: usize) -> f64 {
        (at * 7 % 13) as f64 / 20.0 - 0.3
    }

    /// φ for the last so many of values numbered from 1; the steady part begins at 7.
    fn phi(values: &[f64], last: usize) -> Option<f64> {
        let known: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
        let series = series(KpiId::NET_BPS, &known);
        let find = |spec| Window::find(&series, spec, &WINDOWS, &numbers(&series));
        let (window, steady) = (find(WindowSpec::Last(last)), find(WindowSpec::Steady));
        of(&series, KpiId::NET_BPS, &window, &steady, &rules()).map(|autocorrelation| autocorrelation.phi)
    }

    #[test]
    fn a_change_before_the_window_is_no_memory_and_one_within_it_widens() {
        let stepped =
            |at: usize| -> Vec<f64> { (0..86).map(|i| if i < at { 3.0 } else { 8.0 } + wave(i)).collect() };
        assert!(phi(&stepped(50), 8) < Some(0.1), "{:?}", phi(&stepped(50), 8));
        assert!(phi(&stepped(50), 20) < Some(0.1));
        // 36 values are on the new level; a window of 40 has the change in it.
        assert!(phi(&stepped(50), 36) < Some(0.1) && phi(&stepped(50), 40) > Some(0.9));
        // All of the steady part is one window: there is nothing before it.
        assert!(phi(&stepped(50), 80) > Some(0.9));
    }

    #[test]
    fn without_a_change_it_is_that_of_the_steady_part_and_of_a_longer_window_its_own() {
        let values: Vec<f64> = (0..60).map(wave).collect();
        let autocorrelation =
            |values: &[f64]| Autocorrelation::of(values).map(|autocorrelation| autocorrelation.phi);
        assert_eq!(phi(&values, 8), autocorrelation(&values[6..]));
        assert_eq!(phi(&values, 58), autocorrelation(&values[2..]));
        assert_eq!(phi(&values[..21], 8), None);
        assert_eq!(phi(&values[..21], 16), autocorrelation(&values[5..21]));
        assert_eq!(phi(&values[..22], 8), autocorrelation(&values[6..22]));
    }
}
