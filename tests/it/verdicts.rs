//! One verdict: folders of all kinds go through everything that names a verdict, and all of it must say the same.
//!
//! `make verdicts` prints the table.

mod cases;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;
use soak::core::policy;
use soak::core::policy::{Layer, Origin};
use soak::core::verdict::provenance::Provenance;
use soak::export::live::folder::{Followed, LiveFolder};

use self::cases::{Case, cases};
use crate::it::support::{Folder, Ran, program, ran, soak};

/// The columns of the table, in their order.
const COLUMNS: [&str; 24] = [
    "gate json",
    "gate text",
    "snapshot 1.1",
    "snapshot 1.2",
    "prom",
    "analysis",
    "audit md",
    "advice md",
    "html",
    "junit",
    "summary",
    "deltas md",
    "failures",
    "analyze",
    "extract",
    "extract prom",
    "audit",
    "pr summary",
    "deltas",
    "bundle",
    "history",
    "compare",
    "export-prom",
    "serve",
];

/// What stands between two texts.
fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let rest = &text[text.find(before)? + before.len()..];
    Some(rest.split(after).next().unwrap_or(rest).trim())
}

fn word(text: &str, before: &str) -> Option<String> {
    between(text, before, "\n")?
        .split(|c: char| !c.is_ascii_uppercase())
        .find(|word| !word.is_empty())
        .map(str::to_owned)
}

/// `--policy` and the flags of a case that a command knows.
fn flags<'c>(case: &'c Case, policy: &'c str, known: &[&str]) -> Option<Vec<&'c str>> {
    let mut all: Vec<&str> = if case.policy.is_empty() { Vec::new() } else { vec!["--policy", policy] };
    let all_known = case.flags.iter().filter(|flag| flag.starts_with("--")).all(|flag| known.contains(flag));
    all.extend(case.flags);
    all_known.then_some(all)
}

const JUDGED: [&str; 4] = ["--mock", "--last-n", "--min-iterations", "--so-far"];

/// What was seen, by column, and what is wrong beside a differing word.
#[derive(Default)]
struct Seen {
    words: BTreeMap<&'static str, String>,
    wrong: Vec<String>,
}

impl Seen {
    fn put(&mut self, column: &'static str, word: Option<String>) {
        self.words.insert(column, word.unwrap_or_else(|| "?".to_owned()));
    }

    fn json(&mut self, column: &'static str, document: &Value, key: &str) {
        self.put(column, document.pointer(key).and_then(Value::as_str).map(str::to_owned));
    }

    fn check(&mut self, holds: bool, what: &str) {
        if !holds {
            self.wrong.push(what.to_owned());
        }
    }

    /// A snapshot: the published word and `freeze_ready` follow from the outcome.
    fn snapshot(&mut self, column: &'static str, snapshot: &Value) {
        self.json(column, snapshot, "/outcome");
        let outcome = snapshot["outcome"].as_str().unwrap_or_default();
        let published = if matches!(outcome, "PASS" | "WARN") { outcome } else { "FAIL" };
        self.check(snapshot["verdict"] == published, &format!("{column}: verdict {}", snapshot["verdict"]));
        self.check(
            published != "FAIL" || snapshot["freeze_ready"] == false,
            &format!("{column}: ready to be frozen"),
        );
        self.check(
            snapshot["outcome_reason"].as_str().is_some_and(|reason| !reason.is_empty()),
            &format!("{column}: no reason"),
        );
    }

    /// Metrics: one verdict is 1, and `soak_freeze_ready` follows from it.
    fn prom(&mut self, column: &'static str, text: &str) {
        let hot =
            text.lines().find_map(|line| line.strip_prefix("soak_verdict{verdict=\"")?.strip_suffix("\"} 1"));
        self.put(column, hot.map(str::to_owned));
        let acceptable = matches!(hot, Some("PASS" | "WARN"));
        self.check(
            acceptable || !text.contains("\nsoak_freeze_ready 1"),
            &format!("{column}: ready to be frozen"),
        );
    }
}

