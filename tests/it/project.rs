//! `soak.toml`: where it is found, what comes over it, and where it is named.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

use crate::it::support::{Folder, Ran, Run, program, ran};

/// A repository with a `soak.toml` and a folder in it.
struct Project {
    place: Folder,
}

const LIMIT: &str = "[iteration_pass.kpi.net_bps]\nlimit = 3.1\n";

impl Project {
    fn new(text: &str) -> Self {
        let place = Run::default().with("soak.toml", text).in_temp();
        for folder in [".git", "below"] {
            fs::create_dir(place.file(folder)).expect("made");
        }
        Self { place }
    }

    fn path(&self) -> &Path {
        self.place.path()
    }

    fn below(&self) -> PathBuf {
        self.place.file("below")
    }

    /// The program in a folder of it, which looks for the file.
    fn soak(folder: &Path, args: &[&str]) -> Command {
        let mut command = program();
        command.current_dir(folder).args(args).env_remove("SOAK_NO_CONFIG");
        command
    }

    /// The limit on net in force and its origin.
    fn limit(folder: &Path, args: &[&str], change: impl FnOnce(&mut Command)) -> String {
        let mut command = Self::soak(folder, &[&["config", "show"], args].concat());
        change(&mut command);
        let Ran { code, stdout, stderr } = ran(&mut command);
        assert_eq!(code, 0, "{stderr}");
        let line = stdout.lines().find(|line| line.starts_with("iteration_pass.kpi.net_bps.limit"));
        line.expect("shown").split_whitespace().skip(2).collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn it_is_found_in_the_current_folder_and_above_up_to_the_root_of_the_repository() {
    let project = Project::new(LIMIT);
    assert_eq!(Project::limit(project.path(), &[], |_| ()), "3.1 # soak.toml:2");
    assert_eq!(Project::limit(&project.below(), &[], |_| ()), "3.1 # ../soak.toml:2");
    fs::create_dir(project.below().join(".git")).expect("made");
    assert_eq!(Project::limit(&project.below(), &[], |_| ()), "2.7 # built-in policy");
}

#[test]
fn the_home_folder_ends_the_search_where_there_is_no_repository() {
    let project = Project::new(LIMIT);
    fs::remove_dir(project.place.file(".git")).expect("removed");
    let home = project.path().to_owned();
    let at_home = |command: &mut Command| {
        command.env("HOME", &home).env("USERPROFILE", &home);
    };
    assert_eq!(Project::limit(&project.below(), &[], at_home), "3.1 # ../soak.toml:2");
    let elsewhere = project.below();
    let away = |command: &mut Command| {
        command.env("HOME", &elsewhere).env("USERPROFILE", &elsewhere);
    };
    assert_eq!(Project::limit(&project.below(), &[], away), "2.7 # built-in policy");
}

#[test]
fn a_named_policy_comes_over_it_and_no_config_leaves_it_out() {
    let project = Project::new(&format!("{LIMIT}[windows]\nlast_n = 9\n"));
    fs::write(project.place.file("strict.toml"), "iteration_pass.kpi.net_bps.limit = 3.3\n")
        .expect("written");
    let limit = |args: &[&str], variables: &[(&str, &str)]| {
        Project::limit(project.path(), args, |command| {
            command.envs(variables.iter().copied());
        })
    };
    assert_eq!(limit(&["--policy", "strict.toml"], &[]), "3.3 # strict.toml:1");
    assert_eq!(limit(&[], &[("SOAK_POLICY", "strict.toml")]), "3.3 # strict.toml:1");
    assert_eq!(limit(&["--no-config"], &[]), "2.7 # built-in policy");
    assert_eq!(limit(&[], &[("SOAK_NO_CONFIG", "1")]), "2.7 # built-in policy");
    // What the named one does not say stays.
    let shown =
        ran(&mut Project::soak(project.path(), &["config", "show", "--policy", "strict.toml"])).stdout;
    assert!(shown.lines().any(|line| line.starts_with("windows.last_n = 9 ")), "{shown}");
    // Named itself, it is one layer.
    let same = ran(&mut Project::soak(project.path(), &["config", "show", "--policy", "./soak.toml"])).stdout;
    assert!(same.contains("# ./soak.toml:2") && !same.contains("# soak.toml"), "{same}");
}

#[test]
fn it_is_named_by_config_show_and_by_v() {
    let project = Project::new(LIMIT);
    let shown = ran(&mut Project::soak(&project.below(), &["config", "show"]));
    assert!(
        shown.stdout.starts_with("# With `../soak.toml`, which `--no-config` leaves out\n\n"),
        "{}",
        shown.stdout
    );
    let json = ran(&mut Project::soak(&project.below(), &["config", "show", "--format", "json"])).json();
    assert_eq!(json["policy_file"], "../soak.toml");
    let without =
        ran(&mut Project::soak(&project.below(), &["config", "show", "--format", "json", "--no-config"]));
    assert_eq!(without.json().get("policy_file"), None);
    let told = ran(&mut Project::soak(&project.below(), &["-v", "config", "show"])).stderr;
    assert!(told.contains("../soak.toml"), "{told}");
}

#[test]
fn every_report_names_it() {
    let project = Project::new(LIMIT);
    Run::passing(8).write(&project.place.file("run"));
    let gate = ran(&mut Project::soak(
        project.path(),
        &["gate", "--path", "run", "--format", "json", "--junit", "gate.xml"],
    ));
    assert_eq!(gate.json()["policy_file"], "soak.toml", "{}", gate.stderr);
    let audit = ran(&mut Project::soak(project.path(), &["audit", "--path", "run", "--format", "json"]));
    assert_eq!(audit.json()["policy_file"], "soak.toml");
    let read = |name: &str| fs::read_to_string(project.place.file(name)).expect("written");
    let analysis = "run/reports/analysis";
    for name in [
        "run/POST_SOAK_SNAPSHOT.json".to_owned(),
        format!("{analysis}/POST_SOAK_SNAPSHOT.json"),
        format!("{analysis}/POST_SOAK_ANALYSIS.json"),
        format!("{analysis}/POST_SOAK_AUDIT_SUMMARY.json"),
    ] {
        let json: Value = serde_json::from_str(&read(&name)).expect("JSON");
        assert_eq!(json["policy_file"], "soak.toml", "{name}");
    }
    for name in ["run/POST_SOAK_AUDIT.md", "run/RECOMMENDATIONS.md"] {
        assert!(read(name).contains("soak.toml"), "{name}");
    }
    for name in ["report.html", "POST_SOAK_AUDIT_SUMMARY.md"] {
        assert!(read(&format!("{analysis}/{name}")).contains("soak.toml"), "{name}");
    }
    assert!(read("gate.xml").contains("name=\"policy_file\" value=\"soak.toml\""), "{}", read("gate.xml"));
}

#[test]
fn a_file_that_cannot_be_read_or_is_wrong_is_a_usage_error_that_names_it() {
    let project = Project::new("[windows]\nlast = 4\n");
    let told = ran(&mut Project::soak(project.path(), &["gate"]));
    assert_eq!(told.code, 2);
    assert!(
        told.stderr.starts_with("error: `soak.toml`:2:1: `windows.last`: unknown key"),
        "{}",
        told.stderr
    );
    fs::write(project.place.file("soak.toml"), [0xff]).expect("written");
    let told = ran(&mut Project::soak(project.path(), &["gate"]));
    assert_eq!(told.code, 2);
    assert!(told.stderr.contains("hint: `--no-config` leaves `soak.toml` out"), "{}", told.stderr);
    assert_eq!(ran(&mut Project::soak(project.path(), &["config", "show", "--no-config"])).code, 0);
}

/// A run that says which policy it was made under.
fn made_under(project: &Project, args: &[&str]) {
    let run = ["run", "--iterations", "8", "--mock", "--out", "out"];
    let told = ran(&mut Project::soak(project.path(), &[&run, args].concat()));
    assert_eq!(told.code, 0, "{}", told.stderr);
}

fn notes(project: &Project, args: &[&str]) -> Vec<String> {
    let gate = ["gate", "--path", "out/latest", "--format", "json"];
    let json = ran(&mut Project::soak(project.path(), &[&gate, args].concat())).json();
    let findings = json["findings"].as_array().expect("a list").clone();
    let mine = findings.iter().filter(|finding| finding["kind"] == "other_policy");
    mine.map(|finding| finding["message"].as_str().expect("text").to_owned()).collect()
}

#[test]
fn judging_by_another_policy_than_the_run_was_made_under_is_a_note_and_flags_are_none() {
    let project = Project::new(LIMIT);
    made_under(&project, &[]);
    assert_eq!(notes(&project, &[]), Vec::<String>::new());
    assert_eq!(notes(&project, &["--last-n", "4", "--min-iterations", "4"]), Vec::<String>::new());
    let hash = |args: &[&str]| {
        let show = [&["config", "show", "--format", "json"], args].concat();
        let json = ran(&mut Project::soak(project.path(), &show)).json();
        json["policy_sha256"].as_str().expect("text")[..12].to_owned()
    };
    let (then, now) = (hash(&[]), hash(&["--no-config"]));
    assert_eq!(
        notes(&project, &["--no-config"]),
        [format!("the run was made under policy {then}, this verdict is by policy {now}")]
    );
    made_under(&project, &["--no-config"]);
    assert_eq!(
        notes(&project, &[]),
        [format!("the run was made under policy {now}, this verdict is by policy {then} (with `soak.toml`)")]
    );
}

#[test]
fn config_check_takes_it_where_no_file_is_named() {
    let project = Project::new(LIMIT);
    let told = ran(&mut Project::soak(&project.below(), &["config", "check"]));
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    assert!(told.stdout.starts_with("`../soak.toml` is a valid policy: 1 of "), "{}", told.stdout);
    let told = ran(&mut Project::soak(&project.below(), &["config", "check", "--no-config"]));
    assert_eq!(told.code, 2);
    assert!(told.stderr.contains("there is no `soak.toml` to check"), "{}", told.stderr);
}

#[test]
fn config_check_refuses_what_would_fail_later() {
    let project = Project::new(
        "[run]\nsource = \"prometheus\"\niterations = 4\n[prometheus.net_bps]\nenabled = false\n",
    );
    let told = ran(&mut Project::soak(project.path(), &["config", "check"]));
    assert_eq!((told.code, told.stdout.as_str()), (2, ""));
    let mut lines = told.stderr.lines();
    assert_eq!(
        lines.next(),
        Some(
            "error: `soak.toml`:2: `run.source`: the source `prometheus` has no query for `net_bps`, which is judged; \
             expected `[prometheus.net_bps]`"
        )
    );
    assert_eq!(
        lines.next(),
        Some(
            "`soak.toml`:3: `run.iterations`: a run of 4 iterations never has the 8 that `run_verdict` requires"
        )
    );
}

#[test]
fn a_run_takes_from_it_what_the_command_line_does_not_say() {
    let project = Project::new(
        "[run]\nsource = \"exec\"\ncommand = [\"./measure.sh\", \"--fast\"]\niterations = 12\ninterval_seconds = 2.5\n",
    );
    let plan = |folder: &Path, args: &[&str]| {
        ran(&mut Project::soak(folder, &[&["run", "--dry-run", "--format", "json"], args].concat())).json()
    };
    let told = plan(&project.below(), &[]);
    assert_eq!((&told["iterations"], &told["interval_seconds"]), (&12.into(), &2.5.into()));
    assert_eq!(told["policy_file"], "../soak.toml");
    // A program with a path is beside the file.
    let source = told["source"].as_str().expect("text");
    assert!(source.contains(".././measure.sh --fast"), "{source}");
    let told = plan(project.path(), &["--hours", "1", "--interval", "600"]);
    assert_eq!((&told["iterations"], &told["interval_seconds"]), (&6.into(), &600.0.into()));
    let told = plan(project.path(), &["--iterations", "3", "--", "true"]);
    assert_eq!(told["iterations"], 3);
    assert!(!told["source"].as_str().expect("text").contains("measure"), "{told}");
    let told = plan(project.path(), &["--mock"]);
    assert!(told["source"].as_str().expect("text").contains("sim"), "{told}");
    fs::write(
        project.place.file("soak.toml"),
        "[run]\nsource = \"prometheus\"\nprometheus_url = \"http://localhost:9090\"\nselector = 'job=\"a\"'\n",
    )
    .expect("written");
    let source = plan(project.path(), &[])["source"].as_str().expect("text").to_owned();
    assert!(source.contains("http://localhost:9090") && source.contains("job=\"a\""), "{source}");
    fs::write(project.place.file("soak.toml"), "[run]\nsource = \"file\"\nfile = \"m.json\"\n")
        .expect("written");
    let source = plan(&project.below(), &[])["source"].as_str().expect("text").to_owned();
    assert!(source.contains("../m.json"), "{source}");
}
