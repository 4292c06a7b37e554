//! What the live view of a run answers to programs: `/api/iterations` and the events of `/events`.
//!
//! One document for both: the current state of the run, and the iterations after the one that the reader has.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::core::iteration::guards::Guard;
use crate::core::iteration::params::Parameter;
use crate::core::kpi::{Direction, KpiId};
use crate::core::policy::KpiGate;
use crate::core::text::number::{fixed, trimmed};
use crate::export::live::{LiveChange, LiveFacts, LiveIteration, LiveRun, time};
use crate::run::iteration::KpiVerdict;
use crate::run::iteration::tuning::SkipCode;

/// The run beside its iterations.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct LiveRunRow {
    #[serde(flatten)]
    pub facts: LiveFacts,
    /// Changes when what was shown before is not a beginning of what is shown now: a reader begins again.
    pub epoch: u64,
    /// Whether something may come after the run has ended: a folder is followed further.
    pub goes_on: bool,
    /// Iterations that were shown so far, also those that are no longer kept.
    pub seen: u64,
    /// How many of them pass.
    pub passing: u64,
    /// How many of them brought no data.
    pub failed_collections: u64,
    /// Number of the latest iteration; 0 before the first is done.
    pub last: u64,
    /// Seconds until the run has done what it declared, at its pace so far; null when that is not known.
    pub eta_seconds: Option<f64>,
}

/// A KPI.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct LiveKpi {
    /// Its name, the key in `values`.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// `bps`, `ms`, `ratio`, or a declared one.
    pub unit: String,
    /// Decimals that people are shown.
    pub decimals: usize,
    /// Significant digits that people are shown at least, with more decimals where it takes them; absent where
    /// `decimals` are enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub significant: Option<usize>,
    /// A KPI of the verdict without a limit of its own; left out where it is not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
    /// Which way is good; null where neither is.
    #[schemars(extend("enum" = ["higher", "lower", null]))]
    pub better: Option<String>,
}

/// What an iteration must show to pass.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct LiveLimit {
    /// The KPI.
    pub kpi: String,
    /// What must hold between value and limit.
    #[schemars(extend("enum" = ["<=", ">=", "<", ">"]))]
    pub comparison: String,
    /// The limit, in the unit of the KPI.
    pub limit: f64,
    /// Its key in the policy.
    pub key: String,
}

/// A parameter that the run may change.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct LiveParameter {
    /// Its name, the key in `overrides`.
    pub name: String,
    /// Unit as shown.
    pub unit: String,
    /// Decimals that people are shown at least; a value in force may need more.
    pub decimals: usize,
    /// Smallest value that is ever applied.
    pub lowest: f64,
    /// Largest value that is ever applied.
    pub highest: f64,
}

/// An iteration.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct LiveIterationRow {
    /// Its number, from 1.
    pub iteration: u64,
    /// When it ended, in the run's own time, RFC 3339; null when the file does not say.
    pub utc: Option<String>,
    /// Its phase.
    #[schemars(extend("enum" = ["WARMUP", "RAMPDOWN", "STEADY"]))]
    pub phase: String,
    /// Values by KPI; one that was not delivered has no key.
    pub values: BTreeMap<String, f64>,
    /// The runner's verdict; null when nothing was collected.
    #[schemars(extend("enum" = ["PASS", "WARN", "FAIL", null]))]
    pub kpi_verdict: Option<String>,
    /// Whether it meets every limit.
    pub passes: bool,
    /// KPIs whose limit it does not meet, or that have no value to meet it with.
    pub misses: Vec<String>,
    /// What tuning changed after it, by parameter.
    pub applied: BTreeMap<String, LiveChange>,
    /// The active guards.
    pub guards: Vec<Guard>,
    /// Code of the guard that prevented any change; null when something was applied.
    pub skip: Option<String>,
    /// Whether the panic profile was put in force after it.
    pub panic_revert: bool,
    /// What tuning did after it, or why it did nothing, for a person.
    pub tuning: String,
    /// Overrides in force while it ran, by parameter.
    pub overrides: BTreeMap<String, f64>,
    /// Why nothing was collected; null when something was.
    pub collection_failed: Option<String>,
}

/// The run and the iterations after the one that the reader has.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct LiveDocument {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// The run.
    pub run: LiveRunRow,
    /// The KPIs.
    pub kpis: Vec<LiveKpi>,
    /// What an iteration must show to pass.
    pub limits: Vec<LiveLimit>,
    /// The parameters that the run may change; empty when their bounds are not known.
    pub parameters: Vec<LiveParameter>,
    /// Iterations, oldest first.
    pub iterations: Vec<LiveIterationRow>,
    /// Request the iterations after this number to continue; null when these are all there are.
    pub next_since: Option<u64>,
}

