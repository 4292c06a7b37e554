//! The metrics of an analysis: the names of old (unless left out) and the clean `soak_*` set.
//!
//! [`metrics`] is the text of `POST_SOAK_METRICS.prom`. A value that is not known has no sample; no time stamps.

use super::exposition::Exposition;
use crate::core::analysis::{Analysis, SymbolAnalysis};
use crate::core::guards::Guard;
use crate::core::instant;
use crate::core::policy::Statistic;
use crate::core::verdict::{Check, Outcome};
use crate::wire::provenance::Provenance;
use crate::wire::snapshot::{Centre, Snapshot};

/// The metrics of an analysis.
pub fn metrics(analysis: &Analysis, snapshot: &Snapshot, provenance: &Provenance, legacy: bool) -> String {
    let mut out = Exposition::default();
    write(&mut out, analysis, snapshot, provenance, legacy);
    out.finish()
}

/// Writes the families of [`metrics`].
pub(super) fn write(
    out: &mut Exposition,
    analysis: &Analysis,
    snapshot: &Snapshot,
    provenance: &Provenance,
    legacy: bool,
) {
    if legacy {
        original(out, analysis, snapshot);
        original_deltas(out, analysis);
    }
    kpis(out, analysis);
    gates(out, analysis);
    deltas(out, analysis);
    verdict(out, analysis, provenance);
}

/// The ten names of the original document, exactly, rounded as in the snapshot.
fn original(out: &mut Exposition, analysis: &Analysis, snapshot: &Snapshot) {
    let mean = |centre: Centre| centre.mean;
    let kpi = &snapshot.kpi_last8;
    let guards = &snapshot.guards_last8;
    let gauges = [
        ("soak_kpi_risk_ratio_mean", "Mean risk ratio over the last iterations", mean(kpi.risk_ratio)),
        (
            "soak_kpi_maker_taker_mean",
            "Mean maker share over the last iterations",
            mean(kpi.maker_taker_ratio),
        ),
        ("soak_kpi_net_bps_mean", "Mean net edge over the last iterations, bps", mean(kpi.net_bps)),
        (
            "soak_kpi_latency_p95_mean",
            "Mean p95 latency over the last iterations, ms",
            mean(kpi.p95_latency_ms),
        ),
        (
            "soak_guards_velocity_count",
            "Iterations held back by the velocity guard",
            Some(guards.velocity_count as f64),
        ),
        (
            "soak_guards_cooldown_count",
            "Iterations held back by the cool-down guard",
            Some(guards.cooldown_count as f64),
        ),
        (
            "soak_guards_oscillation_count",
            "Iterations held back by the oscillation guard",
            Some(guards.oscillation_count as f64),
        ),
        (
            "soak_verdict_pass_count",
            "Passing iterations among the last",
            Some(snapshot.pass_count_last8 as f64),
        ),
        ("soak_freeze_ready", "1 if the overrides may be frozen", Some(flag(snapshot.freeze_ready))),
        ("soak_anomalies_count", "Anomalies in the last iterations", Some(snapshot.anomalies_count as f64)),
    ];
    for (name, help, value) in gauges {
        out.single(name, "gauge", help, value);
    }
    debug_assert!(!analysis.symbols.is_empty());
}

/// The delta block of old.
fn original_deltas(out: &mut Exposition, analysis: &Analysis) {
    let Some(verified) = &analysis.worst().deltas else { return };
    let counts = &verified.counts;
    let ratio = verified.full_apply_ratio.map(|ratio| crate::core::number::round_half_even(ratio, 3));
    let rows = [
        ("soak_delta_full_apply_ratio", "Share of proposals applied or explained", ratio),
        (
            "soak_delta_full_apply_count",
            "Proposals of which every increment arrived",
            Some(counts.full as f64),
        ),
        (
            "soak_delta_partial_ok_count",
            "Proposals applied in part or skipped, with a reason; skipped ones have their own status in soak_delta_pairs",
            Some((counts.partial_explained + counts.skipped) as f64),
        ),
        (
            "soak_delta_fail_count",
            "Proposals that were not applied and not explained",
            Some((counts.failed + counts.partial_unexplained) as f64),
        ),
        (
            "soak_delta_signature_stuck_count",
            "Proposals said to be applied that changed nothing",
            Some(counts.stuck as f64),
        ),
        ("soak_delta_proposed_count", "Proposals", Some(counts.proposed as f64)),
    ];
    for (name, help, value) in rows {
        out.single(name, "gauge", help, value);
    }
}

/// `soak_kpi{kpi,window,stat}` in base units: milliseconds become seconds, basis points become ratios.
fn kpis(out: &mut Exposition, analysis: &Analysis) {
    out.family("soak_kpi", "gauge", "Statistic of a KPI over a window, in base units (seconds, ratios)");
    for symbol in &analysis.symbols {
        for window in &symbol.deep.windows {
            for stats in &window.kpis {
                let kpi = stats.kpi;
                let (name, scale) = kpi.base_unit();
                for statistic in Statistic::ALL {
                    let value = stats.summary.and_then(|summary| summary.get(statistic));
                    if let Some(value) = value {
                        let labels = [
                            ("kpi", name.as_str()),
                            ("window", &window.window.name),
                            ("stat", statistic.word()),
                        ];
                        sample(out, "soak_kpi", symbol, &labels, value / scale);
                    }
                }
            }
        }
    }
}

