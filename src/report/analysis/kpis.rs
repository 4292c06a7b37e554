//! The KPIs over the windows, as numbers, shapes and charts, and iteration by iteration.

use super::verdict::Subject;
use crate::core::analysis::{KpiStats, WindowStats};
use crate::core::iteration::guards::Guard;
use crate::core::judge::passes::{misses, passes};
use crate::core::kpi::KpiId;
use crate::core::policy::KpiGate;
use crate::core::series::Row;
use crate::core::text::number::{beside, fixed};
use crate::core::text::spark::{Glyphs, sparkline};
use crate::report::document::{Cell, Column, Document, Format, columns, row};
use crate::report::html::text;
use crate::report::svg::{self, Chart};
use crate::report::text::{bound, cell, increment, maybe, short_name, signed, with_unit};
use crate::stats::Summary;

/// Columns of a sparkline.
const WIDTH: usize = 40;

const MARKDOWN_COLUMNS: &str = "KPI|#n|#missing|#mean|#median|#min|#max|#p5|#p95|#stdev|#MAD|trend|\
    #slope per iteration|interval of the slope|interval of the mean|interval of the median|#n_eff|\
    limit of an iteration|worst|mean meets it";
const HTML_COLUMNS: &str = "KPI|unit|#mean|#median|95 % interval of the median|#n_eff|#min|#max|#p95|#stdev|#missing|\
    trend|limit of an iteration";

/// The statistics of all windows, on a page those of the last one.
pub(super) fn windows(doc: &mut Document, subject: Subject<'_>) {
    let windows = &subject.symbol.deep.windows;
    if doc.format == Format::Html {
        let Some(stats) = windows.last() else { return };
        let used = stats.window.used();
        let (Some(first), Some(last)) = (used.first, used.last) else { return };
        doc.remark(&format!("In numbers: {}, iterations {first}–{last}, n={}.", text(&used.name), used.n));
        return window(doc, subject, stats, HTML_COLUMNS);
    }
    for stats in windows {
        let used = stats.window.used();
        let (Some(first), Some(last)) = (used.first, used.last) else {
            doc.paragraph(&format!("**{}**: no iteration", used.name));
            continue;
        };
        doc.paragraph(&format!("**{}**, iterations {first}-{last}, n={}", used.name, used.n));
        window(doc, subject, stats, MARKDOWN_COLUMNS);
    }
    let interval = windows.iter().flat_map(|window| &window.kpis).find_map(|stats| stats.interval);
    let intervals = interval.map_or_else(String::new, |interval| {
        format!(
            " Intervals have {} % confidence and allow for autocorrelation: n_eff is the number of independent values. Without an interval the data are insufficient.",
            fixed(100.0 * interval.confidence, 0)
        )
    });
    doc.paragraph(&format!(
        "An iteration without a value does not pass, so `worst` is FAIL where one is missing. Percentiles are \
         of type 7, MAD is not scaled.{intervals}"
    ));
}

fn window(doc: &mut Document, subject: Subject<'_>, stats: &WindowStats, headings: &str) {
    let format = doc.format;
    let rows = stats.kpis.iter().map(|kpi| {
        headings
            .split('|')
            .map(|heading| statistic(format, subject, kpi, heading.trim_start_matches('#')))
            .collect()
    });
    doc.table(&columns(headings), rows.collect::<Vec<_>>());
}

