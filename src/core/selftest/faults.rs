//! The faults for one run: sizes from its own spread and from the limits of the policy.

use super::{Edit, Fault, FaultKind};
use crate::core::judge::{list_numbers, show, show_distance, show_limit};
use crate::core::kpi::{Direction, KpiId};
use crate::core::policy::{GateSet, KpiGate};
use crate::core::series::Series;
use crate::core::series::window::Window;
use crate::stats::Summary;

/// Fewest values that a spread is taken from; with fewer the floor of the KPI stands in.
const FEWEST: usize = 4;

/// Spreads of a small level shift.
const SMALL: f64 = 3.0;

/// Spreads of a spike, at least.
const LARGE: f64 = 10.0;

/// The run that the faults are for.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'s> {
    /// The iterations.
    pub series: &'s Series,
    /// Those that the verdict looks at.
    pub judged: &'s Window,
    /// Those after the warm-up.
    pub steady: &'s Window,
    /// What an iteration must show to pass.
    pub limits: &'s GateSet,
    /// The KPIs of the verdict.
    pub of_verdict: &'s [KpiId],
}

/// All faults: each kind for each KPI that an iteration is judged by and for those of the verdict, and those of
/// files. Empty without a single iteration in the window judged.
pub fn faults(subject: &Subject<'_>) -> Vec<Fault> {
    if subject.judged.is_empty() {
        return Vec::new();
    }
    let mut kpis = subject.of_verdict.to_vec();
    let limited = subject.limits.checks.iter().map(|gate| gate.kpi);
    kpis.extend(limited.filter(|kpi| !subject.of_verdict.contains(kpi)));
    let targets: Vec<Target<'_>> = kpis.into_iter().filter_map(|kpi| Target::of(subject, kpi)).collect();
    let mut faults = Vec::new();
    for make in [Target::shift, Target::small_shift, Target::drift, Target::spike] {
        faults.extend(targets.iter().filter_map(make));
    }
    faults.extend(targets.iter().map(Target::missing));
    faults.push(truncated(subject));
    faults.extend(targets.iter().filter_map(Target::stuck));
    faults.extend(copied(subject));
    faults
}

/// `None` with a single iteration.
fn copied(subject: &Subject<'_>) -> Option<Fault> {
    let newest = subject.judged.positions.end - 1;
    let (number, before) = (subject.series.number(newest), subject.series.number(newest.checked_sub(1)?));
    Some(Fault {
        kind: FaultKind::Copied,
        kpi: None,
        must: false,
        what: format!("the file of iteration {number} is that of {before}, but for number and time"),
        edits: vec![(number, Edit::CopyOf(before))],
    })
}

fn truncated(subject: &Subject<'_>) -> Fault {
    let newest = subject.series.number(subject.judged.positions.end - 1);
    Fault {
        kind: FaultKind::Truncated,
        kpi: None,
        must: true,
        what: format!("the file of iteration {newest} ends in the middle"),
        edits: vec![(newest, Edit::Truncate)],
    }
}

/// A KPI that faults are put into.
struct Target<'s> {
    subject: &'s Subject<'s>,
    id: KpiId,
    kpi: KpiId,
    gate: Option<&'s KpiGate>,
    /// +1 where more is worse, −1 where less is.
    worse: f64,
    /// The spread of its own values, or its floor where there is none.
    spread: f64,
}

impl<'s> Target<'s> {
    /// `None` where the KPI has no value to change, or no bad side.
    fn of(subject: &'s Subject<'s>, id: KpiId) -> Option<Self> {
        let kpi = id;
        let worse = match kpi.direction? {
            Direction::Higher => -1.0,
            Direction::Lower => 1.0,
        };
        if subject.series.known(id, subject.judged.positions.clone()).is_empty() {
            return None;
        }
        let steady = subject.series.known(id, subject.steady.positions.clone());
        let known =
            if steady.len() >= FEWEST { steady } else { subject.series.known(id, 0..subject.series.len()) };
        let stdev =
            Summary::of(&known).filter(|summary| summary.n >= FEWEST).map_or(0.0, |summary| summary.stdev);
        let gate = subject.limits.checks.iter().find(|gate| gate.kpi == id);
        Some(Self { subject, id, kpi, gate, worse, spread: stdev.max(kpi.floor) })
    }

