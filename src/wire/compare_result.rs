//! What `compare --format json` prints: two runs side by side. The other formats show the same value.
//!
//! Must not compare; [`crate::core::compare`] does. The exit code is the caller's to tell.

use serde::Serialize;

use super::baseline_status::Acknowledged;
use super::provenance::Provenance;
use crate::core::compare::significance::{self, Answer, Judged, More};
use crate::core::compare::{self, Side, words};
use crate::core::kpi::{Direction, KpiTable};
use crate::core::policy::CompareRules;
use crate::core::stats::rank::RankShift;
use crate::core::stats::trend::TrendMethod;
use crate::core::verdict::WindowUsed;

/// One of the two.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ComparedRun {
    /// Where it was read.
    pub path: String,
    /// `run` for a folder with iterations, `baseline` for one that was promoted, `snapshot` or `audit` for a file about
    /// a run.
    #[schemars(extend("enum" = ["run", "baseline", "snapshot", "audit"]))]
    pub kind: String,
    /// Its true verdict where it is known, else the one that is written; null when there is none.
    pub verdict: Option<String>,
    /// The main reason of the verdict; null where it was read from a file.
    pub reason: Option<String>,
    /// The symbol compared; null for runs that are not per symbol.
    pub symbol: Option<String>,
    /// Where its data came from; null when nothing says so.
    pub source: Option<String>,
    /// The iterations looked at; null where it was read from a file.
    pub window: Option<WindowUsed>,
}

/// A KPI on one side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ComparedValue {
    /// The statistic, unrounded where it comes from iterations, in the KPI's unit; null = unknown.
    pub value: Option<f64>,
    /// Values behind it; null = unknown.
    pub n: Option<usize>,
}

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

/// Whether a KPI is worse.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ComparedAnswer {
    /// `worse`, `better`, `no_change` (within the margin on both sides), `not_worse` (within it on the bad side) or
    /// `cannot_tell`.
    #[schemars(extend("enum" = ["better", "no_change", "not_worse", "cannot_tell", "worse"]))]
    pub answer: String,
    /// Shifts up to this size count for nothing, in the KPI's unit.
    pub margin: f64,
    /// Values of A in the window of significance.
    pub n_a: usize,
    /// Values of B in the window of significance.
    pub n_b: usize,
    /// How sure the shift is; null with too few values.
    pub shift: Option<ComparedShift>,
    /// So many more iterations of B would decide, with a probability of 80 %, if the shift is what it looks like;
    /// null where nothing is left to decide, or no extension of B decides.
    pub more_of_b: Option<usize>,
    /// So many more iterations of each would decide, where more of B alone would not.
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

/// A KPI on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ComparedKpi {
    /// Canonical name.
    pub kpi: String,
    /// Unit; empty for ratios.
    pub unit: String,
    /// Which way is good; null where neither is.
    #[schemars(extend("enum" = ["higher", "lower", null]))]
    pub good: Option<String>,
    /// What was compared: `median`, or `mean` where a side knows no median.
    pub statistic: String,
    /// Side A.
    pub a: ComparedValue,
    /// Side B.
    pub b: ComparedValue,
    /// B − A; null when a side is unknown.
    pub change: Option<f64>,
    /// The change in percent of |A|; null where A is nearer to 0 than the floor, or 0 lies between the two.
    pub change_percent: Option<f64>,
    /// Which way it went; null when a side is unknown.
    #[schemars(extend("enum" = ["better", "worse", "same", "different", null]))]
    pub way: Option<String>,
    /// Changes up to this size count for nothing, in the KPI's unit.
    pub floor: f64,
    /// Whether the change is more than the floor; null when a side is unknown.
    pub exceeds_floor: Option<bool>,
    /// Whether it is worse by more than what unchanged builds differ by; null where that was not asked, or a side has
    /// no single values.
    pub significance: Option<ComparedAnswer>,
}

