//! Can the input of the window be trusted? Corrupt, duplicated and missing files, runs that still go on,
//! required KPIs that are nowhere to be seen.
//!
//! Trouble outside the window is a finding and changes no verdict.

mod elapsed;
mod recorded;
pub mod time;

use super::{count, list_numbers, list_ranges};
use crate::core::iteration::{Defect, KpiDefect};
use crate::core::kpi::KpiId;
use crate::core::policy::IntegrityRules;
use crate::core::series::ranges::Ranges;
use crate::core::series::window::Window;
use crate::core::series::{Row, Series};
use crate::core::verdict::evidence::{Evidence, RunState};
use crate::core::verdict::{Check, Comparison, LimitSource, Outcome, Part, Severity};

/// What is wrong with the files that belong to a window.
#[derive(Debug, Default)]
struct Trouble {
    sentences: Vec<String>,
    files: usize,
}

/// The integrity checks of one symbol.
///
/// `so_far` accepts a run that is not finished.
pub fn checks(
    evidence: &Evidence,
    series: &Series,
    window: &Window,
    so_far: bool,
    rules: &IntegrityRules,
) -> Vec<Check> {
    let mut checks = vec![files(evidence, series, window)];
    checks.extend(evidence.manifest_error.iter().map(|error| manifest(error, series, window)));
    checks.extend(run_state(evidence, series, window, so_far));
    if !window.is_empty() {
        checks.push(recorded::check(evidence, series, window));
        checks.push(elapsed::check(evidence, series, window, rules));
        checks.push(time::check(evidence, series, window, rules));
    }
    checks
}

/// Whether each required KPI has a value anywhere in the window of the run verdict; without one nothing can be
/// said.
pub fn kpis_present(series: &Series, window: &Window, required: &[KpiId]) -> Vec<Check> {
    if window.is_empty() {
        return Vec::new();
    }
    required.iter().map(|kpi| kpi_present(series, window, *kpi)).collect()
}

/// `--min-windows`: fewer iterations of a symbol than `wanted` are too few to judge.
pub fn enough(series: &Series, window: &Window, wanted: usize) -> Check {
    let n = series.len();
    let (outcome, reason) = if n < wanted {
        (Outcome::Inconclusive, format!("{}, `--min-windows` asks for {wanted}", count(n, "iteration")))
    } else {
        (Outcome::Pass, format!("{}, {wanted} asked for", count(n, "iteration")))
    };
    Check {
        statistic: "iterations".to_owned(),
        comparison: Some(Comparison::AtLeast),
        limit: Some(wanted as f64),
        observed: Some(n as f64),
        margin: Some(n as f64 - wanted as f64),
        outcome,
        reason,
        limit_source: Some(LimitSource { key: "min_windows".to_owned(), origin: "--min-windows".to_owned() }),
        ..base(series, window, "integrity.min_windows")
    }
}

fn manifest(error: &str, series: &Series, window: &Window) -> Check {
    Check {
        statistic: "readable".to_owned(),
        outcome: Outcome::Invalid,
        reason: format!("`RUN_MANIFEST.json` cannot be used, so what the run declared is unknown: {error}"),
        ..base(series, window, "integrity.manifest")
    }
}

fn base(series: &Series, window: &Window, gate: &str) -> Check {
    Check {
        part: Part::Integrity,
        gate: gate.to_owned(),
        kpi: None,
        symbol: series.symbol.clone(),
        severity: Severity::Hard,
        window: window.used(),
        statistic: "count".to_owned(),
        comparison: None,
        limit: None,
        observed: None,
        margin: None,
        outcome: Outcome::Pass,
        reason: String::new(),
        limit_source: None,
        joins: true,
        inference: None,
    }
}

fn files(evidence: &Evidence, series: &Series, window: &Window) -> Check {
    let check = base(series, window, "integrity.files");
    let trouble = trouble(evidence, series, window);
    if window.is_empty() && trouble.files == 0 && evidence.folder.is_empty() {
        return Check {
            outcome: Outcome::Invalid,
            reason: "there is no iteration to judge: no file named `ITER_SUMMARY_<number>.json`".to_owned(),
            ..check
        };
    }
    let reason = if trouble.files == 0 {
        format!("all {} of the window can be read", count(window.len(), "iteration file"))
    } else {
        trouble.sentences.join("; ")
    };
    Check {
        statistic: "unusable files".to_owned(),
        comparison: Some(Comparison::AtMost),
        limit: Some(0.0),
        observed: Some(trouble.files as f64),
        margin: Some(0.0 - trouble.files as f64),
        outcome: if trouble.files == 0 { Outcome::Pass } else { Outcome::Invalid },
        reason,
        ..check
    }
}

