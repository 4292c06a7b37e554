//! Who judged, by what, when, and with which override.

use chrono::SecondsFormat;

use crate::core::policy::Policy;
use crate::core::text::person;
use crate::core::verdict::provenance::{Override, Provenance};
use crate::infra::clock;
use crate::infra::clock::ClockError;
use crate::infra::environment;
use crate::infra::environment::Environment;

/// Variables that name who is at work, the one that knows best first: a CI's runner and root are accounts that
/// somebody uses.
const PEOPLE: [&str; 5] = ["GITHUB_ACTOR", "SUDO_USER", "USER", "LOGNAME", "USERNAME"];

/// A decision to continue despite a verdict, as it was given.
#[derive(Clone, Copy, Debug)]
pub struct Overriding<'a> {
    /// Why.
    pub reason: &'a str,
    /// Who; `None` = whom the environment names, or the account.
    pub by: Option<&'a str>,
}

/// Collects the provenance of a result. The clock is only asked for an override; everything else takes its
/// time from the data, so that the same input gives the same bytes.
pub fn collect(
    environment: &Environment,
    policy: &Policy,
    overriding: Option<Overriding<'_>>,
) -> Result<Provenance, ClockError> {
    let text = |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let overridden = match overriding {
        Some(Overriding { reason, by }) => Some(Override {
            reason: reason.to_owned(),
            by: by.map_or_else(|| person(environment), str::to_owned),
            at: text(clock::now(environment)?),
        }),
        None => None,
    };
    Ok(Provenance {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        policy_sha256: policy.sha256.clone(),
        policy_file: policy.found.clone(),
        overridden,
        fixed_time: clock::fixed(environment)?.map(text),
        rehearsal: false,
    })
}

/// Who acts: whom the environment names, else the account that this process runs as, which cannot be left out.
pub fn person(environment: &Environment) -> String {
    let account = || environment::account_name().unwrap_or_else(|| "unknown".to_owned());
    named(environment).unwrap_or_else(account)
}

/// Whom the environment names; a value that is no name is passed over.
fn named(environment: &Environment) -> Option<String> {
    PEOPLE
        .into_iter()
        .filter_map(|variable| environment.text(variable).ok().flatten())
        .find_map(person::name)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(pairs: &[(&str, &str)]) -> Option<String> {
        named(&Environment::from_pairs(pairs.iter().copied()))
    }

    #[test]
    fn the_variable_that_knows_best_names_who_acts() {
        let all =
            [("USERNAME", "e"), ("LOGNAME", "d"), ("USER", "c"), ("SUDO_USER", "b"), ("GITHUB_ACTOR", "a")];
        for (length, expected) in [(5, "a"), (4, "b"), (3, "c"), (2, "d"), (1, "e")] {
            assert_eq!(who(&all[..length]).as_deref(), Some(expected));
        }
        assert_eq!(who(&[("HOME", "/root")]), None);
    }

    #[test]
    fn a_value_that_is_no_name_is_passed_over() {
        assert_eq!(
            who(&[("GITHUB_ACTOR", " "), ("USER", "a\nb"), ("LOGNAME", " ann ")]).as_deref(),
            Some("ann")
        );
        assert_eq!(who(&[("USER", "")]), None);
    }
}
