//! How single values are read: numbers, shares, counts, switches, words. No keys, no places.
//!
//! Of [`Value::Null`] each says what it expects and that it found nothing: the reader makes the message about a missing
//! key of it.

use std::time::Duration;

use super::tree::Value;
use crate::core::text::did_you_mean;
use crate::core::text::printable::printable;

/// A value, or what is wrong with it.
pub(crate) type Parsed<T> = Result<T, String>;

fn expected<T>(what: &str, value: &Value) -> Parsed<T> {
    Err(format!("expected {what}, found {}", value.what()))
}

/// A finite number, written as an integer or a float.
pub(crate) fn number(value: &Value) -> Parsed<f64> {
    match value {
        Value::Integer(value) => Ok(*value as f64),
        Value::Float(value) if value.is_finite() => Ok(*value),
        Value::Float(value) => {
            Err(format!("expected a finite number, found {value}: nothing compares with it"))
        }
        other => expected("a number", other),
    }
}

fn number_if(value: &Value, what: &str, is_good: impl Fn(f64) -> bool) -> Parsed<f64> {
    let number = number(value)?;
    if is_good(number) { Ok(number) } else { Err(format!("expected {what}, found {number}")) }
}

/// A number that is no share.
pub(crate) fn from_one(value: &Value) -> Parsed<f64> {
    number_if(value, "a number from 1 on", |number| number >= 1.0)
}

/// A number above 0 and at most 1.
pub(crate) fn share(value: &Value) -> Parsed<f64> {
    number_if(value, "a share above 0 and at most 1", |share| share > 0.0 && share <= 1.0)
}

/// A share that not every value is below.
pub(crate) fn share_below_one(value: &Value) -> Parsed<f64> {
    number_if(value, "a share above 0 and below 1", |share| share > 0.0 && share < 1.0)
}

pub(crate) fn not_negative(value: &Value) -> Parsed<f64> {
    number_if(value, "0 or more", |amount| amount >= 0.0)
}

pub(crate) fn positive(value: &Value) -> Parsed<f64> {
    number_if(value, "a number above 0", |amount| amount > 0.0)
}

/// At 1 every interval that is a little late would be a gap.
pub(crate) fn above_one(value: &Value) -> Parsed<f64> {
    number_if(value, "a number above 1", |amount| amount > 1.0)
}

/// Percent of a whole.
pub(crate) fn percent(value: &Value) -> Parsed<f64> {
    number_if(value, "a number above 0 and at most 100", |percent| percent > 0.0 && percent <= 100.0)
}

/// A probability that a test can be made at.
pub(crate) fn false_alarm_rate(value: &Value) -> Parsed<f64> {
    number_if(value, "a probability between 0.005 and 0.5", |rate| (0.005..=0.5).contains(&rate))
}

/// Above 0 and below a half: at a half a coin would do.
pub(crate) fn error_rate(value: &Value) -> Parsed<f64> {
    number_if(value, "a share above 0 and below 0.5", |rate| rate > 0.0 && rate < 0.5)
}

/// One-sided: at a half a coin would do, and nothing is certain.
pub(crate) fn confidence(value: &Value) -> Parsed<f64> {
    number_if(value, "a share above 0.5 and below 1", |share| share > 0.5 && share < 1.0)
}

/// A number from `lowest` to `highest`.
pub(crate) fn between(lowest: f64, highest: f64) -> impl Fn(&Value) -> Parsed<f64> {
    move |value| match number(value)? {
        number if number >= lowest && number <= highest => Ok(number),
        number => Err(format!("is {number}, expected {lowest} to {highest}")),
    }
}

/// A whole number from `lowest` to `highest`.
pub(crate) fn whole_between(lowest: u32, highest: u32) -> impl Fn(&Value) -> Parsed<u32> {
    move |value| match value {
        Value::Integer(number) => match u32::try_from(*number) {
            Ok(number) if number >= lowest && number <= highest => Ok(number),
            _ => Err(format!("is {number}, expected {lowest} to {highest}")),
        },
        other => expected("a whole number", other),
    }
}

/// A number above 0, or `none`.
pub(crate) fn positive_or_none(value: &Value) -> Parsed<Option<f64>> {
    match value {
        Value::Text(word) if word == "none" => Ok(None),
        Value::Text(_) => expected("a number or `none`", value),
        number => positive(number).map(Some),
    }
}

/// A whole number from 0.
pub(crate) fn whole(value: &Value) -> Parsed<u64> {
    match value {
        Value::Integer(count) => {
            u64::try_from(*count).map_err(|_| format!("expected 0 or more, found {count}"))
        }
        other => expected("a whole number", other),
    }
}

/// A whole number from 1: of iterations, of minutes, or of times.
pub(crate) fn at_least_one(value: &Value) -> Parsed<u64> {
    match whole(value)? {
        0 => Err("expected 1 or more, found 0".to_owned()),
        count => Ok(count),
    }
}

/// A whole number from 1 that something in memory is as long as.
pub(crate) fn size(value: &Value) -> Parsed<usize> {
    let size = at_least_one(value)?;
    u32::try_from(size).map(|size| size as usize).map_err(|_| format!("{size} is too large"))
}

/// A whole number from 1 of values to judge.
pub(crate) fn count(value: &Value) -> Parsed<usize> {
    match whole(value)? {
        0 => Err("expected 1 or more, found 0: nothing would ever be judged".to_owned()),
        count => usize::try_from(count).map_err(|_| format!("{count} is too large")),
    }
}

