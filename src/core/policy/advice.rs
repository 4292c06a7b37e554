//! `[recommendations]`: advice on parameters, and the steps that advice and presets make.

use crate::core::config::values::{Parsed, name, number, positive};
use crate::core::config::{Keep, Read, Value, all, section};
use crate::core::iteration::guards::Guard;
use crate::core::iteration::params::{ParamName, Step};
use crate::core::kpi::KpiId;
use crate::core::text::did_you_mean;
use crate::core::verdict::Comparison;

use super::declared::Table;
use super::limits::{Limit, Possible, Statistic, comparison, decides, kpi, one_number};

/// What a recommendation looks at.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// A statistic of a KPI over the last-n window.
    Kpi(KpiId, Statistic),
    /// How often a guard was active in the last-n window.
    Guard(Guard),
}

/// A condition of a recommendation.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What is looked at.
    pub subject: Subject,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub limit: Limit,
}

section! {
    /// Advice: when all conditions hold, change these parameters.
    #[derive(Clone, Debug, PartialEq)]
    pub struct RecommendationRule {
        /// Name of its table in the policy.
        pub name: String { |t| Ok(t.name()) },
        /// All must hold.
        pub conditions: Vec<Condition> {
            |t| {
                let only_if = t.at("only_if");
                let second = t.has("only_if").then(|| condition(&only_if));
                all([condition(t).map(Some), second.transpose()])
            }
        },
        pub changes: Vec<(ParamName, Step)> { |t| changes(&t.at("change")) },
    }
}

fn condition(t: &Table<'_>) -> Read<Condition> {
    let (comparison, limit) = (t.required("comparison", comparison), Limit::keep(t, "limit", number));
    let subject = subject(t);
    let (comparison, limit, subject): (_, Limit, _) = (comparison?, limit?, subject?);
    let possible = match &subject {
        Subject::Kpi(kpi, _) => Possible::of_kpi(*kpi),
        Subject::Guard(_) => Possible::COUNT,
    };
    decides(t, "limit", possible.pointless_alarm(comparison, limit.value))?;
    Ok(Condition { subject, comparison, limit })
}

/// A KPI with a statistic, or a guard. A layer that names one takes the place of the other below it.
fn subject(t: &Table<'_>) -> Read<Subject> {
    let (named, guard) = (t.optional("kpi", name), t.optional("guard", guard));
    let statistic = t.optional("statistic", one_number);
    let chosen = t.one_of(&["kpi", "guard"])?;
    match (chosen, named?, guard?) {
        (Some(0), ..) => {
            let (kpi, statistic) =
                (kpi(t), statistic?.map_or_else(|| t.required("statistic", one_number), Ok));
            Ok(Subject::Kpi(kpi?, statistic?))
        }
        (Some(_), _, Some(guard)) => {
            t.forget("statistic");
            Ok(Subject::Guard(guard))
        }
        _ => Err(t.fault("is missing its subject, expected `kpi` or `guard`")),
    }
}

fn guard(value: &Value) -> Parsed<Guard> {
    let word = name(value)?;
    Guard::parse(&word).ok_or_else(|| {
        let hint = did_you_mean(&word, Guard::ALL.map(Guard::word));
        format!("unknown guard `{word}`{hint}")
    })
}

fn changes(t: &Table<'_>) -> Read<Vec<(ParamName, Step)>> {
    let changes = all(t.entries().iter().map(|entry| {
        let name = entry.name();
        let Some(known) = ParamName::known().find(|known| *known == name) else {
            let flat = ParamName::flat(&name);
            let hint = if flat.as_str() == name {
                did_you_mean(&name, ParamName::known())
            } else {
                format!(" (here it goes by `{flat}`)")
            };
            entry.settle();
            return Err(entry.fault(format!("unknown parameter `{name}`{hint}")));
        };
        let (step, is_on) = (step(entry), entry.enabled());
        let step = step?;
        Ok(is_on?.then(|| (ParamName::flat(known), step)))
    }))?;
    if changes.is_empty() {
        return Err(t.fault("changes nothing; expected at least one parameter"));
    }
    Ok(changes)
}

/// `add` or `multiply`. A layer that names one takes the place of the other below it.
pub(super) fn step(t: &Table<'_>) -> Read<Step> {
    let (add, multiply) = (t.optional("add", number), t.optional("multiply", positive));
    let chosen = t.one_of(&["add", "multiply"])?;
    match (chosen, add?, multiply?) {
        (Some(0), Some(by), _) => moves(t, "add", by, 0.0).map(Step::Add),
        (Some(_), _, Some(by)) => moves(t, "multiply", by, 1.0).map(Step::Multiply),
        _ => Err(t.fault("is missing its step, expected `add` or `multiply`")),
    }
}

/// A step that is not the one that changes nothing.
pub(super) fn moves(t: &Table<'_>, key: &str, by: f64, nothing: f64) -> Read<f64> {
    if by == nothing { Err(t.fault_at(key, format!("{by} changes nothing"))) } else { Ok(by) }
}
