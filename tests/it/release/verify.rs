//! `soak release verify`: every way in which a bundle can be wrong.

use std::fs;

use serde_json::json;

use super::super::support::{Folder, Ran, Run};
use super::{Releases, forge, keeps_to, names, placed, sha256};

fn verify(place: &Folder) -> Ran {
    place.release(&["verify", "out/v1"])
}

#[track_caller]
fn tells(place: &Folder, expected: &str) {
    let verified = verify(place);
    assert_eq!(verified.code, 1, "{}", verified.stdout);
    assert!(verified.stdout.contains(expected), "{}", verified.stdout);
    assert!(verified.stdout.lines().last().is_some_and(|line| line.starts_with("[FAIL] ")));
}

fn built() -> Folder {
    let place = placed(&Run::releasable());
    place.built(&["--archive"]);
    place
}

#[test]
fn one_changed_byte_is_found_in_any_file() {
    let place = built();
    for name in names(&place.file("out/v1")) {
        let path = place.file(&format!("out/v1/{name}"));
        let bytes = fs::read(&path).expect("a file");
        let mut changed = bytes.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        fs::write(&path, &changed).expect("a file");
        assert_eq!(verify(&place).code, 1, "{name}");
        fs::write(&path, &bytes).expect("a file");
    }
    assert_eq!(verify(&place).code, 0);
    fs::write(place.file("out/v1/report.html"), "x").expect("a file");
    tells(&place, "`report.html` does not match `SHA256SUMS`: its hash differs");
}

#[test]
fn missing_and_extra_files_are_named() {
    let place = built();
    fs::remove_file(place.file("out/v1/FAILURES.md")).expect("removed");
    tells(&place, "`FAILURES.md` is missing, though `SHA256SUMS` lists it");
    let place = built();
    fs::write(place.file("out/v1/extra.md"), "x").expect("a file");
    tells(&place, "\"extra.md\" is not in `SHA256SUMS`");
    let place = built();
    fs::write(place.file("out/v1/.hidden"), "x").expect("a file");
    tells(&place, "\".hidden\"");
    let place = built();
    fs::create_dir(place.file("out/v1/folder")).expect("a folder");
    tells(&place, "\"folder\" is no plain file");
    for file in ["MANIFEST.json", "SHA256SUMS"] {
        let place = built();
        fs::remove_file(place.file(&format!("out/v1/{file}"))).expect("removed");
        tells(&place, &format!("`{file}` is missing"));
    }
}

#[cfg(unix)]
#[test]
fn links_and_hostile_names_are_refused() {
    let place = built();
    let report = place.file("out/v1/report.html");
    fs::rename(&report, place.file("report.html")).expect("moved");
    std::os::unix::fs::symlink(place.file("report.html"), &report).expect("a link");
    tells(&place, "\"report.html\" is a symbolic link");
    for name in ["-rf", "a\nb", "a\\b", "\u{1b}[2J"] {
        let place = built();
        fs::write(place.file("out/v1").join(name), "x").expect("a file");
        let verified = verify(&place);
        assert_eq!(verified.code, 1);
        assert!(!verified.stdout.contains('\u{1b}'));
    }
}

#[test]
fn a_forged_manifest_contradicts_itself() {
    // A refused run without an override.
    let place = built();
    forge(&place, |manifest| {
        manifest["facts"]["outcome"] = json!("FAIL");
        let reason = manifest["facts"]["outcome_reason"].as_str().expect("a reason");
        let reason = format!("the verdict is FAIL: {reason}");
        manifest["refusals"] = json!([{"needs": "verdict", "reason": reason}]);
    });
    tells(&place, "it may not be released, and no override is recorded");
    let place = built();
    forge(&place, |manifest| manifest["facts"]["freeze_ready"] = json!(false));
    tells(&place, "`refusals` is not what follows from `facts`");
    tells(&place, "`POST_SOAK_SNAPSHOT.json` contradicts `MANIFEST.json` in `freeze_ready`");
    let place = built();
    forge(&place, |manifest| manifest["rehearsal"] = json!(true));
    tells(&place, "it is a rehearsal, and its name does not end in `-rehearsal`");
    let place = built();
    forge(&place, |manifest| manifest["name"] = json!("-x"));
    tells(&place, "cannot be the name of a tag");
    let place = built();
    forge(&place, |manifest| manifest["files"][0]["name"] = json!("../../etc/passwd"));
    tells(&place, "cannot be the name of a file");
    let place = built();
    forge(&place, |manifest| manifest["schema_version"] = json!("2.0"));
    tells(&place, "of version `2.0`, expected");
    let place = built();
    fs::write(place.file("out/v1/policy.toml"), "x = 1\n").expect("a file");
    forge(&place, |manifest| {
        let entry = manifest["files"]
            .as_array_mut()
            .expect("a list")
            .iter_mut()
            .find(|file| file["name"] == "policy.toml")
            .expect("listed");
        *entry = json!({"name": "policy.toml", "size": 6, "sha256": sha256(b"x = 1\n")});
    });
    tells(&place, "`policy.toml` contradicts `MANIFEST.json` in the policy");
}

#[test]
fn hostile_manifests_are_errors_and_no_crash() {
    for text in ["null", "", "[]", "{", "{\"kind\": 1}"] {
        let place = built();
        fs::write(place.file("out/v1/MANIFEST.json"), text).expect("a file");
        tells(&place, "`MANIFEST.json` cannot be used");
    }
    let place = built();
    fs::write(place.file("out/v1/MANIFEST.json"), "[".repeat(100_000)).expect("a file");
    tells(&place, "nest too deep");
    let place = built();
    fs::write(place.file("out/v1/SHA256SUMS"), b"\xff\xfe").expect("a file");
    tells(&place, "`SHA256SUMS` cannot be used");
}

#[test]
fn the_json_result_keeps_to_its_schema_and_what_is_no_bundle_is_an_error() {
    let place = built();
    let verified = place.release(&["verify", "out/v1.tar.gz", "--format", "json"]);
    assert_eq!(verified.code, 0);
    keeps_to("release_verify", &verified.json());
    assert_eq!(
        verified.json()["bundle_sha256"],
        sha256(&fs::read(place.file("out/v1/SHA256SUMS")).expect("a file"))
    );
    for nothing in ["nowhere", "run/ITER_SUMMARY_1.json"] {
        let refused = place.release(&["verify", nothing]);
        assert!(refused.code == 1 && refused.stderr.contains("hint: "), "{}", refused.stderr);
    }
    assert_eq!(place.release(&["verify", "run"]).code, 1);
}

/// `sha256sum` itself agrees, where the machine has it.
#[cfg(target_os = "linux")]
#[test]
fn sha256sum_checks_the_bundle_too() {
    let place = built();
    let checked = std::process::Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(place.file("out/v1"))
        .output();
    let Ok(checked) = checked else { return };
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    assert_eq!(String::from_utf8_lossy(&checked.stdout).lines().count(), 16);
}
