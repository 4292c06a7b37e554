//! Waiting in tests: really, not at all, or until the run is to stop.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::infra::clock::{Interrupted, Wait};

/// Waits for real; interrupted after a time, if there is one.
pub(crate) struct RealWait {
    until: Option<Instant>,
}

impl RealWait {
    /// Never interrupted.
    pub(crate) fn new() -> Self {
        Self { until: None }
    }

    /// Interrupted after so long.
    pub(crate) fn interrupted_after(time: Duration) -> Self {
        Self { until: Some(Instant::now() + time) }
    }
}

impl Wait for RealWait {
    fn wait(&self, how_long: Duration) -> Result<(), Interrupted> {
        let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        match left {
            Some(left) if left <= how_long => {
                std::thread::sleep(left);
                Err(Interrupted)
            }
            _ => {
                std::thread::sleep(how_long);
                Ok(())
            }
        }
    }
}

/// Does not wait, and remembers how long it was asked to; does something in place of waiting.
pub(crate) struct NoWait<F> {
    pub(crate) asked: Cell<Duration>,
    pub(crate) meanwhile: F,
}

impl<F: Fn()> NoWait<F> {
    /// Does this whenever it is to wait.
    pub(crate) fn doing(meanwhile: F) -> Self {
        Self { asked: Cell::new(Duration::ZERO), meanwhile }
    }
}

impl<F: Fn()> Wait for NoWait<F> {
    fn wait(&self, how_long: Duration) -> Result<(), Interrupted> {
        self.asked.set(self.asked.get() + how_long);
        (self.meanwhile)();
        Ok(())
    }
}
