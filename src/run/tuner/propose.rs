//! What the tuner's table proposes after an iteration: increments, each with its reason.
//!
//! Rows are asked from top to bottom; a parameter that has a delta is not touched by a row below, unless that
//! row takes its place. Knows nothing of guards, and applies nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::iteration::params;
use crate::core::iteration::params::{ParamName, ParamValues, Parameter};
use crate::core::kpi::KpiId;
use crate::core::policy::run::{Bound, Change, Movement, RunPolicy, TunerRule};
use crate::core::text::number::{beside, exact};
use crate::run::iteration::tuning::{Delta, TunerState};

/// What the table is asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// The rows, the cautions and the parameters.
    pub policy: &'a RunPolicy,
    /// Number of the iteration.
    pub number: u64,
    /// What it measured, by KPI index.
    pub values: &'a [Option<f64>],
    /// The overrides that were in force.
    pub overrides: &'a ParamValues,
    /// The memory before it.
    pub state: &'a TunerState,
}

/// What the table answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Proposal {
    /// Increments within caps, floors and bounds, none of them 0, sorted by parameter.
    pub deltas: Vec<Delta>,
    /// Parameters whose delta a bound of the parameter itself shortened.
    pub shortened_by_bound: BTreeSet<ParamName>,
    /// Parameters whose every delta was shortened to nothing by a cap, a floor or a bound.
    pub shortened_to_nothing: BTreeSet<ParamName>,
    /// Rows that acted and have to rest afterwards, with this iteration's number, and those still resting.
    pub acted: BTreeMap<String, u64>,
    /// Iterations in a row that satisfy each row's condition, this one included.
    pub streaks: BTreeMap<String, u64>,
}

/// A delta in the making.
struct Draft {
    row: String,
    delta: f64,
    reason: String,
    at_bound: bool,
}

/// Asks the table.
pub(crate) fn propose(question: Question<'_>) -> Proposal {
    let Question { policy, number, values, overrides, state } = question;
    let mut proposal = Proposal { streaks: streaks(policy, values, state), ..Proposal::default() };
    proposal.acted = state.rule_acted.clone();
    let acting: Vec<&TunerRule> =
        policy.tuner.iter().filter(|row| acts(row, number, values, state, &proposal.streaks)).collect();
    let acting = match acting.iter().find(|row| row.is_exclusive) {
        Some(alone) => vec![*alone],
        None => acting,
    };
    let mut drafts: BTreeMap<ParamName, Draft> = BTreeMap::new();
    for row in acting {
        if row.rest > 0 {
            proposal.acted.insert(row.name.clone(), number);
        }
        for change in &row.changes {
            match drafts.get(&change.param) {
                Some(draft) if row.replaces.contains(&draft.row) => drafts.remove(&change.param),
                Some(_) => continue,
                None => None,
            };
            let Some(parameter) = policy.parameters.get(&change.param) else { continue };
            let Some(value) = overrides.get(&change.param) else { continue };
            match step(parameter, value, change) {
                Move::By { delta, at_bound } => {
                    let draft = Draft { row: row.name.clone(), delta, reason: reason(row, values), at_bound };
                    drafts.insert(change.param.clone(), draft);
                }
                Move::ShortenedToNothing => {
                    proposal.shortened_to_nothing.insert(change.param.clone());
                }
                Move::NotNeeded => {}
            }
        }
    }
    be_cautious(policy, &mut drafts);
    for (param, draft) in drafts {
        proposal.shortened_to_nothing.remove(&param);
        if draft.at_bound {
            proposal.shortened_by_bound.insert(param.clone());
        }
        proposal.deltas.push(Delta { param, delta: draft.delta, reason: draft.reason });
    }
    proposal.acted.retain(|name, at| {
        policy.tuner.iter().any(|row| row.name == *name && number.saturating_sub(*at) < row.rest)
    });
    proposal
}

/// Iterations in a row that satisfy each row's condition; rows that ask for one alone are not counted.
fn streaks(policy: &RunPolicy, values: &[Option<f64>], state: &TunerState) -> BTreeMap<String, u64> {
    policy
        .tuner
        .iter()
        .filter(|row| row.in_a_row > 1 && all_hold(&row.when, values))
        .map(|row| {
            let before = state.rule_streaks.get(&row.name).copied().unwrap_or(0);
            (row.name.clone(), before.saturating_add(1))
        })
        .collect()
}

