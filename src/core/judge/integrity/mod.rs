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
mod tests {

    use super::super::fixture::{WINDOWS, integrity_rules, last, series};
    use super::*;
    use crate::core::policy::WindowSpec;
    use crate::core::verdict::evidence::{BadFile, Declared, Duplicate};

    const NET: [KpiId; 1] = [KpiId::NET_BPS];

    fn five() -> Series {
        series(KpiId::NET_BPS, &[Some(3.0); 5])
    }

    fn bad(number: u64, symbol: Option<&str>) -> BadFile {
        let name = format!("ITER_SUMMARY_{number}.json");
        BadFile { name, number, symbol: symbol.map(str::to_owned), reason: "is damaged".to_owned() }
    }

    fn judged(evidence: &Evidence, series: &Series, so_far: bool) -> Vec<Check> {
        let window = Window::find(series, WindowSpec::LastN, &WINDOWS, &evidence.numbers(series));
        let mut all = checks(evidence, series, &window, so_far, &integrity_rules());
        all.extend(kpis_present(series, &window, &NET));
        all
    }

    fn of_files(evidence: &Evidence) -> Check {
        judged(evidence, &five(), false).remove(0)
    }

    fn declared(state: RunState, iterations: u64, last_complete: u64) -> Evidence {
        let declared = Declared::of(iterations, state, last_complete);
        Evidence { declared: Some(declared), ..Evidence::default() }
    }

    #[test]
    fn a_bad_file_counts_from_the_first_number_of_the_window_on() {
        // With 2 bad the numbers are 1 to 5 still; the window starts at 3.
        for (number, outcome) in [(2, Outcome::Pass), (3, Outcome::Invalid), (5, Outcome::Invalid)] {
            let evidence = Evidence { bad_files: vec![bad(number, None)], ..Evidence::default() };
            assert_eq!(of_files(&evidence).outcome, outcome, "{number}");
        }
    }

    #[test]
    fn a_bad_file_of_another_symbol_concerns_nobody_else() {
        let other = Evidence { bad_files: vec![bad(5, Some("BBB"))], ..Evidence::default() };
        assert_eq!(of_files(&other).outcome, Outcome::Pass);
        // One without a symbol in its name may belong to any.
        let mut named = five();
        named.symbol = Some("AAA".to_owned());
        let evidence = Evidence { bad_files: vec![bad(5, None)], ..Evidence::default() };
        assert_eq!(judged(&evidence, &named, false)[0].outcome, Outcome::Invalid);
    }

    #[test]
    fn each_file_of_a_pair_is_counted() {
        let names = vec!["ITER_SUMMARY_005.json".to_owned(), "ITER_SUMMARY_5.json".to_owned()];
        let pair = Duplicate { symbol: None, number: 5, names };
        let check = of_files(&Evidence { duplicates: vec![pair], ..Evidence::default() });
        assert_eq!((check.outcome, check.observed, check.margin), (Outcome::Invalid, Some(2.0), Some(-2.0)));
    }

    #[test]
    fn no_iteration_at_all_is_invalid_and_asks_for_no_kpi() {
        let checks = judged(&Evidence::default(), &series(KpiId::NET_BPS, &[]), false);
        assert_eq!(checks.len(), 1);
        assert_eq!(checks[0].outcome, Outcome::Invalid);
        assert!(checks[0].reason.contains("there is no iteration to judge"), "{}", checks[0].reason);
    }

    #[test]
    fn a_complete_run_owes_the_iterations_of_the_window() {
        assert_eq!(of_files(&declared(RunState::Complete, 5, 5)).outcome, Outcome::Pass);
        let six = of_files(&declared(RunState::Complete, 6, 6));
        assert_eq!(six.outcome, Outcome::Invalid);
        assert_eq!(six.reason, "declared in `RUN_MANIFEST.json` and missing: 6");
        // A bad file is named once: as damaged, not as missing too.
        let mut evidence = declared(RunState::Complete, 6, 6);
        evidence.bad_files.push(bad(6, None));
        let check = of_files(&evidence);
        assert_eq!((check.observed, check.reason.as_str()), (Some(1.0), "`ITER_SUMMARY_6.json`: is damaged"));
    }

    #[test]
    fn a_run_that_goes_on_is_inconclusive_unless_asked_for_so_far() {
        let state = |evidence: &Evidence, so_far| judged(evidence, &five(), so_far).remove(1);
        let running = declared(RunState::Running, 9, 5);
        assert_eq!(state(&running, false).outcome, Outcome::Inconclusive);
        assert_eq!(state(&running, false).reason, "the run is running: 5 of 9 iterations");
        assert_eq!(state(&running, false).margin, Some(-4.0));
        assert_eq!(state(&running, true).outcome, Outcome::NotApplicable);
        assert_eq!(state(&declared(RunState::Complete, 5, 5), false).outcome, Outcome::Pass);
    }

    #[test]
    fn a_manifest_that_cannot_be_read_is_invalid_whatever_is_asked() {
        let evidence = Evidence { manifest_error: Some("is cut off".to_owned()), ..Evidence::default() };
        for so_far in [false, true] {
            let check = judged(&evidence, &five(), so_far).remove(1);
            assert_eq!((check.gate.as_str(), check.outcome), ("integrity.manifest", Outcome::Invalid));
        }
    }

    #[test]
    fn a_required_kpi_needs_one_value_in_the_window() {
        let with = |values: &[Option<f64>]| {
            judged(&Evidence::default(), &series(KpiId::NET_BPS, values), false).pop().expect("a check")
        };
        let outside = with(&[Some(3.0), Some(3.0), None, None, None]);
        assert_eq!((outside.outcome, outside.observed), (Outcome::Invalid, Some(0.0)));
        assert!(outside.reason.ends_with("no file has the key"), "{}", outside.reason);
        let one = with(&[None, None, None, Some(0.0), None]);
        assert_eq!((one.outcome, one.margin), (Outcome::Pass, Some(0.0)));
        assert!(one.reason.contains("in 1 of 3 iterations"), "{}", one.reason);
    }

    #[test]
    fn min_windows_holds_at_its_number() {
        let five = five();
        for (wanted, outcome) in [(4, Outcome::Pass), (5, Outcome::Pass), (6, Outcome::Inconclusive)] {
            assert_eq!(enough(&five, &last(&five), wanted).outcome, outcome, "{wanted}");
        }
    }
}
