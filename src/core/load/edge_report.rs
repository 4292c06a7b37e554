//! `EDGE_REPORT.json` and the files beside it: what the system under test measured in one interval.
//!
//! `totals` (or `total`) and `runtime` are read from a stream, in constant memory, wherever in the file they are; all the
//! rest is checked for syntax and forgotten. Nested totals get dotted keys (`fills.maker_count`). What is there without
//! a usable number is kept as known to be missing; what is malformed beside the numbers is a note, because the numbers
//! are still good.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read as IoRead};

use schemars::JsonSchema;
use serde::de::{DeserializeOwned, Error, IgnoredAny, MapAccess, SeqAccess};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::de::IoRead as Input;

use crate::core::json::text::{marked, parse_marked};
use crate::core::json::{Fields, KeysRead, Object, Read, Shape, TextReading, read_all, shortened};
use crate::core::judge::edge_report::Totals;
use crate::core::text::number::exactly;
use crate::core::trend::resources::ProcessId;

/// What a source delivers for an interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EdgeReport {
    /// The numbers below `totals`, nested ones by dotted key: `net_bps`, `fills.maker_volume`,
    /// `block_reasons.risk.ratio`, `component_breakdown.fees_bps`, `tick_latency_ms.p95`. `None` = the key is
    /// there without a usable number (null, NaN, text).
    pub numbers: BTreeMap<String, Option<f64>>,
    /// Cost components that made the edge negative, as the source names them.
    pub neg_edge_drivers: Vec<String>,
    /// `runtime.utc`: when the report was made, as written.
    pub utc: Option<String>,
    /// `runtime.version`: the build of the system under test.
    pub version: Option<String>,
    /// The system's own gate (`KPI_GATE.json` beside the report): verdict and reasons.
    pub kpi_gate: Option<KpiGateFile>,
    /// `EDGE_SENTINEL.json` beside the report.
    pub sentinel_advice: Vec<String>,
    /// How many decisions were refused for each reason (`audit.jsonl` beside the report), and how many were
    /// looked at in all; `None` without that file.
    pub audit: Option<AuditCounts>,
    /// The resources of the system under test, where the source knows them; `None` = it does not.
    pub resources: Option<Resources>,
    /// What went wrong with a file beside the report, or with an optional metric; for a person.
    pub notes: Vec<String>,
    /// How often the source had to ask again before it had everything.
    pub asked_again: u64,
    /// Why the collection failed all the same; `None` = it did not.
    pub incomplete: Option<Incomplete>,
}

/// A report without a value that it must have. What it has is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incomplete {
    /// What is missing and why, for the iteration's record.
    pub reason: String,
    /// Whether another required value is there: then the source is at work, and the collections that failed in a
    /// row end with this one.
    pub is_alive: bool,
}

impl EdgeReport {
    /// The number at this key; `None` where it is missing or has no usable value.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.numbers.get(key).copied().flatten()
    }
}

/// `KPI_GATE.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KpiGateFile {
    pub reasons: Vec<String>,
    /// As written.
    pub verdict: String,
}

/// Counts over the lines of `audit.jsonl`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditCounts {
    /// Refused decisions by reason.
    pub refused: BTreeMap<String, u64>,
    /// Lines with a decision.
    pub total: u64,
    /// Lines that could not be read.
    pub unreadable: u64,
}

/// Resources of the watched process tree at the end of an iteration; null is what could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resources {
    /// Share of one CPU used since the sample before, percent.
    #[serde(serialize_with = "exactly", deserialize_with = "Option::deserialize")]
    pub cpu_pct: Option<f64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub open_files: Option<u64>,
    /// The process at the top of the tree; absent where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessId>,
    /// Processes in the tree.
    #[serde(deserialize_with = "Option::deserialize")]
    pub processes: Option<u64>,
    /// Resident memory, MiB.
    #[serde(serialize_with = "exactly", deserialize_with = "Option::deserialize")]
    pub rss_mb: Option<f64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub threads: Option<u64>,
}

/// Longest dotted key in segments. Objects below are not looked into.
const DEEPEST_KEY: usize = 4;
/// Most keys of totals, those of nested objects included.
const MOST_KEYS: usize = 4096;
/// Longest key of totals, bytes of one segment.
const LONGEST_KEY: usize = 256;
/// Most drivers, reasons and pieces of advice that are kept.
const MOST: usize = 100;

