//! One iteration after the other.

use super::pace::{Covered, Pace};
use crate::core::params::ParamValues;
use crate::core::run::clock::ClockStep;
use crate::core::run::iteration::{IterationRecord, KpiVerdict, Sample};
use crate::core::run::planner::{Event, Planner};
use crate::core::run::source::{Interval, Source};
use crate::core::tuning::state::TunerState;
use crate::io::run_folder::{RunFolder, RunFolderError};
use crate::wire::overrides;

/// What is noted once where a command sees less than half of the interval.
const EARLY: &str = "the command was done before half of the interval was over, so it saw little of what the overrides \
                     did; `--measure-at end` starts it at the end of the interval";

/// Sees every iteration: when it begins, and once it is safe on the disk.
pub trait Watcher {
    /// An iteration begins.
    fn begins(&mut self, _interval: &Interval<'_>) {}

    /// The wall clock moved as no passing of time explains.
    fn clock_step(&mut self, _step: &ClockStep) {}

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
    /// Tells the time, waits, and notices that the run is to stop.
    pub pace: Pace<'a>,
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
    /// Whether a measurement that came early has been noted.
    pub noted_early: bool,
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
            if self.pace.is_stopped() {
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
        let interval = self.pace.begin(number, &begin.overrides, &overrides_file);
        self.watcher.begins(&interval);
        let Ok(covered) = self.pace.cover(self.source, &interval) else { return Ok(None) };
        for step in &covered.clock_steps {
            self.folder.note_clock_step(step)?;
            self.watcher.clock_step(step);
        }
        let Covered { starts, ends, outcome, measured_early, .. } = covered;
        let watched = self.sampler.as_mut().map(|sampler| sampler(number));
        let event = Event { number, starts, ends, measured_early, outcome, watched };
        let mut record = self.planner.finish(state, begin, event);
        if measured_early && !std::mem::replace(&mut self.noted_early, true) {
            record.summary.notes.push(EARLY.to_owned());
        }
        Ok(Some(record))
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
