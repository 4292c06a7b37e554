//! What the tuner did: its proposals, the guards, the signatures, and whether the increments arrived.

use super::kpis::beginning;
use super::verdict::Subject;
use crate::core::analysis::deltas::Status;
use crate::core::analysis::guard_iterations;
use crate::core::iteration::guards::Guard;
use crate::core::judge::{count, list_numbers};
use crate::core::series::Row;
use crate::core::text::number::{exact, fixed};
use crate::report::document::{Column, Document, Format, columns, row};
use crate::report::html::{prose, text};
use crate::report::text::{cell, increment, maybe};

/// Freezes, loops and parameters that are listed.
const MOST: usize = 50;
/// Signatures that are listed.
const MOST_SIGNATURES: usize = 20;
/// Parameters that a cell names.
const MOST_KEYS: usize = 12;

/// Proposals, what became of them, and which guards acted; the last `most`, for a page.
pub(super) fn timeline(doc: &mut Document, subject: Subject<'_>, most: usize) {
    let is_reported = |row: &&Row| {
        let tuning = &row.tuning;
        !tuning.deltas.is_empty() || tuning.applied == Some(true) || tuning.freeze_reason.is_some()
    };
    let reported: Vec<&Row> = subject.series().rows().iter().filter(is_reported).collect();
    if reported.is_empty() {
        return doc.paragraph("Nothing was proposed in any iteration.");
    }
    let all = reported.len();
    if all > most {
        doc.remark(&format!("{all} iterations with a proposal, of which the last {most} are listed."));
    }
    let row = |iteration: &&Row| {
        let tuning = &iteration.tuning;
        let proposed = tuning.deltas.iter();
        row![
            iteration.number,
            joined(proposed.map(|(param, delta)| format!(
                "{}\u{a0}{}",
                text(param.as_str()),
                increment(delta)
            ))),
            applied(iteration),
            held(iteration),
            tuning.spoke().iter().map(Guard::word).collect::<Vec<_>>().join(", "),
        ]
    };
    let columns = columns("#iteration|~proposed|~applied|~held back or dropped|guards");
    doc.long_table(&columns, reported[all.saturating_sub(most)..].iter().map(row));
}

fn joined(items: impl Iterator<Item = String>) -> String {
    let mut items: Vec<String> = items.collect();
    let more = items.len().saturating_sub(MOST_KEYS);
    items.truncate(MOST_KEYS);
    items.extend((more > 0).then(|| format!("and {more} more")));
    items.join(", ")
}

fn applied(iteration: &Row) -> String {
    let tuning = &iteration.tuning;
    if tuning.applied_values.is_empty() {
        return match tuning.applied {
            Some(true) => joined(tuning.changed_keys.iter().map(|param| text(param.as_str()))),
            _ => String::new(),
        };
    }
    joined(tuning.applied_values.iter().map(|value| {
        let number = |number: Option<f64>| number.map_or_else(|| "?".to_owned(), |number| exact(number, 0));
        let bound = if value.at_bound { " (bound)" } else { "" };
        let (param, old, new) = (text(value.param.as_str()), number(value.old), number(value.new));
        format!("{param}\u{a0}{old}\u{a0}→\u{a0}{new}{bound}")
    }))
}

fn held(iteration: &Row) -> String {
    let tuning = &iteration.tuning;
    let code = |code: &str| format!("<code>{}</code>", text(code));
    let mut reported: Vec<String> = Vec::new();
    if let Some(skip) = &tuning.skip {
        reported.extend(skip.code.as_deref().map(code));
        reported.extend(skip.note.as_deref().filter(|note| !note.is_empty()).map(prose));
    }
    if !tuning.dropped.is_empty() {
        let dropped = tuning.dropped.iter();
        reported.push(joined(dropped.map(|(param, why)| format!("{}: {}", text(param.as_str()), code(why)))));
    }
    reported.extend(tuning.freeze_reason.as_ref().map(|reason| format!("freeze: {}", prose(reason))));
    reported.join("; ")
}

/// How often each guard acted.
pub(super) fn guards(doc: &mut Document, subject: Subject<'_>) {
    let Subject { symbol, .. } = subject;
    if doc.format == Format::Html {
        doc.heading(3, "Guards");
    }
    let Some(overall) = symbol.deep.windows.first() else { return };
    let mut columns = columns("guard|#iterations in the whole run|#|~which");
    columns[2] = Column::number(format!("iterations in {}", symbol.last.name));
    let row = |guard: Guard| {
        row![
            guard.word(),
            symbol.deep.guards.of(guard),
            symbol.guards.of(guard),
            list_numbers(&guard_iterations(subject.series(), &overall.window, guard)),
        ]
    };
    doc.table(&columns, Guard::ALL.map(row));
    if doc.format == Format::Html {
        doc.remark(&format!(
            "{} loops A → B → A of the tuning's signatures in the whole run, {} in {}.",
            symbol.deep.signatures.loop_count,
            symbol.loops,
            text(&symbol.last.name)
        ));
    }
}

