//! JSON of any size, made fit for the parser while it is read: the BOM taken off, number literals that JSON
//! does not have marked, depth and the length of a text bounded.
//!
//! Holds no more than its buffers, however long the input is. Judges no syntax: that is the parser's affair.

use std::io::{self, BufReader, Read};

use super::literals::is_non_finite;
use super::nesting::DEEPEST;
use super::number::NOT_FINITE_SENTINEL;

/// So much is read, and handed on, at a time.
const BUFFER: usize = 1 << 16;

/// The longest text, bytes. The parser keeps a text that it reads in one piece.
pub const LONGEST_TEXT: usize = 1 << 20;

/// The longest number or bare word, bytes.
const LONGEST_WORD: usize = 4096;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// A JSON input in which every bare NaN, Infinity and number beyond the doubles is a sentinel text that
/// [`super::number::Reading`] understands.
///
/// Reading fails on nesting deeper than [`DEEPEST`] and on a text longer than [`LONGEST_TEXT`], in keys that
/// nobody asks for too: only so is memory bounded.
pub fn marked(input: impl Read) -> impl Read {
    BufReader::with_capacity(BUFFER, Marked::new(input))
}

/// Where in the text the input stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first byte.
    Start,
    /// Outside of texts and words.
    Between,
    /// In a text.
    Text,
    /// In a text, behind a backslash.
    Escape,
    /// In a number or a bare word, which is held back until its end is seen.
    Word,
}

struct Marked<R> {
    input: R,
    raw: Box<[u8]>,
    ready: Vec<u8>,
    given: usize,
    word: Vec<u8>,
    place: Place,
    depth: usize,
    text_length: usize,
    has_ended: bool,
}

impl<R: Read> Marked<R> {
    fn new(input: R) -> Self {
        Self {
            input,
            raw: vec![0; BUFFER].into_boxed_slice(),
            ready: Vec::with_capacity(2 * BUFFER),
            given: 0,
            word: Vec::new(),
            place: Place::Start,
            depth: 0,
            text_length: 0,
            has_ended: false,
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
        if self.text_length > LONGEST_TEXT {
            return Err(refused(format!("a text is longer than {LONGEST_TEXT} bytes")));
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
        if self.word.len() + taken > LONGEST_WORD {
            return Err(refused(format!("a number is longer than {LONGEST_WORD} bytes")));
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
            if std::str::from_utf8(&self.word).is_ok_and(is_non_finite) {
                self.ready.push(b'"');
                self.ready.extend_from_slice(NOT_FINITE_SENTINEL.as_bytes());
                self.ready.push(b'"');
            } else {
                self.ready.extend_from_slice(&self.word);
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
                if self.depth > DEEPEST {
                    return Err(refused(format!("lists and objects nest deeper than {DEEPEST} levels")));
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

impl<R: Read> Read for Marked<R> {
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
mod tests;
