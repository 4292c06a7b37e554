//! Hand-made evidence, small enough to do every sum on paper.

use soak::core::analysis::{Analysis, Options, analyse};
use soak::core::iteration::guards::Guard;
use soak::core::iteration::params::{ParamName, ParamValues};
use soak::core::iteration::{Defect, Iteration, KpiDefect, SkipReason};
use soak::core::kpi::KpiId;
use soak::core::policy::Policy;
use soak::core::policy::read;
use soak::core::series::{Interner, Series};
use soak::core::verdict::evidence::{
    BadFile, Declared, Duplicate, Evidence, Finding, ForeignVerdict, Renumbered, RunState,
};
use soak::core::verdict::provenance::{Override, Provenance};

/// The built-in policy.
pub fn policy() -> Policy {
    read(&[], &[]).expect("the built-in policy is good")
}

/// Provenance without an override.
pub fn provenance() -> Provenance {
    Provenance {
        tool_version: "0.1.0".to_owned(),
        policy_sha256: "ab".repeat(32),
        policy_file: None,
        overridden: None,
        fixed_time: None,
        rehearsal: false,
    }
}

/// Provenance with an override and a fixed time.
pub fn overridden() -> Provenance {
    Provenance {
        overridden: Some(Override {
            reason: "known outage of the test exchange".to_owned(),
            by: "ops".to_owned(),
            at: "2025-10-12T08:00:00Z".to_owned(),
        }),
        fixed_time: Some("2025-10-12T08:00:00Z".to_owned()),
        rehearsal: false,
        ..provenance()
    }
}

/// Analyses everything with the built-in policy.
pub fn judged(evidence: Evidence) -> Analysis {
    analyse(evidence, &policy(), &Options::default(), None)
}

/// An iteration with the four KPIs of the verdict.
pub fn iteration(number: u64, net: f64, risk: f64, maker: f64, latency: f64) -> Iteration {
    let mut values = vec![None; policy().kpis.columns()];
    values[KpiId::NET_BPS.index()] = Some(net);
    values[KpiId::RISK_RATIO.index()] = Some(risk);
    values[KpiId::MAKER_TAKER_RATIO.index()] = Some(maker);
    values[KpiId::P95_LATENCY_MS.index()] = Some(latency);
    let time = format!("2025-10-11T{number:02}:00:00Z");
    Iteration { number, time: Some(time.into()), values, ..Iteration::default() }
}

/// A series of iterations.
pub fn series(symbol: Option<&str>, iterations: Vec<Iteration>) -> Series {
    let mut series = Series::new(symbol.map(str::to_owned), policy().kpis.columns());
    let mut interner = Interner::default();
    for iteration in iterations {
        series.push(iteration, &mut interner);
    }
    series
}

/// Ten iterations that pass; the window is 3 to 10.
///
/// Net edge 3.0 in odd and 3.2 in even ones, risk 0.35, maker 0.9, latency 300 + 5 × number. Velocity guard in
/// 2 and 4, freeze in 9, applied in 2 and 5, skipped in 4, 6 and 7, adverse cost in 10 alone.
pub fn good() -> Evidence {
    let mut rows: Vec<Iteration> = (1..=10)
        .map(|number| {
            let net = if number % 2 == 0 { 3.2 } else { 3.0 };
            iteration(number, net, 0.35, 0.9, 300.0 + 5.0 * number as f64)
        })
        .collect();
    let mut row = |number: usize, change: fn(&mut Iteration)| change(&mut rows[number - 1]);
    row(2, |it| {
        it.tuning.guards.insert(Guard::Velocity);
        it.tuning.applied = Some(true);
        it.tuning.changed_keys = vec![ParamName::flat("tail_age_ms")];
    });
    row(4, |it| {
        it.tuning.guards.insert(Guard::Velocity);
        it.tuning.skip = Some(SkipReason { code: Some("velocity".into()), note: Some("too fast".into()) });
    });
    row(5, |it| {
        it.tuning.applied = Some(true);
        it.tuning.changed_keys = ["min_interval_ms", "base_spread_bps_delta"].map(ParamName::flat).to_vec();
        it.tuning.signature = Some("s1".into());
    });
    row(6, |it| {
        it.tuning.skip = Some(SkipReason { code: None, note: Some("by hand".into()) });
        it.tuning.signature = Some("s2".into());
    });
    row(7, |it| {
        it.tuning.applied = Some(false);
        it.tuning.skip = Some(SkipReason::default());
        it.tuning.signature = Some("s1".into());
    });
    row(9, |it| it.tuning.freeze = true);
    row(10, |it| it.values[KpiId::ADVERSE_BPS_P95.index()] = Some(1.23456));
    Evidence { series: vec![series(None, rows)], ..Evidence::default() }
}

