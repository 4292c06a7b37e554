//! The charts of a symbol, and its KPIs over the last-n window in numbers.

use super::Subject;
use super::words::{end_table, paragraph, remark, row, table, text};
use crate::core::analysis::{Deep, KpiStats};
use crate::core::number::{beside, fixed};
use crate::core::stats::Summary;
use crate::render::svg::{self, Chart, PLOTS};

/// The four plots with their legend.
pub(super) fn charts(out: &mut String, subject: &Subject<'_>) {
    let Subject { analysis, symbol, policy, .. } = subject;
    if analysis.series(symbol).is_empty() {
        paragraph(out, "There is no iteration to draw.");
        return;
    }
    out.push_str("<p class=\"quiet legend\">");
    for item in svg::items(analysis, symbol, policy) {
        let sample = item.sample(0.0, 0.0);
        out.extend([format!(
            "<span><svg viewBox=\"0 0 24 12\" aria-hidden=\"true\">{sample}</svg>{}</span>\n",
            item.text()
        )]);
    }
    out.push_str("</p>\n<div class=\"grid\">\n");
    for (kpi, _) in PLOTS {
        let chart = Chart::of(analysis, symbol, policy, kpi);
        let last = analysis.series(symbol).column(kpi).iter().rev().find_map(|value| *value);
        let digits = kpi.unit.decimals();
        let last = last.map_or_else(String::new, |value| format!(", last {}", fixed(value, digits)));
        out.extend([format!(
            "<figure>\n<figcaption>{} <span>{}{last}</span></figcaption>\n{}</figure>\n",
            text(&chart.title),
            text(&chart.axis),
            svg::bare(&chart)
        )]);
    }
    out.push_str("</div>\n");
}

/// The statistics of the last-n window.
pub(super) fn numbers(out: &mut String, subject: &Subject<'_>, deep: &Deep) {
    let Some(stats) = deep.windows.last() else { return };
    let used = stats.window.used();
    let (Some(first), Some(last)) = (used.first, used.last) else { return };
    remark(out, &format!("In numbers: {}, iterations {first}–{last}, n={}.", text(&used.name), used.n));
    let columns = [
        ("t", "KPI"),
        ("t", "unit"),
        ("", "mean"),
        ("", "median"),
        ("t", "95 % interval of the median"),
        ("", "n_eff"),
        ("", "min"),
        ("", "max"),
        ("", "p95"),
        ("", "stdev"),
        ("", "missing"),
        ("t", "trend"),
        ("t", "limit of an iteration"),
    ];
    table(out, &columns, false);
    for kpi in &stats.kpis {
        row(out, cells(subject, kpi));
    }
    end_table(out);
}

fn cells(subject: &Subject<'_>, stats: &KpiStats) -> [(&'static str, String); 13] {
    let kpi = stats.kpi;
    let digits = kpi.unit.decimals();
    let gate = subject.limits.checks.iter().find(|gate| gate.kpi == stats.kpi);
    let told = |which: fn(&Summary) -> f64| {
        let value = stats.summary.as_ref().map(which);
        ("", value.map_or_else(String::new, |value| fixed(value, digits)))
    };
    let judged = |which: fn(&Summary) -> f64| match (&stats.summary, gate) {
        (Some(summary), Some(gate)) => {
            let (value, limit) = (which(summary), gate.limit.value);
            let class = if gate.comparison.holds(value, limit) { "" } else { "bad" };
            (class, beside(value, limit, digits))
        }
        _ => told(which),
    };
    [
        ("t", format!("<code>{}</code>", text(kpi.name))),
        ("t", text(kpi.unit.symbol())),
        judged(|summary| summary.mean),
        judged(|summary| summary.median),
        (
            "t",
            stats.median_interval.map_or_else(
                || "cannot tell".to_owned(),
                |interval| format!("{} to {}", fixed(interval.low, digits), fixed(interval.high, digits)),
            ),
        ),
        ("", stats.interval.map_or_else(String::new, |interval| fixed(interval.n_eff, 1))),
        judged(|summary| summary.min),
        judged(|summary| summary.max),
        told(|summary| summary.p95),
        told(|summary| summary.stdev),
        (if stats.missing > 0 { "bad" } else { "" }, stats.missing.to_string()),
        ("t", stats.trend.map_or_else(String::new, |trend| trend.word.word().to_owned())),
        (
            "t",
            gate.map_or_else(String::new, |gate| {
                text(&crate::render::report_md::bound(gate.comparison, gate.limit.value, kpi))
            }),
        ),
    ]
}
