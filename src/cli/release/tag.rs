//! Arguments of `soak release tag`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::values::{release_name, remote, revision, seconds};

/// `soak release tag`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak release tag --bundle release/v1.4.0 --dry-run
  soak release tag --bundle release/v1.4.0 --sign
  soak release tag --bundle release/v1.4.0.tar.gz --tag v1.4.0 --push origin")]
pub struct TagArgs {
    /// Folder of the bundle, or its .tar.gz
    #[arg(long, value_name = "BUNDLE")]
    pub bundle: PathBuf,

    /// Name of the tag [default: the name of the release in the bundle]
    #[arg(long, value_name = "NAME", value_parser = release_name)]
    pub tag: Option<String>,

    /// Folder in the git repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub repo: PathBuf,

    /// What is tagged; must be the commit that the bundle names, if it names one
    #[arg(long, value_name = "REVISION", default_value = "HEAD", value_parser = revision)]
    pub target: String,

    /// Sign the tag with your key, as git is configured
    #[arg(long)]
    pub sign: bool,

    /// Replace a tag of the same name; the old one stays until the new one is there
    #[arg(long)]
    pub force: bool,

    /// Push the tag, and nothing else, to this remote [default: not pushed]
    #[arg(long, value_name = "REMOTE", value_parser = remote)]
    pub push: Option<String>,

    /// Give a push up after so many seconds, and end git with everything that it started; the tag stays in the
    /// repository
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value_t = 120.0, requires = "push")]
    pub push_timeout: f64,

    /// Check everything and show the tag, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}