impl LiveDocument {
    /// The run with the first `at_most` iterations after `since`.
    pub fn of(run: &LiveRun, since: u64, at_most: usize) -> Self {
        let chosen: Vec<&Arc<LiveIteration>> = run.after(since).take(at_most).collect();
        let reached = chosen.last().map_or(since, |last| last.number);
        Self {
            schema_version: "1.0".to_owned(),
            run: run_row(run),
            kpis: run.kpis.ids().map(|kpi| kpi_row(run, kpi)).collect(),
            limits: run.pass.checks.iter().map(limit_row).collect(),
            parameters: run.parameters.iter().map(parameter_row).collect(),
            iterations: chosen.into_iter().map(|iteration| iteration_row(run, iteration)).collect(),
            next_since: (reached < run.last_number()).then_some(reached),
        }
    }
}

fn run_row(run: &LiveRun) -> LiveRunRow {
    LiveRunRow {
        facts: run.facts.clone(),
        epoch: run.epoch,
        goes_on: run.facts.folder.is_some(),
        seen: run.seen(),
        passing: run.passing(),
        failed_collections: run.failed_collections(),
        last: run.last_number(),
        eta_seconds: run.eta_seconds(),
    }
}

fn kpi_row(run: &LiveRun, kpi: KpiId) -> LiveKpi {
    let unit = match kpi.unit.symbol() {
        "" => "ratio",
        symbol => symbol,
    };
    let better = kpi.direction.map(|direction| match direction {
        Direction::Higher => "higher".to_owned(),
        Direction::Lower => "lower".to_owned(),
    });
    LiveKpi {
        name: kpi.name.to_owned(),
        label: kpi.label.map_or_else(|| label(kpi), str::to_owned),
        unit: unit.to_owned(),
        decimals: kpi.decimals(),
        significant: (!kpi.is_built_in() && kpi.digits.is_none()).then_some(2),
        beside: run.is_beside(kpi),
        better,
    }
}

/// A name as people say it; declared KPIs are spelled with blanks, without the unit that follows them.
fn label(kpi: KpiId) -> String {
    match kpi.name {
        "risk_ratio" => "Risk ratio".to_owned(),
        "maker_taker_ratio" => "Maker share".to_owned(),
        "net_bps" => "Net edge".to_owned(),
        "p95_latency_ms" => "p95 latency".to_owned(),
        "adverse_bps_p95" => "Adverse selection p95".to_owned(),
        "slippage_bps_p95" => "Slippage p95".to_owned(),
        other => {
            let bare = other.strip_suffix(kpi.unit.symbol()).and_then(|name| name.strip_suffix('_'));
            bare.unwrap_or(other).replace('_', " ")
        }
    }
}

fn limit_row(gate: &KpiGate) -> LiveLimit {
    LiveLimit {
        kpi: gate.kpi.name.to_owned(),
        comparison: gate.comparison.symbol().to_owned(),
        limit: gate.limit.value,
        key: gate.limit.source.key.clone(),
    }
}

fn parameter_row(parameter: &Parameter) -> LiveParameter {
    LiveParameter {
        name: parameter.name.to_string(),
        unit: parameter.unit.clone(),
        decimals: if parameter.is_whole { 0 } else { 2 },
        lowest: parameter.lowest,
        highest: parameter.highest,
    }
}

fn iteration_row(run: &LiveRun, iteration: &LiveIteration) -> LiveIterationRow {
    let value = |index: usize| iteration.values.get(index).copied().flatten();
    let named = |id: KpiId| Some((id.name.to_owned(), value(id.index())?));
    let misses = run.pass.checks.iter().filter(|gate| {
        !value(gate.kpi.index()).is_some_and(|value| gate.comparison.holds(value, gate.limit.value))
    });
    let changes = iteration.applied.iter().filter(|_| run.tunes);
    LiveIterationRow {
        iteration: iteration.number,
        utc: iteration.ends.map(time),
        phase: iteration.phase.word().to_owned(),
        values: run.kpis.ids().filter_map(named).collect(),
        kpi_verdict: iteration.kpi_verdict.map(KpiVerdict::word).map(str::to_owned),
        passes: iteration.passes,
        misses: misses.map(|gate| gate.kpi.name.to_owned()).collect(),
        applied: changes.map(|change| (change.param.to_string(), change.clone())).collect(),
        guards: iteration.guards.iter().filter(|_| run.tunes).collect(),
        skip: iteration.skip.filter(|_| run.tunes).map(SkipCode::word).map(str::to_owned),
        panic_revert: run.tunes && iteration.panic_revert,
        tuning: if run.tunes { reported(iteration) } else { String::new() },
        overrides: iteration
            .overrides
            .iter()
            .filter(|_| run.tunes)
            .map(|(name, value)| (name.to_string(), value))
            .collect(),
        collection_failed: iteration.collection_failed.clone(),
    }
}

