//! From an edge report to the summary of an iteration.
//!
//! Takes what was delivered and nothing else: what is missing stays missing, what cannot be true is treated
//! as missing and noted, and nothing gets a default.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::core::judge::edge_report::checks;
use crate::core::kpi::{Kind, KpiId};
use crate::core::policy::run::{Bound, IterationVerdictRules};
use crate::core::policy::{Policy, Profile, kpi_of_a_run};
use crate::core::text::number::Finite;
use crate::core::verdict::Outcome;
use crate::run::iteration::counters::Counters;
use crate::run::iteration::{Blocks, EdgeReport, IterationSummary, KpiVerdict, MakerSource};
use crate::run::metrics::RATIOS;
use crate::run::tuner::propose::bound_words;

/// Shares of refused decisions that are KPIs, with their place in the report.
const BLOCKS: [(KpiId, &str); 3] = [
    (KpiId::RISK_RATIO, "block_reasons.risk.ratio"),
    (KpiId::MIN_INTERVAL_RATIO, "block_reasons.min_interval.ratio"),
    (KpiId::CONCURRENCY_RATIO, "block_reasons.concurrency.ratio"),
];

/// 95th percentiles that fall back to their means.
const MEANS: [(KpiId, KpiId); 2] =
    [(KpiId::ADVERSE_BPS_P95, KpiId::ADVERSE_BPS), (KpiId::SLIPPAGE_BPS_P95, KpiId::SLIPPAGE_BPS)];

/// The metric of the 72-hour report that no gate looks at and the report shows.
const MEDIAN_LATENCY: &str = "tick_latency_ms.p50";

/// The summary of an iteration that delivered this report and ended `at` this time, after these readings of counters;
/// `warming_up` makes a FAIL a WARN.
pub fn summarise(
    policy: &Policy,
    report: &EdgeReport,
    warming_up: bool,
    before: &Counters,
    at: DateTime<Utc>,
) -> IterationSummary {
    let mut taking = Taking {
        policy,
        report,
        before,
        at,
        counters: Vec::new(),
        values: vec![None; policy.kpis.columns()],
        above_highest: Vec::new(),
        notes: report.notes.clone(),
    };
    taking.spelled();
    let (mut fallbacks, mut maker_source) = (Vec::new(), None);
    if policy.profile == Profile::Trading {
        taking.blocks();
        fallbacks = taking.fallbacks();
        maker_source = taking.maker_share();
    }
    let Taking { values, mut above_highest, counters, notes, .. } = taking;
    above_highest.retain(|(kpi, ..)| values[kpi.index()].is_none());
    above_highest.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let (kpi_verdict, kpi_reasons) = verdict(&policy.run.iteration_verdict, &values, warming_up);
    IterationSummary {
        version: report.version.clone(),
        fallbacks,
        maker_source,
        fills: below(report, "fills.", ""),
        components: below(report, "component_breakdown.", ""),
        blocks: Blocks::new(below(report, "block_reasons.", ".count"), block_ratios(report)),
        neg_edge_drivers: report.neg_edge_drivers.clone(),
        kpi_verdict: Some(kpi_verdict),
        kpi_reasons,
        edge_gate: edge_gate(policy, report),
        kpi_gate: report.kpi_gate.clone(),
        sentinel_advice: report.sentinel_advice.clone(),
        audit: report.audit.clone(),
        values,
        above_highest,
        counters,
        notes,
    }
}

/// The metrics of the 72-hour report that were delivered: those that the run gates look at, and the median
/// latency of a tick. A share above 1 is a percentage, as everywhere in an edge report.
pub fn metrics(policy: &Policy, report: &EdgeReport) -> BTreeMap<String, f64> {
    policy
        .run_gates
        .iter()
        .map(|gate| gate.metric.as_str())
        .filter(|metric| kpi_of_a_run(metric, &policy.kpis).is_none())
        .chain((policy.profile == Profile::Trading).then_some(MEDIAN_LATENCY))
        .filter_map(|metric| {
            let raw = report.number(metric)?;
            // They are read as the built-in ratios are; what the policy declares is taken as it is.
            let is_ratio = RATIOS.contains(&metric) && policy.kpis.spelled(metric).is_none();
            let share = KpiId::RISK_RATIO;
            Some((metric.to_owned(), if is_ratio { share.in_unit(raw, 1.0)? } else { raw }))
        })
        .collect()
}

