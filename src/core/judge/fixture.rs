//! Hand-made series and windows for the tests of this room.

use crate::core::iteration::Iteration;
use crate::core::kpi::{KpiId, KpiTable};
use crate::core::policy::{ChangeRules, CourseRules};
use crate::core::policy::{IntegrityRules, Limit, WindowSpec, Windows};
use crate::core::series::ranges::Ranges;
use crate::core::series::window::Window;
use crate::core::series::{Interner, Series};
use crate::core::verdict::{LimitSource, Outcome, Severity};

/// Windows of three iterations.
pub const WINDOWS: Windows = Windows { last_n: 3, steady_start: 7 };

/// A series numbered from 1 with these values of one KPI.
pub fn series(kpi: KpiId, values: &[Option<f64>]) -> Series {
    series_of((1..).zip(values).map(|(number, value)| {
        let mut iteration = Iteration { number, ..empty() };
        iteration.values[kpi.index()] = *value;
        iteration
    }))
}

/// A series of these iterations.
pub fn series_of(iterations: impl IntoIterator<Item = Iteration>) -> Series {
    let mut series = Series::new(None, KpiTable::default().len());
    for iteration in iterations {
        series.push(iteration, &mut Interner::default());
    }
    series
}

/// An iteration that knows nothing.
pub fn empty() -> Iteration {
    Iteration { values: vec![None; KpiTable::default().len()], ..Iteration::default() }
}

/// All of a series.
pub fn whole(series: &Series) -> Window {
    Window::find(series, WindowSpec::Overall, &WINDOWS, &numbers(series))
}

/// The last three of a series.
pub fn last(series: &Series) -> Window {
    Window::find(series, WindowSpec::LastN, &WINDOWS, &numbers(series))
}

/// The numbers in a series.
pub fn numbers(series: &Series) -> Ranges {
    series.rows().iter().map(|row| row.number).collect()
}

/// A limit with a source that says so.
pub fn limit(value: f64) -> Limit {
    Limit { value, source: LimitSource { key: "test.limit".to_owned(), origin: "a test".to_owned() } }
}

/// The rules of integrity as the built-in policy has them.
pub fn integrity_rules() -> IntegrityRules {
    IntegrityRules {
        elapsed_share: limit(0.9),
        gap_intervals: limit(5.0),
        time_steps: Outcome::Warn,
        time_steps_source: limit(0.0).source,
        ahead_minutes: limit(5.0),
    }
}

/// The search for changes as the built-in policy has it, gating.
pub fn change_rules() -> ChangeRules {
    let course = CourseRules {
        gates: true,
        severity: Severity::Hard,
        window: WindowSpec::Steady,
        false_alarm_rate: limit(0.02),
        min_iterations: limit(48.0),
        relative_change: limit(0.05),
    };
    ChangeRules { course, min_segment: 6 }
}
