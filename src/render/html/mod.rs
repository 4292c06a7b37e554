//! What the pages have in common: escaping, templates, hashes for a content security policy, the palette.
//!
//! Knows nothing of what stands in a page.

/// The form in which a content security policy names hashes.
pub use crate::wire::base64::standard as base64;

/// The colours of all pages, light and dark, by the name of their use.
pub const PALETTE: &str = include_str!("palette.css");

/// Puts texts in the place of `{{name}}`, once: what is put in is not looked at again.
pub fn fill(template: &str, text: impl Fn(&str) -> String) -> String {
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
pub fn escape(text: &str) -> String {
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

/// A sign for an outcome, beside its word: nobody has to tell colours apart.
pub fn symbol(outcome: &str) -> &'static str {
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
}
