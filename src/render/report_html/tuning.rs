//! What the tuner did: a line an iteration, the guards, and whether the increments arrived.

use super::Subject;
use super::words::{end_table, paragraph, prose, remark, row, table, text};
use crate::core::analysis::{Deep, guard_iterations};
use crate::core::deltas::Status;
use crate::core::guards::Guard;
use crate::core::judge::list_numbers;
use crate::core::number::{exact, fixed};
use crate::core::series::Row;
use crate::render::report_md::increment;

/// Parameters that a cell names.
const MOST_KEYS: usize = 12;

/// Proposals, what became of them, and who spoke.
pub(super) fn timeline(out: &mut String, subject: &Subject<'_>, most: usize) {
    let rows = subject.analysis.series(subject.symbol).rows();
    let tells = |row: &&Row| {
        let tuning = &row.tuning;
        !tuning.deltas.is_empty() || tuning.applied == Some(true) || tuning.freeze_reason.is_some()
    };
    let all = rows.iter().filter(tells).count();
    if all == 0 {
        paragraph(out, "Nothing was proposed in any iteration.");
        return;
    }
    if all > most {
        remark(out, &format!("{all} iterations with a proposal, of which the last {most} stand here."));
    }
    let columns = [
        ("", "iteration"),
        ("w", "proposed"),
        ("w", "applied"),
        ("w", "held back or dropped"),
        ("t", "guards"),
    ];
    table(out, &columns, true);
    for iteration in rows.iter().filter(tells).skip(all.saturating_sub(most)) {
        let tuning = &iteration.tuning;
        let proposed = tuning
            .deltas
            .iter()
            .map(|(param, delta)| format!("{}\u{a0}{}", text(param.as_str()), increment(delta)));
        row(
            out,
            [
                ("", iteration.number.to_string()),
                ("w", joined(proposed)),
                ("w", applied(iteration)),
                ("w", held(iteration)),
                ("t", tuning.spoke().iter().map(Guard::word).collect::<Vec<_>>().join(", ")),
            ],
        );
    }
    end_table(out);
}

fn joined(items: impl Iterator<Item = String>) -> String {
    let mut items: Vec<String> = items.collect();
    let more = items.len().saturating_sub(MOST_KEYS);
    items.truncate(MOST_KEYS);
    if more > 0 {
        items.push(format!("and {more} more"));
    }
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
        format!(
            "{}\u{a0}{}\u{a0}→\u{a0}{}{bound}",
            text(value.param.as_str()),
            number(value.old),
            number(value.new)
        )
    }))
}

fn held(iteration: &Row) -> String {
    let tuning = &iteration.tuning;
    let mut told: Vec<String> = Vec::new();
    if let Some(skip) = &tuning.skip {
        let code = skip.code.as_deref().map(|code| format!("<code>{}</code>", text(code)));
        let note = skip.note.as_deref().filter(|note| !note.is_empty()).map(prose);
        told.extend([code, note].into_iter().flatten());
    }
    if !tuning.dropped.is_empty() {
        told.push(joined(
            tuning
                .dropped
                .iter()
                .map(|(param, code)| format!("{}: <code>{}</code>", text(param.as_str()), text(code))),
        ));
    }
    if let Some(reason) = &tuning.freeze_reason {
        told.push(format!("freeze: {}", prose(reason)));
    }
    told.join("; ")
}

/// How often each guard spoke.
pub(super) fn guards(out: &mut String, subject: &Subject<'_>, deep: &Deep) {
    out.push_str("<h3>Guards</h3>\n");
    let series = subject.analysis.series(subject.symbol);
    let last = format!("iterations in {}", subject.symbol.last.name);
    let Some(overall) = deep.windows.first() else { return };
    let columns = [("t", "guard"), ("", "iterations in the whole run"), ("", last.as_str()), ("w", "which")];
    table(out, &columns, false);
    for guard in Guard::ALL {
        row(
            out,
            [
                ("t", guard.word().to_owned()),
                ("", deep.guards.of(guard).to_string()),
                ("", subject.symbol.guards.of(guard).to_string()),
                ("w", list_numbers(&guard_iterations(series, &overall.window, guard))),
            ],
        );
    }
    end_table(out);
    remark(
        out,
        &format!(
            "{} loops A → B → A of the tuning's signatures in the whole run, {} in {}.",
            deep.signatures.loop_count,
            subject.symbol.loops,
            text(&subject.symbol.last.name)
        ),
    );
}

/// Whether the proposals reached the overrides.
pub(super) fn deltas(out: &mut String, subject: &Subject<'_>) {
    out.push_str("<h3>Did the increments arrive?</h3>\n");
    let Some(verified) = &subject.symbol.deltas else {
        paragraph(out, "The verification was left out on request.");
        return;
    };
    match verified.status {
        Status::NoProposals => {
            return paragraph(out, "Nothing was proposed, so there is nothing to verify.");
        }
        Status::Unverifiable => {
            return paragraph(out, "The files do not show the values before and after any proposal.");
        }
        Status::Verified => {}
    }
    let counts = &verified.counts;
    let ratio = |ratio: Option<f64>| ratio.map_or_else(|| "unknown".to_owned(), |ratio| fixed(ratio, 3));
    paragraph(
        out,
        &format!(
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
        ),
    );
}
