//! Reads a snapshot of any known spelling as a baseline.
//!
//! All names that snapshots ever had for the same thing are here and nowhere else. Must not compare.

use crate::core::baseline::Baseline;
use crate::core::kpi::KpiId;

use super::literals::parse_marked;
use super::node::Node;

/// The schema versions that can be read.
pub const KNOWN_VERSIONS: [&str; 2] = ["1.1", "1.2"];

/// Where the KPIs stand, the first present wins.
const KPI_BLOCKS: [&str; 4] = ["kpi_last8", "kpi_last_n", "kpi_last_8", "kpi_overall"];

/// Where the pass count stands, the first present wins.
const PASS_COUNTS: [&str; 2] = ["pass_count_last8", "pass_count_last_n"];

/// Why a file is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// No JSON.
    #[error("not valid JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// JSON, but no object.
    #[error("the snapshot is {0}, expected an object")]
    NoObject(&'static str),
    /// No `schema_version`.
    #[error("no `schema_version`; known are {}", known())]
    NoVersion,
    /// A version that this program does not know.
    #[error("schema version `{found}` is not known; known are {}", known())]
    UnknownVersion {
        /// What is written.
        found: String,
    },
    /// A key has a value of the wrong kind.
    #[error("`{key}` is {found}, expected {expected}")]
    Wrong {
        /// The key, with the keys above it.
        key: String,
        /// What it is.
        found: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A key that is read stands there twice.
    #[error("duplicate key `{0}`")]
    Duplicate(String),
    /// Nothing in it looks like a KPI.
    #[error(
        "no KPIs: neither `kpi_last8`, `kpi_last_n`, `kpi_last_8` or `kpi_overall` nor the KPIs themselves"
    )]
    NoKpis,
}

fn known() -> String {
    KNOWN_VERSIONS.map(|version| format!("`{version}`")).join(", ")
}

/// Reads a snapshot. A KPI is an object with a `mean`, or the mean itself; `null` and a missing KPI are
/// unknown. Other keys than those that are read may hold anything.
pub fn read(json: &[u8]) -> Result<Baseline, BaselineError> {
    let root: Node = parse_marked(json, |json| serde_json::from_slice(json))?;
    if !matches!(root, Node::Object(_)) {
        return Err(BaselineError::NoObject(root.kind()));
    }
    let schema_version = text(&root, "schema_version")?.ok_or(BaselineError::NoVersion)?;
    if !KNOWN_VERSIONS.contains(&schema_version.as_str()) {
        return Err(BaselineError::UnknownVersion { found: schema_version });
    }
    let verdict = text(&root, "verdict")?;
    let outcome = match root.get("outcome") {
        Ok(Some(Node::Text(outcome))) => Some(outcome.clone()),
        _ => None,
    };
    let pass_count = pass_count(&root)?;
    let (means, medians) = (values(&root, "mean")?, values(&root, "median")?);
    Ok(Baseline { schema_version, verdict, outcome, means, medians, pass_count })
}

/// A statistic of the KPIs of the verdict.
fn values(root: &Node, statistic: &str) -> Result<Vec<(KpiId, Option<f64>)>, BaselineError> {
    let (block, name) = match first(root, &KPI_BLOCKS)? {
        Some((name, block @ Node::Object(_))) => (block, Some(name)),
        Some((name, other)) => return Err(wrong(name, other, "an object")),
        // The oldest spelling has the KPIs at the top.
        None => (root, None),
    };
    let mut found_any = name.is_some();
    let mut values = Vec::new();
    for kpi in KpiId::OF_THE_VERDICT {
        let mut known = None;
        for spelling in &*kpi.spellings {
            if let Some(node) = get(block, spelling.key)? {
                found_any = true;
                let path =
                    name.map_or_else(|| spelling.key.to_owned(), |name| format!("{name}.{}", spelling.key));
                known = match value_of(node, statistic, &path)? {
                    None => None,
                    Some(raw) => Some(possible(kpi, raw, spelling.scale, path)?),
                };
                break;
            }
        }
        values.push((kpi, known));
    }
    if found_any { Ok(values) } else { Err(BaselineError::NoKpis) }
}

/// The value in the KPI's unit, read as it is in an iteration.
fn possible(kpi: KpiId, raw: f64, scale: f64, key: String) -> Result<f64, BaselineError> {
    let value = kpi.in_unit(raw, scale).filter(|value| kpi.is_possible(*value));
    let wrong = BaselineError::Wrong { key, found: "a number that cannot be", expected: "a possible value" };
    value.ok_or(wrong)
}

