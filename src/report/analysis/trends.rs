//! Where the KPIs of the verdict are heading, where they changed their level, and resources that grow meanwhile.

use super::verdict::Subject;
use crate::core::analysis::Settled;
use crate::core::series::Row;
use crate::core::text::number::{exact, fixed, trimmed};
use crate::core::trend::checks::{
    change_text, contested_text, duration, interval_text, movement, probability_of, slope_text,
    small_change_text,
};
use crate::core::trend::resources::DriftWord;
use crate::core::trend::{DriftVerdict, KpiChanges, KpiDrift, PaceSource};
use crate::report::document::{Cell, Document, Format, columns, row};
use crate::report::svg;
use crate::report::terminal::probability;
use crate::report::text::{cell, prose, signed};

/// Rows of the table of restarts; more are counted.
const MOST_RESTARTS: usize = 100;

/// Marks and restarts, where the run has any.
pub(super) fn events(doc: &mut Document, subject: Subject<'_>) {
    let format = doc.format;
    let rows = subject.series().rows();
    let (marks, restarted) = (svg::marks(rows), rows.iter().filter(|row| svg::restarts(row) > 0));
    let restarted: Vec<&Row> = restarted.collect();
    if marks.is_empty() && restarted.is_empty() {
        return;
    }
    doc.heading(3, "Phases and restarts");
    let dash = format.pick('-', '–');
    if !marks.is_empty() {
        let rows = marks.iter().map(|(name, stretches)| {
            let iterations: u64 = stretches.iter().map(|(first, last)| last - first + 1).sum();
            let spans = stretches.iter().take(MOST_SPANS).map(|(first, last)| {
                if first == last { first.to_string() } else { format!("{first}{dash}{last}") }
            });
            let mut spans = spans.collect::<Vec<_>>().join(", ");
            if stretches.len() > MOST_SPANS {
                spans.push_str(", …");
            }
            row![safe(format, name), spans, usize::try_from(iterations).unwrap_or(usize::MAX)]
        });
        doc.table(&columns("phase|iterations|#n"), rows);
    }
    if restarted.is_empty() {
        return;
    }
    let shown = restarted.iter().take(MOST_RESTARTS).map(|row| {
        let restarts = row.events.as_ref().and_then(|events| events.restarts.as_ref());
        let during = restarts.and_then(|restarts| restarts.during.as_deref());
        row![row.number.to_string(), svg::restarts(row).to_string(), during.map(|name| safe(format, name))]
    });
    doc.table(&columns("#iteration|#restarts|during"), shown);
    if restarted.len() > MOST_RESTARTS {
        doc.remark(&format!("The first {MOST_RESTARTS} of {} iterations with restarts.", restarted.len()));
    }
}

/// Stretches of a mark that a cell lists.
const MOST_SPANS: usize = 20;

fn safe(format: Format, name: &str) -> String {
    match format {
        Format::Markdown => cell(name),
        Format::Html => format.text(name),
    }
}

/// Resources that grow while the run continues.
pub(super) fn resources(doc: &mut Document, subject: Subject<'_>) {
    let (format, drifts) = (doc.format, &subject.symbol.deep.drift);
    let has_data = drifts.iter().any(|drift| drift.word != DriftWord::NoData);
    if !has_data && !subject.analysis.trades() {
        return;
    }
    doc.heading(3, "Drift of resources");
    if !has_data {
        return doc.paragraph("No data: no iteration reports the resources of the process.");
    }
    let rows = drifts.iter().map(|drift| {
        let value = |value: Option<f64>| value.map(|value| trimmed(&fixed(value, 1)).to_owned());
        // Brackets could be a link.
        let reported = match format {
            Format::Markdown => drift.text().replace('[', "\\[").replace(']', "\\]"),
            Format::Html => format.text(&drift.text()),
        };
        let mut cells = row![
            format.code(drift.resource.word()),
            value(drift.first),
            value(drift.last),
            drift.n,
            fixed(drift.hours, 1),
            Cell::marked(reported, if drift.word == DriftWord::Grows { "so" } else { "" }),
        ];
        if format == Format::Markdown {
            let floor = exact(drift.floor.value, 1);
            cells.extend(row![format!("{} {}", trimmed(&floor), drift.resource.per_hour())]);
        }
        cells
    });
    let headings = "resource|#first|#last|#samples|#hours|slope and 95 % band";
    doc.table(&columns(&format!("{headings}{}", format.pick("|flat below", ""))), rows);
}

