//! The metrics of `export-prom`: those of `POST_SOAK_METRICS.prom`, the five names of the earlier exporter, the
//! warm-up set, and what says the same under clean names.
//!
//! A value that is not known has no sample; it is never 0. The earlier names are kept for the dashboards and alerts that
//! know them.

use crate::core::analysis::{Analysis, SymbolAnalysis};
use crate::core::compare::snapshot::Snapshot;
use crate::core::iteration::guards::Guard;
use crate::core::iteration::params::ParamName;
use crate::core::kpi::KpiId;
use crate::core::series::{Row, Series};
use crate::core::text::number::round_half_even;
use crate::core::verdict::provenance::Provenance;
use crate::report::exposition::{Exposition, Form};
use crate::report::metrics::{Sample, family, flag, write};
use crate::stats::Summary;
use crate::stats::summary::harmonic_mean;

/// What an endpoint that follows a folder has done since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Looks {
    /// Iteration files in the folder.
    pub(crate) files: usize,
    /// Files read.
    pub(crate) read: u64,
    /// How often the folder was looked at.
    pub(crate) times: u64,
}

/// The metrics as text. `legacy` adds the earlier names.
pub(crate) fn metrics(
    analysis: &Analysis,
    provenance: &Provenance,
    form: Form,
    legacy: bool,
    looks: Option<Looks>,
) -> String {
    let mut out = Exposition::new(form);
    let snapshot = Snapshot::of(analysis, provenance);
    write(&mut out, analysis, &snapshot, provenance, legacy);
    clean(&mut out, analysis);
    if !analysis.trades() {
        // Its KPIs are samples of `soak_kpi`.
    } else if legacy {
        exporter(&mut out, analysis);
        warmup(&mut out, analysis);
    } else {
        let help = "Risk ratio of the newest iteration";
        each(&mut out, ("soak_risk_ratio", "gauge", help), analysis, |of| of.value(KpiId::RISK_RATIO));
        let help = "Net edge of the newest iteration, basis points";
        each(&mut out, ("soak_net_bps", "gauge", help), analysis, |of| of.value(KpiId::NET_BPS));
    }
    if let Some(Looks { files, read, times }) = looks {
        for (name, kind, help, value) in [
            ("soak_export_files", "gauge", "Iteration files in the folder", files as f64),
            (
                "soak_export_files_read_total",
                "counter",
                "Iteration files read since the endpoint was started",
                read as f64,
            ),
            (
                "soak_export_looks_total",
                "counter",
                "Looks at the folder since the endpoint was started",
                times as f64,
            ),
        ] {
            out.single(name, kind, help, Some(value));
        }
    }
    out.finish()
}

type Pick = fn(&Summary) -> f64;

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

    /// The value of the newest iteration.
    fn value(self, kpi: KpiId) -> Option<f64> {
        self.series.value(kpi, self.series.len().checked_sub(1)?)
    }

    /// The values of the last window.
    fn window(self, kpi: KpiId) -> Vec<f64> {
        self.series.known(kpi, self.symbol.last.positions.clone())
    }

    fn harmonic_maker_share(self) -> Option<f64> {
        harmonic_mean(&self.window(KpiId::MAKER_TAKER_RATIO))
    }

    /// Of the fills of the newest iteration, else as it is recorded.
    fn maker_share(self) -> Option<f64> {
        self.newest()?.fills_maker_share.or_else(|| self.value(KpiId::MAKER_TAKER_RATIO))
    }

    /// In basis points.
    fn latency_spread(self) -> Option<f64> {
        self.newest()?.overrides.as_ref()?.get(&ParamName::nested("latency", "spread_add_bps"))
    }

    fn is_frozen(self) -> Option<f64> {
        let guards = self.newest()?.tuning.spoke();
        Some(flag(guards.contains(Guard::Freeze) || guards.contains(Guard::PartialFreeze)))
    }

    fn missing_values(self) -> Option<f64> {
        self.symbol.deltas.as_ref().map(|verified| verified.counts.missing_values as f64)
    }

    fn sample(self, name: &'static str, label: impl Into<String>, value: f64) -> Sample<'a> {
        (vec![(name, label.into())], self.symbol, value)
    }
}