/// Reads a report. `None` when it has no totals.
pub fn read(input: impl IoRead) -> Result<Option<EdgeReport>, serde_json::Error> {
    let whole = read_all(Input::new(marked(input)), Object("edge report", Report::default()))?;
    Ok(whole.filter(|whole| whole.has_totals).map(|whole| whole.read))
}

/// The whole of a JSON measurement, as errors name it.
const WHOLE: &str = "measurement";

/// The object of a JSON measurement that holds the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// `totals` or `total`: an edge report, whatever else is in it.
    Totals,
    /// `kpis`, where there are no totals.
    Kpis,
    /// The whole, where there are neither.
    Whole,
}

/// A JSON measurement.
pub(super) struct Measured {
    pub(super) holder: Holder,
    pub(super) report: EdgeReport,
    /// What is in place of each number that is none; empty for an edge report.
    pub(super) odd: BTreeMap<String, &'static str>,
    /// The numbers beside `kpis`, which do not count.
    pub(super) beside: BTreeMap<String, Option<f64>>,
}

/// Reads a measurement in any of its JSON shapes.
pub(super) fn read_any(input: impl IoRead) -> Result<Measured, serde_json::Error> {
    let whole = Report { others: Some([Loose::default(), Loose::default()]), ..Report::default() };
    let whole = read_all(Input::new(marked(input)), Object(WHOLE, whole))?;
    let Some(Report { read, has_totals, has_kpis, others, .. }) = whole else {
        return Err(serde_json::Error::custom(format_args!("`{WHOLE}` is null, expected an object")));
    };
    let [kpis, mut top] = others.unwrap_or_default();
    let (holder, found) = match (has_totals, has_kpis) {
        (true, _) => {
            let (odd, beside) = (BTreeMap::new(), BTreeMap::new());
            return Ok(Measured { holder: Holder::Totals, report: read, odd, beside });
        }
        (false, true) => (Holder::Kpis, kpis),
        (false, false) => (Holder::Whole, std::mem::take(&mut top)),
    };
    if let Some(problem) = found.problem {
        return Err(serde_json::Error::custom(problem));
    }
    let report = EdgeReport { numbers: found.read.numbers, ..read };
    Ok(Measured { holder, report, odd: found.odd, beside: top.read.numbers })
}

/// The totals as their limits name them: the undotted keys. An object has no number of its own.
pub fn totals(report: &EdgeReport) -> Totals {
    let mut totals = Totals::new();
    for (key, value) in &report.numbers {
        match key.split_once('.') {
            None => drop(totals.insert(key.clone(), *value)),
            Some((object, _)) => drop(totals.entry(object.to_owned()).or_insert(None)),
        }
    }
    totals
}

#[derive(Default)]
struct Report {
    read: EdgeReport,
    has_totals: bool,
    has_kpis: bool,
    /// The numbers below `kpis` and those of the whole, which count only without totals; `None` = not wanted.
    others: Option<[Loose; 2]>,
    seen: KeysRead,
}

/// Numbers that may turn out not to count. So what is wrong with them is kept and stops nothing.
#[derive(Default)]
struct Loose {
    read: EdgeReport,
    seen: BTreeSet<String>,
    problem: Option<String>,
    odd: BTreeMap<String, &'static str>,
}

impl Loose {
    fn branch<'a>(&'a mut self, name: &'a str) -> Branch<'a> {
        let Self { read, seen, problem, odd } = self;
        Branch { report: read, seen, loose: Some((problem, odd)), name, above: "", depth: 1, has_keys: false }
    }
}

