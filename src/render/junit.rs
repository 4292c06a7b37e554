//! `JUnit` XML: one test case a check, so that every CI can show which gate fell and why.
//!
//! INVALID is an error, FAIL and INCONCLUSIVE are failures, what does not apply or does not join is skipped.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat};

use super::ci::Told;
use crate::core::verdict::{Check, Outcome};

/// The report of a verdict.
pub fn report(told: &Told<'_>) -> String {
    let Told { name, outcome, reason, order, rehearsal, origin, overridden, facts, time, checks, .. } = told;
    let of = |kind: Kind| checks.iter().filter(|check| kind_of(check) == kind).count();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut line = |text: std::fmt::Arguments<'_>| {
        let written = writeln!(out, "{text}");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    };
    // Judging takes no time that belongs to a check, and the same input gives the same bytes.
    let totals = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"0\"",
        checks.len(),
        of(Kind::Failure),
        of(Kind::Error)
    );
    let skipped = of(Kind::Skipped);
    let timestamp =
        time.as_deref().and_then(instant).map_or_else(String::new, |time| format!(" timestamp=\"{time}\""));
    line(format_args!("<testsuites name=\"{name}\" {totals}>"));
    line(format_args!("  <testsuite name=\"{name}\" {totals} skipped=\"{skipped}\"{timestamp}>"));
    line(format_args!("    <properties>"));
    let mut property = |name: &str, value: &str| {
        line(format_args!("      <property name=\"{name}\" value=\"{}\"/>", escape(value)));
    };
    property("outcome", outcome.word());
    property("reason", reason);
    if let Some(order) = order {
        property("order", order);
    }
    if *rehearsal {
        property("rehearsal", "true");
    }
    if let Some(origin) = origin {
        property("origin", origin);
    }
    for (name, value) in facts {
        property(name, value);
    }
    if let Some(given) = overridden {
        property("override", &format!("{} ({}, {})", given.reason, given.by, given.at));
    }
    line(format_args!("    </properties>"));
    for check in checks {
        case(check, &told.explanation(check), &mut line);
    }
    line(format_args!("  </testsuite>"));
    line(format_args!("</testsuites>"));
    out
}

/// Whether the report of a verdict shows a failure or an error.
pub fn is_red(told: &Told<'_>) -> bool {
    told.checks.iter().any(|check| matches!(kind_of(check), Kind::Failure | Kind::Error))
}

/// A time in UTC; `None` where it is none.
fn instant(time: &str) -> Option<String> {
    let time = DateTime::parse_from_rfc3339(time).ok()?.to_utc();
    Some(time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Passed,
    Failure,
    Error,
    Skipped,
}

fn kind_of(check: &Check) -> Kind {
    match check.outcome {
        Outcome::NotApplicable => Kind::Skipped,
        Outcome::Pass | Outcome::Warn => Kind::Passed,
        _ if !check.joins => Kind::Skipped,
        Outcome::Fail | Outcome::Inconclusive => Kind::Failure,
        Outcome::Invalid => Kind::Error,
    }
}

fn case(check: &Check, explanation: &str, line: &mut impl FnMut(std::fmt::Arguments<'_>)) {
    let class = match &check.symbol {
        Some(symbol) => format!("soak.{}.{}", check.part.word(), symbol),
        None => format!("soak.{}", check.part.word()),
    };
    let open = format!("    <testcase classname=\"{}\" name=\"{}\"", escape(&class), escape(&check.gate));
    let reason = escape(&format!("{}: {}", check.outcome.word(), check.reason));
    let detail = escape(explanation);
    match kind_of(check) {
        Kind::Passed if check.outcome == Outcome::Pass => line(format_args!("{open} time=\"0\"/>")),
        Kind::Passed => {
            line(format_args!("{open} time=\"0\">"));
            line(format_args!("      <system-out>{reason}\n{detail}</system-out>"));
            line(format_args!("    </testcase>"));
        }
        kind => {
            line(format_args!("{open} time=\"0\">"));
            match kind {
                Kind::Skipped => line(format_args!("      <skipped message=\"{reason}\"/>")),
                Kind::Error => line(format_args!(
                    "      <error type=\"{}\" message=\"{reason}\">{detail}</error>",
                    check.outcome.word()
                )),
                _ => line(format_args!(
                    "      <failure type=\"{}\" message=\"{reason}\">{detail}</failure>",
                    check.outcome.word()
                )),
            }
            line(format_args!("    </testcase>"));
        }
    }
}

/// XML text and attribute values; characters that XML cannot hold at all become U+FFFD.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for ch in text.chars() {
        match ch {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            ch if ch.is_control() || matches!(ch, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            ch => out.push(ch),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_file_can_break_out_of_the_document() {
        assert_eq!(escape("<a b=\"c\">&'\u{1b}\n"), "&lt;a b=&quot;c&quot;&gt;&amp;&apos;\u{fffd}&#10;");
    }
}
