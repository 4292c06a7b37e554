//! What lies in an audited folder besides the iterations: plain data that the loader fills.

use std::collections::BTreeMap;

/// A file that a reader of a run looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyFile {
    /// The compact or the deep snapshot.
    Snapshot,
    /// All tuning records in one file.
    TuningReport,
    /// What became of the deltas.
    DeltaReport,
    /// Metrics of the warm-up.
    Warmup,
}

impl KeyFile {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 4] = [Self::Snapshot, Self::TuningReport, Self::DeltaReport, Self::Warmup];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "POST_SOAK_SNAPSHOT.json",
            Self::TuningReport => "TUNING_REPORT.json",
            Self::DeltaReport => "DELTA_VERIFY_REPORT.md",
            Self::Warmup => "warmup_metrics.prom",
        }
    }

    /// Where it may lie, relative to the folder of the run.
    pub fn places(self) -> &'static [&'static str] {
        match self {
            Self::Snapshot => &["reports/analysis/POST_SOAK_SNAPSHOT.json", "POST_SOAK_SNAPSHOT.json"],
            Self::TuningReport => &["TUNING_REPORT.json"],
            Self::DeltaReport => &["DELTA_VERIFY_REPORT.md"],
            Self::Warmup => &["reports/analysis/warmup_metrics.prom", "warmup_metrics.prom"],
        }
    }
}

/// What `warmup_metrics.prom` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WarmupMetrics {
    /// `warmup_exporter_error`: above 0, the exporter itself had failed; `None` when the file does not say.
    pub exporter_error: Option<f64>,
    /// `guard_triggers_total` by its label `type`.
    pub guard_triggers: BTreeMap<String, f64>,
}

/// The folder of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Folder {
    /// The first files in natural order (2 before 10), names relative to the folder and sizes in bytes. What
    /// the audit itself writes is not among them, nor is anything hidden.
    pub files: Vec<(String, u64)>,
    /// How many files there are.
    pub files_total: usize,
    /// Bytes of all of them.
    pub bytes_total: u64,
    /// Whether the walk ended early because there were too many.
    pub cut: bool,
    /// The key files that are there.
    pub key_files: Vec<KeyFile>,
    /// The warm-up metrics, when there are some that can be read.
    pub warmup: Option<WarmupMetrics>,
}

impl Folder {
    /// Whether a key file is there.
    pub fn has(&self, file: KeyFile) -> bool {
        self.key_files.contains(&file)
    }
}
