//! An iteration file of ours, read back whole.
//!
//! Strict: every key that is written must be there with its type. Keys that are not known are passed over, so
//! that an older program can read what a newer one adds.

use serde_json::Value;

use super::fields::Fields;
use crate::core::guards::Guard;
use crate::core::kpi::KpiTable;
use crate::core::params::ParamName;
use crate::core::run::edge_report::{AuditCounts, KpiGateFile};
use crate::core::run::iteration::{
    IterationRecord, IterationSummary, KpiVerdict, MakerSource, Phase, Resources,
};
use crate::core::tuning::record::{Applied, Delta, SkipCode, TuningRecord};
use crate::core::tuning::state::{Debounce, RecentChange, TunerState};

/// Why a file is no whole record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DamagedRecord {
    /// It is no JSON, or cut off.
    #[error("it is no whole JSON: {0}")]
    Syntax(String),
    /// A key is not there.
    #[error("`{key}` is missing")]
    Missing {
        /// Its path.
        key: String,
    },
    /// A value of another type.
    #[error("`{key}` is {found}, expected {expected}")]
    Wrong {
        /// Its path.
        key: String,
        /// What it is.
        found: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A text that is none of those that are known.
    #[error("`{key}` is `{found}`, expected {expected}")]
    Unknown {
        /// Its path.
        key: String,
        /// The text.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Two things that must agree do not.
    #[error("`{key}` {what}")]
    Contradiction {
        /// The path of one of them.
        key: String,
        /// What is wrong.
        what: &'static str,
    },
}

type Read<T> = Result<T, DamagedRecord>;

/// Reads a record that [`super::write`] has written with the same KPIs. `summary.values` has a place for every
/// KPI, and `summary.fallbacks` is sorted by KPI.
pub fn read(bytes: &[u8], kpis: &KpiTable) -> Read<IterationRecord> {
    let tree: Value =
        serde_json::from_slice(bytes).map_err(|error| DamagedRecord::Syntax(error.to_string()))?;
    let top = Fields::top(&tree)?;
    let version = top.text("schema_version")?;
    if !version.starts_with("1.") {
        return Err(top.unknown("schema_version", version, "a version that this program knows (1.x)"));
    }
    let collection = top.object("collection")?;
    let collection_failed = match (collection.flag("ok")?, collection.optional_text("reason")?) {
        (true, None) => None,
        (false, Some(reason)) => Some(reason),
        _ => {
            let what = "must be there when `ok` is false, and only then";
            return Err(DamagedRecord::Contradiction { key: collection.path_of("reason"), what });
        }
    };
    let summary = top.object("summary")?;
    let has_phases = summary.has("phase");
    let phase = if has_phases {
        let phases = [Phase::Warmup, Phase::Rampdown, Phase::Steady];
        summary.optional_word("phase", phases, Phase::word, "a phase")?.unwrap_or_default()
    } else {
        Phase::Steady
    };
    Ok(IterationRecord {
        number: top.whole("iteration")?,
        source: top.text("source")?.to_owned(),
        starts: top.time("started_utc")?,
        ends: summary.time("runtime_utc")?,
        measured_early: top.has("measured_early") && top.flag("measured_early")?,
        phase,
        has_phases,
        collection_failed,
        overrides: top.params("runtime_overrides")?,
        resources: summary.optional_object("resources")?.map(|fields| resources(&fields)).transpose()?,
        summary: summary_of(&summary, kpis)?,
        metrics: top.numbers("metrics")?,
        tuning: tuning_of(&top.object("tuning")?)?,
        state: state_of(&top.object("state")?)?,
    })
}

fn resources(fields: &Fields<'_>) -> Read<Resources> {
    Ok(Resources {
        rss_mb: fields.optional_number("rss_mb")?,
        cpu_pct: fields.optional_number("cpu_pct")?,
        threads: fields.optional_whole("threads")?,
        open_files: fields.optional_whole("open_files")?,
        processes: fields.optional_whole("processes")?,
    })
}

fn summary_of(fields: &Fields<'_>, kpis: &KpiTable) -> Read<IterationSummary> {
    let mut values = Vec::with_capacity(kpis.len());
    for id in kpis.ids() {
        let name = kpis.name(id);
        values.push(if fields.has(name) { Some(fields.number(name)?) } else { None });
    }
    let mut fallbacks = Vec::new();
    for (name, key) in fields.texts_by_name("fallbacks")? {
        let kpi = kpis.find(&name).ok_or_else(|| fields.unknown("fallbacks", &name, "names of KPIs"))?;
        fallbacks.push((kpi, key));
    }
    fallbacks.sort_by_key(|(kpi, _)| *kpi);
    let mut above_highest = Vec::new();
    if fields.has("above_highest") {
        let refused = fields.object("above_highest")?;
        for name in refused.keys() {
            let kpi =
                kpis.find(name).ok_or_else(|| fields.unknown("above_highest", name, "names of KPIs"))?;
            above_highest.extend(refused.numbers(name)?.into_iter().map(|(key, raw)| (kpi, key, raw)));
        }
        above_highest.sort_by_key(|(kpi, ..)| *kpi);
    }
    let blocks = fields.object("blocks")?;
    let makers = [
        MakerSource::FillsVolume,
        MakerSource::FillsCount,
        MakerSource::MakerSharePct,
        MakerSource::Reported,
    ];
    let verdicts = [KpiVerdict::Pass, KpiVerdict::Warn, KpiVerdict::Fail];
    let kpi_gate = fields.optional_object("kpi_gate")?.map(|gate| {
        Ok(KpiGateFile { verdict: gate.text("verdict")?.to_owned(), reasons: gate.texts("reasons")? })
    });
    let audit = fields.optional_object("audit")?.map(|audit| {
        Ok(AuditCounts {
            total: audit.whole("total")?,
            refused: audit.wholes("refused")?,
            unreadable: audit.whole("unreadable")?,
        })
    });
    Ok(IterationSummary {
        version: fields.optional_text("version")?,
        values,
        above_highest,
        fallbacks,
        maker_source: fields.optional_word(
            "maker_taker_source",
            makers,
            MakerSource::word,
            "a source of the maker share",
        )?,
        fills: fields.numbers("fills")?,
        components: fields.numbers("component_breakdown")?,
        block_counts: blocks.numbers("counts")?,
        block_ratios: blocks.numbers("ratios")?,
        neg_edge_drivers: fields.texts("neg_edge_drivers")?,
        kpi_verdict: fields.optional_word("kpi_verdict", verdicts, KpiVerdict::word, "a verdict")?,
        kpi_reasons: fields.texts("kpi_reasons")?,
        edge_gate: fields.texts("edge_gate")?,
        kpi_gate: kpi_gate.transpose()?,
        sentinel_advice: fields.texts("sentinel_advice")?,
        audit: audit.transpose()?,
        notes: fields.texts("notes")?,
    })
}

fn tuning_of(fields: &Fields<'_>) -> Read<TuningRecord> {
    let deltas = fields.params("deltas")?;
    let reasons = fields.texts("reasons")?;
    if reasons.len() != deltas.len() {
        let what = "has not one reason for each of `deltas`";
        return Err(DamagedRecord::Contradiction { key: fields.path_of("reasons"), what });
    }
    let deltas = deltas
        .iter()
        .zip(reasons)
        .map(|((param, delta), reason)| Delta { param: param.clone(), delta, reason })
        .collect();
    let applied = fields.object("applied_values")?;
    let mut applied_values = Vec::new();
    for name in applied.keys() {
        let value = applied.object(name)?;
        applied_values.push(Applied {
            param: ParamName::flat(name),
            old: value.number("old")?,
            delta: value.number("delta")?,
            new: value.number("new")?,
            at_bound: value.flag("bound")?,
        });
    }
    let dropped = fields.object("dropped")?;
    let code = |fields: &Fields<'_>, key: &str| {
        fields.optional_word(key, SkipCode::ALL, SkipCode::word, "a code of a guard")
    };
    let mut dropped_codes = std::collections::BTreeMap::new();
    for name in dropped.keys() {
        let code =
            code(&dropped, name)?.ok_or_else(|| DamagedRecord::Missing { key: dropped.path_of(name) })?;
        dropped_codes.insert(ParamName::flat(name), code);
    }
    let skip = fields.object("skip_reason")?;
    let guards = fields
        .texts("guards")?
        .into_iter()
        .map(|word| Guard::parse(&word).ok_or_else(|| fields.unknown("guards", &word, "names of guards")));
    let freeze_started = fields.optional_text("freeze_reason")?;
    if fields.flag("freeze_triggered")? != freeze_started.is_some() {
        let what = "must be there when `freeze_triggered` is true, and only then";
        return Err(DamagedRecord::Contradiction { key: fields.path_of("freeze_reason"), what });
    }
    Ok(TuningRecord {
        deltas,
        applied_values,
        dropped: dropped_codes,
        skip: code(&skip, "code")?,
        skip_note: skip.optional_text("note")?,
        guards: guards.collect::<Read<_>>()?,
        freeze_started,
        freeze_active: fields.flag("freeze_active")?,
        panic_revert: fields.flag("panic_revert")?,
        signature: fields.optional_text("signature")?,
        old_hash: fields.text("old_hash")?.to_owned(),
        state_hash: fields.text("state_hash")?.to_owned(),
        partial_freezes: fields.texts_by_name("partial_freezes")?,
    })
}

