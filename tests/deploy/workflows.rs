//! The workflows of CI: least rights, pinned actions, no input in shell text, nothing that fails silently, command
//! lines that the program understands; and the chains of pull request and night, run as they stand there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::deploy::commands;
use crate::deploy::files::{list, names, path, text, word, yaml};

const FOLDER: &str = ".github/workflows";

/// All workflows by name of the file.
fn workflows() -> BTreeMap<String, Value> {
    names(FOLDER, ".yml").into_iter().map(|name| (name.clone(), yaml(&format!("{FOLDER}/{name}")))).collect()
}

/// The jobs of a workflow.
fn jobs(workflow: &Value) -> Vec<(&String, &Value)> {
    workflow["jobs"].as_object().expect("jobs").iter().collect()
}

/// Every step, with the workflow and the job it is in.
fn steps(workflows: &BTreeMap<String, Value>) -> Vec<(String, &Value)> {
    let mut all = Vec::new();
    for (file, workflow) in workflows {
        for (name, job) in jobs(workflow) {
            all.extend(list(&job["steps"]).iter().map(|step| (format!("{file}, {name}"), step)));
        }
    }
    all
}

/// The scripts of the steps.
fn scripts(workflows: &BTreeMap<String, Value>) -> Vec<(String, String)> {
    let scripts = steps(workflows).into_iter().filter(|(_, step)| step.get("run").is_some());
    scripts.map(|(place, step)| (place, word(&step["run"]).to_owned())).collect()
}

#[test]
fn the_workflows_are_all_there() {
    let found: Vec<String> = workflows().into_keys().collect();
    assert_eq!(found, ["ci.yml", "nightly.yml", "post-soak-analyze.yml", "release.yml", "soak.yml"]);
}

#[test]
fn rights_are_the_least_and_a_job_says_when_it_needs_more() {
    let may_write =
        [("post-soak-analyze.yml", "comment", "pull-requests"), ("release.yml", "publish", "contents")];
    for (file, workflow) in workflows() {
        assert_eq!(workflow["permissions"], serde_json::json!({"contents": "read"}), "{file}");
        for (name, job) in jobs(&workflow) {
            let allowed = may_write.iter().find(|(f, j, _)| *f == file && j == name);
            let expected = match allowed {
                Some((_, _, right)) => serde_json::json!({*right: "write"}),
                None => Value::Null,
            };
            assert_eq!(job.get("permissions").cloned().unwrap_or_default(), expected, "{file}, {name}");
        }
    }
}

#[test]
fn every_action_is_pinned_to_a_commit_and_says_its_version() {
    let mut pins: BTreeMap<String, String> = BTreeMap::new();
    for name in names(FOLDER, ".yml") {
        for line in text(&format!("{FOLDER}/{name}")).lines() {
            let Some((_, used)) = line.split_once("uses: ") else { continue };
            if used == "./.github/workflows/ci.yml" {
                continue;
            }
            let (action, version) =
                used.split_once(" # v").unwrap_or_else(|| panic!("{name}: no version: {used}"));
            assert!(version.split('.').count() == 3, "{name}: {used}");
            let (action, commit) = action.split_once('@').expect("a commit");
            assert!(commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()), "{name}: {used}");
            assert!(action.starts_with("actions/"), "{name}: somebody else's action: {action}");
            let repository = action.splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
            let pin = pins.entry(repository).or_insert_with(|| commit.to_owned());
            assert_eq!(pin, commit, "{name}: {action} has two pins");
        }
    }
    assert!(pins.contains_key("actions/checkout") && pins.contains_key("actions/upload-artifact"));
}

#[test]
fn nothing_of_an_event_stands_in_the_text_of_a_script() {
    let all = workflows();
    let scripts = scripts(&all);
    assert!(scripts.len() > 25);
    for (place, script) in scripts {
        assert!(!script.contains("${{"), "{place}: {script}");
    }
}

