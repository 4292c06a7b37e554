//! `soak init`: the files it writes, what it leaves alone, and that its next commands work.

use std::fs;
use std::path::Path;

use crate::it::support::{Folder, Ran, Run, program, ran, visible};

fn init(place: &Folder, args: &[&str]) -> Ran {
    ran(program().current_dir(place.path()).arg("init").args(args))
}

fn empty() -> Folder {
    Run::default().with(".keep", "").in_temp()
}

const SOURCES: [&str; 3] = ["prometheus", "exec", "file"];

#[test]
fn every_profile_and_source_gives_a_valid_policy_of_few_lines() {
    for profile in ["service", "trading"] {
        for source in SOURCES {
            let place = empty();
            let told = init(&place, &["--yes", "--profile", profile, "--source", source]);
            assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{profile} {source}");
            let text = fs::read_to_string(place.file("soak.toml")).expect("written");
            let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
            assert!(lines.count() <= 15, "{text}");
            let check = ran(program().current_dir(place.path()).args(["config", "check", "soak.toml"]));
            assert_eq!(check.code, 0, "{profile} {source}: {}", check.stderr);
            let script = place.file("measure.sh");
            assert_eq!(script.exists(), source != "prometheus");
            assert!(
                fs::read_to_string(place.file(".gitignore")).expect("written").starts_with("/artifacts/\n")
            );
        }
    }
}

#[cfg(unix)]
#[test]
fn the_script_can_be_started_and_is_one_that_a_shell_reads() {
    use std::os::unix::fs::PermissionsExt;
    for profile in ["service", "trading"] {
        for source in ["exec", "file"] {
            let place = empty();
            let url = "http://h/a b?c=$(id)&d='e'";
            let told = init(
                &place,
                &["--yes", "--profile", profile, "--source", source, "--url", &url.replace(' ', "%20")],
            );
            assert_eq!(told.code, 0, "{}", told.stderr);
            let script = place.file("measure.sh");
            assert_eq!(fs::metadata(&script).expect("there").permissions().mode() & 0o700, 0o700);
            let read = std::process::Command::new("sh").arg("-n").arg(&script).output().expect("sh runs");
            assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        }
    }
}

#[test]
fn the_policy_holds_what_was_asked_for() {
    let place = empty();
    let told = init(
        &place,
        &[
            "--selector",
            "job=\"it's\"",
            "--prometheus-url",
            "https://m.example/p",
            "--interval",
            "2.5",
            "--iterations",
            "54",
        ],
    );
    assert_eq!(told.code, 0, "{}", told.stderr);
    let shown =
        ran(program().current_dir(place.path()).args(["config", "show"]).env_remove("SOAK_NO_CONFIG")).stdout;
    for line in [
        "extends = \"service\" ",
        "run.source = \"prometheus\" ",
        "run.prometheus_url = \"https://m.example/p\" ",
        "run.selector = \"job=\\\"it's\\\"\" ",
        "run.interval_seconds = 2.5 ",
        "run.iterations = 54 ",
    ] {
        assert!(shown.lines().any(|found| found.starts_with(line)), "{line}\n{shown}");
    }
}

#[test]
fn what_is_there_is_never_overwritten_and_then_nothing_is_written() {
    for name in ["soak.toml", "measure.sh", ".github/workflows/soak.yml"] {
        let place = Run::default().with(name, "mine").in_temp();
        let told = init(&place, &["--yes", "--source", "exec", "--github"]);
        assert_eq!((told.code, told.stdout.as_str()), (1, ""), "{name}");
        assert!(
            told.stderr.starts_with("error: nothing was written: `")
                && told.stderr.contains(&format!("{name}` exists")),
            "{}",
            told.stderr
        );
        assert_eq!(fs::read_to_string(place.file(name)).expect("there"), "mine");
        let top = name.split('/').next().expect("a name");
        assert_eq!(fs::read_dir(place.path()).expect("a folder").count(), 1, "{name}: {top} alone");
    }
    let place = empty();
    assert_eq!(init(&place, &["--yes"]).code, 0);
    let before = visible(place.path());
    assert_eq!(init(&place, &["--yes"]).code, 1, "a second time");
    assert_eq!(visible(place.path()), before);
}

