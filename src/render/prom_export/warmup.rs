//! The warm-up set: what the warm-up exporter of old wrote, in contiguous families that all have HELP and TYPE.
//!
//! Its names are kept for the dashboards and alerts that know them. Iterations stand in labels there, so only the
//! newest are told, as many as that exporter could read.

use super::{Of, round_half_even};
use crate::core::analysis::Analysis;
use crate::core::guards::{Guard, GuardSet};
use crate::core::kpi::KpiId;
use crate::core::series::Row;
use crate::render::exposition::Exposition;
use crate::render::prom::{flag, sample};
use crate::stats::Summary;

/// The exporter of old read files 1 to 99.
const NEWEST: usize = 99;

/// The phases, in the order of their numbers.
pub(super) const PHASES: [&str; 3] = ["WARMUP", "RAMPDOWN", "STEADY"];

/// The phase of an iteration; one that tells none is steady.
pub(super) fn phase(row: &Row) -> &'static str {
    let told = row.phase.as_deref().unwrap_or_default();
    PHASES.into_iter().find(|phase| phase.eq_ignore_ascii_case(told)).unwrap_or("STEADY")
}

/// Writes the set.
pub(super) fn write(out: &mut Exposition, analysis: &Analysis) {
    let evidence = &analysis.evidence;
    let error = evidence.is_empty() && !evidence.bad_files.is_empty();
    out.single(
        "warmup_exporter_error",
        "gauge",
        "1 if there are iteration files and none of them can be used",
        Some(flag(error)),
    );
    let is = |row: &Row, wanted: &str| flag(phase(row) == wanted);
    iterations(out, analysis, ("warmup_active", "1 while the run warms up"), |_, row, _| {
        Some(is(row, "WARMUP"))
    });
    iterations(
        out,
        analysis,
        ("warmup_iter_idx", "Number of the iteration while the run warms up, else 0"),
        |_, row, _| Some(is(row, "WARMUP") * row.number as f64),
    );
    iterations(
        out,
        analysis,
        ("rampdown_active", "1 while the run goes back to its own parameters"),
        |_, row, _| Some(is(row, "RAMPDOWN")),
    );
    let number = |row: &Row| PHASES.into_iter().position(|known| known == phase(row));
    phased(
        out,
        analysis,
        ("soak_phase_name", "Phase of the iteration: 0 warm-up, 1 ramp-down, 2 steady"),
        |_, row, _| number(row).map(|number| number as f64),
    );
    for (name, help, kpi) in [
        ("soak_maker_taker_ratio", "Maker share of the iteration", KpiId::MAKER_TAKER_RATIO),
        ("soak_net_bps", "Net edge of the iteration, basis points", KpiId::NET_BPS),
        ("soak_risk_ratio", "Risk ratio of the iteration", KpiId::RISK_RATIO),
        ("soak_p95_latency_ms", "p95 latency of the iteration, ms", KpiId::P95_LATENCY_MS),
    ] {
        phased(out, analysis, (name, help), |of, _, position| of.series.value(kpi, position));
    }
    guards(out, analysis);
    iterations(
        out,
        analysis,
        ("tuner_keys_changed_total", "Parameters that tuning changed after the iteration"),
        |_, row, _| Some(row.tuning.changed_keys.len() as f64),
    );
    windows(out, analysis);
}

/// A family with a sample an iteration.
fn iterations(
    out: &mut Exposition,
    analysis: &Analysis,
    (name, help): (&str, &str),
    value: impl Fn(Of<'_>, &Row, usize) -> Option<f64>,
) {
    labelled(out, analysis, (name, help), false, value);
}

/// The same with the phase of the iteration in a second label.
fn phased(
    out: &mut Exposition,
    analysis: &Analysis,
    (name, help): (&str, &str),
    value: impl Fn(Of<'_>, &Row, usize) -> Option<f64>,
) {
    labelled(out, analysis, (name, help), true, value);
}

fn labelled(
    out: &mut Exposition,
    analysis: &Analysis,
    (name, help): (&str, &str),
    with_phase: bool,
    value: impl Fn(Of<'_>, &Row, usize) -> Option<f64>,
) {
    let mut opened = false;
    for of in Of::all(analysis) {
        let rows = of.series.rows();
        for (position, row) in rows.iter().enumerate().skip(rows.len().saturating_sub(NEWEST)) {
            let Some(value) = value(of, row, position) else { continue };
            if !opened {
                out.family(name, "gauge", help);
                opened = true;
            }
            let number = row.number.to_string();
            let labels = [("iteration", number.as_str()), ("phase", phase(row))];
            sample(out, name, of.symbol, if with_phase { &labels } else { &labels[..1] }, value);
        }
    }
}

/// Iterations of the run by guard; several that spoke in one iteration all count.
fn guards(out: &mut Exposition, analysis: &Analysis) {
    let name = "guard_triggers_total";
    out.family(
        name,
        "counter",
        "Iterations of the run in which a guard spoke; freeze counts partial freezes too",
    );
    let kinds: [(&str, &[Guard]); 6] = [
        ("velocity", &[Guard::Velocity]),
        ("latency_soft", &[Guard::LatencySoft]),
        ("latency_hard", &[Guard::LatencyHard]),
        ("oscillation", &[Guard::Oscillation]),
        ("freeze", &[Guard::Freeze, Guard::PartialFreeze]),
        ("cooldown", &[Guard::Cooldown]),
    ];
    for of in Of::all(analysis) {
        for (kind, guards) in kinds {
            let speaks = |set: GuardSet| guards.iter().any(|guard| set.contains(*guard));
            let spoke = of.series.rows().iter().filter(|row| speaks(row.tuning.spoke())).count();
            sample(out, name, of.symbol, &[("type", kind)], spoke as f64);
        }
    }
}

/// Three statistics over the last window, whose length is a label.
fn windows(out: &mut Exposition, analysis: &Analysis) {
    type Pick = fn(&Summary) -> f64;
    let rows: [(&str, &str, KpiId, Pick, usize); 3] = [
        ("risk_ratio_mean", "Mean risk ratio over the last iterations", KpiId::RISK_RATIO, |of| of.mean, 4),
        (
            "p95_latency_ms_max",
            "Largest p95 latency of the last iterations, ms",
            KpiId::P95_LATENCY_MS,
            |of| of.max,
            1,
        ),
        (
            "p95_latency_ms_mean",
            "Mean p95 latency over the last iterations, ms",
            KpiId::P95_LATENCY_MS,
            |of| of.mean,
            1,
        ),
    ];
    for (name, help, kpi, pick, digits) in rows {
        let known: Vec<(Of<'_>, Summary)> =
            Of::all(analysis).filter_map(|of| Some((of, Summary::of(&of.window(kpi))?))).collect();
        if !known.is_empty() {
            out.family(name, "gauge", help);
        }
        for (of, summary) in known {
            let window = of.symbol.last.positions.len().to_string();
            sample(out, name, of.symbol, &[("window", &window)], round_half_even(pick(&summary), digits));
        }
    }
}
