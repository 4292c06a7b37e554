//! Runs of another service: KPIs that a policy declares, and the conditions that manifests declare.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::it::support::{Folder, Ran, Run, Step, program, ran};

/// A service that has nothing of the trading system.
const POLICY: &str = r#"schema_version = 1
[kpi.lag_ms]
unit = "ms"
direction = "lower"
[kpi.rate]
unit = "1/s"
direction = "higher"
floor = 2
[kpi.build]
unit = "x"
direction = "none"
[iteration_pass.kpi.lag_ms]
comparison = "<="
limit = 40
[iteration_pass.kpi.net_bps]
enabled = false
[iteration_pass.kpi.risk_ratio]
enabled = false
[iteration_pass.kpi.maker_taker_ratio]
enabled = false
[iteration_pass.kpi.p95_latency_ms]
enabled = false
[run_verdict]
freeze = "ignore"
"#;

/// 48 iterations with these levels, each around it by a wave that looks like noise.
fn service(lag: f64, rate: Option<f64>) -> Run {
    (1..=48u32).fold(Run::default(), |run, number| {
        let wave = f64::from(number * 7 % 30 % 3) - 1.0 + f64::from(number * 13 % 17) / 100.0;
        let mut summary = json!({
            "runtime_utc": format!("2026-01-01T{:02}:{:02}:00Z", number / 12, number * 5 % 60),
            "lag_ms": lag + 0.1 * wave,
            "build": 7,
        });
        if let Some(rate) = rate {
            summary["rate"] = json!(rate + wave);
        }
        run.with_json(
            &format!("ITER_SUMMARY_{number}.json"),
            &json!({"iteration": number, "summary": summary}),
        )
    })
}

#[test]
fn the_table_of_a_service_says_what_the_sentences_below_it_say() {
    let policy = POLICY.replace("schema_version = 1", "extends = \"none\"");
    let own: Vec<&str> = policy.lines().take_while(|line| !line.contains("net_bps")).collect();
    let place = Place::new(&service(20.0, Some(100.0)), &service(20.5, Some(90.0)), &own.join("\n"));
    let told = place.compare(&["--format", "text"]).stdout;
    let row = |name: &str| told.lines().find(|line| line.starts_with(name)).expect("a row");
    assert!(row("lag_ms").ends_with("  no change"), "{told}");
    assert!(row("rate").ends_with("  worse"), "{told}");
    assert!(told.contains("\n  lag_ms: no change beyond the margin of 1 ms"), "{told}");
}

struct Place {
    a: Folder,
    b: Folder,
    policy: String,
}

impl Place {
    fn new(a: &Run, b: &Run, policy: &str) -> Self {
        let a = a.in_temp();
        fs::write(a.file("policy.toml"), policy).expect("a policy");
        Self { policy: a.file("policy.toml").to_string_lossy().into_owned(), a, b: b.in_temp() }
    }

    fn compare(&self, args: &[&str]) -> Ran {
        let program = &mut program();
        let program = program.arg("compare").arg("--a").arg(self.a.path()).arg("--b").arg(self.b.path());
        ran(program.args(["--policy", &self.policy]).args(args))
    }

    /// Exit code with detail, and the JSON.
    fn gated(&self) -> (i32, Value) {
        let done = self.compare(&["--fail-on-regression", "--detailed-exitcode", "--format", "json"]);
        (done.code, done.json())
    }
}

