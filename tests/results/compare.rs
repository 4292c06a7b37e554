//! What `compare` prints as JSON against its schemas.

use std::path::Path;

use serde_json::json;
use soak::core::analysis::Options;
use soak::core::compare::baselines::{self, Actor};
use soak::core::compare::history::HistoryResult;
use soak::core::compare::result::CompareResult;
use soak::core::compare::sides::{self, Reading};
use soak::core::selftest::result::SelftestResult;
use soak::core::text::spark::Glyphs;
use soak::infra::clock::StopRequest;
use soak::ops::golden::json::Json;
use soak::ops::golden::{GoldenResult, KEPT, Settings, compare};

use super::evidence::{policy, provenance};
use super::schemas::errors;

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

#[test]
fn a_comparison_of_runs_keeps_to_its_schema() {
    let policy = policy();
    let reading = Reading { policy: &policy, mock: false, so_far: false, symbol: None };
    let side = |flag, name| {
        sides::read(flag, &fixture(name), &reading).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    for (a, b) in [("pass24", "fail_four_of_eight"), ("invalid_kpi_nowhere", "inconclusive_seven")] {
        let (a, b) = (side("--a", a), side("--b", b));
        let result = CompareResult::of(a, b, true, &[], &policy, true, &provenance());
        assert!(result.significance.is_some());
        assert_eq!(errors("compare_runs", &json!(result)), Vec::<String>::new());
    }
}

#[test]
fn a_golden_comparison_keeps_to_its_schema() {
    let list = |value| Json::List(vec![value; KEPT + 1]);
    let values =
        [Json::Null, Json::Integer(1), Json::Float(1.5), Json::NotFinite(f64::NAN), list(Json::Null)];
    for from in &values {
        for to in &values {
            let drift = compare(from, to, &Settings::default());
            let result = GoldenResult::of("a".to_owned(), "b".to_owned(), drift);
            assert_eq!(errors("compare_golden", &json!(result)), Vec::<String>::new());
        }
    }
}

#[test]
fn a_history_keeps_to_its_schema() {
    let policy = policy();
    for name in ["pass24", "invalid_kpi_nowhere", "fail_per_symbol"] {
        let result = HistoryResult::of(&fixture(name), None, &policy, false, Glyphs::Blocks, &provenance())
            .expect("a run");
        assert_eq!((result.runs.len(), errors("compare_history", &json!(result))), (1, Vec::new()));
    }
}

#[test]
fn a_selftest_keeps_to_its_schema() {
    let policy = policy();
    for name in ["pass24", "fail_per_symbol", "invalid_corrupt"] {
        let path = fixture(name);
        let (options, stop) = (Options::default(), StopRequest::default());
        let result = SelftestResult::of(&path, &policy, &options, &|_| 1, &stop, &provenance())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(errors("selftest", &json!(result)), Vec::<String>::new(), "{name}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests make folders")]
fn baselines_keep_to_their_schemas() {
    let policy = policy();
    let store = tempfile::tempdir().expect("a folder");
    let reading = Reading { policy: &policy, mock: false, so_far: false, symbol: None };
    let actor = Actor { by: "a test".to_owned(), at: "2026-01-31T12:00:00Z".to_owned() };
    baselines::promote(store.path(), &fixture("pass24"), &reading, &actor, "0.0.0")
        .unwrap_or_else(|error| panic!("{error}"));
    baselines::acknowledge(store.path(), "net_bps", "a known change", "2026-02-28", &actor)
        .unwrap_or_else(|error| panic!("{error}"));
    let status = baselines::status(store.path(), "show", &policy, "2026-01-31").expect("a store");
    assert_eq!(errors("compare_baseline", &json!(status)), Vec::<String>::new());
    for line in &status.history {
        assert_eq!(errors("baseline_history_line", &json!(line)), Vec::<String>::new());
    }
    let opened = baselines::open(store.path()).expect("a store");
    assert_eq!(errors("baseline", &json!(opened.baselines[0].2)), Vec::<String>::new());
}
