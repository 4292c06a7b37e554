//! `soak gate` in CI: the `JUnit` report, annotations and the step summary for GitHub.

use std::collections::BTreeMap;
use std::fs;

use crate::it::support::{Folder, Ran, Run, Step, ran};

// JUnit.

/// Name and attributes.
pub type Element = (String, BTreeMap<String, String>);

/// Elements of an XML document with their attributes; panics unless it is well-formed, as far as what `JUnit`
/// needs goes: declaration, elements, attributes in double quotes, text.
pub fn elements(xml: &str) -> Vec<Element> {
    let mut rest = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("a declaration");
    let (mut found, mut open) = (Vec::new(), Vec::new());
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start]);
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "elements overlap");
            continue;
        }
        let is_empty = tag.ends_with('/');
        let tag = tag.trim_end_matches('/');
        let (name, mut text) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut attributes = BTreeMap::new();
        while !text.trim().is_empty() {
            let (key, after) = text.trim_start().split_once("=\"").expect("an attribute with a value");
            let (value, after) = after.split_once('"').expect("the value ends");
            check_text(value);
            assert!(attributes.insert(key.to_owned(), value.to_owned()).is_none(), "`{key}` twice");
            text = after;
        }
        if !is_empty {
            assert!(!open.is_empty() || found.is_empty(), "one root");
            open.push(name.to_owned());
        }
        found.push((name.to_owned(), attributes));
    }
    assert!(open.is_empty(), "{open:?} never closed");
    assert_eq!(rest.trim(), "", "text after the root");
    found
}

/// Every `&` begins one of the entities that XML knows without a definition.
fn check_text(text: &str) {
    for (at, _) in text.match_indices('&') {
        let entity = text[at + 1..].split(';').next().expect("some text");
        let known = ["amp", "lt", "gt", "quot", "apos"].contains(&entity)
            || entity.strip_prefix('#').is_some_and(|number| number.parse::<u32>().is_ok());
        assert!(known, "`&{entity}` in {text}");
    }
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
}

/// What Jenkins' schema allows in an element: attributes, those of them that are required, and elements inside.
const SCHEMA: [(&str, &str, &str, &str); 9] = [
    ("testsuites", "name time tests failures disabled errors", "", "testsuite"),
    (
        "testsuite",
        "name tests failures errors time disabled skipped timestamp hostname id package",
        "name tests",
        "properties testcase system-out system-err testsuite",
    ),
    ("properties", "", "", "property"),
    ("property", "name value", "name value", ""),
    (
        "testcase",
        "name assertions time classname status",
        "name",
        "skipped error failure system-out system-err",
    ),
    ("error", "type message", "", ""),
    ("failure", "type message", "", ""),
    ("skipped", "type message", "", ""),
    ("system-out", "", "", ""),
];

