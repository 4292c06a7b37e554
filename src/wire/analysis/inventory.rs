//! What was found in the folder, as the analysis document tells it. Names of files, never paths above them.

use serde::Serialize;

use super::LISTED;
use crate::core::evidence::{Declared, Evidence, ForeignVerdict};
use crate::core::series::Series;

/// A file that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct UnusableRow {
    /// Its name in the folder.
    pub file: String,
    /// The iteration number in the name.
    pub iteration: u64,
    /// The symbol in the name, if there is one.
    pub symbol: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// Files that claim the same iteration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct DuplicateRow {
    /// The number.
    pub iteration: u64,
    /// The symbol, if there is one.
    pub symbol: Option<String>,
    /// Their names, sorted.
    pub files: Vec<String>,
}

/// A file whose content names another iteration than its name does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct RenumberedRow {
    /// File name.
    pub file: String,
    /// The number in the name, which counts.
    pub iteration: u64,
    /// The number in the content.
    pub content: u64,
}

/// What the run declared in its manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct DeclaredRow {
    /// `running`, `complete`, `interrupted` or `failed`.
    #[schemars(extend("enum" = ["running", "complete", "interrupted", "failed"]))]
    pub state: String,
    /// Iterations it set out to do.
    pub iterations: u64,
    /// Last complete iteration; 0 before the first.
    pub last_complete: u64,
    /// How many iterations rotation removed.
    pub rotated: usize,
    /// Where the data came from; null when the manifest does not say.
    pub source: Option<String>,
}

/// A verdict that another tool left beside the iterations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ForeignRow {
    /// File name.
    pub file: String,
    /// Its word, as written.
    pub verdict: String,
}

/// What was found in the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Inventory {
    /// Usable iterations over all symbols.
    pub usable: usize,
    /// Lowest usable number; null when there is none.
    pub first: Option<u64>,
    /// Highest usable number; null when there is none.
    pub last: Option<u64>,
    /// The first 1000 unusable files, by number and name.
    pub unusable: Vec<UnusableRow>,
    /// How many unusable files there are.
    pub unusable_total: usize,
    /// The first 1000 numbers that are claimed more than once.
    pub duplicates: Vec<DuplicateRow>,
    /// How many numbers are claimed more than once.
    pub duplicates_total: usize,
    /// The first 1000 files whose content disagrees with their name.
    pub renumbered: Vec<RenumberedRow>,
    /// How many files disagree with their name.
    pub renumbered_total: usize,
    /// What the run declared; null without a readable manifest.
    pub declared: Option<DeclaredRow>,
    /// Why the manifest cannot be read; null when it can, and when there is none.
    pub manifest_error: Option<String>,
    /// The verdict in `KPI_GATE.json`; null when there is none.
    pub kpi_gate: Option<ForeignRow>,
    /// The verdict of an older result found beside the iterations; null when there is none.
    pub snapshot: Option<ForeignRow>,
}

impl Inventory {
    /// The inventory of what was loaded.
    pub fn of(evidence: &Evidence) -> Self {
        let numbers = || evidence.series.iter().flat_map(Series::rows).map(|row| row.number);
        Self {
            usable: evidence.len(),
            first: numbers().min(),
            last: numbers().max(),
            unusable: evidence
                .bad_files
                .iter()
                .take(LISTED)
                .map(|bad| UnusableRow {
                    file: bad.name.clone(),
                    iteration: bad.number,
                    symbol: bad.symbol.clone(),
                    reason: bad.reason.clone(),
                })
                .collect(),
            unusable_total: evidence.bad_files.len(),
            duplicates: evidence
                .duplicates
                .iter()
                .take(LISTED)
                .map(|two| DuplicateRow {
                    iteration: two.number,
                    symbol: two.symbol.clone(),
                    files: two.names.clone(),
                })
                .collect(),
            duplicates_total: evidence.duplicates.len(),
            renumbered: evidence
                .renumbered
                .iter()
                .take(LISTED)
                .map(|other| RenumberedRow {
                    file: other.name.clone(),
                    iteration: other.number,
                    content: other.content,
                })
                .collect(),
            renumbered_total: evidence.renumbered.len(),
            declared: evidence.declared.as_ref().map(declared),
            manifest_error: evidence.manifest_error.clone(),
            kpi_gate: evidence.kpi_gate.as_ref().map(foreign),
            snapshot: evidence.snapshot.as_ref().map(foreign),
        }
    }
}

fn declared(declared: &Declared) -> DeclaredRow {
    DeclaredRow {
        state: declared.state.word().to_owned(),
        iterations: declared.iterations,
        last_complete: declared.last_complete,
        rotated: declared.rotated.count(),
        source: declared.source.clone(),
    }
}

fn foreign(verdict: &ForeignVerdict) -> ForeignRow {
    ForeignRow { file: verdict.file.clone(), verdict: verdict.verdict.clone() }
}
