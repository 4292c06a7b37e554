//! Names of releases, which become names of git tags: the rules of `git check-ref-format`, and no leading dash.

pub(crate) const REHEARSAL: &str = "-rehearsal";

/// Longest name, so that files made of it fit everywhere.
const LONGEST: usize = 120;

/// What is wrong with a name; `Ok` when nothing is.
pub(crate) fn check(name: &str) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{name:?} cannot be the name of a tag: {what}"));
    if name.is_empty() {
        return wrong("it is empty");
    }
    if name.len() > LONGEST {
        return wrong("it is longer than 120 bytes");
    }
    if name.starts_with('-') {
        return wrong("it begins with a dash, which git takes for a flag");
    }
    if name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return wrong("it holds a blank, a line break or another control character");
    }
    if let Some(letter) = name.chars().find(|c| "~^:?*[\\".contains(*c)) {
        return wrong(&format!("it holds `{letter}`"));
    }
    for sequence in ["..", "@{", "//"] {
        if name.contains(sequence) {
            return wrong(&format!("it holds `{sequence}`"));
        }
    }
    if name == "@" || name == "HEAD" || name.starts_with("refs/") {
        return wrong("git gives it another meaning");
    }
    if name.starts_with('/') || name.ends_with(['/', '.']) {
        return wrong("it begins or ends with a slash, or ends with a dot");
    }
    for part in name.split('/') {
        // On some systems `.LOCK` is the same file.
        if part.starts_with('.') || part.to_ascii_lowercase().ends_with(".lock") {
            return wrong("a part of it begins with a dot or ends with `.lock`");
        }
    }
    Ok(())
}

/// The name of a release; that of a rehearsal ends so.
pub(crate) fn of(name: &str, rehearsal: bool) -> String {
    if rehearsal && !name.ends_with(REHEARSAL) { format!("{name}{REHEARSAL}") } else { name.to_owned() }
}

pub(crate) fn file_stem(name: &str) -> String {
    name.replace('/', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_git_takes_are_taken() {
        for fine in
            ["v1.0.0-soak-validated", "v1", "release/v1.2", "refs", "a@b", "é", "1.0", "a-b_c+d", "x{y}"]
        {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
    }

    #[test]
    fn names_that_git_refuses_or_takes_for_something_else_are_refused() {
        for wrong in [
            "",
            "-d",
            "--force",
            "a b",
            "a\nb",
            "a\tb",
            "\u{1b}[2J",
            "a..b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[b",
            "a\\b",
            "@",
            "a@{1}",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.",
            "a.lock",
            "a.lock/b",
            "A.LOCK",
            "HEAD",
            "refs/tags/v1",
            "a\u{a0}b",
            "\u{7f}",
        ] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
        assert!(check(&"a".repeat(120)).is_ok() && check(&"a".repeat(121)).is_err());
    }

    #[test]
    fn a_rehearsal_is_called_so_once() {
        assert_eq!(of("v1", true), "v1-rehearsal");
        assert_eq!(of("v1-rehearsal", true), "v1-rehearsal");
        assert_eq!(of("v1", false), "v1");
        assert_eq!(file_stem("release/v1"), "release-v1");
    }
}
