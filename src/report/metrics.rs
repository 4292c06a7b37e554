//! The metrics of an analysis: the earlier names (unless left out) and the clean `soak_*` set.
//!
//! [`metrics`] is the text of `POST_SOAK_METRICS.prom`. A value that is not known has no sample; no time stamps.

use super::exposition::Exposition;
use crate::core::analysis::{Analysis, SymbolAnalysis};
use crate::core::compare::snapshot::Snapshot;
use crate::core::iteration::guards::Guard;
use crate::core::kpi::KpiId;
use crate::core::policy::Statistic;
use crate::core::series::instant;
use crate::core::text::number::round_half_even;
use crate::core::verdict::provenance::Provenance;
use crate::core::verdict::{Check, Outcome};

/// Labels and value.
pub(crate) type Sample<'a> = (Vec<(&'static str, String)>, &'a SymbolAnalysis, f64);

/// The metrics as text.
pub(crate) fn metrics(
    analysis: &Analysis,
    snapshot: &Snapshot,
    provenance: &Provenance,
    legacy: bool,
) -> String {
    let mut out = Exposition::default();
    write(&mut out, analysis, snapshot, provenance, legacy);
    out.finish()
}

/// The same as a part of a longer text.
pub(crate) fn write(
    out: &mut Exposition,
    analysis: &Analysis,
    snapshot: &Snapshot,
    provenance: &Provenance,
    legacy: bool,
) {
    if legacy && analysis.trades() {
        original(out, analysis, snapshot);
    }
    kpis(out, analysis);
    gates(out, analysis);
    deltas(out, analysis);
    verdict(out, analysis, provenance);
}

/// A family with a sample for each symbol and set of labels; nothing when there is none.
pub(crate) fn family<'a>(
    out: &mut Exposition,
    (name, kind, help): (&str, &str, &str),
    samples: impl IntoIterator<Item = Sample<'a>>,
) {
    let mut samples = samples.into_iter().peekable();
    if samples.peek().is_some() {
        out.family(name, kind, help);
    }
    for (labels, symbol, value) in samples {
        let labels = labels.iter().map(|(name, value)| (*name, value.as_str()));
        let symbol = symbol.symbol.iter().map(|symbol| ("symbol", symbol.as_str()));
        out.sample(name, &labels.chain(symbol).collect::<Vec<_>>(), value);
    }
}

/// What the earlier script wrote, under its names.
fn original(out: &mut Exposition, analysis: &Analysis, snapshot: &Snapshot) {
    let (kpi, guards) = (&snapshot.kpi_last8, &snapshot.guards_last8);
    let count = |n: usize| Some(n as f64);
    let mut gauges = vec![
        (
            "soak_kpi_risk_ratio_mean",
            "Mean risk ratio over the last iterations",
            kpi.of(KpiId::RISK_RATIO).mean,
        ),
        (
            "soak_kpi_maker_taker_mean",
            "Mean maker share over the last iterations",
            kpi.of(KpiId::MAKER_TAKER_RATIO).mean,
        ),
        ("soak_kpi_net_bps_mean", "Mean net edge over the last iterations, bps", kpi.of(KpiId::NET_BPS).mean),
        (
            "soak_kpi_latency_p95_mean",
            "Mean p95 latency over the last iterations, ms",
            kpi.of(KpiId::P95_LATENCY_MS).mean,
        ),
        (
            "soak_guards_velocity_count",
            "Iterations held back by the velocity guard",
            count(guards.velocity_count),
        ),
        (
            "soak_guards_cooldown_count",
            "Iterations held back by the cool-down guard",
            count(guards.cooldown_count),
        ),
        (
            "soak_guards_oscillation_count",
            "Iterations held back by the oscillation guard",
            count(guards.oscillation_count),
        ),
        ("soak_verdict_pass_count", "Passing iterations among the last", count(snapshot.pass_count_last8)),
        ("soak_freeze_ready", "1 if the overrides may be frozen", Some(flag(snapshot.freeze_ready))),
        ("soak_anomalies_count", "Anomalies in the last iterations", count(snapshot.anomalies_count)),
    ];
    if let Some(verified) = &analysis.worst().deltas {
        let counts = &verified.counts;
        let ratio = verified.full_apply_ratio.map(|ratio| round_half_even(ratio, 3));
        gauges.extend([
            ("soak_delta_full_apply_ratio", "Share of proposals applied or explained", ratio),
            ("soak_delta_full_apply_count", "Proposals of which every increment arrived", count(counts.full)),
            (
                "soak_delta_partial_ok_count",
                "Proposals applied in part or skipped, with a reason; skipped ones have their own status in soak_delta_pairs",
                count(counts.partial_explained + counts.skipped),
            ),
            (
                "soak_delta_fail_count",
                "Proposals that were not applied and not explained",
                count(counts.failed + counts.partial_unexplained),
            ),
            (
                "soak_delta_signature_stuck_count",
                "Applied proposals that left their parameter unchanged",
                count(counts.stuck),
            ),
            ("soak_delta_proposed_count", "Proposals", count(counts.proposed)),
        ]);
    }
    for (name, help, value) in gauges {
        out.single(name, "gauge", help, value);
    }
}

