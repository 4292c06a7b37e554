//! Flags that would do nothing beside others, where clap does not refuse them.
//!
//! clap asks for what a flag requires only where that does not contradict another flag that is given; and a conflict of
//! clap's also refuses the variable of a flag, which is set for many commands at once.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::values::Format;

#[cfg(test)]
mod pairs;

/// Flags of a command that do something only beside one of others.
struct Needing {
    command: &'static str,
    /// Ids of the arguments.
    flags: &'static [&'static str],
    /// Ids of which one must be there.
    one_of: &'static [&'static str],
}

const NEEDING: [Needing; 5] = [
    Needing { command: "export-prom", flags: &["refresh"], one_of: &["listen"] },
    Needing { command: "export-prom", flags: &["instance", "grouping", "delete"], one_of: &["push"] },
    Needing {
        command: "export-prom",
        flags: &["run", "label", "batch_samples", "dry_run", "fail_on_refused"],
        one_of: &["remote_write"],
    },
    Needing {
        command: "export-prom",
        flags: &[
            "job",
            "timeout",
            "tries",
            "bearer_token_file",
            "basic_auth_user",
            "basic_auth_password_file",
            "header",
        ],
        one_of: &["push", "remote_write"],
    },
    Needing { command: "release canary check", flags: &["symbol"], one_of: &["canary_run"] },
];

/// A flag that has no effect in a mode.
struct Idle {
    command: &'static str,
    /// Id of the argument.
    flag: &'static str,
    /// Whether the mode is asked for.
    when: fn(&ArgMatches) -> bool,
    /// The mode, as typed.
    mode: &'static str,
}

const IDLE: [Idle; 4] = [
    Idle {
        command: "export-prom",
        flag: "mock",
        when: is_sent,
        mode: "--remote-write, which judges nothing",
    },
    Idle { command: "export-prom", flag: "mock", when: is_deleted, mode: "--delete, which reads no run" },
    Idle { command: "export-prom", flag: "policy", when: is_deleted, mode: "--delete, which reads no run" },
    Idle { command: "gate", flag: "ascii", when: is_drawn_nowhere, mode: "--skip-analyzer --format json" },
];

fn is_sent(matches: &ArgMatches) -> bool {
    matches.contains_id("remote_write")
}

fn is_deleted(matches: &ArgMatches) -> bool {
    matches.get_flag("delete")
}

fn is_drawn_nowhere(matches: &ArgMatches) -> bool {
    matches.get_flag("skip_analyzer") && matches.get_one::<Format>("format") == Some(&Format::Json)
}

/// Refuses a flag of the command line that has no effect; a variable that has none is passed over.
pub(crate) fn check(definition: &mut Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let (mut command, mut matches, mut path) = (definition, matches, Vec::new());
    while let Some((name, below)) = matches.subcommand() {
        // A name that was parsed is defined.
        let Some(found) = command.find_subcommand_mut(name) else { return Ok(()) };
        (command, matches) = (found, below);
        path.push(name);
    }
    match problem(&path.join(" "), matches) {
        Some(problem) => Err(command.error(ErrorKind::ArgumentConflict, problem)),
        None => Ok(()),
    }
}

fn problem(command: &str, matches: &ArgMatches) -> Option<String> {
    let is_typed = |flag: &str| matches.value_source(flag) == Some(ValueSource::CommandLine);
    for Needing { flags, one_of, .. } in NEEDING.iter().filter(|needing| needing.command == command) {
        let alone = flags.iter().find(|flag| is_typed(flag));
        if let Some(flag) = alone.filter(|_| !one_of.iter().any(|other| is_typed(other))) {
            let others: Vec<String> = one_of.iter().map(|other| typed(other)).collect();
            return Some(format!("{} has no effect without {}", typed(flag), others.join(" or ")));
        }
    }
    let idle = IDLE.iter().filter(|idle| idle.command == command);
    idle.filter(|idle| is_typed(idle.flag) && (idle.when)(matches))
        .map(|idle| format!("{} has no effect with {}", typed(idle.flag), idle.mode))
        .next()
}

fn typed(flag: &str) -> String {
    format!("--{}", flag.replace('_', "-"))
}
