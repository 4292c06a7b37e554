//! The canary: its limits, with what the soak showed put in, and what they say of it.

#[cfg(test)]
mod fixture;
pub mod hours;
pub mod readings;
pub mod terms;
pub mod triggers;
pub mod verdict;
pub mod watch;

use crate::core::kpi::KpiId;
use crate::core::number::{exact, trimmed};
use crate::core::policy::Statistic;
use crate::core::policy::release::{CanaryBound, CanaryLimit, CanaryRules};
use crate::core::verdict::{Comparison, LimitSource};

/// A limit at an hour.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedLimit {
    /// The KPI.
    pub kpi: KpiId,
    /// What must hold.
    pub comparison: Comparison,
    /// With what; `None` when the soak did not measure it and no earlier hour has a limit.
    pub limit: Option<f64>,
    /// Of the canary's values, over the window of the hour.
    pub statistic: Statistic,
    /// Where it comes from, in words.
    pub basis: String,
    /// Its key in the policy; that of the margin where the limit follows the soak.
    pub source: LimitSource,
}

/// An hour with its limits.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedCheckpoint {
    /// `hour_1`.
    pub name: String,
    /// Hours after the start of the canary.
    pub after_hours: f64,
    /// All must hold.
    pub limits: Vec<ResolvedLimit>,
}

/// The limits of all hours. `measured` is what the soak showed of a KPI in its last-n window of `n` iterations.
pub fn resolve(
    rules: &CanaryRules,
    n: usize,
    measured: impl Fn(KpiId, Statistic) -> Option<f64>,
) -> Vec<ResolvedCheckpoint> {
    let mut resolved: Vec<ResolvedCheckpoint> = Vec::new();
    for checkpoint in &rules.checkpoints {
        let limits = checkpoint
            .limits
            .iter()
            .map(|limit| {
                let before = earlier(&resolved, limit.kpi);
                one(limit, rules.statistic, before, n, &measured)
            })
            .collect();
        resolved.push(ResolvedCheckpoint {
            name: checkpoint.name.clone(),
            after_hours: checkpoint.after_hours,
            limits,
        });
    }
    resolved
}

/// The limit at the hour before, with its hour.
fn earlier(resolved: &[ResolvedCheckpoint], kpi: KpiId) -> Option<(f64, Comparison, f64)> {
    resolved.iter().rev().find_map(|checkpoint| {
        let of_kpi = checkpoint.limits.iter().find(|limit| limit.kpi == kpi)?;
        Some((of_kpi.limit?, of_kpi.comparison, checkpoint.after_hours))
    })
}

fn one(
    limit: &CanaryLimit,
    usual: Statistic,
    before: Option<(f64, Comparison, f64)>,
    n: usize,
    measured: &impl Fn(KpiId, Statistic) -> Option<f64>,
) -> ResolvedLimit {
    let CanaryLimit { kpi, comparison, bound } = limit;
    let (of, source) = (statistic_of(bound, usual), source_of(bound).clone());
    let resolved = |comparison, limit, basis| ResolvedLimit {
        kpi: *kpi,
        comparison,
        limit,
        statistic: of,
        basis,
        source,
    };
    let (statistic, margin, decimals) = match bound {
        CanaryBound::Fixed(limit) => {
            return resolved(*comparison, Some(limit.value), format!("`{}`", limit.source.key));
        }
        CanaryBound::FromSoak { statistic, margin, decimals } => (*statistic, margin.value, *decimals),
    };
    let number = |value: f64, digits: usize| trimmed(&exact(value, digits)).to_owned();
    let unit = kpi.unit.symbol();
    let Some(seen) = measured(*kpi, statistic) else {
        return match before {
            Some((limit, comparison, hours)) => resolved(
                comparison,
                Some(limit),
                format!("as at hour {}; the soak did not measure it", number(hours, 0)),
            ),
            None => resolved(*comparison, None, "the soak did not measure it".to_owned()),
        };
    };
    let is_floor = matches!(comparison, Comparison::AtLeast | Comparison::Above);
    let bar = strict(if is_floor { seen - margin } else { seen + margin }, decimals, is_floor);
    if let Some((limit, comparison, hours)) = before
        && (if is_floor { limit > bar } else { limit < bar })
    {
        let basis =
            format!("as at hour {}, which is stricter than the soak less its margin", number(hours, 0));
        return resolved(comparison, Some(limit), basis);
    }
    let shown = crate::core::number::fixed(seen, kpi.unit.decimals().max(decimals + 1));
    let (sign, way) = if is_floor { ("-", "up") } else { ("+", "down") };
    let basis = format!(
        "soak: {} {} {} over n = {n}, {sign} margin {}, rounded {way}",
        statistic.word(),
        trimmed(&shown),
        unit,
        number(margin, 0)
    );
    resolved(*comparison, Some(bar), basis.replace("  ", " "))
}