impl<'de> Fields<'de> for Report {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "totals" | "total" => {
                self.seen.once(0, key)?;
                let (report, seen) = (&mut self.read, &mut BTreeSet::new());
                let totals = Branch {
                    report,
                    seen,
                    loose: None,
                    name: "totals",
                    above: "",
                    depth: 1,
                    has_keys: false,
                };
                self.has_totals = map.next_value_seed(Read(Object("totals", totals)))?.is_some();
            }
            "runtime" => {
                self.seen.once(1, key)?;
                let runtime = Runtime { report: &mut self.read, seen: KeysRead::default() };
                map.next_value_seed(Read(Object(key, runtime)))?;
            }
            _ => {
                let Some([kpis, whole]) = &mut self.others else { return Ok(false) };
                if key == "kpis" {
                    self.seen.once(2, key)?;
                    self.has_kpis = map.next_value_seed(Read(Object(key, kpis.branch(key))))?.is_some();
                } else {
                    return whole.branch(WHOLE).field(key, map);
                }
            }
        }
        Ok(true)
    }
}

/// An object of numbers, the outermost or one inside.
struct Branch<'a> {
    report: &'a mut EdgeReport,
    /// Every dotted key so far.
    seen: &'a mut BTreeSet<String>,
    /// Where the first problem goes, and what is in place of numbers; `None` = a problem is an error.
    loose: Option<(&'a mut Option<String>, &'a mut BTreeMap<String, &'static str>)>,
    /// The outermost object, as errors name it.
    name: &'a str,
    /// The dotted key of this object, empty for the outermost.
    above: &'a str,
    /// Segments of the keys in this object.
    depth: usize,
    has_keys: bool,
}

impl Branch<'_> {
    /// What is wrong with a key, if anything is.
    fn problem(&mut self, path: &str) -> Option<String> {
        let name = self.name;
        if path.len() - self.above.len() > LONGEST_KEY {
            Some(format!("a key of `{name}` is longer than {LONGEST_KEY} bytes"))
        } else if self.seen.len() == MOST_KEYS {
            Some(format!("`{name}` has more than {MOST_KEYS} keys"))
        } else if !self.seen.insert(path.to_owned()) {
            let of = if name == WHOLE { String::new() } else { format!("{name}.") };
            Some(format!("duplicate key `{of}{path}`"))
        } else {
            None
        }
    }
}

impl<'de> Fields<'de> for Branch<'_> {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        self.has_keys = true;
        if self.loose.as_ref().is_some_and(|(problem, _)| problem.is_some()) {
            return Ok(false);
        }
        let above = self.above;
        let path = if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") };
        if let Some(problem) = self.problem(&path) {
            let Some((slot, _)) = &mut self.loose else { return Err(A::Error::custom(problem)) };
            **slot = Some(problem);
            return Ok(false);
        }
        if path == "neg_edge_drivers" && self.loose.is_none() {
            map.next_value_seed(Read(Drivers(self.report)))?;
            return Ok(true);
        }
        let below = Branch {
            report: &mut *self.report,
            seen: &mut *self.seen,
            loose: self.loose.as_mut().map(|(problem, odd)| (&mut **problem, &mut **odd)),
            name: self.name,
            above: &path,
            depth: self.depth + 1,
            has_keys: false,
        };
        if let Some(number) = map.next_value_seed(Read(Total(below)))? {
            self.report.numbers.insert(path, number);
        }
        Ok(true)
    }

    fn other(&mut self, found: &'static str) -> bool {
        let Some((problem, _)) = &mut self.loose else { return false };
        **problem = Some(format!("`{}` is {found}, expected an object", self.name));
        true
    }
}

/// A value of totals. `None` when it was an object with totals of its own.
struct Total<'a>(Branch<'a>);

impl<'de> Shape<'de> for Total<'_> {
    type Value = Option<Option<f64>>;
    const EXPECTED: &'static str = "a number";

    fn key(&self) -> &str {
        self.0.above
    }

    fn null(mut self) -> Self::Value {
        self.other("null").flatten()
    }

    fn other(&mut self, found: &'static str) -> Option<Self::Value> {
        let Branch { loose, above, .. } = &mut self.0;
        if let Some((_, odd)) = loose {
            odd.insert((*above).to_owned(), found);
        }
        Some(Some(None))
    }

    fn number<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        // Negative zero reads as zero.
        Ok(Some(Some(value + 0.0)))
    }

    fn object<A: MapAccess<'de>>(mut self, mut object: A) -> Result<Self::Value, A::Error> {
        if self.0.depth > DEEPEST_KEY {
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        } else {
            self.0.take(object)?;
        }
        Ok(if self.0.has_keys { None } else { Some(None) })
    }
}

