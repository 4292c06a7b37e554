//! `REPORT_SOAK_<date>.json`: the report of a day, as `release readiness record` writes it and the score reads
//! it. Older ones have fewer keys; what they do not say is not known.

use serde::Serialize;

use super::{at, number, object, text};
use crate::core::number::round_half_even;
use crate::core::policy::release::ReleasePolicy;
use crate::core::release::day::{DayMeasured, NONE, Stated};
use crate::core::release::score::{Day, date_in, says_ok};
use crate::core::verdict::Outcome;
use crate::wire::node::Node;

/// Violations of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Alerts {
    /// Beyond CRIT.
    pub critical: usize,
    /// Beyond WARN.
    pub warning: usize,
}

/// What drifts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct DriftTold {
    /// `NONE`, or what.
    pub reason: String,
    /// `measured` on the resources of the run, or `stated` by a person.
    #[schemars(extend("enum" = ["measured", "stated"]))]
    pub source: String,
}

/// The means of the days before; null = not known on any.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct BaselineTold {
    /// How many days.
    pub days: usize,
    /// Net edge, bps.
    pub edge_net_bps: Option<f64>,
    /// Order age, ms.
    pub order_age_p95_ms: Option<f64>,
    /// Taker share, percent.
    pub taker_share_pct: Option<f64>,
}

/// The regression guard.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct RegressionTold {
    /// What the day was held against; null without earlier days.
    pub baseline: Option<BaselineTold>,
    /// `NONE`, or the first value that is worse by more than the policy allows.
    #[schemars(extend("enum" = ["NONE", "EDGE_REG", "LAT_REG", "TAKER_REG"]))]
    pub reason: String,
}

/// When, and by which version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct RuntimeTold {
    /// RFC 3339.
    pub utc: String,
    /// Version of the program.
    pub version: String,
}

/// Where the numbers come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct RunTold {
    /// Steady iterations that the means rest on.
    pub iterations: usize,
    /// SHA-256 of the policy values in force.
    pub policy_sha256: String,
    /// Where the data came from; null when nothing says so.
    pub source: Option<String>,
    /// The verdict of `gate`.
    pub verdict: String,
}

/// The report. Fields in the order of their names.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct DayReport {
    /// Violations of the run.
    pub alerts: Alerts,
    /// Outcome of the bug bash, in words.
    pub bug_bash: String,
    /// Breaches of intraday caps; null = nobody said.
    pub caps_breach_count: Option<u64>,
    /// Outcome of the chaos tests, in words.
    pub chaos_result: String,
    /// What drifts.
    pub drift: DriftTold,
    /// Net edge, bps.
    pub edge_net_bps: f64,
    /// Filled ÷ placed orders; null = nobody said.
    pub fill_rate: Option<f64>,
    /// 95th percentile of the order age, ms.
    pub order_age_p95_ms: f64,
    /// 95th percentile of |position skew|; null = nobody said.
    pub pos_skew_abs_p95: Option<f64>,
    /// The regression guard.
    pub reg_guard: RegressionTold,
    /// The data is no basis for a release: simulated, or of a source that nothing names.
    pub rehearsal: bool,
    /// Where the numbers come from.
    pub run: RunTold,
    /// When, and by which version.
    pub runtime: RuntimeTold,
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// Taker share, percent.
    pub taker_share_pct: f64,
    /// By the limits of the score.
    #[schemars(extend("enum" = ["OK", "WARN", "FAIL"]))]
    pub verdict: String,
}

/// Decimals of measured values: enough for a limit, few enough to hide the last bits of a mean.
const DECIMALS: usize = 6;

impl DayReport {
    /// The report of a measured day.
    pub fn of(day: &DayMeasured, stated: &Stated, run: RunTold, runtime: RuntimeTold) -> Self {
        let rounded = |value: f64| round_half_even(value, DECIMALS);
        let before = &day.before;
        let baseline = (before.days > 0).then(|| BaselineTold {
            days: before.days,
            edge_net_bps: before.edge.map(rounded),
            order_age_p95_ms: before.latency.map(rounded),
            taker_share_pct: before.taker.map(rounded),
        });
        Self {
            alerts: Alerts { critical: day.critical, warning: day.warning },
            bug_bash: stated.bug_bash.trim().to_owned(),
            caps_breach_count: stated.caps_breach_count,
            chaos_result: stated.chaos.trim().to_owned(),
            drift: DriftTold {
                reason: day.drift.clone(),
                source: if day.drift_measured { "measured" } else { "stated" }.to_owned(),
            },
            edge_net_bps: rounded(day.measures.edge),
            fill_rate: stated.fill_rate,
            order_age_p95_ms: rounded(day.measures.latency),
            pos_skew_abs_p95: stated.pos_skew_abs_p95,
            reg_guard: RegressionTold { baseline, reason: day.regression.to_owned() },
            rehearsal: day.rehearsal,
            run,
            runtime,
            schema_version: "1.0".to_owned(),
            taker_share_pct: rounded(day.measures.taker),
            verdict: day.verdict.to_owned(),
        }
    }
}

