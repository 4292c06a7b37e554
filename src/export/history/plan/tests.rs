//! Every boundary of what a store takes.

use super::*;
use crate::core::kpi::KpiId;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const NOW: i64 = 1_000 * DAY;

fn history(times: &[i64]) -> History {
    let moment = |(iteration, at): (u64, &i64)| Moment {
        at: *at,
        iteration,
        symbol: None,
        values: vec![(KpiId::NET_BPS, 1.0)],
    };
    History { moments: (1..).zip(times).map(moment).collect(), left_out: Vec::new() }
}

/// What is sent, present and refused, by iteration.
type Decided = (Vec<u64>, Vec<u64>, Vec<(Refusal, Vec<u64>)>);

/// Decides about iterations 1, 2, … at these times.
fn told(store: &Store, times: &[i64]) -> Decided {
    let numbers = |moments: &[Moment]| moments.iter().map(|moment| moment.iteration).collect::<Vec<_>>();
    let plan = plan(&history(times), store, NOW);
    let refused = plan.refused.iter().map(|(refusal, moments)| (*refusal, numbers(moments))).collect();
    (numbers(&plan.send), numbers(&plan.present), refused)
}

fn prometheus(change: impl FnOnce(&mut Prometheus)) -> Store {
    let mut prometheus = Prometheus { head_newest: Some(NOW), ..Prometheus::default() };
    change(&mut prometheus);
    Store::Prometheus(prometheus)
}

fn victoria_metrics(retention_ms: i64) -> Store {
    let present = BTreeMap::from([(String::new(), BTreeSet::from([NOW - 7]))]);
    Store::VictoriaMetrics { retention_ms, present }
}

#[test]
fn victoria_metrics_is_not_sent_twice_what_it_would_keep_twice() {
    let (send, there, _) = told(&victoria_metrics(DAY), &[NOW - 8, NOW - 7, NOW - 6]);
    assert_eq!((send, there), (vec![1, 3], vec![2]));
}

#[test]
fn prometheus_takes_half_a_block_behind_its_newest_sample_less_what_it_moves_on() {
    let oldest = NOW - HOUR + 60_000;
    let (send, _, refused) = told(&prometheus(|_| ()), &[oldest - 1, oldest, NOW]);
    assert_eq!(send, [2, 3]);
    // 59 minutes and a millisecond: one hour and one to spare make 2, 0 whole hours + 2.
    assert_eq!(refused, [(Refusal::Late { oldest, window_ms: 2 * HOUR }, vec![1])]);
    let (send, ..) =
        told(&prometheus(|prometheus| prometheus.min_block_ms = Some(4 * HOUR)), &[NOW - 2 * HOUR + 60_000]);
    assert_eq!(send, [1]);
}

#[test]
fn the_window_for_late_samples_widens_what_is_taken() {
    let store = prometheus(|prometheus| prometheus.out_of_order_ms = 10 * HOUR);
    let oldest = NOW - 10 * HOUR + 60_000;
    let (send, _, refused) = told(&store, &[NOW - 30 * HOUR, NOW - 29 * HOUR, oldest, NOW]);
    assert_eq!(send, [3, 4]);
    // The window asked for is that of the oldest.
    assert_eq!(refused, [(Refusal::Late { oldest, window_ms: 32 * HOUR }, vec![1, 2])]);
}

#[test]
fn an_empty_prometheus_takes_any_time_that_it_would_keep() {
    let store = prometheus(|prometheus| {
        prometheus.head_newest = None;
        prometheus.retention_ms = Some(15 * DAY);
    });
    // Counted back from the newest sample that is sent: 15 days before 900 DAY.
    let newest = 900 * DAY;
    let oldest = newest - 15 * DAY;
    let (send, _, refused) = told(&store, &[oldest - 1, oldest, newest]);
    assert_eq!(send, [2, 3]);
    assert_eq!(refused, [(Refusal::Retention { oldest, keeps_ms: 15 * DAY }, vec![1])]);
}

#[test]
fn what_is_there_already_is_not_sent_again() {
    let present = BTreeSet::from([NOW - 3000, NOW - 1000]);
    let store =
        prometheus(|prometheus| prometheus.present = BTreeMap::from([(String::new(), present.clone())]));
    let (send, there, refused) = told(&store, &[NOW - 3000, NOW - 2000, NOW - 1000, NOW]);
    assert_eq!((send, there), (vec![4], vec![1, 3]));
    assert_eq!(refused, [(Refusal::OutOfOrder { newest: NOW - 1000, window_ms: 2 * HOUR }, vec![2])]);
    let late = prometheus(|prometheus| {
        prometheus.present = BTreeMap::from([(String::new(), present)]);
        prometheus.out_of_order_ms = HOUR;
    });
    assert_eq!(told(&late, &[NOW - 3000, NOW - 2000]).0, [2]);
}

#[test]
fn the_future_has_a_limit_in_both_stores() {
    for (store, ahead) in [(prometheus(|_| ()), 10 * 60_000), (victoria_metrics(DAY), 2 * DAY)] {
        let newest = NOW + ahead;
        let (send, _, refused) = told(&store, &[newest, newest + 1]);
        assert_eq!((send, refused), (vec![1], vec![(Refusal::Future { newest }, vec![2])]));
    }
}

#[test]
fn victoria_metrics_takes_what_it_would_keep_in_any_order() {
    let (send, _, refused) = told(&victoria_metrics(31 * DAY), &[NOW - 31 * DAY - 1, NOW - 31 * DAY, NOW]);
    assert_eq!(send, [2, 3]);
    let refusal = Refusal::Retention { oldest: NOW - 31 * DAY, keeps_ms: 31 * DAY };
    assert_eq!(refused, [(refusal, vec![1])]);
}

#[test]
fn a_store_that_cannot_be_asked_is_sent_everything() {
    assert_eq!(told(&Store::Unknown, &[0, NOW * 2]).0, [1, 2]);
}

#[test]
fn batches_hold_at_most_so_many_samples_and_never_half_a_moment() {
    // Two samples each: the value and the number.
    let history = history(&[1, 2, 3, 4, 5]);
    let sizes =
        |samples| batches(&history.moments, samples).iter().map(|batch| batch.len()).collect::<Vec<_>>();
    assert_eq!(sizes(4), [2, 2, 1]);
    assert_eq!(sizes(5), [2, 2, 1]);
    assert_eq!(sizes(1), [1, 1, 1, 1, 1]);
    assert_eq!(sizes(100), [5]);
    assert!(batches(&[], 4).is_empty());
}