fn value_of(node: &Node, statistic: &str, path: &str) -> Result<Option<f64>, BaselineError> {
    match node {
        Node::Object(_) => match get(node, statistic)? {
            Some(value) => number(value, &format!("{path}.{statistic}")),
            None => Ok(None),
        },
        // A bare number is the mean.
        Node::Null | Node::Number(_) | Node::NotFinite => {
            number(node, path).map(|value| value.filter(|_| statistic == "mean"))
        }
        other => Err(wrong(path, other, "a number or an object with `mean`")),
    }
}

fn pass_count(root: &Node) -> Result<Option<u64>, BaselineError> {
    const EXPECTED: &str = "a whole number from 0 on";
    let Some((key, node)) = first(root, &PASS_COUNTS)? else { return Ok(None) };
    match node {
        Node::Null => Ok(None),
        Node::Number(value) => {
            // The text of a whole number has no point; so 2.5 and -1 are told apart from counts exactly.
            value.to_string().parse().map(Some).map_err(|_| BaselineError::Wrong {
                key: key.to_owned(),
                found: "another number",
                expected: EXPECTED,
            })
        }
        other => Err(wrong(key, other, EXPECTED)),
    }
}

fn number(node: &Node, path: &str) -> Result<Option<f64>, BaselineError> {
    match node {
        Node::Null => Ok(None),
        Node::Number(value) => Ok(Some(*value)),
        other => Err(wrong(path, other, "a finite number")),
    }
}

fn text(root: &Node, key: &str) -> Result<Option<String>, BaselineError> {
    match get(root, key)? {
        None | Some(Node::Null) => Ok(None),
        Some(Node::Text(text)) => Ok(Some(text.clone())),
        Some(other) => Err(wrong(key, other, "text")),
    }
}

fn wrong(key: &str, node: &Node, expected: &'static str) -> BaselineError {
    BaselineError::Wrong { key: key.to_owned(), found: node.kind(), expected }
}

fn first<'n, 'k>(node: &'n Node, keys: &[&'k str]) -> Result<Option<(&'k str, &'n Node)>, BaselineError> {
    for key in keys {
        if let Some(found) = get(node, key)? {
            return Ok(Some((key, found)));
        }
    }
    Ok(None)
}

