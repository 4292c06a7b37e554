//! A baseline: an older snapshot of any known spelling, compared with what is seen now.
//!
//! All names that snapshots ever had for the same thing are here and nowhere else.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::anyhow;

use super::Snapshot;
use crate::core::json::text::parse_marked;
use crate::core::json::{Node, Twice};
use crate::core::kpi::KpiId;
use crate::core::text::number::fixed;
use crate::infra::atomic_file;

/// Digits on which both sides are compared, so that what is shown can be redone by hand.
const DIGITS: usize = 3;

/// The schema versions that can be read.
pub const KNOWN_VERSIONS: [&str; 2] = ["1.1", "1.2"];

/// The first present wins.
const KPI_BLOCKS: [&str; 4] = ["kpi_last8", "kpi_last_n", "kpi_last_8", "kpi_overall"];

/// The first present wins.
const PASS_COUNTS: [&str; 2] = ["pass_count_last8", "pass_count_last_n"];

pub(crate) const NO_KPIS: &str =
    "no KPIs: neither `kpi_last8`, `kpi_last_n`, `kpi_last_8` or `kpi_overall` nor the KPIs themselves";

/// What a baseline snapshot says.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// Its schema version, as written.
    pub schema_version: String,
    /// Its verdict, as written; `None` when it has none.
    pub verdict: Option<String>,
    /// Its true verdict, as written; `None` when it has none.
    pub outcome: Option<String>,
    /// Means of the KPIs of the verdict, in their units; `None` = unknown.
    pub means: Vec<(KpiId, Option<f64>)>,
    /// Medians of the KPIs of the verdict, in their units; `None` = unknown.
    pub medians: Vec<(KpiId, Option<f64>)>,
    /// Its pass count: passing iterations in schema 1.1, goals met in schema 1.2; `None` when it has none.
    pub pass_count: Option<u64>,
}

impl Baseline {
    /// The mean of a KPI; `None` = unknown.
    pub fn mean(&self, kpi: KpiId) -> Option<f64> {
        of(&self.means, kpi)
    }

    /// The median of a KPI; `None` = unknown.
    pub fn median(&self, kpi: KpiId) -> Option<f64> {
        of(&self.medians, kpi)
    }
}

/// How far a mean moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// In percent of |baseline|, with the sign of the difference.
    Percent(f64),
    /// In the KPI's unit: the baseline is below the KPI's floor, where a percentage would say nothing.
    NearZero(f64),
}

/// One KPI on both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// The KPI.
    pub kpi: KpiId,
    /// Mean of the baseline, as a snapshot has it; `None` = unknown.
    pub before: Option<f64>,
    /// Mean now, as a snapshot has it; `None` = unknown.
    pub after: Option<f64>,
    /// The change; `None` when a side is unknown.
    pub change: Option<Change>,
}

/// A baseline beside the present.
#[derive(Clone, Debug, PartialEq)]
pub struct Diff {
    /// The KPIs of the verdict, in the order of the documents.
    pub lines: Vec<Line>,
    /// Verdict before and now, only if both are known and differ.
    pub verdict: Option<(String, String)>,
}

/// Compares the present with a baseline.
pub fn diff(baseline: &Baseline, current: &[(KpiId, Option<f64>)], verdict: &str) -> Diff {
    let lines = current
        .iter()
        .map(|(kpi, after)| {
            let kpi = *kpi;
            let before = baseline.mean(kpi).map(|value| kpi.published(value, DIGITS));
            let after = after.map(|value| kpi.published(value, DIGITS));
            let change = before.zip(after).map(|(before, after)| change(before, after, kpi.floor));
            Line { kpi, before, after, change }
        })
        .collect();
    let verdict = baseline
        .verdict
        .as_deref()
        .filter(|before| *before != verdict)
        .map(|before| (before.to_owned(), verdict.to_owned()));
    Diff { lines, verdict }
}

fn of(values: &[(KpiId, Option<f64>)], kpi: KpiId) -> Option<f64> {
    values.iter().find(|(known, _)| *known == kpi).and_then(|(_, value)| *value)
}

fn change(before: f64, after: f64, floor: f64) -> Change {
    let difference = after - before;
    // A baseline of exactly 0 has no percentage, whatever the floor.
    if before.abs() < floor || before == 0.0 {
        Change::NearZero(difference)
    } else {
        Change::Percent(difference / before.abs() * 100.0)
    }
}

