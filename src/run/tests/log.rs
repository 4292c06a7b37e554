//! Log lines, written out by hand.

use crate::core::iteration::guards::Guard;
use crate::core::iteration::params::ParamName;
use crate::core::kpi::KpiId;
use crate::core::verdict::Outcome;
use crate::run::iteration::tuning::{Applied, Delta, SkipCode};
use crate::run::iteration::{IterationRecord, KpiVerdict};
use crate::run::log::*;
use crate::run::records::{failed as no_data, record, with};

fn patience() -> Patience {
    crate::run::fixture::policy().patience
}

fn texts(record: &IterationRecord) -> Vec<String> {
    lines(record, 24, &patience()).iter().map(LogEvent::text).collect()
}

#[test]
fn an_event_reads_as_words_at_a_terminal() {
    let event = LogEvent::new("overrides", "NOT_ADOPTED").with("gate", "FAIL now").with("in_a_row", 3_u64);
    assert_eq!(event.words(), "not adopted: gate FAIL now, in a row 3");
    let harmless = LogEvent::new("soak", "START").with("out", "a\u{1b}[2Jb\nc").words();
    assert!(!harmless.chars().any(char::is_control), "{harmless}");
}

#[test]
fn a_quiet_iteration_is_two_lines() {
    let record = with(record(3), KpiId::MIN_INTERVAL_RATIO, Some(0.25));
    assert_eq!(
        texts(&record),
        [
            "| soak | ITERATION | iteration=3 of=24 utc=2025-10-12T00:15:00Z net=3 risk=0.3 maker=- p95=- verdict=PASS |",
            "| iter_watch | SUMMARY | iteration=3 net=3 drivers=\"\" adv_p95=- sl_p95=- risk=0.3 min_interval=0.25 concurrency=- |",
        ]
    );
}

#[test]
fn tuning_guards_verdict_panic_and_overrides_have_a_line_each() {
    let mut record = record(3);
    record.summary.kpi_verdict = Some(KpiVerdict::Fail);
    record.summary.kpi_reasons = vec!["net_bps 1.2 < 2".to_owned(), "risk".to_owned()];
    record.state.fail_streak = 2;
    record.state.cooldown_until = Some(5);
    let param = ParamName::flat("min_interval_ms");
    let tuning = &mut record.tuning;
    tuning.deltas = vec![Delta { param: param.clone(), delta: 5.0, reason: "MODERATE: risk".to_owned() }];
    tuning.applied_values = vec![Applied { param, old: 60.0, delta: 5.0, new: 65.0, at_bound: false }];
    tuning.dropped.insert(ParamName::flat("tail_age_ms"), SkipCode::Velocity);
    tuning.guards = vec![Guard::Velocity, Guard::Cooldown];
    tuning.panic_revert = true;
    tuning.old_hash = "aa".to_owned();
    tuning.state_hash = "bb".to_owned();
    assert_eq!(
        texts(&record)[2..],
        [
            "| kpi_gate | FAIL | iteration=3 REASONS=\"net_bps 1.2 < 2,risk\" |",
            "| kpi_gate | FAIL_STREAK | iteration=3 count=2 |",
            "| iter_watch | SUGGEST | iteration=3 param=min_interval_ms delta=5 reason=\"MODERATE: risk\" |",
            "| iter_watch | APPLY | iteration=3 param=min_interval_ms old=60 new=65 delta=5 at_bound=false |",
            "| iter_watch | DROP | iteration=3 param=tail_age_ms reason=velocity |",
            "| guards | VELOCITY | iteration=3 |",
            "| guards | COOLDOWN | iteration=3 until_iter=5 |",
            "| panic | REVERT | iteration=3 to=steady_safe reason=3_consecutive_failures |",
            "| overrides | HASH | iteration=3 old=aa new=bb |",
        ]
    );
}

#[test]
fn a_failed_collection_is_said_and_has_no_numbers() {
    let mut record = no_data(4, "no report | after 300 s");
    record.state.failed_collections = 2;
    record.tuning.skip = Some(SkipCode::NoData);
    assert_eq!(
        texts(&record),
        [
            "| soak | ITERATION | iteration=4 of=24 utc=2025-10-12T00:20:00Z net=- risk=- maker=- p95=- verdict=NO_DATA |",
            "| sanity | COLLECTION_FAILED | iteration=4 in_a_row=2 reason=\"no report | after 300 s\" |",
            "| iter_watch | APPLY_SKIP | iteration=4 reason=no_data |",
        ]
    );
}

#[test]
fn json_has_the_same_on_one_line_with_types() {
    let event = LogEvent::new("soak", "X").with("n", 3).with("b", 0.1 + 0.2).with("gone", None::<f64>);
    assert_eq!(
        event.with("ok", true).with("text", "a\nb|é").json(),
        r#"{"area":"soak","b":0.30000000000000004,"event":"X","gone":null,"n":3,"ok":true,"text":"a b|\u00e9"}"#
    );
}

#[test]
fn nothing_from_outside_breaks_a_line() {
    let event =
        LogEvent::new("sanity", "NOTE").with("note", "a\u{1b}[31m\r\n| soak | COMPLETE | \"x\\\u{202e}");
    assert_eq!(
        event.text(),
        "| sanity | NOTE | note=\"a\u{fffd}[31m  | soak | COMPLETE | \\\"x\\\\\u{fffd}\" |"
    );
    for line in [event.text(), event.json()] {
        assert!(!line.chars().any(char::is_control), "{line}");
    }
    assert_eq!(LogEvent::new("a", "B").with("k", "x=y").text(), "| a | B | k=\"x=y\" |");
    assert_eq!(LogEvent::new("a", "B").with("k", "x|y").text(), "| a | B | k=\"x|y\" |");
}

#[test]
fn the_run_has_its_own_events() {
    let told = [
        start(24, "sim", Some(7), "artifacts/soak"),
        resume(12, 24, "my out"),
        interrupted(12, 24, "SIGINT"),
        complete(24, 1, Some(Outcome::Warn)),
        failed(5, 24, "three collections failed in a row"),
    ];
    assert_eq!(
        told.map(|event| event.text()),
        [
            "| soak | START | iterations=24 source=sim seed=7 out=artifacts/soak |",
            "| soak | RESUME | after=12 iterations=24 out=\"my out\" |",
            "| soak | INTERRUPTED | done=12 iterations=24 reason=SIGINT |",
            "| soak | COMPLETE | iterations=24 failed_collections=1 run_gates=WARN |",
            "| soak | FAILED | done=5 iterations=24 reason=\"three collections failed in a row\" |",
        ]
    );
}
