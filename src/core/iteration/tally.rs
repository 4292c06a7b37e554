//! Checks, counted by outcome: what a headline says of them.

use crate::core::verdict::{Check, Outcome};

/// How many checks have which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([usize; 6]);

impl Tally {
    /// The outcomes in the order of sentences, and their words there.
    const WORDS: [(Outcome, &str); 6] = [
        (Outcome::Pass, "pass"),
        (Outcome::Warn, "warn"),
        (Outcome::Inconclusive, "inconclusive"),
        (Outcome::Fail, "fail"),
        (Outcome::Invalid, "invalid"),
        (Outcome::NotApplicable, "not applicable"),
    ];

    /// Counts checks.
    pub fn of<'a>(checks: impl IntoIterator<Item = &'a Check>) -> Self {
        let mut tally = Self::default();
        checks.into_iter().for_each(|check| tally.0[check.outcome as usize] += 1);
        tally
    }

    /// Checks with this outcome.
    pub fn with(&self, outcome: Outcome) -> usize {
        self.0[outcome as usize]
    }

    /// All checks.
    pub fn total(&self) -> usize {
        self.0.iter().sum()
    }

    /// `30 pass, 2 warn, 9 not applicable`; empty without checks.
    pub fn words(&self) -> String {
        let some = |(outcome, word): &(Outcome, &str)| {
            let n = self.with(*outcome);
            (n > 0).then(|| format!("{n} {word}"))
        };
        Self::WORDS.iter().filter_map(some).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_counted_and_named_also_what_does_not_apply() {
        // Pass, warn and not applicable have the places 1, 2 and 0.
        let tally = Tally([2, 3, 1, 0, 0, 0]);
        assert_eq!((tally.total(), tally.with(Outcome::Pass), tally.with(Outcome::NotApplicable)), (6, 3, 2));
        assert_eq!(tally.words(), "3 pass, 1 warn, 2 not applicable");
        assert_eq!(Tally::of(&[]).words(), "");
    }
}
