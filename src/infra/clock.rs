//! What time it is (the clock of the machine, or the time that the environment fixes), waiting, and the signals that
//! end it: the first SIGINT, SIGTERM or SIGHUP requests a run to stop, the second ends the program at once.
//!
//! Must not be asked by anything that judges; times inside artifacts come from the data unless a format
//! requires the time of writing.
#![expect(clippy::disallowed_methods, reason = "waiting is done here, where a signal can end it")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGXFSZ};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::infra::environment::{Environment, NotUnicode};

/// The variables that fix the time, the first that is set wins: the own name, then the two older ones.
pub const NAMES: [&str; 3] = ["SOAK_NOW", "CI_FAKE_UTC", "MM_FREEZE_UTC_ISO"];

/// A variable fixes the time to something that is no time.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// The text is not RFC 3339.
    #[error("`{name}` holds `{value}`, which is no RFC 3339 time such as `2025-10-12T12:00:00Z`")]
    NotATime { name: &'static str, value: String, source: chrono::ParseError },
    /// The value is not even text.
    #[error(transparent)]
    NotUnicode(#[from] NotUnicode),
}

/// The time that the environment fixes. `None` when it fixes none.
pub fn fixed(environment: &Environment) -> Result<Option<DateTime<Utc>>, ClockError> {
    for name in NAMES {
        if let Some(value) = environment.text(name)? {
            return match DateTime::parse_from_rfc3339(value) {
                Ok(time) => Ok(Some(time.to_utc())),
                Err(source) => Err(ClockError::NotATime { name, value: value.to_owned(), source }),
            };
        }
    }
    Ok(None)
}

/// The time now: the one that the environment fixes, else the clock of the machine.
pub fn now(environment: &Environment) -> Result<DateTime<Utc>, ClockError> {
    Ok(fixed(environment)?.unwrap_or_else(machine_time))
}

/// What the clock of the machine says, whatever the environment fixes: for what happens while a run waits.
pub fn machine_time() -> DateTime<Utc> {
    // Unlike `Utc::now` this takes a clock before 1970.
    SystemTime::now().into()
}

/// A time that no setting of the wall clock moves: what that said once, and the time that has passed since, also while
/// the machine slept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SteadyClock {
    base: DateTime<Utc>,
    since: Stopwatch,
    asleep: Duration,
}

impl SteadyClock {
    /// Agrees with the wall clock now.
    pub(crate) fn start() -> Self {
        Self { base: machine_time(), since: Stopwatch::start(), asleep: asleep() }
    }

    /// The time now.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        let passed = self.since.elapsed() + asleep().saturating_sub(self.asleep);
        TimeDelta::from_std(passed)
            .ok()
            .and_then(|passed| self.base.checked_add_signed(passed))
            .unwrap_or(self.base)
    }
}

/// Measures how long something takes, by a clock that never goes back.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// The clocks of this machine, and a stop request that ends waiting.
#[derive(Debug)]
pub struct MachineClocks<'a> {
    stop: &'a StopRequest,
    since: Stopwatch,
}

impl<'a> MachineClocks<'a> {
    /// Counts from now on.
    pub fn new(stop: &'a StopRequest) -> Self {
        Self { stop, since: Stopwatch::start() }
    }
}

impl Wait for MachineClocks<'_> {
    fn wait(&self, how_long: Duration) -> Result<(), Interrupted> {
        self.stop.wait(how_long)
    }
}

impl Clocks for MachineClocks<'_> {
    fn read(&self) -> Reading {
        Reading { wall: machine_time(), awake: self.since.elapsed(), asleep: asleep() }
    }
}

/// How long the machine has slept since it was started; constant where the system does not say.
#[cfg(target_os = "linux")]
fn asleep() -> Duration {
    use rustix::time::ClockId;
    use rustix::time::clock_gettime;
    let [awake, since_boot] = [ClockId::Monotonic, ClockId::Boottime]
        .map(|clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default());
    since_boot.saturating_sub(awake)
}

/// Known on Linux only.
#[cfg(not(target_os = "linux"))]
fn asleep() -> Duration {
    Duration::ZERO
}

/// How soon a signal is noticed while waiting.
const SLICE: Duration = Duration::from_millis(20);

/// Whether a stop of the run was requested.
#[derive(Clone, Debug, Default)]
pub struct StopRequest(Arc<AtomicBool>);

impl StopRequest {
    /// Listens to the signals of this process from now on.
    pub fn listen() -> io::Result<Self> {
        let requested = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // Registered first, so that it only ends the program when an earlier signal has set the flag.
            flag::register_conditional_shutdown(signal, 130, Arc::clone(&requested))?;
            flag::register(signal, Arc::clone(&requested))?;
        }
        // A terminal or a session that goes away ends a run as TERM does, but under `nohup`.
        #[cfg(unix)]
        if !is_ignored(SIGHUP) {
            flag::register(SIGHUP, Arc::clone(&requested))?;
        }
        Ok(Self(requested))
    }

    /// Whether a signal came.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Requests a stop, as a signal does.
    pub fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// From now on a file that reaches a limit of its size (`ulimit -f`, `LimitFSIZE=`) is an error of the write, as a full
/// disk is, and does not kill this process. Programs that it starts have the usual signal.
#[cfg(unix)]
pub(crate) fn survive_size_limits() {
    // Where it cannot be registered, the signal does what it does everywhere.
    drop(flag::register(SIGXFSZ, Arc::default()));
}

