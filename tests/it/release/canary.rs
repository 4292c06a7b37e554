//! `soak release canary check` over run folders: verdicts, exit codes, refusals. Iterations of these runs end every
//! five minutes from 2026-01-01T00:05 on, so that iteration n fills step n of a canary that starts at midnight.

use std::fs;

use serde_json::{Value, json};

use super::super::support::{Folder, Ran, Run, Step, name, program, ran};
use super::{Releases, forge, keeps_to, placed};

pub(super) const START: &str = "2026-01-01T00:00:00Z";

/// In which iterations say how many orders failed.
const POLICY: &str = "schema_version = 1\n[kpi.error_ratio]\nunit = \"ratio\"\ndirection = \"lower\"\n";

/// A canary of so many good iterations, which tell everything that is asked for.
pub(super) fn good(iterations: u64) -> Run {
    let run: Run = (1..=iterations).map(Step::good).collect();
    (1..=iterations).fold(run, |run, number| {
        run.edit(number, |value| {
            value["summary"]["error_ratio"] = json!(0.01);
            value["source"] = json!("fixture");
        })
    })
}

/// Iterations in which the latency is this.
pub(super) fn slow(run: Run, numbers: impl IntoIterator<Item = u64>, p95: f64) -> Run {
    numbers
        .into_iter()
        .fold(run, |run, number| run.edit(number, |value| value["summary"]["p95_latency_ms"] = json!(p95)))
}

/// A bundle in `out/v1`, the canary in `canary`, the policy in `p.toml`.
pub(super) fn place(canary: &Run) -> Folder {
    let place = placed(&Run::releasable());
    place.built(&["--archive"]);
    canary.write(&place.file("canary"));
    fs::write(place.file("p.toml"), POLICY).expect("a file");
    place
}

/// Checks at a time of 2026-01-01, with the bundle.
pub(super) fn check(place: &Folder, now: &str, args: &[&str]) -> Ran {
    let usual = ["--bundle", "out/v1", "--since", START, "--canary-run", "canary", "--policy", "p.toml"];
    check_with(place, now, &[&usual, args].concat())
}

pub(super) fn check_with(place: &Folder, now: &str, args: &[&str]) -> Ran {
    let now = if now.contains('T') { now.to_owned() } else { format!("2026-01-01T{now}:00Z") };
    let mut command = program();
    command.current_dir(place.path()).env("SOAK_NOW", now).args(["release", "canary", "check"]).args(args);
    ran(command.arg("--detailed-exitcode"))
}

/// Exit code and verdict.
#[track_caller]
pub(super) fn ends(ran: &Ran, code: i32, outcome: &str) -> Value {
    assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
    let result = ran.json();
    assert_eq!(result["outcome"], outcome, "{}", ran.stdout);
    assert_eq!(result["exit_code"], code);
    keeps_to("canary_check", &result);
    result
}

const JSON: [&str; 2] = ["--format", "json"];

