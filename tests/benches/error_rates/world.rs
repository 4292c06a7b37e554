//! Simulated runs: noise of many kinds with a marginal variance of 1, and what happens to the first KPI.

use rand_core::Rng;
use rand_pcg::Pcg64Mcg;

/// KPIs of a run, judged together.
pub const KPIS: usize = 4;

/// 2⁻⁵³: turns 53 random bits into a share.
const PER_U53: f64 = 1.0 / 9_007_199_254_740_992.0;

/// Random numbers, the same on every platform.
pub struct Stream(Pcg64Mcg);

impl Stream {
    /// The stream of a place in the simulation.
    pub fn of(place: &[u64]) -> Self {
        let seed = place.iter().fold(0x50a4_5eed, |seed, part| mixed(seed ^ mixed(*part)));
        Self(Pcg64Mcg::new((u128::from(mixed(seed ^ 1)) << 64) | u128::from(seed)))
    }

    /// Above 0 and below 1.
    fn share(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) * PER_U53
    }

    /// Two independent standard normal values (Box & Muller 1958, Ann. Math. Stat. 29:610–611).
    fn normals(&mut self) -> (f64, f64) {
        let size = (-2.0 * libm::log(self.share())).sqrt();
        let (up, across) = libm::sincos(2.0 * std::f64::consts::PI * self.share());
        (size * across, size * up)
    }

    /// n independent standard normal values.
    fn white(&mut self, n: usize) -> Vec<f64> {
        let mut values = Vec::with_capacity(n + 1);
        while values.len() < n {
            let (one, other) = self.normals();
            values.extend([one, other]);
        }
        values.truncate(n);
        values
    }

    /// n values of a first-order process.
    pub fn ar1(&mut self, n: usize, phi: f64) -> Vec<f64> {
        let mut values = self.white(n);
        let innovation = (1.0 - phi * phi).sqrt();
        for at in 1..n {
            values[at] = phi * values[at - 1] + innovation * values[at];
        }
        values
    }

    /// n values of a second-order process with the coefficients 0.5 and 0.3; its variance is that of Box & Jenkins
    /// 1976, section 3.2.4.
    fn ar2(&mut self, n: usize) -> Vec<f64> {
        const SETTLING: usize = 200;
        const COEFFICIENTS: (f64, f64) = (0.5, 0.3);
        let (one, two) = COEFFICIENTS;
        let variance = (1.0 - two) / ((1.0 + two) * ((1.0 - two) * (1.0 - two) - one * one));
        let mut values = self.white(n + SETTLING);
        for at in 2..values.len() {
            values[at] += one * values[at - 1] + two * values[at - 2];
        }
        values[SETTLING..].iter().map(|value| value / variance.sqrt()).collect()
    }

    /// n values of fractional Gaussian noise with H = 0.8, exact (Hosking 1984, Water Resour. Res. 20:1898-1908).
    fn long_memory(&mut self, n: usize) -> Vec<f64> {
        const TWICE_H: f64 = 1.6;
        let power = |lag: f64| libm::pow(lag.abs(), TWICE_H);
        let covariance = |lag: usize| {
            let lag = lag as f64;
            0.5 * (power(lag + 1.0) - 2.0 * power(lag) + power(lag - 1.0))
        };
        let correlations: Vec<f64> = (0..n).map(covariance).collect();
        let mut values = self.white(n);
        let (mut weights, mut variance) = (Vec::<f64>::with_capacity(n), 1.0);
        for at in 1..n {
            let known = weights.iter().enumerate().map(|(lag, weight)| weight * correlations[at - 1 - lag]);
            let last = (correlations[at] - known.sum::<f64>()) / variance;
            let former = weights.clone();
            weights.iter_mut().zip(former.iter().rev()).for_each(|(weight, other)| *weight -= last * other);
            weights.push(last);
            variance *= 1.0 - last * last;
            let mean: f64 =
                weights.iter().enumerate().map(|(lag, weight)| weight * values[at - 1 - lag]).sum();
            values[at] = mean + variance.sqrt() * values[at];
        }
        values
    }

    /// n values whose variance remembers the last squares: GARCH(1,1) with 0.1 and 0.85 (Bollerslev 1986, J. Econom.
    /// 31:307-327).
    fn garch(&mut self, n: usize) -> Vec<f64> {
        const SETTLING: usize = 200;
        let mut variance = 1.0;
        let mut values = self.white(n + SETTLING);
        for value in &mut values {
            *value *= f64::sqrt(variance);
            variance = 0.05 + 0.1 * *value * *value + 0.85 * variance;
        }
        values.split_off(SETTLING)
    }

    /// n values of a kind of noise; `phase` of a daily cycle as a share of the day.
    fn noise(&mut self, n: usize, noise: Noise, phase: f64) -> Vec<f64> {
        match noise {
            Noise::Ar1(phi) => self.ar1(n, phi),
            Noise::Ar2 => self.ar2(n),
            Noise::SlowAndWhite => {
                let (slow, white) = (self.ar1(n, 0.9), self.white(n));
                slow.iter().zip(&white).map(|(slow, white)| 0.5_f64.sqrt() * (slow + white)).collect()
            }
            Noise::LongMemory => self.long_memory(n),
            Noise::Garch => self.garch(n),
            Noise::GrowingSpread => {
                let spread = |at: usize| if 3 * at < 2 * n { 0.5 } else { 2.0 };
                self.white(n).into_iter().enumerate().map(|(at, value)| spread(at) * value).collect()
            }
            Noise::Spiky => {
                let values = self.white(n);
                let spike = |share: f64| match share {
                    share if share < 0.025 => 8.0,
                    share if share < 0.05 => -8.0,
                    _ => 0.0,
                };
                values.into_iter().map(|value| value + spike(self.share())).collect()
            }
            Noise::Quantised => self.white(n).into_iter().map(f64::round).collect(),
            Noise::Cycle(amplitude) => {
                let day = |at: usize| 2.0 * std::f64::consts::PI * (at as f64 * HOURS / 24.0 + phase);
                let wave = |(at, value): (usize, f64)| value + amplitude * libm::sin(day(at));
                self.white(n).into_iter().enumerate().map(wave).collect()
            }
        }
    }
}

