//! Words and lines for a POSIX shell: quoting, and whether a line ends what it begins.
//!
//! Starts nothing.

/// The text as one word. Plain words stay as they are.
pub fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// What is wrong with a line as a command of its own: it must close its quotes and end no line with a
/// backslash. A shell knows more rules; these are the ones by which a line swallows the lines that follow.
pub fn problem(line: &str) -> Option<&'static str> {
    if line.chars().any(|c| c.is_control() && c != '\t') {
        return Some("it holds a line break or another control character");
    }
    let (mut single, mut double, mut letters) = (false, false, line.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '\'' if !double => single = !single,
            '"' if !single => double = !double,
            '\\' if !single && letters.next().is_none() => {
                return Some("it ends with a backslash, which swallows the next line");
            }
            '`' if !single => return Some("it holds a backquote; `$(…)` does the same and nests"),
            _ => {}
        }
    }
    (single || double).then_some("it opens a quote that it does not close")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_stay_and_everything_else_is_quoted() {
        assert_eq!(word("/etc/mm-bot/runtime_overrides.json"), "/etc/mm-bot/runtime_overrides.json");
        assert_eq!(word("http://localhost:9090/metrics"), "http://localhost:9090/metrics");
        assert_eq!(word("two words"), "'two words'");
        assert_eq!(word("it's"), r"'it'\''s'");
        assert_eq!(word("$(reboot)"), "'$(reboot)'");
        assert_eq!(word(""), "''");
        assert_eq!(word("-rf"), "'-rf'");
        assert_eq!(word("~root"), "'~root'");
    }

    #[test]
    fn a_line_that_would_swallow_the_next_one_is_found() {
        for fine in ["systemctl reload x", r#"curl -d '{"a": "b c"}' "$URL""#, r"echo \'", "a && b | c", ""] {
            assert_eq!(problem(fine), None, "{fine}");
        }
        for wrong in
            ["echo 'a", "echo \"a", "curl -d '{\"a\": 1}\"", "a \\", "a\nb", "echo `date`", "x\u{1b}"]
        {
            assert!(problem(wrong).is_some(), "{wrong:?}");
        }
    }
}
