//! What `compare --format json` prints: two runs side by side. The other formats show the same value.
//!
//! Must not compare; [`crate::core::compare`] does. The exit code is the caller's to tell.

use serde::Serialize;

use super::baseline_status::Acknowledged;
use super::compare_significance::{ComparedAnswer, ComparedSignificance, answer, used};
use super::provenance::Provenance;
use crate::core::analysis::limits_word;
use crate::core::compare::conditions::{self, Condition, Conditions};
use crate::core::compare::significance::{Answer, Judged};
use crate::core::compare::{self, Side};
use crate::core::kpi::Direction;
use crate::core::policy::{CompareRules, Policy};
use crate::core::verdict::WindowUsed;
use crate::stats::two_sample::RankShift;

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
    /// KPIs to be judged that a side does not know, so that nothing can be said about them.
    pub unknown: Vec<String>,
    /// What a reader should know about the comparison.
    pub notes: Vec<String>,
    /// How the command ends, without `--detailed-exitcode`.
    pub exit_code: u8,
}

/// What the comparison of single values came to.
#[derive(Clone, Copy, Debug)]
pub struct Significance<'s> {
    /// The KPIs that are judged, in the order of the comparison.
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
        policy: &Policy,
        mock: bool,
        provenance: &Provenance,
    ) -> Self {
        let rows = compare::compare(a_side, b_side, &policy.compare.kpis);
        let names = |wanted: fn(&compare::Row) -> bool| -> Vec<String> {
            rows.iter().filter(|row| wanted(row)).map(|row| row.kpi.name.to_owned()).collect()
        };
        let answered = |answer: Answer| -> Vec<String> {
            let judged = significance.iter().flat_map(|significance| significance.judged);
            judged.filter(|one| one.answer == answer).map(|one| one.kpi.name.to_owned()).collect()
        };
        let regressions = match significance {
            Some(_) => answered(Answer::Worse),
            None => names(compare::Row::is_regression),
        };
        let unknown = names(compare::Row::is_unknown);
        let mut undecided = answered(Answer::CannotTell);
        undecided.retain(|name| !unknown.contains(name));
        let judged = names(|row| row.judged);
        let mut rows: Vec<ComparedKpi> = rows.iter().map(compared).collect();
        if let Some(significance) = significance {
            for (judged, rank) in significance.judged.iter().zip(significance.ranks) {
                let name = judged.kpi.name;
                if let Some(row) = rows.iter_mut().find(|row| row.kpi == name) {
                    row.significance = Some(answer(judged, rank.as_ref()));
                }
            }
        }
        Self {
            schema_version: "1.0".to_owned(),
            tool_version: provenance.tool_version.clone(),
            policy_sha256: provenance.policy_sha256.clone(),
            limits: limits_word(mock).to_owned(),
            significance: significance.map(used),
            regressions,
            acknowledged: Vec::new(),
            undecided,
            unknown,
            notes: notes(&a, &b, &rows),
            exit_code: 0,
            judged,
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

    /// Notes what differs in the conditions of the two, and what says nothing about a build.
    pub fn note_conditions(&mut self, a: &Conditions, b: &Conditions) {
        let told = conditions::differences(a, b);
        // The sources are reported already where both are known.
        self.notes.extend(told.into_iter().filter(|told| !told.starts_with("the sources differ")));
        let undeclared: Vec<&str> = [("A", &self.a, a), ("B", &self.b, b)]
            .into_iter()
            .filter(|(_, run, known)| run.kind == "run" && !known.contains_key(&Condition::Interval))
            .map(|(name, ..)| name)
            .collect();
        if let [one] = undeclared.as_slice()
            && [a, b].iter().any(|known| known.contains_key(&Condition::Interval))
        {
            self.notes.push(format!(
                "{one} declares nothing: whether interval, host, warm-up and tuner are those of the other is not known"
            ));
        }
        let is =
            |known: &Conditions, condition, value: &str| known.get(&condition).is_some_and(|of| of == value);
        for (name, known) in [("A", a), ("B", b)] {
            if is(known, Condition::Simulated, "simulated") {
                self.notes.push(format!("{name} is simulated: this says nothing about a release"));
            }
            if is(known, Condition::Waited, "no") {
                self.notes.push(format!(
                    "{name} did not wait for its interval (`--no-wait`): this says nothing about a release"
                ));
            }
        }
    }

    /// Notes that both sides are one folder.
    pub fn note_same_run(&mut self) {
        self.notes
            .push("A and B are the same run: comparing it with itself says nothing about a build".to_owned());
    }

    /// Notes that both sides have the same values.
    pub fn note_copies(&mut self) {
        self.notes.push(
            "A and B have the same values in every iteration: they are one run, or copies, and comparing them says nothing \
             about a build"
                .to_owned(),
        );
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

fn compared(row: &compare::Row) -> ComparedKpi {
    let kpi = row.kpi;
    ComparedKpi {
        kpi: kpi.name.to_owned(),
        unit: kpi.unit.symbol().to_owned(),
        good: kpi.direction.map(|direction| {
            match direction {
                Direction::Higher => "higher",
                Direction::Lower => "lower",
            }
            .to_owned()
        }),
        statistic: row.statistic.word().to_owned(),
        a: ComparedValue { value: row.a, n: row.n[0] },
        b: ComparedValue { value: row.b, n: row.n[1] },
        change: row.change.map(|change| change.absolute),
        change_percent: row.change.and_then(|change| change.percent),
        way: row.change.map(|change| change.way.word().to_owned()),
        floor: kpi.floor,
        exceeds_floor: row.change.map(|change| change.exceeds_floor),
        significance: None,
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
