//! Number literals that JSON does not have: `NaN`, `Infinity`, `-Infinity` (Python writes them) and numbers
//! too large for a double.
//!
//! They are told apart from syntax errors, so that a message can name the file and the key. Runs only after
//! a parse has failed, so good files pay nothing.

use std::fmt::Write as _;

use super::number::NOT_FINITE_SENTINEL;

/// The text with every non-finite number literal outside strings replaced by a sentinel string that
/// [`super::number::Reading`] understands; `None` when there is none.
pub fn mark_non_finite(text: &str) -> Option<String> {
    mark_with(text, NOT_FINITE_SENTINEL, |_| "")
}

/// The same, with the sentinel followed by what `tell` makes of the literal; neither may need an escape.
pub(super) fn mark_with<'t>(
    text: &'t str,
    sentinel: &str,
    tell: impl Fn(&'t str) -> &'t str,
) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut kept = 0;
    let mut at = 0;
    let mut found = false;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = end_of_string(bytes, at),
            b'-' | b'0'..=b'9' | b'N' | b'I' => {
                let end = end_of_word(bytes, at);
                if is_non_finite(&text[at..end]) {
                    found = true;
                    out.push_str(&text[kept..at]);
                    let written = write!(out, "\"{sentinel}{}\"", tell(&text[at..end]));
                    debug_assert!(written.is_ok(), "writing to a string cannot fail");
                    kept = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    out.push_str(&text[kept..]);
    found.then_some(out)
}

/// Parses JSON; where that fails because of such literals, parses again with them marked. A BOM is skipped.
pub fn parse_marked<T, E>(json: &[u8], parse: impl Fn(&[u8]) -> Result<T, E>) -> Result<T, E> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    parse(json).or_else(|error| {
        let marked = std::str::from_utf8(json).ok().and_then(mark_non_finite);
        marked.map_or(Err(error), |marked| parse(marked.as_bytes()))
    })
}

/// Position behind the string that starts at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Position behind the bare word or number that starts at `start`.
fn end_of_word(bytes: &[u8], start: usize) -> usize {
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.' | b'_');
    bytes[start..].iter().position(|b| !is_word(b)).map_or(bytes.len(), |length| start + length)
}

/// Whether a bare word is a number that no double can hold.
pub(super) fn is_non_finite(word: &str) -> bool {
    match word {
        "NaN" | "Infinity" | "-Infinity" => true,
        // Only an exponent or hundreds of digits lead out of the doubles; most numbers have neither.
        _ if word.len() <= 300 && !word.contains(['e', 'E']) => false,
        // Rust's parser also takes words such as `infinity`; JSON numbers start with a digit or a minus.
        _ => {
            word.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'))
                && word.parse::<f64>().is_ok_and(f64::is_infinite)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_literals_are_marked_and_strings_are_left_alone() {
        let text = r#"{"a": NaN, "b": [-Infinity, 1e999], "NaN": "say \"NaN\" or Infinity", "c": -1.5e3}"#;
        let marked = mark_non_finite(text).expect("three literals");
        let s = NOT_FINITE_SENTINEL;
        let value: serde_json::Value = serde_json::from_str(&marked).expect("valid JSON now");
        assert_eq!(value["a"], s);
        assert_eq!(value["b"][0], s);
        assert_eq!(value["b"][1], s);
        assert_eq!(value["NaN"], "say \"NaN\" or Infinity");
        assert_eq!(value["c"], -1500.0);
    }

    #[test]
    fn text_without_such_literals_is_not_touched() {
        assert_eq!(mark_non_finite(r#"{"a": 1, "b": "Infinity", "c": null}"#), None);
        assert_eq!(mark_non_finite(r#"{"a": Nan}"#), None);
        assert_eq!(mark_non_finite("\"open string \\"), None);
    }
}
