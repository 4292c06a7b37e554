//! Whether the data can say anything about a release, in one sentence for every output.

use serde::{Deserialize, Serialize};

use crate::core::verdict::evidence::Evidence;

/// Where the data comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What the manifest says, else what the iterations say; `None` = not recorded.
    pub source: Option<String>,
    /// Any of the data is simulated.
    pub simulated: bool,
    /// The run did not wait for its intervals.
    pub rehearsal: bool,
}

impl Origin {
    /// The origin of what was found in a folder.
    pub fn of(evidence: &Evidence, is_simulated: impl Fn(&str) -> bool) -> Self {
        let declared = evidence.declared.as_ref();
        let of_files: Vec<&str> = evidence.sources.iter().map(String::as_str).collect();
        let is_named = |source: &String| !source.trim().is_empty();
        let source = declared.and_then(|declared| declared.source.clone()).filter(is_named);
        // An iteration that does not name its source leaves the source of the whole unknown.
        let are_named = !of_files.is_empty() && !evidence.sourceless && !evidence.manifest_lost;
        let source = source.or_else(|| are_named.then(|| of_files.join(", ")));
        Self {
            simulated: source.as_deref().is_some_and(&is_simulated)
                || of_files.iter().any(|source| is_simulated(source)),
            rehearsal: declared.is_some_and(|declared| declared.no_wait),
            source,
        }
    }

    /// The origin of what a run with this source makes.
    pub fn of_run(source: &str, no_wait: bool, is_simulated: impl Fn(&str) -> bool) -> Self {
        Self { source: Some(source.to_owned()), simulated: is_simulated(source), rehearsal: no_wait }
    }

    /// Why the data is not about a release; `None` where nothing says so.
    pub fn sentence(&self) -> Option<String> {
        if self.simulated {
            return Some("SIMULATED: the data comes from a simulator, not valid for a release".to_owned());
        }
        self.rehearsal
            .then(|| "REHEARSAL: the run did not wait for its intervals, not valid for a release".to_owned())
    }

    /// [`Self::sentence`], or that the source is not recorded, which is never the safe case; `None` = recorded and
    /// real.
    pub fn note(&self) -> Option<String> {
        let unknown =
            || self.source.is_none().then(|| "source not recorded: not valid for a release".to_owned());
        self.sentence().or_else(unknown)
    }
}

/// What is said of a run that did not take the time that it declares.
pub const NO_WAIT: &str = "the run did not wait for its intervals (`--no-wait`)";

impl Origin {
    /// Why the data is no basis for a release, to continue a sentence; `None` only where a real source is recorded and
    /// was waited for.
    pub fn against_release(&self) -> Option<String> {
        match &self.source {
            Some(source) if self.simulated => Some(format!("the data is simulated (source `{source}`)")),
            _ if self.simulated => Some("the data is simulated".to_owned()),
            None => Some("the origin of the data is not recorded (`source`)".to_owned()),
            Some(_) => self.rehearsal.then(|| NO_WAIT.to_owned()),
        }
    }
}

/// Whether the data can say anything about a release, as every JSON result carries it.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::verdict::evidence::{Declared, RunState};

    fn origin(declared: Option<&str>, files: &[&str], no_wait: bool) -> Origin {
        let declared = declared.map(|source| Declared {
            source: Some(source.to_owned()),
            no_wait,
            ..Declared::of(8, RunState::Complete, 8)
        });
        let sources = files.iter().map(|source| (*source).to_owned()).collect();
        let evidence = Evidence { declared, sources, ..Evidence::default() };
        Origin::of(&evidence, |source| ["sim", "mock"].contains(&source))
    }

    #[test]
    fn one_simulated_source_makes_it_simulated() {
        for (declared, files, simulated) in [
            (Some("sim"), &[][..], true),
            (Some("exec"), &["sim"], true),
            (Some("exec"), &["exec"], false),
            (None, &["exec", "mock"], true),
            (None, &[], false),
        ] {
            let found = origin(declared, files, false);
            assert_eq!(found.simulated, simulated, "{declared:?} {files:?}");
            assert_eq!(found.sentence().is_some(), simulated);
        }
    }

    #[test]
    fn only_a_recorded_real_source_that_was_waited_for_is_no_reason_against_a_release() {
        let reported = |declared, files: &[&str], no_wait| {
            origin(declared, files, no_wait).against_release().unwrap_or_default()
        };
        assert_eq!(reported(Some("exec"), &["exec"], false), "");
        assert_eq!(reported(Some("sim"), &[], false), "the data is simulated (source `sim`)");
        assert_eq!(reported(None, &[], false), "the origin of the data is not recorded (`source`)");
        assert_eq!(reported(Some("exec"), &[], true), NO_WAIT);
    }

    #[test]
    fn what_is_not_recorded_is_never_the_safe_case() {
        assert_eq!(origin(Some("exec"), &[], false).note(), None);
        let unknown = origin(None, &[], false);
        assert_eq!((unknown.sentence(), unknown.note().is_some()), (None, true));
        let replay = origin(Some("file"), &[], true);
        assert!(replay.note().is_some_and(|note| note.starts_with("REHEARSAL")));
    }
}
