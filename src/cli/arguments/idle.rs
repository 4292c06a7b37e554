//! Flags that would do nothing beside others, where clap does not refuse them.
//!
//! clap asks for what a flag requires only where that does not contradict another flag that is given; and a conflict of
//! clap's also refuses the variable of a flag, which is set for many commands at once.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::values::Format;

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
            "ca_file",
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

const IDLE: [Idle; 7] = [
    Idle {
        command: "export-prom",
        flag: "mock",
        when: is_sent,
        mode: "--remote-write, which judges nothing",
    },
    Idle { command: "export-prom", flag: "mock", when: is_deleted, mode: "--delete, which reads no run" },
    Idle { command: "export-prom", flag: "policy", when: is_deleted, mode: "--delete, which reads no run" },
    Idle {
        command: "export-prom",
        flag: "no_config",
        when: is_deleted,
        mode: "--delete, which reads no run",
    },
    Idle {
        command: "doctor",
        flag: "real_time",
        when: |_| true,
        mode: "doctor, which waits for no interval",
    },
    Idle {
        command: "doctor",
        flag: "measure_at",
        when: |_| true,
        mode: "doctor, which waits for no interval",
    },
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

#[cfg(test)]
mod pairs {

    use std::collections::BTreeSet;

    use clap::error::{ContextKind, ContextValue, ErrorKind};
    use clap::{Arg, Command};

    use crate::cli::{definition, read};

    /// Values that some argument takes.
    const VALUES: [&str; 19] = [
        "1",
        "0.5",
        "x",
        "ABC",
        "a=1",
        "job=\"a\"",
        "none",
        "/a",
        "abcdef0",
        "2026-03-01",
        "2026-03-01T09:00:00Z",
        "http://localhost:9090",
        "9099",
        "127.0.0.1:9099",
        "slack",
        "warn",
        "v1",
        "bash",
        "min_interval_ms=70",
    ];

    /// A command with what it cannot do without.
    struct Called {
        words: Vec<String>,
        flags: Vec<Flag>,
    }

    struct Flag {
        id: String,
        long: String,
        words: Vec<String>,
    }

    /// Every command that does something.
    fn commands(definition: &Command, words: &[String], found: &mut Vec<Called>) {
        for command in definition.get_subcommands().filter(|command| command.get_name() != "help") {
            let mut words = words.to_vec();
            words.push(command.get_name().to_owned());
            commands(command, &words, found);
            if command.is_subcommand_required_set() {
                continue;
            }
            for arg in command.get_arguments().filter(|arg| arg.is_required_set()) {
                let mut more = spelled(&words, arg);
                words.append(&mut more);
            }
            // One of several that is needed, the first.
            if let Err(error) = tried(&words, &[]) {
                let lacking = lacks(&error);
                let is_named = |arg: &Arg| arg.get_long().is_some_and(|long| names(&lacking, long));
                let is_lacking = |arg: &&Arg| {
                    is_named(arg)
                        || (arg.is_positional() && lacking.iter().any(|name| name.starts_with(['<', '['])))
                };
                let arg = command.get_arguments().find(is_lacking).unwrap_or_else(|| panic!("{error}"));
                let mut more = spelled(&words, arg);
                words.append(&mut more);
            }
            let is_given = |long: &str| words.iter().any(|word| word.split('=').next() == Some(long));
            let has_effect_everywhere = |arg: &Arg| {
                let long = arg.get_long().unwrap_or_default();
                arg.is_global_set() || arg.is_required_set() || is_given(&format!("--{long}"))
            };
            let flags = command
                .get_arguments()
                .filter(|arg| arg.get_long().is_some_and(|long| long != "help" && long != "version"))
                .filter(|arg| !has_effect_everywhere(arg))
                .map(|arg| Flag {
                    id: arg.get_id().to_string(),
                    long: format!("--{}", arg.get_long().unwrap_or_default()),
                    words: spelled(&words, arg),
                })
                .collect();
            found.push(Called { words, flags });
        }
    }

    /// The argument with a value that it takes.
    fn spelled(words: &[String], arg: &Arg) -> Vec<String> {
        let long = arg.get_long().map(|long| format!("--{long}"));
        if !arg.get_action().takes_values() {
            return long.into_iter().collect();
        }
        let possible = arg.get_possible_values().first().map(|value| value.get_name().to_owned());
        let with = |value: String| match &long {
            Some(long) => vec![format!("{long}={value}")],
            None => vec![value],
        };
        let takes = |value: &String| {
            let error = tried(words, &[&with(value.clone())]).err();
            !error.is_some_and(|error| {
                matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue)
            })
        };
        let mut values = possible.into_iter().chain(VALUES.map(str::to_owned));
        with(values.find(takes).unwrap_or_else(|| panic!("{words:?}: no value for {:?}", arg.get_id())))
    }

    fn tried(words: &[String], more: &[&Vec<String>]) -> Result<(), clap::Error> {
        let words = std::iter::once("soak".to_owned()).chain(words.iter().cloned());
        read(words.chain(more.iter().flat_map(|flag| flag.iter().cloned()))).map(|_| ())
    }

    /// What an argument lacks, as clap names it; empty = nothing.
    fn lacks(error: &clap::Error) -> Vec<String> {
        match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::Strings(names)) => names.clone(),
            Some(ContextValue::String(name)) => vec![name.clone()],
            _ => Vec::new(),
        }
    }

    /// Whether a flag is among those that clap names: `--path <DIR>`, or several in a group.
    fn names(lacking: &[String], long: &str) -> bool {
        let is_part = |c: char| c.is_alphanumeric() || c == '-';
        lacking.iter().flat_map(|name| name.split(|c| !is_part(c))).any(|word| word == format!("--{long}"))
    }

    fn all() -> Vec<Called> {
        let mut definition = definition();
        definition.build();
        let mut found = Vec::new();
        commands(&definition, &[], &mut found);
        found
    }

    #[test]
    fn what_a_flag_requires_is_required_beside_every_other_flag() {
        let (mut pairs, mut taken) = (0, Vec::new());
        for Called { words, flags } in all() {
            for flag in &flags {
                let Err(alone) = tried(&words, &[&flag.words]) else { continue };
                // One that contradicts what the command was called with lacks nothing.
                if alone.kind() != ErrorKind::MissingRequiredArgument {
                    continue;
                }
                let lacking = lacks(&alone);
                for other in flags.iter().filter(|other| other.id != flag.id) {
                    pairs += 1;
                    let is_lacking = names(&lacking, other.long.trim_start_matches("--"));
                    if !is_lacking && tried(&words, &[&flag.words, &other.words]).is_ok() {
                        taken.push(format!("{}: {:?} beside {:?}", words.join(" "), flag.words, other.words));
                    }
                }
            }
        }
        assert_eq!(taken, [""; 0], "pairs in which a flag has no effect");
        assert!(pairs > 300, "{pairs} pairs");
    }

    /// What each destination of `export-prom` uses beyond what all of them do.
    #[test]
    fn export_prom_takes_the_flags_of_its_destination_and_no_others() {
        let judged = ["mock", "last_n", "min_iterations", "so_far", "exclude_symbol"];
        let sending = [
            "job",
            "timeout",
            "tries",
            "bearer_token_file",
            "basic_auth_user",
            "basic_auth_password_file",
            "ca_file",
            "header",
        ];
        let none: &[&str] = &[];
        let uses: [(&[&str], &[&[&str]]); 6] = [
            (none, &[&judged, &["openmetrics", "no_legacy_metrics", "path", "policy", "no_config"]]),
            (&["output"], &[&judged, &["openmetrics", "no_legacy_metrics", "path", "policy", "no_config"]]),
            (&["listen"], &[&judged, &["refresh", "no_legacy_metrics", "path", "policy", "no_config"]]),
            (
                &["push"],
                &[
                    &judged,
                    &sending,
                    &["instance", "grouping", "no_legacy_metrics", "path", "policy", "no_config"],
                ],
            ),
            (&["push", "delete"], &[&sending, &["instance", "grouping"]]),
            (
                &["remote_write"],
                &[
                    &sending,
                    &[
                        "run",
                        "label",
                        "batch_samples",
                        "dry_run",
                        "fail_on_refused",
                        "path",
                        "policy",
                        "no_config",
                    ],
                ],
            ),
        ];
        let commands = all();
        let export = commands.iter().find(|called| called.words == ["export-prom"]).expect("the command");
        let modes = ["output", "listen", "push", "delete", "remote_write"];
        let of = |id: &str| export.flags.iter().find(|flag| flag.id == id).expect("a flag");
        for (mode, takes) in uses {
            let takes: BTreeSet<&str> = takes.iter().copied().flatten().copied().collect();
            let given: Vec<&Vec<String>> = mode.iter().map(|id| &of(id).words).collect();
            assert!(tried(&export.words, &given).is_ok(), "{mode:?}");
            for flag in export.flags.iter().filter(|flag| !modes.contains(&flag.id.as_str())) {
                // Neither goes without the other.
                let partner = match flag.id.as_str() {
                    "basic_auth_user" => Some(&of("basic_auth_password_file").words),
                    "basic_auth_password_file" => Some(&of("basic_auth_user").words),
                    _ => None,
                };
                let given: Vec<_> = given.iter().copied().chain([&flag.words]).chain(partner).collect();
                let is_taken = tried(&export.words, &given).is_ok();
                assert_eq!(is_taken, takes.contains(flag.id.as_str()), "{mode:?} and {}", flag.long);
            }
            for other in modes.iter().filter(|other| !mode.contains(other) && !mode.is_empty()) {
                let both: Vec<_> = given.iter().copied().chain([&of(other).words]).collect();
                let is_mode = mode.contains(&"push") && *other == "delete";
                assert_eq!(tried(&export.words, &both).is_ok(), is_mode, "{mode:?} and {other}");
            }
        }
    }

    #[test]
    fn flags_that_another_one_makes_pointless_are_refused() {
        for line in [
            "compare --a a --b b --store s",
            "compare a b --store s",
            "gate --skip-analyzer --no-html",
            "gate --skip-analyzer --ascii --format json",
            "grafana check --input f --timeout 5",
            "grafana check --input f --token-file t",
            "release canary check --path r --since 2026-03-01T09:00:00Z --canary-run d --basic-auth-password-file p",
            "selftest --strict --skip-delta-verify",
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert!(tried(&words, &[]).is_err(), "{line}");
        }
        for line in [
            "gate --skip-analyzer --ascii",
            "gate --ascii --format json",
            "compare --b b --store s",
            "compare b --store s",
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert!(tried(&words, &[]).is_ok(), "{line}");
        }
    }
}
