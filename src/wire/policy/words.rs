//! How the policy spells words, and which word was probably meant. No keys, no places.

use crate::core::kpi::Direction;
use crate::core::policy::{FreezeRule, Statistic, WindowSpec};
use crate::core::verdict::{Comparison, Severity};

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

pub(super) fn comparison(value: &Value) -> Result<Comparison, String> {
    let all = [Comparison::AtMost, Comparison::AtLeast, Comparison::Below, Comparison::Above];
    one_of(value, "comparison", &all.map(|comparison| (comparison.symbol(), comparison)))
}

/// `>` or `<`.
pub(super) fn strict_comparison(value: &Value) -> Result<Comparison, String> {
    let all = [Comparison::Above, Comparison::Below];
    one_of(value, "comparison", &all.map(|comparison| (comparison.symbol(), comparison)))
}

pub(super) fn statistic(value: &Value) -> Result<Statistic, String> {
    one_of(value, "statistic", &Statistic::ALL.map(|statistic| (statistic.word(), statistic)))
}

pub(super) fn freeze(value: &Value) -> Result<FreezeRule, String> {
    one_of(value, "freeze rule", &[("require", FreezeRule::Require), ("ignore", FreezeRule::Ignore)])
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

/// ` (did you mean `…`?)`, or nothing when no candidate is near.
pub(super) fn did_you_mean<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    closest(word, candidates).map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"))
}

/// The nearest candidate within a third of the word's length; of equally near ones the first.
pub(super) fn closest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let length = word.chars().count();
    if length > 120 {
        return None;
    }
    let farthest = (length / 3).clamp(1, 4);
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= farthest)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| (1..=farthest).contains(distance))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many insertions, deletions, replacements and swaps of neighbours lead from one word to the other
/// (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1; b.len() + 1];
        for j in 0..b.len() {
            let replaced = last[j] + usize::from(a[i] != b[j]);
            row[j + 1] = replaced.min(row[j] + 1).min(last[j + 1] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                row[j + 1] = row[j + 1].min(before_last[j - 1] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_match_textbook_pairs() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("flaw", "lawn"), 2);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
        assert_eq!(distance("medain", "median"), 1);
        assert_eq!(distance("ca", "abc"), 3);
    }

    #[test]
    fn only_near_words_are_suggested() {
        assert_eq!(closest("medain", ["mean", "median", "max"]), Some("median"));
        assert_eq!(closest("zebra", ["mean", "median", "max"]), None);
        assert_eq!(closest("", ["mean"]), None);
    }

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
