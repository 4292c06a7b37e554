//! A run: a source is measured interval by interval, each iteration is summarised and judged, the tuner proposes
//! changes, guards decide, and everything is recorded in the folder of the run.
//!
//! ```text
//! source ──▶ EdgeReport ──▶ IterationRecord ──▶ Proposal ──▶ Guards ──▶ overrides
//! ```
//!
//! The [`planner`] is pure (state and event in, record and next state out); the `engine` owns the clock and the
//! order of things; the `folder` owns the files.

pub mod doctor;
pub(crate) mod engine;
pub mod events;
pub(crate) mod folder;
pub mod iteration;
pub mod metrics;
pub mod output;
pub(crate) mod plan;
pub mod planner;
pub(crate) mod procfs;
pub mod simulator;
pub mod source;
pub mod start;
pub(crate) mod tuner;

#[cfg(test)]
pub(crate) mod fixture {

    use Comparison::{Above, AtLeast, AtMost, Below};

    use crate::core::iteration::manifest::MeasureAt;
    use crate::core::iteration::params::{ParamName, ParamValues, Parameter, Parameters};
    use crate::core::kpi::KpiId;
    use crate::core::load::measurement::MeasurementReader;
    use crate::core::policy;
    use crate::core::policy::run::{
        Bound, Caution, Change, CooldownRules, FreezeRules, GuardRules, IterationVerdictRules,
        MeasuringRules, MicroStepRules, Movement, OscillationRules, PartialFreezeRules, Patience, Phases,
        Preset, Profile, ResourceRules, RunDefaults, RunPolicy, TunerRule, VelocityRules,
    };
    use crate::core::policy::{Limit, Step};
    use crate::core::verdict::{Comparison, LimitSource};

    /// Name, bounds, largest change per hour, default, `steady_safe`, whole, subsystem.
    type Row = (&'static str, f64, f64, f64, f64, f64, bool, &'static str);

    const PARAMETERS: [Row; 11] = [
        ("min_interval_ms", 40.0, 80.0, 30.0, 60.0, 75.0, true, "rebid"),
        ("replace_rate_per_min", 200.0, 320.0, 60.0, 300.0, 250.0, true, "rebid"),
        ("base_spread_bps_delta", 0.08, 0.25, 0.10, 0.14, 0.15, false, "rebid"),
        ("impact_cap_ratio", 0.08, 0.12, 0.04, 0.10, 0.08, false, "edge"),
        ("max_delta_ratio", 0.10, 0.16, 0.04, 0.15, 0.15, false, "edge"),
        ("tail_age_ms", 500.0, 800.0, 150.0, 600.0, 740.0, true, "edge"),
        ("concurrency_limit", 1.0, 64.0, 4.0, 10.0, 10.0, true, "edge"),
        ("rescue_max_ratio", 0.0, 1.0, 0.10, 0.30, 0.20, false, "rescue_taker"),
        ("rescue_min_edge_bps", 0.0, 10.0, 1.0, 1.0, 1.5, false, "rescue_taker"),
        ("rescue_cooldown_ms", 0.0, 5000.0, 500.0, 500.0, 750.0, true, "rescue_taker"),
        ("position_limit_ratio", 0.2, 1.0, 0.10, 1.0, 0.9, false, "risk"),
    ];

