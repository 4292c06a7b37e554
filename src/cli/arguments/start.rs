//! Arguments for the values that a run starts with.

use std::path::{Path, PathBuf};

use clap::Args;

use super::environment;
use crate::core::iteration::params::ParamName;
use crate::run::start::parse_set;

/// Start values. High to low: --set, --profile, `$MM_RUNTIME_OVERRIDES_JSON`, the overrides file, the defaults of
/// the policy.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Start values")]
pub struct StartArgs {
    /// File with the start values [default: $SOAK_OUT_DIR/runtime_overrides.json, else
    /// artifacts/soak/runtime_overrides.json, where it is there]
    #[arg(long, value_name = "FILE")]
    pub overrides: Option<PathBuf>,

    /// Start with the values of this profile of the policy
    #[arg(long, value_name = "NAME", env = "MM_PROFILE")]
    pub profile: Option<String>,

    /// Start with this value; may be given again
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_set)]
    pub set: Vec<(ParamName, f64)>,
}

impl StartArgs {
    /// The file that is read when nobody names one.
    pub fn usual_file() -> PathBuf {
        let out = environment::variable("SOAK_OUT_DIR");
        out.map_or_else(|| Path::new("artifacts/soak").to_owned(), PathBuf::from)
            .join("runtime_overrides.json")
    }

    /// The profile that a flag names; `None` where only `$MM_PROFILE` names one.
    pub fn profile_by_flag(&self) -> Option<&str> {
        self.profile.as_deref().filter(|name| environment::text("MM_PROFILE").as_deref() != Some(*name))
    }

    /// The overrides in the environment.
    pub fn variable(name: &str) -> Option<String> {
        environment::text(name)
    }
}
