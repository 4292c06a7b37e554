//! The metrics of a whole run, collected one iteration at a time.
//!
//! Takes what the iterations delivered and invents nothing: a metric that nobody delivered has no value. Must
//! not judge; that is done in `report`.

use chrono::{DateTime, Utc};

use crate::core::judge::count;
use crate::core::kpi::{KpiId, KpiTable, interned};
use crate::core::policy::{Policy, Profile, RunGate, Statistic, kpi_of_a_run};
use crate::core::text::number::{beside, distance, exact, fixed, trimmed};
use crate::core::verdict::{Check, Outcome, Part, Severity, WindowUsed, join};
use crate::run::iteration::IterationRecord;
use crate::stats::summary::{median, percentile};
use crate::stats::{DecayingMean, RunningMean, Summary};

const P50: &str = "tick_latency_ms.p50";
const P95: &str = "tick_latency_ms.p95";
const WS_LAG: &str = "ws_lag_max_ms";
const MAKER_SHARE: &str = "mm_maker_share_ratio";
/// Delivered shares of which the run has the mean.
pub(crate) const RATIOS: [&str; 3] = ["mm_hit_ratio", MAKER_SHARE, "mm_deadline_miss_rate"];

/// Whether a report with these keys below `totals` can bring a metric of a run.
pub fn can_come_from<'k>(metric: &str, mut keys: impl Iterator<Item = &'k str>, kpis: &KpiTable) -> bool {
    let kpi = match metric {
        "duration_hours" => return true,
        "mm_edge_bps_ema1h" | "mm_edge_bps_ema24h" => Some(KpiId::NET_BPS),
        MAKER_SHARE => Some(KpiId::MAKER_TAKER_RATIO),
        _ => kpi_of_a_run(metric, kpis).map(|(kpi, _)| kpi),
    };
    let is_fill =
        |key: &str| metric == MAKER_SHARE && (key == "maker_share_pct" || key.starts_with("fills."));
    keys.any(|key| {
        key == metric
            || is_fill(key)
            || kpi.is_some_and(|kpi| kpis.spelled(key).is_some_and(|(id, _)| id == kpi))
    })
}

/// Seconds of an hour.
const HOUR: f64 = 3600.0;

/// Collects the metrics of a run.
///
/// Memory grows by two numbers an iteration (the latencies, of which the run has percentiles), outside the trading
/// profile by one for each KPI, and by nothing else.
#[derive(Clone, Debug)]
pub struct MetricsCollector {
    /// The KPIs that are metrics of the run; `None` = the metrics are those of the trading bot.
    kpis: Option<KpiMetrics>,
    latency_p50: Vec<f64>,
    latency_p95: Vec<f64>,
    ratios: [RunningMean; RATIOS.len()],
    ws_lag: Option<(f64, usize)>,
    edge_1h: DecayingMean,
    edge_24h: DecayingMean,
    milliseconds: i64,
    /// Counts, numbers and times; the metrics come last.
    totals: RunMetrics,
}

/// The metrics of a run that are KPIs of its policy.
#[derive(Clone, Debug)]
struct KpiMetrics {
    /// In the order of reports.
    wanted: Vec<(&'static str, KpiId, Statistic)>,
    /// Of each of these KPIs.
    values: Vec<(KpiId, Vec<f64>)>,
}

impl KpiMetrics {
    /// The means of the KPIs that the verdict rests on, and whatever else the run gates look at.
    fn of(policy: &Policy) -> Self {
        let of_verdict = policy.kpis.of_verdict().iter().map(|kpi| (kpi.name, *kpi, Statistic::Mean));
        let of_gate = |gate: &RunGate| {
            let (kpi, statistic) = kpi_of_a_run(&gate.metric, &policy.kpis)?;
            Some((interned(&gate.metric), kpi, statistic))
        };
        let mut wanted: Vec<(&'static str, KpiId, Statistic)> = Vec::new();
        let mut values: Vec<(KpiId, Vec<f64>)> = Vec::new();
        for (name, kpi, statistic) in of_verdict.chain(policy.run_gates.iter().filter_map(of_gate)) {
            if wanted.iter().all(|(known, ..)| *known != name) {
                wanted.push((name, kpi, statistic));
            }
            if values.iter().all(|(known, _)| *known != kpi) {
                values.push((kpi, Vec::new()));
            }
        }
        Self { wanted, values }
    }

    fn finish(&self) -> impl Iterator<Item = RunMetric> {
        self.wanted.iter().map(|(name, kpi, statistic)| {
            let values = self.values.iter().find(|(known, _)| known == kpi);
            let values = values.map_or(&[][..], |(_, values)| values);
            let value = Summary::of(values).and_then(|summary| summary.get(*statistic));
            RunMetric { kpi: Some(*kpi), ..RunMetric::of(name, Rule::Of(*statistic), value, values.len()) }
        })
    }
}

impl MetricsCollector {
    /// Collects the metrics that runs with this policy have.
    pub fn new(policy: &Policy) -> Self {
        Self {
            kpis: (policy.profile != Profile::Trading).then(|| KpiMetrics::of(policy)),
            latency_p50: Vec::new(),
            latency_p95: Vec::new(),
            ratios: Default::default(),
            ws_lag: None,
            edge_1h: DecayingMean::new(HOUR),
            edge_24h: DecayingMean::new(24.0 * HOUR),
            milliseconds: 0,
            totals: RunMetrics::default(),
        }
    }

