//! A written iteration as the judge sees it, and the verdict on a run that is still going on.
//!
//! The judge reads files; this is the same without the way over the disk, for those who watch. It must say
//! what the judge says about the file of the same iteration.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::SecondsFormat;

use super::iteration::{IterationRecord, Resources};
use crate::core::analysis::{self, Depth, Options};
use crate::core::drift::{Resource, ResourceValues};
use crate::core::evidence::{Declared, Evidence, RunState};
use crate::core::guards::{Guard, GuardSet};
use crate::core::iteration::{AppliedValue, Defect, Iteration, KpiDefect, SkipReason, Tuning, imputed_gross};
use crate::core::kpi::KpiId;
use crate::core::policy::Policy;
use crate::core::ranges::Ranges;
use crate::core::series::{Interner, Series};
use crate::core::tuning::record::SkipCode;
use crate::core::verdict::Outcome;

/// The iteration as the judge reads it from its file.
pub fn judged(record: &IterationRecord) -> Iteration {
    let summary = &record.summary;
    let mut values = summary.values.clone();
    let gross = imputed_gross(&values);
    if gross.is_some() {
        values[KpiId::GROSS_BPS.index()] = gross;
    }
    Iteration {
        number: record.number,
        time: Some(record.ends.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()),
        values,
        defects: summary.above_highest.iter().map(defect).collect(),
        gross_imputed: gross.is_some(),
        collection_failed: record.collection_failed.as_deref().map(Arc::from),
        kpi_verdict: summary.kpi_verdict.map(|verdict| verdict.word().into()),
        phase: record.has_phases.then(|| record.phase.word().into()),
        negative_drivers: summary.neg_edge_drivers.iter().map(|driver| driver.as_str().into()).collect(),
        tuning: tuning(record),
        overrides: (!record.overrides.is_empty()).then(|| Arc::new(record.overrides.clone())),
        resources: record.resources.and_then(resources).map(Box::new),
        ..Iteration::default()
    }
}

fn defect((kpi, key, raw): &(KpiId, String, f64)) -> KpiDefect {
    KpiDefect { kpi: *kpi, key: key.clone(), defect: Defect::TooHigh(raw.to_string()) }
}

/// `None` where nothing is known. What cannot be true is unknown.
fn resources(read: Resources) -> Option<ResourceValues> {
    let mut values = ResourceValues::default();
    for (resource, value) in [
        (Resource::RssMb, read.rss_mb),
        (Resource::CpuPct, read.cpu_pct),
        (Resource::Threads, read.threads.map(|threads| threads as f64)),
        (Resource::OpenFiles, read.open_files.map(|files| files as f64)),
    ] {
        values.set(resource, value.filter(|value| *value >= 0.0));
    }
    (!values.is_empty()).then_some(values)
}

fn tuning(record: &IterationRecord) -> Tuning {
    let tuning = &record.tuning;
    let mut guards = GuardSet::default();
    tuning.guards.iter().for_each(|guard| guards.insert(*guard));
    tuning.skip.and_then(SkipCode::guard).into_iter().for_each(|guard| guards.insert(guard));
    // The guards that have a flag of their own in the file.
    for guard in [Guard::Cooldown, Guard::Freeze, Guard::NoOp, Guard::Oscillation, Guard::Velocity] {
        if tuning.held_back_by(guard) {
            guards.insert(guard);
        }
    }
    let freeze =
        tuning.freeze_started.is_some() || tuning.freeze_active || tuning.held_back_by(Guard::Freeze);
    if freeze {
        guards.insert(Guard::Freeze);
    }
    let text = |text: &String| Arc::from(text.as_str());
    let present = |text: &&String| !text.trim().is_empty();
    let code = tuning.skip.map(|code| code.word().into());
    let note = tuning.skip_note.as_ref().filter(present).map(text);
    let applied = tuning.applied_values.iter().map(|applied| AppliedValue {
        param: applied.param.clone(),
        old: Some(applied.old),
        delta: Some(applied.delta),
        new: Some(applied.new),
        at_bound: applied.at_bound,
    });
    Tuning {
        deltas: tuning.proposed(),
        applied: Some(tuning.applied()),
        applied_values: applied.collect(),
        dropped: tuning.dropped.iter().map(|(param, code)| (param.clone(), code.word().into())).collect(),
        skip: (code.is_some() || note.is_some()).then_some(SkipReason { code, note }),
        changed_keys: tuning.applied_values.iter().map(|applied| applied.param.clone()).collect(),
        guards,
        freeze,
        freeze_reason: tuning.freeze_started.as_ref().filter(present).map(text),
        signature: tuning.signature.as_ref().map(text),
        state_hash: Some(text(&tuning.state_hash)),
        old_hash: Some(text(&tuning.old_hash)),
    }
}

/// The last iterations of a run, as many as its verdict looks at.
#[derive(Debug)]
pub struct SoFar<'p> {
    policy: &'p Policy,
    iterations: u64,
    source: String,
    length: usize,
    last: VecDeque<Iteration>,
    number: u64,
}

/// The verdict on what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictSoFar {
    /// The verdict.
    pub outcome: Outcome,
    /// Why, in one sentence.
    pub reason: String,
    /// Iterations of the window that pass, and how many it has.
    pub passed: (usize, usize),
}

impl<'p> SoFar<'p> {
    /// Nothing yet, of a run of so many iterations.
    pub fn new(policy: &'p Policy, iterations: u64, source: &str) -> Self {
        let windows = &policy.windows;
        let verdict = policy.run_verdict.window.length(windows).unwrap_or(windows.last_n);
        let length = verdict.max(windows.last_n);
        Self { policy, iterations, source: source.to_owned(), length, last: VecDeque::new(), number: 0 }
    }

    /// Takes the next iteration in.
    pub fn push(&mut self, record: &IterationRecord) {
        if self.last.len() == self.length {
            self.last.pop_front();
        }
        self.number = record.number;
        self.last.push_back(judged(record));
    }

    /// What the judge would say if the run ended here.
    pub fn verdict(&self) -> VerdictSoFar {
        let mut series = Series::new(None, self.policy.kpis.len());
        let mut interner = Interner::default();
        let first = self.last.front().map_or(1, |first| first.number);
        for iteration in &self.last {
            series.push(iteration.clone(), &mut interner);
        }
        let evidence = Evidence {
            series: vec![series],
            declared: Some(Declared {
                // What has left the window is not missing.
                rotated: Ranges::from_iter([(1, first.saturating_sub(1))]),
                source: Some(self.source.clone()),
                ..Declared::of(self.iterations, RunState::Running, self.number)
            }),
            ..Evidence::default()
        };
        let options = Options { depth: Depth::Snapshot, so_far: true, deltas: false, ..Options::default() };
        let analysis = analysis::analyse(evidence, self.policy, &options, None);
        let passes = analysis.symbols.first().map(|symbol| &symbol.passes);
        VerdictSoFar {
            outcome: analysis.outcome,
            reason: analysis.reason(),
            passed: passes.map_or((0, 0), |passes| (passes.passing, passes.n)),
        }
    }
}
