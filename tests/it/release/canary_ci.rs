//! `soak release canary check` in CI: overrides, the `JUnit` report, annotations and the step summary for GitHub.

use std::fs;

use serde_json::{Value, json};

use super::super::gate_ci::{Element, elements};
use super::super::support::{Folder, Ran, Run, program, ran};
use super::canary::{START, check, check_with, ends, good, place, slow};
use super::keeps_to;

/// Six minutes of a latency that a trigger is about.
fn failing() -> Run {
    slow(good(40), [30, 31], 612.5)
}

const SO_FAR: [&str; 3] = ["--so-far", "--format", "json"];

fn overridden(place: &Folder, args: &[&str]) -> Ran {
    let flags = ["--so-far", "--override", "the venue's <fault>, not ours", "--by", "Ann B."];
    check(place, "03:20", &[&flags, args].concat())
}

#[test]
fn an_override_exits_0_and_stands_in_every_form_of_the_result() {
    let place = place(&failing());
    let result = ends(&overridden(&place, &["--format", "json"]), 0, "FAIL");
    let given =
        json!({"reason": "the venue's <fault>, not ours", "by": "Ann B.", "at": "2026-01-01T03:20:00Z"});
    assert_eq!(result["override"], given);
    assert_eq!(result["rollback"], "quick", "what the trigger asks for is still told");
    let line = "OVERRIDDEN by Ann B. at 2026-01-01T03:20:00Z: the venue's <fault>, not ours";
    let text = overridden(&place, &[]).stdout;
    assert_eq!(text.lines().nth(2), Some(line), "{text}");
    assert!(text.starts_with("Canary v1: FAIL\n") && !text.contains("ROLL BACK NOW"), "{text}");
    let markdown = overridden(&place, &["--format", "md"]).stdout;
    let line = "**Overridden by Ann B. at 2026-01-01T03:20:00Z: the venue's &lt;fault&gt;, not ours**";
    assert!(markdown.contains(line) && !markdown.contains("ROLL BACK NOW"), "{markdown}");
    // The next check knows nothing of it.
    assert_eq!(ends(&check(&place, "03:20", &SO_FAR), 1, "FAIL")["override"], Value::Null);
}

#[test]
fn an_override_is_of_a_verdict_and_has_a_reason_in_words() {
    let place = place(&failing());
    let flag = ["--override", "the venue's fault"];
    // Where nothing was judged there is nothing to override.
    let gone = ["--bundle", "gone", "--since", START, "--canary-run", "canary"];
    assert_eq!(check_with(&place, "03:20", &[&gone[..], &flag].concat()).code, 4);
    fs::write(place.file("out/v1/CHANGELOG.md"), "all is well\n").expect("a file");
    assert_eq!(check(&place, "03:20", &flag).code, 4, "a bundle that was changed");
    let fresh = self::place(&failing());
    let asked = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = program();
        let usual =
            ["release", "canary", "check", "--bundle", "out/v1", "--since", START, "--canary-run", "canary"];
        command.current_dir(fresh.path()).env("SOAK_NOW", "2026-01-01T03:20:00Z").env_remove("USER");
        ran(command.args(usual).arg("--detailed-exitcode").args(args).envs(variables.iter().copied()))
    };
    assert_eq!(asked(&["--override", "1", "--by", "ann"], &[]).code, 2, "a reason has words");
    // The variable of a pipeline holds no rollback back.
    let by_variable = asked(&["--so-far"], &[("READINESS_OVERRIDE", "known outage"), ("USER", "ann")]);
    assert_eq!(by_variable.code, 1, "{}", by_variable.stdout);
    assert!(by_variable.stdout.contains("ROLL BACK NOW"), "{}", by_variable.stdout);
}

/// The `JUnit` report of a check, taken apart.
fn junit(place: &Folder, now: &str, args: &[&str]) -> Vec<Element> {
    check(place, now, &[args, &["--junit", "canary.xml"]].concat());
    elements(&place.text("canary.xml"))
}

