//! What can be wrong with a policy, and where. Collects; decides nothing.

use std::fmt;

use super::Origin;
use super::positions::Position;

/// One thing that is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// The layer it stands in.
    pub origin: Origin,
    /// Where in the layer; `None` for flags and single variables.
    pub position: Option<Position>,
    /// Dotted key; empty where the text could not be read at all.
    pub key: String,
    /// What is wrong and what is expected.
    pub problem: String,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::File(path) => write!(f, "`{path}`")?,
            other => write!(f, "{other}")?,
        }
        if let Some(Position { line, column }) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": `{}`", self.key)?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// Everything that is wrong with a policy: lowest layer first, then by place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyErrors(Vec<PolicyError>);

impl PolicyErrors {
    /// Sorts by layer (the number beside each error), place and key.
    pub(super) fn sorted(mut found: Vec<(usize, PolicyError)>) -> Self {
        found.sort_by(|(layer_a, a), (layer_b, b)| {
            (layer_a, a.position, &a.key, &a.problem).cmp(&(layer_b, b.position, &b.key, &b.problem))
        });
        found.dedup();
        Self(found.into_iter().map(|(_, error)| error).collect())
    }

    /// The errors, at least one.
    pub fn iter(&self) -> impl Iterator<Item = &PolicyError> {
        self.0.iter()
    }
}

/// Errors that are told; nobody reads more before mending these.
const TOLD: usize = 50;

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().take(TOLD).enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        match self.0.len().saturating_sub(TOLD) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more errors"),
        }
    }
}

impl std::error::Error for PolicyErrors {}