fn gates(out: &mut Exposition, analysis: &Analysis) {
    let mut family = |name: &str, help: &str, value: &dyn Fn(&Check) -> Option<f64>| {
        let mut opened = false;
        for check in analysis.checks() {
            let Some(value) = value(check) else { continue };
            if !opened {
                out.family(name, "gauge", help);
                opened = true;
            }
            let mut labels = vec![("gate", check.gate.as_str()), ("severity", check.severity.word())];
            if let Some(symbol) = &check.symbol {
                labels.push(("symbol", symbol));
            }
            out.sample(name, &labels, value);
        }
    };
    family(
        "soak_gate_ok",
        "1 if the gate passes or warns, 0 if not; absent if it does not apply",
        &|check| (check.outcome != Outcome::NotApplicable).then(|| flag(check.outcome.is_acceptable())),
    );
    family("soak_gate_limit", "Limit of the gate, in the units of the policy", &|check| check.limit);
    family(
        "soak_gate_margin",
        "Distance to the limit in the units of the policy, positive is room",
        &|check| check.margin,
    );
}

fn deltas(out: &mut Exposition, analysis: &Analysis) {
    let verified = |symbol: &SymbolAnalysis| symbol.deltas.as_ref().map(|verified| verified.counts);
    if analysis.symbols.iter().all(|symbol| symbol.deltas.is_none()) {
        return;
    }
    out.family(
        "soak_delta_pairs",
        "gauge",
        "Proposals by what became of them; partial with and without a reason, but not skipped",
    );
    for symbol in &analysis.symbols {
        let Some(counts) = verified(symbol) else { continue };
        for (status, n) in [
            ("full", counts.full),
            ("partial", counts.partial_explained + counts.partial_unexplained),
            ("skipped", counts.skipped),
            ("failed", counts.failed),
            ("stuck", counts.stuck),
            ("unverifiable", counts.unverifiable),
        ] {
            sample(out, "soak_delta_pairs", symbol, &[("status", status)], n as f64);
        }
    }
    let ratios: Vec<(&SymbolAnalysis, f64)> = analysis
        .symbols
        .iter()
        .filter_map(|symbol| Some((symbol, symbol.deltas.as_ref()?.full_apply_ratio?)))
        .collect();
    if !ratios.is_empty() {
        out.family("soak_delta_apply_ratio", "gauge", "Share of proposals applied or explained");
        for (symbol, ratio) in ratios {
            sample(out, "soak_delta_apply_ratio", symbol, &[], ratio);
        }
    }
}

fn verdict(out: &mut Exposition, analysis: &Analysis, provenance: &Provenance) {
    out.family("soak_verdict", "gauge", "1 for the verdict of the run, 0 for the others");
    for outcome in [Outcome::Pass, Outcome::Warn, Outcome::Inconclusive, Outcome::Fail, Outcome::Invalid] {
        let value = flag(analysis.outcome == outcome);
        out.sample("soak_verdict", &[("verdict", outcome.word())], value);
    }
    out.single(
        "soak_iterations",
        "gauge",
        "Usable iterations of the run",
        Some(analysis.evidence.len() as f64),
    );
    out.family("soak_guard_iterations", "gauge", "Iterations of the last window in which a guard spoke");
    for symbol in &analysis.symbols {
        for guard in Guard::ALL {
            let n = symbol.guards.of(guard) as f64;
            sample(out, "soak_guard_iterations", symbol, &[("guard", guard.word())], n);
        }
    }
    let last = analysis.last_time().and_then(unix_seconds);
    out.single(
        "soak_last_iteration_timestamp_seconds",
        "gauge",
        "Time of the last iteration, seconds since 1970",
        last,
    );
    out.single(
        "soak_last_success_timestamp_seconds",
        "gauge",
        "Time of the last iteration of a run that passed, seconds since 1970",
        last.filter(|_| analysis.outcome == Outcome::Pass),
    );
    out.single(
        "soak_data_simulated",
        "gauge",
        "1 if the data is simulated or a rehearsal, which is not valid for a release",
        Some(flag(analysis.origin.sentence().is_some())),
    );
    out.single(
        "soak_override_active",
        "gauge",
        "1 if the verdict was overridden by hand",
        Some(flag(provenance.overridden.is_some())),
    );
    if let Some(given) = &provenance.overridden {
        out.family("soak_override_info", "info", "Who overrode the verdict, when and why");
        let labels = [("by", given.by.as_str()), ("at", &given.at), ("reason", &given.reason)];
        out.sample("soak_override_info", &labels, 1.0);
    }
    out.family("soak_build_info", "info", "The program and the policy behind these numbers");
    let labels = [("version", provenance.tool_version.as_str()), ("policy", &provenance.policy_sha256)];
    out.sample("soak_build_info", &labels, 1.0);
}

pub(super) fn sample(
    out: &mut Exposition,
    name: &str,
    symbol: &SymbolAnalysis,
    labels: &[(&str, &str)],
    value: f64,
) {
    let mut all: Vec<(&str, &str)> = labels.to_vec();
    if let Some(symbol) = &symbol.symbol {
        all.push(("symbol", symbol));
    }
    out.sample(name, &all, value);
}

pub(crate) fn flag(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}

fn unix_seconds(text: &str) -> Option<f64> {
    let time = instant::parse(text)?.at;
    Some(time.timestamp() as f64 + f64::from(time.timestamp_subsec_millis()) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_become_seconds_since_1970() {
        assert_eq!(unix_seconds("1970-01-02T00:00:00Z"), Some(86_400.0));
        assert_eq!(unix_seconds("1970-01-01T01:00:00+01:00"), Some(0.0));
        assert_eq!(unix_seconds("yesterday"), None);
    }
}
