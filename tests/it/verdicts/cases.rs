//! The folders of all kinds.

use serde_json::Value;

use crate::it::support::{Run, Step, name};

/// A folder and the flags that every command gets that knows them.
pub struct Case {
    pub name: &'static str,
    pub run: Run,
    /// `[what]` of a policy beside the run; empty = the built-in one.
    pub policy: &'static str,
    /// Flags of the window, and `--mock`.
    pub flags: &'static [&'static str],
}

fn case(name: &'static str, run: Run) -> Case {
    Case { name, run, policy: "", flags: &[] }
}

fn good(n: u64) -> Run {
    Run::passing(n)
}

/// Every iteration of these numbers changed.
fn each(run: Run, numbers: impl IntoIterator<Item = u64>, change: impl Fn(u64, &mut Value)) -> Run {
    numbers.into_iter().fold(run, |run, number| run.edit(number, |json| change(number, json)))
}

/// Values that are never the same twice, around those of a good iteration.
fn measured(n: u64) -> Run {
    each(good(n), 1..=n, |number, json| {
        // Steps through 0 to 96 in an order without a trend.
        let noise = f64::from(u32::try_from(number * 37 % 97).expect("small")) / 1e3;
        let summary = &mut json["summary"];
        summary["net_bps"] = (3.2 + noise).into();
        summary["risk_ratio"] = (0.33 + noise / 10.0).into();
        summary["maker_taker_ratio"] = (0.88 + noise / 10.0).into();
        summary["p95_latency_ms"] = (300.0 + 100.0 * noise).into();
    })
}

