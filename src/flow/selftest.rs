//! Puts faults into a private copy of a run, judges each, and tells which gate notices which.
//!
//! Chooses no fault and knows no check: [`crate::core::selftest`] does the one, the analysis has the other.

use std::path::Path;

use crate::core::analysis::{Analysis, Options, pass_limits};
use crate::core::policy::{Policy, WindowSpec};
use crate::core::selftest::{Edit, Fault, Notice, Passes, Subject, faults, reactions};
use crate::core::verdict::Outcome;
use crate::core::window::Window;
use crate::flow::judge::{self, JudgeError, Request};
use crate::io::scratch::{Scratch, ScratchError};
use crate::io::signals::StopRequest;
use crate::wire::selftest_result::SelftestRow;
use crate::wire::tamper;

/// What to test.
#[derive(Clone)]
pub struct Asked<'a> {
    /// The run.
    pub path: &'a Path,
    /// Limits, KPIs, windows.
    pub policy: &'a Policy,
    /// How the gate judges.
    pub options: Options,
    /// The exit code of `gate` on a verdict; 0 lets the run pass.
    pub exit_code: &'a dyn Fn(Outcome) -> u8,
    /// Whether a signal asks to stop; the copy is taken away then, too.
    pub stop: &'a StopRequest,
}

/// Why a run cannot be tested.
#[derive(Debug, thiserror::Error)]
pub enum SelftestError {
    /// It cannot be judged.
    #[error(transparent)]
    Judge(#[from] JudgeError),
    /// It cannot be copied.
    #[error(transparent)]
    Scratch(#[from] ScratchError),
    /// A signal came.
    #[error("interrupted after {done} of {of} faults; the copy of the run is removed")]
    Interrupted {
        /// Faults that were tried.
        done: usize,
        /// Faults that there are.
        of: usize,
    },
    /// There is nothing in it.
    #[error("there is no iteration in `{}` to put a fault into", path.display())]
    Empty {
        /// The folder.
        path: std::path::PathBuf,
    },
}

/// What came of it.
#[derive(Debug)]
pub struct Tested {
    /// The folder with the iterations.
    pub folder: std::path::PathBuf,
    /// The symbol that the faults were put into.
    pub symbol: Option<String>,
    /// The run itself, then a row a fault.
    pub rows: Vec<SelftestRow>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// Tests the gates.
pub fn test(asked: &Asked<'_>) -> Result<Tested, SelftestError> {
    let original = judged(asked, asked.path)?;
    let (folder, before) = (original.folder, original.analysis);
    if before.evidence.is_empty() {
        return Err(SelftestError::Empty { path: folder });
    }
    let copy = Scratch::copy(&folder, asked.stop)?;
    let mut notes = Vec::new();
    if before.symbols.len() > 1 {
        let name = before.worst().symbol.clone().unwrap_or_else(|| "without a name".to_owned());
        notes.push(format!("faults are put into symbol {name} alone, the one that decides"));
    }
    let code = |analysis: &Analysis| (asked.exit_code)(analysis.outcome);
    if code(&before) != 0 {
        notes.push(format!(
            "the run itself does not pass ({}: {}): a gate that fails already counts as catching a fault only where it \
             gets worse by it, and one that cannot judge the run only where it fails by it",
            before.outcome,
            before.reason()
        ));
    }
    let verdict = |row: SelftestRow, analysis: &Analysis| SelftestRow {
        verdict: analysis.outcome,
        reason: analysis.reason(),
        exit_code: code(analysis),
        ..row
    };
    let mut rows = vec![verdict(SelftestRow::unchanged(), &before)];
    let chosen = chosen(&before, asked);
    for (done, fault) in chosen.iter().enumerate() {
        if asked.stop.is_asked() {
            return Err(SelftestError::Interrupted { done, of: chosen.len() });
        }
        let symbol = before.worst().symbol.as_deref();
        match with_fault(&copy, fault, symbol, asked)? {
            Ok(after) => {
                let found = reactions(&before, &after);
                let passes = Passes { before: code(&before) == 0, after: code(&after) == 0 };
                let notice = Notice::of(&found, passes, fault.must);
                rows.push(verdict(SelftestRow::of(fault, notice, found), &after));
            }
            Err(reason) => notes.push(format!("{} was left out: {reason}", fault.kind.words())),
        }
    }
    Ok(Tested { folder, symbol: before.worst().symbol.clone(), rows, notes })
}

fn judged(asked: &Asked<'_>, path: &Path) -> Result<judge::Judged, JudgeError> {
    let options = asked.options.clone();
    judge::judge(&Request::new(path, asked.policy, options))
}

fn chosen(before: &Analysis, asked: &Asked<'_>) -> Vec<Fault> {
    let (policy, symbol) = (asked.policy, before.worst());
    let series = before.series(symbol);
    let numbers = before.evidence.numbers(series);
    let window = |spec| Window::find(series, spec, &policy.windows, &numbers);
    faults(&Subject {
        series,
        judged: &window(policy.run_verdict.window),
        steady: &window(WindowSpec::Steady),
        limits: pass_limits(policy, asked.options.mock),
    })
}

/// Judges the copy with the fault, and takes the fault out again. The inner error says why the fault cannot be
/// put in.
fn with_fault(
    copy: &Scratch,
    fault: &Fault,
    symbol: Option<&str>,
    asked: &Asked<'_>,
) -> Result<Result<Analysis, String>, SelftestError> {
    let mut originals: Vec<(String, Vec<u8>)> = Vec::new();
    let mut problem = None;
    'edits: for (number, edit) in &fault.edits {
        for name in copy.files_of(*number, symbol) {
            let bytes = copy.read(&name)?;
            let changed = match edit {
                Edit::CopyOf(other) => match copy.files_of(*other, symbol).first() {
                    Some(other) => tamper::copy(&copy.read(other)?, &bytes),
                    None => Err(format!("there is no file of iteration {other}")),
                },
                edit => tamper::apply(&bytes, symbol, std::slice::from_ref(edit)),
            };
            match changed {
                Ok(changed) => {
                    copy.write(&name, &changed)?;
                    originals.push((name, bytes));
                }
                Err(reason) => {
                    problem = Some(format!("`{name}` cannot be changed: {reason}"));
                    break 'edits;
                }
            }
        }
    }
    let after = match problem {
        None => Ok(judged(asked, copy.folder())?.analysis),
        Some(reason) => Err(reason),
    };
    for (name, bytes) in originals.iter().rev() {
        copy.write(name, bytes)?;
    }
    Ok(after)
}
