//! Which runs are found, what binds them, and when they were last at work.

use std::fs;

use super::*;
use crate::core::rotation::Standing;

type TestResult = Result<(), Box<dyn std::error::Error>>;

#[test]
fn runs_are_found_where_soak_puts_them_and_nowhere_else() -> TestResult {
    let base = tempfile::tempdir()?;
    for folder in
        ["latest", "latest/RUN_3", "RUN_1", "RUN_2", "history/a", "history/.b", "other", "RUN_empty"]
    {
        fs::create_dir_all(base.path().join(folder))?;
        if folder != "RUN_empty" {
            fs::write(base.path().join(folder).join("ITER_SUMMARY_007.json"), "{}")?;
        }
    }
    fs::write(base.path().join("RUN_file"), "x")?;
    let found = take(base.path())?;
    let names: Vec<(&str, Standing)> =
        found.runs.iter().map(|run| (run.name.as_str(), run.standing)).collect();
    let (current, former) = (Standing::Current, Standing::Former);
    let expected = [
        ("latest", current),
        ("RUN_1", former),
        ("RUN_2", former),
        ("latest/RUN_3", former),
        ("history/a", former),
    ];
    assert_eq!(names, expected);
    assert_eq!(found.runs[0].iterations.len(), 1, "the nested run is a run of its own");
    assert_eq!((found.runs[0].iterations[0].number, found.files), (7, 8));
    Ok(())
}

#[test]
fn what_soak_did_not_write_binds_a_run_and_what_it_wrote_does_not() -> TestResult {
    let base = tempfile::tempdir()?;
    let run = base.path().join("RUN_1");
    fs::create_dir_all(run.join("reports/analysis"))?;
    let files = [
        "ITER_SUMMARY_1.json",
        "ITER_SUMMARY_2.json.damaged",
        "RUN_MANIFEST.json",
        "RUN_LOG.jsonl",
        "TUNING_STATE.json",
        "TUNING_REPORT.json",
        "runtime_overrides.json",
        ".soak.lock",
        "reports/analysis/report.html",
    ];
    for file in files {
        fs::write(run.join(file), "x")?;
    }
    let list = r#"{"files":[{"name":"report.html","sha256":"","size":1}],"schema_version":"1.0","tool_version":"1"}"#;
    fs::write(run.join("reports/analysis/.soak-artifacts.json"), list)?;
    assert_eq!(take(base.path())?.runs[0].bound, None);
    // Gates list what they write below the run in the run's own list.
    fs::write(run.join("reports/analysis/POST_SOAK_ANALYSIS.json"), "x")?;
    let list = list.replace("report.html", "reports/analysis/POST_SOAK_ANALYSIS.json");
    fs::write(run.join(".soak-artifacts.json"), &list)?;
    assert_eq!(take(base.path())?.runs[0].bound, None);
    for (at, name) in ["d.txt", "a.txt", "reports/analysis/c.txt", "b.txt"].into_iter().enumerate() {
        fs::write(run.join(name), "x")?;
        let bound = take(base.path())?.runs[0].bound.clone().ok_or("not bound")?;
        let expected = [
            "`d.txt`",
            "`a.txt`, `d.txt`",
            "`a.txt`, `d.txt`, `reports/analysis/c.txt`",
            "`a.txt`, `b.txt`, `d.txt` and 1 more",
        ];
        assert_eq!(bound, format!("holds what soak did not write: {}", expected[at]));
    }
    Ok(())
}

#[test]
fn a_run_was_last_at_work_when_its_log_ends_else_when_it_began() -> TestResult {
    let base = tempfile::tempdir()?;
    let latest = base.path().join("latest");
    fs::create_dir(&latest)?;
    fs::write(latest.join("ITER_SUMMARY_1.json"), "{}")?;
    let time = |base: &std::path::Path| Ok::<_, RotationError>(take(base)?.runs[0].time.to_rfc3339());
    fs::File::options()
        .write(true)
        .open(latest.join("ITER_SUMMARY_1.json"))?
        .set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(86_400))?;
    assert_eq!(time(base.path())?, "1970-01-02T00:00:00+00:00");
    let manifest =
        r#"{"schema_version":"1.0","iterations":1,"state":"complete","started_utc":"2026-01-01T00:00:00Z"}"#;
    fs::write(latest.join("RUN_MANIFEST.json"), manifest)?;
    assert_eq!(time(base.path())?, "2026-01-01T00:00:00+00:00");
    // A torn line at the end, and one far up that is cut into by reading the end alone.
    let line = |utc: &str| format!("{{\"event\":\"iteration\",\"utc\":\"{utc}\"}}\n");
    let log = line("2026-02-01T00:00:00Z").repeat(500) + &line("2026-02-03T00:00:00Z") + "{\"event\":\"comp";
    fs::write(latest.join("RUN_LOG.jsonl"), log)?;
    assert_eq!(time(base.path())?, "2026-02-03T00:00:00+00:00");
    Ok(())
}