#[test]
fn nothing_fails_silently() {
    let all = workflows();
    for (file, workflow) in &all {
        assert_eq!(workflow["defaults"]["run"]["shell"], "bash", "{file}: without pipefail");
        assert!(!text(&format!("{FOLDER}/{file}")).contains("continue-on-error"), "{file}");
        for (name, job) in jobs(workflow) {
            let is_call = job.get("uses").is_some();
            assert!(is_call || job.get("timeout-minutes").is_some(), "{file}, {name}: no time limit");
        }
    }
    for (place, script) in scripts(&all) {
        for silent in ["|| true", "|| :", "set +e", "2>/dev/null", "&>/dev/null"] {
            assert!(!script.contains(silent), "{place}: {silent}");
        }
    }
    for (place, step) in steps(&all) {
        let is_upload =
            step.get("uses").is_some_and(|used| word(used).starts_with("actions/upload-artifact@"));
        assert!(!is_upload || step["with"]["if-no-files-found"] == "error", "{place}");
    }
}

#[test]
fn what_a_soak_left_is_kept_whether_it_passed_or_not() {
    for (file, workflow) in workflows() {
        for (name, job) in jobs(&workflow) {
            let steps = list(&job["steps"]);
            let runs = |step: &Value| step.get("run").is_some_and(|run| word(run).contains("soak gate"));
            let keeps = |step: &Value| {
                let used = step.get("uses").map(word).unwrap_or_default();
                used.starts_with("actions/upload-artifact@") && step["if"] == "always()"
            };
            let is_release = file == "release.yml";
            assert!(is_release || !steps.iter().any(runs) || steps.iter().any(keeps), "{file}, {name}");
        }
    }
}

#[test]
fn no_job_outlives_the_six_hours_of_a_hosted_runner() {
    for (file, workflow) in workflows() {
        for (name, job) in jobs(&workflow) {
            if let Some(minutes) = job["timeout-minutes"].as_u64() {
                assert!(minutes < 360, "{file}, {name}");
            }
        }
    }
    // The one that depends on its input: so many minutes, and so many seconds of soak within.
    let text = text(".github/workflows/soak.yml");
    assert!(text.contains("|| 355 }}") && text.contains("|| 18900 }}"));
    // 355 minutes less 315: forty are left for what is not the soak.
}

/// Puts examples in the place of variables.
fn with_examples(line: &str) -> String {
    let mut line = line.to_owned();
    for (variable, example) in [("$HOURS", "72"), ("${source[@]}", "--mock"), ("$binary", "soak")] {
        line = line.replace(&format!("\"{variable}\""), example);
    }
    line
}

/// The command lines of soak in a script.
fn command_lines(script: &str) -> Vec<String> {
    let joined = script.replace("\\\n", " ");
    let mut found = Vec::new();
    for line in joined.lines().map(str::trim).map(with_examples) {
        let is_command = line.starts_with("soak ") || line.starts_with("timeout ");
        if let Some(begins) = line.find("soak ").filter(|_| is_command) {
            found.push(line[begins..].to_owned());
        }
    }
    found
}

#[test]
fn every_command_line_is_understood() {
    let all = workflows();
    let mut count = 0;
    for (place, script) in scripts(&all) {
        for line in command_lines(&script) {
            assert!(
                !line.contains('$') || line.contains("$?"),
                "{place}: a variable without an example: {line}"
            );
            assert_eq!(commands::problem(&line, true), None, "{place}");
            count += 1;
        }
    }
    assert!(count >= 19, "only {count} command lines found");
}

#[test]
fn a_soak_by_hand_has_the_inputs_of_its_document_and_names_its_source() {
    let all = workflows();
    let inputs = &all["soak.yml"]["on"]["workflow_dispatch"]["inputs"];
    assert_eq!(inputs["duration_hours"]["default"], serde_json::json!(72));
    assert_eq!(inputs["mock_mode"]["default"], serde_json::json!(false));
    assert_eq!(inputs["mock_mode"]["type"], "boolean");
    for (place, script) in scripts(&all) {
        for line in command_lines(&script).iter().filter(|line| line.starts_with("soak run ")) {
            let is_named = ["--mock", "--source ", " -- "].iter().any(|source| line.contains(source));
            assert!(is_named, "{place}: {line}");
        }
    }
    let soak = scripts(&all)
        .into_iter()
        .find(|(place, script)| place == "soak.yml, segment" && script.contains("soak run"));
    let (_, script) = soak.expect("the soak");
    for source in [
        "source=(--source sim --real-time)",
        "source=(--source prometheus --prometheus-url \"$PROMETHEUS_URL\")",
    ] {
        assert!(script.contains(source), "{script}");
    }
}

