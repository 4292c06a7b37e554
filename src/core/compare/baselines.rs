//! Baselines in their store: promote, acknowledge, look, verify, compare with.
//!
//! `BASELINE_<n>.json` is a promoted run; `history.jsonl` is a chain of lines in which each carries the hash of the one
//! before. The history is only ever added to; a baseline's file is written before its line, so that a kill between the
//! two leaves a file that nothing names. The store is read without a lock and written under one.

#![expect(clippy::disallowed_methods, reason = "the store is a folder")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::analysis::folder::Request;
use crate::core::analysis::{Options, folder as judge};
use crate::core::compare::conditions::{Condition, Conditions};
use crate::core::compare::sides::{Reading, Sample, Side, of_judged};
use crate::core::compare::{Acknowledged, ComparedRun, Measured};
use crate::core::judge::show_distance;
use crate::core::kpi::{Direction, KpiId};
use crate::core::policy::{KpiRule, Policy};
use crate::core::text::number::TOLERANCE;
use crate::core::verdict::failure::Failure;
use crate::core::verdict::{Outcome, WindowUsed};
use crate::infra::artifacts::manifest::sha256_hex;
use crate::infra::artifacts::remove_leftovers;
use crate::infra::atomic_file;
use crate::infra::lock::FolderLock;
use crate::stats::summary;

/// The name of the history in a store.
pub const HISTORY: &str = "history.jsonl";

/// The hash before the first line.
const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// How long another writer is waited for.
const WAIT: Duration = Duration::from_secs(10);

/// A KPI of a baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoredKpi {
    /// Median over the last-n window; null when unknown.
    pub median: Option<f64>,
    /// Mean over the last-n window; null when unknown.
    pub mean: Option<f64>,
    /// Values behind them; null when unknown.
    pub n: Option<usize>,
    /// The single values of the window of significance, in the order of time.
    pub values: Vec<f64>,
    /// The numbers of their iterations; empty in baselines of before this was kept.
    #[serde(default)]
    pub iterations: Vec<u64>,
}

/// `BASELINE_<n>.json`: a run that was promoted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoredBaseline {
    /// "1.0".
    pub schema_version: String,
    /// Version of the program.
    pub tool_version: String,
    /// SHA-256 of the policy values in force.
    pub policy_sha256: String,
    /// The `soak.toml` that was found; left out without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_file: Option<String>,
    /// Where the run was.
    pub run: String,
    /// Its verdict: always PASS.
    pub verdict: String,
    /// The symbol; null for runs that are not per symbol.
    pub symbol: Option<String>,
    /// Where its data came from; null when nothing says so.
    pub source: Option<String>,
    /// What it was measured under, by the words of `[compare] refuse`; what is not there is not known.
    #[serde(default)]
    pub conditions: BTreeMap<String, String>,
    /// The last-n window.
    pub window: WindowUsed,
    /// The window of significance.
    pub significance: WindowUsed,
    /// The KPIs that are compared, by name.
    pub kpis: BTreeMap<String, StoredKpi>,
    /// When the iterations of the window of significance ended, in hours since 1970-01-01 00:00 UTC, by their numbers;
    /// absent where a daily cycle is no question: it is not known, or the window is too short.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<(u64, f64)>,
}

/// A line of the history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryLine {
    /// "1.0".
    pub schema_version: String,
    /// 1, 2, …
    pub sequence: u64,
    /// `promote` or `ack`.
    pub action: String,
    /// When, RFC 3339.
    pub at: String,
    /// Who.
    pub by: String,
    /// Of a promotion: the file with the baseline.
    pub file: Option<String>,
    /// Of a promotion: SHA-256 of that file.
    pub file_sha256: Option<String>,
    /// Of an acknowledgement: the KPI whose change is known.
    pub kpi: Option<String>,
    /// Of an acknowledgement: why it is accepted.
    pub reason: Option<String>,
    /// Of an acknowledgement: the last day on which it counts, YYYY-MM-DD.
    pub until: Option<String>,
    /// The hash of the line before; 64 zeros before the first.
    pub previous: String,
    /// SHA-256 of this line as compact JSON with sorted keys, without this key.
    pub hash: String,
}

