//! A verdict as CI systems are told of it, whichever command judged. [`super::junit`] and [`super::github`] put it into
//! their forms. Must not judge.

use crate::core::analysis::Analysis;
use crate::core::verdict::{Check, Outcome, reasons};
use crate::wire::provenance::{Override, Provenance};

/// A verdict, and what it rests on.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// Who judged: `soak gate`.
    pub name: &'static str,
    /// The true verdict.
    pub outcome: Outcome,
    /// The main reason.
    pub reason: String,
    /// What is to be done at once; `None` = nothing that cannot wait for a reader.
    pub order: Option<String>,
    /// No statement about a release.
    pub rehearsal: bool,
    /// Who overrode the verdict.
    pub overridden: Option<&'a Override>,
    /// What else a reader must know to redo it: name and value.
    pub facts: Vec<(&'static str, String)>,
    /// Every check.
    pub checks: Vec<&'a Check>,
    /// What a person should look at beside the checks: title and sentence.
    pub notes: Vec<(String, &'a str)>,
}

impl<'a> Told<'a> {
    /// The verdict of the gate.
    pub fn gate(analysis: &'a Analysis, provenance: &'a Provenance) -> Self {
        let in_window = analysis.findings.iter().filter(|finding| finding.in_window);
        Self {
            name: "soak gate",
            outcome: analysis.outcome,
            reason: analysis.reason(),
            order: None,
            rehearsal: provenance.rehearsal,
            overridden: provenance.overridden.as_ref(),
            facts: vec![
                ("limits", analysis.limits().to_owned()),
                ("policy_sha256", provenance.policy_sha256.clone()),
                ("tool_version", provenance.tool_version.clone()),
            ],
            checks: analysis.checks().collect(),
            notes: in_window
                .map(|finding| (format!("soak finding: {}", finding.kind), finding.message.as_str()))
                .collect(),
        }
    }

    /// The checks that make the verdict what it is, worst first.
    pub fn reasons(&self) -> Vec<&'a Check> {
        reasons(self.checks.iter().copied())
    }
}
