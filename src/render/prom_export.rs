//! The metrics of `export-prom`: those of `POST_SOAK_METRICS.prom`, the five names of the exporter of old, the
//! warm-up set, and what says the same under clean names.
//!
//! A value that is not known has no sample; it is never 0.

mod warmup;

use super::exposition::{Exposition, Form};
use super::prom::{self, flag, sample};
use crate::core::analysis::{Analysis, SymbolAnalysis};
use crate::core::guards::Guard;
use crate::core::kpi::KpiId;
use crate::core::number::round_half_even;
use crate::core::params::ParamName;
use crate::core::series::{Row, Series};
use crate::stats::summary::harmonic_mean;
use crate::wire::provenance::Provenance;
use crate::wire::snapshot::Snapshot;

/// What is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// In which form.
    pub form: Form,
    /// With the names of old.
    pub legacy: bool,
}

/// What an endpoint has done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looks {
    /// Iteration files in the folder.
    pub files: usize,
    /// Iteration files that were read since it was started.
    pub read: u64,
    /// Looks at the folder since it was started.
    pub looks: u64,
}

/// The metrics of an analysis; with `looks` those of an endpoint, too.
pub fn metrics(analysis: &Analysis, provenance: &Provenance, wanted: Wanted, looks: Option<Looks>) -> String {
    let mut out = Exposition::new(wanted.form);
    let snapshot = Snapshot::of(analysis, provenance);
    prom::write(&mut out, analysis, &snapshot, provenance, wanted.legacy);
    newest(&mut out, analysis);
    windows(&mut out, analysis);
    counted(&mut out, analysis);
    if wanted.legacy {
        exporter(&mut out, analysis);
        warmup::write(&mut out, analysis);
    } else {
        plain_kpis(&mut out, analysis);
    }
    if let Some(looks) = looks {
        endpoint(&mut out, looks);
    }
    out.finish()
}

/// A symbol with its iterations.
#[derive(Clone, Copy)]
struct Of<'a> {
    symbol: &'a SymbolAnalysis,
    series: &'a Series,
}

impl<'a> Of<'a> {
    fn all(analysis: &'a Analysis) -> impl Iterator<Item = Self> {
        analysis.symbols.iter().map(|symbol| Of { symbol, series: analysis.series(symbol) })
    }

    fn newest(self) -> Option<&'a Row> {
        self.series.rows().last()
    }

    /// The value of a KPI in the newest iteration.
    fn value(self, kpi: KpiId) -> Option<f64> {
        self.series.value(kpi, self.series.len().checked_sub(1)?)
    }

    /// The known values of a KPI over the last window.
    fn window(self, kpi: KpiId) -> Vec<f64> {
        self.series.known(kpi, self.symbol.last.positions.clone())
    }

    /// Harmonic mean of the maker share over the last window; 0 as soon as one is 0.
    fn harmonic_maker_share(self) -> Option<f64> {
        harmonic_mean(&self.window(KpiId::MAKER_TAKER_RATIO))
    }

    /// Maker share of the newest iteration: of its fills, else as it tells it.
    fn maker_share(self) -> Option<f64> {
        self.newest()?.fills_maker_share.or_else(|| self.value(KpiId::MAKER_TAKER_RATIO))
    }

    /// What the latency buffer adds to the spread in the newest iteration, bps.
    fn latency_spread(self) -> Option<f64> {
        self.newest()?.overrides.as_ref()?.get(&ParamName::nested("latency", "spread_add_bps"))
    }

    /// Whether parameters are frozen in the newest iteration, all of them or those of a subsystem.
    fn is_frozen(self) -> Option<bool> {
        let guards = self.newest()?.tuning.spoke();
        Some(guards.contains(Guard::Freeze) || guards.contains(Guard::PartialFreeze))
    }

    fn missing_values(self) -> Option<f64> {
        self.symbol.deltas.as_ref().map(|verified| verified.counts.missing_values as f64)
    }
}

