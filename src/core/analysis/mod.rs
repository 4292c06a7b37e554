//! One analysis: everything that a post-soak command tells is computed here, once, by pure functions.
//!
//! Renderers take the result and compute nothing; the outcome in it decides the exit code. This file holds
//! what there is to know, `compute` how it is found out.

pub mod recommend;

pub mod deltas;

pub mod audit;

pub mod folder;

mod compute;
mod course;
pub mod document;
pub mod origin;
mod reason;
pub mod result;

use super::iteration::last_time;
use super::judge::passes::Passes;
use super::kpi::KpiId;
use super::policy::Statistic;
use super::series::Series;
use super::verdict::{Check, Outcome, reasons};
use crate::core::analysis::deltas::Verification;
use crate::core::analysis::recommend::Recommendation;
use crate::core::iteration::edge::EdgeDecomposition;
use crate::core::iteration::guards::{Guard, GuardCounts};
use crate::core::iteration::signatures::Signatures;
use crate::core::series::anomalies::Anomaly;
use crate::core::series::window::Window;
use crate::core::trend::resources::Drift;
use crate::core::trend::{KpiChanges, KpiDrift, Pace};
use crate::core::verdict::evidence::{Evidence, Finding};
use crate::core::verdict::violations::Violations;
use crate::stats::{MeanInterval, MedianInterval, Summary, Trend};

pub use compute::{analyse, pass_limits};
pub use origin::{NO_WAIT, Origin};
pub use reason::cause_among;

/// `mock` or `production`: which limits were used, as every result spells it.
pub fn limits_word(mock: bool) -> &'static str {
    if mock { "mock" } else { "production" }
}

/// What the caller asks for beyond the policy.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub struct Options {
    /// Use the relaxed limits.
    pub mock: bool,
    /// Judge a run that is not complete by the iterations that there are.
    pub so_far: bool,
    /// The same for a run that is being carried out; one that has ended is judged as it is.
    pub live: bool,
    /// Join the delta verification.
    pub deltas: bool,
    /// Use the strict limit of the delta verification.
    pub strict: bool,
    /// Without `freeze_ready` the verdict is FAIL.
    pub require_freeze: bool,
    /// Fewer iterations a symbol than this are INCONCLUSIVE.
    pub min_windows: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mock: false,
            so_far: false,
            live: false,
            deltas: true,
            strict: false,
            require_freeze: false,
            min_windows: None,
        }
    }
}

/// One KPI over one window.
#[derive(Clone, Debug, PartialEq)]
pub struct KpiStats {
    /// The KPI.
    pub kpi: KpiId,
    /// Iterations of the window without a value.
    pub missing: usize,
    /// Location and spread; `None` when no value is known.
    pub summary: Option<Summary>,
    /// Trend; `None` with too few values.
    pub trend: Option<Trend>,
    /// Interval of the mean; `None` with too few values, and where they resemble each other too much.
    pub interval: Option<MeanInterval>,
    /// Interval of the median; `None` as that of the mean.
    pub median_interval: Option<MedianInterval>,
}

/// All KPIs over one window.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowStats {
    /// The window.
    pub window: Window,
    /// One entry a KPI that has a value anywhere, and the four of the verdict.
    pub kpis: Vec<KpiStats>,
}

impl WindowStats {
    /// The statistics of a KPI.
    pub fn kpi(&self, kpi: KpiId) -> Option<&KpiStats> {
        self.kpis.iter().find(|stats| stats.kpi == kpi)
    }
}

/// Where a KPI stops moving at the beginning of the run.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "SettledRow")]
pub struct Settled {
    pub kpi: KpiId,
    /// From this iteration on it stands still.
    pub from: u64,
}

/// What reports show beyond the verdict, and what checks are made from.
#[derive(Debug, Default)]
pub struct Deep {
    /// Overall, steady, last-n.
    pub windows: Vec<WindowStats>,
    /// Signatures and loops over the whole run.
    pub signatures: Signatures,
    /// Guards over the whole run.
    pub guards: GuardCounts,
    /// Anomalies over the whole run.
    pub anomalies: Vec<Anomaly>,
    /// WARN and CRIT per iteration.
    pub violations: Violations,
    /// Where resources are heading over the whole run; one entry a resource, also without data.
    pub drift: Vec<Drift>,
    /// How long an iteration takes; `None` when neither time stamps nor the manifest tell.
    pub pace: Option<Pace>,
    /// Where the KPIs of the verdict are heading, over the window of `[kpi_drift]`.
    pub kpi_drift: Vec<KpiDrift>,
    /// Where they changed their level, over the window of `[change_points]`.
    pub changes: Vec<KpiChanges>,
    /// From which iteration on each of them stands still, over the whole run; those that move at first alone.
    pub settled: Vec<Settled>,
    /// Where the edge comes from, over the last-n window.
    pub edge: EdgeDecomposition,
    /// Advice that the bounds of the parameters allow.
    pub recommendations: Vec<Recommendation>,
    /// Advice of which the bounds leave nothing.
    pub at_bound: Vec<Recommendation>,
}