fn statistic(format: Format, subject: Subject<'_>, stats: &KpiStats, heading: &str) -> Cell {
    let kpi = stats.kpi;
    let gate = subject.limits.checks.iter().find(|gate| gate.kpi == stats.kpi);
    let holds = |gate: &KpiGate, value: f64| gate.comparison.holds(value, gate.limit.value);
    let value =
        |which: fn(&Summary) -> f64| Cell::from(stats.summary.as_ref().map(|of| shown(kpi, which(of))));
    // What is checked against the limit must not be rounded across it.
    let checked = |which: fn(&Summary) -> f64| match (&stats.summary, gate) {
        (Some(summary), Some(gate)) => {
            let (value, limit) = (which(summary), gate.limit.value);
            Cell::marked(
                beside(value, limit, kpi.decimals_of(value)),
                if holds(gate, value) { "" } else { "bad" },
            )
        }
        _ => value(which),
    };
    let between = |low: f64, high: f64| format!("{} to {}", shown(kpi, low), shown(kpi, high));
    // A slope is small against its KPI and has three decimals more.
    let slope = |slope: f64| signed(slope, kpi.decimals_of(slope).max(kpi.decimals() + 3));
    let of_median = stats.median_interval.map(|interval| between(interval.low, interval.high));
    let meets = |meets: bool| if meets { "PASS" } else { "FAIL" };
    match heading {
        "KPI" if format == Format::Html => format.kpi(kpi).into(),
        "KPI" => with_unit(&cell(kpi.title()), kpi).into(),
        "unit" => text(kpi.unit.symbol()).into(),
        "n" => stats.summary.map_or(0, |summary| summary.n).into(),
        "missing" => Cell::marked(stats.missing, if stats.missing > 0 { "bad" } else { "" }),
        "mean" => checked(|summary| summary.mean),
        "median" if format == Format::Html => checked(|summary| summary.median),
        "median" => value(|summary| summary.median),
        "min" => checked(|summary| summary.min),
        "max" => checked(|summary| summary.max),
        "p5" => value(|summary| summary.p5),
        "p95" => value(|summary| summary.p95),
        "stdev" => value(|summary| summary.stdev),
        "MAD" => value(|summary| summary.mad),
        "trend" => stats.trend.map(|trend| trend.word.word().to_owned()).into(),
        "slope per iteration" => stats.trend.map(|trend| slope(trend.slope)).into(),
        "interval of the slope" => {
            let ends = stats.trend.and_then(|trend| trend.low.zip(trend.high));
            ends.map(|(low, high)| format!("{} to {}", slope(low), slope(high))).into()
        }
        "interval of the mean" => stats.interval.map(|interval| between(interval.low, interval.high)).into(),
        "interval of the median" => of_median.into(),
        "95 % interval of the median" => of_median.unwrap_or_else(|| "cannot tell".to_owned()).into(),
        "n_eff" => stats.interval.map(|interval| fixed(interval.n_eff, 1)).into(),
        "limit of an iteration" => gate
            .map(|gate| bound(gate.comparison, gate.limit.value, kpi))
            .map(|bound| if format == Format::Html { text(&bound) } else { bound })
            .into(),
        "worst" => gate
            .map(|gate| {
                let all = |of: Summary| stats.missing == 0 && holds(gate, of.min) && holds(gate, of.max);
                meets(stats.summary.is_some_and(all)).to_owned()
            })
            .into(),
        "mean meets it" => {
            gate.zip(stats.summary).map(|(gate, summary)| meets(holds(gate, summary.mean)).to_owned()).into()
        }
        unknown => unreachable!("no statistic is called `{unknown}`"),
    }
}

fn shown(kpi: KpiId, value: f64) -> String {
    fixed(value, kpi.decimals_of(value))
}

/// The KPIs of the verdict over the whole run as sparklines.
pub(super) fn shapes(doc: &mut Document, subject: Subject<'_>, glyphs: Glyphs) {
    let windows = &subject.symbol.deep.windows;
    let Some(overall) = windows.first().filter(|overall| !overall.window.is_empty()) else { return };
    let row = |kpi: &KpiId| {
        let kpi = *kpi;
        let summary = overall.kpi(kpi).and_then(|stats| stats.summary);
        let values = &subject.series().column(kpi)[overall.window.positions.clone()];
        row![
            with_unit(&cell(kpi.title()), kpi),
            format!("`{}`", sparkline(values, WIDTH, glyphs)),
            summary.map_or_else(|| maybe(None, 0), |summary| shown(kpi, summary.min)),
            summary.map_or_else(|| maybe(None, 0), |summary| shown(kpi, summary.max)),
        ]
    };
    doc.table(&columns("whole run|first to last iteration|#min|#max"), subject.analysis.kpis.iter().map(row));
}

