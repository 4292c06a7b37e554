//! Under which conditions two runs were measured: a number over other intervals, or of another machine, is another
//! number.
//!
//! Compares what the runs declared; must not read manifests.

use std::collections::BTreeMap;

/// What a run was measured under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Simulated or real.
    Simulated,
    /// Name of the source.
    Source,
    /// The simulator's scenario.
    Scenario,
    /// Declared length of an iteration.
    Interval,
    /// Whether the interval was waited for.
    Waited,
    /// When in the interval a measurement begins.
    MeasureAt,
    /// The hosts.
    Host,
    /// Their CPUs.
    Cpu,
    /// The preset of the warm-up.
    Warmup,
    /// Whether the tuner was on.
    AutoTune,
    /// SHA-256 of the policy values in force during the run.
    Policy,
}

impl Condition {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 11] = [
        Self::Simulated,
        Self::Source,
        Self::Scenario,
        Self::Interval,
        Self::Waited,
        Self::MeasureAt,
        Self::Host,
        Self::Cpu,
        Self::Warmup,
        Self::AutoTune,
        Self::Policy,
    ];

    /// Its key in files and in the policy.
    pub fn word(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Source => "source",
            Self::Scenario => "scenario",
            Self::Interval => "interval",
            Self::Waited => "waited",
            Self::MeasureAt => "measure_at",
            Self::Host => "host",
            Self::Cpu => "cpu",
            Self::Warmup => "warmup",
            Self::AutoTune => "auto_tune",
            Self::Policy => "policy",
        }
    }

    /// The condition with this key.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|condition| condition.word() == word)
    }

    /// What differs, in the plural.
    fn plural(self) -> &'static str {
        match self {
            Self::Simulated => "kinds of data",
            Self::Source => "sources",
            Self::Scenario => "scenarios",
            Self::Interval => "intervals",
            Self::Waited => "waits for the interval",
            Self::MeasureAt => "times of measuring",
            Self::Host => "hosts",
            Self::Cpu => "CPUs",
            Self::Warmup => "warm-ups",
            Self::AutoTune => "tuner settings",
            Self::Policy => "policies",
        }
    }
}

/// What is known about the conditions of a run; what is not there is not known.
pub type Conditions = BTreeMap<Condition, String>;

/// What differs between two runs, one sentence each. A condition that only one side knows is no known difference.
pub fn differences(a: &Conditions, b: &Conditions) -> Vec<String> {
    let differs = |condition: Condition| {
        let (a, b) = (a.get(&condition)?, b.get(&condition)?);
        (a != b).then(|| sentence(condition, Some(a), Some(b)))
    };
    Condition::ALL.into_iter().filter_map(differs).collect()
}

/// Why two runs must not be compared, one sentence each: a condition in which they may not differ differs, or a side
/// does not say it.
pub fn refusals(a: &Conditions, b: &Conditions, refuse: &[Condition]) -> Vec<String> {
    let one = |condition: &Condition| {
        let (a, b) = (a.get(condition), b.get(condition));
        (a.is_none() || a != b).then(|| sentence(*condition, a, b))
    };
    refuse.iter().filter_map(one).collect()
}

fn sentence(condition: Condition, a: Option<&String>, b: Option<&String>) -> String {
    let known = |value: Option<&String>| value.map_or("unknown", String::as_str).to_owned();
    let what = if a.is_some() && b.is_some() { "differ" } else { "are not known on both sides" };
    format!("the {} {what}: A {}, B {}", condition.plural(), known(a), known(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(Condition, &str)]) -> Conditions {
        pairs.iter().map(|(condition, value)| (*condition, (*value).to_owned())).collect()
    }

    #[test]
    fn every_condition_has_a_word_that_finds_it_again_and_its_order_is_that_of_reports() {
        for condition in Condition::ALL {
            assert_eq!(Condition::parse(condition.word()), Some(condition));
        }
        assert_eq!(Condition::parse("weather"), None);
        assert!(Condition::ALL.is_sorted());
    }

    #[test]
    fn a_difference_names_both_values_and_what_one_side_alone_knows_is_none() {
        let a =
            of(&[(Condition::Interval, "300 s"), (Condition::Host, "box"), (Condition::Cpu, "x, 2 cores")]);
        let b = of(&[(Condition::Host, "box"), (Condition::Interval, "60 s")]);
        assert_eq!(differences(&a, &b), ["the intervals differ: A 300 s, B 60 s"]);
        assert_eq!(differences(&a, &a), Vec::<String>::new());
        assert_eq!(differences(&a, &Conditions::new()), Vec::<String>::new());
    }

    #[test]
    fn a_condition_that_must_be_equal_must_be_known() {
        let a = of(&[(Condition::Interval, "300 s"), (Condition::Cpu, "x, 2 cores")]);
        let b = of(&[(Condition::Interval, "300 s")]);
        assert_eq!(refusals(&a, &b, &[Condition::Interval]), Vec::<String>::new());
        assert_eq!(
            refusals(&a, &b, &[Condition::Cpu, Condition::Host]),
            [
                "the CPUs are not known on both sides: A x, 2 cores, B unknown",
                "the hosts are not known on both sides: A unknown, B unknown"
            ]
        );
        let other = of(&[(Condition::Interval, "60 s")]);
        assert_eq!(
            refusals(&a, &other, &[Condition::Interval, Condition::Policy])[0],
            "the intervals differ: A 300 s, B 60 s"
        );
    }
}
