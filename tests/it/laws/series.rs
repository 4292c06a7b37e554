//! Generators: runs of every shape that real ones have had, as rows of the four KPIs of the verdict.

use proptest::collection::vec;
use proptest::prelude::*;
use soak::core::iteration::Iteration;
use soak::core::kpi::{KpiId, KpiTable};
use soak::core::series::{Interner, Series};
use soak::core::verdict::evidence::Evidence;

/// Risk, maker, net, p95 of one iteration, and whether it has a freeze.
#[derive(Clone, Debug)]
pub struct Point {
    pub values: [Option<f64>; 4],
    pub freeze: bool,
}

/// Values around the limits: better, at, and worse, in the order of [`KpiId::OF_THE_VERDICT`].
const GOOD: [f64; 4] = [0.30, 0.90, 3.2, 300.0];
const AT: [f64; 4] = [0.42, 0.85, 2.7, 350.0];
const BAD: [f64; 4] = [0.55, 0.70, 1.0, 420.0];

fn known(values: [f64; 4]) -> [Option<f64>; 4] {
    values.map(Some)
}

/// A value of each KPI that could be measured.
fn anything() -> impl Strategy<Value = [Option<f64>; 4]> {
    (0.0..=1.0f64, 0.0..=1.0f64, -20.0..20.0f64, 0.0..900.0f64)
        .prop_map(|(risk, maker, net, p95)| known([risk, maker, net, p95]))
}

/// One of few values.
fn one_of_few() -> impl Strategy<Value = [Option<f64>; 4]> {
    prop_oneof![3 => Just(known(GOOD)), 1 => Just(known(AT)), 1 => Just(known(BAD))]
}

/// Few values, each of which may be missing.
fn with_holes() -> impl Strategy<Value = [Option<f64>; 4]> {
    (one_of_few(), 0u8..32).prop_map(|(mut values, holes)| {
        for (index, value) in values.iter_mut().enumerate() {
            if holes & (1 << index) != 0 && holes & 16 == 0 {
                *value = None;
            }
        }
        values
    })
}

/// 1 to 40 iterations.
fn shapes() -> impl Strategy<Value = Vec<[Option<f64>; 4]>> {
    let length = 1usize..=40;
    prop_oneof![
        1 => (one_of_few(), length.clone()).prop_map(|(values, n)| vec![values; n]),
        3 => vec(one_of_few(), length.clone()),
        2 => (length.clone(), any::<prop::sample::Index>(), anything()).prop_map(|(n, at, outlier)| {
            let mut run = vec![known(GOOD); n];
            run[at.index(n)] = outlier;
            run
        }),
        2 => (length.clone(), any::<prop::sample::Index>()).prop_map(|(n, step)| {
            let step = step.index(n);
            (0..n).map(|at| known(if at < step { BAD } else { GOOD })).collect()
        }),
        1 => one_of_few().prop_map(|values| vec![values]),
        3 => vec(with_holes(), length.clone()),
        2 => vec(anything(), length),
    ]
}

/// A run of any shape.
pub fn runs() -> impl Strategy<Value = Vec<Point>> {
    shapes().prop_flat_map(|rows| {
        let n = rows.len();
        vec(prop::bool::weighted(0.2), n).prop_map(move |freezes| {
            rows.iter().zip(freezes).map(|(values, freeze)| Point { values: *values, freeze }).collect()
        })
    })
}

/// A series of a run, numbered from 1.
pub fn series(symbol: Option<&str>, run: &[Point]) -> Series {
    let kpis = KpiTable::default().columns();
    let mut series = Series::new(symbol.map(str::to_owned), kpis);
    for (number, point) in (1..).zip(run) {
        let mut iteration = Iteration { number, values: vec![None; kpis], ..Iteration::default() };
        for (kpi, value) in KpiId::OF_THE_VERDICT.into_iter().zip(point.values) {
            iteration.values[kpi.index()] = value;
        }
        iteration.tuning.freeze = point.freeze;
        series.push(iteration, &mut Interner::default());
    }
    series
}

/// A folder with one series.
pub fn folder(run: &[Point]) -> Evidence {
    Evidence { series: vec![series(None, run)], ..Evidence::default() }
}
