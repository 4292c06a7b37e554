//! The files of a baseline store: `BASELINE_<n>.json`, a promoted run, and `history.jsonl`, a chain of lines in which
//! each carries the hash of the one before.
//!
//! Decides nothing about runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The name of the history in a store.
pub const HISTORY: &str = "history.jsonl";

/// The hash before the first line.
const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The window that a baseline's values come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StoredWindow {
    /// Name, as in the policy.
    pub name: String,
    /// First iteration; null when it is empty.
    pub first: Option<u64>,
    /// Last iteration; null when it is empty.
    pub last: Option<u64>,
    /// Iterations in it.
    pub n: usize,
}

/// A KPI of a baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StoredKpi {
    /// Median over the last-n window; null when unknown.
    pub median: Option<f64>,
    /// Mean over the last-n window; null when unknown.
    pub mean: Option<f64>,
    /// Values behind them; null when unknown.
    pub n: Option<usize>,
    /// The single values of the window of significance, in the order of time.
    pub values: Vec<f64>,
    /// The numbers of their iterations; empty in baselines of before this was kept.
    #[serde(default)]
    pub iterations: Vec<u64>,
}

/// `BASELINE_<n>.json`: a run that was promoted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StoredBaseline {
    /// "1.0".
    pub schema_version: String,
    /// Version of the program.
    pub tool_version: String,
    /// SHA-256 of the policy values in force.
    pub policy_sha256: String,
    /// Where the run was.
    pub run: String,
    /// Its verdict: always PASS.
    pub verdict: String,
    /// The symbol; null for runs that are not per symbol.
    pub symbol: Option<String>,
    /// Where its data came from; null when nothing says so.
    pub source: Option<String>,
    /// What it was measured under, by the words of `[compare] refuse`; what is not there is not known.
    #[serde(default)]
    pub conditions: BTreeMap<String, String>,
    /// The last-n window.
    pub window: StoredWindow,
    /// The window of significance.
    pub significance: StoredWindow,
    /// The KPIs that are compared, by name.
    pub kpis: BTreeMap<String, StoredKpi>,
}

/// A line of the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HistoryLine {
    /// "1.0".
    pub schema_version: String,
    /// 1, 2, …
    pub sequence: u64,
    /// `promote` or `ack`.
    pub action: String,
    /// When, RFC 3339.
    pub at: String,
    /// Who.
    pub by: String,
    /// Of a promotion: the file with the baseline.
    pub file: Option<String>,
    /// Of a promotion: SHA-256 of that file.
    pub file_sha256: Option<String>,
    /// Of an acknowledgement: the KPI whose change is known.
    pub kpi: Option<String>,
    /// Of an acknowledgement: why it is accepted.
    pub reason: Option<String>,
    /// Of an acknowledgement: the last day on which it counts, YYYY-MM-DD.
    pub until: Option<String>,
    /// The hash of the line before; 64 zeros before the first.
    pub previous: String,
    /// SHA-256 of this line as compact JSON with sorted keys, without this key.
    pub hash: String,
}

impl HistoryLine {
    /// The line with the hash that it must have, behind the lines that there are.
    #[must_use]
    pub fn chained(mut self, before: Option<&Self>) -> Self {
        self.sequence = before.map_or(1, |before| before.sequence + 1);
        self.previous = before.map_or_else(|| BEGINNING.to_owned(), |before| before.hash.clone());
        self.hash = self.expected_hash();
        self
    }

    fn expected_hash(&self) -> String {
        let mut tree = serde_json::to_value(self).unwrap_or_default();
        if let Some(line) = tree.as_object_mut() {
            line.remove("hash");
        }
        sha256(tree.to_string().as_bytes())
    }
}

/// The lines of a history, and everything that is wrong with the chain.
pub fn read_history(text: &str) -> (Vec<HistoryLine>, Vec<String>) {
    let (mut lines, mut problems): (Vec<HistoryLine>, Vec<String>) = (Vec::new(), Vec::new());
    for (at, text) in text.lines().enumerate() {
        let at = at + 1;
        match serde_json::from_str::<HistoryLine>(text) {
            Err(error) => problems.push(format!("line {at} of `{HISTORY}` cannot be read: {error}")),
            Ok(line) => {
                let expected = line.clone().chained(lines.last());
                if line.sequence != expected.sequence || line.previous != expected.previous {
                    problems.push(format!("line {at} of `{HISTORY}` does not follow the line before it"));
                }
                if line.hash != line.expected_hash() {
                    problems.push(format!("line {at} of `{HISTORY}` was changed: its hash is another one"));
                }
                lines.push(line);
            }
        }
    }
    (lines, problems)
}

/// The lines as they stand in the file.
pub fn write_history(lines: &[HistoryLine]) -> String {
    lines.iter().fold(String::new(), |text, line| {
        text + &serde_json::to_value(line).unwrap_or_default().to_string() + "\n"
    })
}

/// SHA-256 of bytes, lower-case hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kpi: &str) -> HistoryLine {
        HistoryLine {
            schema_version: "1.0".to_owned(),
            sequence: 0,
            action: "ack".to_owned(),
            at: "2026-01-31T12:00:00Z".to_owned(),
            by: "A. Person".to_owned(),
            file: None,
            file_sha256: None,
            kpi: Some(kpi.to_owned()),
            reason: Some("a known change".to_owned()),
            until: Some("2026-02-28".to_owned()),
            previous: String::new(),
            hash: String::new(),
        }
    }

    #[test]
    fn hashes_are_sha_256() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_history_is_read_back_and_every_change_breaks_the_chain() {
        let one = line("net_bps").chained(None);
        let two = line("risk_ratio").chained(Some(&one));
        let text = write_history(&[one.clone(), two.clone()]);
        assert_eq!(read_history(&text), (vec![one.clone(), two.clone()], Vec::new()));
        let changed = text.replacen("2026-02-28", "2036-02-28", 1);
        assert_eq!(
            read_history(&changed).1,
            ["line 1 of `history.jsonl` was changed: its hash is another one"]
        );
        // A line that is hashed anew breaks the one behind it.
        let forged = HistoryLine { until: Some("2036-02-28".to_owned()), ..one }.chained(None);
        let text = write_history(&[forged, two.clone()]);
        assert_eq!(read_history(&text).1, ["line 2 of `history.jsonl` does not follow the line before it"]);
        let gone = write_history(&[two]);
        assert_eq!(read_history(&gone).1, ["line 1 of `history.jsonl` does not follow the line before it"]);
        assert!(
            read_history("{\"sequence\": 1").1[0].starts_with("line 1 of `history.jsonl` cannot be read")
        );
    }
}
