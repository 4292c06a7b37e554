//! Text from a file, made safe for a terminal and for one line.

use std::borrow::Cow;

/// Longest text that is shown, in characters; what is longer ends in an ellipsis.
pub(crate) const LONGEST: usize = 400;

/// The text on one line, without control characters, of bounded length.
pub(crate) fn printable(text: &str) -> String {
    let mut line: String = text.chars().take(LONGEST).map(visible).collect();
    if text.chars().nth(LONGEST).is_some() {
        line.pop();
        line.push('…');
    }
    line
}

/// A text of several lines for a terminal: what [`printable`] does, but with its line ends and at full length.
pub(crate) fn printable_lines(text: &str) -> String {
    let lines: String =
        text.chars().map(|letter| if letter == '\n' { letter } else { visible(letter) }).collect();
    without_commands(&lines).into_owned()
}

/// Lines in which no text of a file or a server commands the runner of a CI system: GitHub takes a line that begins
/// with `::`, and `##[` anywhere, for a command. Such a line continues the one before it.
pub(crate) fn without_commands(text: &str) -> Cow<'_, str> {
    let is_harmless = |line: &str| !line.trim_start().starts_with("::") && !line.contains("##[");
    if text.lines().skip(1).all(is_harmless) && !text.contains("##[") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if !is_harmless(line) && out.ends_with('\n') {
            out.pop();
            out.push(' ');
        }
        out.push_str(&line.replace("##[", "## ["));
    }
    Cow::Owned(out)
}

/// Whether a character is no letter that a person sees: it controls a terminal, turns text, or hides.
pub(crate) fn is_unseen(letter: char) -> bool {
    visible(letter) == '\u{fffd}' && letter != '\u{fffd}'
}

/// White space becomes a space; control characters, and those that turn the direction of text or are not
/// seen, become a replacement character.
pub(crate) fn visible(letter: char) -> char {
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
    fn no_line_commands_a_runner_and_others_stay() {
        for text in ["a\nb\n", "error: a::b\n  because: c\n", "", "a\n\n"] {
            assert_eq!(printable_lines(text), text);
        }
        assert_eq!(
            printable_lines("a\n::error::x\n\t ::set-output name=a::b\nc"),
            "a ::error::x   ::set-output name=a::b\nc"
        );
        assert_eq!(printable_lines("a ##[error]b\n##[group]"), "a ## [error]b ## [group]");
        assert_eq!(printable_lines("\u{1b}]0;x\u{7}\u{202e}"), "\u{fffd}]0;x\u{fffd}\u{fffd}");
    }
}
