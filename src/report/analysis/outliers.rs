//! Single iterations that are outliers, those that exceed WARN and CRIT, and what the net edge is made of.

use super::verdict::Subject;
use crate::core::iteration::edge::{Component, EdgeDecomposition};
use crate::core::judge::count;
use crate::core::kpi::KpiId;
use crate::core::series::anomalies::{Anomaly, AnomalyKind};
use crate::core::text::number::{beside, distance, exact, fixed};
use crate::core::verdict::violations::Violation;
use crate::report::document::{Cell, Document, Format, columns, row};
use crate::report::text::{bound, cell, maybe, signed, with_unit};

fn kpi_name(format: Format, kpi: KpiId) -> String {
    match format {
        Format::Markdown => with_unit(&cell(kpi.title()), kpi),
        Format::Html => format.kpi(kpi),
    }
}

/// The last anomalies.
pub(super) fn anomalies(doc: &mut Document, anomalies: &[Anomaly]) {
    const MOST: usize = 100;
    let format = doc.format;
    if anomalies.is_empty() {
        let none = "No latency spike, risk jump or maker/taker drop outside the limits of the policy.";
        return doc.paragraph(none);
    }
    let before = anomalies.len().saturating_sub(MOST);
    if before > 0 && format == Format::Html {
        doc.remark(&format!("{} anomalies, of which the last {MOST} are listed.", anomalies.len()));
    }
    let rows = anomalies[before..].iter().map(|anomaly| {
        let kpi = anomaly.kind.kpi();
        let digits = kpi.decimals();
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
        let limit = format!("{limit}{}", exact(anomaly.limit, digits));
        let word = anomaly.kind.word();
        match format {
            Format::Markdown => row![anomaly.iteration, word, kpi_name(format, kpi), value, change, limit],
            Format::Html => row![anomaly.iteration, word.replace('_', " "), value, change, limit],
        }
    });
    let headings = ("#iteration|anomaly|KPI|#value|#change|limit", "#iteration|anomaly|#value|#change|limit");
    doc.table(&columns(format.pick(headings.0, headings.1)), rows);
    if format == Format::Markdown {
        doc.earlier(before);
    }
}

/// Whether single iterations are checked at all.
pub(super) fn has_violations(subject: Subject<'_>) -> bool {
    subject.analysis.trades() || !subject.policy.violations.rules.is_empty()
}

/// Counts by KPI, and in Markdown the worst violations.
pub(super) fn violations(doc: &mut Document, subject: Subject<'_>) {
    const MOST: usize = 50;
    let (format, policy) = (doc.format, subject.policy);
    let found = &subject.symbol.deep.violations;
    let window = policy.violations.window.name(&policy.windows);
    let window = if format == Format::Html { format.text(&window) } else { window };
    doc.remark(&format!("WARN and CRIT of single iterations, window {window}."));
    let rows = policy.violations.rules.iter().zip(&found.by_kpi).map(|(rule, counts)| {
        let kpi = rule.kpi;
        let note = if counts.no_data && format == Format::Markdown { " (no value)" } else { "" };
        let limit = |text: String| if format == Format::Html { format.text(&text) } else { text };
        row![
            kpi_name(format, kpi),
            Cell::marked(format!("{}{note}", counts.warn), if counts.warn > 0 { "so" } else { "" }),
            Cell::marked(counts.crit, if counts.crit > 0 { "bad" } else { "" }),
            limit(bound(rule.warn_when, rule.warn.value, kpi)),
            limit(bound(rule.crit_when, rule.crit.value, kpi)),
        ]
    });
    doc.table(&columns("KPI|#WARN|#CRIT|WARN when|CRIT when"), rows);
    let mut listed: Vec<&Violation> = found.listed.iter().collect();
    listed.sort_by_key(|violation| std::cmp::Reverse(violation.level));
    listed.truncate(MOST);
    if listed.is_empty() || format == Format::Html {
        return;
    }
    let rows = listed.iter().map(|violation| {
        let kpi = violation.kpi;
        let (value, limit, excess) = match (violation.value, violation.limit) {
            (Some(value), Some(limit)) => (
                beside(value, limit, kpi.decimals_of(value)),
                exact(limit, kpi.decimals()),
                distance(value - limit, kpi.decimals_of(value - limit)),
            ),
            _ => ("no value in the whole window".to_owned(), String::new(), String::new()),
        };
        let iteration = violation.iteration.map(|number| number.to_string());
        row![iteration, kpi_name(format, kpi), violation.level.word(), value, limit, excess]
    });
    doc.table(&columns("#iteration|KPI|level|#value|#limit|#beyond it by"), rows);
    let more = found.warn() + found.crit() - listed.len();
    if more > 0 {
        doc.paragraph(&format!("And {more} more."));
    }
}

