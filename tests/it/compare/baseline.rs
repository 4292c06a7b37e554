//! The life of a baseline: promoted, compared with, acknowledged, verified, sliding.

use std::path::Path;

use serde_json::json;

use crate::it::support::{Folder, Ran, Run, Step, program, ran};

const NOW: &str = "2026-01-31T12:00:00Z";

/// 30 iterations that pass, 24 of them steady, with this net.
fn run(net: f64) -> Run {
    (1..=30u32)
        .map(|number| {
            let wave = f64::from(number * 7 % 30 % 3) - 1.0 + f64::from(number) / 1000.0;
            Step {
                net: net + 0.02 * wave,
                risk: 0.3 + 0.001 * wave,
                maker: 0.9 + 0.001 * wave,
                p95: 300.0 + 0.1 * wave,
                freeze: number == 28,
                ..Step::good(u64::from(number))
            }
        })
        .collect()
}

fn soak(now: &str, args: &[&str], store: &Path) -> Ran {
    ran(program().env("SOAK_NOW", now).arg("compare").args(args).arg("--store").arg(store))
}

fn promote(run: &Folder, store: &Path) -> Ran {
    soak(NOW, &["baseline", "promote", &run.path().to_string_lossy()], store)
}

fn against(now: &str, run: &Run, store: &Path) -> Ran {
    let folder = run.in_temp();
    let b = folder.path().to_string_lossy().into_owned();
    soak(now, &["--b", &b, "--fail-on-regression", "--format", "json"], store)
}

#[test]
fn a_run_that_passes_is_promoted_and_compared_with_by_default() {
    let store = tempfile::tempdir().expect("a folder");
    let store = store.path().join("below");
    let none = against(NOW, &run(3.2), &store);
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("there is no baseline in"), "{}", none.stderr);
    let done = promote(&run(3.2).in_temp(), &store);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.contains("Baseline: BASELINE_1.json, the run in"), "{}", done.stdout);
    let same = against(NOW, &run(3.2), &store);
    let told = same.json();
    assert_eq!((same.code, &told["a"]["kind"]), (0, &json!("baseline")), "{}", same.stderr);
    assert_eq!(told["significance"]["answer"], "no_change");
    let worse = against(NOW, &run(2.8), &store);
    assert_eq!((worse.code, &worse.json()["regressions"]), (1, &json!(["net_bps"])));
}

#[test]
fn a_run_that_does_not_pass_is_no_baseline() {
    let store = tempfile::tempdir().expect("a folder");
    let done = promote(&run(1.0).in_temp(), store.path());
    assert_eq!(done.code, 1);
    assert!(
        done.stderr.contains("only a run that passes becomes a baseline, and this one is FAIL"),
        "{}",
        done.stderr
    );
    let warned = promote(
        &run(3.2).edit(28, |json| json["tuning"]["freeze_triggered"] = json!(false)).in_temp(),
        store.path(),
    );
    assert!(warned.stderr.contains("this one is WARN"), "{}", warned.stderr);
    assert!(!store.path().join("history.jsonl").exists() && !store.path().join("BASELINE_1.json").exists());
}

#[test]
fn a_known_change_counts_until_its_day_is_over_and_then_is_told() {
    let store = tempfile::tempdir().expect("a folder");
    let ack = |until: &str| {
        let args =
            ["baseline", "ack", "net_bps", "--owner", "A. Person", "--reason", "a new fee", "--until", until];
        soak(NOW, &args, store.path())
    };
    let early = ack("2026-02-28");
    assert!(early.code == 1 && early.stderr.contains("there is no baseline in"), "{}", early.stderr);
    assert_eq!(promote(&run(3.2).in_temp(), store.path()).code, 0);
    assert_eq!(ack("2026-01-30").code, 2);
    assert_eq!(ack("tomorrow").code, 2);
    assert_eq!(ack("2026-02-28").code, 0);
    for (now, code) in [("2026-02-28T23:59:59Z", 0), ("2026-03-01T00:00:00Z", 1)] {
        let done = against(now, &run(2.8), store.path());
        assert_eq!(done.code, code, "{now}");
        let told = done.json();
        let expected = if code == 0 { json!(["net_bps"]) } else { json!([]) };
        assert_eq!(told["acknowledged"], expected);
        let words =
            if code == 0 { "that is known until 2026-02-28: a new fee" } else { "expired on 2026-02-28" };
        assert!(told["notes"].to_string().contains(words), "{}", told["notes"]);
    }
    // It is a change from that baseline; another one starts anew.
    assert_eq!(promote(&run(3.2).in_temp(), store.path()).code, 0);
    assert_eq!(against(NOW, &run(2.8), store.path()).code, 1);
    let unknown = soak(
        NOW,
        &[
            "baseline",
            "ack",
            "gross_bps",
            "--owner",
            "A. Person",
            "--reason",
            "none of it",
            "--until",
            "2026-02-28",
        ],
        store.path(),
    );
    assert_eq!(unknown.code, 2, "{}", unknown.stderr);
}

