//! Runs of a service: a policy that declares its own KPIs and nothing to tune.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::Out;
use crate::it::support::Ran;

/// A folder for runs with a policy in it.
struct Service {
    out: Out,
    policy: PathBuf,
}

impl Service {
    fn with(lines: &str) -> Self {
        let out = Out::new();
        let policy = out.path().with_file_name("policy.toml");
        fs::write(&policy, format!("extends = \"service\"\nrun_verdict.min_iterations = 20\n{lines}"))
            .expect("a policy");
        Self { out, policy }
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.out.run(&[&["--policy", self.policy.to_str().expect("a plain path")], args].concat())
    }

    fn simulated_of(&self, iterations: &str) -> Ran {
        self.run(&["--mock", "--iterations", iterations])
    }

    fn simulated(&self, args: &[&str]) -> Ran {
        self.run(&[&["--mock", "--iterations", "30"], args].concat())
    }
}

/// Words of trading and of tuning, which nobody meets who runs a service.
const FOREIGN: [&str; 14] = [
    "net_bps",
    "risk_ratio",
    "maker",
    "taker",
    "p95_latency",
    "edge",
    "freeze",
    "frozen",
    "override",
    "tuning",
    "guard",
    "panic",
    "WARMUP",
    "applied",
];

#[track_caller]
fn assert_plain(text: &str) {
    let found: Vec<&str> = FOREIGN.into_iter().filter(|word| text.contains(word)).collect();
    assert!(found.is_empty(), "{found:?} in\n{text}");
}

