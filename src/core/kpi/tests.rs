//! The table of KPIs, and what their numbers mean.

use super::*;

#[test]
fn the_constants_name_the_built_in_kpis() {
    let table = KpiTable::default();
    let expected = [
        (KpiId::NET_BPS, "net_bps"),
        (KpiId::RISK_RATIO, "risk_ratio"),
        (KpiId::MAKER_TAKER_RATIO, "maker_taker_ratio"),
        (KpiId::P95_LATENCY_MS, "p95_latency_ms"),
        (KpiId::ADVERSE_BPS_P95, "adverse_bps_p95"),
        (KpiId::SLIPPAGE_BPS_P95, "slippage_bps_p95"),
        (KpiId::GROSS_BPS, "gross_bps"),
        (KpiId::FEES_BPS, "fees_bps"),
        (KpiId::SLIPPAGE_BPS, "slippage_bps"),
        (KpiId::ADVERSE_BPS, "adverse_bps"),
        (KpiId::INVENTORY_BPS, "inventory_bps"),
        (KpiId::CANCEL_RATIO, "cancel_ratio"),
        (KpiId::ORDER_AGE_P95_MS, "order_age_p95_ms"),
        (KpiId::WS_LAG_P95_MS, "ws_lag_p95_ms"),
        (KpiId::MIN_INTERVAL_RATIO, "min_interval_ratio"),
        (KpiId::CONCURRENCY_RATIO, "concurrency_ratio"),
    ];
    assert_eq!(table.len(), expected.len());
    for (id, name) in expected {
        assert_eq!(id.name, name);
        assert_eq!(table.find(name), Some(id));
    }
}

#[test]
fn an_alias_finds_its_kpi_but_is_no_canonical_name() {
    let table = KpiTable::default();
    assert_eq!(table.spelled("edge_bps"), Some((KpiId::NET_BPS, 2)));
    assert_eq!(table.find("edge_bps"), None);
    assert_eq!(table.spelled("nonsense"), None);
}

#[test]
fn a_declared_kpi_may_not_take_a_name_that_is_used() {
    let mut table = KpiTable::default();
    let rate = Unit::Other("1/s");
    let clash = kpi(0, rate, 0.0, named!["throughput", "net"]);
    let error = table.declare(clash).expect_err("`net` belongs to net_bps");
    assert_eq!(error.to_string(), "`net` is already a name of KPI `net_bps`");
    let fine = kpi(0, rate, 0.0, named!["throughput", "tps"]);
    let id = table.declare(fine).expect("a free name");
    assert_eq!((id.index(), id.name), (16, "throughput"));
    assert_eq!(table.spelled("tps"), Some((id, 1)));
}

#[test]
fn one_definition_has_one_id_and_another_one_of_the_name_has_its_own() {
    let declare = |floor| {
        let kpi = kpi(0, Unit::Other("1/s"), floor, named!["throughput"]);
        KpiTable::default().declare(kpi).expect("a free name")
    };
    let (first, again, other) = (declare(0.0), declare(0.0), declare(1.0));
    assert!(
        std::ptr::eq::<Kpi>(&raw const *first, &raw const *again)
            && !std::ptr::eq::<Kpi>(&raw const *first, &raw const *other)
    );
    assert_eq!(serde_json::to_value([first]).expect("a name"), serde_json::json!(["throughput"]));
}

#[test]
fn impossible_values_are_told_apart_from_bad_ones() {
    assert!(!KpiId::RISK_RATIO.is_possible(-0.1));
    assert!(KpiId::RISK_RATIO.is_possible(1.0));
    assert!(!KpiId::P95_LATENCY_MS.is_possible(-1.0));
    assert!(KpiId::NET_BPS.is_possible(-50.0));
}

#[test]
fn a_built_in_ratio_above_one_is_a_percentage_and_a_declared_one_is_what_it_is() {
    let risk = KpiId::RISK_RATIO;
    for (raw, expected) in [
        (0.42, 0.42),
        (1.0, 1.0),
        (1.0 + 1e-9, 1.0),
        (1.5, 0.015),
        (42.0, 0.42),
        (100.0, 1.0),
        (100.000_000_05, 1.0),
        (101.5, 1.015),
        (-1e-10, 0.0),
        (-1e-8, -1e-8),
    ] {
        assert_eq!(risk.in_unit(raw, 1.0), Some(expected), "{raw}");
    }
    assert_eq!(risk.in_unit(42.0, 0.01), Some(0.42));
    assert!(risk.is_too_high(1.015) && !risk.is_too_high(1.0) && !risk.is_too_high(-0.1));
    let declared = Kpi { highest: Some(10.0), reads_percent: false, ..(*risk).clone() };
    for raw in [1.37, 9.5, 42.0] {
        assert_eq!(declared.in_unit(raw, 1.0), Some(raw));
    }
    assert_eq!(declared.in_unit(10.0 + 1e-10, 1.0), Some(10.0));
    assert!(declared.is_too_high(10.1) && !declared.is_too_high(9.9));
    assert!(!KpiId::P95_LATENCY_MS.is_too_high(1e300));
}
