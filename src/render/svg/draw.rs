//! The plot itself: axes, grid, shades, limits, the line and its marks.
//!
//! Numbers of the picture have one decimal; below that nobody sees anything.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::chart::Stretch;
use super::scale::{ValueAxis, number_ticks};
use super::shades::{changes, shades};
use super::thin::{Dot, pieces};
use super::{Chart, Layout, MOST_POINTS, ascii};
use crate::core::number::exact;

/// The area of the values, and where a number stands in it.
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    axis: ValueAxis,
    /// Half an iteration before the first, and the iterations shown.
    pub(super) first: f64,
    span: f64,
}

impl Area {
    pub(super) fn x(&self, number: f64) -> f64 {
        self.left + (number - self.first) / self.span * (self.right - self.left)
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom - self.axis.position(value) * (self.bottom - self.top)
    }

    /// Stretches as spans of the picture; those that touch become one.
    pub(super) fn spans(&self, stretches: &[Stretch], least: f64) -> Vec<(f64, f64)> {
        let mut spans: Vec<(f64, f64)> = Vec::new();
        for (first, last) in stretches {
            let (from, to) = (self.x(*first as f64 - 0.5), self.x(*last as f64 + 0.5));
            let short = ((least - (to - from)) / 2.0).max(0.0);
            let (from, to) = (from - short, to + short);
            match spans.last_mut() {
                Some((_, end)) if from - *end < 1.0 => *end = to.max(*end),
                _ => spans.push((from, to)),
            }
        }
        spans
    }
}

/// Draws a chart. With `tips` the values can be read by pointing at them.
pub fn plot(out: &mut String, chart: &Chart, layout: &Layout, tips: bool) {
    let (Some((first, _)), Some((last, _))) = (chart.points.first(), chart.points.last()) else {
        nothing(out, layout, "There is no iteration.");
        return;
    };
    let known = chart.points.iter().filter_map(|(_, value)| *value);
    let values = known.chain(chart.limits.iter().map(|limit| limit.value));
    let Some(axis) = ValueAxis::around(values, layout.ticks) else {
        nothing(out, layout, "No iteration has a value.");
        return;
    };
    let letters = axis.ticks.iter().map(|(_, text)| text.len()).max().unwrap_or(0) as f64;
    let limit_letters = chart.limits.iter().map(|limit| limit.text.len()).max().unwrap_or(0) as f64;
    let area = Area {
        left: layout.left + letters * letter(layout) + 8.0,
        right: layout.width - layout.right.max(limit_letters * layout.text * 0.72 + 14.0),
        top: layout.top,
        bottom: layout.height - layout.bottom,
        axis,
        first: *first as f64 - 0.5,
        span: (last - first) as f64 + 1.0,
    };
    out.push_str(&rect("area", area.left, area.top, area.right - area.left, area.bottom - area.top));
    shades(out, chart, &area);
    value_axis(out, chart, &area, layout);
    number_axis(out, &area, layout, *first, *last);
    window(out, chart, &area, layout);
    limits(out, chart, &area, layout);
    values_of(out, chart, &area, layout, tips);
    rugs(out, chart, &area);
    changes(out, chart, &area, layout);
}

fn nothing(out: &mut String, layout: &Layout, what: &str) {
    let (x, y) = (layout.width / 2.0, layout.height / 2.0);
    let _ = writeln!(out, "<text class=\"middle\" x=\"{x}\" y=\"{y}\">{what}</text>");
}

/// Width of a letter, about.
fn letter(layout: &Layout) -> f64 {
    layout.text * 0.64
}

pub(super) fn rect(class: &str, x: f64, y: f64, width: f64, height: f64) -> String {
    format!(
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>\n"
    )
}

