//! Random numbers of the simulator: the same on every platform, and the same whatever the overrides are.
//!
//! Every stream depends on seed and position alone, and every tick takes the same number of values from it,
//! so that two runs that differ in their overrides live through the same market.

use rand_core::Rng;
use rand_pcg::Pcg64Mcg;

/// What a stream is for; keeps streams of one seed apart.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// The chain of regimes.
    Regimes = 1,
    /// The ticks of an iteration.
    Ticks = 2,
    /// The resources of an iteration.
    Resources = 3,
}

/// 2⁻³²: turns 32 random bits into a share.
const PER_U32: f64 = 1.0 / 4_294_967_296.0;

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(super) struct Noise(Pcg64Mcg);

impl Noise {
    /// The stream for this purpose at this position.
    pub(super) fn new(seed: u64, purpose: Purpose, position: u64) -> Self {
        let high = mixed(seed ^ mixed(purpose as u64));
        let low = mixed(high ^ mixed(position));
        Self(Pcg64Mcg::new((u128::from(high) << 64) | u128::from(low)))
    }

    /// Two independent shares, each above 0 and below 1.
    pub(super) fn shares(&mut self) -> (f64, f64) {
        let bits = self.0.next_u64();
        let share = |half: u64| ((half & 0xffff_ffff) as f64 + 0.5) * PER_U32;
        (share(bits >> 32), share(bits))
    }

    /// Nearly normal, mean 0 and deviation 1: the sum of four uniform values (Irwin–Hall), so within ±2√3.
    /// Adding is exact on every platform and fast; the missing tails are what jumps are for.
    pub(super) fn normal(&mut self) -> f64 {
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