    /// The parameter with this name.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn parameter(name: &str) -> Parameter {
        parameters().get(&ParamName::flat(name)).cloned().expect("a parameter of the table")
    }

    /// Values by name.
    pub fn values(pairs: &[(&str, f64)]) -> ParamValues {
        ParamValues::new(pairs.iter().map(|(name, value)| (ParamName::flat(name), *value)).collect())
    }

    fn parameters() -> Parameters {
        let parameter = |(name, lowest, highest, hour, default, _, is_whole, subsystem): Row| Parameter {
            name: ParamName::flat(name),
            unit: String::new(),
            lowest,
            highest,
            max_change_per_hour: hour,
            default,
            is_whole,
            subsystem: subsystem.to_owned(),
        };
        Parameters::new(PARAMETERS.map(parameter).to_vec())
    }

    /// A condition.
    pub fn bound(kpi: KpiId, comparison: Comparison, value: f64) -> Bound {
        Bound { kpi, comparison, limit: Limit { value, source: source() } }
    }

    fn source() -> LimitSource {
        LimitSource { key: "test".to_owned(), origin: "a test".to_owned() }
    }

    fn risk(comparison: Comparison, value: f64) -> Bound {
        bound(KpiId::RISK_RATIO, comparison, value)
    }

    fn net(comparison: Comparison, value: f64) -> Bound {
        bound(KpiId::NET_BPS, comparison, value)
    }

    fn latency(comparison: Comparison, value: f64) -> Bound {
        bound(KpiId::P95_LATENCY_MS, comparison, value)
    }

    fn row(name: &str, when: Vec<Bound>, changes: Vec<Change>) -> TunerRule {
        TunerRule {
            name: name.to_owned(),
            when,
            unless: Vec::new(),
            in_a_row: 1,
            rest: 0,
            is_exclusive: false,
            replaces: Vec::new(),
            changes,
        }
    }

    fn change(param: &str, movement: Movement) -> Change {
        Change { param: ParamName::flat(param), movement, cap: None, floor: None }
    }

    fn add(param: &str, by: f64) -> Change {
        change(param, Movement::Add(by))
    }

    fn up(param: &str, by: f64, cap: f64) -> Change {
        Change { cap: Some(cap), ..add(param, by) }
    }

    fn down(param: &str, by: f64, floor: f64) -> Change {
        Change { floor: Some(floor), ..add(param, -by) }
    }

    fn rows() -> Vec<TunerRule> {
        let stable = vec![risk(Below, 0.40), net(AtLeast, 3.0)];
        let times = |param, factor| change(param, Movement::Multiply(factor));
        let at_least = |param, value| change(param, Movement::AtLeast(value));
        vec![
            TunerRule {
                in_a_row: 2,
                rest: 1,
                is_exclusive: true,
                ..row(
                    "fallback",
                    vec![net(Below, 0.0)],
                    vec![
                        up("min_interval_ms", 20.0, 80.0),
                        down("replace_rate_per_min", 60.0, 200.0),
                        add("base_spread_bps_delta", 0.02),
                        at_least("impact_cap_ratio", 0.08),
                        at_least("tail_age_ms", 700.0),
                    ],
                )
            },
            row(
                "aggressive",
                vec![risk(AtLeast, 0.60)],
                vec![
                    up("min_interval_ms", 5.0, 80.0),
                    down("impact_cap_ratio", 0.01, 0.08),
                    up("tail_age_ms", 30.0, 800.0),
                ],
            ),
            row(
                "moderate",
                vec![risk(AtLeast, 0.40), risk(Below, 0.60)],
                vec![up("min_interval_ms", 5.0, 75.0), down("impact_cap_ratio", 0.005, 0.09)],
            ),
            row(
                "settle",
                vec![risk(Above, 0.35), risk(Below, 0.40)],
                vec![up("min_interval_ms", 2.0, 75.0), down("impact_cap_ratio", 0.0025, 0.08)],
            ),
            row(
                "normalize",
                vec![risk(Below, 0.35), net(AtLeast, 3.0)],
                vec![down("min_interval_ms", 3.0, 50.0), up("impact_cap_ratio", 0.005, 0.10)],
            ),
            row(
                "edge",
                vec![risk(Below, 0.40), net(Below, 3.0)],
                vec![up("base_spread_bps_delta", 0.01, 0.25)],
            ),
            TunerRule {
                replaces: vec!["normalize".to_owned()],
                ..row(
                    "maker_boost",
                    vec![risk(AtMost, 0.40), bound(KpiId::MAKER_TAKER_RATIO, Below, 0.85), net(AtLeast, 2.7)],
                    vec![
                        add("base_spread_bps_delta", 0.015),
                        times("replace_rate_per_min", 0.85),
                        add("min_interval_ms", 25.0),
                    ],
                )
            },
            row(
                "latency_buffer",
                vec![latency(AtLeast, 330.0), latency(AtMost, 360.0)],
                vec![
                    Change { floor: Some(1.0), ..times("concurrency_limit", 0.90) },
                    up("tail_age_ms", 50.0, 800.0),
                ],
            ),
            row(
                "latency_hard",
                vec![latency(Above, 360.0)],
                vec![times("concurrency_limit", 0.85), add("tail_age_ms", 75.0)],
            ),
            TunerRule {
                unless: stable.clone(),
                ..row(
                    "driver_adverse",
                    vec![bound(KpiId::ADVERSE_BPS_P95, Above, 3.5)],
                    vec![down("impact_cap_ratio", 0.01, 0.08), down("max_delta_ratio", 0.01, 0.10)],
                )
            },
            TunerRule {
                unless: stable,
                ..row(
                    "driver_slippage",
                    vec![bound(KpiId::SLIPPAGE_BPS_P95, Above, 2.5)],
                    vec![up("base_spread_bps_delta", 0.02, 0.25), add("tail_age_ms", 30.0)],
                )
            },
        ]
    }

    fn guards() -> GuardRules {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
        GuardRules {
            freeze: FreezeRules {
                is_on: true,
                when: vec![risk(AtMost, 0.35), net(AtLeast, 2.7)],
                in_a_row: 2,
                lasts: 4,
                parameters: vec![ParamName::flat("impact_cap_ratio"), ParamName::flat("max_delta_ratio")],
            },
            oscillation: OscillationRules { is_on: true, tolerance: 1e-6 },
            velocity: VelocityRules { is_on: true, window_seconds: 3600.0, warmup_factor: 1.5 },
            cooldown: CooldownRules { is_on: true, large_step: 0.5, iterations: 2 },
            partial_freeze: PartialFreezeRules {
                is_on: true,
                applied_values: 5,
                relative_range: 0.15,
                direction_changes: 2,
                oscillation_freezes: names(&["rebid", "rescue_taker"]),
                latency_when: vec![latency(AtLeast, 360.0)],
                latency_freezes: names(&["rebid"]),
                open_after_ms: 2500.0,
                close_after_ms: 4000.0,
                minimum_ms: 3000.0,
            },
            micro_steps: MicroStepRules { is_on: true, keys: 2, rest: 1 },
        }
    }

    /// Reads what the built-in policy declares.
    pub fn reader() -> MeasurementReader {
        MeasurementReader::new(&policy::read(&[], &[]).expect("the built-in policy is fine"))
    }

    /// As in the built-in policy.
    pub fn measuring() -> MeasuringRules {
        MeasuringRules {
            source: None,
            measure_at: MeasureAt::Start,
            stale_after: None,
            clock_step_seconds: 2.0,
            clock_step_share: 0.05,
            times_are_strict: false,
        }
    }

    /// The whole policy; the warm-up preset lengthens the interval by 15 ms and widens the spread by 0.02 bps.
    pub fn policy() -> RunPolicy {
        let safe = PARAMETERS.map(|row| (row.0, row.5));
        RunPolicy {
            parameters: parameters(),
            profiles: vec![Profile {
                name: "steady_safe".to_owned(),
                values: values(&safe),
                source: source(),
            }],
            presets: vec![Preset {
                name: "gentle".to_owned(),
                changes: vec![
                    (ParamName::flat("min_interval_ms"), Step::Add(15.0)),
                    (ParamName::flat("base_spread_bps_delta"), Step::Add(0.02)),
                ],
                source: source(),
            }],
            phases: Phases {
                warmup_iterations: 4,
                rampdown_iterations: 2,
                warmup_preset: "gentle".to_owned(),
            },
            iteration_verdict: IterationVerdictRules {
                warn: vec![risk(Above, 0.40), bound(KpiId::ADVERSE_BPS_P95, Above, 3.0)],
                warmup_warn: vec![latency(Above, 350.0)],
                fail: vec![risk(Above, 0.50), net(Below, 2.0)],
                present: Vec::new(),
                of_iteration_pass: false,
            },
            patience: Patience {
                panic_after_fails: 3,
                panic_profile: "steady_safe".to_owned(),
                failed_collections: 3,
                child_grace_seconds: 30.0,
                child_kill_after_seconds: 5.0,
            },
            tuner: rows(),
            cautions: vec![Caution {
                name: "spread_and_interval".to_owned(),
                raised: ParamName::flat("base_spread_bps_delta"),
                keeps: ParamName::flat("min_interval_ms"),
            }],
            guards: guards(),
            queries: Vec::new(),
            defaults: RunDefaults::default(),
            resources: ResourceRules::default(),
            measuring: measuring(),
        }
    }
}

