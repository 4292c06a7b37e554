//! Reads one side of a comparison: a run, judged as `gate` judges it, or a file about one.

use std::path::{Path, PathBuf};

use crate::core::analysis::{Analysis, Options, SymbolAnalysis};
use crate::core::compare::conditions::{Condition, Conditions};
use crate::core::compare::significance::{Around, Values};
use crate::core::compare::{Measured, Side};
use crate::core::policy::{KpiRule, Policy, WindowSpec};
use crate::core::verdict::WindowUsed;
use crate::core::window::Window;
use crate::flow::judge::{self, JudgeError, Judged, Request};
use crate::io::load::{LARGEST, read_bounded};
use crate::io::loose;
use crate::wire::compare_result::ComparedRun;
use crate::wire::{compared_file, conditions, run_manifest};

/// How sides are read.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Limits, KPIs, windows.
    pub policy: &'a Policy,
    /// Relaxed limits for the verdict.
    pub mock: bool,
    /// Judge a run that is still going on by what is there.
    pub so_far: bool,
    /// The symbol to compare; `None` = the only one.
    pub symbol: Option<&'a str>,
}

/// Why a side cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum SideError {
    /// The folder cannot be judged.
    #[error(transparent)]
    Judge(#[from] JudgeError),
    /// Nothing usable is in the folder.
    #[error("there is nothing to compare in `{}`: {reason}", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
        /// What the analysis says of it.
        reason: String,
    },
    /// The run has several symbols, and none was named.
    #[error("the run in `{}` has several symbols: {}", path.display(), symbols.join(", "))]
    Symbols {
        /// The folder.
        path: PathBuf,
        /// Its symbols.
        symbols: Vec<String>,
    },
    /// The file is no snapshot.
    #[error("`{}` cannot be compared: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// A side, read.
#[derive(Debug)]
pub struct Read {
    /// What it is.
    pub run: ComparedRun,
    /// Its KPIs.
    pub side: Side,
    /// Its single values, where it is a run.
    pub singles: Option<Singles>,
    /// What it was measured under, as far as that is known.
    pub conditions: Conditions,
    /// The folder read, where it is another one than was asked for.
    pub redirected: Option<PathBuf>,
}

/// The single values of the window that significance looks at.
#[derive(Debug)]
pub struct Singles {
    /// The iterations.
    pub window: WindowUsed,
    /// Iterations that the run has yet to pass before the window begins; 0 where it has begun.
    pub ahead: usize,
    /// Their known values, in the order of the rules and of time.
    pub values: Values,
}

impl Singles {
    /// What stands around the values.
    pub fn around(&self) -> Around {
        Around { iterations: self.window.n, ahead: self.ahead }
    }
}

/// Reads a side: a file if there is a file, else a folder.
pub fn read(path: &Path, asked: &Asked<'_>) -> Result<Read, SideError> {
    if loose::is_file(path) { read_file(path, asked.policy) } else { read_run(path, asked) }
}

fn read_file(path: &Path, policy: &Policy) -> Result<Read, SideError> {
    let failed = |reason: String| SideError::File { path: path.to_owned(), reason };
    let mut bytes = Vec::new();
    read_bounded(path, LARGEST, &mut bytes).map_err(failed)?;
    let file = compared_file::read(&bytes).map_err(|error| failed(error.to_string()))?;
    let run = ComparedRun {
        path: told(path),
        kind: file.kind.to_owned(),
        verdict: file.verdict,
        reason: None,
        symbol: None,
        source: None,
        window: None,
    };
    let known = |kpi| file.kpis.iter().find(|(of, _)| *of == kpi).map(|(_, measured)| *measured);
    let side = policy.compare.kpis.iter().map(|rule| known(rule.kpi).unwrap_or_default()).collect();
    Ok(Read { run, side, singles: None, conditions: Conditions::new(), redirected: None })
}

