//! The documents of a run against their schemas.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::{Value, json};
use soak::core::analysis::Origin;
use soak::core::iteration::events::Events;
use soak::core::iteration::params::ParamValues;
use soak::core::kpi::KpiId;
use soak::run::iteration::tuning::TunerState;
use soak::run::iteration::tuning::TuningRecord;
use soak::run::iteration::{IterationRecord, IterationSummary, Phase};
use soak::run::metrics::MetricsCollector;
use soak::run::metrics::RunReport;
use soak::run::output::soak_metrics::{GatesSummary, SoakMetrics};

use super::evidence::{policy, provenance};
use super::schemas::errors;

fn record(number: u64, net: Option<f64>, metrics: &[(&str, f64)]) -> IterationRecord {
    let seconds = 1_760_000_000 + 300 * i64::try_from(number).expect("a small number");
    let mut values = vec![None; policy().kpis.columns()];
    values[KpiId::NET_BPS.index()] = net;
    IterationRecord {
        number,
        source: "sim".to_owned(),
        starts: DateTime::from_timestamp(seconds, 0).expect("a time"),
        ends: DateTime::from_timestamp(seconds + 300, 0).expect("a time"),
        measured_early: false,
        phase: Phase::Steady,
        has_phases: false,
        asked_again: 0,
        collection_failed: net.is_none().then(|| "no report".to_owned()),
        events: Events::default(),
        overrides: ParamValues::default(),
        summary: IterationSummary { values, version: Some("1.0".to_owned()), ..IterationSummary::default() },
        metrics: metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        resources: None,
        resources_failed: None,
        tuning: TuningRecord::default(),
        state: TunerState::default(),
    }
}

fn documents(records: &[IterationRecord]) -> BTreeMap<&'static str, Value> {
    let mut collector = MetricsCollector::new(&policy());
    for record in records {
        collector.push(record);
    }
    let report = RunReport::judge(collector.finish(), &policy().run_gates);
    let origin = Origin::of_run("sim", false, |source| policy().release.is_simulated(source));
    BTreeMap::from([
        ("soak_metrics", json!(SoakMetrics::of(&report, &origin, &provenance()))),
        ("gates_summary", json!(GatesSummary::of(&report, &origin, &provenance()))),
    ])
}

fn cases() -> Vec<Vec<IterationRecord>> {
    let good = [("tick_latency_ms.p95", 120.0), ("mm_hit_ratio", 0.8)];
    vec![
        Vec::new(),
        vec![record(1, None, &[])],
        vec![record(1, Some(3.0), &good), record(2, Some(-1.0), &[])],
    ]
}

#[test]
fn the_documents_of_any_run_keep_to_their_schemas() {
    for records in cases() {
        for (name, document) in documents(&records) {
            assert_eq!(errors(name, &document), Vec::<String>::new(), "{name}");
        }
    }
}

#[test]
fn a_wrong_document_of_a_run_is_noticed() {
    for (name, document) in documents(&cases()[2]) {
        for (at, value) in [
            ("/schema_version", json!("2")),
            ("/verdict", json!("INVALID")),
            ("/gates/hit_ratio/pass", json!("yes")),
            ("/gates/hit_ratio/comparison", json!("~")),
            ("/runtime/utc", json!(1)),
        ] {
            let mut wrong = document.clone();
            *wrong.pointer_mut(at).unwrap_or_else(|| panic!("nothing at `{at}` in {name}")) = value;
            assert!(!errors(name, &wrong).is_empty(), "{name}: a change at `{at}` goes unnoticed");
        }
    }
}
