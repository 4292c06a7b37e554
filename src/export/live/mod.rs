//! What the live view of a run shows: facts, limits, parameters, and the latest iterations in compact form.
//!
//! Takes iterations and keeps them; must not judge. The verdict so far is the caller's, from the real judge.

pub mod document;
pub mod folder;
pub mod metrics;
pub mod page;
pub mod server;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::core::analysis::Analysis;
use crate::core::iteration::Tuning;
use crate::core::iteration::bot_metrics::LiveBot;
use crate::core::iteration::guards::{Guard, GuardSet};
use crate::core::iteration::manifest::RunState;
use crate::core::iteration::params::{ParamName, ParamValues, Parameter};
use crate::core::kpi::{KpiId, KpiTable};
use crate::core::policy::{GateSet, Policy};
use crate::core::series::{Row, Series};
use crate::core::text::number::{fixed, trimmed};
use crate::core::text::{WORDS, excerpt};
use crate::core::verdict::Outcome;
use crate::run::iteration::tuning::SkipCode;
use crate::run::iteration::{IterationRecord, KpiVerdict, Phase};

/// So many iterations are kept; of a longer run the oldest are let go, so that memory is bounded.
pub const KEPT: usize = 20_000;

/// A run in progress shows activity once an interval. After so many intervals without a word, and so many seconds
/// on top for the disk, a busy machine, a command that is being ended, it is taken to hang.
pub const PATIENCE: [f64; 2] = [3.0, 60.0];

/// The verdict on what there is so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LiveVerdict {
    /// What the judge says.
    pub outcome: Outcome,
    /// Its main reason, for a person.
    pub reason: String,
}

impl LiveVerdict {
    /// The verdict of an analysis.
    pub fn of(analysis: &Analysis) -> Self {
        Self { outcome: analysis.outcome, reason: analysis.reason() }
    }
}

/// Everything about a run beside its iterations. The caller sets what changes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LiveFacts {
    /// Where the data comes from: `sim`, `exec`, `file`, `prometheus`; `unknown` where the files do not say.
    pub source: String,
    /// Why the data is not valid for a release; null where a real source is recorded.
    pub origin: Option<String>,
    /// The folder that is followed; null when the process that makes the run shows it.
    pub folder: Option<String>,
    /// The symbol that is shown; null for runs that are not per symbol.
    pub symbol: Option<String>,
    /// Seed of the simulator; null for other sources.
    pub seed: Option<u64>,
    /// Iterations that the run declared; null when it declared none.
    pub declared: Option<u64>,
    /// Length of an interval, seconds; null when it is not known.
    pub interval_seconds: Option<f64>,
    /// State of the run; `unknown` when it does not say.
    #[serde(serialize_with = "or_unknown")]
    #[schemars(with = "String", extend("enum" = ["running", "complete", "interrupted", "failed", "unknown"]))]
    pub state: Option<RunState>,
    /// What a person should know about what is shown; null when there is nothing to say.
    pub note: Option<String>,
    /// When the run started, in its own time, RFC 3339.
    #[serde(serialize_with = "rfc3339")]
    #[schemars(with = "Option<String>")]
    pub started: Option<DateTime<Utc>>,
    /// When the run last showed activity, by the wall clock, RFC 3339.
    #[serde(serialize_with = "rfc3339")]
    #[schemars(with = "Option<String>")]
    pub heartbeat: Option<DateTime<Utc>>,
    /// Wall-clock seconds that an iteration takes on average; `None` = not known yet.
    #[serde(skip)]
    pub pace_seconds: Option<f64>,
    /// `production` or `mock`: which limits an iteration is checked against.
    #[schemars(extend("enum" = ["production", "mock"]))]
    pub limits: &'static str,
    /// The verdict so far; null while there is nothing to judge.
    pub verdict: Option<LiveVerdict>,
    /// The decision at the end; null while the run continues.
    pub decision: Option<String>,
    /// Version of the program.
    pub tool_version: String,
    /// SHA-256 of the policy values in force.
    pub policy_sha256: String,
}

// Serde hands over a reference to the field; a type that is copied is taken by value behind it.
fn or_unknown<O: Copy + Into<Option<RunState>>, S: Serializer>(state: &O, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str((*state).into().map_or("unknown", RunState::word))
}