#[test]
fn a_changed_store_is_found_out_and_nothing_is_built_on_it() {
    let store = tempfile::tempdir().expect("a folder");
    for _ in 0..2 {
        assert_eq!(promote(&run(3.2).in_temp(), store.path()).code, 0);
    }
    let verify = || soak(NOW, &["baseline", "verify"], store.path());
    assert_eq!(verify().code, 0, "{}", verify().stdout);
    let replace = |name: &str, from: &str, to: &str| {
        let path = store.path().join(name);
        let text = std::fs::read_to_string(&path).expect("a file of the store");
        assert!(text.contains(from));
        std::fs::write(&path, text.replacen(from, to, 1)).expect("a file of the store");
    };
    replace("BASELINE_1.json", "\"verdict\": \"PASS\"", "\"verdict\": \"BEST\"");
    let broken = verify();
    assert_eq!(broken.code, 1);
    assert!(broken.stdout.contains("problem: `BASELINE_1.json` was changed"), "{}", broken.stdout);
    let refused = promote(&run(3.2).in_temp(), store.path());
    assert!(refused.code == 1 && refused.stderr.contains("cannot be trusted"), "{}", refused.stderr);
    assert_eq!(against(NOW, &run(3.2), store.path()).code, 1);
    replace("BASELINE_1.json", "\"verdict\": \"BEST\"", "\"verdict\": \"PASS\"");
    assert_eq!(verify().code, 0);
    replace("history.jsonl", "\"action\":\"promote\"", "\"action\":\"demoted\"");
    assert!(verify().stdout.contains("line 1 of `history.jsonl` was changed"), "{}", verify().stdout);
}

#[test]
fn baselines_that_slide_step_by_step_are_told() {
    let store = tempfile::tempdir().expect("a folder");
    // The margin is 0.2 bps; two steps of 0.15.
    for (net, warned) in [(3.6, false), (3.45, false), (3.3, true)] {
        let done = promote(&run(net).in_temp(), store.path());
        assert_eq!(
            (done.code, done.stdout.contains("warning: net_bps slid from baseline 1 to 3")),
            (0, warned),
            "{}",
            done.stdout
        );
    }
    let compared = against(NOW, &run(3.3), store.path());
    assert!(compared.code == 0 && compared.stderr.contains("warning: net_bps slid"), "{}", compared.stderr);
}

#[test]
fn nothing_to_verify_is_no_sound_store() {
    let store = tempfile::tempdir().expect("a folder");
    for folder in [store.path().to_owned(), store.path().join("not_there")] {
        let none = soak(NOW, &["baseline", "verify"], &folder);
        assert_eq!(none.code, 1, "{}", none.stdout);
        assert!(
            none.stdout.contains("there is nothing to verify: no baseline was promoted here"),
            "{}",
            none.stdout
        );
        // To look is no judgement.
        assert_eq!(soak(NOW, &["baseline", "show"], &folder).code, 0);
    }
}

#[test]
fn an_owner_may_be_initials_and_must_be_a_name_on_one_line() {
    let store = tempfile::tempdir().expect("a folder");
    assert_eq!(promote(&run(3.2).in_temp(), store.path()).code, 0);
    let ack = |owner: &str| {
        let args = [
            "baseline",
            "ack",
            "net_bps",
            "--owner",
            owner,
            "--reason",
            "a new fee",
            "--until",
            "2026-02-28",
        ];
        soak(NOW, &args, store.path())
    };
    for owner in ["", "  ", "?", "a\nb", "\u{1b}[31mred", &"x".repeat(201)] {
        let refused = ack(owner);
        assert_eq!(refused.code, 2, "{owner:?}");
        assert!(refused.stderr.contains("expected the name of a person or a team"), "{}", refused.stderr);
    }
    assert_eq!(ack(" jd ").code, 0);
    let told = soak(NOW, &["baseline", "show", "--format", "json"], store.path()).json();
    assert_eq!(told["acknowledged"][0]["owner"], "jd");
}