/// Hours from one iteration to the next, where they have time stamps.
const HOURS: f64 = 0.25;

/// What the values of a KPI look like when nothing happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    /// A first-order process with this autocorrelation of neighbours.
    Ar1(f64),
    /// A second-order process.
    Ar2,
    /// Half of the variance from a slow first-order process (0.9), half from white noise.
    SlowAndWhite,
    /// Fractional Gaussian noise, H = 0.8.
    LongMemory,
    /// The spread remembers.
    Garch,
    /// The standard deviation is 0.5, and 2 in the last third.
    GrowingSpread,
    /// One value in twenty is 8 higher or lower.
    Spiky,
    /// Whole numbers.
    Quantised,
    /// White noise and a daily cycle of this amplitude, an iteration each quarter of an hour.
    Cycle(f64),
}

impl Noise {
    /// In the files: φ of a first-order process, else a word.
    pub fn key(self) -> String {
        match self {
            Self::Ar1(phi) => phi.to_string(),
            Self::Ar2 => "ar2".to_owned(),
            Self::SlowAndWhite => "slow_and_white".to_owned(),
            Self::LongMemory => "long_memory".to_owned(),
            Self::Garch => "garch".to_owned(),
            Self::GrowingSpread => "growing_spread".to_owned(),
            Self::Spiky => "spiky".to_owned(),
            Self::Quantised => "quantised".to_owned(),
            Self::Cycle(amplitude) => format!("cycle_{amplitude}"),
        }
    }

