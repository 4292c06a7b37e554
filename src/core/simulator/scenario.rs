//! The scenarios: which market, and which defect of the system, a simulated run goes through.
//!
//! Names only; what a scenario does stands in the regimes and in the constants.

use std::fmt;
use std::str::FromStr;

/// A simulated world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scenario {
    /// Mostly calm, with volatile spells and now and then a disturbance of each kind.
    #[default]
    Default,
    /// Calm throughout, no disturbances.
    Calm,
    /// Volatile most of the time, stressed often.
    Volatile,
    /// The default market with a crash and its recovery in every third iteration.
    FlashCrash,
    /// Latency bursts without end and long WebSocket lags.
    LatencyStorm,
    /// The book is thin most of the time.
    LiquidityGap,
    /// The default market; the system loses memory.
    Leak,
    /// The default market; from this iteration on the system's fair price is wrong.
    Regression(u64),
    /// A stressed market and a system that cannot earn its costs.
    AlwaysBad,
}

/// The scenarios without a number, by name.
const NAMED: [(&str, Scenario); 8] = [
    ("default", Scenario::Default),
    ("calm", Scenario::Calm),
    ("volatile", Scenario::Volatile),
    ("flash-crash", Scenario::FlashCrash),
    ("latency-storm", Scenario::LatencyStorm),
    ("liquidity-gap", Scenario::LiquidityGap),
    ("leak", Scenario::Leak),
    ("always-bad", Scenario::AlwaysBad),
];

/// How a regression is written before its number.
const REGRESSION: &str = "regression@";

/// What people can write, for help and errors.
pub const SCENARIO_NAMES: &str =
    "default, calm, volatile, flash-crash, latency-storm, liquidity-gap, leak, regression@N, always-bad";

impl Scenario {
    /// Whether the system's defect is there in this iteration.
    pub(super) fn has_regressed(self, iteration: u64) -> bool {
        matches!(self, Self::Regression(from) if iteration >= from)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Regression(from) = self {
            return f.pad(&format!("{REGRESSION}{from}"));
        }
        f.pad(NAMED.iter().find(|(_, scenario)| scenario == self).map_or("", |(name, _)| name))
    }
}

/// A scenario that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownScenario {
    /// No such name.
    #[error("there is no scenario `{0}`; there are {SCENARIO_NAMES}")]
    Name(String),
    /// `regression@` without a number from 1.
    #[error("`{0}`: the number after `regression@` is the first bad iteration, a whole number from 1")]
    Iteration(String),
}

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(number) = text.strip_prefix(REGRESSION) {
            return match number.parse() {
                Ok(from) if from >= 1 && !number.starts_with('+') => Ok(Self::Regression(from)),
                _ => Err(UnknownScenario::Iteration(text.to_owned())),
            };
        }
        NAMED
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, scenario)| *scenario)
            .ok_or_else(|| UnknownScenario::Name(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_as_they_are_written() {
        let all = NAMED.iter().map(|(_, scenario)| *scenario);
        for scenario in all.chain([Scenario::Regression(1), Scenario::Regression(12)]) {
            assert_eq!(scenario.to_string().parse(), Ok(scenario));
        }
        assert_eq!("regression@12".parse(), Ok(Scenario::Regression(12)));
        assert_eq!("flash-crash".parse(), Ok(Scenario::FlashCrash));
        for (name, _) in NAMED {
            assert!(SCENARIO_NAMES.contains(name), "{name}");
        }
    }

    #[test]
    fn what_is_no_scenario_is_refused_with_the_list() {
        for text in ["", "Calm", "regression", "flash_crash"] {
            let told = text.parse::<Scenario>().unwrap_err().to_string();
            assert_eq!(told, format!("there is no scenario `{text}`; there are {SCENARIO_NAMES}"));
        }
        for text in ["regression@", "regression@0", "regression@-1", "regression@x", "regression@+3"] {
            assert_eq!(text.parse::<Scenario>(), Err(UnknownScenario::Iteration(text.to_owned())));
        }
    }

    #[test]
    fn a_regression_is_there_from_its_iteration_on() {
        let regression = Scenario::Regression(5);
        assert_eq!([4, 5, 6].map(|n| regression.has_regressed(n)), [false, true, true]);
        assert!(!Scenario::AlwaysBad.has_regressed(5));
    }
}