pub(super) fn drifts(doc: &mut Document, subject: Subject<'_>) {
    let (format, deep) = (doc.format, &subject.symbol.deep);
    doc.heading(3, "Drift of the KPIs");
    let source = deep.pace.map(|pace| pace.source);
    let time = match (source, format) {
        (Some(PaceSource::TimeStamps), Format::Markdown) => {
            "Hours are run time: iterations times the usual distance of their time stamps."
        }
        (Some(PaceSource::Manifest), Format::Markdown) => {
            "Hours are run time: iterations times the interval of the manifest."
        }
        (None, Format::Markdown) => {
            "Neither time stamps nor a manifest give the length of an iteration, so slopes are per iteration."
        }
        (Some(PaceSource::TimeStamps), Format::Html) => "Hours are run time, from the time stamps.",
        (Some(PaceSource::Manifest), Format::Html) => {
            "Hours are run time, from the interval of the manifest."
        }
        (None, Format::Html) => "How long an iteration takes is not known, so slopes are per iteration.",
    };
    let unit = if source.is_some() { "per hour" } else { "per iteration" };
    let headings = if format == Format::Markdown {
        format!(
            "KPI|iterations|#n|#n_eff|#slope|95 % interval, {unit}|#Theil-Sen per iteration|#change|#p|#p with Holm|\
             limit reached in|result"
        )
    } else {
        doc.remark(&format!(
            "A straight line through the steady part. p is the probability of so bad a slope by chance, corrected for \
             all KPIs together. {time}"
        ));
        "KPI|iterations|#n|#n_eff|#slope|95 % interval|#change|#p|#p, corrected|limit reached in|result"
            .to_owned()
    };
    let columns = columns(&headings);
    doc.table(&columns, deep.kpi_drift.iter().map(|found| drift_row(format, subject, found)));
    let settled = deep.settled.iter().map(|Settled { kpi, from }| {
        let name = format.kpi(*kpi);
        format!("{name} moves at the beginning and is steady from iteration {from} on")
    });
    if format == Format::Html {
        for sentence in settled {
            doc.remark(&format!("{sentence}."));
        }
        return;
    }
    doc.paragraph(time);
    if !deep.settled.is_empty() {
        doc.list(settled, usize::MAX);
    }
}

fn drift_row(format: Format, subject: Subject<'_>, found: &KpiDrift) -> Vec<Cell> {
    let pace = subject.symbol.deep.pace;
    let kpi = found.kpi;
    let dash = format.pick('-', '–');
    let worsens = found.verdict == DriftVerdict::Worsens;
    let line = found.line.as_ref();
    let safe = |text: String| if format == Format::Html { format.text(&text) } else { text };
    let theil_sen =
        line.and(found.theil_sen).map(|slope| signed(slope, kpi.decimals_of(slope).max(kpi.decimals() + 3)));
    let mut cells = row![
        format.kpi(kpi),
        found.span.map(|(first, last)| format!("{first}{dash}{last}")),
        found.n,
        line.map(|line| fixed(line.fit.n_eff, 1)),
        line.map(|line| safe(slope_text(kpi, line.fit.slope, pace))),
        line.map(|line| interval_text(kpi, line, pace)),
        theil_sen,
        line.map(|line| safe(movement(kpi, line.change))),
        line.map(|line| probability(line.p)),
        line.map(|line| probability(line.p_adjusted)),
        match line.and_then(|line| line.to_breach) {
            Some(0.0) if worsens || format == Format::Markdown => Some("beyond it".to_owned()),
            Some(iterations) if worsens => Some(duration(iterations, pace)),
            _ => None,
        },
        Cell::marked(word(found), if worsens { "bad" } else { "" }),
    ];
    if format == Format::Html {
        cells.remove(6);
    }
    cells
}

fn word(found: &KpiDrift) -> String {
    match found.verdict {
        DriftVerdict::Worsens => "gets steadily worse".to_owned(),
        DriftVerdict::Improves => "gets steadily better".to_owned(),
        DriftVerdict::Settled => found
            .settled_from
            .map_or_else(|| "settled".to_owned(), |from| format!("settled, steady from {from} on")),
        DriftVerdict::NoDrift => "no steady drift shown".to_owned(),
        DriftVerdict::TooFew => "too few values".to_owned(),
        DriftVerdict::CannotTell => "cannot tell, too autocorrelated".to_owned(),
        DriftVerdict::NoData => "no value".to_owned(),
    }
}

