//! `soak compare --fail-on-regression` put to the test: the run against a baseline of the same process.

use soak::core::compare::significance::{self, Judged, More, Observed, Values};
use soak::core::policy::ChangeRules;
use soak::core::policy::ORDER;
use soak::core::policy::{CompareRules, KpiRule, Limit, Margin, SeasonRule, SpreadRules, WindowSpec};
use soak::core::verdict::LimitSource;

use super::methods::{self, Answer};
use super::world::{KPIS, Run, Scenario};

/// All of the run shifted.
pub const LEVELS: &[Scenario] = &[
    Scenario::Level { size: 0.5 },
    Scenario::Level { size: 1.0 },
    Scenario::Level { size: 2.0 },
    Scenario::Level { size: 3.0 },
];

/// What varies more, and what lies far off more often.
pub const SPREADS: &[Scenario] = &[
    Scenario::Spread { factor: 2.0 },
    Scenario::Spread { factor: 5.0 },
    Scenario::Tail { share: 0.08, size: 6.0 },
];

/// Shifts of all of the run, and what happens in it.
pub const SCENARIOS: &[Scenario] = &[
    LEVELS[0],
    LEVELS[1],
    LEVELS[2],
    LEVELS[3],
    Scenario::Step { size: 1.0, after: 0.5 },
    Scenario::Step { size: 2.0, after: 0.5 },
    Scenario::Step { size: 3.0, after: 0.5 },
    Scenario::Step { size: 3.0, after: 0.75 },
    Scenario::Drift { size: 3.0 },
    Scenario::Spikes { count: 1, size: 10.0 },
    Scenario::Spikes { count: 3, size: 10.0 },
];

/// The rules of the built-in policy, but for the margin.
fn rules(margin: f64, extensions: u64) -> CompareRules {
    let limit = |value| Limit { value, source: LimitSource { key: String::new(), origin: String::new() } };
    CompareRules {
        window: WindowSpec::Overall,
        error_rate: limit(0.05),
        extensions,
        min_iterations: 16,
        kpis: ORDER
            .map(|kpi| {
                let margin = Some(Margin { absolute: limit(margin), relative: limit(0.0) });
                KpiRule { kpi, margin, required: true }
            })
            .to_vec(),
        refuse: Vec::new(),
        spread: SpreadRules { gates: false, ratio: 1.0 },
    }
}

/// The search for changes within a side: that of the built-in policy, without its floors.
fn levels() -> ChangeRules {
    ChangeRules { trend: methods::rules(48), min_segment: 6 }
}

fn numbered(kpis: &[Vec<f64>; KPIS]) -> Values {
    kpis.iter().map(|values| (1..).zip(values.iter().copied()).collect()).collect()
}

fn judged(run: &Run, b: &[Vec<f64>; KPIS], margin: f64) -> Vec<Judged> {
    // The first KPI of a comparison is one of which more is better.
    compared(run, b, &rules(margin, 1))
}

fn compared(run: &Run, b: &[Vec<f64>; KPIS], rules: &CompareRules) -> Vec<Judged> {
    let [a, b] = [&run.another(1, run.n), b].map(numbered);
    let hours: Vec<(u64, f64)> = (1..).zip(run.hours()).collect();
    let sides = [&a, &b].map(|values| Observed { values, hours: &hours });
    significance::judge(sides, rules, &levels(), SeasonRule::Auto)
}

fn answer(judged: &[Judged]) -> Answer {
    match significance::whole(judged) {
        significance::Answer::Worse => Answer::Alarm,
        significance::Answer::CannotTell => Answer::Cannot,
        _ => Answer::Quiet,
    }
}

/// The first look.
pub fn one_look(run: &Run) -> Answer {
    answer(&judged(run, &run.kpis, 0.0))
}

/// Whether the run is told to be spread wider, or to have a longer tail.
pub fn wider(run: &Run) -> Answer {
    let judged = judged(run, &run.kpis, 0.0);
    let spreads = || judged.iter().filter_map(|judged| judged.spread);
    match () {
        () if spreads().any(|spread| spread.is_wider()) => Answer::Alarm,
        () if spreads().count() < judged.len() || spreads().any(|spread| spread.found.clusters) => {
            Answer::Cannot
        }
        () => Answer::Quiet,
    }
}

/// The only look, where the policy plans no extension.
pub fn only_look(run: &Run) -> Answer {
    answer(&compared(run, &run.kpis, &rules(0.0, 0)))
}

/// The first look at a KPI whose values remember beside three of white noise.
pub fn one_look_mixed(run: &Run) -> Answer {
    one_look(&run.beside_white_noise())
}

/// All looks at it.
pub fn two_looks_mixed(run: &Run) -> Answer {
    two_looks(&run.beside_white_noise())
}

/// The same with a margin of one standard deviation.
pub fn with_margin(run: &Run) -> Answer {
    answer(&judged(run, &run.kpis, 1.0))
}

/// The first look, and where it cannot tell, a second one after the extension that is asked for. A user who gets
/// no number, or one above twice the run, extends by the length of the run all the same.
pub fn two_looks(run: &Run) -> Answer {
    let first = judged(run, &run.kpis, 0.0);
    if answer(&first) != Answer::Cannot {
        return answer(&first);
    }
    let asked = first.iter().filter_map(|one| match one.more() {
        Some(More::OfB(more)) => Some(more),
        _ => None,
    });
    let more = asked.max().filter(|more| *more <= 2 * run.n).unwrap_or(run.n);
    answer(&judged(run, &run.extended(more), 0.0))
}