fn block<'r>(result: &'r Value, name: &str) -> &'r Value {
    let blocks = result["blocks"].as_array().expect("a list");
    blocks.iter().find(|block| block["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn a_good_canary_passes_after_24_hours_and_is_inconclusive_before() {
    let place = place(&good(288));
    let early = ends(&check(&place, "23:59", &JSON), 3, "INCONCLUSIVE");
    assert_eq!(early["next"], json!({"at": "2026-01-02T00:00:00Z", "what": "hour 24"}));
    assert_eq!(early["verdict"], "FAIL", "who knows two words is not told that it passed");
    ends(&check(&place, "23:59", &["--so-far", "--format", "json"]), 0, "PASS");
    let done = ends(&check(&place, "2026-01-02T00:00:00Z", &JSON), 0, "PASS");
    assert_eq!((&done["next"], &done["rollback"], &done["steps"]), (&Value::Null, &Value::Null, &json!(288)));
    // The limits are those of the checklist: the soak's means less their margins, its maximum and median more.
    let limits = |name: &str| -> Vec<(String, f64, String)> {
        let list = block(&done, name)["limits"].as_array().expect("a list").clone();
        let of = |limit: &Value| {
            let check = &limit["check"];
            let word = |key: &str| check[key].as_str().expect("a word").to_owned();
            (word("kpi"), check["limit"].as_f64().expect("a number"), word("statistic"))
        };
        list.iter().map(of).collect()
    };
    let expected = |list: &[(&str, f64, &str)]| -> Vec<(String, f64, String)> {
        list.iter().map(|(kpi, limit, of)| ((*kpi).to_owned(), *limit, (*of).to_owned())).collect()
    };
    assert_eq!(
        limits("hour_24"),
        expected(&[
            ("net_bps", 2.8, "mean"),
            ("risk_ratio", 0.36, "median"),
            ("maker_taker_ratio", 0.86, "mean"),
            ("p95_latency_ms", 320.0, "max"),
        ])
    );
    let checklist = place.text("out/v1/CANARY_CHECKLIST.md");
    for line in
        ["net_bps >= 2.8 bps", "risk_ratio <= 0.36", "maker_taker_ratio >= 0.86", "p95_latency_ms <= 320 ms"]
    {
        assert!(checklist.contains(line), "{line}: {checklist}");
    }
    // Without --detailed-exitcode there is one code for everything that is no success.
    let mut plain = program();
    plain.current_dir(place.path()).env("SOAK_NOW", "2026-01-01T12:00:00Z").args([
        "release",
        "canary",
        "check",
        "--bundle",
        "out/v1.tar.gz",
        "--since",
        START,
        "--canary-run",
        "canary",
    ]);
    assert_eq!(ran(&mut plain).code, 1);
    // The same question, the same bytes; and nothing is written.
    assert_eq!(check(&place, "23:59", &JSON).stdout, check(&place, "23:59", &JSON).stdout);
}

#[test]
fn an_hour_by_itself_is_ticked_when_it_is_due() {
    let place = place(&good(80));
    let hour = |now, hour| check(&place, now, &["--hour", hour, "--format", "json"]);
    ends(&hour("00:59", "1"), 3, "INCONCLUSIVE");
    let ticked = ends(&hour("01:00", "1"), 0, "PASS");
    assert_eq!(ticked["blocks"].as_array().map(Vec::len), Some(1));
    ends(&hour("05:59", "6"), 3, "INCONCLUSIVE");
    ends(&hour("06:00", "6"), 0, "PASS");
    let unknown = hour("06:00", "7");
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("the canary has no hour 7; it has 1, 6, 24"), "{}", unknown.stderr);
}

#[test]
fn a_trigger_that_held_fails_with_the_rollback_the_times_and_the_values() {
    // Five minutes are one step.
    let place = place(&slow(slow(good(40), [20], 500.0), [30, 31], 612.5));
    let result = ends(&check(&place, "03:20", &["--so-far", "--format", "json"]), 1, "FAIL");
    assert_eq!(result["rollback"], "quick");
    let trigger = result["triggers"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|it| it["check"]["kpi"] == "p95_latency_ms");
    let trigger = trigger.expect("a trigger on latency");
    assert_eq!(trigger["held"], json!([{"from": "2026-01-01T02:25:00Z", "to": "2026-01-01T02:35:00Z"}]));
    assert_eq!((&trigger["check"]["observed"], &trigger["check"]["margin"]), (&json!(612.5), &json!(-112.5)));
    let text = check(&place, "03:20", &[]).stdout;
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("Canary v1: FAIL"));
    let reason = "canary.trigger.latency: > 500 ms held from 2026-01-01T02:25:00Z to 2026-01-01T02:35:00Z: 612.5 ms, 612.5 ms";
    assert_eq!(lines.next(), Some(reason));
    assert_eq!(lines.next(), Some("ROLL BACK NOW: the quick rollback of rollback_plan.md"));
    // A minute before it was over nobody knew.
    ends(&check(&place, "02:29", &["--so-far", "--format", "json"]), 0, "PASS");
    // The full rollback is asked for by risk.
    let risky = good(20).edit(9, |value| value["summary"]["risk_ratio"] = json!(0.61));
    let place = self::place(&slow(risky, [3], 900.0));
    assert_eq!(ends(&check(&place, "01:40", &JSON), 1, "FAIL")["rollback"], "full");
}

