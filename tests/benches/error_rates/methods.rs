//! What is put to the test: each decision of soak, asked about a simulated run as the program asks it.

use soak::core::kpi::{Direction, Kind, KpiId};
use soak::core::policy::{ChangeRules, DriftGateRules, SeasonRule, TrendRules};
use soak::core::policy::{Limit, WindowSpec};
use soak::core::trend::{Column, DriftVerdict, KpiChanges, Season, autocorrelation, changes, drift};
use soak::core::verdict::{LimitSource, Severity};
use soak::stats::{MeanInterval, Summary};

use super::comparison;
use super::world::{Noise, Run, Scenario};

/// What a method says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It claims something: a false alarm where nothing happened, a find where something did. For an interval:
    /// it misses the true value.
    Alarm,
    /// It claims nothing.
    Quiet,
    /// It says that it cannot tell.
    Cannot,
}

/// A decision.
pub struct Method {
    /// In the files.
    pub key: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// Whether two runs are compared.
    pub compares: bool,
    /// What happens, beside the runs in which nothing does, under first-order noise.
    pub scenarios: &'static [Scenario],
    /// The same under any other noise; `None` where such runs are not judged.
    pub under_other_noise: Option<&'static [Scenario]>,
    /// How it decides.
    pub judge: fn(&Run) -> Answer,
}

impl Method {
    /// What happens, beside nothing; `None` where this noise is no question of the method.
    pub fn scenarios_under(&self, noise: Noise) -> Option<&'static [Scenario]> {
        if matches!(noise, Noise::Ar1(_)) { Some(self.scenarios) } else { self.under_other_noise }
    }
}

/// What happens to a KPI over a run.
const WITHIN_A_RUN: &[Scenario] = &[
    Scenario::Step { size: 0.5, after: 0.5 },
    Scenario::Step { size: 1.0, after: 0.5 },
    Scenario::Step { size: 2.0, after: 0.5 },
    Scenario::Step { size: 3.0, after: 0.5 },
    Scenario::Step { size: 0.5, after: 0.75 },
    Scenario::Step { size: 1.0, after: 0.75 },
    Scenario::Step { size: 2.0, after: 0.75 },
    Scenario::Step { size: 3.0, after: 0.75 },
    Scenario::Drift { size: 0.5 },
    Scenario::Drift { size: 1.0 },
    Scenario::Drift { size: 2.0 },
    Scenario::Drift { size: 3.0 },
    Scenario::Spikes { count: 1, size: 8.0 },
    Scenario::Spikes { count: 3, size: 8.0 },
    Scenario::Alternation { size: 6.0, steps: 5 },
    Scenario::Alternation { size: 3.0, steps: 2 },
    Scenario::Staircase { size: 3.0 },
    Scenario::Staircase { size: 6.0 },
];

/// One of each kind.
const OF_EACH_KIND: &[Scenario] = &[
    Scenario::Step { size: 2.0, after: 0.5 },
    Scenario::Drift { size: 2.0 },
    Scenario::Drift { size: 3.0 },
    Scenario::Alternation { size: 6.0, steps: 5 },
];

/// A step long before the last iterations.
const STEPS: &[Scenario] =
    &[Scenario::Step { size: 1.0, after: 0.5 }, Scenario::Step { size: 3.0, after: 0.5 }];