/// Panics where a report breaks a rule of the schema. A time is a number of seconds, a moment is RFC 3339.
#[track_caller]
pub fn keeps_to_jenkins(xml: &str) {
    let mut attributes = elements(xml).into_iter();
    let mut open: Vec<String> = Vec::new();
    for tag in xml.split('<').skip(2).map(|rest| rest.split('>').next().expect("a tag ends")) {
        if tag.starts_with('/') {
            open.pop();
            continue;
        }
        let (name, found) = attributes.next().expect("as many elements as tags");
        let rule = |name: &str| SCHEMA.iter().find(|(known, ..)| *known == name);
        let (_, allowed, required, _) = rule(&name).unwrap_or_else(|| panic!("no element `{name}`"));
        let is_in = |list: &str, word: &str| list.split(' ').any(|one| one == word);
        match open.last() {
            None => assert_eq!(name, "testsuites", "the root"),
            Some(parent) => assert!(is_in(rule(parent).expect("known").3, &name), "`{name}` in `{parent}`"),
        }
        for key in found.keys() {
            assert!(is_in(allowed, key), "`{key}` on `{name}`");
        }
        for key in required.split(' ').filter(|key| !key.is_empty()) {
            assert!(found.contains_key(key), "no `{key}` on `{name}`");
        }
        if ["testsuites", "testsuite", "testcase"].contains(&name.as_str()) {
            assert_eq!(found.get("time").map(String::as_str), Some("0"), "`{name}`");
        }
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert_eq!(attributes.next(), None);
}

#[test]
fn junit_keeps_to_the_schema_of_jenkins_and_carries_the_last_time_of_the_data() {
    for (run, time) in [
        (Run::passing(8), Some("2026-01-01T00:40:00Z")),
        (Run::passing(7).failing(&[2]), Some("2026-01-01T00:35:00Z")),
        (Run::passing(8).with("ITER_SUMMARY_5.json", "{"), Some("2026-01-01T00:40:00Z")),
        (Run::symbols_failing(3), None),
        (Run::default(), None),
    ] {
        let (place, found) = junit(&run, &[]);
        let xml = place.text("gate.xml");
        keeps_to_jenkins(&xml);
        let (_, suite) = found.iter().find(|(name, _)| name == "testsuite").expect("a suite");
        assert_eq!(suite.get("timestamp").map(String::as_str), time);
        place.soak("gate", &["--junit", place.file("again.xml").to_str().expect("plain")]);
        assert_eq!(place.text("again.xml"), xml, "same input, same bytes");
    }
}

#[test]
#[should_panic = "`skipped` on `testsuites`"]
fn the_schema_knows_no_skipped_on_testsuites() {
    keeps_to_jenkins(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites skipped=\"0\" time=\"0\"></testsuites>",
    );
}

/// The `JUnit` report of a run, taken apart.
fn junit(run: &Run, args: &[&str]) -> (Folder, Vec<Element>) {
    let place = run.in_temp();
    let file = place.file("gate.xml");
    place.soak("gate", &[args, &["--junit", file.to_str().expect("plain")]].concat());
    let found = elements(&place.text("gate.xml"));
    (place, found)
}

#[test]
fn junit_is_well_formed_and_counts_what_is_in_it() {
    for run in [
        Run::passing(8),
        Run::passing(7),
        Run::passing(8).failing(&[2, 3, 4, 5]),
        Run::passing(8).with("ITER_SUMMARY_5.json", "{"),
        Run::symbols_failing(3),
        Run::default(),
    ] {
        let (_, found) = junit(&run, &[]);
        let count = |name: &str| found.iter().filter(|(element, _)| element == name).count();
        for root in ["testsuites", "testsuite"] {
            let (_, totals) = found.iter().find(|(element, _)| element == root).expect("a total");
            for (attribute, element) in
                [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]
            {
                // The schema of Jenkins has no `skipped` on `testsuites`.
                let expected =
                    (root != "testsuites" || attribute != "skipped").then(|| count(element).to_string());
                assert_eq!(totals.get(attribute), expected.as_ref(), "{root} {attribute}");
            }
        }
        assert!(count("testcase") > 0);
    }
}

#[test]
fn junit_fails_with_the_gate_and_only_then() {
    let troubles = |run: &Run| {
        let (_, found) = junit(run, &[]);
        let count = |name: &str| found.iter().filter(|(element, _)| element == name).count();
        (count("failure"), count("error"))
    };
    assert_eq!(troubles(&Run::passing(8)), (0, 0));
    // A WARN does not fail.
    assert_eq!(troubles(&(1..=8).map(Step::good).collect()), (0, 0));
    assert_eq!(troubles(&Run::passing(8).failing(&[2, 3, 4, 5])), (1, 0));
    assert!(troubles(&Run::passing(7)).0 > 0, "INCONCLUSIVE is a failure");
    assert!(troubles(&Run::passing(8).with("ITER_SUMMARY_5.json", "{")).1 > 0, "INVALID is an error");
}

#[test]
fn junit_survives_what_people_write() {
    let reason = "a <b> & \"c\" 'd'\t]]>";
    let (place, found) = junit(&Run::passing(7), &["--override", reason]);
    let given =
        found.iter().find(|(_, attributes)| attributes.get("name").is_some_and(|name| name == "override"));
    let value = &given.expect("the override").1["value"];
    assert!(value.starts_with("a &lt;b&gt; &amp; &quot;c&quot; &apos;d&apos;&#9;]]&gt; ("), "{value}");
    assert!(place.text("gate.xml").is_ascii());
}

// GitHub.

#[test]
fn github_gets_at_most_ten_annotations_of_a_type() {
    let place = Run::symbols_failing(12).in_temp();
    let Ran { stdout, .. } = place.soak("gate", &["--github"]);
    let count = |start: &str| stdout.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("::error "), 10);
    assert_eq!(count("::warning "), 10);
    assert_eq!(count("::"), 20);
}