    /// For people.
    pub fn name(self) -> String {
        match self {
            Self::Ar1(0.0) => "white noise".to_owned(),
            Self::Ar1(phi) => format!("AR(1), φ = {phi}"),
            Self::Ar2 => "AR(2), 0.5 and 0.3".to_owned(),
            Self::SlowAndWhite => "half AR(1) with φ = 0.9, half white".to_owned(),
            Self::LongMemory => "long memory, H = 0.8".to_owned(),
            Self::Garch => "GARCH(1,1), 0.1 and 0.85".to_owned(),
            Self::GrowingSpread => "σ 0.5, in the last third 2".to_owned(),
            Self::Spiky => "5 % spikes of 8, up or down".to_owned(),
            Self::Quantised => "white noise, rounded to σ".to_owned(),
            Self::Cycle(amplitude) => format!("daily cycle of {amplitude} σ"),
        }
    }

    fn seed(self) -> u64 {
        match self {
            Self::Ar1(phi) => phi.to_bits(),
            Self::Ar2 => 1,
            Self::SlowAndWhite => 2,
            Self::LongMemory => 3,
            Self::Garch => 4,
            Self::GrowingSpread => 5,
            Self::Spiky => 6,
            Self::Quantised => 7,
            Self::Cycle(amplitude) => mixed(amplitude.to_bits()),
        }
    }

    /// φ of a first-order process; 0 of any other one.
    fn phi(self) -> f64 {
        if let Self::Ar1(phi) = self { phi } else { 0.0 }
    }
}

