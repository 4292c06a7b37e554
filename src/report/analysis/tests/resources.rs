//! Drift of resources in the audit.

use super::audit;
use crate::core::iteration::Iteration;
use crate::core::trend::resources::{Resource, ResourceValues};
use crate::core::verdict::{Outcome, Part};
use crate::report::fixture::{analysed, assert_well_formed, folder, passing, provenance};

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
