//! What happens to the simulated system from outside: regimes, crashes, thin books, bursts and lags.
//!
//! A chain over blocks that depends on seed and scenario alone, never on the overrides. It is run forward
//! from the start and remembers where it is, so that a fresh simulator at any iteration sees the same world.

use super::constants::{BLOCKS, BURST_TICKS, CRASH_BPS, GAP_DEPTH, STORM_TICKS};
use super::noise::{Noise, Purpose};
use super::scenario::Scenario;

/// The state of the world for one block.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Block {
    /// 0 calm, 1 volatile, 2 stressed.
    pub(super) regime: usize,
    /// Drift of the mid price, bps per tick.
    pub(super) drift_bps: f64,
    /// Depth of the book as a share of the usual.
    pub(super) depth: f64,
    /// So many ticks of the block have a latency burst.
    pub(super) burst_ticks: usize,
    /// Whether the market data lags.
    pub(super) lags: bool,
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
            Scenario::Calm => {
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
pub(super) struct Regimes {
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
    pub(super) fn new(seed: u64, scenario: Scenario) -> Self {
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
    pub(super) fn blocks(&mut self, iteration: u64) -> [Block; BLOCKS] {
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
        }
    }
}