#[test]
fn baselines_without_their_history_are_no_empty_store_and_are_not_written_over() {
    let store = tempfile::tempdir().expect("a folder");
    for net in [3.2, 3.25] {
        assert_eq!(promote(&run(net).in_temp(), store.path()).code, 0);
    }
    let bytes = |name: &str| std::fs::read(store.path().join(name)).expect("a baseline");
    let (first, second) = (bytes("BASELINE_1.json"), bytes("BASELINE_2.json"));
    let history = std::fs::read_to_string(store.path().join("history.jsonl")).expect("a history");
    std::fs::remove_file(store.path().join("history.jsonl")).expect("it was there");
    let told = "`history.jsonl` is missing or empty, and there are BASELINE_1.json, BASELINE_2.json";
    for action in ["show", "verify"] {
        let done = soak(NOW, &["baseline", action], store.path());
        assert!(done.code == 1 && done.stdout.contains(told), "{}", done.stdout);
        assert!(done.stdout.contains("Baseline: none that can be trusted"), "{}", done.stdout);
    }
    let refused = promote(&run(3.3).in_temp(), store.path());
    assert!(refused.code == 1 && refused.stderr.contains(told), "{}", refused.stderr);
    assert_eq!(against(NOW, &run(3.2), store.path()).code, 1);
    // The end of the history cut off: the file that nothing names is told of, and another name is taken.
    let line = history.lines().next().expect("a line").to_owned() + "\n";
    std::fs::write(store.path().join("history.jsonl"), line).expect("a history");
    let cut = soak(NOW, &["baseline", "verify"], store.path());
    assert!(cut.stdout.contains("warning: no line of the history names `BASELINE_2.json`"), "{}", cut.stdout);
    let done = promote(&run(3.3).in_temp(), store.path());
    assert!(done.code == 0 && done.stdout.contains("Baseline: BASELINE_3.json"), "{}", done.stdout);
    assert_eq!((bytes("BASELINE_1.json"), bytes("BASELINE_2.json")), (first, second));
    assert_eq!(soak(NOW, &["baseline", "verify"], store.path()).code, 0);
}

#[test]
fn an_older_baseline_is_not_said_to_be_in_force_where_the_newest_cannot_be_read() {
    let store = tempfile::tempdir().expect("a folder");
    for net in [3.2, 3.25] {
        assert_eq!(promote(&run(net).in_temp(), store.path()).code, 0);
    }
    std::fs::remove_file(store.path().join("BASELINE_2.json")).expect("it was there");
    let text = soak(NOW, &["baseline", "show"], store.path());
    let told = "Baseline: BASELINE_2.json, which cannot be read as it was written";
    assert!(text.code == 1 && text.stdout.contains(told), "{}", text.stdout);
    let json = soak(NOW, &["baseline", "show", "--format", "json"], store.path()).json();
    assert_eq!((&json["current"], &json["run"]), (&json!("BASELINE_2.json"), &json!(null)));
}

#[test]
fn a_worse_baseline_and_one_that_is_too_short_are_told_when_they_are_promoted() {
    let store = tempfile::tempdir().expect("a folder");
    // The margin is 0.2 bps.
    for (net, warned) in [(3.6, false), (3.45, false), (3.2, true), (3.5, false)] {
        let done = promote(&run(net).in_temp(), store.path());
        let told =
            "of baseline 3 is worse than that of baseline 2 by 0.25 bps, more than the margin of 0.20 bps";
        assert_eq!((done.code, done.stdout.contains(told)), (0, warned), "{}", done.stdout);
        assert_eq!(done.stdout.contains("warning: net_bps of baseline"), warned, "{}", done.stdout);
        assert!(!done.stdout.contains("values in its window"), "{}", done.stdout);
    }
    let short: Run = (1..=21).map(|number| Step { freeze: number == 20, ..Step::good(number) }).collect();
    let done = promote(&short.in_temp(), store.path());
    let told = "warning: `BASELINE_5.json` has 15 values in its window `steady`, and 16 are needed";
    assert!(done.code == 0 && done.stdout.contains(told), "{}", done.stdout);
}
