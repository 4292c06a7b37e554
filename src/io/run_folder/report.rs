//! The records of a run in order, and the tuning report that is made of them, without holding all in memory.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};

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
        let path = self.folder.join(REPORT_FILE);
        let temporary = self.folder.join(format!("{TEMPORARY_PREFIX}{REPORT_FILE}"));
        let written = self.pour_report(&temporary);
        if let Err(error) = written {
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        failpoint("run-report-staged");
        put(&temporary, &path)
    }

    fn pour_report(&self, temporary: &std::path::Path) -> Result<(), RunFolderError> {
        let path = self.folder.join(REPORT_FILE);
        let failed = |source: io::Error| RunFolderError::io("write", &path)(source);
        let _ = fs::remove_file(temporary);
        let mut file = BufWriter::with_capacity(1 << 16, File::create_new(temporary).map_err(failed)?);
        let mut counts = ReportCounts::default();
        let mut separator: &[u8] = b"\n";
        file.write_all(b"{\"iterations\":[").map_err(failed)?;
        self.for_each_record(|record| {
            counts.add(&record);
            let entry = report_entry(&record)
                .map_err(|source| RunFolderError::Record { number: record.number, source })?;
            file.write_all(separator).and_then(|()| file.write_all(&entry)).map_err(failed)?;
            separator = b",\n";
            Ok(())
        })?;
        let end = format!("\n],\"summary\":{}}}\n", counts.to_json());
        file.write_all(end.as_bytes()).map_err(failed)?;
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        match self.durability {
            Durability::Synced => file.sync_all().map_err(failed),
            Durability::Renamed => Ok(()),
        }
    }
}