/// The plots with their legend.
pub(super) fn charts(doc: &mut Document, subject: Subject<'_>) {
    let Subject { analysis, symbol, policy, .. } = subject;
    if subject.series().is_empty() {
        return doc.paragraph("There is no iteration to draw.");
    }
    doc.push("<p class=\"quiet legend\">");
    for item in svg::items(analysis, symbol, policy) {
        doc.push(&format!(
            "<span><svg viewBox=\"0 0 24 12\" aria-hidden=\"true\">{}</svg>{}</span>\n",
            item.sample(0.0, 0.0),
            item.text()
        ));
    }
    doc.push("</p>\n<div class=\"grid\">\n");
    for (kpi, _) in KpiId::drawn(&analysis.kpis) {
        let chart = Chart::of(analysis, symbol, policy, kpi);
        let last = subject.series().column(kpi).iter().rev().find_map(|value| *value);
        let last = last.map_or_else(String::new, |value| format!(", last {}", shown(kpi, value)));
        doc.push(&format!(
            "<figure>\n<figcaption>{} <span>{}{last}</span></figcaption>\n{}</figure>\n",
            text(&chart.title),
            text(&chart.axis),
            svg::bare(&chart)
        ));
    }
    doc.push("</div>\n");
}

/// Markdown shows up to so many iterations in whole, of longer runs the first and the last ones.
const WHOLE: usize = 1000;
const FIRST: usize = 20;
const LAST: usize = 500;
/// Increments that a cell names.
const MOST_DELTAS: usize = 8;

/// The positions that a page shows: the last ones, and before them the last ones that do not pass.
fn last_and_failing(length: usize, most: usize, passes: impl Fn(usize) -> bool) -> Vec<usize> {
    let start = length.saturating_sub(most);
    let mut before: Vec<usize> = (0..start).rev().filter(|position| !passes(*position)).take(most).collect();
    before.reverse();
    before.extend(start..length);
    before
}

/// A row an iteration. A page shows the last `most`, and before them as many that do not pass.
pub(super) fn iterations(doc: &mut Document, subject: Subject<'_>, most: usize) {
    let series = subject.series();
    let n = series.len();
    let mut kpis = subject.analysis.kpis.clone();
    for gate in &subject.limits.checks {
        if !kpis.contains(&gate.kpi) {
            kpis.push(gate.kpi);
        }
    }
    let name = |kpi: &KpiId| match doc.format {
        Format::Markdown => short_name(*kpi),
        Format::Html => kpi.label.map_or_else(|| kpi.name.to_owned(), text),
    };
    let names = kpis.iter().map(|kpi| with_unit(&name(kpi), *kpi));
    let names: Vec<Column> = names.map(Column::number).collect();
    if doc.format == Format::Html {
        let positions = last_and_failing(n, most, |position| passes(series, position, subject.limits));
        if positions.len() < n {
            let before = positions.len() - most.min(positions.len());
            doc.remark(&format!(
                "{n} iterations, of which the last {most} are listed, and of those before them the last \
                 {before} that do not pass. The charts show all of them; long series are thinned, their \
                 extremes stay."
            ));
        }
        let rest = if subject.analysis.tunes { "phase|freeze|tuning|time" } else { "phase|time" };
        let columns = [columns("#iteration|passes"), names, columns(rest)].concat();
        let row = |position: usize| page_row(subject, &kpis, position);
        return doc.long_table(&columns, positions.into_iter().map(row));
    }
    if n == 0 {
        return doc.paragraph("There is no iteration.");
    }
    if n > WHOLE {
        doc.paragraph(&format!("{n} iterations, of which the first {FIRST} and the last {LAST} are shown."));
    }
    let result = format!("by the {} limits", subject.analysis.limits());
    let rest = "applied|proposed deltas|guards|freeze|signature";
    let rest = if subject.analysis.tunes { columns(rest) } else { Vec::new() };
    let columns = [columns("#iteration|time"), names, rest, vec![Column::text(result)]].concat();
    let row = |position: usize| matrix_row(subject, &kpis, position);
    if n <= WHOLE {
        doc.table(&columns, (0..n).map(row));
    } else {
        let gap = vec![Cell::from("…"); columns.len()];
        doc.table(&columns, (0..FIRST).map(row).chain([gap]).chain((n - LAST..n).map(row)));
    }
}