/// Decimals of the edge and its components.
const DIGITS: usize = 2;

/// What the net edge of the last window is made of.
pub(super) fn edge(doc: &mut Document, subject: Subject<'_>) {
    const MOST_DRIVERS: usize = 20;
    let edge = &subject.symbol.deep.edge;
    let iterations = |n: usize| count(n, "iteration");
    match edge.net.mean {
        _ if !edge.contributions.is_empty() => components(doc, edge),
        Some(net) => doc.paragraph(&format!(
            "Only the net edge is known, {} bps in the mean of {}; what it is made of is not in the files.",
            fixed(net, DIGITS),
            iterations(edge.net.n)
        )),
        None => doc.paragraph("Neither the net edge nor what it is made of is in the files."),
    }
    if edge.gross_imputed > 0 {
        doc.paragraph(&format!(
            "In {} the gross edge was not measured: it is an upper-bound estimate, net + adverse p95 + \
             slippage p95 + fees.",
            iterations(edge.gross_imputed)
        ));
    }
    doc.paragraph(&match edge.identity {
        None => "Whether net = gross - fees - slippage - adverse - inventory cannot be checked: no iteration has all six \
                 measured."
            .to_owned(),
        Some(identity) if identity.holds => format!(
            "net = gross - fees - slippage - adverse - inventory holds in {}; the largest difference is {} bps.",
            iterations(identity.n),
            signed(identity.worst, DIGITS)
        ),
        Some(identity) => format!(
            "**net = gross - fees - slippage - adverse - inventory does not hold** in {}: off by {} bps in \
             the mean and by {} bps in iteration {}.",
            iterations(identity.n),
            signed(identity.mean, DIGITS),
            signed(identity.worst, DIGITS),
            identity.worst_iteration
        ),
    });
    if !edge.negative_drivers.is_empty() {
        doc.paragraph("Drivers of a negative edge, as the source names them:");
        let reported = edge
            .negative_drivers
            .iter()
            .map(|named| format!("{}: {}", cell(&named.driver), iterations(named.iterations)));
        doc.list(reported, MOST_DRIVERS);
    }
}

fn components(doc: &mut Document, edge: &EdgeDecomposition) {
    let name = |kpi: KpiId| cell(kpi.name);
    let all = [
        (KpiId::GROSS_BPS, edge.gross),
        (KpiId::FEES_BPS, edge.fees),
        (KpiId::SLIPPAGE_BPS, edge.slippage),
        (KpiId::ADVERSE_BPS, edge.adverse),
        (KpiId::INVENTORY_BPS, edge.inventory),
        (KpiId::NET_BPS, edge.net),
    ];
    let row = |(kpi, Component { mean, n })| row![name(kpi), maybe(mean, DIGITS), n];
    doc.table(&columns("component|#mean, bps|#iterations that report it"), all.map(row));
    let contributions = edge.contributions.iter();
    let rows = contributions.map(|found| row![name(found.kpi), signed(found.value, DIGITS)]);
    doc.table(&columns("contribution, largest first|#to the net edge, bps"), rows);
}