/// A family with a value for each symbol that has one.
fn each<'a>(
    out: &mut Exposition,
    head: (&str, &str, &str),
    analysis: &'a Analysis,
    value: impl Fn(Of<'a>) -> Option<f64>,
) {
    family(out, head, Of::all(analysis).filter_map(|of| Some((Vec::new(), of.symbol, value(of)?))));
}

/// Phases of a run, in the earlier numbers.
const PHASES: [&str; 3] = ["WARMUP", "RAMPDOWN", "STEADY"];

/// The phase of an iteration; one that is not named is steady.
fn phase(row: &Row) -> &'static str {
    let reported = row.phase.as_deref().unwrap_or_default();
    PHASES.into_iter().find(|phase| phase.eq_ignore_ascii_case(reported)).unwrap_or("STEADY")
}

/// What has a clean name: of the newest iteration, over the last window, counted over the run.
fn clean(out: &mut Exposition, analysis: &Analysis) {
    let number = |of: Of<'_>| of.newest().map(|row| row.number as f64);
    each(out, ("soak_iteration", "gauge", "Number of the newest iteration"), analysis, number);
    let help = "Maker share of the newest iteration: from its fills, else as reported";
    each(out, ("soak_maker_share_ratio", "gauge", help), analysis, Of::maker_share);
    let help = "What the latency buffer adds to the spread in the newest iteration";
    let spread = |of: Of<'_>| of.latency_spread().map(|bps| bps / 10_000.0);
    each(out, ("soak_latency_spread_add_ratio", "gauge", help), analysis, spread);
    let help = "1 if parameters are frozen in the newest iteration, all or those of a subsystem";
    let frozen = |of: Of<'_>| of.is_frozen().filter(|_| analysis.tunes);
    each(out, ("soak_partial_freeze_active", "gauge", help), analysis, frozen);
    let help = "Parameters that tuning changed after the newest iteration";
    let changed =
        |of: Of<'_>| of.newest().filter(|_| analysis.tunes).map(|row| row.tuning.changed_keys.len() as f64);
    each(out, ("soak_tuner_changed_keys", "gauge", help), analysis, changed);
    let phases = Of::all(analysis).filter_map(|of| Some((of, phase(of.newest()?))));
    let phases = phases.flat_map(|(of, is)| PHASES.map(|phase| of.sample("phase", phase, flag(is == phase))));
    let help = "1 for the phase of the newest iteration, 0 for the others";
    family(out, ("soak_phase", "gauge", help), phases);
    let means = Of::all(analysis).filter_map(|of| {
        let labels = vec![("kpi", "maker_taker_ratio".to_owned()), ("window", of.symbol.last.name.clone())];
        Some((labels, of.symbol, of.harmonic_maker_share()?))
    });
    let help = "Harmonic mean of a KPI over a window; 0 as soon as one value is 0";
    family(out, ("soak_kpi_harmonic_mean", "gauge", help), means);
    let triggers = Of::all(analysis).filter(|_| analysis.tunes).flat_map(|of| {
        Guard::ALL.map(|guard| of.sample("guard", guard.word(), of.symbol.deep.guards.of(guard) as f64))
    });
    let help = "Iterations of the run in which a guard acted; freeze: one started, was in force or held back";
    family(out, ("soak_guard_triggers_total", "counter", help), triggers);
    let help = "Proposed increments whose parameter the overrides do not hold";
    each(out, ("soak_delta_missing_values_total", "counter", help), analysis, Of::missing_values);
}

