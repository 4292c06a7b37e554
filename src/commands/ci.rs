//! What commands that judge tell CI systems: the `JUnit` file, GitHub's step summary and annotations.

use std::path::Path;

use super::post_soak::say;
use super::{Failure, print};
use crate::cli::environment;
use crate::cli::globals::GlobalArgs;
use crate::cli::judging::CiArgs;
use crate::io::loose;
use crate::render::ci::Told;
use crate::render::{github, junit};

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
