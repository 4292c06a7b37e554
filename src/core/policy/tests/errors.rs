//! Every way in which a policy can be wrong, with the place and the words of the message.

use proptest::prelude::*;

use super::super::{BUILT_IN, Layer, Origin, Patch, PolicyErrors, read};
use super::{error_of, errors_of};

fn read_text(text: &str) -> Result<(), PolicyErrors> {
    read(&[Layer { origin: Origin::File("p.toml".to_owned()), text: text.to_owned() }], &[]).map(|_| ())
}

#[test]
fn a_value_of_the_wrong_kind_is_reported_with_line_column_and_key() {
    assert_eq!(
        error_of("\n[readiness.kpi.net_bps]\nlimit = \"2.9\"\n"),
        "`p.toml`:4:9: `readiness.kpi.net_bps.limit`: expected a number, found a string"
    );
    assert_eq!(
        error_of("windows.last_n = 8.0"),
        "`p.toml`:2:18: `windows.last_n`: expected a whole number, found a float"
    );
    assert_eq!(
        error_of("[goals]\ngates = \"yes\""),
        "`p.toml`:3:9: `goals.gates`: expected `true` or `false`, found a string"
    );
    assert_eq!(
        error_of("[trend]\nrelative_change = 2025-10-11"),
        "`p.toml`:3:19: `trend.relative_change`: expected a number, found a date or time"
    );
    assert_eq!(
        error_of("windows.last_n = 99999999999999999999"),
        "`p.toml`:2:18: `windows.last_n`: expected a whole number, found an integer beyond 64 bits"
    );
}

