//! Text from files, made safe to stand in Markdown and on a terminal.
//!
//! What comes from a file may hold anything: table borders, line breaks, markup, escape sequences.

/// Longest text that is shown, in characters; what is longer ends in an ellipsis.
const LONGEST: usize = 400;

/// The text on one line, without control characters, of bounded length.
pub fn printable(text: &str) -> String {
    let mut line: String = text.chars().take(LONGEST).map(visible).collect();
    if text.chars().nth(LONGEST).is_some() {
        line.pop();
        line.push('…');
    }
    line
}

/// The text as the content of a table cell, or anywhere else in Markdown: [`printable`], with everything
/// escaped that could end the cell or be markup.
pub fn cell(text: &str) -> String {
    escaped(&printable(text))
}

/// [`cell`] at full length, for sentences that are made here and hold nothing long from a file.
pub fn escaped(text: &str) -> String {
    let line: String = text.chars().map(visible).collect();
    let mut escaped = String::with_capacity(line.len() * 2);
    for letter in line.trim().chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '|' | '`' | '*' | '~' | '[' | ']' | '!' | '#' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// A text of several lines for a terminal: what [`printable`] does, but with its line ends and at full length.
pub fn printable_lines(text: &str) -> String {
    text.chars().map(|letter| if letter == '\n' { letter } else { visible(letter) }).collect()
}

/// Whether a character is no letter that a person sees: it controls a terminal, turns text, or hides.
pub fn is_unseen(letter: char) -> bool {
    visible(letter) == '\u{fffd}' && letter != '\u{fffd}'
}

/// White space becomes a space; control characters, and those that turn the direction of text or are not
/// seen, become a replacement character.
fn visible(letter: char) -> char {
    match letter {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        _ if letter.is_control() => '\u{fffd}',
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_file_can_end_its_cell_or_its_line() {
        assert_eq!(cell("a|b"), r"a\|b");
        assert_eq!(cell("a\r\nb\tc\u{2028}d"), "a  b c d");
        assert_eq!(cell(r"a\|b"), r"a\\\|b");
        assert_eq!(cell("  padded  "), "padded");
    }

    #[test]
    fn markup_is_shown_and_not_obeyed() {
        assert_eq!(cell("<img src=x>"), "&lt;img src=x&gt;");
        assert_eq!(cell("![x](y) **b** `c` ~~d~~"), r"\!\[x\](y) \*\*b\*\* \`c\` \~\~d\~\~");
        assert_eq!(cell("# a &lt;"), r"\# a &amp;lt;");
        assert_eq!(cell("min_interval_ms"), "min_interval_ms");
    }

    #[test]
    fn control_characters_cannot_reach_a_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\0\u{7f}\u{85}"), "a\u{fffd}[31mb\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(printable("a\u{202e}b\u{200b}"), "a\u{fffd}b\u{fffd}");
        // What Unicode calls default ignorable, and the mark that turns Arabic text.
        for unseen in ['\u{ad}', '\u{61c}', '\u{180e}', '\u{2066}', '\u{206f}', '\u{e0041}'] {
            assert_eq!(printable(&format!("a{unseen}b")), "a\u{fffd}b", "{:x}", u32::from(unseen));
        }
    }

    #[test]
    fn the_length_is_bounded_and_the_cut_is_shown() {
        assert_eq!(printable(&"é".repeat(LONGEST)), "é".repeat(LONGEST));
        let cut = printable(&"é".repeat(LONGEST + 1));
        assert_eq!(cut, format!("{}…", "é".repeat(LONGEST - 1)));
        assert_eq!(cut.chars().count(), LONGEST);
    }
}
