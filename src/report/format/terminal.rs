//! Plain text for people: verdict words, explanations on two lines, blocks and rules.
//!
//! Colour is a decision of the caller. Whatever comes from files is made printable first.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::text::printable;
use crate::core::text::number::{beside, distance, exact, fixed, trimmed};
use crate::core::verdict::{Check, Inference, Outcome};

/// Width of the banner rules.
const WIDTH: usize = 80;

/// How to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences for colours may be written.
    pub colour: bool,
    /// Whether only ASCII may be written.
    pub ascii: bool,
}

impl Style {
    /// The word of an outcome, coloured where that is allowed.
    pub fn outcome(self, outcome: Outcome) -> String {
        self.paint(outcome, outcome.word())
    }

    /// `text` in the colour of an outcome.
    pub(crate) fn paint(self, outcome: Outcome, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match outcome {
            Outcome::Pass => "32",
            Outcome::Warn => "33",
            Outcome::Inconclusive => "35",
            Outcome::Fail | Outcome::Invalid => "31;1",
            Outcome::NotApplicable => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// A line across the screen.
pub(crate) fn rule() -> String {
    "=".repeat(WIDTH)
}

/// A heading between two rules.
pub(crate) fn heading(text: &str) -> String {
    format!("{rule}\n{text}\n{rule}\n", rule = rule())
}

/// A text in the making, line by line.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) text: String,
    pub(crate) style: Style,
}

impl Lines {
    pub(crate) fn new(style: Style) -> Self {
        Self { text: String::new(), style }
    }

    pub(crate) fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    pub(crate) fn heading(&mut self, text: &str) {
        self.text.push_str(&heading(text));
    }

    /// A check with its explanation.
    pub(crate) fn check(&mut self, check: &Check) {
        self.text.push_str(&explanation(check, self.style));
    }

    /// The first entries of a list.
    pub(crate) fn list(&mut self, items: impl IntoIterator<Item = String>, most: usize) {
        let items: Vec<String> = items.into_iter().collect();
        for text in items.iter().take(most) {
            self.line(format!("  - {text}"));
        }
        if items.len() > most {
            self.line(format!("  - and {} more", items.len() - most));
        }
    }

    /// A sign that ASCII has not.
    pub(crate) fn sign<'s>(&self, sign: &'s str) -> &'s str {
        if self.style.ascii { "" } else { sign }
    }

    pub(crate) fn good(&self) -> &'static str {
        if self.style.ascii { "OK" } else { "✓" }
    }

    pub(crate) fn bad(&self) -> &'static str {
        if self.style.ascii { "X" } else { "✗" }
    }
}

/// Decimals of the numbers of a decision, where they are enough; zeros at the end are left out.
const DECIMALS: usize = 4;

/// What a check observed, on its side of the limit; `None` when there was no value.
pub(crate) fn observed(check: &Check) -> Option<String> {
    let number = match (check.observed?, check.limit) {
        (observed, Some(limit)) => beside(observed, limit, DECIMALS),
        (observed, None) => fixed(observed, DECIMALS),
    };
    Some(trimmed(&number).to_owned())
}

/// What a check requires: `>= 2.9`; `None` when it has no limit.
pub(crate) fn bound(check: &Check) -> Option<String> {
    let (comparison, limit) = (check.comparison?, exact(check.limit?, DECIMALS));
    Some(format!("{} {}", comparison.symbol(), trimmed(&limit)))
}

/// The explanation of a check on two lines: what and why, then how it was decided.
pub(crate) fn explanation(check: &Check, style: Style) -> String {
    let tag = style.paint(check.outcome, &format!("[{}]", check.outcome.word()));
    let symbol =
        check.symbol.as_deref().map_or_else(String::new, |symbol| format!("{}: ", printable(symbol)));
    format!("{tag} {}  {symbol}{}\n       {}\n", check.gate, printable(&check.reason), decision(check))
}

/// `median 2.7 >= 2.9, margin -0.2 | last8 17-24, n=8 | hard | readiness.kpi.net_bps.limit (built-in policy)`.
pub(crate) fn decision(check: &Check) -> String {
    let mut parts = Vec::new();
    let seen = observed(check).unwrap_or_else(|| "no value".to_owned());
    let mut what = format!("{} {seen}", check.statistic);
    if let Some(bound) = bound(check) {
        what.push(' ');
        what.push_str(&bound);
    }
    if let Some(margin) = check.margin {
        what.push_str(", margin ");
        let size = distance(margin, DECIMALS);
        let size = trimmed(&size);
        if size != "0" {
            what.push(if margin < 0.0 { '-' } else { '+' });
        }
        what.push_str(size);
    }
    parts.push(what.trim_start().to_owned());
    parts.push(match (check.window.first, check.window.last) {
        (Some(first), Some(last)) => format!("{} {first}-{last}, n={}", check.window.name, check.window.n),
        _ => format!("{}, n={}", check.window.name, check.window.n),
    });
    parts.extend(check.inference.as_ref().and_then(sureness));
    parts.push(check.severity.word().to_owned());
    if let Some(source) = &check.limit_source {
        parts.push(format!("{} ({})", source.key, printable(&source.origin)));
    }
    if !check.joins {
        parts.push("advisory".to_owned());
    }
    parts.join(" | ")
}

