//! The policy file and the layers above it: files, variables and flags become one [`Policy`].
//!
//! The lowest layer is the built-in `deploy/policies/policy.toml`. A key is taken from the topmost layer
//! that has it, and every limit remembers which one that was. All errors are collected and told at once,
//! each with file, line, column and key: an unknown key, a value of the wrong kind, an unknown word, and a
//! limit that could never fail. Opens no file and reads no variable; its callers bring the text.

mod compare;
mod course;
mod error;
mod gates;
mod holding;
mod integrity;
mod kpis;
mod positions;
mod possible;
mod read;
mod reader;
mod release;
mod rules;
mod run;
mod tree;
mod values;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::core::policy::Policy;

pub use error::{PolicyError, PolicyErrors};
pub use positions::Position;

use tree::Tree;

/// The policy that is built into the program, as TOML.
pub const BUILT_IN: &str = include_str!("../../../deploy/policies/policy.toml");

/// Where a layer comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The policy in the program.
    BuiltIn,
    /// A file, by its path as given.
    File(String),
    /// An environment variable, by its name.
    Env(String),
    /// A flag of the command line, as typed: `--last-n`.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in policy"),
            Self::File(path) => f.write_str(path),
            Self::Env(name) => write!(f, "env {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

impl Origin {
    /// Whether it is a policy file or the built-in policy: what is meant for every run.
    fn is_a_file(&self) -> bool {
        matches!(self, Self::BuiltIn | Self::File(_))
    }

    /// The origin of one value: a file says its line, the others need none.
    fn with_line(&self, position: Option<Position>) -> String {
        match (self, position) {
            (Self::File(path), Some(position)) => format!("{path}:{}", position.line),
            _ => self.to_string(),
        }
    }
}

/// A policy in TOML that holds only the keys that differ from what is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Where it comes from.
    pub origin: Origin,
    /// The TOML.
    pub text: String,
}

/// One key, set by a flag or a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Dotted key, e.g. `windows.last_n`.
    pub key: String,
    /// The value as TOML; what is no TOML is taken as text, so words need no quotes.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// The policy in force: the built-in one, `layers` above it (later ones win), `patches` above those (later
/// ones win).
///
/// The errors are all that is wrong with any layer.
pub fn read(layers: &[Layer], patches: &[Patch]) -> Result<Policy, PolicyErrors> {
    let built_in = Layer { origin: Origin::BuiltIn, text: BUILT_IN.to_owned() };
    read_layers(std::iter::once(&built_in).chain(layers), patches)
}

fn read_layers<'l>(
    layers: impl Iterator<Item = &'l Layer>,
    patches: &[Patch],
) -> Result<Policy, PolicyErrors> {
    let mut trees = Vec::new();
    let mut errors = Vec::new();
    for layer in layers {
        let (tree, found) = Tree::of_layer(layer);
        let number = trees.len();
        errors.extend(found.into_iter().map(|error| (number, error)));
        // A layer that cannot be read keeps its place, empty, so that the others are looked at all the same.
        let mut tree =
            tree.unwrap_or(Tree { origin: layer.origin.clone(), root: std::collections::BTreeMap::new() });
        if let Some(error) = version_error(&tree) {
            // Keys of another version mean something else; errors about them would mislead.
            if errors.iter().all(|(layer, _)| *layer != number) {
                errors.push((number, error));
            }
            tree.root.clear();
        }
        trees.push(tree);
    }
    trees.extend(patches.iter().map(Tree::of_patch));
    read::policy(&trees, errors)
}

/// Every layer of its own says which version of the format it is written in.
fn version_error(tree: &Tree) -> Option<PolicyError> {
    let (position, problem) = if let Some(node) = tree.root.get("schema_version") {
        (node.value_at, read::schema_version(&node.value).err()?)
    } else {
        let expected = format!("is missing, expected `schema_version = {}`", read::SCHEMA_VERSION);
        (Some(Position { line: 1, column: 1 }), expected)
    };
    let key = "schema_version".to_owned();
    Some(PolicyError { origin: tree.origin.clone(), position, key, problem })
}
