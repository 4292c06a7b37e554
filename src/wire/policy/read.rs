//! The policy as a whole: which keys there are, and which must fit together.

use sha2::{Digest, Sha256};

use crate::core::drift::{DriftRules, Resource};
use crate::core::hex::hex;
use crate::core::policy::symbols::{SymbolList, SymbolRules};
use crate::core::policy::{
    AnomalyRules, DeltaRules, Effective, Policy, RunVerdictRule, SanityRules, Windows,
};
use crate::core::rotation::RotationRules;
use crate::core::verdict::Comparison;

use super::error::{PolicyError, PolicyErrors};
use super::gates::{self, Known, sourced};
use super::possible::Possible;
use super::reader::{Noted, Read, Reader};
use super::tree::{Key, Tree, Value};
use super::{compare, course, integrity, kpis, release, rules, run, values, words};

/// The version of the policy's format that this program reads.
pub(super) const SCHEMA_VERSION: u64 = 1;

/// Reads the layers, lowest first. `errors` were found before, each beside the number of its layer.
pub(super) fn policy(trees: &[Tree], errors: Vec<(usize, PolicyError)>) -> Result<Policy, PolicyErrors> {
    let mut reader = Reader::new(trees);
    let version = reader.required(&Key::new("schema_version"), "a whole number", schema_version);
    let kpis = kpis::read(&mut reader);
    let windows = windows(&mut reader);
    let known = Known { kpis: &kpis, windows };
    let run_verdict = run_verdict(&mut reader, windows);
    let pass_window = run_verdict.as_ref().map(|rule| rule.window).map_err(|noted| *noted);
    let iteration_pass = gates::per_iteration(&mut reader, known, "iteration_pass", pass_window);
    let iteration_pass_mock = gates::per_iteration(&mut reader, known, "iteration_pass_mock", pass_window);
    let readiness = gates::over_window(&mut reader, known, "readiness", true);
    let warn_below = Key::new("readiness.warn_below_iterations");
    let warn_below = reader.required(&warn_below, "a whole number", values::count);
    let goals = gates::over_window(&mut reader, known, "goals", false);
    let violations = gates::violations(&mut reader, &kpis);
    let edge_report = rules::edge_report(&mut reader, &kpis);
    let run_gates = rules::run_gates(&mut reader, &kpis);
    let deltas = deltas(&mut reader);
    let anomalies = anomalies(&mut reader);
    let integrity = integrity::read(&mut reader);
    let sanity = sanity(&mut reader);
    let symbols = symbols(&mut reader);
    let compare = compare::read(&mut reader, known, &iteration_pass);
    let recommendations = rules::recommendations(&mut reader, &kpis);
    let trend = reader.required(&Key::new("trend.relative_change"), "a share", values::share);
    let trend = trend.map(|found| sourced(&reader, &found));
    let run = run::read(&mut reader, &kpis);
    let drift = drift(&mut reader);
    let release = release::read(&mut reader, &kpis);
    let kpi_drift = course::kpi_drift(&mut reader, windows);
    let change_points = course::change_points(&mut reader, windows);
    let rotation = rotation(&mut reader);
    let unread = reader.place_around(&Key::new("schema_version"));
    let unread = reader.error(&unread, "the policy could not be read".to_owned());

    let effective = reader.finish(errors)?;
    let all = move || -> Read<Policy> {
        version?;
        let (rotation, rotation_log_bytes) = rotation?;
        Ok(Policy {
            windows: windows?,
            iteration_pass: iteration_pass?,
            iteration_pass_mock: iteration_pass_mock?,
            run_verdict: run_verdict?,
            readiness: readiness?,
            readiness_warn_below_iterations: warn_below?.value,
            goals: goals?,
            violations: violations?,
            edge_report: edge_report?,
            run_gates: run_gates?,
            deltas: deltas?,
            anomalies: anomalies?,
            integrity: integrity?,
            sanity: sanity?,
            symbols: symbols?,
            compare: compare?,
            recommendations: recommendations?,
            trend_relative_change: trend?,
            rotation,
            rotation_log_bytes,
            run: run?,
            drift: drift?,
            release: release?,
            kpi_drift: kpi_drift?,
            change_points: change_points?,
            sha256: sha256(&effective),
            effective,
            kpis,
        })
    };
    // Whoever answers `Noted` has noted an error, and then `finish` has returned it.
    all().map_err(|Noted| PolicyErrors::sorted(vec![(0, unread)]))
}

/// The version of the format, if it is the one that this program reads.
pub(super) fn schema_version(value: &Value) -> Result<u64, String> {
    match values::whole(value)? {
        SCHEMA_VERSION => Ok(SCHEMA_VERSION),
        other => Err(format!("unknown version {other}, this program reads version {SCHEMA_VERSION}")),
    }
}

