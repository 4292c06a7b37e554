//! Overrides, whichever command takes them: somebody answers for each, and nobody is made up.

use serde_json::{Value, json};

use super::support::{Folder, Ran, Run, overrides, program, ran};

/// Commands that take an override.
const COMMANDS: [&[&str]; 4] = [
    &["gate", "--format", "json"],
    &["analyze", "--format", "json"],
    &["audit", "--fail-on-hold", "--format", "json"],
    &["release", "bundle", "--out", "out/v1", "--format", "json"],
];

/// A run that all of them refuse.
fn place() -> Folder {
    let run = Run::passing(16).failing(&[9, 10, 11, 12, 13, 14, 15, 16]);
    run.with_json("runtime_overrides.json", &overrides(60.0)).in_temp()
}

/// Runs one of the commands on it, as somebody whom no variable names.
fn asked(words: &[&str], args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let place = place();
    let mut command = program();
    let folder = if words.contains(&"bundle") { "--src" } else { "--path" };
    let out = tempfile::tempdir().expect("a folder");
    command.current_dir(out.path()).args(words).arg(folder).arg(place.path()).args(args);
    command.env_remove("USER").env("SOAK_NOW", "2026-02-03T04:05:06Z").envs(variables.iter().copied());
    ran(&mut command)
}

fn given(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.json()["override"].clone()
}

/// Who it is that runs this test, as the system says it.
#[cfg(unix)]
fn account() -> String {
    let id = |flag: &str| {
        let told = std::process::Command::new("id").arg(flag).output().expect("id runs");
        (told.status.success(), String::from_utf8(told.stdout).expect("a name").trim().to_owned())
    };
    match id("-run") {
        (true, name) => name,
        (false, _) => format!("uid {}", id("-ru").1),
    }
}

#[cfg(unix)]
#[test]
fn where_no_variable_names_anybody_the_account_answers() {
    let account = account();
    for words in COMMANDS {
        for (args, variables) in [
            (&["--override", "known outage"][..], &[][..]),
            (&[], &[("READINESS_OVERRIDE", "known outage")]),
            (&["--override", "known outage"], &[("USER", ""), ("LOGNAME", " \t")]),
        ] {
            let given = given(&asked(words, args, variables));
            assert_eq!(given["by"], account.as_str(), "{words:?}");
        }
        // Without an override nobody has to be named.
        assert_eq!(asked(words, &[], &[]).code, 1, "{words:?}");
    }
}

#[test]
fn who_is_named_by_the_flag_else_by_the_environment() {
    for words in COMMANDS {
        let whole = |by: &str| json!({"reason": "known outage", "by": by, "at": "2026-02-03T04:05:06Z"});
        let flag = ["--override", "known outage", "--by", " Ann B. "];
        assert_eq!(given(&asked(words, &flag, &[])), whole("Ann B."), "{words:?}");
        assert_eq!(given(&asked(words, &flag, &[("GITHUB_ACTOR", "bot")])), whole("Ann B."), "{words:?}");
        let by_variable = [("READINESS_OVERRIDE", "known outage"), ("USER", "root")];
        assert_eq!(given(&asked(words, &["--by", "Ann B."], &by_variable)), whole("Ann B."), "{words:?}");
        assert_eq!(given(&asked(words, &[], &by_variable)), whole("root"), "{words:?}");
        let with_sudo = [&by_variable[..], &[("SUDO_USER", "ann")]].concat();
        assert_eq!(given(&asked(words, &[], &with_sudo)), whole("ann"), "{words:?}");
    }
}

#[test]
fn a_name_is_one_and_belongs_to_an_override() {
    for words in COMMANDS {
        for args in [
            &["--by", "ann"][..],
            &["--override", "known outage", "--by", ""],
            &["--override", "known outage", "--by", "-"],
            &["--override", "known outage", "--by", "ann\nroot"],
        ] {
            assert_eq!(asked(words, args, &[("USER", "root")]).code, 2, "{words:?} {args:?}");
        }
        // A variable that is set to nothing is no override.
        assert_eq!(asked(words, &["--by", "ann"], &[("READINESS_OVERRIDE", "")]).code, 2, "{words:?}");
    }
}