#[test]
fn a_missed_limit_of_an_hour_fails() {
    // The mean of the first hour is (8 * 300 + 4 * 499.99) / 12, 366.66, and of 12 steps of 400.01 it is above 400.
    let place_of =
        |count: u64| place(&slow(good(13), 13 - count..=12, if count == 4 { 499.99 } else { 400.01 }));
    ends(&check(&place_of(4), "01:00", &["--hour", "1", "--format", "json"]), 0, "PASS");
    let missed = ends(&check(&place_of(12), "01:00", &["--hour", "1", "--format", "json"]), 1, "FAIL");
    let reason = missed["reason"].as_str().expect("a reason");
    assert_eq!(reason, "canary.hour_1.p95_latency_ms: mean 400.01 ms is not <= 400 ms");
}

#[test]
fn a_look_that_misses_is_a_warning_and_fails_on_demand() {
    // Twelve steps with one of 1500 in them have a mean of 400, and 0.1 more is more; its trigger is turned off.
    let policy = format!("{POLICY}[canary.trigger.latency]\nenabled = false\n");
    let place = placed(&Run::releasable());
    fs::write(place.file("p.toml"), policy).expect("a file");
    place.built(&["--policy", "p.toml"]);
    slow(good(20), [20], 1500.1).write(&place.file("canary"));
    let so_far = ["--so-far", "--format", "json"];
    let warned = ends(&check(&place, "01:40", &so_far), 0, "WARN");
    assert_eq!(block(&warned, "now")["outcome"], "WARN");
    let failed = check(&place, "01:40", &["--so-far", "--fail-on", "warn", "--format", "json"]);
    ends(&failed, 1, "WARN");
    // Two in a row.
    slow(good(21), [20], 1500.1).write(&place.file("canary"));
    ends(&check(&place, "01:45", &so_far), 1, "FAIL");
}

