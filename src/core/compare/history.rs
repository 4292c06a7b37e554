//! The runs below a folder, oldest first, judged one by one as `gate` judges them: what `compare history --format json`
//! prints. The other formats show the same value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use schemars::JsonSchema;
use serde::Serialize;

use super::sides::measured;
use crate::core::analysis::folder as judge;
use crate::core::analysis::folder::{JudgeError, Request};
use crate::core::analysis::{Options, limits_word};
use crate::core::iteration::first_time;
use crate::core::kpi::KpiId;
use crate::core::load::{LARGEST, read_bounded, runs_below};
use crate::core::policy::{KpiRule, Policy};
use crate::core::series::Series;
use crate::core::series::instant;
use crate::core::text::spark::{Glyphs, sparkline};
use crate::core::verdict::failure::Failure;
use crate::core::verdict::provenance::Provenance;
use crate::core::verdict::{Outcome, WindowUsed};

/// Columns that a sparkline may take.
const WIDTH: usize = 60;

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HistoryRun {
    /// Its folder, relative to the one asked for.
    pub path: String,
    /// When it began, RFC 3339: what it declared, else the first time in its data; null when nothing says so.
    pub start: Option<String>,
    /// Where its data came from; null when nothing says so.
    pub source: Option<String>,
    /// The true verdict of its last window.
    pub verdict: Outcome,
    /// The main reason of the verdict.
    pub reason: String,
    /// The symbol that decides, and whose numbers stand here; null for runs that are not per symbol.
    pub symbol: Option<String>,
    /// The iterations looked at.
    pub window: WindowUsed,
    /// Medians over the window of the KPIs that the policy limits or declares and any run has, unrounded; null =
    /// unknown.
    pub medians: BTreeMap<String, Option<f64>>,
}

/// One KPI over the runs.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HistoryTrend {
    /// Canonical name.
    pub kpi: String,
    /// Unit; empty for ratios.
    pub unit: String,
    /// The medians as a line of characters, oldest first; of many runs smallest and largest of each stretch.
    pub sparkline: String,
    /// The oldest known median; null when none is known.
    pub first: Option<f64>,
    /// The newest known median; null when none is known.
    pub last: Option<f64>,
    #[serde(skip)]
    pub id: KpiId,
}

/// The history.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HistoryResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: &'static str,
    /// Version of the program.
    pub tool_version: String,
    /// SHA-256 of the policy values in force.
    pub policy_sha256: String,
    /// `production` or `mock`: which limits made the verdicts.
    #[schemars(extend("enum" = ["production", "mock"]))]
    pub limits: &'static str,
    /// The folder asked for.
    pub path: String,
    /// Runs that are there.
    pub found: usize,
    /// The runs shown, oldest first; those whose start is unknown come before all others.
    pub runs: Vec<HistoryRun>,
    /// The KPIs of the runs, by name.
    pub trends: Vec<HistoryTrend>,
}

impl HistoryResult {
    /// The runs below a folder, at most the `last` newest.
    pub fn of(
        below: &Path,
        last: Option<usize>,
        policy: &Policy,
        mock: bool,
        glyphs: Glyphs,
        provenance: &Provenance,
    ) -> Result<Self, Failure> {
        let hint = "a folder of runs has `latest`, `RUN_*` or `history` in it";
        let found = find(below).map_err(|failure| failure.hint(hint))?;
        let count = found.len();
        let mut runs = judge_newest(below, found, last, policy, mock)
            .map_err(|error| Failure::input(error).hint(hint))?;
        if runs.is_empty() {
            let reason = anyhow!("there is no run in or below `{}`", below.display());
            return Err(Failure::input(reason).hint(hint));
        }
        let is_shown = |rule: &&KpiRule| {
            let median = |run: &HistoryRun| run.medians.get(rule.kpi.name).copied().flatten();
            rule.required || runs.iter().any(|run| median(run).is_some())
        };
        let mut shown: Vec<&KpiRule> = policy.compare.kpis.iter().filter(is_shown).collect();
        shown.sort_by_key(|rule| rule.kpi.name);
        for run in &mut runs {
            run.medians.retain(|name, _| shown.iter().any(|rule| rule.kpi.name == name));
        }
        let trend = |rule: &&KpiRule| {
            let kpi = rule.kpi;
            let medians: Vec<Option<f64>> =
                runs.iter().map(|run| run.medians.get(kpi.name).copied().flatten()).collect();
            HistoryTrend {
                kpi: kpi.name.to_owned(),
                unit: kpi.unit.symbol().to_owned(),
                sparkline: sparkline(&medians, WIDTH, glyphs),
                first: medians.iter().copied().flatten().next(),
                last: medians.iter().rev().copied().flatten().next(),
                id: kpi,
            }
        };
        Ok(Self {
            schema_version: "1.0",
            tool_version: provenance.tool_version.clone(),
            policy_sha256: provenance.policy_sha256.clone(),
            limits: limits_word(mock),
            path: below.to_string_lossy().into_owned(),
            found: count,
            trends: shown.iter().map(trend).collect(),
            runs,
        })
    }
}

