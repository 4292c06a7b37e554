//! `soak compare --a RUN --b RUN`.

use std::path::Path;

use anyhow::anyhow;

use super::baseline;
use crate::cli::compare::{CompareArgs, CompareFormat};
use crate::cli::globals::GlobalArgs;
use crate::commands::judging::{collect_provenance, load_window_policy};
use crate::commands::post_soak::say;
use crate::commands::{Failure, print};
use crate::core::compare::{conditions, significance};
use crate::core::verdict::Outcome;
use crate::exit::Exit;
use crate::flow::baselines;
use crate::flow::compare::{self, Asked, Read, SideError, Singles};
use crate::flow::judge::JudgeError;
use crate::io::loose;
use crate::render::{compare_csv, compare_md, compare_text, json, markdown};
use crate::wire::compare_result::{CompareResult, ComparedRun, Significance};

/// Reads both, compares, prints.
pub(super) fn run(args: &CompareArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let CompareArgs { other: _, a, b, store, policy, mock, window, symbol, fail_on_regression, format } =
        args;
    let Some(b) = b else {
        return Err(Failure::usage(anyhow!("`--b` names the run that is compared")));
    };
    let policy = load_window_policy(policy, window)?;
    let provenance = collect_provenance(&policy, None)?;
    let asked = Asked { policy: &policy, mock: mock.mock, so_far: window.so_far, symbol: symbol.as_deref() };
    // The CSV has no place for it.
    let is_significance_asked = *fail_on_regression || *format != CompareFormat::Csv;
    let mut known = Vec::new();
    let a = if let Some(a) = a {
        side(globals, "--a", a, &asked)?
    } else {
        let store = store.folder();
        let read = baselines::side(&store, &policy).map_err(baseline::failed)?;
        let status = baselines::status(&store, "show", &policy, &baseline::now()?[..10]);
        let status = status.map_err(baseline::failed)?;
        for warning in &status.warnings {
            say(globals, &format!("warning: {}", markdown::printable(warning)));
        }
        known = status.acknowledged;
        read
    };
    let b = side(globals, "--b", b, &asked)?;
    let singles = a.singles.as_ref().zip(b.singles.as_ref());
    let refusals = conditions::refusals(&a.conditions, &b.conditions, &policy.compare.refuse);
    if !refusals.is_empty() {
        return Err(Failure::input(anyhow!("A and B are not compared: {}", refusals.join("; ")))
            .hint("`[compare] refuse` in the policy names what must be equal"));
    }
    let judged = singles.filter(|_| is_significance_asked).map(|(a, b)| {
        let (of_a, of_b) = (&a.values, &b.values);
        let mut judged = significance::judge(of_a, of_b, &policy.compare, &policy.change_points);
        for one in &mut judged {
            one.around = [a.around(), b.around()];
        }
        let ranks = significance::ranks(of_a, of_b, &judged);
        (judged, ranks, &a.window, &b.window)
    });
    let significance = judged.as_ref().map(|(judged, ranks, window_a, window_b)| Significance {
        judged,
        ranks,
        window_a,
        window_b,
        rules: &policy.compare,
    });
    let has_values = |singles: &Singles| singles.values.iter().any(|values| !values.is_empty());
    let is_copy = singles.is_some_and(|(a, b)| a.values == b.values && has_values(a));
    let is_same = loose::resolved(Path::new(&a.run.path)) == loose::resolved(Path::new(&b.run.path));
    let (of_a, of_b) = ((a.run, &a.side), (b.run, &b.side));
    let mut result = CompareResult::of(of_a, of_b, significance, &policy, mock.mock, &provenance);
    result.note_conditions(&a.conditions, &b.conditions);
    result.acknowledge(&known);
    if is_same {
        result.note_same_run();
    } else if is_copy {
        result.note_copies();
    }
    if is_significance_asked && result.significance.is_none() {
        result.note_missing_values();
    }
    let exit = if *fail_on_regression { gate(&result) } else { Exit::Success };
    result.exit_code = exit.code(false);
    match format {
        CompareFormat::Csv => print(compare_csv::csv(&result))?,
        CompareFormat::Text => print(compare_text::text(&result))?,
        CompareFormat::Json => print(json::pretty(&result))?,
        CompareFormat::Md => print(compare_md::md(&result))?,
    }
    if *format == CompareFormat::Csv {
        // The CSV has no place for what else is to be said.
        let changed = result.kpis.iter().filter_map(|row| {
            let answer = row.significance.as_ref()?;
            let is_changed = answer.changed_a.is_some() || answer.changed_b.is_some();
            is_changed.then(|| format!("{}: {}", row.kpi, answer.reason))
        });
        for note in result.notes.iter().cloned().chain(changed) {
            say(globals, &format!("note: {}", markdown::printable(&note)));
        }
    }
    if exit != Exit::Success {
        for reason in reasons(&result) {
            say(globals, &format!("regression check: {}", markdown::printable(&reason)));
        }
    }
    Ok(exit)
}

fn side(globals: &GlobalArgs, flag: &str, path: &Path, asked: &Asked<'_>) -> Result<Read, Failure> {
    let read = compare::read(path, asked).map_err(|error| {
        let hint = match &error {
            SideError::Judge(JudgeError::Symbol { known, .. }) if !known.is_empty() => {
                format!("the run of `{flag}` has {}", known.join(", "))
            }
            SideError::Symbols { .. } => "`--symbol` says which is compared".to_owned(),
            _ => format!(
                "`{flag}` wants a folder with ITER_SUMMARY_<n>.json files, a POST_SOAK_SNAPSHOT.json or a \
                 POST_SOAK_AUDIT_SUMMARY.json"
            ),
        };
        Failure::input(error).hint(markdown::printable(&hint))
    })?;
    if let Some(folder) = &read.redirected {
        let (path, folder) = (path.display(), folder.display());
        say(globals, &format!("note: `{path}` has no iteration files, `{folder}` has; that one is read"));
    }
    Ok(read)
}

/// A regression fails. Where nothing can be told there may be one, and that is no pass either.
fn gate(result: &CompareResult) -> Exit {
    let is =
        |outcome: Outcome| [&result.a, &result.b].into_iter().any(|run| cannot_judge(run) == Some(outcome));
    if !result.regressions.is_empty() {
        Exit::Failed
    } else if !result.unknown.is_empty() || result.judged.is_empty() || is(Outcome::Invalid) {
        Exit::InputInvalid
    } else if is(Outcome::Inconclusive) || !result.undecided.is_empty() {
        Exit::Inconclusive
    } else {
        Exit::Success
    }
}

/// The verdict of a side that says that its numbers prove nothing.
fn cannot_judge(run: &ComparedRun) -> Option<Outcome> {
    [Outcome::Inconclusive, Outcome::Invalid]
        .into_iter()
        .find(|outcome| run.verdict.as_deref() == Some(outcome.word()))
}

fn reasons(result: &CompareResult) -> Vec<String> {
    let mut reasons = Vec::new();
    if result.judged.is_empty() {
        reasons.push("no KPI of the policy is judged: neither side has one with a direction".to_owned());
    }
    if !result.regressions.is_empty() || !result.unknown.is_empty() || !result.undecided.is_empty() {
        reasons.push(compare_text::summary(result));
    }
    for (name, run) in [("A", &result.a), ("B", &result.b)] {
        if let Some(outcome) = cannot_judge(run) {
            let reason = run.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
            reasons.push(format!("{name} is {}{reason}", outcome.word()));
        }
    }
    reasons
}