#[test]
fn every_runner_is_one_that_is_still_there() {
    // Hosted runners that are not announced to be retired; macOS 14 was, on 2026-11-02.
    let known = ["ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "windows-2022"];
    for (file, workflow) in workflows() {
        for (name, job) in jobs(&workflow) {
            let runner = job["runs-on"].as_str().unwrap_or_default();
            let of_matrix = job["strategy"]["matrix"]["include"].as_array().into_iter().flatten();
            let named: Vec<&str> = match runner {
                "${{ matrix.runner }}" => of_matrix.filter_map(|row| row["runner"].as_str()).collect(),
                "" => Vec::new(),
                runner if runner.contains("|| 'ubuntu-24.04' }}") => vec!["ubuntu-24.04"],
                runner => vec![runner],
            };
            assert!(named.iter().all(|runner| known.contains(runner)), "{file}, {name}: {named:?}");
        }
    }
}

#[test]
fn the_licences_of_what_draws_the_pictures_are_allowed() {
    let deny = text("deny.toml");
    for licence in ["BSD-2-Clause", "BSD-3-Clause", "MIT", "Apache-2.0", "Zlib"] {
        assert!(deny.contains(&format!("    \"{licence}\",")), "{licence}");
    }
}

#[test]
fn the_containerfile_takes_what_the_release_packs() {
    let file = text(".github/Containerfile");
    let lines: Vec<&str> = file.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines[0], "FROM scratch", "nothing that a static binary does not need");
    let copied: BTreeSet<&str> =
        lines.iter().filter_map(|line| line.strip_prefix("COPY ")?.split(' ').next()).collect();
    assert_eq!(copied, BTreeSet::from(["soak", "LICENSE", "deploy"]));
    assert!(
        lines.iter().any(|line| line.starts_with("USER ") && !line.contains("root") && !line.contains(" 0"))
    );
    let release = text(".github/workflows/release.yml");
    for packed in ["cp LICENSE README.md", "cp -r deploy", "dist/soak\""] {
        assert!(release.contains(packed), "{packed}");
    }
}

/// The scripts of a job that call soak, in order, with the names of their steps; without those of commands that are
/// yet to come.
fn chain(file: &str, job: &str) -> (BTreeMap<String, String>, Vec<(String, String)>) {
    let all = workflows();
    let job = &all[file]["jobs"][job];
    let environment = job["env"].as_object().expect("variables").iter();
    let environment = environment.map(|(name, value)| (name.clone(), word(value).to_owned())).collect();
    let is_known = |script: &str| {
        command_lines(script).iter().all(|line| {
            let name = line.split_whitespace().nth(1).unwrap_or_default();
            soak::cli::definition().find_subcommand(name).is_some()
        })
    };
    let steps = list(&job["steps"]).iter().filter_map(|step| {
        let script = word(step.get("run")?).to_owned();
        let is_ours = !command_lines(&script).is_empty() && is_known(&script);
        is_ours.then(|| (word(&step["name"]).to_owned(), script))
    });
    (environment, steps.collect())
}

/// Runs a script as a runner does; its exit code and what it said.
fn run(script: &str, environment: &BTreeMap<String, String>, folder: &Path) -> (i32, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_soak")).parent().expect("a folder").to_path_buf();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let paths =
        std::env::join_paths([program].into_iter().chain(std::env::split_paths(&paths))).expect("paths");
    let mut command = Command::new("bash");
    for variable in [
        "SOAK_OUT_DIR",
        "SOAK_POLICY",
        "SOAK_NOW",
        "USE_MOCK",
        "READINESS_OVERRIDE",
        "SOAK_DETAILED_EXITCODE",
    ] {
        command.env_remove(variable);
    }
    let done = command
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
        .env("SOAK_NO_CONFIG", "1")
        .envs(environment)
        .env("PATH", paths)
        .env("GITHUB_STEP_SUMMARY", folder.join("summary.md"))
        .current_dir(folder)
        .output()
        .expect("bash runs");
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    (done.status.code().unwrap_or(-1), said)
}

/// A checkout as far as the chains need it.
fn checkout() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let golden = folder.path().join(".github/golden");
    std::fs::create_dir_all(&golden).expect("a folder");
    for name in names(".github/golden", ".json") {
        std::fs::copy(path(".github/golden").join(&name), golden.join(&name)).expect("copied");
    }
    folder
}

