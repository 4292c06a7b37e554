//! Sections 4, 5 and 9: what the guards, the signatures and the delta verification tell about tuning.

use std::collections::VecDeque;

use super::Subject;
use super::matrix::beginning;
use crate::core::analysis::Deep;
use crate::core::deltas::{Status, Verification};
use crate::core::guards::Guard;
use crate::core::judge::count;
use crate::render::markdown::cell;
use crate::render::report_md::{Column, bounded, maybe, paragraph, prose, row, table};

/// Freezes and loops that are listed.
const MOST: usize = 50;

/// Signatures that are listed.
const MOST_SIGNATURES: usize = 20;

/// Numbers in ascending order, runs of them as ranges; only the first ranges are kept.
#[derive(Debug, Default)]
struct Ranges {
    kept: Vec<(u64, u64)>,
    more: bool,
}

impl Ranges {
    const MOST: usize = 8;

    fn push(&mut self, number: u64) {
        if self.more {
            return;
        }
        let is_full = self.kept.len() == Self::MOST;
        match self.kept.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ if is_full => self.more = true,
            _ => self.kept.push((number, number)),
        }
    }

    fn told(&self) -> String {
        let one = |(first, last): &(u64, u64)| {
            if first == last { first.to_string() } else { format!("{first}-{last}") }
        };
        let mut parts: Vec<String> = self.kept.iter().map(one).collect();
        if self.more {
            parts.push("…".to_owned());
        }
        parts.join(", ")
    }
}

/// Section 4.
pub(super) fn guards(out: &mut String, subject: &Subject<'_>, deep: &Deep) {
    paragraph(out, &format!("{} 4. Guards", subject.mark));
    let series = subject.analysis.series(subject.symbol);
    // One walk over the run, which may be long.
    let mut spoke: [Ranges; Guard::ALL.len()] = std::array::from_fn(|_| Ranges::default());
    let mut freezes: VecDeque<usize> = VecDeque::new();
    let mut frozen = 0usize;
    for (position, iteration) in series.rows().iter().enumerate() {
        let guards = iteration.tuning.spoke();
        for (ranges, guard) in spoke.iter_mut().zip(Guard::ALL) {
            if guards.contains(guard) {
                ranges.push(iteration.number);
            }
        }
        if iteration.tuning.is_frozen() {
            frozen += 1;
            if freezes.len() == MOST {
                freezes.pop_front();
            }
            freezes.push_back(position);
        }
    }
    let window = format!("iterations in {}", subject.symbol.last.name);
    table(
        out,
        &[
            Column::Text("guard"),
            Column::Number("iterations in the whole run"),
            Column::Number(&window),
            Column::Text("which"),
        ],
    );
    for (ranges, guard) in spoke.iter().zip(Guard::ALL) {
        let (whole, last) = (deep.guards.of(guard).to_string(), subject.symbol.guards.of(guard).to_string());
        row(out, [guard.word(), &whole, &last, &ranges.told()]);
    }
    out.push('\n');
    if frozen == 0 {
        paragraph(out, "No freeze was seen.");
        return;
    }
    paragraph(out, &format!("Freeze in {} of {}.", frozen, count(series.len(), "iteration")));
    table(out, &[Column::Number("iteration with a freeze"), Column::Text("why it started")]);
    for position in &freezes {
        let iteration = &series.rows()[*position];
        let reason = iteration.tuning.freeze_reason.as_deref().map_or_else(String::new, prose);
        row(out, [iteration.number.to_string(), reason]);
    }
    out.push('\n');
    earlier(out, frozen - freezes.len());
}

/// How many were left out of a list that shows the last ones.
pub(super) fn earlier(out: &mut String, more: usize) {
    if more > 0 {
        paragraph(out, &format!("And {more} more before them."));
    }
}

