//! The beginning of a text that may be of any length.
//!
//! Must not make it safe for a format: that is the business of who writes the format.

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
    fn a_text_is_cut_between_characters_and_the_cut_is_shown() {
        assert_eq!(excerpt("é😀x", 3), "é😀x");
        assert_eq!(excerpt("é😀xy", 3), "é😀…");
        assert_eq!(excerpt("", 1), "");
        assert_eq!(excerpt(&"x".repeat(1_000_000), WORDS).chars().count(), WORDS);
    }
}
