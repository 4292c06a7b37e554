//! Section 6: what the net edge of the last window is made of.

use super::Subject;
use crate::core::analysis::Deep;
use crate::core::edge::{Component, EdgeDecomposition};
use crate::core::judge::count;
use crate::core::kpi::KpiId;
use crate::core::number::fixed;
use crate::render::markdown::cell;
use crate::render::report_md::{Column, bounded, line, maybe, paragraph, row, signed, table};

/// Decimals of basis points.
const DIGITS: usize = 2;

/// Drivers that are listed.
const MOST: usize = 20;

pub(super) fn section(out: &mut String, subject: &Subject<'_>, deep: &Deep) {
    let window = &subject.symbol.last.name;
    paragraph(out, &format!("{} 6. Edge decomposition ({window})", subject.mark));
    let edge = &deep.edge;
    if edge.contributions.is_empty() {
        paragraph(
            out,
            &match edge.net.mean {
                Some(net) => format!(
                    "Only the net edge is known, {} bps in the mean of {}; what it is made of is not in the files.",
                    fixed(net, DIGITS),
                    count(edge.net.n, "iteration")
                ),
                None => "Neither the net edge nor what it is made of is in the files.".to_owned(),
            },
        );
    } else {
        components(out, edge);
    }
    if edge.gross_imputed > 0 {
        paragraph(
            out,
            &format!(
                "In {} the gross edge was not measured: it is an upper-bound estimate, net + adverse p95 + \
                 slippage p95 + fees.",
                count(edge.gross_imputed, "iteration")
            ),
        );
    }
    identity(out, edge);
    if !edge.negative_drivers.is_empty() {
        line(out, "Drivers of a negative edge, as the source names them:");
        out.push('\n');
        let told = edge
            .negative_drivers
            .iter()
            .map(|(driver, n)| format!("- {}: {}", cell(driver), count(*n, "iteration")));
        bounded(out, told, MOST);
    }
}

fn components(out: &mut String, edge: &EdgeDecomposition) {
    table(
        out,
        &[Column::Text("component"), Column::Number("mean, bps"), Column::Number("iterations that tell it")],
    );
    let all = [
        (KpiId::GROSS_BPS, edge.gross),
        (KpiId::FEES_BPS, edge.fees),
        (KpiId::SLIPPAGE_BPS, edge.slippage),
        (KpiId::ADVERSE_BPS, edge.adverse),
        (KpiId::INVENTORY_BPS, edge.inventory),
        (KpiId::NET_BPS, edge.net),
    ];
    for (kpi, Component { mean, n }) in all {
        row(out, [cell(kpi.name), maybe(mean, DIGITS), n.to_string()]);
    }
    out.push('\n');
    table(out, &[Column::Text("contribution, largest first"), Column::Number("to the net edge, bps")]);
    for contribution in &edge.contributions {
        row(out, [cell(contribution.kpi.name), signed(contribution.value, DIGITS)]);
    }
    out.push('\n');
}

fn identity(out: &mut String, edge: &EdgeDecomposition) {
    let Some(identity) = edge.identity else {
        paragraph(
            out,
            "Whether net = gross - fees - slippage - adverse - inventory cannot be checked: no iteration has all six \
             measured.",
        );
        return;
    };
    let checked = count(identity.n, "iteration");
    paragraph(
        out,
        &if identity.holds {
            format!(
                "net = gross - fees - slippage - adverse - inventory holds in {checked}; the largest difference is {} \
                 bps.",
                signed(identity.worst, DIGITS)
            )
        } else {
            format!(
                "**net = gross - fees - slippage - adverse - inventory does not hold** in {checked}: off by {} bps in \
                 the mean and by {} bps in iteration {}.",
                signed(identity.mean, DIGITS),
                signed(identity.worst, DIGITS),
                identity.worst_iteration
            )
        },
    );
}
