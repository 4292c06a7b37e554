//! Arguments of `soak artifacts`.

use crate::cli::arguments::environment;
use crate::cli::arguments::judging::{PathArgs, PolicyArgs};
use crate::cli::arguments::values::{Format, Limit, count, days_or_none, mebibytes_or_none};
use crate::cli::judge::folder::load_policy;
use crate::cli::output::stdout::print;
use crate::core::policy::RotationRules;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::infra::clock;
use crate::infra::environment::Environment;
use crate::ops::rotation;
use crate::ops::rotation::Rotated;
use crate::report::json;
use anyhow::anyhow;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// `soak artifacts …`
#[derive(Debug, Subcommand)]
pub enum ArtifactsCommand {
    /// Remove what old runs left: iterations with low numbers, former runs, the oldest first
    ///
    /// Of each run the iterations with the highest numbers stay, and its manifest records which went. Runs in
    /// history and isolated runs (RUN_*) go as a whole when they are too old; their snapshot is kept as an archive
    /// in snapshots. Loose files in snapshots become .json.tar.gz; an archive is read back before its original
    /// goes. If that leaves more than --max-size-mb, former runs and archives go, oldest first, until it fits.
    /// Nothing is touched in a run that is at work, nor behind a symbolic link; a run with files that soak did not
    /// write never goes as a whole. What is left alone is listed, and the exit code is then 1, as it is when the
    /// size is still above the limit. Each rotation leaves a line in rotation/ROTATION_LOG.jsonl.
    Rotate(RotateArgs),
    /// Show what lies below a folder of runs, and what a rotation would free
    Usage(UsageArgs),
}

/// The folder of runs and the limits.
#[derive(Debug, Args)]
#[command(
    mut_arg("run_folder", |arg| {
        arg.help(
            "Folder with latest, history, RUN_* and snapshots; or one run [default: $SOAK_OUT_DIR, else artifacts/soak]",
        )
        .long_help(None::<&str>)
    }),
    mut_arg("path", |arg| arg.alias(None))
)]
pub struct RotationArgs {
    /// The folder.
    #[command(flatten)]
    pub path: PathArgs,

    /// The limits.
    #[command(flatten)]
    pub policy: PolicyArgs,

    /// Keep the N iterations with the highest numbers of each run and symbol [default: rotation.keep_iterations of
    /// the policy; built in: 100]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub keep: Option<usize>,

    /// Former runs and loose snapshots older than this go; `none` for no age [default: rotation.max_age_days of the
    /// policy; built in: 7]
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true, value_parser = days_or_none)]
    pub max_age_days: Option<Limit>,

    /// MiB that everything together may take; `none` for no limit [default: rotation.max_size_mb of the policy;
    /// built in: 500]
    #[arg(long, value_name = "MIB", allow_negative_numbers = true, value_parser = mebibytes_or_none)]
    pub max_size_mb: Option<Limit>,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

impl RotationArgs {
    /// The folder asked for.
    pub fn folder(&self) -> PathBuf {
        let default = || environment::variable("SOAK_OUT_DIR").map_or("artifacts/soak".into(), PathBuf::from);
        self.path.named().map_or_else(default, Path::to_owned)
    }
}

/// `soak artifacts rotate`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak artifacts rotate --dry-run
  soak artifacts rotate /mnt/soak
  soak artifacts rotate --keep 100 --max-age-days 7 --max-size-mb 500")]
pub struct RotateArgs {
    /// Folder and limits.
    #[command(flatten)]
    pub rotation: RotationArgs,

    /// Print what would go, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `soak artifacts usage`
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  soak artifacts usage artifacts/soak")]
pub struct UsageArgs {
    /// Folder and limits.
    #[command(flatten)]
    pub rotation: RotationArgs,
}

/// Bytes of a MiB.
const MIB: u64 = 1 << 20;

/// Rotates, or shows what there is.
pub(crate) fn run(command: &ArtifactsCommand) -> Result<Exit, Failure> {
    match command {
        ArtifactsCommand::Rotate(args) => rotate(args),
        ArtifactsCommand::Usage(args) => usage(args),
    }
}

fn rotate(args: &RotateArgs) -> Result<Exit, Failure> {
    let RotateArgs { rotation, dry_run } = args;
    let (rules, log_bytes) = rules(rotation)?;
    let folder = rotation.folder();
    let now = now()?;
    let Rotated { result, unlogged } = rotation::rotate(&folder, &rules, log_bytes, now, *dry_run)?;
    print(match rotation.format {
        Format::Text => rotation::rotation_text(&result),
        Format::Json => json::pretty(&result),
    })?;
    if let Some(error) = unlogged {
        return Err(
            Failure::output(error).hint("the files listed above were removed; only the log entry is missing")
        );
    }
    if !result.plan.fits {
        let hint = "a lower `--keep` leaves fewer iterations, a higher `--max-size-mb` allows more";
        return Err(Failure::failed(anyhow!("the remaining size exceeds the limit")).hint(hint));
    }
    if let [first, others @ ..] = result.plan.left.as_slice() {
        let more = if others.is_empty() { String::new() } else { format!(", and {} more", others.len()) };
        return Err(Failure::failed(anyhow!("left alone: {}: {}{more}", first.path, first.reason)));
    }
    Ok(Exit::Success)
}

fn usage(args: &UsageArgs) -> Result<Exit, Failure> {
    let UsageArgs { rotation } = args;
    let (rules, _) = rules(rotation)?;
    let result = rotation::usage(&rotation.folder(), &rules, now()?)?;
    print(match rotation.format {
        Format::Text => rotation::usage_text(&result),
        Format::Json => json::pretty(&result),
    })?;
    Ok(Exit::Success)
}

/// The limits: those of the policy, flags over them; and how long the log of rotations may get, in bytes.
fn rules(args: &RotationArgs) -> Result<(RotationRules, u64), Failure> {
    let policy = load_policy(&args.policy, &[])?;
    let of = |flag: Option<Limit>, unit: u64, default: Option<u64>| match flag {
        Some(Limit::None) => None,
        Some(Limit::At(limit)) => Some(limit.saturating_mul(unit)),
        None => default,
    };
    let rules = RotationRules {
        keep: args.keep.unwrap_or(policy.rotation.keep),
        max_age_days: of(args.max_age_days, 1, policy.rotation.max_age_days),
        max_bytes: of(args.max_size_mb, MIB, policy.rotation.max_bytes),
    };
    Ok((rules, policy.rotation_log_bytes))
}

fn now() -> Result<chrono::DateTime<chrono::Utc>, Failure> {
    clock::now(&Environment::of_process())
        .map_err(|error| Failure::usage(error).hint("an example of a valid time is 2026-01-31T12:00:00Z"))
}
