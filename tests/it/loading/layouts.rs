//! Layouts and names: nested and flat files, symbols in names or in the content, gaps, padded numbers, and how
//! many files are opened.

use serde_json::{Value, json};

use super::{Gated, gate, message};
use crate::it::support::{Ran, Run, Step, name};

/// An iteration with everything at one level.
fn flat(step: Step) -> Value {
    json!({"iteration": step.number, "net_bps": step.net, "risk_ratio": step.risk,
           "maker_taker_ratio": step.maker, "p95_latency_ms": step.p95, "freeze_triggered": step.freeze,
           "ticks": 18_000 + step.number})
}

/// The same of a symbol.
fn of_symbol(symbol: &str, step: Step) -> Value {
    let mut value = flat(step);
    value["symbol"] = json!(symbol);
    value
}

fn frozen(number: u64) -> Step {
    Step { freeze: true, ..Step::good(number) }
}

fn symbol_name(symbol: &str, number: u64) -> String {
    format!("ITER_SUMMARY_{symbol}_{number:03}.json")
}

#[test]
fn an_empty_folder_and_one_without_iterations_are_invalid() {
    let nothing = Run::default();
    let others = Run::default()
        .with("notes.txt", "hello")
        .with("ITER_SUMMARY_.json", "{}")
        .with("ITER_SUMMARY_1.json.tmp", "{}")
        .with("ITER_SUMMARY_1.JSON", "{}")
        .with("iter_summary_1.json", "{}")
        .with("TUNING_REPORT.json", r#"{"iterations": []}"#);
    for run in [nothing, others] {
        let gated = gate(&run);
        gated.ends("INVALID", 4);
        assert!(gated.reason().contains("there is no iteration to judge"), "{}", gated.reason());
        let Ran { code, stderr, stdout } = run.in_temp().soak("extract", &["--detailed-exitcode"]);
        assert_eq!((code, stdout.as_str()), (4, ""), "{stderr}");
        assert!(stderr.contains("there is nothing to extract"), "{stderr}");
    }
}

#[test]
fn a_folder_that_is_not_there_and_a_file_are_missing_input() {
    let folder = Run::passing(8).in_temp();
    for below in ["nowhere", "ITER_SUMMARY_1.json"] {
        let path = folder.file(below);
        let path = path.to_str().expect("a plain path");
        let ran = crate::it::support::soak(&["gate", "--path", path, "--detailed-exitcode"]);
        assert_eq!(ran.code, 4, "{}", ran.stderr);
        assert!(ran.stderr.contains(below), "{}", ran.stderr);
    }
}

#[test]
fn other_files_beside_the_iterations_are_ignored() {
    let run = Run::passing(8)
        .with("ITER_SUMMARY_9.json.bak", "{")
        .with("ITER_SUMMARY_x.json", "{")
        .with("ITER_SUMMARY_9.5.json", "{")
        .with("ITER_SUMMARY_-9.json", "{");
    let gated = gate(&run);
    gated.ends("PASS", 0);
    assert!(gated.findings("unusable_file").is_empty(), "{}", gated.told["findings"]);
    assert_eq!(gated.check("run_verdict.pass_count")["window"]["last"], 8);
}

#[test]
fn flat_files_are_judged_like_nested_ones() {
    let run = (1..=8).fold(Run::default(), |run, number| {
        run.with_json(&name(number), &flat(Step { freeze: number == 4, ..Step::good(number) }))
    });
    gate(&run).ends("PASS", 0);
    let failing = (1..=4).fold(run, |run, number| run.with_json(&name(number), &flat(Step::bad(number))));
    let gated = gate(&failing);
    gated.ends("FAIL", 1);
    assert!(gated.reason().contains("4 of 8 iterations pass"), "{}", gated.reason());
}

#[test]
fn padded_names_are_their_number_and_the_order_is_that_of_numbers() {
    // By text, 10 comes before 9; by number, the window of 12 iterations is 5 to 12.
    let run = (1..=12).fold(Run::default(), |run, number| {
        run.with_json(&format!("ITER_SUMMARY_{number:06}.json"), &frozen(number).json())
    });
    for run in [run, Run::passing(12)] {
        let gated = gate(&run);
        gated.ends("PASS", 0);
        let window = &gated.check("run_verdict.pass_count")["window"];
        assert_eq!((&window["first"], &window["last"], &window["n"]), (&5.into(), &12.into(), &8.into()));
    }
}

#[test]
fn a_gap_in_the_window_is_invalid_and_the_window_is_the_highest_numbers_present() {
    let gated = gate(&Run::passing(12).without(&name(7)).without(&name(8)).without(&name(2)));
    gated.ends("INVALID", 4);
    assert!(gated.reason().ends_with("missing in the window: 7-8"), "{}", gated.reason());
    let gap = gated.finding("gap");
    assert_eq!(message(gap), "missing between the first and the last: 2, 7-8 (3 iterations)");
    let window = &gated.check("run_verdict.pass_count")["window"];
    assert_eq!((&window["first"], &window["n"]), (&3.into(), &8.into()));
}

#[test]
fn the_number_in_the_name_counts_and_the_other_one_is_a_finding() {
    let gated = gate(&Run::passing(12).edit(9, |value| value["iteration"] = json!(1)));
    gated.ends("PASS", 0);
    let finding = gated.finding("number_disagrees");
    assert_eq!(message(finding), "`ITER_SUMMARY_9.json` contains iteration 1; the file name counts");
    // What is no number says nothing.
    for odd in [json!(null), json!("9"), json!(-1), json!(9.5), json!([9])] {
        let gated = gate(&Run::passing(12).edit(9, |value| value["iteration"] = odd.clone()));
        gated.ends("PASS", 0);
        assert!(gated.findings("number_disagrees").is_empty(), "{odd}");
    }
}

#[test]
fn symbols_in_names_or_only_in_the_content_are_judged_one_by_one() {
    let named = |run: Run, symbol: &str, step: Step| {
        run.with_json(&symbol_name(symbol, step.number), &of_symbol(symbol, step))
    };
    let hidden = |run: Run, symbol: &str, step: Step| {
        // Two series in one numbering: odd numbers are one symbol, even numbers the other.
        let number = if symbol == "AAA" { step.number * 2 - 1 } else { step.number * 2 };
        run.with_json(&name(number), &of_symbol(symbol, Step { number, ..step }))
    };
    let layouts: [fn(Run, &str, Step) -> Run; 2] = [named, hidden];
    for layout in layouts {
        let good = (1..=8).fold(Run::default(), |run, number| {
            layout(layout(run, "AAA", frozen(number)), "BBB", frozen(number))
        });
        gate(&good).ends("PASS", 0);
        let one_bad = (1..=4).fold(good, |run, number| layout(run, "BBB", Step::bad(number)));
        let folder = one_bad.in_temp();
        let gated = Gated::of(&folder, &[]);
        gated.ends("FAIL", 1);
        assert_eq!(gated.told["symbol"], "BBB");
        assert!(
            gated.reason().starts_with("BBB: `net_bps` is below 2.70 in 4 of 8 iterations ("),
            "{}",
            gated.reason()
        );
        let extract = folder.soak("extract", &[]).json();
        assert_eq!((&extract["outcome"], &extract["pass_count_last8"]), (&"FAIL".into(), &4.into()));
    }
}

#[test]
fn a_map_of_symbols_is_read_as_one_file_a_symbol() {
    let map = |number: u64, second: Step| json!({"window_index": number, "meta": {"x": 1}, "AAA": flat(frozen(number)), "BBB": flat(second)});
    let run = (1..=8)
        .fold(Run::default(), |run, number| run.with_json(&name(number), &map(number, frozen(number))));
    let folder = run.in_temp();
    let gated = Gated::of(&folder, &[]);
    // The freeze stands in the tuning part, which a map has not.
    gated.ends("WARN", 0);
    assert_eq!(
        folder.json("POST_SOAK_SNAPSHOT.json")["symbols"].as_object().map(serde_json::Map::len),
        Some(2)
    );
    let failing =
        (1..=4).fold(run, |run, number| run.with_json(&name(number), &map(number, Step::bad(number))));
    let gated = gate(&failing);
    gated.ends("FAIL", 1);
    assert_eq!(gated.told["symbol"], "BBB");
}

#[test]
fn nothing_is_pooled_where_some_files_have_a_symbol_and_some_have_none() {
    let run = (1..=8).fold(Run::passing(8), |run, number| {
        run.with_json(&symbol_name("AAA", number), &of_symbol("AAA", Step::bad(number)))
    });
    let gated = gate(&run);
    gated.ends("FAIL", 1);
    assert_eq!(gated.told["symbol"], "AAA");
    assert_eq!(gated.told["window_n"], 8);
}

#[test]
fn the_same_number_of_two_symbols_is_no_pair_but_twice_the_same_symbol_is() {
    let run = (1..=8).fold(Run::default(), |run, number| {
        run.with_json(&symbol_name("AAA", number), &of_symbol("AAA", frozen(number)))
    });
    let twice = run.with_json(&name(8), &of_symbol("AAA", frozen(8)));
    let gated = gate(&twice);
    gated.ends("INVALID", 4);
    assert!(gated.reason().contains("iteration 8 is there more than once"), "{}", gated.reason());
}

#[test]
fn a_symbol_with_a_damaged_file_is_invalid_and_the_others_keep_their_verdicts() {
    let run = (1..=8).fold(Run::default(), |run, number| {
        run.with_json(&symbol_name("AAA", number), &of_symbol("AAA", frozen(number)))
            .with_json(&symbol_name("BBB", number), &of_symbol("BBB", frozen(number)))
    });
    let folder = run.clone().with(&symbol_name("BBB", 8), "{").in_temp();
    let gated = Gated::of(&folder, &[]);
    gated.ends("INVALID", 4);
    assert_eq!(gated.told["symbol"], "BBB");
    let symbols = folder.json("POST_SOAK_SNAPSHOT.json")["symbols"].clone();
    assert_eq!((&symbols["AAA"]["outcome"], &symbols["BBB"]["outcome"]), (&"PASS".into(), &"INVALID".into()));
}

#[test]
fn a_symbol_of_which_every_file_is_damaged_is_not_forgotten() {
    let good = (1..=8).fold(Run::default(), |run, number| {
        run.with_json(&symbol_name("AAA", number), &of_symbol("AAA", frozen(number)))
    });
    let corrupt = (1..=8).fold(good.clone(), |run, number| run.with(&symbol_name("BBB", number), "{"));
    let paired = (1..=8).fold(good, |run, number| {
        run.with_json(&symbol_name("BBB", number), &of_symbol("BBB", frozen(number)))
            .with_json(&format!("ITER_SUMMARY_BBB_{number}.json"), &of_symbol("BBB", frozen(number)))
    });
    for run in [corrupt, paired] {
        let folder = run.in_temp();
        let gated = Gated::of(&folder, &[]);
        gated.ends("INVALID", 4);
        assert_eq!(gated.told["symbol"], "BBB");
        assert_eq!(folder.soak("extract", &[]).json()["outcome"], "INVALID");
    }
}

#[test]
fn a_damaged_file_in_the_window_of_the_run_verdict_is_invalid_also_where_that_is_the_longer_one() {
    let run = Run::passing(24)
        .with(&name(3), "{")
        .with("policy.toml", "schema_version = 1\n[run_verdict]\nwindow = \"overall\"\nmin_iterations = 8\n");
    let folder = run.in_temp();
    let policy = folder.file("policy.toml");
    let gated = Gated::of(&folder, &["--policy", policy.to_str().expect("a plain path")]);
    gated.ends("INVALID", 4);
}

#[test]
fn extract_opens_only_the_files_of_its_window() {
    let run: Run = (1..=1000).map(|number| Step { freeze: number == 995, ..Step::good(number) }).collect();
    // Were one of the older ones opened, it would be a finding on stderr or in the metrics.
    let run = (1..=992).fold(run, |run, number| run.with(&name(number), "{"));
    let folder = run.clone().in_temp();
    let Ran { code, stdout, stderr } = folder.soak("extract", &["--detailed-exitcode"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let snapshot: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(snapshot["outcome"], "PASS");
    assert_eq!(snapshot["iterations"], json!([993, 994, 995, 996, 997, 998, 999, 1000]));
    // The first file of the window is looked at.
    let folder = run.with(&name(993), "{").in_temp();
    assert_eq!(folder.soak("extract", &[]).json()["outcome"], "INVALID");
}
