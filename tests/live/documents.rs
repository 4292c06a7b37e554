//! What stands in the JSON, the metrics and the page before any script runs.

use serde_json::{Value, json};
use soak::cli::setup::schemas::schema;
use soak::export::live::document::LiveDocument;
use soak::export::live::{metrics as live_prom, page as live_html};

use super::run::{declared, done};

fn document(run: &soak::export::live::LiveRun) -> Value {
    json!(LiveDocument::of(run, 0, usize::MAX))
}

#[test]
fn documents_keep_to_their_schema() {
    let schema = schema("live_iterations").expect("a schema");
    let validator = jsonschema::draft202012::new(&schema).expect("a good schema");
    for (case, run) in
        [("nothing done", declared(24)), ("half done", done(12, 24)), ("complete", done(24, 24))]
    {
        let document = document(&run);
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{case}");
        let mut wrong = document;
        wrong["run"]["state"] = json!("lost");
        assert!(!validator.is_valid(&wrong), "{case}");
    }
}

#[test]
fn an_iteration_tells_what_it_misses_and_leaves_out_what_was_not_delivered() {
    let document = document(&done(12, 24));
    let fifth = &document["iterations"][4];
    assert_eq!(fifth["values"].get("p95_latency_ms"), None);
    // 2 + 0.05 * 4, below 2.7.
    assert!((fifth["values"]["net_bps"].as_f64().expect("a number") - 2.2).abs() < 1e-9);
    assert!(fifth["misses"].as_array().expect("a list").contains(&json!("p95_latency_ms")));
    let ninth = &document["iterations"][8];
    assert_eq!((&ninth["values"], &ninth["kpi_verdict"]), (&json!({}), &Value::Null));
    assert_eq!(document["run"]["failed_collections"], 1);
    assert_eq!(document["run"]["eta_seconds"], 12.0 * 300.0);
}

#[test]
fn the_metrics_of_a_run_are_those_of_its_last_iteration() {
    let text = live_prom::metrics(&done(13, 24), chrono::DateTime::UNIX_EPOCH);
    for line in [
        "soak_iteration 13\n",
        "soak_iterations_declared 24\n",
        "soak_collection_failures_total 1\n",
        "soak_verdict{verdict=\"FAIL\"} 1\n",
        "soak_verdict{verdict=\"PASS\"} 0\n",
        "soak_run_state{state=\"running\"} 1\n",
        "soak_override{param=\"min_interval_ms\"} 80\n",
        "soak_guard_active{guard=\"velocity\"} 0\n",
    ] {
        assert!(text.contains(line), "no `{line}` in\n{text}");
    }
    // 20000 days and 13 times 5 minutes.
    assert!(text.contains("soak_run_heartbeat_timestamp_seconds 1728003900\n"), "{text}");
}

#[test]
fn a_value_that_is_not_known_has_no_sample() {
    let none = live_prom::metrics(&declared(24), chrono::DateTime::UNIX_EPOCH);
    assert!(none.contains("soak_iteration 0\n"), "{none}");
    for name in ["soak_kpi", "soak_net_bps", "soak_verdict", "soak_override"] {
        assert!(!none.contains(name), "{none}");
    }
    let failed = live_prom::metrics(&done(9, 24), chrono::DateTime::UNIX_EPOCH);
    assert!(!failed.contains("soak_net_bps") && !failed.contains("soak_kpi"), "{failed}");
}

#[test]
fn the_page_tells_the_state_without_a_script_and_escapes_what_it_is_told() {
    let page = live_html::page(&done(9, 24));
    let (before, _) = page.split_once("<script").expect("a script");
    for told in ["iteration 9 of 24", ">FAIL</span>", "seed 7", "&lt;by the venue&gt;", "<noscript>"] {
        assert!(before.contains(told), "no `{told}` in\n{before}");
    }
    assert!(!page.contains("<by the venue>"));
}
