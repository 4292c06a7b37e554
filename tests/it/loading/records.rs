//! What a run recorded of its files, and files that no run wrote: changed, planted, copied, numbered beyond reason.

use std::fmt::Write as _;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Gated, gate, message};
use crate::it::support::{Run, Step, name};

/// The lines of the log for these iterations of a run, as `run` writes them.
fn log(run: &Run, numbers: impl IntoIterator<Item = u64>) -> String {
    let mut log = "{\"event\":\"start\",\"utc\":\"2026-01-01T00:00:00Z\"}\n".to_owned();
    for number in numbers {
        let file = name(number);
        let (_, bytes) = run.files().find(|(name, _)| *name == file).expect("an iteration of the run");
        let mut sha256 = String::new();
        for byte in Sha256::digest(bytes) {
            write!(sha256, "{byte:02x}").expect("a string takes everything");
        }
        let minute = number * 5;
        let line = json!({"event": "iteration", "iteration": number, "file": file, "bytes": bytes.len(),
                          "sha256": sha256,
                          "utc": format!("2026-01-01T{:02}:{:02}:00Z", minute / 60, minute % 60)});
        writeln!(log, "{line}").expect("a string takes everything");
    }
    log
}

/// 24 iterations of a complete run with its log.
fn recorded() -> Run {
    let run = Run::passing(24).declared(24, "complete", 24);
    let log = log(&run, 1..=24);
    run.with("RUN_LOG.jsonl", log)
}

/// One digit of a KPI changed.
fn changed(run: Run, number: u64) -> Run {
    run.edit(number, |value| value["summary"]["net_bps"] = json!(3.3))
}

#[test]
fn a_changed_digit_in_the_window_is_invalid_and_before_it_a_finding() {
    let whole = gate(&recorded());
    whole.ends("PASS", 0);
    assert_eq!(whole.check("integrity.recorded")["outcome"], "PASS");
    let inside = gate(&changed(recorded(), 17));
    inside.ends("INVALID", 4);
    let reason = inside.check("integrity.recorded")["reason"].as_str().expect("a sentence").to_owned();
    assert!(reason.starts_with("`ITER_SUMMARY_17.json` has SHA-256 "), "{reason}");
    assert!(reason.contains("`RUN_LOG.jsonl` records "), "{reason}");
    let before = gate(&changed(recorded(), 16));
    before.ends("PASS", 0);
    assert!(message(before.finding("altered_file")).contains("ITER_SUMMARY_16.json"));
}

#[test]
fn every_command_that_judges_looks_at_the_hashes() {
    let folder = changed(recorded(), 20).in_temp();
    assert_eq!(folder.soak("extract", &[]).json()["outcome"], "INVALID");
    assert_eq!(folder.soak("analyze", &[]).code, 1);
    assert_eq!(folder.soak("audit", &["--fail-on-hold"]).code, 1);
}

#[test]
fn a_folder_without_a_log_is_judged_as_foreign_data() {
    let foreign = gate(&Run::passing(24));
    foreign.ends("PASS", 0);
    let check = foreign.check("integrity.recorded");
    assert_eq!(check["outcome"], "NOT_APPLICABLE");
    assert!(check["reason"].as_str().expect("a sentence").contains("foreign data"), "{check}");
}

#[test]
fn of_two_lines_for_one_iteration_the_later_one_counts() {
    let first = changed(Run::passing(24), 20);
    let second = Run::passing(24).declared(24, "complete", 24);
    let both = format!("{}{}", log(&first, 1..=20), log(&second, 20..=24));
    gate(&second.clone().with("RUN_LOG.jsonl", both)).ends("PASS", 0);
    let reversed = format!("{}{}", log(&second, 1..=24), log(&first, [20]));
    gate(&second.with("RUN_LOG.jsonl", reversed)).ends("INVALID", 4);
}