fn acts(
    row: &TunerRule,
    number: u64,
    values: &[Option<f64>],
    state: &TunerState,
    streaks: &BTreeMap<String, u64>,
) -> bool {
    let lasted = row.in_a_row <= 1 || streaks.get(&row.name).is_some_and(|streak| *streak >= row.in_a_row);
    let prevented = !row.unless.is_empty() && all_hold(&row.unless, values);
    let resting =
        state.rule_acted.get(&row.name).is_some_and(|acted| number.saturating_sub(*acted) <= row.rest);
    lasted && !prevented && !resting && all_hold(&row.when, values)
}

/// Whether all bounds hold; unknown values satisfy nothing.
pub(crate) fn all_hold(bounds: &[Bound], values: &[Option<f64>]) -> bool {
    bounds.iter().all(|bound| bound.holds(value_of(bound.kpi, values)))
}

fn value_of(kpi: KpiId, values: &[Option<f64>]) -> Option<f64> {
    values.get(kpi.index()).copied().flatten()
}

/// What is left of a change.
enum Move {
    By { delta: f64, at_bound: bool },
    ShortenedToNothing,
    NotNeeded,
}

fn step(parameter: &Parameter, value: f64, change: &Change) -> Move {
    let wanted = match change.movement {
        Movement::Add(by) => params::add_step(parameter, value, by),
        Movement::Multiply(factor) => params::multiply_step(parameter, value, factor),
        Movement::AtLeast(least) => value.max(least),
    };
    if params::clean(wanted - value) == 0.0 {
        return Move::NotNeeded;
    }
    let rises = wanted > value;
    // Only the end that the step goes towards shortens it; the other one would turn it round.
    let limit = if rises {
        change.cap.map_or(parameter.highest, |cap| cap.min(parameter.highest))
    } else {
        change.floor.map_or(parameter.lowest, |floor| floor.max(parameter.lowest))
    };
    // A limit between two whole numbers is met from the side of the value.
    let limit = match (parameter.is_whole, rises) {
        (false, _) => limit,
        (true, true) => limit.floor(),
        (true, false) => limit.ceil(),
    };
    let target = if rises { wanted.min(limit) } else { wanted.max(limit) };
    let delta = params::clean(target - value);
    if delta == 0.0 || (delta > 0.0) != rises {
        return Move::ShortenedToNothing;
    }
    let is_bound = limit == if rises { parameter.highest } else { parameter.lowest };
    Move::By { delta, at_bound: is_bound && target != wanted }
}

/// Drops a lowering where the parameter that it must not go with rises.
fn be_cautious(policy: &RunPolicy, drafts: &mut BTreeMap<ParamName, Draft>) {
    for caution in &policy.cautions {
        let rises = drafts.get(&caution.raised).is_some_and(|draft| draft.delta > 0.0);
        if rises && drafts.get(&caution.keeps).is_some_and(|draft| draft.delta < 0.0) {
            drafts.remove(&caution.keeps);
        }
    }
}

/// `MODERATE: risk_ratio 0.45 >= 0.40, risk_ratio 0.45 < 0.60`.
fn reason(row: &TunerRule, values: &[Option<f64>]) -> String {
    let conditions: Vec<String> =
        row.when.iter().filter_map(|bound| bound_words(bound, value_of(bound.kpi, values)?)).collect();
    let in_a_row =
        if row.in_a_row > 1 { format!(" ({} iterations in a row)", row.in_a_row) } else { String::new() };
    format!("{}: {}{in_a_row}", tag(&row.name), conditions.join(", "))
}

/// The tag of a row: its name in upper case.
pub(crate) fn tag(row: &str) -> String {
    row.to_ascii_uppercase()
}

/// `risk_ratio 0.45 >= 0.40`, if it holds.
pub(crate) fn bound_words(bound: &Bound, value: f64) -> Option<String> {
    let kpi = bound.kpi;
    let (limit, decimals) = (bound.limit.value, kpi.digits.unwrap_or_else(|| kpi.decimals().min(2)));
    bound.holds(Some(value)).then(|| {
        let (value, word) = (beside(value, limit, decimals), bound.comparison.symbol());
        format!("{} {value} {word} {}", kpi.name, exact(limit, decimals))
    })
}

#[cfg(test)]
mod tests {

