//! Reading never panics, whatever the bytes; and a file in other clothes is the same file.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde::Serialize;
use serde_json::{Value, json};
use soak::core::compare::snapshot::baseline;
use soak::core::iteration::manifest;
use soak::core::json::text::parse_marked;
use soak::core::kpi::KpiId;
use soak::core::kpi::KpiTable;
use soak::core::load::overrides_file as overrides;
use soak::core::load::{edge_report, iteration, tuning_report};

use crate::it::support::{Step, overrides as in_force};

static KPIS: LazyLock<KpiTable> = LazyLock::new(KpiTable::default);

/// Reads bytes as each kind of file; only has to come back.
fn read_as_everything(bytes: &[u8]) {
    let _ = iteration::read(bytes, &KPIS);
    let _ = parse_marked(bytes, tuning_report::read);
    let _ = parse_marked(bytes, manifest::read_declared);
    let _ = parse_marked(bytes, overrides::read);
    let _ = parse_marked(bytes, |json| edge_report::read(json));
    let _ = baseline::read(bytes, &KpiId::OF_THE_VERDICT);
}

/// One good file of each kind.
fn whole_files() -> Vec<String> {
    let tuning = json!({
        "applied": true, "proposed_deltas": {"min_interval_ms": 5, "risk.base_spread": -0.02},
        "applied_values": {"min_interval_ms": {"old": 60, "delta": 5, "new": 65, "bound": false}},
        "dropped": {"tail_age_ms": "velocity"}, "guards": ["velocity"], "changed_keys": ["min_interval_ms"],
        "skip_reason": {"cooldown": false, "velocity": true, "code": "velocity", "note": "too fast"},
        "freeze_triggered": true, "freeze_reason": "two stable iterations", "state_hash": "00ff",
    });
    let mut nested = Step::good(7).json();
    nested["tuning"] = tuning.clone();
    nested["collection"] = json!({"ok": false, "reason": "timed out"});
    vec![
        nested.to_string(),
        json!({"symbol": "AAA", "edge_bps": 3.1, "risk_percent": 42, "p95": null, "freeze_active": true,
               "fills": {"maker_volume": 3, "taker_volume": 1}, "neg_edge_drivers": ["fees"]})
        .to_string(),
        json!({"window_index": 3, "meta": [], "AAA": {"net_bps": 3.1}, "BBB": {"net_bps": 2.9}}).to_string(),
        json!({"iterations": [{"iteration": 1, "tuning": tuning}], "summary": {}}).to_string(),
        json!({"schema_version": "1.0", "iterations": 24, "state": "complete", "last_complete_iteration": 24,
               "rotated": [[1, 4]], "source": "sim"})
        .to_string(),
        in_force(60.0).to_string(),
        json!({"totals": {"net_bps": 2.5, "adverse_p95": 1.0, "maker_share_pct": 90}}).to_string(),
        json!({"schema_version": "1.1", "verdict": "PASS", "pass_count_last8": 8, "freeze_seen": true,
               "kpi_last8": {"net_bps": {"mean": 3.1, "median": 3.0}, "risk_ratio": 0.3}})
        .to_string(),
    ]
}

/// Pieces that JSON is made of, some of them wrong.
const PIECES: [&str; 20] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\"net_bps\"",
    "\"summary\"",
    "\"tuning\"",
    "null",
    "true",
    "NaN",
    "-Infinity",
    "1e999",
    "-0.0",
    "\u{feff}",
    "ü",
    "\"#not-finite#\"",
];

/// A change to a text: something cut out, put in, or written twice.
fn changed(text: &str, kind: u8, from: Index, to: Index, piece: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let (a, b) = (from.index(bytes.len()), to.index(bytes.len()));
    let (start, end) = (a.min(b), a.max(b));
    let (head, middle, tail) = (&bytes[..start], &bytes[start..end], &bytes[end..]);
    match kind {
        0 => head.to_vec(),
        1 => [head, tail].concat(),
        2 => [head, piece.as_bytes(), middle, tail].concat(),
        3 => [head, piece.as_bytes(), tail].concat(),
        4 => [head, middle, middle, tail].concat(),
        _ => [head, &[0xff, 0x00][..], tail].concat(),
    }
}

/// A number as it may stand in a file.
fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => (-1e6..1e6f64).prop_map(Value::from),
        3 => (-1000i64..1000).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!(0.0)),
        1 => Just(json!("text")),
    ]
}