fn seen(case: &Case) -> Seen {
    let folder = case.run.in_temp_below("run");
    let run = folder.file("run");
    let policy = folder.file("policy.toml");
    fs::write(&policy, format!("schema_version = 1\n{}", case.policy)).expect("written");
    let (policy, path) = (policy.to_string_lossy().into_owned(), run.to_string_lossy().into_owned());
    let mut seen = Seen::default();
    let of = |command: &[&str], known: &[&str]| -> Option<Ran> {
        let flags = flags(case, &policy, known)?;
        Some(ran(program().args(command).args(flags).env("GITHUB_STEP_SUMMARY", folder.file("summary.md"))))
    };
    gate(&mut seen, &folder, &run, &|args| of(args, &JUDGED));
    others(&mut seen, &folder, &path, &of);
    serve(&mut seen, case, &run);
    seen
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn gate(seen: &mut Seen, folder: &Folder, run: &Path, of: &dyn Fn(&[&str]) -> Option<Ran>) {
    let path = run.to_string_lossy().into_owned();
    let junit = folder.file("junit.xml").to_string_lossy().into_owned();
    let text = of(&["gate", "--path", &path, "--prometheus", "--junit", &junit, "--github"])
        .expect("the gate knows all");
    let gate =
        of(&["gate", "--path", &path, "--prometheus", "--format", "json"]).expect("the gate knows all");
    let verdict = gate.json();
    seen.json("gate json", &verdict, "/outcome");
    let acceptable = matches!(verdict["outcome"].as_str(), Some("PASS" | "WARN"));
    seen.check(acceptable == (gate.code == 0), "the exit code of the gate");
    seen.put("gate text", word(&text.stdout, "Verdict: "));
    seen.check(acceptable == text.stdout.contains("[OK] Soak gate"), "the last line of the gate");
    seen.check(!text.stdout.contains("very gate was evaluated"), "the gate claims that all was evaluated");
    let file = |name: &str| read(&run.join(name));
    let parsed = |name: &str| serde_json::from_str(&file(name)).unwrap_or(Value::Null);
    seen.snapshot("snapshot 1.1", &parsed("POST_SOAK_SNAPSHOT.json"));
    seen.snapshot("snapshot 1.2", &parsed("reports/analysis/POST_SOAK_SNAPSHOT.json"));
    seen.prom("prom", &file("POST_SOAK_METRICS.prom"));
    seen.json("analysis", &parsed("reports/analysis/POST_SOAK_ANALYSIS.json"), "/outcome");
    seen.put("audit md", word(&file("POST_SOAK_AUDIT.md"), "**Verdict:** "));
    seen.put("advice md", word(&file("RECOMMENDATIONS.md"), "erdict:"));
    seen.put("html", word(&file("reports/analysis/report.html"), "<title>soak "));
    seen.put(
        "junit",
        between(&read(&folder.file("junit.xml")), "<property name=\"outcome\" value=\"", "\"")
            .map(str::to_owned),
    );
    seen.put("summary", word(&read(&folder.file("summary.md")), "## Soak gate: "));
    seen.put("deltas md", word(&file("DELTA_VERIFY_REPORT.md"), "Verdict of the run: "));
    let failures =
        if run.join("FAILURES.md").exists() { word(&file("FAILURES.md"), "erdict:") } else { None };
    seen.check(failures.is_some() != acceptable, "FAILURES.md is there");
    seen.put("failures", failures.or_else(|| Some(verdict["outcome"].as_str()?.to_owned())));
}

/// Runs a command with the flags of the case; `None` where it does not know them all.
type Of<'o> = dyn Fn(&[&str], &[&str]) -> Option<Ran> + 'o;

fn others(seen: &mut Seen, folder: &Folder, path: &str, of: &Of<'_>) {
    let gate = seen.words["gate json"].clone();
    let acceptable = matches!(gate.as_str(), "PASS" | "WARN");
    let run = Path::new(path);
    let analyze = of(&["analyze", "--path", path, "--format", "json"], &JUDGED).expect("it knows all");
    seen.json("analyze", &analyze.json(), "/outcome");
    seen.check(acceptable == (analyze.code == 0), "the exit code of analyze");
    let extract = of(&["extract", "--path", path, "--prometheus"], &JUDGED).expect("it knows all");
    seen.snapshot("extract", &extract.json());
    seen.check(extract.code == 0, "extract exits 0 on any verdict");
    let fails = of(&["extract", "--path", path, "--fail-on", "fail"], &JUDGED).expect("it knows all");
    seen.check(acceptable == (fails.code == 0), "the exit code of extract --fail-on fail");
    seen.prom("extract prom", &read(&run.join("POST_SOAK_METRICS.prom")));
    let audit = of(&["audit", "--path", path, "--format", "json"], &JUDGED).expect("it knows all");
    let document = audit.json();
    seen.json("audit", &document, "/gate_outcome");
    let is_ok = document["verdict"] == "OK";
    seen.check(acceptable || !is_ok, "the audit is OK");
    seen.check(
        rank(document["outcome"].as_str()) >= rank(Some(&gate)),
        "the audit's outcome is better than the gate's",
    );
    let text = of(&["audit", "--path", path, "--fail-on-hold"], &JUDGED).expect("it knows all");
    // Simulated data is never ready, however good it is.
    seen.check(is_ok || !text.stdout.contains("READY FOR RELEASE"), "READY FOR RELEASE");
    seen.check(is_ok == (text.code == 0), "the exit code of audit --fail-on-hold");
    let summary = soak(&["audit", "pr-summary", "--path", path]);
    seen.put("pr summary", word(&summary.stdout, "Gate: **"));
    seen.check(is_ok == summary.stdout.contains("READINESS: OK"), "the answer of pr-summary");
    if let Some(deltas) = of(&["deltas", "verify", "--path", path, "--format", "json"], &[]) {
        seen.json("deltas", &deltas.json(), "/outcome");
    }
    let bundle = folder.file("release").to_string_lossy().into_owned();
    if let Some(built) =
        of(&["release", "bundle", "--src", path, "--out", &bundle, "--format", "json"], &["--mock"])
    {
        let verdict = if built.code == 0 {
            built.json().pointer("/facts/outcome").and_then(Value::as_str).map(str::to_owned)
        } else {
            word(&built.stderr, "the verdict is ")
                .or_else(|| built.stderr.contains("overrides profile").then(|| "no profile".to_owned()))
        };
        // What passes is refused for other reasons.
        seen.put("bundle", verdict.or_else(|| (gate == "PASS").then(|| gate.clone())));
    }
    if let Some(history) = of(&["compare", "history", path, "--format", "json"], &["--mock"]) {
        seen.json("history", &history.json(), "/runs/0/verdict");
    }
    if let Some(compared) = of(&["compare", "--a", path, "--b", path, "--format", "json"], &JUDGED)
        && let Ok(document) = serde_json::from_str::<Value>(&compared.stdout)
    {
        seen.json("compare", &document, "/a/verdict");
    }
    let exported = of(&["export-prom", "--path", path], &JUDGED).expect("it knows all");
    seen.prom("export-prom", &exported.stdout);
}

/// The live view, which judges a run that goes on by what there is, and says so.
fn serve(seen: &mut Seen, case: &Case, run: &Path) {
    if case.flags.iter().any(|flag| !matches!(*flag, "--mock" | "--so-far")) || case.name == "running" {
        return;
    }
    let text = format!("schema_version = 1\n{}", case.policy);
    let policy = policy::read(&[Layer { origin: Origin::BuiltIn, text }], &[]).expect("a policy");
    let provenance = Provenance {
        tool_version: "1.0.0".to_owned(),
        policy_sha256: policy.sha256.clone(),
        policy_file: None,
        overridden: None,
        fixed_time: None,
        rehearsal: false,
    };
    let followed = Followed { path: run.to_owned(), mock: case.flags.contains(&"--mock"), symbol: None };
    let mut folder = LiveFolder::new(followed, policy, &provenance);
    let view = folder.look(chrono::DateTime::UNIX_EPOCH);
    seen.put("serve", view.facts.verdict.map(|verdict| verdict.outcome.word().to_owned()));
}

fn rank(outcome: Option<&str>) -> usize {
    let order = ["PASS", "WARN", "INCONCLUSIVE", "FAIL", "INVALID"];
    order.iter().position(|word| Some(*word) == outcome).expect("an outcome")
}

#[test]
fn every_output_names_the_same_verdict() {
    let cases = cases();
    let mut table = String::from("| folder |");
    for column in COLUMNS {
        write!(table, " {column} |").expect("written");
    }
    writeln!(table, "\n|---|{}", "---|".repeat(COLUMNS.len())).expect("written");
    let mut wrong = Vec::new();
    let seen: Vec<Seen> = std::thread::scope(|scope| {
        let started: Vec<_> = cases
            .chunks(cases.len().div_ceil(4))
            .map(|part| scope.spawn(move || part.iter().map(seen).collect::<Vec<_>>()))
            .collect();
        started.into_iter().flat_map(|thread| thread.join().expect("no case panics")).collect()
    });
    for (case, seen) in cases.iter().zip(seen) {
        write!(table, "| {} |", case.name).expect("written");
        let verdict = &seen.words["gate json"];
        for column in COLUMNS {
            let word = seen.words.get(column).map_or("-", String::as_str);
            write!(table, " {word} |").expect("written");
            let unsaid = word == "-" || word == "no profile";
            if !unsaid && word != verdict {
                wrong.push(format!("{}: {column} says {word}, the gate {verdict}", case.name));
            }
        }
        table.push('\n');
        wrong.extend(seen.wrong.into_iter().map(|what| format!("{}: {what}", case.name)));
    }
    #[expect(clippy::print_stdout, reason = "the table is what the test is for")]
    {
        println!("{table}");
    }
    assert_eq!(wrong, Vec::<String>::new());
}
