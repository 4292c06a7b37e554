//! `soak compare`: two runs, baselines, golden files, the history of a folder.

use std::path::Path;

use anyhow::anyhow;
use chrono::{SecondsFormat, Utc};

use super::judging::{collect_provenance, load_policy, load_window_policy};
use super::post_soak::say;
use super::{Failure, print};
use crate::cli::compare::{
    AckArgs, BaselineCommand, CompareArgs, CompareCommand, CompareFormat, GoldenArgs, HistoryArgs,
    HistoryFormat, PromoteArgs, StoreViewArgs,
};
use crate::cli::globals::GlobalArgs;
use crate::cli::values::Format;
use crate::core::compare::baselines::{self, Actor};
use crate::core::compare::conditions;
use crate::core::compare::history::HistoryResult;
use crate::core::compare::result::CompareResult;
use crate::core::compare::sides::{self, Reading, Side};
use crate::core::load::provenance;
use crate::core::policy::Policy;
use crate::core::text::spark::Glyphs;
use crate::exit::Exit;
use crate::infra::atomic_file;
use crate::infra::clock;
use crate::infra::environment::Environment;
use crate::ops::golden::rule::{self, Rule, Treatment};
use crate::ops::golden::{self, GoldenResult, Settings};
use crate::report;
use crate::report::{json, text as markdown};

pub(super) fn run(args: &CompareArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    match &args.other {
        None => runs(args, globals),
        Some(CompareCommand::Baseline(BaselineCommand::Promote(args))) => promote(args),
        Some(CompareCommand::Baseline(BaselineCommand::Ack(args))) => ack(args),
        Some(CompareCommand::Baseline(BaselineCommand::Show(args))) => view(args, "show"),
        Some(CompareCommand::Baseline(BaselineCommand::Verify(args))) => view(args, "verify"),
        Some(CompareCommand::Golden(args)) => compare_golden(args),
        Some(CompareCommand::History(args)) => history(args),
    }
}

