//! `FAILURES.md`, what is in the way of an acceptable verdict, down to the single iteration; and
//! `RECOMMENDATIONS.md`, may the overrides be frozen and which parameters to change, where there are any, and what can be
//! done about each limit that is missed.
//!
//! There is no `FAILURES.md` for PASS and WARN; whoever writes artifacts removes an earlier one then. Decides nothing.

use super::outliers;
use super::verdict::{Subject, explanation, freeze_paragraph, header};
use crate::core::analysis::{Analysis, SymbolAnalysis};
use crate::core::judge::action::advice;
use crate::core::judge::count;
use crate::core::judge::passes::{Miss, misses, passes};
use crate::core::policy::Policy;
use crate::core::series::Series;
use crate::core::text::number::beside;
use crate::core::verdict::provenance::Provenance;
use crate::core::verdict::{Outcome, Part};
use crate::report::document::{Cell, Document, Format, columns, row};
use crate::report::text::{bound, cell, maybe, prose, step, with_unit};

/// Iterations that are listed.
const MOST_ITERATIONS: usize = 200;
/// Lines of other lists.
const MOST: usize = 500;

/// What a bundle contains where there are no failures.
pub(crate) fn no_failures(analysis: &Analysis, provenance: &Provenance) -> String {
    let mut doc = header("Failures", analysis, provenance);
    doc.paragraph("None: no hard gate is missed.");
    let warnings = analysis.reasons();
    if !warnings.is_empty() {
        doc.heading(2, "Warnings");
        doc.list(warnings.into_iter().map(explanation), MOST);
    }
    doc.finish(false)
}

/// The failures as Markdown; `None` while the verdict is acceptable.
pub(crate) fn failures(analysis: &Analysis, policy: &Policy, provenance: &Provenance) -> Option<String> {
    if analysis.outcome.is_acceptable() {
        return None;
    }
    let mut doc = header("Failures", analysis, provenance);
    doc.heading(2, "Reasons, worst first");
    doc.list(analysis.reasons().into_iter().map(explanation), MOST);
    for symbol in &analysis.symbols {
        symbol_heading(&mut doc, symbol);
        failing_iterations(&mut doc, Subject::of(analysis, symbol, policy));
        if !symbol.deep.anomalies.is_empty() {
            doc.heading(2, "Anomalies");
            outliers::anomalies(&mut doc, &symbol.deep.anomalies);
        }
        doc.depth = 0;
    }
    unusable_files(&mut doc, analysis);
    Some(doc.finish(false))
}

/// The heading of a symbol, below which others are deeper.
fn symbol_heading(doc: &mut Document, symbol: &SymbolAnalysis) {
    if let Some(name) = &symbol.symbol {
        doc.heading(2, &format!("Symbol {}: {}", cell(name), symbol.outcome));
        doc.depth = 1;
    }
}

fn failing_iterations(doc: &mut Document, subject: Subject<'_>) {
    let series = subject.series();
    doc.heading(2, "Iterations that do not pass");
    let failing: Vec<usize> =
        (0..series.len()).rev().filter(|position| !passes(series, *position, subject.limits)).collect();
    if failing.is_empty() {
        let none = if series.is_empty() { "There is no iteration." } else { "Every iteration passes." };
        return doc.paragraph(none);
    }
    let (of_all, limits) = (count(series.len(), "iteration"), subject.analysis.limits());
    doc.paragraph(&format!("{} of {of_all} by the {limits} limits, newest first.", failing.len()));
    let shown = failing.iter().take(MOST_ITERATIONS);
    let rows: Vec<Vec<Cell>> = shown.flat_map(|position| failing_rows(subject, *position)).collect();
    doc.table(&columns("#iteration|time|what failed|value|limit"), rows);
    doc.earlier(failing.len().saturating_sub(MOST_ITERATIONS));
}

fn failing_rows(subject: Subject<'_>, position: usize) -> Vec<Vec<Cell>> {
    let series = subject.series();
    let iteration = &series.rows()[position];
    let time = || iteration.time.as_deref().map(cell);
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    if let Some(why) = &iteration.collection_failed {
        rows.push(row![iteration.number, time(), "collection of measurements", prose(why), ""]);
    }
    rows.extend(misses(series, position, subject.limits).iter().map(|miss| {
        let kpi = miss.kpi;
        let limit = miss.bound.map(|(comparison, limit)| bound(comparison, limit, kpi));
        let value = match (miss.value, miss.bound) {
            (Some(value), Some((_, limit))) => beside(value, limit, kpi.decimals_of(value)),
            _ => absent(series, position, miss),
        };
        row![iteration.number, time(), with_unit(&cell(kpi.title()), kpi), value, limit]
    }));
    rows
}

fn absent(series: &Series, position: usize, miss: &Miss) -> String {
    let defect = series.rows()[position].defects.iter().find(|defect| defect.kpi == miss.kpi);
    prose(&match defect {
        Some(defect) => format!("no value: `{}` {}", defect.key, defect.defect.describe()),
        None if miss.kpi.is_built_in() => format!("no value: `{}` is not in the file", miss.kpi.name),
        None => "no value: the notes of the iteration give the reason".to_owned(),
    })
}

