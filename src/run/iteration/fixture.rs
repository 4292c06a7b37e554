//! Records for tests: a plain one, and any that can be.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use strum::VariantArray as _;

use crate::core::iteration::guards::Guard;
use crate::core::iteration::params::{ParamName, ParamValues};
use crate::core::kpi::{KpiId, KpiTable};
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
    let mut values = vec![None; KpiTable::default().len()];
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
        collection_failed: None,
        overrides: ParamValues::new(vec![(param.clone(), value - 1.0)]),
        summary: IterationSummary {
            values,
            kpi_verdict: Some(KpiVerdict::Pass),
            neg_edge_drivers: vec!["fees_bps".to_owned()],
            ..IterationSummary::default()
        },
        metrics: BTreeMap::from([("mm_hit_ratio".to_owned(), 0.75)]),
        resources: None,
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
        (params(), number(), option::of(text()), option::of(any::<u64>()), option::of(text()), any::<u64>()),
        (option::of(any::<u64>()), any::<u64>(), any::<u64>()),
        (btree_map(text(), any::<u64>(), 0..3), btree_map(text(), any::<u64>(), 0..3), texts()),
        (btree_map(param(), vec(number(), 0..4), 0..3), vec(change, 0..4), btree_map(text(), debounce, 0..3)),
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

/// Any record that can be.
pub(crate) fn any_record() -> impl Strategy<Value = IterationRecord> {
    let resources = (
        option::of(number()),
        option::of(number()),
        option::of(any::<u64>()),
        option::of(any::<u64>()),
        option::of(any::<u64>()),
    )
        .prop_map(|(rss_mb, cpu_pct, threads, open_files, processes)| Resources {
            cpu_pct,
            open_files,
            processes,
            rss_mb,
            threads,
        });
    let phase = prop_oneof![
        Just((Phase::Steady, false)),
        select(vec![Phase::Warmup, Phase::Rampdown, Phase::Steady]).prop_map(|phase| (phase, true)),
    ];
    (
        (1..1_000_000u64, text(), time(), time(), phase, option::weighted(0.2, text())),
        (params(), summary(), by_name(), option::of(resources), tuning(), state()),
    )
        .prop_map(|((number, source, starts, ends, (phase, has_phases), collection_failed), rest)| {
            IterationRecord {
                number,
                source,
                starts,
                ends,
                measured_early: false,
                phase,
                has_phases,
                collection_failed,
                overrides: rest.0,
                summary: rest.1,
                metrics: rest.2,
                resources: rest.3,
                tuning: rest.4,
                state: rest.5,
            }
        })
}
