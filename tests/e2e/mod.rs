//! End-to-end tests against the programs that users have. They run with `SOAK_E2E=1` (`make e2e`), and each
//! says on stderr when the program it talks to is not installed.

#![expect(clippy::disallowed_methods, reason = "these tests start programs and read the environment")]
#![expect(clippy::print_stderr, reason = "a skipped test has to say so")]

use std::process::{Command, Stdio};

mod canary;
mod dashboards;
mod deploy;
mod export_prom;
mod large_report;
mod openmetrics;
mod prometheus;
mod promtool;
mod remote_write;
mod rollback_loop;
mod rollback_verify;
mod servers;
mod service_soak;
mod session_service;

/// Whether the end-to-end tests are to run at all; says why not.
fn is_wanted() -> bool {
    let is_wanted = std::env::var_os("SOAK_E2E").is_some_and(|value| value == "1");
    if !is_wanted {
        skip("set SOAK_E2E=1 to run the end-to-end tests");
    }
    is_wanted
}

/// Says why a test does nothing.
fn skip(reason: &str) {
    eprintln!("skipped: {reason}");
}

/// Whether a test that talks to `program` is to run; says why not.
fn has(program: &str) -> bool {
    if !is_wanted() {
        return false;
    }
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_err() {
        skip(&format!("{program} not installed"));
    }
    found.is_ok()
}