fn rfc3339<O: Copy + Into<Option<DateTime<Utc>>>, S: Serializer>(at: &O, to: S) -> Result<S::Ok, S::Error> {
    (*at).into().map(time).serialize(to)
}

/// RFC 3339 in UTC, whole seconds where the time has no fraction.
fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

impl LiveFacts {
    /// Facts of a run that has just started, with everything unknown that the caller does not say.
    pub fn new(source: &str, limits: &'static str, tool_version: &str, policy_sha256: &str) -> Self {
        Self {
            source: source.to_owned(),
            origin: None,
            folder: None,
            symbol: None,
            seed: None,
            declared: None,
            interval_seconds: None,
            state: Some(RunState::Running),
            note: None,
            started: None,
            heartbeat: None,
            pace_seconds: None,
            limits,
            verdict: None,
            decision: None,
            tool_version: tool_version.to_owned(),
            policy_sha256: policy_sha256.to_owned(),
        }
    }

    /// The state of the run in a word; `unknown` when it does not say.
    pub fn state_word(&self) -> &'static str {
        self.state.map_or("unknown", RunState::word)
    }

    /// Seconds since the run last showed activity, where that is so long ago that it must be taken to hang; `None`
    /// while all is well, once the run has ended, and where the interval or the last word is not known.
    pub fn silent_seconds(&self, now: DateTime<Utc>) -> Option<f64> {
        let silent = (now - self.heartbeat?).as_seconds_f64();
        let [intervals, grace] = PATIENCE;
        let patience = intervals * self.interval_seconds? + grace;
        (self.state == Some(RunState::Running) && silent > patience).then_some(silent)
    }
}

/// A parameter that changed from one iteration to the next. `None` = the file says that it changed, and not how.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LiveChange {
    #[serde(skip)]
    pub param: ParamName,
    /// Value before.
    pub old: Option<f64>,
    /// Value after.
    pub new: Option<f64>,
}

/// An iteration in compact form.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveIteration {
    /// Its number, from 1.
    pub number: u64,
    /// When it ended, in the run's own time; `None` = the file does not say.
    pub ends: Option<DateTime<Utc>>,
    pub phase: Phase,
    /// Values by the index of the KPI table; `None` = not delivered.
    pub values: Box<[Option<f64>]>,
    /// The runner's verdict; `None` when nothing was collected.
    pub kpi_verdict: Option<KpiVerdict>,
    /// Whether it meets every limit of an iteration pass. A value that is not there meets none.
    pub passes: bool,
    /// What tuning changed after it.
    pub applied: Box<[LiveChange]>,
    /// The active guards.
    pub guards: GuardSet,
    /// Why nothing was applied; `None` when something was.
    pub skip: Option<SkipCode>,
    /// What tuning did in the words of the file, where they say more than the values; `None` = they do not.
    pub reported: Option<Arc<str>>,
    /// Whether the panic profile was put in force after it.
    pub panic_revert: bool,
    /// Overrides in force while it ran, shared with its neighbours where they are the same.
    pub overrides: Arc<ParamValues>,
    /// Why nothing was collected; `None` = collected.
    pub collection_failed: Option<String>,
}

impl LiveIteration {
    /// The compact form of a record, checked against the limits of an iteration pass.
    pub fn of(record: &IterationRecord, pass: &GateSet) -> Self {
        let value = |index: usize| record.summary.values.get(index).copied().flatten();
        let meets_all = pass.checks.iter().all(|gate| {
            value(gate.kpi.index()).is_some_and(|value| gate.comparison.holds(value, gate.limit.value))
        });
        let applied = record.tuning.applied_values.iter();
        Self {
            number: record.number,
            ends: Some(record.ends),
            phase: record.phase,
            values: record.summary.values.clone().into_boxed_slice(),
            kpi_verdict: record.summary.kpi_verdict,
            passes: record.collection_failed.is_none() && meets_all,
            applied: applied
                .map(|change| LiveChange {
                    param: change.param.clone(),
                    old: Some(change.old),
                    new: Some(change.new),
                })
                .collect(),
            guards: record.tuning.spoke(),
            skip: record.tuning.skip,
            reported: None,
            panic_revert: record.tuning.panic_revert,
            overrides: Arc::new(record.overrides.clone()),
            collection_failed: record.collection_failed.clone(),
        }
    }
}

