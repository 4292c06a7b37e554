//! Command lines of soak in texts, parsed by the definition that the program has.

use crate::deploy::files::spans;

/// Every command line of soak in a Markdown text: in code blocks (shell, console, jobs of CI systems), where it is
/// typed as it is (`true`), and in code spans, where a command may only be named.
pub(crate) fn in_markdown(text: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for (index, part) in text.split("```").enumerate() {
        if index % 2 == 1 {
            let lines = part.lines().map(str::trim).map(|line| {
                let line =
                    ["$ ", "sudo ", "- run: ", "- "].iter().fold(line, |l, p| l.strip_prefix(p).unwrap_or(l));
                line.strip_prefix("sh '").and_then(|line| line.strip_suffix('\'')).unwrap_or(line)
            });
            found.extend(lines.filter(|line| line.starts_with("soak ")).map(|line| (line.to_owned(), true)));
        } else {
            let spans = spans(part).into_iter().filter(|span| span.starts_with("soak "));
            found.extend(spans.map(|span| (span, false)));
        }
    }
    found
}

/// The words of a simple command, as a shell splits them: quotes, backslashes, `#`, and the end at `|`, `;`, `&`, `>`.
pub(crate) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut letters = line.chars().peekable();
    while let Some(c) = letters.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some('"') | None, '\\') => word.get_or_insert_default().extend(letters.next()),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, '#') if word.is_none() => break,
            (None, '|' | ';' | '&' | '>' | '<') => break,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Parses a command line, which may be a mere name unless it is to be typed; says what is wrong with it. `None` =
/// understood.
pub(crate) fn problem(line: &str, is_typed: bool) -> Option<String> {
    let words = words(line);
    let error = soak::cli::definition().try_get_matches_from(&words).err()?;
    // A command named without its arguments is a name, not a command line.
    let is_name = words[1..].iter().all(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
        && !words.iter().any(|word| word.starts_with('-'));
    let is_fine = match error.kind() {
        clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion => true,
        clap::error::ErrorKind::MissingRequiredArgument => is_name && !is_typed,
        _ => false,
    };
    (!is_fine).then(|| format!("`{line}`: {error}"))
}

#[test]
fn lines_are_split_as_a_shell_does() {
    assert_eq!(
        words(r#"soak gate --override "a \"b\" c" x\ y 'd e' # no"#),
        ["soak", "gate", "--override", "a \"b\" c", "x y", "d e"]
    );
    assert_eq!(words("soak extract --pretty > a.json"), ["soak", "extract", "--pretty"]);
}

#[test]
fn commands_are_found_in_blocks_of_all_kinds_and_in_spans() {
    let text = "`soak gate`\n```console\n$ soak run -q\nsoaked\n```\n```yaml\n- run: soak doctor\n- soak audit\n```\n\
                ```groovy\nsh 'soak gate --junit a.xml'\n```\n```sh\nsudo soak serve\n```";
    let found = in_markdown(text);
    let lines: Vec<&str> = found.iter().map(|(line, _)| line.as_str()).collect();
    let expected =
        ["soak gate", "soak run -q", "soak doctor", "soak audit", "soak gate --junit a.xml", "soak serve"];
    assert_eq!(lines, expected);
    assert_eq!(found.iter().filter(|(_, is_typed)| *is_typed).count(), 5);
}

#[test]
fn a_wrong_flag_is_a_problem_and_a_name_is_none() {
    assert!(problem("soak gate --no-such-flag", false).is_some());
    assert!(problem("soak no-such-command", false).is_some());
    for fine in ["soak gate --strict", "soak rollback log show", "soak run --help"] {
        assert_eq!(problem(fine, false), None);
    }
    assert!(problem("soak rollback log show", true).is_some(), "without its file it cannot be typed");
}

/// The examples below the help of a command and of those below it.
fn examples(command: &clap::Command, found: &mut Vec<String>) {
    let help = [command.get_after_help(), command.get_after_long_help()];
    let mut lines: Vec<String> = Vec::new();
    for line in help.into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join("\n").lines() {
        // A line that goes on begins with a margin of its own.
        match lines.last_mut().filter(|last| last.ends_with('\\')) {
            Some(last) => {
                last.pop();
                last.push_str(line.trim_start());
            }
            None => lines.push(line.to_owned()),
        }
    }
    let lines = lines.iter().filter(|line| line.starts_with("  soak "));
    // What an example is for stands behind it, in a column of its own.
    found.extend(lines.filter_map(|line| line.trim().split("  ").next()).map(ToOwned::to_owned));
    for inner in command.get_subcommands() {
        examples(inner, found);
    }
}

#[test]
fn the_examples_in_the_help_can_be_typed() {
    let mut found = Vec::new();
    examples(&soak::cli::definition(), &mut found);
    for line in &found {
        assert_eq!(problem(line, true), None, "{line}");
    }
    assert!(found.len() > 10, "{found:?}");
}