pub(super) fn freezes(doc: &mut Document, subject: Subject<'_>) {
    let rows = subject.series().rows();
    let frozen: Vec<&Row> = rows.iter().filter(|row| row.tuning.is_frozen()).collect();
    if frozen.is_empty() {
        return doc.paragraph("No freeze was seen.");
    }
    doc.paragraph(&format!("Freeze in {} of {}.", frozen.len(), count(rows.len(), "iteration")));
    let before = frozen.len().saturating_sub(MOST);
    let format = doc.format;
    let row = |row: &&Row| row![row.number, row.tuning.freeze_reason.as_deref().map(|why| format.prose(why))];
    doc.table(&columns("#iteration with a freeze|why it started"), frozen[before..].iter().map(row));
    doc.earlier(before);
}

pub(super) fn signatures(doc: &mut Document, subject: Subject<'_>) {
    let found = &subject.symbol.deep.signatures;
    if found.unique_count == 0 {
        return doc.paragraph("No iteration carries a signature.");
    }
    let mut shown: Vec<String> =
        found.unique.iter().take(MOST_SIGNATURES).map(|signature| beginning(signature, 12)).collect();
    if found.unique_count > shown.len() {
        shown.push(format!("and {} more", found.unique_count - shown.len()));
    }
    doc.paragraph(&format!("{} different: {}", count(found.unique_count, "signature"), shown.join(", ")));
    let loops = count(found.loop_count, "loop");
    let (in_last, last) = (subject.symbol.loops, &subject.symbol.last.name);
    doc.paragraph(&format!("{loops} A -> B -> A in the whole run, {in_last} in {last}."));
    if found.loop_count == 0 {
        return;
    }
    let rows = found.loops.iter().take(MOST).map(|found| {
        let iterations = found.iterations.map(|number| number.to_string());
        let signatures = found.signatures.each_ref().map(|signature| beginning(signature, 8));
        row![iterations.join(", "), signatures.join(" -> ")]
    });
    doc.table(&columns("iterations|signatures"), rows);
    let more = found.loop_count - found.loops.len().min(MOST);
    if more > 0 {
        doc.paragraph(&format!("And {more} more."));
    }
}

/// Whether the proposals reached the overrides.
pub(super) fn deltas(doc: &mut Document, subject: Subject<'_>) {
    let format = doc.format;
    if format == Format::Html {
        doc.heading(3, "Did the increments arrive?");
    }
    let Some(verified) = &subject.symbol.deltas else {
        return doc
            .paragraph(format.pick("Left out on request.", "The verification was left out on request."));
    };
    let nothing = match verified.status {
        Status::NoProposals => Some("Nothing was proposed, so there is nothing to verify."),
        Status::Unverifiable => Some(format.pick(
            "The files do not show the values before and after any proposal, so nothing can be verified.",
            "The files do not show the values before and after any proposal.",
        )),
        Status::Verified => None,
    };
    if let Some(nothing) = nothing {
        doc.paragraph(nothing);
    }
    let counts = &verified.counts;
    if format == Format::Html {
        if nothing.is_some() {
            return;
        }
        let ratio = |ratio: Option<f64>| ratio.map_or_else(|| "unknown".to_owned(), |ratio| fixed(ratio, 3));
        return doc.paragraph(&format!(
            "Of {} proposals {} were applied in full, {} in part with a reason, {} in part without one; {} were \
             skipped with a reason, {} failed, {} are stuck, {} cannot be verified. Full apply ratio {}, strict \
             {}.",
            counts.proposed,
            counts.full,
            counts.partial_explained,
            counts.partial_unexplained,
            counts.skipped,
            counts.failed,
            counts.stuck,
            counts.unverifiable,
            ratio(verified.full_apply_ratio),
            ratio(verified.strict_apply_ratio)
        ));
    }
    let rows = [
        row!["proposed", counts.proposed],
        row!["applied in full", counts.full],
        row!["applied in part, with a reason", counts.partial_explained],
        row!["applied in part, without a reason", counts.partial_unexplained],
        row!["skipped with a reason", counts.skipped],
        row!["failed", counts.failed],
        row!["stuck", counts.stuck],
        row!["unverifiable", counts.unverifiable],
        row!["iterations without a proposal", counts.none],
        row!["full apply ratio", maybe(verified.full_apply_ratio, 3)],
        row!["strict apply ratio", maybe(verified.strict_apply_ratio, 3)],
    ];
    doc.table(&columns("proposals|#number"), rows);
    if verified.misses.is_empty() {
        return;
    }
    doc.paragraph("Parameters whose increments did not arrive, by number of proposals:");
    let mut misses: Vec<_> = verified.misses.iter().collect();
    misses.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
    doc.list(misses.iter().map(|(param, n)| format!("{}: {n}", cell(param.as_str()))), MOST);
}