/// A run as the live view sees it.
#[derive(Clone, Debug)]
pub struct LiveRun {
    /// Everything beside the iterations.
    pub facts: LiveFacts,
    pub kpis: KpiTable,
    /// Whether there is anything to tune; where there is not, nothing about tuning is shown.
    pub tunes: bool,
    /// What an iteration must show to pass.
    pub pass: GateSet,
    /// The parameters that a run may change, in the order of the policy; empty = their bounds are not known.
    pub parameters: Vec<Parameter>,
    /// The simulated system; `None` where a real one is measured, which shows its own metrics.
    pub bot: Option<LiveBot>,
    /// Changes when what was shown before is not a beginning of what is shown now.
    pub epoch: u64,
    iterations: VecDeque<Arc<LiveIteration>>,
    passing: u64,
    failed_collections: u64,
    seen: u64,
}

impl LiveRun {
    /// A run without iterations. The limits of an iteration pass are those that `facts.limits` names.
    pub fn new(facts: LiveFacts, policy: &Policy, parameters: Vec<Parameter>) -> Self {
        let pass = if facts.limits == "mock" { &policy.iteration_pass_mock } else { &policy.iteration_pass };
        Self {
            facts,
            kpis: policy.kpis.clone(),
            tunes: policy.run.tunes(),
            pass: pass.clone(),
            parameters,
            bot: None,
            epoch: 0,
            iterations: VecDeque::new(),
            passing: 0,
            failed_collections: 0,
            seen: 0,
        }
    }

    /// Adds the next iteration. One whose number is not above the last is ignored: it was shown already.
    pub fn push(&mut self, record: &IterationRecord) {
        if self.last().is_some_and(|last| record.number <= last.number) {
            return;
        }
        let mut iteration = LiveIteration::of(record, &self.pass);
        if let Some(last) = self.last().filter(|last| last.overrides == iteration.overrides) {
            iteration.overrides = Arc::clone(&last.overrides);
        }
        self.seen += 1;
        self.passing += u64::from(iteration.passes);
        self.failed_collections += u64::from(iteration.collection_failed.is_some());
        if self.iterations.len() == KEPT {
            self.iterations.pop_front();
        }
        let net = iteration.values.get(KpiId::NET_BPS.index()).copied().flatten();
        if let (Some(bot), Some(net), Some(ends)) = (&mut self.bot, net, iteration.ends) {
            bot.edge(ends, net);
        }
        self.iterations.push_back(Arc::new(iteration));
    }

    /// Shows these iterations, all there are, in the order of their numbers. What was shown before and is not among
    /// them any more makes it another run to its readers, unless it was the oldest.
    pub fn replace(&mut self, iterations: Vec<LiveIteration>) {
        let first = iterations.first().map_or(u64::MAX, |first| first.number);
        let before = std::mem::take(&mut self.iterations);
        let mut before = before.into_iter().skip_while(|old| old.number < first).peekable();
        let mut continues = before.peek().is_some() || self.seen == 0;
        (self.seen, self.passing, self.failed_collections) = (0, 0, 0);
        for mut iteration in iterations {
            self.seen += 1;
            self.passing += u64::from(iteration.passes);
            self.failed_collections += u64::from(iteration.collection_failed.is_some());
            let kept = match before.next() {
                Some(old) if *old == iteration => old,
                old => {
                    continues &= old.is_none();
                    if let Some(last) = self.last().filter(|last| last.overrides == iteration.overrides) {
                        iteration.overrides = Arc::clone(&last.overrides);
                    }
                    Arc::new(iteration)
                }
            };
            self.iterations.push_back(kept);
        }
        if !continues || before.next().is_some() {
            self.epoch += 1;
        }
    }

    /// The iterations that are kept and have a number above `number`, oldest first.
    pub fn after(&self, number: u64) -> impl Iterator<Item = &Arc<LiveIteration>> {
        let from = self.iterations.partition_point(|iteration| iteration.number <= number);
        self.iterations.range(from..)
    }

    /// The latest iterations, newest first.
    pub fn latest(&self) -> impl Iterator<Item = &Arc<LiveIteration>> {
        self.iterations.iter().rev()
    }

