//! A verdict as CI systems read it, whichever command judged: `JUnit` XML, one test case a check, so that every
//! CI can show which gate fell and why; and for GitHub Actions annotations on stdout (at most 10 of each type, as GitHub
//! shows no more) and a step summary that never exceeds 1 MiB.
//!
//! Must not judge. In `JUnit` INVALID is an error, FAIL and INCONCLUSIVE are failures, what does not apply or does not
//! join is skipped.

use chrono::{DateTime, SecondsFormat};

use super::analysis::{REHEARSAL, override_line};
use super::terminal::{bound, capital, decision, observed, sureness};
use super::text::cell;
use crate::core::analysis::audit::Audit;
use crate::core::analysis::{Analysis, cause_among};
use crate::core::text::printable::visible;
use crate::core::verdict::provenance::{Override, Provenance};
use crate::core::verdict::{Check, Outcome, reasons};

/// A verdict, and what it rests on.
#[derive(Clone, Debug)]
pub struct CiReport<'a> {
    /// Who judged: `soak gate`.
    pub(crate) name: &'static str,
    /// The true verdict.
    pub(crate) outcome: Outcome,
    /// The main reason.
    pub(crate) reason: String,
    /// What is to be done at once; `None` = nothing that cannot wait for a reader.
    pub(crate) order: Option<String>,
    /// No statement about a release.
    pub(crate) rehearsal: bool,
    /// Why the data is not valid for a release; `None` where a real source is recorded.
    pub(crate) origin: Option<String>,
    /// What to do about an error, in place of the explanation of its check.
    pub(crate) hint: Option<&'a str>,
    /// Who overrode the verdict.
    pub(crate) overridden: Option<&'a Override>,
    /// What else a reader must know to redo it: name and value.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// The last time in the data, as written; `None` = unknown.
    pub(crate) time: Option<String>,
    /// Every check.
    pub(crate) checks: Vec<&'a Check>,
    /// What a person should look at beside the checks: title and sentence.
    pub(crate) notes: Vec<(String, &'a str)>,
    /// Why the command fails although the verdict does not, and what to do about it; one of `checks`.
    pub(crate) failing: Option<(&'a Check, String)>,
}

impl<'a> CiReport<'a> {
    /// The verdict of the gate.
    pub(crate) fn gate(analysis: &'a Analysis, provenance: &'a Provenance) -> Self {
        // Where nothing could be judged, what each check lacks is one error and not thirty.
        let nothing = analysis.evidence.is_empty().then(|| analysis.reasons().first().copied()).flatten();
        let in_window = analysis.findings.iter().filter(|finding| finding.in_window && nothing.is_none());
        Self {
            name: "soak gate",
            outcome: analysis.outcome,
            reason: analysis.reason(),
            order: None,
            rehearsal: provenance.rehearsal,
            origin: analysis.origin.note(),
            hint: None,
            overridden: provenance.overridden.as_ref(),
            facts: [
                ("source", analysis.source().unwrap_or_else(|| "not recorded".to_owned())),
                ("simulated", analysis.origin.simulated.to_string()),
                ("checks", analysis.headline()),
                ("limits", analysis.limits().to_owned()),
                ("policy_sha256", provenance.policy_sha256.clone()),
                ("tool_version", provenance.tool_version.clone()),
            ]
            .into_iter()
            .chain(provenance.policy_file.clone().map(|file| ("policy_file", file)))
            .collect(),
            time: analysis.last_time().map(str::to_owned),
            checks: nothing.map_or_else(|| analysis.checks().collect(), |check| vec![check]),
            notes: in_window
                .map(|finding| (format!("soak finding: {}", finding.kind), finding.message.as_str()))
                .collect(),
            failing: None,
        }
    }

    /// The same under the name of another command.
    #[must_use]
    pub(crate) fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// The answer of the readiness audit.
    pub(crate) fn audit(audit: &'a Audit<'_>, provenance: &'a Provenance) -> Self {
        let readiness = &audit.readiness;
        let worst = audit.symbol().symbol.as_ref();
        let gate = Self::gate(audit.analysis, provenance);
        let checks = if audit.analysis.evidence.is_empty() {
            gate.checks.clone()
        } else {
            readiness.checks.iter().collect()
        };
        Self {
            name: "soak audit",
            outcome: readiness.outcome,
            reason: cause_among(&readiness.checks, readiness.outcome, worst)
                .unwrap_or_else(|| "every readiness limit is met".to_owned()),
            checks,
            ..gate
        }
    }

    /// An error before there was a verdict; `check` is its only case.
    pub(crate) fn error(name: &'static str, check: &'a Check, hint: Option<&'a str>) -> Self {
        Self {
            name,
            outcome: check.outcome,
            reason: check.reason.clone(),
            order: None,
            rehearsal: false,
            origin: None,
            hint: Some(hint.unwrap_or("nothing was judged")),
            overridden: None,
            facts: vec![("tool_version", env!("CARGO_PKG_VERSION").to_owned())],
            time: None,
            checks: vec![check],
            notes: Vec::new(),
            failing: None,
        }
    }

    /// The same, where `check` fails the command and `explanation` says more about it.
    #[must_use]
    pub(crate) fn failing(mut self, check: &'a Check, explanation: String) -> Self {
        self.checks.push(check);
        self.failing = Some((check, explanation));
        self
    }

    /// Whether there is nothing but one error.
    pub(crate) fn is_error(&self) -> bool {
        matches!(self.checks.as_slice(), [check] if check.outcome == Outcome::Invalid)
    }

    /// How a check was decided, for those who redo it.
    pub(crate) fn explanation(&self, check: &Check) -> String {
        if let Some((failing, explanation)) = &self.failing
            && std::ptr::eq(*failing, check)
        {
            return explanation.clone();
        }
        self.hint.map_or_else(|| decision(check), str::to_owned)
    }

    /// The checks that make the verdict what it is, worst first.
    pub(crate) fn reasons(&self) -> Vec<&'a Check> {
        reasons(self.checks.iter().copied())
    }
}

