//! The binary as its user meets it: help, usage errors, completions, manual pages, streams.

mod snapshots;

use assert_cmd::Command;

/// The binary, without whatever the environment of the test says.
fn soak(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("soak").expect("the binary is built");
    for name in [
        "MM_PROFILE",
        "MM_RUNTIME_OVERRIDES_JSON",
        "NO_COLOR",
        "READINESS_OVERRIDE",
        "SOAK_DETAILED_EXITCODE",
        "SOAK_LOG",
        "SOAK_OUT_DIR",
        "SOAK_CA_FILE",
        "SOAK_POLICY",
        "SOAK_PROMETHEUS_HEADERS",
        "SOAK_PROMETHEUS_SELECTOR",
        "SOAK_PROMETHEUS_TOKEN",
        "SOAK_PROMETHEUS_TOKEN_FILE",
        "SOAK_PROMETHEUS_URL",
        "SOAK_WEBHOOK_URL",
        "USE_MOCK",
    ] {
        command.env_remove(name);
    }
    // What is found above the folder of a test is not its own.
    command.env("SOAK_NO_CONFIG", "1").args(args);
    command
}

struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn said(mut command: Command) -> Said {
    let output = command.output().expect("the binary runs");
    Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8 on stdout"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8 on stderr"),
    }
}

#[test]
fn help_lists_the_commands_in_the_order_of_the_product() {
    let said = said(soak(&["--help"]));
    assert_eq!(said.code, Some(0));
    assert_eq!(said.stderr, "");
    let commands = said.stdout.split("Commands:").nth(1).expect("a list of commands");
    let names: Vec<&str> = commands
        .lines()
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        names,
        [
            "run",
            "analyze",
            "extract",
            "gate",
            "audit",
            "compare",
            "release",
            "export-prom",
            "deltas",
            "rollback",
            "grafana",
            "artifacts",
            "init",
            "doctor",
            "config",
            "serve",
            "selftest",
            "schema",
            "completions",
            "man",
            "help"
        ]
    );
}

#[test]
fn every_command_explains_itself() {
    let commands: [&[&str]; 11] = [
        &["analyze"],
        &["extract"],
        &["gate"],
        &["deltas"],
        &["deltas", "verify"],
        &["config", "show"],
        &["config", "check"],
        &["config", "test"],
        &["schema"],
        &["completions"],
        &["man"],
    ];
    for command in commands {
        let mut args = command.to_vec();
        args.push("--help");
        let said = said(soak(&args));
        assert_eq!(said.code, Some(0), "{command:?}");
        assert!(said.stdout.contains(&format!("Usage: soak {}", command.join(" "))), "{command:?}");
        assert_eq!(said.stderr, "", "{command:?}");
    }
}

#[test]
fn help_tells_no_value_of_a_variable() {
    let mut command = soak(&["gate", "--help"]);
    command.env("SOAK_POLICY", "/secret/place.toml").env("READINESS_OVERRIDE", "a secret reason");
    let said = said(command);
    assert!(said.stdout.contains("[env: SOAK_POLICY]"), "{}", said.stdout);
    for value in ["/secret/place.toml", "a secret reason"] {
        assert!(!said.stdout.contains(value), "{}", said.stdout);
    }
}

#[test]
fn a_usage_error_exits_2_and_leaves_stdout_alone() {
    let wrong: [&[&str]; 16] = [
        &[],
        &["gat"],
        &["gate", "--no-such-flag"],
        &["gate", "--last-n", "0"],
        &["gate", "--last-n", "-1"],
        &["gate", "--min-iterations", "0"],
        &["gate", "--fail-on", "fail"],
        &["gate", "--override", "1"],
        &["gate", "--require-baseline"],
        &["gate", "--no-legacy-metrics"],
        &["gate", "--strict", "--skip-delta-verify"],
        &["extract", "--webhook-url", "https://hooks.example/x"],
        &["deltas", "verify", "--threshold", "1.01"],
        &["config", "test", "--policy", "new.toml"],
        &["schema", "--verbose", "--quiet"],
        &["completions", "tcsh"],
    ];
    for args in wrong {
        let said = said(soak(args));
        assert_eq!(said.code, Some(2), "{args:?}: {}", said.stderr);
        assert_eq!(said.stdout, "", "{args:?}");
        assert!(!said.stderr.is_empty(), "{args:?}: {}", said.stderr);
    }
}