    /// The latest iteration; `None` before the first is done.
    pub fn last(&self) -> Option<&Arc<LiveIteration>> {
        self.iterations.back()
    }

    /// Number of the latest iteration; 0 before the first is done.
    pub fn last_number(&self) -> u64 {
        self.last().map_or(0, |last| last.number)
    }

    /// Iterations that were shown, also those no longer kept.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Iterations that pass, also those no longer kept.
    pub fn passing(&self) -> u64 {
        self.passing
    }

    /// Iterations without data, also those no longer kept.
    pub fn failed_collections(&self) -> u64 {
        self.failed_collections
    }

    /// Whether the run says that it continues.
    pub fn is_running(&self) -> bool {
        self.facts.state == Some(RunState::Running)
    }

    /// [`LiveFacts::silent_seconds`].
    pub fn silent_seconds(&self, now: DateTime<Utc>) -> Option<f64> {
        self.facts.silent_seconds(now)
    }

    /// Seconds until the run has done what it declared, at its pace so far; `None` when it does not continue or
    /// one of these is not known.
    pub fn eta_seconds(&self) -> Option<f64> {
        let left = self.facts.declared?.saturating_sub(self.last_number());
        self.is_running().then_some(left as f64 * self.facts.pace_seconds?)
    }
}

/// So many of the latest iterations stay whatever is in them.
const LATEST: usize = 200;

/// An iteration of an overview.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'r> {
    pub iteration: &'r Arc<LiveIteration>,
    /// Whether iterations between it and the one before were left out, and none of them was missing.
    pub joined: bool,
}

impl LiveRun {
    /// The KPIs that a person is shown: those with a limit, the others of the verdict that the policy declares, and the
    /// costs of trading beside them.
    pub fn charted(&self) -> Vec<KpiId> {
        let mut charted: Vec<KpiId> = self.pass.checks.iter().map(|gate| gate.kpi).collect();
        let costs = [KpiId::ADVERSE_BPS_P95, KpiId::SLIPPAGE_BPS_P95].into_iter();
        let costs = costs.filter(|cost| self.kpis.find(cost.name).is_some());
        for kpi in self.kpis.ids().filter(|kpi| self.is_beside(*kpi)).chain(costs) {
            if !charted.contains(&kpi) {
                charted.push(kpi);
            }
        }
        charted
    }

    /// Whether a declared KPI of the verdict has no limit of its own.
    pub fn is_beside(&self, kpi: KpiId) -> bool {
        let is_limited = || self.pass.checks.iter().any(|gate| gate.kpi == kpi);
        !kpi.is_built_in() && self.kpis.of_verdict().contains(&kpi) && !is_limited()
    }

    /// At most `most` of the iterations, or all where there are no more; `most` is at least 400.
    pub fn overview(&self, most: usize) -> Vec<Kept<'_>> {
        let all = &self.iterations;
        let chosen: Vec<usize> =
            if all.len() <= most { (0..all.len()).collect() } else { self.thinned(most) };
        let mut before: Option<usize> = None;
        chosen
            .into_iter()
            .map(|position| {
                let left_out = before.map_or(0, |before| position - before - 1);
                let joined = before.is_some_and(|before| {
                    left_out > 0 && all[position].number - all[before].number == left_out as u64 + 1
                });
                before = Some(position);
                Kept { iteration: &all[position], joined }
            })
            .collect()
    }

    fn thinned(&self, most: usize) -> Vec<usize> {
        let earlier = self.iterations.len() - LATEST;
        let kpis = self.charted();
        let mut stretches = (most - LATEST) / 4;
        loop {
            let mut kept = BTreeSet::new();
            for stretch in 0..stretches {
                let (from, to) = (earlier * stretch / stretches, earlier * (stretch + 1) / stretches);
                self.keep(from, to, &kpis, &mut kept);
            }
            if kept.len() <= most - LATEST || stretches == 1 {
                kept.extend(earlier..self.iterations.len());
                return kept.into_iter().collect();
            }
            stretches = stretches * 2 / 3;
        }
    }

    fn keep(&self, from: usize, to: usize, kpis: &[KpiId], kept: &mut BTreeSet<usize>) {
        let first = |is_active: &dyn Fn(&LiveIteration) -> bool| {
            (from..to).find(|position| is_active(&self.iterations[*position]))
        };
        for kpi in kpis {
            let value =
                |position: usize| self.iterations[position].values.get(kpi.index()).copied().flatten();
            let known = || (from..to).filter_map(|position| Some((position, value(position)?)));
            kept.extend(known().min_by(|a, b| a.1.total_cmp(&b.1)).map(|(position, _)| position));
            kept.extend(known().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(position, _)| position));
            kept.extend((from..to).find(|position| value(*position).is_none()));
        }
        kept.extend(first(&|it| !it.passes && it.collection_failed.is_none()));
        kept.extend(first(&|it| it.collection_failed.is_some()));
        kept.extend(first(&|it| it.panic_revert));
        kept.extend(first(&|it| !it.applied.is_empty()));
        for guard in Guard::ALL {
            kept.extend(first(&|it| it.guards.contains(guard)));
        }
        let next_to = |differs: fn(&LiveIteration, &LiveIteration) -> bool| {
            (from.max(1)..to).find(|at| differs(&self.iterations[at - 1], &self.iterations[*at]))
        };
        kept.extend(next_to(|before, here| before.phase != here.phase));
        kept.extend(next_to(|before, here| here.number != before.number + 1));
    }
}