/// Here no signal comes.
#[cfg(not(unix))]
pub(crate) fn survive_size_limits() {}

/// Whether whoever started this process has it ignore a signal.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    is_in_mask(&status, signal)
}

#[cfg(unix)]
fn is_in_mask(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

impl Wait for StopRequest {
    fn wait(&self, how_long: Duration) -> Result<(), Interrupted> {
        let end = Instant::now().checked_add(how_long);
        loop {
            if self.is_requested() {
                return Err(Interrupted);
            }
            let left = end.map_or(SLICE, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(SLICE));
        }
    }
}

/// Waits for a source, and stops waiting when the run is to stop.
pub trait Wait {
    /// Waits so long; `Err` at once when the run is to stop.
    fn wait(&self, how_long: Duration) -> Result<(), Interrupted>;

    /// Lets an interval pass; does so at once where a run does not wait for its intervals.
    fn pass(&self, interval: Duration) -> Result<(), Interrupted> {
        self.wait(interval)
    }
}

/// The run is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

/// What the clocks of the machine read at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The wall clock, which anybody may set.
    pub wall: DateTime<Utc>,
    /// Time that passed while the machine was awake, from any fixed moment.
    pub awake: Duration,
    /// Time that passed while it slept, from any fixed moment; constant where the system does not say.
    pub asleep: Duration,
}

/// The clocks of a run, and waiting by them.
pub trait Clocks: Wait {
    /// What they read now.
    fn read(&self) -> Reading;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn an_ignored_signal_is_read_from_the_mask() {
        // Signals 1 and 13: bits 0 and 12.
        let status = "Name:\tsoak\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001001\nSigCgt:\t0\n";
        assert!(is_in_mask(status, 1) && is_in_mask(status, 13));
        assert!(!is_in_mask(status, 2) && !is_in_mask("", 1));
    }

    fn text_of(pairs: &[(&str, &str)]) -> Result<Option<String>, ClockError> {
        let environment = Environment::from_pairs(pairs.iter().copied());
        Ok(fixed(&environment)?.map(|time| time.to_rfc3339()))
    }

    #[test]
    fn the_own_variable_beats_the_older_names_in_their_order() {
        let own = ("SOAK_NOW", "2025-01-01T00:00:00Z");
        let older = ("CI_FAKE_UTC", "2025-02-01T00:00:00Z");
        let oldest = ("MM_FREEZE_UTC_ISO", "2025-03-01T00:00:00Z");
        let first = |pairs: &[_]| text_of(pairs).ok().flatten();
        assert_eq!(first(&[oldest, older, own]).as_deref(), Some("2025-01-01T00:00:00+00:00"));
        assert_eq!(first(&[oldest, older]).as_deref(), Some("2025-02-01T00:00:00+00:00"));
        assert_eq!(first(&[oldest]).as_deref(), Some("2025-03-01T00:00:00+00:00"));
        assert_eq!(first(&[]), None);
        assert_eq!(first(&[("SOAK_NOW", ""), oldest]).as_deref(), Some("2025-03-01T00:00:00+00:00"));
    }

    #[test]
    fn an_offset_is_turned_into_utc() {
        let time = text_of(&[("SOAK_NOW", "2025-10-12T14:30:00+02:30")]).ok().flatten();
        assert_eq!(time.as_deref(), Some("2025-10-12T12:00:00+00:00"));
    }

    #[test]
    fn a_value_that_is_no_time_is_an_error_that_names_its_variable() {
        for value in ["yesterday", "2025-10-12", "2025-10-12T12:00:00", "2025-13-01T00:00:00Z", "1760270400"]
        {
            for name in NAMES {
                let reported = text_of(&[(name, value)]).err().map(|error| error.to_string());
                assert!(
                    reported.is_some_and(|reported| reported.contains(name) && reported.contains(value)),
                    "{name}={value}"
                );
            }
        }
    }

    #[test]
    fn a_wrong_value_of_a_variable_that_is_overruled_does_not_matter() {
        let time = text_of(&[("SOAK_NOW", "2025-01-01T00:00:00Z"), ("CI_FAKE_UTC", "nonsense")]);
        assert!(time.is_ok());
    }

    #[test]
    fn without_a_variable_the_clock_of_the_machine_is_read() {
        let before = Utc::now();
        let reported = now(&Environment::default());
        assert!(reported.is_ok_and(|reported| reported >= before && reported <= Utc::now()));
    }
}

#[cfg(test)]
mod signals_tests {
    use super::*;

    #[test]
    fn waiting_takes_as_long_as_it_should() {
        let started = Instant::now();
        assert_eq!(StopRequest::default().wait(Duration::from_millis(50)), Ok(()));
        assert!(started.elapsed() >= Duration::from_millis(50));
        assert_eq!(StopRequest::default().wait(Duration::ZERO), Ok(()));
    }

    #[test]
    fn a_request_to_stop_ends_waiting() {
        let stop = StopRequest::default();
        let waiter = stop.clone();
        let waiting = std::thread::spawn(move || waiter.wait(Duration::MAX));
        stop.request();
        assert_eq!(waiting.join().ok(), Some(Err(Interrupted)));
        assert_eq!(stop.wait(Duration::ZERO), Err(Interrupted));
    }
}
