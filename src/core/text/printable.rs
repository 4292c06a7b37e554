//! Text from a file, made safe for a terminal and for one line.

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
    text.chars().map(|letter| if letter == '\n' { letter } else { visible(letter) }).collect()
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
