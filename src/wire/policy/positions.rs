//! Line and column of a byte offset. Knows nothing of TOML.

/// A place in a text, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// The line starts of a text, found once.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let after_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after_newlines).collect() }
    }

    /// The place of a byte offset; one beyond the end counts as the end.
    pub(super) fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts[line - 1];
        let before = self.text.as_bytes().get(start..offset).unwrap_or_default();
        // Continuation bytes of UTF-8 are 0b10xxxxxx; every other byte starts a character.
        let column = before.iter().filter(|byte| **byte & 0xC0 != 0x80).count() + 1;
        Position { line, column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, offset: usize) -> (usize, usize) {
        let position = Lines::of(text).position(offset);
        (position.line, position.column)
    }

    #[test]
    fn lines_and_columns_are_counted_from_one() {
        assert_eq!(at("", 0), (1, 1));
        assert_eq!(at("ab\ncd", 0), (1, 1));
        assert_eq!(at("ab\ncd", 2), (1, 3));
        assert_eq!(at("ab\ncd", 3), (2, 1));
        assert_eq!(at("ab\r\ncd", 5), (2, 2));
        assert_eq!(at("ab\n", 3), (2, 1));
    }

    #[test]
    fn columns_count_characters_and_not_bytes() {
        assert_eq!(at("ä = 1", "ä = ".len()), (1, 5));
        assert_eq!(at("x\n€€ = 1", 2 + "€€ = ".len()), (2, 6));
    }

    #[test]
    fn an_offset_beyond_the_end_is_the_end() {
        assert_eq!(at("ab", 99), (1, 3));
    }
}
