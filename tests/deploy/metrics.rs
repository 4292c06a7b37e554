//! The lists of metrics: what the program exports is what is documented, and what the policy asks for is in it.

use std::collections::BTreeSet;

use soak::core::iteration::bot_metrics::{CONTRACT, Kind};

use crate::deploy::files::{rows, spans, text};
use crate::deploy::run::done;
use crate::deploy::{promql, run};
use crate::it::support::Run;

/// Names that soak exports, by the document.
pub(crate) fn exported() -> BTreeSet<String> {
    let text = text("deploy/prometheus/soak-metrics.md");
    [
        "`soak run --serve 9099`, under `/metrics`",
        "`POST_SOAK_METRICS.prom`, for the textfile collector",
        "`soak rollback serve`, under `/metrics`",
    ]
    .iter()
    .flat_map(|heading| rows(&text, heading))
    .map(|row| spans(&row[0]).remove(0))
    .collect()
}

/// Whether the contract has the family of this series, of a type that has such a series.
pub(crate) fn is_owed(series: &str) -> bool {
    CONTRACT.iter().any(|metric| match metric.kind {
        Kind::Histogram => metric.name != series && metric.name == promql::family(series),
        Kind::Counter | Kind::Gauge => metric.name == series,
    })
}

/// Name and type of the families in an exposition.
fn typed(exposition: &str) -> BTreeSet<(String, String)> {
    let of = |line: &str| line.split_once(' ').map(|(name, kind)| (name.to_owned(), kind.to_owned()));
    exposition.lines().filter_map(|line| line.strip_prefix("# TYPE ").and_then(of)).collect()
}

#[test]
fn the_documented_contract_is_that_of_the_program() {
    let text = text("deploy/prometheus/bot-metrics.md");
    let documented: Vec<Vec<String>> = rows(&text, "The metrics");
    let expected: Vec<Vec<String>> = CONTRACT
        .iter()
        .map(|metric| {
            let values: Vec<String> = metric.values.iter().map(|value| format!("`{value}`")).collect();
            let label = metric.label.map(|label| format!("`{label}`: {}", values.join(", ")));
            vec![
                format!("`{}`", metric.name),
                metric.kind.word().to_owned(),
                metric.unit.to_owned(),
                label.unwrap_or_default(),
                metric.help.to_owned(),
            ]
        })
        .collect();
    assert_eq!(documented, expected);
}

#[test]
fn every_metric_of_the_contract_is_asked_for_by_somebody_named() {
    let text = text("deploy/prometheus/bot-metrics.md");
    let asked = rows(&text, "Who asks for what");
    let named: Vec<String> = asked.iter().flat_map(|row| spans(&row[0])).collect();
    for name in &named {
        assert!(CONTRACT.iter().any(|metric| metric.name == name), "`{name}` is not in the contract");
    }
    let policy: BTreeSet<String> =
        run::policy().run.queries.iter().flat_map(|query| promql::metrics(&query.query)).collect();
    let policy: BTreeSet<&str> = policy.iter().map(|name| promql::family(name)).collect();
    for metric in CONTRACT {
        let is_asked = named.iter().any(|name| name == metric.name) || policy.contains(metric.name);
        assert!(is_asked, "nobody asks for `{}`", metric.name);
    }
}

#[test]
fn the_queries_of_the_policy_ask_for_metrics_of_the_contract() {
    let policy = run::policy();
    assert!(policy.run.queries.len() > 10);
    for query in &policy.run.queries {
        let names = promql::metrics(&query.query);
        assert!(!names.is_empty(), "{}", query.query);
        for name in names {
            assert!(is_owed(&name), "`{}` asks for `{name}`", query.metric);
        }
    }
}

#[test]
fn the_documented_metrics_of_a_run_are_those_that_it_exports() {
    let text = text("deploy/prometheus/soak-metrics.md");
    let documented: BTreeSet<(String, String)> = rows(&text, "`soak run --serve 9099`, under `/metrics`")
        .into_iter()
        .map(|row| (spans(&row[0]).remove(0), row[1].clone()))
        .collect();
    let shown = soak::export::live::metrics::metrics(&done(13, 24), chrono::DateTime::UNIX_EPOCH);
    assert_eq!(documented, typed(&shown));
}

#[test]
fn the_documented_metrics_of_the_watcher_are_those_that_it_exports() {
    let text = text("deploy/prometheus/soak-metrics.md");
    let documented: BTreeSet<(String, String)> = rows(&text, "`soak rollback serve`, under `/metrics`")
        .into_iter()
        .map(|row| (spans(&row[0]).remove(0), row[1].clone()))
        .collect();
    assert_eq!(documented, typed(&soak::rollback::server::every_family()));
}

#[test]
fn the_documented_metrics_of_a_verdict_are_exported_with_it() {
    let text = text("deploy/prometheus/soak-metrics.md");
    let run = Run::passing(24).tuned(3, 2.0).in_temp();
    let ran = run.soak("gate", &["--prometheus", "--no-legacy-metrics", "--override", "a test"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let written = typed(&run.text("POST_SOAK_METRICS.prom"));
    for row in rows(&text, "`POST_SOAK_METRICS.prom`, for the textfile collector") {
        let row = (spans(&row[0]).remove(0), row[1].clone());
        assert!(written.contains(&row), "{row:?} is not exported");
    }
}

#[test]
fn a_series_belongs_to_the_contract_only_in_the_form_that_its_type_has() {
    for owed in ["mm_ticks_total", "mm_net_bps", "mm_ws_lag_seconds_bucket", "mm_ws_lag_seconds_max"] {
        assert!(is_owed(owed), "{owed}");
    }
    for other in ["mm_ws_lag_seconds", "mm_ticks_total_bucket", "mm_ticks", "mm_guard_trip_total"] {
        assert!(!is_owed(other), "{other}");
    }
}