/// `neg_edge_drivers`. What is no text in it is left out with a note.
struct Drivers<'a>(&'a mut EdgeReport);

impl<'de> Shape<'de> for Drivers<'_> {
    type Value = ();
    const EXPECTED: &'static str = "a list of texts";

    fn key(&self) -> &'static str {
        "totals.neg_edge_drivers"
    }

    fn null(self) {}

    fn text<E: Error>(self, driver: &str) -> Result<(), E> {
        self.0.neg_edge_drivers.push(shortened(driver));
        Ok(())
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let (mut wrong, mut too_many) = (None, false);
        while let Some(driver) = list.next_element::<TextReading>()? {
            match driver {
                TextReading::Text(text) if self.0.neg_edge_drivers.len() < MOST => {
                    self.0.neg_edge_drivers.push(text);
                }
                TextReading::Text(_) => too_many = true,
                TextReading::Null => {}
                TextReading::Wrong(found) => wrong = Some(found),
            }
        }
        if let Some(found) = wrong {
            let note = format!("`totals.neg_edge_drivers[]` is {found}, expected text; it was left out");
            self.0.notes.push(note);
        }
        if too_many {
            self.0.notes.push(format!("`totals.neg_edge_drivers` has more than {MOST} entries"));
        }
        Ok(())
    }
}

/// `runtime`. It only describes, so that whatever is wrong with it is a note.
struct Runtime<'a> {
    report: &'a mut EdgeReport,
    seen: KeysRead,
}

impl<'de> Fields<'de> for Runtime<'_> {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        let (place, into) = match key {
            "utc" => (0, &mut self.report.utc),
            "version" => (1, &mut self.report.version),
            _ => return Ok(false),
        };
        self.seen.once(place, &format!("runtime.{key}"))?;
        match map.next_value::<TextReading>()? {
            TextReading::Text(text) => *into = Some(text),
            TextReading::Null => {}
            TextReading::Wrong(found) => {
                let note = format!("`runtime.{key}` is {found}, expected text; it was left out");
                self.report.notes.push(note);
            }
        }
        Ok(true)
    }

    fn other(&mut self, found: &'static str) -> bool {
        self.report.notes.push(format!("`runtime` is {found}, expected an object; it was left out"));
        true
    }
}

/// Largest `KPI_GATE.json` and `EDGE_SENTINEL.json`, bytes.
pub const LARGEST: u64 = 1 << 20;
/// Longest line of `audit.jsonl` and of Prometheus text, bytes. A longer one is unreadable.
pub(super) const LONGEST_LINE: usize = 1 << 16;
/// Where refusals without a reason are counted, and those of reasons above the number that is kept.
const OTHER: &str = "other";

#[derive(Deserialize)]
struct Gate {
    #[serde(default)]
    verdict: Value,
    #[serde(default)]
    reasons: Value,
}

#[derive(Deserialize)]
struct Sentinel {
    #[serde(default)]
    advice: Value,
}

/// Reads a small file beside the report. It is somebody else's and only describes: every error is words for a note.
fn beside<T: DeserializeOwned>(json: &[u8]) -> Result<T, String> {
    parse_marked(json, |json| serde_json::from_slice(json)).map_err(|error| error.to_string())
}

/// Reads `KPI_GATE.json`.
pub fn kpi_gate(json: &[u8]) -> Result<KpiGateFile, String> {
    let gate: Gate = beside(json)?;
    match gate.verdict {
        Value::String(verdict) => {
            Ok(KpiGateFile { verdict: shortened(&verdict), reasons: texts("reasons", gate.reasons)? })
        }
        Value::Null => Err("it has no `verdict`".to_owned()),
        _ => Err("`verdict` is no text".to_owned()),
    }
}

/// Reads the advice of `EDGE_SENTINEL.json`: one text or a list of them.
pub fn sentinel(json: &[u8]) -> Result<Vec<String>, String> {
    texts("advice", beside::<Sentinel>(json)?.advice)
}

