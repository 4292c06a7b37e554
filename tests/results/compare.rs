//! What `compare` prints as JSON against its schemas.

use std::path::Path;

use serde_json::json;
use soak::core::analysis::Options;
use soak::core::compare::significance;
use soak::core::golden::{Json, KEPT, Settings, compare};
use soak::core::spark::Glyphs;
use soak::flow::baselines::{self, Actor};
use soak::flow::compare::{Asked, read};
use soak::flow::history::runs;
use soak::flow::selftest;
use soak::io::signals::StopRequest;
use soak::wire::compare_result::{CompareResult, Significance};
use soak::wire::golden_result::GoldenResult;
use soak::wire::history_result::HistoryResult;
use soak::wire::selftest_result::SelftestResult;

use super::evidence::{policy, provenance};
use super::schemas::errors;

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

#[test]
fn a_comparison_of_runs_keeps_to_its_schema() {
    let policy = policy();
    let asked = Asked { policy: &policy, mock: false, so_far: false, symbol: None };
    let side = |name| read(&fixture(name), &asked).unwrap_or_else(|error| panic!("{name}: {error}"));
    for (a, b) in [("pass24", "fail_four_of_eight"), ("invalid_kpi_nowhere", "inconclusive_seven")] {
        let (a, b) = (side(a), side(b));
        let (of_a, of_b) = (a.singles.expect("a run"), b.singles.expect("a run"));
        let judged = significance::judge(&of_a.values, &of_b.values, &policy.compare, &policy.change_points);
        let significance = Significance {
            judged: &judged,
            ranks: &significance::ranks(&of_a.values, &of_b.values, &judged),
            window_a: &of_a.window,
            window_b: &of_b.window,
            rules: &policy.compare,
        };
        let (a, b) = ((a.run, &a.side), (b.run, &b.side));
        let result = CompareResult::of(a, b, Some(significance), &policy, true, &provenance());
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
            let result = GoldenResult::of("a".to_owned(), "b".to_owned(), &drift);
            assert_eq!(errors("compare_golden", &json!(result)), Vec::<String>::new());
        }
    }
}

#[test]
fn a_history_keeps_to_its_schema() {
    let policy = policy();
    for name in ["pass24", "invalid_kpi_nowhere", "fail_per_symbol"] {
        let (found, runs) = runs(&fixture(name), &policy, false, None).expect("a run");
        let history = (name.to_owned(), found, runs);
        let result = HistoryResult::of(history, &policy, false, Glyphs::Blocks, &provenance());
        assert_eq!((result.runs.len(), errors("compare_history", &json!(result))), (1, Vec::new()));
    }
}

#[test]
fn a_selftest_keeps_to_its_schema() {
    let policy = policy();
    for name in ["pass24", "fail_per_symbol", "invalid_corrupt"] {
        let path = fixture(name);
        let options = Options::default();
        let stop = StopRequest::default();
        let asked = selftest::Asked { path: &path, policy: &policy, options, exit_code: &|_| 1, stop: &stop };
        let tested = selftest::test(&asked).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (rows, notes) = (tested.rows, tested.notes);
        let result = SelftestResult::of(name.to_owned(), tested.symbol, rows, false, notes, &provenance());
        assert_eq!(errors("selftest", &json!(result)), Vec::<String>::new(), "{name}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests make folders")]
fn baselines_keep_to_their_schemas() {
    let policy = policy();
    let store = tempfile::tempdir().expect("a folder");
    let asked = Asked { policy: &policy, mock: false, so_far: false, symbol: None };
    let actor = Actor { by: "a test".to_owned(), at: "2026-01-31T12:00:00Z".to_owned() };
    baselines::promote(store.path(), &fixture("pass24"), &asked, &actor, "0.0.0")
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
