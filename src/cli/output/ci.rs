//! What commands that judge tell CI systems: the `JUnit` file, GitHub's step summary and annotations.

use std::ffi::OsString;
use std::path::Path;

use clap::ColorChoice;

use crate::cli::arguments::environment;
use crate::cli::arguments::globals::{GlobalArgs, LogFormat};
use crate::cli::arguments::judging::CiArgs;
use crate::cli::judge::post_soak::{end, ending, say};
use crate::cli::output::stdout::print;
use crate::core::analysis::result::ErrorResult;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::core::verdict::{Check, Outcome, Part, Severity, WindowUsed};
use crate::infra::atomic_file;
use crate::report::ci::{self, CiReport};
use crate::report::json;

/// What a command was asked to report to CI, and what it is called.
pub(crate) struct Reporter<'a> {
    /// What is quiet, and how exit codes are split.
    pub(crate) globals: &'a GlobalArgs,
    /// What was asked for.
    pub(crate) args: &'a CiArgs,
    /// The name of the suite: `soak gate`.
    pub(crate) name: &'static str,
    /// Whether stdout holds the JSON result.
    pub(crate) is_json: bool,
    /// Whether stdout holds a text, which annotations may follow.
    pub(crate) is_text: bool,
}

impl Reporter<'_> {
    /// What `judge` gives back. Where it fails, all that was asked for says so: a report that was not written is
    /// overlooked, and one of an earlier run would go on claiming something.
    pub(crate) fn or_error<T>(&self, judge: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        judge().inspect_err(|failure| {
            let Self { globals, args, name, is_json, is_text } = self;
            let check = error_check(failure, "nothing judged");
            let told = CiReport::error(name, &check, failure.hint.as_deref());
            let unwritten = write(args, &told);
            let mut printed = Ok(());
            if *is_json {
                let code = failure.exit.code(globals.detailed_exitcode);
                let command = name.strip_prefix("soak ").unwrap_or(name);
                let document = ErrorResult::new(command, check.reason.clone(), failure.hint.clone(), code);
                printed = print(json::pretty(&document));
            }
            let annotated = annotate(globals, args, &told, *is_text);
            // The failure itself decides how the command ends.
            for more in [unwritten, printed.err(), annotated.err()].into_iter().flatten() {
                more.report();
            }
        })
    }

    /// Ends a command that has judged: reports to CI, prints what `document` makes of the exit code and of what failed
    /// beside the verdict, and gives back how the command ends. A command that fails leaves no report behind that
    /// is green: `flag` is what fails it where neither the verdict nor `failure` does.
    pub(crate) fn conclude(
        &self,
        told: &CiReport<'_>,
        exit: Exit,
        mut failure: Option<Failure>,
        flag: &str,
        document: impl FnOnce(u8, Option<String>) -> String,
    ) -> Result<Exit, Failure> {
        let Self { globals, args, name, is_text, .. } = self;
        let failing = |failure: Option<&Failure>| failing(told, exit, failure, flag);
        let mut added = failing(failure.as_ref());
        if let Some(unwritten) = write_report(args, &with(told, added.as_ref())) {
            failure.get_or_insert(unwritten);
            added = failing(failure.as_ref());
        }
        if let Some(unwritten) = write_summary(args, &with(told, added.as_ref())) {
            failure.get_or_insert(unwritten);
            added = failing(failure.as_ref());
            // What could not be written is known by now.
            let _ = write_report(args, &with(told, added.as_ref()));
        }
        let code = ending(exit, failure.as_ref()).code(globals.detailed_exitcode);
        let printed = print(document(code, failure.as_ref().map(Failure::sentence)))
            .and_then(|()| annotate(globals, args, &with(told, added.as_ref()), *is_text));
        if let Err(refused) = printed {
            let check = error_check(&refused, "nothing told");
            // The report is all that is left to say it.
            let _ = write(args, &CiReport::error(name, &check, refused.hint.as_deref()));
            return Err(refused);
        }
        end(exit, failure)
    }
}

