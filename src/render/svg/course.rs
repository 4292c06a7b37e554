//! What statistics found: the interval of the median, levels with the places where they change, a steady drift.
//!
//! Must not compute any of it.

use std::fmt::Write as _;

use super::draw::{Area, letter, path, rect, text};
use super::{Chart, Layout};

/// Where the median of the last-n window lies, as far as it can be seen.
pub(super) fn interval(out: &mut String, chart: &Chart, area: &Area) {
    let (Some((low, high)), Some((_, (first, last)))) = (chart.interval, &chart.window) else { return };
    let (from, to) = (area.x(*first as f64 - 0.5), area.x(*last as f64 + 0.5));
    let inside = |value: f64| area.y(value).clamp(area.top, area.bottom);
    let (top, bottom) = (inside(high), inside(low));
    out.push_str(&rect("interval", from, top, to - from, (bottom - top).max(1.5)));
}

/// Levels with the places where they change, and the line of a drift.
pub(super) fn course(out: &mut String, chart: &Chart, area: &Area, layout: &Layout) {
    let at = |(number, value): (u64, f64)| (area.x(number as f64), area.y(value));
    let mut levels = String::new();
    for piece in &chart.levels {
        let ((x, y), (end, _)) = (at(piece.from), at(piece.to));
        let _ = write!(levels, "M{:.1} {y:.1}H{:.1}", x - 2.0, end + 2.0);
    }
    path(out, "level", &levels);
    for pair in chart.levels.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        let x = f64::midpoint(area.x(before.to.0 as f64), area.x(after.from.0 as f64));
        path(out, "level-change", &format!("M{x:.1} {:.1}V{:.1}", area.top, area.bottom));
        let label = after.from.0.to_string();
        // Beside the line, on its left where there is no room on its right.
        let width = letter(layout) * label.len() as f64 + 4.0;
        if x + width < area.right {
            text(out, "level-text", x + 4.0, area.bottom - 8.0, &label);
        } else {
            text(out, "end level-text", x - 4.0, area.bottom - 8.0, &label);
        }
    }
    if let Some(piece) = chart.drift {
        let ((x, y), (end, last)) = (at(piece.from), at(piece.to));
        path(out, "drift", &format!("M{x:.1} {y:.1}L{end:.1} {last:.1}"));
    }
}
