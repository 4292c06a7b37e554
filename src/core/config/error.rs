//! Layers of a configuration, places in them, and what can be wrong there.

use std::fmt;

/// Where a layer comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The policy in the program.
    BuiltIn,
    /// A profile in the program, by its name.
    Profile(&'static str),
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
            Self::Profile(name) => write!(f, "built-in profile `{name}`"),
            Self::File(path) => f.write_str(path),
            Self::Env(name) => write!(f, "env {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

impl Origin {
    /// Whether it is meant for every run, as a file and the built-in policy are.
    pub(super) fn is_a_file(&self) -> bool {
        self.is_built_in() || matches!(self, Self::File(_))
    }

    /// Whether it is in the program.
    pub(super) fn is_built_in(&self) -> bool {
        matches!(self, Self::BuiltIn | Self::Profile(_))
    }
}

/// A configuration that holds only the keys that differ from what is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    pub origin: Origin,
    pub text: String,
}

/// One key, set by a flag or a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Dotted key, e.g. `windows.last_n`.
    pub key: String,
    /// The value as TOML; what is no TOML is taken as text, so words need no quotes.
    pub value: String,
    pub origin: Origin,
}

/// A place in a text, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Position {
    pub(super) const START: Self = Self { line: 1, column: 1 };

    pub(super) fn of_yaml(at: &serde_saphyr::Location) -> Option<Self> {
        let (line, column) = (usize::try_from(at.line()).ok()?, usize::try_from(at.column()).ok()?);
        (line > 0).then_some(Self { line, column })
    }
}

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The layer that it is in.
    pub origin: Origin,
    /// Where in the layer; `None` for flags and single variables.
    pub position: Option<Position>,
    /// Dotted key; empty where the text could not be read at all.
    pub key: String,
    /// What is wrong and what is expected.
    pub problem: String,
}

impl fmt::Display for ConfigError {
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

/// Everything that is wrong with a configuration: lowest layer first, then by place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub(crate) Vec<ConfigError>);

impl ConfigErrors {
    /// The errors, at least one.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter()
    }
}

/// Errors that are printed; nobody reads more before mending these.
pub(super) const PRINTED: usize = 50;

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().take(PRINTED).enumerate() {
            f.write_str(if index > 0 { "\n" } else { "" })?;
            write!(f, "{error}")?;
        }
        match self.0.len().saturating_sub(PRINTED) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more errors"),
        }
    }
}

impl std::error::Error for ConfigErrors {}

/// One value in force, for `soak config show`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "ConfigValue")]
pub struct Effective {
    /// Dotted key.
    pub key: String,
    /// The value as TOML.
    pub value: String,
    /// Where it comes from.
    pub origin: String,
}
