//! An iteration: what its source delivered, and the commit record of everything that happened in it.
//!
//! Holds what was delivered and invents nothing: a number that is not there is not there.

pub mod counters;
pub mod file;
pub mod summary;
pub mod tuning;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::iteration::events::Events;
use crate::core::iteration::params::ParamValues;
use crate::core::kpi::KpiId;
pub use crate::core::load::edge_report::{AuditCounts, EdgeReport, Incomplete, KpiGateFile, Resources};
use crate::core::text::number::exactly;
use crate::run::iteration::tuning::{TunerState, TuningRecord};

/// WARMUP, RAMPDOWN or STEADY.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum Phase {
    /// The warm-up preset is in force; gates WARN only.
    Warmup,
    /// On the way back to the base.
    Rampdown,
    /// All the rest, and every iteration without `--warmup`.
    #[default]
    Steady,
}

impl Phase {
    /// Word in files.
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// The runner's verdict on one iteration.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::EnumString, strum::IntoStaticStr,
)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum KpiVerdict {
    /// No bound of WARN or FAIL holds.
    Pass,
    /// A reason to look.
    Warn,
    /// A reason to stop in the end; counted by panic revert.
    Fail,
}

impl KpiVerdict {
    /// The verdict with this word; `None` for words of other writers.
    pub fn parse(word: &str) -> Option<Self> {
        word.parse().ok()
    }

    /// Word in files.
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// Where the maker share was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MakerSource {
    /// Maker ÷ (maker + taker) by volume.
    FillsVolume,
    FillsCount,
    /// `maker_share_pct` ÷ 100.
    MakerSharePct,
    /// Delivered as `maker_taker_ratio` itself.
    #[serde(rename = "maker_taker_ratio")]
    Reported,
}

/// What an iteration measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IterationSummary {
    /// KPI values by the index of the KPI table; `None` = not delivered.
    #[serde(skip)]
    pub values: Vec<Option<f64>>,
    /// KPIs without a value because the ratio that was delivered is above its highest: KPI, key and number.
    #[serde(skip)]
    pub above_highest: Vec<(KpiId, String, f64)>,
    /// KPIs that were taken from another number (the p95 from its mean): KPI and key used.
    #[serde(skip)]
    pub fallbacks: Vec<(KpiId, String)>,
    /// Readings of the KPIs that are counters, by KPI.
    #[serde(skip)]
    pub counters: Vec<(KpiId, f64)>,
    /// Counts of the system's audit log.
    #[serde(deserialize_with = "Option::deserialize")]
    pub audit: Option<AuditCounts>,
    pub blocks: Blocks,
    /// `component_breakdown.*`, where delivered.
    #[serde(rename = "component_breakdown", serialize_with = "exactly")]
    pub components: BTreeMap<String, f64>,
    /// What the limits on edge reports say about the totals, as `edge_report.<metric>: WARN …` lines; advisory.
    pub edge_gate: Vec<String>,
    /// `maker_count`, `taker_count`, `maker_volume`, `taker_volume`, where delivered.
    #[serde(serialize_with = "exactly")]
    pub fills: BTreeMap<String, f64>,
    /// The system's own gate.
    #[serde(deserialize_with = "Option::deserialize")]
    pub kpi_gate: Option<KpiGateFile>,
    pub kpi_reasons: Vec<String>,
    /// The runner's verdict; `None` when the collection failed.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schemars(with = "Option<String>")]
    pub kpi_verdict: Option<KpiVerdict>,
    /// Where the maker share was taken from.
    #[serde(rename = "maker_taker_source", deserialize_with = "Option::deserialize")]
    #[schemars(with = "Option<String>")]
    pub maker_source: Option<MakerSource>,
    /// Cost components that made the edge negative.
    pub neg_edge_drivers: Vec<String>,
    /// For a person: what was odd about the data.
    pub notes: Vec<String>,
    /// Advice of the system's sentinel.
    pub sentinel_advice: Vec<String>,
    /// The system's build.
    #[serde(deserialize_with = "Option::deserialize")]
    pub version: Option<String>,
}

