//! How the policy spells words. No keys, no places.

use crate::core::kpi::Direction;
use crate::core::policy::release::RollbackKind;
use crate::core::policy::{FreezeRule, Statistic, WindowSpec};
use crate::core::run::settings::{MeasureAt, SOURCES};
use crate::core::verdict::{Comparison, Outcome, Severity};

pub(super) use crate::core::spelling::{closest, did_you_mean};

use super::tree::Value;

/// The text of a value, or what is wrong with it.
pub(super) fn text(value: &Value) -> Result<&str, String> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(format!("expected a string, found {}", other.what())),
    }
}

fn one_of<T>(value: &Value, what: &str, words: &[(&str, T)]) -> Result<T, String>
where
    T: Copy,
{
    let word = text(value)?;
    words.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(known, _)| *known).collect();
        format!(
            "unknown {what} `{word}`{}; expected {}",
            did_you_mean(word, known.iter().copied()),
            list(&known)
        )
    })
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

pub(super) fn severity(value: &Value) -> Result<Severity, String> {
    one_of(value, "severity", &[Severity::Hard, Severity::Soft].map(|severity| (severity.word(), severity)))
}

/// What a gap in the time stamps is.
pub(super) fn time_steps(value: &Value) -> Result<Outcome, String> {
    one_of(value, "outcome", &[("warn", Outcome::Warn), ("invalid", Outcome::Invalid)])
}

pub(super) fn comparison(value: &Value) -> Result<Comparison, String> {
    let all = [Comparison::AtMost, Comparison::AtLeast, Comparison::Below, Comparison::Above];
    one_of(value, "comparison", &all.map(|comparison| (comparison.symbol(), comparison)))
}

pub(super) fn measure_at(value: &Value) -> Result<MeasureAt, String> {
    one_of(value, "time", &[MeasureAt::Start, MeasureAt::End].map(|at| (at.word(), at)))
}

/// Name of a source, or `none`.
pub(super) fn source_or_none(value: &Value) -> Result<Option<&'static str>, String> {
    let none = ("none", None);
    let [sim, exec, file, prometheus] = SOURCES.map(|name| (name, Some(name)));
    one_of(value, "source", &[none, sim, exec, file, prometheus])
}

/// `>` or `<`.
pub(super) fn strict_comparison(value: &Value) -> Result<Comparison, String> {
    let all = [Comparison::Above, Comparison::Below];
    one_of(value, "comparison", &all.map(|comparison| (comparison.symbol(), comparison)))
}

pub(super) fn statistic(value: &Value) -> Result<Statistic, String> {
    one_of(value, "statistic", &Statistic::ALL.map(|statistic| (statistic.word(), statistic)))
}

/// What of a statistic is held against a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Point,
    Lower,
    Upper,
}

pub(super) fn judge(value: &Value) -> Result<Side, String> {
    one_of(value, "judge", &[("point", Side::Point), ("lower", Side::Lower), ("upper", Side::Upper)])
}

pub(super) fn freeze(value: &Value) -> Result<FreezeRule, String> {
    one_of(value, "freeze rule", &[("require", FreezeRule::Require), ("ignore", FreezeRule::Ignore)])
}

pub(super) fn rollback(value: &Value) -> Result<RollbackKind, String> {
    one_of(value, "rollback", &[RollbackKind::Quick, RollbackKind::Full].map(|kind| (kind.word(), kind)))
}

pub(super) fn direction(value: &Value) -> Result<Option<Direction>, String> {
    let words = [("higher", Some(Direction::Higher)), ("lower", Some(Direction::Lower)), ("none", None)];
    one_of(value, "direction", &words)
}

pub(super) fn window(value: &Value) -> Result<WindowSpec, String> {
    let fixed =
        [("last_n", WindowSpec::LastN), ("steady", WindowSpec::Steady), ("overall", WindowSpec::Overall)];
    let word = text(value)?;
    if let Some(count) = word.strip_prefix("last ") {
        return match count.trim().parse::<usize>() {
            Ok(0) => Err("a window of 0 iterations never judges anything; expected 1 or more".to_owned()),
            Ok(count) => Ok(WindowSpec::Last(count)),
            Err(_) => Err(format!("unknown window `{word}`; expected a number after `last`, as in `last 5`")),
        };
    }
    one_of(value, "window", &fixed).map_err(|problem| format!("{problem}, or `last 5`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_spelled_in_four_ways() {
        let parse = |word: &str| window(&Value::Text(word.to_owned()));
        assert_eq!(parse("last_n"), Ok(WindowSpec::LastN));
        assert_eq!(parse("last 5"), Ok(WindowSpec::Last(5)));
        assert_eq!(parse("steady"), Ok(WindowSpec::Steady));
        assert_eq!(parse("overall"), Ok(WindowSpec::Overall));
        assert!(parse("last 0").is_err());
        assert!(parse("last five").is_err());
        assert!(parse("lastn").is_err_and(|problem| problem.contains("did you mean `last_n`")));
    }
}