    /// Numbers and known values at positions.
    fn values(&self, positions: std::ops::Range<usize>) -> Vec<(u64, f64)> {
        let series = self.subject.series;
        positions.filter_map(|at| Some((series.number(at), series.value(self.id, at)?))).collect()
    }

    /// Within what can be measured.
    fn possible(&self, value: f64) -> f64 {
        value.max(self.kpi.lowest.unwrap_or(f64::MIN)).min(self.kpi.highest.unwrap_or(f64::MAX))
    }

    fn fault(&self, kind: FaultKind, must: bool, what: String, values: Vec<(u64, f64)>) -> Option<Fault> {
        let edits = values
            .into_iter()
            .map(|(number, value)| (number, Edit::Set(self.id, self.possible(value))))
            .collect::<Vec<_>>();
        (!edits.is_empty()).then_some(Fault { kind, kpi: Some(self.id), must, what, edits })
    }

    fn moved(&self) -> &'static str {
        if self.worse > 0.0 { "raised" } else { "lowered" }
    }

    /// Room to the limit of the median of the window judged; `None` without a limit, or where it is missed.
    fn room(&self, values: &[(u64, f64)]) -> Option<f64> {
        let gate = self.gate?;
        let values: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
        let room = gate.comparison.margin(Summary::of(&values)?.median, gate.limit.value);
        (room > 0.0).then_some(room)
    }

    /// Every value of the window judged goes beyond the limit, also the best one.
    fn shift(&self) -> Option<Fault> {
        let values = self.values(self.subject.judged.positions.clone());
        let span = span(&values)?;
        let (by, words) = match self.gate {
            Some(gate) => {
                let best = values.iter().map(|(_, value)| gate.comparison.margin(*value, gate.limit.value));
                let best = best.fold(0.0, f64::max);
                let limit = show_limit(self.kpi, gate.limit.value);
                (best + self.spread, format!("every value misses {} {limit}", gate.comparison.symbol()))
            }
            None => (LARGE * self.spread, "no limit on an iteration applies".to_owned()),
        };
        let what =
            format!("{} by {} in iteration {span}: {words}", self.moved(), show_distance(self.kpi, by));
        let values = values.into_iter().map(|(number, value)| (number, value + self.worse * by)).collect();
        self.fault(FaultKind::Shift, self.gate.is_some(), what, values)
    }

    /// Three spreads from the middle of the steady part on.
    fn small_shift(&self) -> Option<Fault> {
        let values = self.second_half();
        let span = span(&values)?;
        let by = SMALL * self.spread;
        let what = format!(
            "{} by {}, three times its spread, in iteration {span}",
            self.moved(),
            show_distance(self.kpi, by)
        );
        let values = values.into_iter().map(|(number, value)| (number, value + self.worse * by)).collect();
        self.fault(FaultKind::SmallShift, false, what, values)
    }

    /// A slide over the steady part that takes the median to its limit in the end.
    fn drift(&self) -> Option<Fault> {
        let values = self.values(self.subject.steady.positions.clone());
        let (first, last) = (values.first()?.0, values.last()?.0);
        if first == last {
            return None;
        }
        let judged = self.values(self.subject.judged.positions.clone());
        let (by, words) = match self.room(&judged) {
            Some(room) => (room, "which is all the room that its median has"),
            None => (SMALL * self.spread, "three times its spread"),
        };
        let what = format!(
            "{} a little more each iteration from {first} to {last}, in the end by {}, {words}",
            self.moved(),
            show_distance(self.kpi, by)
        );
        let share = |number: u64| (number - first) as f64 / (last - first) as f64;
        let values = values
            .iter()
            .map(|(number, value)| (*number, value + self.worse * by * share(*number)))
            .collect();
        self.fault(FaultKind::Drift, false, what, values)
    }

    /// One iteration in the middle of the window judged.
    fn spike(&self) -> Option<Fault> {
        let values = self.values(self.subject.judged.positions.clone());
        let (number, value) = *values.get(values.len() / 2)?;
        let room = self.gate.map_or(0.0, |gate| gate.comparison.margin(value, gate.limit.value)).max(0.0);
        let by = (room + self.spread).max(LARGE * self.spread);
        let what = format!(
            "{} by {} in iteration {number} alone, to {}",
            self.moved(),
            show_distance(self.kpi, by),
            show(self.kpi, self.possible(value + self.worse * by))
        );
        self.fault(FaultKind::Spike, false, what, vec![(number, value + self.worse * by)])
    }

    /// Not told in the whole window judged.
    fn missing(&self) -> Fault {
        let numbers: Vec<u64> =
            self.subject.judged.positions.clone().map(|at| self.subject.series.number(at)).collect();
        let what = format!("`{}` is in no file of iteration {}", self.kpi.name, list_numbers(&numbers));
        let edits = numbers.into_iter().map(|number| (number, Edit::Remove(self.id))).collect();
        let must = self.gate.is_some();
        Fault { kind: FaultKind::Missing, kpi: Some(self.id), must, what, edits }
    }

    /// The same value from the middle of the steady part on; `None` where it stands still there anyway.
    fn stuck(&self) -> Option<Fault> {
        let values = self.second_half();
        let span = span(&values)?;
        let (_, value) = *values.first()?;
        if values.iter().all(|(_, other)| *other == value) {
            return None;
        }
        let what = format!("stands still at {} in iteration {span}", show(self.kpi, value));
        let values = values.into_iter().map(|(number, _)| (number, value)).collect();
        self.fault(FaultKind::Stuck, false, what, values)
    }

    /// From the middle of the steady part on; where the run has no steady part, of the window judged.
    fn second_half(&self) -> Vec<(u64, f64)> {
        let window = if self.subject.steady.is_empty() { self.subject.judged } else { self.subject.steady };
        let positions = window.positions.clone();
        self.values(positions.start + positions.len() / 2..positions.end)
    }
}

