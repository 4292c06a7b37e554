//! Two runs side by side, as `compare --format json` prints them. The other formats show the same value.

use schemars::JsonSchema;
use serde::Serialize;

use super::conditions::{self, Condition, Conditions};
use super::sentence::sentence;
use super::sides::Side;
use super::significance::{
    self, Answer, ComparedAnswer, ComparedChange, ComparedShift, ComparedSpread, Judged, More, Observed,
};
use super::spread;
use super::{Acknowledged, ComparedKpi, ComparedRun};
use crate::core::analysis::limits_word;
use crate::core::policy::{CompareRules, Policy, Profile};
use crate::core::verdict::exit::Exit;
use crate::core::verdict::provenance::Provenance;
use crate::core::verdict::{Outcome, WindowUsed};
use crate::stats::two_sample::RankShift;

/// What significance was looked for, and how.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
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
    pub answer: Answer,
    /// With so many more iterations of B every KPI that an extension of B can decide about is decided; null where
    /// there is none.
    pub extension: Option<usize>,
}

impl ComparedSignificance {
    /// What was looked for, and what it came to.
    pub fn of(judged: &[Judged], window_a: &WindowUsed, window_b: &WindowUsed, rules: &CompareRules) -> Self {
        let level = significance::level(rules);
        Self {
            window_a: window_a.clone(),
            window_b: window_b.clone(),
            error_rate: rules.error_rate.value,
            extensions: rules.extensions,
            level,
            confidence: 1.0 - 2.0 * level,
            correction: format!("Holm, {} KPIs", judged.len()),
            answer: significance::whole(judged),
            extension: significance::extension(judged),
        }
    }
}

