//! Puts faults into a private copy of a run, judges each, and tells which gate notices which: what `selftest --format
//! json` prints. The other formats show the same value.

use std::path::Path;

use anyhow::anyhow;
use schemars::JsonSchema;
use serde::Serialize;

use super::faults::{Subject, faults};
use super::scratch::Scratch;
use super::{Edit, Fault, Notice, Passes, Reaction, reactions, tamper};
use crate::core::analysis::folder as judge;
use crate::core::analysis::folder::Request;
use crate::core::analysis::{Analysis, Options, limits_word, pass_limits};
use crate::core::policy::{Policy, WindowSpec};
use crate::core::series::window::Window;
use crate::core::verdict::Outcome;
use crate::core::verdict::failure::Failure;
use crate::core::verdict::provenance::Provenance;
use crate::infra::clock::StopRequest;

/// A fault, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
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
    pub notice: Option<Notice>,
    /// The checks that got worse: those that join the verdict first, then the worst.
    pub reactions: Vec<Reaction>,
}

/// The whole.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SelftestResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: &'static str,
    /// Version of the program.
    pub tool_version: String,
    /// SHA-256 of the policy values in force.
    pub policy_sha256: String,
    /// The `soak.toml` that was found; left out without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_file: Option<String>,
    /// `production` or `mock`: which limits are applied.
    #[schemars(extend("enum" = ["production", "mock"]))]
    pub limits: &'static str,
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
    /// `level shift of net_bps`.
    pub fn name(&self) -> String {
        match &self.kpi {
            Some(kpi) => format!("{} of {kpi}", self.fault),
            None => self.fault.clone(),
        }
    }
}

impl SelftestResult {
    /// Tests the gates with the run in `path`. `exit_code` is that of `gate` on a verdict; 0 lets the run pass. When a
    /// signal asks to stop, the copy is removed, too.
    pub fn of(
        path: &Path,
        policy: &Policy,
        options: &Options,
        exit_code: &dyn Fn(Outcome) -> u8,
        stop: &StopRequest,
        provenance: &Provenance,
    ) -> Result<Self, Failure> {
        let original = judge::judge(&Request::new(path, policy, options.clone()))?;
        let (folder, before) = (original.folder, original.analysis);
        if before.evidence.is_empty() {
            let reason =
                anyhow!("there is no iteration in `{}` to put a fault into", folder.path().display());
            return Err(Failure::input(reason)
                .hint("a selftest needs a run that passes: a folder with ITER_SUMMARY_<n>.json files"));
        }
        let copy = Scratch::copy(&folder, stop)?;
        let mut notes = Vec::new();
        let symbol = before.worst().symbol.clone();
        if before.symbols.len() > 1 {
            let name = symbol.as_deref().unwrap_or("without a name");
            notes.push(format!("faults are put into symbol {name} alone, the one that decides"));
        }
        let code = |analysis: &Analysis| exit_code(analysis.outcome);
        let passes_before = code(&before) == 0;
        if !passes_before {
            notes.push(format!(
                "the run itself does not pass ({}: {}): a gate that fails already counts as catching a fault only where it \
                 gets worse by it, and one that cannot judge the run only where it fails by it",
                before.outcome,
                before.reason()
            ));
        }
        let mut rows = vec![SelftestRow {
            fault: "unchanged".to_owned(),
            kpi: None,
            what: "the run as it is".to_owned(),
            must_be_caught: false,
            verdict: before.outcome,
            reason: before.reason(),
            exit_code: code(&before),
            notice: None,
            reactions: Vec::new(),
        }];
        let faults = choose(&before, policy, options.mock);
        for (done, fault) in faults.iter().enumerate() {
            if stop.is_requested() {
                return Err(Failure::interrupted(anyhow!(
                    "interrupted after {done} of {} faults; the copy of the run is removed",
                    faults.len()
                )));
            }
            let after = match with_fault(&copy, fault, symbol.as_deref(), policy, options)? {
                Ok(after) => after,
                Err(reason) => {
                    notes.push(format!("{} was left out: {reason}", fault.kind));
                    continue;
                }
            };
            let reactions = reactions(&before, &after);
            let passes = Passes { before: passes_before, after: code(&after) == 0 };
            rows.push(SelftestRow {
                fault: fault.kind.to_string(),
                kpi: fault.kpi.map(|kpi| kpi.name.to_owned()),
                what: fault.what.clone(),
                must_be_caught: fault.must,
                verdict: after.outcome,
                reason: after.reason(),
                exit_code: code(&after),
                notice: Some(Notice::of(&reactions, passes, fault.must)),
                reactions,
            });
        }
        let names = |wanted: &dyn Fn(&SelftestRow, Option<Notice>) -> bool| -> Vec<String> {
            rows.iter().filter(|row| wanted(row, row.notice)).map(SelftestRow::name).collect()
        };
        let hidden = names(&|_, notice| notice == Some(Notice::Hidden));
        let not_caught = names(&|row, notice| {
            row.must_be_caught && !matches!(notice, Some(Notice::Caught | Notice::Hidden))
        });
        Ok(Self {
            schema_version: "1.0",
            tool_version: provenance.tool_version.clone(),
            policy_sha256: provenance.policy_sha256.clone(),
            policy_file: provenance.policy_file.clone(),
            limits: limits_word(options.mock),
            path: folder.path().to_string_lossy().into_owned(),
            symbol,
            missed: names(&|_, notice| notice == Some(Notice::Missed)),
            exit_code: u8::from(!not_caught.is_empty() || !hidden.is_empty()),
            not_caught,
            hidden,
            rows,
            notes,
        })
    }
}

fn choose(before: &Analysis, policy: &Policy, mock: bool) -> Vec<Fault> {
    let symbol = before.worst();
    let series = before.series(symbol);
    let numbers = before.evidence.numbers(series);
    let window = |spec| Window::find(series, spec, &policy.windows, &numbers);
    faults(&Subject {
        series,
        judged: &window(policy.run_verdict.window),
        steady: &window(WindowSpec::Steady),
        limits: pass_limits(policy, mock),
        of_verdict: policy.kpis.of_verdict(),
    })
}

/// Judges the copy with the fault, and takes the fault out again. The inner error says why the fault cannot be
/// put in.
fn with_fault(
    copy: &Scratch,
    fault: &Fault,
    symbol: Option<&str>,
    policy: &Policy,
    options: &Options,
) -> Result<Result<Analysis, String>, Failure> {
    let mut originals: Vec<(String, Vec<u8>)> = Vec::new();
    let mut problem = None;
    'edits: for (number, edit) in &fault.edits {
        for name in copy.files_of(*number, symbol) {
            let bytes = copy.read(&name)?;
            let changed = match edit {
                Edit::CopyOf(other) => match copy.files_of(*other, symbol).first() {
                    Some(other) => tamper::copy(&copy.read(other)?, &bytes),
                    None => Err(format!("there is no file of iteration {other}")),
                },
                edit => tamper::apply(&bytes, symbol, std::slice::from_ref(edit)),
            };
            match changed {
                Ok(changed) => {
                    copy.write(&name, &changed)?;
                    originals.push((name, bytes));
                }
                Err(reason) => {
                    problem = Some(format!("`{name}` cannot be changed: {reason}"));
                    break 'edits;
                }
            }
        }
    }
    let after = match problem {
        None => Ok(judge::judge(&Request::new(copy.folder(), policy, options.clone()))?.analysis),
        Some(reason) => Err(reason),
    };
    for (name, bytes) in originals.iter().rev() {
        copy.write(name, bytes)?;
    }
    Ok(after)
}