/// All methods, in the order of the table.
pub const METHODS: &[Method] = &[
    Method {
        key: "mean_interval",
        title: "95 % interval of the mean, by itself (alarm: it misses the true mean)",
        compares: false,
        scenarios: &[],
        under_other_noise: Some(&[]),
        judge: |run| interval(run, None, false),
    },
    Method {
        key: "median_interval",
        title: "95 % interval of the median, by itself (alarm: it misses the true median)",
        compares: false,
        scenarios: &[],
        under_other_noise: Some(&[]),
        judge: |run| interval(run, None, true),
    },
    Method {
        key: "mean_interval_last8",
        title: "95 % interval of the mean of the last 8, autocorrelation from the whole run",
        compares: false,
        scenarios: STEPS,
        under_other_noise: None,
        judge: |run| interval(run, Some(8), false),
    },
    Method {
        key: "median_interval_last8",
        title: "95 % interval of the median of the last 8, autocorrelation from the whole run",
        compares: false,
        scenarios: STEPS,
        under_other_noise: None,
        judge: |run| interval(run, Some(8), true),
    },
    Method {
        key: "compare",
        title: "compare with a run of the same length, margin 0 (alarm: any KPI is called worse)",
        compares: true,
        scenarios: comparison::SCENARIOS,
        under_other_noise: Some(comparison::LEVELS),
        judge: comparison::one_look,
    },
    Method {
        key: "compare_margin_1",
        title: "compare with a run of the same length, margin 1 (quiet: every KPI is shown not to be worse by more)",
        compares: true,
        scenarios: comparison::LEVELS,
        under_other_noise: None,
        judge: comparison::with_margin,
    },
    Method {
        key: "compare_extended",
        title: "compare, margin 0, and where nothing can be told once more after one extension",
        compares: true,
        scenarios: comparison::LEVELS,
        under_other_noise: None,
        judge: comparison::two_looks,
    },
    Method {
        key: "compare_once",
        title: "compare, margin 0, where the policy plans no extension",
        compares: true,
        scenarios: &[Scenario::Level { size: 2.0 }],
        under_other_noise: None,
        judge: comparison::only_look,
    },
    Method {
        key: "compare_spread",
        title: "compare the spread and the tail of a run of the same length (alarm: any KPI is called wider)",
        compares: true,
        scenarios: comparison::SPREADS,
        under_other_noise: Some(comparison::SPREADS),
        judge: comparison::wider,
    },
    Method {
        key: "compare_mixed",
        title: "compare, margin 0, where the first KPI is as told and the other three are white noise",
        compares: true,
        scenarios: comparison::LEVELS,
        under_other_noise: None,
        judge: comparison::one_look_mixed,
    },
    Method {
        key: "compare_mixed_extended",
        title: "the same, and where nothing can be told once more after one extension",
        compares: true,
        scenarios: comparison::LEVELS,
        under_other_noise: None,
        judge: comparison::two_looks_mixed,
    },
    Method {
        key: "drift_gate",
        title: "Drift gate: some KPI gets steadily worse (Holm over 4 KPIs, from 48 iterations on)",
        compares: false,
        scenarios: WITHIN_A_RUN,
        under_other_noise: Some(OF_EACH_KIND),
        judge: |run| drifts(run, 48, |verdict| verdict == DriftVerdict::Worsens),
    },
    Method {
        key: "drift_advice",
        title: "Drift, either way, also below 48 iterations (advisory)",
        compares: false,
        scenarios: &[],
        under_other_noise: None,
        judge: |run| {
            drifts(run, 16, |verdict| matches!(verdict, DriftVerdict::Worsens | DriftVerdict::Improves))
        },
    },
    Method {
        key: "change_points_gate",
        title: "Change points gate: some KPI has a new, worse level (Holm over 4 KPIs, from 48 iterations on)",
        compares: false,
        scenarios: WITHIN_A_RUN,
        under_other_noise: Some(OF_EACH_KIND),
        judge: |run| levels(run, 48, true),
    },
    Method {
        key: "change_points",
        title: "Change points: any change told, for better or worse, also below 48 iterations",
        compares: false,
        scenarios: WITHIN_A_RUN,
        under_other_noise: Some(OF_EACH_KIND),
        judge: |run| levels(run, 24, false),
    },
    Method {
        key: "spikes",
        title: "Spikes: any told (advisory)",
        compares: false,
        scenarios: &[
            Scenario::Step { size: 3.0, after: 0.5 },
            Scenario::Spikes { count: 1, size: 8.0 },
            Scenario::Spikes { count: 3, size: 8.0 },
        ],
        under_other_noise: None,
        judge: spikes,
    },
];

/// The KPIs of the verdict with their directions; what happens to the first is for the worse.
fn columns(run: &Run) -> Vec<Column> {
    let kpis = [
        (KpiId::NET_BPS, Direction::Higher),
        (KpiId::MAKER_TAKER_RATIO, Direction::Higher),
        (KpiId::RISK_RATIO, Direction::Lower),
        (KpiId::P95_LATENCY_MS, Direction::Lower),
    ];
    let column = |((kpi, direction), values): ((KpiId, Direction), &Vec<f64>)| Column {
        kpi,
        direction: Some(direction),
        floor: 0.0,
        limit: None,
        later: None,
        points: (1..).zip(values.iter().copied()).collect(),
        hours: run.hours(),
        season: Season::of(SeasonRule::Auto, Kind::Level, &run.hours()),
    };
    kpis.into_iter().zip(&run.kpis).map(column).collect()
}