/// `SplitMix64`: spreads near numbers far apart.
fn mixed(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What happens to the first KPI, for the worse; sizes in marginal standard deviations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scenario {
    /// Nothing: every alarm is a false one.
    Nothing,
    /// A step after this share of the run.
    Step { size: f64, after: f64 },
    /// A straight line that moves so far from the first iteration to the last.
    Drift { size: f64 },
    /// So many single iterations far off, the others untouched.
    Spikes { count: usize, size: f64 },
    /// All of the run, against another one without it.
    Level { size: f64 },
    /// So many steps at equal distances, to and fro.
    Alternation { size: f64, steps: usize },
    /// A step after a third of the run, and another one of the same size after two thirds.
    Staircase { size: f64 },
    /// All of the run varies so many times as much.
    Spread { factor: f64 },
    /// This share of the iterations far off, wherever chance puts them.
    Tail { share: f64, size: f64 },
}

impl Scenario {
    /// As it stands in the table.
    pub fn name(self) -> String {
        match self {
            Self::Nothing => "nothing".to_owned(),
            Self::Step { size, after: 0.5 } => format!("step {size} mid-run"),
            Self::Step { size, .. } => format!("step {size} at three quarters"),
            Self::Drift { size } => format!("drift {size}"),
            Self::Spikes { count: 1, size } => format!("1 spike of {size}"),
            Self::Spikes { count, size } => format!("{count} spikes of {size}"),
            Self::Level { size } => format!("level {size}"),
            Self::Alternation { size, steps: 2 } => format!("bump of {size}"),
            Self::Alternation { size, steps } => format!("{steps} alternations of {size}"),
            Self::Staircase { size } => format!("staircase of 2 x {size}"),
            Self::Spread { factor } => format!("spread x {factor}"),
            Self::Tail { share, size } => format!("{} % spikes of {size}", 100.0 * share),
        }
    }

    fn happens(self, values: &mut [f64], stream: &mut Stream) {
        let n = values.len();
        match self {
            Self::Nothing => {}
            Self::Step { size, after } => {
                let from = (0..n).find(|at| *at as f64 >= after * n as f64).unwrap_or(n);
                values[from..].iter_mut().for_each(|value| *value -= size);
            }
            Self::Drift { size } => {
                let last = (n - 1) as f64;
                values.iter_mut().enumerate().for_each(|(at, value)| *value -= size * at as f64 / last);
            }
            Self::Spikes { count, size } => {
                // Spread over the run, never at its ends.
                (1..=count).for_each(|which| values[which * n / (count + 1)] -= size);
            }
            Self::Level { size } => values.iter_mut().for_each(|value| *value -= size),
            Self::Alternation { size, steps } => {
                let piece = |at: usize| at * (steps + 1) / n;
                values.iter_mut().enumerate().for_each(|(at, value)| *value -= size * (piece(at) % 2) as f64);
            }
            Self::Staircase { size } => {
                values.iter_mut().enumerate().for_each(|(at, value)| *value -= size * (3 * at / n) as f64);
            }
            Self::Spread { factor } => values.iter_mut().for_each(|value| *value *= factor),
            Self::Tail { share, size } => {
                for value in values {
                    *value -= if stream.share() < share { size } else { 0.0 };
                }
            }
        }
    }
}

/// One simulated run.
pub struct Run {
    /// Iterations.
    pub n: usize,
    /// The noise of each KPI.
    pub noises: [Noise; KPIS],
    /// The KPIs, the first with what happened to it. More is better for the first; see the methods.
    pub kpis: [Vec<f64>; KPIS],
    /// By how much a step has moved the first KPI at the end.
    pub stepped_by: f64,
    place: [u64; 3],
}

impl Run {
    /// The `replicate`-th run of this length and noise, without anything that happens.
    pub fn new(n: usize, noise: Noise, replicate: usize) -> Self {
        let place = [n as u64, noise.seed(), replicate as u64];
        let noises = [noise; KPIS];
        let kpis = Self::noise(n, noises, place, 0);
        Self { n, noises, kpis, stepped_by: 0.0, place }
    }

    fn noise(n: usize, noises: [Noise; KPIS], place: [u64; 3], which: u64) -> [Vec<f64>; KPIS] {
        let [length, kind, replicate] = place;
        std::array::from_fn(|kpi| {
            // All runs of a system have the same cycle.
            let phase = Stream::of(&[length, kind, replicate, kpi as u64]).share();
            let mut stream = Stream::of(&[length, kind, replicate, which, kpi as u64]);
            stream.noise(n, noises[kpi], phase)
        })
    }

    /// Hours from the first iteration to each; none where the noise knows no time of day.
    pub fn hours(&self) -> Vec<f64> {
        match self.noises[0] {
            Noise::Cycle(_) => (0..self.n).map(|at| at as f64 * HOURS).collect(),
            _ => Vec::new(),
        }
    }

    /// The same first KPI beside three of white noise.
    pub fn beside_white_noise(&self) -> Self {
        let noises: [Noise; KPIS] =
            std::array::from_fn(|kpi| if kpi == 0 { self.noises[0] } else { Noise::Ar1(0.0) });
        let mut kpis = Self::noise(self.n, noises, self.place, 0);
        kpis[0].clone_from(&self.kpis[0]);
        Self { n: self.n, noises, kpis, stepped_by: self.stepped_by, place: self.place }
    }

    /// Another run of the same process in which nothing happens, independent of this one: a baseline (1), an
    /// extension (2), …
    pub fn another(&self, which: u64, n: usize) -> [Vec<f64>; KPIS] {
        Self::noise(n, self.noises, self.place, which)
    }

    /// The same run of first-order processes, longer: the process continues from its last value, at the level that
    /// it ends with.
    pub fn extended(&self, more: usize) -> [Vec<f64>; KPIS] {
        let noise = Self::noise(self.n, self.noises, self.place, 0);
        // A process that starts elsewhere with the same innovations differs by what is left of the start.
        let further = self.another(2, more + 1);
        std::array::from_fn(|kpi| {
            let (own, next) = (&noise[kpi], &further[kpi]);
            let level = self.kpis[kpi][self.n - 1] - own[self.n - 1];
            let mut left = own[self.n - 1] - next[0];
            let mut values = self.kpis[kpi].clone();
            values.extend(next[1..].iter().map(|value| {
                left *= self.noises[kpi].phi();
                value + left + level
            }));
            values
        })
    }

    /// The same noise with something that happens.
    pub fn with(&self, scenario: Scenario) -> Self {
        let mut kpis = self.kpis.clone();
        let [length, kind, replicate] = self.place;
        scenario.happens(&mut kpis[0], &mut Stream::of(&[length, kind, replicate]));
        let stepped_by = if let Scenario::Step { size, .. } = scenario { size } else { 0.0 };
        Self { n: self.n, noises: self.noises, kpis, stepped_by, place: self.place }
    }
}
