//! The name of somebody who answers for something. Must not know where it comes from.

/// Longest name, characters: it must fit on a line.
pub const LONGEST: usize = 200;

/// A name as it is written down: without blanks around it, on one line, with a letter or a digit in it, so that initials
/// are enough; `None` where the text is no such name.
pub fn name(text: &str) -> Option<&str> {
    let name = text.trim();
    let is_name = name.chars().any(char::is_alphanumeric) && !name.chars().any(char::is_control);
    (is_name && name.chars().count() <= LONGEST).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_letter_and_fits_on_a_line() {
        assert_eq!(name(" Ann B. "), Some("Ann B."));
        assert_eq!(name("李"), Some("李"));
        assert_eq!(name(&"x".repeat(200)).map(str::len), Some(200));
        for none in ["", "  ", "-", "a\nb", "a\u{1b}[2J", &"x".repeat(201)] {
            assert_eq!(name(none), None, "{none:?}");
        }
    }
}