#[test]
fn github_gets_no_annotation_for_a_pass_and_one_for_each_reason() {
    let annotations = |run: &Run| -> Vec<String> {
        let Ran { stdout, .. } = run.in_temp().soak("gate", &["--github"]);
        stdout.lines().filter(|line| line.starts_with("::")).map(str::to_owned).collect()
    };
    assert_eq!(annotations(&Run::passing(8)), Vec::<String>::new());
    let failed = annotations(&Run::passing(8).failing(&[2, 3, 4, 5]));
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(
        failed[0].starts_with(
            "::error title=soak FAIL%3A run_verdict.pass_count::`net_bps` is below 2.70 in 4 of 8 iterations"
        ),
        "{failed:?}"
    );
}

#[test]
fn an_annotation_names_the_symbol() {
    let Ran { stdout, .. } = Run::symbols_failing(2).in_temp().soak("gate", &["--github"]);
    for symbol in ["S00", "S01"] {
        let title = format!("::error title=soak FAIL%3A {symbol}%3A run_verdict.pass_count::");
        assert!(stdout.contains(&title), "{symbol}: {stdout}");
    }
}

#[test]
fn with_json_the_annotations_leave_stdout_alone() {
    let place = Run::passing(8).failing(&[2, 3, 4, 5]).in_temp();
    let told = place.soak("gate", &["--github", "--format", "json"]);
    assert_eq!(told.json()["outcome"], "FAIL");
    assert!(told.stderr.starts_with("::error "), "{}", told.stderr);
}

/// Gates with a step summary that holds this already, and gives back what it holds then.
fn step_summary(before: Option<&str>) -> (i32, String) {
    let place = Run::passing(8).failing(&[2, 3, 4, 5]).in_temp();
    let file = place.file("summary.md");
    if let Some(before) = before {
        fs::write(&file, before).expect("a file");
    }
    let Ran { code, .. } =
        ran(place.command("gate", &["--github", "--skip-analyzer"]).env("GITHUB_STEP_SUMMARY", &file));
    (code, place.text("summary.md"))
}

#[test]
fn the_step_summary_is_appended_to_what_is_there() {
    let (code, fresh) = step_summary(None);
    assert_eq!(code, 1);
    assert!(fresh.starts_with("## Soak gate: FAIL\n"), "{fresh}");
    assert!(fresh.contains("| FAIL | run_verdict.pass_count | 4 |"), "{fresh}");
    assert_eq!(step_summary(Some("# Before\n\n")).1, format!("# Before\n\n{fresh}"));
}

#[test]
fn the_step_summary_never_grows_beyond_a_mebibyte() {
    const MEBIBYTE: usize = 1 << 20;
    let whole = step_summary(None).1.len();
    // Room for everything, for a part, for nothing; and a file that is too large already.
    for before in [MEBIBYTE - whole - 100, MEBIBYTE - 900, MEBIBYTE - 10, MEBIBYTE, MEBIBYTE + 1] {
        let (code, after) = step_summary(Some(&"x".repeat(before)));
        assert_eq!(code, 1);
        assert!(after.starts_with(&"x".repeat(before)), "{before}: what was there is kept");
        assert!(after.len() <= MEBIBYTE.max(before), "{before}: {}", after.len());
    }
    let (_, part) = step_summary(Some(&"x".repeat(MEBIBYTE - 900)));
    assert!(
        part.contains("## Soak gate: FAIL") && part.contains("cut to fit"),
        "{}",
        &part[MEBIBYTE - 900..]
    );
    assert_eq!(step_summary(Some(&"x".repeat(MEBIBYTE))).1.len(), MEBIBYTE);
}

#[test]
fn without_the_flag_github_gets_nothing() {
    let place = Run::passing(8).in_temp();
    let file = place.file("summary.md");
    ran(place.command("gate", &[]).env("GITHUB_STEP_SUMMARY", &file));
    assert!(!file.exists());
}