impl LiveIteration {
    /// The iterations of a series, each checked against the limits of an iteration pass.
    pub fn of_series(series: &Series, kpis: usize, pass: &GateSet) -> Vec<Self> {
        let none = Arc::default();
        (0..series.len()).map(|position| Self::of_row(series, position, kpis, pass, &none)).collect()
    }

    fn of_row(
        series: &Series,
        position: usize,
        kpis: usize,
        pass: &GateSet,
        none: &Arc<ParamValues>,
    ) -> Self {
        let row = &series.rows()[position];
        let meets_all = pass.checks.iter().all(|gate| {
            series
                .value(gate.kpi, position)
                .is_some_and(|value| gate.comparison.holds(value, gate.limit.value))
        });
        let code = skipped(&row.tuning);
        Self {
            number: row.number,
            ends: row.instant(),
            phase: phase(row),
            values: series.values_at(position, kpis),
            kpi_verdict: row.kpi_verdict.as_deref().and_then(KpiVerdict::parse),
            passes: row.collection_failed.is_none() && meets_all,
            applied: applied(&row.tuning),
            guards: row.tuning.spoke(),
            skip: code,
            reported: reported(&row.tuning, code),
            panic_revert: code == Some(SkipCode::PanicRevert),
            overrides: row.overrides.clone().unwrap_or_else(|| Arc::clone(none)),
            collection_failed: row.collection_failed.as_deref().map(|words| excerpt(words, WORDS)),
        }
    }
}

/// The code of the guard that prevented a change; where the file has only flags, that of the strongest.
fn skipped(tuning: &Tuning) -> Option<SkipCode> {
    let skip = tuning.skip.as_ref();
    if let Some(code) = skip.and_then(|skip| skip.code.as_deref()) {
        return SkipCode::parse(code);
    }
    let has_words = skip.is_some_and(|skip| skip.note.is_some());
    let flagged = [
        (Guard::Freeze, SkipCode::Frozen),
        (Guard::Oscillation, SkipCode::Oscillation),
        (Guard::Velocity, SkipCode::Velocity),
        (Guard::Cooldown, SkipCode::Cooldown),
        (Guard::NoOp, SkipCode::NoOp),
    ];
    let spoke = flagged.into_iter().find(|(guard, _)| tuning.guards.contains(*guard));
    spoke.filter(|_| tuning.applied == Some(false) && !has_words).map(|(_, code)| code)
}

fn phase(row: &Row) -> Phase {
    let is = |phase: &Phase| row.phase.as_deref() == Some(phase.word());
    [Phase::Warmup, Phase::Rampdown].into_iter().find(is).unwrap_or_default()
}

fn applied(tuning: &Tuning) -> Box<[LiveChange]> {
    if !tuning.applied_values.is_empty() {
        let changes = tuning.applied_values.iter();
        return changes
            .map(|change| LiveChange { param: change.param.clone(), old: change.old, new: change.new })
            .collect();
    }
    if tuning.applied != Some(true) {
        return Box::default();
    }
    tuning.deltas.iter().map(|(param, _)| LiveChange { param: param.clone(), old: None, new: None }).collect()
}