/// Any JSON, not deep.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![number(), any::<bool>().prop_map(Value::from), ".{0,8}".prop_map(Value::from)];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// An iteration file with some of the keys that there are.
fn iterations() -> impl Strategy<Value = Value> {
    let keys = [
        "net_bps",
        "net",
        "risk_ratio",
        "risk_percent",
        "maker_ratio",
        "p95",
        "sl_p95",
        "gross_bps",
        "fees_bps",
    ];
    let summary = prop::collection::btree_map(prop::sample::select(keys.to_vec()), number(), 0..7);
    (summary, any::<bool>(), prop::option::of(number()), anything()).prop_map(
        |(summary, nested, iteration, extra)| {
            let values: serde_json::Map<String, Value> =
                summary.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            let mut file = if nested { json!({"summary": values}) } else { Value::Object(values) };
            if let Some(iteration) = iteration {
                file["iteration"] = iteration;
            }
            file["unknown"] = extra;
            file["tuning"] = json!({"applied": true, "proposed_deltas": {"min_interval_ms": 5.5}});
            file["runtime_overrides"] = in_force(61.0);
            file
        },
    )
}

/// Tabs in front of lines; blanks inside texts stay what they are.
fn indented_by_tabs(value: &Value) -> String {
    let mut bytes = Vec::new();
    let format = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, format)).expect("it is JSON");
    String::from_utf8(bytes).expect("it is UTF-8")
}

fn read(text: &str) -> String {
    // The whole of it, as far as it can be shown.
    format!("{:?}", iteration::read(text.as_bytes(), &KPIS))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        read_as_everything(&bytes);
    }

    #[test]
    fn any_pieces_of_json_are_read_without_a_panic(pieces in vec(prop::sample::select(PIECES.to_vec()), 0..40)) {
        read_as_everything(pieces.concat().as_bytes());
    }

    #[test]
    fn changed_files_are_read_without_a_panic(
        file in prop::sample::select(whole_files()), kind in 0u8..6, from: Index, to: Index, piece in prop::sample::select(PIECES.to_vec()),
    ) {
        read_as_everything(&changed(&file, kind, from, to, piece));
    }

    #[test]
    fn a_file_cut_off_anywhere_is_an_error(at: Index) {
        for file in &whole_files()[..3] {
            prop_assert!(iteration::read(&file.as_bytes()[..at.index(file.len())], &KPIS).is_err());
        }
    }

    #[test]
    fn any_json_is_read_without_a_panic(value in anything()) {
        read_as_everything(value.to_string().as_bytes());
    }

    #[test]
    fn the_same_content_in_other_clothes_is_the_same_iteration(value in iterations()) {
        let compact = value.to_string();
        let pretty = format!("{value:#}");
        let expected = read(&compact);
        prop_assert_eq!(&read(&pretty), &expected);
        prop_assert_eq!(&read(&pretty.replace('\n', "\r\n")), &expected);
        prop_assert_eq!(&read(&indented_by_tabs(&value)), &expected);
        prop_assert_eq!(&read(&format!("\u{feff}{pretty}\n\n")), &expected);
    }

    #[test]
    fn values_come_out_as_they_went_in(net in -1e6..1e6f64, risk in 0.0..=1.0f64, p95 in 0.0..1e6f64) {
        use soak::core::kpi::KpiId;
        let text = json!({"summary": {"net_bps": net, "risk_ratio": risk, "p95_latency_ms": p95}}).to_string();
        let files = iteration::read(text.as_bytes(), &KPIS).expect("a whole file");
        let value = |kpi| files[0].iteration.value(kpi);
        prop_assert_eq!(value(KpiId::NET_BPS), Some(net));
        prop_assert_eq!(value(KpiId::RISK_RATIO), Some(risk));
        prop_assert_eq!(value(KpiId::P95_LATENCY_MS), Some(p95));
    }
}

#[test]
fn the_whole_files_of_these_tests_are_whole() {
    let files = whole_files();
    for file in &files[..3] {
        assert!(iteration::read(file.as_bytes(), &KPIS).is_ok(), "{file}");
    }
    assert!(tuning_report::read(files[3].as_bytes()).is_ok());
    assert!(manifest::read_declared(files[4].as_bytes()).is_ok());
    assert!(overrides::read(files[5].as_bytes()).is_ok());
    assert!(edge_report::read(files[6].as_bytes()).is_ok_and(|totals| totals.is_some()));
    assert!(baseline::read(files[7].as_bytes(), &KpiId::OF_THE_VERDICT).is_ok());
}