/// What fails a command beside the verdict, and what to do about it.
fn failing(
    told: &CiReport<'_>,
    exit: Exit,
    failure: Option<&Failure>,
    flag: &str,
) -> Option<(Check, String)> {
    if told.is_error() {
        return None;
    }
    if let Some(failure) = failure {
        let explanation = failure.hint.clone().unwrap_or_else(|| "the verdict is not changed".to_owned());
        return Some((error_check(failure, "all"), explanation));
    }
    (exit != Exit::Success && !ci::is_red(told)).then(|| {
        let reason = format!("`{flag}` fails the command, the verdict is {}", told.outcome.word());
        let check = case(Outcome::Fail, Part::RunVerdict, "run_verdict.fail_on", "all", reason);
        (check, told.reason.clone())
    })
}

fn with<'a>(told: &CiReport<'a>, added: Option<&'a (Check, String)>) -> CiReport<'a> {
    match added {
        Some((check, explanation)) => told.clone().failing(check, explanation.clone()),
        None => told.clone(),
    }
}

/// Reports to CI that a command line could not be understood, as far as it says what CI gets.
pub(crate) fn tell_unparsed(arguments: &[OsString], problem: &str) {
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
    let is_json = value("--format") == Some("json");
    let reporter = Reporter { globals: &globals, args: &args, name, is_json, is_text: !is_json };
    let problem = problem.split("\n\n").next().unwrap_or_default();
    let problem = problem.trim().trim_start_matches("error: ").to_owned();
    let failed = reporter.or_error(|| Err::<(), _>(Failure::usage(anyhow::anyhow!(problem))));
    debug_assert!(failed.is_err(), "the error is reported already");
}

/// The one case of a report about an error.
fn error_check(failure: &Failure, window: &str) -> Check {
    case(Outcome::Invalid, Part::Integrity, "integrity.error", window, failure.sentence())
}

/// A case that no check of the judgement made.
fn case(outcome: Outcome, part: Part, gate: &str, window: &str, reason: String) -> Check {
    Check {
        part,
        gate: gate.to_owned(),
        kpi: None,
        symbol: None,
        severity: Severity::Hard,
        window: WindowUsed { name: window.to_owned(), first: None, last: None, n: 0 },
        statistic: String::new(),
        comparison: None,
        limit: None,
        observed: None,
        margin: None,
        outcome,
        reason,
        limit_source: None,
        joins: true,
        inference: None,
    }
}

/// Writes the files that were asked for; gives back what could not be written first.
fn write(args: &CiArgs, told: &CiReport<'_>) -> Option<Failure> {
    let report = write_report(args, told);
    let summary = write_summary(args, told);
    report.or(summary)
}

fn write_report(args: &CiArgs, told: &CiReport<'_>) -> Option<Failure> {
    let file = args.junit.as_ref()?;
    let error = atomic_file::write(file, ci::junit(told).as_bytes()).err()?;
    Some(Failure::output(error).hint("`--junit` names a file in a folder that exists"))
}

fn write_summary(args: &CiArgs, told: &CiReport<'_>) -> Option<Failure> {
    args.github.then(|| append_summary(told).err()).flatten()
}

/// The summary, into the file that GitHub names.
fn append_summary(told: &CiReport<'_>) -> Result<(), Failure> {
    let Some(file) = environment::text("GITHUB_STEP_SUMMARY") else { return Ok(()) };
    atomic_file::append(Path::new(&file), |size| {
        let used = usize::try_from(size).unwrap_or(usize::MAX);
        ci::github_summary(told, ci::SUMMARY_LIMIT.saturating_sub(used))
    })
    .map_err(|error| Failure::output(error).hint("$GITHUB_STEP_SUMMARY names the file to append to"))
}

/// Annotations, where they were asked for: on stdout behind a text, on stderr where stdout holds a document.
fn annotate(globals: &GlobalArgs, args: &CiArgs, told: &CiReport<'_>, is_text: bool) -> Result<(), Failure> {
    let annotations = if args.github { ci::annotations(told) } else { String::new() };
    match is_text {
        true => print(&annotations),
        false if annotations.is_empty() => Ok(()),
        false => {
            say(globals, annotations.trim_end());
            Ok(())
        }
    }
}
