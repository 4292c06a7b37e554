//! Where the policy only names a secret, this finds it. Never tells it.

use std::path::PathBuf;

use crate::core::rollback::executor::SecretSource;
use crate::core::secret::Secret;
use crate::io::environment::Environment;
use crate::io::loose;

/// A secret that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set.
    #[error("the variable `{0}` is not set")]
    Unset(String),
    /// The file cannot be read.
    #[error("the file `{}` of a secret cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// There is nothing in it.
    #[error("the file `{}` of a secret is empty", .0.display())]
    Empty(PathBuf),
}

/// The secret. A file is read anew each time, so that one that was exchanged is used.
pub fn reveal(source: &SecretSource, environment: &Environment) -> Result<Secret, SecretError> {
    match source {
        SecretSource::Env(name) => match environment.text(name) {
            Ok(Some(text)) if !text.trim().is_empty() => Ok(Secret::new(text)),
            _ => Err(SecretError::Unset(name.clone())),
        },
        SecretSource::File(path) => {
            let text = loose::read_text(path).map_err(|error| SecretError::Unreadable {
                path: path.clone(),
                reason: error.source.to_string(),
            })?;
            let secret = Secret::from(text);
            if secret.reveal().is_empty() { Err(SecretError::Empty(path.clone())) } else { Ok(secret) }
        }
    }
}
