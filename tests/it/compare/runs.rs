//! Two runs whose medians are worked out by hand.

use std::fs;
use std::path::Path;

use crate::it::support::{Folder, Ran, Run, Step, name, program, ran, soak};
use serde_json::json;

/// Eight bad iterations, which are not in the window, and eight more. In order the window has:
/// - net 2.8, six from 3 to 3.2, 4: median 3;
/// - risk .2 .3 .3 .36 | .4 .4 .4 .41: median 0.38;
/// - maker .84 .85 .86 .87 | .88 .89 .90 .91: median 0.875;
/// - p95 299.5 300 310 320 | 330 340 350 351: median 325.
fn a() -> Run {
    let net = [2.8, 3.0, 3.0, 3.0, 3.0, 3.0, 3.2, 4.0];
    let risk = [0.2, 0.36, 0.3, 0.3, 0.4, 0.4, 0.4, 0.41];
    let maker = [0.85, 0.86, 0.87, 0.88, 0.89, 0.90, 0.91, 0.84];
    let p95 = [299.5, 310.0, 320.0, 330.0, 340.0, 350.0, 351.0, 300.0];
    let judged = (0..8).map(|at: usize| Step {
        number: at as u64 + 9,
        net: net[at],
        risk: risk[at],
        maker: maker[at],
        p95: p95[at],
        freeze: at == 4,
    });
    (1..=8).map(Step::bad).chain(judged).collect()
}

/// Eight equal iterations.
fn equal(net: f64, risk: f64, maker: f64, p95: f64) -> Run {
    (1..=8).map(|number| Step { number, net, risk, maker, p95, freeze: number == 3 }).collect()
}

fn b() -> Run {
    equal(3.18, 0.352, 0.871, 312.5)
}

fn compare(a: &Path, b: &Path, args: &[&str]) -> Ran {
    ran(program().arg("compare").arg("--a").arg(a).arg("--b").arg(b).args(args))
}

fn folders(a: &Run, b: &Run, args: &[&str]) -> Ran {
    let (a, b) = (a.in_temp(), b.in_temp());
    compare(a.path(), b.path(), args)
}

/// Exit code with and without detail.
fn codes(a: &Run, b: &Run) -> (i32, i32) {
    let (a, b) = (a.in_temp(), b.in_temp());
    let code = |args: &[&str]| compare(a.path(), b.path(), args).code;
    (code(&["--fail-on-regression"]), code(&["--fail-on-regression", "--detailed-exitcode"]))
}

