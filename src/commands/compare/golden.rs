//! `soak compare golden`.

use crate::cli::compare::GoldenArgs;
use crate::cli::values::Format;
use crate::commands::{Failure, print};
use crate::core::golden::{Rule, Settings, Treatment};
use crate::exit::Exit;
use crate::flow::golden::{self, Compared};
use crate::render::{golden_text, json};
use crate::wire::golden_result::GoldenResult;

/// Compares, prints, and updates the golden file where that was asked for.
pub(super) fn run(args: &GoldenArgs) -> Result<Exit, Failure> {
    let GoldenArgs {
        baseline,
        actual,
        tolerance,
        rel_tolerance,
        ignore,
        tolerances,
        nan_equal,
        int_equals_float,
        fail_on_drift,
        update,
        format,
    } = args;
    let ignored = |pattern| Rule { pattern, treatment: Treatment::Ignore };
    let mut rules: Vec<Rule> = ignore.iter().cloned().map(ignored).collect();
    if let Some(path) = tolerances {
        let read = golden::rules(path).map_err(|problem| {
            Failure::usage(problem).hint("`soak compare golden --help` shows what the file looks like")
        })?;
        rules.extend(read);
    }
    let settings = Settings {
        abs: *tolerance,
        rel: *rel_tolerance,
        nan_equal: *nan_equal,
        int_equals_float: *int_equals_float,
        rules,
    };
    let Compared { drift, actual: bytes } =
        golden::compare(baseline, actual, &settings).map_err(|problem| {
            Failure::input(problem)
                .hint("`--baseline` and `--actual` name two JSON files; both must be there")
        })?;
    let told = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let mut result = GoldenResult::of(told(baseline), told(actual), &drift);
    let exit = if result.drift && *fail_on_drift { Exit::Failed } else { Exit::Success };
    result.exit_code = exit.code(false);
    result.update = result.drift && *update;
    match format {
        Format::Text => print(golden_text::text(&result))?,
        Format::Json => print(json::pretty(&result))?,
    }
    if result.update {
        golden::update(baseline, &bytes)
            .map_err(|error| Failure::output(error).hint("the golden file is as it was"))?;
    }
    Ok(exit)
}