fn time(number: u64, step: i64) -> String {
    let start = chrono::DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").expect("a time");
    let at = start + chrono::TimeDelta::minutes(i64::try_from(number).expect("small") * 5 + step);
    at.to_utc().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// A run whose iterations belong to the symbols AAA and BBB; `change` makes of each iteration of BBB what it is, or
/// leaves it out.
fn symbols(n: u64, change: impl Fn(u64, Step) -> Option<Step>) -> Run {
    (1..=n).fold(Run::default(), |run, number| {
        let good = Step { freeze: number + 2 == n, ..Step::good(number) };
        let run = run.with_json(&format!("ITER_SUMMARY_AAA_{number}.json"), &good.json());
        match change(number, good) {
            Some(step) => run.with_json(&format!("ITER_SUMMARY_BBB_{number}.json"), &step.json()),
            None => run,
        }
    })
}

/// The folders.
#[expect(clippy::too_many_lines, reason = "a list")]
pub fn cases() -> Vec<Case> {
    let failed = |json: &mut Value| json["collection_failed"] = "no answer".into();
    vec![
        case("passes", measured(24)),
        case("passes, releasable", Run::releasable()),
        case("no freeze", (1..=8).map(Step::good).collect()),
        Case {
            policy: "[run_verdict]\nfreeze = \"ignore\"\n",
            ..case("no freeze, ignored", (1..=8).map(Step::good).collect())
        },
        case("five of eight", good(8).failing(&[2, 3, 4])),
        case("four of eight", good(8).failing(&[2, 3, 4, 5])),
        case("every one bad", (1..=12).map(Step::bad).collect()),
        case("seven", good(7)),
        Case { flags: &["--last-n", "1"], ..case("a window of one", good(24)) },
        Case { flags: &["--last-n", "4", "--min-iterations", "4"], ..case("a smoke test", good(24)) },
        case("cut off", good(12).with(&name(9), r#"{"iteration": 9, "summ"#)),
        case("cut off early", good(12).with(&name(2), "{")),
        case("twice", good(12).with_json("ITER_SUMMARY_011.json", &Step::good(11).json())),
        case("gap", (17..=20).fold(good(24), |run, number| run.without(&name(number)))),
        case("gap early", good(24).without(&name(3))),
        case("declared and missing", good(8).declared(9, "complete", 9)),
        case(
            "a KPI nowhere",
            each(good(8), 1..=8, |_, json| {
                drop(json["summary"].as_object_mut().expect("an object").remove("net_bps"));
            }),
        ),
        case("a KPI missing once", each(good(8), [5], |_, json| json["summary"]["net_bps"] = Value::Null)),
        case("collections failed", each(good(12), 8..=12, |_, json| failed(json))),
        case("copies", each(good(24), 17..=24, |_, json| json["summary"]["ticks"] = 1.into())),
        case(
            "values repeat",
            each(measured(24), 17..=24, |_, json| {
                let summary = &mut json["summary"];
                summary["net_bps"] = 3.212_345_678_9.into();
                summary["risk_ratio"] = 0.331_234_567_89.into();
                summary["maker_taker_ratio"] = 0.881_234_567_89.into();
                summary["p95_latency_ms"] = 301.123_456_789.into();
            }),
        ),
        case(
            "a share above one",
            each(measured(24), 1..=24, |number, json| {
                json["summary"].as_object_mut().expect("an object").remove("maker_taker_ratio");
                json["summary"]["maker_share_pct"] =
                    (101.5 + f64::from(u32::try_from(number % 7).expect("small")) / 1e3).into();
            }),
        ),
        case(
            "too good",
            each(measured(24), 1..=24, |_, json| json["summary"]["p95_latency_ms"] = 0.0.into()),
        ),
        case(
            "time steps back",
            each(measured(24), 20..=24, |number, json| {
                json["summary"]["runtime_utc"] = time(number, -120).into();
            }),
        ),
        case(
            "time jumps",
            each(measured(24), 20..=24, |number, json| {
                json["summary"]["runtime_utc"] = time(number, 480).into();
            }),
        ),
        case(
            "no time",
            each(measured(24), [20], |_, json| {
                json["summary"]["runtime_utc"] = "2026-13-45T99:00:00Z".into();
            }),
        ),
        case(
            "the edge falls",
            each(measured(96), 1..=96, |number, json| {
                let fallen = f64::from(u32::try_from(number).expect("small")) / 250.0;
                json["summary"]["net_bps"] =
                    (json["summary"]["net_bps"].as_f64().expect("a number") - fallen).into();
            }),
        ),
        case(
            "the latency jumps",
            each(measured(96), 49..=96, |_, json| {
                json["summary"]["p95_latency_ms"] =
                    (json["summary"]["p95_latency_ms"].as_f64().expect("a number") + 35.0).into();
            }),
        ),
        case(
            "deltas lost",
            each(good(16).tuned(3, 5.0), 4..=16, |_, json| {
                json["runtime_overrides"]["min_interval_ms"] = 60.0.into();
            }),
        ),
        case(
            "deltas unverifiable",
            each(good(16).tuned(3, 5.0), 1..=16, |_, json| {
                drop(json.as_object_mut().expect("an object").remove("runtime_overrides"));
            }),
        ),
        case("running", good(12).declared(24, "running", 12)),
        Case { flags: &["--so-far"], ..case("running, so far", good(12).declared(24, "running", 12)) },
        case("interrupted", good(12).declared(24, "interrupted", 12)),
        case("failed", good(12).declared(24, "failed", 12)),
        case("manifest damaged", good(12).with("RUN_MANIFEST.json", "{")),
        case("simulated", each(measured(24), 1..=24, |_, json| json["source"] = "sim".into())),
        Case {
            flags: &["--mock"],
            ..case("relaxed limits", (1..=8).map(|n| Step { net: 1.0, ..Step::good(n) }).collect())
        },
        case("symbols", symbols(24, |_, step| Some(step))),
        case("a symbol fails", symbols(24, |number, _| Some(Step::bad(number)))),
        case("a symbol never froze", symbols(24, |_, step| Some(Step { freeze: false, ..step }))),
        case("a symbol ends", symbols(24, |number, step| (number <= 14).then_some(step))),
        Case {
            policy: "[readiness]\ngates = true\n",
            ..case(
                "readiness gates",
                (1..=8).map(|n| Step { net: 2.8, freeze: n == 6, ..Step::good(n) }).collect(),
            )
        },
        case("not ready", (1..=8).map(|n| Step { net: 2.8, freeze: n == 6, ..Step::good(n) }).collect()),
    ]
}