#[test]
fn where_one_file_cannot_be_written_none_is_left() {
    let place = Run::default().with(".github", "a file in the way").in_temp();
    let told = init(&place, &["--yes", "--source", "file", "--github"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, ""));
    assert!(told.stderr.contains(".github"), "{}", told.stderr);
    let left: Vec<_> =
        fs::read_dir(place.path()).expect("a folder").map(|entry| entry.expect("read").file_name()).collect();
    assert_eq!(left, [".github"]);
    let told =
        ran(program().current_dir(place.path()).args(["--detailed-exitcode", "init", "--yes", "--github"]));
    assert_eq!(told.code, 5);
}

#[test]
fn lines_are_added_to_a_gitignore_once() {
    let place = Run::default().with(".gitignore", "/target/").in_temp();
    let told = init(&place, &["--yes", "--source", "file"]);
    assert!(told.stdout.contains("extended `.gitignore`\n"), "{}", told.stdout);
    let expected = "/target/\n/artifacts/\n/measurement.json\n/measurement.json.tmp\n";
    assert_eq!(fs::read_to_string(place.file(".gitignore")).expect("there"), expected);
    fs::remove_file(place.file("soak.toml")).expect("removed");
    let told = init(&place, &["--yes"]);
    assert!(!told.stdout.contains(".gitignore"), "{}", told.stdout);
    assert_eq!(fs::read_to_string(place.file(".gitignore")).expect("there"), expected);
}

