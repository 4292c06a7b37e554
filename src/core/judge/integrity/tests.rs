//! Tests of [`super`]: the last three of five iterations, so that there is an inside and an outside.

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