fn kpis(out: &mut Exposition, analysis: &Analysis) {
    out.family("soak_kpi", "gauge", "Statistic of a KPI over a window, in base units (seconds, ratios)");
    for symbol in &analysis.symbols {
        for window in &symbol.deep.windows {
            for stats in &window.kpis {
                let (name, scale) = stats.kpi.base_unit();
                for statistic in Statistic::ALL {
                    let Some(value) = stats.summary.and_then(|summary| summary.get(statistic)) else {
                        continue;
                    };
                    let mut labels = vec![
                        ("kpi", name.as_str()),
                        ("window", &window.window.name),
                        ("stat", statistic.word()),
                    ];
                    labels.extend(symbol.symbol.iter().map(|symbol| ("symbol", symbol.as_str())));
                    out.sample("soak_kpi", &labels, value / scale);
                }
            }
        }
    }
}

fn gates(out: &mut Exposition, analysis: &Analysis) {
    type Value = fn(&Check) -> Option<f64>;
    let is_ok: Value =
        |check| (check.outcome != Outcome::NotApplicable).then(|| flag(check.outcome.is_acceptable()));
    let families: [(&str, &str, Value); 3] = [
        ("soak_gate_ok", "1 if the gate passes or warns, 0 if not; absent if it does not apply", is_ok),
        ("soak_gate_limit", "Limit of the gate, in the units of the policy", |check| check.limit),
        ("soak_gate_margin", "Distance to the limit in the units of the policy, positive is room", |check| {
            check.margin
        }),
    ];
    for (name, help, value) in families {
        let mut samples = analysis.checks().filter_map(|check| Some((check, value(check)?))).peekable();
        if samples.peek().is_some() {
            out.family(name, "gauge", help);
        }
        for (check, value) in samples {
            let mut labels = vec![("gate", check.gate.as_str()), ("severity", check.severity.word())];
            labels.extend(check.symbol.iter().map(|symbol| ("symbol", symbol.as_str())));
            out.sample(name, &labels, value);
        }
    }
}

fn deltas(out: &mut Exposition, analysis: &Analysis) {
    let verified = || analysis.symbols.iter().filter_map(|symbol| Some((symbol, symbol.deltas.as_ref()?)));
    let pairs = verified().flat_map(|(symbol, verified)| {
        let counts = verified.counts;
        let statuses = [
            ("full", counts.full),
            ("partial", counts.partial_explained + counts.partial_unexplained),
            ("skipped", counts.skipped),
            ("failed", counts.failed),
            ("stuck", counts.stuck),
            ("unverifiable", counts.unverifiable),
        ];
        statuses.map(|(status, n)| (vec![("status", status.to_owned())], symbol, n as f64))
    });
    let help = "Proposals by what became of them; partial with and without a reason, but not skipped";
    family(out, ("soak_delta_pairs", "gauge", help), pairs);
    let ratios =
        verified().filter_map(|(symbol, verified)| Some((Vec::new(), symbol, verified.full_apply_ratio?)));
    family(out, ("soak_delta_apply_ratio", "gauge", "Share of proposals applied or explained"), ratios);
}

fn verdict(out: &mut Exposition, analysis: &Analysis, provenance: &Provenance) {
    out.family("soak_verdict", "gauge", "1 for the verdict of the run, 0 for the others");
    for outcome in [Outcome::Pass, Outcome::Warn, Outcome::Inconclusive, Outcome::Fail, Outcome::Invalid] {
        let value = flag(analysis.outcome == outcome);
        out.sample("soak_verdict", &[("verdict", outcome.word())], value);
    }
    let iterations = analysis.evidence.len() as f64;
    out.single("soak_iterations", "gauge", "Usable iterations of the run", Some(iterations));
    let tuned = analysis.symbols.iter().filter(|_| analysis.tunes);
    let guards = tuned.flat_map(|symbol| {
        Guard::ALL
            .map(|guard| (vec![("guard", guard.word().to_owned())], symbol, symbol.guards.of(guard) as f64))
    });
    let help = "Iterations of the last window in which a guard acted";
    family(out, ("soak_guard_iterations", "gauge", help), guards);
    let last = analysis.last_time().and_then(unix_seconds);
    let passed = last.filter(|_| analysis.outcome == Outcome::Pass);
    let singles = [
        ("soak_last_iteration_timestamp_seconds", "Time of the last iteration, seconds since 1970", last),
        (
            "soak_last_success_timestamp_seconds",
            "Time of the last iteration of a run that passed, seconds since 1970",
            passed,
        ),
        (
            "soak_data_simulated",
            "1 if the data is simulated or a rehearsal, which is not valid for a release",
            Some(flag(analysis.origin.sentence().is_some())),
        ),
        (
            "soak_override_active",
            "1 if the verdict was overridden by hand",
            Some(flag(provenance.overridden.is_some())),
        ),
    ];
    for (name, help, value) in singles {
        out.single(name, "gauge", help, value);
    }
    if let Some(given) = &provenance.overridden {
        out.family("soak_override_info", "info", "Who overrode the verdict, when and why");
        let labels = [("by", given.by.as_str()), ("at", &given.at), ("reason", &given.reason)];
        out.sample("soak_override_info", &labels, 1.0);
    }
    out.family("soak_build_info", "info", "The program and the policy behind these numbers");
    let labels = [("version", provenance.tool_version.as_str()), ("policy", &provenance.policy_sha256)];
    out.sample("soak_build_info", &labels, 1.0);
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
