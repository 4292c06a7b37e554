//! Who judged, by what, when, and with which override.

use chrono::SecondsFormat;

use crate::core::policy::Policy;
use crate::io::clock::{self, ClockError};
use crate::io::environment::Environment;
use crate::wire::provenance::{Override, Provenance};

/// Collects the provenance of a result. The clock is only asked for an override; everything else takes its
/// time from the data, so that the same input gives the same bytes.
pub fn collect(
    environment: &Environment,
    policy: &Policy,
    override_reason: Option<&str>,
) -> Result<Provenance, ClockError> {
    let text = |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let overridden = match override_reason {
        Some(reason) => Some(Override {
            reason: reason.to_owned(),
            by: person(environment),
            at: text(clock::now(environment)?),
        }),
        None => None,
    };
    Ok(Provenance {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        policy_sha256: policy.sha256.clone(),
        overridden,
        fixed_time: clock::fixed(environment)?.map(text),
        rehearsal: false,
    })
}

/// Who acts, as far as the environment says.
fn person(environment: &Environment) -> String {
    ["GITHUB_ACTOR", "USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(|name| environment.text(name).ok().flatten())
        .unwrap_or("unknown")
        .to_owned()
}
