//! Values of arguments: parsers that refuse what makes no sense, with messages for people.

use chrono::{DateTime, Utc};
use clap::ValueEnum;

use crate::core::text::person;
use crate::ops::golden::rule::Pattern;
use crate::release::name;

/// How a result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For machines, described by a JSON Schema
    Json,
}

/// How a result is printed that people also put into pull requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people
    Text,
    /// For machines, described by a JSON Schema
    Json,
    /// For a pull request
    Md,
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

/// A limit that may be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// No limit.
    None,
    /// This many.
    At(u64),
}

/// A number of things, at least one.
pub fn count(value: &str) -> Result<usize, String> {
    match value.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("expected a whole number, at least 1".to_owned()),
    }
}

/// A number of things, which may be none.
pub fn number(value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}

/// The number of a process.
pub fn process(value: &str) -> Result<u32, String> {
    match value.parse() {
        Ok(pid) if pid > 0 => Ok(pid),
        _ => Err("expected the number of a process, at least 1".to_owned()),
    }
}

/// A number of days from 0, or `none`.
pub fn days_or_none(value: &str) -> Result<Limit, String> {
    limit(value, 0, 36_500).ok_or_else(|| "expected a whole number of days, 0 to 36500, or `none`".to_owned())
}

/// A number of MiB from 1, or `none`.
pub fn mebibytes_or_none(value: &str) -> Result<Limit, String> {
    const MOST: u64 = 1 << 40;
    limit(value, 1, MOST).ok_or_else(|| "expected a whole number of MiB, at least 1, or `none`".to_owned())
}

fn limit(value: &str, lowest: u64, highest: u64) -> Option<Limit> {
    if value == "none" {
        return Some(Limit::None);
    }
    let number: u64 = value.parse().ok()?;
    (lowest..=highest).contains(&number).then_some(Limit::At(number))
}

/// A length of time in hours: above 0, at most 100 years.
pub fn hours(value: &str) -> Result<f64, String> {
    duration(value, 876_000.0).ok_or_else(|| "expected a number of hours above 0, at most 876000".to_owned())
}

/// A length of time in seconds: at least a millisecond, at most a year.
pub fn seconds(value: &str) -> Result<f64, String> {
    match duration(value, 31_536_000.0) {
        Some(seconds) if seconds >= 0.001 => Ok(seconds),
        _ => Err("expected a number of seconds, at least 0.001 and at most 31536000, a year".to_owned()),
    }
}

fn duration(value: &str, longest: f64) -> Option<f64> {
    value.parse::<f64>().ok().filter(|number| *number > 0.0 && *number <= longest)
}

/// A moment, RFC 3339.
pub fn time(value: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(value)
        .map(|time| time.to_utc())
        .map_err(|error| format!("expected a time such as 2026-01-31T12:00:00Z: {error}"))
}

/// A header of a request, `Name: value`.
pub fn header(value: &str) -> Result<(String, String), String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match value.split_once(':') {
        Some((name, value)) if !name.is_empty() && name.chars().all(is_name) => {
            let value = value.trim();
            if value.is_empty() || value.chars().any(char::is_control) {
                return Err("the value of the header is empty or holds control characters".to_owned());
            }
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("expected `Name: value`".to_owned()),
    }
}

/// A label, `name=value`.
pub fn label(text: &str) -> Result<(String, String), String> {
    let Some((name, value)) = text.split_once('=') else { return Err("expected `name=value`".to_owned()) };
    let mut letters = name.chars();
    let begins = letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    if !begins || !letters.all(|c| c.is_ascii_alphanumeric() || c == '_') || name.starts_with("__") {
        return Err(
            "the name of a label has letters, digits and `_`, begins with no digit and not with `__`"
                .to_owned(),
        );
    }
    Ok((name.to_owned(), value.to_owned()))
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

/// A share from 0 to 1.
pub fn ratio(value: &str) -> Result<f64, String> {
    match value.parse::<f64>() {
        Ok(number) if (0.0..=1.0).contains(&number) => Ok(number + 0.0),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}

/// Words on one line.
pub fn plain_text(value: &str) -> Result<String, String> {
    let text = value.trim();
    if text.is_empty() || text.chars().any(char::is_control) || text.chars().count() > 200 {
        return Err("expected words on one line, at most 200 characters".to_owned());
    }
    Ok(text.to_owned())
}

/// The name of a release, which git must take as that of a tag.
pub fn release_name(value: &str) -> Result<String, String> {
    name::check(value).map(|()| value.to_owned())
}

/// The name of a commit: hexadecimal digits, at least 7.
pub fn commit(value: &str) -> Result<String, String> {
    let is_hash = (7..=64).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hash {
        Ok(value.to_ascii_lowercase())
    } else {
        Err("expected 7 to 64 hexadecimal digits".to_owned())
    }
}

/// A revision for git, not taken for a flag.
pub fn revision(value: &str) -> Result<String, String> {
    if value.is_empty() || value.starts_with('-') || value.chars().any(char::is_control) {
        return Err("expected a revision such as HEAD".to_owned());
    }
    Ok(value.to_owned())
}

/// A remote for git: a name, or an address without a password.
pub fn remote(value: &str) -> Result<String, String> {
    if value.is_empty()
        || value.starts_with('-')
        || value.chars().any(|c| c.is_control() || c.is_whitespace())
    {
        return Err("expected the name or the address of a remote".to_owned());
    }
    let user = value.split_once("://").and_then(|(_, rest)| rest.split('/').next()?.rsplit_once('@'));
    if user.is_some_and(|(user, _)| user.contains(':')) {
        return Err("the address holds a password; git's credential helpers keep it out of the command line"
            .to_owned());
    }
    Ok(value.to_owned())
}

/// A tolerance: a number from 0 on.
pub fn tolerance(value: &str) -> Result<f64, String> {
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number + 0.0),
        _ => Err("expected a number from 0 on".to_owned()),
    }
}