impl HistoryLine {
    /// The line with the hash that it must have, behind the lines that there are.
    #[must_use]
    fn chained(mut self, before: Option<&Self>) -> Self {
        self.sequence = before.map_or(1, |before| before.sequence + 1);
        self.previous = before.map_or_else(|| BEGINNING.to_owned(), |before| before.hash.clone());
        self.hash = self.expected_hash();
        self
    }

    fn expected_hash(&self) -> String {
        let mut tree = serde_json::to_value(self).unwrap_or_default();
        if let Some(line) = tree.as_object_mut() {
            line.remove("hash");
        }
        sha256_hex(tree.to_string().as_bytes())
    }
}

/// The lines of a history, and everything that is wrong with the chain.
fn read_history(text: &str) -> (Vec<HistoryLine>, Vec<String>) {
    let (mut lines, mut problems): (Vec<HistoryLine>, Vec<String>) = (Vec::new(), Vec::new());
    for (at, text) in text.lines().enumerate() {
        let at = at + 1;
        match serde_json::from_str::<HistoryLine>(text) {
            Err(error) => problems.push(format!("line {at} of `{HISTORY}` cannot be read: {error}")),
            Ok(line) => {
                let expected = line.clone().chained(lines.last());
                if line.sequence != expected.sequence || line.previous != expected.previous {
                    problems.push(format!("line {at} of `{HISTORY}` does not follow the line before it"));
                }
                if line.hash != line.expected_hash() {
                    problems.push(format!("line {at} of `{HISTORY}` was changed: its hash is another one"));
                }
                lines.push(line);
            }
        }
    }
    (lines, problems)
}

/// The lines as they stand in the file.
fn write_history(lines: &[HistoryLine]) -> String {
    lines.iter().fold(String::new(), |text, line| {
        text + &serde_json::to_value(line).unwrap_or_default().to_string() + "\n"
    })
}

/// The state of a store.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct BaselineStatus {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: &'static str,
    /// What was asked for.
    #[schemars(extend("enum" = ["promote", "show", "verify", "ack"]))]
    pub action: &'static str,
    /// The store.
    pub store: String,
    /// The file of the baseline in force; null when nothing was promoted.
    pub current: Option<String>,
    /// The run that it was; null when nothing was promoted, or its file is not as it was written.
    pub run: Option<String>,
    /// Everything that was done, oldest first.
    pub history: Vec<HistoryLine>,
    /// What was acknowledged since the last promotion, oldest first.
    pub acknowledged: Vec<Acknowledged>,
    /// Baselines that are worse than the one before, that slid step by step, that are too short to tell anything
    /// against, or that no line names, a sentence each.
    pub warnings: Vec<String>,
    /// What is wrong with the store, a sentence each.
    pub problems: Vec<String>,
    /// How the command ends, without `--detailed-exitcode`.
    pub exit_code: u8,
}

/// Who does something, and when.
#[derive(Clone, Debug)]
pub struct Actor {
    pub by: String,
    /// RFC 3339.
    pub at: String,
}

fn unusable(error: impl Into<anyhow::Error>) -> Failure {
    Failure::output(error).hint("`--store` names a folder that can be read and written")
}