/// The numbers, as people write them; `None` without any.
fn span(values: &[(u64, f64)]) -> Option<String> {
    let numbers: Vec<u64> = values.iter().map(|(number, _)| *number).collect();
    (!numbers.is_empty()).then(|| list_numbers(&numbers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::judge::fixture::{last, limit, series, whole};
    use crate::core::policy::{Judge, Statistic, WindowSpec};
    use crate::core::verdict::{Comparison, Severity};

    /// `net_bps` >= 2.5 alone.
    fn limits() -> GateSet {
        let gate = KpiGate {
            kpi: KpiId::NET_BPS,
            severity: Severity::Hard,
            window: WindowSpec::LastN,
            statistic: Statistic::Each,
            comparison: Comparison::AtLeast,
            limit: limit(2.5),
            margin: 0.0,
            min_iterations: 1,
            judge: Judge::Point,
            count: None,
        };
        GateSet { name: "iteration_pass".to_owned(), gates: true, checks: vec![gate], present: Vec::new() }
    }

    fn of(values: &[f64]) -> Vec<Fault> {
        let series = series(KpiId::NET_BPS, &values.iter().copied().map(Some).collect::<Vec<_>>());
        let subject = Subject {
            series: &series,
            judged: &last(&series),
            steady: &whole(&series),
            limits: &limits(),
            of_verdict: &KpiId::OF_THE_VERDICT,
        };
        faults(&subject)
    }

    fn one(faults: &[Fault], kind: FaultKind) -> &Fault {
        faults.iter().find(|fault| fault.kind == kind).expect("a fault of this kind")
    }

    fn values(fault: &Fault) -> Vec<(u64, f64)> {
        fault
            .edits
            .iter()
            .map(|(number, edit)| match edit {
                Edit::Set(kpi, value) if *kpi == KpiId::NET_BPS => (*number, *value),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn sizes_follow_from_the_spread_and_the_limit() {
        // Mean 3.25, deviations ±0.25: the spread is √(6 · 0.0625 ÷ 5).
        let run = [3.0, 3.5, 3.0, 3.5, 3.0, 3.5];
        let spread = (6.0_f64 * 0.0625 / 5.0).sqrt();
        let faults = of(&run);
        // The best of the last three, 3.5, has a room of 1.
        let shift = one(&faults, FaultKind::Shift);
        assert!(shift.must);
        for ((number, value), (wanted, before)) in
            values(shift).into_iter().zip([(4, 3.5), (5, 3.0), (6, 3.5)])
        {
            assert_eq!(number, wanted);
            assert!((value - (before - 1.0 - spread)).abs() < 1e-12, "{value}");
            assert!(value < 2.5);
        }
        let small = values(one(&faults, FaultKind::SmallShift));
        assert_eq!(small.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [4, 5, 6]);
        assert!((small[0].1 - (3.5 - 3.0 * spread)).abs() < 1e-12);
        // The median of the last three, 3.5, has a room of 1: none of it at the first, all of it at the last.
        let drift = values(one(&faults, FaultKind::Drift));
        let expected: [f64; 6] = [3.0, 3.5 - 0.2, 3.0 - 0.4, 3.5 - 0.6, 3.0 - 0.8, 2.5];
        for ((_, value), wanted) in drift.iter().zip(expected) {
            assert!((value - wanted).abs() < 1e-12, "{value} {wanted}");
        }
        let spike = values(one(&faults, FaultKind::Spike));
        assert_eq!(spike.len(), 1);
        assert!(spike[0].0 == 5 && (spike[0].1 - (3.0 - 10.0 * spread)).abs() < 1e-12);
        assert_eq!(values(one(&faults, FaultKind::Stuck)), [(4, 3.5), (5, 3.5), (6, 3.5)]);
        let missing = one(&faults, FaultKind::Missing);
        assert!(missing.must && missing.edits.len() == 3);
        assert_eq!(one(&faults, FaultKind::Truncated).edits, [(6, Edit::Truncate)]);
    }

    #[test]
    fn a_run_without_any_spread_moves_by_floors_and_nothing_has_no_faults() {
        let faults = of(&[3.0; 6]);
        let small = values(one(&faults, FaultKind::SmallShift));
        assert!((small[0].1 - (3.0 - 3.0 * 0.05)).abs() < 1e-12, "{small:?}");
        // What stands still cannot be made to.
        assert!(faults.iter().all(|fault| fault.kind != FaultKind::Stuck), "{faults:?}");
        assert!(of(&[3.0]).iter().all(|fault| fault.kind != FaultKind::Stuck));
        assert_eq!(of(&[]), []);
    }

    #[test]
    fn a_ratio_stays_between_zero_and_one() {
        let series = series(KpiId::RISK_RATIO, &[Some(0.9), Some(0.99), Some(0.4), Some(0.95)]);
        let subject = Subject {
            series: &series,
            judged: &last(&series),
            steady: &whole(&series),
            limits: &limits(),
            of_verdict: &KpiId::OF_THE_VERDICT,
        };
        let faults = faults(&subject);
        for fault in &faults {
            for (_, edit) in &fault.edits {
                if let Edit::Set(_, value) = edit {
                    assert!((0.0..=1.0).contains(value), "{fault:?}");
                }
            }
        }
        // No limit stands on the risk here, so nothing has to notice it.
        assert!(!one(&faults, FaultKind::Shift).must);
    }
}