#[cfg(test)]
pub(crate) mod records {

    use chrono::{DateTime, TimeDelta, Utc};

    use crate::core::iteration::events::Events;
    use crate::core::iteration::params::ParamValues;
    use crate::core::kpi::{KpiId, KpiTable};
    use crate::run::iteration::tuning::{TunerState, TuningRecord};
    use crate::run::iteration::{IterationRecord, IterationSummary, KpiVerdict, Phase};

    /// 2025-10-12T00:00:00Z.
    pub fn start() -> DateTime<Utc> {
        DateTime::from_timestamp(1_760_227_200, 0).expect("a time")
    }

    /// Iteration `number` of five minutes each, with net 3.0 and risk 0.3, and nothing else.
    pub fn record(number: u64) -> IterationRecord {
        let minutes = |n: u64| TimeDelta::minutes(5 * i64::try_from(n).expect("a small number"));
        let mut values = vec![None; KpiTable::default().columns()];
        values[KpiId::NET_BPS.index()] = Some(3.0);
        values[KpiId::RISK_RATIO.index()] = Some(0.3);
        IterationRecord {
            number,
            source: "sim".to_owned(),
            starts: start() + minutes(number - 1),
            ends: start() + minutes(number),
            measured_early: false,
            phase: Phase::Steady,
            has_phases: false,
            asked_again: 0,
            collection_failed: None,
            events: Events::default(),
            overrides: ParamValues::default(),
            summary: IterationSummary {
                values,
                kpi_verdict: Some(KpiVerdict::Pass),
                ..IterationSummary::default()
            },
            metrics: std::collections::BTreeMap::new(),
            resources: None,
            resources_failed: None,
            tuning: TuningRecord::default(),
            state: TunerState::default(),
        }
    }

    /// The record with another value of a KPI.
    pub fn with(mut record: IterationRecord, kpi: KpiId, value: Option<f64>) -> IterationRecord {
        record.summary.values[kpi.index()] = value;
        record
    }

    pub fn delivering(mut record: IterationRecord, metric: &str, value: f64) -> IterationRecord {
        record.metrics.insert(metric.to_owned(), value);
        record
    }

    /// A record of which nothing could be collected.
    pub fn failed(number: u64, why: &str) -> IterationRecord {
        let mut record = record(number);
        record.collection_failed = Some(why.to_owned());
        record.summary = IterationSummary::default();
        record
    }
}
