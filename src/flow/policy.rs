//! The policy in force: the built-in one, a file over it, and the flags over both.

use std::path::Path;

use crate::core::policy::Policy;
use crate::io::loose::{self, FileError};
use crate::wire::policy::{self, Layer, Origin, Patch, PolicyErrors};

/// Why there is no policy to judge by.
#[derive(Debug, thiserror::Error)]
pub enum PolicyProblem {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file, or a flag, is wrong.
    #[error(transparent)]
    Policy(#[from] PolicyErrors),
}

/// Reads the policy; `file` lies over the built-in one, `patches` over both.
pub fn load(file: Option<&Path>, patches: &[Patch]) -> Result<Policy, PolicyProblem> {
    let mut layers = Vec::new();
    if let Some(path) = file {
        let text = loose::read_text(path)?;
        layers.push(Layer { origin: Origin::File(path.display().to_string()), text });
    }
    Ok(policy::read(&layers, patches)?)
}

/// Patches for the window flags.
pub fn window_patches(last_n: Option<usize>, min_iterations: Option<usize>) -> Vec<Patch> {
    let patch = |key: &str, value: usize, flag: &str| Patch {
        key: key.to_owned(),
        value: value.to_string(),
        origin: Origin::Flag(flag.to_owned()),
    };
    let mut patches = Vec::new();
    if let Some(n) = last_n {
        patches.push(patch("windows.last_n", n, "--last-n"));
    }
    if let Some(n) = min_iterations {
        for set in ["run_verdict", "readiness", "goals"] {
            patches.push(patch(&format!("{set}.min_iterations"), n, "--min-iterations"));
        }
    }
    patches
}

/// The patch for `--exclude-symbol`, which adds to what the policy excludes; `None` without any.
pub fn exclude_patch(policy: &Policy, symbols: &[String]) -> Option<Patch> {
    let excluded = &policy.symbols.exclude.names;
    let added = symbols.iter().filter(|symbol| !excluded.contains(symbol));
    let all: Vec<&String> = excluded.iter().chain(added).collect();
    (!symbols.is_empty()).then(|| Patch {
        key: "symbols.exclude".to_owned(),
        // Lists of texts are the same in JSON and in TOML.
        value: serde_json::json!(all).to_string(),
        origin: Origin::Flag("--exclude-symbol".to_owned()),
    })
}