#[test]
fn what_nobody_saw_is_never_a_pass() {
    let without = |numbers: &[u64]| numbers.iter().fold(good(40), |run, number| run.without(&name(*number)));
    let so_far = ["--so-far", "--format", "json"];
    // Three steps are 15 minutes, which are looked over; four are not.
    ends(&check(&place(&without(&[20, 21, 22])), "03:20", &so_far), 0, "PASS");
    let gap = ends(&check(&place(&without(&[20, 21, 22, 23])), "03:20", &so_far), 3, "INCONCLUSIVE");
    assert!(gap["reason"].as_str().is_some_and(|told| told.contains("for 20 minutes")), "{}", gap["reason"]);
    // A file that cannot be read is time that nobody saw, and is named.
    let broken = [20, 21, 22, 23].iter().fold(good(40), |run, number| run.with(&name(*number), "{"));
    let told = ends(&check(&place(&broken), "03:20", &so_far), 3, "INCONCLUSIVE");
    let notes = told["notes"].to_string();
    assert!(notes.contains("`ITER_SUMMARY_20.json` cannot be used: "), "{notes}");
    assert!(notes.contains(", and 3 more"), "{notes}");
    // A KPI that stops, one that was never there, a whole folder of another day, an empty one.
    let gone = (30..=40)
        .fold(good(40), |run, number| run.edit(number, |value| value["summary"]["risk_ratio"] = Value::Null));
    ends(&check(&place(&gone), "03:20", &so_far), 3, "INCONCLUSIVE");
    let plain: Run = (1..=40).map(Step::good).collect();
    let told = ends(&check(&place(&plain), "03:20", &so_far), 3, "INCONCLUSIVE");
    let reason = told["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("canary.trigger.errors: no iteration has `error_ratio`"), "{reason}");
    let place = place(&good(40));
    let later = check_with(
        &place,
        "2026-02-01T05:00:00Z",
        &[
            "--bundle",
            "out/v1",
            "--since",
            "2026-02-01T00:00:00Z",
            "--canary-run",
            "canary",
            "--policy",
            "p.toml",
            "--format",
            "json",
        ],
    );
    let told = ends(&later, 4, "INVALID");
    let reason = told["reason"].as_str().expect("a reason");
    assert!(reason.ends_with("they go from 2026-01-01T00:00:00Z to 2026-01-01T03:20:00Z"), "{reason}");
    fs::create_dir(place.file("empty")).expect("a folder");
    let empty = ["--bundle", "out/v1", "--since", START, "--canary-run", "empty", "--format", "json"];
    ends(&check_with(&place, "05:00", &empty), 4, "INVALID");
    // A start before the first iteration.
    let before = [
        "--bundle",
        "out/v1",
        "--since",
        "2025-12-31T23:00:00Z",
        "--canary-run",
        "canary",
        "--policy",
        "p.toml",
    ];
    let told = ends(&check_with(&place, "01:00", &[&before[..], &so_far].concat()), 3, "INCONCLUSIVE");
    let late =
        "the iterations of `canary` begin at 2026-01-01T00:00:00Z, 60 minutes after the start of the canary";
    assert!(told["notes"].to_string().contains(late), "{}", told["notes"]);
    // The canary has just begun.
    let begun = ends(&check(&place, "00:04", &so_far), 3, "INCONCLUSIVE");
    assert!(
        begun["reason"]
            .as_str()
            .is_some_and(|told| told.ends_with("the first step ends at 2026-01-01T00:05:00Z"))
    );
}

#[test]
fn an_iteration_covers_the_time_that_its_run_declared() {
    // Every second iteration is there, so that each ends ten minutes after the one before.
    let every_second =
        (1..=40).filter(|number| number % 2 == 1).fold(good(40), |run, number| run.without(&name(number)));
    let declared = |seconds: u64| {
        every_second.clone().with_json(
            "RUN_MANIFEST.json",
            &json!({"schema_version": "1.0", "iterations": 40, "state": "complete", "last_complete_iteration": 40,
                    "source": "exec", "settings": {"interval_seconds": seconds}}),
        )
    };
    let so_far = ["--so-far", "--format", "json"];
    ends(&check(&place(&declared(600)), "03:20", &so_far), 0, "PASS");
    ends(&check(&place(&declared(300)), "03:20", &so_far), 3, "INCONCLUSIVE");
    // Where no run declared anything an iteration covers a step at most.
    ends(&check(&place(&every_second), "03:20", &so_far), 3, "INCONCLUSIVE");
    // An iteration without a time, and one whose time is none.
    let timeless = [20, 21].iter().fold(good(40), |run, number| {
        run.edit(*number, |value| {
            value["summary"]["runtime_utc"] = if *number == 20 { Value::Null } else { json!("noon") }
        })
    });
    let told = ends(&check(&place(&timeless), "03:20", &so_far), 0, "PASS");
    let notes = told["notes"].to_string();
    assert!(notes.contains("2 iterations have no usable time (`runtime_utc`) and are left out"), "{notes}");
}

#[test]
fn a_metric_that_the_bundle_calls_optional_may_be_missing() {
    let place = placed(&Run::releasable());
    fs::write(place.file("p.toml"), "schema_version = 1\n[canary.trigger.errors]\noptional = true\n")
        .expect("a file");
    place.built(&["--policy", "p.toml"]);
    (1..=40).map(Step::good).collect::<Run>().write(&place.file("canary"));
    let result = ends(&check(&place, "03:20", &["--so-far", "--format", "json"]), 0, "PASS");
    let errors =
        result["triggers"].as_array().expect("a list").iter().find(|it| it["check"]["kpi"] == "error_ratio");
    assert_eq!(errors.map(|errors| errors["check"]["outcome"].clone()), Some(json!("NOT_APPLICABLE")));
}

#[test]
fn limits_come_from_a_sound_bundle_or_a_soak_that_passed() {
    let place = place(&good(80));
    let error = |ran: Ran, code: i32, words: &str| {
        assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.is_empty() && ran.stderr.contains(words), "{}", ran.stderr);
    };
    // The soak itself, in place of its bundle, says the same.
    let by_run = [
        "--path",
        "run",
        "--since",
        START,
        "--canary-run",
        "canary",
        "--policy",
        "p.toml",
        "--format",
        "json",
    ];
    let by_run = check_with(&place, "06:40", &by_run);
    let by_bundle = ends(&check(&place, "06:40", &JSON), 3, "INCONCLUSIVE");
    let by_run = ends(&by_run, 3, "INCONCLUSIVE");
    assert_eq!(by_run["limits_from"], "run");
    let limits = |result: &Value| -> Vec<Value> {
        block(result, "hour_24")["limits"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|it| it["check"]["limit"].clone())
            .collect()
    };
    assert_eq!(limits(&by_run), limits(&by_bundle));
    Run::passing(16).failing(&[9, 10, 11, 12, 13, 14, 15, 16]).write(&place.file("bad"));
    let bad = ["--path", "bad", "--since", START, "--canary-run", "canary"];
    error(check_with(&place, "06:40", &bad), 4, "sets no limits: it is FAIL");
    // A forger who makes the hashes right again, without limits and with half of them.
    let whole = place.json("out/v1/MANIFEST.json");
    forge(&place, |manifest| manifest["notes"]["canary"] = json!([]));
    error(check(&place, "06:40", &[]), 4, "the manifest notes 0 of 3 limits for hour 1");
    forge(&place, |manifest| {
        *manifest = whole.clone();
        manifest["notes"]["canary"].as_array_mut().expect("a list").pop();
    });
    error(check(&place, "06:40", &[]), 4, "the manifest notes 3 of 4 limits for hour 24");
    forge(&place, |manifest| {
        *manifest = whole.clone();
        manifest["notes"].as_object_mut().expect("an object").remove("canary");
    });
    error(check(&place, "06:40", &[]), 4, "missing field `canary`");
    forge(&place, |manifest| {
        *manifest = whole.clone();
        manifest["notes"]["canary"][0]["kpi"] = json!("no\nsuch");
    });
    error(check(&place, "06:40", &[]), 4, "its policy has no limit on `no");
    // And one who does not.
    forge(&place, |manifest| *manifest = whole.clone());
    ends(&check(&place, "06:40", &JSON), 3, "INCONCLUSIVE");
    fs::write(place.file("out/v1/CANARY_CHECKLIST.md"), "- [x] all of it\n").expect("a file");
    error(check(&place, "06:40", &[]), 4, "`CANARY_CHECKLIST.md` does not match `SHA256SUMS`");
    error(
        check_with(&place, "06:40", &["--bundle", "gone", "--since", START, "--canary-run", "canary"]),
        4,
        "gone",
    );
}

