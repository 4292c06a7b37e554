//! HTML: escaping, templates, hashes for a content security policy, the palette of all pages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::text::printable;

/// The colours of all pages, light and dark, by the name of their use.
pub(crate) const PALETTE: &str = include_str!("palette.css");

/// The form in which a content security policy names hashes.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Puts texts in the place of `{{name}}`, once: what is put in is not looked at again.
pub(crate) fn fill(template: &str, text: impl Fn(&str) -> String) -> String {
    let mut parts = template.split("{{");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        filled.push_str(&text(name));
        filled.push_str(rest);
    }
    filled
}

/// Text as HTML, also inside of attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Text from a file, of bounded length.
pub(crate) fn text(text: &str) -> String {
    escape(&printable(text))
}

/// A sentence from the analysis: names in backticks become code.
pub(crate) fn prose(sentence: &str) -> String {
    let safe = escape(&bounded(sentence));
    let parts: Vec<&str> = safe.split('`').collect();
    if parts.len().is_multiple_of(2) {
        // An odd backtick: nobody knows what it was to enclose.
        return safe;
    }
    let mut out = String::with_capacity(safe.len() + 32);
    for (index, part) in parts.iter().enumerate() {
        if index % 2 == 1 {
            out.extend(["<code>", part, "</code>"]);
        } else {
            out.push_str(part);
        }
    }
    out
}

/// A sentence of ours may be longer than a text from a file.
fn bounded(sentence: &str) -> String {
    const MOST: usize = 1200;
    let mut out = String::new();
    for word in sentence.split_whitespace() {
        if out.len() > MOST {
            out.push_str(" …");
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&printable(word));
    }
    out
}

/// A sign for an outcome, beside its word: nobody has to distinguish colours.
pub(crate) fn symbol(outcome: &str) -> &'static str {
    match outcome {
        "PASS" => "✓",
        "WARN" => "▲",
        "FAIL" => "✗",
        "INVALID" => "⊘",
        _ => "…",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_into_the_template_is_not_looked_at_again() {
        let text = |name: &str| if name == "a" { "{{b}}".to_owned() } else { "never".to_owned() };
        assert_eq!(fill("1 {{a}} 2 {{a}} 3", text), "1 {{b}} 2 {{b}} 3");
    }

    #[test]
    fn nothing_that_means_something_in_html_is_left() {
        assert_eq!(escape("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
    }

    #[test]
    fn names_in_backticks_become_code_and_markup_stays_text() {
        assert_eq!(prose("`net_bps` is < 2.9"), "<code>net_bps</code> is &lt; 2.9");
        assert_eq!(prose("`<b>` and `"), "`&lt;b&gt;` and `");
        assert_eq!(prose("a\n <script>"), "a &lt;script&gt;");
        assert!(prose(&"word ".repeat(100_000)).len() < 1300);
    }
}