#[test]
fn a_usage_error_stays_2_with_detailed_codes() {
    assert_eq!(said(soak(&["gate", "--no-such-flag", "--detailed-exitcode"])).code, Some(2));
}

#[test]
fn a_variable_that_is_no_switch_is_a_usage_error() {
    for name in ["USE_MOCK", "SOAK_DETAILED_EXITCODE"] {
        let mut command = soak(&["gate"]);
        command.env(name, "maybe");
        let said = said(command);
        assert_eq!(said.code, Some(2), "{name}");
        assert!(said.stderr.contains("expected 1, true, 0 or false"), "{name}: {}", said.stderr);
    }
}

#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    for value in ["", "0", "1", "true", "false"] {
        let mut command = soak(&["completions", "bash"]);
        command.env("SOAK_DETAILED_EXITCODE", value).env("SOAK_LOG", "").env("SOAK_POLICY", "");
        assert_eq!(said(command).code, Some(0), "{value:?}");
    }
    let mut gate = soak(&["gate", "--path", "no/such/folder"]);
    gate.env("USE_MOCK", "").env("READINESS_OVERRIDE", "").env("SOAK_POLICY", "");
    assert_ne!(said(gate).code, Some(2));
}

#[test]
fn a_wrong_log_filter_is_a_usage_error() {
    let mut command = soak(&["completions", "bash"]);
    command.env("SOAK_LOG", "soak=loud");
    let said = said(command);
    assert_eq!(said.code, Some(2));
    assert_eq!(said.stdout, "");
    assert!(said.stderr.starts_with("error: `SOAK_LOG` is no log filter: `soak=loud`\n"), "{}", said.stderr);
    assert!(said.stderr.contains("\nhint: "), "{}", said.stderr);
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(said(soak(&["--version"])).stdout, format!("soak {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_shell_gets_completions_that_know_the_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let said = said(soak(&["completions", shell]));
        assert_eq!(said.code, Some(0), "{shell}");
        assert!(said.stdout.contains("require-freeze"), "{shell}");
        assert_eq!(said.stderr, "", "{shell}");
    }
}

#[test]
fn the_manual_page_has_a_title_and_the_commands() {
    let said = said(soak(&["man"]));
    assert_eq!(said.code, Some(0));
    assert!(said.stdout.contains(".TH soak 1"), "{}", said.stdout);
    assert!(said.stdout.contains("completions"), "{}", said.stdout);
}

#[test]
fn a_command_has_a_manual_page_of_its_own() {
    let said = said(soak(&["man", "deltas", "verify"]));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains(".TH soak-deltas-verify 1"), "{}", said.stdout);
    assert!(said.stdout.contains("threshold"), "{}", said.stdout);
}

#[test]
fn the_manual_page_of_no_command_is_a_usage_error_that_names_those_there_are() {
    let said = said(soak(&["man", "deltas", "apply"]));
    assert_eq!(said.code, Some(2));
    assert_eq!(said.stderr, "error: `soak deltas` has no command `apply`\nhint: it has verify\n");
}

/// `soak completions bash` with its stdout connected to something that does not take it.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "only the standard library connects stdout to a file or pipe")]
fn printing_to(stdout: impl Into<std::process::Stdio>, detailed: &str) -> (Option<i32>, String) {
    let output = std::process::Command::new(soak(&[]).get_program())
        .args(["completions", "bash"])
        .env("SOAK_DETAILED_EXITCODE", detailed)
        .env_remove("SOAK_LOG")
        .stdout(stdout)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .expect("the binary runs");
    (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8 on stderr"))
}

#[cfg(target_os = "linux")]
#[test]
#[expect(clippy::disallowed_methods, reason = "the test opens a device")]
fn stdout_on_a_full_disk_is_an_error() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device of Linux");
    let (code, stderr) = printing_to(full(), "0");
    assert_eq!(code, Some(1));
    assert!(stderr.starts_with("error: cannot write to stdout\n  because: "), "{stderr}");
    assert_eq!(printing_to(full(), "1").0, Some(5));
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    assert_eq!(printing_to(writer, "1"), (Some(0), String::new()));
}
