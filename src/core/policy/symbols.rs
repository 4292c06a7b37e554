//! Which symbols are judged, and what is forgiven to some of them. No name of its own.

use crate::core::verdict::LimitSource;

/// Names of symbols, and where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolList {
    /// The symbols.
    pub names: Vec<String>,
    /// The key of the policy.
    pub source: LimitSource,
}

impl SymbolList {
    /// Whether a symbol is in it.
    pub fn contains(&self, symbol: &str) -> bool {
        self.names.iter().any(|name| name == symbol)
    }
}

/// The exceptions to the rule that every symbol is judged from its first iteration to the last of the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolRules {
    /// Not judged at all.
    pub exclude: SymbolList,
    /// May begin too late for the minimum of iterations: they are judged by those that they have.
    pub allow_start: SymbolList,
    /// May end before the folder does: they are judged by the last iterations that they have.
    pub allow_end: SymbolList,
}
