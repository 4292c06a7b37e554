//! What the reader of the policy promises, asked from outside.

mod defaults;
mod errors;
mod gates;
mod layers;
mod run;
mod run_defaults;

use crate::core::policy::Policy;

use super::{Layer, Origin, PolicyErrors, read};

/// The built-in policy with one file above it. Its first line is the version.
fn with_file(text: &str) -> Result<Policy, PolicyErrors> {
    let text = format!("schema_version = 1\n{text}");
    read(&[Layer { origin: Origin::File("p.toml".to_owned()), text }], &[])
}

/// The messages about a file whose first line is the version.
fn errors_of(text: &str) -> Vec<String> {
    match with_file(text) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

/// The one message about a file whose first line is the version.
#[track_caller]
fn error_of(text: &str) -> String {
    let errors = errors_of(text);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    errors.into_iter().next().unwrap_or_default()
}
