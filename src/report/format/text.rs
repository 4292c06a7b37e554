//! Text from files, made safe for Markdown, HTML, XML and a terminal, and numbers as reports write them.
//!
//! What comes from a file may hold anything: table borders, line breaks, markup, escape sequences.

use crate::core::kpi::KpiId;
use crate::core::policy::Step;
use crate::core::text::number::{exact, fixed};
pub(crate) use crate::core::text::printable::{is_unseen, printable, printable_lines, visible};
use crate::core::verdict::Comparison;

/// The text as the content of a table cell, or anywhere else in Markdown: [`printable`], with everything
/// escaped that could end the cell or be markup.
pub(crate) fn cell(text: &str) -> String {
    escaped(&printable(text))
}

/// [`cell`] at full length, for sentences that are made here and hold nothing long from a file.
pub(crate) fn escaped(text: &str) -> String {
    let line: String = text.chars().map(visible).collect();
    let mut escaped = String::with_capacity(line.len() * 2);
    for letter in line.trim().chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '|' | '`' | '*' | '~' | '[' | ']' | '!' | '#' => escaped.extend(['\\', letter]),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// A sentence from the analysis as Markdown, on one line and of bounded length: words in backticks that are names,
/// comparison signs and arrows stay, everything else is escaped as in [`cell`].
pub(crate) fn prose(text: &str) -> String {
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

/// A name in backticks with nothing in it that could be markup, perhaps with punctuation around.
fn is_code(word: &str) -> bool {
    let bare = word.trim_start_matches('(').trim_end_matches([',', ';', ':', '.', ')']);
    let name = bare.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    word.len() <= 100
        && name.is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
        })
}

/// A number with these decimals; `-` where it is not known.
pub(crate) fn maybe(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| fixed(value, digits))
}

/// A number with its sign; what rounds to zero has none.
pub(crate) fn signed(value: f64, digits: usize) -> String {
    let text = fixed(value, digits);
    let is_positive = value > 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    if is_positive { format!("+{text}") } else { text }
}

/// `+35`, `-0.010`, `x0.85`.
pub(crate) fn step(step: Step) -> String {
    match step {
        Step::Add(amount) if amount.fract() == 0.0 => signed(amount, 0),
        Step::Add(amount) => {
            let sign = if amount > 0.0 { "+" } else { "" };
            format!("{sign}{}", exact(amount, 3))
        }
        Step::Multiply(factor) => format!("x{}", exact(factor, 2)),
    }
}

/// An increment as it is in the file, with its sign.
pub(crate) fn increment(delta: f64) -> String {
    let sign = if delta > 0.0 { "+" } else { "" };
    format!("{sign}{}", exact(delta, 0))
}

/// The short names of the KPIs of the trading profile; the title of any other, escaped for Markdown.
pub(crate) fn short_name(kpi: KpiId) -> String {
    match kpi.name {
        "risk_ratio" => "risk".to_owned(),
        "maker_taker_ratio" => "maker".to_owned(),
        "net_bps" => "net".to_owned(),
        "p95_latency_ms" => "p95".to_owned(),
        _ => cell(kpi.title()),
    }
}

/// `net, bps`
pub(crate) fn with_unit(name: &str, kpi: KpiId) -> String {
    match kpi.unit.symbol() {
        "" => name.to_owned(),
        unit => format!("{name}, {}", cell(unit)),
    }
}

/// `>= 2.90`
pub(crate) fn bound(comparison: Comparison, limit: f64, kpi: KpiId) -> String {
    format!("{} {}", comparison.symbol(), exact(limit, kpi.decimals()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::text::printable::LONGEST;

    #[test]
    fn nothing_from_a_file_can_end_its_cell_or_its_line() {
        assert_eq!(cell("a|b"), r"a\|b");
        assert_eq!(cell("a\r\nb\tc\u{2028}d"), "a  b c d");
        assert_eq!(cell(r"a\|b"), r"a\\\|b");
        assert_eq!(cell("  padded  "), "padded");
    }

    #[test]
    fn markup_is_shown_and_not_obeyed() {
        assert_eq!(cell("<img src=x>"), "&lt;img src=x&gt;");
        assert_eq!(cell("![x](y) **b** `c` ~~d~~"), r"\!\[x\](y) \*\*b\*\* \`c\` \~\~d\~\~");
        assert_eq!(cell("# a &lt;"), r"\# a &amp;lt;");
        assert_eq!(cell("min_interval_ms"), "min_interval_ms");
    }

    #[test]
    fn control_characters_cannot_reach_a_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\0\u{7f}\u{85}"), "a\u{fffd}[31mb\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(printable("a\u{202e}b\u{200b}"), "a\u{fffd}b\u{fffd}");
        // What Unicode calls default ignorable, and the mark that turns Arabic text.
        for unseen in ['\u{ad}', '\u{61c}', '\u{180e}', '\u{2066}', '\u{206f}', '\u{e0041}'] {
            assert_eq!(printable(&format!("a{unseen}b")), "a\u{fffd}b", "{:x}", u32::from(unseen));
        }
    }

    #[test]
    fn the_length_is_bounded_and_the_cut_is_shown() {
        assert_eq!(printable(&"é".repeat(LONGEST)), "é".repeat(LONGEST));
        let cut = printable(&"é".repeat(LONGEST + 1));
        assert_eq!(cut, format!("{}…", "é".repeat(LONGEST - 1)));
        assert_eq!(cut.chars().count(), LONGEST);
    }

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
}
