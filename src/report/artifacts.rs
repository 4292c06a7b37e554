//! Writes what was found: everything is rendered first, then committed in one go.

use std::path::Path;

use crate::core::analysis::Analysis;
use crate::core::analysis::document::AnalysisDocument;
use crate::core::analysis::origin::OriginBlock;
use crate::core::compare::snapshot::Snapshot;
use crate::core::compare::snapshot::v1_2::Snapshot12;
use crate::core::policy::Policy;
use crate::core::verdict::provenance::Provenance;
use crate::core::verdict::{Check, Part};
use crate::infra::artifacts;
use crate::infra::artifacts::{Artifact, Committed, Durability, WriteError};
use crate::report::deltas::DeltaReport;
use crate::report::svg::{Painter, PngError};
use crate::report::{analysis as reports_of, deltas, json, metrics, svg};

/// Folder of the deep reports, below the folder of the run.
pub const ANALYSIS: &str = "reports/analysis";

/// Which artifacts to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "any set of artifacts can be requested")]
pub struct Selection {
    /// `POST_SOAK_SNAPSHOT.json`, schema 1.1.
    pub snapshot: bool,
    /// `POST_SOAK_METRICS.prom`.
    pub metrics: Option<Metrics>,
    /// The reports of `analyze`.
    pub reports: bool,
    /// The reports of the delta verification.
    pub deltas: bool,
    /// Sparklines without block characters.
    pub ascii: bool,
    /// `report.html` with the reports; without it, one that soak wrote before goes.
    pub html: bool,
}

/// Which metrics to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metrics {
    /// Only the clean set.
    Clean,
    /// The clean set and the earlier names.
    WithLegacy,
}

/// What is to be committed.
#[derive(Debug, Default)]
pub struct Rendered {
    /// Files.
    pub artifacts: Vec<Artifact>,
    /// Files of an earlier run that would contradict them.
    pub stale: Vec<String>,
}

impl Rendered {
    fn add(&mut self, path: impl AsRef<str>, bytes: impl Into<Vec<u8>>) {
        self.artifacts.push(Artifact::new(path.as_ref(), bytes));
    }
}

/// Renders the artifacts; touches nothing.
pub fn render(analysis: &Analysis, policy: &Policy, provenance: &Provenance, wanted: &Selection) -> Rendered {
    let mut rendered = Rendered::default();
    if wanted.snapshot || wanted.metrics.is_some() {
        let snapshot = Snapshot::of(analysis, provenance);
        if wanted.snapshot {
            rendered.add("POST_SOAK_SNAPSHOT.json", json::compact_ascii(&snapshot));
        }
        if let Some(metrics) = wanted.metrics {
            let legacy = metrics == Metrics::WithLegacy;
            let text = metrics::metrics(analysis, &snapshot, provenance, legacy);
            rendered.add("POST_SOAK_METRICS.prom", text);
        }
    }
    if wanted.reports {
        // Drawing the page takes as long as all the others.
        let ((), page) = rayon::join(
            || reports(analysis, policy, provenance, wanted.ascii, &mut rendered),
            || wanted.html.then(|| reports_of::page(analysis, policy, provenance)),
        );
        let name = format!("{ANALYSIS}/report.html");
        match page {
            Some(page) => rendered.add(name, page),
            // It would still show the verdict of then.
            None => rendered.stale.push(name),
        }
    }
    if wanted.deltas
        && let Some(report) = delta_report(analysis, provenance)
    {
        let checks = delta_checks(analysis);
        let text = json::pretty(&report);
        rendered.add("DELTA_VERIFY_REPORT.md", deltas::markdown(&report, &checks));
        rendered.add("DELTA_VERIFY_REPORT.json", text.clone());
        rendered.add(format!("{ANALYSIS}/DELTA_VERIFY_REPORT.json"), text);
    }
    rendered
}

fn reports(
    analysis: &Analysis,
    policy: &Policy,
    provenance: &Provenance,
    ascii: bool,
    rendered: &mut Rendered,
) {
    let audit = reports_of::audit(analysis, policy, provenance, ascii);
    let recommendations = reports_of::recommendations(analysis, policy, provenance);
    let failures = reports_of::failures(analysis, policy, provenance);
    for folder in ["", "reports/analysis/"] {
        rendered.add(format!("{folder}POST_SOAK_AUDIT.md"), audit.clone());
        rendered.add(format!("{folder}RECOMMENDATIONS.md"), recommendations.clone());
        let name = format!("{folder}FAILURES.md");
        match &failures {
            Some(failures) => rendered.add(name, failures.clone()),
            None => rendered.stale.push(name),
        }
    }
    rendered.add(
        format!("{ANALYSIS}/POST_SOAK_SNAPSHOT.json"),
        json::pretty(&Snapshot12::of(analysis, provenance)),
    );
    rendered.add(
        format!("{ANALYSIS}/POST_SOAK_ANALYSIS.json"),
        json::pretty(&AnalysisDocument::of(analysis, provenance)),
    );
}

/// Adds the plots of the KPIs, as PNG and as SVG, in `plots` below a folder.
pub(crate) fn add_plots(
    rendered: &mut Rendered,
    folder: &str,
    analysis: &Analysis,
    policy: &Policy,
) -> Result<(), PngError> {
    let painter = Painter::default();
    let plots = if folder.is_empty() { "plots".to_owned() } else { format!("{folder}/plots") };
    for (name, svg) in svg::plots(analysis, policy) {
        rendered.add(format!("{plots}/{name}.png"), painter.paint(&svg)?);
        rendered.add(format!("{plots}/{name}.svg"), svg);
    }
    Ok(())
}

/// The checks of the delta verification.
pub fn delta_checks(analysis: &Analysis) -> Vec<Check> {
    analysis.checks().filter(|check| check.part == Part::Deltas).cloned().collect()
}

/// The report of the delta verification; `None` when it was left out.
pub fn delta_report(analysis: &Analysis, provenance: &Provenance) -> Option<DeltaReport> {
    let reports = analysis
        .symbols
        .iter()
        .filter_map(|symbol| Some(DeltaReport::new(symbol.symbol.as_deref(), symbol.deltas.as_ref()?)))
        .collect();
    let mut report = DeltaReport::whole(reports)?;
    report.outcome = Some(analysis.outcome.word().to_owned());
    report.outcome_reason = Some(analysis.reason());
    report.origin = OriginBlock::of_no_release(&analysis.origin);
    report.excluded_symbols.clone_from(&analysis.evidence.excluded);
    report.overridden.clone_from(&provenance.overridden);
    report.rehearsal = provenance.rehearsal;
    Some(report)
}

/// Commits what was rendered.
pub fn commit(base: &Path, rendered: Rendered) -> Result<Committed, WriteError> {
    let Rendered { artifacts, stale } = rendered;
    let stale: Vec<&str> = stale.iter().map(String::as_str).collect();
    artifacts::commit(base, artifacts, &stale, Durability::Synced)
}
