//! What the Markdown reports are written with: text made harmless, tables, numbers in words.
//!
//! Knows nothing of verdicts; what comes from a file passes through [`cell`] or [`prose`] first.

use super::markdown::cell;
use crate::core::kpi::KpiId;
use crate::core::number::{exact, fixed};
use crate::core::policy::Step;
use crate::core::verdict::Comparison;

/// A sentence that may hold text from files, on one line and of bounded length.
///
/// Escaped word by word like [`cell`]; comparison signs between spaces and plain names in backticks are no
/// danger and stay readable. Must not be the first thing on a line.
pub fn prose(text: &str) -> String {
    const MOST: usize = 1000;
    let mut out = String::new();
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        if out.len() > MOST {
            out.push('…');
            break;
        }
        let is_sign = !out.is_empty() && (word == "->" || Comparison::parse(word).is_some());
        if is_sign || is_code(word) {
            out.push_str(word);
        } else {
            out.push_str(&cell(word));
        }
    }
    out
}

/// A plain name between backticks, with the punctuation of a sentence around it.
fn is_code(word: &str) -> bool {
    let bare = word.trim_start_matches('(').trim_end_matches([',', ';', ':', '.', ')']);
    let name = bare.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    word.len() <= 100
        && name.is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
        })
}

/// A line.
pub fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// A line and an empty one.
pub fn paragraph(out: &mut String, text: &str) {
    line(out, text);
    out.push('\n');
}

/// A column of a table, by its heading.
#[derive(Clone, Copy, Debug)]
pub enum Column<'a> {
    /// Left-aligned.
    Text(&'a str),
    /// Right-aligned.
    Number(&'a str),
}

/// The two lines that a table begins with.
pub fn table(out: &mut String, columns: &[Column<'_>]) {
    row(out, columns.iter().map(|(Column::Text(name) | Column::Number(name))| *name));
    row(
        out,
        columns.iter().map(|column| match column {
            Column::Text(_) => "---",
            Column::Number(_) => "---:",
        }),
    );
}

/// A row of a table. An empty cell becomes a dash.
pub fn row<S: AsRef<str>>(out: &mut String, cells: impl IntoIterator<Item = S>) {
    out.push('|');
    for cell in cells {
        let text = cell.as_ref();
        out.push(' ');
        out.push_str(if text.is_empty() { "-" } else { text });
        out.push_str(" |");
    }
    out.push('\n');
}

/// The first `most` lines, and a sentence about the others.
pub fn bounded(out: &mut String, lines: impl ExactSizeIterator<Item = String>, most: usize) {
    let more = lines.len().saturating_sub(most);
    for text in lines.take(most) {
        line(out, &text);
    }
    if more > 0 {
        line(out, &format!("- and {more} more"));
    }
    out.push('\n');
}

/// The finished text: one newline at the end, and on wish no ellipsis beyond ASCII of our own making.
pub fn finish(mut out: String, ascii: bool) -> String {
    let length = out.trim_end().len();
    out.truncate(length);
    out.push('\n');
    if ascii { out.replace('…', "...") } else { out }
}

/// A number with `digits` decimals, `-` when it is unknown.
pub fn maybe(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| fixed(value, digits))
}

/// A number with its sign; zero has none.
pub fn signed(value: f64, digits: usize) -> String {
    let text = fixed(value, digits);
    let is_positive = value > 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    if is_positive { format!("+{text}") } else { text }
}

/// A step on a parameter: `+0.030`, `+35`, `x0.85`.
pub fn step(step: Step) -> String {
    match step {
        Step::Add(amount) if amount.fract() == 0.0 => signed(amount, 0),
        Step::Add(amount) => {
            let sign = if amount > 0.0 { "+" } else { "" };
            format!("{sign}{}", exact(amount, 3))
        }
        Step::Multiply(factor) => format!("x{}", exact(factor, 2)),
    }
}

/// An increment as the iteration proposed it: `+0.015`, `-20`.
pub fn increment(delta: f64) -> String {
    let sign = if delta > 0.0 { "+" } else { "" };
    format!("{sign}{}", exact(delta, 0))
}

/// A KPI in a narrow heading: the four of the verdict have short names.
pub fn short_name(kpi: KpiId) -> String {
    match kpi.name {
        "risk_ratio" => "risk".to_owned(),
        "maker_taker_ratio" => "maker".to_owned(),
        "net_bps" => "net".to_owned(),
        "p95_latency_ms" => "p95".to_owned(),
        other => cell(other),
    }
}

/// `name, unit` for headings; ratios have no unit.
pub fn with_unit(name: &str, kpi: KpiId) -> String {
    match kpi.unit.symbol() {
        "" => name.to_owned(),
        unit => format!("{name}, {}", cell(unit)),
    }
}

/// A limit as it stands in reports: `>= 2.70`.
pub fn bound(comparison: Comparison, limit: f64, kpi: KpiId) -> String {
    format!("{} {}", comparison.symbol(), exact(limit, kpi.unit.decimals()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_keeps_its_names_and_comparisons_and_loses_its_markup() {
        assert_eq!(prose("`net_bps` is <= 2.90"), "`net_bps` is <= 2.90");
        assert_eq!(prose("(`ITER_SUMMARY_5.json`): x"), "(`ITER_SUMMARY_5.json`): x");
        assert_eq!(prose("<script> < b>"), "&lt;script&gt; < b&gt;");
        assert_eq!(prose("> no quote"), "&gt; no quote");
        assert_eq!(prose("75 -> 80"), "75 -> 80");
        assert_eq!(prose("-> <!-- -->"), r"-&gt; &lt;\!-- --&gt;");
        assert_eq!(prose("`a b` `<i>` ``"), r"\`a b\` \`&lt;i&gt;\` \`\`");
        assert_eq!(prose("[x](javascript:y) a|b\n\n# c"), r"\[x\](javascript:y) a\|b \# c");
    }

    #[test]
    fn a_sentence_ends_however_long_the_text_is() {
        for text in ["word ".repeat(250_000), "x".repeat(1_000_000), format!("`a`{}", ".".repeat(1_000_000))]
        {
            assert!(prose(&text).len() < 1500);
            assert!(prose(&text).ends_with('…'));
        }
    }

    #[test]
    fn steps_have_their_signs() {
        assert_eq!(step(Step::Add(0.03)), "+0.030");
        assert_eq!(step(Step::Add(-0.01)), "-0.010");
        assert_eq!(step(Step::Add(35.0)), "+35");
        assert_eq!(step(Step::Add(0.0125)), "+0.0125");
        assert_eq!(step(Step::Multiply(0.85)), "x0.85");
        assert_eq!(step(Step::Multiply(0.875)), "x0.875");
        assert_eq!(
            (signed(0.2, 2), signed(-0.2, 2), signed(0.001, 2)),
            ("+0.20".into(), "-0.20".into(), "0.00".into())
        );
        assert_eq!(increment(0.020_000_000_000_000_004), "+0.02");
        assert_eq!((increment(0.015), increment(-20.0)), ("+0.015".to_owned(), "-20".to_owned()));
    }

    #[test]
    fn lists_are_cut_and_say_so() {
        let mut out = String::new();
        bounded(&mut out, (1..=3).map(|n| format!("- {n}")).collect::<Vec<_>>().into_iter(), 2);
        assert_eq!(out, "- 1\n- 2\n- and 1 more\n\n");
    }
}
