//! Section 2: one row an iteration; of long runs the beginning and the end.

use super::Subject;
use crate::core::guards::Guard;
use crate::core::judge::passes::passes;
use crate::core::kpi::KpiId;
use crate::core::number::beside;
use crate::core::series::Row;
use crate::render::markdown::cell;
use crate::render::report_md::{Column, increment, maybe, paragraph, row, short_name, table, with_unit};

/// Runs of up to so many iterations are shown as a whole.
const WHOLE: usize = 1000;

/// Of longer runs so many rows are shown at the beginning …
const FIRST: usize = 20;

/// … and so many at the end.
const LAST: usize = 500;

/// Proposed increments that a row shows.
const MOST_DELTAS: usize = 8;

pub(super) fn section(out: &mut String, subject: &Subject<'_>) {
    paragraph(out, &format!("{} 2. Iteration matrix", subject.mark));
    let series = subject.analysis.series(subject.symbol);
    let n = series.len();
    if n == 0 {
        paragraph(out, "There is no iteration.");
        return;
    }
    let is_whole = n <= WHOLE;
    if !is_whole {
        paragraph(out, &format!("{n} iterations, of which the first {FIRST} and the last {LAST} are shown."));
    }
    let kpis = kpis(subject);
    let names: Vec<String> = kpis.iter().map(|kpi| with_unit(&short_name(*kpi), *kpi)).collect();
    let result = format!("by the {} limits", subject.analysis.limits());
    let mut columns = vec![Column::Number("iteration"), Column::Text("time")];
    columns.extend(names.iter().map(|name| Column::Number(name)));
    let rest = ["applied", "proposed deltas", "guards", "freeze", "signature", result.as_str()];
    columns.extend(rest.map(Column::Text));
    table(out, &columns);
    if is_whole {
        (0..n).for_each(|position| one(out, subject, &kpis, position));
    } else {
        (0..FIRST).for_each(|position| one(out, subject, &kpis, position));
        row(out, columns.iter().map(|_| "…"));
        (n - LAST..n).for_each(|position| one(out, subject, &kpis, position));
    }
    out.push('\n');
}

/// The four of the verdict, then whatever else the limits look at.
fn kpis(subject: &Subject<'_>) -> Vec<KpiId> {
    let mut kpis = KpiId::OF_THE_VERDICT.to_vec();
    for gate in &subject.limits.checks {
        if !kpis.contains(&gate.kpi) {
            kpis.push(gate.kpi);
        }
    }
    kpis
}

fn one(out: &mut String, subject: &Subject<'_>, kpis: &[KpiId], position: usize) {
    let series = subject.analysis.series(subject.symbol);
    let iteration = &series.rows()[position];
    let tuning = &iteration.tuning;
    let mut cells =
        vec![iteration.number.to_string(), iteration.time.as_deref().map_or_else(String::new, cell)];
    for kpi in kpis {
        let digits = kpi.unit.decimals();
        let gate = subject.limits.checks.iter().find(|gate| gate.kpi == *kpi);
        cells.push(match (series.value(*kpi, position), gate) {
            (Some(value), Some(gate)) => beside(value, gate.limit.value, digits),
            (value, _) => maybe(value, digits),
        });
    }
    cells.push(match tuning.applied {
        Some(true) => "yes".to_owned(),
        Some(false) => "no".to_owned(),
        None => String::new(),
    });
    cells.push(proposed(iteration));
    cells.push(tuning.spoke().iter().map(Guard::word).collect::<Vec<_>>().join(", "));
    let is_frozen = tuning.is_frozen();
    cells.push(if is_frozen { "yes" } else { "no" }.to_owned());
    cells.push(tuning.signature_or_hash().map_or_else(String::new, |signature| beginning(signature, 8)));
    cells.push(if passes(series, position, subject.limits) { "PASS" } else { "FAIL" }.to_owned());
    row(out, cells);
}

fn proposed(iteration: &Row) -> String {
    let deltas = &iteration.tuning.deltas;
    let mut told: Vec<String> = deltas
        .iter()
        .take(MOST_DELTAS)
        .map(|(param, delta)| format!("{} {}", cell(param.as_str()), increment(delta)))
        .collect();
    if deltas.len() > MOST_DELTAS {
        told.push(format!("and {} more", deltas.len() - MOST_DELTAS));
    }
    told.join(", ")
}

/// The first characters of a signature.
pub(super) fn beginning(signature: &str, length: usize) -> String {
    cell(&signature.chars().take(length).collect::<String>())
}
