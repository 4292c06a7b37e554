//! The tuner never leaves the bounds, never history faster than the hourly limits, and never changes anything in
//! the last iteration nor what is frozen, whatever is measured. Panic reverts and phases may.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use soak::core::analysis::deltas;
use soak::core::iteration::params::{ParamName, ParamValues};
use soak::core::policy::Step;
use soak::core::policy::run::Preset;
use soak::core::series::{Interner, Series};
use soak::run::iteration::EdgeReport;
use soak::run::iteration::{IterationRecord, Phase};
use soak::run::planner::Planner;

use crate::it::planner::{POLICY, Run, finished, planner, report};

/// What an iteration measures, in the order of [`KEYS`]; `None` = the collection failed.
type Measured = Option<[f64; 6]>;

const KEYS: [&str; 6] =
    ["risk_ratio", "net_bps", "maker_taker_ratio", "p95_latency_ms", "adverse_bps_p95", "slippage_bps_p95"];

/// The corners of the tuner's table.
fn corner() -> impl Strategy<Value = Measured> {
    let risk = prop::sample::select(vec![0.0, 0.30, 0.35, 0.36, 0.40, 0.45, 0.60, 0.9]);
    let net = prop::sample::select(vec![-5.0, -0.1, 0.0, 1.9, 2.69, 2.7, 2.95, 3.0, 4.0]);
    let maker = prop::sample::select(vec![0.5, 0.849, 0.85, 0.95]);
    let latency = prop::sample::select(vec![100.0, 329.0, 330.0, 360.0, 361.0, 900.0]);
    let adverse = prop::sample::select(vec![1.0, 3.5, 3.6]);
    let slippage = prop::sample::select(vec![1.0, 2.5, 2.6]);
    (risk, net, maker, latency, adverse, slippage).prop_map(|(a, b, c, d, e, f)| Some([a, b, c, d, e, f]))
}

fn any_value() -> impl Strategy<Value = Measured> {
    (0.0..=1.0, -20.0..20.0, 0.0..=1.0, 0.0..2000.0, -10.0..50.0, -10.0..50.0)
        .prop_map(|(a, b, c, d, e, f)| Some([a, b, c, d, e, f]))
}

fn extreme() -> impl Strategy<Value = Measured> {
    let one = || prop::sample::select(vec![0.0, 1.0, -1e300, 1e300, 1e-300, -0.0]);
    [one(), one(), one(), one(), one(), one()].prop_map(Some)
}

/// Sequences: constant, few-valued, free, extreme, each with failed collections in between.
fn sequence() -> impl Strategy<Value = Vec<Measured>> {
    let length = 2..40usize;
    let constant = (corner(), length.clone()).prop_map(|(one, n)| vec![one; n]);
    let few = (prop::collection::vec(corner(), 2..4), prop::collection::vec(0..3usize, length.clone()))
        .prop_map(|(pool, picks)| picks.into_iter().map(|pick| pool[pick % pool.len()]).collect());
    let mixed = prop_oneof![4 => corner(), 3 => any_value(), 1 => extreme(), 1 => Just(None)];
    prop_oneof![
        constant,
        few,
        prop::collection::vec(corner(), length.clone()),
        prop::collection::vec(mixed, length)
    ]
}

/// Start values: the defaults, or anywhere within the bounds.
fn start() -> impl Strategy<Value = Vec<(&'static str, f64)>> {
    let anywhere = prop::collection::vec(0.0..=1.0f64, 11).prop_map(|shares| {
        POLICY
            .run
            .parameters
            .iter()
            .zip(shares)
            .map(|(parameter, share)| {
                (parameter.name.as_str(), parameter.rounded(parameter.lowest + share * parameter.width()))
            })
            .collect()
    });
    prop_oneof![Just(Vec::new()), anywhere]
}

/// No phases, the built-in warm-up, or one that goes the other way, so that deltas and the way back meet at the
/// bounds.
fn warmups() -> impl Strategy<Value = Option<Preset>> {
    let built_in = POLICY.run.preset("warmup_conservative_v1").expect("a preset").clone();
    let changes = [
        ("base_spread_bps_delta", Step::Add(-0.05)),
        ("impact_cap_ratio", Step::Multiply(1.2)),
        ("min_interval_ms", Step::Add(-20.0)),
        ("replace_rate_per_min", Step::Multiply(0.7)),
        ("tail_age_ms", Step::Add(-100.0)),
    ];
    let changes = changes.map(|(name, step)| (ParamName::flat(name), step)).to_vec();
    let hasty = Preset { name: "hasty".to_owned(), changes, source: built_in.source.clone() };
    prop::sample::select(vec![None, Some(built_in), Some(hasty)])
}

fn delivered(measured: Measured) -> Result<EdgeReport, String> {
    let values = measured.ok_or_else(|| "nothing came".to_owned())?;
    Ok(report(&KEYS.into_iter().zip(values).collect::<Vec<_>>()))
}

fn changed(before: &ParamValues, after: &ParamValues) -> Vec<(ParamName, f64)> {
    before
        .iter()
        .zip(after.iter())
        .filter(|(a, b)| a.1 != b.1)
        .map(|(a, b)| (a.0.clone(), b.1 - a.1))
        .collect()
}

/// Counts stable iterations and freezes by itself.
#[derive(Default)]
struct FreezeByHand {
    streak: u64,
    until: u64,
}

impl FreezeByHand {
    /// Whether the sensitive parameters must stand still.
    fn holds(&mut self, number: u64, measured: Measured) -> bool {
        let stable = measured.is_some_and(|values| values[0] <= 0.35 && values[1] >= 2.7 && values[0] >= 0.0);
        self.streak = if stable { self.streak + 1 } else { 0 };
        if number > self.until && self.streak >= 2 {
            self.until = number + 4;
            self.streak = 0;
            return true;
        }
        number <= self.until
    }
}