/// Increments where the values are not recorded, and why nothing was applied where no code of ours says it.
fn reported(tuning: &Tuning, code: Option<SkipCode>) -> Option<Arc<str>> {
    if tuning.applied == Some(true) {
        if !tuning.applied_values.is_empty() || tuning.deltas.is_empty() {
            return None;
        }
        let signed = |delta: f64| {
            let sign = if delta > 0.0 { "+" } else { "" };
            format!("{sign}{}", trimmed(&fixed(delta, 4)))
        };
        let deltas: Vec<String> =
            tuning.deltas.iter().map(|(param, delta)| format!("{param} {}", signed(delta))).collect();
        return Some(deltas.join(", ").into());
    }
    let skip = tuning.skip.as_ref().filter(|_| code.is_none())?;
    skip.note.as_deref().or(skip.code.as_deref()).map(|words| excerpt(words, WORDS).into())
}

#[cfg(test)]
mod tests {

    use std::collections::BTreeMap;

    use crate::core::iteration::events::Events;
    use crate::core::iteration::guards::Guard;
    use crate::core::kpi::KpiId;
    use crate::core::policy::{Judge, KpiGate, Limit, Statistic, WindowSpec};
    use crate::core::verdict::{Comparison, LimitSource, Severity};
    use crate::export::live::*;
    use crate::run::iteration::IterationSummary;
    use crate::run::iteration::tuning::{Applied, TunerState, TuningRecord};

    fn limit(kpi: KpiId, comparison: Comparison, value: f64) -> KpiGate {
        let source = LimitSource { key: "test".to_owned(), origin: "a test".to_owned() };
        KpiGate {
            kpi,
            severity: Severity::Hard,
            window: WindowSpec::LastN,
            statistic: Statistic::Each,
            comparison,
            limit: Limit { value, source },
            margin: 0.0,
            min_iterations: 1,
            judge: Judge::Point,
            count: None,
        }
    }

    /// Net at least 2, risk at most 0.4.
    fn pass() -> GateSet {
        let checks = vec![
            limit(KpiId::NET_BPS, Comparison::AtLeast, 2.0),
            limit(KpiId::RISK_RATIO, Comparison::AtMost, 0.4),
        ];
        GateSet { name: "iteration_pass".to_owned(), gates: true, checks, present: Vec::new() }
    }

    fn run() -> LiveRun {
        LiveRun {
            tunes: true,
            facts: LiveFacts::new("sim", "production", "0.0.0", "00"),
            kpis: KpiTable::default(),
            pass: pass(),
            parameters: Vec::new(),
            bot: None,
            epoch: 0,
            iterations: VecDeque::new(),
            passing: 0,
            failed_collections: 0,
            seen: 0,
        }
    }

    fn record(number: u64, net: Option<f64>, risk: Option<f64>) -> IterationRecord {
        let mut values = vec![None; KpiTable::default().columns()];
        values[KpiId::NET_BPS.index()] = net;
        values[KpiId::RISK_RATIO.index()] = risk;
        IterationRecord {
            number,
            source: "sim".to_owned(),
            starts: DateTime::UNIX_EPOCH,
            ends: DateTime::UNIX_EPOCH,
            measured_early: false,
            phase: Phase::Steady,
            has_phases: false,
            asked_again: 0,
            collection_failed: None,
            events: Events::default(),
            overrides: ParamValues::new(vec![(ParamName::flat("tail_age_ms"), 600.0)]),
            summary: IterationSummary { values, ..IterationSummary::default() },
            metrics: BTreeMap::new(),
            resources: None,
            resources_failed: None,
            tuning: TuningRecord::default(),
            state: TunerState::default(),
        }
    }

    fn passes(net: Option<f64>, risk: Option<f64>) -> bool {
        LiveIteration::of(&record(1, net, risk), &pass()).passes
    }

    #[test]
    fn an_iteration_passes_at_its_limits_and_not_outside_of_them() {
        assert!(passes(Some(2.0), Some(0.4)));
        assert!(passes(Some(2.1), Some(0.3)));
        assert!(!passes(Some(1.999), Some(0.4)));
        assert!(!passes(Some(2.0), Some(0.401)));
    }