fn unusable_files(doc: &mut Document, analysis: &Analysis) {
    let evidence = &analysis.evidence;
    let manifest =
        evidence.manifest_error.iter().map(|error| format!("`RUN_MANIFEST.json`: {}", prose(error)));
    let bad = evidence.bad_files.iter().map(|bad| format!("{}: {}", cell(&bad.name), prose(&bad.reason)));
    let twice = evidence.duplicates.iter().map(|two| {
        let symbol = two.symbol.as_ref().map_or_else(String::new, |symbol| format!(" of {}", cell(symbol)));
        let names = prose(&two.names.join(", "));
        format!("iteration {}{symbol} is there more than once: {names}", two.number)
    });
    let lines: Vec<String> = manifest.chain(bad).chain(twice).collect();
    if !lines.is_empty() {
        doc.heading(2, "Files that cannot be used");
        doc.list(lines, MOST);
    }
}

/// The recommendations as Markdown.
pub(crate) fn recommendations(analysis: &Analysis, policy: &Policy, provenance: &Provenance) -> String {
    let mut doc = header("Recommendations", analysis, provenance);
    if analysis.tunes {
        freeze_paragraph(&mut doc, analysis);
    }
    for symbol in &analysis.symbols {
        symbol_heading(&mut doc, symbol);
        kpis(&mut doc, symbol);
        if analysis.tunes {
            doc.heading(2, "Parameters");
            parameters(&mut doc, symbol);
        }
        missed_limits(&mut doc, symbol, policy);
        doc.depth = 0;
    }
    doc.finish(false)
}

fn kpis(doc: &mut Document, symbol: &SymbolAnalysis) {
    let used = symbol.last.used();
    doc.heading(2, &format!("KPIs of {}", used.name));
    let (Some(first), Some(last)) = (used.first, used.last) else {
        return doc.paragraph("There is no iteration.");
    };
    doc.paragraph(&format!("Iterations {first}-{last}, n={}.", used.n));
    let rows = symbol.kpis.iter().map(|stats| {
        let kpi = stats.kpi;
        let value = |value: Option<f64>| maybe(value, value.map_or(0, |value| kpi.decimals_of(value)));
        row![
            with_unit(&cell(kpi.title()), kpi),
            value(stats.summary.map(|summary| summary.mean)),
            value(stats.summary.map(|summary| summary.median)),
            stats.missing,
        ]
    });
    doc.table(&columns("KPI|#mean|#median|#missing"), rows);
}

/// The parameters that the rules of the policy would change.
pub(super) fn parameters(doc: &mut Document, symbol: &SymbolAnalysis) {
    let (format, deep) = (doc.format, &symbol.deep);
    for advice in &deep.at_bound {
        let why = advice.rationales.join("; ");
        doc.paragraph(&format.prose(&format!("No change of {}: {why}.", advice.words())));
    }
    if deep.recommendations.is_empty() {
        if deep.at_bound.is_empty() {
            let window = &symbol.last.name;
            let window = if format == Format::Html { format.text(window) } else { window.clone() };
            doc.paragraph(&format!(
                "No parameter change is recommended: no rule of the policy applies to {window}."
            ));
        }
        return;
    }
    let rows = deep.recommendations.iter().map(|advice| {
        let (param, rules, reach) = (advice.param.as_str(), advice.rules.join(", "), advice.reach.words());
        let conflict = format.pick("**conflict**", "conflict");
        let note = advice.conflict.then(|| format!("{conflict}: other rules ask for the opposite"));
        row![
            format.pick(cell as fn(&str) -> String, |param| Format::Html.code(param))(param),
            step(advice.step),
            reach.map(|reach| format.pick(prose as fn(&str) -> String, |text| Format::Html.text(text))(
                &reach
            )),
            format.prose(&advice.rationales.join("; ")),
            format.pick(prose as fn(&str) -> String, |text| Format::Html.text(text))(&rules),
            Cell::marked(note, "so"),
        ]
    });
    doc.table(&columns("parameter|#step|value|~why|rules|note"), rows);
    if format == Format::Markdown && deep.recommendations.iter().any(|advice| advice.conflict) {
        doc.paragraph("Where rules conflict, a person has to decide; the program applies neither.");
    }
}

fn missed_limits(doc: &mut Document, symbol: &SymbolAnalysis, policy: &Policy) {
    doc.heading(2, "Readiness and goals");
    let of_sets = || symbol.checks.iter().filter(|check| matches!(check.part, Part::Readiness | Part::Goals));
    let missed = of_sets().filter(|check| check.outcome > Outcome::Pass).map(|check| {
        let what = advice(check, policy, Some(&symbol.deep));
        format!("{} **{}**: {}", check.part.word(), check.outcome, prose(&what))
    });
    let missed: Vec<String> = missed.collect();
    if of_sets().next().is_none() {
        doc.paragraph("Neither readiness nor goals were looked at.");
    } else if missed.is_empty() {
        doc.paragraph("Every limit of readiness and goals is met.");
    } else {
        doc.list(missed, MOST);
    }
}