/// Changes of level: a list in Markdown, a table on a page.
pub(super) fn levels(doc: &mut Document, subject: Subject<'_>) {
    let deep = &subject.symbol.deep;
    doc.heading(3, "Changes of level");
    if doc.format == Format::Html {
        return level_table(doc, subject);
    }
    for found in &deep.changes {
        level_lines(doc, found);
    }
    doc.push("\n");
    let rules = &subject.policy.change_points.trend;
    doc.paragraph(&format!(
        "Each of the two is judged over the KPIs {} together: a false alarm in at most \
         {} % of runs in which nothing happens, in each. Fewer than {} values decide nothing.",
        if subject.analysis.trades() { "with a limit, of all symbols" } else { "of the verdict" },
        fixed(100.0 * rules.false_alarm_rate.value, 1),
        rules.min_iterations.value
    ));
}

fn level_lines(doc: &mut Document, found: &KpiChanges) {
    const MOST: usize = 20;
    let kpi = found.kpi;
    let name = doc.format.kpi(kpi);
    let mut line = |text: &str| doc.push(&format!("{text}\n"));
    if found.changes.is_empty() {
        let what = match (found.block, found.likeliest) {
            (None, _) => format!("too few values ({})", found.n),
            (_, Some(change)) if found.contested.is_some() => {
                prose(&contested_text(kpi, &change, found.contested.unwrap_or_default()))
            }
            (_, Some(change)) if found.too_small.is_some() => {
                let reported = prose(&small_change_text(kpi, &change, found.too_small.unwrap_or_default()));
                format!("{reported}: p {}", probability_of(&change))
            }
            (_, Some(change)) => format!("keeps its level (likeliest change p {})", probability_of(&change)),
            _ if found.constant => "has the same value throughout".to_owned(),
            _ => "no level, change points cannot be tested".to_owned(),
        };
        line(&format!("- {name}: {what}"));
    }
    for change in found.changes.iter().take(MOST) {
        let reported = prose(&format!("{}: p {}", change_text(kpi, change), probability_of(change)));
        line(&format!("- {name}: {reported}"));
    }
    if let Some(block) = found.block.filter(|block| *block > 1) {
        line(&format!("  - searched in medians of {block} iterations"));
    }
    for spike in found.spikes.iter().take(MOST) {
        let place = if spike.first == spike.last {
            format!("iteration {}", spike.first)
        } else {
            format!("iterations {}-{}", spike.first, spike.last)
        };
        let [value, usual] = [spike.value, spike.usual].map(|value| fixed(value, kpi.decimals_of(value)));
        line(&format!("  - outlier in {place}: {value} where {usual} is usual, no change"));
    }
    let more = found.spikes.len().saturating_sub(MOST);
    if more > 0 {
        line(&format!("  - and {more} more outliers"));
    }
}

fn level_table(doc: &mut Document, subject: Subject<'_>) {
    const MOST: usize = 50;
    let (format, changes) = (doc.format, &subject.symbol.deep.changes);
    let is_bare = |found: &KpiChanges| {
        let is_level = found.too_small.is_none() && found.contested.is_none();
        found.changes.is_empty() && found.spikes.is_empty() && is_level
    };
    if changes.iter().all(is_bare) {
        let few = changes.iter().all(|found| found.block.is_none());
        return doc.paragraph(if few {
            "Too few values to look for changes."
        } else {
            "No KPI changed its level."
        });
    }
    let mut rows = Vec::new();
    for found in changes {
        let kpi = found.kpi;
        let name = || format.kpi(kpi);
        for change in found.changes.iter().take(MOST) {
            let what = format.text(&change_text(kpi, change));
            let what = Cell::marked(what, if change.worse { "bad" } else { "" });
            rows.push(row![name(), change.first_after, probability_of(change), what]);
        }
        if let Some((p, change)) = found.contested.zip(found.likeliest) {
            let what = format.text(&contested_text(kpi, &change, p));
            rows.push(row![name(), change.first_after, probability_of(&change), what]);
        }
        if let Some((least, change)) = found.too_small.zip(found.likeliest) {
            let what = format.text(&small_change_text(kpi, &change, least));
            rows.push(row![name(), change.first_after, probability_of(&change), what]);
        }
        for spike in found.spikes.iter().take(MOST) {
            let [value, usual] = [spike.value, spike.usual].map(|value| fixed(value, kpi.decimals_of(value)));
            let what = format!("an outlier, no change: {value} where {usual} is usual");
            rows.push(row![name(), spike.first, "", what]);
        }
    }
    doc.table(&columns("KPI|#iteration|#p, corrected|~what happened"), rows);
}