fn read_run(path: &Path, asked: &Asked<'_>) -> Result<Read, SideError> {
    let Asked { policy, mock, so_far, symbol } = *asked;
    // As `gate` judges: what it calls INVALID is no basis for a comparison.
    let options = Options { mock, so_far, ..Options::default() };
    let symbols: Vec<String> = symbol.map(str::to_owned).into_iter().collect();
    let request = Request { path, policy, options, symbols: &symbols, edge_report: None };
    read_judged(&judge::judge(&request)?, path, policy)
}

/// A judged folder as one side, with its single values.
pub fn read_judged(judged: &Judged, path: &Path, policy: &Policy) -> Result<Read, SideError> {
    let analysis = &judged.analysis;
    let folder = || judged.folder.clone();
    if analysis.evidence.is_empty() {
        return Err(SideError::Empty { path: folder(), reason: analysis.reason() });
    }
    let [only] = analysis.symbols.as_slice() else {
        let symbols =
            analysis.symbols.iter().map(|symbol| symbol.symbol.clone().unwrap_or_default()).collect();
        return Err(SideError::Symbols { path: folder(), symbols });
    };
    let run = of_symbol(analysis, only, path);
    let side = side(only, policy);
    let singles = Some(singles(analysis, only, policy));
    let conditions = conditions_of(&judged.folder, analysis);
    Ok(Read { run, side, singles, conditions, redirected: judged.redirected.then(folder) })
}

/// What the run declares, and where its data came from.
fn conditions_of(folder: &Path, analysis: &Analysis) -> Conditions {
    let mut bytes = Vec::new();
    // The judge reports a manifest that cannot be read.
    let read = read_bounded(&folder.join(run_manifest::FILE_NAME), LARGEST, &mut bytes);
    let mut known = if read.is_ok() { conditions::of_manifest(&bytes) } else { Conditions::new() };
    if let Some(source) = analysis.source() {
        let is_simulated = analysis.origin.simulated;
        known.insert(Condition::Simulated, if is_simulated { "simulated" } else { "real" }.to_owned());
        known.insert(Condition::Source, source);
    }
    known
}

fn singles(analysis: &Analysis, symbol: &SymbolAnalysis, policy: &Policy) -> Singles {
    let series = analysis.series(symbol);
    let numbers = analysis.evidence.numbers(series);
    let window = Window::find(series, policy.compare.window, &policy.windows, &numbers);
    let values = |rule: &KpiRule| {
        let positions = window.positions.clone();
        positions.filter_map(|at| Some((series.number(at), series.value(rule.kpi, at)?))).collect()
    };
    let values = policy.compare.kpis.iter().map(values).collect();
    let begins = match policy.compare.window {
        WindowSpec::Steady => policy.windows.steady_start,
        _ => 1,
    };
    let last = numbers.ranges().last().map_or(0, |(_, last)| *last);
    let ahead = usize::try_from(begins.saturating_sub(last + 1)).unwrap_or(usize::MAX);
    Singles { window: window.used(), ahead, values }
}

fn of_symbol(analysis: &Analysis, symbol: &SymbolAnalysis, path: &Path) -> ComparedRun {
    ComparedRun {
        path: told(path),
        kind: "run".to_owned(),
        verdict: Some(analysis.outcome.word().to_owned()),
        reason: Some(analysis.reason()),
        symbol: symbol.symbol.clone(),
        source: analysis.source(),
        window: Some(symbol.last.used()),
    }
}

/// The compared KPIs over the last-n window, in the order of the rules.
pub fn side(symbol: &SymbolAnalysis, policy: &Policy) -> Side {
    let measured = |rule: &KpiRule| {
        let stats = symbol.last_kpi(rule.kpi);
        let summary = stats.and_then(|stats| stats.summary);
        Measured {
            median: summary.map(|summary| summary.median),
            mean: summary.map(|summary| summary.mean),
            n: stats.map(|_| summary.map_or(0, |summary| summary.n)),
        }
    };
    policy.compare.kpis.iter().map(measured).collect()
}

fn told(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