    use crate::core::kpi::KpiTable;
    use crate::run::fixture;
    use crate::run::tuner::propose::*;

    /// Risk, net, maker, p95 latency, adverse, slippage.
    type Measured = [f64; 6];

    /// No row acts on this.
    const QUIET: Measured = [0.35, 3.0, 0.9, 300.0, 2.0, 1.0];

    const KPIS: [KpiId; 6] = [
        KpiId::RISK_RATIO,
        KpiId::NET_BPS,
        KpiId::MAKER_TAKER_RATIO,
        KpiId::P95_LATENCY_MS,
        KpiId::ADVERSE_BPS_P95,
        KpiId::SLIPPAGE_BPS_P95,
    ];

    fn with(changes: &[(usize, f64)]) -> Measured {
        let mut measured = QUIET;
        for (place, value) in changes {
            measured[*place] = *value;
        }
        measured
    }

    fn ask(measured: Measured, number: u64, start: &[(&str, f64)], state: &TunerState) -> Proposal {
        let policy = fixture::policy();
        let mut values = vec![None; KpiTable::default().columns()];
        for (kpi, value) in KPIS.into_iter().zip(measured) {
            values[kpi.index()] = Some(value);
        }
        let changed: Vec<(ParamName, f64)> =
            start.iter().map(|(name, value)| (ParamName::flat(name), *value)).collect();
        let overrides = crate::run::tuner::guards::merged(&policy.parameters.defaults(), changed);
        propose(Question { policy: &policy, number, values: &values, overrides: &overrides, state })
    }

    /// What is proposed from these start values: (row, parameter, delta).
    fn rows(measured: Measured, start: &[(&str, f64)]) -> Vec<(String, String, f64)> {
        told_rows(&ask(measured, 5, start, &TunerState::default()))
    }

    fn told_rows(proposal: &Proposal) -> Vec<(String, String, f64)> {
        proposal
            .deltas
            .iter()
            .map(|delta| {
                let row = delta.reason.split(':').next().unwrap_or_default();
                (row.to_ascii_lowercase(), delta.param.to_string(), delta.delta)
            })
            .collect()
    }

    fn expect(measured: Measured, expected: &[(&str, &str, f64)]) {
        let expected: Vec<(String, String, f64)> =
            expected.iter().map(|(row, param, delta)| ((*row).into(), (*param).into(), *delta)).collect();
        assert_eq!(rows(measured, &[]), expected, "{measured:?}");
    }

    #[test]
    fn the_zones_by_risk_begin_and_end_at_their_limits() {
        let aggressive = [
            ("aggressive", "impact_cap_ratio", -0.01),
            ("aggressive", "min_interval_ms", 5.0),
            ("aggressive", "tail_age_ms", 30.0),
        ];
        let moderate = [("moderate", "impact_cap_ratio", -0.005), ("moderate", "min_interval_ms", 5.0)];
        let settle = [("settle", "impact_cap_ratio", -0.0025), ("settle", "min_interval_ms", 2.0)];
        for (risk, expected) in [
            (1.0, &aggressive[..]),
            (0.60, &aggressive),
            (0.5999, &moderate),
            (0.40, &moderate),
            (0.3999, &settle),
            (0.3501, &settle),
            (0.35, &[]),
        ] {
            expect(with(&[(0, risk)]), expected);
        }
        // NORMALIZE raises the cap to 0.10 at most, where it stands already.
        expect(with(&[(0, 0.3499)]), &[("normalize", "min_interval_ms", -3.0)]);
        let raised = rows(with(&[(0, 0.30)]), &[("impact_cap_ratio", 0.09)]);
        assert_eq!(raised[0], ("normalize".into(), "impact_cap_ratio".into(), 0.005));
    }

    #[test]
    fn little_edge_at_moderate_risk_widens_the_spread() {
        expect(with(&[(1, 2.9999)]), &[("edge", "base_spread_bps_delta", 0.01)]);
        expect(with(&[(1, 3.0)]), &[]);
        // From risk 0.40 on it is MODERATE alone.
        assert_eq!(rows(with(&[(0, 0.40), (1, 2.9)]), &[]).len(), 2);
        assert_eq!(rows(with(&[(0, 0.3999), (1, 2.9)]), &[]).len(), 3);
    }

