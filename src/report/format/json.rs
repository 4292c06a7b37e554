//! JSON text: sorted keys, a final newline, and where a format requires it, nothing but ASCII.
//!
//! Must not know any format; the types that are written do.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::text::is_unseen;

/// One line without blanks, everything outside of ASCII as `\uXXXX` (surrogate pairs outside of the basic plane).
///
/// # Panics
///
/// When the value cannot be JSON, as a map with keys that are no text: a mistake in the type, not in the data.
pub fn compact_ascii(value: &impl Serialize) -> String {
    escaped(&sorted(value).to_string(), |letter| !letter.is_ascii())
}

/// Two blanks of indent, everything outside of ASCII escaped as in [`compact_ascii`].
///
/// # Panics
///
/// As [`compact_ascii`].
pub fn pretty_ascii(value: &impl Serialize) -> String {
    escaped(&format!("{:#}", sorted(value)), |letter| !letter.is_ascii())
}

/// Two blanks of indent, UTF-8; control characters, and those that turn the direction of text or are not seen, are
/// escaped.
///
/// # Panics
///
/// As [`compact_ascii`].
pub fn pretty(value: &impl Serialize) -> String {
    escaped(&format!("{:#}", sorted(value)), |letter| letter != '\n' && is_unseen(letter))
}

/// A `Value` keeps its maps sorted; a struct would be written in the order of its fields.
fn sorted(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("a type of ours can be JSON")
}

/// JSON with some characters escaped, and a final newline. Whatever needs it is in a string: outside of them everything
/// is ASCII, and a line break is layout.
fn escaped(json: &str, needs_it: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(json.len() + 1);
    let mut rest = json;
    while let Some(start) = rest.find(&needs_it) {
        let (plain, tail) = rest.split_at(start);
        out.push_str(plain);
        let mut letters = tail.chars();
        for unit in letters.next().unwrap_or_default().encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
        rest = letters.as_str();
    }
    out + rest + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[derive(Serialize)]
    struct Unsorted {
        zebra: u8,
        apple: Vec<Option<f64>>,
    }

    #[test]
    fn keys_are_sorted_and_the_line_has_no_blanks() {
        let value = Unsorted { zebra: 1, apple: vec![Some(0.41), None, Some(2.0)] };
        assert_eq!(compact_ascii(&value), "{\"apple\":[0.41,null,2.0],\"zebra\":1}\n");
    }

    #[test]
    fn characters_outside_of_ascii_are_escaped_also_in_keys() {
        // U+00E9, U+2192, and U+1F600 as its surrogate pair D83D DE00.
        let value = json!({"é": "a→b😀c"});
        assert_eq!(compact_ascii(&value), "{\"\\u00e9\":\"a\\u2192b\\ud83d\\ude00c\"}\n");
        insta::assert_snapshot!(format!("{}(end)", pretty_ascii(&value)), @r#"
            {
              "\u00e9": "a\u2192b\ud83d\ude00c"
            }
            (end)
            "#);
        assert_eq!(pretty(&value), "{\n  \"é\": \"a→b😀c\"\n}\n");
    }

    #[test]
    fn what_turns_or_hides_text_is_escaped_and_letters_are_not() {
        let text = "é \u{202e}x\u{9b}31m\u{7f} → \u{feff}";
        let written = pretty(&serde_json::json!({ "text": text }));
        insta::assert_snapshot!(format!("{written}(end)"), @r#"
            {
              "text": "é \u202ex\u009b31m\u007f → \ufeff"
            }
            (end)
            "#);
        let read: Value = serde_json::from_str(&written).unwrap_or_default();
        assert_eq!(read["text"], text);
    }

    #[test]
    fn what_json_itself_escapes_stays_escaped_and_delete_is_plain_ascii() {
        assert_eq!(compact_ascii(&"\"\\\n\u{1}\u{7f}\u{80}"), "\"\\\"\\\\\\n\\u0001\u{7f}\\u0080\"\n");
    }

    #[test]
    fn the_pretty_layout_indents_by_two_and_keeps_empty_things_short() {
        let value = json!({"b": [], "a": {"list": [1, "x"], "none": {}}});
        let expected = "{\n  \"a\": {\n    \"list\": [\n      1,\n      \"x\"\n    ],\n    \"none\": {}\n  },\n  \"b\": []\n}\n";
        assert_eq!(pretty(&value), expected);
        assert_eq!(pretty_ascii(&value), expected);
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_its_ascii_form(text in any::<String>()) {
            for written in [compact_ascii(&text), pretty_ascii(&text)] {
                prop_assert!(written.is_ascii() && written.ends_with('\n'));
                prop_assert_eq!(serde_json::from_str::<String>(&written).ok(), Some(text.clone()));
            }
        }
    }
}
