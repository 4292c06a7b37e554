//! The records of a run in order, and the tuning report that is made of them, without holding all in memory.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::recover::read_record;
use super::replace::{TEMPORARY_PREFIX, put};
use super::{RunFolder, RunFolderError};
use crate::core::run::iteration::IterationRecord;
use crate::io::artifacts::Durability;
use crate::io::failpoint::failpoint;
use crate::wire::iteration_file;
use crate::wire::tuning_written::{REPORT_FILE, ReportCounts, report_entry};

/// So many records are read at a time.
const BLOCK: usize = 512;

impl RunFolder {
    /// Hands every record of the run to `each`, in order. What rotation removed is passed over.
    pub fn for_each_record(
        &self,
        mut each: impl FnMut(IterationRecord) -> Result<(), RunFolderError>,
    ) -> Result<(), RunFolderError> {
        let numbers: Vec<u64> = (1..=self.manifest.last_complete_iteration)
            .filter(|number| !self.manifest.has_rotated(*number))
            .collect();
        for block in numbers.chunks(BLOCK) {
            let records: Vec<_> = block
                .par_iter()
                .map(|number| {
                    read_record(&self.folder.join(iteration_file::file_name(*number)), *number, &self.kpis)
                })
                .collect();
            for record in records {
                each(record?)?;
            }
        }
        Ok(())
    }

    /// Writes `TUNING_REPORT.json` from the iteration files: a line for each iteration.
    pub fn write_tuning_report(&self) -> Result<(), RunFolderError> {
        let mut draft = Draft::begin(&self.folder)?;
        let poured = self.for_each_record(|record| draft.add(&record));
        poured.and_then(|()| draft.end(self.durability))
    }

    /// Writes the report from what was noted on the way, or, where that is not all of it, from the files.
    pub(super) fn end_tuning_report(&mut self) -> Result<(), RunFolderError> {
        match self.draft.take() {
            Some(draft) if draft.count == self.manifest.last_complete_iteration => draft.end(self.durability),
            _ => self.write_tuning_report(),
        }
    }
}

/// A tuning report in the making, in a temporary file that goes away with it.
#[derive(Debug)]
pub(super) struct Draft {
    temporary: PathBuf,
    path: PathBuf,
    file: BufWriter<File>,
    counts: ReportCounts,
    /// Iterations in it.
    count: u64,
}

impl Draft {
    /// An empty report for the run in this folder.
    pub(super) fn begin(folder: &Path) -> Result<Self, RunFolderError> {
        let path = folder.join(REPORT_FILE);
        let temporary = folder.join(format!("{TEMPORARY_PREFIX}{REPORT_FILE}"));
        let _ = fs::remove_file(&temporary);
        let file = File::create_new(&temporary).map_err(RunFolderError::io("write", &path))?;
        let mut file = BufWriter::with_capacity(1 << 16, file);
        file.write_all(b"{\"iterations\":[").map_err(RunFolderError::io("write", &path))?;
        Ok(Self { temporary, path, file, counts: ReportCounts::default(), count: 0 })
    }

    /// Adds an iteration.
    pub(super) fn add(&mut self, record: &IterationRecord) -> Result<(), RunFolderError> {
        let entry = report_entry(record)
            .map_err(|source| RunFolderError::Record { number: record.number, source })?;
        let separator: &[u8] = if self.count == 0 { b"\n" } else { b",\n" };
        let written = self.file.write_all(separator).and_then(|()| self.file.write_all(&entry));
        written.map_err(RunFolderError::io("write", &self.path))?;
        self.counts.add(record);
        self.count += 1;
        Ok(())
    }

    /// Completes the report and puts it in place.
    fn end(mut self, durability: Durability) -> Result<(), RunFolderError> {
        let end = format!("\n],\"summary\":{}}}\n", self.counts.to_json());
        let flushed = self.file.write_all(end.as_bytes()).and_then(|()| self.file.flush());
        let written = flushed.and_then(|()| match durability {
            Durability::Synced => self.file.get_ref().sync_all(),
            Durability::Renamed => Ok(()),
        });
        written.map_err(RunFolderError::io("write", &self.path))?;
        failpoint("run-report-staged");
        put(&self.temporary, &self.path)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Once the report is in place there is nothing left to remove.
        let _ = fs::remove_file(&self.temporary);
    }
}
