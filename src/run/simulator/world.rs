//! What happens to the simulated system from outside: regimes, crashes, thin books, bursts and lags.
//!
//! A chain over blocks that depends on seed and scenario alone, never on the overrides. It is run forward
//! from the start and remembers where it is, so that a fresh simulator at any iteration sees the same world.

use std::fmt;
use std::str::FromStr;

use rand_core::Rng;
use rand_pcg::Pcg64Mcg;

use crate::run::simulator::constants::{BLOCKS, BURST_TICKS, CRASH_BPS, DAY_HOURS, GAP_DEPTH, STORM_TICKS};

/// The state of the world for one block.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Block {
    /// 0 calm, 1 volatile, 2 stressed.
    pub(crate) regime: usize,
    /// Drift of the mid price, bps per tick.
    pub(crate) drift_bps: f64,
    /// Depth of the book as a share of the usual.
    pub(crate) depth: f64,
    /// So many ticks of the block have a latency burst.
    pub(crate) burst_ticks: usize,
    /// Whether the market data lags.
    pub(crate) lags: bool,
    /// The load of the time of day: from -1 in the quietest hour to 1 in the busiest.
    pub(crate) load: f64,
    /// Latency that a leak adds, ms.
    pub(crate) slower_ms: f64,
}

/// Probabilities per block.
#[derive(Clone, Copy, Debug)]
struct Odds {
    /// From each regime to calm, volatile; the rest is stressed.
    next: [[f64; 2]; 3],
    crash: f64,
    /// A disturbance begins, and one that is there goes on.
    gap: [f64; 2],
    burst: [f64; 2],
    lag: [f64; 2],
}

const MIXED: Odds = Odds {
    next: [[0.993, 0.006], [0.30, 0.67], [0.25, 0.35]],
    crash: 0.0004,
    gap: [0.006, 0.5],
    burst: [0.02, 0.1],
    lag: [0.015, 0.4],
};

impl Odds {
    fn of(scenario: Scenario) -> Self {
        match scenario {
            Scenario::Default | Scenario::Leak | Scenario::Regression(_) | Scenario::FlashCrash => MIXED,
            Scenario::Calm | Scenario::Diurnal | Scenario::DiurnalLeak => {
                Self { next: [[1.0, 0.0]; 3], crash: 0.0, gap: [0.0; 2], burst: [0.0; 2], lag: [0.0; 2] }
            }
            Scenario::Volatile => Self { next: [[0.2, 0.7], [0.05, 0.75], [0.05, 0.35]], ..MIXED },
            Scenario::LatencyStorm => Self { burst: [0.9, 0.9], lag: [0.4, 0.8], ..MIXED },
            Scenario::LiquidityGap => Self { gap: [0.8, 0.9], ..MIXED },
            Scenario::AlwaysBad => Self { next: [[0.0, 0.3]; 3], gap: [0.5, 0.8], ..MIXED },
        }
    }
}

/// What lasts from one block to the next.
#[derive(Clone, Copy, Debug, Default)]
struct Lasting {
    regime: usize,
    gap: bool,
    burst: bool,
    lag: bool,
    /// Blocks that are left of a crash: 3 falls, 2 and 1 recover.
    crash: u8,
    /// Drift while it falls, bps per tick; some crash upwards.
    crash_bps: f64,
}

/// The chain of blocks of one seed and scenario.
#[derive(Clone, Debug)]
pub(crate) struct Regimes {
    seed: u64,
    scenario: Scenario,
    odds: Odds,
    noise: Noise,
    lasting: Lasting,
    /// The iteration that `blocks` belongs to; 0 = none yet.
    at: u64,
    blocks: [Block; BLOCKS],
}

impl Regimes {
    /// The chain before its first iteration.
    pub(crate) fn new(seed: u64, scenario: Scenario) -> Self {
        Self {
            seed,
            scenario,
            odds: Odds::of(scenario),
            noise: Noise::new(seed, Purpose::Regimes, 0),
            lasting: Lasting::default(),
            at: 0,
            blocks: [Block::default(); BLOCKS],
        }
    }

