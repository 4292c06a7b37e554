//! Prometheus text, as `/metrics` gives it and `node_exporter` reads it, and `OpenMetrics`: the samples that somebody reads.
//!
//! Reads line by line and keeps no other samples, so that an endpoint of any size is read in little memory. A line that
//! is malformed makes the whole unusable. Computes nothing: a histogram is its buckets, its sum and its count.

use std::collections::BTreeSet;
use std::io::BufRead;

use chrono::{DateTime, Utc};

use crate::core::load::edge_report::{LONGEST_LINE, next_line};
use crate::core::text::printable::printable;

/// Labels of a sample, sorted by name.
type Labels = Vec<(String, String)>;

/// Which samples are read: those of a name whose labels contain these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selector {
    pub(super) name: String,
    labels: Labels,
}

impl Selector {
    /// `name` or `name{label="value"}`; `None` where the text is neither.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, labels, rest) = series(text).ok()?;
        rest.trim().is_empty().then_some(Self { name, labels })
    }

    fn takes(&self, labels: &Labels) -> bool {
        self.labels.iter().all(|label| labels.contains(label))
    }
}

/// Most series that are listed.
const LISTED: usize = 4;

/// What a selector found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Found {
    /// How many samples.
    pub(super) count: usize,
    /// The first of them, as written, with sorted labels.
    pub(super) listed: Vec<String>,
    /// The value of the first; NaN and infinities are as they were written.
    pub(super) value: f64,
    /// Its time stamp, if it has one.
    pub(super) at: Option<DateTime<Utc>>,
    /// Whether the text says that it is a counter.
    pub(super) is_counter: bool,
}

/// A text that was read.
#[derive(Debug, Default)]
pub(super) struct Scrape {
    /// By the place of the selector.
    pub(super) found: Vec<Found>,
    /// Names that no selector matches; the first ones of very many.
    pub(super) others: BTreeSet<String>,
}

/// Most names that nobody reads that are remembered.
const MOST_OTHERS: usize = 4096;

/// Reads a text; the error names the line.
pub(super) fn read(mut input: impl BufRead, selectors: &[Selector]) -> Result<Scrape, String> {
    let mut scrape = Scrape { found: vec![Found::default(); selectors.len()], ..Scrape::default() };
    let (mut line, mut number) = (Vec::new(), 0_u64);
    let mut counters: BTreeSet<String> = BTreeSet::new();
    while let Some(is_whole) =
        next_line(&mut input, &mut line).map_err(|error| format!("it cannot be read: {error}"))?
    {
        number += 1;
        let refused = |problem: String| format!("line {number} is no Prometheus text: {problem}");
        if !is_whole {
            return Err(refused(format!("it is longer than {LONGEST_LINE} bytes")));
        }
        let text = std::str::from_utf8(&line).map_err(|_| refused("it is no UTF-8".to_owned()))?;
        let text = text.strip_prefix('\u{feff}').filter(|_| number == 1).unwrap_or(text).trim();
        if let Some(comment) = text.strip_prefix('#') {
            let words: Vec<&str> = comment.split_ascii_whitespace().take(3).collect();
            if let ["TYPE", name, "counter"] = words[..]
                && selectors.iter().any(|selector| {
                    selector.name.strip_suffix("_total").unwrap_or(&selector.name)
                        == name.strip_suffix("_total").unwrap_or(name)
                })
            {
                counters.insert(name.to_owned());
            }
            continue;
        }
        if text.is_empty() {
            continue;
        }
        let (name, labels, rest) = series(text).map_err(refused)?;
        let (value, at) = value_and_time(rest).map_err(refused)?;
        // `OpenMetrics` gives the type to the name without its suffix.
        let family = name.strip_suffix("_total").unwrap_or(&name);
        let is_counter = counters.contains(&name) || counters.contains(family);
        let sample = Found { value, at, is_counter, ..Found::default() };
        scrape.take(selectors, name, &labels, &sample).map_err(refused)?;
    }
    Ok(scrape)
}

impl Scrape {
    fn take(
        &mut self,
        selectors: &[Selector],
        name: String,
        labels: &Labels,
        sample: &Found,
    ) -> Result<(), String> {
        let mut is_wanted = false;
        for (selector, found) in selectors.iter().zip(&mut self.found) {
            if selector.name != name {
                continue;
            }
            is_wanted = true;
            if !selector.takes(labels) {
                continue;
            }
            let written = written(&name, labels);
            if found.listed.contains(&written) {
                return Err(format!("`{}` is there twice", printable(&written)));
            }
            found.count += 1;
            if found.count == 1 {
                *found = Found { count: 1, ..sample.clone() };
            }
            if found.listed.len() < LISTED {
                found.listed.push(written);
            }
        }
        if !is_wanted && self.others.len() < MOST_OTHERS {
            self.others.insert(name);
        }
        Ok(())
    }
}

