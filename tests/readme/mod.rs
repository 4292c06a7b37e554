//! What the README promises, held against the program: exit codes, commands, and every command line in it.

use std::collections::BTreeSet;

use soak::core::verdict::exit::Exit;

const README: &str = include_str!("../../README.md");

/// The text below a heading, up to the next one of the same level.
fn section(heading: &str) -> &'static str {
    let start = README.find(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    let text = &README[start + 4..];
    text.find("\n## ").map_or(text, |end| &text[..end])
}

/// The rows of the tables in a text, without heads and rules.
fn rows(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().collect();
    let is_row = |line: &str| line.starts_with("| ");
    let is_rule = |line: &str| line.starts_with("| --");
    let mut rows = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let is_head = lines.get(index + 1).is_some_and(|next| is_rule(next));
        if is_row(line) && !is_rule(line) && !is_head {
            rows.push(*line);
        }
    }
    rows
}

/// The `code` in a text.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Every command line of soak in the README: in code blocks and in code spans.
fn command_lines() -> Vec<&'static str> {
    let mut found = Vec::new();
    for (index, part) in README.split("```").enumerate() {
        if index % 2 == 1 {
            found.extend(part.lines().filter(|line| line.starts_with("soak ")));
        } else {
            found.extend(spans(part).filter(|span| span.starts_with("soak ")));
        }
    }
    found
}

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
fn the_exit_code_table_is_that_of_the_program() {
    let expected: Vec<String> = Exit::ALL
        .iter()
        .map(|exit| format!("| {} | {} | {} |", exit.code(false), exit.code(true), exit.meaning()))
        .collect();
    assert_eq!(rows(section("Exit codes")), expected);
}

#[test]
fn the_command_table_lists_all_commands() {
    let listed: BTreeSet<String> = rows(section("Commands"))
        .iter()
        .map(|row| spans(row).next().expect("a command in the first cell").to_owned())
        .collect();
    assert_eq!(listed, commands(&soak::cli::definition(), "soak"));
}

#[test]
fn every_command_line_is_understood() {
    let lines = command_lines();
    assert!(lines.len() > 20, "only {} command lines found", lines.len());
    for line in lines {
        let words = line.split_whitespace().take_while(|word| !word.starts_with('#'));
        // A group or a command named without its arguments is a name, not a command line.
        let is_name = words.clone().skip(1).all(|word| !word.starts_with('-') && word == word.to_lowercase());
        if let Err(error) = soak::cli::definition().try_get_matches_from(words)
            && !(is_name && error.kind() == clap::error::ErrorKind::MissingRequiredArgument)
        {
            assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelp, "`{line}`: {error}");
        }
    }
}

#[test]
fn a_command_that_does_not_exist_is_announced_as_such() {
    let names =
        ["artifacts", "audit", "compare", "export-prom", "grafana", "release", "rollback", "run", "serve"];
    for name in names {
        let exists = soak::cli::definition().find_subcommand(name).is_some();
        let announced = rows(section("Coming from the Python scripts"))
            .iter()
            .any(|row| row.contains("not yet in this version") && row.contains(&format!("`{name}`")));
        assert_eq!(announced, !exists, "{name}");
    }
}