/// The comparison.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct CompareResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// Version of the program.
    pub tool_version: String,
    /// SHA-256 of the policy values in force.
    pub policy_sha256: String,
    /// `production` or `mock`: which limits made the verdicts of runs.
    #[schemars(extend("enum" = ["production", "mock"]))]
    pub limits: String,
    /// Side A.
    pub a: ComparedRun,
    /// Side B.
    pub b: ComparedRun,
    /// The KPIs of the verdict, by name.
    pub kpis: Vec<ComparedKpi>,
    /// What significance was looked for; null where it was not asked for, or a side has no single values.
    pub significance: Option<ComparedSignificance>,
    /// KPIs that got worse: by more than their margin where significance was looked for, else by more than their
    /// floor.
    pub regressions: Vec<String>,
    /// KPIs that got worse, and that is known and accepted: no regressions.
    pub acknowledged: Vec<String>,
    /// KPIs of which significance cannot tell whether they got worse.
    pub undecided: Vec<String>,
    /// KPIs that a side does not know, so that nothing can be said about them.
    pub unknown: Vec<String>,
    /// What a reader should know about the comparison.
    pub notes: Vec<String>,
    /// How the command ends, without `--detailed-exitcode`.
    pub exit_code: u8,
}

/// What the comparison of single values came to.
#[derive(Clone, Copy, Debug)]
pub struct Significance<'s> {
    /// The KPIs, in the order of the comparison.
    pub judged: &'s [Judged],
    /// What ranks say, in the same order.
    pub ranks: &'s [Option<RankShift>],
    /// The iterations of A.
    pub window_a: &'s WindowUsed,
    /// The iterations of B.
    pub window_b: &'s WindowUsed,
    /// By what rules.
    pub rules: &'s CompareRules,
}

impl CompareResult {
    /// Compares two sides.
    pub fn of(
        (a, a_side): (ComparedRun, &Side),
        (b, b_side): (ComparedRun, &Side),
        significance: Option<Significance<'_>>,
        kpis: &KpiTable,
        mock: bool,
        provenance: &Provenance,
    ) -> Self {
        let rows = compare::compare(a_side, b_side, kpis);
        let names = |wanted: fn(&compare::Row) -> bool| -> Vec<String> {
            rows.iter().filter(|row| wanted(row)).map(|row| kpis.name(row.kpi).to_owned()).collect()
        };
        let answered = |answer: Answer| -> Vec<String> {
            let judged = significance.iter().flat_map(|significance| significance.judged);
            judged.filter(|one| one.answer == answer).map(|one| kpis.name(one.kpi).to_owned()).collect()
        };
        let regressions = match significance {
            Some(_) => answered(Answer::Worse),
            None => names(|row| row.change.is_some_and(|change| change.is_regression())),
        };
        let unknown = names(|row| row.change.is_none());
        let mut undecided = answered(Answer::CannotTell);
        undecided.retain(|name| !unknown.contains(name));
        let counts = a_side.iter().zip(b_side);
        let mut rows: Vec<ComparedKpi> =
            rows.iter().zip(counts).map(|(row, (a, b))| compared(row, a.n, b.n, kpis)).collect();
        if let Some(significance) = significance {
            let told = significance.judged.iter().zip(significance.ranks);
            for (row, (judged, rank)) in rows.iter_mut().zip(told) {
                row.significance = Some(answer(judged, rank.as_ref(), kpis));
            }
        }
        Self {
            schema_version: "1.0".to_owned(),
            tool_version: provenance.tool_version.clone(),
            policy_sha256: provenance.policy_sha256.clone(),
            limits: if mock { "mock" } else { "production" }.to_owned(),
            significance: significance.map(used),
            regressions,
            acknowledged: Vec::new(),
            undecided,
            unknown,
            notes: notes(&a, &b, &rows),
            exit_code: 0,
            kpis: rows,
            a,
            b,
        }
    }
}

