//! The log lines of a run, for machines and for those who search logs:
//! `| area | EVENT | key=value … |`, or one JSON object a line.
//!
//! One event a line. Whatever comes from outside is made printable first, so that no control character and no
//! line break gets through.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::core::iteration::guards::Guard;
use crate::core::iteration::manifest::{ClockStep, ClockStepKind};
use crate::core::kpi::KpiId;
use crate::core::policy::run::Patience;
use crate::core::text::number::{fixed, trimmed};
use crate::core::verdict::Outcome;
use crate::report::json::compact_ascii;
use crate::report::text::printable;
use crate::run::iteration::{IterationRecord, KpiVerdict};
use crate::run::output::columns::Columns;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogEvent {
    /// `soak`, `iter_watch`, `guards`, `kpi_gate`, `panic`, `sanity` or `overrides`.
    pub area: &'static str,
    /// What happened, in upper case.
    pub event: &'static str,
    /// The particulars, in the order of the line. Each key once, none is `area` or `event`.
    pub fields: Vec<(&'static str, Value)>,
}

impl LogEvent {
    /// An event without particulars.
    pub(crate) fn new(area: &'static str, event: &'static str) -> Self {
        Self { area, event, fields: Vec::new() }
    }

    /// The event with one more field.
    #[must_use]
    pub(crate) fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.fields.push((key, value.into()));
        self
    }

    /// The event with one more field, if there is a value.
    #[must_use]
    fn with_some(self, key: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// `| area | EVENT | key=value … |`, without a line end. Text that a reader could split is quoted, with a
    /// backslash before quotes and backslashes; a number that is not known is `-`.
    pub(crate) fn text(&self) -> String {
        let mut out = format!("| {} | {} |", self.area, self.event);
        for (key, field) in &self.fields {
            let value = written(field);
            let written = write!(out, " {key}={value}");
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
        }
        if !self.fields.is_empty() {
            out.push_str(" |");
        }
        out
    }

    /// The same for a person at a terminal: `start: iterations 24, source sim, seed 7, out out/latest`.
    pub(crate) fn words(&self) -> String {
        let plain = |word: &str| word.to_lowercase().replace('_', " ");
        let fields: Vec<String> = self
            .fields
            .iter()
            .map(|(key, field)| {
                let value = match field {
                    Value::String(text) => printable(text),
                    other => written(other),
                };
                format!("{} {value}", plain(key))
            })
            .collect();
        format!("{}: {}", plain(self.event), fields.join(", "))
    }

    /// One JSON object on one line, without a line end: `area`, `event` and the fields side by side. Numbers
    /// are unrounded, and null where they are not known.
    pub(crate) fn json(&self) -> String {
        let mut object = Map::new();
        object.insert("area".to_owned(), json!(self.area));
        object.insert("event".to_owned(), json!(self.event));
        for (key, field) in &self.fields {
            let value = match field {
                Value::String(text) => json!(printable(text)),
                other => other.clone(),
            };
            object.insert((*key).to_owned(), value);
        }
        compact_ascii(&Value::Object(object)).trim_end().to_owned()
    }
}

/// A field as it stands in a line.
fn written(field: &Value) -> String {
    match field {
        Value::String(text) => quoted(text),
        // Zeros at the end say nothing; sums of floats have digits that say nothing either.
        Value::Number(number) if number.is_f64() => {
            trimmed(&fixed(number.as_f64().unwrap_or_default(), 6)).to_owned()
        }
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    let text = printable(text);
    let is_plain =
        !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || matches!(c, '|' | '"' | '='));
    if is_plain {
        return text;
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A run starts.
pub(crate) fn start(iterations: u64, source: &str, seed: Option<u64>, folder: &str) -> LogEvent {
    LogEvent::new("soak", "START")
        .with("iterations", iterations)
        .with("source", source)
        .with_some("seed", seed)
        .with("out", folder)
}

/// A run goes on after the iteration with this number.
pub(crate) fn resume(after: u64, iterations: u64, folder: &str) -> LogEvent {
    LogEvent::new("soak", "RESUME").with("after", after).with("iterations", iterations).with("out", folder)
}

/// The wall clock moved as no passing of time explains.
pub(crate) fn clock_step(step: &ClockStep) -> LogEvent {
    let event = match step.kind {
        ClockStepKind::Step => "CLOCK_STEP",
        ClockStepKind::Suspend => "SUSPEND",
    };
    LogEvent::new("sanity", event)
        .with("iteration", step.iteration)
        .with("seconds", step.seconds)
        .with("note", step.words())
}

/// A run was interrupted and can go on.
pub(crate) fn interrupted(done: u64, iterations: u64, signal: &str) -> LogEvent {
    LogEvent::new("soak", "INTERRUPTED")
        .with("done", done)
        .with("iterations", iterations)
        .with("reason", signal)
}

/// A run has made all its iterations. `outcome` is that of the run gates, where they were asked for.
pub(crate) fn complete(done: u64, failed_collections: u64, outcome: Option<Outcome>) -> LogEvent {
    LogEvent::new("soak", "COMPLETE")
        .with("iterations", done)
        .with("failed_collections", failed_collections)
        .with_some("run_gates", outcome.map(Outcome::word))
}

/// A run ended before its last iteration, and not because somebody asked for it.
pub(crate) fn failed(done: u64, iterations: u64, reason: &str) -> LogEvent {
    LogEvent::new("soak", "FAILED").with("done", done).with("iterations", iterations).with("reason", reason)
}

/// All events of an iteration, in the order in which they happened.
pub(crate) fn lines(
    record: &IterationRecord,
    iterations: u64,
    columns: &Columns,
    patience: &Patience,
) -> Vec<LogEvent> {
    let mut events = vec![iteration(record, iterations, columns)];
    match &record.collection_failed {
        Some(reason) => events.push(
            of("sanity", "COLLECTION_FAILED", record)
                .with("in_a_row", record.state.failed_collections)
                .with("reason", reason.as_str()),
        ),
        None if columns.is_trading => events.push(summary(record)),
        None => {}
    }
    for note in &record.summary.notes {
        events.push(of("sanity", "NOTE", record).with("note", note.as_str()));
    }
    verdict(&mut events, record);
    tuning(&mut events, record);
    guards(&mut events, record);
    if record.tuning.panic_revert {
        let reason = format!("{}_consecutive_failures", patience.panic_after_fails);
        events.push(
            of("panic", "REVERT", record).with("to", patience.panic_profile.as_str()).with("reason", reason),
        );
    }
    let (old, new) = (&record.tuning.old_hash, &record.tuning.state_hash);
    if old != new {
        events.push(of("overrides", "HASH", record).with("old", old.as_str()).with("new", new.as_str()));
    }
    events
}

fn of(area: &'static str, event: &'static str, record: &IterationRecord) -> LogEvent {
    LogEvent::new(area, event).with("iteration", record.number)
}

fn iteration(record: &IterationRecord, iterations: u64, columns: &Columns) -> LogEvent {
    let verdict = match (&record.collection_failed, record.summary.kpi_verdict) {
        (Some(_), _) => "NO_DATA",
        (None, Some(verdict)) => verdict.word(),
        (None, None) => "-",
    };
    let event = of("soak", "ITERATION", record)
        .with("of", iterations)
        .with("utc", record.ends.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
        .with_some("phase", record.has_phases.then(|| record.phase.word()));
    let measured = columns.line.iter().map(|column| (column.key, record.summary.value(column.kpi)));
    measured.fold(event, |event, (key, value)| event.with(key, value)).with("verdict", verdict)
}

fn summary(record: &IterationRecord) -> LogEvent {
    let kpi = |kpi: KpiId| record.summary.value(kpi);
    of("iter_watch", "SUMMARY", record)
        .with("net", kpi(KpiId::NET_BPS))
        .with("drivers", record.summary.neg_edge_drivers.join(","))
        .with("adv_p95", kpi(KpiId::ADVERSE_BPS_P95))
        .with("sl_p95", kpi(KpiId::SLIPPAGE_BPS_P95))
        .with("risk", kpi(KpiId::RISK_RATIO))
        .with("min_interval", kpi(KpiId::MIN_INTERVAL_RATIO))
        .with("concurrency", kpi(KpiId::CONCURRENCY_RATIO))
}

fn verdict(events: &mut Vec<LogEvent>, record: &IterationRecord) {
    let event = match record.summary.kpi_verdict {
        Some(KpiVerdict::Warn) => "WARN",
        Some(KpiVerdict::Fail) => "FAIL",
        Some(KpiVerdict::Pass) | None => "",
    };
    if !event.is_empty() {
        // The key is in upper case since the scripts; existing searches look for it.
        events.push(of("kpi_gate", event, record).with("REASONS", record.summary.kpi_reasons.join(",")));
    }
    if record.state.fail_streak > 0 && event == "FAIL" {
        events.push(of("kpi_gate", "FAIL_STREAK", record).with("count", record.state.fail_streak));
    }
}

fn tuning(events: &mut Vec<LogEvent>, record: &IterationRecord) {
    let tuning = &record.tuning;
    for delta in &tuning.deltas {
        events.push(
            of("iter_watch", "SUGGEST", record)
                .with("param", delta.param.as_str())
                .with("delta", delta.delta)
                .with("reason", delta.reason.as_str()),
        );
    }
    for applied in &tuning.applied_values {
        events.push(
            of("iter_watch", "APPLY", record)
                .with("param", applied.param.as_str())
                .with("old", applied.old)
                .with("new", applied.new)
                .with("delta", applied.delta)
                .with("at_bound", applied.at_bound),
        );
    }
    for (param, code) in &tuning.dropped {
        events
            .push(of("iter_watch", "DROP", record).with("param", param.as_str()).with("reason", code.word()));
    }
    if let Some(code) = tuning.skip {
        events.push(
            of("iter_watch", "APPLY_SKIP", record)
                .with("reason", code.word())
                .with_some("note", tuning.skip_note.as_deref()),
        );
    }
}

fn guards(events: &mut Vec<LogEvent>, record: &IterationRecord) {
    let tuning = &record.tuning;
    for guard in &tuning.guards {
        let state = &record.state;
        events.push(match guard {
            Guard::Oscillation => of("guards", "OSCILLATION", record),
            Guard::Velocity => of("guards", "VELOCITY", record),
            Guard::Cooldown => of("guards", "COOLDOWN", record).with_some("until_iter", state.cooldown_until),
            Guard::Freeze => of("guards", "FREEZE", record)
                .with_some("until_iter", state.frozen_until)
                .with_some("reason", state.freeze_reason.as_deref()),
            Guard::PartialFreeze => {
                let held: Vec<String> =
                    tuning.partial_freezes.iter().map(|(what, why)| format!("{what}:{why}")).collect();
                of("guards", "PARTIAL_FREEZE", record).with("subsystems", held.join(","))
            }
            Guard::LatencySoft => of("guards", "LATENCY_SOFT", record),
            Guard::LatencyHard => of("guards", "LATENCY_HARD", record),
            Guard::NoOp => of("guards", "NO_OP", record),
        });
    }
    if let Some(reason) = &tuning.freeze_started {
        events.push(
            of("guards", "FREEZE_STARTED", record)
                .with_some("until_iter", record.state.frozen_until)
                .with("reason", reason.as_str()),
        );
    }
}

#[cfg(test)]
mod tests {

    use crate::core::iteration::guards::Guard;
    use crate::core::iteration::params::ParamName;
    use crate::core::kpi::KpiId;
    use crate::core::verdict::Outcome;
    use crate::run::iteration::tuning::{Applied, Delta, SkipCode};
    use crate::run::iteration::{IterationRecord, KpiVerdict};
    use crate::run::output::log::*;
    use crate::run::records::{failed as no_data, record, with};

    fn patience() -> Patience {
        crate::run::fixture::policy().patience
    }

    fn texts(record: &IterationRecord) -> Vec<String> {
        let columns = Columns::of(&crate::report::fixture::built_in());
        lines(record, 24, &columns, &patience()).iter().map(LogEvent::text).collect()
    }

    #[test]
    fn an_event_reads_as_words_at_a_terminal() {
        let event =
            LogEvent::new("overrides", "NOT_ADOPTED").with("gate", "FAIL now").with("in_a_row", 3_u64);
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
}
