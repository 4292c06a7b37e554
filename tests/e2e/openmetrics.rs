//! The `OpenMetrics` form of `export-prom`, against the reference parser: `prometheus_client` for Python.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::e2e::is_wanted;
use crate::e2e::promtool::runs;

/// Prints a line a family: its type, name, unit and number of samples.
const PARSE: &str = "
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families
for family in families(sys.stdin.buffer.read().decode('utf-8')):
    print(family.type, family.name, family.unit or '-', len(family.samples))
";

/// An interpreter that has the parser; a distribution's packages are for its own one, which need not be the first.
fn python() -> Option<&'static str> {
    if !is_wanted() {
        return None;
    }
    let has_parser = |python: &&str| {
        let found = Command::new(python).args(["-c", "import prometheus_client.openmetrics.parser"]).output();
        found.is_ok_and(|found| found.status.success())
    };
    let found = ["python3", "/usr/bin/python3"].into_iter().find(has_parser);
    if found.is_none() {
        crate::e2e::skip("the Python module prometheus_client is not installed (python3-prometheus-client)");
    }
    found
}

fn parsed(python: &str, text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut python = Command::new(python)
        .args(["-c", PARSE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python starts");
    python.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    let output = python.wait_with_output().expect("it ends");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    let family = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        (words[1].to_owned(), format!("{} {} {}", words[0], words[2], words[3]))
    };
    Ok(told.lines().map(family).collect())
}

#[test]
fn the_reference_parser_takes_openmetrics_of_every_verdict() {
    let Some(python) = python() else { return };
    for (case, run) in runs() {
        for args in [&["--openmetrics"][..], &["--openmetrics", "--no-legacy-metrics"]] {
            let text = run.in_temp().soak("export-prom", args).stdout;
            let families = parsed(python, &text).unwrap_or_else(|error| panic!("{case}: {error}\n{text}"));
            assert_eq!(families.get("soak_build").map(String::as_str), Some("info - 1"), "{case}");
            assert_eq!(families.get("soak_verdict").map(String::as_str), Some("gauge - 5"), "{case}");
            let guards = families.get("soak_guard_triggers").expect("a counter without its suffix");
            assert!(guards.starts_with("counter - "), "{case}: {guards}");
            let time = families.get("soak_last_iteration_timestamp_seconds").expect("a time");
            assert_eq!(time, "gauge seconds 1", "{case}");
        }
    }
}

#[test]
fn the_reference_parser_refuses_the_text_format() {
    let Some(python) = python() else { return };
    let (_, run) = runs().swap_remove(0);
    assert!(
        parsed(python, &run.in_temp().soak("export-prom", &[]).stdout).is_err(),
        "blank lines, and no EOF"
    );
}
