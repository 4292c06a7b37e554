//! How single values of the policy are read: numbers, shares, counts, switches. No keys, no places.

use std::time::Duration;

use super::tree::Value;

/// A finite number, written as an integer or a float.
pub(super) fn number(value: &Value) -> Result<f64, String> {
    match value {
        Value::Integer(value) => Ok(*value as f64),
        Value::Float(value) if value.is_finite() => Ok(*value),
        Value::Float(value) => {
            Err(format!("expected a finite number, found {value}: nothing compares with it"))
        }
        other => Err(format!("expected a number, found {}", other.what())),
    }
}

/// A number above 0 and at most 1.
pub(super) fn share(value: &Value) -> Result<f64, String> {
    let share = number(value)?;
    if share > 0.0 && share <= 1.0 {
        return Ok(share);
    }
    Err(format!("expected a share above 0 and at most 1, found {share}"))
}

/// A number that is not negative.
pub(super) fn not_negative(value: &Value) -> Result<f64, String> {
    let amount = number(value)?;
    if amount >= 0.0 { Ok(amount) } else { Err(format!("expected 0 or more, found {amount}")) }
}

/// A number above 0.
pub(super) fn positive(value: &Value) -> Result<f64, String> {
    let amount = number(value)?;
    if amount > 0.0 { Ok(amount) } else { Err(format!("expected a number above 0, found {amount}")) }
}

/// A whole number from 0.
pub(super) fn whole(value: &Value) -> Result<u64, String> {
    match value {
        Value::Integer(count) => {
            u64::try_from(*count).map_err(|_| format!("expected 0 or more, found {count}"))
        }
        other => Err(format!("expected a whole number, found {}", other.what())),
    }
}

/// A whole number from 1.
pub(super) fn count(value: &Value) -> Result<usize, String> {
    match whole(value)? {
        0 => Err("expected 1 or more, found 0: nothing would ever be judged".to_owned()),
        count => usize::try_from(count).map_err(|_| format!("{count} is too large")),
    }
}

/// A whole number from 0, or `none`.
pub(super) fn whole_or_none(value: &Value) -> Result<Option<u64>, String> {
    match value {
        Value::Text(word) if word == "none" => Ok(None),
        Value::Integer(_) => whole(value).map(Some),
        other => Err(format!("expected a whole number or `none`, found {}", other.what())),
    }
}

/// Whole seconds, or `interval`, which is `None`.
pub(super) fn stale_after(value: &Value) -> Result<Option<Duration>, String> {
    match value {
        Value::Text(word) if word == "interval" => Ok(None),
        Value::Integer(_) => whole(value).map(|seconds| Some(Duration::from_secs(seconds))),
        other => Err(format!("expected whole seconds or `interval`, found {}", other.what())),
    }
}

/// Megabytes of 2^20 bytes from 1, or `none`; as bytes.
pub(super) fn size_or_none(value: &Value) -> Result<Option<u64>, String> {
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
pub(super) fn switch(value: &Value) -> Result<bool, String> {
    match value {
        Value::Boolean(value) => Ok(*value),
        other => Err(format!("expected `true` or `false`, found {}", other.what())),
    }
}

/// A text that is not empty.
pub(super) fn name(value: &Value) -> Result<String, String> {
    match super::words::text(value)?.trim() {
        "" => Err("expected a name, found an empty string".to_owned()),
        name => Ok(name.to_owned()),
    }
}

/// A list of texts that are not empty.
pub(super) fn names(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::List(items) => items.iter().map(name).collect(),
        other => Err(format!("expected a list of strings, found {}", other.what())),
    }
}

/// The smallest number of values that a gate judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Minimum {
    /// As many as the window is long.
    Window,
    /// So many.
    Count(usize),
}

/// `"window"` or a whole number from 1.
pub(super) fn minimum(value: &Value) -> Result<Minimum, String> {
    match value {
        Value::Text(word) if word == "window" => Ok(Minimum::Window),
        Value::Integer(_) => count(value).map(Minimum::Count),
        Value::Text(word) => Err(format!("expected a whole number or `window`, found `{word}`")),
        other => Err(format!("expected a whole number or `window`, found {}", other.what())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_lie_above_zero_and_reach_one() {
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

    #[test]
    fn a_minimum_is_a_count_or_the_window() {
        assert_eq!(minimum(&Value::Text("window".into())), Ok(Minimum::Window));
        assert_eq!(minimum(&Value::Integer(4)), Ok(Minimum::Count(4)));
        assert!(minimum(&Value::Text("windows".into())).is_err());
        assert!(minimum(&Value::Integer(0)).is_err());
    }
}