/// Section 5.
pub(super) fn signatures(out: &mut String, subject: &Subject<'_>, deep: &Deep) {
    paragraph(out, &format!("{} 5. Signatures", subject.mark));
    let found = &deep.signatures;
    if found.unique_count == 0 {
        paragraph(out, "No iteration carries a signature.");
        return;
    }
    let mut shown: Vec<String> =
        found.unique.iter().take(MOST_SIGNATURES).map(|signature| beginning(signature, 12)).collect();
    if found.unique_count > shown.len() {
        shown.push(format!("and {} more", found.unique_count - shown.len()));
    }
    paragraph(out, &format!("{} different: {}", count(found.unique_count, "signature"), shown.join(", ")));
    paragraph(
        out,
        &format!(
            "{} A -> B -> A in the whole run, {} in {}.",
            count(found.loop_count, "loop"),
            subject.symbol.loops,
            subject.symbol.last.name
        ),
    );
    if found.loop_count == 0 {
        return;
    }
    table(out, &[Column::Text("iterations"), Column::Text("signatures")]);
    for found in found.loops.iter().take(MOST) {
        let iterations = found.iterations.map(|number| number.to_string());
        let signatures = found.signatures.each_ref().map(|signature| beginning(signature, 8));
        row(out, [iterations.join(", "), signatures.join(" -> ")]);
    }
    out.push('\n');
    let more = found.loop_count - found.loops.len().min(MOST);
    if more > 0 {
        paragraph(out, &format!("And {more} more."));
    }
}

/// Section 9.
pub(super) fn deltas(out: &mut String, subject: &Subject<'_>) {
    paragraph(out, &format!("{} 9. Delta verification", subject.mark));
    let Some(verified) = &subject.symbol.deltas else {
        paragraph(out, "Left out on request.");
        return;
    };
    match verified.status {
        Status::NoProposals => paragraph(out, "Nothing was proposed, so there is nothing to verify."),
        Status::Unverifiable => paragraph(
            out,
            "The files do not show the values before and after any proposal, so nothing can be verified.",
        ),
        Status::Verified => {}
    }
    let counts = &verified.counts;
    let numbers = [
        ("proposed", counts.proposed),
        ("applied in full", counts.full),
        ("applied in part, with a reason", counts.partial_explained),
        ("applied in part, without a reason", counts.partial_unexplained),
        ("skipped with a reason", counts.skipped),
        ("failed", counts.failed),
        ("stuck", counts.stuck),
        ("unverifiable", counts.unverifiable),
        ("iterations without a proposal", counts.none),
    ];
    table(out, &[Column::Text("proposals"), Column::Number("number")]);
    for (name, number) in numbers {
        row(out, [name, &number.to_string()]);
    }
    row(out, ["full apply ratio", &maybe(verified.full_apply_ratio, 3)]);
    row(out, ["strict apply ratio", &maybe(verified.strict_apply_ratio, 3)]);
    out.push('\n');
    misses(out, verified);
}

fn misses(out: &mut String, verified: &Verification) {
    if verified.misses.is_empty() {
        return;
    }
    paragraph(out, "Parameters whose increments did not arrive, by number of proposals:");
    let mut misses: Vec<_> = verified.misses.iter().collect();
    misses.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
    bounded(out, misses.iter().map(|(param, n)| format!("- {}: {n}", cell(param.as_str()))), MOST);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_ranges_of_numbers_are_told() {
        let told = |numbers: &[u64]| {
            let mut ranges = Ranges::default();
            for number in numbers {
                ranges.push(*number);
            }
            ranges.told()
        };
        assert_eq!(told(&[]), "");
        assert_eq!(told(&[1, 2, 3, 7]), "1-3, 7");
        assert_eq!(told(&[1, 3, 5, 7, 9, 11, 13, 15]), "1, 3, 5, 7, 9, 11, 13, 15");
        assert_eq!(told(&[1, 3, 5, 7, 9, 11, 13, 15, 17, 18, 19]), "1, 3, 5, 7, 9, 11, 13, 15, …");
        assert_eq!(told(&[1, 3, 5, 7, 9, 11, 13, 15, 16, 18]), "1, 3, 5, 7, 9, 11, 13, 15-16, …");
    }
}