/// A whole number from the given one on.
pub(crate) fn count_from(fewest: usize) -> impl Fn(&Value) -> Parsed<usize> {
    move |value| match count(value)? {
        few if few < fewest => Err(format!("expected {fewest} or more, found {few}")),
        enough => Ok(enough),
    }
}

/// A whole number from 0 up to the given one.
pub(crate) fn up_to(most: u64) -> impl Fn(&Value) -> Parsed<u64> {
    move |value| match whole(value)? {
        many if many > most => Err(format!("expected a whole number of at most {most}, found {many}")),
        count => Ok(count),
    }
}

/// A whole number from 0, or `none`.
pub(crate) fn whole_or_none(value: &Value) -> Parsed<Option<u64>> {
    match value {
        Value::Text(word) if word == "none" => Ok(None),
        Value::Integer(_) => whole(value).map(Some),
        other => expected("a whole number or `none`", other),
    }
}

/// Whole seconds, or `interval`, which is `None`.
pub(crate) fn seconds_or_interval(value: &Value) -> Parsed<Option<Duration>> {
    match value {
        Value::Text(word) if word == "interval" => Ok(None),
        Value::Integer(_) => whole(value).map(|seconds| Some(Duration::from_secs(seconds))),
        other => expected("whole seconds or `interval`", other),
    }
}

/// Megabytes of 2^20 bytes from 1, or `none`; as bytes.
pub(crate) fn megabytes_or_none(value: &Value) -> Parsed<Option<u64>> {
    match whole_or_none(value)? {
        Some(0) => Err("expected 1 or more, found 0; `none` is no limit".to_owned()),
        Some(size) => match size.checked_mul(1 << 20) {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(format!("{size} is too large")),
        },
        None => Ok(None),
    }
}

/// `true` or `false`.
pub(crate) fn switch(value: &Value) -> Parsed<bool> {
    match value {
        Value::Boolean(value) => Ok(*value),
        other => expected("`true` or `false`", other),
    }
}

/// A text that may be empty.
pub(crate) fn string(value: &Value) -> Parsed<String> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        other => expected("a string", other),
    }
}

/// A text that is not empty, as it is.
pub(crate) fn text(value: &Value) -> Parsed<String> {
    match string(value)? {
        text if text.trim().is_empty() => Err("is empty".to_owned()),
        text => Ok(text),
    }
}

/// A text that is not empty, without blanks around it.
pub(crate) fn name(value: &Value) -> Parsed<String> {
    match string(value)?.trim() {
        "" => Err("expected a name, found an empty string".to_owned()),
        name => Ok(name.to_owned()),
    }
}

/// A word that reports print as it is.
pub(crate) fn shown(value: &Value) -> Parsed<String> {
    let name = name(value)?;
    if printable(&name) == name { Ok(name) } else { Err("has a character that cannot be printed".to_owned()) }
}

/// A list of strings.
pub(crate) fn list<T>(parse: impl Fn(&Value) -> Parsed<T>) -> impl Fn(&Value) -> Parsed<Vec<T>> {
    move |value| match value {
        Value::List(items) => items.iter().map(|item| parse(&item.value)).collect(),
        other => expected("a list of strings", other),
    }
}

/// A list of texts that are not empty.
pub(crate) fn names(value: &Value) -> Parsed<Vec<String>> {
    list(name)(value)
}

/// One of some words, with what it means. `what` names the kind of word.
pub(crate) fn one_of<T: Copy>(value: &Value, what: &str, words: &[(&str, T)]) -> Parsed<T> {
    let known = || words.iter().map(|(known, _)| *known);
    let list = || known().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let Value::Text(word) = value else { return expected(&list(), value) };
    words
        .iter()
        .find(|(known, _)| known == word)
        .map(|(_, meaning)| *meaning)
        .ok_or_else(|| format!("unknown {what} `{word}`{}; expected {}", did_you_mean(word, known()), list()))
}

/// Words in a sentence: `a`, `b` and `c`.
pub(crate) fn and(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => quoted.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_above_zero_and_at_most_one() {
        assert!(share(&Value::Float(0.0)).is_err());
        assert_eq!(share(&Value::Float(0.001)), Ok(0.001));
        assert_eq!(share(&Value::Integer(1)), Ok(1.0));
        assert!(share(&Value::Float(1.001)).is_err());
        assert!(share(&Value::Integer(75)).is_err());
    }

    #[test]
    fn numbers_are_finite() {
        assert!(number(&Value::Float(f64::NAN)).is_err());
        assert!(number(&Value::Float(f64::NEG_INFINITY)).is_err());
        assert_eq!(number(&Value::Integer(-3)), Ok(-3.0));
        assert!(number(&Value::Boolean(true)).is_err());
    }

    #[test]
    fn counts_are_whole_and_start_at_one() {
        assert!(count(&Value::Integer(0)).is_err());
        assert_eq!(count(&Value::Integer(1)), Ok(1));
        assert!(count(&Value::Integer(-1)).is_err());
        assert!(count(&Value::Float(8.0)).is_err());
        assert_eq!(whole(&Value::Integer(0)), Ok(0));
        assert_eq!(not_negative(&Value::Integer(0)), Ok(0.0));
        assert!(not_negative(&Value::Float(-0.001)).is_err());
        assert!(positive(&Value::Integer(0)).is_err());
    }
}
