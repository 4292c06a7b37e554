//! `readiness.json` for older readers: one flag a format, never two formats under one name.

use std::fs;

use serde_json::json;

use super::super::support::{Run, Step};

#[test]
fn each_flag_writes_its_own_format() {
    let folder = Run::passing(16).in_temp();
    let (legacy, short) = (folder.file("legacy.json"), folder.file("short.json"));
    let paths = [legacy.to_str().expect("text"), short.to_str().expect("text")];
    let flags = ["--legacy-readiness", paths[0], "--write-readiness", paths[1]];
    assert_eq!(folder.soak("audit", &flags).code, 0);
    let text = folder.text("legacy.json");
    let order = ["status", "maker_taker_ratio", "net_bps", "p95_latency_ms", "risk_ratio", "failures"];
    let places: Vec<_> = order.iter().map(|key| text.find(&format!("\"{key}\""))).collect();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{text}");
    assert_eq!(
        folder.json("legacy.json"),
        json!({"status": "ok", "maker_taker_ratio": 0.88, "net_bps": 3.2, "p95_latency_ms": 300.0, "risk_ratio": 0.33, "failures": []})
    );
    assert_eq!(
        folder.json("short.json"),
        json!({"status": "OK", "maker_taker": 0.88, "net_bps": 3.2, "p95_latency_ms": 300.0, "risk_ratio": 0.33})
    );
}

#[test]
fn a_hold_says_why_and_an_unknown_kpi_is_null_and_no_zero() {
    let folder = (1..=16).map(|number| Step { net: 2.7, ..Step::good(number) }).collect::<Run>().in_temp();
    let path = folder.file("r.json");
    folder.soak("audit", &["--legacy-readiness", path.to_str().expect("text")]);
    let found = folder.json("r.json");
    assert_eq!(found["status"], "hold");
    assert_eq!(found["failures"], json!(["net_bps: 2.700 (expected >= 2.9)"]));
    let folder = (1..=16)
        .fold(Run::passing(16), |run, number| {
            run.edit(number, |value| {
                drop(value["summary"].as_object_mut().expect("an object").remove("risk_ratio"));
            })
        })
        .in_temp();
    let path = folder.file("r.json");
    folder.soak("audit", &["--write-readiness", path.to_str().expect("text")]);
    let found = folder.json("r.json");
    assert_eq!((&found["status"], &found["risk_ratio"]), (&json!("HOLD"), &json!(null)));
}

#[test]
fn where_there_is_nothing_an_earlier_ok_does_not_stay() {
    let folder = Run::passing(16).in_temp();
    let path = folder.file("r.json");
    let path = path.to_str().expect("text");
    folder.soak("audit", &["--legacy-readiness", path]);
    assert_eq!(folder.json("r.json")["status"], "ok");
    let nowhere = folder.file("nowhere");
    let audited = super::super::support::soak(&[
        "audit",
        "--path",
        nowhere.to_str().expect("text"),
        "--legacy-readiness",
        path,
    ]);
    assert_eq!(audited.code, 1);
    let found = folder.json("r.json");
    assert_eq!(found["status"], "hold");
    assert!(
        found["failures"][0].as_str().is_some_and(|told| told.starts_with("snapshot_missing")),
        "{found}"
    );
}

#[test]
fn two_formats_never_share_a_name() {
    let folder = Run::passing(16).in_temp();
    let path = folder.file("r.json");
    let path = path.to_str().expect("text");
    assert_eq!(folder.soak("audit", &["--legacy-readiness", path, "--write-readiness", path]).code, 2);
    assert_eq!(folder.soak("audit", &["--legacy-readiness", path]).code, 0);
    let before = folder.text("r.json");
    let refused = folder.soak("audit", &["--write-readiness", path]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("contains something else"), "{}", refused.stderr);
    assert_eq!(folder.text("r.json"), before);
    assert_eq!(folder.soak("audit", &["--legacy-readiness", path]).code, 0);
    fs::write(folder.file("notes.txt"), "mine").expect("a file");
    let notes = folder.file("notes.txt");
    assert_eq!(folder.soak("audit", &["--legacy-readiness", notes.to_str().expect("text")]).code, 1);
    assert_eq!(folder.text("notes.txt"), "mine");
}
