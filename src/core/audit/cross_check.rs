//! Snapshots found beside the iterations, held against what the iterations give.
//!
//! The iterations are the truth: a snapshot that says otherwise is a finding and never a source.

use crate::core::baseline::Baseline;
use crate::core::evidence::Finding;
use crate::core::number::exact;

/// Snapshots have three or four digits; half a unit in the third, and as much for another order of adding up.
const ROUNDING: f64 = 0.001;

/// A snapshot found in the folder, or why it cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundSnapshot {
    /// Its name, relative to the folder.
    pub file: String,
    /// What it says.
    pub says: Result<Baseline, String>,
}

/// One finding for each snapshot that says otherwise; `own` is what the iterations give in its schema version.
pub fn disagreements(found: &[FoundSnapshot], own: impl Fn(&str) -> Option<Baseline>) -> Vec<Finding> {
    found.iter().filter_map(|snapshot| disagreement(snapshot, &own)).collect()
}

fn disagreement(found: &FoundSnapshot, own: impl Fn(&str) -> Option<Baseline>) -> Option<Finding> {
    let finding = |kind, what: String| {
        Some(Finding {
            kind,
            symbol: None,
            iteration: None,
            file: Some(found.file.clone()),
            in_window: false,
            message: format!("`{}` {what}", found.file),
        })
    };
    let theirs = match &found.says {
        Ok(theirs) => theirs,
        Err(reason) => return finding("unusable_file", format!("is left out: {reason}")),
    };
    let ours = own(&theirs.schema_version)?;
    let mut differences = Vec::new();
    if let (Some(theirs), Some(ours)) = (&theirs.verdict, &ours.verdict)
        && theirs != ours
    {
        differences.push(format!("verdict {theirs}, not {ours}"));
    }
    for (kpi, ours) in &ours.means {
        let theirs = theirs.mean(*kpi);
        let is_same = match (theirs, *ours) {
            (Some(theirs), Some(ours)) => (theirs - ours).abs() <= ROUNDING + 1e-9,
            (None, None) => true,
            _ => false,
        };
        if !is_same {
            let number =
                |value: Option<f64>| value.map_or_else(|| "nothing".to_owned(), |value| exact(value, 3));
            let (theirs, ours) = (number(theirs), number(*ours));
            differences.push(format!("mean {} {theirs}, not {ours}", kpi.name));
        }
    }
    if differences.is_empty() {
        return None;
    }
    let told = differences.join("; ");
    finding("snapshot_disagrees", format!("says otherwise than the iterations, which count: {told}"))
}
