//! Inputs in pieces of every size, against the reading of the whole at once.

use super::*;
use crate::wire::literals::mark_non_finite;

/// Gives at most so many bytes at a time.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.1.min(self.0.len()).min(buffer.len());
        buffer[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

fn read(text: &[u8], piece: usize) -> Result<String, String> {
    let mut out = String::new();
    match marked(Pieces(text, piece)).read_to_string(&mut out) {
        Ok(_) => Ok(out),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn literals_are_marked_wherever_the_input_is_cut() {
    let text =
        r#"{"a": NaN, "b": [-Infinity,1e999,-2.5E-3], "NaN": "say \"NaN\" or \\", "c": Infinity, "d": true}"#;
    let whole = mark_non_finite(text).expect("has literals");
    assert_eq!(whole.matches(NOT_FINITE_SENTINEL).count(), 4);
    for piece in 1..=text.len() {
        assert_eq!(read(text.as_bytes(), piece).as_deref(), Ok(whole.as_str()), "{piece}");
    }
}

#[test]
fn a_word_at_the_very_end_is_not_lost() {
    assert_eq!(read(b"12", 1).as_deref(), Ok("12"));
    assert_eq!(read(b"NaN", 2), Ok(format!("\"{NOT_FINITE_SENTINEL}\"")));
    assert_eq!(read(b"", 1).as_deref(), Ok(""));
}

#[test]
fn words_that_only_look_like_it_stay_for_the_parser_to_refuse() {
    for text in ["nan", "Nan", "inf", "-NaN", "NaNs", "infinity", "1e", "tru"] {
        assert_eq!(read(text.as_bytes(), 1).as_deref(), Ok(text));
    }
}

#[test]
fn a_bom_is_taken_off_at_the_start_alone() {
    for piece in 1..6 {
        assert_eq!(read("\u{feff}{}".as_bytes(), piece).as_deref(), Ok("{}"));
        assert_eq!(read("{\u{feff}}".as_bytes(), piece).as_deref(), Ok("{\u{feff}}"));
    }
}

#[test]
fn nesting_is_bounded_and_brackets_in_texts_do_not_count() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(read(nested(DEEPEST).as_bytes(), 7).is_ok());
    let error = read(nested(DEEPEST + 1).as_bytes(), 7).expect_err("too deep");
    assert_eq!(error, "lists and objects nest deeper than 128 levels");
    assert!(read(format!("[{}]", "[],".repeat(500)).as_bytes(), 7).is_ok());
    assert!(read(format!("\"{}\"", "[".repeat(500)).as_bytes(), 7).is_ok());
}

#[test]
fn texts_and_numbers_have_a_longest_length() {
    // The closing quote is counted with the text.
    let text = |length: usize| format!("\"{}\"", "x".repeat(length));
    assert!(read(text(LONGEST_TEXT - 1).as_bytes(), 1000).is_ok());
    let error = read(text(LONGEST_TEXT).as_bytes(), 1000).expect_err("too long");
    assert_eq!(error, "a text is longer than 1048576 bytes");
    // Many short ones are no long one.
    assert!(read(text(LONGEST_TEXT / 2).repeat(3).as_bytes(), 1000).is_ok());
    assert!(read("1".repeat(LONGEST_WORD).as_bytes(), 100).is_ok());
    let error = read("1".repeat(LONGEST_WORD + 1).as_bytes(), 100).expect_err("too long");
    assert_eq!(error, "a number is longer than 4096 bytes");
}
