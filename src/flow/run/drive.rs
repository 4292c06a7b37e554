//! One iteration after the other.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::core::params::ParamValues;
use crate::core::run::iteration::{IterationRecord, KpiVerdict, Sample};
use crate::core::run::planner::{Event, Planner};
use crate::core::run::source::{Interval, NoReport, Source, Wait};
use crate::core::tuning::state::TunerState;
use crate::io::clock;
use crate::io::run_folder::{RunFolder, RunFolderError};
use crate::io::signals::StopRequest;
use crate::wire::overrides;

/// What time it is in a run.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The simulator computes at once: iteration n covers the n-th interval from this time on.
    Virtual(DateTime<Utc>),
    /// The clock of the machine.
    Real,
}

impl Clock {
    fn starts(self, number: u64, length: Duration) -> DateTime<Utc> {
        match self {
            Self::Virtual(start) => start + times(length, number.saturating_sub(1)),
            Self::Real => clock::machine_time(),
        }
    }

    fn ends(self, number: u64, length: Duration) -> DateTime<Utc> {
        match self {
            Self::Virtual(start) => start + times(length, number),
            Self::Real => clock::machine_time(),
        }
    }
}

/// So many intervals, to the nanosecond.
fn times(length: Duration, count: u64) -> TimeDelta {
    let nanoseconds = length.as_nanos().saturating_mul(u128::from(count));
    let seconds = i64::try_from(nanoseconds / 1_000_000_000).unwrap_or(i64::MAX);
    let rest = u32::try_from(nanoseconds % 1_000_000_000).unwrap_or_default();
    TimeDelta::new(seconds, rest).unwrap_or(TimeDelta::MAX)
}

/// Sees every iteration: when it begins, and once it is safe on the disk.
pub trait Watcher {
    /// An iteration begins.
    fn begins(&mut self, _interval: &Interval<'_>) {}

    /// An iteration was written.
    fn iteration(&mut self, record: &IterationRecord);
}

/// Samples the watched process tree.
pub type Sampler = Box<dyn FnMut(u64) -> Sample>;

/// A run in motion.
pub struct Drive<'a> {
    /// Decides.
    pub planner: Planner<'a>,
    /// Measures.
    pub source: &'a mut dyn Source,
    /// Keeps.
    pub folder: &'a mut RunFolder,
    /// Tells the time.
    pub clock: Clock,
    /// Asks to stop.
    pub stop: &'a StopRequest,
    /// Watches.
    pub watcher: &'a mut dyn Watcher,
    /// Samples resources, if asked for.
    pub sampler: Option<Sampler>,
    /// The file that the overrides were read from, whose shape the active ones keep; `None` = flat.
    pub shape: Option<&'a [u8]>,
    /// So many iterations in a row with KPI FAIL end the run; 0 = never.
    pub abort_after_fails: u64,
    /// The overrides that this process has put in place; `None` = none yet.
    pub in_place: Option<ParamValues>,
}

/// Why a run cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its folder cannot be written.
    #[error(transparent)]
    Folder(#[from] RunFolderError),
    /// The file whose shape the overrides keep is no JSON object.
    #[error("the overrides cannot be written in the shape of their file")]
    Shape(#[source] serde_json::Error),
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// All declared iterations are there.
    Complete,
    /// A signal; can be resumed.
    Interrupted,
    /// Too many failed collections in a row; holds the reason of the last.
    Uncollected {
        /// How many.
        in_a_row: u64,
        /// The last reason.
        reason: String,
    },
    /// `--abort-after-fails`.
    Aborted {
        /// How many iterations in a row had KPI FAIL.
        in_a_row: u64,
    },
}

/// What became of a run.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How it ended.
    pub end: End,
    /// The last iteration that was written.
    pub last: u64,
    /// Iterations of this start of the run that brought a report.
    pub collected: u64,
    /// The tuner's memory.
    pub state: TunerState,
}

