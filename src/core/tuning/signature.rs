//! Signatures of proposals and hashes of overrides: how the tuner recognises what it has seen.
//!
//! Fixed byte strings, so that other programs can compute them; must not depend on anything but its inputs.

use md5::Md5;
use sha2::{Digest, Sha256};

use super::record::Delta;
use crate::core::hex::hex;
use crate::core::number::{fixed, round_half_even};
use crate::core::params::ParamValues;

/// Hexadecimal digits of an overrides' hash.
const HASH_DIGITS: usize = 16;

/// Signature of what an iteration proposes: MD5 in lower-case hex over the lines `iteration=<number>` and
/// `<name>=<delta>` sorted by name, each ended by LF, the delta with exactly five decimals and zero without a
/// sign. The deltas +5 of `min_interval_ms` and −0.005 of `impact_cap_ratio` in iteration 7 are
/// `iteration=7\nimpact_cap_ratio=-0.00500\nmin_interval_ms=5.00000\n`. Being part of it, the number makes
/// equal steps of two iterations two steps. `None` when nothing is proposed.
pub fn of_deltas(iteration: u64, deltas: &[Delta]) -> Option<String> {
    if deltas.is_empty() {
        return None;
    }
    let mut lines: Vec<String> =
        deltas.iter().map(|delta| format!("{}={}\n", delta.param, fixed(delta.delta, 5))).collect();
    lines.sort_unstable();
    let text = format!("iteration={iteration}\n{}", lines.concat());
    Some(hex(&Md5::digest(text.as_bytes())))
}

/// Hash of a set of overrides: the first 16 digits of SHA-256 in lower-case hex over the lines
/// `<name>=<value>`, sorted by name, each ended by LF, values rounded to ten decimals and written as shortly
/// as possible (`60`, `0.14`).
pub fn of_overrides(overrides: &ParamValues) -> String {
    let lines: Vec<String> =
        overrides.iter().map(|(name, value)| format!("{name}={}\n", round_half_even(value, 10))).collect();
    let mut hash = hex(&Sha256::digest(lines.concat().as_bytes()));
    hash.truncate(HASH_DIGITS);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::params::ParamName;

    fn delta(name: &str, delta: f64) -> Delta {
        Delta { param: ParamName::flat(name), delta, reason: String::new() }
    }

    #[test]
    fn a_signature_is_the_md5_of_the_documented_lines() {
        let one = of_deltas(7, &[delta("min_interval_ms", 5.0), delta("impact_cap_ratio", -0.005)]);
        // printf 'iteration=7\nimpact_cap_ratio=-0.00500\nmin_interval_ms=5.00000\n' | md5sum
        assert_eq!(one.as_deref(), Some("e19b87661682015ec1abd08f8d83dfd3"));
        assert_eq!(of_deltas(7, &[]), None);
    }

    #[test]
    fn a_signature_knows_the_iteration_and_five_digits() {
        let of = |number, by| of_deltas(number, &[delta("impact_cap_ratio", by)]);
        assert_ne!(of(7, 0.005), of(8, 0.005));
        assert_eq!(of(7, 0.005), of(7, 0.005_000_1));
        assert_ne!(of(7, 0.005), of(7, 0.005_01));
    }

    #[test]
    fn a_hash_of_overrides_is_the_sha_256_of_the_documented_lines() {
        let values = ParamValues::new(vec![
            (ParamName::flat("min_interval_ms"), 60.0),
            (ParamName::flat("base_spread_bps_delta"), 0.14),
        ]);
        // printf 'base_spread_bps_delta=0.14\nmin_interval_ms=60\n' | sha256sum | cut -c1-16
        assert_eq!(of_overrides(&values), "b01ffbbec7d22a5c");
    }
}