fn text(out: &mut String, class: &str, x: f64, y: f64, what: &str) {
    let _ = writeln!(out, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", ascii(what));
}

pub(super) fn path(out: &mut String, class: &str, d: &str) {
    if !d.is_empty() {
        let _ = writeln!(out, "<path class=\"{class}\" d=\"{d}\"/>");
    }
}

fn value_axis(out: &mut String, chart: &Chart, area: &Area, layout: &Layout) {
    let mut grid = String::new();
    for (value, label) in &area.axis.ticks {
        let y = area.y(*value);
        let _ = write!(grid, "M{:.1} {y:.1}H{:.1}", area.left, area.right);
        text(out, "end", area.left - 8.0, y + layout.text * 0.35, label);
    }
    path(out, "grid", &grid);
    if layout.width > 500.0 {
        let middle = f64::midpoint(area.top, area.bottom);
        let _ = writeln!(
            out,
            "<text class=\"middle\" transform=\"translate(24 {middle:.1}) rotate(-90)\">{}</text>",
            ascii(&chart.axis)
        );
    }
}

fn number_axis(out: &mut String, area: &Area, layout: &Layout, first: u64, last: u64) {
    let label = letter(layout) * last.to_string().len() as f64;
    // A label and as much room again for each.
    let room = area.right - area.left;
    let wanted = (1..14).take_while(|n| f64::from(*n) * (label * 2.0 + 8.0) <= room).count();
    let mut ticks = String::new();
    for number in number_ticks(first, last, wanted.max(1)) {
        let x = area.x(number as f64);
        let _ = write!(ticks, "M{x:.1} {:.1}V{:.1}", area.top, area.bottom);
        text(out, "middle", x, area.bottom + 12.0 + layout.text, &number.to_string());
    }
    path(out, "grid", &ticks);
    if layout.width > 500.0 {
        let middle = f64::midpoint(area.left, area.right);
        text(out, "middle", middle, layout.height - 18.0, "iteration");
    }
}

/// A bracket over the last-n window.
fn window(out: &mut String, chart: &Chart, area: &Area, layout: &Layout) {
    let Some((name, (first, last))) = &chart.window else { return };
    let (from, to) = (area.x(*first as f64 - 0.5), area.x(*last as f64 + 0.5));
    let y = area.top - 5.0;
    path(out, "window", &format!("M{from:.1} {:.1}V{y:.1}H{to:.1}V{:.1}", area.top, area.top));
    path(out, "window-edge", &format!("M{from:.1} {:.1}V{:.1}", area.top, area.bottom));
    let half = letter(layout) * name.len() as f64 / 2.0;
    let middle = f64::midpoint(from, to).clamp(area.left + half, area.right - half);
    text(out, "middle window-name", middle, y - 5.0, name);
}

fn limits(out: &mut String, chart: &Chart, area: &Area, layout: &Layout) {
    let mut order: Vec<(f64, usize)> =
        chart.limits.iter().enumerate().map(|(index, limit)| (area.y(limit.value), index)).collect();
    order.sort_by(|one, other| one.0.total_cmp(&other.0));
    let is_whole = layout.width > 500.0;
    let height = layout.text * if is_whole { 2.6 } else { 1.2 };
    let mut free = area.top;
    let mut bases: Vec<f64> = Vec::new();
    for (y, _) in &order {
        let base = y.max(free + height / 2.0);
        bases.push(base);
        free = base + height / 2.0;
    }
    // From below again, where the last would stand under the plot.
    let mut free = area.bottom;
    for base in bases.iter_mut().rev() {
        *base = base.min(free - height / 2.0);
        free = *base - height / 2.0;
    }
    for ((y, index), base) in order.iter().zip(bases) {
        let limit = &chart.limits[*index];
        let class = if limit.is_each { "limit" } else { "ready" };
        path(out, class, &format!("M{:.1} {y:.1}H{:.1}", area.left, area.right));
        let x = area.right + 8.0;
        if is_whole {
            text(out, &format!("{class}-text"), x, base - 2.0, &limit.text);
            let whose = if limit.is_each { limit.name.clone() } else { format!("readiness {}", limit.name) };
            text(out, "legend", x, base + layout.text * 0.95, &whose);
        } else {
            text(out, &format!("{class}-text"), x, base + layout.text * 0.35, &limit.text);
        }
    }
}

fn values_of(out: &mut String, chart: &Chart, area: &Area, layout: &Layout, tips: bool) {
    let pieces = pieces(&chart.points, MOST_POINTS);
    let mut line = String::new();
    for piece in &pieces {
        for (index, dot) in piece.iter().enumerate() {
            let mark = if index == 0 { 'M' } else { 'L' };
            let _ = write!(line, "{mark}{:.1} {:.1}", area.x(dot.number as f64), area.y(dot.value));
        }
    }
    let dots: Vec<Dot> = pieces.iter().flatten().copied().collect();
    let has_all = dots.len() <= layout.markers;
    let thin = if has_all { "" } else { " thin" };
    path(out, &format!("line{thin}"), &line);
    let every = dots.len().div_ceil(layout.markers).max(1);
    let radius = if has_all { layout.text * 0.26 } else { layout.text * 0.18 };
    let single = pieces.iter().filter(|piece| piece.len() == 1).map(|piece| piece[0].number);
    let single: BTreeSet<u64> = single.collect();
    let (mut circles, mut misses) = (String::new(), String::new());
    for (index, dot) in dots.iter().enumerate() {
        let (x, y) = (area.x(dot.number as f64), area.y(dot.value));
        if chart.is_beyond(dot.value) {
            let r = if has_all { layout.text * 0.4 } else { layout.text * 0.3 };
            let _ = write!(misses, "M{x:.1} {:.1}l{r:.1} {r:.1}-{r:.1} {r:.1}-{r:.1}-{r:.1}z", y - r);
        } else if index % every == 0 || single.contains(&dot.number) {
            let (r, across) = (radius, radius * 2.0);
            let _ = write!(
                circles,
                "M{:.1} {y:.1}a{r:.1} {r:.1} 0 1 0 {across:.1} 0a{r:.1} {r:.1} 0 1 0-{across:.1} 0z",
                x - r
            );
        }
    }
    path(out, &format!("dots{thin}"), &circles);
    path(out, "miss", &misses);
    if tips && has_all {
        for dot in &dots {
            let (x, y) = (area.x(dot.number as f64), area.y(dot.value));
            let _ = writeln!(
                out,
                "<circle class=\"tip\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"7\"><title>iteration {}: {}</title></circle>",
                dot.number,
                exact(dot.value, 2)
            );
        }
    }
}

/// Below the plot the iterations that do not pass, at its floor those without a value.
fn rugs(out: &mut String, chart: &Chart, area: &Area) {
    for (from, to) in area.spans(&chart.failing, 1.5) {
        out.push_str(&rect("fails", from, area.bottom + 3.0, to - from, 5.0));
    }
    for (from, to) in area.spans(&chart.missing, 3.0) {
        out.push_str(&rect("gap", from, area.bottom - 6.0, to - from, 6.0));
    }
}