fn check(run: &Run<'_>, sequence: &[Measured], seconds: f64) -> Result<(), TestCaseError> {
    let mut freeze = FreezeByHand::default();
    let mut history: BTreeMap<ParamName, Vec<(f64, f64)>> = BTreeMap::new();
    let last = run.planner.iterations;
    for (record, measured) in run.records.iter().zip(sequence) {
        let number = record.number;
        for values in [&record.overrides, &record.state.overrides] {
            for (name, value) in values.iter() {
                let parameter = POLICY.run.parameters.get(name).expect("a parameter");
                prop_assert!(parameter.allows(value), "{number}: {name} {value}");
                prop_assert!(!parameter.is_whole || value.fract() == 0.0, "{number}: {name} {value}");
            }
        }
        let holds = freeze.holds(number, *measured);
        check_memory(record, seconds)?;
        let moved = changed(&record.overrides, &record.state.overrides);
        prop_assert!(number < last || moved.is_empty(), "the last iteration changed {moved:?}");
        prop_assert!(measured.is_some() || moved.is_empty());
        prop_assert_eq!(record.tuning.applied(), record.tuning.skip.is_none());
        if record.tuning.panic_revert {
            continue;
        }
        prop_assert_eq!(moved.len(), record.tuning.applied_values.len());
        let now = number as f64 * seconds;
        for (name, change) in moved {
            let frozen = ["impact_cap_ratio", "max_delta_ratio"].contains(&name.as_str());
            prop_assert!(!(holds && frozen), "{number}: {name} is frozen");
            let parameter = POLICY.run.parameters.get(&name).expect("a parameter");
            let made = history.entry(name.clone()).or_default();
            made.push((now, change.abs()));
            let hour: f64 = made.iter().filter(|(at, _)| now - at < 3600.0).map(|(_, size)| size).sum();
            let factor = if record.phase == Phase::Warmup { 1.5 } else { 1.0 };
            prop_assert!(
                hour <= parameter.max_change_per_hour * factor + 1e-6,
                "{number}: {name} moved {hour} in an hour"
            );
        }
    }
    Ok(())
}

/// What was applied stands in the next iteration, and what was not has a reason: also beside phases, panic
/// reverts and bounds.
fn check_deltas(run: &Run<'_>) -> Result<(), TestCaseError> {
    let mut series = Series::new(None, POLICY.kpis.columns());
    let mut interner = Interner::default();
    for record in &run.records {
        series.push(crate::it::support::as_judged(record), &mut interner);
    }
    let seen = deltas::verify(&series, &BTreeMap::new(), Some(&run.state.overrides));
    let counts = &seen.counts;
    let amiss = counts.partial_unexplained + counts.failed + counts.stuck + counts.unverifiable;
    let odd = |pair: &&deltas::Pair| pair.attention() != deltas::Attention::None;
    prop_assert_eq!(amiss, 0, "{:?}", seen.pairs.iter().find(odd));
    Ok(())
}

fn check_memory(record: &IterationRecord, seconds: f64) -> Result<(), TestCaseError> {
    let state = &record.state;
    prop_assert!(state.override_hashes.len() <= 3);
    prop_assert!(state.applied_values.values().all(|values| values.len() <= 5));
    let per_hour = (3600.0 / seconds).ceil() + 1.0;
    prop_assert!((state.recent_changes.len() as f64) <= per_hour * 11.0);
    prop_assert!(state.recent_changes.iter().all(|change| state.run_seconds - change.run_seconds < 3600.0));
    let failures = &record.tuning;
    prop_assert_eq!(failures.skip.is_some(), failures.skip_note.is_some());
    Ok(())
}

proptest! {
    #[test]
    fn the_tuner_keeps_bounds_limits_freezes_and_its_hands_off_the_end(
        sequence in sequence(),
        start in start(),
        interval in prop_oneof![Just(300u64), 5..3600u64],
        warmup in warmups(),
    ) {
        let planner = Planner {
            iterations: sequence.len() as u64,
            interval: Duration::from_secs(interval),
            warmup: warmup.as_ref(),
            ..planner()
        };
        let mut run = Run::from(planner, &start);
        for measured in &sequence {
            run.step(delivered(*measured));
        }
        check(&run, &sequence, interval as f64)?;
        check_deltas(&run)?;
    }

    #[test]
    fn the_same_iteration_twice_is_the_same_record_and_again_on_top_changes_nothing(
        sequence in sequence(),
        start in start(),
    ) {
        let mut run = Run::from(Planner { iterations: 100, ..planner() }, &start);
        for measured in &sequence {
            let before = run.state.clone();
            let record = run.step(delivered(*measured)).clone();
            let number = record.number;
            prop_assert_eq!(&finished(&run.planner, &before, number, delivered(*measured)), &record);
            if record.tuning.applied() {
                let again = finished(&run.planner, &record.state, number, delivered(*measured));
                prop_assert_eq!(again.state.overrides == record.state.overrides || again.tuning.panic_revert, true);
            }
        }
    }

    #[test]
    fn without_tuning_nothing_but_phases_and_panic_moves_anything(sequence in sequence(), warmup in any::<bool>()) {
        let planner = Planner {
            auto_tune: false,
            warmup: POLICY.run.preset("warmup_conservative_v1").filter(|_| warmup),
            ..planner()
        };
        let mut run = Run::of(planner);
        for measured in &sequence {
            let record = run.step(delivered(*measured));
            prop_assert!(record.tuning.panic_revert || record.state.overrides == record.overrides);
        }
    }
}