/// Two symbols: one that passes with a freeze, and one whose net edge is too low everywhere.
pub fn per_symbol() -> Evidence {
    let of = |net: f64| {
        let mut rows: Vec<Iteration> =
            (1..=8).map(|number| iteration(number, net, 0.3, 0.9, 300.0)).collect();
        rows[7].tuning.freeze = true;
        rows
    };
    Evidence {
        series: vec![series(Some("BTCUSDT"), of(3.5)), series(Some("ETHUSDT"), of(1.5))],
        ..Evidence::default()
    }
}

/// A run with everything that can be wrong: missing and impossible KPIs, an anomaly, a failed collection, and
/// files of every bad kind.
pub fn troubled() -> Evidence {
    let mut rows: Vec<Iteration> = (1..=9)
        .map(|number| iteration(number, -0.5, 0.2, 0.9, if number == 5 { 450.0 } else { 320.0 }))
        .collect();
    for row in &mut rows {
        row.values[KpiId::MAKER_TAKER_RATIO.index()] = None;
        row.defects = vec![KpiDefect {
            kpi: KpiId::MAKER_TAKER_RATIO,
            key: "maker_ratio".to_owned(),
            defect: Defect::NotFinite,
        }];
        row.negative_drivers = vec!["fees".into()];
        row.values[KpiId::GROSS_BPS.index()] = Some(1.0);
        for cost in [KpiId::FEES_BPS, KpiId::SLIPPAGE_BPS, KpiId::ADVERSE_BPS, KpiId::INVENTORY_BPS] {
            row.values[cost.index()] = Some(0.375);
        }
    }
    rows[6].values[KpiId::RISK_RATIO.index()] = Some(0.6);
    rows[7].collection_failed = Some("connection refused".into());
    // A proposal that is said to be applied while the overrides stay as they are.
    let param = ParamName::flat("min_interval_ms");
    for row in &mut rows {
        row.overrides = Some(ParamValues::new(vec![(param.clone(), 60.0)]).into());
    }
    rows[1].tuning.deltas = ParamValues::new(vec![(param, 5.0)]);
    rows[1].tuning.applied = Some(true);
    Evidence {
        series: vec![series(None, rows)],
        bad_files: vec![BadFile {
            name: "ITER_SUMMARY_10.json".to_owned(),
            number: 10,
            symbol: None,
            reason: "not valid JSON".to_owned(),
        }],
        duplicates: vec![Duplicate {
            symbol: None,
            number: 11,
            names: vec!["ITER_SUMMARY_011.json".to_owned(), "ITER_SUMMARY_11.json".to_owned()],
        }],
        renumbered: vec![Renumbered { name: "ITER_SUMMARY_3.json".to_owned(), number: 3, content: 4 }],
        declared: Some(Declared {
            rotated: [1].into(),
            source: Some("sim".to_owned()),
            ..Declared::of(12, RunState::Complete, 12)
        }),
        kpi_gate: Some(ForeignVerdict { file: "KPI_GATE.json".to_owned(), verdict: "OK".to_owned() }),
        snapshot: Some(ForeignVerdict {
            file: "POST_SOAK_SNAPSHOT.json".to_owned(),
            verdict: "PASS".to_owned(),
        }),
        findings: vec![Finding {
            kind: "nested_run",
            symbol: None,
            iteration: None,
            file: Some("RUN_1".to_owned()),
            in_window: false,
            message: "a nested run was read".to_owned(),
        }],
        ..Evidence::default()
    }
}