#[test]
fn the_kpis_that_a_policy_declares_are_judged_and_the_four_it_leaves_out_are_not_missed() {
    let same = Place::new(&service(5.0, Some(100.0)), &service(5.01, Some(100.5)), POLICY);
    let (code, told) = same.gated();
    assert_eq!(code, 0, "{told:#}");
    assert_eq!(told["judged"], json!(["lag_ms", "rate"]));
    assert_eq!((&told["unknown"], &told["significance"]["correction"]), (&json!([]), &json!("Holm, 2 KPIs")));
    let names: Vec<&str> = told["kpis"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["kpi"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["build", "lag_ms", "rate"]);
    assert_eq!(told["kpis"][0]["significance"], json!(null));
    assert!(!told["notes"].to_string().contains("same values"), "{}", told["notes"]);

    // 5 % of a mean of 5 is 0.25; the margin of the rate is 5 % of 100, more than its floor of 2.
    let slow = Place::new(&service(5.0, Some(100.0)), &service(9.0, Some(100.0)), POLICY);
    let (code, told) = slow.gated();
    assert_eq!((code, &told["regressions"]), (1, &json!(["lag_ms"])), "{told:#}");
    let margin = told["kpis"][1]["significance"]["margin"].as_f64().expect("a number");
    assert!((margin - 0.25).abs() < 0.02, "{margin}");
    let text = slow.compare(&["--format", "text"]).stdout;
    assert!(text.contains("lag_ms: worse by more than the margin of 0.25 ms"), "{text}");
    assert!(!text.contains("net_bps") && !text.contains("risk_ratio"), "{text}");
    let lower = Place::new(&service(5.0, Some(100.0)), &service(5.0, Some(80.0)), POLICY);
    assert_eq!(lower.gated().1["regressions"], json!(["rate"]));

    // A margin of its own.
    let wide = format!("{POLICY}[compare.kpi.lag_ms]\nabsolute = 5\n");
    let wide = Place::new(&service(5.0, Some(100.0)), &service(9.0, Some(100.0)), &wide);
    assert_eq!(wide.gated().0, 0);
    let shown = format!("{POLICY}[compare.kpi.lag_ms]\nenabled = false\n");
    let shown = Place::new(&service(5.0, Some(100.0)), &service(9.0, Some(100.0)), &shown);
    assert_eq!((shown.gated().0, &shown.gated().1["judged"]), (0, &json!(["rate"])));
}

#[test]
fn the_csv_has_the_further_kpis_behind_the_four() {
    let csv = Place::new(&service(5.0, Some(100.0)), &service(9.0, None), POLICY).compare(&[]).stdout;
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows[0], "KPI,A,B,B-A (note: for latency smaller is better)");
    assert_eq!(rows[1], "build,7.000,7.000,0.000");
    assert!(rows[2].starts_with("lag_ms,") && rows[3].ends_with(",nan,nan") && rows.len() == 4, "{csv}");
    // A policy that declares one more and keeps the four.
    let more = "schema_version = 1\n[kpi.ticks]\nunit = \"x\"\ndirection = \"higher\"\n";
    let run: Run = (1..=8).map(|number| Step { freeze: number == 3, ..Step::good(number) }).collect();
    let csv = Place::new(&run, &run, more).compare(&[]).stdout;
    let names: Vec<&str> = csv.lines().skip(1).filter_map(|row| row.split(',').next()).collect();
    assert_eq!(names, ["maker_taker_ratio", "net_bps", "p95_latency_ms", "risk_ratio", "ticks"]);
}

#[test]
fn a_kpi_that_one_side_lacks_is_said_and_is_no_pass() {
    let place = Place::new(&service(5.0, Some(100.0)), &service(5.0, None), POLICY);
    let (code, told) = place.gated();
    assert_eq!((code, &told["unknown"]), (4, &json!(["rate"])), "{told:#}");
    let stderr = place.compare(&["--fail-on-regression"]).stderr;
    assert!(stderr.contains("no data for: rate"), "{stderr}");
    // What neither measured and nothing limits is not missed.
    let neither = Place::new(&service(5.0, None), &service(5.0, None), POLICY);
    assert_eq!(neither.gated().0, 0);
}

#[test]
fn nothing_to_judge_is_no_pass() {
    let only_shown =
        format!("{POLICY}[compare.kpi.lag_ms]\nenabled = false\n[compare.kpi.rate]\nenabled = false\n");
    let place = Place::new(&service(5.0, Some(100.0)), &service(5.0, Some(100.0)), &only_shown);
    let done = place.compare(&["--fail-on-regression", "--detailed-exitcode"]);
    assert_eq!(done.code, 4);
    assert!(done.stderr.contains("no KPI of the policy is judged"), "{}", done.stderr);
}

