//! The table of iterations: of long runs the end, and before it the iterations that do not pass.

use super::Subject;
use super::words::{end_table, remark, row, table, text};
use crate::core::judge::passes::{misses, passes};
use crate::core::kpi::KpiId;
use crate::core::number::{beside, fixed};
use crate::render::report_md::with_unit;

/// The positions that are shown, ascending: the last `most`, and of those before them the last `most` that
/// do not pass.
pub(super) fn shown(length: usize, most: usize, passes: impl Fn(usize) -> bool) -> Vec<usize> {
    let start = length.saturating_sub(most);
    let mut before: Vec<usize> = (0..start).rev().filter(|position| !passes(*position)).take(most).collect();
    before.reverse();
    before.extend(start..length);
    before
}

/// The table.
pub(super) fn section(out: &mut String, subject: &Subject<'_>, most: usize) {
    let series = subject.analysis.series(subject.symbol);
    let positions = shown(series.len(), most, |position| passes(series, position, subject.limits));
    if positions.len() < series.len() {
        let before = positions.len() - most.min(positions.len());
        remark(
            out,
            &format!(
                "{} iterations, of which the last {most} stand here, and of those before them the last \
                 {before} that do not pass. The charts show all of them; long series are thinned, their \
                 extremes stay.",
                series.len()
            ),
        );
    }
    let kpis = kpis(subject);
    let names: Vec<String> = kpis.iter().map(|kpi| with_unit(kpi.name, *kpi)).collect();
    let mut columns = vec![("", "iteration"), ("t", "passes")];
    columns.extend(names.iter().map(|name| ("", name.as_str())));
    columns.extend([("t", "phase"), ("t", "freeze"), ("t", "tuning"), ("t", "time")]);
    table(out, &columns, true);
    for position in positions {
        one(out, subject, &kpis, position);
    }
    end_table(out);
}

/// The four of the verdict, then whatever else the limits look at.
fn kpis(subject: &Subject<'_>) -> Vec<KpiId> {
    let mut kpis = KpiId::OF_THE_VERDICT.to_vec();
    let limited = subject.limits.checks.iter().map(|gate| gate.kpi);
    kpis.extend(limited.filter(|kpi| !KpiId::OF_THE_VERDICT.contains(kpi)));
    kpis
}

fn one(out: &mut String, subject: &Subject<'_>, kpis: &[KpiId], position: usize) {
    let series = subject.analysis.series(subject.symbol);
    let iteration = &series.rows()[position];
    let missed = misses(series, position, subject.limits);
    let passing = passes(series, position, subject.limits);
    let mut cells = vec![("", iteration.number.to_string())];
    cells.push(match (passing, &iteration.collection_failed) {
        (true, _) => ("t good", "✓ yes".to_owned()),
        (false, None) => ("t bad", "✗ no".to_owned()),
        (false, Some(_)) => ("t bad", "✗ no data".to_owned()),
    });
    for kpi in kpis {
        let digits = kpi.unit.decimals();
        let miss = missed.iter().find(|miss| miss.kpi == *kpi);
        let class = if miss.is_some() { "bad" } else { "" };
        let limit = subject.limits.checks.iter().find(|gate| gate.kpi == *kpi);
        cells.push(match (series.value(*kpi, position), limit) {
            (None, _) => (class, "–".to_owned()),
            (Some(value), Some(gate)) => (class, beside(value, gate.limit.value, digits)),
            (Some(value), None) => (class, fixed(value, digits)),
        });
    }
    let tuning = &iteration.tuning;
    cells
        .push(("t", iteration.phase.as_deref().map_or_else(String::new, |phase| text(phase).to_lowercase())));
    let is_frozen = tuning.is_frozen();
    cells.push(("t", if is_frozen { "yes" } else { "" }.to_owned()));
    let did = match (tuning.applied, tuning.deltas.len()) {
        (Some(true), _) => "applied",
        (_, 0) => "",
        _ => "held back",
    };
    cells.push(("t", did.to_owned()));
    cells.push(("t", iteration.time.as_deref().map_or_else(String::new, text)));
    row(out, cells);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_shown_and_before_it_what_does_not_pass() {
        let failing = [0, 3, 4, 9];
        let positions = |most| shown(10, most, |position| !failing.contains(&position));
        assert_eq!(positions(10), (0..10).collect::<Vec<_>>());
        assert_eq!(positions(3), [0, 3, 4, 7, 8, 9]);
        assert_eq!(positions(2), [3, 4, 8, 9]);
        assert_eq!(shown(0, 5, |_| true), Vec::<usize>::new());
    }
}