#[test]
fn overrides_and_rehearsals_are_told() {
    let place = placed(
        &Run::passing(16)
            .failing(&[9, 10, 11, 12, 13, 14, 15, 16])
            .with_json("runtime_overrides.json", &super::super::support::overrides(60.0)),
    );
    place.built(&["--override", "the venue asked for it"]);
    good(20).write(&place.file("canary"));
    fs::write(place.file("p.toml"), POLICY).expect("a file");
    let told = ends(&check(&place, "01:00", &["--hour", "1", "--format", "json"]), 0, "PASS");
    let note = told["notes"][0].as_str().expect("a note");
    assert!(note.contains("the venue asked for it") && note.contains("despite: "), "{note}");
    // Data that does not say where it came from is judged, and is no statement about a release.
    (1..=20)
        .fold(good(20), |run, number| run.edit(number, |value| value["source"] = json!(null)))
        .write(&place.file("canary"));
    let told = ends(&check(&place, "01:00", &["--hour", "1", "--format", "json"]), 0, "PASS");
    assert_eq!(told["rehearsal"], true);
    assert!(
        told["notes"].to_string().contains("the origin of the data is not recorded (`source`)"),
        "{told}"
    );
    // Made-up data, in the soak or on the canary.
    let simulated = good(20).with_json(
        "RUN_MANIFEST.json",
        &json!({"schema_version": "1.0", "iterations": 20, "state": "complete", "last_complete_iteration": 20, "source": "sim"}),
    );
    simulated.write(&place.file("canary"));
    let refused = check(&place, "01:00", &[]);
    assert_eq!(refused.code, 4, "1 would be the order to roll back");
    assert!(
        refused.stderr.contains(
            "the data in `canary` is not valid for a release: the data is simulated (source `sim`)"
        ),
        "{}",
        refused.stderr
    );
    let taken = ends(&check(&place, "01:00", &["--hour", "1", "--rehearsal", "--format", "json"]), 0, "PASS");
    assert_eq!(taken["rehearsal"], true);
    let text = check(&place, "01:00", &["--hour", "1", "--rehearsal"]).stdout;
    assert!(text.starts_with("Canary v1: PASS (REHEARSAL: no statement about a release)\n"), "{text}");
}