/// A JSON pointer, whose segments may be `*`.
pub fn pointer(value: &str) -> Result<Pattern, String> {
    Pattern::parse(value).map_err(str::to_owned)
}

/// An address that a person can open: http or https, in one piece.
pub fn link(value: &str) -> Result<String, String> {
    let link = value.trim();
    let rest = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://"));
    let is_whole = !link.chars().any(|c| c.is_whitespace() || c.is_control());
    match rest {
        Some(rest) if is_whole && link.len() <= LONGEST_LINK && rest.starts_with(char::is_alphanumeric) => {
            Ok(link.to_owned())
        }
        _ => Err(format!("expected an http:// or https:// address of at most {LONGEST_LINK} characters")),
    }
}

/// Browsers and chats take addresses of this length, in bytes; longer ones not all of them.
const LONGEST_LINK: usize = 2000;

/// The name of somebody who answers for something.
pub fn person(value: &str) -> Result<String, String> {
    person::name(value).map(str::to_owned).ok_or_else(|| {
        format!(
            "expected the name of a person or a team, on one line and of at most {} characters",
            person::LONGEST
        )
    })
}

/// The reason of an override, in words; every artifact records it.
pub fn reason(value: &str) -> Result<String, String> {
    let reason = value.trim();
    if reason.chars().filter(|c| c.is_alphabetic()).count() < 3 {
        return Err("expected a reason in words; every artifact records it".to_owned());
    }
    Ok(reason.to_owned())
}

/// A day, YYYY-MM-DD.
pub fn day(value: &str) -> Result<String, String> {
    match chrono::NaiveDate::parse_from_str(value, "%Y-%m-%d") {
        Ok(day) => Ok(day.format("%Y-%m-%d").to_string()),
        Err(_) => Err("expected a day like 2026-12-31".to_owned()),
    }
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
    fn a_label_has_a_name_that_prometheus_takes_and_any_value() {
        let pair = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(label("dc=a=b/c"), pair("dc", "a=b/c"));
        assert_eq!(label("_x9="), pair("_x9", ""));
        for wrong in ["", "dc", "=a", "9a=b", "a-b=c", "__name__=a", "ü=a"] {
            assert!(label(wrong).is_err(), "{wrong}");
        }
    }

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
    fn lengths_of_time_are_above_zero_and_finite() {
        assert_eq!((hours("72"), hours("0.5")), (Ok(72.0), Ok(0.5)));
        assert_eq!((seconds("0.001"), seconds("300")), (Ok(0.001), Ok(300.0)));
        for wrong in ["0", "-1", "NaN", "inf", "1e9", "", "5m"] {
            assert!(hours(wrong).is_err() && seconds(wrong).is_err(), "{wrong:?}");
        }
        assert!(seconds("0.0009").is_err());
    }

    #[test]
    fn a_header_has_a_name_and_a_value() {
        assert_eq!(header("X-Scope-OrgID: soak"), Ok(("X-Scope-OrgID".to_owned(), "soak".to_owned())));
        assert_eq!(header("A:b:c"), Ok(("A".to_owned(), "b:c".to_owned())));
        for wrong in ["", "A", ": b", "A b: c", "A:", "A: x\ny"] {
            assert!(header(wrong).is_err(), "{wrong:?}");
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
    fn a_tolerance_is_a_number_from_zero_on() {
        assert_eq!((tolerance("0"), tolerance("1e-9")), (Ok(0.0), Ok(1e-9)));
        for wrong in ["-1e-9", "NaN", "inf", "", "1%"] {
            assert!(tolerance(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_pointer_starts_with_a_slash() {
        assert!(pointer("/runtime/*").is_ok() && pointer("runtime").is_err());
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
    fn a_link_is_a_whole_address_for_a_browser() {
        for good in ["https://ci.example/runs/7?a=1&b=2#top", "http://build:8080/x", " https://a "] {
            assert_eq!(link(good), Ok(good.trim().to_owned()));
        }
        let long = format!("https://a/{}", "x".repeat(1990));
        assert_eq!(link(&long), Ok(long.clone()));
        for wrong in [
            "",
            "ci.example/7",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https://a b",
            "https://a\nb",
        ] {
            assert!(link(wrong).is_err(), "{wrong:?}");
        }
        assert!(link(&(long + "x")).is_err());
    }

    #[test]
    fn a_symbol_is_trimmed_and_not_empty() {
        assert_eq!(symbol(" BTCUSDT"), Ok("BTCUSDT".to_owned()));
        assert!(symbol(" ").is_err());
    }
}
