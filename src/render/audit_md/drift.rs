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
