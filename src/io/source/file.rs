//! The `file` source: the system under test writes its edge report to a place that is read at the end of each
//! interval.
//!
//! - A file whose time stamp is before the interval is stale. File systems with coarse time stamps get the
//!   benefit of the doubt. The report's own `runtime.utc` is checked by the run.
//! - The report should be put in its place by a rename. One that is being written while it is read is malformed.
//! - `KPI_GATE.json` and `EDGE_SENTINEL.json` beside the report are held to the same rule of age; of
//!   `audit.jsonl` the lines that were added during the interval are counted.

use std::path::PathBuf;

use super::report::{Fresh, Mark, load};
use crate::core::run::edge_report::EdgeReport;
use crate::core::run::source::{Interval, NoReport, Source, Wait};

/// Reads the report at a path.
#[derive(Clone, Debug)]
pub struct FileSource {
    path: PathBuf,
    checks_age: bool,
}

impl FileSource {
    /// The report at this path. It need not be there yet. Without `checks_age` it may be from before the
    /// interval, and so may the files beside it.
    pub fn new(path: PathBuf, checks_age: bool) -> Self {
        Self { path, checks_age }
    }
}

impl Source for FileSource {
    fn name(&self) -> &'static str {
        "file"
    }

    fn cover(&mut self, interval: &Interval<'_>, wait: &dyn Wait) -> Result<EdgeReport, NoReport> {
        let fresh = Fresh { since: interval.starts, audit: Mark::beside(&self.path) };
        wait.pass(interval.length)?;
        load(&self.path, self.checks_age.then_some(&fresh)).map_err(NoReport::Failed)
    }
}

#[cfg(test)]
mod tests;