/// The built-in policy, without its floors.
pub fn rules(min_iterations: usize) -> TrendRules {
    let limit =
        |value: f64| Limit { value, source: LimitSource { key: String::new(), origin: String::new() } };
    TrendRules {
        gates: true,
        severity: Severity::Hard,
        window: WindowSpec::Overall,
        false_alarm_rate: limit(0.02),
        min_iterations: limit(min_iterations as f64),
        relative_change: limit(0.0),
    }
}

/// The same at a rate of 5 %: what is held is seen better there than at 2 %.
fn gate_rules(min_iterations: usize) -> TrendRules {
    let mut rules = rules(min_iterations);
    rules.false_alarm_rate.value = 0.05;
    rules
}

fn drifts(run: &Run, from: usize, is_alarm: fn(DriftVerdict) -> bool) -> Answer {
    drifts_of(&columns(run), from, is_alarm)
}

/// What a drift of the first KPI for the worse is, judged by itself.
pub fn drift_of_first(run: &Run) -> Answer {
    drifts_of(&columns(run)[..1], 48, |verdict| verdict == DriftVerdict::Worsens)
}

fn drifts_of(columns: &[Column], from: usize, is_alarm: fn(DriftVerdict) -> bool) -> Answer {
    if columns[0].points.len() < from {
        return Answer::Cannot;
    }
    let rules = DriftGateRules { trend: gate_rules(from), horizon: None, walks: false };
    let found = drift::find(columns, &rules);
    if found.iter().any(|drift| is_alarm(drift.verdict)) {
        of_alarm(columns)
    } else if found.iter().any(|drift| drift.verdict == DriftVerdict::CannotTell) {
        Answer::Cannot
    } else {
        Answer::Quiet
    }
}

/// Where a daily cycle is possible and cannot be estimated, what is found may be a part of it.
fn of_alarm(columns: &[Column]) -> Answer {
    if matches!(columns[0].season, Season::Unresolved { .. }) { Answer::Cannot } else { Answer::Alarm }
}

fn levels(run: &Run, from: usize, worse: bool) -> Answer {
    levels_of(&columns(run), from, worse)
}

/// A change of level of the first KPI either way, judged by itself.
pub fn changes_of_first(run: &Run) -> Answer {
    levels_of(&columns(run)[..1], 24, false)
}

fn levels_of(columns: &[Column], from: usize, worse: bool) -> Answer {
    if columns[0].points.len() < from {
        return Answer::Cannot;
    }
    let found = changes::find(columns, &ChangeRules { trend: gate_rules(from), min_segment: 6 });
    if found
        .iter()
        .zip(columns)
        .any(|(kpi, column)| if worse { kpi.is_worse(column, 0.0) } else { !kpi.changes.is_empty() })
    {
        of_alarm(columns)
    } else if found.iter().any(KpiChanges::cannot_tell) {
        Answer::Cannot
    } else {
        Answer::Quiet
    }
}

fn spikes(run: &Run) -> Answer {
    if run.n < 24 {
        return Answer::Cannot;
    }
    let found = changes::find(&columns(run), &ChangeRules { trend: rules(24), min_segment: 6 });
    if found.iter().any(|kpi| !kpi.spikes.is_empty()) { Answer::Alarm } else { Answer::Quiet }
}

/// Whether the interval over the last values of the first KPI holds what is mean and median of the process there.
fn interval(run: &Run, last: Option<usize>, median: bool) -> Answer {
    let values = &run.kpis[0];
    let window = &values[values.len() - last.unwrap_or(values.len())..];
    let summary = Summary::of(window).expect("there are values");
    let rules = ChangeRules { trend: rules(48), min_segment: 6 };
    let found = autocorrelation::of_last(values, values.len() - window.len(), &rules, 0.0)
        .and_then(|autocorrelation| {
            MeanInterval::with_autocorrelation(window, &summary, autocorrelation, 0.95)
        })
        .map(|mean| {
            let of_median = mean.of_median(summary.median);
            if median { (of_median.low, of_median.high) } else { (mean.low, mean.high) }
        });
    let truth = -run.stepped_by;
    match found {
        None => Answer::Cannot,
        Some((low, high)) if low <= truth && truth <= high => Answer::Quiet,
        Some(_) => Answer::Alarm,
    }
}