fn trouble(evidence: &Evidence, series: &Series, window: &Window) -> Trouble {
    const MOST: usize = 8;
    let concerns = |symbol: &Option<String>| symbol.is_none() || *symbol == series.symbol;
    let inside = |number: u64| number >= window.from;
    let mut trouble = Trouble::default();
    for bad in evidence.bad_files.iter().filter(|bad| concerns(&bad.symbol) && inside(bad.number)) {
        trouble.files += 1;
        if trouble.files <= MOST {
            trouble.sentences.push(format!("`{}`: {}", bad.name, bad.reason));
        }
    }
    for two in evidence.duplicates.iter().filter(|two| concerns(&two.symbol) && inside(two.number)) {
        trouble.files += two.names.len();
        trouble.sentences.push(format!(
            "iteration {} is there more than once: `{}`",
            two.number,
            two.names.join("`, `")
        ));
    }
    let before = Ranges::from_iter([(0, window.from.saturating_sub(1))]);
    let before = if window.from == 0 { Ranges::default() } else { before };
    let mut add = |numbers: &Ranges, what: &str| {
        if !numbers.is_empty() {
            trouble.files = trouble.files.saturating_add(numbers.count());
            trouble.sentences.push(format!("{what}: {}", list_ranges(numbers)));
        }
    };
    match &evidence.declared {
        Some(declared) => {
            let missing = declared.expected_from(window.from).without(&evidence.found(series));
            let missing = missing.without(&missing.without(&evidence.numbers(series)));
            add(&missing, "declared in `RUN_MANIFEST.json` and missing");
            let beyond = evidence.beyond_declared(series).without(&before);
            let done = if declared.state == RunState::Complete { "declared" } else { "completed" };
            add(&beyond, &format!("beyond the {} iterations that the run {done}", declared.last_complete));
        }
        None => add(&evidence.missing_between(series).without(&before), "missing in the window"),
    }
    if trouble.files > trouble.sentences.len() && trouble.files > MOST {
        trouble.sentences.push(format!("{} in all", count(trouble.files, "file")));
    }
    trouble
}

fn run_state(evidence: &Evidence, series: &Series, window: &Window, so_far: bool) -> Option<Check> {
    let declared = evidence.declared.as_ref()?;
    let check = base(series, window, "integrity.run_state");
    let progress = format!("{} of {} iterations", declared.last_complete, declared.iterations);
    let (outcome, reason) = match declared.state {
        RunState::Complete => (Outcome::Pass, format!("the run is complete: {progress}")),
        state if so_far => (
            Outcome::NotApplicable,
            format!("the run is {} ({progress}); judged so far, as asked", state.word()),
        ),
        state => (Outcome::Inconclusive, format!("the run is {}: {progress}", state.word())),
    };
    Some(Check {
        statistic: "completed iterations".to_owned(),
        comparison: Some(Comparison::AtLeast),
        limit: Some(declared.iterations as f64),
        observed: Some(declared.last_complete as f64),
        margin: Some(declared.last_complete as f64 - declared.iterations as f64),
        outcome,
        reason,
        ..check
    })
}

fn kpi_present(series: &Series, window: &Window, kpi: KpiId) -> Check {
    let name = kpi.name;
    let known = series.column(kpi)[window.positions.clone()].iter().flatten().count();
    let n = window.len();
    let too_high =
        defects(series, window, kpi).filter(|(_, defect)| matches!(defect.defect, Defect::TooHigh(_)));
    let too_high: Vec<(&Row, &KpiDefect)> = too_high.collect();
    let (outcome, reason) = if let Some((row, defect)) = too_high.first() {
        let numbers: Vec<u64> = too_high.iter().map(|(row, _)| row.number).collect();
        let reason =
            format!("`{name}` cannot be: {} in iteration {}", describe(row, defect), list_numbers(&numbers));
        (Outcome::Invalid, reason)
    } else if known == 0 {
        let why = defects(series, window, kpi)
            .next()
            .map_or_else(|| "no file has the key".to_owned(), |(row, defect)| describe(row, defect));
        (Outcome::Invalid, format!("`{name}` has no value in the whole window: {why}"))
    } else if known < n {
        (Outcome::Pass, format!("`{name}` has a value in {known} of {n} iterations; the others do not pass"))
    } else {
        (Outcome::Pass, format!("`{name}` has a value in all {}", count(n, "iteration")))
    };
    Check {
        kpi: Some(name.to_owned()),
        statistic: "known values".to_owned(),
        comparison: Some(Comparison::AtLeast),
        limit: Some(1.0),
        observed: Some(known as f64),
        margin: Some(known as f64 - 1.0),
        outcome,
        reason,
        ..base(series, window, &format!("integrity.{name}"))
    }
}

fn defects<'s>(
    series: &'s Series,
    window: &Window,
    kpi: KpiId,
) -> impl Iterator<Item = (&'s Row, &'s KpiDefect)> {
    series.rows()[window.positions.clone()].iter().filter_map(move |row| {
        row.defects.iter().find(|defect| defect.kpi == kpi).map(|defect| (row, defect))
    })
}

/// What is wrong under which key, and where.
fn describe(row: &Row, defect: &KpiDefect) -> String {
    let place = match &row.file {
        Some(file) => format!("`{file}`"),
        None => format!("iteration {}", row.number),
    };
    format!("`{}` {} in {place}", defect.key, defect.defect.describe())
}

#[cfg(test)]
mod tests;
