//! What commands that judge tell CI systems: the `JUnit` file, GitHub's step summary and annotations.

use std::ffi::OsString;
use std::path::Path;

use clap::ColorChoice;

use super::post_soak::say;
use super::{Failure, print};
use crate::cli::environment;
use crate::cli::globals::{GlobalArgs, LogFormat};
use crate::cli::judging::CiArgs;
use crate::core::verdict::{Check, Outcome, Part, Severity, WindowUsed};
use crate::io::loose;
use crate::render::ci::Told;
use crate::render::{github, json, junit};
use crate::wire::error_result::ErrorResult;

/// What a command was asked to tell CI, and what it is called.
pub(super) struct Reporter<'a> {
    /// What is quiet, and how exit codes are split.
    pub(super) globals: &'a GlobalArgs,
    /// What was asked for.
    pub(super) args: &'a CiArgs,
    /// The name of the suite: `soak gate`.
    pub(super) name: &'static str,
    /// Whether stdout holds the JSON result.
    pub(super) is_json: bool,
}

impl Reporter<'_> {
    /// What `judge` gives back. Where it fails, all that was asked for says so: a report that was not written is
    /// overlooked, and one of an earlier run would go on claiming something.
    pub(super) fn or_error<T>(&self, judge: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        judge().inspect_err(|failure| {
            let Self { globals, args, name, is_json } = self;
            let check = error_check(failure);
            let told = Told::error(name, &check, failure.hint.as_deref());
            let unwritten = write(args, &told);
            let mut printed = Ok(());
            if *is_json {
                let code = failure.exit.code(globals.detailed_exitcode);
                let command = name.strip_prefix("soak ").unwrap_or(name);
                let document = ErrorResult::new(command, check.reason.clone(), failure.hint.clone(), code);
                printed = print(json::pretty(&document));
            }
            let annotated = annotate(globals, args, &told, !is_json);
            // The failure itself decides how the command ends.
            for more in [unwritten, printed.err(), annotated.err()].into_iter().flatten() {
                more.report();
            }
        })
    }
}

/// Tells CI that a command line could not be understood, as far as it says what CI is told.
pub(super) fn tell_unparsed(arguments: &[OsString], problem: &str) {
    let words: Vec<&str> = arguments.iter().skip(1).filter_map(|word| word.to_str()).collect();
    let Some(name) = words.iter().find_map(|word| match *word {
        "gate" => Some("soak gate"),
        "analyze" => Some("soak analyze"),
        "audit" => Some("soak audit"),
        "canary" => Some("soak canary"),
        _ => None,
    }) else {
        return;
    };
    let value = |flag: &str| {
        words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix(flag)? {
            "" => words.get(at + 1).copied().filter(|next| !next.starts_with('-')),
            rest => rest.strip_prefix('='),
        })
    };
    let args = CiArgs { junit: value("--junit").map(Into::into), github: words.contains(&"--github") };
    let globals = GlobalArgs {
        verbose: 0,
        quiet: false,
        log_format: LogFormat::Text,
        color: ColorChoice::Never,
        detailed_exitcode: false,
    };
    let reporter =
        Reporter { globals: &globals, args: &args, name, is_json: value("--format") == Some("json") };
    let problem = problem.split("\n\n").next().unwrap_or_default();
    let problem = problem.trim().trim_start_matches("error: ").to_owned();
    let failed = reporter.or_error(|| Err::<(), _>(Failure::usage(anyhow::anyhow!(problem))));
    debug_assert!(failed.is_err(), "the error is told already");
}

/// The one case of a report about an error.
fn error_check(failure: &Failure) -> Check {
    Check {
        part: Part::Integrity,
        gate: "integrity.error".to_owned(),
        kpi: None,
        symbol: None,
        severity: Severity::Hard,
        window: WindowUsed { name: "nothing judged".to_owned(), first: None, last: None, n: 0 },
        statistic: String::new(),
        comparison: None,
        limit: None,
        observed: None,
        margin: None,
        outcome: Outcome::Invalid,
        reason: failure.sentence(),
        limit_source: None,
        joins: true,
        inference: None,
    }
}

/// Writes the files that were asked for; gives back what could not be written first.
pub(super) fn write(args: &CiArgs, told: &Told<'_>) -> Option<Failure> {
    let CiArgs { junit, github } = args;
    let report = junit.as_ref().and_then(|file| {
        let error = loose::write(file, junit::report(told).as_bytes()).err()?;
        Some(Failure::output(error).hint("`--junit` names a file in a folder that exists"))
    });
    let summary = github.then(|| append_summary(told).err()).flatten();
    report.or(summary)
}

/// The summary, into the file that GitHub names.
fn append_summary(told: &Told<'_>) -> Result<(), Failure> {
    let Some(file) = environment::text("GITHUB_STEP_SUMMARY") else { return Ok(()) };
    loose::append(Path::new(&file), |size| {
        let used = usize::try_from(size).unwrap_or(usize::MAX);
        github::summary(told, github::SUMMARY_LIMIT.saturating_sub(used))
    })
    .map_err(|error| Failure::output(error).hint("$GITHUB_STEP_SUMMARY names the file to append to"))
}

/// Annotations, where they were asked for: on stdout behind a text, on stderr where stdout holds a document.
pub(super) fn annotate(
    globals: &GlobalArgs,
    args: &CiArgs,
    told: &Told<'_>,
    is_text: bool,
) -> Result<(), Failure> {
    let annotations = if args.github { github::annotations(told) } else { String::new() };
    match is_text {
        true => print(&annotations),
        false if annotations.is_empty() => Ok(()),
        false => {
            say(globals, annotations.trim_end());
            Ok(())
        }
    }
}