fn windows(reader: &mut Reader<'_>) -> Read<Windows> {
    let last_n = reader.required(&Key::new("windows.last_n"), "a whole number", values::count);
    let steady = reader.required(&Key::new("windows.steady_start"), "a whole number", values::count);
    Ok(Windows { last_n: last_n?.value, steady_start: steady?.value as u64 })
}

fn run_verdict(reader: &mut Reader<'_>, windows: Read<Windows>) -> Read<RunVerdictRule> {
    let table = Key::new("run_verdict");
    let window = reader.required(&table.at("window"), "a window", words::window);
    let pass = reader.required(&table.at("pass_share"), "a share", values::share);
    let warn = reader.required(&table.at("warn_share"), "a share", values::share);
    let minimum = reader.required(&table.at("min_iterations"), "a number or `window`", values::minimum);
    let freeze = reader.required(&table.at("freeze"), "`require` or `ignore`", words::freeze);
    let min_iterations = gates::min_iterations(reader, windows, &window, &minimum);
    let own_min_iterations = gates::own_min_iterations(reader, windows, &window, &table);
    // A file that shortens the window says how few iterations are enough, too.
    let fewest = reader.of_built_in(&Key::new("windows.last_n"), values::count);
    if let (Ok(window), Ok(minimum), Ok(own), Some(fewest)) = (&window, &minimum, own_min_iterations, fewest)
        && own < fewest
        && reader.is_built_in(&minimum.place)
    {
        let last_n = reader.required(&Key::new("windows.last_n"), "a whole number", values::count)?;
        let place = if reader.is_built_in(&window.place) { last_n.place } else { window.place.clone() };
        let problem = format!(
            "a window of {own} never holds the {fewest} iterations of the built-in policy; expected at least {fewest}, or \
             `run_verdict.min_iterations` beside it"
        );
        return Err(reader.note(&place, problem));
    }
    let (pass, warn, freeze) = (pass?, warn?, freeze?);
    if pass.value < warn.value {
        let problem = format!(
            "{} is below `run_verdict.warn_share`, {}: WARN could never be said",
            pass.value, warn.value
        );
        return Err(reader.note(&pass.place, problem));
    }
    Ok(RunVerdictRule {
        window: window?.value,
        pass_share: sourced(reader, &pass),
        warn_share: sourced(reader, &warn),
        min_iterations: min_iterations?,
        own_min_iterations: own_min_iterations?,
        freeze: freeze.value,
        freeze_source: reader.source(&freeze.place),
    })
}

fn deltas(reader: &mut Reader<'_>) -> Read<DeltaRules> {
    let table = Key::new("deltas");
    let gates = reader.required(&table.at("gates"), "`true` or `false`", values::switch);
    let usual = reader.required(&table.at("full_apply_ratio"), "a share", values::share);
    let strict = reader.required(&table.at("full_apply_ratio_strict"), "a share", values::share);
    let stuck = reader.required(&table.at("signature_stuck_max"), "a whole number", values::whole);
    let (usual, strict, stuck) = (usual?, strict?, stuck?);
    if strict.value < usual.value {
        let problem = format!(
            "{} is below `deltas.full_apply_ratio`, {}; strict asks for more",
            strict.value, usual.value
        );
        return Err(reader.note(&strict.place, problem));
    }
    Ok(DeltaRules {
        gates: gates?.value,
        full_apply_ratio: sourced(reader, &usual),
        full_apply_ratio_strict: sourced(reader, &strict),
        signature_stuck_max: sourced(reader, &stuck.map(|count| count as f64)),
    })
}

fn sanity(reader: &mut Reader<'_>) -> Read<SanityRules> {
    let table = Key::new("sanity");
    let gates = reader.required(&table.at("gates"), "`true` or `false`", values::switch);
    let severity = reader.required(&table.at("severity"), "`hard` or `soft`", words::severity);
    let stuck = reader.required(&table.at("stuck_iterations"), "a whole number", at_least_two);
    let collapse = reader.required(&table.at("collapse_share"), "a share", below_one);
    let good = reader.required(&table.at("too_good_spreads"), "a number", values::positive);
    let fills = reader.required(&table.at("fills_share"), "a share", below_one);
    let history = reader.required(&table.at("min_history"), "a whole number", values::count);
    let repeats = reader.required(&table.at("repeats_gate"), "`true` or `false`", values::switch);
    let digits = reader.required(&table.at("repeat_digits"), "a whole number", values::count);
    let repeats = repeats?;
    Ok(SanityRules {
        repeats_gate: repeats.value,
        repeats_gate_source: reader.source(&repeats.place),
        repeat_digits: sourced(reader, &digits?.map(|count| count as f64)),
        gates: gates?.value,
        severity: severity?.value,
        stuck_iterations: sourced(reader, &stuck?.map(|count| count as f64)),
        collapse_share: sourced(reader, &collapse?),
        too_good_spreads: sourced(reader, &good?),
        fills_share: sourced(reader, &fills?),
        min_history: sourced(reader, &history?.map(|count| count as f64)),
    })
}