fn kpi_cells(subject: Subject<'_>, kpis: &[KpiId], position: usize) -> impl Iterator<Item = Cell> {
    let series = subject.series();
    let missed = misses(series, position, subject.limits);
    kpis.iter().map(move |kpi| {
        let gate = subject.limits.checks.iter().find(|gate| gate.kpi == *kpi);
        let class = if missed.iter().any(|miss| miss.kpi == *kpi) { "bad" } else { "" };
        let reported = series.value(*kpi, position).map(|value| match gate {
            Some(gate) => beside(value, gate.limit.value, kpi.decimals_of(value)),
            None => shown(*kpi, value),
        });
        Cell::marked(reported, class)
    })
}

fn matrix_row(subject: Subject<'_>, kpis: &[KpiId], position: usize) -> Vec<Cell> {
    let iteration = &subject.series().rows()[position];
    let tuning = &iteration.tuning;
    let mut cells = row![iteration.number, iteration.time.as_deref().map(cell)];
    cells.extend(kpi_cells(subject, kpis, position));
    let passes = passes(subject.series(), position, subject.limits);
    let result = if passes { "PASS" } else { "FAIL" };
    if !subject.analysis.tunes {
        cells.extend(row![result]);
        return cells;
    }
    cells.extend(row![
        tuning.applied.map(|applied| if applied { "yes" } else { "no" }.to_owned()),
        proposed(iteration),
        tuning.spoke().iter().map(Guard::word).collect::<Vec<_>>().join(", "),
        if tuning.is_frozen() { "yes" } else { "no" },
        tuning.signature_or_hash().map(|signature| beginning(signature, 8)),
        result,
    ]);
    cells
}

fn page_row(subject: Subject<'_>, kpis: &[KpiId], position: usize) -> Vec<Cell> {
    let iteration = &subject.series().rows()[position];
    let tuning = &iteration.tuning;
    let passing = match (passes(subject.series(), position, subject.limits), &iteration.collection_failed) {
        (true, _) => Cell::marked("✓ yes", "good"),
        (false, None) => Cell::marked("✗ no", "bad"),
        (false, Some(_)) => Cell::marked("✗ no data", "bad"),
    };
    let mut cells = row![iteration.number, passing];
    cells.extend(kpi_cells(subject, kpis, position));
    cells.push(iteration.phase.as_deref().map(|phase| text(phase).to_lowercase()).into());
    if subject.analysis.tunes {
        cells.extend(row![
            if tuning.is_frozen() { "yes" } else { "" },
            match (tuning.applied, tuning.deltas.len()) {
                (Some(true), _) => "applied",
                (_, 0) => "",
                _ => "held back",
            },
        ]);
    }
    cells.push(iteration.time.as_deref().map(text).into());
    cells
}

fn proposed(iteration: &Row) -> String {
    let deltas = &iteration.tuning.deltas;
    let one = |(param, delta): (&crate::core::iteration::params::ParamName, f64)| {
        format!("{} {}", cell(param.as_str()), increment(delta))
    };
    let mut reported: Vec<String> = deltas.iter().take(MOST_DELTAS).map(one).collect();
    if deltas.len() > MOST_DELTAS {
        reported.push(format!("and {} more", deltas.len() - MOST_DELTAS));
    }
    reported.join(", ")
}

/// The beginning of a signature, for Markdown.
pub(super) fn beginning(signature: &str, length: usize) -> String {
    cell(&signature.chars().take(length).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_shown_and_before_it_what_does_not_pass() {
        let failing = [0, 3, 4, 9];
        let positions = |most| last_and_failing(10, most, |position| !failing.contains(&position));
        assert_eq!(positions(10), (0..10).collect::<Vec<_>>());
        assert_eq!(positions(3), [0, 3, 4, 7, 8, 9]);
        assert_eq!(positions(2), [3, 4, 8, 9]);
        assert_eq!(last_and_failing(0, 5, |_| true), Vec::<usize>::new());
    }
}
