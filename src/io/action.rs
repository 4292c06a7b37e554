//! Carrying an action out: a request, a command, a notification; with its tries, and what is known afterwards.
//!
//! "Nothing was done" is only said where it is certain. Must not decide whether an action is to be carried out, and
//! writes no log.

mod exec;
mod http;
pub mod notify;
mod secret;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use secret::{SecretError, reveal};

use super::clock::Stopwatch;
use super::environment::Environment;
use super::http::back_off;
use crate::core::rollback::executor::{Executor, Filling, Means};
use crate::core::run::source::Wait;

/// Before the second try; doubled before each further one, half of it left to chance.
const PAUSE: Duration = Duration::from_millis(500);

/// What became of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Carried {
    /// It was done.
    pub is_done: bool,
    /// It is certain that it had no effect.
    pub nothing_done: bool,
    /// What happened, in a few words; no secret.
    pub message: String,
    /// More about it: the end of a command's stderr. `None` = there is no more.
    pub detail: Option<String>,
    /// Tries.
    pub tries: u32,
    /// From the first try to the result.
    pub took: Duration,
}

/// What became of one try.
struct Tried {
    result: Result<String, Failed>,
    detail: Option<String>,
}

struct Failed {
    message: String,
    nothing_done: bool,
    /// Another try may succeed.
    may_pass: bool,
    /// How long the other side wants to be left alone before it.
    asked_for: Duration,
}

impl Tried {
    fn done(message: impl Into<String>) -> Self {
        Self { result: Ok(message.into()), detail: None }
    }

    /// It was not even begun, and will not be at another try.
    fn refused(message: impl Into<String>) -> Self {
        Self::failed(message, true, false)
    }

    fn failed(message: impl Into<String>, nothing_done: bool, may_pass: bool) -> Self {
        let failed = Failed { message: message.into(), nothing_done, may_pass, asked_for: Duration::ZERO };
        Self { result: Err(failed), detail: None }
    }

    /// Another try is made no sooner than so long after this one.
    fn not_before(mut self, asked_for: Duration) -> Self {
        if let Err(failed) = &mut self.result {
            failed.asked_for = asked_for;
        }
        self
    }
}

/// Carries an action out. Waiting between tries ends when `wait` is interrupted; a try does not.
pub fn carry_out(
    executor: &Executor,
    filling: &Filling<'_>,
    environment: &Environment,
    wait: &dyn Wait,
) -> Carried {
    let watch = Stopwatch::start();
    let mut tries = 0;
    let mut nothing_done = true;
    loop {
        tries += 1;
        let once = match &executor.means {
            Means::Http { method, url, headers, body } => {
                let request = http::Prepared { method: *method, url, headers, body: body.as_ref() };
                http::send(&request, executor.timeout, filling, environment)
            }
            Means::Exec { command, kill_after } => {
                exec::run(command, executor.timeout, *kill_after, filling, wait)
            }
        };
        let Tried { result, detail } = once;
        let failed = match result {
            Ok(message) => {
                let took = watch.elapsed();
                return Carried { is_done: true, nothing_done: false, message, detail, tries, took };
            }
            Err(failed) => failed,
        };
        nothing_done &= failed.nothing_done;
        let is_last = tries >= executor.tries || !failed.may_pass;
        if is_last || wait.wait(failed.asked_for + back_off(PAUSE, tries)).is_err() {
            let took = watch.elapsed();
            return Carried { is_done: false, nothing_done, message: failed.message, detail, tries, took };
        }
    }
}
