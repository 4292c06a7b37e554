//! JSON text made fit for the parser: the BOM taken off, number literals that JSON does not have marked, nesting and the
//! length of a text bounded. Judges no syntax: that is the parser's affair.
//!
//! The literals are `NaN`, `Infinity`, `-Infinity` (Python writes them) and numbers too large for a double. They are
//! distinguished from syntax errors, so that a message can name the file and the key.

use std::io::{self, BufReader, Read};

/// The text in place of a number that no double can hold.
pub const NOT_FINITE_SENTINEL: &str = "#not-finite#";

/// Deepest nesting that is read, also in keys that nobody reads.
pub const DEEPEST: usize = 128;

/// So much is read, and handed on, at a time.
const BUFFER: usize = 1 << 16;

/// The longest text of a stream, bytes. The parser keeps a text that it reads in one piece.
pub const LONGEST_TEXT: usize = 1 << 20;

/// The longest number or bare word of a stream, bytes.
const LONGEST_WORD: usize = 4096;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Whether lists and objects nest too deep. Counting the brackets first is so cheap that ordinary files,
/// which have few, pay nothing.
pub fn is_too_deep(json: &[u8]) -> bool {
    // `[` and `{` differ in one bit.
    if json.iter().filter(|byte| **byte | 0x20 == b'{').count() <= DEEPEST {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                if depth > DEEPEST {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Parses JSON; where that fails because of literals that JSON does not have, parses again with them marked, so that good
/// files pay nothing. A BOM is skipped.
pub fn parse_marked<T, E>(json: &[u8], parse: impl Fn(&[u8]) -> Result<T, E>) -> Result<T, E> {
    let json = json.strip_prefix(BOM).unwrap_or(json);
    parse(json).or_else(|error| {
        let marked = std::str::from_utf8(json).ok().and_then(mark_non_finite);
        marked.map_or(Err(error), |marked| parse(marked.as_bytes()))
    })
}

/// The text with every non-finite number literal outside strings replaced by a sentinel string that
/// [`super::Reading`] understands; `None` when there is none.
pub fn mark_non_finite(text: &str) -> Option<String> {
    mark_with(text, NOT_FINITE_SENTINEL, |_| "")
}

/// The same, with the sentinel followed by what `explain` makes of the literal; neither may need an escape.
pub fn mark_with(text: &str, sentinel: &str, explain: impl Fn(&str) -> &str) -> Option<String> {
    let mark = |word: &str, out: &mut Vec<u8>| {
        out.extend_from_slice(sentinel.as_bytes());
        out.extend_from_slice(explain(word).as_bytes());
    };
    let limits = Limits { depth: usize::MAX, text: usize::MAX, word: usize::MAX };
    let mut marked = Marked::new(text.as_bytes(), text.len().min(BUFFER), limits, mark);
    let mut out = String::with_capacity(text.len());
    marked.read_to_string(&mut out).ok()?;
    marked.found_any.then_some(out)
}

/// A JSON input of any size in which every bare NaN, Infinity and number outside of the doubles is a sentinel text.
///
/// Holds no more than its buffers, however long the input is. Reading fails on nesting deeper than [`DEEPEST`] and on a
/// text longer than [`LONGEST_TEXT`], in keys that nobody reads too: only so is memory bounded.
pub fn marked(input: impl Read) -> impl Read {
    let mark = |_: &str, out: &mut Vec<u8>| out.extend_from_slice(NOT_FINITE_SENTINEL.as_bytes());
    let limits = Limits { depth: DEEPEST, text: LONGEST_TEXT, word: LONGEST_WORD };
    BufReader::with_capacity(BUFFER, Marked::new(input, BUFFER, limits, mark))
}

/// Whether a bare word is a number that no double can hold.
fn is_non_finite(word: &str) -> bool {
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

/// What in the text the input has come to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first byte.
    Start,
    /// Outside of texts and words.
    Between,
    Text,
    /// In a text, behind a backslash.
    Escape,
    /// In a number or a bare word, which is held back until its end is seen.
    Word,
}

/// Deepest nesting, longest text and longest bare word, bytes.
struct Limits {
    depth: usize,
    text: usize,
    word: usize,
}

struct Marked<R, M> {
    input: R,
    limits: Limits,
    /// Writes what marks a literal.
    mark: M,
    raw: Box<[u8]>,
    ready: Vec<u8>,
    given: usize,
    word: Vec<u8>,
    place: Place,
    depth: usize,
    text_length: usize,
    has_ended: bool,
    found_any: bool,
}

impl<R: Read, M: Fn(&str, &mut Vec<u8>)> Marked<R, M> {
    fn new(input: R, buffer: usize, limits: Limits, mark: M) -> Self {
        let buffer = buffer.max(BOM.len());
        Self {
            input,
            limits,
            mark,
            raw: vec![0; buffer].into_boxed_slice(),
            ready: Vec::with_capacity(2 * buffer),
            given: 0,
            word: Vec::new(),
            place: Place::Start,
            depth: 0,
            text_length: 0,
            has_ended: false,
            found_any: false,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.given = 0;
        let mut raw = std::mem::take(&mut self.raw);
        let done = self.take_in(&mut raw);
        self.raw = raw;
        done
    }

    fn take_in(&mut self, raw: &mut [u8]) -> io::Result<()> {
        let mut length = self.read_some(raw)?;
        let mut start = 0;
        if self.place == Place::Start {
            while length < BOM.len() && !self.has_ended {
                length += self.read_some(&mut raw[length..])?;
            }
            start = if raw[..length].starts_with(BOM) { BOM.len() } else { 0 };
            self.place = Place::Between;
        }
        self.pass_on(&raw[start..length])?;
        if self.has_ended {
            self.end_word();
        }
        Ok(())
    }

    fn read_some(&mut self, raw: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.input.read(raw) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(length) => {
                    self.has_ended |= length == 0;
                    return Ok(length);
                }
            }
        }
    }

    fn pass_on(&mut self, mut rest: &[u8]) -> io::Result<()> {
        while let Some(first) = rest.first() {
            let taken = match self.place {
                Place::Text => self.text(rest)?,
                Place::Escape => {
                    self.ready.push(*first);
                    self.place = Place::Text;
                    1
                }
                Place::Word => self.word(rest)?,
                Place::Start | Place::Between => self.between(rest)?,
            };
            rest = &rest[taken..];
        }
        Ok(())
    }

    fn text(&mut self, rest: &[u8]) -> io::Result<usize> {
        let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
        let taken = plain.map_or(rest.len(), |plain| plain + 1);
        self.text_length += taken;
        if self.text_length > self.limits.text {
            return Err(refused(format!("a text is longer than {} bytes", self.limits.text)));
        }
        self.ready.extend_from_slice(&rest[..taken]);
        if let Some(plain) = plain {
            self.place = if rest[plain] == b'"' { Place::Between } else { Place::Escape };
        }
        Ok(taken)
    }

    fn word(&mut self, rest: &[u8]) -> io::Result<usize> {
        let end = rest.iter().position(|byte| !is_word(*byte));
        let taken = end.unwrap_or(rest.len());
        if self.word.len() + taken > self.limits.word {
            return Err(refused(format!("a number is longer than {} bytes", self.limits.word)));
        }
        self.word.extend_from_slice(&rest[..taken]);
        if end.is_some() {
            self.end_word();
        }
        Ok(taken)
    }

    fn end_word(&mut self) {
        if self.place == Place::Word {
            self.place = Place::Between;
            match std::str::from_utf8(&self.word) {
                Ok(word) if is_non_finite(word) => {
                    self.found_any = true;
                    self.ready.push(b'"');
                    (self.mark)(word, &mut self.ready);
                    self.ready.push(b'"');
                }
                _ => self.ready.extend_from_slice(&self.word),
            }
            self.word.clear();
        }
    }

    fn between(&mut self, rest: &[u8]) -> io::Result<usize> {
        let first = rest[0];
        match first {
            b'"' => (self.place, self.text_length) = (Place::Text, 0),
            b'[' | b'{' => {
                self.depth += 1;
                if self.depth > self.limits.depth {
                    let limit = self.limits.depth;
                    return Err(refused(format!("lists and objects nest deeper than {limit} levels")));
                }
            }
            b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            _ if is_word(first) => {
                self.place = Place::Word;
                return Ok(0);
            }
            _ => {}
        }
        self.ready.push(first);
        Ok(1)
    }
}

impl<R: Read, M: Fn(&str, &mut Vec<u8>)> Read for Marked<R, M> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() {
            if self.has_ended {
                return Ok(0);
            }
            self.fill()?;
        }
        let left = &self.ready[self.given..];
        let length = left.len().min(buffer.len());
        buffer[..length].copy_from_slice(&left[..length]);
        self.given += length;
        Ok(length)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.' | b'_')
}

fn refused(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_literals_are_marked_and_strings_are_left_as_they_are() {
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
        let text = r#"{"a": NaN, "b": [-Infinity,1e999,-2.5E-3], "NaN": "say \"NaN\" or \\", "c": Infinity, "d": true}"#;
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
    fn a_bom_is_taken_off_only_at_the_start() {
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
}
