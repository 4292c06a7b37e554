//! The values in force, one by one.

use super::Policy;
use crate::core::verdict::LimitSource;

/// One value in force, for `soak config show`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// Dotted key.
    pub key: String,
    /// The value as TOML.
    pub value: String,
    /// Where it comes from.
    pub origin: String,
}

impl Policy {
    /// Where the value in force at a dotted key comes from; `None` = there is no such key.
    pub fn source_of(&self, key: &str) -> Option<LimitSource> {
        let value = self.effective.iter().find(|value| value.key == key)?;
        Some(LimitSource { key: key.to_owned(), origin: value.origin.clone() })
    }
}