#[test]
fn rules_of_integrity_that_could_never_hold_are_reported() {
    for (text, words) in [
        ("time_steps = \"fail\"", "`integrity.time_steps`: unknown outcome `fail`"),
        ("elapsed_share = 0", "`integrity.elapsed_share`: expected"),
        ("elapsed_share = 1.01", "`integrity.elapsed_share`: expected"),
        ("gap_intervals = 1", "`integrity.gap_intervals`: expected a number above 1, found 1"),
        ("ahead_minutes = -1", "`integrity.ahead_minutes`: expected"),
    ] {
        let error = error_of(&format!("[integrity]\n{text}"));
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_table_in_the_place_of_a_value_and_the_reverse_are_reported() {
    assert_eq!(
        error_of("[windows.last_n]\nlength = 8"),
        "`p.toml`:2:10: `windows.last_n`: expected a whole number, found a table"
    );
    assert_eq!(error_of("readiness = 3"), "`p.toml`:2:1: `readiness`: expected a table, found an integer");
    assert_eq!(
        error_of("[readiness]\nkpi = \"net_bps\""),
        "`p.toml`:3:1: `readiness.kpi`: expected a table, found a string"
    );
}

#[test]
fn unknown_keys_are_reported_once_with_what_was_probably_meant() {
    assert_eq!(
        error_of("[readiness]\nstatistics = \"mean\""),
        "`p.toml`:3:1: `readiness.statistics`: unknown key, did you mean `readiness.statistic`?"
    );
    assert_eq!(
        error_of("[readyness.kpi.net_bps]\ncomparison = \">=\"\nlimit = 3"),
        "`p.toml`:2:2: `readyness`: unknown key, did you mean `readiness`?"
    );
    assert_eq!(error_of("zebra_crossing = 1"), "`p.toml`:2:1: `zebra_crossing`: unknown key");
    assert_eq!(error_of("[zebra_crossing]"), "`p.toml`:2:2: `zebra_crossing`: unknown key");
    // Iterations are judged one by one, in the window of the run verdict.
    assert_eq!(
        error_of("[iteration_pass]\nstatistic = \"mean\""),
        "`p.toml`:3:1: `iteration_pass.statistic`: unknown key"
    );
}

#[test]
fn unknown_words_are_reported_with_the_known_ones() {
    assert_eq!(
        error_of("readiness.statistic = \"medain\""),
        "`p.toml`:2:23: `readiness.statistic`: unknown statistic `medain` (did you mean `median`?); \
         expected `each`, `mean`, `median`, `min`, `max`, `p5`, `p95`"
    );
    assert_eq!(
        error_of("goals.window = \"last8\""),
        "`p.toml`:2:16: `goals.window`: unknown window `last8`; expected `last_n`, `steady`, `overall`, or `last 5`"
    );
    assert_eq!(
        error_of("readiness.kpi.net_bps.comparison = \"=>\""),
        "`p.toml`:2:36: `readiness.kpi.net_bps.comparison`: unknown comparison `=>` (did you mean `>=`?); \
         expected `<=`, `>=`, `<`, `>`"
    );
    assert!(
        error_of("readiness.severity = \"Hard\"").contains("unknown severity `Hard` (did you mean `hard`?)")
    );
    assert!(error_of("run_verdict.freeze = \"required\"").contains("did you mean `require`?"));
    assert!(error_of("edge_report.net_bps.miss_when = \"<=\"").contains("expected `>`, `<`"));
}

#[test]
fn unknown_kpis_parameters_and_guards_are_reported() {
    assert_eq!(
        error_of("[readiness.kpi.net_bp]\ncomparison = \">=\"\nlimit = 3"),
        "`p.toml`:2:16: `readiness.kpi.net_bp`: unknown KPI `net_bp` (did you mean `net_bps`?); \
         declare it as `[kpi.<name>]` if it is new"
    );
    assert!(error_of("[goals.kpi.maker_ratio]").contains("(here it goes by `maker_taker_ratio`)"));
    assert!(
        error_of("[recommendations.high_risk]\nkpi = \"risk\"").contains("(here it goes by `risk_ratio`)")
    );
    assert!(error_of("[recommendations.velocity]\nguard = \"velocty\"").contains("did you mean `velocity`?"));
    assert_eq!(
        error_of("[recommendations.velocity.change]\nmin_interval = { add = 1 }"),
        "`p.toml`:3:1: `recommendations.velocity.change.min_interval`: unknown parameter `min_interval` \
         (did you mean `min_interval_ms`?)"
    );
    assert!(
        error_of("[recommendations.velocity.change]\n\"taker_rescue.cooldown_ms\" = { add = 1 }")
            .contains("(here it goes by `rescue_cooldown_ms`)")
    );
}

#[test]
fn bad_syntax_is_reported_with_its_place_and_hides_no_other_layer() {
    let broken =
        Layer { origin: Origin::File("a.toml".into()), text: "schema_version = 1\n[windows\n".into() };
    let wrong = Layer {
        origin: Origin::File("b.toml".into()),
        text: "schema_version = 1\nwindows.last_n = 0\n".into(),
    };
    let errors = read(&[broken, wrong], &[]).expect_err("both are wrong").to_string();
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(lines.len(), 2, "{errors}");
    assert!(lines[0].starts_with("`a.toml`:2:9: not valid TOML: "), "{errors}");
    assert!(lines[1].starts_with("`b.toml`:2:18: `windows.last_n`: expected 1 or more"), "{errors}");
}

#[test]
fn a_duplicate_key_is_reported_at_its_second_place_together_with_other_errors() {
    let errors = errors_of("windows.last_n = 8\nwindows.last_n = 9\nwindows.steady_start = 0\n");
    assert_eq!(errors.len(), 2, "{errors:#?}");
    assert!(
        errors.iter().any(|e| e.starts_with("`p.toml`:3:9: not valid TOML: duplicate key")),
        "{errors:#?}"
    );
    assert!(errors.iter().any(|e| e.starts_with("`p.toml`:4:24: `windows.steady_start`")), "{errors:#?}");
}

#[test]
fn every_layer_says_which_version_it_is_written_in() {
    let message = |text| read_text(text).err().map(|errors| errors.to_string());
    let missing = "`p.toml`:1:1: `schema_version`: is missing, expected `schema_version = 1`";
    assert_eq!(message("windows.last_n = 9\n"), Some(missing.to_owned()));
    assert_eq!(message(""), Some(missing.to_owned()));
    // Keys of another version are not looked at.
    assert_eq!(
        message("schema_version = 2\nnew_key = 9\n"),
        Some("`p.toml`:1:18: `schema_version`: unknown version 2, this program reads version 1".to_owned())
    );
    assert!(message("schema_version = \"1\"\n").is_some_and(|m| m.contains("expected a whole number")));
    assert_eq!(message("\u{feff}schema_version = 1\r\nwindows.last_n = 9\r\n"), None);
}

#[test]
fn a_run_gate_can_look_only_at_a_metric_of_a_run() {
    let error = error_of("[run_gates.hit_ratio]\nmetric = \"mm_hit_ration\"\n");
    assert_eq!(
        error,
        "`p.toml`:3:10: `run_gates.hit_ratio.metric`: `mm_hit_ration` is no metric of a run (did you mean \
         `mm_hit_ratio`?); expected one of duration_hours, mm_deadline_miss_rate, mm_edge_bps_ema1h, \
         mm_edge_bps_ema24h, mm_hit_ratio, mm_maker_share_ratio, tick_latency_ms.p50, tick_latency_ms.p95, \
         ws_lag_max_ms"
    );
}

#[test]
fn one_limit_on_iterations_must_be_hard() {
    for set in ["iteration_pass", "iteration_pass_mock"] {
        let error = error_of(&format!("[{set}]\nseverity = \"soft\"\n"));
        assert_eq!(
            error,
            format!(
                "`p.toml`:2:2: `{set}`: has no hard limit in force, so nothing could fail; one must have \
                 `severity = \"hard\"`"
            )
        );
        let one = format!("[{set}]\nseverity = \"soft\"\n[{set}.kpi.net_bps]\nseverity = \"hard\"\n");
        assert_eq!(errors_of(&one), [""; 0]);
    }
}

#[test]
fn new_entries_must_be_complete() {
    let errors =
        errors_of("[goals.kpi.cancel_ratio]\nlimit = 0.5\n[run_gates.x]\nmetric = \"mm_hit_ratio\"\n");
    assert_eq!(
        errors,
        [
            "`p.toml`:2:12: `goals.kpi.cancel_ratio.comparison`: is missing, expected `<=`, `>=`, `<`, `>`",
            "`p.toml`:4:12: `run_gates.x.comparison`: is missing, expected `<=`, `>=`, `<`, `>`",
            "`p.toml`:4:12: `run_gates.x.limit`: is missing, expected a number",
            "`p.toml`:4:12: `run_gates.x.severity`: is missing, expected `hard`, `soft`",
        ]
    );
    let rule = "[recommendations.x]\ncomparison = \">\"\nlimit = 1\n[recommendations.x.change]\n";
    let errors = errors_of(&format!("{rule}tail_age_ms = {{}}\n"));
    assert_eq!(errors.len(), 2, "{errors:#?}");
    assert!(errors[0].ends_with("`recommendations.x`: is missing its subject, expected `kpi` or `guard`"));
    assert!(errors[1].ends_with("is missing its step, expected `add` or `multiply`"));
    assert!(
        error_of("recommendations.velocity.change.tail_age_ms = { add = 1, multiply = 2 }")
            .contains("has both `add` and `multiply`")
    );
    assert!(
        error_of("[recommendations.velocity]\nkpi = \"net_bps\"\nguard = \"no_op\"\n")
            .contains("has both `kpi` and `guard`")
    );
    assert!(error_of("[recommendations.velocity]\nkpi = \"net_bps\"\n").contains("statistic`: is missing"));
    assert!(error_of("recommendations.low_edge.statistic = \"each\"").contains("advice needs one number"));
}

#[test]
fn kpis_that_clash_or_cannot_have_values_are_refused() {
    let declare =
        |name: &str, more: &str| format!("[kpi.{name}]\nunit = \"x\"\ndirection = \"none\"\n{more}\n");
    assert_eq!(
        error_of(&declare("net_bps", "")),
        "`p.toml`:2:6: `kpi.net_bps`: `net_bps` is already a name of KPI `net_bps`"
    );
    assert!(
        error_of(&declare("x", "aliases = [\"p95\"]")).contains("already a name of KPI `p95_latency_ms`")
    );
    assert!(error_of(&declare("x", "aliases = [\"y\", \"y\"]")).contains("`y` is listed twice"));
    assert!(
        error_of(&declare("x", "aliases = \"y\"")).contains("expected a list of strings, found a string")
    );
    assert!(error_of(&declare("x", "aliases = [1]")).contains("expected a string, found an integer"));
    assert!(error_of(&declare("x", "lowest = 1\nhighest = 1")).contains("no value lies between them"));
    assert!(error_of(&declare("x", "floor = -1")).contains("expected 0 or more"));
    assert!(error_of(&declare("\"x-y\"", "")).contains("expected a name of letters, digits and `_`"));
    // A limit on a KPI whose declaration is wrong is no second error.
    let limit = "[goals.kpi.x]\ncomparison = \"<\"\nlimit = 5";
    assert!(error_of(&declare("x", &format!("floor = -1\n{limit}"))).contains("`kpi.x.floor`"));
    assert!(error_of("[kpi.x]\ndirection = \"lower\"").contains("`kpi.x.unit`: is missing"));
    assert!(error_of("[kpi.x]\nunit = \"ms\"\ndirection = \"down\"").contains("unknown direction `down`"));
}

#[test]
fn errors_in_flags_name_the_flag() {
    let patch = |key: &str, value: &str| Patch {
        key: key.to_owned(),
        value: value.to_owned(),
        origin: Origin::Flag("--last-n".to_owned()),
    };
    let message = |key, value| read(&[], &[patch(key, value)]).err().map(|errors| errors.to_string());
    assert_eq!(
        message("windows.last_n", "0").as_deref(),
        Some("flag --last-n: `windows.last_n`: expected 1 or more, found 0: nothing would ever be judged")
    );
    assert_eq!(
        message("windows.last_n", "many").as_deref(),
        Some("flag --last-n: `windows.last_n`: expected a whole number, found a string")
    );
    assert_eq!(
        message("window.last_n", "9").as_deref(),
        Some("flag --last-n: `window`: unknown key, did you mean `windows`?")
    );
}

#[test]
fn all_errors_are_reported_at_once_in_the_order_of_their_places() {
    let errors = errors_of(concat!(
        "[windows]\nlast_n = 0\n",
        "[readiness]\nwindow = \"all\"\nstatistik = \"mean\"\n",
        "[goals.kpi.net_bps]\nlimit = \"x\"\n",
        "[anomalies]\nrisk_jump = 2.0\n",
    ));
    let places: Vec<&str> = errors.iter().filter_map(|error| error.split(": ").next()).collect();
    assert_eq!(places, ["`p.toml`:3:10", "`p.toml`:5:10", "`p.toml`:6:1", "`p.toml`:8:9", "`p.toml`:10:13"]);
}

#[test]
fn keys_that_nest_without_end_are_refused() {
    let mut texts = [100, 100_000].map(|depth| format!("{}a = 1", "a.".repeat(depth))).to_vec();
    texts.push(format!("[{}a]\na = 1", "a.".repeat(100_000)));
    texts.push(format!("a = {}{}", "[".repeat(5000), "]".repeat(5000)));
    texts.push(format!("a = {}1{}", "{ a = ".repeat(5000), "}".repeat(5000)));
    for text in texts {
        let errors = errors_of(&text);
        assert!(!errors.is_empty(), "{}", &text[..40]);
    }
    // A key of a patch is no TOML; only so many parts of it are looked at.
    let key = "a.".repeat(100_000);
    assert!(read(&[], &[Patch { key, value: "1".to_owned(), origin: Origin::Env("X".to_owned()) }]).is_err());
}

/// Lines that look like a policy: known and unknown keys, good and bad values.
fn lines() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("windows.last_n"),
        Just("readiness.kpi.net_bps.limit"),
        Just("run_verdict.min_iterations"),
        Just("recommendations.x.change.tail_age_ms.add"),
        Just("recommendations.x.kpi"),
        Just("kpi.x.unit"),
        Just("kpi.x"),
        Just("violations"),
        Just("\"\".x"),
    ];
    let value = prop_oneof![
        Just("1".to_owned()),
        Just("nan".to_owned()),
        Just("\"last 3\"".to_owned()),
        Just("{ add = 1 }".to_owned()),
        Just("[1, \"a\"]".to_owned()),
        any::<f64>().prop_map(|value| format!("{value:?}")),
        "[a-z\"'\\[\\]{}=.# ]{0,12}",
    ];
    prop::collection::vec((key, value).prop_map(|(key, value)| format!("{key} = {value}\n")), 0..8)
        .prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _ = read_text(&text);
        let _ = read_text(&format!("schema_version = 1\n{text}"));
    }

    #[test]
    fn nothing_that_looks_like_a_policy_makes_the_reader_panic(text in lines()) {
        let _ = read_text(&format!("schema_version = 1\n{text}"));
    }

    #[test]
    fn a_damaged_policy_is_read_or_refused_with_at_least_one_error(
        at in 0..BUILT_IN.len(), length in 0..40_usize, put in "[a-z0-9\\[\\]\"=.\n]{0,4}",
    ) {
        prop_assume!(BUILT_IN.is_ascii());
        let end = (at + length).min(BUILT_IN.len());
        let damaged = format!("{}{put}{}", &BUILT_IN[..at], &BUILT_IN[end..]);
        if let Err(errors) = read_text(&damaged) {
            prop_assert!(errors.iter().count() > 0);
            prop_assert!(errors.iter().all(|error| error.position.is_some()));
        }
    }

    #[test]
    fn no_patch_makes_the_reader_panic(key in any::<String>(), value in any::<String>()) {
        let _ = read(&[], &[Patch { key, value, origin: Origin::Env("X".to_owned()) }]);
    }
}
