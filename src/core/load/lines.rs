//! The iterations of a run in one file: `ITERATIONS.ndjson`, plain or compressed, a line each with what a file
//! `ITER_SUMMARY_<n>.json` holds.
//!
//! The number of an iteration is that in its line. A line without one follows the line before it.

use std::io::{self, Read};
use std::ops::Range;

use flate2::read::MultiGzDecoder;
use rayon::prelude::*;
use ruzstd::decoding::StreamingDecoder;
use serde::Deserialize;

use super::iteration::whole;
use crate::core::json::Reading;
use crate::core::json::text::parse_marked;

/// The names that such a file has. A folder has one of them at most.
pub const NAMES: [&str; 3] = ["ITERATIONS.ndjson", "ITERATIONS.ndjson.gz", "ITERATIONS.ndjson.zst"];

/// More bytes than the iterations of a run have: all of them are held in memory.
pub const MOST_BYTES: u64 = 1 << 30;

/// What a line says of itself.
#[derive(Deserialize)]
struct Head {
    iteration: Option<Reading>,
    window_index: Option<Reading>,
    symbol: Option<serde_json::Value>,
}

/// Where a line is, and what it is about.
#[derive(Debug)]
struct Line {
    range: Range<usize>,
    number: Option<u64>,
    symbol: Option<String>,
    is_json: bool,
}

/// Such a file, unpacked.
#[derive(Debug)]
pub struct Lines {
    name: &'static str,
    text: Vec<u8>,
    /// Every line, also an empty one, so that a line is found by its place.
    all: Vec<Line>,
}

impl Lines {
    /// Takes the file apart. The error is what is wrong with it, to follow its name.
    pub fn new(name: &'static str, bytes: Vec<u8>) -> Result<Self, String> {
        let text = match name.rsplit('.').next() {
            Some("gz") => unpacked(MultiGzDecoder::new(bytes.as_slice()))?,
            Some("zst") => of_frames(&bytes)?,
            _ => bytes,
        };
        let all = lines_of(&text);
        Ok(Self { name, text, all })
    }

    /// Name, number and symbol of every line that is not empty, in the order of the file. Of a run in progress, a last
    /// line that is being written is none.
    pub fn entries(&self, is_running: bool) -> Vec<(String, u64, Option<String>)> {
        let last = self.all.len().checked_sub(1);
        let is_torn = |at: usize, line: &Line| {
            is_running && Some(at) == last && !line.is_json && !self.text.ends_with(b"\n")
        };
        let (mut before, mut entries) = (0, Vec::with_capacity(self.all.len()));
        for (at, line) in self.all.iter().enumerate() {
            if line.range.is_empty() || is_torn(at, line) {
                continue;
            }
            let number = line.number.unwrap_or(before + 1);
            entries.push((format!("{}:{}", self.name, at + 1), number, line.symbol.clone()));
            before = number;
        }
        entries
    }

    /// The line that [`Self::entries`] names so.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let place: usize = name.strip_prefix(self.name)?.strip_prefix(':')?.parse().ok()?;
        let line = self.all.get(place.checked_sub(1)?)?;
        Some(&self.text[line.range.clone()])
    }
}

fn lines_of(text: &[u8]) -> Vec<Line> {
    let (mut from, mut ranges) = (0, Vec::new());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let blank = line.iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
        ranges.push(from..from + line.len() - blank);
        from += line.len();
    }
    let head = |range: Range<usize>| {
        let head = parse_marked(&text[range.clone()], |json| serde_json::from_slice::<Head>(json)).ok();
        let is_json = head.is_some();
        let (number, symbol) = head.map_or((None, None), |head| {
            let symbol = head.symbol.as_ref().and_then(|symbol| symbol.as_str());
            let symbol = symbol.filter(|symbol| !symbol.is_empty()).map(str::to_owned);
            (head.iteration.or(head.window_index).and_then(whole), symbol)
        });
        Line { range, number, symbol, is_json }
    };
    ranges.into_par_iter().with_min_len(256).map(head).collect()
}