/// The lines that show how the KPIs and the verdict changed since the baseline in a file.
pub fn compare(path: &Path, snapshot: &Snapshot) -> anyhow::Result<String> {
    let current: Vec<(KpiId, Option<f64>)> = snapshot.kpi_last8.means().collect();
    let kpis: Vec<KpiId> = current.iter().map(|(kpi, _)| *kpi).collect();
    let baseline = read(&atomic_file::read(path)?, &kpis)
        .map_err(|reason| anyhow!("the baseline `{}` cannot be used: {reason}", path.display()))?;
    Ok(text(&diff(&baseline, &current, &snapshot.verdict)))
}

/// One line a KPI, and one for the verdict if it changed.
fn text(diff: &Diff) -> String {
    let mut text = "Baseline vs Current:\n".to_owned();
    let side = |kpi: KpiId, value: Option<f64>| {
        let told = |value| fixed(value, kpi.decimals_from(DIGITS, value));
        value.map_or_else(|| "n/a".to_owned(), told)
    };
    for line in &diff.lines {
        let change = line.change.map_or_else(String::new, |change| format!(" ({})", shown(line.kpi, change)));
        let (name, before, after) = (line.kpi.name, side(line.kpi, line.before), side(line.kpi, line.after));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name}.mean: {before} → {after}{change}");
    }
    if let Some((before, after)) = &diff.verdict {
        let _ = writeln!(text, "  verdict: {before} → {after}");
    }
    text
}

fn shown(kpi: KpiId, change: Change) -> String {
    let signed = |value: f64, digits| {
        let sign = if value < 0.0 { '-' } else { '+' };
        format!("{sign}{}", fixed(value.abs(), digits))
    };
    match change {
        Change::Percent(percent) => format!("{}%", signed(percent, 1)),
        Change::NearZero(difference) => {
            let digits = kpi.decimals_from(DIGITS, difference);
            format!("{}, baseline near 0", signed(difference, digits))
        }
    }
}

fn known() -> String {
    KNOWN_VERSIONS.map(|version| format!("`{version}`")).join(", ")
}

pub(crate) fn parse(json: &[u8]) -> Result<Node, String> {
    parse_marked(json, |json| serde_json::from_slice(json))
        .map_err(|error: serde_json::Error| format!("not valid JSON: {error}"))
}

/// Reads a snapshot. A KPI is an object with a `mean`, or the mean itself; `null` and a missing KPI are
/// unknown. Other keys than those that are read may hold anything.
pub fn read(json: &[u8], kpis: &[KpiId]) -> Result<Baseline, String> {
    let root = parse(json)?;
    if !matches!(root, Node::Object(_)) {
        return Err(format!("the snapshot is {}, expected an object", root.kind()));
    }
    let schema_version = text_at(&root, "schema_version")?
        .ok_or_else(|| format!("no `schema_version`; known are {}", known()))?;
    if !KNOWN_VERSIONS.contains(&schema_version.as_str()) {
        return Err(format!("schema version `{schema_version}` is not known; known are {}", known()));
    }
    let verdict = text_at(&root, "verdict")?;
    let outcome = match root.get("outcome") {
        Ok(Some(Node::Text(outcome))) => Some(outcome.clone()),
        _ => None,
    };
    let pass_count = pass_count(&root)?;
    let (means, medians) = (values(&root, kpis, "mean")?, values(&root, kpis, "median")?);
    Ok(Baseline { schema_version, verdict, outcome, means, medians, pass_count })
}

/// A statistic of these KPIs.
fn values(root: &Node, kpis: &[KpiId], statistic: &str) -> Result<Vec<(KpiId, Option<f64>)>, String> {
    let (block, name) = match first(root, &KPI_BLOCKS)? {
        Some((name, block @ Node::Object(_))) => (block, Some(name)),
        Some((name, other)) => return Err(wrong(name, other, "an object")),
        // The oldest spelling has the KPIs at the top.
        None => (root, None),
    };
    let mut found_any = name.is_some();
    let mut values = Vec::new();
    for kpi in kpis.iter().copied() {
        let mut known = None;
        for spelling in &*kpi.spellings {
            if let Some(node) = get(block, spelling.key)? {
                found_any = true;
                let path =
                    name.map_or_else(|| spelling.key.to_owned(), |name| format!("{name}.{}", spelling.key));
                known = match value_of(node, statistic, &path)? {
                    None => None,
                    Some(raw) => Some(possible(kpi, raw, spelling.scale, &path)?),
                };
                break;
            }
        }
        values.push((kpi, known));
    }
    if found_any { Ok(values) } else { Err(NO_KPIS.to_owned()) }
}

