//! Words and lines for a POSIX shell: quoting, and whether a line ends what it begins.
//!
//! Starts nothing.

use std::path::Path;

/// The text as one word. Plain words stay as they are.
pub(crate) fn word(text: &str) -> String {
    // `shlex` would quote `%`, `=` and `,`, too, which every address has.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) {
        return text.to_owned();
    }
    match shlex::Quoter::new().allow_nul(true).quote(text) {
        Ok(quoted) if quoted != text => quoted.into_owned(),
        _ => format!("'{text}'"),
    }
}

/// A path as one word that no program takes for a flag.
pub(crate) fn path(path: &Path) -> String {
    let text = path.display().to_string();
    word(&if text.starts_with('-') { format!("./{text}") } else { text })
}

/// What is wrong with a line as a command of its own: it must close its quotes and end no line with a
/// backslash. A shell knows more rules; these are the ones by which a line swallows the lines that follow.
pub(crate) fn problem(line: &str) -> Option<&'static str> {
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
        assert_eq!(word("a=1,b%20"), "a=1,b%20");
        assert_eq!(word("two words"), "'two words'");
        assert_eq!(word("it's"), r#""it's""#);
        assert_eq!(word("$(reboot)"), "'$(reboot)'");
        assert_eq!(word(""), "''");
        assert_eq!(word("-rf"), "'-rf'");
        assert_eq!(word("~root"), "'~root'");
        assert_eq!(word(r"a\b"), r#""a\\b""#);
    }

    #[test]
    fn any_word_is_read_back_as_one_word() {
        for text in ["it's", "a\\b", "\\", "-x", "a'b\"c$d`e!f", "é ü", "^a", "#x", "a\nb", "=", "''"] {
            assert_eq!(shlex::split(&word(text)), Some(vec![text.to_owned()]), "{text:?}");
        }
    }

    #[test]
    fn a_path_is_no_flag() {
        assert_eq!(path(Path::new("-out")), "./-out");
        assert_eq!(path(Path::new("a b")), "'a b'");
        assert_eq!(path(Path::new("artifacts/soak")), "artifacts/soak");
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