fn state_of(fields: &Fields<'_>) -> Read<TunerState> {
    let applied = fields.object("applied_values")?;
    let applied_values = applied.keys().map(|name| Ok((ParamName::flat(name), applied.numbers_list(name)?)));
    let recent = fields.objects("recent_changes")?.into_iter().map(|change| {
        Ok(RecentChange {
            run_seconds: change.number("run_seconds")?,
            param: ParamName::flat(change.text("param")?),
            change: change.number("change")?,
        })
    });
    let freezes = fields.object("partial_freezes")?;
    let partial_freezes = freezes.keys().map(|name| {
        let freeze = freezes.object(name)?;
        let debounce = Debounce {
            signal_since: freeze.optional_number("signal_since")?,
            quiet_since: freeze.optional_number("quiet_since")?,
            open_since: freeze.optional_number("open_since")?,
        };
        Ok((name.clone(), debounce))
    });
    let last_changed = fields.wholes("last_changed")?;
    Ok(TunerState {
        overrides: fields.params("overrides")?,
        run_seconds: fields.number("run_seconds")?,
        last_applied_signature: fields.optional_text("last_applied_signature")?,
        frozen_until: fields.optional_whole("frozen_until")?,
        freeze_reason: fields.optional_text("freeze_reason")?,
        stable_streak: fields.whole("stable_streak")?,
        cooldown_until: fields.optional_whole("cooldown_until")?,
        fail_streak: fields.whole("fail_streak")?,
        failed_collections: fields.whole("failed_collections")?,
        rule_streaks: fields.wholes("rule_streaks")?,
        rule_acted: fields.wholes("rule_acted")?,
        override_hashes: fields.texts("override_hashes")?,
        applied_values: applied_values.collect::<Read<_>>()?,
        recent_changes: recent.collect::<Read<_>>()?,
        partial_freezes: partial_freezes.collect::<Read<_>>()?,
        last_changed: last_changed.into_iter().map(|(name, at)| (ParamName::flat(&name), at)).collect(),
        phase_offset: fields.params("phase_offset")?,
    })
}