    #[test]
    fn a_value_that_is_not_there_meets_no_limit_and_zero_is_a_value() {
        assert!(!passes(None, Some(0.4)));
        assert!(!passes(Some(2.0), None));
        assert!(passes(Some(2.0), Some(0.0)));
        let mut short = record(1, Some(3.0), Some(0.1));
        short.summary.values.clear();
        assert!(!LiveIteration::of(&short, &pass()).passes);
    }

    #[test]
    fn a_failed_collection_does_not_pass_and_is_counted() {
        let mut live = run();
        let mut failed = record(1, Some(3.0), Some(0.1));
        failed.collection_failed = Some("exit status 1".to_owned());
        live.push(&failed);
        live.push(&record(2, Some(3.0), Some(0.1)));
        live.push(&record(3, Some(1.0), Some(0.1)));
        assert_eq!((live.seen(), live.passing(), live.failed_collections()), (3, 1, 1));
    }

    #[test]
    fn guards_changes_and_a_freeze_in_force_are_kept() {
        let mut reported = record(4, Some(3.0), Some(0.1));
        reported.tuning.guards = vec![Guard::Velocity];
        reported.tuning.freeze_active = true;
        reported.tuning.applied_values = vec![Applied {
            param: ParamName::flat("tail_age_ms"),
            old: 600.0,
            delta: 50.0,
            new: 640.0,
            at_bound: true,
        }];
        let kept = LiveIteration::of(&reported, &pass());
        assert_eq!(kept.guards.iter().collect::<Vec<_>>(), [Guard::Velocity, Guard::Freeze]);
        let change = LiveChange { param: ParamName::flat("tail_age_ms"), old: Some(600.0), new: Some(640.0) };
        assert_eq!(*kept.applied, [change]);
    }

    #[test]
    fn equal_overrides_are_kept_once() {
        let mut live = run();
        live.push(&record(1, None, None));
        live.push(&record(2, None, None));
        let mut moved = record(3, None, None);
        moved.overrides = ParamValues::new(vec![(ParamName::flat("tail_age_ms"), 610.0)]);
        live.push(&moved);
        let kept: Vec<_> = live.after(0).collect();
        assert!(Arc::ptr_eq(&kept[0].overrides, &kept[1].overrides));
        assert_eq!(kept[2].overrides, Arc::new(moved.overrides));
    }

    #[test]
    fn iterations_after_a_number_come_oldest_first_and_an_old_number_is_not_taken_again() {
        let mut live = run();
        assert_eq!((live.last_number(), live.after(0).count()), (0, 0));
        for number in [2, 3, 7, 7, 5] {
            live.push(&record(number, None, None));
        }
        let after = |number| live.after(number).map(|iteration| iteration.number).collect::<Vec<_>>();
        assert_eq!(after(0), [2, 3, 7]);
        assert_eq!(after(2), [3, 7]);
        assert_eq!(after(4), [7]);
        assert_eq!(after(7), [0; 0]);
        assert_eq!((live.last_number(), live.seen()), (7, 3));
        assert_eq!(live.latest().map(|iteration| iteration.number).collect::<Vec<_>>(), [7, 3, 2]);
    }

    #[test]
    fn a_long_run_keeps_its_latest_iterations_and_all_of_its_counts() {
        let mut live = run();
        let kept = KEPT as u64;
        for number in 1..=kept {
            live.push(&record(number, Some(3.0), Some(0.1)));
        }
        assert_eq!(live.after(0).next().map(|iteration| iteration.number), Some(1));
        live.push(&record(kept + 1, Some(3.0), Some(0.1)));
        assert_eq!(live.after(0).next().map(|iteration| iteration.number), Some(2));
        assert_eq!((live.after(0).count(), live.seen(), live.passing()), (KEPT, kept + 1, kept + 1));
    }

    #[test]
    fn the_time_left_needs_a_pace_a_declared_end_and_a_run_in_progress() {
        let mut live = run();
        live.push(&record(6, None, None));
        assert_eq!(live.eta_seconds(), None);
        live.facts.declared = Some(24);
        assert_eq!(live.eta_seconds(), None);
        live.facts.pace_seconds = Some(2.5);
        // 18 iterations of 2.5 seconds.
        assert_eq!(live.eta_seconds(), Some(45.0));
        live.facts.declared = Some(5);
        assert_eq!(live.eta_seconds(), Some(0.0));
        live.facts.state = Some(RunState::Interrupted);
        assert_eq!(live.eta_seconds(), None);
    }