#[test]
fn the_policy_that_holds_is_the_one_of_the_bundle_and_a_change_is_told() {
    let place = place(&slow(good(20), [5], 450.0));
    fs::write(place.file("p.toml"), format!("{POLICY}[canary.trigger.latency]\nlimit = 420\n"))
        .expect("a file");
    let told = ends(&check(&place, "01:00", &["--hour", "1", "--format", "json"]), 0, "PASS");
    assert_eq!(
        told["notes"],
        json!([
            "the policy in force is not the one that the bundle was built by; the bundle's limits hold. Changed is \
                `canary.trigger.latency`: p95_latency_ms > 500 ms for 5 minutes, quick in the bundle, p95_latency_ms > \
                420 ms for 5 minutes, quick now"
        ])
    );
}

#[test]
fn after_a_rollback_its_limits_must_hold_for_half_an_hour() {
    let place = place(&slow(good(40), 1..=10, 351.0));
    let after = |at: &str, now: &str| {
        check_with(&place, now, &["--after-rollback", at, "--canary-run", "canary", "--format", "json"])
    };
    let at = "2026-01-01T00:45:00Z";
    ends(&after(at, "00:50"), 1, "FAIL");
    let waiting = ends(&after(at, "01:15"), 3, "INCONCLUSIVE");
    assert_eq!(waiting["reason"], "canary.after_rollback.p95_latency_ms: has held for 25 of 30 minutes");
    assert_eq!(waiting["next"]["at"], "2026-01-01T01:20:00Z");
    let held = ends(&after(at, "01:20"), 0, "PASS");
    assert_eq!(
        (&held["limits_from"], &held["triggers"], &held["next"]),
        (&json!("policy"), &json!([]), &Value::Null)
    );
}

#[test]
fn symbols_are_looked_at_one_by_one() {
    let both = (1..=13).fold(Run::default(), |run, number| {
        ["A", "B"].iter().fold(run, |run, symbol| {
            let mut value =
                Step { p95: if *symbol == "A" { 300.0 } else { 600.0 }, ..Step::good(number) }.json();
            value["symbol"] = json!(symbol);
            value["summary"]["error_ratio"] = json!(0.0);
            run.with_json(&format!("ITER_SUMMARY_{symbol}_{number}.json"), &value)
        })
    });
    let place = place(&both);
    let of = |args: &[&str]| check(&place, "01:00", &[&["--hour", "1", "--format", "json"], args].concat());
    let several = of(&[]);
    assert_eq!(several.code, 2);
    assert!(
        several.stderr.contains("has several symbols\nhint: `--symbol` takes one of A, B"),
        "{}",
        several.stderr
    );
    ends(&of(&["--symbol", "A"]), 0, "PASS");
    ends(&of(&["--symbol", "B"]), 1, "FAIL");
    assert!(of(&["--symbol", "C\n"]).stderr.contains("has no symbol"));
}

