//! A verdict as CI systems are told of it, whichever command judged. [`super::junit`] and [`super::github`] put it into
//! their forms. Must not judge.

use super::terminal::decision;
use crate::core::analysis::{Analysis, cause_among};
use crate::core::audit::Audit;
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
    /// Why the data is not valid for a release; `None` where a real source is recorded.
    pub origin: Option<String>,
    /// What to do about an error, in place of the explanation of its check.
    pub hint: Option<&'a str>,
    /// Who overrode the verdict.
    pub overridden: Option<&'a Override>,
    /// What else a reader must know to redo it: name and value.
    pub facts: Vec<(&'static str, String)>,
    /// The last time in the data, as written; `None` = unknown.
    pub time: Option<String>,
    /// Every check.
    pub checks: Vec<&'a Check>,
    /// What a person should look at beside the checks: title and sentence.
    pub notes: Vec<(String, &'a str)>,
    /// Why the command fails although the verdict does not, and what to do about it; one of `checks`.
    pub failing: Option<(&'a Check, String)>,
}

impl<'a> Told<'a> {
    /// The verdict of the gate.
    pub fn gate(analysis: &'a Analysis, provenance: &'a Provenance) -> Self {
        // Where nothing could be judged, what each check lacks is one error and not thirty.
        let nothing = analysis.evidence.is_empty().then(|| analysis.reasons().first().copied()).flatten();
        let in_window = analysis.findings.iter().filter(|finding| finding.in_window && nothing.is_none());
        Self {
            name: "soak gate",
            outcome: analysis.outcome,
            reason: analysis.reason(),
            order: None,
            rehearsal: provenance.rehearsal,
            origin: analysis.origin.note(),
            hint: None,
            overridden: provenance.overridden.as_ref(),
            facts: vec![
                ("source", analysis.source().unwrap_or_else(|| "not recorded".to_owned())),
                ("simulated", analysis.origin.simulated.to_string()),
                ("checks", analysis.headline()),
                ("limits", analysis.limits().to_owned()),
                ("policy_sha256", provenance.policy_sha256.clone()),
                ("tool_version", provenance.tool_version.clone()),
            ],
            time: analysis.last_time().map(str::to_owned),
            checks: nothing.map_or_else(|| analysis.checks().collect(), |check| vec![check]),
            notes: in_window
                .map(|finding| (format!("soak finding: {}", finding.kind), finding.message.as_str()))
                .collect(),
            failing: None,
        }
    }

    /// The same under the name of another command.
    #[must_use]
    pub fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// The answer of the readiness audit.
    pub fn audit(audit: &'a Audit<'_>, provenance: &'a Provenance) -> Self {
        let readiness = &audit.readiness;
        let worst = audit.symbol().symbol.as_ref();
        let gate = Self::gate(audit.analysis, provenance);
        let checks = if audit.analysis.evidence.is_empty() {
            gate.checks.clone()
        } else {
            readiness.checks.iter().collect()
        };
        Self {
            name: "soak audit",
            outcome: readiness.outcome,
            reason: cause_among(&readiness.checks, readiness.outcome, worst)
                .unwrap_or_else(|| "every readiness limit is met".to_owned()),
            checks,
            ..gate
        }
    }

    /// An error before there was a verdict; `check` is its only case.
    pub fn error(name: &'static str, check: &'a Check, hint: Option<&'a str>) -> Self {
        Self {
            name,
            outcome: check.outcome,
            reason: check.reason.clone(),
            order: None,
            rehearsal: false,
            origin: None,
            hint: Some(hint.unwrap_or("nothing was judged")),
            overridden: None,
            facts: vec![("tool_version", env!("CARGO_PKG_VERSION").to_owned())],
            time: None,
            checks: vec![check],
            notes: Vec::new(),
            failing: None,
        }
    }

    /// The same, where `check` fails the command and `explanation` says more about it.
    #[must_use]
    pub fn failing(mut self, check: &'a Check, explanation: String) -> Self {
        self.checks.push(check);
        self.failing = Some((check, explanation));
        self
    }

    /// Whether there is nothing but one error.
    pub fn is_error(&self) -> bool {
        matches!(self.checks.as_slice(), [check] if check.outcome == Outcome::Invalid)
    }

    /// How a check was decided, for those who want to redo it.
    pub fn explanation(&self, check: &Check) -> String {
        if let Some((failing, explanation)) = &self.failing
            && std::ptr::eq(*failing, check)
        {
            return explanation.clone();
        }
        self.hint.map_or_else(|| decision(check), str::to_owned)
    }

    /// The checks that make the verdict what it is, worst first.
    pub fn reasons(&self) -> Vec<&'a Check> {
        reasons(self.checks.iter().copied())
    }
}
