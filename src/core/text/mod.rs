//! Texts for people: which word was probably meant, and the beginning of a text that may be of any length.
//!
//! Must not make a text safe for a format: that is the business of who writes the format.

pub mod person;
pub mod printable;

pub mod shell;

pub mod spark;

pub mod number;

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

/// Characters of a file's words that are kept where a person reads them.
pub const WORDS: usize = 400;

/// At most `most` characters of a text; one that is longer ends in an ellipsis.
pub fn excerpt(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
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

    #[test]
    fn a_text_is_cut_between_characters_and_the_cut_is_shown() {
        assert_eq!(excerpt("é😀x", 3), "é😀x");
        assert_eq!(excerpt("é😀xy", 3), "é😀…");
        assert_eq!(excerpt("", 1), "");
        assert_eq!(excerpt(&"x".repeat(1_000_000), WORDS).chars().count(), WORDS);
    }
}