#[test]
fn a_baseline_holds_the_declared_kpis_and_runs_are_compared_with_them() {
    let store = tempfile::tempdir().expect("a folder");
    let place = Place::new(&service(5.0, Some(100.0)), &service(9.0, Some(100.0)), POLICY);
    let call = |args: &[&str]| {
        let program = &mut program();
        let program = program.env("SOAK_NOW", "2026-01-31T12:00:00Z").arg("compare").args(args);
        ran(program.args(["--policy", &place.policy]).arg("--store").arg(store.path()))
    };
    let run = place.a.path().to_string_lossy().into_owned();
    let promoted = call(&["baseline", "promote", &run]);
    assert_eq!(promoted.code, 0, "{}", promoted.stderr);
    let told = "does not record where its data came from";
    assert!(promoted.stdout.contains(told), "{}", promoted.stdout);
    let stored: Value =
        serde_json::from_slice(&fs::read(store.path().join("BASELINE_1.json")).expect("a file"))
            .expect("JSON");
    let names: Vec<&String> = stored["kpis"].as_object().expect("KPIs").keys().collect();
    assert_eq!(names, ["build", "lag_ms", "rate"]);
    assert_eq!(stored["kpis"]["rate"]["values"].as_array().map(Vec::len), Some(42));
    let worse = place.b.path().to_string_lossy().into_owned();
    let against = |run: &str| call(&["--b", run, "--fail-on-regression", "--format", "json"]);
    assert_eq!(against(&run).code, 0, "{}", against(&run).stderr);
    assert_eq!((against(&worse).code, &against(&worse).json()["regressions"]), (1, &json!(["lag_ms"])));
    let ack = ["--owner", "A. Person", "--reason", "a new check", "--until", "2026-02-28"];
    assert_eq!(call(&[&["baseline", "ack", "build"], &ack[..]].concat()).code, 2);
    assert_eq!(call(&[&["baseline", "ack", "lag_ms"], &ack[..]].concat()).code, 0);
    assert_eq!((against(&worse).code, &against(&worse).json()["acknowledged"]), (0, &json!(["lag_ms"])));
    // A worse one says so.
    let promoted = call(&["baseline", "promote", &worse]);
    assert!(
        promoted.stdout.contains("lag_ms of baseline 3 is worse than that of baseline 1"),
        "{}",
        promoted.stdout
    );
    assert_eq!(call(&["baseline", "verify"]).code, 0);
}

/// A manifest of a run of 48 iterations, changed.
fn declared(run: Run, change: impl Fn(&mut Value)) -> Run {
    let mut manifest = json!({
        "schema_version": "1.0", "iterations": 48, "state": "complete", "last_complete_iteration": 48,
        "source": "exec", "host": "one", "cpu": "fast, 8 cores", "policy_sha256": "1".repeat(64),
        "settings": {"interval_seconds": 300.0, "auto_tune": false, "warmup_preset": null,
                     "source": {"name": "exec", "command": ["m"]}},
    });
    change(&mut manifest);
    run.with_json("RUN_MANIFEST.json", &manifest)
}

#[test]
fn conditions_that_differ_are_notes_that_name_both_values() {
    let run = || service(5.0, Some(100.0));
    let notes = |change: &dyn Fn(&mut Value)| -> Vec<String> {
        let place =
            Place::new(&declared(run(), |_| ()), &declared(service(5.01, Some(100.5)), change), POLICY);
        let told = place.compare(&["--format", "json"]).json();
        serde_json::from_value(told["notes"].clone()).expect("a list")
    };
    assert_eq!(notes(&|_| ()), Vec::<String>::new());
    let all = notes(&|manifest| {
        manifest["source"] = json!("sim");
        manifest["host"] = json!("two");
        manifest["cpu"] = json!("slow, 1 core");
        manifest["policy_sha256"] = json!("2".repeat(64));
        manifest["settings"] = json!({"interval_seconds": 60.5, "auto_tune": true, "warmup_preset": "gentle",
                                      "source": {"name": "sim", "scenario": "calm"}});
    });
    let expected = [
        "the sources differ: A exec, B sim".to_owned(),
        "the kinds of data differ: A real, B simulated".to_owned(),
        "the intervals differ: A 300 s, B 60.5 s".to_owned(),
        "the hosts differ: A one, B two".to_owned(),
        "the CPUs differ: A fast, 8 cores, B slow, 1 core".to_owned(),
        "the warm-ups differ: A none, B gentle".to_owned(),
        "the tuner settings differ: A off, B on".to_owned(),
        format!("the policies differ: A {}, B {}", "1".repeat(64), "2".repeat(64)),
        "B is simulated: this is not valid for a release".to_owned(),
    ];
    assert_eq!(all, expected);
    // The CSV has them on stderr.
    let other = declared(service(5.01, Some(100.5)), |manifest| manifest["host"] = json!("two"));
    let done = Place::new(&declared(run(), |_| ()), &other, POLICY).compare(&[]);
    assert_eq!(done.stderr, "note: the hosts differ: A one, B two\n");
    // A folder without a manifest beside one that has one.
    let done = Place::new(&declared(run(), |_| ()), &service(5.01, Some(100.5)), POLICY).compare(&[]);
    assert!(done.stderr.starts_with("note: B declares nothing"), "{}", done.stderr);
}