/// Reads all frames of a zstd file.
fn of_frames(mut bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    while !bytes.is_empty() {
        let mut frame = StreamingDecoder::new(&mut bytes).map_err(|error| format!("is damaged: {error}"))?;
        let before = text.len();
        text.extend(unpacked(&mut frame)?);
        let frame = frame.into_frame_decoder();
        let (written, found) = (frame.get_checksum_from_data(), frame.get_calculated_checksum());
        if written.is_some_and(|written| Some(written) != found) {
            return Err("is damaged: a checksum is wrong".to_owned());
        }
        if text.len() == before && bytes.is_empty() {
            break;
        }
        check_size(&text)?;
    }
    Ok(text)
}

fn unpacked(from: impl Read) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    from.take(MOST_BYTES + 1).read_to_end(&mut text).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => "ends in the middle".to_owned(),
        _ => format!("is damaged: {error}"),
    })?;
    check_size(&text)?;
    Ok(text)
}

fn check_size(text: &[u8]) -> Result<(), String> {
    if text.len() as u64 > MOST_BYTES {
        return Err(format!("unpacks to more than {} MiB", MOST_BYTES >> 20));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(entries: Vec<(String, u64, Option<String>)>) -> Vec<(String, u64)> {
        entries.into_iter().map(|(name, number, _)| (name, number)).collect()
    }

    fn plain(text: &str) -> Lines {
        Lines::new(NAMES[0], text.as_bytes().to_vec()).expect("plain text")
    }

    #[test]
    fn a_line_has_the_number_in_it_or_follows_the_one_before() {
        let lines = plain("{\"iteration\": 4}\n\n{\"a\": NaN}\r\n{\"window_index\": 9}\nno json\n");
        let expected = [(1, 4), (3, 5), (4, 9), (5, 10)];
        let expected: Vec<(String, u64)> =
            expected.iter().map(|(at, number)| (format!("ITERATIONS.ndjson:{at}"), *number)).collect();
        assert_eq!(named(lines.entries(false)), expected);
        assert_eq!(lines.get("ITERATIONS.ndjson:3"), Some("{\"a\": NaN}".as_bytes()));
        for other in
            ["ITERATIONS.ndjson:0", "ITERATIONS.ndjson:6", "ITERATIONS.ndjson", "ITER_SUMMARY_1.json"]
        {
            assert_eq!(lines.get(other), None, "{other}");
        }
    }

    #[test]
    fn only_the_last_line_of_a_run_in_progress_may_be_cut_off() {
        let torn = plain("{\"iteration\": 1}\n{\"iteration\": 2, \"su");
        assert_eq!((torn.entries(true).len(), torn.entries(false).len()), (1, 2));
        let whole = plain("{\"iteration\": 1}\n{\"iteration\": 2}");
        assert_eq!(whole.entries(true).len(), 2);
        let ended = plain("{\"iteration\": 1}\n{\"iteration\": 2, \"su\n");
        assert_eq!(ended.entries(true).len(), 2);
    }

    /// `printf '{"iteration": 1}\n{"iteration": 2}\n' | zstd`, with its checksum at the end.
    const ZSTD: &[u8] = b"(\xb5/\xfd\x04X\xd5\x00\x00\xa0{\x22iteration\x22: 1}\x0a2}\x0a\x01\x00I\x9eKs5GI";

    #[test]
    fn frames_of_zstd_follow_each_other_and_damage_is_found() {
        let two = [ZSTD, ZSTD].concat();
        let lines = Lines::new(NAMES[2], two).expect("two frames");
        assert_eq!(lines.entries(false).len(), 4);
        let mut flipped = ZSTD.to_vec();
        let last = flipped.len() - 1;
        flipped[last] ^= 1;
        assert_eq!(Lines::new(NAMES[2], flipped).err().as_deref(), Some("is damaged: a checksum is wrong"));
        for length in 1..ZSTD.len() {
            assert!(Lines::new(NAMES[2], ZSTD[..length].to_vec()).is_err(), "{length} bytes");
        }
    }
}