/// What tuning did after an iteration, in words.
fn reported(iteration: &LiveIteration) -> String {
    if iteration.panic_revert {
        return "panic revert".to_owned();
    }
    if let Some(reported) = &iteration.reported {
        return reported.to_string();
    }
    let number =
        |value: Option<f64>| value.map_or("?".to_owned(), |value| trimmed(&fixed(value, 4)).to_owned());
    let changes = iteration.applied.iter();
    let changes: Vec<String> = changes
        .map(|change| format!("{} {} → {}", change.param, number(change.old), number(change.new)))
        .collect();
    match iteration.skip {
        _ if !changes.is_empty() => changes.join(", "),
        Some(code) => why_not(code).to_owned(),
        None => String::new(),
    }
}

fn why_not(code: SkipCode) -> &'static str {
    match code {
        SkipCode::FinalIteration => "nothing is applied in the last iteration",
        SkipCode::TuningOff => "tuning is off",
        SkipCode::NoData => "no data to tune by",
        SkipCode::PanicRevert => "panic revert",
        SkipCode::PhaseChange => "held: the phase moves the overrides",
        SkipCode::NoDeltas => "nothing proposed",
        SkipCode::AllDeltasZeroHitBounds | SkipCode::AtBound => "at the bounds already",
        SkipCode::SameSignature => "held: the same was applied already",
        SkipCode::Frozen | SkipCode::AllParamsFrozen => "held: frozen",
        SkipCode::Oscillation => "held: oscillation",
        SkipCode::Velocity => "held: velocity limit",
        SkipCode::Cooldown => "held: cooldown",
        SkipCode::PartialFreeze => "held: partial freeze",
        SkipCode::MicroSteps => "held: micro-steps",
        SkipCode::NoOp => "nothing to change",
    }
}

/// The run with at most `most` of its iterations, up to the latest.
pub fn overview(run: &LiveRun, most: usize) -> Value {
    let kept = run.overview(most);
    let charted: Vec<&str> = run.charted().into_iter().map(|kpi| kpi.name).collect();
    let mut overrides = None;
    let rows = kept.iter().map(|kept| {
        let row = serde_json::to_value(iteration_row(run, kept.iteration)).unwrap_or_default();
        let mut row = short(row, &charted, &mut overrides);
        if kept.joined {
            row.insert("joined".to_owned(), json!(true));
        }
        Value::Object(row)
    });
    let iterations: Vec<Value> = rows.collect();
    let mut document = serde_json::to_value(LiveDocument::of(run, u64::MAX, 0)).unwrap_or_default();
    document["iterations"] = iterations.into();
    document["next_since"] = Value::Null;
    document
}

fn short(row: Value, charted: &[&str], overrides: &mut Option<Value>) -> Map<String, Value> {
    let Value::Object(mut row) = row else { return Map::new() };
    if let Some(Value::Object(values)) = row.get_mut("values") {
        values.retain(|name, _| charted.contains(&name.as_str()));
        for value in values.values_mut() {
            *value = rounded(value);
        }
    }
    if row.get("overrides") == overrides.as_ref() {
        row.remove("overrides");
    } else {
        *overrides = row.get("overrides").cloned();
    }
    row.retain(|key, value| key == "values" || key == "overrides" || !is_usual(key, value));
    row
}

/// Seven digits: more than a chart or a table shows.
fn rounded(value: &Value) -> Value {
    let short = value.as_f64().and_then(|value| format!("{value:.6e}").parse::<f64>().ok());
    short.map_or(Value::Null, |short| json!(short))
}

/// What the script puts in for a key that is not there.
fn is_usual(key: &str, value: &Value) -> bool {
    match (key, value) {
        ("passes", Value::Bool(passes)) => *passes,
        ("phase", Value::String(phase)) => phase == "STEADY",
        (_, Value::Null | Value::Bool(false)) => true,
        (_, Value::String(text)) => text.is_empty(),
        (_, Value::Array(items)) => items.is_empty(),
        (_, Value::Object(items)) => items.is_empty(),
        _ => false,
    }
}