fn runs(args: &CompareArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let CompareArgs { other: _, a, b, store, policy, mock, window, symbol, fail_on_regression, format } =
        args;
    let Some(b) = b else {
        return Err(Failure::usage(anyhow!("`--b` names the run that is compared")));
    };
    let policy = load_window_policy(policy, window)?;
    let provenance = collect_provenance(&policy, None)?;
    let reading =
        Reading { policy: &policy, mock: mock.mock, so_far: window.so_far, symbol: symbol.as_deref() };
    // The CSV has no place for it.
    let is_significance_asked = *fail_on_regression || *format != CompareFormat::Csv;
    let mut known = Vec::new();
    let a = if let Some(a) = a {
        side(globals, "--a", a, &reading)?
    } else {
        let store = store.folder();
        let side = baselines::side(&store, &policy)?;
        let status = baselines::status(&store, "show", &policy, &now()?[..10])?;
        for warning in &status.warnings {
            say(globals, &format!("warning: {}", markdown::printable(warning)));
        }
        known = status.acknowledged;
        side
    };
    let b = side(globals, "--b", b, &reading)?;
    let refusals = conditions::refusals(&a.conditions, &b.conditions, &policy.compare.refuse);
    if !refusals.is_empty() {
        return Err(Failure::input(anyhow!("A and B are not compared: {}", refusals.join("; ")))
            .hint("`[compare] refuse` in the policy names what must be equal"));
    }
    let mut result = CompareResult::of(a, b, is_significance_asked, &known, &policy, mock.mock, &provenance);
    let exit = if *fail_on_regression { result.gate() } else { Exit::Success };
    result.exit_code = exit.code(false);
    match format {
        CompareFormat::Csv => print(report::compare::csv(&result))?,
        CompareFormat::Text => print(report::compare::text(&result))?,
        CompareFormat::Json => print(json::pretty(&result))?,
        CompareFormat::Md => print(report::compare::md(&result))?,
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

fn side(globals: &GlobalArgs, flag: &str, path: &Path, reading: &Reading<'_>) -> Result<Side, Failure> {
    let side = sides::read(flag, path, reading)?;
    if let Some(folder) = &side.redirected {
        let (path, folder) = (path.display(), folder.display());
        say(globals, &format!("note: `{path}` has no iteration files, `{folder}` has; that one is read"));
    }
    Ok(side)
}

fn reasons(result: &CompareResult) -> Vec<String> {
    let mut reasons = Vec::new();
    if result.judged.is_empty() {
        reasons.push("no KPI of the policy is judged: neither side has one with a direction".to_owned());
    }
    if !result.regressions.is_empty() || !result.unknown.is_empty() || !result.undecided.is_empty() {
        reasons.push(report::compare::summary(result));
    }
    for (name, run) in [("A", &result.a), ("B", &result.b)] {
        if let Some(outcome) = run.cannot_judge() {
            let reason = run.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
            reasons.push(format!("{name} is {}{reason}", outcome.word()));
        }
    }
    reasons
}

fn promote(args: &PromoteArgs) -> Result<Exit, Failure> {
    let PromoteArgs { run, store, policy, mock, symbol, format } = args;
    let policy = load_policy(policy.policy.as_deref(), &[])?;
    let provenance = collect_provenance(&policy, None)?;
    let store = store.folder();
    let reading = Reading { policy: &policy, mock: mock.mock, so_far: false, symbol: symbol.as_deref() };
    let by = provenance::person(&Environment::of_process());
    let actor = Actor { by, at: now()? };
    baselines::promote(&store, run, &reading, &actor, &provenance.tool_version)?;
    show(&store, "promote", &policy, *format)
}

fn ack(args: &AckArgs) -> Result<Exit, Failure> {
    let AckArgs { kpi, owner, reason, until, view: StoreViewArgs { store, policy, format } } = args;
    let policy = load_policy(policy.policy.as_deref(), &[])?;
    let compared = policy.compare.kpis.iter().filter(|rule| rule.margin.is_some());
    let names: Vec<&str> = compared.map(|rule| rule.kpi.name).collect();
    if !names.contains(&kpi.as_str()) {
        let names = names.join(", ");
        return Err(Failure::usage(anyhow::anyhow!("`{kpi}` is no KPI that is compared"))
            .hint(format!("these are: {names}")));
    }
    let at = now()?;
    if until.as_str() < &at[..10] {
        return Err(Failure::usage(anyhow::anyhow!("`--until {until}` is over already"))
            .hint("an acknowledgement counts until the end of a day to come"));
    }
    let store = store.folder();
    let actor = Actor { by: owner.clone(), at };
    baselines::acknowledge(&store, kpi, reason, until, &actor)?;
    show(&store, "ack", &policy, *format)
}

fn view(args: &StoreViewArgs, action: &'static str) -> Result<Exit, Failure> {
    let StoreViewArgs { store, policy, format } = args;
    let policy = load_policy(policy.policy.as_deref(), &[])?;
    show(&store.folder(), action, &policy, *format)
}

fn show(store: &Path, action: &'static str, policy: &Policy, format: Format) -> Result<Exit, Failure> {
    let status = baselines::status(store, action, policy, &now()?[..10])?;
    let exit = if status.problems.is_empty() { Exit::Success } else { Exit::InputInvalid };
    match format {
        Format::Text => print(report::baselines::text(&status))?,
        Format::Json => print(json::pretty(&status))?,
    }
    Ok(exit)
}

/// Now, or what `SOAK_NOW` says.
fn now() -> Result<String, Failure> {
    let text = |time: chrono::DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    clock::now(&Environment::of_process())
        .map(text)
        .map_err(|error| Failure::usage(error).hint("an example of a valid time is 2026-01-31T12:00:00Z"))
}

fn history(args: &HistoryArgs) -> Result<Exit, Failure> {
    let HistoryArgs { dir, last, policy, mock, ascii, format } = args;
    let policy = load_policy(policy.policy.as_deref(), &[])?;
    let provenance = collect_provenance(&policy, None)?;
    let glyphs = if *ascii { Glyphs::Ascii } else { Glyphs::Blocks };
    let result = HistoryResult::of(dir, *last, &policy, mock.mock, glyphs, &provenance)?;
    print(match format {
        HistoryFormat::Text => report::history::text(&result),
        HistoryFormat::Json => json::pretty(&result),
        HistoryFormat::Md => report::history::md(&result),
    })?;
    Ok(Exit::Success)
}

/// Compares, prints, and updates the golden file where that was asked for.
fn compare_golden(args: &GoldenArgs) -> Result<Exit, Failure> {
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
        let hint = "`soak compare golden --help` shows what the file looks like";
        let text = atomic_file::read_text(path).map_err(|error| Failure::usage(error).hint(hint))?;
        let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        rules.extend(rule::read(&text, is_json).map_err(|reason| {
            let path = path.display();
            Failure::usage(anyhow!("the tolerances in `{path}` cannot be used: {reason}")).hint(hint)
        })?);
    }
    let settings = Settings {
        abs: *tolerance,
        rel: *rel_tolerance,
        nan_equal: *nan_equal,
        int_equals_float: *int_equals_float,
        rules,
    };
    let read = |side, path| {
        golden::read(side, path).map_err(|problem| {
            Failure::input(problem)
                .hint("`--baseline` and `--actual` name two JSON files; both must be there")
        })
    };
    let ((from, _), (to, bytes)) = (read("golden", baseline)?, read("actual", actual)?);
    let shown = |path: &Path| path.to_string_lossy().into_owned();
    let drift = golden::compare(&from, &to, &settings);
    let mut result = GoldenResult::of(shown(baseline), shown(actual), drift);
    let exit = if result.drift && *fail_on_drift { Exit::Failed } else { Exit::Success };
    result.exit_code = exit.code(false);
    result.update = result.drift && *update;
    match format {
        Format::Text => print(golden::text(&result.found))?,
        Format::Json => print(json::pretty(&result))?,
    }
    if result.update {
        atomic_file::write(baseline, &bytes)
            .map_err(|error| Failure::output(error).hint("the golden file is as it was"))?;
    }
    Ok(exit)
}
