//! Signatures of tuning states: which there were, and where tuning went A → B → A.
//!
//! Compares text only; must not know how a signature is made.

use std::collections::HashSet;

use serde::{Serialize, Serializer};

/// Three neighbouring iterations of which the last undid what the middle one did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "LoopRow")]
pub struct SignatureLoop {
    /// Numbers of the three iterations.
    pub iterations: [u64; 3],
    /// Their signatures, complete; the first and the last are equal.
    pub signatures: [String; 3],
}

/// Signatures and loops of a window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Signatures {
    /// Number of loops.
    pub loop_count: usize,
    /// The first 100 of them.
    #[serde(serialize_with = "first::<100, _, _>")]
    pub loops: Vec<SignatureLoop>,
    /// Number of different signatures.
    pub unique_count: usize,
    /// The first 50 of them, in the order in which they were seen.
    #[serde(serialize_with = "first::<50, _, _>")]
    pub unique: Vec<String>,
}

/// Reports show more of a list than its JSON contains.
fn first<const MOST: usize, T: Serialize, S: Serializer>(list: &[T], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(list.iter().take(MOST))
}

/// Looks through (iteration number, signature), ordered by number, and lists at most `keep` loops and `keep`
/// signatures.
///
/// There is a loop at i when s\[i\] = s\[i+2\] ≠ s\[i+1\]; overlapping ones all count, and neighbours are
/// neighbours also across a gap in the numbers. A missing signature (`None`, empty or `na`) is unknown: it is
/// neither equal to another nor different from one, so it takes part in no loop.
pub fn find(points: &[(u64, Option<&str>)], keep: usize) -> Signatures {
    let mut found = Signatures::default();
    let mut seen = HashSet::new();
    for signature in points.iter().filter_map(|(_, signature)| known(*signature)) {
        if seen.insert(signature) && found.unique.len() < keep {
            found.unique.push(signature.to_owned());
        }
    }
    found.unique_count = seen.len();
    for triple in points.windows(3) {
        let (Some(a), Some(b), Some(c)) = (known(triple[0].1), known(triple[1].1), known(triple[2].1)) else {
            continue;
        };
        if a != c || a == b {
            continue;
        }
        found.loop_count += 1;
        if found.loops.len() < keep {
            found.loops.push(SignatureLoop {
                iterations: [triple[0].0, triple[1].0, triple[2].0],
                signatures: [a, b, c].map(str::to_owned),
            });
        }
    }
    found
}

fn known(signature: Option<&str>) -> Option<&str> {
    signature.filter(|text| !text.is_empty() && *text != "na")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One letter an iteration, from number 1 on; `.` is a missing signature.
    fn of(letters: &str) -> Signatures {
        let points: Vec<(u64, Option<&str>)> = (1..)
            .zip(letters.split("").filter(|letter| !letter.is_empty()))
            .map(|(number, letter)| (number, (letter != ".").then_some(letter)))
            .collect();
        find(&points, 100)
    }

    #[test]
    fn overlapping_loops_all_count() {
        assert_eq!(of("ABABA").loop_count, 3);
        assert_eq!(of("ABAC").loop_count, 1);
        assert_eq!(of("ABCD").loop_count, 0);
    }

    #[test]
    fn standing_still_is_no_loop() {
        assert_eq!(of("AAAA").loop_count, 0);
        assert_eq!(of("ABBA").loop_count, 0);
        assert_eq!(of("AB").loop_count, 0);
        assert_eq!(of("").loop_count, 0);
    }

    #[test]
    fn a_missing_signature_takes_part_in_no_loop() {
        assert_eq!(of("A.A").loop_count, 0);
        assert_eq!(of(".A.").loop_count, 0);
        let words =
            [(1, Some("na")), (2, Some("x")), (3, Some("na")), (4, Some("")), (5, Some("x")), (6, Some(""))];
        let found = find(&words, 100);
        assert_eq!((found.loop_count, found.unique_count), (0, 1));
        assert_eq!(found.unique, ["x"]);
    }

    #[test]
    fn a_loop_tells_its_iterations_also_across_a_gap() {
        let found = find(&[(4, Some("a1")), (7, Some("b2")), (8, Some("a1"))], 100);
        let expected =
            SignatureLoop { iterations: [4, 7, 8], signatures: ["a1", "b2", "a1"].map(str::to_owned) };
        assert_eq!(found.loops, [expected]);
    }

    #[test]
    fn unique_signatures_stand_in_the_order_in_which_they_were_seen() {
        let found = of("CABAC.D");
        assert_eq!(found.unique, ["C", "A", "B", "D"]);
        assert_eq!(found.unique_count, 4);
    }

    #[test]
    fn a_limit_on_the_lists_does_not_touch_the_counts() {
        let points: Vec<(u64, Option<&str>)> =
            (0..100_000).map(|n| (n, Some(if n % 2 == 0 { "A" } else { "B" }))).collect();
        let found = find(&points, 1);
        assert_eq!((found.loop_count, found.loops.len()), (99_998, 1));
        assert_eq!((found.unique_count, found.unique.len()), (2, 1));
    }
}
