//! Windows that a flag cuts: fewer iterations than the policy asks for are no verdict, however they became few.

use super::{Gated, gate};
use crate::it::support::{Run, program, ran};

#[test]
fn a_window_that_a_flag_cuts_is_inconclusive() {
    let folder = Run::passing(24).in_temp();
    Gated::of(&folder, &[]).ends("PASS", 0);
    for length in ["1", "4", "7"] {
        let cut = Gated::of(&folder, &["--last-n", length]);
        cut.ends("INCONCLUSIVE", 3);
        assert!(cut.reason().contains("8 needed"), "{}", cut.reason());
    }
    Gated::of(&folder, &["--last-n", "8"]).ends("PASS", 0);
    Gated::of(&folder, &["--last-n", "12"]).ends("PASS", 0);
    // A longer window asks for as many as it is long.
    gate_with(&Run::passing(10), &["--last-n", "12"]).ends("INCONCLUSIVE", 3);
}

fn gate_with(run: &Run, args: &[&str]) -> Gated {
    Gated::of(&run.in_temp(), args)
}

#[test]
fn a_smoke_test_is_asked_for_and_every_output_names_it() {
    let folder = Run::passing(24).in_temp();
    let args = ["--last-n", "4", "--min-iterations", "4"];
    let smoke = Gated::of(&folder, &args);
    smoke.ends("PASS", 0);
    let words = "smoke test: a minimum of 4 was asked for, the minimum of the policy is 8";
    assert!(smoke.check("run_verdict.pass_count")["reason"].as_str().is_some_and(|it| it.contains(words)));
    assert!(smoke.told["notes"].as_array().is_some_and(|notes| notes.iter().any(|note| note == words)));
    assert!(folder.soak("gate", &args).stdout.contains(words));
    assert!(folder.soak("audit", &args).stdout.contains(words));
    assert!(folder.text("reports/analysis/POST_SOAK_AUDIT.md").contains(words));
    assert!(!folder.soak("gate", &[]).stdout.contains("smoke test"));
}

#[test]
fn the_window_of_the_policy_file_is_its_own_minimum() {
    let short = "schema_version = 1\n[windows]\nlast_n = 4\n[run_verdict]\nmin_iterations = \"window\"\n";
    let policy = |text: &str| Run::passing(4).with("p.toml", text).in_temp();
    let folder = policy(short);
    let file = folder.file("p.toml").display().to_string();
    Gated::of(&folder, &["--policy", &file]).ends("PASS", 0);
    Gated::of(&folder, &["--policy", &file, "--last-n", "3"]).ends("INCONCLUSIVE", 3);
    let folder = policy("schema_version = 1\n[windows]\nlast_n = 4\n[run_verdict]\nmin_iterations = 8\n");
    let checked = ran(program().args(["config", "check"]).arg(folder.file("p.toml")));
    assert_eq!(checked.code, 2, "{}", checked.stderr);
    assert!(checked.stderr.contains("a window of 4 never holds 8 iterations"), "{}", checked.stderr);
    // A file that only shortens the window is refused by every command.
    for (table, length) in [("[windows]\nlast_n = 1", 1), ("[run_verdict]\nwindow = \"last 7\"", 7)] {
        let folder = policy(&format!("schema_version = 1\n{table}\n"));
        let file = folder.file("p.toml").display().to_string();
        let path = folder.path().display().to_string();
        for args in [vec!["config", "check", &file], vec!["gate", "--path", &path, "--policy", &file]] {
            let refused = ran(program().args(&args));
            assert_eq!(refused.code, 2, "{args:?}: {}", refused.stderr);
            let words = format!("a window of {length} never holds the 8 iterations of the built-in policy");
            assert!(refused.stderr.contains(&words), "{args:?}: {}", refused.stderr);
        }
    }
    // A number in the file is no error of the flag.
    let number =
        Run::passing(24).with("p.toml", "schema_version = 1\n[run_verdict]\nmin_iterations = 8\n").in_temp();
    let file = number.file("p.toml").display().to_string();
    Gated::of(&number, &["--policy", &file, "--last-n", "4"]).ends("INCONCLUSIVE", 3);
}

#[test]
fn few_iterations_are_inconclusive_and_missing_values_are_not() {
    gate(&Run::passing(7)).ends("INCONCLUSIVE", 3);
    let missing = Run::passing(24).edit(20, |value| value["summary"]["net_bps"] = serde_json::Value::Null);
    gate(&missing).ends("PASS", 0);
}
