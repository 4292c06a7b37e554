//! What stands out: anomalies, violations, drift of resources; advice; findings about the input.

use super::Subject;
use super::words::{end_table, list, paragraph, prose, remark, row, section, table, text};
use crate::core::analysis::{Analysis, Deep};
use crate::core::anomalies::AnomalyKind;
use crate::core::drift::DriftWord;
use crate::core::number::{beside, exact, fixed, trimmed};
use crate::render::report_md::{bound, step};

/// Rows of each table, the last ones.
const MOST: usize = 100;
/// Findings that are listed.
const MOST_FINDINGS: usize = 300;

/// Parameters to change.
pub(super) fn recommendations(out: &mut String, subject: &Subject<'_>, deep: &Deep) {
    at_bound(out, deep);
    if deep.recommendations.is_empty() && !deep.at_bound.is_empty() {
        return;
    }
    if deep.recommendations.is_empty() {
        let window = text(&subject.symbol.last.name);
        paragraph(
            out,
            &format!("No parameter change is recommended: no rule of the policy applies to {window}."),
        );
        return;
    }
    table(
        out,
        &[("t", "parameter"), ("", "step"), ("t", "value"), ("w", "why"), ("t", "rules"), ("t", "note")],
        false,
    );
    for advice in &deep.recommendations {
        let note = if advice.conflict { "conflict: other rules ask for the opposite" } else { "" };
        row(
            out,
            [
                ("t", format!("<code>{}</code>", text(advice.param.as_str()))),
                ("", step(advice.step)),
                ("t", text(&advice.reach.words().unwrap_or_default())),
                ("w", prose(&advice.rationales.join("; "))),
                ("t", text(&advice.rules.join(", "))),
                ("t so", note.to_owned()),
            ],
        );
    }
    end_table(out);
}

/// What the rules ask for and the bounds do not allow.
fn at_bound(out: &mut String, deep: &Deep) {
    for advice in &deep.at_bound {
        let why = advice.rationales.join("; ");
        paragraph(out, &prose(&format!("No change of {}: {why}.", advice.words())));
    }
}

/// WARN and CRIT, spikes, jumps and drops.
pub(super) fn anomalies(out: &mut String, subject: &Subject<'_>, deep: &Deep) {
    let policy = subject.policy;
    let window = policy.violations.window.name(&policy.windows);
    remark(out, &format!("WARN and CRIT of single iterations, window {}.", text(&window)));
    let columns = [("t", "KPI"), ("", "WARN"), ("", "CRIT"), ("t", "WARN when"), ("t", "CRIT when")];
    table(out, &columns, false);
    for (rule, counts) in policy.violations.rules.iter().zip(&deep.violations.by_kpi) {
        let kpi = rule.kpi;
        row(
            out,
            [
                ("t", format!("<code>{}</code>", text(kpi.name))),
                (if counts.warn > 0 { "so" } else { "" }, counts.warn.to_string()),
                (if counts.crit > 0 { "bad" } else { "" }, counts.crit.to_string()),
                ("t", text(&bound(rule.warn_when, rule.warn.value, kpi))),
                ("t", text(&bound(rule.crit_when, rule.crit.value, kpi))),
            ],
        );
    }
    end_table(out);
    if deep.anomalies.is_empty() {
        paragraph(out, "No latency spike, risk jump or maker/taker drop beyond the limits of the policy.");
        return;
    }
    let before = deep.anomalies.len().saturating_sub(MOST);
    if before > 0 {
        remark(out, &format!("{} anomalies, of which the last {MOST} stand here.", deep.anomalies.len()));
    }
    table(out, &[("", "iteration"), ("t", "anomaly"), ("", "value"), ("", "change"), ("t", "limit")], false);
    for anomaly in &deep.anomalies[before..] {
        let digits = anomaly.kind.kpi().unit.decimals();
        let limit = match anomaly.kind {
            AnomalyKind::LatencySpike => "at most ",
            AnomalyKind::RiskJump => "a change of at most +",
            AnomalyKind::MakerTakerDrop => "at least ",
        };
        let (value, change) = match anomaly.delta {
            Some(delta) => {
                (fixed(anomaly.value, digits), format!("+{}", beside(delta, anomaly.limit, digits)))
            }
            None => (beside(anomaly.value, anomaly.limit, digits), String::new()),
        };
        row(
            out,
            [
                ("", anomaly.iteration.to_string()),
                ("t", anomaly.kind.word().replace('_', " ")),
                ("", value),
                ("", change),
                ("t", format!("{limit}{}", exact(anomaly.limit, digits))),
            ],
        );
    }
    end_table(out);
}

/// Where resources are heading.
pub(super) fn drift(out: &mut String, deep: &Deep) {
    out.push_str("<h3>Drift of resources</h3>\n");
    if deep.drift.iter().all(|drift| drift.word == DriftWord::NoData) {
        paragraph(out, "No data: no iteration tells what the process used.");
        return;
    }
    let columns = [
        ("t", "resource"),
        ("", "first"),
        ("", "last"),
        ("", "samples"),
        ("", "hours"),
        ("t", "slope and 95 % band"),
    ];
    table(out, &columns, false);
    for drift in &deep.drift {
        let value =
            |value: Option<f64>| value.map_or_else(String::new, |value| trimmed(&fixed(value, 1)).to_owned());
        let class = if drift.word == DriftWord::Grows { "t so" } else { "t" };
        row(
            out,
            [
                ("t", format!("<code>{}</code>", drift.resource.word())),
                ("", value(drift.first)),
                ("", value(drift.last)),
                ("", drift.n.to_string()),
                ("", fixed(drift.hours, 1)),
                (class, text(&drift.told())),
            ],
        );
    }
    end_table(out);
}

/// What a reader should know about the input.
pub(super) fn findings(out: &mut String, analysis: &Analysis) {
    section(out, "findings", "Findings about the input");
    if analysis.findings.is_empty() {
        paragraph(out, "None: every file was read as it stands.");
    } else {
        let mut findings: Vec<_> = analysis.findings.iter().collect();
        findings.sort_by_key(|finding| !finding.in_window);
        list(
            out,
            findings.iter().map(|finding| {
                let symbol =
                    finding.symbol.as_ref().map_or_else(String::new, |name| format!("{}: ", text(name)));
                let window = if finding.in_window { " <span class=\"so\">in the window</span>" } else { "" };
                format!("<code>{}</code>{window} {symbol}{}", text(finding.kind), prose(&finding.message))
            }),
            MOST_FINDINGS,
        );
    }
    out.push_str("</section>\n");
}