#[test]
fn a_simulated_service_without_a_fault_passes_and_shows_its_kpis() {
    let service = Service::with("");
    let ran = service.simulated(&["--ascii"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    insta::assert_snapshot!(ran.stdout.replace(service.out.path().to_str().expect("a plain path"), "OUT"), @r"
        ================================================================================
        SOAK RUN
        ================================================================================
          iter  request_rate  error_ratio  p95_ms  p99_ms  rss_mb  cpu_pct  open_fds  verdict
             1        102.75       0.0053    39.1    57.0    95.8     20.0       103  PASS
             2         97.99       0.0050    39.4    60.5    98.5     20.5        95  PASS
             3         95.72       0.0051    39.8    57.7    97.2     20.0       101  PASS
             4         94.90       0.0049    38.6    61.5    99.7     19.7       105  PASS
           ...           ...          ...     ...     ...     ...      ...       ...  ...
            15        105.94       0.0052    39.3    58.6   100.7     20.2       100  PASS
            16        104.01       0.0052    40.5    60.7    99.3     19.5       101  PASS
            17        102.67       0.0052    38.8    59.1    97.7     19.6       100  PASS
            18         95.08       0.0051    40.5    61.1   101.3     18.7       102  PASS
            19         93.20       0.0047    39.5    60.7    97.1     19.8       100  PASS
            20         96.05       0.0050    40.9    60.8   106.7     19.1        97  PASS
            21        104.91       0.0048    39.2    59.8    99.5     20.0       108  PASS
            22        104.07       0.0050    39.7    60.0   102.7     20.3       100  PASS
            23         99.32       0.0048    40.8    61.6   100.0     20.0       103  PASS
            24         97.50       0.0049    39.9    59.8   103.7     20.8        98  PASS
            25        104.68       0.0051    38.5    62.4    95.6     19.4       102  PASS
            26         99.17       0.0051    40.8    59.0    99.0     19.5        99  PASS
            27        101.82       0.0049    39.8    56.9   101.2     19.2        98  PASS
            28        103.96       0.0053    38.0    62.0    95.8     20.2        99  PASS
            29        100.22       0.0052    40.6    60.9   101.4     19.3        99  PASS
            30        100.50       0.0051    39.6    58.4    97.4     19.9        99  PASS

          request_rate +=--+=#+#==+-=##+---##==#=+#++  93.20 to 105.94, last 100.50
          error_ratio  #=+=-#-----=+=++++-=-=-=++=#++  0.0047 to 0.0054, last 0.0051
          p95_ms       ==+-+#++#-#+-+=#=#+#=+#+-#+-#+  38.0 to 40.9, last 39.6
          p99_ms       -+-#++++=+=#=#=+=#++++#+#=-#+=  56.9 to 62.4, last 58.4
          rss_mb       -===-+===+#++-+==+=#=+=#-=+-+=  93.8 to 107.0, last 97.4
          cpu_pct      ++===+#===+=+=+==-=-+++#==-+-=  18.7 to 21.3, last 19.9
          open_fds     +-=#===###--+====+=-#=+-+=-===  95 to 108, last 99

        Collections: 0 failed

        ================================================================================
        Decision: PASS
        why:  17 of 18 gating checks hold, 1 does not apply
        also: 30 iterations are too few to find a drift or a change of level (`kpi_drift`, `change_points`): 54 are enough
        also: SIMULATED: the data comes from a simulator, not valid for a release
        next: soak gate --path OUT/latest
              writes the reports; the data is not about a build, and not valid for a release
        ");
    assert_plain(&ran.stdout);
    assert_plain(&ran.stderr);
    let first = ran.stderr.lines().find(|line| line.contains("ITERATION")).expect("an event");
    let keys: Vec<&str> = first.split(' ').filter_map(|field| Some(field.split_once('=')?.0)).collect();
    assert_eq!(
        keys,
        [
            "iteration",
            "of",
            "utc",
            "request_rate",
            "error_ratio",
            "p95_ms",
            "p99_ms",
            "rss_mb",
            "cpu_pct",
            "open_fds",
            "verdict"
        ]
    );
    assert!(first.ends_with("verdict=PASS |"), "{first}");
}

#[test]
fn a_run_that_tunes_nothing_has_no_files_about_tuning_and_can_go_on() {
    let service = Service::with("");
    let started = service.run(&["--mock", "--iterations", "3"]);
    assert_eq!(started.code, 0, "{started:?}");
    let names = || {
        let names = fs::read_dir(service.out.latest()).expect("the run's folder");
        let mut names: Vec<String> =
            names.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    };
    let expected = |last: u64| {
        let iterations = (1..=last).map(|number| format!("ITER_SUMMARY_{number}.json"));
        iterations.chain(["RUN_LOG.jsonl", "RUN_MANIFEST.json"].map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(names(), expected(3));
    let resumed = service.run(&["--resume", "--extend", "2"]);
    assert_eq!((resumed.code, names()), (0, expected(5)), "{resumed:?}");
    let whole = Service::with("");
    whole.run(&["--mock", "--iterations", "5"]);
    assert_eq!(service.out.iteration(5), whole.out.iteration(5), "as without the interruption");
    let record = service.out.iteration(2);
    assert_eq!(
        (&record["runtime_overrides"], &record["tuning"]["skip_reason"]["code"]),
        (&json!({}), &json!(null))
    );
}

#[test]
fn flags_of_tuning_are_refused_where_nothing_can_be_tuned() {
    let service = Service::with("");
    for flags in [
        &["--auto-tune"][..],
        &["--profile", "steady_safe"],
        &["--set", "min_interval_ms=70"],
        &["--overrides", "o.json"],
        &["--preset", "maker_bias_uplift_v1"],
        &["--preset-file", "p.json"],
        &["--warmup"],
        &["--active-overrides", "a.json"],
    ] {
        for more in [&[][..], &["--dry-run"]] {
            let refused = service.run(&[&["--mock", "--iterations", "2"], flags, more].concat());
            assert_eq!(refused.code, 2, "{refused:?}");
            let expected = format!("`{}` has nothing to tune: the policy declares no parameters\n", flags[0]);
            assert!(refused.stderr.contains(&expected), "{}", refused.stderr);
        }
    }
    assert!(!service.out.path().exists());
    // A file of another system and a variable of the environment ask for nothing.
    fs::create_dir_all(service.out.path()).expect("a folder");
    fs::write(service.out.path().join("runtime_overrides.json"), "{\"min_interval_ms\": 70}")
        .expect("a file");
    let path = service.policy.to_str().expect("a plain path");
    let mut command = service.out.command(&["--policy", path, "--mock", "--iterations", "2"]);
    let ran = crate::it::support::ran(command.env("MM_PROFILE", "steady_safe"));
    assert_eq!(ran.code, 0, "{ran:?}");
    let resumed = service.run(&["--resume", "--extend", "1", "--auto-tune"]);
    assert!(resumed.code == 2 && resumed.stderr.contains("declares no parameters"), "{resumed:?}");
}

#[test]
fn the_plan_of_a_service_names_its_limits_and_files_alone() {
    let service = Service::with(
        "[run_gates.tail]\nmetric = \"p99_ms.max\"\nseverity = \"hard\"\ncomparison = \"<=\"\nlimit = 250.0\n",
    );
    let planned = service.run(&["--mock", "--iterations", "24", "--dry-run"]);
    assert_eq!(planned.code, 0, "{planned:?}");
    assert_plain(&planned.stdout);
    assert!(planned.stdout.contains("  p99_ms.max               <= 250      hard"), "{}", planned.stdout);
}

/// Takes the KPIs out that the scripts do not give.
const UNMEASURED: &str = "kpi.request_rate.enabled = false\nkpi.p99_ms.enabled = false\nkpi.cpu_pct.enabled = false\n\
                          kpi.open_fds.enabled = false\n";

#[test]
fn an_iteration_follows_the_limits_of_iteration_pass() {
    let service = Service::with(UNMEASURED);
    // Iteration 2 is at the limit, 3 just beyond it, and 4 lacks the KPI.
    let script = r#"case $SOAK_ITERATION in 2) e=0.01;; 3) e=0.0101;; 4) e=null;; *) e=0.001;; esac
        printf '{"totals": {"error_ratio": %s, "p95_ms": 4%s, "rss_mb": 10%s}}' $e $SOAK_ITERATION $SOAK_ITERATION"#;
    let args = ["--iterations", "4", "--interval", "0.01", "--no-wait", "--", "sh", "-c", script];
    let ran = service.run(&args);
    let of = |number| {
        let summary = service.out.iteration(number)["summary"].clone();
        (summary["kpi_verdict"].clone(), summary["kpi_reasons"].clone())
    };
    assert_eq!([of(1), of(2)], [(json!("PASS"), json!([])), (json!("PASS"), json!([]))]);
    assert_eq!(of(3), (json!("FAIL"), json!(["FAIL: error_ratio 0.0101 > 0.0100"])));
    assert_eq!(of(4), (json!("FAIL"), json!(["FAIL: error_ratio is missing"])));
    assert!(ran.stderr.contains("| kpi_gate | FAIL_STREAK | iteration=4 count=2 |"), "{}", ran.stderr);
    let aborted = service.run(&[&["--abort-after-fails", "1"], &args[..]].concat());
    assert_eq!(aborted.code, 1, "{aborted:?}");
    assert!(aborted.stderr.contains("1 iterations in a row had the KPI verdict FAIL"), "{}", aborted.stderr);
    assert_eq!(service.out.iterations().len(), 3);
}

#[test]
fn run_gates_look_at_statistics_of_kpis() {
    let gate = |name: &str, metric: &str, comparison: &str, limit: f64| {
        format!(
            "[run_gates.{name}]\nmetric = \"{metric}\"\nseverity = \"hard\"\ncomparison = \"{comparison}\"\nlimit = {limit:?}\n"
        )
    };
    let lines = [
        gate("mean", "p95_ms", "<=", 20.0),
        gate("peak", "p95_ms.max", "<=", 39.0),
        gate("long_enough", "duration_hours", ">=", 1e-5),
        "[kpi.backlog]\nunit = \"jobs\"\ndirection = \"none\"\n".to_owned(),
        gate("backlog", "backlog.min", ">=", 1.0),
    ];
    let service = Service::with(&lines.concat());
    let script = r#"printf '{"totals": {"error_ratio": 0.001, "p95_ms": %s0, "rss_mb": 10%s, "backlog": %s}}' \
        $SOAK_ITERATION $SOAK_ITERATION $SOAK_ITERATION"#;
    let args =
        ["--iterations", "4", "--interval", "0.01", "--no-wait", "--reports", "r", "--", "sh", "-c", script];
    let ran = service.run(&args);
    // 10, 20, 30, 40: the mean is 25, the peak 40.
    assert_eq!(ran.code, 1, "{ran:?}");
    let folder = service.out.path().with_file_name("r");
    let metrics = super::json(&folder.join("soak_metrics.json"));
    let names: Vec<&str> =
        metrics["metrics"].as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "backlog.min",
            "cpu_pct",
            "duration_hours",
            "error_ratio",
            "open_fds",
            "p95_ms",
            "p95_ms.max",
            "p99_ms",
            "request_rate",
            "rss_mb"
        ]
    );
    let row = |name: &str| {
        let row = &metrics["gates"][name];
        (row["actual"].clone(), row["statistic"].clone(), row["pass"].clone())
    };
    assert_eq!(row("mean"), (json!(25.0), json!("mean"), json!(false)));
    assert_eq!(row("peak"), (json!(40.0), json!("max"), json!(false)));
    assert_eq!(row("backlog"), (json!(1.0), json!("min"), json!(true)));
    assert_eq!(metrics["metrics"]["cpu_pct"], json!(null));
    let results = fs::read_to_string(folder.join("SOAK_RESULTS.md")).expect("the results");
    assert!(results.contains("| `p95_ms.max` | 40 | ms | max | 4 |\n"), "{results}");
    assert_plain(&results);
    assert_plain(&ran.stdout);
}

#[test]
fn without_run_gates_the_report_of_a_run_has_the_verdict_on_its_folder() {
    let service = Service::with("");
    let ran = service.simulated(&["--reports", "r"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.stdout.contains("Run gates"), "{}", ran.stdout);
    let folder = service.out.path().with_file_name("r");
    for name in ["soak_metrics.json", "gates_summary.json"] {
        let document = super::json(&folder.join(name));
        assert_eq!((&document["verdict"], &document["gates"]), (&json!("PASS"), &json!({})), "{document}");
    }
    let bad = service.simulated(&["--reports", "r", "--scenario", "always-bad"]);
    assert_eq!(bad.code, 0, "the exit code is that of run gates: {bad:?}");
    let document = super::json(&folder.join("soak_metrics.json"));
    assert_eq!((&document["verdict"], &document["outcome"]), (&json!("FAIL"), &json!("FAIL")));
}

#[test]
fn faults_of_a_simulated_service_do_not_pass() {
    let service = Service::with("");
    for scenario in ["leak", "regression@20", "always-bad"] {
        let ran = service.run(&["--mock", "--iterations", "60", "--scenario", scenario]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(!ran.stdout.contains("Decision: PASS"), "{scenario}: {}", ran.stdout);
    }
    let refused = service.simulated(&["--scenario", "flash-crash"]);
    assert!(
        refused.code == 2 && refused.stderr.contains("a simulated service has no scenario"),
        "{refused:?}"
    );
}

#[test]
fn a_healthy_service_passes_with_nearly_every_seed() {
    let service = Service::with("");
    let passing = (1..=20).filter(|seed: &u64| {
        let ran = service.simulated(&["--seed", &seed.to_string(), "--no-fsync", "-q"]);
        ran.stdout.contains("Decision: PASS")
    });
    let passing = passing.count();
    assert!(passing >= 18, "{passing} of 20");
}

#[test]
fn a_service_is_bundled_without_a_word_of_tuning_and_its_bundle_is_whole() {
    let service = Service::with("");
    let ran = service.simulated(&[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let folder = service.out.path().with_file_name("release");
    let soak = |args: &[&str]| {
        let mut command = crate::it::support::program();
        command.current_dir(service.out.path().parent().expect("a parent")).args(args);
        crate::it::support::ran(command.env("SOAK_NOW", "2026-01-02T00:00:00Z"))
    };
    let run = service.out.latest();
    let (run, policy) = (run.to_str().expect("plain"), service.policy.to_str().expect("plain"));
    let build = ["release", "bundle", "--src", run, "--out", "release", "--policy", policy];
    let rehearsed = soak(&[&build[..], &["--rehearsal"]].concat());
    assert_eq!(rehearsed.code, 0, "{rehearsed:?}");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("the bundle")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let of_tuning = names.iter().filter(|name| name.contains("DELTA") || name.contains("overrides"));
    assert_eq!(of_tuning.count(), 0, "{names:?}");
    for name in ["CHANGELOG.md", "CANARY_CHECKLIST.md", "rollback_plan.md"] {
        let text = fs::read_to_string(folder.join(name)).expect("a text");
        assert_plain(&text);
        assert!(!text.contains("\n\n\n"), "{name}:\n{text}");
    }
    let checklist = fs::read_to_string(folder.join("CANARY_CHECKLIST.md")).expect("a text");
    assert!(checklist.contains("- [ ] error_ratio <= 0.01"), "{checklist}");
    let changelog = fs::read_to_string(folder.join("CHANGELOG.md")).expect("a text");
    assert!(changelog.contains("| request_rate | 1/s | "), "{changelog}");
    // Around 0.005, with the four digits of the policy.
    let row = changelog.lines().find(|line| line.starts_with("| error_ratio |")).expect("a row");
    let mean = row.split(" | ").nth(2).expect("a mean");
    assert!(mean.starts_with("0.005") || mean.starts_with("0.004"), "{row}");
    assert_eq!(mean.len(), "0.0050".len(), "{row}");
    let verified = soak(&["release", "verify", "release"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    // Without --rehearsal only the data stands against it.
    let refused = soak(&build);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert_plain(&refused.stderr.replace("--override REASON", ""));
    assert!(refused.stderr.contains("source     the data is simulated (source `sim`)"), "{}", refused.stderr);
    // A bundle that lost the mark of having nothing to tune is no longer whole.
    let manifest = folder.join("MANIFEST.json");
    let text = fs::read_to_string(&manifest).expect("the manifest");
    fs::write(&manifest, text.replace("    \"nothing_to_tune\": true,\n", "")).expect("a file");
    let broken = soak(&["release", "verify", "release"]);
    assert!(
        broken.code == 1 && broken.stdout.contains("`DELTA_VERIFY_REPORT.json` is not in `files`"),
        "{broken:?}"
    );
}

#[test]
fn the_readiness_score_is_of_the_trading_bot() {
    let service = Service::with("");
    let policy = service.policy.to_str().expect("plain");
    for args in [
        &["release", "readiness"][..],
        &["release", "readiness", "record", "run", "--chaos", "OK", "--bug-bash", "OK"],
        &["release", "validate", "score.json"],
    ] {
        let mut command = crate::it::support::program();
        let refused = crate::it::support::ran(command.args(args).args(["--policy", policy]));
        assert_eq!(refused.code, 2, "{refused:?}");
        let expected = "the readiness score is of the profile `trading`, and the policy extends `service`\n";
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_command_is_given_no_file_of_overrides_where_nothing_is_tuned() {
    let service = Service::with("kpi.request_rate.enabled = false\n");
    let script =
        "printf '%s' \"${SOAK_OVERRIDES-none}\" > told; echo '{\"error_ratio\": 0.001, \"p95_ms\": 7}'";
    let args = ["--iterations", "1", "--interval", "0.2", "--", "sh", "-c", script];
    let ran = service.run(&args);
    let told = service.out.path().parent().expect("a parent").join("told");
    assert_eq!(fs::read_to_string(told).ok().as_deref(), Some("none"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn an_iteration_without_a_kpi_of_the_verdict_fails_for_the_run_as_for_the_gate() {
    let service = Service::with("");
    let script = "echo '{\"error_ratio\": 0.001, \"p95_ms\": 7}'";
    service.run(&["--iterations", "1", "--interval", "0.2", "--", "sh", "-c", script]);
    let summary = &service.out.iteration(1)["summary"];
    assert_eq!(summary["kpi_verdict"], "FAIL");
    let reasons = summary["kpi_reasons"].to_string();
    assert!(reasons.contains("FAIL: rss_mb is missing") && !reasons.contains("p95_ms"), "{reasons}");
}

#[test]
fn the_next_command_after_a_short_run_adds_what_the_policy_lacks() {
    let service = Service::with("");
    let ran = service.simulated_of("20");
    // The drifts need 54: 34 more.
    assert!(
        ran.stdout.contains("soak run --resume --out ") && ran.stdout.contains(" --extend 34\n"),
        "{}",
        ran.stdout
    );
}
