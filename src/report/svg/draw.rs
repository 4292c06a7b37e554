//! The plot itself: legend, axes, grid, shades, limits, the line and its marks, and what statistics found.
//!
//! Numbers of the picture have one decimal; below that nobody sees anything. Computes nothing of what it draws.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::chart::{Breach, Chart, Stretch};
use super::scale::{Dot, ValueAxis, number_ticks, pieces};
use crate::core::text::number::exact;

/// Longer series are thinned.
const MOST_POINTS: usize = 1500;

/// Places in a picture, in its own units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
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

pub(super) const WHOLE: Layout = Layout {
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

pub(super) const BARE: Layout = Layout {
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

/// The area of the values, and the place of a number in it.
struct Area {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    axis: ValueAxis,
    /// Half an iteration before the first, and the iterations shown.
    first: f64,
    span: f64,
}

impl Area {
    fn x(&self, number: f64) -> f64 {
        self.left + (number - self.first) / self.span * (self.right - self.left)
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom - self.axis.position(value) * (self.bottom - self.top)
    }

    /// Stretches as spans of the picture; those that touch become one.
    fn spans(&self, stretches: &[Stretch], least: f64) -> Vec<(f64, f64)> {
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
pub(super) fn plot(out: &mut String, chart: &Chart, layout: &Layout, tips: bool) {
    let (Some((first, _)), Some((last, _))) = (chart.points.first(), chart.points.last()) else {
        nothing(out, layout, "There is no iteration.");
        return;
    };
    let known = chart.points.iter().filter_map(|(_, value)| *value);
    let pieces = chart.levels.iter().flat_map(|piece| [piece.from.1, piece.to.1]);
    let values = known.chain(chart.limits.iter().map(|limit| limit.value)).chain(pieces);
    let values = values.chain(chart.drift.iter().map(|(_, value)| *value));
    let Some(axis) = ValueAxis::around(values, layout.ticks) else {
        nothing(out, layout, "No iteration has a value.");
        return;
    };
    let end = chart.breach.map_or(*last, |breach| (*last).max(ahead(&breach)));
    let letters = axis.ticks.iter().map(|(_, text)| text.len()).max().unwrap_or(0) as f64;
    let limit_letters = chart.limits.iter().map(|limit| limit.text.len()).max().unwrap_or(0) as f64;
    let area = Area {
        left: layout.left + letters * letter(layout) + 8.0,
        right: layout.width - layout.right.max(limit_letters * layout.text * 0.72 + 14.0),
        top: layout.top,
        bottom: layout.height - layout.bottom,
        axis,
        first: *first as f64 - 0.5,
        span: (end - first) as f64 + 1.0,
    };
    out.push_str(&rect("area", area.left, area.top, area.right - area.left, area.bottom - area.top));
    shades(out, chart, &area);
    marks(out, chart, &area, layout);
    interval(out, chart, &area);
    value_axis(out, chart, &area, layout);
    number_axis(out, &area, layout, *first, end);
    window(out, chart, &area, layout);
    limits(out, chart, &area, layout);
    values_of(out, chart, &area, layout, tips);
    curve(out, chart, &area, layout);
    breach(out, chart, &area, layout, *last);
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

fn rect(class: &str, x: f64, y: f64, width: f64, height: f64) -> String {
    format!(
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>\n"
    )
}

fn text(out: &mut String, class: &str, x: f64, y: f64, what: &str) {
    let _ = writeln!(out, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", ascii(what));
}

fn path(out: &mut String, class: &str, d: &str) {
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
    // From below again, where the last would be under the plot.
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
        if chart.is_out_of_limit(dot.value) {
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

/// The style of marks and restarts is written with them, the same on light and dark paper: pictures of runs without any
/// carry nothing of it.
const MARK: &str = "fill=\"#c77d0a\" fill-opacity=\"0.15\" stroke=\"#c77d0a\" stroke-dasharray=\"3 3\"";
const RESTART: &str = "fill=\"none\" stroke=\"#c026a3\" stroke-width=\"2\"";

/// Marks with a name of their own in a plot; more are drawn without.
const NAMED_MARKS: usize = 6;

/// A band between dashed edges for each mark, its name at the ceiling, each a line lower than the one before; and a line
/// where the system restarted.
fn marks(out: &mut String, chart: &Chart, area: &Area, layout: &Layout) {
    for (from, to) in area.spans(&chart.restarts, 1.5) {
        let x = f64::midpoint(from, to);
        let (top, bottom) = (area.top, area.bottom);
        let _ = writeln!(out, "<path class=\"restart\" {RESTART} d=\"M{x:.1} {top:.1}V{bottom:.1}\"/>");
    }
    for (index, (name, stretches)) in chart.marks.iter().enumerate() {
        for (at, (from, to)) in area.spans(stretches, 2.0).into_iter().enumerate() {
            let (from, to) = (from.max(area.left), to.min(area.right));
            let (width, height) = (to - from, area.bottom - area.top);
            let _ = writeln!(
                out,
                "<rect class=\"mark\" {MARK} x=\"{from:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>",
                area.top
            );
            if at == 0 && index < NAMED_MARKS {
                let y = area.top + layout.text * (1.2 + 1.15 * index as f64) + 6.0;
                let width = letter(layout) * name.len() as f64 + 6.0;
                if from + width < area.right {
                    text(out, "mark-name", from + 4.0, y, name);
                } else {
                    text(out, "end mark-name", to - 4.0, y, name);
                }
            }
        }
    }
}

/// Share of the height that a freeze takes where a phase has the rest.
const FREEZE_BAND: f64 = 0.3;

/// More marks than this are drawn as bars.
const MOST_MARKS: u64 = 400;

/// Phases fill the height, and so do freezes, but for the iterations of a phase: there they fill a band at the
/// floor, so that no two colours mix.
fn shades(out: &mut String, chart: &Chart, area: &Area) {
    let phases: Vec<Stretch> = chart.warmup.iter().chain(&chart.rampdown).copied().collect();
    let (within, outside) = divided(&chart.freezes, &phases);
    let height = area.bottom - area.top;
    for (class, stretches, share) in [
        ("warmup", &chart.warmup, 1.0),
        ("rampdown", &chart.rampdown, 1.0),
        ("freeze", &outside, 1.0),
        ("freeze", &within, FREEZE_BAND),
    ] {
        for (from, to) in area.spans(stretches, 1.0) {
            let (from, to) = (from.max(area.left), to.min(area.right));
            let height = height * share;
            out.push_str(&rect(class, from, area.bottom - height, to - from, height));
        }
    }
}

/// The parts of stretches that lie within others, and those that do not; both ascending.
fn divided(stretches: &[Stretch], others: &[Stretch]) -> (Vec<Stretch>, Vec<Stretch>) {
    let mut others = others.to_vec();
    others.sort_unstable();
    let (mut within, mut outside) = (Vec::new(), Vec::new());
    for (first, last) in stretches {
        let mut at = Some(*first);
        for (from, to) in others.iter().filter(|(from, to)| from <= last && to >= first) {
            let begin = at.unwrap_or(*from);
            if begin < *from {
                outside.push((begin, from - 1));
            }
            within.push((begin.max(*from), *to.min(last)));
            at = to.checked_add(1);
        }
        outside.extend(at.filter(|at| at <= last).map(|at| (at, *last)));
    }
    (within, outside)
}

/// Marks under the ceiling where tuning changed overrides: between the iteration after which it did and the next.
fn changes(out: &mut String, chart: &Chart, area: &Area, layout: &Layout) {
    let count: u64 = chart.changes.iter().map(|(first, last)| last - first + 1).sum();
    let half = layout.text * 0.3;
    let step = area.x(area.first + 1.0) - area.left;
    if count > MOST_MARKS || step < half {
        for (from, to) in area.spans(&chart.changes, 1.5) {
            out.push_str(&rect("change", from, area.top + 1.0, to - from, 4.0));
        }
        return;
    }
    let mut marks = String::new();
    for number in chart.changes.iter().flat_map(|(first, last)| *first..=*last) {
        let x = (area.x(number as f64 + 0.5)).min(area.right - half);
        let (y, across) = (area.top + 1.0, half * 2.0);
        let _ = write!(marks, "M{:.1} {y:.1}h{across:.1}l-{half:.1} {:.1}z", x - half, half * 1.5);
    }
    path(out, "change", &marks);
}

/// Where the median of the last-n window lies, as far as it can be seen.
fn interval(out: &mut String, chart: &Chart, area: &Area) {
    let (Some((low, high)), Some((_, (first, last)))) = (chart.interval, &chart.window) else { return };
    let (from, to) = (area.x(*first as f64 - 0.5), area.x(*last as f64 + 0.5));
    let inside = |value: f64| area.y(value).clamp(area.top, area.bottom);
    let (top, bottom) = (inside(high), inside(low));
    out.push_str(&rect("interval", from, top, to - from, (bottom - top).max(1.5)));
}

/// Levels with the places where they change, and the line of a drift.
fn curve(out: &mut String, chart: &Chart, area: &Area, layout: &Layout) {
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
    let mut drift = String::new();
    for (index, (number, value)) in chart.drift.iter().enumerate() {
        let mark = if index == 0 { 'M' } else { 'L' };
        let _ = write!(drift, "{mark}{:.1} {:.1}", area.x(*number), area.y(*value));
    }
    path(out, "drift", &drift);
}

/// As marks: the style stands with it.
const BREACH: &str = "fill=\"none\" stroke=\"#c8401a\" stroke-width=\"3\"";
const END: &str = "fill=\"none\" stroke=\"#6f7884\" stroke-dasharray=\"2 4\"";

/// The last iteration that a picture with this breach shows.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an iteration number, and saturating"
)]
fn ahead(breach: &Breach) -> u64 {
    libm::ceil(breach.high.unwrap_or(breach.at).max(breach.at)) as u64 + 1
}

/// Where the run ends, and from when to when the limit is reached: a bar on the limit with a cross at the middle. Without
/// an upper end it goes to the edge.
fn breach(out: &mut String, chart: &Chart, area: &Area, layout: &Layout, last: u64) {
    let Some(found) = chart.breach else { return };
    let (y, half) = (area.y(found.limit), layout.text * 0.4);
    let (from, at) = (area.x(found.low), area.x(found.at));
    let to = found.high.map_or(area.right, |high| area.x(high));
    let end = area.x(last as f64 + 0.5);
    let _ = writeln!(
        out,
        "<path class=\"end-of-run\" {END} d=\"M{end:.1} {:.1}V{:.1}\"/>",
        area.top, area.bottom
    );
    let mut bar = format!("M{from:.1} {:.1}v{:.1}M{from:.1} {y:.1}H{to:.1}", y - half, half * 2.0);
    if found.high.is_some() {
        let _ = write!(bar, "M{to:.1} {:.1}v{:.1}", y - half, half * 2.0);
    }
    let _ = write!(bar, "M{:.1} {:.1}l{half:.1} {half:.1}", at - half / 2.0, y - half / 2.0);
    let _ = write!(bar, "M{:.1} {:.1}l{half:.1}-{half:.1}", at - half / 2.0, y + half / 2.0);
    let _ = writeln!(out, "<path class=\"breach\" {BREACH} d=\"{bar}\"/>");
}

/// A mark that needs an explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// The limit of an iteration.
    Limit,
    /// The limit of readiness.
    Ready,
    /// A value out of limits.
    Miss,
    /// An iteration that does not pass.
    Fails,
    /// An iteration without a value.
    Gap,
    /// Tuning changed overrides.
    Change,
    Freeze,
    /// Warm-up.
    Warmup,
    /// Ramp-down.
    Rampdown,
    /// Interval of the median of the last-n window.
    Interval,
    /// A mark of `[phase]`.
    Mark,
    /// The system restarted.
    Restart,
    /// A steady drift.
    Drift,
    /// When it reaches its limit.
    Breach,
    /// A change of level.
    Level,
}

impl Item {
    /// All of them, in the order of a legend.
    pub const ALL: [Self; 15] = [
        Self::Limit,
        Self::Ready,
        Self::Miss,
        Self::Fails,
        Self::Gap,
        Self::Change,
        Self::Freeze,
        Self::Warmup,
        Self::Rampdown,
        Self::Interval,
        Self::Mark,
        Self::Restart,
        Self::Drift,
        Self::Breach,
        Self::Level,
    ];

    /// What it means.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Limit => "limit of an iteration",
            Self::Ready => "limit of readiness",
            Self::Miss => "out of limits",
            Self::Fails => "does not pass",
            Self::Gap => "no value",
            Self::Change => "overrides change",
            Self::Freeze => "freeze",
            Self::Warmup => "warm-up",
            Self::Rampdown => "ramp-down",
            Self::Interval => "95 % interval of the median",
            Self::Mark => "phase",
            Self::Restart => "restart",
            Self::Drift => "steady drift",
            Self::Breach => "80 % interval of the time to the limit",
            Self::Level => "level, and where it changed",
        }
    }

    /// The class that draws it.
    pub fn class(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Ready => "ready",
            Self::Miss => "miss",
            Self::Fails => "fails",
            Self::Gap => "gap",
            Self::Change => "change",
            Self::Freeze => "freeze",
            Self::Warmup => "warmup",
            Self::Rampdown => "rampdown",
            Self::Interval => "interval",
            Self::Mark => "mark",
            Self::Restart => "restart",
            Self::Drift => "drift",
            Self::Breach => "breach",
            Self::Level => "level",
        }
    }

    /// The mark, in a field of 24 by 12 with its left upper corner at `x`, `y`.
    pub(crate) fn sample(self, x: f64, y: f64) -> String {
        let class = self.class();
        match self {
            Self::Limit | Self::Ready | Self::Drift | Self::Level => {
                format!("<path class=\"{class}\" d=\"M{x} {}h24\"/>", y + 6.0)
            }
            Self::Miss => format!("<path class=\"{class}\" d=\"M{} {}l6 6-6 6-6-6z\"/>", x + 15.0, y),
            Self::Change => format!("<path class=\"{class}\" d=\"M{} {}h10l-5 7z\"/>", x + 10.0, y + 3.0),
            Self::Fails | Self::Gap => {
                format!(
                    "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"10\" height=\"6\"/>",
                    x + 10.0,
                    y + 3.0
                )
            }
            Self::Breach => {
                format!("<path class=\"{class}\" {BREACH} d=\"M{x} {y}v12m0-6h24m0-6v12\"/>")
            }
            Self::Restart => format!("<path class=\"{class}\" {RESTART} d=\"M{} {y}v12\"/>", x + 15.0),
            Self::Mark => {
                format!("<rect class=\"{class}\" {MARK} x=\"{x}\" y=\"{y}\" width=\"24\" height=\"12\"/>")
            }
            Self::Freeze | Self::Warmup | Self::Rampdown | Self::Interval => {
                format!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"24\" height=\"12\"/>")
            }
        }
    }
}

/// The marks of a chart.
pub(super) fn items(chart: &Chart) -> Vec<Item> {
    let is_there = |item: &Item| match item {
        Item::Limit => chart.limits.iter().any(|limit| limit.is_each),
        Item::Ready => chart.limits.iter().any(|limit| !limit.is_each),
        Item::Miss => {
            chart.points.iter().any(|(_, value)| value.is_some_and(|value| chart.is_out_of_limit(value)))
        }
        Item::Fails => !chart.failing.is_empty(),
        Item::Gap => !chart.missing.is_empty(),
        Item::Change => !chart.changes.is_empty(),
        Item::Freeze => !chart.freezes.is_empty(),
        Item::Warmup => !chart.warmup.is_empty(),
        Item::Rampdown => !chart.rampdown.is_empty(),
        Item::Mark => !chart.marks.is_empty(),
        Item::Restart => !chart.restarts.is_empty(),
        Item::Interval => chart.interval.is_some() && chart.window.is_some(),
        Item::Drift => !chart.drift.is_empty(),
        Item::Breach => chart.breach.is_some(),
        Item::Level => !chart.levels.is_empty(),
    };
    Item::ALL.into_iter().filter(is_there).collect()
}

/// Width of a letter of the legend, about.
const LETTER: f64 = 7.2;
/// Where the legend begins and ends.
const LEFT: f64 = 46.0;
const RIGHT: f64 = 980.0;

/// Title, facts and legend.
pub(super) fn head(out: &mut String, chart: &Chart) {
    out.extend([format!("<text class=\"title\" x=\"{LEFT}\" y=\"34\">{}</text>\n", ascii(&chart.title))]);
    out.extend([format!("<text class=\"facts\" x=\"{LEFT}\" y=\"57\">{}</text>\n", ascii(&chart.facts))]);
    let (mut x, mut y) = (LEFT, 70.0);
    for item in items(chart) {
        let width = 30.0 + LETTER * item.text().len() as f64;
        if x + width > RIGHT {
            (x, y) = (LEFT, y + 19.0);
        }
        out.push_str(&item.sample(x, y));
        let (at, base) = (x + 30.0, y + 11.0);
        out.extend([format!(
            "<text class=\"legend\" x=\"{at:.1}\" y=\"{base:.1}\">{}</text>\n",
            item.text()
        )]);
        x += width + 12.0;
    }
}

/// Text as XML, with a question mark for what is not printable ASCII, and of bounded length.
pub(super) fn ascii(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_divided_where_others_begin_and_end() {
        let others = [(5, 6), (1, 3)];
        assert_eq!(divided(&[(2, 8)], &others), (vec![(2, 3), (5, 6)], vec![(4, 4), (7, 8)]));
        assert_eq!(divided(&[(5, 5), (6, 6)], &others), (vec![(5, 5), (6, 6)], vec![]));
        assert_eq!(divided(&[(7, 9)], &others), (vec![], vec![(7, 9)]));
        assert_eq!(divided(&[(7, 9)], &[]), (vec![], vec![(7, 9)]));
        assert_eq!(divided(&[], &others), (vec![], vec![]));
        assert_eq!(divided(&[(9, u64::MAX)], &[(12, u64::MAX)]), (vec![(12, u64::MAX)], vec![(9, 11)]));
    }
}