/// The name of the report of a day, `2026-01-31`.
pub fn file_name(date: &str) -> String {
    format!("REPORT_SOAK_{}.json", date.replace('-', ""))
}

/// Whether a file name is that of a report.
pub fn is_report(name: &str) -> bool {
    name.strip_prefix("REPORT_SOAK_").is_some_and(|rest| rest.strip_suffix(".json").is_some())
}

/// What a report says. One that cannot be used is a day without points, and says why.
pub fn read(file: &str, bytes: &[u8], rules: &ReleasePolicy) -> Day {
    let date = date_in(file);
    if date.is_none() {
        let problem = "its name holds no date, as REPORT_SOAK_20260131.json does".to_owned();
        return Day::unusable(file, None, problem);
    }
    match object(bytes) {
        Ok(node) => Reading { node: &node, problems: Vec::new() }.day(file, date, rules),
        Err(problem) => Day::unusable(file, date, problem),
    }
}

struct Reading<'n> {
    node: &'n Node,
    problems: Vec<String>,
}

impl Reading<'_> {
    fn day(mut self, file: &str, date: Option<String>, rules: &ReleasePolicy) -> Day {
        let edge = self.number("edge_net_bps", |_| true);
        let latency = self.number("order_age_p95_ms", |value| value >= 0.0);
        let taker = self.number("taker_share_pct", |value| (0.0..=100.0).contains(&value));
        let regression = self.text("reg_guard.reason");
        let drift = self.text("drift.reason");
        let chaos = self.text("chaos_result");
        let tests = self.text("bug_bash");
        let is_none = |text: &String| text.is_empty() || text == NONE;
        let source = text(self.node, "run.source").ok().map(str::to_owned);
        let unreleasable = self.unreleasable(rules);
        Day {
            file: file.to_owned(),
            date,
            edge,
            latency,
            taker,
            guards_clear: regression.zip(drift).map(|(one, other)| one == NONE && is_none(&other)),
            chaos_ok: chaos.map(|text| says_ok(&text)),
            tests_ok: tests.map(|text| says_ok(&text)),
            source,
            unreleasable,
            utc: text(self.node, "runtime.utc").ok().map(str::to_owned),
            problems: self.problems,
        }
    }

    /// Why the data is no basis for a release. What a report does not say is never taken for the better: reports of
    /// the earlier scripts say nothing about it.
    fn unreleasable(&mut self, rules: &ReleasePolicy) -> Option<String> {
        match at(self.node, "rehearsal") {
            Ok(Some(Node::Boolean(false))) => {}
            Ok(Some(Node::Boolean(true))) => return Some("it is a rehearsal".to_owned()),
            Ok(None | Some(Node::Null)) => return Some("it has no `rehearsal`".to_owned()),
            Ok(Some(other)) => return Some(format!("`rehearsal` is {}, not false", other.kind())),
            Err(problem) => return Some(problem),
        }
        match text(self.node, "run.source") {
            Ok(source) if rules.is_simulated(source) => {
                return Some(format!("its data is simulated (source `{source}`)"));
            }
            Ok(source) if source.trim().is_empty() => return Some("its `run.source` is empty".to_owned()),
            Ok(_) => {}
            Err(_) => return Some("it has no `run.source`".to_owned()),
        }
        match text(self.node, "run.verdict") {
            Ok(word) if [Outcome::Pass.word(), Outcome::Warn.word()].contains(&word) => None,
            Ok(word) => Some(format!("its run is `{word}`")),
            Err(_) => Some("it has no `run.verdict`".to_owned()),
        }
    }

    fn number(&mut self, key: &str, is_possible: impl Fn(f64) -> bool) -> Option<f64> {
        match number(self.node, key) {
            Ok(value) if is_possible(value) => Some(value),
            Ok(value) => {
                self.problems.push(format!("`{key}` is {value}, which cannot be"));
                None
            }
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    fn text(&mut self, key: &str) -> Option<String> {
        match text(self.node, key) {
            Ok(value) => Some(value.trim().to_owned()),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "REPORT_SOAK_20260131.json";
    const GOOD: &str = r#"{"edge_net_bps": 2.8, "order_age_p95_ms": 320, "taker_share_pct": 12, "chaos_result": "OK",
        "bug_bash": "OK (2 minor)", "reg_guard": {"reason": "NONE"}, "drift": {"reason": ""}, "runtime": {"utc": "x"},
        "rehearsal": false, "run": {"source": "exec", "verdict": "PASS"}}"#;

    fn read(file: &str, bytes: &[u8]) -> Day {
        super::read(file, bytes, &crate::wire::policy::read(&[], &[]).expect("the built-in policy").release)
    }

    fn problems(change: impl Fn(&str) -> String) -> Vec<String> {
        read(FILE, change(GOOD).as_bytes()).problems
    }

    #[test]
    fn a_report_is_read_whoever_wrote_it() {
        let day = read(FILE, GOOD.as_bytes());
        assert_eq!((day.edge, day.latency, day.taker), (Some(2.8), Some(320.0), Some(12.0)));
        assert_eq!((day.guards_clear, day.chaos_ok, day.tests_ok), (Some(true), Some(true), Some(true)));
        assert_eq!((day.date.as_deref(), day.utc.as_deref()), (Some("2026-01-31"), Some("x")));
        assert!(day.problems.is_empty());
        assert_eq!((day.unreleasable, day.source.as_deref()), (None, Some("exec")));
    }

    #[test]
    fn what_is_missing_or_no_number_is_not_known_and_named() {
        assert_eq!(problems(|json| json.replace("edge_net_bps", "edge")), ["`edge_net_bps` is missing"]);
        assert_eq!(
            problems(|json| json.replace("2.8", "NaN")),
            ["`edge_net_bps` is a number that is not finite, expected a number"]
        );
        assert_eq!(
            problems(|json| json.replace("2.8", "true")),
            ["`edge_net_bps` is a boolean, expected a number"]
        );
        assert_eq!(
            problems(|json| json.replace("2.8", "null")),
            ["`edge_net_bps` is null, expected a number"]
        );
        assert_eq!(problems(|json| json.replace("320", "-1")), ["`order_age_p95_ms` is -1, which cannot be"]);
        assert_eq!(
            problems(|json| json.replace(": 12", ": 101")),
            ["`taker_share_pct` is 101, which cannot be"]
        );
        let twice = problems(|json| {
            json.replace("{\"edge_net_bps\": 2.8", "{\"edge_net_bps\": 1, \"edge_net_bps\": 2.8")
        });
        assert_eq!(twice, ["`edge_net_bps` stands twice"]);
        let no_guard = read(FILE, GOOD.replace("\"drift\"", "\"x\"").as_bytes());
        assert_eq!((no_guard.guards_clear, no_guard.problems.len()), (None, 1));
        assert_eq!(
            problems(|json| json.replace("{\"reason\": \"NONE\"}", "\"NONE\"")),
            ["`reg_guard` is text, expected an object"]
        );
    }

    #[test]
    fn a_regression_a_drift_and_a_failed_test_are_known_to_be_bad() {
        assert_eq!(read(FILE, GOOD.replace("\"NONE\"", "\"LAT_REG\"").as_bytes()).guards_clear, Some(false));
        assert_eq!(read(FILE, GOOD.replace("\"\"", "\"RSS\"").as_bytes()).guards_clear, Some(false));
        assert_eq!(
            read(FILE, GOOD.replace("\"OK (2 minor)\"", "\"NOT OK\"").as_bytes()).tests_ok,
            Some(false)
        );
    }

    #[test]
    fn what_is_no_report_is_a_day_without_anything() {
        for bytes in [&b""[..], b"null", b"[1]", b"{", b"\xff\xfe", b"{\"a\": 1} x"] {
            let day = read(FILE, bytes);
            assert!(day.edge.is_none() && day.chaos_ok.is_none() && day.problems.len() == 1, "{bytes:?}");
        }
        assert!(read("REPORT_SOAK_new.json", GOOD.as_bytes()).edge.is_none());
        let deep = "[".repeat(100_000);
        assert_eq!(read(FILE, deep.as_bytes()).problems, ["its lists and objects nest too deep"]);
    }

    #[test]
    fn only_a_report_that_says_where_its_data_came_from_is_a_basis_for_a_release() {
        let with = |from: &str, to: &str| {
            assert!(GOOD.contains(from), "{from}");
            let day = read(FILE, GOOD.replace(from, to).as_bytes());
            assert!(day.problems.is_empty() && day.edge == Some(2.8), "{day:?}");
            day.unreleasable.unwrap_or_default()
        };
        let rehearsal = "\"rehearsal\": false, ";
        assert_eq!(with(rehearsal, rehearsal), "");
        assert_eq!(with(rehearsal, ""), "it has no `rehearsal`");
        assert_eq!(with(rehearsal, "\"rehearsal\": null, "), "it has no `rehearsal`");
        assert_eq!(with(rehearsal, "\"rehearsal\": true, "), "it is a rehearsal");
        assert_eq!(with(rehearsal, "\"rehearsal\": \"false\", "), "`rehearsal` is text, not false");
        assert_eq!(with(rehearsal, "\"rehearsal\": 0, "), "`rehearsal` is a number, not false");
        assert_eq!(with("\"exec\"", "\"sim\""), "its data is simulated (source `sim`)");
        assert_eq!(with("\"exec\"", "\"exec, mock\""), "its data is simulated (source `exec, mock`)");
        assert_eq!(with("\"exec\"", "null"), "it has no `run.source`");
        assert_eq!(with("\"exec\"", "\"\""), "its `run.source` is empty");
        assert_eq!(with("\"run\"", "\"runs\""), "it has no `run.source`");
        assert_eq!(with("\"PASS\"", "\"WARN\""), "");
        assert_eq!(with("\"PASS\"", "\"FAIL\""), "its run is `FAIL`");
        assert_eq!(with("\"verdict\"", "\"word\""), "it has no `run.verdict`");
    }
}
