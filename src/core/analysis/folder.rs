//! Load and judge: one load, one analysis, whatever the command shows of it.

use std::path::{Path, PathBuf};

use crate::core::analysis::{self, Analysis, Options};
use crate::core::judge::edge_report::Totals;
use crate::core::load;
use crate::core::load::edge_report;
use crate::core::load::run_folder::RunFolder;
use crate::core::load::{LoadError, Loaded};
use crate::core::policy::Policy;
use crate::infra::atomic_file;
use crate::infra::atomic_file::FileError;
use crate::infra::clock;
use crate::infra::environment::Environment;

/// What to judge.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The requested folder.
    pub path: &'a Path,
    /// Limits, KPIs, windows.
    pub policy: &'a Policy,
    /// How.
    pub options: Options,
    /// Only these symbols; empty = all.
    pub symbols: &'a [String],
    /// An edge report to hold against the limits, too.
    pub edge_report: Option<&'a Path>,
}

impl<'a> Request<'a> {
    /// The whole folder, as the gate judges it.
    pub fn new(path: &'a Path, policy: &'a Policy, options: Options) -> Self {
        Self { path, policy, options, symbols: &[], edge_report: None }
    }
}

/// A judged folder.
#[derive(Debug)]
pub struct Judged {
    /// The folder with the iterations.
    pub folder: RunFolder,
    /// Whether that is another one than was requested.
    pub redirected: bool,
    /// Everything known about it.
    pub analysis: Analysis,
}

/// Why nothing could be judged.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// The folder cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The edge report cannot be opened.
    #[error(transparent)]
    EdgeFile(#[from] FileError),
    /// The edge report cannot be understood.
    #[error("the edge report `{}` cannot be used: {reason}", path.display())]
    EdgeReport { path: PathBuf, reason: String },
    /// A symbol was requested that is not there.
    #[error("the run has no symbol `{}`", names.join("`, `"))]
    Symbol { names: Vec<String>, known: Vec<String> },
}

/// Loads a folder and judges it.
pub fn judge(request: &Request<'_>) -> Result<Judged, JudgeError> {
    let totals = request.edge_report.map(edge_totals).transpose()?;
    let loaded = load::load(request.path, &request.policy.kpis)?;
    judge_loaded(loaded, request, totals.as_ref())
}

/// Judges what was loaded for a request.
pub(crate) fn judge_loaded(
    loaded: Loaded,
    request: &Request<'_>,
    totals: Option<&Totals>,
) -> Result<Judged, JudgeError> {
    let Loaded { folder, mut evidence } = loaded;
    tracing::debug!(
        folder = %folder.path().display(),
        iterations = evidence.len(),
        unusable = evidence.bad_files.len(),
        "loaded"
    );
    if !request.symbols.is_empty() {
        let known: Vec<String> = evidence.series.iter().filter_map(|series| series.symbol.clone()).collect();
        let unknown = evidence.keep_symbols(request.symbols);
        if !unknown.is_empty() {
            let names = unknown.into_iter().map(str::to_owned).collect();
            return Err(JudgeError::Symbol { names, known });
        }
    }
    let machine = clock::machine_time();
    // A variable that is no time is an error where times are written; here it only says nothing.
    let fixed = clock::fixed(&Environment::of_process()).ok().flatten();
    evidence.now = Some(fixed.map_or(machine, |fixed| fixed.max(machine)));
    let analysis = analysis::analyse(evidence, request.policy, &request.options, totals);
    Ok(Judged { redirected: folder.path() != request.path, folder, analysis })
}

fn edge_totals(path: &Path) -> Result<Totals, JudgeError> {
    let unusable = |reason: String| JudgeError::EdgeReport { path: path.to_owned(), reason };
    let report = edge_report::read(atomic_file::open(path)?).map_err(|error| unusable(error.to_string()))?;
    let report = report.ok_or_else(|| unusable("it has neither `totals` nor `total`".to_owned()))?;
    Ok(edge_report::totals(&report))
}