/// The `JUnit` file.
pub(crate) fn junit(report: &CiReport<'_>) -> String {
    let CiReport { name, outcome, reason, order, rehearsal, origin, overridden, facts, time, checks, .. } =
        report;
    let of = |kind: Kind| checks.iter().filter(|check| kind_of(check) == kind).count();
    // Judging takes no time that belongs to a check, and the same input gives the same bytes.
    let totals = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"0\"",
        checks.len(),
        of(Kind::Failure),
        of(Kind::Error)
    );
    let timestamp =
        time.as_deref().and_then(instant).map_or_else(String::new, |time| format!(" timestamp=\"{time}\""));
    let mut properties = vec![("outcome", outcome.word().to_owned()), ("reason", reason.clone())];
    properties.extend(order.iter().map(|order| ("order", order.clone())));
    properties.extend(rehearsal.then(|| ("rehearsal", "true".to_owned())));
    properties.extend(origin.iter().map(|origin| ("origin", origin.clone())));
    properties.extend(facts.iter().cloned());
    properties.extend(
        overridden.map(|given| ("override", format!("{} ({}, {})", given.reason, given.by, given.at))),
    );
    let property = |(name, value): &(&str, String)| {
        format!("      <property name=\"{name}\" value=\"{}\"/>\n", escape_xml(value))
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"{name}\" {totals}>\n  \
         <testsuite name=\"{name}\" {totals} skipped=\"{}\"{timestamp}>\n    \
         <properties>\n{}    </properties>\n{}  </testsuite>\n</testsuites>\n",
        of(Kind::Skipped),
        properties.iter().map(property).collect::<String>(),
        checks.iter().map(|check| test_case(check, &report.explanation(check))).collect::<String>()
    )
}

