//! An iteration of a folder in the compact form of the live view.
//!
//! What the files of other writers do not say stays unknown; must not guess.

use std::sync::Arc;

use super::{LiveChange, LiveIteration};
use crate::core::excerpt::{WORDS, excerpt};
use crate::core::guards::Guard;
use crate::core::iteration::Tuning;
use crate::core::number::{fixed, trimmed};
use crate::core::params::ParamValues;
use crate::core::policy::GateSet;
use crate::core::run::iteration::{KpiVerdict, Phase};
use crate::core::series::{Row, Series};
use crate::core::tuning::record::SkipCode;

impl LiveIteration {
    /// The iterations of a series, each held against the limits of an iteration pass.
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
            told: told(&row.tuning, code),
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

/// Increments where the values are not told, and why nothing was applied where no code of ours says it.
fn told(tuning: &Tuning, code: Option<SkipCode>) -> Option<Arc<str>> {
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