    #[test]
    fn the_maker_boost_asks_for_risk_maker_share_and_edge() {
        let boost = [
            ("maker_boost", "base_spread_bps_delta", 0.015),
            ("maker_boost", "min_interval_ms", 20.0),
            ("maker_boost", "replace_rate_per_min", -45.0),
        ];
        // 60 + 25 is beyond 80.
        expect(with(&[(2, 0.8499)]), &boost);
        expect(with(&[(2, 0.85)]), &[]);
        // With little edge the spread is widened already, by EDGE.
        let edge = [("edge", "base_spread_bps_delta", 0.01), boost[1], boost[2]];
        expect(with(&[(1, 2.7), (2, 0.8)]), &edge);
        expect(with(&[(1, 2.6999), (2, 0.8)]), &[edge[0]]);
        // At risk 0.40 MODERATE has the interval.
        let moderate = [
            boost[0],
            ("moderate", "impact_cap_ratio", -0.005),
            ("moderate", "min_interval_ms", 5.0),
            boost[2],
        ];
        expect(with(&[(0, 0.40), (2, 0.8)]), &moderate);
        assert_eq!(rows(with(&[(0, 0.4001), (2, 0.8)]), &[]).len(), 2);
        // It takes the place of a NORMALIZE shortening.
        expect(with(&[(0, 0.30), (2, 0.8)]), &boost);
        // Also where nothing is left of its own step.
        let at_the_end = rows(with(&[(0, 0.30), (2, 0.8)]), &[("min_interval_ms", 80.0)]);
        assert!(at_the_end.iter().all(|(_, param, _)| param != "min_interval_ms"));
    }

    #[test]
    fn latency_lowers_the_concurrency_in_two_bands() {
        let buffer = [("latency_buffer", "concurrency_limit", -1.0), ("latency_buffer", "tail_age_ms", 50.0)];
        // 10 x 0.85 = 8.5, down to 8.
        let hard = [("latency_hard", "concurrency_limit", -2.0), ("latency_hard", "tail_age_ms", 75.0)];
        expect(with(&[(3, 329.9)]), &[]);
        expect(with(&[(3, 330.0)]), &buffer);
        expect(with(&[(3, 360.0)]), &buffer);
        expect(with(&[(3, 360.1)]), &hard);
        // 5 x 0.90 = 4.5, down to 4; 1 x 0.90 is at the floor.
        let from = |limit| rows(with(&[(3, 340.0)]), &[("concurrency_limit", limit)]);
        assert_eq!(from(5.0)[0].2, -1.0);
        assert_eq!(from(1.0).len(), 1);
        // AGGRESSIVE has moved the tail age: not free.
        let both = rows(with(&[(0, 0.60), (3, 340.0)]), &[]);
        assert!(both.contains(&("aggressive".into(), "tail_age_ms".into(), 30.0)));
    }

    #[test]
    fn drivers_act_beyond_their_limits_unless_the_run_is_stable() {
        let low = |changes: &[(usize, f64)]| with(&[&[(1, 2.5)][..], changes].concat());
        let edge = ("edge", "base_spread_bps_delta", 0.01);
        expect(low(&[(4, 3.5)]), &[edge]);
        let adverse = [
            edge,
            ("driver_adverse", "impact_cap_ratio", -0.01),
            ("driver_adverse", "max_delta_ratio", -0.01),
        ];
        expect(low(&[(4, 3.5001)]), &adverse);
        expect(low(&[(5, 2.5)]), &[edge]);
        // EDGE has the spread.
        expect(low(&[(5, 2.5001)]), &[edge, ("driver_slippage", "tail_age_ms", 30.0)]);
        // Stable from net 3.0 on, below risk 0.40.
        expect(with(&[(4, 9.0), (5, 9.0)]), &[]);
        let unstable = rows(with(&[(0, 0.40), (4, 9.0), (5, 9.0)]), &[]);
        assert!(unstable.contains(&("driver_slippage".into(), "base_spread_bps_delta".into(), 0.02)));
        assert!(unstable.contains(&("driver_adverse".into(), "max_delta_ratio".into(), -0.01)));
    }

