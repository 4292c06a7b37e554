//! Where the KPIs of the verdict are heading and where they changed their level, as tables.

use super::words::{end_table, paragraph, remark, row, table, text};
use crate::core::analysis::Deep;
use crate::core::course::checks::{duration, interval_text, movement, slope_text, told_change, told_small};
use crate::core::course::{DriftVerdict, KpiChanges, PaceSource};
use crate::core::number::fixed;
use crate::render::audit_md::drift_word;
use crate::render::terminal::{probability, probability_of};

/// Changes and spikes that are listed.
const MOST: usize = 50;

/// Steady drifts, changes of level, spikes.
pub(super) fn section(out: &mut String, deep: &Deep) {
    drifts(out, deep);
    levels(out, deep);
}

fn drifts(out: &mut String, deep: &Deep) {
    out.push_str("<h3>Drift of the KPIs</h3>\n");
    let time = match deep.pace.map(|pace| pace.source) {
        Some(PaceSource::TimeStamps) => "Hours are run time, from the time stamps.",
        Some(PaceSource::Manifest) => "Hours are run time, from the interval of the manifest.",
        None => "How long an iteration takes is not known, so slopes are per iteration.",
    };
    remark(
        out,
        &format!(
            "A straight line through the steady part. p is the probability of so bad a slope by chance, corrected for \
             all KPIs together. {time}"
        ),
    );
    let columns = [
        ("t", "KPI"),
        ("t", "iterations"),
        ("", "n"),
        ("", "n_eff"),
        ("", "slope"),
        ("t", "95 % interval"),
        ("", "change"),
        ("", "p"),
        ("", "p, corrected"),
        ("t", "limit reached in"),
        ("t", "what it says"),
    ];
    table(out, &columns, false);
    for found in &deep.kpi_drift {
        let kpi = found.kpi;
        let span = found.span.map_or_else(String::new, |(first, last)| format!("{first}–{last}"));
        let class = if found.verdict == DriftVerdict::Worsens { "t bad" } else { "t" };
        let told = |tell: &dyn Fn(&crate::core::course::drift::DriftLine) -> String| {
            ("", found.line.as_ref().map(tell).unwrap_or_default())
        };
        let breach = found.line.as_ref().and_then(|line| line.to_breach);
        let breach = match breach.filter(|_| found.verdict == DriftVerdict::Worsens) {
            Some(0.0) => "beyond it".to_owned(),
            Some(iterations) => duration(iterations, deep.pace),
            None => String::new(),
        };
        let interval =
            found.line.as_ref().map(|line| interval_text(kpi, line, deep.pace)).unwrap_or_default();
        row(
            out,
            [
                ("t", format!("<code>{}</code>", text(kpi.name))),
                ("t", span),
                ("", found.n.to_string()),
                told(&|line| fixed(line.fit.n_eff, 1)),
                told(&|line| text(&slope_text(kpi, line.fit.slope, deep.pace))),
                ("t", interval),
                told(&|line| text(&movement(kpi, line.change))),
                told(&|line| probability(line.p)),
                told(&|line| probability(line.p_adjusted)),
                ("t", breach),
                (class, drift_word(found)),
            ],
        );
    }
    end_table(out);
    for (kpi, from) in &deep.settled {
        let name = text(kpi.name);
        remark(
            out,
            &format!("<code>{name}</code> moves at the beginning and is steady from iteration {from} on."),
        );
    }
}

fn levels(out: &mut String, deep: &Deep) {
    out.push_str("<h3>Changes of level</h3>\n");
    let is_bare =
        |found: &KpiChanges| found.changes.is_empty() && found.spikes.is_empty() && found.too_small.is_none();
    if deep.changes.iter().all(is_bare) {
        let few = deep.changes.iter().all(|found| found.block.is_none());
        let what = if few { "Too few values to look for changes." } else { "No KPI changed its level." };
        paragraph(out, what);
        return;
    }
    table(out, &[("t", "KPI"), ("", "iteration"), ("", "p, corrected"), ("w", "what happened")], false);
    for found in &deep.changes {
        let kpi = found.kpi;
        let name = || ("t", format!("<code>{}</code>", text(kpi.name)));
        for change in found.changes.iter().take(MOST) {
            let class = if change.worse { "w bad" } else { "w" };
            row(
                out,
                [
                    name(),
                    ("", change.first_after.to_string()),
                    ("", probability_of(change)),
                    (class, text(&told_change(kpi, change))),
                ],
            );
        }
        if let Some((least, change)) = found.too_small.zip(found.likeliest) {
            row(
                out,
                [
                    name(),
                    ("", change.first_after.to_string()),
                    ("", probability_of(&change)),
                    ("w", text(&told_small(kpi, &change, least))),
                ],
            );
        }
        for spike in found.spikes.iter().take(MOST) {
            let digits = kpi.unit.decimals();
            let (value, usual) = (fixed(spike.value, digits), fixed(spike.usual, digits));
            let what = format!("an outlier, no change: {value} where {usual} is usual");
            row(out, [name(), ("", spike.first.to_string()), ("", String::new()), ("w", what)]);
        }
    }
    end_table(out);
}
