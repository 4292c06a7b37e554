//! SIGINT and SIGTERM while a run is going on: the first asks it to stop, the second ends the program at once.
//!
//! Also the waiting that notices them. Must not decide what stopping means.
#![expect(clippy::disallowed_methods, reason = "waiting is done here, where a signal can end it")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::core::run::source::{Interrupted, Wait};

/// How soon a signal is noticed while waiting.
const SLICE: Duration = Duration::from_millis(20);

/// Whether the run was asked to stop.
#[derive(Clone, Debug, Default)]
pub struct StopRequest(Arc<AtomicBool>);

impl StopRequest {
    /// Listens to the signals of this process from now on.
    pub fn listen() -> io::Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // Registered first, so that it only ends the program when an earlier signal has set the flag.
            flag::register_conditional_shutdown(signal, 130, Arc::clone(&asked))?;
            flag::register(signal, Arc::clone(&asked))?;
        }
        Ok(Self(asked))
    }

    /// Whether a signal came.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Asks to stop, as a signal does.
    pub fn ask(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Wait for StopRequest {
    fn wait(&self, how_long: Duration) -> Result<(), Interrupted> {
        let end = Instant::now().checked_add(how_long);
        loop {
            if self.is_asked() {
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

#[cfg(test)]
mod tests {
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
        stop.ask();
        assert_eq!(waiting.join().ok(), Some(Err(Interrupted)));
        assert_eq!(stop.wait(Duration::ZERO), Err(Interrupted));
    }
}
