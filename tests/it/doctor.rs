//! `soak doctor`: what it finds, and how it ends.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::it::support::{Folder, Ran, Run, program, ran, visible};

/// A folder with a policy and a program that measures.
fn place(policy: &str, script: &str) -> Folder {
    let place = Run::default().with("soak.toml", policy).with("measure.sh", script).in_temp();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(place.file("measure.sh"), fs::Permissions::from_mode(0o755)).expect("set");
    }
    place
}

fn doctor(place: &Folder, args: &[&str]) -> Ran {
    ran(program().current_dir(place.path()).env_remove("SOAK_NO_CONFIG").arg("doctor").args(args))
}

const EXEC: &str = "[run]\nsource = \"exec\"\ncommand = [\"./measure.sh\"]\ninterval_seconds = 20\n";

const GOOD: &str = "#!/bin/sh\necho '{\"totals\": {\"net_bps\": 3.1, \"risk_ratio\": 0.3, \
                    \"maker_taker_ratio\": 0.9, \"p95_latency_ms\": 250}}'\n";

/// Its lines, without the times in them.
fn lines(told: &Ran) -> String {
    let mut text = told.stdout.clone();
    for (start, end) in [("numbers in ", " s"), ("clock              20", "Z;"), ("written ", " s ago")] {
        if let Some(at) = text.find(start)
            && let Some(length) = text[at + start.len()..].find(end)
        {
            text.replace_range(at + start.len()..at + start.len() + length, "?");
        }
    }
    text
}

#[cfg(unix)]
#[test]
fn a_command_that_measures_is_ready_for_a_run_and_nothing_is_written() {
    let place = place(EXEC, GOOD);
    let before = visible(place.path());
    let told = doctor(&place, &[]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(lines(&told), @r"
    ok       policy             `soak.toml` is valid
    ok       output             `artifacts/soak` can be written
    ok       clock              20?Z; the source has no clock to compare it with
    ok       source             exec (`./measure.sh`) gave 4 numbers in ? s
    ok       net_bps            3.10 bps
    ok       risk_ratio         0.300
    ok       maker_taker_ratio  0.900
    ok       p95_latency_ms     250 ms
    8 checks, ready for `soak run`
    ");
    assert_eq!(visible(place.path()), before);
}

#[cfg(unix)]
#[test]
fn the_result_as_json_keeps_to_its_published_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/schemas/doctor.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).expect("there")).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    for (policy, healthy) in [(EXEC, true), ("[windows]\nlast = 1\n", false)] {
        let told = doctor(&place(policy, GOOD), &["--format", "json"]);
        let json = told.json();
        let errors: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!(json["healthy"], healthy);
        assert_eq!(told.code, i32::from(!healthy));
    }
}

/// Exit codes without and with detail, and the line of a check.
#[track_caller]
fn finds(place: &Folder, args: &[&str], name: &str, codes: (i32, i32)) -> String {
    let plain = doctor(place, args);
    let mut detailed = args.to_vec();
    detailed.insert(0, "--detailed-exitcode");
    assert_eq!((plain.code, doctor(place, &detailed).code), codes, "{}{}", plain.stdout, plain.stderr);
    let mut lines = plain.stdout.lines().skip_while(|line| line.split_whitespace().nth(1) != Some(name));
    let line = lines.next().unwrap_or_else(|| panic!("no line `{name}`: {}", plain.stdout));
    let hint = lines.next().filter(|line| line.trim_start().starts_with("hint: ")).unwrap_or_default();
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{} | {}", words(line), words(hint))
}

#[cfg(unix)]
#[test]
fn a_source_that_does_not_deliver_is_an_external_failure() {
    let told = |script: &str| finds(&place(EXEC, script), &[], "source", (1, 6));
    let failed = told("#!/bin/sh\necho no database >&2\nexit 3\n");
    assert!(failed.contains("exit status: 3") && failed.contains("no database"), "{failed}");
    assert!(failed.contains("hint: run the command by hand"), "{failed}");
    let gone = finds(&place("", GOOD), &["--", "./nowhere.sh"], "source", (1, 6));
    assert!(gone.contains("`./nowhere.sh` cannot be started"), "{gone}");
    let missing = finds(&place("", GOOD), &["--edge-report", "no.json"], "source", (1, 6));
    assert!(missing.contains("`no.json` cannot be read"), "{missing}");
    let away = finds(&place("", GOOD), &["--prometheus-url", "http://127.0.0.1:1"], "source", (1, 6));
    assert!(away.contains("the connection failed") && away.contains("check `--prometheus-url`"), "{away}");
}

#[cfg(unix)]
#[test]
fn a_value_that_cannot_be_and_one_that_is_missing_fail() {
    let place = place(
        EXEC,
        &GOOD.replace("\"risk_ratio\": 0.3", "\"risk_ratio\": 900").replace("p95_latency_ms", "other"),
    );
    let told = finds(&place, &[], "risk_ratio", (1, 6));
    assert!(told.starts_with("FAILED risk_ratio is 900, which cannot be"), "{told}");
    assert!(told.contains("`lowest` 0 to `highest` 1"), "{told}");
    let told = finds(&place, &[], "p95_latency_ms", (1, 6));
    assert!(told.starts_with("FAILED p95_latency_ms no value, and an iteration needs it to pass"), "{told}");
}