/// The value in the KPI's unit, read as it is in an iteration.
fn possible(kpi: KpiId, raw: f64, scale: f64, key: &str) -> Result<f64, String> {
    let value = kpi.in_unit(raw, scale).filter(|value| kpi.is_possible(*value));
    value.ok_or_else(|| format!("`{key}` is a number that cannot be, expected a possible value"))
}

fn value_of(node: &Node, statistic: &str, path: &str) -> Result<Option<f64>, String> {
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

fn pass_count(root: &Node) -> Result<Option<u64>, String> {
    const EXPECTED: &str = "a whole number from 0 on";
    let Some((key, node)) = first(root, &PASS_COUNTS)? else { return Ok(None) };
    match node {
        Node::Null => Ok(None),
        Node::Number(value) => {
            // The text of a whole number has no point; so 2.5 and -1 are told apart from counts exactly.
            let whole = value.to_string().parse();
            whole.map(Some).map_err(|_| format!("`{key}` is another number, expected {EXPECTED}"))
        }
        other => Err(wrong(key, other, EXPECTED)),
    }
}

fn number(node: &Node, path: &str) -> Result<Option<f64>, String> {
    match node {
        Node::Null => Ok(None),
        Node::Number(value) => Ok(Some(*value)),
        other => Err(wrong(path, other, "a finite number")),
    }
}

fn text_at(root: &Node, key: &str) -> Result<Option<String>, String> {
    match get(root, key)? {
        None | Some(Node::Null) => Ok(None),
        Some(Node::Text(text)) => Ok(Some(text.clone())),
        Some(other) => Err(wrong(key, other, "text")),
    }
}

pub(crate) fn wrong(key: &str, node: &Node, expected: &str) -> String {
    format!("`{key}` is {}, expected {expected}", node.kind())
}

fn first<'n, 'k>(node: &'n Node, keys: &[&'k str]) -> Result<Option<(&'k str, &'n Node)>, String> {
    for key in keys {
        if let Some(found) = get(node, key)? {
            return Ok(Some((key, found)));
        }
    }
    Ok(None)
}