    /// Takes the next iteration. The order of numbers plays no part.
    pub fn push(&mut self, record: &IterationRecord) {
        let totals = &mut self.totals;
        totals.iterations += 1;
        totals.first = Some(totals.first.map_or(record.number, |first| first.min(record.number)));
        totals.last = Some(totals.last.map_or(record.number, |last| last.max(record.number)));
        totals.started = Some(totals.started.map_or(record.starts, |first| first.min(record.starts)));
        totals.ended = Some(totals.ended.map_or(record.ends, |last| last.max(record.ends)));
        self.milliseconds += (record.ends - record.starts).num_milliseconds().max(0);
        if record.collection_failed.is_some() {
            totals.failed += 1;
            return;
        }
        if record.summary.version.is_some() {
            totals.version.clone_from(&record.summary.version);
        }
        if let Some(kpis) = &mut self.kpis {
            for (id, values) in &mut kpis.values {
                values.extend(kpi(record, *id));
            }
            return;
        }
        if let Some(value) = self.delivered(record, P50, f64::INFINITY) {
            self.latency_p50.push(value);
        }
        if let Some(value) = self.delivered(record, P95, f64::INFINITY) {
            self.latency_p95.push(value);
        }
        if let Some(value) = self.delivered(record, WS_LAG, f64::INFINITY) {
            let (highest, n) = self.ws_lag.unwrap_or((value, 0));
            self.ws_lag = Some((highest.max(value), n + 1));
        }
        for (at, name) in RATIOS.into_iter().enumerate() {
            let mut value = self.delivered(record, name, 1.0);
            if name == MAKER_SHARE && !record.metrics.contains_key(name) {
                value = kpi(record, KpiId::MAKER_TAKER_RATIO);
                self.totals.maker_fallbacks += usize::from(value.is_some());
            }
            if let Some(value) = value {
                self.ratios[at].push(value);
            }
        }
        if let Some(net) = kpi(record, KpiId::NET_BPS) {
            // Milliseconds are exact in a double for the next 280 000 years.
            let seconds = record.ends.timestamp_millis() as f64 / 1000.0;
            self.edge_1h.push(seconds, net);
            self.edge_24h.push(seconds, net);
        }
    }

    /// A delivered metric between 0 and `highest`. What cannot be true is counted and left out.
    fn delivered(&mut self, record: &IterationRecord, name: &str, highest: f64) -> Option<f64> {
        let value = *record.metrics.get(name)?;
        let is_possible = value.is_finite() && (0.0..=highest).contains(&value);
        self.totals.impossible += usize::from(!is_possible);
        is_possible.then_some(value)
    }

    /// The metrics of all iterations so far.
    pub fn finish(&self) -> RunMetrics {
        let hours = self.milliseconds as f64 / (HOUR * 1000.0);
        let duration = RunMetric::of(
            "duration_hours",
            Rule::Hours,
            (self.totals.iterations > 0).then_some(hours),
            self.totals.iterations,
        );
        let follow_policy = self.kpis.is_some();
        let others = self.kpis.as_ref().map_or_else(|| self.of_bot(), |kpis| kpis.finish().collect());
        let metrics = std::iter::once(duration).chain(others).collect();
        RunMetrics { metrics, follow_policy, ..self.totals.clone() }
    }