/// Whether the report of a verdict shows a failure or an error.
pub(crate) fn is_red(report: &CiReport<'_>) -> bool {
    report.checks.iter().any(|check| matches!(kind_of(check), Kind::Failure | Kind::Error))
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

fn test_case(check: &Check, explanation: &str) -> String {
    let symbol = check.symbol.as_ref().map_or_else(String::new, |symbol| format!(".{symbol}"));
    let class = escape_xml(&format!("soak.{}{symbol}", check.part.word()));
    let outcome = check.outcome.word();
    let reason = escape_xml(&format!("{outcome}: {}", check.reason));
    let detail = escape_xml(explanation);
    let inside = match kind_of(check) {
        Kind::Passed if check.outcome == Outcome::Pass => String::new(),
        Kind::Passed => format!("<system-out>{reason}\n{detail}</system-out>"),
        Kind::Skipped => format!("<skipped message=\"{reason}\"/>"),
        Kind::Error => format!("<error type=\"{outcome}\" message=\"{reason}\">{detail}</error>"),
        Kind::Failure => format!("<failure type=\"{outcome}\" message=\"{reason}\">{detail}</failure>"),
    };
    let open = format!("    <testcase classname=\"{class}\" name=\"{}\" time=\"0\"", escape_xml(&check.gate));
    if inside.is_empty() {
        format!("{open}/>\n")
    } else {
        format!("{open}>\n      {inside}\n    </testcase>\n")
    }
}

/// XML text and attribute values; characters that XML cannot hold at all become U+FFFD.
fn escape_xml(text: &str) -> String {
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

/// GitHub shows at most so many annotations of a type per step.
const ANNOTATIONS: usize = 10;

/// GitHub's limit for all that a step appends to its summary.
pub(crate) const SUMMARY_LIMIT: usize = 1024 * 1024;

/// The workflow commands for a verdict: errors for what fails it, warnings for WARN and notes, a notice of an override.
pub(crate) fn annotations(report: &CiReport<'_>) -> String {
    let mut out = String::new();
    let mut errors = 0;
    let mut warnings = 0;
    if let Some(order) = &report.order {
        errors += 1;
        annotate(&mut out, "error", report.name, order);
    }
    for check in report.reasons() {
        let (level, used) =
            if check.outcome == Outcome::Warn { ("warning", &mut warnings) } else { ("error", &mut errors) };
        if *used == ANNOTATIONS {
            continue;
        }
        *used += 1;
        let symbol = check.symbol.as_ref().map_or_else(String::new, |symbol| format!("{symbol}: "));
        let title = format!("soak {}: {symbol}{}", check.outcome.word(), check.gate);
        annotate(&mut out, level, &title, &format!("{} [{}]", check.reason, report.explanation(check)));
    }
    for (title, sentence) in report.notes.iter().take(ANNOTATIONS - warnings) {
        annotate(&mut out, "warning", title, sentence);
    }
    if let Some(given) = report.overridden {
        annotate(&mut out, "notice", &format!("{} overridden by {}", report.name, given.by), &given.reason);
    }
    out
}

fn annotate(out: &mut String, level: &str, title: &str, message: &str) {
    let seen = |text: &str| -> String {
        text.chars().map(|letter| if letter == '\n' { letter } else { visible(letter) }).collect()
    };
    out.extend([format!("::{level} title={}::{}\n", property(&seen(title)), data(&seen(message)))]);
}

/// The Markdown to append to the step summary, at most `room` bytes; empty when not even the verdict fits.
pub(crate) fn github_summary(report: &CiReport<'_>, room: usize) -> String {
    let failing = if report.failing.is_some() { " (the command failed)" } else { "" };
    let mut out = format!("## {}: {}{failing}\n\n", capital(report.name), report.outcome.word());
    if let Some((check, _)) = report.failing {
        out.extend(["**", &cell(&check.reason), "**\n\n"]);
    }
    out.extend([&cell(&report.reason), "\n\n"]);
    let order = report.order.as_ref().map(|order| format!("**{}**", cell(order)));
    let rehearsal = report.rehearsal.then(|| REHEARSAL.to_owned());
    let origin = report.origin.as_ref().map(|origin| format!("**{origin}.**"));
    for line in order.into_iter().chain(rehearsal).chain(origin).chain(report.overridden.map(override_line)) {
        out.extend([line.as_str(), "\n\n"]);
    }
    if let Some(hint) = report.hint {
        out.extend([&cell(hint), "\n\n"]);
    }
    let head = "| outcome | gate | observed | limit | window | reason |\n|---|---|--:|--:|---|---|\n";
    out.push_str(head);
    let mut checks = report.checks.clone();
    checks.sort_by_key(|check| (!check.joins, std::cmp::Reverse(check.outcome)));
    let tail = "\n_The table is cut to fit GitHub's limit._\n";
    if out.len() + tail.len() > room {
        return String::new();
    }
    for check in checks {
        let row = summary_row(check);
        if out.len() + row.len() + tail.len() > room {
            out.push_str(tail);
            return out;
        }
        out.push_str(&row);
    }
    out.push('\n');
    out
}

fn summary_row(check: &Check) -> String {
    let advisory = if check.joins { "" } else { " (advisory)" };
    let symbol = check.symbol.as_deref().map_or_else(String::new, |symbol| format!("{}: ", cell(symbol)));
    format!(
        "| {}{advisory} | {symbol}{} | {} | {} | {} | {} |\n",
        check.outcome.word(),
        cell(&check.gate),
        observed(check).unwrap_or_default(),
        cell(&bound(check).unwrap_or_default()),
        cell(&check.window.name),
        cell(&match check.inference.as_ref().and_then(sureness) {
            Some(sure) => format!("{} ({sure})", check.reason),
            None => check.reason.clone(),
        }),
    )
}

/// Escapes the message of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_file_can_break_out_of_the_document() {
        assert_eq!(escape_xml("<a b=\"c\">&'\u{1b}\n"), "&lt;a b=&quot;c&quot;&gt;&amp;&apos;\u{fffd}&#10;");
    }

    #[test]
    fn a_message_cannot_start_a_second_command() {
        assert_eq!(data("a\n::error::b 100%"), "a%0A::error::b 100%25");
        assert_eq!(property("soak: a, b"), "soak%3A a%2C b");
    }
}