#[cfg(unix)]
#[test]
fn the_chain_of_a_pull_request_passes_as_it_stands() {
    let (environment, steps) = chain("post-soak-analyze.yml", "analyze");
    assert_eq!(steps.len(), 6);
    let folder = checkout();
    for (name, script) in &steps {
        let (code, said) = run(script, &environment, folder.path());
        assert_eq!(code, 0, "{name}: {said}");
    }
    for file in ["pr_summary.md", "gate.xml", "soak/latest/POST_SOAK_METRICS.prom"] {
        assert!(folder.path().join("artifacts").join(file).is_file(), "{file}");
    }
    let summary = std::fs::read_to_string(folder.path().join("summary.md")).expect("a summary");
    assert!(summary.contains("Soak gate: PASS") && summary.contains("READINESS: OK"), "{summary}");
}

#[cfg(unix)]
#[test]
fn the_chain_of_a_pull_request_fails_where_something_is_missed() {
    let (environment, steps) = chain("post-soak-analyze.yml", "analyze");
    let step = |name: &str| {
        let found = steps.iter().find(|(found, _)| found.starts_with(name));
        found.unwrap_or_else(|| panic!("no step {name}")).1.clone()
    };
    let folder = checkout();
    let at = |name: &str| run(&step(name), &environment, folder.path());
    // Nothing was run yet: a gate without input fails, and so does every other step.
    for name in ["Deltas", "Gate", "Golden", "KPI limits", "Summary"] {
        assert_ne!(at(name).0, 0, "{name}");
    }
    assert!(!folder.path().join("artifacts/pr_summary.md").exists(), "an empty summary is none");
    assert_eq!(at("Soak").0, 0);
    // Had the deltas failed, the audit would not have been made; the pull request is told of the run all the same.
    assert_eq!(at("Summary").0, 0);
    let told = std::fs::read_to_string(folder.path().join("artifacts/pr_summary.md")).expect("a summary");
    assert!(told.contains("READINESS: OK"), "{told}");
    assert_eq!(at("Gate").0, 0);
    let snapshot = folder.path().join("artifacts/soak/latest/POST_SOAK_SNAPSHOT.json");
    let drifted = std::fs::read_to_string(&snapshot)
        .expect("a snapshot")
        .replace("\"anomalies_count\":0", "\"anomalies_count\":1");
    std::fs::write(&snapshot, drifted).expect("written");
    assert_ne!(at("Golden").0, 0, "drift");
    let file = folder.path().join("artifacts/soak/latest/ITER_SUMMARY_7.json");
    std::fs::write(&file, "{").expect("written");
    assert_eq!(at("Gate").0, 4, "a corrupt iteration");
    assert_ne!(at("KPI limits").0, 0, "a corrupt iteration");
    std::fs::remove_file(&file).expect("removed");
    assert_ne!(at("Gate").0, 0, "a missing iteration");
}

#[cfg(unix)]
#[test]
fn the_chain_of_the_night_passes_as_far_as_its_commands_are_there() {
    let (environment, steps) = chain("nightly.yml", "soak");
    let names: Vec<&str> = steps.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..4], ["Soak", "Gate, strict", "Audit, HOLD fails", "Golden comparison"]);
    let folder = checkout();
    for (name, script) in steps.iter().take(4) {
        let (code, said) = run(script, &environment, folder.path());
        assert_eq!(code, 0, "{name}: {said}");
    }
    // A market in which nothing passes turns the night red.
    let always_bad = steps[0].1.replace("--mock", "--mock --scenario always-bad");
    run(&always_bad, &environment, folder.path());
    for (name, script) in &steps[1..4] {
        assert_ne!(run(script, &environment, folder.path()).0, 0, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn seven_nights_make_a_score_and_the_first_one_makes_none() {
    let (environment, steps) = chain("nightly.yml", "soak");
    let names: Vec<&str> = steps.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names[4..],
        [
            "Readiness, recorded",
            "Readiness, scored; not GO fails",
            "Readiness, validated",
            "Bundle, as a plan"
        ]
    );
    let folder = checkout();
    for night in 1..=7 {
        let mut environment = environment.clone();
        environment.insert("SOAK_NOW".to_owned(), format!("2026-03-0{night}T02:00:00Z"));
        for (name, script) in &steps {
            let (code, said) = run(script, &environment, folder.path());
            let is_too_early = night < 7
                && ["Readiness, scored", "Readiness, validated"].iter().any(|n| name.starts_with(n));
            assert_eq!(code == 0, !is_too_early, "night {night}, {name}: {code}: {said}");
        }
    }
}