#[test]
fn the_csv_of_two_runs_worked_out_by_hand_is_right_to_the_byte() {
    let Ran { code, stdout, stderr } = folders(&a(), &b(), &[]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    insta::assert_snapshot!(format!("{stdout}(end)"), @r"
        KPI,A,B,B-A (note: for latency smaller is better)
        maker_taker_ratio,0.875,0.871,-0.004
        net_bps,3.000,3.180,0.180
        p95_latency_ms,325.000,312.500,-12.500
        risk_ratio,0.380,0.352,-0.028
        (end)
        ");
}

#[test]
fn the_csv_of_the_guides_pair_is_the_guides_csv() {
    let (a, b) = (equal(3.05, 0.36, 0.85, 325.0), equal(3.18, 0.352, 0.871, 312.0));
    insta::assert_snapshot!(format!("{}(end)", folders(&a, &b, &[]).stdout), @r"
        KPI,A,B,B-A (note: for latency smaller is better)
        maker_taker_ratio,0.850,0.871,0.021
        net_bps,3.050,3.180,0.130
        p95_latency_ms,325.000,312.000,-13.000
        risk_ratio,0.360,0.352,-0.008
        (end)
        ");
}

#[test]
fn no_zero_has_a_sign_and_what_is_unknown_is_nan() {
    let tiny = equal(-0.0001, 0.352, 0.871, 312.5);
    let mut unknown = equal(-0.0002, 0.352, 0.871, 312.5);
    for number in 1..=8 {
        unknown = unknown.edit(number, |json| json["summary"]["risk_ratio"] = json!(null));
    }
    insta::assert_snapshot!(format!("{}(end)", folders(&tiny, &unknown, &[]).stdout), @r"
        KPI,A,B,B-A (note: for latency smaller is better)
        maker_taker_ratio,0.871,0.871,0.000
        net_bps,0.000,0.000,0.000
        p95_latency_ms,312.500,312.500,0.000
        risk_ratio,0.352,nan,nan
        (end)
        ");
}

#[test]
fn the_text_says_which_way_each_kpi_went_and_whether_it_counts() {
    let (a, b) = (a().in_temp(), b().in_temp());
    let Ran { code, stdout, .. } = compare(a.path(), b.path(), &["--format", "text"]);
    let table = "\
KPI                statistic  A      B      B-A
maker_taker_ratio  median     0.875  0.871  -0.004 (-0.5%)     worse, but within the floor of 0.005
net_bps            median     3      3.18   +0.18 bps (+6.0%)  better
p95_latency_ms     median     325    312.5  -12.5 ms (-3.8%)   better
risk_ratio         median     0.38   0.352  -0.028 (-7.4%)     better

Significance (steady: A 7-16, n=10; B 7-8, n=2; error rate 5 % over all KPIs, one extension included; Holm, 4 KPIs):
  maker_taker_ratio: cannot tell: 10 values of A and 2 of B, 16 of each are needed; 6 more iterations of A and 14 of B would do to begin with
  net_bps: cannot tell: 10 values of A and 2 of B, 16 of each are needed; 6 more iterations of A and 14 of B would do to begin with
  p95_latency_ms: cannot tell: 10 values of A and 2 of B, 16 of each are needed; 6 more iterations of A and 14 of B would do to begin with
  risk_ratio: cannot tell: 10 values of A and 2 of B, 16 of each are needed; 6 more iterations of A and 14 of B would do to begin with

cannot tell: maker_taker_ratio, net_bps, p95_latency_ms, risk_ratio
note: the windows";
    let told = compare(a.path(), b.path(), &["--format", "json"]).json();
    let reason = |side: &str| told[side]["reason"].as_str().expect("a reason").to_owned();
    assert!(reason("a").contains("gating checks hold"), "{told}");
    let blocks = format!(
        "A: {}\n   PASS | last8 9-16, n=8 | {}\n\
         B: {}\n   PASS | last8 1-8, n=8 | {}\n\n",
        a.path().display(),
        reason("a"),
        b.path().display(),
        reason("b")
    );
    let table = table.strip_suffix("note: the windows").expect("the windows are of one length");
    assert_eq!((code, stdout), (0, format!("{blocks}{table}")));
}

#[test]
fn a_percentage_near_zero_or_across_it_is_left_out() {
    let [near, far, below] = [0.04, 3.0, -1.0].map(|net| equal(net, 0.3, 0.9, 300.0));
    let change = |a: &Run, b: &Run| folders(a, b, &["--format", "json"]).json()["kpis"][1].clone();
    let told = change(&near, &far);
    assert_eq!((&told["change"], &told["change_percent"]), (&json!(2.96), &json!(null)));
    let told = change(&below, &far);
    assert_eq!((&told["change"], &told["change_percent"]), (&json!(4.0), &json!(null)));
    let told = change(&far, &near);
    assert_eq!((&told["way"], &told["exceeds_floor"]), (&json!("worse"), &json!(true)));
}

#[test]
fn json_and_markdown_tell_the_same_comparison() {
    let (a, b) = (a().in_temp(), b().in_temp());
    let told = compare(a.path(), b.path(), &["--format", "json"]).json();
    assert_eq!(told["a"]["verdict"], "PASS");
    assert_eq!(told["a"]["window"], json!({"name": "last8", "first": 9, "last": 16, "n": 8}));
    assert_eq!(told["kpis"][2]["kpi"], "p95_latency_ms");
    assert_eq!(told["kpis"][2]["a"], json!({"value": 325.0, "n": 8}));
    assert_eq!((&told["kpis"][2]["way"], &told["kpis"][2]["good"]), (&json!("better"), &json!("lower")));
    assert_eq!((&told["regressions"], &told["exit_code"]), (&json!([]), &json!(0)));
    let md = compare(a.path(), b.path(), &["--format", "md"]).stdout;
    assert!(md.contains("| p95_latency_ms | median | 325 | 312.5 | -12.5 ms (-3.8%) | better |\n"), "{md}");
}

#[test]
fn a_snapshot_an_audit_and_the_folder_itself_say_the_same() {
    let (a, b) = (a().in_temp(), b().in_temp());
    let expected = compare(a.path(), b.path(), &[]).stdout;
    a.soak("extract", &[]);
    assert_eq!(compare(&a.file("POST_SOAK_SNAPSHOT.json"), b.path(), &[]).stdout, expected);
    a.soak("analyze", &[]);
    let snapshot = a.file("reports/analysis/POST_SOAK_SNAPSHOT.json");
    assert_eq!(compare(&snapshot, b.path(), &[]).stdout, expected);
    let kpis = json!({"maker_taker_ratio": 0.875, "net_bps": 3, "p95_latency_ms": 325, "risk_ratio": 0.38});
    let audit = a.file("AUDIT.json");
    write(&audit, &json!({"snapshot_kpis": kpis, "readiness": {"pass": true}}).to_string());
    assert_eq!(compare(&audit, b.path(), &[]).stdout, expected);
    assert_eq!(compare(&audit, b.path(), &["--format", "json"]).json()["a"]["verdict"], "OK");
}

#[test]
fn a_snapshot_with_means_alone_is_compared_by_means_and_a_note_says_so() {
    let folder = a().with_json("old.json", &json!({"schema_version": "1.1", "net_bps": 3.0})).in_temp();
    let Ran { code, stdout, stderr } = compare(&folder.file("old.json"), folder.path(), &[]);
    // The nets add up to 25 over 8 iterations.
    assert!(stdout.contains("\nnet_bps,3.000,3.125,0.125\n"), "{stdout}");
    assert!(stdout.contains("\nrisk_ratio,nan,0.380,nan\n"), "{stdout}");
    assert_eq!(
        (code, stderr.as_str()),
        (0, "note: a side knows no medians: means are compared for net_bps\n")
    );
}

/// Exit codes where A is the snapshot of a run, without and with detail.
fn codes_of_snapshot(a: &Run, b: &Run) -> (i32, i32) {
    let (a, b) = (a.in_temp(), b.in_temp());
    a.soak("extract", &[]);
    let snapshot = a.file("POST_SOAK_SNAPSHOT.json");
    let code = |args: &[&str]| compare(&snapshot, b.path(), args).code;
    (code(&["--fail-on-regression"]), code(&["--fail-on-regression", "--detailed-exitcode"]))
}

#[test]
fn without_single_values_a_change_for_the_worse_by_more_than_the_floor_fails_when_that_is_asked_for() {
    let base = equal(3.0, 0.3, 0.9, 300.0);
    assert_eq!(codes_of_snapshot(&base, &base), (0, 0));
    assert_eq!(codes_of_snapshot(&base, &equal(3.5, 0.2, 0.95, 200.0)), (0, 0));
    assert_eq!(codes_of_snapshot(&base, &equal(2.95, 0.305, 0.895, 301.0)), (0, 0));
    for worse in [
        equal(2.94, 0.3, 0.9, 300.0),
        equal(3.0, 0.306, 0.9, 300.0),
        equal(3.0, 0.3, 0.894, 300.0),
        equal(3.0, 0.3, 0.9, 301.5),
    ] {
        assert_eq!(codes_of_snapshot(&base, &worse), (1, 1));
        assert_eq!(codes_of_snapshot(&worse, &base), (0, 0));
        assert_eq!(folders(&base, &worse, &[]).code, 0);
    }
    let folder = base.in_temp();
    folder.soak("extract", &[]);
    let worse = equal(3.0, 0.3, 0.9, 301.5).in_temp();
    let snapshot = folder.file("POST_SOAK_SNAPSHOT.json");
    let Ran { stdout, stderr, .. } = compare(&snapshot, worse.path(), &["--fail-on-regression"]);
    let told = "note: no significance test is possible, changes are checked against floors: A has no single values\n\
                regression check: worse by more than its floor: p95_latency_ms +1.5 ms (floor 1 ms)\n";
    assert_eq!(stderr, told);
    assert!(stdout.ends_with("\np95_latency_ms,300.000,301.500,1.500\nrisk_ratio,0.300,0.300,0.000\n"));
    let told = compare(&snapshot, worse.path(), &["--format", "json"]).json();
    assert_eq!((&told["significance"], &told["kpis"][0]["significance"]), (&json!(null), &json!(null)));
}

/// 30 iterations, of which 24 are steady, around these levels: net by ±`spread` in a scrambled order, the others by
/// a hundredth of that.
fn noisy(net: f64, p95: f64, spread: f64) -> Run {
    (1..=30u32)
        .map(|number| {
            let wave = f64::from(number * 7 % 30 % 3) - 1.0;
            Step {
                number: u64::from(number),
                net: net + spread * wave,
                risk: 0.3 + spread * wave / 100.0,
                maker: 0.9 + spread * wave / 100.0,
                p95: p95 + spread * wave,
                freeze: number == 28,
            }
        })
        .collect()
}

#[test]
fn two_runs_are_told_apart_by_what_chance_and_the_margin_do_not_explain() {
    let base = noisy(3.0, 300.0, 0.1);
    // The margins are 0.2 bps and 10 ms; the means are known to some hundredths.
    assert_eq!(codes(&base, &base), (0, 0));
    assert_eq!(codes(&base, &noisy(3.1, 295.0, 0.1)), (0, 0));
    assert_eq!(codes(&base, &noisy(2.9, 305.0, 0.1)), (0, 0));
    assert_eq!(codes(&base, &noisy(2.5, 300.0, 0.1)), (1, 1));
    assert_eq!(codes(&base, &noisy(3.0, 315.0, 0.1)), (1, 1));
    assert_eq!(codes(&base, &noisy(3.5, 285.0, 0.1)), (0, 0));
    // On the margin nothing can be told, and that is no pass.
    assert_eq!(codes(&base, &noisy(2.8, 300.0, 0.1)), (1, 3));
    // A loud run hides what a quiet one shows.
    assert_eq!(codes(&noisy(3.0, 300.0, 1.0), &noisy(2.9, 300.0, 1.0)), (1, 3));
    assert_eq!(folders(&base, &noisy(2.5, 300.0, 0.1), &[]).code, 0);
}

#[test]
fn the_answers_stand_in_every_format_and_the_csv_stays_as_it_is() {
    let (a, b) = (noisy(3.0, 300.0, 0.1).in_temp(), noisy(2.5, 300.0, 0.1).in_temp());
    let plain = compare(a.path(), b.path(), &[]).stdout;
    let gated = compare(a.path(), b.path(), &["--fail-on-regression"]);
    assert_eq!(gated.stdout, plain);
    assert_eq!(gated.stderr, "regression check: worse by more than its margin: net_bps\n");
    let told = compare(a.path(), b.path(), &["--format", "json"]).json();
    let used = &told["significance"];
    assert_eq!(used["window_a"], json!({"name": "steady", "first": 7, "last": 30, "n": 24}));
    assert_eq!((&used["answer"], &used["correction"]), (&json!("worse"), &json!("Holm, 4 KPIs")));
    assert_eq!((&told["regressions"], &told["undecided"]), (&json!(["net_bps"]), &json!([])));
    let net = &told["kpis"][1]["significance"];
    assert_eq!((&net["answer"], &net["n_a"]), (&json!("worse"), &json!(24)));
    let shift = &net["shift"];
    let number = |key: &str| shift[key].as_f64().unwrap_or_else(|| panic!("{key}: {shift}"));
    assert!((number("mean_shift") + 0.5).abs() < 1e-9 && (number("hodges_lehmann") + 0.5).abs() < 1e-9);
    // Every value of B is below every value of A.
    assert_eq!((&shift["cliffs_delta"], &shift["hodges_lehmann_method"]), (&json!(-1.0), &json!("pairwise")));
    assert!(number("p_worse_adjusted") < 0.0275 && number("high") < -0.2, "{shift}");
    let text = compare(a.path(), b.path(), &["--format", "text"]).stdout;
    assert!(
        text.contains("net_bps: worse by more than the margin of 0.2 bps: the mean fell by 0.5 bps; between"),
        "{text}"
    );
    assert!(text.contains("\nworse by more than its margin: net_bps\n"), "{text}");
    let md = compare(a.path(), b.path(), &["--format", "md"]).stdout;
    assert!(md.contains("worse by more than the margin of 0.2 bps"), "{md}");
}

#[test]
fn a_wider_spread_is_a_note_and_a_regression_where_the_policy_says_so() {
    let base = noisy(3.0, 300.0, 0.1);
    let wide = (1..=30u32).fold(base.clone(), |run, number| {
        let wave = f64::from(number * 7 % 30 % 3) - 1.0;
        run.edit(u64::from(number), |json| json["summary"]["p95_latency_ms"] = json!(300.0 + 8.0 * wave))
    });
    let (a, b) = (base.in_temp(), wide.in_temp());
    let told = compare(a.path(), b.path(), &["--fail-on-regression"]);
    assert_eq!((told.code, told.stdout.as_str()), (0, compare(a.path(), b.path(), &[]).stdout.as_str()));
    let stderr = &told.stderr;
    assert!(
        stderr.starts_with("note: p95_latency_ms spreads ") && stderr.ends_with("(advisory)\n"),
        "{stderr}"
    );
    let text = compare(a.path(), b.path(), &["--format", "text"]).stdout;
    assert!(
        text.contains("\nno KPI got worse by more than its margin\nnote: p95_latency_ms spreads "),
        "{text}"
    );
    let policy = a.file("policy.toml");
    let gated = |text: &str| {
        write(&policy, text);
        let args = ["--policy", policy.to_str().expect("a path"), "--fail-on-regression", "--format", "json"];
        compare(a.path(), b.path(), &args)
    };
    let json = compare(a.path(), b.path(), &["--format", "json"]).json();
    let found = &json["kpis"][2]["significance"]["spread"];
    assert_eq!(
        (&json["wider"], &found["answer"], &json["regressions"]),
        (&json!(["p95_latency_ms"]), &json!("wider"), &json!([]))
    );
    assert!(
        found["low"].as_f64().expect("a number") > 2.0 && json["kpis"][1]["significance"]["spread"].is_null()
    );
    let fails = gated("[compare.spread]\ngates = true\n");
    assert_eq!((fails.code, fails.stderr.as_str()), (1, "regression check: spread wider: p95_latency_ms\n"));
    assert_eq!(gated("[compare.spread]\ngates = true\nratio = 1000\n").code, 0);
    // The other way round nothing got wider.
    assert_eq!(compare(b.path(), a.path(), &["--fail-on-regression"]).stderr, "");
}

#[test]
fn where_nothing_can_be_told_the_answer_says_what_would_decide() {
    let (a, b) = (noisy(3.0, 300.0, 0.5).in_temp(), noisy(2.98, 300.0, 0.5).in_temp());
    let done =
        compare(a.path(), b.path(), &["--fail-on-regression", "--format", "json", "--detailed-exitcode"]);
    let told = done.json();
    assert_eq!((done.code, &told["undecided"]), (3, &json!(["net_bps"])));
    let net = &told["kpis"][1]["significance"];
    let more = net["more_of_b"].as_u64().or(net["more_of_both"].as_u64()).expect("a number of iterations");
    assert!(more > 0);
    let reason = net["reason"].as_str().expect("a sentence");
    assert!(
        reason.contains("24 and 24 iterations show a worsening of")
            && reason.contains("would in 80 % of cases, if the shift"),
        "{reason}"
    );
    let (eighty, ninety) = (&net["shift"]["detectable_80"], &net["shift"]["detectable_90"]);
    assert!(eighty.as_f64() < ninety.as_f64());
}

#[test]
fn margins_and_the_window_of_significance_come_from_the_policy() {
    let a = noisy(3.0, 300.0, 0.1).with(
        "policy.toml",
        "schema_version = 1\n[compare]\nwindow = \"last 16\"\n[compare.kpi.net_bps]\nabsolute = 0.01\nrelative = 0.5\n",
    );
    let (a, b) = (a.in_temp(), noisy(2.5, 300.0, 0.1).in_temp());
    let policy = a.file("policy.toml");
    let args = ["--policy", policy.to_str().expect("a path"), "--fail-on-regression", "--format", "json"];
    let done = compare(a.path(), b.path(), &args);
    let told = done.json();
    assert_eq!(done.code, 0, "{told}");
    assert_eq!(told["significance"]["window_b"], json!({"name": "last16", "first": 15, "last": 30, "n": 16}));
    // Half of the mean of A, which is 3 to about a tenth.
    let margin = told["kpis"][1]["significance"]["margin"].as_f64().expect("a number");
    assert!((margin - 1.5).abs() < 0.05, "{margin}");
}

#[test]
fn what_cannot_be_judged_is_no_pass() {
    let base = equal(3.0, 0.3, 0.9, 300.0);
    let short: Run =
        (1..=7).map(|number| Step { net: 3.0, risk: 0.3, maker: 0.9, ..Step::good(number) }).collect();
    assert_eq!(codes(&base, &short), (1, 3));
    assert_eq!(codes(&short, &base), (1, 3));
    let corrupt = equal(3.0, 0.3, 0.9, 300.0).with(&name(8), "{");
    assert_eq!(codes(&base, &corrupt), (1, 4));
    let mut unknown = base.clone();
    for number in 1..=8 {
        unknown = unknown.edit(number, |json| json["summary"]["risk_ratio"] = json!(null));
    }
    assert_eq!(codes(&base, &unknown), (1, 4));
    let stderr = folders(&base, &unknown, &["--fail-on-regression"]).stderr;
    assert!(stderr.contains("no data for: risk_ratio\n"), "{stderr}");
    assert!(stderr.contains("B is INVALID"), "{stderr}");
    assert_eq!(folders(&base, &unknown, &[]).code, 0);
}

#[test]
fn trouble_outside_the_window_changes_nothing() {
    let base = a();
    let troubled = a().with(&name(1), "{").with(&name(2), [0xff, 0xfe]);
    let told = |run: &Run| folders(run, &b(), &[]).stdout;
    assert_eq!(told(&base), told(&troubled));
    assert_eq!(codes(&base, &troubled), codes(&base, &base));
}

#[test]
fn a_side_that_cannot_be_read_is_an_error_with_a_way_out() {
    let folder =
        b().with("text.json", "no json").with_json("new.json", &json!({"schema_version": "7"})).in_temp();
    let empty = tempfile::tempdir().expect("a folder");
    for (side, words) in [
        (folder.file("nothing"), "there is no folder"),
        (empty.path().to_owned(), "there is nothing to compare in"),
        (folder.file("text.json"), "text.json` cannot be compared: not valid JSON"),
        (folder.file("new.json"), "schema version `7` is not known"),
    ] {
        for (a, b, name) in [(side.as_path(), folder.path(), "A"), (folder.path(), side.as_path(), "B")] {
            let Ran { code, stdout, stderr } = compare(a, b, &["--detailed-exitcode"]);
            assert_eq!((code, stdout.as_str()), (4, ""), "{words}");
            assert!(
                stderr.contains(words) && stderr.contains(&format!("hint: {name} is a folder")),
                "{stderr}"
            );
            assert_eq!(compare(a, b, &[]).code, 1);
        }
    }
}

#[test]
fn a_run_with_several_symbols_needs_one_to_be_named() {
    let many = Run::symbols_failing(2).in_temp();
    let told = compare(many.path(), many.path(), &[]);
    assert_eq!((told.code, told.stdout.as_str()), (1, ""));
    assert!(told.stderr.contains("has several symbols: S00, S01") && told.stderr.contains("--symbol"));
    let told = compare(many.path(), many.path(), &["--symbol", "S01", "--format", "json"]);
    assert_eq!((told.code, &told.json()["b"]["symbol"]), (0, &json!("S01")));
    let told = compare(many.path(), many.path(), &["--symbol", "S02"]);
    assert_eq!(told.code, 1);
    assert!(
        told.stderr.contains("no symbol `S02`") && told.stderr.contains("has S00, S01"),
        "{}",
        told.stderr
    );
}

#[test]
fn the_command_line_is_checked() {
    for wrong in [
        &["compare"][..],
        &["compare", "--a", "x"],
        &["compare", "--a", "x", "--b", "y", "--format", "html"],
        &["compare", "--a", "x", "golden", "--baseline", "y", "--actual", "z"],
        &["compare", "--a", "x", "--b", "y", "--last-n", "0"],
    ] {
        assert_eq!(soak(wrong).code, 2, "{wrong:?}");
    }
}

#[test]
fn nothing_from_a_file_reaches_the_terminal_or_markdown_as_it_is() {
    let hostile = |run: Run| {
        let evil = "\u{1b}[2J|<b>\u{202e}\n# x";
        let manifest = json!({"schema_version": "1.0", "iterations": 8, "state": "complete",
                              "last_complete_iteration": 8, "source": evil});
        run.with_json("RUN_MANIFEST.json", &manifest).in_temp()
    };
    let (a, b): (Folder, Folder) = (hostile(b()), hostile(b()));
    for format in ["text", "md", "json"] {
        let told = compare(a.path(), b.path(), &["--format", format]).stdout;
        assert!(!told.contains('\u{1b}'), "{told}");
        if format == "md" {
            assert!(!told.contains("<b>") && !told.contains("\n# x"), "{told}");
        }
    }
    let file = a.file("snapshot.json");
    write(&file, r#"{"schema_version": "1.1", "verdict": "\u001b[31mPASS\u202e", "net_bps": 1}"#);
    let told = compare(&file, b.path(), &["--format", "text"]);
    assert!(!told.stdout.contains(['\u{1b}', '\u{202e}']) && told.code == 0, "{}", told.stdout);
}

fn write(path: &Path, content: &str) {
    fs::write(path, content).expect("a file for tests");
}

#[test]
fn a_run_that_is_still_warming_up_is_asked_for_the_iterations_before_the_steady_part_too() {
    let full = noisy(3.2, 300.0, 0.05);
    // Two iterations; the steady part begins with the 7th and takes 16: up to the 22nd.
    let warming: Run = (1..=2).map(Step::good).collect();
    let done = folders(&full, &warming, &["--format", "json"]);
    assert_eq!(done.json()["significance"]["extension"], 20, "{}", done.stdout);
    let md = folders(&full, &warming, &["--format", "md"]).stdout;
    assert!(md.contains("20 more iterations of B would do to begin with"), "{md}");
}

#[test]
fn a_kpi_that_a_run_does_not_measure_is_not_helped_by_more_iterations() {
    let full = noisy(3.2, 300.0, 0.05);
    let blind = (1..=30u64).fold(noisy(3.2, 300.0, 0.05), |run, number| {
        run.edit(number, |json| {
            json["summary"].as_object_mut().expect("a summary").remove("net_bps");
        })
    });
    let done = folders(&full, &blind, &["--format", "json"]);
    let told = done.json();
    let row =
        told["kpis"].as_array().expect("rows").iter().find(|row| row["kpi"] == "net_bps").expect("a row");
    let answer = &row["significance"];
    assert_eq!((&answer["answer"], &answer["more_of_b"]), (&json!("cannot_tell"), &json!(null)), "{answer}");
    let reason = answer["reason"].as_str().expect("words");
    assert!(
        reason.starts_with("cannot tell: B has no value in ") && reason.ends_with("once they measure it"),
        "{reason}"
    );
    assert_eq!(told["significance"]["extension"], json!(null));
}

#[test]
fn markdown_keeps_the_end_of_a_sentence_and_a_run_beside_itself_is_told() {
    let (a, b) = (noisy(3.2, 300.0, 0.6), noisy(3.1, 300.0, 0.5));
    let md = folders(&a, &b, &["--format", "md"]).stdout;
    let line = md.lines().find(|line| line.starts_with("- net_bps: cannot tell")).expect("a sentence");
    assert!(line.contains("if the shift is what it looks like") && line.ends_with("\\]"), "{line}");
    assert!(!md.contains('…') && !md.contains("the same values in every iteration"), "{md}");
    assert!(line.contains("\\[n ") && line.contains("; p for worse "), "{line}");
    let twice = folders(&a, &a, &["--format", "text"]).stdout;
    assert!(twice.contains("note: A and B have the same values in every iteration"), "{twice}");
}