/// The value under a key, which may not be there twice.
pub(crate) fn get<'n>(node: &'n Node, key: &str) -> Result<Option<&'n Node>, String> {
    node.get(key).map_err(|Twice| format!("duplicate key `{key}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(json: &str) -> Baseline {
        read(json.as_bytes(), &KpiId::OF_THE_VERDICT).unwrap_or_else(|error| panic!("{json}: {error}"))
    }

    fn error(json: &str) -> String {
        read(json.as_bytes(), &KpiId::OF_THE_VERDICT).expect_err(json)
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

    fn baseline(verdict: Option<&str>, net: Option<f64>) -> Baseline {
        Baseline {
            schema_version: "1.1".into(),
            verdict: verdict.map(str::to_owned),
            outcome: None,
            means: vec![(KpiId::NET_BPS, net)],
            medians: Vec::new(),
            pass_count: None,
        }
    }

    /// The change of the net edge.
    fn of_net(before: Option<f64>, after: Option<f64>) -> Line {
        let diff = diff(&baseline(None, before), &[(KpiId::NET_BPS, after)], "PASS");
        diff.lines.into_iter().find(|line| line.kpi == KpiId::NET_BPS).expect("of the verdict")
    }

    #[test]
    fn the_lines_stand_in_the_order_of_the_documents() {
        let current = KpiId::OF_THE_VERDICT.map(|kpi| (kpi, None));
        let diff = diff(&baseline(None, None), &current, "PASS");
        let order: Vec<KpiId> = diff.lines.iter().map(|line| line.kpi).collect();
        let expected = [KpiId::RISK_RATIO, KpiId::MAKER_TAKER_RATIO, KpiId::NET_BPS, KpiId::P95_LATENCY_MS];
        assert_eq!(order, expected);
    }

    #[test]
    fn the_percentage_is_of_the_size_of_the_baseline_and_has_the_sign_of_the_difference() {
        assert_eq!(of_net(Some(2.0), Some(3.0)).change, Some(Change::Percent(50.0)));
        assert_eq!(of_net(Some(-2.0), Some(-1.0)).change, Some(Change::Percent(50.0)));
        assert_eq!(of_net(Some(-2.0), Some(-3.0)).change, Some(Change::Percent(-50.0)));
        assert_eq!(of_net(Some(2.0), Some(2.0)).change, Some(Change::Percent(0.0)));
    }

    #[test]
    fn below_the_floor_of_the_kpi_the_change_is_absolute() {
        // The floor of bps is 0.05: at the floor a percentage, just below it none.
        assert_eq!(of_net(Some(0.05), Some(0.1)).change, Some(Change::Percent(100.0)));
        assert_eq!(of_net(Some(-0.05), Some(0.0)).change, Some(Change::Percent(100.0)));
        assert_eq!(of_net(Some(0.049), Some(0.049)).change, Some(Change::NearZero(0.0)));
        assert_eq!(of_net(Some(0.0), Some(0.25)).change, Some(Change::NearZero(0.25)));
    }

    #[test]
    fn both_sides_are_rounded_before_they_are_compared() {
        let line = of_net(Some(2.0004), Some(2.0));
        assert_eq!((line.before, line.after), (Some(2.0), Some(2.0)));
        assert_eq!(line.change, Some(Change::Percent(0.0)));
    }

    #[test]
    fn an_unknown_side_has_no_change() {
        assert_eq!(of_net(None, Some(2.0)).change, None);
        assert_eq!(of_net(Some(2.0), None).change, None);
    }

    #[test]
    fn the_verdict_is_told_only_when_it_is_known_to_have_changed() {
        let of = |before| diff(&baseline(before, None), &[], "FAIL").verdict;
        assert_eq!(of(Some("PASS")), Some(("PASS".to_owned(), "FAIL".to_owned())));
        assert_eq!(of(Some("FAIL")), None);
        assert_eq!(of(None), None);
    }

    fn text_of(before: [Option<f64>; 4], after: [Option<f64>; 4], verdicts: (&str, &str)) -> String {
        let means = |side: [Option<f64>; 4]| KpiId::OF_THE_VERDICT.into_iter().zip(side).collect::<Vec<_>>();
        let baseline = Baseline {
            schema_version: "1.1".into(),
            verdict: Some(verdicts.0.into()),
            outcome: None,
            means: means(before),
            medians: Vec::new(),
            pass_count: Some(6),
        };
        text(&diff(&baseline, &means(after), verdicts.1))
    }

    #[test]
    fn the_documented_example_comes_out_as_documented() {
        let text = text_of(
            [Some(0.395), Some(0.880), Some(3.050), Some(320.0)],
            [Some(0.410), Some(0.900), Some(3.138), Some(305.0)],
            ("PASS", "PASS"),
        );
        insta::assert_snapshot!(format!("{text}(end)"), @r"
            Baseline vs Current:
              risk_ratio.mean: 0.395 → 0.410 (+3.8%)
              maker_taker_ratio.mean: 0.880 → 0.900 (+2.3%)
              net_bps.mean: 3.050 → 3.138 (+2.9%)
              p95_latency_ms.mean: 320.000 → 305.000 (-4.7%)
            (end)
            ");
    }

    #[test]
    fn a_baseline_against_itself_shows_no_change() {
        let same = [Some(0.410), Some(0.900), Some(3.138), Some(305.0)];
        let text = text_of(same, same, ("WARN", "WARN"));
        assert_eq!(text.matches("(+0.0%)").count(), 4, "{text}");
        assert!(!text.contains("verdict"));
    }

    #[test]
    fn unknown_sides_small_baselines_and_a_new_verdict_are_text_of() {
        let text = text_of(
            [None, Some(0.880), Some(0.01), Some(0.0)],
            [Some(0.410), None, Some(-0.01), Some(0.0)],
            ("PASS", "FAIL"),
        );
        insta::assert_snapshot!(format!("{text}(end)"), @r"
            Baseline vs Current:
              risk_ratio.mean: n/a → 0.410
              maker_taker_ratio.mean: 0.880 → n/a
              net_bps.mean: 0.010 → -0.010 (-0.020, baseline near 0)
              p95_latency_ms.mean: 0.000 → 0.000 (+0.000, baseline near 0)
              verdict: PASS → FAIL
            (end)
            ");
    }
}