    /// The blocks of an iteration, which counts from 1. Going back starts again from the first.
    pub(crate) fn blocks(&mut self, iteration: u64) -> [Block; BLOCKS] {
        if iteration < self.at {
            *self = Self::new(self.seed, self.scenario);
        }
        while self.at < iteration {
            self.at += 1;
            let crashes = self.scenario == Scenario::FlashCrash && self.at.is_multiple_of(3);
            for index in 0..BLOCKS {
                // In the fourth block, so that the recovery ends within the iteration.
                let must_crash = crashes && index == 3;
                self.lasting = self.step(must_crash);
                self.blocks[index] = self.block();
            }
        }
        self.blocks
    }

    fn step(&mut self, must_crash: bool) -> Lasting {
        let before = self.lasting;
        let (regime, crash) = self.noise.shares();
        let (gap, burst) = self.noise.shares();
        let (lag, up) = self.noise.shares();
        let [calm, volatile] = self.odds.next[before.regime];
        let goes_on = |there: bool, odds: [f64; 2], share: f64| share < odds[usize::from(there)];
        let starts = before.crash == 0 && (must_crash || crash < self.odds.crash);
        Lasting {
            regime: if regime < calm { 0 } else { 1 + usize::from(regime >= calm + volatile) },
            gap: goes_on(before.gap, self.odds.gap, gap),
            burst: goes_on(before.burst, self.odds.burst, burst),
            lag: goes_on(before.lag, self.odds.lag, lag),
            crash: if starts { 3 } else { before.crash.saturating_sub(1) },
            crash_bps: match (starts, up < 0.5) {
                (false, _) => before.crash_bps,
                (true, true) => CRASH_BPS,
                (true, false) => -CRASH_BPS,
            },
        }
    }

    fn block(&self) -> Block {
        let Lasting { regime, gap, burst, lag, crash, crash_bps } = self.lasting;
        let length = if self.scenario == Scenario::LatencyStorm { STORM_TICKS } else { BURST_TICKS };
        Block {
            // A crash is stress, whatever the regime was.
            regime: if crash == 3 { 2 } else { regime.max(usize::from(crash > 0)) },
            drift_bps: match crash {
                0 => 0.0,
                3 => crash_bps,
                _ => -crash_bps / 2.0,
            },
            depth: if gap || crash == 3 { GAP_DEPTH } else { 1.0 },
            burst_ticks: if burst { length } else { 0 },
            lags: lag,
            load: 0.0,
            slower_ms: 0.0,
        }
    }
}

/// What a stream is for; keeps streams of one seed apart.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// The chain of regimes.
    Regimes = 1,
    /// The ticks of an iteration.
    Ticks = 2,
    /// The resources of an iteration.
    Resources = 3,
    /// The KPIs of a simulated service in an iteration.
    Service = 4,
}

/// 2⁻³²: turns 32 random bits into a share.
const PER_U32: f64 = 1.0 / 4_294_967_296.0;

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Noise(Pcg64Mcg);

impl Noise {
    /// The stream for this purpose at this position.
    pub(crate) fn new(seed: u64, purpose: Purpose, position: u64) -> Self {
        let high = mixed(seed ^ mixed(purpose as u64));
        let low = mixed(high ^ mixed(position));
        Self(Pcg64Mcg::new((u128::from(high) << 64) | u128::from(low)))
    }

    /// Two independent shares, each above 0 and below 1.
    pub(crate) fn shares(&mut self) -> (f64, f64) {
        let bits = self.0.next_u64();
        let share = |half: u64| ((half & 0xffff_ffff) as f64 + 0.5) * PER_U32;
        (share(bits >> 32), share(bits))
    }

    /// Nearly normal, mean 0 and deviation 1: the sum of four uniform values (Irwin–Hall), so within ±2√3.
    /// Adding is exact on every platform and fast; the missing tails are what jumps are for.
    pub(crate) fn normal(&mut self) -> f64 {
        const ROOT_3: f64 = 1.732_050_807_568_877_2;
        let bits = self.0.next_u64();
        let sum: u64 = (0..4).map(|part| (bits >> (16 * part)) & 0xffff).sum();
        ((sum as f64 + 2.0) / 65_536.0 - 2.0) * ROOT_3
    }
}

/// `SplitMix64`: spreads near numbers far apart.
fn mixed(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

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
    /// A calm market whose load has a daily cycle.
    Diurnal,
    /// The same; the system loses memory, and gets slower by that.
    DiurnalLeak,
    /// The default market; from this iteration on the system's fair price is wrong.
    Regression(u64),
    /// A stressed market and a system that cannot earn its costs.
    AlwaysBad,
}

