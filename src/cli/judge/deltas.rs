//! Arguments of `soak deltas`.

use crate::cli::arguments::globals::GlobalArgs;
use crate::cli::arguments::judging::{PathArgs, PolicyArgs};
use crate::cli::arguments::values::{Format, share};
use crate::cli::judge::folder::{
    NO_ITERATIONS_HINT, cannot_judge, cannot_write, collect_provenance, load_policy, needs_tuning,
};
use crate::cli::judge::post_soak::base;
use crate::cli::output::stdout::print;
use crate::core::analysis::deltas::Status;
use crate::core::analysis::folder::Request;
use crate::core::analysis::{Analysis, Options, folder as judge};
use crate::core::policy::{Origin, Patch};
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::core::verdict::{Check, Outcome, Part};
use crate::report::artifacts::Selection;
use crate::report::{artifacts as write, deltas, json};
use anyhow::anyhow;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `soak deltas …`
#[derive(Debug, Subcommand)]
pub enum DeltasCommand {
    /// Verify that the tuning's proposals reached the overrides
    ///
    /// What the tuner proposed in one iteration is compared with the overrides of the next, pair by pair.
    /// Writes DELTA_VERIFY_REPORT.md and DELTA_VERIFY_REPORT.json. The exit code is 1 if the share of
    /// proposals that were applied, or skipped with a reason, falls short of the limit. Where nothing was
    /// proposed there is nothing to verify, and it is 0; where the files cannot show what became of any
    /// proposal the answer is INCONCLUSIVE, which is no pass.
    Verify(DeltasVerifyArgs),
}

/// `soak deltas verify`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak deltas verify artifacts/soak/latest
  soak deltas verify --strict --format json")]
pub struct DeltasVerifyArgs {
    /// The run.
    #[command(flatten)]
    pub path: PathArgs,
    /// The limits.
    #[command(flatten)]
    pub policy: PolicyArgs,

    /// Apply the strict limit (deltas.full_apply_ratio_strict of the policy; built in: 0.95)
    #[arg(long)]
    pub strict: bool,

    /// Smallest share that is enough, above 0 [default: deltas.full_apply_ratio of the policy; built
    /// in: 0.90, with --strict 0.95]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub threshold: Option<f64>,

    /// Folder for the reports [default: the folder of the run; the JSON also in reports/analysis in it]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Verifies, writes the two reports, prints the result.
pub(crate) fn verify(args: &DeltasVerifyArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let DeltasVerifyArgs { path, policy, strict, threshold, out, format } = args;
    let policy = load_policy(policy, &patches(*threshold, *strict))?;
    needs_tuning(&policy, "`soak deltas verify`")?;
    let provenance = collect_provenance(&policy, None)?;
    let options = Options { strict: *strict, ..Options::default() };
    let path = path.folder();
    let request = Request::new(&path, &policy, options);
    let judged = judge::judge(&request).map_err(cannot_judge)?;
    let analysis = &judged.analysis;
    if analysis.evidence.is_empty() {
        return Err(Failure::input(anyhow!(
            "there is no usable iteration in `{}`",
            judged.folder.path().display()
        ))
        .hint(NO_ITERATIONS_HINT));
    }
    let checks: Vec<Check> = analysis.checks().filter(|check| check.part == Part::Deltas).cloned().collect();
    let report = write::delta_report(analysis, &provenance)
        .ok_or_else(|| Failure::failed(anyhow!("the deltas were not verified")))?;
    let wanted = Selection { deltas: true, ..Selection::default() };
    let rendered = write::render(analysis, &policy, &provenance, &wanted);
    let written = base(globals, out.as_deref(), &judged, &[])?.map(|base| write::commit(&base, rendered));
    match format {
        Format::Text => print(deltas::text(&report, &checks))?,
        Format::Json => print(json::pretty(&report))?,
    }
    written.transpose().map_err(cannot_write)?;
    Ok(exit(analysis, &checks))
}

fn patches(threshold: Option<f64>, strict: bool) -> Vec<Patch> {
    let Some(threshold) = threshold else { return Vec::new() };
    // Under `--strict` the strict limit is the one in force; the other may not lie above it.
    let keys: &[&str] = if strict {
        &["deltas.full_apply_ratio_strict", "deltas.full_apply_ratio"]
    } else {
        &["deltas.full_apply_ratio", "deltas.full_apply_ratio_strict"]
    };
    keys.iter()
        .map(|key| Patch {
            key: (*key).to_owned(),
            value: format!("{threshold:?}"),
            origin: Origin::Flag("--threshold".to_owned()),
        })
        .collect()
}

/// Nothing proposed is nothing to verify. Proposals of which none can be verified are no answer at all, and
/// that is not a pass.
fn exit(analysis: &Analysis, checks: &[Check]) -> Exit {
    let unverifiable = analysis
        .symbols
        .iter()
        .filter_map(|symbol| symbol.deltas.as_ref())
        .any(|verified| verified.status == Status::Unverifiable);
    let worst = checks
        .iter()
        .map(|check| check.outcome)
        .filter(|outcome| *outcome != Outcome::NotApplicable)
        .max()
        .unwrap_or(Outcome::Pass);
    let worst = if unverifiable { worst.max(Outcome::Inconclusive) } else { worst };
    Exit::of_verdict(worst, false)
}
