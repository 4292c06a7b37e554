//! Cuts a text into messages that a service takes.
//!
//! Must not change the text: the parts joined are the whole. Whole lines stay together where they can, else whole
//! words; a word is cut only where it fills half a message by itself, and a character never.

/// The text in parts of at most `limit` units, where a character takes as many as `units` says. A part that would
/// be blank is left out, because services refuse it.
pub(super) fn parts(text: &str, limit: usize, units: impl Fn(char) -> usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(most) = overflow(rest, limit, &units) {
        // A cut in the first half would make many small messages of a text with few line ends.
        let half = overflow(rest, limit / 2, &units).unwrap_or(0);
        let after = |is_end: fn(char) -> bool| {
            let before = rest[..most].rfind(is_end)?;
            let width = rest[before..].chars().next().map_or(0, char::len_utf8);
            (before + width > half).then_some(before + width)
        };
        let cut = after(|c| c == '\n').or_else(|| after(char::is_whitespace)).unwrap_or(most);
        let (part, left) = rest.split_at(cut);
        parts.push(part);
        rest = left;
    }
    parts.push(rest);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// Where the first character stands that does not fit any more, at least after one character. `None` = all fit.
fn overflow(text: &str, limit: usize, units: impl Fn(char) -> usize) -> Option<usize> {
    let mut used = 0;
    for (position, character) in text.char_indices() {
        used += units(character);
        if used > limit && position > 0 {
            return Some(position);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(text: &str, limit: usize) -> Vec<usize> {
        let parts = parts(text, limit, char::len_utf16);
        assert_eq!(parts.concat(), text);
        parts.iter().map(|part| part.encode_utf16().count()).collect()
    }

    #[test]
    fn a_text_without_blanks_is_cut_at_the_limit_and_never_inside_a_character() {
        assert_eq!(lengths("abc", 4), [3]);
        assert_eq!(lengths("abcd", 4), [4]);
        assert_eq!(lengths("abcde", 4), [4, 1]);
        // Two units each: two fit into four, one into three.
        assert_eq!(lengths("😀😀😀", 4), [4, 2]);
        assert_eq!(lengths("😀😀😀", 3), [2, 2, 2]);
        assert_eq!(lengths("a😀😀", 4), [3, 2]);
        // Wider than a message can be: there is no better way than to try.
        assert_eq!(lengths("😀😀", 1), [2, 2]);
    }

    #[test]
    fn lines_stay_together_before_words_do_and_words_before_letters() {
        assert_eq!(parts("one two\nthree four", 12, char::len_utf16), ["one two\n", "three four"]);
        assert_eq!(parts("one two three four", 12, char::len_utf16), ["one two ", "three four"]);
        // The only line end is in the first half, so the word before the limit counts.
        assert_eq!(parts("a\nbcdef ghij klmn", 12, char::len_utf16), ["a\nbcdef ", "ghij klmn"]);
        assert_eq!(parts("a bcdefghijklmnop", 12, char::len_utf16), ["a bcdefghijk", "lmnop"]);
        assert_eq!(parts("abcdefghijk lm", 12, char::len_utf16), ["abcdefghijk ", "lm"]);
    }

    #[test]
    fn a_blank_part_is_not_sent() {
        assert_eq!(parts("abcd    ", 4, char::len_utf16), ["abcd"]);
    }

    #[test]
    fn the_width_of_a_character_is_the_services_affair() {
        let double = |letter: char| if letter == '&' { 5 } else { 1 };
        assert_eq!(parts("&&x&", 10, double), ["&&", "x&"]);
    }
}
