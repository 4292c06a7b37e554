//! Whether the data can say anything about a release, as every JSON result carries it.

use serde::{Deserialize, Serialize};

use crate::core::analysis::Origin;

/// Where the data comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OriginBlock {
    /// `sim`, `exec`, …; null where it is not recorded.
    pub source: Option<String>,
    /// Whether any of the data is simulated.
    pub simulated: bool,
    /// Whether the run did not wait for its intervals.
    pub rehearsal: bool,
    /// Why the data is not valid for a release; null where it is recorded and real.
    pub note: Option<String>,
}

impl OriginBlock {
    /// The block where the data is simulated or a rehearsal, else nothing.
    pub fn of_no_release(origin: &Origin) -> Option<Self> {
        origin.sentence().map(|_| origin.into())
    }
}

impl From<&Origin> for OriginBlock {
    fn from(origin: &Origin) -> Self {
        let Origin { source, simulated, rehearsal } = origin;
        Self { source: source.clone(), simulated: *simulated, rehearsal: *rehearsal, note: origin.note() }
    }
}