/// The five names of the earlier exporter.
fn exporter(out: &mut Exposition, analysis: &Analysis) {
    let means = Of::all(analysis).filter_map(|of| {
        let mean = round_half_even(of.harmonic_maker_share()?, 6);
        Some(of.sample("window", of.symbol.last.positions.len().to_string(), mean))
    });
    let help = "Harmonic mean of the maker share over the last iterations, whose number window tells";
    family(out, ("maker_taker_ratio_hmean", "gauge", help), means);
    let help = "What the latency buffer adds to the spread in the newest iteration, bps";
    let spread = |of: Of<'_>| of.latency_spread().map(|bps| round_half_even(bps, 3));
    each(out, ("latency_spread_add_bps", "gauge", help), analysis, spread);
    let help = "1 if parameters are frozen in the newest iteration, all or those of a subsystem";
    each(out, ("partial_freeze_active", "gauge", help), analysis, Of::is_frozen);
    let help = "Proposed increments whose parameter the overrides do not hold";
    each(out, ("delta_nested_miss_paths_total", "counter", help), analysis, Of::missing_values);
    let help = "Maker share of the newest iteration, percent: from its fills, else as reported";
    let share = |of: Of<'_>| of.maker_share().map(|share| round_half_even(share * 100.0, 2));
    each(out, ("maker_share_pct", "gauge", help), analysis, share);
}

/// What the earlier warm-up exporter wrote. Its labels contain iterations, so only the newest are exposed, as many as
/// that exporter could read.
fn warmup(out: &mut Exposition, analysis: &Analysis) {
    let evidence = &analysis.evidence;
    let error = flag(evidence.is_empty() && !evidence.bad_files.is_empty());
    let help = "1 if there are iteration files and none of them can be used";
    out.single("warmup_exporter_error", "gauge", help, Some(error));
    let is = |row: &Row, wanted: &str| flag(phase(row) == wanted);
    iterations(out, analysis, ("warmup_active", "1 while the run warms up"), false, |_, row, _| {
        Some(is(row, "WARMUP"))
    });
    let head = ("warmup_iter_idx", "Number of the iteration while the run warms up, else 0");
    iterations(out, analysis, head, false, |_, row, _| Some(is(row, "WARMUP") * row.number as f64));
    let head = ("rampdown_active", "1 while the run goes back to its own parameters");
    iterations(out, analysis, head, false, |_, row, _| Some(is(row, "RAMPDOWN")));
    let head = ("soak_phase_name", "Phase of the iteration: 0 warm-up, 1 ramp-down, 2 steady");
    iterations(out, analysis, head, true, |_, row, _| {
        PHASES.into_iter().position(|known| known == phase(row)).map(|number| number as f64)
    });
    for (name, help, kpi) in [
        ("soak_maker_taker_ratio", "Maker share of the iteration", KpiId::MAKER_TAKER_RATIO),
        ("soak_net_bps", "Net edge of the iteration, basis points", KpiId::NET_BPS),
        ("soak_risk_ratio", "Risk ratio of the iteration", KpiId::RISK_RATIO),
        ("soak_p95_latency_ms", "p95 latency of the iteration, ms", KpiId::P95_LATENCY_MS),
    ] {
        iterations(out, analysis, (name, help), true, |of, _, position| of.series.value(kpi, position));
    }
    let kinds: [(&str, &[Guard]); 6] = [
        ("velocity", &[Guard::Velocity]),
        ("latency_soft", &[Guard::LatencySoft]),
        ("latency_hard", &[Guard::LatencyHard]),
        ("oscillation", &[Guard::Oscillation]),
        ("freeze", &[Guard::Freeze, Guard::PartialFreeze]),
        ("cooldown", &[Guard::Cooldown]),
    ];
    let triggers = Of::all(analysis).flat_map(|of| {
        kinds.map(|(kind, guards)| {
            let acted = |row: &&Row| guards.iter().any(|guard| row.tuning.spoke().contains(*guard));
            of.sample("type", kind, of.series.rows().iter().filter(acted).count() as f64)
        })
    });
    let help = "Iterations of the run in which a guard acted; freeze counts partial freezes too";
    family(out, ("guard_triggers_total", "counter", help), triggers);
    let head = ("tuner_keys_changed_total", "Parameters that tuning changed after the iteration");
    iterations(out, analysis, head, false, |_, row, _| Some(row.tuning.changed_keys.len() as f64));
    let (risk, latency) = (KpiId::RISK_RATIO, KpiId::P95_LATENCY_MS);
    let windows: [(&str, &str, KpiId, Pick, usize); 3] = [
        ("risk_ratio_mean", "Mean risk ratio over the last iterations", risk, |of| of.mean, 4),
        ("p95_latency_ms_max", "Largest p95 latency of the last iterations, ms", latency, |of| of.max, 1),
        ("p95_latency_ms_mean", "Mean p95 latency over the last iterations, ms", latency, |of| of.mean, 1),
    ];
    for (name, help, kpi, pick, digits) in windows {
        let known = Of::all(analysis).filter_map(|of| {
            let value = round_half_even(pick(&Summary::of(&of.window(kpi))?), digits);
            Some(of.sample("window", of.symbol.last.positions.len().to_string(), value))
        });
        family(out, (name, "gauge", help), known);
    }
}