#[test]
fn a_question_that_makes_no_sense_is_a_usage_error() {
    let place = place(&good(13));
    let server = ["--prometheus-url", "http://127.0.0.1:1"];
    let folder = ["--canary-run", "canary"];
    let bundle = ["--bundle", "out/v1", "--since", START];
    for (args, words) in [
        ([&["--bundle", "out/v1"][..], &folder].concat(), "--since <TIME>"),
        ([&["--since", START][..], &folder].concat(), "the canary has no limits"),
        (bundle.to_vec(), "no measurements are given"),
        ([&bundle[..], &folder, &server].concat(), "cannot be used with"),
        ([&bundle[..], &folder, &["--selector", "a=\"b\""]].concat(), "cannot be used with"),
        ([&bundle[..], &folder, &["--path", "run"]].concat(), "cannot be used with"),
        ([&bundle[..], &folder, &["--hour", "1", "--so-far"]].concat(), "cannot be used with"),
        ([&bundle[..], &folder, &["--after-rollback", START]].concat(), "cannot be used with"),
        ([&["--bundle", "out/v1", "--since", "yesterday"][..], &folder].concat(), "expected a time such as"),
        ([&["--bundle", "out/v1", "--since", "2026-01-01T02:00:00Z"][..], &folder].concat(), "is after now"),
        ([&bundle[..], &["--prometheus-url", "ftp://x"]].concat(), "must begin with https://"),
        ([&bundle[..], &["--prometheus-url", "http://a:b@x"]].concat(), "must not hold user and password"),
        ([&bundle[..], &folder, &["--symbol", "A"]].concat(), "has no symbol `A`"),
    ] {
        let ran = check_with(&place, "01:00", &args);
        assert_eq!(ran.code, 2, "{args:?}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(words), "{args:?}: {}", ran.stderr);
    }
    // A server that nobody answers for, and a folder that is not there.
    let dead = check_with(&place, "01:00", &[&bundle[..], &server].concat());
    assert_eq!(dead.code, 6);
    assert!(
        dead.stderr.contains("`http://127.0.0.1:1` cannot be queried: the connection failed"),
        "{}",
        dead.stderr
    );
    let gone = check_with(&place, "01:00", &[&bundle[..], &["--canary-run", "gone"]].concat());
    assert_eq!(gone.code, 4);
    assert!(gone.stderr.contains("there is no folder `gone`"), "{}", gone.stderr);
}

#[test]
fn the_checklist_is_ticked_where_a_limit_holds_and_only_there() {
    let place = place(&slow(good(13), 1..=12, 401.0));
    let markdown = check(&place, "01:00", &["--format", "md"]);
    assert_eq!(markdown.code, 1);
    let ticks: Vec<&str> = markdown.stdout.lines().filter(|line| line.starts_with("- [")).collect();
    let ticked = |what: &str| {
        ticks.iter().filter(|line| line.contains(what)).map(|line| &line[..5]).collect::<Vec<_>>()
    };
    assert_eq!(ticked("p95_latency_ms <= 400"), ["- [ ]"]);
    assert_eq!(ticked("risk_ratio <= 0.5:"), ["- [x]"]);
    // Hours that are not due are not ticked.
    assert_eq!(ticked("net_bps > 0"), ["- [ ]"]);
    assert!(markdown.stdout.starts_with("# Canary v1: FAIL\n"), "{}", markdown.stdout);
    assert!(markdown.stdout.ends_with("ask again then.\n"), "{}", markdown.stdout);
}