fn written(name: &str, labels: &Labels) -> String {
    let label = |(name, value): &(String, String)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{name}=\"{value}\"")
    };
    let labels: Vec<String> = labels.iter().map(label).collect();
    if labels.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", labels.join(",")) }
}

/// A name at the start of a text, and the rest.
fn name(text: &str) -> Option<(&str, &str)> {
    let is_part = |(at, c): (usize, char)| {
        c.is_ascii_alphabetic() || c == '_' || c == ':' || (at > 0 && c.is_ascii_digit())
    };
    let end = text.char_indices().find(|part| !is_part(*part)).map_or(text.len(), |(at, _)| at);
    (end > 0).then(|| text.split_at(end))
}

/// Name, labels and the rest of a line. A name that needs quotes is the first of the labels.
fn series(text: &str) -> Result<(String, Labels, &str), String> {
    let (plain, rest) = name(text).unwrap_or(("", text));
    let mut name = plain.to_owned();
    let mut labels = Labels::new();
    let Some(mut rest) = rest.trim_start().strip_prefix('{') else {
        return if name.is_empty() {
            Err(format!("no name of a metric in `{}`", printable(text)))
        } else {
            Ok((name, labels, rest))
        };
    };
    loop {
        rest = rest.trim_start();
        if let Some(behind) = rest.strip_prefix('}') {
            rest = behind;
            break;
        }
        let (label, behind) = label_name(rest)?;
        let behind = behind.trim_start();
        match behind.strip_prefix('=') {
            Some(value) => {
                let (value, behind) = quoted(value.trim_start())?;
                if labels.iter().any(|(known, _)| *known == label) {
                    return Err(format!("the label `{}` is there twice", printable(&label)));
                }
                labels.push((label, value));
                rest = behind;
            }
            None if name.is_empty() && labels.is_empty() && rest.starts_with('"') => {
                name = label;
                rest = behind;
            }
            None => return Err(format!("no `=` behind the label `{}`", printable(&label))),
        }
        rest = rest.trim_start();
        match rest.strip_prefix(',') {
            Some(behind) => rest = behind,
            None if rest.starts_with('}') => {}
            None => return Err("the labels do not end with `}`".to_owned()),
        }
    }
    if name.is_empty() {
        return Err("labels without the name of a metric".to_owned());
    }
    labels.sort();
    Ok((name, labels, rest))
}

fn label_name(text: &str) -> Result<(String, &str), String> {
    if text.starts_with('"') {
        return quoted(text);
    }
    let (label, rest) = name(text).ok_or_else(|| format!("no label at `{}`", printable(text)))?;
    Ok((label.to_owned(), rest))
}

fn quoted(text: &str) -> Result<(String, &str), String> {
    let inner = text.strip_prefix('"').ok_or_else(|| "the value of a label is not in quotes".to_owned())?;
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in inner.char_indices() {
        match (escaped, c) {
            (true, 'n') => value.push('\n'),
            (true, '\\' | '"') => value.push(c),
            (true, other) => value.extend(['\\', other]),
            (false, '"') => return Ok((value, &inner[at + 1..])),
            (false, '\\') => {}
            (false, c) => value.push(c),
        }
        escaped = !escaped && c == '\\';
    }
    Err("a text in quotes does not end".to_owned())
}

/// Time stamps below are seconds, as `OpenMetrics` writes them, others milliseconds, as Prometheus does. In milliseconds
/// it is the year 1973, in seconds the year 5138.
const FIRST_MILLIS: f64 = 1e11;

/// The value and the time stamp behind a series; an exemplar behind them is passed over.
fn value_and_time(rest: &str) -> Result<(f64, Option<DateTime<Utc>>), String> {
    let mut words = rest.split_ascii_whitespace().take_while(|word| !word.starts_with('#'));
    let value = words.next().ok_or("no value behind the name")?;
    let value = number(value).ok_or_else(|| format!("`{}` is no number", printable(value)))?;
    let Some(stamp) = words.next() else { return Ok((value, None)) };
    let no_time = || format!("`{}` is no time stamp", printable(stamp));
    let time = number(stamp).filter(|time| time.is_finite()).ok_or_else(no_time)?;
    let millis = if time.abs() < FIRST_MILLIS { time * 1000.0 } else { time };
    #[expect(clippy::cast_possible_truncation, reason = "out of range ends in no time")]
    let at = DateTime::from_timestamp_millis(millis as i64).ok_or_else(no_time)?;
    match words.next() {
        Some(more) => Err(format!("`{}` behind the time stamp", printable(more))),
        None => Ok((value, Some(at))),
    }
}

/// A number as Go writes it: `1e3`, `NaN`, `+Inf`. Negative zero reads as zero.
fn number(word: &str) -> Option<f64> {
    // Rust reads other words, such as `infinity`, which the format does not have.
    let bare = word.strip_prefix(['+', '-']).unwrap_or(word);
    let is_number =
        bare == "Inf" || word == "NaN" || bare.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    word.parse::<f64>().ok().filter(|_| is_number).map(|value| value + 0.0)
}