#[test]
fn a_file_that_the_run_did_not_log_is_planted() {
    let run = recorded();
    let lines = log(&run, (1..=24).filter(|number| *number != 20));
    let planted = gate(&run.clone().with("RUN_LOG.jsonl", lines));
    planted.ends("INVALID", 4);
    let reason = planted.check("integrity.recorded")["reason"].as_str().expect("a sentence").to_owned();
    assert!(reason.contains("`ITER_SUMMARY_20.json` `RUN_LOG.jsonl` does not record it"), "{reason}");
    // The last one of a run that is at work can be on its way into the log; a second one cannot.
    let running = |logged: u64| {
        let run = Run::passing(12).declared(24, "running", 12);
        let log = log(&run, 1..=logged);
        Gated::of(&run.with("RUN_LOG.jsonl", log).in_temp(), &["--so-far"])
    };
    running(11).ends("PASS", 0);
    running(10).ends("INVALID", 4);
    let interrupted = Run::passing(12).declared(24, "interrupted", 12);
    let eleven = log(&interrupted, 1..=11);
    Gated::of(&interrupted.with("RUN_LOG.jsonl", eleven).in_temp(), &["--so-far"]).ends("INVALID", 4);
}

#[test]
fn a_line_that_cannot_be_read_is_a_finding_and_a_torn_end_is_none() {
    let run = recorded();
    let log = log(&run, 1..=24);
    let torn = gate(&run.clone().with("RUN_LOG.jsonl", format!("{log}{{\"event\":\"com")));
    torn.ends("PASS", 0);
    assert_eq!(torn.findings("unreadable_line").len(), 0);
    let broken = gate(&run.with("RUN_LOG.jsonl", format!("nonsense\n{log}")));
    broken.ends("PASS", 0);
    assert!(message(broken.finding("unreadable_line")).contains("1 line "), "{}", broken.told);
}

#[test]
fn a_log_that_cannot_be_read_at_all_proves_nothing() {
    let folder = Run::passing(24).in_temp();
    std::fs::create_dir(folder.file("RUN_LOG.jsonl")).expect("a folder");
    Gated::of(&folder, &[]).ends("INVALID", 4);
}

#[test]
fn what_the_gate_wrote_itself_changes_no_later_verdict_and_who_changed_it_is_told() {
    let folder = recorded().in_temp();
    for _ in 0..2 {
        Gated::of(&folder, &[]).ends("PASS", 0);
        assert_eq!(folder.soak("analyze", &[]).code, 0);
        assert_eq!(folder.soak("audit", &[]).code, 0);
    }
    assert!(Gated::of(&folder, &[]).findings("changed_artifact").is_empty());
    std::fs::write(folder.file("POST_SOAK_AUDIT.md"), "all is well\n").expect("a file");
    let told = Gated::of(&folder, &[]);
    told.ends("PASS", 0);
    assert!(message(told.finding("changed_artifact")).starts_with("`POST_SOAK_AUDIT.md` has SHA-256 "));
    // The gate wrote it anew. The readiness audit lists its files in their own folder.
    assert!(Gated::of(&folder, &[]).findings("changed_artifact").is_empty());
    assert_eq!(folder.soak("audit", &[]).code, 0);
    std::fs::write(folder.file("reports/analysis/POST_SOAK_AUDIT_SUMMARY.json"), "{}\n").expect("a file");
    let told = Gated::of(&folder, &[]);
    assert!(
        message(told.finding("changed_artifact")).contains("POST_SOAK_AUDIT_SUMMARY.json"),
        "{}",
        told.told
    );
}

#[test]
fn iterations_beyond_the_declared_ones_are_invalid() {
    let planted = |state, last: u64| {
        let run = Run::passing(24).declared(16, state, last);
        gate(&run)
    };
    let check = planted("complete", 16);
    check.ends("INVALID", 4);
    assert!(
        check.reason().contains("beyond the 16 iterations that the run declared: 17-24"),
        "{}",
        check.reason()
    );
    let interrupted = gate(&Run::passing(14).declared(16, "interrupted", 12));
    interrupted.ends("INVALID", 4);
    assert!(interrupted.reason().contains("that the run completed: 13-14"), "{}", interrupted.reason());
    gate(&Run::passing(14).declared(16, "interrupted", 14)).ends("INCONCLUSIVE", 3);
}

#[test]
fn numbers_beyond_every_run_are_invalid_and_a_billion_is_not() {
    let copy = |run: Run, file: &str| {
        let mut step = Step::good(24).json();
        step["summary"]["ticks"] = json!(5);
        run.with_json(file, &step)
    };
    for number in ["1000000001", "18446744073709551614", "18446744073709551615", "99999999999999999999999"] {
        let gated = gate(&copy(Run::passing(24), &format!("ITER_SUMMARY_{number}.json")));
        gated.ends("INVALID", 4);
        assert!(gated.reason().contains(&format!("ITER_SUMMARY_{number}.json")), "{}", gated.reason());
        assert!(gated.findings("gap").is_empty(), "{}", gated.told["findings"]);
    }
    let epoch: Run = (0..8).map(|at| Step { freeze: at == 6, ..Step::good(999_999_993 + at) }).collect();
    gate(&epoch).ends("PASS", 0);
}

