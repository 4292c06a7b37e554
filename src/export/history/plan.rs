//! What of a history a store takes, and why not the rest: known before anything is sent.
//!
//! Prometheus refuses samples further behind the newest it has than half a block, or than
//! `out_of_order_time_window` where that is set, and ones more than ten minutes ahead; without that window also
//! whatever is older than the newest sample of its series. `VictoriaMetrics` takes what it would keep, up to two
//! days ahead. Pure: queries nobody.

use std::collections::{BTreeMap, BTreeSet};

use super::{History, Moment};

/// Prometheus' blocks are this long unless it says otherwise, ms.
const BLOCK_MS: i64 = 2 * 3_600_000;
/// Prometheus refuses what lies further in the future than this, ms.
const PROMETHEUS_AHEAD_MS: i64 = 10 * 60_000;
/// `VictoriaMetrics` drops what lies further in the future than this, ms.
const VICTORIA_AHEAD_MS: i64 = 2 * 24 * 3_600_000;
/// The head of a Prometheus that scrapes moves on between the question and the last sample, ms.
const MOVES_ON_MS: i64 = 60_000;

/// A store, as far as it could be queried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    Prometheus(Prometheus),
    /// `VictoriaMetrics`.
    VictoriaMetrics {
        /// For how long it keeps samples, ms.
        retention_ms: i64,
        /// The times of this history that it has already: it keeps a sample twice that is sent twice.
        present: Times,
    },
    /// Something that cannot be queried for what it takes.
    Unknown,
}

/// What a Prometheus says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prometheus {
    /// Whether it takes remote write at all; `None` = it does not say.
    pub receives: Option<bool>,
    /// Its newest sample, ms; `None` = it has none, or does not say.
    pub head_newest: Option<i64>,
    /// Length of a block, ms; `None` = it does not say.
    pub min_block_ms: Option<i64>,
    /// How late samples may come, ms; 0 = not at all.
    pub out_of_order_ms: i64,
    /// For how long it keeps samples, ms; `None` = for ever, or it does not say.
    pub retention_ms: Option<i64>,
    /// The times of this history that it has already.
    pub present: Times,
}

/// Times, ms, by symbol (`""` without one).
pub type Times = BTreeMap<String, BTreeSet<i64>>;

impl Store {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Prometheus(_) => "Prometheus",
            Self::VictoriaMetrics { .. } => "VictoriaMetrics",
            Self::Unknown => "a store that does not report what it accepts",
        }
    }
}

/// Why a store does not take a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// It is older than what the store keeps.
    Retention {
        /// The oldest time that is kept, ms.
        oldest: i64,
        /// For how long it keeps samples, ms.
        keeps_ms: i64,
    },
    /// It comes too late for the head.
    Late {
        /// The oldest time that is taken, ms.
        oldest: i64,
        /// The window that would take all that come too late for this reason, ms, in whole hours.
        window_ms: i64,
    },
    /// The series has a newer sample already, and the store takes no late ones.
    OutOfOrder {
        /// The newest sample of the series, ms.
        newest: i64,
        /// The window that would take all that come too late for this reason, ms, in whole hours.
        window_ms: i64,
    },
    /// It lies in the future.
    Future {
        /// The newest time that is taken, ms.
        newest: i64,
    },
}

/// What is sent and what is not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Is sent, in the order of time.
    pub send: Vec<Moment>,
    /// Is there already.
    pub present: Vec<Moment>,
    /// Is not taken, and why; one entry a reason.
    pub refused: Vec<(Refusal, Vec<Moment>)>,
}

/// Decides. `now` in ms since 1970.
pub fn plan(history: &History, store: &Store, now: i64) -> Plan {
    let mut plan = Plan::default();
    for moment in &history.moments {
        match judge(moment, history, store, now) {
            Verdict::Send => plan.send.push(moment.clone()),
            Verdict::Present => plan.present.push(moment.clone()),
            Verdict::Refused(refusal) => {
                match plan.refused.iter_mut().find(|(known, _)| same_reason(known, &refusal)) {
                    // Times ascend, so the first of a reason asks for the widest window.
                    Some((_, moments)) => moments.push(moment.clone()),
                    None => plan.refused.push((refusal, vec![moment.clone()])),
                }
            }
        }
    }
    plan
}

