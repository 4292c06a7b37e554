//! Plots of the KPIs of the verdict as SVG: whole pictures with title and legend, and bare ones for a page.
//!
//! Text is ASCII, so that the font of the pictures has all of it. Colours are classes: a whole picture brings
//! its own style, a bare one takes that of its page.

mod chart;
mod draw;
mod png;
mod scale;
#[cfg(test)]
mod tests;

use crate::core::analysis::{Analysis, SymbolAnalysis};
use crate::core::kpi::KpiId;
use crate::core::policy::Policy;

pub(crate) use chart::Chart;
pub(crate) use draw::Item;
pub(crate) use png::{Painter, PngError};

/// The KPIs that are drawn, with the names of their files.
pub(crate) const PLOTS: [(KpiId, &str); 4] = [
    (KpiId::NET_BPS, "net_bps"),
    (KpiId::RISK_RATIO, "risk_ratio"),
    (KpiId::P95_LATENCY_MS, "latency_p95_ms"),
    (KpiId::MAKER_TAKER_RATIO, "maker_taker_ratio"),
];

/// Longer series are thinned.
const MOST_POINTS: usize = 1500;

/// Where things stand in a picture, in its own units.
#[derive(Clone, Copy, Debug)]
struct Layout {
    width: f64,
    height: f64,
    /// Left of the numbers at the value axis.
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    /// Height of the text.
    text: f64,
    ticks: usize,
    /// Points up to which each has a marker.
    markers: usize,
}

const WHOLE: Layout = Layout {
    width: 1000.0,
    height: 600.0,
    left: 46.0,
    right: 148.0,
    top: 134.0,
    bottom: 68.0,
    text: 14.0,
    ticks: 8,
    markers: 180,
};

const BARE: Layout = Layout {
    width: 480.0,
    height: 260.0,
    left: 8.0,
    right: 66.0,
    top: 24.0,
    bottom: 32.0,
    text: 12.0,
    ticks: 5,
    markers: 60,
};

const STYLE: &str = include_str!("plot.css");

/// The whole picture, 1000 by 600, by itself.
pub(crate) fn whole(chart: &Chart) -> String {
    let mut out = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1000\" height=\"600\" viewBox=\"0 0 1000 600\" \
         font-family=\"DejaVu Sans, Verdana, sans-serif\">\n",
    );
    out.extend(["<title>", &ascii(&chart.title), "</title>\n<style>\n", STYLE, "</style>\n"]);
    out.push_str("<rect class=\"paper\" width=\"1000\" height=\"600\"/>\n");
    draw::head(&mut out, chart);
    draw::plot(&mut out, chart, &WHOLE, false);
    out.push_str("</svg>\n");
    out
}

/// The plot alone, for a page that brings heading, legend and style.
pub(crate) fn bare(chart: &Chart) -> String {
    let mut out = format!(
        "<svg class=\"plot\" viewBox=\"0 0 480 260\" role=\"img\" aria-label=\"{}\">\n",
        ascii(&chart.spoken())
    );
    draw::plot(&mut out, chart, &BARE, true);
    out.push_str("</svg>\n");
    out
}

/// The pictures of the symbol that decides, with the names of their files.
pub(crate) fn plots(analysis: &Analysis, policy: &Policy) -> Vec<(&'static str, String)> {
    let symbol = analysis.worst();
    PLOTS.iter().map(|(kpi, name)| (*name, whole(&Chart::of(analysis, symbol, policy, *kpi)))).collect()
}

/// What a reader of the bare plots of a symbol has to know about their marks.
pub(crate) fn items(analysis: &Analysis, symbol: &SymbolAnalysis, policy: &Policy) -> Vec<Item> {
    let charts = PLOTS.map(|(kpi, _)| Chart::of(analysis, symbol, policy, kpi));
    let there: Vec<Item> = charts.iter().flat_map(draw::items).collect();
    Item::ALL.into_iter().filter(|item| there.contains(item)).collect()
}

/// Text as XML, with a question mark for what is not printable ASCII, and of bounded length.
fn ascii(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut safe = String::new();
    for letter in text.chars().take(LONGEST) {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            ' '..='~' => safe.push(letter),
            _ => safe.push('?'),
        }
    }
    safe
}
