//! What `selftest --format json` prints: which fault is noticed by which gate. The other formats show the same
//! value.
//!
//! Must not judge; the analysis did.

use serde::Serialize;

use super::provenance::Provenance;
use crate::core::analysis::limits_word;
use crate::core::selftest::{Fault, Notice, Reaction};
use crate::core::verdict::Outcome;

/// A check that reacts to a fault.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SelftestReaction {
    /// Name of the gate.
    pub gate: String,
    /// What it says of the run itself; null where it has no such check.
    pub before: Option<Outcome>,
    /// What it says with the fault.
    pub after: Outcome,
    /// Why.
    pub reason: String,
    /// Whether it takes part in the verdict; the others are advisory.
    pub joins: bool,
}

/// A fault, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SelftestRow {
    /// `unchanged` for the run itself, else the kind of fault.
    pub fault: String,
    /// Canonical name of the KPI; null for faults of files and for the run itself.
    pub kpi: Option<String>,
    /// What was done.
    pub what: String,
    /// Whether a policy that lets it through is no gate.
    pub must_be_caught: bool,
    /// The verdict that `gate` gives.
    pub verdict: Outcome,
    /// The main reason of the verdict.
    pub reason: String,
    /// The exit code of `gate`.
    pub exit_code: u8,
    /// `caught`: a gate got worse and stops the run; `warned`: it got worse and lets the run pass; `hidden`: it must
    /// be caught, and the run itself does not pass, so that nobody can see whether it would be; `advised`: only checks
    /// that do not join the verdict got worse; `missed`: nothing did; null for the run itself.
    #[schemars(extend("enum" = ["caught", "warned", "hidden", "advised", "missed", null]))]
    pub notice: Option<String>,
    /// The checks that got worse: those that join the verdict first, then the worst.
    pub reactions: Vec<SelftestReaction>,
}

/// The whole.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SelftestResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// Version of the program.
    pub tool_version: String,
    /// SHA-256 of the policy values in force.
    pub policy_sha256: String,
    /// `production` or `mock`: which limits are applied.
    #[schemars(extend("enum" = ["production", "mock"]))]
    pub limits: String,
    /// The folder of the run, which was only read.
    pub path: String,
    /// The symbol that faults were put into; null for runs that are not per symbol.
    pub symbol: Option<String>,
    /// The run itself, then a row a fault.
    pub rows: Vec<SelftestRow>,
    /// What must be caught and gets through.
    pub not_caught: Vec<String>,
    /// What must be caught, and of which a run that does not pass by itself cannot show it.
    pub hidden: Vec<String>,
    /// What no check says anything about.
    pub missed: Vec<String>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// How the command ends, without `--detailed-exitcode`.
    pub exit_code: u8,
}

impl SelftestRow {
    /// The row of a fault, as yet without verdict.
    pub fn of(fault: &Fault, notice: Notice, reactions: Vec<Reaction>) -> Self {
        let told = |reaction: Reaction| {
            let Reaction { gate, before, after, reason, joins } = reaction;
            SelftestReaction { gate, before, after, reason, joins }
        };
        Self {
            fault: fault.kind.words().to_owned(),
            kpi: fault.kpi.map(|kpi| kpi.name.to_owned()),
            what: fault.what.clone(),
            must_be_caught: fault.must,
            notice: Some(notice.word().to_owned()),
            reactions: reactions.into_iter().map(told).collect(),
            ..Self::unchanged()
        }
    }

    /// The row of the run itself, as yet without verdict.
    pub fn unchanged() -> Self {
        Self {
            fault: "unchanged".to_owned(),
            kpi: None,
            what: "the run as it is".to_owned(),
            must_be_caught: false,
            verdict: Outcome::NotApplicable,
            reason: String::new(),
            exit_code: 0,
            notice: None,
            reactions: Vec::new(),
        }
    }

    /// `level shift of net_bps`.
    pub fn name(&self) -> String {
        match &self.kpi {
            Some(kpi) => format!("{} of {kpi}", self.fault),
            None => self.fault.clone(),
        }
    }

    fn is(&self, notice: Notice) -> bool {
        self.notice.as_deref() == Some(notice.word())
    }
}

impl SelftestResult {
    /// From the rows, that of the run itself first.
    pub fn of(
        path: String,
        symbol: Option<String>,
        rows: Vec<SelftestRow>,
        mock: bool,
        notes: Vec<String>,
        provenance: &Provenance,
    ) -> Self {
        let names = |wanted: &dyn Fn(&SelftestRow) -> bool| -> Vec<String> {
            rows.iter().filter(|row| wanted(row)).map(SelftestRow::name).collect()
        };
        let hidden = names(&|row| row.is(Notice::Hidden));
        let gets_through = |row: &SelftestRow| !row.is(Notice::Caught) && !row.is(Notice::Hidden);
        let not_caught = names(&|row| row.must_be_caught && gets_through(row));
        Self {
            schema_version: "1.0".to_owned(),
            tool_version: provenance.tool_version.clone(),
            policy_sha256: provenance.policy_sha256.clone(),
            limits: limits_word(mock).to_owned(),
            path,
            symbol,
            missed: names(&|row| row.is(Notice::Missed)),
            exit_code: u8::from(!not_caught.is_empty() || !hidden.is_empty()),
            not_caught,
            hidden,
            rows,
            notes,
        }
    }
}