fn get<'n>(node: &'n Node, key: &str) -> Result<Option<&'n Node>, BaselineError> {
    node.get(key).map_err(|super::node::Twice| BaselineError::Duplicate(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(json: &str) -> Baseline {
        read(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}"))
    }

    fn error(json: &str) -> String {
        read(json.as_bytes()).expect_err(json).to_string()
    }

    fn net(json: &str) -> Option<f64> {
        good(json).mean(KpiId::NET_BPS)
    }

    #[test]
    fn schema_1_1_reads_with_verdict_means_and_pass_count() {
        let baseline = good(
            r#"{"schema_version": "1.1", "verdict": "WARN", "pass_count_last8": 6, "unknown": [1, {}],
                "kpi_last8": {"risk_ratio": {"mean": 0.395, "median": 0.4}, "net_bps": {"mean": null},
                              "p95_latency_ms": {"median": 300}, "maker_taker_ratio": {"mean": 0}}}"#,
        );
        assert_eq!((baseline.schema_version.as_str(), baseline.verdict.as_deref()), ("1.1", Some("WARN")));
        assert_eq!(baseline.pass_count, Some(6));
        let expected = [
            (KpiId::RISK_RATIO, Some(0.395)),
            (KpiId::MAKER_TAKER_RATIO, Some(0.0)),
            (KpiId::NET_BPS, None),
            (KpiId::P95_LATENCY_MS, None),
        ];
        assert_eq!(baseline.means, expected);
    }

    #[test]
    fn every_spelling_of_the_block_and_of_the_pass_count_reads() {
        for block in ["kpi_last8", "kpi_last_n", "kpi_last_8", "kpi_overall"] {
            let json = format!(r#"{{"schema_version": "1.2", "{block}": {{"net_bps": {{"mean": 3.1}}}}}}"#);
            assert_eq!(net(&json), Some(3.1), "{block}");
        }
        let count = |key: &str| {
            good(&format!(r#"{{"schema_version": "1.2", "kpi_last_n": {{}}, "{key}": 4}}"#)).pass_count
        };
        assert_eq!(
            (count("pass_count_last8"), count("pass_count_last_n"), count("passes")),
            (Some(4), Some(4), None)
        );
    }

    #[test]
    fn flat_snapshots_read_also_under_other_names_of_a_kpi() {
        assert_eq!(net(r#"{"schema_version": "1.1", "net_bps": 2.5}"#), Some(2.5));
        assert_eq!(net(r#"{"schema_version": "1.1", "edge_bps": {"mean": -1}}"#), Some(-1.0));
        let risk = good(r#"{"schema_version": "1.2", "kpi_last_n": {"risk_percent": 50}}"#);
        assert_eq!(risk.mean(KpiId::RISK_RATIO), Some(0.5));
        let risk = good(r#"{"schema_version": "1.2", "kpi_last_n": {"risk_ratio": 38}}"#);
        assert_eq!(risk.mean(KpiId::RISK_RATIO), Some(0.38), "a percentage, as in an iteration");
        let told =
            error(r#"{"schema_version": "1.2", "kpi_last_n": {"maker_taker_ratio": {"mean": 101.5}}}"#);
        assert_eq!(
            told,
            "`kpi_last_n.maker_taker_ratio` is a number that cannot be, expected a possible value"
        );
        // The first name that is there counts, also when it holds nothing.
        assert_eq!(net(r#"{"schema_version": "1.1", "net": 9, "net_bps": null}"#), None);
    }

    #[test]
    fn an_unknown_or_missing_version_is_refused_with_the_known_ones() {
        assert_eq!(
            error(r#"{"schema_version": "2.0", "kpi_last8": {}}"#),
            "schema version `2.0` is not known; known are `1.1`, `1.2`"
        );
        for missing in [r#"{"kpi_last8": {}}"#, r#"{"schema_version": null}"#] {
            assert_eq!(error(missing), "no `schema_version`; known are `1.1`, `1.2`");
        }
        assert_eq!(error(r#"{"schema_version": 1.1}"#), "`schema_version` is a number, expected text");
    }

    #[test]
    fn what_is_no_snapshot_is_refused() {
        assert!(error("{\"schema_version\": ").starts_with("not valid JSON: "));
        assert!(error("").starts_with("not valid JSON: "));
        assert_eq!(error("[1]"), "the snapshot is a list, expected an object");
        assert!(error(r#"{"schema_version": "1.1", "verdict": "PASS"}"#).starts_with("no KPIs: "));
        assert_eq!(
            error(r#"{"schema_version": "1.1", "kpi_last8": {}, "verdict": true}"#),
            "`verdict` is a boolean, expected text"
        );
    }

    #[test]
    fn numbers_that_are_none_are_refused_with_their_key() {
        let of = |mean: &str| {
            error(&format!(r#"{{"schema_version": "1.1", "kpi_last8": {{"net_bps": {{"mean": {mean}}}}}}}"#))
        };
        assert_eq!(
            of("NaN"),
            "`kpi_last8.net_bps.mean` is a number that is not finite, expected a finite number"
        );
        assert_eq!(of("\"3.1\""), "`kpi_last8.net_bps.mean` is text, expected a finite number");
        assert_eq!(
            error(r#"{"schema_version": "1.1", "kpi_last8": {"net_bps": [3.1]}}"#),
            "`kpi_last8.net_bps` is a list, expected a number or an object with `mean`"
        );
        assert_eq!(
            error(r#"{"schema_version": "1.1", "kpi_last8": 7}"#),
            "`kpi_last8` is a number, expected an object"
        );
        for count in ["2.5", "-1"] {
            assert_eq!(
                error(&format!(
                    r#"{{"schema_version": "1.1", "kpi_last8": {{}}, "pass_count_last8": {count}}}"#
                )),
                "`pass_count_last8` is another number, expected a whole number from 0 on"
            );
        }
    }

    #[test]
    fn a_key_that_is_read_may_not_stand_there_twice() {
        assert_eq!(
            error(r#"{"schema_version": "1.1", "kpi_last8": {"net_bps": 1, "net_bps": 2}}"#),
            "duplicate key `net_bps`"
        );
        assert_eq!(net(r#"{"schema_version": "1.1", "net_bps": 1, "note": 1, "note": 2}"#), Some(1.0));
    }

    #[test]
    fn a_byte_order_mark_and_windows_line_ends_do_no_harm() {
        assert_eq!(net("\u{feff}{\"schema_version\": \"1.1\",\r\n\"net_bps\": 1}\r\n"), Some(1.0));
    }
}
