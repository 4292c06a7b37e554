//! Few iterations that stand for many: what a chart of a long run must not lose.
//!
//! Of each stretch stay, for every KPI, the smallest and the largest value and the first that is missing, and the
//! first iteration of everything that is marked: a miss, a change, each guard. The latest iterations all stay.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{LiveIteration, LiveRun};
use crate::core::guards::Guard;
use crate::core::kpi::KpiId;

/// So many of the latest iterations stay whatever is in them.
const LATEST: usize = 200;

/// An iteration of an overview.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'r> {
    /// The iteration.
    pub iteration: &'r Arc<LiveIteration>,
    /// Whether iterations between it and the one before were left out, and none of them was missing.
    pub joined: bool,
}

impl LiveRun {
    /// The KPIs that a person is shown: those with a limit, and the costs beside them.
    pub fn charted(&self) -> Vec<KpiId> {
        let mut charted: Vec<KpiId> = self.pass.checks.iter().map(|gate| gate.kpi).collect();
        for cost in [KpiId::ADVERSE_BPS_P95, KpiId::SLIPPAGE_BPS_P95] {
            if !charted.contains(&cost) {
                charted.push(cost);
            }
        }
        charted
    }

    /// At most `most` of the iterations, or all where there are no more; `most` is at least 400.
    pub fn overview(&self, most: usize) -> Vec<Kept<'_>> {
        let all = &self.iterations;
        let chosen: Vec<usize> =
            if all.len() <= most { (0..all.len()).collect() } else { self.thinned(most) };
        let mut before: Option<usize> = None;
        chosen
            .into_iter()
            .map(|position| {
                let left_out = before.map_or(0, |before| position - before - 1);
                let joined = before.is_some_and(|before| {
                    left_out > 0 && all[position].number - all[before].number == left_out as u64 + 1
                });
                before = Some(position);
                Kept { iteration: &all[position], joined }
            })
            .collect()
    }

    fn thinned(&self, most: usize) -> Vec<usize> {
        let earlier = self.iterations.len() - LATEST;
        let kpis = self.charted();
        let mut stretches = (most - LATEST) / 4;
        loop {
            let mut kept = BTreeSet::new();
            for stretch in 0..stretches {
                let (from, to) = (earlier * stretch / stretches, earlier * (stretch + 1) / stretches);
                self.keep(from, to, &kpis, &mut kept);
            }
            if kept.len() <= most - LATEST || stretches == 1 {
                kept.extend(earlier..self.iterations.len());
                return kept.into_iter().collect();
            }
            stretches = stretches * 2 / 3;
        }
    }

    fn keep(&self, from: usize, to: usize, kpis: &[KpiId], kept: &mut BTreeSet<usize>) {
        let first = |speaks: &dyn Fn(&LiveIteration) -> bool| {
            (from..to).find(|position| speaks(&self.iterations[*position]))
        };
        for kpi in kpis {
            let value =
                |position: usize| self.iterations[position].values.get(kpi.index()).copied().flatten();
            let known = || (from..to).filter_map(|position| Some((position, value(position)?)));
            kept.extend(known().min_by(|a, b| a.1.total_cmp(&b.1)).map(|(position, _)| position));
            kept.extend(known().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(position, _)| position));
            kept.extend((from..to).find(|position| value(*position).is_none()));
        }
        kept.extend(first(&|it| !it.passes && it.collection_failed.is_none()));
        kept.extend(first(&|it| it.collection_failed.is_some()));
        kept.extend(first(&|it| it.panic_revert));
        kept.extend(first(&|it| !it.applied.is_empty()));
        for guard in Guard::ALL {
            kept.extend(first(&|it| it.guards.contains(guard)));
        }
        let next_to = |differs: fn(&LiveIteration, &LiveIteration) -> bool| {
            (from.max(1)..to).find(|at| differs(&self.iterations[at - 1], &self.iterations[*at]))
        };
        kept.extend(next_to(|before, here| before.phase != here.phase));
        kept.extend(next_to(|before, here| here.number != before.number + 1));
    }
}
