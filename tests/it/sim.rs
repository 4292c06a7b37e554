//! The closed loop: the simulator, the tuner and its guards with the built-in policy, judged by hand.

use soak::core::iteration::Iteration;
use soak::core::judge::sanity;
use soak::core::kpi::KpiId;
use soak::core::policy::WindowSpec;
use soak::core::series::ranges::Ranges;
use soak::core::series::window::Window;
use soak::core::series::{Interner, Series};
use soak::core::verdict::Outcome;
use soak::run::iteration::{IterationRecord, KpiVerdict};
use soak::run::simulator::{Scenario, Simulator};

use crate::it::planner::{POLICY, Run, planner};

/// The worlds that the model's constants were chosen on.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=20;

/// 24 iterations of 300 s from the default overrides.
fn run(scenario: Scenario, seed: u64, auto_tune: bool) -> Vec<IterationRecord> {
    run_of(24, scenario, seed, auto_tune)
}

fn run_of(iterations: u64, scenario: Scenario, seed: u64, auto_tune: bool) -> Vec<IterationRecord> {
    let mut simulator = Simulator::new(seed, scenario);
    let mut planner = planner();
    planner.iterations = iterations;
    planner.auto_tune = auto_tune;
    let mut run = Run::of(planner);
    for number in 1..=iterations {
        let overrides = run.planner.begin(&run.state, number).overrides;
        run.step(Ok(simulator.report(number, &overrides).expect("all parameters are there")));
    }
    run.records
}

/// The rule of the gate and of readiness over the last eight, written down a second time.
#[derive(Debug, PartialEq)]
struct Judged {
    passes: usize,
    freeze_seen: bool,
    ready: bool,
}

impl Judged {
    fn of(records: &[IterationRecord]) -> Self {
        let last = &records[16..];
        let values = |kpi: KpiId| -> Vec<f64> {
            last.iter().map(|record| record.summary.values[kpi.index()].expect("delivered")).collect()
        };
        let net = values(KpiId::NET_BPS);
        let risk = values(KpiId::RISK_RATIO);
        let maker = values(KpiId::MAKER_TAKER_RATIO);
        let p95 = values(KpiId::P95_LATENCY_MS);
        let passes = (0..8)
            .filter(|&at| risk[at] <= 0.42 && maker[at] >= 0.85 && net[at] >= 2.7 && p95[at] <= 350.0)
            .count();
        let median = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            f64::midpoint(values[3], values[4])
        };
        Self {
            passes,
            freeze_seen: last
                .iter()
                .any(|record| record.tuning.freeze_started.is_some() || record.tuning.freeze_active),
            ready: median(maker) >= 0.83
                && median(net) >= 2.9
                && median(p95) <= 330.0
                && median(risk) <= 0.40,
        }
    }

    fn gate_passes(&self) -> bool {
        self.passes >= 6 && self.freeze_seen
    }
}

fn judged(scenario: Scenario, auto_tune: bool) -> Vec<Judged> {
    judged_in(SEEDS, scenario, auto_tune)
}

fn judged_in(seeds: std::ops::RangeInclusive<u64>, scenario: Scenario, auto_tune: bool) -> Vec<Judged> {
    seeds.map(|seed| Judged::of(&run(scenario, seed, auto_tune))).collect()
}

fn good(of: &[Judged]) -> usize {
    of.iter().filter(|judged| judged.gate_passes() && judged.ready).count()
}

#[test]
fn tuning_takes_the_default_start_to_ready_and_pass_in_nearly_every_world() {
    let tuned = judged(Scenario::Default, true);
    assert!(good(&tuned) >= 18, "{tuned:#?}");
}

#[test]
fn without_tuning_the_default_start_hardly_ever_gets_there() {
    let untuned = judged(Scenario::Default, false);
    assert!(good(&untuned) <= 4, "{untuned:#?}");
}

#[test]
fn of_a_hundred_worlds_ninety_are_ready_and_pass_with_tuning_and_at_most_twenty_without() {
    let tuned = judged_in(1..=100, Scenario::Default, true);
    assert!(good(&tuned) >= 90, "{} of 100: {tuned:#?}", good(&tuned));
    let untuned = judged_in(1..=100, Scenario::Default, false);
    assert!(good(&untuned) <= 20, "{} of 100: {untuned:#?}", good(&untuned));
}

