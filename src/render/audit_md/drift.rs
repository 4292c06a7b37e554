//! Behind section 7: resources that grow while the run goes on.

use super::Subject;
use crate::core::analysis::Deep;
use crate::core::drift::DriftWord;
use crate::core::number::{exact, fixed, trimmed};
use crate::render::report_md::{Column, paragraph, row, table};

/// The drift of every resource.
pub(super) fn section(out: &mut String, subject: &Subject<'_>, deep: &Deep) {
    paragraph(out, &format!("{}# Drift of resources", subject.mark));
    if deep.drift.iter().all(|drift| drift.word == DriftWord::NoData) {
        paragraph(out, "No data: no iteration tells what the process used.");
        return;
    }
    table(
        out,
        &[
            Column::Text("resource"),
            Column::Number("first"),
            Column::Number("last"),
            Column::Number("samples"),
            Column::Number("hours"),
            Column::Text("slope and 95 % band"),
            Column::Text("flat below"),
        ],
    );
    for drift in &deep.drift {
        let value =
            |value: Option<f64>| value.map_or_else(String::new, |value| trimmed(&fixed(value, 1)).to_owned());
        row(
            out,
            [
                format!("`{}`", drift.resource.word()),
                value(drift.first),
                value(drift.last),
                drift.n.to_string(),
                fixed(drift.hours, 1),
                // Brackets could be a link.
                drift.told().replace('[', "\\[").replace(']', "\\]"),
                format!("{} {}", trimmed(&exact(drift.floor.value, 1)), drift.resource.per_hour()),
            ],
        );
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use crate::core::drift::{Resource, ResourceValues};
    use crate::core::iteration::Iteration;
    use crate::core::verdict::{Outcome, Part};
    use crate::render::audit_md::audit;
    use crate::render::report_fixture::{analysed, assert_well_formed, folder, passing, provenance};

    /// A passing run of an iteration a minute whose memory grows by `step` MB each time; the third tells nothing.
    fn run(step: f64) -> Vec<Iteration> {
        let mut run = passing(24);
        for iteration in &mut run {
            let mut values = ResourceValues::default();
            values.set(Resource::RssMb, Some(500.0 + step * iteration.number as f64));
            iteration.resources = (iteration.number != 3).then(|| Box::new(values));
        }
        run
    }

    #[test]
    fn growth_is_told_per_hour_and_changes_no_verdict() {
        let (analysis, policy) = analysed(folder(run(0.5)));
        let text = audit(&analysis, &policy, &provenance(), true);
        assert_well_formed(&text);
        // Half a MB a minute is 30 an hour; from minute 1 to minute 24 are 23/60 h.
        let row = "| `rss_mb` | 500.5 | 512 | 23 | 0.4 | +30.0 MB/h \\[30.0, 30.0\\]: grows | 1 MB/h |\n";
        assert!(text.contains(row), "{text}");
        assert!(text.contains("| `threads` | - | - | 0 | 0.0 | no data | 0.5 /h |\n"), "{text}");
        let checks: Vec<_> = analysis.checks().filter(|check| check.part == Part::Drift).collect();
        assert_eq!(checks.len(), 1);
        assert_eq!((checks[0].outcome, checks[0].joins), (Outcome::Warn, false));
        assert_eq!(analysis.outcome, Outcome::Pass);
    }

    #[test]
    fn a_run_without_resources_says_so_and_has_no_check() {
        let (analysis, policy) = analysed(folder(passing(24)));
        let text = audit(&analysis, &policy, &provenance(), true);
        assert!(
            text.contains("## Drift of resources\n\nNo data: no iteration tells what the process used.\n"),
            "{text}"
        );
        assert!(analysis.checks().all(|check| check.part != Part::Drift));
    }
}