#[cfg(unix)]
#[test]
fn a_value_with_which_no_iteration_passes_is_a_warning_that_names_the_limit() {
    let place = place(EXEC, &GOOD.replace("3.1", "1.4"));
    let told = finds(&place, &[], "net_bps", (0, 0));
    assert_eq!(
        told,
        "warn net_bps 1.40 bps, which misses `>= 2.70 bps` | hint: an iteration like this one does not pass; the limit \
         is in `iteration_pass.kpi.net_bps.limit`"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn the_resources_are_sampled_where_a_process_is_named() {
    let place = place(EXEC, GOOD);
    let own = std::process::id().to_string();
    let told = finds(&place, &["--pid", &own], "resources", (0, 0));
    assert!(
        told.starts_with("ok resources ") && told.contains(" MiB, ") && told.contains(" threads, "),
        "{told}"
    );
    fs::write(place.file("pid"), "4194305\n").expect("written");
    let told = finds(&place, &["--pid-file", "pid"], "resources", (1, 1));
    assert!(told.contains("there is no process 4194305") && told.contains("hint: `--pid-file`"), "{told}");
}

#[cfg(unix)]
#[test]
fn a_sample_with_a_time_of_long_ago_is_no_value_of_now() {
    let policy = "extends = \"none\"\nkpi.lag.unit = \"ms\"\nkpi.lag.direction = \"lower\"\n\
                  iteration_pass.kpi.lag.limit = 5\n[run]\nfile = \"m.prom\"\nsource = \"file\"\n";
    let place = Run::default().with("soak.toml", policy).with("m.prom", "lag 3 1000\n").in_temp();
    let told = finds(&place, &[], "lag", (1, 6));
    assert!(told.starts_with("FAILED lag is stale: its time stamp is 1970-01-01T00:16:40Z"), "{told}");
    fs::write(place.file("m.prom"), "lag 3\n").expect("written");
    assert!(finds(&place, &[], "lag", (0, 0)).starts_with("ok lag 3"), "without a time");
}

#[test]
fn a_wrong_policy_is_a_finding_and_hides_the_source() {
    let place = place("[windows]\nlast = 4\n", GOOD);
    let told = finds(&place, &[], "policy", (1, 1));
    assert!(told.contains("`soak.toml`:2:1: `windows.last`: unknown key"), "{told}");
    assert!(finds(&place, &[], "source", (1, 1)).starts_with("skipped source"));
    let later = finds(&self::place("[run]\nsource = \"sim\"\niterations = 3\n", GOOD), &[], "policy", (1, 1));
    assert!(later.contains("a run of 3 iterations never has the 8"), "{later}");
}

#[test]
fn a_folder_that_cannot_be_written_and_a_source_that_nobody_names_fail() {
    let place = place("[run]\nsource = \"sim\"\n", GOOD);
    let told = finds(&place, &["--out", "soak.toml"], "output", (1, 1));
    assert!(told.contains("hint: `--out` and $SOAK_OUT_DIR"), "{told}");
    let told = finds(&self::place("", GOOD), &[], "source", (1, 1));
    assert!(told.contains("no source is named") && told.contains("hint: "), "{told}");
}

#[test]
fn the_simulator_is_always_ready() {
    let told = doctor(&place("", GOOD), &["--mock"]);
    assert_eq!(told.code, 0, "{}", told.stdout);
    assert!(told.stdout.ends_with("checks, ready for `soak run`\n"), "{}", told.stdout);
    let told = doctor(&place("", GOOD), &["--mock", "--real-time"]);
    assert_eq!(told.code, 2);
    assert!(told.stderr.contains("--real-time has no effect with doctor"), "{}", told.stderr);
}

#[test]
fn a_file_is_read_whatever_its_age_and_an_old_one_is_a_warning() {
    let report = GOOD.lines().nth(1).expect("a line").trim_start_matches("echo '").trim_end_matches('\'');
    let place = Run::default().with("m.json", report).in_temp();
    let told = doctor(&place, &["--edge-report", "m.json"]);
    assert_eq!(told.code, 0, "{}", told.stdout);
    assert!(told.stdout.contains("\nok       source"), "{}", told.stdout);
    let file = fs::File::options().append(true).open(place.file("m.json")).expect("there");
    file.set_modified(SystemTime::now() - Duration::from_secs(4000)).expect("set");
    let told = doctor(&place, &["--edge-report", "m.json"]);
    assert_eq!(told.code, 0, "{}", told.stdout);
    assert!(
        told.stdout.contains("\nwarn     source") && told.stdout.contains("was written 400"),
        "{}",
        told.stdout
    );
}

#[test]
fn a_fixed_time_is_a_warning() {
    let place = place("[run]\nsource = \"sim\"\n", GOOD);
    let told = ran(program()
        .current_dir(place.path())
        .env("SOAK_NOW", "2026-01-01T00:00:00Z")
        .args(["doctor", "--mock"]));
    assert_eq!(told.code, 0);
    assert!(told.stdout.contains("warn     clock"), "{}", told.stdout);
}
