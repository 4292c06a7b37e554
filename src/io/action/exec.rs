//! An action as a command: its words are handed over as they are, and no shell reads them.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::Tried;
use crate::core::rollback::executor::Filling;
use crate::core::rollback::template::fill_text;
use crate::core::run::source::Wait;
use crate::infra::process::{Child, Ended};

/// Of a command's stdout nothing is used.
const LARGEST_STDOUT: usize = 4096;

/// One try. What the command started is ended with it.
pub(super) fn run(
    command: &[String],
    timeout: Duration,
    kill_after: Duration,
    filling: &Filling<'_>,
    wait: &dyn Wait,
) -> Tried {
    let mut words = command.iter().map(|word| fill_text(word, &|name| filling.value(name)));
    let Some(program) = words.next() else { return Tried::refused("no command was given") };
    let mut process = Command::new(&program);
    process
        .args(words)
        .env("SOAK_ROLLBACK_ID", filling.rollback_id)
        .env("SOAK_ROLLBACK_ACTION", filling.action.kind.word())
        .env("SOAK_ROLLBACK_KIND", filling.kind)
        .env("SOAK_ROLLBACK_REASON", filling.reason)
        .env("SOAK_ROLLBACK_ALERT", filling.alert)
        .env("SOAK_IDEMPOTENCY_KEY", filling.idempotency_key)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = match Child::start(process, LARGEST_STDOUT) {
        Ok(child) => child,
        Err(error) => return Tried::refused(format!("`{program}` cannot be started: {error}")),
    };
    // Once it runs it is seen through: half an action is the worst of all.
    let Ok(done) = child.run(timeout, kill_after, &Uninterrupted(wait)) else {
        return Tried::failed(format!("`{program}` was interrupted"), false, false);
    };
    let mut tried = match done.ended {
        Ended::Status(status) if status.success() => Tried::done(format!("`{program}` exited with 0")),
        Ended::Status(status) => Tried::failed(format!("`{program}` failed: {status}"), false, true),
        Ended::TimedOut => Tried::failed(
            format!("`{program}` was not done after {} s and was ended", timeout.as_secs_f64()),
            false,
            true,
        ),
        Ended::Lost(error) => Tried::failed(format!("`{program}` cannot be watched: {error}"), false, false),
    };
    tried.detail = Some(done.stderr).filter(|text| !text.is_empty());
    tried
}

/// Waits, and does not hear an interruption.
struct Uninterrupted<'w>(&'w dyn Wait);

impl Wait for Uninterrupted<'_> {
    fn wait(&self, how_long: Duration) -> Result<(), crate::core::run::source::Interrupted> {
        if self.0.wait(how_long).is_err() {
            std::thread::sleep(how_long);
        }
        Ok(())
    }
}