impl Drive<'_> {
    /// Runs the iterations after `done`, up to the last that was declared. `fails` is the number of iterations
    /// with KPI FAIL that the run ends with so far.
    pub fn run(mut self, done: u64, mut state: TunerState, fails: u64) -> Result<Ended, RunError> {
        let (mut last, mut collected, mut fails) = (done, 0, fails);
        // A row that has ended the run once is used up: whoever goes on with it has mended something.
        if state.failed_collections >= self.planner.policy.run.patience.failed_collections {
            state.failed_collections = 0;
        }
        if fails >= self.abort_after_fails {
            fails = 0;
        }
        for number in done + 1..=self.planner.iterations {
            if self.stop.is_asked() {
                return Ok(Ended { end: End::Interrupted, last, collected, state });
            }
            let Some(record) = self.iteration(&state, number)? else {
                return Ok(Ended { end: End::Interrupted, last, collected, state });
            };
            let overrides = self.overrides_text(&record.state.overrides)?;
            self.folder.commit(&record, &overrides)?;
            self.in_place = Some(record.state.overrides.clone());
            self.watcher.iteration(&record);
            last = number;
            collected += u64::from(record.collection_failed.is_none());
            fails = if record.summary.kpi_verdict == Some(KpiVerdict::Fail) { fails + 1 } else { 0 };
            let end = self.gives_up(&record, fails);
            state = record.state;
            if let Some(end) = end {
                return Ok(Ended { end, last, collected, state });
            }
        }
        Ok(Ended { end: End::Complete, last, collected, state })
    }

    /// One iteration; `None` when it was interrupted, and then it never was.
    fn iteration(&mut self, state: &TunerState, number: u64) -> Result<Option<IterationRecord>, RunError> {
        let begin = self.planner.begin(state, number);
        // Straight after the commit of the iteration before, they usually are in place.
        if self.in_place.as_ref() != Some(&begin.overrides) {
            let text = self.overrides_text(&begin.overrides)?;
            self.folder.put_overrides(&text)?;
            self.in_place = Some(begin.overrides.clone());
        }
        let overrides_file = self.folder.active_overrides().to_owned();
        let length = self.planner.interval;
        let starts = self.clock.starts(number, length);
        let interval = Interval {
            iteration: number,
            starts,
            length,
            overrides: &begin.overrides,
            overrides_file: &overrides_file,
        };
        self.watcher.begins(&interval);
        let wait: &dyn Wait = self.stop;
        let outcome = match self.source.cover(&interval, wait) {
            Ok(report) => Ok(report),
            Err(NoReport::Failed(reason)) => {
                // A source that fails at once must not turn the run into a busy loop.
                if matches!(self.clock, Clock::Real) {
                    let left = (interval.ends() - clock::machine_time()).to_std().unwrap_or_default();
                    if self.stop.wait(left).is_err() {
                        return Ok(None);
                    }
                }
                Err(reason)
            }
            Err(NoReport::Interrupted) => return Ok(None),
        };
        let ends = self.clock.ends(number, length);
        let watched = self.sampler.as_mut().map(|sampler| sampler(number));
        let event = Event { number, starts, ends, outcome, watched };
        Ok(Some(self.planner.finish(state, begin, event)))
    }

    /// The whole text of the overrides file with these values.
    fn overrides_text(&self, values: &ParamValues) -> Result<Vec<u8>, RunError> {
        overrides::write(self.shape, values).map(String::into_bytes).map_err(RunError::Shape)
    }

    /// Why the run must not go on after this iteration; `None` also after the last one, which ends it anyway.
    fn gives_up(&self, record: &IterationRecord, fails: u64) -> Option<End> {
        let failed = record.state.failed_collections;
        if failed >= self.planner.policy.run.patience.failed_collections {
            let reason = record.collection_failed.clone().unwrap_or_default();
            return Some(End::Uncollected { in_a_row: failed, reason });
        }
        let is_last = record.number == self.planner.iterations;
        (!is_last && self.abort_after_fails > 0 && fails >= self.abort_after_fails)
            .then_some(End::Aborted { in_a_row: fails })
    }
}