impl IterationSummary {
    /// The value of a KPI; `None` = not delivered.
    pub(crate) fn value(&self, kpi: KpiId) -> Option<f64> {
        self.values.get(kpi.index()).copied().flatten()
    }
}

/// Refused decisions by reason.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Blocks {
    /// Where delivered.
    #[serde(serialize_with = "exactly")]
    pub counts: BTreeMap<String, f64>,
    /// Shares of the decisions.
    #[serde(serialize_with = "exactly")]
    pub ratios: BTreeMap<String, f64>,
    /// Sum of the counts; null without any.
    #[serde(serialize_with = "exactly", deserialize_with = "Option::deserialize")]
    total: Option<f64>,
}

impl Blocks {
    pub fn new(counts: BTreeMap<String, f64>, ratios: BTreeMap<String, f64>) -> Self {
        let total = (!counts.is_empty()).then(|| counts.values().sum());
        Self { counts, ratios, total }
    }
}

/// A look at the watched process tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What it used; `None` when that could not be sampled.
    pub resources: Option<Resources>,
    /// Why it could not be sampled.
    pub failed: Option<String>,
    /// Restarts of the process since the sample before.
    pub restarts: u64,
    /// What was odd, for a person.
    pub note: Option<String>,
}

/// Everything about one iteration.
#[derive(Clone, Debug, PartialEq)]
pub struct IterationRecord {
    /// Its number, from 1.
    pub number: u64,
    /// Name of the source.
    pub source: String,
    /// When it started.
    pub starts: DateTime<Utc>,
    /// When it ended, the wait for the rest of the interval included: `runtime_utc` of the summary. With
    /// `--no-wait` the report's own time, where it has one.
    pub ends: DateTime<Utc>,
    /// Whether the command was done before half of the interval was over, so that it saw little of it.
    pub measured_early: bool,
    pub phase: Phase,
    /// Whether the run has phases at all (`--warmup`).
    pub has_phases: bool,
    /// How often the source had to ask again before it had everything.
    pub asked_again: u64,
    /// Why the collection failed; `None` = it did not. The summary holds what was measured all the same.
    pub collection_failed: Option<String>,
    /// Restarts and marks.
    pub events: Events,
    /// Overrides in force while it ran.
    pub overrides: ParamValues,
    /// What it measured.
    pub summary: IterationSummary,
    /// Metrics of the 72-hour report that the source delivered: `tick_latency_ms.p95`, `mm_hit_ratio`, …
    pub metrics: BTreeMap<String, f64>,
    /// The watched process tree, with `--pid`, or the simulated one.
    pub resources: Option<Resources>,
    /// Why the resources could not be sampled; `None` = they could, or nobody was to.
    pub resources_failed: Option<String>,
    /// What the tuner did.
    pub tuning: TuningRecord,
    /// The tuner's memory after it.
    pub state: TunerState,
}

#[cfg(test)]
pub(crate) mod fixture {

