//! What is put to the test: each decision of soak, asked about a simulated run as the program asks it.

use soak::core::stats::{MeanInterval, Memory, Summary};

use crate::comparison;
use crate::world::{Run, Scenario};

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
    /// What it is asked about, beside the runs in which nothing happens.
    pub scenarios: &'static [Scenario],
    /// How it decides.
    pub judge: fn(&Run) -> Answer,
}

/// All methods, in the order of the table.
pub const METHODS: &[Method] = &[
    Method {
        key: "mean_interval",
        title: "95 % interval of the mean, by itself (alarm: it misses the true mean)",
        scenarios: &[],
        judge: |run| interval(run, None, false),
    },
    Method {
        key: "median_interval",
        title: "95 % interval of the median, by itself (alarm: it misses the true median)",
        scenarios: &[],
        judge: |run| interval(run, None, true),
    },
    Method {
        key: "mean_interval_last8",
        title: "95 % interval of the mean of the last 8, autocorrelation from the whole run",
        scenarios: &[],
        judge: |run| interval(run, Some(8), false),
    },
    Method {
        key: "median_interval_last8",
        title: "95 % interval of the median of the last 8, autocorrelation from the whole run",
        scenarios: &[],
        judge: |run| interval(run, Some(8), true),
    },
    Method {
        key: "compare",
        title: "compare with a run of the same length, margin 0 (alarm: any KPI is called worse)",
        scenarios: comparison::SCENARIOS,
        judge: comparison::one_look,
    },
    Method {
        key: "compare_margin_1",
        title: "compare with a run of the same length, margin 1 (quiet: every KPI is shown not to be worse by more)",
        scenarios: comparison::LEVELS,
        judge: comparison::with_margin,
    },
    Method {
        key: "compare_extended",
        title: "compare, margin 0, and where nothing can be told once more after one extension",
        scenarios: comparison::LEVELS,
        judge: comparison::two_looks,
    },
];

/// Whether the interval over the last values of the first KPI holds 0, which is mean and median of the process.
fn interval(run: &Run, last: Option<usize>, median: bool) -> Answer {
    let values = &run.kpis[0];
    let window = &values[values.len() - last.unwrap_or(values.len())..];
    let summary = Summary::of(window).expect("there are values");
    let found = Memory::of(values)
        .and_then(|memory| MeanInterval::with_memory(window, &summary, memory, 0.95))
        .map(|mean| {
            let of_median = mean.of_median(summary.median);
            if median { (of_median.low, of_median.high) } else { (mean.low, mean.high) }
        });
    match found {
        None => Answer::Cannot,
        Some((low, high)) if low <= 0.0 && 0.0 <= high => Answer::Quiet,
        Some(_) => Answer::Alarm,
    }
}
