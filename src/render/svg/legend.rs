//! The head of a whole picture: title, facts, and what the marks mean.
//!
//! Only marks that are there are explained.

use super::{Chart, ascii};

/// A mark that wants explaining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// The limit of an iteration.
    Limit,
    /// The limit of readiness.
    Ready,
    /// A value beyond the limit.
    Miss,
    /// An iteration that does not pass.
    Fails,
    /// An iteration without a value.
    Gap,
    /// Tuning changed overrides.
    Change,
    /// Freeze.
    Freeze,
    /// Warm-up.
    Warmup,
    /// Ramp-down.
    Rampdown,
}

impl Item {
    /// All of them, in the order of a legend.
    pub const ALL: [Self; 9] = [
        Self::Limit,
        Self::Ready,
        Self::Miss,
        Self::Fails,
        Self::Gap,
        Self::Change,
        Self::Freeze,
        Self::Warmup,
        Self::Rampdown,
    ];

    /// What it means.
    pub fn text(self) -> &'static str {
        match self {
            Self::Limit => "limit of an iteration",
            Self::Ready => "limit of readiness",
            Self::Miss => "beyond the limit",
            Self::Fails => "does not pass",
            Self::Gap => "no value",
            Self::Change => "overrides change",
            Self::Freeze => "freeze",
            Self::Warmup => "warm-up",
            Self::Rampdown => "ramp-down",
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
        }
    }

    /// The mark, in a field of 24 by 12 with its left upper corner at `x`, `y`.
    pub fn sample(self, x: f64, y: f64) -> String {
        let class = self.class();
        match self {
            Self::Limit | Self::Ready => {
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
            Self::Freeze | Self::Warmup | Self::Rampdown => {
                format!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"24\" height=\"12\"/>")
            }
        }
    }
}

/// The marks of a chart.
pub fn items(chart: &Chart) -> Vec<Item> {
    let is_there = |item: &Item| match item {
        Item::Limit => chart.limits.iter().any(|limit| limit.is_each),
        Item::Ready => chart.limits.iter().any(|limit| !limit.is_each),
        Item::Miss => chart.points.iter().any(|(_, value)| value.is_some_and(|value| chart.is_beyond(value))),
        Item::Fails => !chart.failing.is_empty(),
        Item::Gap => !chart.missing.is_empty(),
        Item::Change => !chart.changes.is_empty(),
        Item::Freeze => !chart.freezes.is_empty(),
        Item::Warmup => !chart.warmup.is_empty(),
        Item::Rampdown => !chart.rampdown.is_empty(),
    };
    Item::ALL.into_iter().filter(is_there).collect()
}

/// Width of a letter of the legend, about.
const LETTER: f64 = 7.2;
/// Where the legend begins and ends.
const LEFT: f64 = 46.0;
const RIGHT: f64 = 980.0;

/// Title, facts and legend.
pub fn head(out: &mut String, chart: &Chart) {
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