/// Values while they are taken from a report.
struct Taking<'a> {
    policy: &'a Policy,
    report: &'a EdgeReport,
    before: &'a Counters,
    at: DateTime<Utc>,
    counters: Vec<(KpiId, f64)>,
    values: Vec<Option<f64>>,
    above_highest: Vec<(KpiId, String, f64)>,
    notes: Vec<String>,
}

impl Taking<'_> {
    /// Under the KPI's own names; the first that is present wins.
    fn spelled(&mut self) {
        for id in self.policy.kpis.ids() {
            let found = id
                .spellings
                .iter()
                .find_map(|spelling| Some((spelling, *self.report.numbers.get(spelling.key)?)));
            if let Some((spelling, raw)) = found {
                self.values[id.index()] = self.usable(id, spelling.key, raw, spelling.scale);
            }
        }
    }

    /// The shares of refused decisions stand with their reasons; a value there comes first.
    fn blocks(&mut self) {
        for (id, key) in BLOCKS {
            let Some(raw) = self.report.numbers.get(key) else { continue };
            let value = self.usable(id, key, *raw, 1.0);
            if value.is_some() {
                self.values[id.index()] = value;
            }
        }
    }

    /// The value in the KPI's unit; what has none is noted.
    fn usable(&mut self, id: KpiId, key: &str, raw: Option<f64>, scale: f64) -> Option<f64> {
        let kpi = id;
        let Some(raw) = raw else {
            // A source that knows why has said so.
            let named = format!("`{key}`");
            if !self.notes.iter().any(|note| note.starts_with(&named)) {
                self.notes.push(format!("{named} has no usable number"));
            }
            return None;
        };
        let raw = if kpi.kind == Kind::Counter { self.counted(id, key, raw)? } else { raw };
        let value = kpi.in_unit(raw, scale);
        let possible = value.filter(|value| kpi.is_possible(*value));
        if possible.is_none() {
            self.notes.push(format!("`{key}` is {raw}, which cannot be, and was left out"));
        }
        if value.is_some_and(|value| kpi.is_too_high(value)) {
            self.above_highest.push((id, key.to_owned(), raw));
        }
        possible
    }

    /// The rate of a counter per second; the reading is kept.
    fn counted(&mut self, id: KpiId, key: &str, reading: f64) -> Option<f64> {
        if reading < 0.0 {
            self.notes.push(format!("`{key}` is {reading}, which no counter can be, and was left out"));
            return None;
        }
        self.counters.push((id, reading));
        let rate = self.before.rate(id, reading, self.at);
        let (value, note) = match rate {
            Ok(rate) => (Some(rate.per_second), rate.reset),
            Err(why) => (None, Some(why)),
        };
        self.notes.extend(note.map(|note| format!("`{key}` {note}")));
        value
    }

    fn fallbacks(&mut self) -> Vec<(KpiId, String)> {
        let mut taken = Vec::new();
        for (percentile, mean) in MEANS {
            if self.values[percentile.index()].is_none() && self.values[mean.index()].is_some() {
                self.values[percentile.index()] = self.values[mean.index()];
                taken.push((percentile, mean.name.to_owned()));
            }
        }
        taken
    }

    /// By volume, else by count, else from the percentage, else as it was reported.
    fn maker_share(&mut self) -> Option<MakerSource> {
        let slot = KpiId::MAKER_TAKER_RATIO.index();
        let by = |what: &str| {
            let maker = self.report.number(&format!("fills.maker_{what}"))?;
            let taker = self.report.number(&format!("fills.taker_{what}"))?;
            let is_share = maker >= 0.0 && taker >= 0.0 && maker + taker > 0.0;
            is_share.then(|| Finite::new(maker / (maker + taker)).map(Finite::get)).flatten()
        };
        let found = by("volume")
            .map(|share| (share, MakerSource::FillsVolume))
            .or_else(|| by("count").map(|share| (share, MakerSource::FillsCount)))
            .or_else(|| {
                let kpi = KpiId::MAKER_TAKER_RATIO;
                let percent = self.report.number("maker_share_pct")?;
                let share = kpi.in_unit(percent, 0.01)?;
                if kpi.is_too_high(share) {
                    let key = "maker_share_pct".to_owned();
                    self.above_highest.push((KpiId::MAKER_TAKER_RATIO, key, percent));
                }
                kpi.is_possible(share).then_some((share, MakerSource::MakerSharePct))
            });
        for (key, raw) in &self.report.numbers {
            let impossible = match key.as_str() {
                "maker_share_pct" => raw.is_some_and(|percent| !(0.0..=100.0).contains(&percent)),
                key if key.starts_with("fills.") => raw.is_some_and(|fills| fills < 0.0),
                _ => false,
            };
            if let (true, Some(raw)) = (impossible, raw) {
                self.notes.push(format!("`{key}` is {raw}, which cannot be, and was left out"));
            }
        }
        match found {
            Some((share, source)) => {
                self.values[slot] = Some(share);
                Some(source)
            }
            None => self.values[slot].map(|_| MakerSource::Reported),
        }
    }
}

