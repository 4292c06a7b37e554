//! End-to-end tests against the programs that users have. They run with `SOAK_E2E=1` (`make e2e`), and each
//! says on stderr when the program it talks to is not installed.

#![expect(clippy::disallowed_methods, reason = "these tests start programs and read the environment")]
#![expect(clippy::print_stderr, reason = "a skipped test has to say so")]

use std::io::Write;
use std::process::{Command, Stdio};

/// Whether a test that talks to `program` is to run; says why not.
fn has(program: &str) -> bool {
    if std::env::var_os("SOAK_E2E").is_none_or(|value| value != "1") {
        eprintln!("skipped: set SOAK_E2E=1 to run the end-to-end tests");
        return false;
    }
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_err() {
        eprintln!("skipped: {program} not installed");
    }
    found.is_ok()
}

/// What `promtool check metrics` has to say about a text: nothing, if it is well formed.
fn promtool_check_metrics(text: &str) -> Result<(), String> {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    let mut stdin = promtool.stdin.take().expect("a pipe to promtool");
    stdin.write_all(text.as_bytes()).expect("promtool reads");
    drop(stdin);
    let output = promtool.wait_with_output().expect("promtool ends");
    let said = [output.stdout, output.stderr].concat();
    if output.status.success() && said.is_empty() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&said).into_owned())
    }
}

/// A gauge in base units with HELP and TYPE, as the clean metrics are written.
const CLEAN: &str = "\
# HELP soak_iterations Iterations in the run.
# TYPE soak_iterations gauge
soak_iterations 24
";

#[test]
fn promtool_accepts_clean_metrics_and_refuses_others() {
    if !has("promtool") {
        return;
    }
    assert_eq!(promtool_check_metrics(CLEAN), Ok(()));
    let (_, no_help) = CLEAN.split_once('\n').expect("HELP is the first line");
    assert!(promtool_check_metrics(no_help).is_err(), "a metric without HELP must be told");
    assert!(promtool_check_metrics("soak iterations 24\n").is_err(), "a malformed line must be told");
}
