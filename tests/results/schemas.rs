//! Results against their schemas, and the published copies of the schemas against the generated ones.
//!
//! `SOAK_UPDATE_SCHEMAS=1` writes the copies anew.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};
use soak::cli::setup::config::show_json;
use soak::cli::setup::schemas::{NAMES, file_name, schema};
use soak::core::analysis::audit::{Audit, Folder};
use soak::core::analysis::document::AnalysisDocument;
use soak::core::analysis::result::GateResult;
use soak::core::analysis::{Analysis, Options, analyse};
use soak::core::compare::snapshot::Snapshot;
use soak::core::compare::snapshot::v1_2::Snapshot12;
use soak::core::verdict::evidence::Evidence;
use soak::core::verdict::provenance::Provenance;
use soak::infra::artifacts::manifest::{ArtifactEntry, ArtifactManifest};
use soak::report::artifacts::delta_report;
use soak::report::audit::AuditSummary;
use soak::report::json::pretty;
use soak::run::start::{StartRequest, resolve};

use super::evidence::{good, judged, overridden, per_symbol, policy, provenance, troubled};

/// What is wrong with a document, by its schema.
pub fn errors(name: &str, document: &Value) -> Vec<String> {
    let schema = schema(name).unwrap_or_else(|| panic!("no schema `{name}`"));
    let validator = jsonschema::draft202012::new(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// All documents of an analysis, by the name of their schema.
fn documents(analysis: &Analysis, provenance: &Provenance) -> BTreeMap<&'static str, Value> {
    let mut gate = GateResult::of("gate", analysis, provenance);
    gate.artifacts = vec!["POST_SOAK_SNAPSHOT.json".to_owned()];
    gate.exit_code = 1;
    let audit = Audit::of(analysis, &policy(), Folder::default(), Vec::new());
    let audit = AuditSummary::of(&audit, &policy(), provenance, "runs/latest");
    let deltas = delta_report(analysis, provenance).map(|report| ("delta_verify_report", json!(report)));
    let mut documents = BTreeMap::from([
        ("post_soak_snapshot_1_1", json!(Snapshot::of(analysis, provenance))),
        ("post_soak_snapshot_1_2", json!(Snapshot12::of(analysis, provenance))),
        ("post_soak_analysis", json!(AnalysisDocument::of(analysis, provenance))),
        ("gate_result", json!(gate)),
        ("post_soak_audit_summary", json!(audit)),
    ]);
    documents.extend(deltas);
    documents
}

#[track_caller]
fn keep_to_their_schemas(case: &str, analysis: &Analysis, provenance: &Provenance) {
    for (name, document) in documents(analysis, provenance) {
        assert_eq!(errors(name, &document), Vec::<String>::new(), "{case}, {name}");
    }
}

#[test]
fn results_of_any_kind_of_folder_keep_to_their_schemas() {
    keep_to_their_schemas("a good run", &judged(good()), &provenance());
    keep_to_their_schemas("an override", &judged(good()), &overridden());
    keep_to_their_schemas("an empty folder", &judged(Evidence::default()), &provenance());
    keep_to_their_schemas("a run per symbol", &judged(per_symbol()), &provenance());
    keep_to_their_schemas("missing KPIs and bad files", &judged(troubled()), &provenance());
    let unreadable = Evidence { manifest_error: Some("not valid JSON".to_owned()), ..Evidence::default() };
    keep_to_their_schemas("an unreadable manifest", &judged(unreadable), &provenance());
}

#[test]
fn results_under_other_options_keep_to_their_schemas() {
    let relaxed = Options { mock: true, so_far: true, deltas: false, ..Options::default() };
    keep_to_their_schemas("relaxed limits", &analyse(good(), &policy(), &relaxed, None), &provenance());
    let strict = Options { strict: true, require_freeze: true, min_windows: Some(20), ..Options::default() };
    let totals = BTreeMap::from([("net_bps".to_owned(), None)]);
    let analysis = analyse(troubled(), &policy(), &strict, Some(&totals));
    keep_to_their_schemas("every option and an edge report", &analysis, &provenance());
}

#[test]
fn the_policy_and_the_artifact_manifest_keep_to_their_schemas() {
    let start =
        resolve(&policy().run, StartRequest::default(), &[]).expect("the defaults are within their bounds");
    assert_eq!(errors("config_show", &show_json(&policy(), &start)), Vec::<String>::new());
    let manifest = ArtifactManifest::new(vec![ArtifactEntry::of("POST_SOAK_AUDIT.md", b"text")]);
    assert_eq!(errors("artifact_manifest", &json!(manifest)), Vec::<String>::new());
    assert_eq!(errors("artifact_manifest", &json!(ArtifactManifest::new(Vec::new()))), Vec::<String>::new());
}

/// Changes one place of each document and expects its schema to notice.
fn refuse(name: &str, at: &str, change: impl FnOnce(&mut Value)) {
    let mut document = documents(&judged(troubled()), &overridden()).remove(name).expect("a document");
    change(document.pointer_mut(at).unwrap_or_else(|| panic!("nothing at `{at}` in {name}")));
    assert!(!errors(name, &document).is_empty(), "{name}: a change at `{at}` goes unnoticed");
}

fn add_key(value: &mut Value) {
    value["extra"] = json!(1);
}

fn remove(key: &str) -> impl FnOnce(&mut Value) {
    move |value| {
        let removed = value.as_object_mut().and_then(|object| object.remove(key));
        assert!(removed.is_some(), "`{key}` was not there");
    }
}

#[test]
fn a_wrong_document_is_noticed() {
    for name in ["post_soak_snapshot_1_1", "post_soak_snapshot_1_2", "post_soak_analysis", "gate_result"] {
        refuse(name, "", add_key);
        refuse(name, "", remove("outcome"));
        refuse(name, "", remove("limits"));
        refuse(name, "/schema_version", |value| *value = json!("9.9"));
        refuse(name, "/verdict", |value| *value = json!("INVALID"));
        refuse(name, "/outcome", |value| *value = json!("GOOD"));
        refuse(name, "/override", remove("by"));
        refuse(name, "/override", add_key);
    }
    // A key that may be null must be there all the same.
    refuse("post_soak_snapshot_1_2", "", remove("timestamp"));
    refuse("post_soak_snapshot_1_2", "/kpi_last_n/net_bps", remove("trend"));
    refuse("post_soak_snapshot_1_2", "/kpi_last_n/net_bps/trend", |value| *value = json!("sideways"));
    refuse("post_soak_snapshot_1_2", "/guards_last_n/counts/freeze", |value| *value = json!(-1));
    refuse("post_soak_snapshot_1_1", "/kpi_last8/net_bps", remove("mean"));
    refuse("post_soak_snapshot_1_1", "/kpi_last8/net_bps/mean", |value| *value = json!("3.1"));
    refuse("post_soak_snapshot_1_1", "/time_range", add_key);
    refuse("post_soak_analysis", "/symbols/0", add_key);
    refuse("post_soak_analysis", "/symbols/0/windows/0/kpis/net_bps", remove("p95"));
    refuse("post_soak_analysis", "/symbols/0/windows/0/kpis/net_bps/trend", add_key);
    refuse("post_soak_analysis", "/symbols/0/checks/0", remove("limit_source"));
    refuse("post_soak_analysis", "/symbols/0/checks/0/window", add_key);
    refuse("post_soak_analysis", "/inventory/declared/state", |value| *value = json!("lost"));
    refuse("post_soak_analysis", "/findings/0", remove("message"));
    refuse("post_soak_audit_summary", "", add_key);
    refuse("post_soak_audit_summary", "/verdict", |value| *value = json!("PASS"));
    refuse("post_soak_audit_summary", "/snapshot_kpis/risk_ratio", |value| *value = json!("0.3"));
    refuse("post_soak_audit_summary", "/trend_stats/net_bps/last8", remove("median"));
    refuse("post_soak_audit_summary", "/files_present", remove("TUNING_REPORT.json"));
    refuse("gate_result", "/delta", remove("status"));
    refuse("gate_result", "/exit_code", |value| *value = json!(256));
}

#[test]
fn the_schema_of_measurements_takes_the_three_objects_and_refuses_what_has_no_numbers() {
    let is_one = |document: Value| errors("measurement", &document).is_empty();
    for examples in schema("measurement").expect("a schema")["examples"].as_array().expect("examples") {
        assert!(is_one(examples.clone()), "{examples}");
    }
    assert!(is_one(json!({"p95_ms": null, "http": {"p99_ms": 3}, "runtime": {"version": "1.4"}})));
    assert!(is_one(json!({"totals": {"fills": {"maker_count": 3}}, "symbols": ["BTC"]})));
    for wrong in [
        json!([]),
        json!({}),
        json!({"p95_ms": "12.5"}),
        json!({"kpis": {"p95_ms": "12.5"}}),
        json!({"kpis": 5}),
        json!({"p95_ms": 1, "runtime": {"utc": 5}}),
    ] {
        assert!(!is_one(wrong.clone()), "{wrong}");
    }
}

fn published(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/schemas").join(file_name(name))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the published copies are files")]
fn the_published_schemas_are_the_generated_ones_and_no_others() {
    let update = std::env::var("SOAK_UPDATE_SCHEMAS").is_ok_and(|value| value == "1");
    for name in NAMES {
        let generated = pretty(&schema(name).expect("a name has a schema"));
        let path = published(name);
        if update {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
            std::fs::write(&path, &generated).expect("the schema can be written");
        }
        let copy =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(copy == generated, "`{}` is out of date; SOAK_UPDATE_SCHEMAS=1 renews it", path.display());
    }
    let folder = published("any").parent().expect("a folder").to_owned();
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry can be read").file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, NAMES.map(file_name), "schemas that nothing generates");
}

#[test]
fn schemas_say_what_they_are_and_unknown_names_have_none() {
    for name in NAMES {
        let schema = schema(name).expect("a name has a schema");
        assert_eq!(schema["$id"], format!("urn:soak:schema:{name}"));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert!(
            schema["title"].as_str().is_some_and(|title| title.contains("oak") || title.contains("SOAK"))
        );
        // What others write may have more.
        assert!(name == "measurement" || schema["additionalProperties"] == false, "{name}");
    }
    assert_eq!(schema("no_such"), None);
    assert!(NAMES.is_sorted());
}
