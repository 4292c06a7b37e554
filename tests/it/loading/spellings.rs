//! The names that measurements have had: the first *present* wins, and which one was used is told.

use serde_json::{Value, json};
use soak::core::kpi::{KpiId, KpiTable};
use soak::core::load::{Loaded, load};

use super::{gate, message};
use crate::it::support::{Run, name};

/// The value of a KPI in a folder with one iteration that holds `summary`, and whether gross was computed.
fn read(summary: &Value, kpi: KpiId) -> (Option<f64>, bool) {
    let folder = Run::default().with_json(&name(1), &json!({"iteration": 1, "summary": summary})).in_temp();
    let Loaded { evidence, .. } = load(folder.path(), &KpiTable::default()).expect("a folder");
    assert!(evidence.bad_files.is_empty(), "{summary}: {:?}", evidence.bad_files);
    let series = &evidence.series[0];
    (series.value(kpi, 0), series.rows()[0].gross_imputed)
}

fn value(summary: &Value, kpi: KpiId) -> Option<f64> {
    read(summary, kpi).0
}

/// A key, the value as written, the value as read.
type Spelled = (&'static str, f64, f64);

/// Every KPI with more than one name, the canonical one first.
fn spellings() -> Vec<(KpiId, Vec<Spelled>)> {
    vec![
        (KpiId::NET_BPS, vec![("net_bps", 3.1, 3.1), ("net", 2.9, 2.9), ("edge_bps", 2.5, 2.5)]),
        (
            KpiId::RISK_RATIO,
            vec![("risk_ratio", 0.31, 0.31), ("risk", 0.32, 0.32), ("risk_percent", 42.0, 0.42)],
        ),
        (KpiId::MAKER_TAKER_RATIO, vec![("maker_taker_ratio", 0.9, 0.9), ("maker_ratio", 0.8, 0.8)]),
        (
            KpiId::P95_LATENCY_MS,
            vec![
                ("p95_latency_ms", 301.0, 301.0),
                ("latency_p95_ms", 302.0, 302.0),
                ("latency_p95", 303.0, 303.0),
                ("p95", 304.0, 304.0),
            ],
        ),
        (
            KpiId::SLIPPAGE_BPS_P95,
            vec![("slippage_bps_p95", 1.1, 1.1), ("slippage_p95", 1.2, 1.2), ("sl_p95", 1.3, 1.3)],
        ),
        (
            KpiId::ADVERSE_BPS_P95,
            vec![("adverse_bps_p95", 2.1, 2.1), ("adverse_p95", 2.2, 2.2), ("adv_p95", 2.3, 2.3)],
        ),
    ]
}

#[test]
fn every_spelling_is_read() {
    for (kpi, names) in spellings() {
        for (key, stands, expected) in names {
            assert_eq!(value(&json!({key: stands}), kpi), Some(expected), "{key}");
        }
    }
}

#[test]
fn the_first_present_wins_whatever_stands_in_the_others_and_in_which_order() {
    for (kpi, names) in spellings() {
        for first in 0..names.len() {
            for second in first + 1..names.len() {
                let ((winner, stands, expected), (loser, other, _)) = (names[first], names[second]);
                let forwards = format!("{{\"{winner}\": {stands}, \"{loser}\": {other}}}");
                let backwards = format!("{{\"{loser}\": {other}, \"{winner}\": {stands}}}");
                for text in [forwards, backwards] {
                    let run = Run::default().with(&name(1), format!("{{\"summary\": {text}}}")).in_temp();
                    let loaded = load(run.path(), &KpiTable::default()).expect("a folder");
                    assert_eq!(loaded.evidence.series[0].value(kpi, 0), Some(expected), "{text}");
                }
                // Zero is there, and null is there without a value: neither gives way to another name.
                assert_eq!(value(&json!({winner: 0.0, loser: other}), kpi), Some(0.0), "{winner} {loser}");
                assert_eq!(value(&json!({winner: null, loser: other}), kpi), None, "{winner} {loser}");
            }
        }
    }
}

#[test]
fn a_ratio_above_one_is_a_percentage() {
    for (stands, expected) in [(1.0, 1.0), (42.0, 0.42), (100.0, 1.0), (1.5, 0.015), (0.0, 0.0)] {
        assert_eq!(value(&json!({"risk_ratio": stands}), KpiId::RISK_RATIO), Some(expected), "{stands}");
    }
    assert_eq!(value(&json!({"maker_taker_ratio": 85}), KpiId::MAKER_TAKER_RATIO), Some(0.85));
    // `risk_percent` is a percentage always: 0.5 is half a percent.
    assert_eq!(value(&json!({"risk_percent": 0.5}), KpiId::RISK_RATIO), Some(0.005));
}

#[test]
fn the_maker_share_comes_from_volume_then_from_count() {
    let maker = |summary: Value| value(&summary, KpiId::MAKER_TAKER_RATIO);
    assert_eq!(maker(json!({"maker_volume": 30, "taker_volume": 10})), Some(0.75));
    assert_eq!(maker(json!({"maker_count": 9, "taker_count": 1})), Some(0.9));
    let both = json!({"maker_volume": 30, "taker_volume": 10, "maker_count": 9, "taker_count": 1});
    assert_eq!(maker(both), Some(0.75));
    assert_eq!(maker(json!({"fills": {"maker_volume": 3, "taker_volume": 1}})), Some(0.75));
    assert_eq!(maker(json!({"fills": {"maker_count": 3, "taker_count": 1}})), Some(0.75));
    // No trade at all has no share; half of a pair says nothing.
    assert_eq!(maker(json!({"maker_volume": 0, "taker_volume": 0})), None);
    assert_eq!(maker(json!({"maker_volume": 30})), None);
    assert_eq!(maker(json!({"maker_volume": -30, "taker_volume": 40})), None);
    assert_eq!(maker(json!({"maker_volume": 0, "taker_volume": 5})), Some(0.0));
    // The ratio itself comes first, even without a value.
    assert_eq!(maker(json!({"maker_taker_ratio": 0.5, "maker_volume": 30, "taker_volume": 10})), Some(0.5));
    assert_eq!(maker(json!({"maker_ratio": null, "maker_volume": 30, "taker_volume": 10})), None);
}

#[test]
fn a_missing_gross_edge_is_net_and_the_costs() {
    let costs = json!({"net_bps": 3.0, "adverse_bps_p95": 2.5, "slippage_bps_p95": 1.5, "fees_bps": 0.5});
    let with = |key: &str, value: Value| {
        let mut summary = costs.clone();
        summary[key] = value;
        read(&summary, KpiId::GROSS_BPS)
    };
    // 3.0 + 2.5 + 1.5 + 0.5
    assert_eq!(read(&costs, KpiId::GROSS_BPS), (Some(7.5), true));
    assert_eq!(with("gross_bps", json!(null)), (Some(7.5), true));
    assert_eq!(with("gross_bps", json!(0)), (Some(0.0), false));
    assert_eq!(with("gross_bps", json!(6.1)), (Some(6.1), false));
    assert_eq!(with("net_bps", json!(null)), (None, false));
}

#[test]
fn which_spelling_was_used_is_told() {
    let run = [3, 5, 9].into_iter().fold(Run::passing(12), |run, number| {
        run.edit(number, |value| {
            let summary = value["summary"].as_object_mut().expect("an object");
            let net = summary.remove("net_bps").expect("a value");
            summary.insert("edge_bps".to_owned(), net);
        })
    });
    let gated = gate(&run);
    gated.ends("PASS", 0);
    let told = message(gated.finding("respelled")).to_owned();
    assert_eq!(told, "`net_bps` was read from `edge_bps` in 3 iterations");
    let imputed = message(gated.finding("gross_imputed"));
    assert!(imputed.contains("in 12 iterations"), "{imputed}");
}