impl CompareResult {
    /// Takes what is known and accepted out of the regressions, and tells what has expired.
    pub fn acknowledge(&mut self, known: &[Acknowledged]) {
        for Acknowledged { kpi, owner, reason, until, expired } in known {
            if *expired {
                self.notes.push(format!(
                    "the acknowledgement of {kpi} by {owner} expired on {until} and does not count any more"
                ));
            } else if let Some(at) = self.regressions.iter().position(|name| name == kpi) {
                self.acknowledged.push(self.regressions.remove(at));
                self.notes
                    .push(format!("{kpi} is worse, and that is known until {until}: {reason} ({owner})"));
            }
        }
    }

    /// Notes that significance was asked for and is not possible.
    pub fn note_missing_values(&mut self) {
        let runs = [("A", &self.a), ("B", &self.b)].into_iter();
        let files: Vec<&str> = runs
            .filter(|(_, run)| !matches!(run.kind.as_str(), "run" | "baseline"))
            .map(|(name, _)| name)
            .collect();
        self.notes.push(format!(
            "significance is not possible, changes are held against floors: {} has no single values",
            files.join(" and ")
        ));
    }
}

fn compared(row: &compare::Row, a_n: Option<usize>, b_n: Option<usize>, kpis: &KpiTable) -> ComparedKpi {
    let kpi = kpis.get(row.kpi);
    ComparedKpi {
        kpi: kpi.name.clone(),
        unit: kpi.unit.symbol().to_owned(),
        good: kpi.direction.map(|direction| {
            match direction {
                Direction::Higher => "higher",
                Direction::Lower => "lower",
            }
            .to_owned()
        }),
        statistic: row.statistic.word().to_owned(),
        a: ComparedValue { value: row.a, n: a_n },
        b: ComparedValue { value: row.b, n: b_n },
        change: row.change.map(|change| change.absolute),
        change_percent: row.change.and_then(|change| change.percent),
        way: row.change.map(|change| change.way.word().to_owned()),
        floor: kpi.floor,
        exceeds_floor: row.change.map(|change| change.exceeds_floor),
        significance: None,
    }
}

fn used(significance: Significance<'_>) -> ComparedSignificance {
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

fn answer(judged: &Judged, rank: Option<&RankShift>, kpis: &KpiTable) -> ComparedAnswer {
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
    ComparedAnswer {
        answer: judged.answer.word().to_owned(),
        margin: judged.margin,
        n_a,
        n_b,
        shift,
        more_of_b: match more {
            Some(More::OfB(more)) => Some(more),
            _ => None,
        },
        more_of_both: match more {
            Some(More::OfBoth(more)) => Some(more),
            _ => None,
        },
        reason: words::sentence(judged, kpis),
    }
}

fn notes(a: &ComparedRun, b: &ComparedRun, rows: &[ComparedKpi]) -> Vec<String> {
    let mut notes = Vec::new();
    let means: Vec<&str> =
        rows.iter().filter(|row| row.statistic == "mean").map(|row| row.kpi.as_str()).collect();
    if !means.is_empty() {
        notes.push(format!("a side knows no medians: means are compared for {}", means.join(", ")));
    }
    let mut differs = |what: &str, a: Option<&str>, b: Option<&str>| {
        if let (Some(a), Some(b)) = (a, b)
            && a != b
        {
            notes.push(format!("the {what} differ: A {a}, B {b}"));
        }
    };
    differs("symbols", a.symbol.as_deref(), b.symbol.as_deref());
    differs("sources", a.source.as_deref(), b.source.as_deref());
    let lengths = a.window.as_ref().zip(b.window.as_ref()).map(|(a, b)| (a.n, b.n));
    if let Some((a, b)) = lengths.filter(|(a, b)| a != b) {
        notes.push(format!("the windows differ in length: A has {a} iterations, B {b}"));
    }
    notes
}