fn same_reason(a: &Refusal, b: &Refusal) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

enum Verdict {
    Send,
    Present,
    Refused(Refusal),
}

fn judge(moment: &Moment, history: &History, store: &Store, now: i64) -> Verdict {
    let at = moment.at;
    match store {
        Store::Unknown => Verdict::Send,
        Store::VictoriaMetrics { retention_ms, present } => {
            if times(present, moment).is_some_and(|present| present.contains(&at)) {
                return Verdict::Present;
            }
            let (oldest, newest) = (now.saturating_sub(*retention_ms), now.saturating_add(VICTORIA_AHEAD_MS));
            if at < oldest {
                Verdict::Refused(Refusal::Retention { oldest, keeps_ms: *retention_ms })
            } else if at > newest {
                Verdict::Refused(Refusal::Future { newest })
            } else {
                Verdict::Send
            }
        }
        Store::Prometheus(prometheus) => {
            let present = times(&prometheus.present, moment);
            if present.is_some_and(|present| present.contains(&at)) {
                return Verdict::Present;
            }
            let newest = now.saturating_add(PROMETHEUS_AHEAD_MS);
            if at > newest {
                return Verdict::Refused(Refusal::Future { newest });
            }
            let last = present.and_then(|present| present.last().copied());
            match prometheus.refuses(at, last, history) {
                Some(refusal) => Verdict::Refused(refusal),
                None => Verdict::Send,
            }
        }
    }
}

fn times<'t>(present: &'t Times, moment: &Moment) -> Option<&'t BTreeSet<i64>> {
    present.get(moment.symbol.as_deref().unwrap_or_default())
}

impl Prometheus {
    /// Why it does not take a sample of that time, when `last` is the newest of the series.
    fn refuses(&self, at: i64, last: Option<i64>, history: &History) -> Option<Refusal> {
        // What is dropped is counted back from the newest data, not from now.
        let newest_sent = history.moments.last().map(|moment| moment.at);
        if let (Some(keeps_ms), Some(newest)) = (self.retention_ms, self.head_newest.max(newest_sent)) {
            let oldest = newest.saturating_sub(keeps_ms);
            if at < oldest {
                return Some(Refusal::Retention { oldest, keeps_ms });
            }
        }
        let late = self.out_of_order_ms;
        if let Some(head) = self.head_newest {
            let behind = late.max(self.min_block_ms.unwrap_or(BLOCK_MS) / 2);
            let oldest = head.saturating_sub(behind).saturating_add(MOVES_ON_MS);
            if at < oldest {
                return Some(Refusal::Late { oldest, window_ms: window(head, at) });
            }
        }
        match last {
            Some(newest) if at < newest && late == 0 => Some(Refusal::OutOfOrder {
                newest,
                window_ms: window(newest.max(self.head_newest.unwrap_or(newest)), at),
            }),
            _ => None,
        }
    }
}

/// The window that takes a sample of that time, rounded up to whole hours with one to spare.
fn window(head: i64, at: i64) -> i64 {
    let hour = 3_600_000;
    (head.saturating_sub(at) / hour).saturating_add(2).saturating_mul(hour)
}

/// Cuts moments into batches of at most so many samples, in the order of time. A moment is never split; one with more
/// samples than that makes a batch of its own.
pub fn batches(moments: &[Moment], samples: usize) -> Vec<&[Moment]> {
    let mut batches = Vec::new();
    let (mut start, mut held) = (0, 0);
    for (index, moment) in moments.iter().enumerate() {
        if held > 0 && held + moment.samples() > samples {
            batches.push(&moments[start..index]);
            (start, held) = (index, 0);
        }
        held += moment.samples();
    }
    if held > 0 {
        batches.push(&moments[start..]);
    }
    batches
}

