//! Sections 7 and 8: single iterations that stand out, and those beyond WARN and CRIT.

use super::Subject;
use super::tuning::earlier;
use crate::core::analysis::Deep;
use crate::core::anomalies::{Anomaly, AnomalyKind};
use crate::core::number::{beside, distance, exact, fixed};
use crate::core::violations::Violation;
use crate::render::markdown::cell;
use crate::render::report_md::{Column, bound, paragraph, row, table, with_unit};

/// Anomalies that are listed, the last ones.
const MOST_ANOMALIES: usize = 100;

/// Violations that are listed, CRIT first.
const MOST_VIOLATIONS: usize = 50;

/// Section 7.
pub(super) fn anomalies(out: &mut String, subject: &Subject<'_>, deep: &Deep) {
    paragraph(out, &format!("{} 7. Anomalies", subject.mark));
    if deep.anomalies.is_empty() {
        paragraph(out, "No latency spike, risk jump or maker/taker drop beyond the limits of the policy.");
    } else {
        anomaly_table(out, &deep.anomalies);
    }
}

/// The last anomalies, and how many there are before them.
pub(in crate::render) fn anomaly_table(out: &mut String, anomalies: &[Anomaly]) {
    table(
        out,
        &[
            Column::Number("iteration"),
            Column::Text("anomaly"),
            Column::Text("KPI"),
            Column::Number("value"),
            Column::Number("change"),
            Column::Text("limit"),
        ],
    );
    let before = anomalies.len().saturating_sub(MOST_ANOMALIES);
    for anomaly in &anomalies[before..] {
        let kpi = anomaly.kind.kpi();
        let digits = kpi.unit.decimals();
        let (value, change) = match anomaly.delta {
            Some(delta) => {
                (fixed(anomaly.value, digits), format!("+{}", beside(delta, anomaly.limit, digits)))
            }
            None => (beside(anomaly.value, anomaly.limit, digits), String::new()),
        };
        let limit = match anomaly.kind {
            AnomalyKind::LatencySpike => "at most ",
            AnomalyKind::RiskJump => "a change of at most +",
            AnomalyKind::MakerTakerDrop => "at least ",
        };
        row(
            out,
            [
                anomaly.iteration.to_string(),
                anomaly.kind.word().to_owned(),
                with_unit(&cell(kpi.name), kpi),
                value,
                change,
                format!("{limit}{}", exact(anomaly.limit, digits)),
            ],
        );
    }
    out.push('\n');
    earlier(out, before);
}

/// Section 8.
pub(super) fn violations(out: &mut String, subject: &Subject<'_>, deep: &Deep) {
    paragraph(out, &format!("{} 8. Violations", subject.mark));
    let policy = subject.policy;
    let found = &deep.violations;
    paragraph(
        out,
        &format!(
            "WARN and CRIT of single iterations, window {}.",
            policy.violations.window.name(&policy.windows)
        ),
    );
    table(
        out,
        &[
            Column::Text("KPI"),
            Column::Number("WARN"),
            Column::Number("CRIT"),
            Column::Text("WARN when"),
            Column::Text("CRIT when"),
        ],
    );
    for (rule, counts) in policy.violations.rules.iter().zip(&found.by_kpi) {
        let kpi = rule.kpi;
        let note = if counts.no_data { " (no value)" } else { "" };
        row(
            out,
            [
                with_unit(&cell(kpi.name), kpi),
                format!("{}{note}", counts.warn),
                counts.crit.to_string(),
                bound(rule.warn_when, rule.warn.value, kpi),
                bound(rule.crit_when, rule.crit.value, kpi),
            ],
        );
    }
    out.push('\n');
    let mut listed: Vec<&Violation> = found.listed.iter().collect();
    listed.sort_by_key(|violation| std::cmp::Reverse(violation.level));
    listed.truncate(MOST_VIOLATIONS);
    if listed.is_empty() {
        return;
    }
    table(
        out,
        &[
            Column::Number("iteration"),
            Column::Text("KPI"),
            Column::Text("level"),
            Column::Number("value"),
            Column::Number("limit"),
            Column::Number("beyond it by"),
        ],
    );
    for violation in &listed {
        row(out, one(violation));
    }
    out.push('\n');
    let more = found.warn() + found.crit() - listed.len();
    if more > 0 {
        paragraph(out, &format!("And {more} more."));
    }
}

fn one(violation: &Violation) -> [String; 6] {
    let kpi = violation.kpi;
    let digits = kpi.unit.decimals();
    let (value, limit, beyond) = match (violation.value, violation.limit) {
        (Some(value), Some(limit)) => {
            (beside(value, limit, digits), exact(limit, digits), distance(value - limit, digits))
        }
        _ => ("no value in the whole window".to_owned(), String::new(), String::new()),
    };
    [
        violation.iteration.map_or_else(String::new, |number| number.to_string()),
        with_unit(&cell(kpi.name), kpi),
        violation.level.word().to_owned(),
        value,
        limit,
        beyond,
    ]
}