fn symbols(reader: &mut Reader<'_>) -> Read<SymbolRules> {
    let mut list = |key: &str| -> Read<SymbolList> {
        let found = reader.required(&Key::new("symbols").at(key), "a list of symbols", values::names)?;
        Ok(SymbolList { source: reader.source(&found.place), names: found.value })
    };
    let (exclude, allow_start, allow_end) = (list("exclude"), list("allow_start"), list("allow_end"));
    Ok(SymbolRules { exclude: exclude?, allow_start: allow_start?, allow_end: allow_end? })
}

/// One value by itself always equals itself.
fn at_least_two(value: &Value) -> Result<usize, String> {
    match values::count(value)? {
        1 => Err("expected 2 or more, found 1: every value would stand still".to_owned()),
        count => Ok(count),
    }
}

/// A share that not every value is below.
fn below_one(value: &Value) -> Result<f64, String> {
    let share = values::share(value)?;
    if share < 1.0 { Ok(share) } else { Err(format!("expected a share below 1, found {share}")) }
}

fn anomalies(reader: &mut Reader<'_>) -> Read<AnomalyRules> {
    let table = Key::new("anomalies");
    let gates = reader.required(&table.at("gates"), "`true` or `false`", values::switch);
    let spike = reader.required(&table.at("latency_spike_ms"), "a number", values::positive);
    let jump = reader.required(&table.at("risk_jump"), "a share", values::positive);
    let drop = reader.required(&table.at("maker_drop"), "a share", values::positive);
    // A ratio can rise by at most 1, and a share is at most 1.
    for (found, alarm) in [(&jump, Comparison::Above), (&drop, Comparison::Below)] {
        if let Ok(found) = found
            && let Some(problem) = Possible::SHARE.pointless_alarm(alarm, found.value)
        {
            reader.note(&found.place, problem);
        }
    }
    Ok(AnomalyRules {
        gates: gates?.value,
        latency_spike: sourced(reader, &spike?),
        risk_jump: sourced(reader, &jump?),
        maker_drop: sourced(reader, &drop?),
    })
}

fn drift(reader: &mut Reader<'_>) -> Read<DriftRules> {
    let table = Key::new("drift");
    let gates = reader.required(&table.at("gates"), "`true` or `false`", values::switch);
    let severity = reader.required(&table.at("severity"), "`hard` or `soft`", words::severity);
    let rate = reader.required(&table.at("false_alarm_rate"), "a probability", course::rate);
    let minimum = reader.required(&table.at("min_iterations"), "a whole number", values::count);
    let relative = reader.required(&table.at("relative_change"), "a share", values::not_negative);
    let floors = Resource::ALL.map(|resource| {
        let key = table.at(&format!("{}_per_hour", resource.word()));
        let floor = reader.required(&key, "a number", values::not_negative)?;
        Ok(sourced(reader, &floor))
    });
    let [rss, cpu, threads, files] = floors;
    Ok(DriftRules {
        gates: gates?.value,
        severity: severity?.value,
        false_alarm_rate: sourced(reader, &rate?),
        min_iterations: minimum?.value,
        relative_change: sourced(reader, &relative?),
        floors: [rss?, cpu?, threads?, files?],
    })
}

fn rotation(reader: &mut Reader<'_>) -> Read<(RotationRules, u64)> {
    let table = Key::new("rotation");
    let keep = reader.required(&table.at("keep_iterations"), "a whole number", values::count);
    let days = reader.required(&table.at("max_age_days"), "a whole number or `none`", values::whole_or_none);
    let size = reader.required(&table.at("max_size_mb"), "a whole number or `none`", values::size_or_none);
    let log = reader.required(&table.at("log_max_kb"), "a whole number", values::count);
    let rules = RotationRules { keep: keep?.value, max_age_days: days?.value, max_bytes: size?.value };
    Ok((rules, (log?.value as u64).saturating_mul(1024)))
}

/// Over lines of `key = value` with a line feed each, sorted by key.
fn sha256(effective: &[Effective]) -> String {
    let mut hash = Sha256::new();
    for Effective { key, value, .. } in effective {
        hash.update(format!("{key} = {value}\n"));
    }
    hex(&hash.finalize())
}