    use std::collections::BTreeMap;

    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::collection::{btree_map, vec};
    use proptest::option;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};
    use strum::VariantArray as _;

    use crate::core::iteration::events::{Events, Restarts};
    use crate::core::iteration::guards::Guard;
    use crate::core::iteration::params::{ParamName, ParamValues};
    use crate::core::kpi::{KpiId, KpiTable};
    use crate::core::trend::resources::ProcessId;
    use crate::run::iteration::tuning::{
        Applied, Debounce, Delta, RecentChange, SkipCode, TunerState, TuningRecord,
    };
    use crate::run::iteration::{
        AuditCounts, Blocks, IterationRecord, IterationSummary, KpiGateFile, KpiVerdict, MakerSource, Phase,
        Resources,
    };

    /// Five minutes an iteration, from a fixed start.
    pub(crate) fn at(iterations: u64) -> DateTime<Utc> {
        let seconds = i64::try_from(iterations * 300).unwrap_or(i64::MAX);
        DateTime::UNIX_EPOCH + TimeDelta::seconds(1_760_270_400 + seconds)
    }

    /// A record with this number, with the usual values.
    pub(crate) fn record(number: u64) -> IterationRecord {
        let param = ParamName::flat("min_interval_ms");
        let value = 60.0 + number as f64;
        let mut values = vec![None; KpiTable::default().columns()];
        values[KpiId::NET_BPS.index()] = Some(3.0 + 0.1 * number as f64);
        values[KpiId::RISK_RATIO.index()] = Some(0.35);
        values[KpiId::MAKER_TAKER_RATIO.index()] = Some(0.86);
        values[KpiId::P95_LATENCY_MS.index()] = Some(312.25);
        IterationRecord {
            number,
            source: "sim".to_owned(),
            starts: at(number - 1),
            ends: at(number),
            measured_early: false,
            phase: Phase::Steady,
            has_phases: false,
            asked_again: 0,
            collection_failed: None,
            events: Events::default(),
            overrides: ParamValues::new(vec![(param.clone(), value - 1.0)]),
            summary: IterationSummary {
                values,
                kpi_verdict: Some(KpiVerdict::Pass),
                neg_edge_drivers: vec!["fees_bps".to_owned()],
                ..IterationSummary::default()
            },
            metrics: BTreeMap::from([("mm_hit_ratio".to_owned(), 0.75)]),
            resources: None,
            resources_failed: None,
            tuning: TuningRecord {
                deltas: vec![Delta { param: param.clone(), delta: 1.0, reason: "SETTLE: risk".to_owned() }],
                applied_values: vec![Applied {
                    param: param.clone(),
                    old: value - 1.0,
                    delta: 1.0,
                    new: value,
                    at_bound: false,
                }],
                signature: Some(format!("{number:032x}")),
                old_hash: "a".repeat(32),
                state_hash: "b".repeat(32),
                ..TuningRecord::default()
            },
            state: TunerState {
                overrides: ParamValues::new(vec![(param, value)]),
                run_seconds: 300.0 * number as f64,
                last_applied_signature: Some(format!("{number:032x}")),
                ..TunerState::default()
            },
        }
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![4 => "[ -~]{0,12}", 1 => "[ -~é\u{1f600}\n\"\\\\]{0,6}"]
    }

    fn texts() -> impl Strategy<Value = Vec<String>> {
        vec(text(), 0..3)
    }

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            3 => -1e6..1e6f64,
            2 => any::<i32>().prop_map(f64::from),
            1 => select(vec![0.0, 0.1, 1e-300, f64::MIN, 9_007_199_254_740_993.0, 5e-324]),
            1 => any::<f64>().prop_filter("finite", |value| value.is_finite()),
        ]
    }

    fn ratio() -> impl Strategy<Value = f64> {
        prop_oneof![0.0..=1.0f64, select(vec![0.0, 1.0, 0.42])]
    }

    fn param() -> impl Strategy<Value = ParamName> {
        prop_oneof![
            select(ParamName::known().collect::<Vec<_>>()).prop_map(ParamName::flat),
            "[a-z]{1,6}_x".prop_map(|name| ParamName::flat(&name)),
            Just(ParamName::nested("latency", "spread_add_bps")),
        ]
    }

    fn params() -> impl Strategy<Value = ParamValues> {
        btree_map(param(), number(), 0..5).prop_map(|map| ParamValues::new(map.into_iter().collect()))
    }

    fn by_name() -> impl Strategy<Value = BTreeMap<String, f64>> {
        btree_map("mm_[a-z]{1,6}", number(), 0..4)
    }

    fn code() -> impl Strategy<Value = SkipCode> {
        select(SkipCode::VARIANTS.to_vec())
    }

    fn time() -> impl Strategy<Value = DateTime<Utc>> {
        (0..4_000_000_000i64, select(vec![0u32, 5_000_000, 123_456_789]))
            .prop_filter_map("a time", |(seconds, nanos)| DateTime::from_timestamp(seconds, nanos))
    }

    fn summary() -> impl Strategy<Value = IterationSummary> {
        let kpis = KpiTable::default();
        let values: Vec<_> = kpis
            .ids()
            .map(|id| {
                let kpi = id;
                let value = match (kpi.highest, kpi.lowest) {
                    (Some(_), _) => ratio().boxed(),
                    (None, Some(_)) => (0.0..1e4f64).boxed(),
                    // Beyond this the sum of a gross edge is no number any more.
                    (None, None) => (-1e6..1e6f64).boxed(),
                };
                option::weighted(0.8, value)
            })
            .collect();
        let fallbacks = subsequence(kpis.ids().collect::<Vec<_>>(), 0..4)
            .prop_flat_map(|ids| ids.into_iter().map(|id| (Just(id), text())).collect::<Vec<_>>());
        let makers = vec![
            MakerSource::FillsVolume,
            MakerSource::FillsCount,
            MakerSource::MakerSharePct,
            MakerSource::Reported,
        ];
        let gate = (text(), texts()).prop_map(|(verdict, reasons)| KpiGateFile { reasons, verdict });
        let audit = (any::<u64>(), btree_map("[a-z]{1,6}", any::<u64>(), 0..3), 0..9u64)
            .prop_map(|(total, refused, unreadable)| AuditCounts { refused, total, unreadable });
        (
            (option::of(text()), values, fallbacks, option::of(select(makers)), by_name(), by_name()),
            (
                by_name(),
                by_name(),
                texts(),
                texts(),
                texts(),
                option::of(gate),
                texts(),
                option::of(audit),
                texts(),
            ),
            option::of(select(vec![KpiVerdict::Pass, KpiVerdict::Warn, KpiVerdict::Fail])),
        )
            .prop_map(|(first, second, kpi_verdict)| {
                let (version, values, fallbacks, maker_source, fills, components) = first;
                let (block_counts, block_ratios, neg_edge_drivers, kpi_reasons, edge_gate, kpi_gate, ..) =
                    second.clone();
                // A sum of such counts must be a number too.
                let block_counts = block_counts.into_iter().map(|(name, count)| (name, count % 1e6));
                let (sentinel_advice, audit, notes) = (second.6, second.7, second.8);
                let missing = [KpiId::RISK_RATIO, KpiId::MAKER_TAKER_RATIO].into_iter();
                let missing = missing.filter(|kpi| values[kpi.index()].is_none());
                let above_highest = missing.map(|kpi| (kpi, "key".to_owned(), 101.5)).collect();
                IterationSummary {
                    version,
                    values,
                    fallbacks,
                    maker_source,
                    fills,
                    components,
                    blocks: Blocks::new(block_counts.collect(), block_ratios),
                    neg_edge_drivers,
                    kpi_verdict,
                    kpi_reasons,
                    edge_gate,
                    kpi_gate,
                    sentinel_advice,
                    audit,
                    above_highest,
                    counters: Vec::new(),
                    notes,
                }
            })
    }

    fn tuning() -> impl Strategy<Value = TuningRecord> {
        (
            btree_map(param(), (number(), text()), 0..4),
            btree_map(param(), (number(), number(), number(), any::<bool>()), 0..4),
            btree_map(param(), code(), 0..4),
            (option::of(code()), option::of(text()), subsequence(Guard::ALL.to_vec(), 0..4)),
            (option::of(text()), any::<bool>(), any::<bool>(), option::of("[0-9a-f]{32}")),
            ("[0-9a-f]{32}", "[0-9a-f]{32}", btree_map("[a-z]{1,6}", text(), 0..3)),
        )
            .prop_map(|(deltas, applied, dropped, skip, freeze, hashes)| TuningRecord {
                deltas: deltas
                    .into_iter()
                    .map(|(param, (delta, reason))| Delta { param, delta, reason })
                    .collect(),
                applied_values: applied
                    .into_iter()
                    .map(|(param, (old, delta, new, at_bound))| Applied { param, at_bound, delta, new, old })
                    .collect(),
                dropped,
                skip: skip.0,
                skip_note: skip.1,
                guards: skip.2,
                freeze_started: freeze.0,
                freeze_active: freeze.1,
                panic_revert: freeze.2,
                signature: freeze.3,
                old_hash: hashes.0,
                state_hash: hashes.1,
                partial_freezes: hashes.2,
            })
    }

    fn state() -> impl Strategy<Value = TunerState> {
        let debounce = (option::of(number()), option::of(number()), option::of(number())).prop_map(
            |(signal_since, quiet_since, open_since)| Debounce { open_since, quiet_since, signal_since },
        );
        let change = (number(), param(), number()).prop_map(|(run_seconds, param, change)| RecentChange {
            change,
            param,
            run_seconds,
        });
        (
            (
                params(),
                number(),
                option::of(text()),
                option::of(any::<u64>()),
                option::of(text()),
                any::<u64>(),
            ),
            (option::of(any::<u64>()), any::<u64>(), any::<u64>()),
            (btree_map(text(), any::<u64>(), 0..3), btree_map(text(), any::<u64>(), 0..3), texts()),
            (
                btree_map(param(), vec(number(), 0..4), 0..3),
                vec(change, 0..4),
                btree_map(text(), debounce, 0..3),
            ),
            (btree_map(param(), any::<u64>(), 0..3), params()),
        )
            .prop_map(|(first, counts, rules, values, last)| TunerState {
                overrides: first.0,
                run_seconds: first.1,
                last_applied_signature: first.2,
                frozen_until: first.3,
                freeze_reason: first.4,
                stable_streak: first.5,
                cooldown_until: counts.0,
                fail_streak: counts.1,
                failed_collections: counts.2,
                rule_streaks: rules.0,
                rule_acted: rules.1,
                override_hashes: rules.2,
                applied_values: values.0,
                recent_changes: values.1,
                partial_freezes: values.2,
                last_changed: last.0,
                phase_offset: last.1,
            })
    }

    fn events() -> impl Strategy<Value = Events> {
        let restarts = (any::<u64>(), option::of(text()), option::of(text()))
            .prop_map(|(count, during, unknown)| Restarts { count, during, unknown });
        (texts(), option::of(restarts)).prop_map(|(marks, restarts)| Events { marks, restarts })
    }

    /// Any record that can be.
    pub(crate) fn any_record() -> impl Strategy<Value = IterationRecord> {
        let process = option::of((option::of(any::<u32>()), number()))
            .prop_map(|process| process.map(|(pid, started)| ProcessId { pid, started }));
        let resources =
            (
                option::of(number()),
                option::of(number()),
                option::of(any::<u64>()),
                option::of(any::<u64>()),
                option::of(any::<u64>()),
                process,
            )
                .prop_map(|(rss_mb, cpu_pct, threads, open_files, processes, process)| {
                    Resources { cpu_pct, open_files, process, processes, rss_mb, threads }
                });
        let phase = prop_oneof![
            Just((Phase::Steady, false)),
            select(vec![Phase::Warmup, Phase::Rampdown, Phase::Steady]).prop_map(|phase| (phase, true)),
        ];
        (
            (1..1_000_000u64, text(), time(), time(), phase, option::weighted(0.2, text())),
            (
                params(),
                summary(),
                by_name(),
                option::of(resources),
                tuning(),
                state(),
                events(),
                0..3u64,
                option::of(text()),
            ),
        )
            .prop_map(
                |((number, source, starts, ends, (phase, has_phases), collection_failed), rest)| {
                    IterationRecord {
                        number,
                        source,
                        starts,
                        ends,
                        measured_early: false,
                        phase,
                        has_phases,
                        asked_again: rest.7,
                        collection_failed,
                        events: rest.6,
                        overrides: rest.0,
                        summary: rest.1,
                        metrics: rest.2,
                        resources: rest.3,
                        resources_failed: rest.8,
                        tuning: rest.4,
                        state: rest.5,
                    }
                },
            )
    }
}
