//! How sure a comparison is, as it stands in what `compare --format json` prints.
//!
//! Must not compare; [`crate::core::compare::significance`] does.

use serde::Serialize;

use super::compare_result::Significance;
use crate::core::compare::significance::{self, Judged, More};
use crate::core::compare::words;
use crate::core::course::Change;
use crate::core::verdict::WindowUsed;
use crate::stats::trend::TrendMethod;
use crate::stats::two_sample::RankShift;

/// How sure the shift of a KPI is.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ComparedShift {
    /// Mean of B less mean of A over the window, in the KPI's unit.
    pub mean_shift: f64,
    /// Lower end of the interval of the mean shift.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Standard error of the mean shift.
    pub standard_error: f64,
    /// Degrees of freedom of t.
    pub degrees_of_freedom: f64,
    /// Autocorrelation of neighbours that was used.
    pub phi: f64,
    /// How many independent values those of A are worth.
    pub n_eff_a: f64,
    /// How many independent values those of B are worth.
    pub n_eff_b: f64,
    /// One-sided p-value of being worse by more than the margin.
    pub p_worse: f64,
    /// The same, adjusted for all KPIs (Holm).
    pub p_worse_adjusted: f64,
    /// The smallest worsening that so many iterations show in 80 % of cases; null where it is no number.
    pub detectable_80: Option<f64>,
    /// The same for 90 %.
    pub detectable_90: Option<f64>,
    /// Two-sided p-value of Mann and Whitney's test, which takes the values as independent.
    pub mann_whitney_p: Option<f64>,
    /// Hodges–Lehmann shift: the median of all differences, in the KPI's unit.
    pub hodges_lehmann: Option<f64>,
    /// Whether it comes from every pair or from block medians.
    pub hodges_lehmann_method: Option<TrendMethod>,
    /// Cliff's delta, from −1 to 1.
    pub cliffs_delta: Option<f64>,
}

/// A change of level within the window. What was before it is not compared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ComparedChange {
    /// The first iteration on the level compared.
    pub iteration: u64,
    /// Mean of the level before, in the KPI's unit.
    pub before: f64,
    /// Mean of the level since, in the KPI's unit.
    pub after: f64,
    /// Its probability by chance, adjusted for the search and for all KPIs of the side.
    pub p_adjusted: f64,
    /// Whether a steady drift explains it better than a step.
    pub gradual: bool,
}

impl From<Change> for ComparedChange {
    fn from(change: Change) -> Self {
        let Change { last_before: _, first_after, step, p_adjusted, worse: _ } = change;
        Self {
            iteration: first_after,
            before: step.before,
            after: step.after,
            p_adjusted,
            gradual: step.gradual,
        }
    }
}

/// Whether a KPI is worse.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ComparedAnswer {
    /// `worse`, `better`, `no_change` (within the margin on both sides), `not_worse` (within it on the bad side) or
    /// `cannot_tell`.
    #[schemars(extend("enum" = ["better", "no_change", "not_worse", "cannot_tell", "worse"]))]
    pub answer: String,
    /// Shifts up to this size count for nothing, in the KPI's unit.
    pub margin: f64,
    /// Values of A that are compared: those of the window of significance, since its last change.
    pub n_a: usize,
    /// The same of B.
    pub n_b: usize,
    /// The last change of A within the window; null where it is on one level.
    pub changed_a: Option<ComparedChange>,
    /// The same of B.
    pub changed_b: Option<ComparedChange>,
    /// How sure the shift is; null with too few values.
    pub shift: Option<ComparedShift>,
    /// So many more iterations of B would decide, with a probability of 80 %, if the shift is what it looks like;
    /// null where nothing is left to decide, or no extension of B decides.
    pub more_of_b: Option<usize>,
    /// So many more iterations of A would decide, where more of B alone would not.
    pub more_of_a: Option<usize>,
    /// So many more iterations of each would decide, where more of one alone would not.
    pub more_of_both: Option<usize>,
    /// What it means, in a sentence.
    pub reason: String,
}

/// What significance was looked for, and how.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ComparedSignificance {
    /// The iterations of A.
    pub window_a: WindowUsed,
    /// The iterations of B.
    pub window_b: WindowUsed,
    /// So often an unchanged build may be called worse in any KPI.
    pub error_rate: f64,
    /// Planned extensions that the error rate allows for.
    pub extensions: u64,
    /// Level of one one-sided test, before the correction for all KPIs.
    pub level: f64,
    /// Confidence of the intervals of single KPIs.
    pub confidence: f64,
    /// What was corrected for.
    pub correction: String,
    /// The worst answer of all KPIs.
    #[schemars(extend("enum" = ["better", "no_change", "not_worse", "cannot_tell", "worse"]))]
    pub answer: String,
    /// With so many more iterations of B every KPI that an extension of B can decide about is decided; null where
    /// there is none.
    pub extension: Option<usize>,
}

/// What was looked for, and what it came to.
pub(super) fn used(significance: Significance<'_>) -> ComparedSignificance {
    let Significance { judged, ranks: _, window_a, window_b, rules } = significance;
    let level = significance::level(rules);
    ComparedSignificance {
        window_a: window_a.clone(),
        window_b: window_b.clone(),
        error_rate: rules.error_rate.value,
        extensions: rules.extensions,
        level,
        confidence: 1.0 - 2.0 * level,
        correction: format!("Holm, {} KPIs", judged.len()),
        answer: significance::whole(judged).word().to_owned(),
        extension: significance::extension(judged),
    }
}

/// The answer about one KPI.
pub(super) fn answer(judged: &Judged, rank: Option<&RankShift>) -> ComparedAnswer {
    let [n_a, n_b] = judged.n;
    let shift = judged.shift.zip(judged.interval()).map(|(shift, (low, high))| {
        let [n_eff_a, n_eff_b] = shift.mean.n_eff;
        let [detectable_80, detectable_90] = judged.detectable();
        ComparedShift {
            mean_shift: shift.mean.shift,
            low,
            high,
            standard_error: shift.mean.standard_error,
            degrees_of_freedom: shift.mean.df,
            phi: shift.mean.phi,
            n_eff_a,
            n_eff_b,
            p_worse: shift.p_worse,
            p_worse_adjusted: shift.p_worse_adjusted,
            detectable_80,
            detectable_90,
            mann_whitney_p: rank.map(|rank| rank.p),
            hodges_lehmann: rank.map(|rank| rank.hodges_lehmann),
            hodges_lehmann_method: rank.map(|rank| rank.method),
            cliffs_delta: rank.map(|rank| rank.cliffs_delta),
        }
    });
    let more = judged.more();
    let [changed_a, changed_b] = judged.changed.map(|change| change.map(ComparedChange::from));
    ComparedAnswer {
        answer: judged.answer.word().to_owned(),
        margin: judged.margin,
        n_a,
        n_b,
        changed_a,
        changed_b,
        shift,
        more_of_b: match more {
            Some(More::OfB(more)) => Some(more),
            _ => None,
        },
        more_of_a: match more {
            Some(More::OfA(more)) => Some(more),
            _ => None,
        },
        more_of_both: match more {
            Some(More::OfBoth(more)) => Some(more),
            _ => None,
        },
        reason: words::sentence(judged),
    }
}