fn texts(key: &str, value: Value) -> Result<Vec<String>, String> {
    let list = match value {
        Value::Null => return Ok(Vec::new()),
        Value::String(text) => return Ok(vec![shortened(&text)]),
        Value::Array(list) => list,
        _ => return Err(format!("`{key}` is no list of texts")),
    };
    let text = |value: &Value| value.as_str().map(shortened);
    let texts: Option<Vec<String>> = list.iter().take(MOST).map(text).collect();
    texts.ok_or_else(|| format!("`{key}[]` is no text"))
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    fields: Option<Decision>,
}

#[derive(Default, Deserialize)]
struct Decision {
    #[serde(default)]
    allowed: Option<bool>,
    #[serde(default)]
    reason: Option<String>,
}

/// Counts the decisions in `audit.jsonl`: lines with `fields.allowed`. Lines without it are about something else;
/// blank ones count for nothing. Reads line by line and holds one line at most.
pub fn audit(mut input: impl BufRead) -> io::Result<AuditCounts> {
    let mut counts = AuditCounts::default();
    let mut line = Vec::new();
    while let Some(is_whole) = next_line(&mut input, &mut line)? {
        let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
        if is_whole && text.trim_ascii().is_empty() {
            continue;
        }
        let read = parse_marked(text, |json| serde_json::from_slice::<Line>(json));
        match read.ok().filter(|_| is_whole) {
            None => counts.unreadable += 1,
            Some(Line { fields }) => count(&mut counts, &fields.unwrap_or_default()),
        }
    }
    Ok(counts)
}

fn count(counts: &mut AuditCounts, decision: &Decision) {
    let Some(is_allowed) = decision.allowed else { return };
    counts.total += 1;
    if !is_allowed {
        let reason = shortened(decision.reason.as_deref().unwrap_or(OTHER));
        let has_room = counts.refused.len() < MOST || counts.refused.contains_key(&reason);
        *counts.refused.entry(if has_room { reason } else { OTHER.to_owned() }).or_default() += 1;
    }
}

