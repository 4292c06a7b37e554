//! Which word was probably meant. Knows no words of its own.

use strsim::osa_distance;

/// ` (did you mean `…`?)`, or nothing when no candidate is near.
pub fn did_you_mean<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    closest(word, candidates).map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"))
}

/// The nearest candidate within a third of the word's length; of equally near ones the first.
pub fn closest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let length = word.chars().count();
    if length > 120 {
        return None;
    }
    let farthest = (length / 3).clamp(1, 4);
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= farthest)
        .map(|candidate| (osa_distance(word, candidate), candidate))
        .filter(|(distance, _)| (1..=farthest).contains(distance))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_words_are_suggested() {
        // Two neighbours that changed places are one step apart.
        assert_eq!(closest("medain", ["mean", "median", "max"]), Some("median"));
        assert_eq!(closest("flaw", ["lawn", "claw"]), Some("claw"));
        assert_eq!(closest("zebra", ["mean", "median", "max"]), None);
        assert_eq!(closest("", ["mean"]), None);
    }
}