#[test]
fn a_policy_can_refuse_to_compare_what_differs_or_is_not_known() {
    let policy = format!("{POLICY}[compare]\nrefuse = [\"interval\", \"host\"]\n");
    let place = |change: &dyn Fn(&mut Value)| {
        let other = declared(service(5.01, Some(100.5)), change);
        Place::new(&declared(service(5.0, Some(100.0)), |_| ()), &other, &policy)
    };
    assert_eq!(place(&|_| ()).gated().0, 0);
    // Only what is named is refused.
    assert_eq!(place(&|manifest| manifest["cpu"] = json!("slow, 1 core")).gated().0, 0);
    let refused = place(&|manifest| manifest["settings"]["interval_seconds"] = json!(60));
    let done = refused.compare(&["--detailed-exitcode"]);
    assert_eq!((done.code, done.stdout.as_str()), (4, ""));
    let told = "error: A and B are not compared: the intervals differ: A 300 s, B 60 s\n\
                hint: `[compare] refuse` in the policy names what must be equal\n";
    assert_eq!(done.stderr, told);
    assert_eq!(refused.compare(&[]).code, 1);
    let unknown = place(&|manifest| manifest["host"] = json!(null)).compare(&[]);
    assert_eq!(unknown.code, 1);
    assert!(
        unknown.stderr.contains("the hosts are not known on both sides: A one, B unknown"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn the_conditions_of_a_baseline_are_those_of_its_run_and_simulated_data_is_not_promoted_silently() {
    let store = tempfile::tempdir().expect("a folder");
    let simulated = declared(service(5.0, Some(100.0)), |manifest| {
        manifest["source"] = json!("sim");
        manifest["settings"]["no_wait"] = json!(true);
    });
    let real = declared(service(5.01, Some(100.5)), |manifest| {
        manifest["settings"]["no_wait"] = json!(false);
        manifest["settings"]["interval_seconds"] = json!(60);
    });
    let place = Place::new(&simulated, &real, POLICY);
    let call = |args: &[&str]| {
        let program = &mut program();
        let program = program.env("SOAK_NOW", "2026-01-31T12:00:00Z").arg("compare").args(args);
        ran(program.args(["--policy", &place.policy]).arg("--store").arg(store.path()))
    };
    let run = |folder: &Path| folder.to_string_lossy().into_owned();
    let promoted = call(&["baseline", "promote", &run(place.a.path())]);
    assert_eq!(promoted.code, 0, "{}", promoted.stderr);
    for told in
        ["`BASELINE_1.json` is simulated (source `sim`)", "did not wait for its interval (`--no-wait`)"]
    {
        assert!(promoted.stdout.contains(told), "{}", promoted.stdout);
    }
    let compared = call(&["--b", &run(place.b.path()), "--format", "json"]);
    let notes = compared.json()["notes"].to_string();
    for told in [
        "the kinds of data differ: A simulated, B real",
        "the intervals differ: A 300 s, B 60 s",
        "A is simulated: this is not valid for a release",
        "A did not wait for its interval",
    ] {
        assert!(notes.contains(told), "{notes}");
    }
    assert!(compared.stderr.contains("warning: `BASELINE_1.json` is simulated"), "{}", compared.stderr);
}

#[test]
fn one_run_on_both_sides_is_named() {
    let place = Place::new(&service(5.0, Some(100.0)), &service(5.0, Some(100.0)), POLICY);
    let copies = place.compare(&["--format", "json"]).json()["notes"].to_string();
    assert!(copies.contains("the same values in every iteration"), "{copies}");
    let program = &mut program();
    let program = program.arg("compare").arg("--a").arg(place.a.path()).arg("--b").arg(place.a.path());
    let same = ran(program.args(["--policy", &place.policy]));
    assert!(same.stderr.contains("note: A and B are the same run"), "{}", same.stderr);
}