#[test]
fn an_exact_copy_under_another_number_is_invalid_in_the_window() {
    let bytes = |run: &Run, number: u64| {
        run.files().find(|(file, _)| *file == name(number)).expect("an iteration").1.to_vec()
    };
    // Few digits, so that equal values alone can be chance.
    let run = Run::passing(24);
    let copied = gate(&run.clone().with(&name(25), bytes(&run, 24)));
    copied.ends("INVALID", 4);
    let reason = copied.check("integrity.recorded")["reason"].as_str().expect("a sentence").to_owned();
    assert!(reason.contains("`ITER_SUMMARY_25.json` is an exact copy of `ITER_SUMMARY_24.json`"), "{reason}");
    let old = gate(&run.clone().with(&name(25), bytes(&run, 3)));
    assert_eq!(old.check("integrity.recorded")["outcome"], "INVALID");
    // Before the window it is a finding.
    let before = gate(&run.clone().with(&name(5), bytes(&run, 4)));
    before.ends("PASS", 0);
    assert!(message(before.finding("altered_file")).contains("`ITER_SUMMARY_5.json` is an exact copy"));
}

#[test]
fn a_copy_without_a_number_in_it_is_known_by_its_time() {
    let unnumbered = |run: Run, number: u64| {
        run.edit(number, |value| {
            value.as_object_mut().expect("an object").remove("iteration");
        })
    };
    let run = (1..=24).fold(Run::passing(24), unnumbered);
    gate(&run).ends("PASS", 0);
    let (_, bytes) = run.files().find(|(file, _)| *file == name(20)).expect("an iteration");
    let copied = gate(&run.clone().with(&name(25), bytes.to_vec()));
    assert_eq!(copied.check("integrity.recorded")["outcome"], "INVALID");
}

#[test]
fn a_number_missing_in_the_window_is_invalid_without_a_manifest_and_before_it_a_finding() {
    // Without 17 to 20 the eight highest numbers are 13 to 16 and 21 to 24.
    let run = (17..=20).fold(Run::passing(24), |run, number| run.without(&name(number)));
    let inside = gate(&run);
    inside.ends("INVALID", 4);
    assert!(inside.reason().contains("missing in the window: 17-20"), "{}", inside.reason());
    let before = gate(&(15..=16).fold(Run::passing(24), |run, number| run.without(&name(number))));
    before.ends("PASS", 0);
    assert!(message(before.finding("gap")).contains("15-16"));
}

#[test]
fn numbers_that_share_one_stride_have_that_step() {
    let tens = || (1..=12).map(|at| Step { freeze: at == 10, ..Step::good(10 * at) }).collect::<Run>();
    let all = gate(&tens());
    all.ends("PASS", 0);
    assert!(
        all.findings("gap").is_empty() && all.findings("begins_late").is_empty(),
        "{}",
        all.told["findings"]
    );
    let missing = gate(&tens().without(&name(110)));
    missing.ends("INVALID", 4);
    assert!(missing.reason().contains("missing in the window: 110"), "{}", missing.reason());
}

#[test]
fn a_folder_that_begins_late_says_so() {
    let late = gate(&(1..=4).fold(Run::passing(24), |run, number| run.without(&name(number))));
    late.ends("PASS", 0);
    assert!(message(late.finding("begins_late")).contains("begins with iteration 5; 1-4"), "{}", late.told);
    assert!(gate(&Run::passing(24)).findings("begins_late").is_empty());
    let manifest = json!({"schema_version": "1.0", "iterations": 24, "state": "complete",
                          "last_complete_iteration": 24, "rotated": [[1, 4]]});
    let rotated = (1..=4).fold(Run::passing(24), |run, number| run.without(&name(number)));
    let rotated = gate(&rotated.with_json("RUN_MANIFEST.json", &manifest));
    rotated.ends("PASS", 0);
    assert!(rotated.findings("begins_late").is_empty());
}
