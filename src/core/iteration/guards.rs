//! Guards of the tuner, as an iteration reports them, and how often each spoke in a window.
//!
//! Works on flags alone: free text in a `note` is never parsed.

use serde::{Deserialize, Serialize};

/// A guard that can hold tuning back.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Overrides or a parameter went A → B → A.
    Oscillation,
    /// A parameter would move faster than its hourly limit.
    Velocity,
    /// A large step is being watched.
    Cooldown,
    /// Sensitive parameters are frozen after stable iterations.
    Freeze,
    /// A subsystem is frozen.
    PartialFreeze,
    /// Latency close to its limit.
    LatencySoft,
    /// Latency beyond its limit.
    LatencyHard,
    /// Nothing was left to change.
    NoOp,
}

impl Guard {
    /// All guards, in the order of reports.
    pub const ALL: [Self; 8] = [
        Self::Oscillation,
        Self::Velocity,
        Self::Cooldown,
        Self::Freeze,
        Self::PartialFreeze,
        Self::LatencySoft,
        Self::LatencyHard,
        Self::NoOp,
    ];

    /// Name in JSON, in the policy and in metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Oscillation => "oscillation",
            Self::Velocity => "velocity",
            Self::Cooldown => "cooldown",
            Self::Freeze => "freeze",
            Self::PartialFreeze => "partial_freeze",
            Self::LatencySoft => "latency_soft",
            Self::LatencyHard => "latency_hard",
            Self::NoOp => "no_op",
        }
    }

    /// The guard with this name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|guard| guard.word() == word)
    }
}

/// The guards that spoke in one iteration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuardSet(u8);

impl GuardSet {
    /// Adds a guard.
    pub fn insert(&mut self, guard: Guard) {
        self.0 |= 1 << guard as u8;
    }

    /// Whether the guard spoke.
    pub fn contains(self, guard: Guard) -> bool {
        self.0 & (1 << guard as u8) != 0
    }

    /// Whether none spoke.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The guards that spoke, in the order of reports.
    pub fn iter(self) -> impl Iterator<Item = Guard> {
        Guard::ALL.into_iter().filter(move |guard| self.contains(*guard))
    }
}

/// How often each guard spoke in a window: one count an iteration and guard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuardCounts([usize; Guard::ALL.len()]);

impl GuardCounts {
    /// Counts over the sets of the iterations in a window.
    pub fn over(sets: impl IntoIterator<Item = GuardSet>) -> Self {
        let mut counts = Self::default();
        for set in sets {
            for guard in set.iter() {
                counts.0[guard as usize] += 1;
            }
        }
        counts
    }

    /// Iterations in which the guard spoke.
    pub fn of(&self, guard: Guard) -> usize {
        self.0[guard as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_guards_in_one_iteration_all_count() {
        let mut first = GuardSet::default();
        first.insert(Guard::Velocity);
        first.insert(Guard::Cooldown);
        let mut second = GuardSet::default();
        second.insert(Guard::Velocity);
        second.insert(Guard::Velocity);
        let counts = GuardCounts::over([first, second, GuardSet::default()]);
        assert_eq!(counts.of(Guard::Velocity), 2);
        assert_eq!(counts.of(Guard::Cooldown), 1);
        assert_eq!(counts.of(Guard::Freeze), 0);
        assert!(GuardSet::default().is_empty());
    }

    #[test]
    fn every_guard_has_a_name_that_finds_it_again() {
        for guard in Guard::ALL {
            assert_eq!(Guard::parse(guard.word()), Some(guard));
        }
        assert_eq!(Guard::parse("note text"), None);
    }
}