/// What was found out about one symbol.
#[derive(Debug)]
pub struct SymbolAnalysis {
    /// Its place in `evidence.series`.
    pub index: usize,
    /// The symbol; `None` for runs that are not per symbol.
    pub symbol: Option<String>,
    /// The lowest number that the verdict looks at: the start of the last-n window, or of the run verdict's
    /// where that is longer.
    pub from: u64,
    /// The last-n window.
    pub last: Window,
    /// Statistics of the four KPIs of the verdict over the last-n window.
    pub kpis: Vec<KpiStats>,
    /// Passes and freezes in the last-n window.
    pub passes: Passes,
    /// Guards in the last-n window.
    pub guards: GuardCounts,
    /// Anomalies in the last-n window.
    pub anomalies: Vec<Anomaly>,
    /// A → B → A loops in the last-n window.
    pub loops: usize,
    /// Delta verification, if it was asked for.
    pub deltas: Option<Verification>,
    /// What reports show beyond the verdict.
    pub deep: Deep,
    /// All checks of this symbol.
    pub checks: Vec<Check>,
    /// The worst of all that joins.
    pub outcome: Outcome,
}

impl SymbolAnalysis {
    /// The statistics of a KPI over the last-n window.
    pub fn last_kpi(&self, kpi: KpiId) -> Option<&KpiStats> {
        let last = self.deep.windows.iter().find(|stats| stats.window == self.last);
        let known = |stats: &&KpiStats| stats.kpi == kpi;
        self.kpis.iter().find(known).or_else(|| last?.kpis.iter().find(known))
    }

    /// Whether the overrides may be frozen.
    pub fn freeze_ready(&self) -> bool {
        self.passes.freeze_ready(self.outcome)
    }
}

/// Everything known about a folder.
#[derive(Debug)]
pub struct Analysis {
    /// What was loaded.
    pub evidence: Evidence,
    /// One entry a symbol; never empty.
    pub symbols: Vec<SymbolAnalysis>,
    /// Checks that belong to no symbol.
    pub folder_checks: Vec<Check>,
    /// What a reader should know about the input.
    pub findings: Vec<Finding>,
    /// The verdict of the whole: the worst symbol, and the checks of the folder.
    pub outcome: Outcome,
    /// Where readiness and goals answer otherwise than the gate, and whether this is a smoke test, one sentence each.
    pub disagreements: Vec<String>,
    /// Whether the relaxed limits were used.
    pub mock: bool,
    /// Whether the data can say anything about a release.
    pub origin: Origin,
}

impl Analysis {
    /// The series of a symbol.
    pub fn series(&self, symbol: &SymbolAnalysis) -> &Series {
        &self.evidence.series[symbol.index]
    }

    /// The symbol whose numbers are shown for the whole: the worst outcome, among equals one that may not be
    /// frozen, then the first by name.
    pub fn worst(&self) -> &SymbolAnalysis {
        let rank = |symbol: &SymbolAnalysis| (symbol.outcome, !symbol.freeze_ready());
        let mut worst = &self.symbols[0];
        for symbol in &self.symbols[1..] {
            if rank(symbol) > rank(worst) {
                worst = symbol;
            }
        }
        worst
    }

    /// Whether the overrides of every symbol may be frozen; never where the verdict is worse than WARN.
    pub fn freeze_ready(&self) -> bool {
        self.outcome.is_acceptable() && self.symbols.iter().all(SymbolAnalysis::freeze_ready)
    }

    /// All checks: those of the folder, then those of the symbols.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.folder_checks.iter().chain(self.symbols.iter().flat_map(|symbol| &symbol.checks))
    }

    /// The checks that make the verdict what it is, worst first; empty on PASS.
    pub fn reasons(&self) -> Vec<&Check> {
        reasons(self.checks())
    }

    /// Whether any value is beyond its CRIT limit.
    pub fn has_crit(&self) -> bool {
        self.symbols.iter().any(|symbol| symbol.deep.violations.crit() > 0)
    }

    /// `mock` or `production`.
    pub fn limits(&self) -> &'static str {
        limits_word(self.mock)
    }

    /// Where the data came from: what the manifest says, else what the iterations say.
    pub fn source(&self) -> Option<String> {
        self.origin.source.clone()
    }

    /// The last time stamp in the data, as written.
    pub fn last_time(&self) -> Option<&str> {
        last_time(self.evidence.series.iter().flat_map(Series::rows))
    }
}

/// The guards in a series' window that spoke, with the iterations in which they did.
pub fn guard_iterations(series: &Series, window: &Window, guard: Guard) -> Vec<u64> {
    series.rows()[window.positions.clone()]
        .iter()
        .filter(|row| row.tuning.spoke().contains(guard))
        .map(|row| row.number)
        .collect()
}

/// The value of a statistic, for those who ask by name.
pub fn statistic(stats: &KpiStats, statistic: Statistic) -> Option<f64> {
    stats.summary.and_then(|summary| summary.get(statistic))
}
