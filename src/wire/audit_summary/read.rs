//! Reads an audit summary, also one that the earlier scripts wrote, as far as a short account of it needs.
//!
//! What is not there is unknown; limits are taken from the file or not told at all.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::core::verdict::Comparison;
use crate::wire::literals::parse_marked;
use crate::wire::nesting::is_too_deep;
use crate::wire::number::Reading;
use crate::wire::provenance::Override;

/// Why a file is no audit summary.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Lists and objects lie too deep inside each other.
    #[error("lists and objects are nested too deep")]
    TooDeep,
    /// Not JSON, or not of this shape.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A KPI holds something that is no number.
    #[error("`snapshot_kpis.{kpi}` is {found}, expected a number or null")]
    Kpi {
        /// The KPI.
        kpi: String,
        /// What it is.
        found: &'static str,
    },
}

/// A limit and what was held against it.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// How they are compared.
    pub comparison: Comparison,
    /// The limit.
    pub limit: f64,
}

/// The short account.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Whether readiness is OK.
    pub pass: bool,
    /// The true outcome; `None` in files that do not tell it.
    pub outcome: Option<String>,
    /// The verdict of the gate; `None` in files that do not tell it.
    pub gate: Option<String>,
    /// The main reason; `None` in files that do not tell it.
    pub reason: Option<String>,
    /// The failures.
    pub failures: Vec<String>,
    /// The KPIs in the order of their names; `None` = unknown.
    pub kpis: Vec<(String, Option<f64>)>,
    /// The limits by KPI; empty in files that do not tell them.
    pub limits: BTreeMap<String, Limit>,
    /// Length of the last-n window; `None` in files that do not tell it.
    pub last_n: Option<u64>,
    /// The symbol whose numbers these are.
    pub symbol: Option<String>,
    /// What makes the result weaker than it looks.
    pub warnings: Vec<String>,
    /// Why the data is not valid for a release; `None` where a real source is recorded and in files that do not tell
    /// it.
    pub origin: Option<String>,
    /// Symbols that were left out of the judgement.
    pub excluded: Vec<String>,
    /// A recorded override.
    pub overridden: Option<Override>,
}

#[derive(Deserialize)]
struct Document {
    readiness: Readiness,
    snapshot_kpis: BTreeMap<String, Reading>,
    #[serde(default)]
    outcome: Option<String>,
    #[serde(default)]
    gate_outcome: Option<String>,
    #[serde(default)]
    outcome_reason: Option<String>,
    #[serde(default)]
    checks: Vec<Check>,
    #[serde(default)]
    last_n: Option<u64>,
    #[serde(default)]
    symbol: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    origin: Origin,
    #[serde(default)]
    excluded_symbols: Vec<String>,
    #[serde(default, rename = "override")]
    overridden: Option<Override>,
}

#[derive(Default, Deserialize)]
struct Origin {
    #[serde(default)]
    note: Option<String>,
}

#[derive(Deserialize)]
struct Readiness {
    pass: bool,
    #[serde(default)]
    failures: Vec<String>,
}

#[derive(Deserialize)]
struct Check {
    part: String,
    kpi: Option<String>,
    symbol: Option<String>,
    comparison: Option<String>,
    limit: Option<f64>,
}

/// Reads the bytes of an audit summary.
pub fn read(json: &[u8]) -> Result<Account, ReadError> {
    if is_too_deep(json) {
        return Err(ReadError::TooDeep);
    }
    let document: Document = parse_marked(json, |json| serde_json::from_slice(json))?;
    let mut kpis = Vec::new();
    for (kpi, reading) in document.snapshot_kpis {
        let value = match reading {
            Reading::Value(value) => Some(value),
            // The earlier scripts wrote NaN for a value that was missing.
            Reading::Null | Reading::NotFinite => None,
            Reading::Wrong(found) => return Err(ReadError::Kpi { kpi, found }),
        };
        kpis.push((kpi, value));
    }
    let mut limits = BTreeMap::new();
    for check in document.checks {
        let comparison = check.comparison.as_deref().and_then(Comparison::parse);
        if check.part == "readiness"
            && check.symbol == document.symbol
            && let (Some(kpi), Some(comparison), Some(limit)) = (check.kpi, comparison, check.limit)
        {
            limits.insert(kpi, Limit { comparison, limit });
        }
    }
    let Readiness { pass, failures } = document.readiness;
    Ok(Account {
        pass,
        outcome: document.outcome,
        gate: document.gate_outcome,
        reason: document.outcome_reason,
        failures,
        kpis,
        limits,
        last_n: document.last_n,
        symbol: document.symbol,
        warnings: document.warnings,
        origin: document.origin.note,
        excluded: document.excluded_symbols,
        overridden: document.overridden,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"{"timestamp": "x", "iterations": 24, "readiness": {"pass": true, "failures": []},
        "snapshot_kpis": {"maker_taker_ratio": 0.871, "net_bps": NaN, "p95_latency_ms": null, "risk_ratio": 0}}"#;

    #[test]
    fn a_summary_of_the_earlier_scripts_reads_without_limits() {
        let account = read(OLD.as_bytes()).expect("an audit summary");
        assert!(account.pass && account.limits.is_empty());
        assert_eq!((account.outcome, account.last_n), (None, None));
        let expected = [("maker_taker_ratio", Some(0.871)), ("net_bps", None), ("p95_latency_ms", None)];
        for ((kpi, value), (name, expected)) in account.kpis.iter().zip(expected) {
            assert_eq!((kpi.as_str(), *value), (name, expected));
        }
        // Zero is a value.
        assert_eq!(account.kpis[3], ("risk_ratio".to_owned(), Some(0.0)));
    }

    #[test]
    fn limits_are_those_of_readiness_on_the_symbol_told() {
        let check = |part: &str, symbol: &str, limit: f64| {
            format!(
                r#"{{"part": "{part}", "kpi": "net_bps", "symbol": "{symbol}", "comparison": ">=", "limit": {limit}}}"#
            )
        };
        let checks =
            [check("integrity", "B", 1.0), check("readiness", "A", 2.0), check("readiness", "B", 3.0)];
        let json = format!(
            r#"{{"symbol": "B", "readiness": {{"pass": false}}, "snapshot_kpis": {{}}, "checks": [{}]}}"#,
            checks.join(",")
        );
        let account = read(json.as_bytes()).expect("an audit summary");
        let expected = Limit { comparison: Comparison::AtLeast, limit: 3.0 };
        assert_eq!(account.limits, BTreeMap::from([("net_bps".to_owned(), expected)]));
    }

    #[test]
    fn what_is_no_audit_summary_is_refused_with_the_key() {
        let error = |json: &str| read(json.as_bytes()).expect_err(json).to_string();
        assert!(error("{}").starts_with("missing field `readiness`"));
        assert!(error(r#"{"readiness": {}, "snapshot_kpis": {}}"#).starts_with("missing field `pass`"));
        assert!(error(r#"{"readiness": {"pass": true}}"#).starts_with("missing field `snapshot_kpis`"));
        let text = r#"{"readiness": {"pass": true}, "snapshot_kpis": {"net_bps": "3"}}"#;
        assert_eq!(error(text), "`snapshot_kpis.net_bps` is text, expected a number or null");
        assert_eq!(error(&"[".repeat(200)), "lists and objects are nested too deep");
    }
}