/// Reads up to the end of the line; says whether all of it fitted. `None` at the end of the input.
pub(super) fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let (mut is_whole, mut has_begun) = (true, false);
    loop {
        let buffer = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if buffer.is_empty() {
            return Ok(has_begun.then_some(is_whole));
        }
        has_begun = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        if line.len() + part.len() > LONGEST_LINE {
            is_whole = false;
        } else {
            line.extend_from_slice(part);
        }
        let taken = part.len() + usize::from(end.is_some());
        input.consume(taken);
        if end.is_some() {
            return Ok(Some(is_whole));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn report(text: &str) -> EdgeReport {
        read(text.as_bytes()).expect("valid").expect("has totals")
    }

    fn error(text: &str) -> String {
        read(text.as_bytes()).expect_err("not valid").to_string()
    }

    #[test]
    fn totals_are_found_at_either_end_and_under_either_name() {
        for text in [
            r#"{"totals": {"net_bps": 2.5, "fills": {"maker": 1}}, "symbols": {"A": [1, 2]}}"#,
            "\u{feff}{\"symbols\": {\"A\": [1, 2]},\r\n \"total\": {\"net_bps\": 2.5, \"fills\": 3}}",
        ] {
            assert_eq!(totals(&report(text))["net_bps"], Some(2.5));
        }
    }

    #[test]
    fn nested_numbers_get_dotted_keys() {
        let report = report(
            r#"{"runtime": {"utc": "2025-10-12T12:00:00Z", "version": "1.2.3", "host": ["a"]}, "totals": {
                "net_bps": 3, "fills": {"maker_count": 7, "maker_volume": 1.5}, "tick_latency_ms": {"p95": 120},
                "block_reasons": {"risk": {"count": 4, "ratio": 0.25}, "throttle": null},
                "component_breakdown": {"fees_bps": -0.5}, "neg_edge_drivers": ["fees", null, "slippage"]}}"#,
        );
        let expected = [
            ("block_reasons.risk.count", Some(4.0)),
            ("block_reasons.risk.ratio", Some(0.25)),
            ("block_reasons.throttle", None),
            ("component_breakdown.fees_bps", Some(-0.5)),
            ("fills.maker_count", Some(7.0)),
            ("fills.maker_volume", Some(1.5)),
            ("net_bps", Some(3.0)),
            ("tick_latency_ms.p95", Some(120.0)),
        ];
        assert_eq!(report.numbers, expected.map(|(key, value)| (key.to_owned(), value)).into());
        assert_eq!(report.neg_edge_drivers, ["fees", "slippage"]);
        assert_eq!(report.utc.as_deref(), Some("2025-10-12T12:00:00Z"));
        assert_eq!(report.version.as_deref(), Some("1.2.3"));
        assert!(report.notes.is_empty(), "{:?}", report.notes);
        // For the limits an object is a key without a number.
        let objects = ["block_reasons", "component_breakdown", "fills", "tick_latency_ms"];
        let mut expected: Totals = objects.map(|key| (key.to_owned(), None)).into();
        expected.insert("net_bps".to_owned(), Some(3.0));
        assert_eq!(totals(&report), expected);
    }

    #[test]
    fn what_has_no_number_is_kept_as_known_to_be_missing() {
        let report = report(
            r#"{"totals": {"a": null, "b": "x", "c": -0.0, "d": NaN, "e": -Infinity, "f": 1e999, "g": [NaN, {}],
                "h": {}, "i": false, "j": {"k": Infinity}}, "symbols": {"NaN": NaN}}"#,
        );
        let known: Vec<&str> = report.numbers.keys().map(String::as_str).collect();
        assert_eq!(known, ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j.k"]);
        assert_eq!(report.numbers.values().flatten().count(), 1);
        assert!(report.number("c").is_some_and(|zero| zero == 0.0 && zero.is_sign_positive()));
    }

    #[test]
    fn a_report_without_totals_is_none() {
        for text in ["{}", "null", r#"{"totals": null}"#, r#"{"runtime": {"utc": "now"}}"#] {
            assert_eq!(read(text.as_bytes()).expect("valid"), None, "{text}");
        }
        assert_eq!(report(r#"{"totals": {}}"#), EdgeReport::default());
    }

    #[test]
    fn a_key_that_occurs_twice_is_named() {
        for (text, key) in [
            (r#"{"totals": {"a": 1, "a": 2}}"#, "totals.a"),
            (r#"{"totals": {"a": {"b": 1}, "a": {"c": 2}}}"#, "totals.a"),
            (r#"{"totals": {"a": {"b": 1, "b": null}}}"#, "totals.a.b"),
            (r#"{"totals": {"a.b": 1, "a": {"b": 2}}}"#, "totals.a.b"),
            (r#"{"totals": {}, "total": {}}"#, "total"),
            (r#"{"totals": null, "totals": {}}"#, "totals"),
            (r#"{"totals": {}, "runtime": {}, "runtime": {}}"#, "runtime"),
            (r#"{"totals": {}, "runtime": {"utc": null, "utc": "x"}}"#, "runtime.utc"),
        ] {
            assert!(error(text).starts_with(&format!("duplicate key `{key}`")), "{}", error(text));
        }
        // Twice in what nobody reads.
        assert!(report(r#"{"totals": {}, "a": 1, "a": 2, "runtime": {"b": 1, "b": 2}}"#).notes.is_empty());
    }

    #[test]
    fn syntax_errors_anywhere_and_wrong_types_are_errors() {
        for text in ["", "{", r#"{"totals": {"a": 1"#, r#"{"totals": {}} x"#, r#"{"totals": {}, "a": nan}"#] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(error(r#"{"totals": [1]}"#).starts_with("`totals` is a list, expected an object"));
        assert!(error("[]").starts_with("`edge report` is a list, expected an object"));
        assert!(
            error(r#"{"totals": {"neg_edge_drivers": 3}}"#)
                .starts_with("`totals.neg_edge_drivers` is a number")
        );
    }

    #[test]
    fn what_only_describes_is_left_out_with_a_note_when_it_is_malformed() {
        let runtime = report(r#"{"totals": {"a": 1}, "runtime": {"utc": 5, "version": null}}"#);
        assert_eq!((runtime.utc, runtime.version), (None, None));
        assert_eq!(runtime.notes, ["`runtime.utc` is a number, expected text; it was left out"]);
        for (value, kind) in
            [("1", "a number"), ("[{}]", "a list"), (r#""x""#, "text"), ("true", "a boolean")]
        {
            let odd = report(&format!(r#"{{"runtime": {value}, "totals": {{"a": 1}}}}"#));
            assert_eq!(odd.notes, [format!("`runtime` is {kind}, expected an object; it was left out")]);
            assert_eq!(odd.number("a"), Some(1.0));
        }
        let drivers = report(r#"{"totals": {"neg_edge_drivers": ["a", 1, {}]}}"#);
        assert_eq!(drivers.neg_edge_drivers, ["a"]);
        assert_eq!(
            drivers.notes,
            ["`totals.neg_edge_drivers[]` is an object, expected text; it was left out"]
        );
        assert_eq!(report(r#"{"totals": {"neg_edge_drivers": "fees"}}"#).neg_edge_drivers, ["fees"]);
    }

    #[test]
    fn keys_are_bounded_in_depth_number_and_length() {
        let deep = report(r#"{"totals": {"a": {"b": {"c": {"d": 1, "e": {"f": 2}}}}}}"#);
        let expected = [("a.b.c.d", Some(1.0)), ("a.b.c.e", None)];
        assert_eq!(deep.numbers, expected.map(|(key, value)| (key.to_owned(), value)).into());

        let many = |keys: usize| {
            let keys: Vec<String> = (0..keys).map(|key| format!("\"k{key}\":1")).collect();
            format!("{{\"totals\":{{{}}}}}", keys.join(","))
        };
        assert_eq!(report(&many(MOST_KEYS)).numbers.len(), MOST_KEYS);
        assert!(error(&many(MOST_KEYS + 1)).starts_with("`totals` has more than 4096 keys"));

        let long = |length: usize| format!("{{\"totals\":{{\"{}\":1}}}}", "k".repeat(length));
        assert_eq!(report(&long(LONGEST_KEY)).numbers.len(), 1);
        assert!(error(&long(LONGEST_KEY + 1)).starts_with("a key of `totals` is longer than 256 bytes"));

        let drivers = |number: usize| {
            report(&format!(
                r#"{{"totals": {{"neg_edge_drivers": [{}]}}}}"#,
                vec![r#""d""#; number].join(",")
            ))
        };
        assert_eq!((drivers(100).neg_edge_drivers.len(), drivers(100).notes.len()), (100, 0));
        assert_eq!((drivers(101).neg_edge_drivers.len(), drivers(101).notes.len()), (100, 1));
    }

    #[test]
    fn nesting_over_128_levels_is_refused_also_in_keys_that_nobody_reads() {
        // The object of the file is the first level.
        let nested = |levels: usize| {
            format!(r#"{{"x": {}{}, "totals": {{}}}}"#, "[".repeat(levels), "]".repeat(levels))
        };
        assert!(report(&nested(127)).notes.is_empty());
        assert!(error(&nested(128)).contains("deeper than 128 levels"));
    }

    /// A report of many symbols that is made while it is read: `before`, then `blocks` times the same symbols,
    /// then `after`. Nothing of it is held in memory.
    struct Endless {
        before: Vec<u8>,
        block: Vec<u8>,
        blocks: usize,
        after: Vec<u8>,
        given: usize,
    }

    impl io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let (before, blocks) = (self.before.len(), self.block.len() * self.blocks);
            let left = if self.given < before {
                &self.before[self.given..]
            } else if self.given < before + blocks {
                &self.block[(self.given - before) % self.block.len()..]
            } else {
                &self.after[self.given - before - blocks..]
            };
            let length = left.len().min(buffer.len());
            buffer[..length].copy_from_slice(&left[..length]);
            self.given += length;
            Ok(length)
        }
    }

    /// Megabytes of symbols with the totals at one end.
    fn large(megabytes: usize, totals_first: bool) -> Endless {
        let symbol = br#""BTCUSDT": {"net_bps": -1.25, "venues": ["a", "b"], "note": "NaN {[", "x": NaN}, "#;
        let block = symbol.repeat(200);
        let (before, after) = if totals_first {
            (r#"{"totals": {"net_bps": 2.5}, "symbols": {"#, r#""last": 1}}"#)
        } else {
            (r#"{"symbols": {"#, r#""last": 1}, "totals": {"net_bps": 2.5}}"#)
        };
        let blocks = megabytes * 1_000_000 / block.len() + 1;
        Endless { before: before.into(), block, blocks, after: after.into(), given: 0 }
    }

    #[test]
    fn nothing_grows_with_the_size_of_a_report() {
        for totals_first in [true, false] {
            let mut source = large(20, totals_first);
            let report = read(&mut source).expect("valid").expect("has totals");
            assert!(source.given > 20_000_000);
            assert_eq!(report.numbers, [("net_bps".to_owned(), Some(2.5))].into());
            assert_eq!((report.neg_edge_drivers.len(), report.notes.len()), (0, 0));
        }
    }

    #[test]
    fn a_gate_has_a_verdict_and_perhaps_reasons() {
        let gate = |verdict: &str, reasons: &[&str]| KpiGateFile {
            verdict: verdict.to_owned(),
            reasons: reasons.iter().map(|&reason| reason.to_owned()).collect(),
        };
        let text = "\u{feff}{\"verdict\": \"WARN\", \"reasons\": [\"a\", \"b\"], \"runtime\": {\"x\": NaN}}";
        assert_eq!(kpi_gate(text.as_bytes()), Ok(gate("WARN", &["a", "b"])));
        assert_eq!(kpi_gate(br#"{"verdict": "PASS"}"#), Ok(gate("PASS", &[])));
        for text in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"verdict": 1}"#,
            r#"{"verdict": "A", "verdict": "B"}"#,
            r#"{"verdict": "A", "reasons": [1]}"#,
        ] {
            assert!(kpi_gate(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(kpi_gate(b"{}"), Err("it has no `verdict`".to_owned()));
    }

    #[test]
    fn advice_is_a_text_or_a_list() {
        assert_eq!(sentinel(br#"{"advice": ["a", "b"]}"#), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(sentinel(br#"{"advice": "a"}"#), Ok(vec!["a".to_owned()]));
        assert_eq!(sentinel(b"{}"), Ok(vec![]));
        assert_eq!(sentinel(br#"{"advice": 3}"#), Err("`advice` is no list of texts".to_owned()));
    }

    fn counts(text: &str, buffer: usize) -> AuditCounts {
        audit(BufReader::with_capacity(buffer, text.as_bytes())).expect("memory can be read")
    }

    #[test]
    fn refusals_are_counted_by_reason() {
        let text = concat!(
            "{\"fields\": {\"allowed\": true, \"reason\": \"ok\"}}\r\n",
            "{\"fields\": {\"allowed\": false, \"reason\": \"risk\"}}\n\n",
            "{\"fields\": {\"allowed\": false, \"reason\": \"risk\", \"x\": NaN}}\n",
            "{\"fields\": {\"allowed\": false}}\n",
            "{\"fields\": {\"reason\": \"started\"}}\n{\"event\": 1}\n",
            "{\"fields\": {\"allowed\": \"no\"}}\nnot json\n",
            "{\"fields\": {\"allowed\": false, \"reason\": \"throttle\"}}",
        );
        let refused = [("other", 1), ("risk", 2), ("throttle", 1)];
        let refused: BTreeMap<String, u64> = refused.map(|(reason, n)| (reason.to_owned(), n)).into();
        for buffer in [1, 7, 4096] {
            assert_eq!(
                counts(text, buffer),
                AuditCounts { total: 5, refused: refused.clone(), unreadable: 2 }
            );
        }
        assert_eq!(counts("", 8), AuditCounts::default());
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_the_next_is_read() {
        let line = |length: usize| {
            let text = r#"{"fields": {"allowed": true}, "pad": ""}"#;
            text.replace("\"\"}", &format!("\"{}\"}}", "x".repeat(length - text.len())))
        };
        let text = format!("{}\n{}\n{}\n", line(LONGEST_LINE), line(LONGEST_LINE + 1), line(100));
        let counted = counts(&text, 4096);
        assert_eq!((counted.total, counted.unreadable), (2, 1));
    }

    #[test]
    fn reasons_above_the_number_that_is_kept_are_counted_together() {
        let refusal = |n: usize| format!("{{\"fields\": {{\"allowed\": false, \"reason\": \"r{n}\"}}}}");
        let text = (0..MOST + 5).map(refusal).collect::<Vec<_>>().join("\n");
        let counted = counts(&text, 4096);
        assert_eq!((counted.refused.len(), counted.refused["other"]), (MOST + 1, 5));
    }
}
