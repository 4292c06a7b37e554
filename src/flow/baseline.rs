//! The comparison of a snapshot with an earlier one.

use std::path::{Path, PathBuf};

use crate::core::baseline;
use crate::core::kpi::KpiId;
use crate::io::loose::{self, FileError};
use crate::wire::literals::parse_marked;
use crate::wire::snapshot::Snapshot;

/// Why there is nothing to compare with.
#[derive(Debug, thiserror::Error)]
pub enum BaselineProblem {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not a snapshot that we know.
    #[error("the baseline `{}` cannot be used: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// The lines that tell how the KPIs and the verdict changed since the baseline.
pub fn compare(path: &Path, snapshot: &Snapshot) -> Result<String, BaselineProblem> {
    let bytes = loose::read(path)?;
    let baseline = parse_marked(&bytes, crate::wire::baseline::read)
        .map_err(|error| BaselineProblem::Unusable { path: path.to_owned(), reason: error.to_string() })?;
    let block = &snapshot.kpi_last8;
    let current = [
        (KpiId::RISK_RATIO, block.risk_ratio.mean),
        (KpiId::MAKER_TAKER_RATIO, block.maker_taker_ratio.mean),
        (KpiId::NET_BPS, block.net_bps.mean),
        (KpiId::P95_LATENCY_MS, block.p95_latency_ms.mean),
    ];
    let diff = baseline::diff(&baseline, &current, &snapshot.verdict);
    Ok(crate::render::baseline::text(&diff))
}