    #[test]
    fn a_cap_shortens_a_step_to_nothing_and_never_turns_it() {
        let interval = |from: f64| {
            let proposal = ask(with(&[(0, 0.45)]), 5, &[("min_interval_ms", from)], &TunerState::default());
            let delta = proposal.deltas.iter().find(|delta| delta.param.as_str() == "min_interval_ms");
            let nothing = proposal.shortened_to_nothing.contains(&ParamName::flat("min_interval_ms"));
            (delta.map(|delta| delta.delta), nothing)
        };
        assert_eq!(interval(69.0), (Some(5.0), false));
        assert_eq!(interval(70.0), (Some(5.0), false));
        assert_eq!(interval(71.0), (Some(4.0), false));
        assert_eq!(interval(75.0), (None, true));
        assert_eq!(interval(78.0), (None, true));
        // The bound of the parameter is told apart from the cap of a row.
        let state = TunerState::default();
        let spread = ask(with(&[(1, 2.9), (2, 0.8)]), 5, &[("base_spread_bps_delta", 0.245)], &state);
        assert_eq!(spread.deltas[0].delta, 0.005);
        assert!(spread.shortened_by_bound.contains(&ParamName::flat("base_spread_bps_delta")));
    }

    #[test]
    fn a_parameter_whose_step_came_to_nothing_is_still_free() {
        // MODERATE stops at 75; MAKER_BOOST goes on to the bound.
        let proposal =
            ask(with(&[(0, 0.40), (2, 0.8)]), 5, &[("min_interval_ms", 76.0)], &TunerState::default());
        assert!(told_rows(&proposal).contains(&("maker_boost".into(), "min_interval_ms".into(), 4.0)));
        assert!(proposal.shortened_to_nothing.is_empty());
    }

    #[test]
    fn a_widened_spread_drops_a_shortened_interval() {
        let mut policy = fixture::policy();
        // NORMALIZE and EDGE exclude each other as documented; without its upper limit EDGE joins in.
        for row in policy.tuner.iter_mut().filter(|row| row.name == "edge") {
            row.when.truncate(1);
        }
        let mut values = vec![None; KpiTable::default().columns()];
        values[KpiId::RISK_RATIO.index()] = Some(0.30);
        values[KpiId::NET_BPS.index()] = Some(3.5);
        let (overrides, state) = (policy.parameters.defaults(), TunerState::default());
        let ask = |policy: &RunPolicy| {
            let (values, overrides) = (values.as_slice(), &overrides);
            told_rows(&propose(Question { policy, number: 5, values, overrides, state: &state }))
        };
        assert_eq!(ask(&policy), [("edge".into(), "base_spread_bps_delta".into(), 0.01)]);
        policy.cautions.clear();
        assert_eq!(ask(&policy).len(), 2);
    }

    #[test]
    fn the_fallback_acts_alone_after_two_losses_and_then_rests_once() {
        let loss = with(&[(0, 0.45), (1, -0.001)]);
        let mut state = TunerState::default();
        let mut acted = Vec::new();
        for number in 1..=6 {
            let proposal = ask(loss, number, &[("tail_age_ms", 650.0)], &state);
            acted.push(told_rows(&proposal)[0].0.clone());
            if number == 2 {
                let fallback = |param: &str, delta: f64| ("fallback".to_owned(), param.to_owned(), delta);
                let expected = [
                    fallback("base_spread_bps_delta", 0.02),
                    fallback("min_interval_ms", 20.0),
                    fallback("replace_rate_per_min", -60.0),
                    fallback("tail_age_ms", 50.0),
                ];
                assert_eq!(told_rows(&proposal), expected);
                assert_eq!(
                    proposal.deltas[0].reason,
                    "FALLBACK: net_bps -0.001 < 0.00 (2 iterations in a row)"
                );
            }
            state.rule_streaks = proposal.streaks;
            state.rule_acted = proposal.acted;
        }
        assert_eq!(acted, ["moderate", "fallback", "moderate", "fallback", "moderate", "fallback"]);
        // At net 0 there is no loss, and the row ends.
        let proposal = ask(with(&[(1, 0.0)]), 7, &[], &state);
        assert!(proposal.streaks.is_empty() && proposal.acted.is_empty());
    }

    #[test]
    fn unknown_values_satisfy_no_row() {
        let (policy, state) = (fixture::policy(), TunerState::default());
        let values = vec![None; KpiTable::default().columns()];
        let overrides = policy.parameters.defaults();
        let question =
            Question { policy: &policy, number: 1, values: &values, overrides: &overrides, state: &state };
        assert_eq!(propose(question), Proposal::default());
    }
}