/// A run that was found.
struct Found {
    folder: PathBuf,
    manifest: Vec<u8>,
    start: Option<String>,
}

fn find(below: &Path) -> Result<Vec<Found>, Failure> {
    let mut found: Vec<Found> = Vec::new();
    for folder in runs_below(below).map_err(Failure::input)? {
        let manifest = manifest_of(&folder);
        // An isolated run is copied into `latest`: one run in two folders.
        let is_copy = |other: &Found| !manifest.is_empty() && other.manifest == manifest;
        if !found.iter().any(is_copy) {
            found.push(Found {
                start: crate::core::iteration::manifest::started_utc(&manifest),
                folder,
                manifest,
            });
        }
    }
    Ok(found)
}

/// The newest runs, oldest first. Where all starts are known, only those are judged.
fn judge_newest(
    below: &Path,
    mut found: Vec<Found>,
    last: Option<usize>,
    policy: &Policy,
    mock: bool,
) -> Result<Vec<HistoryRun>, JudgeError> {
    let keep = last.unwrap_or(found.len()).min(found.len());
    if found.iter().all(|found| found.start.is_some()) {
        found.sort_by_cached_key(|found| (time(found.start.as_deref()), found.folder.clone()));
        found.drain(..found.len() - keep);
    }
    let judged = found.iter().map(|found| judged(below, found, policy, mock));
    let mut runs = judged.collect::<Result<Vec<HistoryRun>, JudgeError>>()?;
    runs.sort_by_cached_key(|run| (time(run.start.as_deref()), run.path.clone()));
    runs.drain(..runs.len().saturating_sub(keep));
    Ok(runs)
}

/// Milliseconds since 1970; `None`, which comes first, when it is no time.
fn time(text: Option<&str>) -> Option<i64> {
    instant::parse(text?).map(|time| time.at.timestamp_millis())
}

fn manifest_of(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    // The judge reports a manifest that cannot be read.
    match read_bounded(&folder.join(crate::core::iteration::manifest::MANIFEST_FILE), LARGEST, &mut bytes) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}

fn judged(below: &Path, found: &Found, policy: &Policy, mock: bool) -> Result<HistoryRun, JudgeError> {
    let options = Options { mock, ..Options::default() };
    let analysis = judge::judge(&Request::new(&found.folder, policy, options))?.analysis;
    let symbol = analysis.worst();
    let first_time = || {
        let times = analysis.evidence.series.iter().flat_map(Series::rows);
        first_time(times).map(str::to_owned)
    };
    let path = found.folder.strip_prefix(below).unwrap_or(&found.folder).to_string_lossy();
    let named = policy.compare.kpis.iter().zip(measured(symbol, policy));
    Ok(HistoryRun {
        path: if path.is_empty() { ".".to_owned() } else { path.into_owned() },
        start: found.start.clone().or_else(first_time),
        source: analysis.source(),
        verdict: analysis.outcome,
        reason: analysis.reason(),
        symbol: symbol.symbol.clone(),
        window: symbol.last.used(),
        medians: named.map(|(rule, measured)| (rule.kpi.name.to_owned(), measured.median)).collect(),
    })
}