/// `n_eff 14.2, 95 % interval -0.05 to -0.01, p 0.0003, 0.0012 with Holm over 4 KPIs`; `None` when nothing is
/// known.
pub(crate) fn sureness(inference: &Inference) -> Option<String> {
    let Inference { n_eff, low, high, confidence, p_value, p_adjusted, correction } = inference;
    let mut parts = Vec::new();
    if let Some(n_eff) = n_eff {
        parts.push(format!("n_eff {}", fixed(*n_eff, 1)));
    }
    if let (Some(low), Some(high)) = (low, high) {
        let level =
            confidence.map_or_else(String::new, |level| format!("{} % ", trimmed(&fixed(100.0 * level, 1))));
        parts.push(format!("{level}interval {} to {}", fixed(*low, DECIMALS), fixed(*high, DECIMALS)));
    }
    if let Some(p) = p_value {
        parts.push(format!("p {}", probability(*p)));
    }
    if let Some(p) = p_adjusted {
        let how = correction.as_deref().map_or_else(String::new, |how| format!(" with {how}"));
        parts.push(format!("{}{how}", probability(*p)));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// A probability with as many decimals as it takes, and never 0.
pub(crate) fn probability(p: f64) -> String {
    if p < 0.0001 { "below 0.0001".to_owned() } else { fixed(p, DECIMALS) }
}

/// How many columns of the terminal a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// With blanks behind it, so that it takes so many columns.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Rows of cells as lines, the columns as wide as their widest cell.
pub(crate) fn columns(table: &[Vec<String>]) -> String {
    let count = table.first().map_or(0, Vec::len);
    let widest = |column: usize| table.iter().map(|row| width(&row[column])).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(widest).collect();
    let mut text = String::new();
    for row in table {
        let line: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| padded(cell, *width)).collect();
        let _ = writeln!(text, "{}", line.join("  ").trim_end());
    }
    text
}

/// With a capital at the beginning.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::verdict::{Comparison, LimitSource, Part, Severity, WindowUsed};

    fn check() -> Check {
        Check {
            part: Part::Readiness,
            gate: "readiness.net_bps".into(),
            kpi: Some("net_bps".into()),
            symbol: None,
            severity: Severity::Hard,
            window: WindowUsed { name: "last8".into(), first: Some(17), last: Some(24), n: 8 },
            statistic: "median".into(),
            comparison: Some(Comparison::AtLeast),
            limit: Some(2.9),
            observed: Some(2.7),
            margin: Some(2.7 - 2.9),
            outcome: Outcome::Fail,
            reason: "median 2.70 bps misses >= 2.90 bps by 0.20 bps".into(),
            limit_source: Some(LimitSource {
                key: "readiness.kpi.net_bps.limit".into(),
                origin: "built-in policy".into(),
            }),
            joins: false,
            inference: None,
        }
    }

    #[test]
    fn a_reader_can_redo_the_decision_from_the_explanation() {
        assert_eq!(
            explanation(&check(), Style::default()),
            "[FAIL] readiness.net_bps  median 2.70 bps misses >= 2.90 bps by 0.20 bps\n       median 2.7 >= 2.9, \
             margin -0.2 | last8 17-24, n=8 | hard | readiness.kpi.net_bps.limit (built-in policy) | advisory\n"
        );
    }

    #[test]
    fn the_ladder_says_how_sure_a_decision_is() {
        let inference = Inference {
            n_eff: Some(14.24),
            low: Some(-0.05),
            high: Some(-0.01),
            confidence: Some(0.95),
            p_value: Some(0.000_3),
            p_adjusted: Some(0.001_2),
            correction: Some("Holm over 4 KPIs".to_owned()),
        };
        let reported = decision(&Check { inference: Some(inference), ..check() });
        let expected =
            " | n_eff 14.2, 95 % interval -0.0500 to -0.0100, p 0.0003, 0.0012 with Holm over 4 KPIs | hard";
        assert!(reported.contains(expected), "{reported}");
        assert_eq!(sureness(&Inference::default()), None);
        assert_eq!(probability(0.000_02), "below 0.0001");
    }

    #[test]
    fn colour_is_written_only_where_it_is_allowed() {
        assert_eq!(Style::default().outcome(Outcome::Fail), "FAIL");
        assert!(Style { colour: true, ascii: false }.outcome(Outcome::Fail).starts_with('\x1b'));
    }

    #[test]
    fn a_column_is_as_wide_as_what_a_terminal_shows() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let table = [row(["a", "b"]), row(["網路", "x"]), row(["e\u{301}", "x"]), row(["→▅", "x"])];
        assert_eq!(columns(&table), "a     b\n網路  x\ne\u{301}     x\n→▅    x\n");
    }

    #[test]
    fn numbers_are_short_and_stay_on_their_side_of_the_limit() {
        let reported = |limit: f64, observed: f64| {
            let margin = Some(observed - limit);
            let check = Check { limit: Some(limit), observed: Some(observed), margin, ..check() };
            decision(&check).split(" | ").next().map(str::to_owned)
        };
        assert_eq!(reported(2.0, 2.0).as_deref(), Some("median 2 >= 2, margin 0"));
        assert_eq!(reported(100.0, 350.125).as_deref(), Some("median 350.125 >= 100, margin +250.125"));
        assert_eq!(reported(0.0, 0.0).as_deref(), Some("median 0 >= 0, margin 0"));
        // 2^-16 = 0.0000152587890625: at four decimals the value would equal its limit.
        let below = 2.5 - 1.0 / 65536.0;
        assert_eq!(reported(2.5, below).as_deref(), Some("median 2.49998 >= 2.5, margin -0.00002"));
    }
}
