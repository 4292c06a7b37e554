//! Simulated runs: first-order processes with a marginal variance of 1, and what happens to the first of them.

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

    /// n values of a first-order process with mean 0 and marginal variance 1.
    pub fn process(&mut self, n: usize, phi: f64) -> Vec<f64> {
        let mut values = Vec::with_capacity(n + 1);
        while values.len() < n {
            let (one, other) = self.normals();
            values.extend([one, other]);
        }
        values.truncate(n);
        let innovation = (1.0 - phi * phi).sqrt();
        for at in 1..n {
            values[at] = phi * values[at - 1] + innovation * values[at];
        }
        values
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
        }
    }

    fn happens(self, values: &mut [f64]) {
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
        }
    }
}

/// One simulated run.
pub struct Run {
    /// Iterations.
    pub n: usize,
    /// Autocorrelation of neighbours of each KPI.
    pub phis: [f64; KPIS],
    /// The KPIs, the first with what happened to it. More is better for the first; see the methods.
    pub kpis: [Vec<f64>; KPIS],
    /// By how much a step has moved the first KPI at the end.
    pub stepped_by: f64,
    place: [u64; 3],
}

impl Run {
    /// The `replicate`-th run of this length and autocorrelation, without anything that happens.
    pub fn new(n: usize, phi: f64, replicate: usize) -> Self {
        let place = [n as u64, phi.to_bits(), replicate as u64];
        let phis = [phi; KPIS];
        let kpis = Self::noise(n, phis, place, 0);
        Self { n, phis, kpis, stepped_by: 0.0, place }
    }

    fn noise(n: usize, phis: [f64; KPIS], place: [u64; 3], which: u64) -> [Vec<f64>; KPIS] {
        let [length, persistence, replicate] = place;
        std::array::from_fn(|kpi| {
            Stream::of(&[length, persistence, replicate, which, kpi as u64]).process(n, phis[kpi])
        })
    }

    /// The same first KPI beside three of white noise.
    pub fn beside_white_noise(&self) -> Self {
        let phis: [f64; KPIS] = std::array::from_fn(|kpi| if kpi == 0 { self.phis[0] } else { 0.0 });
        let mut kpis = Self::noise(self.n, phis, self.place, 0);
        kpis[0].clone_from(&self.kpis[0]);
        Self { n: self.n, phis, kpis, stepped_by: self.stepped_by, place: self.place }
    }

    /// Another run of the same process in which nothing happens, independent of this one: a baseline (1), an
    /// extension (2), …
    pub fn another(&self, which: u64, n: usize) -> [Vec<f64>; KPIS] {
        Self::noise(n, self.phis, self.place, which)
    }

    /// The same run, longer: the process goes on from its last value, at the level that it ends with.
    pub fn extended(&self, more: usize) -> [Vec<f64>; KPIS] {
        let noise = Self::noise(self.n, self.phis, self.place, 0);
        // A process that starts elsewhere with the same innovations differs by what is left of the start.
        let going_on = self.another(2, more + 1);
        std::array::from_fn(|kpi| {
            let (own, next) = (&noise[kpi], &going_on[kpi]);
            let level = self.kpis[kpi][self.n - 1] - own[self.n - 1];
            let mut left = own[self.n - 1] - next[0];
            let mut values = self.kpis[kpi].clone();
            values.extend(next[1..].iter().map(|value| {
                left *= self.phis[kpi];
                value + left + level
            }));
            values
        })
    }

    /// The same noise with something that happens.
    pub fn with(&self, scenario: Scenario) -> Self {
        let mut kpis = self.kpis.clone();
        scenario.happens(&mut kpis[0]);
        let stepped_by = if let Scenario::Step { size, .. } = scenario { size } else { 0.0 };
        Self { n: self.n, phis: self.phis, kpis, stepped_by, place: self.place }
    }
}