/// A family with a sample a symbol that has a value; none where none has.
fn each<'a>(
    out: &mut Exposition,
    (name, kind, help): (&str, &str, &str),
    analysis: &'a Analysis,
    value: impl Fn(Of<'a>) -> Option<f64>,
) {
    let values: Vec<(Of<'a>, f64)> = Of::all(analysis).filter_map(|of| Some((of, value(of)?))).collect();
    if !values.is_empty() {
        out.family(name, kind, help);
    }
    for (of, value) in values {
        sample(out, name, of.symbol, &[], value);
    }
}

/// What the newest iteration says, under clean names.
fn newest(out: &mut Exposition, analysis: &Analysis) {
    let gauge = "gauge";
    let number = |of: Of<'_>| of.newest().map(|row| row.number as f64);
    each(out, ("soak_iteration", gauge, "Number of the newest iteration"), analysis, number);
    let help = "Maker share of the newest iteration: of its fills, else as it tells it";
    each(out, ("soak_maker_share_ratio", gauge, help), analysis, Of::maker_share);
    let help = "What the latency buffer adds to the spread in the newest iteration";
    let spread = |of: Of<'_>| of.latency_spread().map(|bps| bps / 10_000.0);
    each(out, ("soak_latency_spread_add_ratio", gauge, help), analysis, spread);
    let help = "1 if parameters are frozen in the newest iteration, all or those of a subsystem";
    each(out, ("soak_partial_freeze_active", gauge, help), analysis, |of| of.is_frozen().map(flag));
    let help = "Parameters that tuning changed after the newest iteration";
    let changed = |of: Of<'_>| of.newest().map(|row| row.tuning.changed_keys.len() as f64);
    each(out, ("soak_tuner_changed_keys", gauge, help), analysis, changed);
    let told: Vec<Of<'_>> = Of::all(analysis).filter(|of| of.newest().is_some()).collect();
    if !told.is_empty() {
        out.family("soak_phase", gauge, "1 for the phase of the newest iteration, 0 for the others");
    }
    for of in told {
        for phase in warmup::PHASES {
            let is_in = of.newest().is_some_and(|row| warmup::phase(row) == phase);
            sample(out, "soak_phase", of.symbol, &[("phase", phase)], flag(is_in));
        }
    }
}

fn windows(out: &mut Exposition, analysis: &Analysis) {
    let means: Vec<(Of<'_>, f64)> =
        Of::all(analysis).filter_map(|of| Some((of, of.harmonic_maker_share()?))).collect();
    let name = "soak_kpi_harmonic_mean";
    if !means.is_empty() {
        out.family(name, "gauge", "Harmonic mean of a KPI over a window; 0 as soon as one value is 0");
    }
    for (of, mean) in means {
        let labels = [("kpi", "maker_taker_ratio"), ("window", of.symbol.last.name.as_str())];
        sample(out, name, of.symbol, &labels, mean);
    }
}

/// What is counted over the whole run, under clean names.
fn counted(out: &mut Exposition, analysis: &Analysis) {
    let name = "soak_guard_triggers_total";
    out.family(
        name,
        "counter",
        "Iterations of the run in which a guard spoke; freeze: one started, was in force or held back",
    );
    for of in Of::all(analysis) {
        for guard in Guard::ALL {
            let spoke = of.symbol.deep.guards.of(guard);
            sample(out, name, of.symbol, &[("guard", guard.word())], spoke as f64);
        }
    }
    let help = "Proposed increments whose parameter the overrides do not hold";
    each(out, ("soak_delta_missing_values_total", "counter", help), analysis, Of::missing_values);
}

/// The five names of the exporter of old, with its decimals.
fn exporter(out: &mut Exposition, analysis: &Analysis) {
    let gauge = "gauge";
    let name = "maker_taker_ratio_hmean";
    let means: Vec<(Of<'_>, f64)> =
        Of::all(analysis).filter_map(|of| Some((of, of.harmonic_maker_share()?))).collect();
    if !means.is_empty() {
        out.family(
            name,
            gauge,
            "Harmonic mean of the maker share over the last iterations, whose number window tells",
        );
    }
    for (of, mean) in means {
        let window = of.symbol.last.positions.len().to_string();
        sample(out, name, of.symbol, &[("window", &window)], round_half_even(mean, 6));
    }
    let help = "What the latency buffer adds to the spread in the newest iteration, bps";
    let spread = |of: Of<'_>| of.latency_spread().map(|bps| round_half_even(bps, 3));
    each(out, ("latency_spread_add_bps", gauge, help), analysis, spread);
    let help = "1 if parameters are frozen in the newest iteration, all or those of a subsystem";
    each(out, ("partial_freeze_active", gauge, help), analysis, |of| of.is_frozen().map(flag));
    let help = "Proposed increments whose parameter the overrides do not hold";
    each(out, ("delta_nested_miss_paths_total", "counter", help), analysis, Of::missing_values);
    let help = "Maker share of the newest iteration, percent: of its fills, else as it tells it";
    let share = |of: Of<'_>| of.maker_share().map(|share| round_half_even(share * 100.0, 2));
    each(out, ("maker_share_pct", gauge, help), analysis, share);
}

/// Two names of the live view, which the warm-up set has with other labels.
fn plain_kpis(out: &mut Exposition, analysis: &Analysis) {
    let help = "Risk ratio of the newest iteration";
    each(out, ("soak_risk_ratio", "gauge", help), analysis, |of| of.value(KpiId::RISK_RATIO));
    let help = "Net edge of the newest iteration, basis points";
    each(out, ("soak_net_bps", "gauge", help), analysis, |of| of.value(KpiId::NET_BPS));
}

/// How much work the endpoint had.
fn endpoint(out: &mut Exposition, looks: Looks) {
    let Looks { files, read, looks } = looks;
    let gauge = ("soak_export_files", "Iteration files in the folder", files as f64);
    out.single(gauge.0, "gauge", gauge.1, Some(gauge.2));
    out.single(
        "soak_export_files_read_total",
        "counter",
        "Iteration files read since the endpoint was started",
        Some(read as f64),
    );
    out.single(
        "soak_export_looks_total",
        "counter",
        "Looks at the folder since the endpoint was started",
        Some(looks as f64),
    );
}

#[cfg(test)]
mod tests;
