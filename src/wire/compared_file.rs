//! Reads a file as one side of a comparison: a snapshot in any known spelling, or the summary of an audit.
//!
//! Must not compare.

use super::baseline::{self, BaselineError};
use super::literals::parse_marked;
use super::node::Node;
use crate::core::compare::{Measured, ORDER};
use crate::core::kpi::KpiId;

/// What a file says of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedFile {
    /// `snapshot` or `audit`.
    pub kind: &'static str,
    /// Its verdict, the true one where it has both, as written; `None` when it has none.
    pub verdict: Option<String>,
    /// The KPIs that it has.
    pub kpis: Vec<(KpiId, Measured)>,
}

/// Reads the file.
pub fn read(json: &[u8]) -> Result<ComparedFile, BaselineError> {
    let root: Node = parse_marked(json, |json| serde_json::from_slice(json))?;
    match root.get("snapshot_kpis") {
        Ok(Some(block)) => audit(&root, block),
        Ok(None) => {
            let read = baseline::read(json)?;
            let measured = |(kpi, mean): &(KpiId, Option<f64>)| {
                (*kpi, Measured { median: read.median(*kpi), mean: *mean, n: None })
            };
            let kpis = read.means.iter().map(measured).collect();
            Ok(ComparedFile { kind: "snapshot", verdict: read.outcome.or(read.verdict), kpis })
        }
        Err(_) => Err(BaselineError::Duplicate("snapshot_kpis".to_owned())),
    }
}

/// An audit's summary holds medians.
fn audit(root: &Node, kpis: &Node) -> Result<ComparedFile, BaselineError> {
    let wrong =
        |key: String, node: &Node, expected| BaselineError::Wrong { key, found: node.kind(), expected };
    if !matches!(kpis, Node::Object(_)) {
        return Err(wrong("snapshot_kpis".to_owned(), kpis, "an object"));
    }
    let mut found = Vec::new();
    for kpi in ORDER {
        let name = kpi.name;
        let key = format!("snapshot_kpis.{name}");
        let median = match kpis.get(name) {
            Err(_) => return Err(BaselineError::Duplicate(key)),
            Ok(None | Some(Node::Null)) => None,
            Ok(Some(Node::Number(value))) => Some(*value),
            Ok(Some(other)) => return Err(wrong(key, other, "a finite number")),
        };
        found.push((kpi, Measured { median, ..Measured::default() }));
    }
    if found.iter().all(|(_, measured)| measured.median.is_none()) {
        return Err(BaselineError::NoKpis);
    }
    let readiness = root.get("readiness").ok().flatten();
    let pass = readiness.and_then(|readiness| readiness.get("pass").ok().flatten());
    let verdict = match pass {
        Some(Node::Boolean(true)) => Some("OK"),
        Some(Node::Boolean(false)) => Some("HOLD"),
        _ => None,
    };
    Ok(ComparedFile { kind: "audit", verdict: verdict.map(str::to_owned), kpis: found })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(file: &ComparedFile, kpi: KpiId) -> Measured {
        file.kpis.iter().find(|(of, _)| *of == kpi).expect("one of the four").1
    }

    fn error(json: &str) -> String {
        read(json.as_bytes()).expect_err(json).to_string()
    }

    #[test]
    fn a_snapshot_gives_medians_and_means_and_its_true_verdict() {
        let json = r#"{"schema_version": "1.1", "verdict": "FAIL", "outcome": "INVALID",
            "kpi_last8": {"net_bps": {"mean": 3.1, "median": 3.0}, "risk_ratio": 0.4}}"#;
        let file = read(json.as_bytes()).expect("a snapshot");
        assert_eq!((file.kind, file.verdict.as_deref()), ("snapshot", Some("INVALID")));
        let [maker, net, latency, risk] = ORDER.map(|kpi| of(&file, kpi));
        assert_eq!((maker, latency), (Measured::default(), Measured::default()));
        assert_eq!((net.median, net.mean), (Some(3.0), Some(3.1)));
        assert_eq!((risk.median, risk.mean), (None, Some(0.4)));
    }

    #[test]
    fn a_snapshot_without_a_true_verdict_gives_the_published_one() {
        let json = r#"{"schema_version": "1.2", "verdict": "WARN", "kpi_last_n": {}}"#;
        assert_eq!(read(json.as_bytes()).expect("a snapshot").verdict.as_deref(), Some("WARN"));
    }

    #[test]
    fn an_audit_gives_medians_and_its_readiness() {
        let json = r#"{"snapshot_kpis": {"net_bps": 3.18, "risk_ratio": null, "p95_latency_ms": 0},
            "readiness": {"pass": false}}"#;
        let file = read(json.as_bytes()).expect("an audit");
        assert_eq!((file.kind, file.verdict.as_deref()), ("audit", Some("HOLD")));
        let medians = ORDER.map(|kpi| of(&file, kpi).median);
        assert_eq!(medians, [None, Some(3.18), Some(0.0), None]);
        let json = r#"{"snapshot_kpis": {"net_bps": 1}, "readiness": {"pass": true}}"#;
        assert_eq!(read(json.as_bytes()).expect("an audit").verdict.as_deref(), Some("OK"));
        let json = r#"{"snapshot_kpis": {"net_bps": 1}, "readiness": "?"}"#;
        assert_eq!(read(json.as_bytes()).expect("an audit").verdict, None);
    }

    #[test]
    fn what_is_neither_says_why() {
        assert!(error("{").starts_with("not valid JSON"));
        assert!(error("{}").contains("no `schema_version`"));
        assert!(error(r#"{"schema_version": "7"}"#).contains("schema version `7` is not known"));
        assert_eq!(error(r#"{"snapshot_kpis": 1}"#), "`snapshot_kpis` is a number, expected an object");
        assert_eq!(
            error(r#"{"snapshot_kpis": {"net_bps": NaN}}"#),
            "`snapshot_kpis.net_bps` is a number that is not finite, expected a finite number"
        );
        assert_eq!(
            error(r#"{"snapshot_kpis": {"net_bps": 1, "net_bps": 2}}"#),
            "duplicate key `snapshot_kpis.net_bps`"
        );
        assert_eq!(error(r#"{"snapshot_kpis": {}, "snapshot_kpis": {}}"#), "duplicate key `snapshot_kpis`");
        assert!(error(r#"{"snapshot_kpis": {"net_bps": null}}"#).starts_with("no KPIs"));
    }
}
