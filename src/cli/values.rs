//! Values of arguments: parsers that refuse what makes no sense, with messages for people.

use clap::ValueEnum;

/// How a result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For machines, described by a JSON Schema
    Json,
}

/// What else fails a command that gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOnWarn {
    /// A WARN ends with exit code 1, too
    Warn,
}

/// What fails a command that otherwise only reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Everything but PASS
    Warn,
    /// Everything but PASS and WARN
    Fail,
}

/// A number of things, at least one.
pub fn count(value: &str) -> Result<usize, String> {
    match value.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("expected a whole number, at least 1".to_owned()),
    }
}

/// A switch that a variable may turn: `1` and `true` are on, `0` and `false` are off.
pub fn switch(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err("expected 1, true, 0 or false".to_owned()),
    }
}

/// A share above 0, at most 1: one of 0 would ask for nothing.
pub fn share(value: &str) -> Result<f64, String> {
    match value.parse::<f64>() {
        Ok(number) if number > 0.0 && number <= 1.0 => Ok(number),
        _ => Err("expected a number above 0 and at most 1".to_owned()),
    }
}

/// The reason of an override, in words: it stands in every artifact.
pub fn reason(value: &str) -> Result<String, String> {
    let reason = value.trim();
    if reason.chars().filter(|c| c.is_alphabetic()).count() < 3 {
        return Err("expected a reason in words; it will stand in every artifact".to_owned());
    }
    Ok(reason.to_owned())
}

/// A name that is not empty, without blanks around it.
pub fn symbol(value: &str) -> Result<String, String> {
    match value.trim() {
        "" => Err("expected the name of a symbol".to_owned()),
        name => Ok(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_knows_four_words_and_guesses_none() {
        for on in ["1", "true", "TRUE"] {
            assert_eq!(switch(on), Ok(true), "{on}");
        }
        for off in ["0", "false", "False"] {
            assert_eq!(switch(off), Ok(false), "{off}");
        }
        for neither in ["", "2", "yes", "off", " 1"] {
            assert!(switch(neither).is_err(), "{neither:?}");
        }
    }

    #[test]
    fn a_count_starts_at_one() {
        assert_eq!(count("1"), Ok(1));
        assert_eq!(count("100000"), Ok(100_000));
        for wrong in ["0", "-1", "1.0", "", "eight"] {
            assert!(count(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_share_lies_above_zero_and_is_at_most_one() {
        assert_eq!(share("0.001"), Ok(0.001));
        assert_eq!(share("1"), Ok(1.0));
        assert_eq!(share("0.95"), Ok(0.95));
        for wrong in ["0", "-0", "-0.001", "1.001", "NaN", "inf", "", "95%"] {
            assert!(share(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_reason_has_words() {
        assert_eq!(reason("  hotfix, approved by Ann "), Ok("hotfix, approved by Ann".to_owned()));
        assert_eq!(reason("bug"), Ok("bug".to_owned()));
        for none in ["", "  ", "1", "ok", "12345"] {
            assert!(reason(none).is_err(), "{none:?}");
        }
    }

    #[test]
    fn a_symbol_is_trimmed_and_not_empty() {
        assert_eq!(symbol(" BTCUSDT"), Ok("BTCUSDT".to_owned()));
        assert!(symbol(" ").is_err());
    }
}