/// The scenarios without a number, by name.
const NAMED: [(&str, Scenario); 10] = [
    ("default", Scenario::Default),
    ("calm", Scenario::Calm),
    ("volatile", Scenario::Volatile),
    ("flash-crash", Scenario::FlashCrash),
    ("latency-storm", Scenario::LatencyStorm),
    ("liquidity-gap", Scenario::LiquidityGap),
    ("leak", Scenario::Leak),
    ("diurnal", Scenario::Diurnal),
    ("diurnal-leak", Scenario::DiurnalLeak),
    ("always-bad", Scenario::AlwaysBad),
];

/// How a regression is written before its number.
const REGRESSION: &str = "regression@";

/// What people can write, for help and errors.
pub const SCENARIO_NAMES: &str = "default, calm, volatile, flash-crash, latency-storm, liquidity-gap, leak, diurnal, \
                                  diurnal-leak, regression@N, always-bad";

impl Scenario {
    /// The load of the time of day so many hours after the start: from -1 to 1; 0 without a daily cycle.
    pub(crate) fn load(self, hours: f64) -> f64 {
        let cycles = matches!(self, Self::Diurnal | Self::DiurnalLeak);
        if cycles { libm::sin(2.0 * std::f64::consts::PI * hours / DAY_HOURS) } else { 0.0 }
    }

    /// Whether the system's defect is there in this iteration.
    pub(crate) fn has_regressed(self, iteration: u64) -> bool {
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
#[error("{0}")]
pub struct UnknownScenario(String);

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(number) = text.strip_prefix(REGRESSION) {
            return match number.parse() {
                Ok(from) if from >= 1 && !number.starts_with('+') => Ok(Self::Regression(from)),
                _ => Err(UnknownScenario(format!(
                    "`{text}`: the number after `regression@` is the first bad iteration, a whole number from 1"
                ))),
            };
        }
        NAMED.iter().find(|(name, _)| *name == text).map(|(_, scenario)| *scenario).ok_or_else(|| {
            UnknownScenario(format!("there is no scenario `{text}`; there are {SCENARIO_NAMES}"))
        })
    }
}

#[cfg(test)]
mod scenario_tests {
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
            let refused = text.parse::<Scenario>().unwrap_err().to_string();
            assert_eq!(
                refused,
                format!(
                    "`{text}`: the number after `regression@` is the first bad iteration, a whole number from 1"
                )
            );
        }
    }

    #[test]
    fn a_regression_is_there_from_its_iteration_on() {
        let regression = Scenario::Regression(5);
        assert_eq!([4, 5, 6].map(|n| regression.has_regressed(n)), [false, true, true]);
        assert!(!Scenario::AlwaysBad.has_regressed(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_uniform_and_normals_are_normal_enough() {
        let mut noise = Noise::new(1, Purpose::Ticks, 1);
        let n = 20_000;
        let (mut shares, mut squares, mut normals, mut normal_squares) = (0.0, 0.0, 0.0, 0.0);
        for _ in 0..n {
            let (a, b) = noise.shares();
            assert!(0.0 < a && a < 1.0 && 0.0 < b && b < 1.0);
            shares += a + b;
            squares += a * a + b * b;
            let z = noise.normal();
            normals += z;
            normal_squares += z * z;
        }
        let n = f64::from(n);
        // Mean 1/2 and mean square 1/3; mean 0 and mean square 1. Allowed: five standard errors and more.
        assert!((shares / (2.0 * n) - 0.5).abs() < 0.01);
        assert!((squares / (2.0 * n) - 1.0 / 3.0).abs() < 0.01);
        assert!((normals / n).abs() < 0.04);
        assert!((normal_squares / n - 1.0).abs() < 0.05);
    }

    #[test]
    fn streams_of_other_seeds_purposes_and_positions_differ() {
        let first = |seed, purpose, position| Noise::new(seed, purpose, position).shares();
        let one = first(1, Purpose::Ticks, 1);
        assert_eq!(first(1, Purpose::Ticks, 1), one);
        assert_ne!(first(2, Purpose::Ticks, 1), one);
        assert_ne!(first(1, Purpose::Regimes, 1), one);
        assert_ne!(first(1, Purpose::Ticks, 2), one);
    }
}