/// The numbers whose keys start and end so, by what is between.
fn below(report: &EdgeReport, start: &str, end: &str) -> BTreeMap<String, f64> {
    report
        .numbers
        .iter()
        .filter_map(|(key, value)| {
            let name = key.strip_prefix(start)?.strip_suffix(end)?;
            Some((name.to_owned(), (*value)?))
        })
        .collect()
}

/// Shares by reason, percentages turned into shares.
fn block_ratios(report: &EdgeReport) -> BTreeMap<String, f64> {
    let share = KpiId::RISK_RATIO;
    below(report, "block_reasons.", ".ratio")
        .into_iter()
        .filter_map(|(reason, raw)| {
            Some((reason, share.in_unit(raw, 1.0).filter(|value| share.is_possible(*value))?))
        })
        .collect()
}

/// What the limits on edge reports say about the totals; PASS is not told.
fn edge_gate(policy: &Policy, report: &EdgeReport) -> Vec<String> {
    checks(&report.numbers, &policy.edge_report, &policy.kpis)
        .into_iter()
        .filter(|check| check.outcome != Outcome::Pass)
        .map(|check| format!("{}: {} {}", check.gate, check.outcome, check.reason))
        .collect()
}

/// The runner's verdict on the iteration with its reasons. A KPI that the rules name and nobody delivered is
/// a WARN, as it may hide anything; the limits of `[iteration_pass]` it misses.
fn verdict(
    rules: &IterationVerdictRules,
    values: &[Option<f64>],
    warming_up: bool,
) -> (KpiVerdict, Vec<String>) {
    let value = |bound: &Bound| values.get(bound.kpi.index()).copied().flatten();
    let held = |bounds: &[Bound], word: KpiVerdict| -> Vec<String> {
        bounds
            .iter()
            .filter_map(|bound| bound_words(bound, value(bound)?))
            .map(|reason| format!("{}: {reason}", word.word()))
            .collect()
    };
    let fails = held(&rules.fail, if warming_up { KpiVerdict::Warn } else { KpiVerdict::Fail });
    let warmup: &[Bound] = if warming_up { &rules.warmup_warn } else { &[] };
    let verdict_of_fails = if warming_up { KpiVerdict::Warn } else { KpiVerdict::Fail };
    let mut warns = held(&rules.warn, KpiVerdict::Warn);
    warns.extend(held(warmup, KpiVerdict::Warn));
    let mut fails = fails;
    let of_fails = rules.fail.iter().filter(|_| rules.of_iteration_pass).map(|bound| bound.kpi);
    let is_missing = |kpi: &KpiId| values.get(kpi.index()).copied().flatten().is_none();
    fails.extend(
        of_fails
            .chain(rules.present.iter().copied())
            .filter(is_missing)
            .map(|kpi| format!("{}: {} is missing", verdict_of_fails.word(), kpi.name)),
    );
    let of_warns = rules.fail.iter().filter(|_| !rules.of_iteration_pass);
    for bound in rules.warn.iter().chain(of_warns).chain(warmup) {
        let missing = format!("WARN: {} is missing", bound.kpi.name);
        if value(bound).is_none() && !warns.contains(&missing) {
            warns.push(missing);
        }
    }
    let verdict = match (fails.is_empty(), warns.is_empty()) {
        (false, _) => verdict_of_fails,
        (true, false) => KpiVerdict::Warn,
        (true, true) => KpiVerdict::Pass,
    };
    (verdict, fails.into_iter().chain(warns).collect())
}