impl ComparedAnswer {
    /// The answer about one KPI, with what ranks say about it.
    pub fn of(judged: &Judged, rank: Option<&RankShift>) -> Self {
        let shift = judged.shift.zip(judged.interval()).map(|(shift, (low, high))| {
            let [detectable_80, detectable_90] = judged.detectable();
            ComparedShift {
                mean_shift: shift.mean.shift,
                low,
                high,
                standard_error: shift.mean.standard_error,
                degrees_of_freedom: shift.mean.df,
                phi: shift.mean.phi,
                n_eff_a: shift.mean.n_eff[0],
                n_eff_b: shift.mean.n_eff[1],
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
        let (more_of_a, more_of_b, more_of_both) = match judged.more() {
            Some(More::OfA(more)) => (Some(more), None, None),
            Some(More::OfB(more)) => (None, Some(more), None),
            Some(More::OfBoth(more)) => (None, None, Some(more)),
            _ => (None, None, None),
        };
        let [changed_a, changed_b] = judged.changed.map(|change| change.map(ComparedChange::from));
        Self {
            answer: judged.answer,
            margin: judged.margin,
            n_a: judged.n[0],
            n_b: judged.n[1],
            changed_a,
            changed_b,
            shift,
            more_of_b,
            more_of_a,
            more_of_both,
            daily_cycle: judged.day.word(),
            outliers_a: judged.outliers.map(|[a, _]| a),
            outliers_b: judged.outliers.map(|[_, b]| b),
            spread: ComparedSpread::of(judged),
            reason: sentence(judged),
        }
    }
}

/// The comparison.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CompareResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: &'static str,
    /// Version of the program.
    pub tool_version: String,
    /// SHA-256 of the policy values in force.
    pub policy_sha256: String,
    /// `production` or `mock`: which limits made the verdicts of runs.
    #[schemars(extend("enum" = ["production", "mock"]))]
    pub limits: &'static str,
    /// Side A.
    pub a: ComparedRun,
    /// Side B.
    pub b: ComparedRun,
    /// The KPIs of the verdict by name, then the other ones of the policy by name.
    pub kpis: Vec<ComparedKpi>,
    /// KPIs that are judged; the other ones are shown.
    pub judged: Vec<String>,
    /// What significance was looked for; null where it was not asked for, or a side has no single values.
    pub significance: Option<ComparedSignificance>,
    /// KPIs that got worse: by more than their margin where significance was looked for, else by more than their
    /// floor.
    pub regressions: Vec<String>,
    /// KPIs that got worse, and that is known and accepted: no regressions.
    pub acknowledged: Vec<String>,
    /// KPIs of which significance cannot tell whether they got worse.
    pub undecided: Vec<String>,
    /// KPIs that are spread wider in B, or lie far off on the bad side more often; absent where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wider: Vec<String>,
    /// KPIs to be judged that a side does not know, so that nothing can be said about them.
    pub unknown: Vec<String>,
    /// What a reader should know about the comparison.
    pub notes: Vec<String>,
    /// How the command ends, without `--detailed-exitcode`.
    pub exit_code: u8,
    // Whether the policy is one for trading, whose readers know the CSV by its remark.
    #[serde(skip)]
    pub trades: bool,
    // Whether a wider spread is a regression.
    #[serde(skip)]
    pub spread_gates: bool,
}

impl CompareResult {
    /// Compares two sides; with `is_significance_asked` also their single values, where both have some.
    pub fn of(
        a: Side,
        b: Side,
        is_significance_asked: bool,
        known: &[Acknowledged],
        policy: &Policy,
        mock: bool,
        provenance: &Provenance,
    ) -> Self {
        let rules = &policy.compare;
        let mut rows = super::rows(&a.measured, &b.measured, &rules.kpis);
        let names = |wanted: fn(&ComparedKpi) -> bool| -> Vec<String> {
            rows.iter().filter(|row| wanted(row)).map(|row| row.kpi.clone()).collect()
        };
        let (judged_kpis, regressions, unknown) =
            (names(|row| row.judged), names(ComparedKpi::is_regression), names(ComparedKpi::is_unknown));
        let mut judged: Vec<Judged> = Vec::new();
        let samples = a.sample.as_ref().zip(b.sample.as_ref());
        let significance = samples.filter(|_| is_significance_asked).map(|(a, b)| {
            let sides = [a, b].map(|side| Observed { values: &side.values, hours: &side.hours });
            judged = significance::judge(sides, rules, &policy.change_points, policy.windows.season);
            for one in &mut judged {
                one.around = [a.around(), b.around()];
            }
            let ranks = significance::ranks(&a.values, &b.values, &judged);
            for (judged, rank) in judged.iter().zip(ranks) {
                let name = judged.kpi.name;
                if let Some(row) = rows.iter_mut().find(|row| row.kpi == name) {
                    row.significance = Some(ComparedAnswer::of(judged, rank.as_ref()));
                }
            }
            ComparedSignificance::of(&judged, &a.window, &b.window, rules)
        });
        let answered = |answer: Answer| -> Vec<String> {
            let fitting = judged.iter().filter(|one| one.answer == answer);
            fitting.map(|one| one.kpi.name.to_owned()).collect()
        };
        let mut undecided = answered(Answer::CannotTell);
        undecided.retain(|name| !unknown.contains(name));
        let has_values = samples.is_some_and(|(a, _)| a.values.iter().any(|values| !values.is_empty()));
        let is_copy = has_values && samples.is_some_and(|(a, b)| a.values == b.values);
        let is_same = a.place == b.place;
        let mut result = Self {
            schema_version: "1.0",
            tool_version: provenance.tool_version.clone(),
            policy_sha256: provenance.policy_sha256.clone(),
            limits: limits_word(mock),
            regressions: if significance.is_some() { answered(Answer::Worse) } else { regressions },
            significance,
            acknowledged: Vec::new(),
            undecided,
            wider: judged
                .iter()
                .filter(|one| spread::is_wider(one))
                .map(|one| one.kpi.name.to_owned())
                .collect(),
            unknown,
            notes: notes(&a.run, &b.run, &rows),
            exit_code: 0,
            trades: policy.profile == Profile::Trading,
            spread_gates: rules.spread.gates,
            judged: judged_kpis,
            kpis: rows,
            a: a.run,
            b: b.run,
        };
        result.notes.extend(judged.iter().filter_map(|one| spread::sentence(one, rules.spread.gates)));
        result.note_conditions(&a.conditions, &b.conditions, policy.run.tunes());
        result.acknowledge(known);
        if is_same {
            let note = "A and B are the same run: comparing it with itself proves nothing about a build";
            result.notes.push(note.to_owned());
        } else if is_copy {
            let note = "A and B have the same values in every iteration: they are one run, or copies, and comparing them proves nothing about a build";
            result.notes.push(note.to_owned());
        }
        if is_significance_asked && result.significance.is_none() {
            let runs = [("A", &result.a), ("B", &result.b)].into_iter();
            let files: Vec<&str> = runs
                .filter(|(_, run)| !matches!(run.kind, "run" | "baseline"))
                .map(|(name, _)| name)
                .collect();
            result.notes.push(format!(
                "no significance test is possible, changes are checked against floors: {} has no single values",
                files.join(" and ")
            ));
        }
        result
    }

    /// How a gate ends. A regression fails. Where nothing can be told there may be one, and that is no pass either.
    pub fn gate(&self) -> Exit {
        let is = |outcome| [&self.a, &self.b].into_iter().any(|run| run.cannot_judge() == Some(outcome));
        if !self.regressions.is_empty() || (self.spread_gates && !self.wider.is_empty()) {
            Exit::Failed
        } else if !self.unknown.is_empty() || self.judged.is_empty() || is(Outcome::Invalid) {
            Exit::InputInvalid
        } else if is(Outcome::Inconclusive) || !self.undecided.is_empty() {
            Exit::Inconclusive
        } else {
            Exit::Success
        }
    }

    /// Takes what is known and accepted out of the regressions, and tells what has expired.
    fn acknowledge(&mut self, known: &[Acknowledged]) {
        for Acknowledged { kpi, owner, reason, until, expired } in known {
            if *expired {
                self.notes.push(format!(
                    "the acknowledgement of {kpi} by {owner} expired on {until} and does not count any more"
                ));
            } else if let Some(at) = self.regressions.iter().position(|name| name == kpi) {
                self.acknowledged.push(self.regressions.remove(at));
                self.wider.retain(|name| name != kpi);
                self.notes
                    .push(format!("{kpi} is worse, and that is known until {until}: {reason} ({owner})"));
            } else if let Some(at) = self.wider.iter().position(|name| name == kpi && self.spread_gates) {
                self.acknowledged.push(self.wider.remove(at));
                self.notes.push(format!(
                    "{kpi} is spread wider, and that is known until {until}: {reason} ({owner})"
                ));
            }
        }
    }

    /// Notes what differs in the conditions of the two, and what says nothing about a build.
    fn note_conditions(&mut self, a: &Conditions, b: &Conditions, tunes: bool) {
        let differences = conditions::differences(a, b);
        // The sources are reported already where both are known.
        self.notes
            .extend(differences.into_iter().filter(|sentence| !sentence.starts_with("the sources differ")));
        let undeclared: Vec<&str> = [("A", &self.a, a), ("B", &self.b, b)]
            .into_iter()
            .filter(|(_, run, known)| run.kind == "run" && !known.contains_key(&Condition::Interval))
            .map(|(name, ..)| name)
            .collect();
        if let [one] = undeclared.as_slice()
            && [a, b].iter().any(|known| known.contains_key(&Condition::Interval))
        {
            let what = if tunes { "interval, host, warm-up and tuner" } else { "interval, host and warm-up" };
            self.notes
                .push(format!("{one} declares nothing: whether {what} are those of the other is not known"));
        }
        let is =
            |known: &Conditions, condition, value: &str| known.get(&condition).is_some_and(|of| of == value);
        for (name, known) in [("A", a), ("B", b)] {
            if is(known, Condition::Simulated, "simulated") {
                self.notes.push(format!("{name} is simulated: this is not valid for a release"));
            }
            if is(known, Condition::Waited, "no") {
                self.notes.push(format!(
                    "{name} did not wait for its interval (`--no-wait`): this is not valid for a release"
                ));
            }
        }
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