/// What is looked at of the canary's values: the statistic that the soak was looked at by, else the usual one.
pub fn statistic_of(bound: &CanaryBound, usual: Statistic) -> Statistic {
    match bound {
        CanaryBound::Fixed(_) => usual,
        CanaryBound::FromSoak { statistic, .. } => *statistic,
    }
}

/// The key of a bound.
pub fn source_of(bound: &CanaryBound) -> &LimitSource {
    match bound {
        CanaryBound::Fixed(limit) | CanaryBound::FromSoak { margin: limit, .. } => &limit.source,
    }
}

/// Rounded to so many decimals, to the side that asks for more.
pub fn strict(value: f64, decimals: usize, is_floor: bool) -> f64 {
    // What a subtraction leaves behind is no reason to ask for a whole step more.
    const DUST: f64 = 1e-6;
    let scale = (0..decimals).fold(1.0, |scale, _| scale * 10.0);
    let scaled = value * scale;
    let nearest = scaled.round();
    let whole = match is_floor {
        _ if (scaled - nearest).abs() < DUST => nearest,
        true => scaled.ceil(),
        false => scaled.floor(),
    };
    whole / scale + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::judge::fixture::limit;
    use crate::core::policy::release::Checkpoint;

    #[test]
    fn a_limit_is_rounded_to_the_side_that_asks_for_more() {
        // The scripts of old loosened 2.25 to 2.2, 339.5 to 340 and 0.405 to 0.41.
        assert_eq!(strict(2.25, 1, true), 2.3);
        assert_eq!(strict(339.5, 0, false), 339.0);
        assert_eq!(strict(0.405, 2, false), 0.40);
        assert_eq!(strict(0.8349, 2, true), 0.84);
        assert_eq!(strict(4.75, 1, true), 4.8);
        assert_eq!(strict(-0.25, 1, true), -0.2);
        // What is exact stays, also behind a subtraction: 0.85 - 0.02 and 0.30 + 0.03.
        assert_eq!(strict(0.85 - 0.02, 2, true), 0.83);
        assert_eq!(strict(0.30 + 0.03, 2, false), 0.33);
        assert_eq!(strict(180.0, 0, false), 180.0);
        assert!(strict(-0.04, 1, true).is_sign_positive());
    }

    fn rules(hour_6: f64) -> CanaryRules {
        let net = |bound, comparison| vec![CanaryLimit { kpi: KpiId::NET_BPS, comparison, bound }];
        let soak = CanaryBound::FromSoak { statistic: Statistic::Mean, margin: limit(0.5), decimals: 1 };
        CanaryRules {
            checkpoints: vec![
                Checkpoint {
                    name: "hour_6".to_owned(),
                    after_hours: 6.0,
                    limits: net(CanaryBound::Fixed(limit(hour_6)), Comparison::Above),
                },
                Checkpoint {
                    name: "hour_24".to_owned(),
                    after_hours: 24.0,
                    limits: net(soak, Comparison::AtLeast),
                },
            ],
            ..fixture::rules()
        }
    }

    fn at_24(hour_6: f64, measured: Option<f64>) -> ResolvedLimit {
        let resolved = resolve(&rules(hour_6), 8, |_, _| measured);
        resolved[1].limits[0].clone()
    }

    #[test]
    fn what_the_soak_showed_less_its_margin_is_asked_for() {
        let found = at_24(0.0, Some(4.46));
        assert_eq!((found.limit, found.comparison), (Some(4.0), Comparison::AtLeast));
        assert_eq!(found.basis, "soak: mean 4.46 bps over n = 8, - margin 0.5, rounded up");
    }

    #[test]
    fn a_later_hour_is_never_looser_than_an_earlier_one() {
        let found = at_24(0.0, Some(-3.0));
        assert_eq!((found.limit, found.comparison), (Some(0.0), Comparison::Above));
        assert!(found.basis.starts_with("as at hour 6, which is stricter"), "{}", found.basis);
    }

    #[test]
    fn what_the_soak_did_not_measure_is_asked_for_as_before() {
        let found = at_24(1.0, None);
        assert_eq!(found.limit, Some(1.0));
        assert!(found.basis.contains("did not measure"), "{}", found.basis);
    }
}