#[test]
fn a_calm_market_passes_with_tuning_and_not_without() {
    let tuned = judged(Scenario::Calm, true);
    assert!(good(&tuned) >= 18, "{tuned:#?}");
    let untuned = judged(Scenario::Calm, false);
    assert_eq!(good(&untuned), 0, "{untuned:#?}");
}

#[test]
fn bad_markets_and_bad_builds_fail_with_all_the_tuning() {
    let bad = ["volatile", "latency-storm", "liquidity-gap", "regression@12", "always-bad"];
    for scenario in bad {
        for (seed, judged) in SEEDS.zip(judged(scenario.parse().expect("a scenario"), true)) {
            assert!(judged.passes < 5, "{scenario}, seed {seed}: {judged:?}");
        }
    }
}

#[test]
fn a_crash_in_every_third_iteration_never_passes() {
    for (seed, judged) in SEEDS.zip(judged(Scenario::FlashCrash, true)) {
        assert!(judged.passes < 6, "seed {seed}: {judged:?}");
    }
}

#[test]
fn always_bad_fails_every_iteration_until_panic_reverts() {
    for seed in SEEDS {
        let records = run(Scenario::AlwaysBad, seed, true);
        for record in &records {
            let verdict = record.summary.kpi_verdict;
            assert_eq!(verdict, Some(KpiVerdict::Fail), "seed {seed}, iteration {}", record.number);
        }
        assert!(records.iter().any(|record| record.tuning.panic_revert), "seed {seed}");
    }
}

#[test]
fn a_run_that_is_resumed_lives_through_the_same_world() {
    let whole = run(Scenario::Default, 1, true);
    let mut state = whole[11].state.clone();
    let mut simulator = Simulator::new(1, Scenario::Default);
    for expected in &whole[12..] {
        let overrides = planner().begin(&state, expected.number).overrides;
        assert_eq!(overrides, expected.overrides);
        let report = simulator.report(expected.number, &overrides).expect("all parameters are there");
        let record = crate::it::planner::finished(&planner(), &state, expected.number, Ok(report));
        assert_eq!(&record, expected);
        state = record.state;
    }
}

/// The checks of sanity that find something in a run, by name.
fn oddities(records: &[IterationRecord]) -> Vec<String> {
    let policy = &*POLICY;
    let mut series = Series::new(None, policy.kpis.columns());
    let mut interner = Interner::default();
    for record in records {
        let counts = ["maker_count", "taker_count"].map(|key| record.summary.fills.get(key).copied());
        let fills = counts.into_iter().sum::<Option<f64>>();
        assert!(fills.is_some(), "the simulator tells its fills: {:?}", record.summary.fills);
        series.push(Iteration { fills, ..crate::it::support::as_judged(record) }, &mut interner);
    }
    let numbers: Ranges = series.rows().iter().map(|row| row.number).collect();
    let window = |spec| Window::find(&series, spec, &policy.windows, &numbers);
    let last = window(WindowSpec::LastN);
    let subject = sanity::Subject {
        series: &series,
        last: &last,
        steady: &window(WindowSpec::Steady),
        judged: &last,
        repeats: &[],
        required: &KpiId::OF_THE_VERDICT,
        looked_at: &KpiId::OF_THE_VERDICT,
        interval: None,
        kpis: &policy.kpis,
    };
    let checks = sanity::checks(&subject, &policy.sanity);
    let odd = checks.into_iter().filter(|check| check.outcome == Outcome::Warn);
    odd.map(|check| format!("{}: {}", check.gate, check.reason)).collect()
}

#[test]
fn sane_runs_are_hardly_ever_called_odd() {
    // At most one in twenty. With the seeds 1 to 100 it holds for 96 iterations, and without tuning, too.
    for (iterations, seeds, most) in [(24, 1..=100, 5), (96, 1..=20, 1)] {
        let found: Vec<(u64, Vec<String>)> = seeds
            .map(|seed| (seed, oddities(&run_of(iterations, Scenario::Default, seed, true))))
            .filter(|(_, odd)| !odd.is_empty())
            .collect();
        assert!(found.len() <= most, "{iterations} iterations: {found:#?}");
    }
}
