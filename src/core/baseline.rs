//! A baseline: what an older snapshot said, held against what is seen now.
//!
//! Compares numbers; must not call a change good or bad, and must not know how snapshots are spelled.

use super::kpi::KpiId;
use super::number::round_half_even;

/// Digits on which both sides are compared, so that what is shown can be redone by hand.
pub const DIGITS: usize = 3;

/// What a baseline snapshot says.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// Its schema version, as written.
    pub schema_version: String,
    /// Its verdict, as written; `None` when it has none.
    pub verdict: Option<String>,
    /// Its true verdict, as written; `None` when it has none.
    pub outcome: Option<String>,
    /// Means of the KPIs of the verdict, in their units; `None` = unknown.
    pub means: Vec<(KpiId, Option<f64>)>,
    /// Medians of the KPIs of the verdict, in their units; `None` = unknown.
    pub medians: Vec<(KpiId, Option<f64>)>,
    /// Its pass count: passing iterations in schema 1.1, goals met in schema 1.2; `None` when it has none.
    pub pass_count: Option<u64>,
}

impl Baseline {
    /// The mean of a KPI; `None` = unknown.
    pub fn mean(&self, kpi: KpiId) -> Option<f64> {
        of(&self.means, kpi)
    }

    /// The median of a KPI; `None` = unknown.
    pub fn median(&self, kpi: KpiId) -> Option<f64> {
        of(&self.medians, kpi)
    }
}

/// How far a mean moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// In percent of |baseline|, with the sign of the difference.
    Percent(f64),
    /// In the KPI's unit: the baseline is below the KPI's floor, where a percentage would say nothing.
    NearZero(f64),
}

/// One KPI on both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// The KPI.
    pub kpi: KpiId,
    /// Mean of the baseline, rounded to [`DIGITS`]; `None` = unknown.
    pub before: Option<f64>,
    /// Mean now, rounded to [`DIGITS`]; `None` = unknown.
    pub after: Option<f64>,
    /// The change; `None` when a side is unknown.
    pub change: Option<Change>,
}

/// A baseline beside the present.
#[derive(Clone, Debug, PartialEq)]
pub struct Diff {
    /// The KPIs of the verdict, in the order of the documents.
    pub lines: Vec<Line>,
    /// Verdict before and now, only if both are known and differ.
    pub verdict: Option<(String, String)>,
}

/// Holds the present against a baseline.
pub fn diff(baseline: &Baseline, current: &[(KpiId, Option<f64>)], verdict: &str) -> Diff {
    let lines = KpiId::OF_THE_VERDICT
        .into_iter()
        .map(|kpi| {
            let before = baseline.mean(kpi).map(|value| round_half_even(value, DIGITS));
            let after = of(current, kpi).map(|value| round_half_even(value, DIGITS));
            let change = before.zip(after).map(|(before, after)| change(before, after, kpi.floor));
            Line { kpi, before, after, change }
        })
        .collect();
    let verdict = baseline
        .verdict
        .as_deref()
        .filter(|before| *before != verdict)
        .map(|before| (before.to_owned(), verdict.to_owned()));
    Diff { lines, verdict }
}

fn of(values: &[(KpiId, Option<f64>)], kpi: KpiId) -> Option<f64> {
    values.iter().find(|(known, _)| *known == kpi).and_then(|(_, value)| *value)
}

fn change(before: f64, after: f64, floor: f64) -> Change {
    let difference = after - before;
    // A baseline of exactly 0 has no percentage, whatever the floor.
    if before.abs() < floor || before == 0.0 {
        Change::NearZero(difference)
    } else {
        Change::Percent(difference / before.abs() * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(verdict: Option<&str>, net: Option<f64>) -> Baseline {
        Baseline {
            schema_version: "1.1".into(),
            verdict: verdict.map(str::to_owned),
            outcome: None,
            means: vec![(KpiId::NET_BPS, net)],
            medians: Vec::new(),
            pass_count: None,
        }
    }

    /// The change of the net edge.
    fn of_net(before: Option<f64>, after: Option<f64>) -> Line {
        let diff = diff(&baseline(None, before), &[(KpiId::NET_BPS, after)], "PASS");
        diff.lines.into_iter().find(|line| line.kpi == KpiId::NET_BPS).expect("of the verdict")
    }

    #[test]
    fn the_lines_stand_in_the_order_of_the_documents() {
        let diff = diff(&baseline(None, None), &[], "PASS");
        let order: Vec<KpiId> = diff.lines.iter().map(|line| line.kpi).collect();
        let expected = [KpiId::RISK_RATIO, KpiId::MAKER_TAKER_RATIO, KpiId::NET_BPS, KpiId::P95_LATENCY_MS];
        assert_eq!(order, expected);
    }

    #[test]
    fn the_percentage_is_of_the_size_of_the_baseline_and_has_the_sign_of_the_difference() {
        assert_eq!(of_net(Some(2.0), Some(3.0)).change, Some(Change::Percent(50.0)));
        assert_eq!(of_net(Some(-2.0), Some(-1.0)).change, Some(Change::Percent(50.0)));
        assert_eq!(of_net(Some(-2.0), Some(-3.0)).change, Some(Change::Percent(-50.0)));
        assert_eq!(of_net(Some(2.0), Some(2.0)).change, Some(Change::Percent(0.0)));
    }

    #[test]
    fn below_the_floor_of_the_kpi_the_change_is_absolute() {
        // The floor of bps is 0.05: at the floor a percentage, just below it none.
        assert_eq!(of_net(Some(0.05), Some(0.1)).change, Some(Change::Percent(100.0)));
        assert_eq!(of_net(Some(-0.05), Some(0.0)).change, Some(Change::Percent(100.0)));
        assert_eq!(of_net(Some(0.049), Some(0.049)).change, Some(Change::NearZero(0.0)));
        assert_eq!(of_net(Some(0.0), Some(0.25)).change, Some(Change::NearZero(0.25)));
    }

    #[test]
    fn both_sides_are_rounded_before_they_are_compared() {
        let line = of_net(Some(2.0004), Some(2.0));
        assert_eq!((line.before, line.after), (Some(2.0), Some(2.0)));
        assert_eq!(line.change, Some(Change::Percent(0.0)));
    }

    #[test]
    fn an_unknown_side_has_no_change() {
        assert_eq!(of_net(None, Some(2.0)).change, None);
        assert_eq!(of_net(Some(2.0), None).change, None);
    }

    #[test]
    fn the_verdict_is_told_only_when_it_is_known_to_have_changed() {
        let of = |before| diff(&baseline(before, None), &[], "FAIL").verdict;
        assert_eq!(of(Some("PASS")), Some(("PASS".to_owned(), "FAIL".to_owned())));
        assert_eq!(of(Some("FAIL")), None);
        assert_eq!(of(None), None);
    }
}