/// A gauge with a value for each of the newest iterations.
fn iterations(
    out: &mut Exposition,
    analysis: &Analysis,
    (name, help): (&str, &str),
    with_phase: bool,
    value: impl Fn(Of<'_>, &Row, usize) -> Option<f64>,
) {
    const NEWEST: usize = 99;
    let samples = Of::all(analysis).flat_map(|of| {
        let rows = of.series.rows();
        let newest = rows.iter().enumerate().skip(rows.len().saturating_sub(NEWEST));
        let value = &value;
        newest.filter_map(move |(position, row)| {
            let mut sample = of.sample("iteration", row.number.to_string(), value(of, row, position)?);
            sample.0.extend(with_phase.then(|| ("phase", phase(row).to_owned())));
            Some(sample)
        })
    });
    family(out, (name, "gauge", help), samples);
}

#[cfg(test)]
mod tests {

    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::iteration::params::ParamValues;
    use crate::core::verdict::evidence::{BadFile, Evidence};
    use crate::report::fixture::{analysed, folder, good, provenance, series, with};

    fn text(evidence: Evidence, form: Form, legacy: bool) -> String {
        let (analysis, _) = analysed(evidence);
        metrics(&analysis, &provenance(), form, legacy, None)
    }

    fn legacy(evidence: Evidence) -> String {
        text(evidence, Form::Prometheus, true)
    }

    #[track_caller]
    fn has(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(text.lines().any(|have| have == *line), "no line {line} in\n{text}");
        }
    }

    /// Ten iterations, the first in the warm-up, the second on its way back.
    fn run() -> Vec<Iteration> {
        let mut run: Vec<Iteration> = (1..=10).map(good).collect();
        run[0].phase = Some("WARMUP".into());
        run[1].phase = Some("RAMPDOWN".into());
        run[4].tuning.guards.insert(Guard::Velocity);
        run[4].tuning.guards.insert(Guard::LatencyHard);
        run[5].tuning.guards.insert(Guard::PartialFreeze);
        run
    }

    #[test]
    fn the_five_names_of_the_exporter_have_its_numbers() {
        let mut run = run();
        // Over the last eight, seven values of 0.9 and one of 0.45: 8 / (7/0.9 + 1/0.45) = 0.8.
        run[9] = with(good(10), KpiId::MAKER_TAKER_RATIO, Some(0.45));
        let last = &mut run[9];
        last.fills_maker_share = Some(0.876_54);
        last.tuning.guards.insert(Guard::Freeze);
        let spread = (ParamName::flat("latency.spread_add_bps"), 0.123_456);
        last.overrides = Some(Arc::new(ParamValues::new(vec![spread])));
        let reported = legacy(folder(run));
        has(
            &reported,
            &[
                "maker_taker_ratio_hmean{window=\"8\"} 0.8",
                "latency_spread_add_bps 0.123",
                "partial_freeze_active 1",
                "# TYPE delta_nested_miss_paths_total counter",
                "delta_nested_miss_paths_total 0",
                "maker_share_pct 87.65",
                "soak_partial_freeze_active 1",
                "soak_maker_share_ratio 0.87654",
                "soak_iteration 10",
            ],
        );
        let spread = reported.lines().find_map(|line| line.strip_prefix("soak_latency_spread_add_ratio "));
        let spread: f64 = spread.and_then(|value| value.parse().ok()).expect("a number");
        assert!((spread - 0.000_012_345_6).abs() < 1e-18, "{spread}");
        let mean = "soak_kpi_harmonic_mean{kpi=\"maker_taker_ratio\",window=\"last8\"} ";
        let mean = reported.lines().find_map(|line| line.strip_prefix(mean)).expect("a sample");
        assert!((mean.parse::<f64>().expect("a number") - 0.8).abs() < 1e-12, "{mean}");
    }

    #[test]
    fn a_maker_share_of_zero_makes_the_harmonic_mean_zero() {
        let mut run = run();
        run[5] = with(good(6), KpiId::MAKER_TAKER_RATIO, Some(0.0));
        has(&legacy(folder(run)), &["maker_taker_ratio_hmean{window=\"8\"} 0"]);
    }

    #[test]
    fn what_is_not_known_has_no_sample_and_no_family() {
        let run = (1..=10).map(|number| with(good(number), KpiId::MAKER_TAKER_RATIO, None));
        let reported = legacy(folder(run));
        for name in
            ["maker_taker_ratio_hmean", "maker_share_pct", "latency_spread_add_bps", "soak_maker_taker_ratio"]
        {
            assert!(
                !reported.lines().any(|line| line.contains(&format!(" {name} ")) || line.starts_with(name)),
                "{name}: {reported}"
            );
        }
        has(&reported, &["partial_freeze_active 0"]);
    }

    #[test]
    fn the_warm_up_set_shows_phases_values_guards_and_windows() {
        let reported = legacy(folder(run()));
        has(
            &reported,
            &[
                "warmup_exporter_error 0",
                "warmup_active{iteration=\"1\"} 1",
                "warmup_active{iteration=\"2\"} 0",
                "warmup_iter_idx{iteration=\"1\"} 1",
                "warmup_iter_idx{iteration=\"10\"} 0",
                "rampdown_active{iteration=\"2\"} 1",
                "soak_phase_name{iteration=\"1\",phase=\"WARMUP\"} 0",
                "soak_phase_name{iteration=\"2\",phase=\"RAMPDOWN\"} 1",
                "soak_phase_name{iteration=\"3\",phase=\"STEADY\"} 2",
                "soak_net_bps{iteration=\"3\",phase=\"STEADY\"} 3",
                "soak_p95_latency_ms{iteration=\"10\",phase=\"STEADY\"} 300",
                // Both that spoke in one iteration count; the last of the ladder by itself counts too.
                "guard_triggers_total{type=\"velocity\"} 1",
                "guard_triggers_total{type=\"latency_hard\"} 1",
                "guard_triggers_total{type=\"freeze\"} 1",
                "guard_triggers_total{type=\"cooldown\"} 0",
                "tuner_keys_changed_total{iteration=\"5\"} 0",
                "risk_ratio_mean{window=\"8\"} 0.3",
                "p95_latency_ms_max{window=\"8\"} 300",
                "p95_latency_ms_mean{window=\"8\"} 300",
                "soak_phase{phase=\"STEADY\"} 1",
                "soak_phase{phase=\"WARMUP\"} 0",
            ],
        );
    }

    #[test]
    fn a_shorter_window_says_its_length() {
        let reported = legacy(folder((1..=3).map(good)));
        has(&reported, &["maker_taker_ratio_hmean{window=\"3\"} 0.9", "risk_ratio_mean{window=\"3\"} 0.3"]);
    }

    #[test]
    fn only_the_newest_iterations_of_a_long_run_are_in_labels() {
        let reported = legacy(folder((1..=300).map(good)));
        let labelled = reported.lines().filter(|line| line.starts_with("warmup_active{")).count();
        assert_eq!(labelled, 99);
        has(&reported, &["warmup_active{iteration=\"300\"} 0", "warmup_active{iteration=\"202\"} 0"]);
    }

    #[test]
    fn a_folder_of_which_nothing_can_be_used_is_an_error_of_the_exporter() {
        let bad =
            BadFile { name: "ITER_SUMMARY_1.json".into(), number: 1, symbol: None, reason: "cut off".into() };
        let evidence = Evidence { bad_files: vec![bad], ..Evidence::default() };
        has(&legacy(evidence), &["warmup_exporter_error 1", "soak_verdict{verdict=\"INVALID\"} 1"]);
        has(
            &legacy(Evidence::default()),
            &["warmup_exporter_error 0", "soak_verdict{verdict=\"INVALID\"} 1"],
        );
    }

    /// Names of the families, in order.
    fn families(text: &str) -> Vec<&str> {
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
    }

    #[test]
    fn every_family_occurs_once_and_holds_all_its_samples_in_both_forms() {
        let symbols = Evidence {
            series: vec![series(Some("A"), run()), series(Some("B"), run())],
            ..Evidence::default()
        };
        for (form, legacy) in
            [(Form::Prometheus, true), (Form::OpenMetrics, true), (Form::OpenMetrics, false)]
        {
            let reported = text(symbols.clone(), form, legacy);
            let names = families(&reported);
            assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
            let mut family = "";
            let mut seen = BTreeSet::new();
            for line in reported.lines() {
                if let Some(rest) = line.strip_prefix("# TYPE ") {
                    family = rest.split(' ').next().expect("a name");
                } else if !line.starts_with('#') && !line.is_empty() {
                    let end = line.find(['{', ' ']).expect("a sample");
                    let suffix =
                        line[..end].strip_prefix(family).unwrap_or_else(|| panic!("{line} in {family}"));
                    assert!(["", "_total", "_info"].contains(&suffix), "{line} in {family}");
                    assert!(seen.insert(line.rsplit_once(' ').expect("a value").0), "{line} twice");
                }
            }
            assert_eq!(reported.ends_with("# EOF\n"), form == Form::OpenMetrics);
            assert_eq!(reported.lines().any(str::is_empty), form == Form::Prometheus);
        }
    }

    #[test]
    fn without_the_names_of_old_none_of_them_is_left() {
        let reported = text(folder(run()), Form::Prometheus, false);
        for old in [
            "soak_kpi_net_bps_mean",
            "soak_delta_full_apply_ratio",
            "maker_taker_ratio_hmean",
            "latency_spread_add_bps",
            "partial_freeze_active",
            "delta_nested_miss_paths_total",
            "maker_share_pct",
            "warmup_active",
            "guard_triggers_total",
            "tuner_keys_changed_total",
            "soak_p95_latency_ms",
        ] {
            assert!(!families(&reported).contains(&old), "{old}");
        }
        has(
            &reported,
            &["soak_risk_ratio 0.3", "soak_net_bps 3", "soak_guard_triggers_total{guard=\"velocity\"} 1"],
        );
    }

    #[test]
    fn an_endpoint_reports_what_its_looks_cost() {
        let (analysis, _) = analysed(folder(run()));
        let looks = Looks { files: 10, read: 12, times: 3 };
        let reported = metrics(&analysis, &provenance(), Form::Prometheus, false, Some(looks));
        has(
            &reported,
            &["soak_export_files 10", "soak_export_files_read_total 12", "soak_export_looks_total 3"],
        );
    }
}