#[test]
fn a_folder_may_be_missing_and_the_workflow_is_at_the_root_of_the_repository() {
    let place = empty();
    fs::create_dir(place.file(".git")).expect("made");
    let told = init(&place, &["--yes", "--dir", "services/a b", "--github", "--source", "file"]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(told.stdout.contains("\n  cd 'services/a b'\n"), "{}", told.stdout);
    let workflow = fs::read_to_string(place.file(".github/workflows/soak.yml")).expect("at the root");
    assert!(workflow.contains("working-directory: \"services/a b\"\n"), "{workflow}");
    assert!(workflow.contains("            services/a b/artifacts/soak/latest\n"), "{workflow}");
    let steps = [
        "nohup ./measure.sh > measure.log 2>&1 &",
        "soak doctor",
        "soak run",
        "soak gate --github --junit soak.xml",
    ];
    let places: Vec<usize> =
        steps.iter().map(|step| workflow.find(&format!("run: {step}\n")).expect(step)).collect();
    assert!(places.is_sorted(), "{workflow}");
    assert!(place.file("services/a b/soak.toml").exists());
}

#[test]
fn the_workflow_of_every_source_is_yaml_and_its_commands_are_known() {
    for source in SOURCES {
        let place = empty();
        assert_eq!(init(&place, &["--yes", "--github", "--source", source]).code, 0);
        let text = fs::read_to_string(place.file(".github/workflows/soak.yml")).expect("written");
        let read: serde_json::Value = serde_saphyr::from_str(&text).expect("YAML");
        let steps = read["jobs"]["soak"]["steps"].as_array().expect("a list").len();
        assert_eq!(steps, 6 + usize::from(source == "file"), "{text}");
        assert_eq!(read["jobs"]["soak"]["timeout-minutes"], if source == "prometheus" { 90 } else { 40 });
        assert_eq!(read["permissions"]["contents"], "read");
    }
}

#[test]
fn flags_that_do_not_fit_are_refused_before_anything_is_written() {
    let place = empty();
    for args in [
        &["--source", "exec", "--selector", "a"][..],
        &["--source", "prometheus", "--url", "http://h"],
        &["--prometheus-url", "h:9090"],
        &["--interval", "0"],
        &["--iterations", "0"],
        &["--iterations", "53"],
        &["--profile", "trading", "--iterations", "7"],
        &["--profile", "bank"],
    ] {
        let told = init(&place, &[&["--yes"], args].concat());
        assert_eq!(told.code, 2, "{args:?}");
        assert_eq!(visible(place.path()), visible(empty().path()));
    }
}

#[test]
fn a_run_that_is_too_short_for_the_policy_is_refused_with_the_length_that_is_enough() {
    let told = init(&empty(), &["--yes", "--iterations", "5"]);
    insta::assert_snapshot!(told.stderr, @r"
    error: 5 iterations are too few for `run_verdict` (54), `kpi_drift` (54), `change_points` (54)
    hint: `--iterations 54` is enough for all; `soak run --iterations 5` tries a shorter run out
    ");
}

/// The next commands, one a line.
fn next(told: &Ran) -> String {
    let (_, next) = told.stdout.split_once("\nNext:\n").expect("commands");
    next.to_owned()
}

/// Answers every request with a text that says how many there were.
#[cfg(unix)]
fn serve(answer: impl Fn(u64) -> String + Send + 'static) -> String {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for (number, stream) in (1..).zip(listener.incoming()) {
            let mut stream = stream.expect("a connection");
            let _ = stream.read(&mut [0; 4096]);
            let body = answer(number);
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
    format!("http://{address}/")
}

/// Pastes the commands into a shell in the folder; what was said, and whether the last one succeeded.
#[cfg(unix)]
fn paste(folder: &Path, commands: &str) -> (bool, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_soak")).parent().expect("a folder").to_path_buf();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let paths =
        std::env::join_paths([program].into_iter().chain(std::env::split_paths(&paths))).expect("paths");
    let done = std::process::Command::new("sh")
        // What is left in the background ends with the shell.
        .args(["-c", &format!("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT; set -e\n{commands}")])
        .current_dir(folder)
        .env("PATH", paths)
        .env_remove("SOAK_NO_CONFIG")
        .env("SERVICE_REQUESTS", "5")
        .output()
        .expect("sh runs");
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    (done.status.success(), said)
}

#[cfg(unix)]
#[test]
fn the_next_commands_of_a_script_that_asks_a_bot_work_when_pasted() {
    let url = serve(|number| {
        format!(
            "{{\"totals\": {{\"net_bps\": {}, \"risk_ratio\": 0.3, \"maker_taker_ratio\": 0.9, \"p95_latency_ms\": {}}}}}",
            3.0 + 0.01 * (number % 7) as f64,
            250 + number % 11
        )
    });
    let place = empty();
    let args = [
        "--profile",
        "trading",
        "--url",
        &url,
        "--interval",
        "0.3",
        "--iterations",
        "8",
        "--yes",
        "--dir",
        "bot",
    ];
    let told = init(&place, &args);
    let (passed, said) = paste(place.path(), &next(&told));
    assert!(passed, "{said}");
    assert!(said.contains("checks, ready for `soak run`"), "{said}");
    assert!(place.file("bot/artifacts/soak/latest/POST_SOAK_SNAPSHOT.json").exists(), "{said}");
}

#[cfg(unix)]
#[test]
fn the_next_commands_of_a_script_that_measures_a_service_work_when_pasted() {
    let url = serve(|number| format!("{number}"));
    let place = empty();
    let told = init(&place, &["--url", &url, "--interval", "0.25", "--yes"]);
    // Fewer iterations than a drift takes, because each sends fifty requests.
    let few = next(&told)
        .replace("soak run", "soak run --iterations 26")
        .replace("soak gate", "soak gate --min-iterations 20");
    let (passed, said) = paste(place.path(), &few);
    assert!(passed, "{said}");
    assert!(said.contains("checks, ready for `soak run`"), "{said}");
    // The latencies are real: other tests on the machine may raise them to a WARN.
    assert!(
        ["PASS", "WARN"].iter().any(|verdict| said.contains(&format!("Verdict:         {verdict}\n"))),
        "{said}"
    );
}