    #[test]
    fn a_run_is_silent_after_three_intervals_and_a_minute() {
        let at = |seconds: i64| DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds);
        let mut run = run();
        assert_eq!(run.silent_seconds(at(9999)), None, "neither interval nor heartbeat is known");
        run.facts.heartbeat = Some(at(0));
        assert_eq!(run.silent_seconds(at(9999)), None, "the interval is not known");
        run.facts.interval_seconds = Some(10.0);
        // 3 * 10 + 60 = 90.
        assert_eq!(run.silent_seconds(at(89)), None);
        assert_eq!(run.silent_seconds(at(90)), None);
        assert_eq!(run.silent_seconds(at(91)), Some(91.0));
        run.facts.state = Some(RunState::Complete);
        assert_eq!(run.silent_seconds(at(91)), None);
    }

    fn kept(records: impl IntoIterator<Item = IterationRecord>) -> Vec<LiveIteration> {
        records.into_iter().map(|record| LiveIteration::of(&record, &pass())).collect()
    }

    #[test]
    fn a_followed_run_that_grows_or_loses_its_oldest_stays_the_same_and_any_other_change_makes_it_another() {
        let steady = |numbers: std::ops::RangeInclusive<u64>| {
            kept(numbers.map(|number| record(number, Some(3.0), Some(0.3))))
        };
        let mut live = run();
        live.replace(steady(1..=4));
        assert_eq!((live.epoch, live.seen(), live.passing(), live.last_number()), (0, 4, 4, 4));
        live.replace(steady(1..=6));
        live.replace(steady(3..=7));
        live.replace(steady(3..=7));
        assert_eq!((live.epoch, live.seen(), live.last_number()), (0, 5, 7));
        let mut changed = steady(3..=7);
        changed[2] = kept([record(5, Some(1.0), Some(0.3))]).remove(0);
        live.replace(changed);
        assert_eq!((live.epoch, live.passing()), (1, 4));
        live.replace(kept([record(5, Some(1.0), Some(0.3)), record(7, Some(3.0), Some(0.3))]));
        assert_eq!(live.epoch, 2, "the sixth is gone");
        live.replace(Vec::new());
        assert_eq!((live.epoch, live.seen(), live.last_number()), (3, 0, 0));
        live.replace(steady(1..=3));
        assert_eq!(live.epoch, 3, "nothing was shown that is not there any more");
        live.replace(steady(8..=9));
        assert_eq!(live.epoch, 4, "none of those before is left");
    }

    #[test]
    fn an_overview_keeps_extremes_gaps_and_the_latest() {
        let of = |n: u64, change: &dyn Fn(u64) -> IterationRecord| {
            let mut live = run();
            live.replace(kept((1..=n).filter(|number| *number != 60_001).map(change)));
            live
        };
        let wave = |number: u64| record(number, Some(3.0 + (number % 7) as f64 / 100.0), Some(0.3));
        let all = of(900, &wave);
        assert_eq!(all.overview(1000).len(), 900);
        assert!(all.overview(1000).iter().all(|kept| !kept.joined));
        let long = of(100_000, &|number| match number {
            31_234 => record(number, Some(-9.0), Some(0.3)),
            70_707 => record(number, Some(3.0), Some(0.9)),
            50_000 => record(number, None, Some(0.3)),
            _ => wave(number),
        });
        let overview = long.overview(1000);
        assert!((400..=1000).contains(&overview.len()), "{}", overview.len());
        let numbers: Vec<u64> = overview.iter().map(|kept| kept.iteration.number).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b));
        for number in [31_234, 70_707, 50_000, 60_002, 99_801, 99_950, 100_000] {
            assert!(numbers.contains(&number), "{number}");
        }
        let joined = |number: u64| {
            overview.iter().find(|kept| kept.iteration.number == number).map(|kept| kept.joined)
        };
        assert_eq!(joined(31_234), Some(true));
        assert_eq!(joined(60_002), Some(false), "60001 is missing");
        assert_eq!(joined(100_000), Some(false), "its neighbour is there");
    }
}
