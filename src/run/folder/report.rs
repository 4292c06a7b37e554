//! `TUNING_STATE.json`, and `TUNING_REPORT.json` as it is written entry by entry.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use crate::core::iteration::guards::Guard;
use crate::core::iteration::params::{ParamName, ParamValues};
use crate::core::kpi::KpiId;
use crate::core::text::number::exactly;
use crate::infra::artifacts::Durability;
use crate::infra::failpoint::failpoint;
use crate::run::folder::files::RunFolderError;
use crate::run::folder::files::{TEMPORARY_PREFIX, put};
use crate::run::iteration::file::utc;
use crate::run::iteration::tuning::{SkipReason, TunerState};
use crate::run::iteration::{IterationRecord, KpiVerdict};

/// A tuning report in the making, in a temporary file that goes away with it.
#[derive(Debug)]
pub(crate) struct Draft {
    temporary: PathBuf,
    path: PathBuf,
    file: BufWriter<File>,
    counts: ReportCounts,
    /// Iterations in it.
    pub(crate) count: u64,
}

impl Draft {
    /// An empty report for the run in this folder.
    pub(crate) fn begin(folder: &Path) -> Result<Self, RunFolderError> {
        let path = folder.join(REPORT_FILE);
        let temporary = folder.join(format!("{TEMPORARY_PREFIX}{REPORT_FILE}"));
        let _ = fs::remove_file(&temporary);
        let file = File::create_new(&temporary).map_err(RunFolderError::io("write", &path))?;
        let mut file = BufWriter::with_capacity(1 << 16, file);
        file.write_all(b"{\"iterations\":[").map_err(RunFolderError::io("write", &path))?;
        Ok(Self { temporary, path, file, counts: ReportCounts::default(), count: 0 })
    }

    /// Adds an iteration.
    pub(crate) fn add(&mut self, record: &IterationRecord) -> Result<(), RunFolderError> {
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
    pub(crate) fn end(mut self, durability: Durability) -> Result<(), RunFolderError> {
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

/// Name of the state's file in the run's folder.
pub(crate) const STATE_FILE: &str = "TUNING_STATE.json";

/// Name of the report's file in the run's folder.
pub(crate) const REPORT_FILE: &str = "TUNING_REPORT.json";

/// `TUNING_STATE.json`: what other programs ask the tuner's memory for. Nothing is resumed from it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TuningState<'a> {
    /// Nothing is applied up to and including this iteration.
    cooldown_until_iter: Option<u64>,
    freeze_reason: Option<&'a str>,
    /// The freeze is in force up to and including this iteration.
    frozen_until_iter: Option<u64>,
    last_applied_signature: Option<&'a str>,
    schema_version: &'static str,
}

/// The bytes of `TUNING_STATE.json`.
pub(crate) fn state_bytes(state: &TunerState) -> Vec<u8> {
    let written = TuningState {
        cooldown_until_iter: state.cooldown_until,
        freeze_reason: state.freeze_reason.as_deref(),
        frozen_until_iter: state.frozen_until,
        last_applied_signature: state.last_applied_signature.as_deref(),
        schema_version: "1.0",
    };
    // Texts and whole numbers have no way to fail.
    let mut bytes = serde_json::to_vec_pretty(&written).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the shape of the file")]
struct Entry<'a> {
    applied: bool,
    changed_keys: Vec<ParamName>,
    cooldown_active: bool,
    iteration: u64,
    kpi_verdict: Option<KpiVerdict>,
    neg_edge_drivers: &'a [String],
    #[serde(serialize_with = "exactly")]
    net_bps: Option<f64>,
    oscillation_detected: bool,
    proposed_deltas: ParamValues,
    rationale: String,
    runtime_utc: String,
    signature: Option<&'a str>,
    skip_reason: SkipReason,
    state_hash: &'a str,
    suggested_deltas: ParamValues,
    velocity_violation: bool,
}

/// One entry of `TUNING_REPORT.json`, on one line, without the line break.
pub(crate) fn report_entry(record: &IterationRecord) -> Result<Vec<u8>, serde_json::Error> {
    let tuning = &record.tuning;
    let spoke = |guard| tuning.guards.contains(&guard);
    serde_json::to_vec(&Entry {
        applied: tuning.applied(),
        changed_keys: tuning.changed(),
        cooldown_active: spoke(Guard::Cooldown),
        iteration: record.number,
        kpi_verdict: record.summary.kpi_verdict,
        neg_edge_drivers: &record.summary.neg_edge_drivers,
        net_bps: record.summary.value(KpiId::NET_BPS),
        oscillation_detected: spoke(Guard::Oscillation),
        proposed_deltas: tuning.proposed(),
        rationale: tuning.rationale(),
        runtime_utc: utc(record.ends),
        signature: tuning.signature.as_deref(),
        skip_reason: SkipReason::of(tuning),
        state_hash: &tuning.state_hash,
        suggested_deltas: tuning.proposed(),
        velocity_violation: spoke(Guard::Velocity),
    })
}

/// The counts at the end of `TUNING_REPORT.json`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReportCounts {
    applied: u64,
    blocked_oscillation: u64,
    blocked_velocity: u64,
    cooldown_skips: u64,
    count: u64,
}

impl ReportCounts {
    /// Counts an iteration.
    pub(crate) fn add(&mut self, record: &IterationRecord) {
        let spoke = |guard| u64::from(record.tuning.guards.contains(&guard));
        self.applied += u64::from(record.tuning.applied());
        self.blocked_oscillation += spoke(Guard::Oscillation);
        self.blocked_velocity += spoke(Guard::Velocity);
        self.cooldown_skips += spoke(Guard::Cooldown);
        self.count += 1;
    }

    /// The summary, on one line.
    pub(crate) fn to_json(self) -> String {
        let counts = BTreeMap::from([
            ("applied", self.applied),
            ("blocked_oscillation", self.blocked_oscillation),
            ("blocked_velocity", self.blocked_velocity),
            ("cooldown_skips", self.cooldown_skips),
            ("count", self.count),
        ]);
        // Whole numbers have no way to fail.
        serde_json::to_string(&counts).unwrap_or_default()
    }
}
