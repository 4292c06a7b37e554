//! What README and guides promise, compared with the program: size, exit codes, commands, output, and their words.
//! Links and command lines are checked with those of the runbooks (`deploy::runbooks`).

#![expect(
    clippy::disallowed_methods,
    reason = "the tests read the files of the repository and run its program"
)]

use std::collections::BTreeSet;
#[cfg(unix)]
use std::process::Command;

use soak::core::verdict::exit::Exit;

use crate::deploy::files::{names, path, rows, spans, text};
use crate::deploy::runbooks::documents;

/// The commands, those of groups with their group.
fn commands(command: &clap::Command, above: &str) -> BTreeSet<String> {
    command
        .get_subcommands()
        .flat_map(|sub| {
            let name = format!("{above} {}", sub.get_name());
            let mut below = commands(sub, &name);
            // A group is a command itself only where it does something without another word.
            if !sub.is_subcommand_required_set() {
                below.insert(name);
            }
            below
        })
        .collect()
}

#[test]
fn the_readme_is_short() {
    let size = text("README.md").len();
    assert!(size <= 8192, "{size} bytes");
}

#[test]
fn the_readme_leads_to_every_guide() {
    let readme = text("README.md");
    for name in names("deploy/guides", ".md") {
        assert!(readme.contains(&format!("](deploy/guides/{name})")), "{name}");
    }
}

#[test]
fn the_exit_code_table_is_that_of_the_program() {
    let expected: Vec<Vec<String>> = Exit::ALL
        .iter()
        .map(|exit| {
            vec![exit.code(false).to_string(), exit.code(true).to_string(), exit.meaning().to_owned()]
        })
        .collect();
    assert_eq!(rows(&text("README.md"), "Exit codes"), expected);
}

#[test]
fn the_command_table_lists_all_commands() {
    let guide = text("deploy/guides/commands.md");
    let table = guide.split("\n## ").next().expect("the table comes first");
    let listed: BTreeSet<String> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| spans(line).into_iter().next().expect("a command in the first cell"))
        .collect();
    assert_eq!(listed, commands(&soak::cli::definition(), "soak"));
}

/// The commands of the console blocks of a Markdown text, each with the lines expected below it.
#[cfg(unix)]
fn consoles(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    for block in text.split("```console\n").skip(1) {
        for line in block.split("\n```").next().unwrap_or_default().lines() {
            match line.strip_prefix("$ ") {
                Some(command) => found.push((command, Vec::new())),
                None => found.last_mut().expect("a command comes first").1.push(line),
            }
        }
    }
    found
}

/// Whether lines are those expected; `…` is any number of lines.
#[cfg(unix)]
fn is_as_expected(lines: &[&str], expected: &[&str]) -> bool {
    match expected.split_first() {
        None => lines.is_empty(),
        Some((&"…", rest)) => (0..=lines.len()).any(|from| is_as_expected(&lines[from..], rest)),
        Some((first, rest)) => lines.first() == Some(first) && is_as_expected(&lines[1..], rest),
    }
}

/// Runs the console blocks of a document in a folder of its own. Shown is stdout, or stderr where stdout is empty.
#[cfg(unix)]
fn differences(document: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let binary = assert_cmd::cargo::cargo_bin("soak");
    let programs = binary.parent().expect("the folder of the binary").display();
    let mut status = 0;
    let mut wrong = Vec::new();
    for (command, expected) in consoles(document) {
        let output = Command::new("sh")
            .args(["-c", &format!("(exit {status}); {command}")])
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", format!("{programs}:/usr/local/bin:/usr/bin:/bin"))
            .env("HOME", folder.path())
            .env("USER", "somebody")
            .env("SOAK_NOW", "2026-01-31T12:00:00Z")
            .output()
            .expect("`sh` runs");
        status = output.status.code().expect("an exit code");
        let shown = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
        let shown = String::from_utf8_lossy(shown);
        if !is_as_expected(&shown.lines().collect::<Vec<_>>(), &expected) {
            wrong.push(format!("$ {command}\nexpected:\n{}\ngot:\n{shown}", expected.join("\n")));
        }
    }
    wrong
}

#[cfg(unix)]
#[test]
fn the_output_below_each_command_is_what_the_program_prints() {
    let mut count = 0;
    for name in documents() {
        let document = text(&name);
        count += consoles(&document).len();
        let wrong = differences(&document);
        assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
    }
    assert!(count > 25, "only {count} commands with output");
}

#[cfg(unix)]
#[test]
fn a_wrong_line_below_a_command_is_a_difference() {
    let good = "```console\n$ printf 'a\\nb\\nc\\n'; false\na\n…\nc\n$ echo $?\n1\n```\n";
    assert_eq!(differences(good), Vec::<String>::new());
    for wrong in ["…\nb\n", "a\nc\n", "a\n…\nd\n", ""] {
        let document = good.replace("a\n…\nc\n", wrong);
        assert_eq!(differences(&document).len(), 1, "{document}");
    }
}

/// Phrases of an old dialect, which texts for users avoid.
const REFUSED: [&str; 9] = [
    "is told",
    "are told",
    "stands in",
    "stand in ",
    "held against",
    "in spite of",
    "wants ",
    "beyond the limit",
    "goes on",
];

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, end)| end)
}

/// The lines of a file that users can see: of Rust, the code before the tests, and the help in documentation comments
/// of `src/cli`.
fn visible<'a>(name: &str, text: &'a str) -> Vec<(usize, &'a str)> {
    let is_rust = extension(name) == "rs";
    let is_seen = |line: &&str| {
        let line = line.trim_start();
        !is_rust || !line.starts_with("//") || (name.starts_with("src/cli/") && line.starts_with("///"))
    };
    (1..)
        .zip(text.lines())
        .take_while(|(_, line)| !is_rust || line.trim() != "#[cfg(test)]")
        .filter(|(_, line)| is_seen(line))
        .map(|(number, line)| {
            (number, if is_rust { line.split(" // ").next().unwrap_or(line) } else { line })
        })
        .collect()
}

fn refused(name: &str, text: &str) -> Vec<String> {
    let of_line = |(number, line): (usize, &str)| {
        let phrase = REFUSED.iter().find(|phrase| line.contains(**phrase))?;
        Some(format!("{name}:{number}: `{phrase}` in: {}", line.trim()))
    };
    visible(name, text).into_iter().filter_map(of_line).collect()
}

/// Sources and templates below a folder, without the files of tests.
fn sources(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path(folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            found.extend(sources(&name));
        } else if ["rs", "md", "html", "txt"].contains(&extension(&name))
            && !name.ends_with("/tests.rs")
            && !name.contains("/fonts/")
        {
            found.push(name);
        }
    }
    found
}

#[test]
fn texts_for_users_avoid_the_old_dialect() {
    let files: Vec<String> = documents().into_iter().chain(sources("src")).collect();
    assert!(files.len() > 300, "only {} files", files.len());
    let wrong: Vec<String> = files.iter().flat_map(|name| refused(name, &text(name))).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn a_refused_phrase_is_found_where_users_see_it() {
    let seen = "let a = \"the reason stands in the log\"; // it goes on\n// it goes on\n/// it goes on\n#[cfg(test)]\n\"it goes on\"";
    assert_eq!(refused("src/core/a.rs", seen).len(), 1);
    assert_eq!(refused("src/cli/a.rs", seen).len(), 2);
    assert_eq!(refused("deploy/guides/a.md", seen).len(), 4);
}
