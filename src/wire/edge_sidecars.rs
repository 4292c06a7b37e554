//! The files beside an edge report: `KPI_GATE.json`, `EDGE_SENTINEL.json`, and the lines of `audit.jsonl`.
//!
//! They are somebody else's and only describe: every error is words for a note. Opens no files.

use std::io::{self, BufRead};

use serde::Deserialize;
use serde_json::Value;

use super::literals::parse_marked;
use super::told::shortened;
use crate::core::run::edge_report::{AuditCounts, KpiGateFile};

/// Largest `KPI_GATE.json` and `EDGE_SENTINEL.json`, bytes.
pub const LARGEST: u64 = 1 << 20;
/// Longest line of `audit.jsonl`, bytes. A longer one is unreadable.
const LONGEST_LINE: usize = 1 << 16;
/// Most reasons and pieces of advice that are kept.
const MOST: usize = 100;
/// Where refusals without a reason are counted, and those of reasons beyond the number that is kept.
const OTHER: &str = "other";

#[derive(Deserialize)]
struct Gate {
    #[serde(default)]
    verdict: Value,
    #[serde(default)]
    reasons: Value,
}

/// Reads `KPI_GATE.json`.
pub fn kpi_gate(json: &[u8]) -> Result<KpiGateFile, String> {
    let gate: Gate = parse_marked(json, |json| serde_json::from_slice(json)).map_err(|e| e.to_string())?;
    match gate.verdict {
        Value::String(verdict) => {
            Ok(KpiGateFile { verdict: shortened(&verdict), reasons: texts("reasons", gate.reasons)? })
        }
        Value::Null => Err("it has no `verdict`".to_owned()),
        _ => Err("`verdict` is no text".to_owned()),
    }
}

#[derive(Deserialize)]
struct Sentinel {
    #[serde(default)]
    advice: Value,
}

/// Reads the advice of `EDGE_SENTINEL.json`: one text or a list of them.
pub fn sentinel(json: &[u8]) -> Result<Vec<String>, String> {
    let told: Sentinel =
        parse_marked(json, |json| serde_json::from_slice(json)).map_err(|e| e.to_string())?;
    texts("advice", told.advice)
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
    fields: Option<Fields>,
}

#[derive(Default, Deserialize)]
struct Fields {
    #[serde(default)]
    allowed: Option<bool>,
    #[serde(default)]
    reason: Option<String>,
}

/// Counts the decisions in `audit.jsonl`: lines with `fields.allowed`. Lines without it tell of something else;
/// blank ones count for nothing. Reads line by line and holds one line at most.
pub fn audit(mut input: impl BufRead) -> io::Result<AuditCounts> {
    let mut counts = AuditCounts::default();
    let mut line = Vec::new();
    while let Some(is_whole) = next_line(&mut input, &mut line)? {
        let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
        if is_whole && text.trim_ascii().is_empty() {
            continue;
        }
        let read = if is_whole {
            parse_marked(text, |json| serde_json::from_slice::<Line>(json)).ok()
        } else {
            None
        };
        match read {
            None => counts.unreadable += 1,
            Some(Line { fields }) => count(&mut counts, &fields.unwrap_or_default()),
        }
    }
    Ok(counts)
}

fn count(counts: &mut AuditCounts, fields: &Fields) {
    let Some(is_allowed) = fields.allowed else { return };
    counts.total += 1;
    if !is_allowed {
        let reason = shortened(fields.reason.as_deref().unwrap_or(OTHER));
        let has_room = counts.refused.len() < MOST || counts.refused.contains_key(&reason);
        *counts.refused.entry(if has_room { reason } else { OTHER.to_owned() }).or_default() += 1;
    }
}

/// Reads up to the end of the line; tells whether all of it fitted. `None` at the end of the input.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
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
    use std::collections::BTreeMap;
    use std::io::BufReader;

    use super::*;

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
    fn reasons_beyond_the_number_that_is_kept_are_counted_together() {
        let refusal = |n: usize| format!("{{\"fields\": {{\"allowed\": false, \"reason\": \"r{n}\"}}}}");
        let text = (0..MOST + 5).map(refusal).collect::<Vec<_>>().join("\n");
        let counted = counts(&text, 4096);
        assert_eq!((counted.refused.len(), counted.refused["other"]), (MOST + 1, 5));
    }
}