fn empty(folder: &Path) -> Failure {
    Failure::input(anyhow!("there is no baseline in `{}`", folder.display()))
        .hint("`soak compare baseline promote RUN` makes a run that passes the baseline")
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
pub fn open(folder: &Path) -> Result<Opened, Failure> {
    let text = read(folder, HISTORY)?.unwrap_or_default();
    let (history, mut problems) = read_history(&String::from_utf8_lossy(&text));
    let mut baselines = Vec::new();
    for line in &history {
        let (Some(file), Some(hash)) = (&line.file, &line.file_sha256) else { continue };
        let Some(bytes) = read(folder, file)? else {
            problems.push(format!("`{file}` is missing"));
            continue;
        };
        if sha256_hex(&bytes) != *hash {
            problems.push(format!("`{file}` was changed: its hash is another one"));
            continue;
        }
        match serde_json::from_slice(&bytes) {
            Ok(baseline) => baselines.push((line.sequence, file.clone(), baseline)),
            Err(error) => problems.push(format!("`{file}` cannot be read: {error}")),
        }
    }
    let mut unnamed = stored_files(folder)?;
    unnamed.retain(|name| history.iter().all(|line| line.file.as_ref() != Some(name)));
    if text.is_empty() && !unnamed.is_empty() {
        // A kill during the very first promotion leaves one file; so does a history that was taken away, and then
        // nothing says what was promoted, or when.
        let is_begun = unnamed.len() == 1 && unnamed[0] == name_of(1);
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
    reading: &Reading<'_>,
    actor: &Actor,
    tool_version: &str,
) -> Result<(), Failure> {
    let Reading { policy, mock, so_far: _, symbol } = *reading;
    let symbols: Vec<String> = symbol.map(str::to_owned).into_iter().collect();
    let options = Options { mock, ..Options::default() };
    let judged = judge::judge(&Request { path: run, policy, options, symbols: &symbols, edge_report: None })
        .map_err(|error| {
            Failure::input(error).hint("the run is a folder with ITER_SUMMARY_<n>.json files")
        })?;
    let verdict = judged.analysis.outcome;
    if verdict != Outcome::Pass {
        let reason = judged.analysis.reason();
        return Err(Failure::failed(anyhow!(
            "only a run that passes becomes a baseline, and this one is {verdict}: {reason}"
        ))
        .hint("`soak gate` shows what has to change before it can become a baseline"));
    }
    let baseline = stored(&of_judged(&judged, run, policy)?, policy, tool_version);
    let _lock = open_for_writing(folder)?;
    let opened = trusted(folder)?;
    let sequence = opened.history.last().map_or(1, |line| line.sequence + 1);
    // In this order: a kill before the line leaves a file that nothing names.
    let tree = serde_json::to_value(&baseline).unwrap_or_default();
    let bytes = format!("{tree:#}\n").into_bytes();
    let file = free_name(folder, sequence, &bytes)?;
    write(folder, &file, &bytes)?;
    let line = HistoryLine {
        action: "promote".to_owned(),
        file_sha256: Some(sha256_hex(&bytes)),
        file: Some(file),
        ..HistoryLine::default()
    };
    append(folder, opened.history, line, actor)
}

/// Makes the folder, keeps other writers out until the value is gone, and removes what a killed one left half written.
fn open_for_writing(store: &Path) -> Result<FolderLock, Failure> {
    std::fs::create_dir_all(store).map_err(|error| {
        let context = format!("the folder `{}` cannot be made", store.display());
        unusable(anyhow::Error::new(error).context(context))
    })?;
    let lock = FolderLock::acquire(store, WAIT).map_err(unusable)?;
    remove_leftovers(store).map_err(unusable)?;
    Ok(lock)
}

/// The first name from this number on that is free, or that has these bytes already: a file that nothing names may be
/// all that is left of a baseline, and is not written over.
fn free_name(folder: &Path, sequence: u64, bytes: &[u8]) -> Result<String, Failure> {
    let mut number = sequence;
    loop {
        let name = name_of(number);
        match read(folder, &name)? {
            Some(there) if there != bytes => number += 1,
            _ => return Ok(name),
        }
    }
}

/// Records a change that is known and accepted.
pub fn acknowledge(
    folder: &Path,
    kpi: &str,
    reason: &str,
    until: &str,
    actor: &Actor,
) -> Result<(), Failure> {
    let _lock = open_for_writing(folder)?;
    let opened = trusted(folder)?;
    if opened.baselines.is_empty() {
        return Err(empty(folder));
    }
    let line = HistoryLine {
        action: "ack".to_owned(),
        kpi: Some(kpi.to_owned()),
        reason: Some(reason.to_owned()),
        until: Some(until.to_owned()),
        ..HistoryLine::default()
    };
    append(folder, opened.history, line, actor)
}

fn append(
    folder: &Path,
    mut history: Vec<HistoryLine>,
    line: HistoryLine,
    actor: &Actor,
) -> Result<(), Failure> {
    let Actor { by, at } = actor.clone();
    let line = HistoryLine { schema_version: "1.0".to_owned(), at, by, ..line };
    history.push(line.chained(history.last()));
    write(folder, HISTORY, write_history(&history).as_bytes())
}

/// The store, if nothing is wrong with it: nothing is built on a broken chain.
fn trusted(folder: &Path) -> Result<Opened, Failure> {
    let opened = open(folder)?;
    let Some(problem) = opened.problems.first() else { return Ok(opened) };
    Err(Failure::input(anyhow!("the store `{}` cannot be trusted: {problem}", folder.display()))
        .hint("`soak compare baseline verify` lists everything that is wrong with it"))
}

/// What was acknowledged since the last promotion. `today` is YYYY-MM-DD.
fn acknowledged(history: &[HistoryLine], today: &str) -> Vec<Acknowledged> {
    let from = history.iter().rposition(|line| line.file.is_some()).map_or(0, |at| at + 1);
    let acknowledged = |line: &HistoryLine| {
        let until = line.until.clone()?;
        Some(Acknowledged {
            kpi: line.kpi.clone()?,
            owner: line.by.clone(),
            reason: line.reason.clone().unwrap_or_default(),
            expired: until.as_str() < today,
            until,
        })
    };
    history[from..].iter().filter_map(acknowledged).collect()
}

/// The state of a store, as it is shown. `today` is YYYY-MM-DD.
pub fn status(
    folder: &Path,
    action: &'static str,
    policy: &Policy,
    today: &str,
) -> Result<BaselineStatus, Failure> {
    let mut opened = open(folder)?;
    if action == "verify" && opened.history.is_empty() {
        // A folder with another name must not look like a sound store.
        opened.problems.push("there is nothing to verify: no baseline was promoted here".to_owned());
    }
    let newest = opened.baselines.last();
    let mut warnings = warnings(&opened.baselines, policy);
    warnings.extend(opened.unnamed.iter().map(|name| {
        format!(
            "no line of the history names `{name}`: its promotion did not end, or the end of the history was cut off"
        )
    }));
    // What the history says, whether or not it can be read: an older one is not in force.
    let current = opened.history.iter().rev().find_map(|line| line.file.clone());
    let run = newest.filter(|(_, file, _)| Some(file) == current.as_ref());
    Ok(BaselineStatus {
        schema_version: "1.0",
        action,
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
pub(super) fn each_kpi<T>(policy: &Policy, of: impl Fn(&str) -> T) -> Vec<T> {
    policy.compare.kpis.iter().map(|rule| of(rule.kpi.name)).collect()
}

/// The baseline in force as side A of a comparison.
pub fn side(folder: &Path, policy: &Policy) -> Result<Side, Failure> {
    let opened = trusted(folder)?;
    let Some((_, file, baseline)) = opened.baselines.into_iter().next_back() else {
        return Err(empty(folder));
    };
    let path = folder.join(file);
    let measured = |name: &str| {
        baseline.kpis.get(name).map_or_else(Measured::default, |stored| Measured {
            median: stored.median,
            mean: stored.mean,
            n: stored.n,
        })
    };
    let first = baseline.significance.first.unwrap_or(1);
    let values = |name: &str| baseline.kpis.get(name).map_or_else(Vec::new, |stored| numbered(stored, first));
    let sample = Sample {
        ahead: 0,
        values: each_kpi(policy, values),
        hours: baseline.hours,
        window: baseline.significance.clone(),
    };
    let condition = |(word, value): (&String, &String)| Some((word.parse().ok()?, value.clone()));
    let mut conditions: Conditions = baseline.conditions.iter().filter_map(condition).collect();
    if let Some(source) = &baseline.source {
        conditions.insert(Condition::Source, source.clone());
    }
    let measured = each_kpi(policy, measured);
    let run = ComparedRun {
        path: path.to_string_lossy().into_owned(),
        kind: "baseline",
        verdict: Some(baseline.verdict),
        reason: None,
        symbol: baseline.symbol,
        source: baseline.source,
        window: Some(baseline.window),
        archive: None,
    };
    Ok(Side {
        run,
        measured,
        sample: Some(sample),
        conditions,
        redirected: None,
        place: atomic_file::resolved(&path),
    })
}

/// The values with the numbers of their iterations; without them they are taken to follow each other.
fn numbered(stored: &StoredKpi, first: u64) -> Vec<(u64, f64)> {
    let values = stored.values.iter().copied();
    if stored.iterations.len() == stored.values.len() && stored.iterations.is_sorted() {
        return stored.iterations.iter().copied().zip(values).collect();
    }
    (first..).zip(values).collect()
}

fn stored(side: &Side, policy: &Policy, tool_version: &str) -> StoredBaseline {
    let empty = WindowUsed { name: String::new(), first: None, last: None, n: 0 };
    let rules = policy.compare.kpis.iter().zip(&side.measured).enumerate();
    let kpis = rules.filter_map(|(at, (rule, measured))| {
        let Measured { median, mean, n } = *measured;
        let points = side.sample.as_ref().map_or(&[][..], |sample| &sample.values[at]);
        let (iterations, values): (Vec<u64>, Vec<f64>) = points.iter().copied().unzip();
        let is_known = rule.required || median.is_some() || !values.is_empty();
        let stored = StoredKpi { median, mean, n, values, iterations };
        is_known.then(|| (rule.kpi.name.to_owned(), stored))
    });
    let conditions = side.conditions.iter();
    StoredBaseline {
        schema_version: "1.0".to_owned(),
        tool_version: tool_version.to_owned(),
        policy_sha256: policy.sha256.clone(),
        policy_file: policy.found.clone(),
        run: side.run.path.clone(),
        conditions: conditions.map(|(known, value)| (known.word().to_owned(), value.clone())).collect(),
        verdict: Outcome::Pass.word().to_owned(),
        symbol: side.run.symbol.clone(),
        source: side.run.source.clone(),
        window: side.run.window.clone().unwrap_or_else(|| empty.clone()),
        significance: side.sample.as_ref().map_or(empty, |sample| sample.window.clone()),
        kpis: kpis.collect(),
        hours: side.sample.as_ref().map_or_else(Vec::new, Sample::hours_of_a_day),
    }
}

/// Names of the baselines in the store, sorted; none where there is no store.
fn stored_files(store: &Path) -> Result<Vec<String>, Failure> {
    let failed = |source| {
        let context = format!("the store `{}` cannot be listed", store.display());
        unusable(anyhow::Error::new(source).context(context))
    };
    let entries = match std::fs::read_dir(store) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        names.extend(number_of(&name).map(|number| (number, name.clone())));
    }
    names.sort();
    Ok(names.into_iter().map(|(_, name)| name).collect())
}

/// The name of a baseline.
fn name_of(number: u64) -> String {
    format!("BASELINE_{number}.json")
}

fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_prefix("BASELINE_")?.strip_suffix(".json")?.parse().ok()?;
    (name_of(number) == name).then_some(number)
}

/// A file of the store; `None` when it is not there.
fn read(store: &Path, name: &str) -> Result<Option<Vec<u8>>, Failure> {
    let path = store.join(name);
    if atomic_file::exists(&path) { atomic_file::read(&path).map(Some).map_err(unusable) } else { Ok(None) }
}

fn write(store: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    atomic_file::write(&store.join(name), bytes).map_err(unusable)
}

/// One sentence each, of the readable baselines with their numbers and files, oldest first.
fn warnings(baselines: &[(u64, String, StoredBaseline)], policy: &Policy) -> Vec<String> {
    let steps: Vec<Step> = baselines
        .iter()
        .map(|(sequence, _, baseline)| Step {
            sequence: *sequence,
            means: each_kpi(policy, |name| {
                let stored = baseline.kpis.get(name)?;
                summary::mean(&stored.values).or(stored.mean)
            }),
        })
        .collect();
    let rules = &policy.compare.kpis;
    let mut warnings: Vec<String> = step_down(&steps, rules).iter().map(step_sentence).collect();
    warnings.extend(ratchet(&steps, rules).iter().map(slide_sentence));
    let newest = baselines.last();
    warnings.extend(newest.and_then(|(_, file, baseline)| too_short(file, baseline, policy)));
    warnings.extend(newest.into_iter().flat_map(|(_, file, baseline)| no_basis(file, baseline, policy)));
    warnings
}

fn step_sentence(step: &Slide) -> String {
    let kpi = step.kpi;
    format!(
        "{} of baseline {} is worse than that of baseline {} by {}, more than the margin of {}: runs are compared with \
         the worse one from now on",
        kpi.name,
        step.to,
        step.from,
        show_distance(kpi, step.by),
        show_distance(kpi, step.margin)
    )
}

fn slide_sentence(slide: &Slide) -> String {
    let kpi = slide.kpi;
    format!(
        "{} slid from baseline {} to {} by {} for the worse, more than the margin of {}, and no step on the way was \
         beyond it",
        kpi.name,
        slide.from,
        slide.to,
        show_distance(kpi, slide.by),
        show_distance(kpi, slide.margin)
    )
}

/// That nothing can be told against a baseline with so few values.
fn too_short(file: &str, baseline: &StoredBaseline, policy: &Policy) -> Option<String> {
    let fewest = policy.compare.min_iterations;
    let values = |rule: &KpiRule| {
        let n = baseline.kpis.get(rule.kpi.name).map_or(0, |stored| stored.values.len());
        (rule.margin.is_some() && (rule.required || n > 0)).then_some(n)
    };
    let few = policy.compare.kpis.iter().filter_map(values).min().unwrap_or(0);
    (few < fewest).then(|| {
        format!(
            "`{file}` has {few} values in its window `{}`, and {fewest} are needed: `compare` would always answer cannot tell; promote a longer run",
            baseline.significance.name
        )
    })
}

/// Why a baseline says little about a build: where its data came from, and KPIs that it does not have.
fn no_basis(file: &str, baseline: &StoredBaseline, policy: &Policy) -> Vec<String> {
    let mut found = Vec::new();
    match &baseline.source {
        Some(source) if policy.release.is_simulated(source) => found.push(format!(
            "`{file}` is simulated (source `{source}`): a comparison with it is not valid for a release"
        )),
        Some(_) => {}
        None => found.push(format!("`{file}` does not record where its data came from (`source`)")),
    }
    if baseline.conditions.get(Condition::Waited.word()).is_some_and(|waited| waited == "no") {
        found.push(format!(
            "`{file}` did not wait for its interval (`--no-wait`): a comparison with it is not valid for a release"
        ));
    }
    let is_missing = |rule: &&KpiRule| {
        let stored = baseline.kpis.get(rule.kpi.name);
        rule.required && stored.is_none_or(|stored| stored.values.is_empty())
    };
    let missing: Vec<&str> =
        policy.compare.kpis.iter().filter(is_missing).map(|rule| rule.kpi.name).collect();
    if !missing.is_empty() {
        let kpis = missing.join(", ");
        found.push(format!(
            "`{file}` has no values of {kpis}, which the policy limits; promote a run that has them"
        ));
    }
    found
}

/// A baseline that was promoted.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    /// Its number in the history.
    sequence: u64,
    /// Means over the window of significance, in the order of the rules; `None` = unknown.
    means: Vec<Option<f64>>,
}

/// Baselines that slid away from a better one, no step of them beyond the margin.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Slide {
    kpi: KpiId,
    /// Number of the better baseline.
    from: u64,
    /// Number of the newest one.
    to: u64,
    /// By how much the newest is worse, in the KPI's unit.
    by: f64,
    /// The margin around the better one.
    margin: f64,
}

/// Where the newest of these baselines, oldest first, is worse than an earlier one by more than the margin although
/// no step in between was. The farthest slide of each KPI.
fn ratchet(steps: &[Step], rules: &[KpiRule]) -> Vec<Slide> {
    let slides = rules.iter().enumerate().filter_map(|(at, rule)| {
        let (kpi, rule_margin) = (rule.kpi, rule.margin.as_ref()?);
        let bad = bad(kpi)?;
        let known: Vec<(u64, f64)> =
            steps.iter().filter_map(|step| Some((step.sequence, step.means[at]?))).collect();
        let (newest, rest) = known.split_last()?;
        let mut later = newest;
        let mut worst: Option<Slide> = None;
        for earlier in rest.iter().rev() {
            let margin = |level: f64| rule_margin.around(level) + TOLERANCE;
            if bad * (later.1 - earlier.1) > margin(earlier.1) {
                // A step like that was seen and taken on purpose; what was before it is no slide.
                break;
            }
            let (by, margin) = (bad * (newest.1 - earlier.1), margin(earlier.1));
            if by > margin && worst.is_none_or(|worst| by > worst.by) {
                worst = Some(Slide { kpi, from: earlier.0, to: newest.0, by, margin });
            }
            later = earlier;
        }
        worst
    });
    slides.collect()
}

/// Where the newest of these baselines, oldest first, is worse than the one before it by more than the margin: a step
/// like that is for someone to take on purpose, and to be told of.
fn step_down(steps: &[Step], rules: &[KpiRule]) -> Vec<Slide> {
    let [.., before, newest] = steps else { return Vec::new() };
    let worse = rules.iter().enumerate().filter_map(|(at, rule)| {
        let (kpi, margin) = (rule.kpi, rule.margin.as_ref()?);
        let bad = bad(kpi)?;
        let (was, is) = (before.means[at]?, newest.means[at]?);
        let (by, margin) = (bad * (is - was), margin.around(was));
        let slide = Slide { kpi, from: before.sequence, to: newest.sequence, by, margin };
        (by > margin + TOLERANCE).then_some(slide)
    });
    worse.collect()
}

/// +1 where more is worse, −1 where less is; `None` where neither is.
fn bad(kpi: KpiId) -> Option<f64> {
    Some(match kpi.direction? {
        Direction::Higher => -1.0,
        Direction::Lower => 1.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kpi: &str) -> HistoryLine {
        HistoryLine {
            schema_version: "1.0".to_owned(),
            action: "ack".to_owned(),
            at: "2026-01-31T12:00:00Z".to_owned(),
            by: "A. Person".to_owned(),
            kpi: Some(kpi.to_owned()),
            reason: Some("a known change".to_owned()),
            until: Some("2026-02-28".to_owned()),
            ..HistoryLine::default()
        }
    }

    #[test]
    fn a_history_is_read_back_and_every_change_breaks_the_chain() {
        let one = line("net_bps").chained(None);
        let two = line("risk_ratio").chained(Some(&one));
        let text = write_history(&[one.clone(), two.clone()]);
        assert_eq!(read_history(&text), (vec![one.clone(), two.clone()], Vec::new()));
        let changed = text.replacen("2026-02-28", "2036-02-28", 1);
        assert_eq!(
            read_history(&changed).1,
            ["line 1 of `history.jsonl` was changed: its hash is another one"]
        );
        // A line that is hashed anew breaks the one behind it.
        let forged = HistoryLine { until: Some("2036-02-28".to_owned()), ..one }.chained(None);
        let text = write_history(&[forged, two.clone()]);
        assert_eq!(read_history(&text).1, ["line 2 of `history.jsonl` does not follow the line before it"]);
        let gone = write_history(&[two]);
        assert_eq!(read_history(&gone).1, ["line 1 of `history.jsonl` does not follow the line before it"]);
        assert!(
            read_history("{\"sequence\": 1").1[0].starts_with("line 1 of `history.jsonl` cannot be read")
        );
    }
}

#[cfg(test)]
mod warnings_tests {
    use super::*;
    use crate::core::compare::fixture::four;

    fn slides(nets: &[Option<f64>]) -> Vec<(u64, u64, f64)> {
        let steps: Vec<Step> = (1..)
            .zip(nets)
            .map(|(sequence, net)| Step { sequence, means: vec![Some(0.9), *net, Some(300.0), Some(0.3)] })
            .collect();
        let told = ratchet(&steps, &four(0.25));
        told.iter()
            .map(|slide| {
                assert_eq!(slide.kpi, KpiId::NET_BPS);
                (slide.from, slide.to, slide.by)
            })
            .collect()
    }

    #[test]
    fn small_steps_for_the_worse_that_add_up_are_a_slide() {
        // Quarters and eighths are exact in binary; the margin is a quarter.
        assert_eq!(slides(&[Some(3.0), Some(2.875), Some(2.75)]), []);
        assert_eq!(slides(&[Some(3.0), Some(2.875), Some(2.625)]), [(1, 3, 0.375)]);
        assert_eq!(slides(&[Some(2.75), Some(3.0), Some(2.875), Some(2.625)]), [(2, 4, 0.375)]);
        // For the better, and a single baseline.
        assert_eq!(slides(&[Some(2.0), Some(2.25), Some(2.5), Some(2.75)]), []);
        assert_eq!(slides(&[Some(2.0)]), []);
        assert_eq!(slides(&[]), []);
    }

    #[test]
    fn a_step_beyond_the_margin_was_taken_on_purpose_and_starts_anew() {
        assert_eq!(slides(&[Some(3.0), Some(2.5), Some(2.375)]), []);
        assert_eq!(slides(&[Some(3.0), Some(2.5), Some(2.375), Some(2.125)]), [(2, 4, 0.375)]);
        // What is unknown is no step.
        assert_eq!(slides(&[Some(3.0), None, Some(2.75), Some(2.5)]), [(1, 4, 0.5)]);
    }
}