#[cfg(test)]
mod tests {

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
    fn reported(store: &Store, times: &[i64]) -> Decided {
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
        let (send, there, _) = reported(&victoria_metrics(DAY), &[NOW - 8, NOW - 7, NOW - 6]);
        assert_eq!((send, there), (vec![1, 3], vec![2]));
    }

    #[test]
    fn prometheus_takes_half_a_block_behind_its_newest_sample_less_what_it_moves_on() {
        let oldest = NOW - HOUR + 60_000;
        let (send, _, refused) = reported(&prometheus(|_| ()), &[oldest - 1, oldest, NOW]);
        assert_eq!(send, [2, 3]);
        // 59 minutes and a millisecond: one hour and one to spare make 2, 0 whole hours + 2.
        assert_eq!(refused, [(Refusal::Late { oldest, window_ms: 2 * HOUR }, vec![1])]);
        let (send, ..) = reported(
            &prometheus(|prometheus| prometheus.min_block_ms = Some(4 * HOUR)),
            &[NOW - 2 * HOUR + 60_000],
        );
        assert_eq!(send, [1]);
    }

    #[test]
    fn the_window_for_late_samples_widens_what_is_taken() {
        let store = prometheus(|prometheus| prometheus.out_of_order_ms = 10 * HOUR);
        let oldest = NOW - 10 * HOUR + 60_000;
        let (send, _, refused) = reported(&store, &[NOW - 30 * HOUR, NOW - 29 * HOUR, oldest, NOW]);
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
        let (send, _, refused) = reported(&store, &[oldest - 1, oldest, newest]);
        assert_eq!(send, [2, 3]);
        assert_eq!(refused, [(Refusal::Retention { oldest, keeps_ms: 15 * DAY }, vec![1])]);
    }

    #[test]
    fn what_is_there_already_is_not_sent_again() {
        let present = BTreeSet::from([NOW - 3000, NOW - 1000]);
        let store =
            prometheus(|prometheus| prometheus.present = BTreeMap::from([(String::new(), present.clone())]));
        let (send, there, refused) = reported(&store, &[NOW - 3000, NOW - 2000, NOW - 1000, NOW]);
        assert_eq!((send, there), (vec![4], vec![1, 3]));
        assert_eq!(refused, [(Refusal::OutOfOrder { newest: NOW - 1000, window_ms: 2 * HOUR }, vec![2])]);
        let late = prometheus(|prometheus| {
            prometheus.present = BTreeMap::from([(String::new(), present)]);
            prometheus.out_of_order_ms = HOUR;
        });
        assert_eq!(reported(&late, &[NOW - 3000, NOW - 2000]).0, [2]);
    }

    #[test]
    fn the_future_has_a_limit_in_both_stores() {
        for (store, ahead) in [(prometheus(|_| ()), 10 * 60_000), (victoria_metrics(DAY), 2 * DAY)] {
            let newest = NOW + ahead;
            let (send, _, refused) = reported(&store, &[newest, newest + 1]);
            assert_eq!((send, refused), (vec![1], vec![(Refusal::Future { newest }, vec![2])]));
        }
    }

    #[test]
    fn victoria_metrics_takes_what_it_would_keep_in_any_order() {
        let (send, _, refused) =
            reported(&victoria_metrics(31 * DAY), &[NOW - 31 * DAY - 1, NOW - 31 * DAY, NOW]);
        assert_eq!(send, [2, 3]);
        let refusal = Refusal::Retention { oldest: NOW - 31 * DAY, keeps_ms: 31 * DAY };
        assert_eq!(refused, [(refusal, vec![1])]);
    }

    #[test]
    fn a_store_that_cannot_be_queried_is_sent_everything() {
        assert_eq!(reported(&Store::Unknown, &[0, NOW * 2]).0, [1, 2]);
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
}