#[test]
fn junit_has_a_case_for_each_check_of_the_result() {
    for (run, now, args) in [
        (good(40), "03:20", &["--so-far"][..]),
        (failing(), "03:20", &["--so-far"]),
        (good(40), "03:20", &[]),
        (Run::default(), "03:20", &[]),
        (failing(), "03:20", &["--so-far", "--override", "a <b> & \"c\"", "--by", "'d'"]),
    ] {
        let place = place(&run);
        if run.files().next().is_none() {
            fs::create_dir_all(place.file("canary")).expect("a folder");
        }
        let found = junit(&place, now, args);
        let result = check(&place, now, &[args, &["--format", "json"]].concat()).json();
        let limits = result["blocks"]
            .as_array()
            .expect("a list")
            .iter()
            .flat_map(|block| block["limits"].as_array().expect("a list"));
        let triggers = result["triggers"].as_array().expect("a list").iter();
        let checks: Vec<&Value> =
            triggers.chain(limits).map(|it| &it["check"]).chain([&result["watched"]]).collect();
        let count = |name: &str| found.iter().filter(|(element, _)| element == name).count();
        let of = |outcomes: &[&str]| {
            checks.iter().filter(|check| outcomes.iter().any(|outcome| check["outcome"] == *outcome)).count()
        };
        assert_eq!(count("testcase"), checks.len());
        assert_eq!(
            [count("error"), count("failure"), count("skipped")],
            [of(&["INVALID"]), of(&["FAIL", "INCONCLUSIVE"]), of(&["NOT_APPLICABLE"])],
            "{args:?}"
        );
        let (_, suite) = found.iter().find(|(element, _)| element == "testsuite").expect("a suite");
        assert_eq!(suite["name"], "soak canary");
        assert_eq!(suite["failures"], count("failure").to_string());
        let property = |name: &str| {
            let found =
                found.iter().find(|(_, attributes)| attributes.get("name").is_some_and(|it| it == name));
            found.map(|(_, attributes)| attributes["value"].clone())
        };
        assert_eq!(property("outcome"), result["outcome"].as_str().map(str::to_owned));
        let is_ordered = result["rollback"] == "quick" && result["override"].is_null();
        assert_eq!(property("order").is_some(), is_ordered);
        let given = "a &lt;b&gt; &amp; &quot;c&quot; (&apos;d&apos;, 2026-01-01T03:20:00Z)";
        assert_eq!(property("override"), (!result["override"].is_null()).then(|| given.to_owned()));
    }
}

#[test]
fn a_report_that_cannot_be_written_fails_what_would_have_passed_and_nothing_else() {
    let place = place(&good(40));
    let unwritten = ["--so-far", "--junit", "no/such/folder/canary.xml", "--format", "json"];
    let told = check(&place, "03:20", &unwritten);
    ends(&told, 5, "PASS");
    assert!(told.stderr.contains("hint: `--junit` names a file in a folder that exists"), "{}", told.stderr);
    let place = self::place(&failing());
    ends(&check(&place, "03:20", &unwritten), 1, "FAIL");
}

#[test]
fn github_is_told_to_roll_back_first_and_gets_a_summary() {
    let place = place(&failing());
    let asked = |args: &[&str]| {
        let mut command = program();
        let usual =
            ["release", "canary", "check", "--bundle", "out/v1", "--since", START, "--canary-run", "canary"];
        command.current_dir(place.path()).env("SOAK_NOW", "2026-01-01T03:20:00Z");
        command.env("GITHUB_STEP_SUMMARY", place.file("summary.md"));
        ran(command.args(usual).args(["--policy", "p.toml", "--so-far", "--github"]).args(args))
    };
    let annotations = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with("::")).map(str::to_owned).collect()
    };
    let failed = asked(&[]);
    assert_eq!(failed.code, 1);
    let lines = annotations(&failed.stdout);
    assert_eq!(lines[0], "::error title=soak canary::ROLL BACK NOW: the quick rollback of rollback_plan.md");
    assert!(
        lines[1].starts_with("::error title=soak FAIL%3A canary.trigger.latency::> 500 ms held"),
        "{}",
        lines[1]
    );
    let summary = place.text("summary.md");
    assert!(summary.starts_with("## Soak canary: FAIL\n\ncanary.trigger.latency: "), "{summary}");
    assert!(
        summary.contains("\n\n**ROLL BACK NOW: the quick rollback of rollback_plan.md**\n\n"),
        "{summary}"
    );
    assert!(summary.contains("| FAIL | canary.trigger.latency | 612.5 |"), "{summary}");
    // Documents on stdout stay documents.
    for format in ["json", "md"] {
        let told = asked(&["--format", format]);
        assert_eq!(annotations(&told.stdout), Vec::<String>::new());
        assert_eq!(annotations(&told.stderr), lines, "{format}");
    }
    keeps_to("canary_check", &asked(&["--format", "json"]).json());
    let let_pass = asked(&["--override", "the venue's fault", "--by", "ann"]);
    assert_eq!(let_pass.code, 0);
    let lines = annotations(&let_pass.stdout);
    assert!(!let_pass.stdout.contains("ROLL BACK NOW"), "{}", let_pass.stdout);
    assert_eq!(
        lines.last().map(String::as_str),
        Some("::notice title=soak canary overridden by ann::the venue's fault")
    );
    assert!(
        place
            .text("summary.md")
            .contains("\n**Overridden by ann at 2026-01-01T03:20:00Z: the venue's fault**\n")
    );
}
