//! The life of a baseline in its store: promote, acknowledge, look, verify, compare with.
//!
//! Knows no command line. The history is only ever added to; a baseline's file is written before its line, so that a
//! kill between the two leaves a file that nothing names.

mod warnings;

use std::path::Path;

use crate::core::analysis::Options;
use crate::core::compare::Measured;
use crate::core::compare::conditions::{Condition, Conditions};
use crate::core::policy::Policy;
use crate::core::verdict::{Outcome, WindowUsed};
use crate::flow::compare::{Asked, Read, SideError, Singles, read_judged};
use crate::flow::judge::{self, JudgeError, Request};
use crate::io::baseline_folder::{self as store, StoreError};
use crate::wire::baseline_status::{Acknowledged, BaselineStatus};
use crate::wire::baseline_store::{
    HISTORY, HistoryLine, StoredBaseline, StoredKpi, StoredWindow, read_history, sha256, write_history,
};
use crate::wire::compare_result::ComparedRun;

/// Who does something, and when.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Who.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The run cannot be judged.
    #[error(transparent)]
    Judge(#[from] JudgeError),
    /// The run is no side of a comparison.
    #[error(transparent)]
    Side(#[from] SideError),
    /// The run does not pass.
    #[error("only a run that passes becomes a baseline, and this one is {verdict}: {reason}")]
    NotPassed {
        /// Its verdict.
        verdict: Outcome,
        /// Why.
        reason: String,
    },
    /// The store cannot be trusted.
    #[error("the store `{store}` cannot be trusted: {problem}")]
    Broken {
        /// The store.
        store: String,
        /// What is wrong.
        problem: String,
    },
    /// Nothing was promoted yet.
    #[error("there is no baseline in `{store}`")]
    Empty {
        /// The store.
        store: String,
    },
}

/// A store, read.
#[derive(Debug)]
pub struct Opened {
    /// Lines of the history.
    pub history: Vec<HistoryLine>,
    /// The promoted baselines that can be read, with their numbers, oldest first.
    pub baselines: Vec<(u64, String, StoredBaseline)>,
    /// What is wrong.
    pub problems: Vec<String>,
    /// Baselines that no line of the history names.
    pub unnamed: Vec<String>,
}

/// Reads a store and verifies all of it.
pub fn open(folder: &Path) -> Result<Opened, BaselineError> {
    let text = store::read(folder, HISTORY)?.unwrap_or_default();
    let (history, mut problems) = read_history(&String::from_utf8_lossy(&text));
    let mut baselines = Vec::new();
    for line in &history {
        let (Some(file), Some(hash)) = (&line.file, &line.file_sha256) else { continue };
        let Some(bytes) = store::read(folder, file)? else {
            problems.push(format!("`{file}` is missing"));
            continue;
        };
        if sha256(&bytes) != *hash {
            problems.push(format!("`{file}` was changed: its hash is another one"));
            continue;
        }
        match serde_json::from_slice(&bytes) {
            Ok(baseline) => baselines.push((line.sequence, file.clone(), baseline)),
            Err(error) => problems.push(format!("`{file}` cannot be read: {error}")),
        }
    }
    let mut unnamed = store::baselines(folder)?;
    unnamed.retain(|name| history.iter().all(|line| line.file.as_ref() != Some(name)));
    if text.is_empty() && !unnamed.is_empty() {
        // A kill during the very first promotion leaves one file; so does a history that was taken away, and then
        // nothing says what was promoted, or when.
        let is_begun = unnamed.len() == 1 && unnamed[0] == store::name_of(1);
        if !is_begun {
            problems.push(format!("`{HISTORY}` is missing or empty, and there are {}", unnamed.join(", ")));
        }
    }
    Ok(Opened { history, baselines, problems, unnamed })
}

/// Makes a run the baseline, if it passes.
pub fn promote(
    folder: &Path,
    run: &Path,
    asked: &Asked<'_>,
    actor: &Actor,
    tool_version: &str,
) -> Result<(), BaselineError> {
    let symbols: Vec<String> = asked.symbol.map(str::to_owned).into_iter().collect();
    let options = Options { mock: asked.mock, ..Options::default() };
    let judged = judge::judge(&Request {
        path: run,
        policy: asked.policy,
        options,
        symbols: &symbols,
        edge_report: None,
    })?;
    if judged.analysis.outcome != Outcome::Pass {
        let (verdict, reason) = (judged.analysis.outcome, judged.analysis.reason());
        return Err(BaselineError::NotPassed { verdict, reason });
    }
    let side = read_judged(&judged, run, asked.policy)?;
    let baseline = stored(&side, asked.policy, tool_version);
    let _lock = store::open_for_writing(folder)?;
    let opened = trusted(folder)?;
    let sequence = opened.history.last().map_or(1, |line| line.sequence + 1);
    // In this order: a kill before the line leaves a file that nothing names.
    let tree = serde_json::to_value(&baseline).unwrap_or_default();
    let bytes = format!("{tree:#}\n").into_bytes();
    let file = free_name(folder, sequence, &bytes)?;
    store::write(folder, &file, &bytes)?;
    let line = HistoryLine { file_sha256: Some(sha256(&bytes)), file: Some(file), ..line("promote", actor) };
    append(folder, opened.history, line)
}

/// The first name from this number on that is free, or that has these bytes already: a file that nothing names may be
/// all that is left of a baseline, and is not written over.
fn free_name(folder: &Path, sequence: u64, bytes: &[u8]) -> Result<String, BaselineError> {
    let mut number = sequence;
    loop {
        let name = store::name_of(number);
        match store::read(folder, &name)? {
            Some(there) if there != bytes => number += 1,
            _ => return Ok(name),
        }
    }
}

/// Notes a change that is known and accepted.
pub fn acknowledge(
    folder: &Path,
    kpi: &str,
    reason: &str,
    until: &str,
    actor: &Actor,
) -> Result<(), BaselineError> {
    let _lock = store::open_for_writing(folder)?;
    let opened = trusted(folder)?;
    if opened.baselines.is_empty() {
        return Err(BaselineError::Empty { store: folder.display().to_string() });
    }
    let line = HistoryLine {
        kpi: Some(kpi.to_owned()),
        reason: Some(reason.to_owned()),
        until: Some(until.to_owned()),
        ..line("ack", actor)
    };
    append(folder, opened.history, line)
}

fn line(action: &str, actor: &Actor) -> HistoryLine {
    HistoryLine {
        schema_version: "1.0".to_owned(),
        sequence: 0,
        action: action.to_owned(),
        at: actor.at.clone(),
        by: actor.by.clone(),
        file: None,
        file_sha256: None,
        kpi: None,
        reason: None,
        until: None,
        previous: String::new(),
        hash: String::new(),
    }
}

fn append(folder: &Path, mut history: Vec<HistoryLine>, line: HistoryLine) -> Result<(), BaselineError> {
    let line = line.chained(history.last());
    history.push(line);
    Ok(store::write(folder, HISTORY, write_history(&history).as_bytes())?)
}

/// The store, if nothing is wrong with it: nothing is built on a broken chain.
fn trusted(folder: &Path) -> Result<Opened, BaselineError> {
    let opened = open(folder)?;
    match opened.problems.first() {
        Some(problem) => {
            Err(BaselineError::Broken { store: folder.display().to_string(), problem: problem.clone() })
        }
        None => Ok(opened),
    }
}

/// What was acknowledged since the last promotion. `today` is YYYY-MM-DD.
pub fn acknowledged(history: &[HistoryLine], today: &str) -> Vec<Acknowledged> {
    let from = history.iter().rposition(|line| line.file.is_some()).map_or(0, |at| at + 1);
    let told = |line: &HistoryLine| {
        let until = line.until.clone()?;
        Some(Acknowledged {
            kpi: line.kpi.clone()?,
            owner: line.by.clone(),
            reason: line.reason.clone().unwrap_or_default(),
            expired: until.as_str() < today,
            until,
        })
    };
    history[from..].iter().filter_map(told).collect()
}

/// The state of a store, to be told.
pub fn status(
    folder: &Path,
    action: &str,
    policy: &Policy,
    today: &str,
) -> Result<BaselineStatus, BaselineError> {
    let mut opened = open(folder)?;
    if action == "verify" && opened.history.is_empty() {
        // A folder with another name must not look like a sound store.
        opened.problems.push("there is nothing to verify: no baseline was promoted here".to_owned());
    }
    let newest = opened.baselines.last();
    let mut warnings = warnings::of(&opened.baselines, policy);
    warnings.extend(opened.unnamed.iter().map(|name| {
        format!(
            "no line of the history names `{name}`: its promotion did not end, or the end of the history was cut off"
        )
    }));
    // What the history says, whether or not it can be read: an older one is not in force.
    let current = opened.history.iter().rev().find_map(|line| line.file.clone());
    let run = newest.filter(|(_, file, _)| Some(file) == current.as_ref());
    Ok(BaselineStatus {
        schema_version: "1.0".to_owned(),
        action: action.to_owned(),
        store: folder.display().to_string(),
        run: run.map(|(_, _, baseline)| baseline.run.clone()),
        current,
        acknowledged: acknowledged(&opened.history, today),
        warnings,
        exit_code: u8::from(!opened.problems.is_empty()),
        problems: opened.problems,
        history: opened.history,
    })
}

/// The value of each compared KPI by its name, in the order of the rules.
fn each_kpi<T>(policy: &Policy, of: impl Fn(&str) -> T) -> Vec<T> {
    policy.compare.kpis.iter().map(|rule| of(rule.kpi.name)).collect()
}

/// The baseline in force as side A of a comparison.
pub fn side(folder: &Path, policy: &Policy) -> Result<Read, BaselineError> {
    let opened = trusted(folder)?;
    let Some((_, file, baseline)) = opened.baselines.into_iter().next_back() else {
        return Err(BaselineError::Empty { store: folder.display().to_string() });
    };
    let measured = |name: &str| {
        baseline.kpis.get(name).map_or_else(Measured::default, |stored| Measured {
            median: stored.median,
            mean: stored.mean,
            n: stored.n,
        })
    };
    let first = baseline.significance.first.unwrap_or(1);
    let values = each_kpi(policy, |name| {
        baseline.kpis.get(name).map_or_else(Vec::new, |stored| numbered(stored, first))
    });
    let condition = |(word, value): (&String, &String)| Some((Condition::parse(word)?, value.clone()));
    let mut conditions: Conditions = baseline.conditions.iter().filter_map(condition).collect();
    if let Some(source) = &baseline.source {
        conditions.insert(Condition::Source, source.clone());
    }
    let run = ComparedRun {
        path: folder.join(file).to_string_lossy().into_owned(),
        kind: "baseline".to_owned(),
        verdict: Some(baseline.verdict.clone()),
        reason: None,
        symbol: baseline.symbol.clone(),
        source: baseline.source.clone(),
        window: Some(used(&baseline.window)),
    };
    let singles = Singles { window: used(&baseline.significance), ahead: 0, values };
    let side = each_kpi(policy, measured);
    Ok(Read { run, side, singles: Some(singles), conditions, redirected: None })
}

/// The values with the numbers of their iterations; without them they are taken to follow each other.
fn numbered(stored: &StoredKpi, first: u64) -> Vec<(u64, f64)> {
    let values = stored.values.iter().copied();
    if stored.iterations.len() == stored.values.len() && stored.iterations.is_sorted() {
        return stored.iterations.iter().copied().zip(values).collect();
    }
    (first..).zip(values).collect()
}

fn used(window: &StoredWindow) -> WindowUsed {
    let StoredWindow { name, first, last, n } = window.clone();
    WindowUsed { name, first, last, n }
}

fn stored(side: &Read, policy: &Policy, tool_version: &str) -> StoredBaseline {
    let window = |window: &WindowUsed| StoredWindow {
        name: window.name.clone(),
        first: window.first,
        last: window.last,
        n: window.n,
    };
    let empty = || StoredWindow { name: String::new(), first: None, last: None, n: 0 };
    let singles = |at: usize| -> (Vec<u64>, Vec<f64>) {
        side.singles
            .as_ref()
            .map_or_else(Default::default, |singles| singles.values[at].iter().copied().unzip())
    };
    let rules = policy.compare.kpis.iter().zip(&side.side).enumerate();
    let kpis = rules.filter_map(|(at, (rule, measured))| {
        let Measured { median, mean, n } = *measured;
        let (iterations, values) = singles(at);
        let is_known = rule.required || median.is_some() || !values.is_empty();
        let stored = StoredKpi { median, mean, n, values, iterations };
        is_known.then(|| (rule.kpi.name.to_owned(), stored))
    });
    StoredBaseline {
        schema_version: "1.0".to_owned(),
        tool_version: tool_version.to_owned(),
        policy_sha256: policy.sha256.clone(),
        run: side.run.path.clone(),
        conditions: side
            .conditions
            .iter()
            .map(|(condition, value)| (condition.word().to_owned(), value.clone()))
            .collect(),
        verdict: Outcome::Pass.word().to_owned(),
        symbol: side.run.symbol.clone(),
        source: side.run.source.clone(),
        window: side.run.window.as_ref().map_or_else(empty, window),
        significance: side.singles.as_ref().map_or_else(empty, |singles| window(&singles.window)),
        kpis: kpis.collect(),
    }
}
