//! Arguments of `soak release bundle` and `soak release verify`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::judging::{MockArgs, OverrideByArgs, PolicyArgs};
use crate::cli::values::{Format, commit, reason, release_name};

/// `soak release bundle`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak release bundle --src artifacts/soak/latest --out release/v1.4.0 --archive
  soak release bundle --src artifacts/soak/latest --out release/v1.4.0 --dry-run
  soak release bundle --src artifacts/soak/latest --out release/try --rehearsal   a simulated run")]
pub struct BundleArgs {
    /// Folder of the run, with the ITER_SUMMARY_*.json files
    #[arg(long, value_name = "RUN")]
    pub src: PathBuf,

    /// Folder of the bundle
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Name of the release, which is also that of its tag; that of a rehearsal ends in -rehearsal [default: the
    /// name of the folder of --out]
    #[arg(long, value_name = "NAME", value_parser = release_name)]
    pub name: Option<String>,

    /// Commit of the system under test [default: the `commit` in the iterations, else not recorded]
    #[arg(long, value_name = "SHA", value_parser = commit)]
    pub commit: Option<String>,

    /// Also write the bundle as DIR.tar.gz
    #[arg(long)]
    pub archive: bool,

    /// The limits.
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// Relaxed limits.
    #[command(flatten)]
    pub mock: MockArgs,

    /// Build the bundle in spite of what stands against it; who, when, why, and what it was stand in it [default: no
    /// override]
    ///
    /// When is $SOAK_NOW, else what the clock says: then two bundles of the same run differ in it.
    #[arg(long = "override", value_name = "REASON", env = "READINESS_OVERRIDE", value_parser = reason)]
    pub override_reason: Option<String>,

    /// Who overrides.
    #[command(flatten)]
    pub by: OverrideByArgs,

    /// Allow a simulated run and relaxed limits; every report says so, and the tag must end in -rehearsal
    #[arg(long)]
    pub rehearsal: bool,

    /// Show what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,

    /// How the result is printed; json is the bundle's manifest
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `soak release verify`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak release verify release/v1.4.0
  soak release verify release/v1.4.0.tar.gz")]
pub struct VerifyArgs {
    /// Folder of the bundle, or its .tar.gz
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}