    /// The metrics of the trading bot, apart from the duration.
    fn of_bot(&self) -> Vec<RunMetric> {
        let mut p50 = self.latency_p50.clone();
        let mut p95 = self.latency_p95.clone();
        let [hit, maker, miss] = &self.ratios;
        vec![
            RunMetric::of("mm_deadline_miss_rate", Rule::Mean, miss.get(), miss.len()),
            RunMetric::of("mm_edge_bps_ema1h", Rule::Ema1h, self.edge_1h.get(), self.edge_1h.len()),
            RunMetric::of("mm_edge_bps_ema24h", Rule::Ema24h, self.edge_24h.get(), self.edge_24h.len()),
            RunMetric::of("mm_hit_ratio", Rule::Mean, hit.get(), hit.len()),
            RunMetric::of(MAKER_SHARE, Rule::Mean, maker.get(), maker.len()),
            RunMetric::of(P50, Rule::Median, median(&mut p50), self.latency_p50.len()),
            RunMetric::of(P95, Rule::P95, percentile(&mut p95, 95), self.latency_p95.len()),
            RunMetric::of(
                WS_LAG,
                Rule::Max,
                self.ws_lag.map(|(highest, _)| highest),
                self.ws_lag.map_or(0, |(_, n)| n),
            ),
        ]
    }
}

/// A KPI of an iteration; what is no number is unknown.
fn kpi(record: &IterationRecord, kpi: KpiId) -> Option<f64> {
    record.summary.value(kpi).filter(|value| value.is_finite())
}

/// How a metric of the run is made from those of its iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Rule {
    /// This statistic of the iterations' values; every iteration weighs the same.
    Of(Statistic),
    /// The hours that the iterations cover, failed ones included; pauses between sessions do not count.
    #[strum(serialize = "sum")]
    Hours,
    /// Arithmetic mean; every iteration weighs the same.
    Mean,
    /// Median of the iterations' values.
    Median,
    /// 95th percentile (type 7) of the iterations' values: a mean would hide the peaks.
    P95,
    /// Largest value of any iteration.
    Max,
    /// Exponentially weighted mean of the iterations' net edge with a half life of 1 hour: 2^(−age ÷ 1 h), age
    /// from the end of the iteration to the end of the last one; weights normalised.
    Ema1h,
    /// The same with a half life of 24 hours.
    Ema24h,
}

impl Rule {
    pub fn word(self) -> &'static str {
        match self {
            Self::Of(statistic) => statistic.word(),
            rule => rule.into(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct RunMetric {
    pub name: &'static str,
    /// The KPI that it is a statistic of, if it is one of the policy.
    pub kpi: Option<KpiId>,
    /// How it was made.
    pub rule: Rule,
    /// Its value, unrounded; `None` when no iteration delivered it.
    pub value: Option<f64>,
    /// The iterations behind it.
    pub n: usize,
}

impl RunMetric {
    fn of(name: &'static str, rule: Rule, value: Option<f64>, n: usize) -> Self {
        Self { name, kpi: None, rule, value, n }
    }

    /// The unit of its value.
    pub(crate) fn unit(&self) -> &'static str {
        match (self.kpi, self.name) {
            (Some(kpi), _) => kpi.unit.symbol(),
            (None, name) if name.ends_with("_ms") || name.starts_with("tick_latency_ms") => "ms",
            (None, name) if name.contains("_bps_") => "bps",
            (None, name) if name.ends_with("_hours") => "h",
            _ => "",
        }
    }

    /// Its value for people; `None` when no iteration delivered it.
    pub(crate) fn told(&self) -> Option<String> {
        self.value.map(|value| trimmed(&fixed(value, self.decimals())).to_owned())
    }

    fn decimals(&self) -> usize {
        self.kpi.map_or(DECIMALS, |kpi| kpi.decimals().max(DECIMALS))
    }
}

#[derive(Default, Clone, Debug, PartialEq)]
pub struct RunMetrics {
    /// The metrics, also those without a value: of the trading bot sorted by name, else in the order of the policy.
    pub metrics: Vec<RunMetric>,
    /// Whether they are KPIs of the policy; then a run needs no gates of its own.
    pub follow_policy: bool,
    /// Iterations, failed collections included.
    pub iterations: usize,
    /// Failed collections.
    pub failed: usize,
    /// Iterations whose maker share is their `maker_taker_ratio`, because no share was delivered.
    pub maker_fallbacks: usize,
    /// Delivered values that cannot be true (a negative latency, a share above 1), and were left out.
    pub impossible: usize,
    /// Lowest number; `None` without iterations.
    pub first: Option<u64>,
    /// Highest number; `None` without iterations.
    pub last: Option<u64>,
    /// Start of the first iteration.
    pub started: Option<DateTime<Utc>>,
    /// End of the last iteration.
    pub ended: Option<DateTime<Utc>>,
    /// The build of the system under test, as the last iteration that says it tells it.
    pub version: Option<String>,
}

impl RunMetrics {
    /// The metric with this name; `None` when there is no such metric.
    pub fn get(&self, name: &str) -> Option<&RunMetric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// Iterations that were collected.
    pub fn collected(&self) -> usize {
        self.iterations - self.failed
    }
}

/// Decimals of numbers, where they are enough.
const DECIMALS: usize = 4;

#[derive(Clone, Debug, PartialEq)]
pub struct RunReport {
    pub metrics: RunMetrics,
    /// One check a gate, in the order of the policy. `kpi` holds the name of the metric.
    pub checks: Vec<Check>,
    /// The worst of them and of the verdict on the folder; INVALID when there is no gate.
    pub outcome: Outcome,
    /// The verdict of `gate` on the folder and its main reason; `None` where it was not judged.
    pub gate: Option<(Outcome, String)>,
}

impl RunReport {
    /// Holds the metrics against the gates.
    pub fn judge(metrics: RunMetrics, gates: &[RunGate]) -> Self {
        let checks: Vec<Check> = gates.iter().map(|gate| check(gate, &metrics)).collect();
        let report = Self { metrics, checks, outcome: Outcome::NotApplicable, gate: None };
        Self { outcome: report.of_the_gates(), ..report }
    }

    /// Whether no run gate is in force and none need be: the verdict on the folder is that on the run.
    pub(crate) fn is_ungated(&self) -> bool {
        self.checks.is_empty() && self.metrics.follow_policy
    }

    /// The same beside the verdict of `gate`: the report may be worse than it, never better.
    #[must_use]
    pub fn beside(self, outcome: Outcome, reason: String) -> Self {
        Self { outcome: self.outcome.max(outcome), gate: Some((outcome, reason)), ..self }
    }

    /// The verdict of `gate` and its reason, where nothing else makes the report as bad as it is.
    pub fn decided_by_the_gate(&self) -> Option<&(Outcome, String)> {
        let own = self.of_the_gates();
        self.gate.as_ref().filter(|(gate, _)| *gate > own)
    }

    /// The worst of the run gates alone, which decide how `soak run` exits.
    pub fn of_the_gates(&self) -> Outcome {
        if self.is_ungated() { Outcome::NotApplicable } else { join(&self.checks) }
    }

    /// Whether a hard gate is missed or could not be judged.
    pub fn misses_a_hard_gate(&self) -> bool {
        self.checks.iter().any(|check| check.severity == Severity::Hard && !check.outcome.is_acceptable())
    }

    /// The checks that make the outcome what it is, worst first; empty on PASS.
    pub fn reasons(&self) -> Vec<&Check> {
        let mut reasons: Vec<&Check> =
            self.checks.iter().filter(|check| check.outcome > Outcome::Pass).collect();
        reasons.sort_by_key(|check| std::cmp::Reverse(check.outcome));
        reasons
    }

    /// The main reason in one sentence.
    pub fn reason(&self) -> String {
        if self.metrics.collected() == 0 {
            return match self.metrics.iterations {
                0 => "no iteration was completed".to_owned(),
                n => format!("nothing was collected: {} failed", count(n, "collection")),
            };
        }
        if let Some((gate, reason)) = self.decided_by_the_gate() {
            return format!("the verdict of `soak gate` is {gate}: {reason}");
        }
        if self.checks.is_empty() {
            return "no run gate is in force".to_owned();
        }
        self.reasons().first().map_or_else(
            || format!("all {} hold", count(self.checks.len(), "run gate")),
            |check| format!("{}: {}", check.gate, check.reason),
        )
    }
}

fn check(gate: &RunGate, metrics: &RunMetrics) -> Check {
    let limit = gate.limit.value;
    let metric = metrics.get(&gate.metric);
    let decimals = metric.map_or(DECIMALS, RunMetric::decimals);
    let observed = metric.and_then(|metric| metric.value);
    let n = metric.map_or(0, |metric| metric.n);
    let statistic = metric.map_or("value", |metric| metric.rule.word());
    let margin = observed.map(|value| gate.comparison.margin(value, limit));
    let bound = format!("{} {}", gate.comparison.symbol(), trimmed(&exact(limit, decimals)));
    let (outcome, reason) = match observed {
        None => (Outcome::Invalid, nothing_to_see(gate, metrics)),
        Some(value) => {
            let seen = beside(value, limit, decimals);
            let told = format!("{statistic} {} of {}", trimmed(&seen), count(n, "iteration"));
            if gate.comparison.holds(value, limit) {
                (Outcome::Pass, format!("{told} meets {bound}"))
            } else {
                let by = distance(gate.comparison.margin(value, limit), decimals);
                (gate.severity.of_a_miss(), format!("{told} misses {bound} by {}", trimmed(&by)))
            }
        }
    };
    Check {
        part: Part::RunGates,
        gate: format!("run_gates.{}", gate.name),
        kpi: Some(gate.metric.clone()),
        symbol: None,
        severity: gate.severity,
        window: WindowUsed { name: "run".to_owned(), first: metrics.first, last: metrics.last, n },
        statistic: statistic.to_owned(),
        comparison: Some(gate.comparison),
        limit: Some(limit),
        observed,
        margin,
        outcome,
        reason,
        limit_source: Some(gate.limit.source.clone()),
        joins: true,
        inference: None,
    }
}

/// Why a gate has no value.
fn nothing_to_see(gate: &RunGate, metrics: &RunMetrics) -> String {
    let name = &gate.metric;
    if metrics.get(name).is_none() {
        let known: Vec<&str> = metrics.metrics.iter().map(|metric| metric.name).collect();
        return format!("`{name}` is no metric of a run; there are {}", known.join(", "));
    }
    let of = count(metrics.iterations, "iteration");
    let failed = match metrics.failed {
        0 => String::new(),
        n => format!(" ({} failed)", count(n, "collection")),
    };
    let impossible = match metrics.impossible {
        0 => String::new(),
        n => format!("; {} that cannot be true left out", count(n, "delivered value")),
    };
    format!("`{name}` was not delivered in any of {of}{failed}{impossible}")
}

#[cfg(test)]
mod metrics_tests {

    use chrono::TimeDelta;

    use crate::core::policy::RUN_METRICS;
    use crate::report::fixture::built_in;
    use crate::run::metrics::*;
    use crate::run::records::{delivering, failed, record, start, with};

    fn metrics(records: &[IterationRecord]) -> RunMetrics {
        let mut collector = MetricsCollector::new(&built_in());
        for record in records {
            collector.push(record);
        }
        collector.finish()
    }

    #[track_caller]
    fn value(metrics: &RunMetrics, name: &str) -> (Option<f64>, usize) {
        let metric = metrics.get(name).expect("a metric of a run");
        (metric.value, metric.n)
    }

    #[track_caller]
    fn close(found: (Option<f64>, usize), expected: f64, n: usize) {
        let actual = found.0.expect("a value");
        assert!((actual - expected).abs() < 1e-12, "{actual} is not {expected}");
        assert_eq!(found.1, n);
    }

    #[test]
    fn the_names_are_those_of_the_metrics() {
        assert_eq!(metrics(&[]).metrics.iter().map(|metric| metric.name).collect::<Vec<_>>(), RUN_METRICS);
    }

    #[test]
    fn a_metric_can_come_from_its_own_key_or_from_a_kpi() {
        let can =
            |metric: &str, keys: &[&str]| can_come_from(metric, keys.iter().copied(), &KpiTable::default());
        assert!(can("duration_hours", &[]));
        assert!(can(P95, &["net_bps", P95]) && !can(P95, &["net_bps", P50]));
        for ema in ["mm_edge_bps_ema1h", "mm_edge_bps_ema24h"] {
            assert!(can(ema, &["net_bps"]) && can(ema, &["edge_bps"]) && !can(ema, &["risk_ratio"]));
        }
        for key in [MAKER_SHARE, "maker_taker_ratio", "maker_share_pct", "fills.maker_volume"] {
            assert!(can(MAKER_SHARE, &[key]), "{key}");
        }
        assert!(!can(MAKER_SHARE, &["net_bps"]) && !can("mm_hit_ratio", &["maker_share_pct"]));
    }

    #[test]
    fn latencies_are_the_median_of_the_medians_and_the_95th_percentile_of_the_percentiles() {
        let records: Vec<IterationRecord> = (1..=5u32)
            .map(|n| {
                let record = delivering(record(u64::from(n)), P50, f64::from(n * 10));
                delivering(record, P95, f64::from(100 + n))
            })
            .collect();
        let metrics = metrics(&records);
        close(value(&metrics, P50), 30.0, 5);
        // Position 4 · 0.95 = 3.8: between 104 and 105.
        close(value(&metrics, P95), 104.8, 5);
    }

    #[test]
    fn ratios_are_means_and_the_lag_is_the_largest() {
        let records = [
            delivering(delivering(record(1), "mm_hit_ratio", 0.7), WS_LAG, 120.0),
            delivering(delivering(record(2), "mm_hit_ratio", 0.8), WS_LAG, 250.0),
            delivering(record(3), "mm_hit_ratio", 0.6),
        ];
        let metrics = metrics(&records);
        close(value(&metrics, "mm_hit_ratio"), 0.7, 3);
        close(value(&metrics, WS_LAG), 250.0, 2);
        assert_eq!(value(&metrics, "mm_deadline_miss_rate"), (None, 0));
    }

    #[test]
    fn a_maker_share_that_is_not_delivered_is_the_iterations_maker_taker_ratio() {
        let kpi = |record, value| with(record, KpiId::MAKER_TAKER_RATIO, Some(value));
        let records = [delivering(kpi(record(1), 0.2), MAKER_SHARE, 0.9), kpi(record(2), 0.8), record(3)];
        let metrics = metrics(&records);
        close(value(&metrics, MAKER_SHARE), 0.85, 2);
        assert_eq!(metrics.maker_fallbacks, 1);
    }

    #[test]
    fn edges_weigh_half_as_much_after_each_half_life() {
        // One hour apart: net 4, 2, 8 with weights 1/4, 1/2, 1.
        let hourly = |number: u64, net: f64| {
            let mut record = with(record(number), KpiId::NET_BPS, Some(net));
            record.ends = start() + TimeDelta::hours(i64::try_from(number).expect("small"));
            record.starts = record.ends - TimeDelta::hours(1);
            record
        };
        let metrics = metrics(&[hourly(1, 4.0), hourly(2, 2.0), hourly(3, 8.0)]);
        close(value(&metrics, "mm_edge_bps_ema1h"), 10.0 / 1.75, 3);
        // With a half life of a day the weights are 2^(-2/24), 2^(-1/24), 1.
        let (w1, w2) = (libm::exp2(-2.0 / 24.0), libm::exp2(-1.0 / 24.0));
        close(value(&metrics, "mm_edge_bps_ema24h"), (4.0 * w1 + 2.0 * w2 + 8.0) / (w1 + w2 + 1.0), 3);
        close(value(&metrics, "duration_hours"), 3.0, 3);
    }

    #[test]
    fn a_pause_between_sessions_is_no_duration_but_lets_values_age() {
        let mut late = with(record(2), KpiId::NET_BPS, Some(1.0));
        late.starts = start() + TimeDelta::minutes(5 + 55);
        late.ends = late.starts + TimeDelta::minutes(5);
        let metrics = metrics(&[record(1), late]);
        close(value(&metrics, "duration_hours"), 10.0 / 60.0, 2);
        // The ends are one hour apart: (3 · ½ + 1) ÷ 1.5.
        close(value(&metrics, "mm_edge_bps_ema1h"), 2.5 / 1.5, 2);
    }

    #[test]
    fn a_failed_collection_is_counted_and_adds_nothing_but_time() {
        let mut dead = failed(2, "no report");
        dead.metrics.insert("mm_hit_ratio".to_owned(), 0.0);
        let metrics = metrics(&[delivering(record(1), "mm_hit_ratio", 0.7), dead]);
        assert_eq!((metrics.iterations, metrics.failed, metrics.collected()), (2, 1, 1));
        close(value(&metrics, "mm_hit_ratio"), 0.7, 1);
        close(value(&metrics, "duration_hours"), 10.0 / 60.0, 2);
        assert_eq!((metrics.first, metrics.last), (Some(1), Some(2)));
    }

    #[test]
    fn what_cannot_be_true_is_left_out_and_counted() {
        for (name, bad) in [
            ("mm_hit_ratio", 70.0),
            ("mm_hit_ratio", -0.1),
            (P95, -1.0),
            (P50, f64::NAN),
            (WS_LAG, f64::INFINITY),
            (MAKER_SHARE, 1.01),
        ] {
            let metrics = metrics(&[delivering(record(1), name, bad)]);
            assert_eq!((value(&metrics, name), metrics.impossible), ((None, 0), 1), "{name} {bad}");
        }
        let edges = metrics(&[delivering(delivering(record(1), "mm_hit_ratio", 1.0), MAKER_SHARE, 0.0)]);
        assert_eq!((value(&edges, "mm_hit_ratio").0, value(&edges, MAKER_SHARE).0), (Some(1.0), Some(0.0)));
    }

    #[test]
    fn without_iterations_nothing_has_a_value() {
        let metrics = metrics(&[]);
        assert!(metrics.metrics.iter().all(|metric| metric.value.is_none() && metric.n == 0));
        assert!(metrics.metrics.is_sorted_by_key(|metric| metric.name));
        assert_eq!(metrics.ended, None);
    }
}

#[cfg(test)]
mod report_tests {

    use crate::core::kpi::KpiId;
    use crate::core::policy::Limit;
    use crate::core::verdict::{Comparison, LimitSource};
    use crate::report::fixture::built_in;
    use crate::run::iteration::IterationRecord;
    use crate::run::metrics::{MetricsCollector, *};
    use crate::run::records::{delivering, failed, record, with};

    fn gate(name: &str, metric: &str, severity: Severity, comparison: Comparison, limit: f64) -> RunGate {
        let key = format!("run_gates.{name}.limit");
        let source = LimitSource { key, origin: "a test".to_owned() };
        let limit = Limit { value: limit, source };
        RunGate { name: name.to_owned(), metric: metric.to_owned(), severity, comparison, limit }
    }

    fn latency(severity: Severity) -> RunGate {
        gate("latency_p95", "tick_latency_ms.p95", severity, Comparison::AtMost, 150.0)
    }

    fn report(records: &[IterationRecord], gates: &[RunGate]) -> RunReport {
        let mut collector = MetricsCollector::new(&built_in());
        for record in records {
            collector.push(record);
        }
        RunReport::judge(collector.finish(), gates)
    }

    #[test]
    fn a_gate_holds_at_its_limit_and_is_missed_just_beyond() {
        let outcome = |value: f64, severity: Severity| {
            report(&[delivering(record(1), "tick_latency_ms.p95", value)], &[latency(severity)]).outcome
        };
        assert_eq!(outcome(149.999, Severity::Hard), Outcome::Pass);
        assert_eq!(outcome(150.0, Severity::Hard), Outcome::Pass);
        assert_eq!(outcome(150.001, Severity::Hard), Outcome::Fail);
        assert_eq!(outcome(150.001, Severity::Soft), Outcome::Warn);
        let edge = gate("edge", "mm_edge_bps_ema24h", Severity::Hard, Comparison::AtLeast, 2.0);
        let outcome = |net: f64| {
            let records: Vec<IterationRecord> =
                (1..=40).map(|n| with(record(n), KpiId::NET_BPS, Some(net))).collect();
            report(&records, std::slice::from_ref(&edge)).outcome
        };
        assert_eq!(
            (outcome(2.001), outcome(2.0), outcome(1.999)),
            (Outcome::Pass, Outcome::Pass, Outcome::Fail)
        );
    }

    #[test]
    fn a_metric_that_nobody_delivered_is_invalid_also_for_a_soft_gate() {
        for severity in [Severity::Hard, Severity::Soft] {
            let report = report(&[record(1), failed(2, "x")], &[latency(severity)]);
            let check = &report.checks[0];
            assert_eq!((check.outcome, check.observed, check.margin), (Outcome::Invalid, None, None));
            assert_eq!(
                check.reason,
                "`tick_latency_ms.p95` was not delivered in any of 2 iterations (1 collection failed)"
            );
            assert_eq!(report.outcome, Outcome::Invalid);
            assert_eq!(report.misses_a_hard_gate(), severity == Severity::Hard);
        }
    }

    #[test]
    fn the_reason_can_be_redone_by_hand() {
        let records = [
            delivering(record(1), "tick_latency_ms.p95", 100.0),
            delivering(record(2), "tick_latency_ms.p95", 200.0),
        ];
        let report = report(&records, &[latency(Severity::Hard)]);
        let check = &report.checks[0];
        // Position 1 · 0.95 between 100 and 200.
        assert_eq!(check.reason, "p95 195 of 2 iterations misses <= 150 by 45");
        assert_eq!((check.observed, check.margin), (Some(195.0), Some(-45.0)));
        assert_eq!((check.window.first, check.window.last, check.window.n), (Some(1), Some(2), 2));
        assert_eq!(report.reason(), "run_gates.latency_p95: p95 195 of 2 iterations misses <= 150 by 45");
        assert!(report.misses_a_hard_gate());
    }

    #[test]
    fn values_that_cannot_be_true_are_named_where_they_leave_nothing() {
        let hit = gate("hit_ratio", "mm_hit_ratio", Severity::Hard, Comparison::AtLeast, 0.7);
        let report = report(&[delivering(record(1), "mm_hit_ratio", 75.0)], &[hit]);
        assert_eq!(
            report.checks[0].reason,
            "`mm_hit_ratio` was not delivered in any of 1 iteration; 1 delivered value that cannot be true left out"
        );
    }

    #[test]
    fn a_gate_on_an_unknown_metric_is_invalid_and_says_what_there_is() {
        let odd = gate("odd", "mm_hitratio", Severity::Hard, Comparison::AtLeast, 0.7);
        let report = report(&[record(1)], &[odd]);
        assert_eq!(report.outcome, Outcome::Invalid);
        assert!(
            report.checks[0]
                .reason
                .starts_with("`mm_hitratio` is no metric of a run; there are duration_hours, ")
        );
    }

    #[test]
    fn nothing_collected_and_no_gates_are_never_a_pass() {
        let edge = gate("edge", "duration_hours", Severity::Hard, Comparison::AtLeast, 0.0);
        assert_eq!(report(&[], &[edge]).outcome, Outcome::Invalid);
        assert_eq!(report(&[], &[]).reason(), "no iteration was completed");
        let dead = report(&[failed(1, "a"), failed(2, "b")], &[latency(Severity::Soft)]);
        assert_eq!(
            (dead.outcome, dead.reason().as_str()),
            (Outcome::Invalid, "nothing was collected: 2 collections failed")
        );
        let ungated = report(&[record(1)], &[]);
        assert_eq!(
            (ungated.outcome, ungated.reason().as_str()),
            (Outcome::Invalid, "no run gate is in force")
        );
    }

    #[test]
    fn the_worst_gate_decides_and_stands_first() {
        let gates = [
            gate("duration", "duration_hours", Severity::Soft, Comparison::AtLeast, 72.0),
            gate("edge", "mm_edge_bps_ema24h", Severity::Hard, Comparison::AtLeast, 2.0),
            latency(Severity::Hard),
        ];
        let report = report(&[delivering(record(1), "tick_latency_ms.p95", 151.0)], &gates);
        let outcomes: Vec<Outcome> = report.checks.iter().map(|check| check.outcome).collect();
        assert_eq!(outcomes, [Outcome::Warn, Outcome::Pass, Outcome::Fail]);
        assert_eq!(report.outcome, Outcome::Fail);
        assert_eq!(report.reasons()[0].gate, "run_gates.latency_p95");
    }
}
