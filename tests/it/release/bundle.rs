//! What a bundle holds, when there is none, and what happens to what was there before.

use std::fs;

use serde_json::{Value, json};

use super::super::support::{Folder, Run, Step, overrides};
use super::{Releases, keeps_to, names, placed, sha256};

const FILES: [&str; 17] = [
    "CANARY_CHECKLIST.md",
    "CHANGELOG.md",
    "DELTA_VERIFY_REPORT.json",
    "DELTA_VERIFY_REPORT.md",
    "FAILURES.md",
    "MANIFEST.json",
    "POST_SOAK_AUDIT.md",
    "POST_SOAK_AUDIT_SUMMARY.json",
    "POST_SOAK_AUDIT_SUMMARY.md",
    "POST_SOAK_ITER_TABLE.csv",
    "POST_SOAK_SNAPSHOT.json",
    "RECOMMENDATIONS.md",
    "SHA256SUMS",
    "policy.toml",
    "report.html",
    "rollback_plan.md",
    "soak_profile.runtime_overrides.json",
];

/// Which needs the refusal names, in its order.
fn needs(stderr: &str) -> Vec<&str> {
    stderr
        .lines()
        .filter(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

#[test]
fn a_run_that_passes_becomes_a_whole_bundle_and_nothing_else_is_left() {
    let place = placed(&Run::releasable());
    let before = names(&place.file("run"));
    let built = place.built(&["--archive", "--commit", "0123456789abcdef"]);
    assert_eq!(names(&place.file("out/v1")), FILES);
    assert_eq!(names(&place.file("out")), ["v1", "v1.tar.gz"]);
    assert_eq!(names(&place.file("run")), before, "the run is only read");
    let manifest = place.json("out/v1/MANIFEST.json");
    keeps_to("release_bundle", &manifest);
    assert_eq!(manifest["name"], "v1");
    assert_eq!(manifest["created"], "2026-01-01T01:20:00Z");
    assert_eq!(manifest["facts"]["commits"], json!(["0123456789abcdef"]));
    assert_eq!(manifest["facts"]["deltas"]["full_apply_ratio"], json!(1.0));
    assert_eq!((&manifest["override"], &manifest["refusals"]), (&Value::Null, &json!([])));
    assert_eq!(
        manifest["notes"]["parameters"],
        json!([{"from": 60.0, "param": "min_interval_ms", "to": 65.0, "unit": "ms"}])
    );
    assert!(built.stdout.contains("Bundle `v1` written: out/v1"), "{}", built.stdout);
    for bundle in ["out/v1", "out/v1.tar.gz"] {
        let verified = place.release(&["verify", bundle]);
        assert_eq!((verified.code, verified.stdout.lines().count()), (0, 2), "{}", verified.stdout);
    }
}

#[test]
fn the_policy_in_the_bundle_is_the_one_that_judged() {
    let place = placed(&Run::releasable());
    place.built(&[]);
    let wanted = place.json("out/v1/MANIFEST.json")["policy_sha256"].clone();
    fs::copy(place.file("out/v1/policy.toml"), place.file("policy.toml")).expect("a copy");
    place.release(&["bundle", "--src", "run", "--out", "out/v2", "--policy", "policy.toml"]);
    assert_eq!(place.json("out/v2/MANIFEST.json")["policy_sha256"], wanted);
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let (one, other) = (placed(&Run::releasable()), placed(&Run::releasable()));
    one.built(&["--archive"]);
    other.built(&["--archive"]);
    for file in FILES {
        let path = format!("out/v1/{file}");
        assert_eq!(one.text(&path), other.text(&path), "{file}");
    }
    let archive = |place: &Folder| fs::read(place.file("out/v1.tar.gz")).expect("an archive");
    assert_eq!(archive(&one), archive(&other));
    // Built again, it stays as it is.
    let time = |place: &Folder| {
        fs::metadata(place.file("out/v1/MANIFEST.json")).and_then(|found| found.modified()).ok()
    };
    let before = time(&one);
    one.built(&["--archive"]);
    assert_eq!(time(&one), before);
}

#[test]
fn what_may_not_be_released_is_refused_with_every_reason_at_once() {
    let bad: Run = (1..=9).map(Step::bad).collect();
    let place = placed(&bad.with_json("runtime_overrides.json", &overrides(500.0)));
    let refused = place.bundle(&["--commit", "0123456"]);
    assert_eq!(refused.code, 1);
    let expected = ["verdict", "freeze", "readiness", "source", "iterations", "bounds", "profile"];
    assert_eq!(needs(&refused.stderr), expected);
    assert!(refused.stderr.contains("min_interval_ms is 500, allowed 40 to 80"), "{}", refused.stderr);
    assert!(refused.stderr.contains("min_interval_ms is 500, iteration 9 ran with 60"), "{}", refused.stderr);
    assert!(!place.file("out").exists(), "nothing is left behind");
}

#[test]
fn each_need_stands_for_itself() {
    let one = |run: &Run, args: &[&str]| {
        let place = placed(run);
        let refused = place.bundle(args);
        assert_eq!(refused.code, 1, "{}", refused.stdout);
        needs(&refused.stderr).join(" ")
    };
    let run = Run::releasable();
    // A WARN is no PASS: nothing froze.
    let no_freeze: Run = (1..=16).map(Step::good).collect();
    let no_freeze =
        no_freeze.declared(16, "complete", 16).with_json("runtime_overrides.json", &overrides(60.0));
    assert_eq!(one(&no_freeze, &[]), "verdict freeze");
    // HOLD with a PASS: net 2.8 passes 2.7 and misses 2.9.
    let hold =
        (1..=16).fold(run.clone(), |run, n| run.edit(n, |value| value["summary"]["net_bps"] = json!(2.8)));
    assert_eq!(one(&hold, &[]), "readiness");
    // Simulated, by the manifest or by a single iteration.
    let sim = run.clone().with_json(
        "RUN_MANIFEST.json",
        &json!({"schema_version": "1.0", "iterations": 16, "state": "complete", "last_complete_iteration": 16, "source": "sim"}),
    );
    assert_eq!(one(&sim, &[]), "source");
    assert_eq!(one(&run.clone().edit(5, |value| value["source"] = json!("sim")), &[]), "source");
    // Nothing says where the data came from.
    assert_eq!(one(&run.clone().without("RUN_MANIFEST.json"), &[]), "source");
    assert_eq!(one(&run, &["--mock"]), "limits");
    assert_eq!(
        one(
            &Run::passing(15)
                .declared(15, "complete", 15)
                .with_json("runtime_overrides.json", &overrides(60.0)),
            &[]
        ),
        "iterations"
    );
    let commits = run.clone().edit(1, |value| value["commit"] = json!("aaaaaaaaaa"));
    assert_eq!(one(&commits, &["--commit", "bbbbbbbbbb"]), "commit");
    // Overrides that nobody soaked: changed by hand, changed after the last iteration, or not recorded.
    let by_hand = run.clone().with_json("runtime_overrides.json", &overrides(64.0));
    assert_eq!(one(&by_hand, &[]), "profile");
    let late = run.clone().tuned(16, 1.0).with_json("runtime_overrides.json", &overrides(66.0));
    assert_eq!(one(&late, &[]), "profile");
    let unrecorded: Run = (1..=16).fold(Run::passing(16).declared(16, "complete", 16), |run, n| {
        run.edit(n, |value| value["runtime_overrides"] = Value::Null)
    });
    assert_eq!(one(&unrecorded.with_json("runtime_overrides.json", &overrides(60.0)), &[]), "profile");
    // A running, a corrupt and an incomplete run are no PASS.
    assert_eq!(one(&run.clone().declared(20, "running", 16), &[]), "verdict freeze readiness");
    assert_eq!(one(&run.with("ITER_SUMMARY_16.json", "{"), &[]).split(' ').next(), Some("verdict"));
}

#[test]
fn tuning_that_did_not_arrive_is_in_the_way_below_its_own_limit() {
    // One of twelve proposals is lost: 11/12 is 0.917, enough for the gate and not for a release.
    let run = (1..=12).fold(Run::releasable(), |run, n| run.tuned(n, if n % 2 == 0 { 1.0 } else { -1.0 }));
    let lost = run.edit(12, |value| value["tuning"]["proposed_deltas"] = json!({"min_interval_ms": 7.0}));
    let place = placed(&lost.with_json("runtime_overrides.json", &overrides(60.0)));
    let refused = place.bundle(&[]);
    assert_eq!(needs(&refused.stderr), ["deltas"], "{}", refused.stderr);
    assert!(refused.stderr.contains("0.917, required >= 0.95"), "{}", refused.stderr);
}

#[test]
fn an_override_builds_the_bundle_and_stands_everywhere() {
    let bad: Run = (1..=9).map(Step::bad).collect();
    let place = placed(&bad.with_json("runtime_overrides.json", &overrides(60.0)));
    let built = place.built(&["--override", "the exchange was down"]);
    assert!(built.stdout.contains("OVERRIDDEN by tester: the exchange was down"), "{}", built.stdout);
    let manifest = place.json("out/v1/MANIFEST.json");
    assert_eq!(
        (&manifest["override"]["by"], &manifest["override"]["reason"]),
        (&json!("tester"), &json!("the exchange was down"))
    );
    let needs: Vec<&str> = manifest["refusals"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|refusal| refusal["needs"].as_str())
        .collect();
    assert_eq!(needs, ["verdict", "freeze", "readiness", "source", "iterations"]);
    for file in FILES {
        if [".md", ".html", ".json"].iter().any(|end| file.ends_with(end))
            && file != "soak_profile.runtime_overrides.json"
        {
            assert!(place.text(&format!("out/v1/{file}")).contains("the exchange was down"), "{file}");
        }
    }
    let verified = place.release(&["verify", "out/v1"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
    assert!(verified.stdout.contains("(OVERRIDDEN)"), "{}", verified.stdout);
    // Words without a meaning are no reason.
    assert_eq!(place.bundle(&["--override", "1"]).code, 2);
}

#[test]
fn a_rehearsal_takes_simulated_data_says_so_everywhere_and_takes_nothing_else() {
    let sim = Run::releasable().edit(5, |value| value["source"] = json!("sim"));
    let place = placed(&sim);
    place.built(&["--rehearsal", "--mock"]);
    let manifest = place.json("out/v1/MANIFEST.json");
    assert_eq!((&manifest["name"], &manifest["rehearsal"]), (&json!("v1-rehearsal"), &json!(true)));
    for file in FILES {
        let text = place.text(&format!("out/v1/{file}"));
        match file {
            _ if [".md", ".html"].iter().any(|end| file.ends_with(end)) => {
                assert!(text.contains("REHEARSAL: this is no statement about a release."), "{file}");
            }
            "soak_profile.runtime_overrides.json" => {}
            _ if file.strip_suffix(".json").is_some() => {
                assert!(text.contains("\"rehearsal\": true"), "{file}");
            }
            _ => {}
        }
    }
    keeps_to("post_soak_snapshot_1_2", &place.json("out/v1/POST_SOAK_SNAPSHOT.json"));
    keeps_to("delta_verify_report", &place.json("out/v1/DELTA_VERIFY_REPORT.json"));
    keeps_to("post_soak_audit_summary", &place.json("out/v1/POST_SOAK_AUDIT_SUMMARY.json"));
    let failing = sim.failing(&[12, 13, 14, 15, 16]).with_json("runtime_overrides.json", &overrides(60.0));
    let failing = placed(&failing);
    let refused = failing.bundle(&["--rehearsal"]);
    assert_eq!(refused.code, 1);
    assert_eq!(needs(&refused.stderr), ["verdict", "freeze", "readiness"]);
}

#[test]
fn a_dry_run_shows_the_plan_and_writes_nothing() {
    let place = placed(&Run::releasable());
    let planned = place.built(&["--dry-run", "--archive"]);
    assert!(planned.stdout.contains("Bundle `v1` would be written: out/v1"), "{}", planned.stdout);
    assert!(planned.stdout.contains("Archive would be written: out/v1.tar.gz"), "{}", planned.stdout);
    assert_eq!(names(place.path()), ["run"]);
    let hash =
        |text: &str| text.lines().find_map(|line| line.strip_prefix("Bundle-SHA256: ")).map(str::to_owned);
    assert_eq!(hash(&planned.stdout), hash(&place.built(&[]).stdout));
}

#[test]
fn files_of_an_earlier_build_do_not_survive() {
    let place = placed(&Run::releasable());
    place.built(&["--override", "first of two"]);
    let first = place.text("out/v1/CHANGELOG.md");
    // A file that the sums do not list is somebody else's; one that they list was written by an earlier soak.
    fs::write(place.file("out/v1/OLD.md"), "old").expect("a file");
    assert_eq!(place.bundle(&[]).code, 1);
    let sums = place.text("out/v1/SHA256SUMS") + &format!("{}  OLD.md\n", sha256(b"old"));
    fs::write(place.file("out/v1/SHA256SUMS"), sums).expect("a file");
    place.built(&[]);
    assert_ne!(place.text("out/v1/CHANGELOG.md"), first);
    assert_eq!(names(&place.file("out/v1")), FILES);
    assert_eq!(names(&place.file("out")), ["v1"]);
}

#[test]
fn what_soak_did_not_write_is_left_alone() {
    let place = placed(&Run::releasable());
    fs::create_dir_all(place.file("out/v1")).expect("a folder");
    fs::write(place.file("out/v1/thesis.doc"), "mine").expect("a file");
    let refused = place.bundle(&[]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("hint: nothing was touched"), "{}", refused.stderr);
    assert_eq!(place.bundle(&["--dry-run"]).stderr, refused.stderr, "a dry run knows it, too");
    assert_eq!(names(&place.file("out/v1")), ["thesis.doc"]);
    assert_eq!(names(&place.file("out")), ["v1"], "no scraps");
    // An empty folder is fine.
    fs::remove_file(place.file("out/v1/thesis.doc")).expect("removed");
    place.built(&[]);
    // A checklist that somebody has ticked is theirs.
    fs::write(place.file("out/v1/CANARY_CHECKLIST.md"), "- [x] done").expect("a file");
    assert_eq!(place.bundle(&[]).code, 1);
    assert_eq!(place.text("out/v1/CANARY_CHECKLIST.md"), "- [x] done");
    // An archive that is none of ours.
    let place = placed(&Run::releasable());
    fs::create_dir(place.file("out")).expect("a folder");
    fs::write(place.file("out/v1.tar.gz"), "mine").expect("a file");
    assert_eq!(place.bundle(&["--archive"]).code, 1);
    assert_eq!(place.text("out/v1.tar.gz"), "mine");
    assert!(!place.file("out/v1").exists());
}

#[cfg(unix)]
#[test]
fn links_are_not_written_through() {
    let place = placed(&Run::releasable());
    fs::create_dir_all(place.file("elsewhere")).expect("a folder");
    fs::create_dir(place.file("out")).expect("a folder");
    std::os::unix::fs::symlink(place.file("elsewhere"), place.file("out/v1")).expect("a link");
    let refused = place.bundle(&[]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("is a symbolic link"), "{}", refused.stderr);
    assert!(names(&place.file("elsewhere")).is_empty());
    // Nor is a profile read through one.
    let place = placed(&Run::releasable());
    fs::rename(place.file("run/runtime_overrides.json"), place.file("elsewhere.json")).expect("moved");
    std::os::unix::fs::symlink(place.file("elsewhere.json"), place.file("run/runtime_overrides.json"))
        .expect("a link");
    let refused = place.bundle(&["--override", "we want it"]);
    assert!(refused.code == 1 && refused.stderr.contains("it is a symbolic link"), "{}", refused.stderr);
}

#[test]
fn names_and_places_that_make_no_sense_are_refused() {
    let place = placed(&Run::releasable());
    for name in ["-x", "a b", "a\nb", "../x", "a..b", ""] {
        assert_eq!(place.bundle(&[&format!("--name={name}")]).code, 2, "{name:?}");
    }
    for out in ["run/bundle", "run", ".", "out/two words"] {
        let refused = place.release(&["bundle", "--src", "run", "--out", out]);
        assert_eq!(refused.code, 2, "{out}: {}", refused.stderr);
    }
    let named = place.release(&["bundle", "--src", "run", "--out", "out/two words", "--name", "release/v1"]);
    assert_eq!(named.code, 0, "{}", named.stderr);
    assert_eq!(place.json("out/two words/MANIFEST.json")["name"], "release/v1");
}

#[test]
fn without_a_profile_or_iterations_no_override_helps() {
    let override_it = ["--override", "we want it"];
    let place = placed(&Run::releasable().without("runtime_overrides.json"));
    let refused = place.bundle(&override_it);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("it is not there"), "{}", refused.stderr);
    for (damage, told) in [
        ("{", "EOF"),
        ("[]", "expected an object"),
        ("{}", "it holds no parameter"),
        ("{\"tail_age_ms\": NaN}", "not finite"),
    ] {
        let place = placed(&Run::releasable().with("runtime_overrides.json", damage));
        let refused = place.bundle(&override_it);
        assert!(refused.code == 1 && refused.stderr.contains(told), "{damage}: {}", refused.stderr);
    }
    let place = placed(&Run::default().with_json("runtime_overrides.json", &overrides(60.0)));
    assert!(place.bundle(&override_it).stderr.contains("there is nothing to release"));
    let nowhere = place.release(&["bundle", "--src", "nowhere", "--out", "out/v1"]);
    assert_eq!(nowhere.code, 1);
    assert!(!place.file("out").exists());
}

#[test]
fn the_profile_keeps_its_shape_and_loses_the_dust_of_additions() {
    let nested = json!({"engine": {"min_interval_ms": 65, "tail_age_ms": 600}, "risk": {"impact_cap_ratio": 0.099_999_999_999_999_99, "mode": "x"}});
    let place = placed(&Run::releasable().with_json("runtime_overrides.json", &nested));
    place.built(&[]);
    assert_eq!(
        place.json("out/v1/soak_profile.runtime_overrides.json"),
        json!({"engine": {"min_interval_ms": 65, "tail_age_ms": 600}, "risk": {"impact_cap_ratio": 0.1, "mode": "x"}})
    );
}
