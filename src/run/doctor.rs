//! `soak doctor`: whether a run could measure and write here. One measurement is taken as a run takes it, and each
//! answer is one line with what to do.

use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::engine::{AtOnce, Sampler};
use super::events::EventWatch;
use super::iteration::summary::summarise;
use super::iteration::{EdgeReport, IterationSummary};
use super::source::prometheus::{jobs_of, listed, targets};
use super::source::store::{Answer, Patience, Series, Store, ask_now};
use super::source::{Interval, NoReport, ReportTimes, Source, time_of};
use super::start::{self, StartRequest};
use crate::core::iteration::manifest::SourceSettings;
use crate::core::judge::{count, show_limit, with_unit};
use crate::core::kpi::{Kind, KpiId};
use crate::core::load::overrides_file;
use crate::core::policy::{Policy, Profile};
use crate::core::text::number::{beside, exact, fixed};
use crate::infra::atomic_file;
use crate::infra::clock::{Clocks, Interrupted};
use crate::infra::http::{Limits, Target};
use crate::run::iteration::counters::Counters;

/// How a line reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    Ok,
    /// A run works, and something is worth a look.
    Warn,
    /// A run would fail or not pass.
    Failed,
    /// Cannot be known, because of another line.
    Skipped,
}

impl Health {
    /// Word in front of a line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Failed => "FAILED",
            Self::Skipped => "skipped",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Examined {
    /// `policy`, `output`, `clock`, `source`, or a KPI or metric.
    pub name: String,
    #[serde(rename = "status")]
    pub health: Health,
    pub message: String,
    /// What to do; absent where nothing is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether the line is about the source and what it delivers.
    #[serde(skip)]
    pub(crate) of_source: bool,
}

impl Examined {
    pub(crate) fn new(name: &str, health: Health, message: impl Into<String>) -> Self {
        Self { name: name.to_owned(), health, message: message.into(), hint: None, of_source: false }
    }

    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    fn of_source(self) -> Self {
        Self { of_source: true, ..self }
    }
}

/// Whether the folder of the runs can be written into.
pub(crate) fn output(out: &Path) -> Examined {
    match atomic_file::try_below(&out.join("latest").join("ITER_SUMMARY_1.json")) {
        Ok(()) => Examined::new("output", Health::Ok, format!("`{}` can be written", out.display())),
        Err(error) => {
            let why = std::error::Error::source(&error).map_or_else(String::new, |why| format!(": {why}"));
            Examined::new("output", Health::Failed, format!("{error}{why}"))
                .hint("`--out` and $SOAK_OUT_DIR name the folder of the runs")
        }
    }
}

/// What the source and the clock are examined with.
pub(crate) struct Patient<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) settings: &'a SourceSettings,
    pub(crate) source: &'a mut dyn Source,
    /// The server of the `prometheus` source.
    pub(crate) server: Option<&'a Target>,
    pub(crate) interval: Duration,
    pub(crate) clocks: &'a dyn Clocks,
    /// Whether the environment fixes the time.
    pub(crate) is_clock_fixed: bool,
    /// The store of restarts and marks, where the source has none.
    pub(crate) beside: Option<Store>,
    /// Why the server cannot be asked, once that is known.
    pub(crate) unreachable: Option<String>,
    /// What samples the resources; `None` = nothing is to.
    pub(crate) sampler: Option<Sampler>,
}

impl Patient<'_> {
    /// Whether the clock agrees with that of the server; more than a run takes for a step is too much.
    ///
    /// A server that cannot be asked for its time is not asked for more: a run would ask again for an interval.
    pub(crate) fn clock(&mut self) -> Result<Examined, Interrupted> {
        let line = |health, message: String| Examined::new("clock", health, message);
        let before = self.clocks.read();
        if self.is_clock_fixed {
            let message = "the time is fixed by the environment (`SOAK_NOW`)";
            return Ok(line(Health::Warn, message.to_owned()).hint("unset it for a run that measures"));
        }
        let Some(server) = self.server.or(self.beside.as_ref().map(|store| &store.target)) else {
            let now = before.wall.format("%Y-%m-%dT%H:%M:%SZ");
            return Ok(line(Health::Ok, format!("{now}; the source has no clock to compare it with")));
        };
        let told = ask_now(server, "time()", &Limits::default(), &AtOnce(self.clocks));
        let after = self.clocks.read();
        self.clocks.wait(Duration::ZERO)?;
        let value = match told.map(|told| told.answer) {
            Ok(Answer::One { value, .. }) => value,
            Ok(_) => {
                return Ok(line(Health::Skipped, "the server does not report its time".to_owned()));
            }
            Err(reason) => {
                self.unreachable = Some(reason);
                return Ok(line(Health::Skipped, "the server cannot be asked what time it is".to_owned()));
            }
        };
        let seconds = |wall: chrono::DateTime<chrono::Utc>| wall.timestamp_millis() as f64 / 1000.0;
        let (sent, came) = (seconds(before.wall), seconds(after.wall));
        let ahead = f64::midpoint(sent, came) - value;
        let rules = &self.policy.run.measuring;
        let allowed = rules.clock_step_seconds.max(rules.clock_step_share * self.interval.as_secs_f64());
        // The answer was made somewhere between question and answer.
        if ahead.abs() <= allowed + (came - sent) / 2.0 {
            return Ok(line(Health::Ok, format!("within {} s of the server's", fixed(ahead.abs(), 1))));
        }
        let way = if ahead > 0.0 { "ahead of" } else { "behind" };
        let message = format!("{} s {way} the server's; at most {allowed} s are fine", fixed(ahead.abs(), 1));
        Ok(line(Health::Failed, message)
            .hint("set both clocks, e.g. by NTP: queries are asked for times of this one"))
    }

    /// Takes one measurement, as an iteration does, and looks at every number.
    pub(crate) fn source(&mut self) -> Result<Vec<Examined>, Interrupted> {
        let began = self.clocks.read();
        let start = start::resolve(&self.policy.run, StartRequest::default(), &[]);
        let overrides = start.map(|start| start.overrides()).unwrap_or_default();
        let hint = self.what_to_do();
        let failed = |reason: String| {
            Ok(vec![Examined::new("source", Health::Failed, reason).hint(hint.as_str()).of_source()])
        };
        if let Some(reason) = self.unreachable.take() {
            return failed(reason);
        }
        // A command may read the overrides in force, as in a run.
        let file = overrides_file::write(None, &overrides)
            .map_err(|error| error.to_string())
            .and_then(|text| atomic_file::temporary(text.as_bytes()).map_err(|error| error.to_string()));
        let file = match file {
            Ok(file) => file,
            Err(reason) => return failed(format!("no file for the overrides can be written: {reason}")),
        };
        let length = chrono::TimeDelta::from_std(self.interval).unwrap_or_default();
        let interval = Interval {
            iteration: 1,
            starts: began.wall - length,
            length: self.interval,
            overrides: &overrides,
            overrides_file: file.path(),
        };
        let report = match self.source.cover(&interval, &AtOnce(self.clocks)) {
            Ok(mut report) => {
                let rules = &self.policy.run.measuring;
                let mut times =
                    ReportTimes::new(self.interval, rules.stale_after).strict(rules.times_are_strict);
                match times.check(&mut report, began.wall) {
                    // An old file may be written anew in the next interval.
                    Err(_) if time_of(&report).is_some_and(|time| time < began.wall) && self.is_file() => {
                        report
                    }
                    Err(reason) => return failed(reason),
                    Ok(()) => report,
                }
            }
            Err(NoReport::Failed(reason)) => return failed(reason),
            Err(NoReport::Interrupted) => return Err(Interrupted),
        };
        let took = self.clocks.read().awake.saturating_sub(began.awake);
        let summary = summarise(self.policy, &report, false, &Counters::default(), began.wall);
        let mut lines = vec![self.delivered(&report, took)];
        lines.extend(self.numbers(&report, &summary));
        lines.extend(self.events(&interval)?);
        lines.extend(self.resources());
        lines.extend(self.scrapes());
        lines.extend(self.targets());
        Ok(lines.into_iter().map(Examined::of_source).collect())
    }

    /// That the source answered, how fast, and of what age.
    fn delivered(&self, report: &EdgeReport, took: Duration) -> Examined {
        let numbers = report.numbers.values().flatten().count();
        let seconds = |time: Duration| fixed(time.as_secs_f64(), 1);
        let message = format!("{} gave {numbers} numbers in {} s", self.settings, seconds(took));
        if took > self.interval {
            let message =
                format!("{message}, which is longer than the interval of {} s", seconds(self.interval));
            return Examined::new("source", Health::Warn, message).hint("give a longer `--interval`");
        }
        let age = match self.settings {
            SourceSettings::File { edge_report } => atomic_file::modified(Path::new(edge_report)),
            _ => None,
        };
        let age = age.and_then(|written| (self.clocks.read().wall - written).to_std().ok());
        match age.filter(|age| *age > self.interval) {
            Some(age) => {
                let message = format!("{message}, and was written {} s ago", age.as_secs());
                Examined::new("source", Health::Warn, message).hint(format!(
                    "a run takes it only if it is written anew in every {} s",
                    seconds(self.interval)
                ))
            }
            None => Examined::new("source", Health::Ok, message),
        }
    }

    fn what_to_do(&self) -> String {
        let words = match self.settings {
            SourceSettings::Prometheus { selector, .. } if is_unquoted(selector) => {
                return unquoted(selector);
            }
            SourceSettings::Prometheus { .. } => {
                "check `--prometheus-url` and `--selector`: does the store have the metrics of the service?"
            }
            SourceSettings::Exec { .. } => {
                "run the command by hand: it prints one JSON object with a number for each KPI"
            }
            SourceSettings::File { .. } => {
                "write the file before each interval ends, under another name, and rename it"
            }
            SourceSettings::Sim { .. } => "name another `--scenario`",
        };
        words.to_owned()
    }

    /// A line a KPI, and a line for what else the source is asked for.
    fn numbers(&self, report: &EdgeReport, summary: &IterationSummary) -> Vec<Examined> {
        let judged = self.policy.needed();
        let note_on = |key: &str| {
            let named = format!("`{key}`");
            summary.notes.iter().find(|note| note.starts_with(&named))
        };
        let query_of = |key: &str| self.policy.run.queries.iter().find(|query| query.metric == key);
        let mut lines = Vec::new();
        for kpi in self.policy.kpis.ids() {
            let spelled =
                |note: &&String| kpi.spellings.iter().any(|it| note.starts_with(&format!("`{}`", it.key)));
            let note = summary.notes.iter().find(spelled);
            let value = summary.values[kpi.index()];
            let is_needed = judged.contains(&kpi)
                || self.asks_queries()
                    && kpi.spellings.iter().any(|it| query_of(it.key).is_some_and(|q| !q.is_optional));
            let is_of_verdict = self.policy.kpis.of_verdict().contains(&kpi);
            let is_read = summary.counters.iter().any(|(counter, _)| *counter == kpi);
            let told = self.beyond_limit(kpi, value).or_else(|| {
                let hint = note.map(|note| self.hint_on(kpi, note));
                line(kpi, value, note.zip(hint), is_needed, is_of_verdict, is_read)
            });
            lines.extend(told);
        }
        let others = self.policy.run.queries.iter().filter(|_| self.asks_queries());
        for query in others.filter(|query| self.policy.kpis.spelled(&query.metric).is_none()) {
            let name = &query.metric;
            let health = if query.is_optional { Health::Warn } else { Health::Failed };
            lines.extend(match (report.number(name), note_on(name)) {
                (Some(value), _) => Some(Examined::new(name, Health::Ok, exact(value, 0))),
                (None, Some(note)) => Some(Examined::new(name, health, without_name(note))),
                (None, None) => None,
            });
        }
        lines
    }

    /// A value with which an iteration does not pass.
    fn beyond_limit(&self, kpi: KpiId, value: Option<f64>) -> Option<Examined> {
        let gate = self.policy.iteration_pass.checks.iter().find(|gate| gate.kpi == kpi)?;
        let (value, limit) = (value?, gate.limit.value);
        if gate.comparison.holds(value, limit) {
            return None;
        }
        let shown = with_unit(kpi, beside(value, limit, kpi.decimals()));
        let message =
            format!("{shown}, which misses `{} {}`", gate.comparison.symbol(), show_limit(kpi, limit));
        let hint =
            format!("an iteration like this one does not pass; the limit is in `{}`", gate.limit.source.key);
        Some(Examined::new(kpi.name, Health::Warn, message).hint(hint))
    }

    /// What to do where a note says why a KPI has no value.
    fn hint_on(&self, kpi: KpiId, note: &str) -> String {
        let out = format!("or take it out: `enabled = false` in `[kpi.{}]`", kpi.name);
        let selector = match self.settings {
            SourceSettings::Prometheus { selector, .. } => selector.as_str(),
            _ => return format!("let the source deliver `{}`, {out}", kpi.name),
        };
        if note.contains("no events") {
            return "nothing happened in the interval: put load on the service, or give a longer `--interval`".to_owned();
        }
        if is_unquoted(selector) {
            return unquoted(selector);
        }
        let asked = self
            .policy
            .run
            .queries
            .iter()
            .find(|query| kpi.spellings.iter().any(|it| it.key == query.metric));
        let rate = asked.filter(|query| query.query.contains("$window"));
        let rate = rate.map_or("", |_| "a rate needs an interval of at least four scrapes; ");
        format!(
            "{rate}has the store this metric for `--selector`? Else change the query in `[prometheus.{}]`, {out}",
            kpi.name
        )
    }

    /// The resources, where they are to be sampled.
    fn resources(&mut self) -> Option<Examined> {
        let now = self.clocks.read().wall;
        let sample = self.sampler.as_mut()?(now, &AtOnce(self.clocks));
        let line = |health, message: String| Examined::new("resources", health, message);
        let hint =
            "a run continues without them: check `[resources]` of the policy, `--pid` and `--pid-file`";
        let Some(used) = sample.resources else {
            return Some(line(Health::Warn, sample.failed.unwrap_or_default()).hint(hint));
        };
        let parts = [
            used.rss_mb.map(|mb| format!("{} MiB", fixed(mb, 1))),
            used.cpu_pct.map(|percent| format!("{} % of a core", fixed(percent, 1))),
            used.threads.map(|threads| format!("{threads} threads")),
            used.open_files.map(|files| format!("{files} open files")),
        ];
        let known = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        Some(match sample.note {
            Some(note) => line(Health::Warn, format!("{known}; {note}")).hint(hint),
            None => line(Health::Ok, known),
        })
    }

    /// Whether an interval holds enough scrapes of the store for a rate; `None` where the store does not say.
    fn scrapes(&self) -> Option<Examined> {
        const WELL_KNOWN: Duration = Duration::from_secs(600);
        let store = self
            .source
            .store()
            .filter(|_| self.policy.run.queries.iter().any(|it| it.query.contains("$window")))?;
        let now = self.clocks.read().wall;
        let scrapes_of = |window: Duration| {
            let query = "max(count_over_time(up{$selector}[$window]))";
            let told =
                store.ask(query, window, now, &mut Patience::default(), &AtOnce(self.clocks)).ok()?.ok()?;
            match told.summed_up().answer {
                Answer::One { value, .. } => Some(Some(value)),
                Answer::Nothing => Some(None),
                _ => None,
            }
        };
        scrapes_of(WELL_KNOWN)??;
        let scrapes = scrapes_of(self.interval)?.unwrap_or(0.0);
        let message = format!(
            "{} in an interval of {} s",
            if scrapes == 1.0 { "1 scrape".to_owned() } else { format!("{scrapes} scrapes") },
            exact(self.interval.as_secs_f64(), 0)
        );
        let hint = "a rate needs two scrapes at least and four to be sure: give a longer `--interval`";
        Some(match scrapes {
            few if few < 2.0 => Examined::new("scrapes", Health::Failed, message).hint(hint),
            some if some < 4.0 => Examined::new("scrapes", Health::Warn, message).hint(hint),
            _ => Examined::new("scrapes", Health::Ok, message),
        })
    }

    /// Whether the targets that the queries take in are up, and of one job; `None` where the store does not say.
    fn targets(&self) -> Option<Examined> {
        let SourceSettings::Prometheus { selector, .. } = self.settings else { return None };
        let selects = self.policy.run.queries.iter().any(|it| it.query.contains("$selector"));
        let store = self.source.store().filter(|_| selects && self.policy.profile != Profile::Trading)?;
        let series = targets(store, self.clocks.read().wall, &AtOnce(self.clocks))?;
        let line = |health, message: String| Examined::new("targets", health, message);
        let (jobs, all) = (jobs_of(&series), series.len());
        let down: Vec<Series> = series.into_iter().filter(|one| one.value == 0.0).collect();
        if all == 0 {
            return None;
        }
        if !down.is_empty() {
            let verb = if down.len() == 1 { "is" } else { "are" };
            let of = count(all, "target");
            let message = format!("{} of {of} {verb} down, `up` is 0: {}", down.len(), listed(&down));
            return Some(line(Health::Failed, message).hint(
                "an iteration with a target that is down does not pass: start it, or leave it out of `--selector`",
            ));
        }
        let names: Vec<String> = jobs.iter().map(|job| format!("`{job}`")).collect();
        Some(match jobs.first().filter(|_| jobs.len() > 1) {
            Some(first) => {
                let health = if selector.trim().is_empty() { Health::Failed } else { Health::Warn };
                let message =
                    format!("the queries take in {all} targets of {} jobs: {}", jobs.len(), names.join(", "));
                line(health, message).hint(format!(
                    "name the service, as in `--selector 'job=\"{first}\"'`, or in `run.selector` of the policy"
                ))
            }
            None if all == 1 => line(Health::Ok, "1 target is up".to_owned()),
            None => line(Health::Ok, format!("{all} targets are up")),
        })
    }

    /// Restarts and marks of the interval, where the policy asks for them.
    fn events(&self, interval: &Interval<'_>) -> Result<Vec<Examined>, Interrupted> {
        const PATIENCE: Duration = Duration::from_secs(2);
        let store = self.source.store().or(self.beside.as_ref()).cloned();
        let mut watch = EventWatch::new(&self.policy.events, store);
        let found = watch.look((interval.starts, interval.ends()), PATIENCE, &AtOnce(self.clocks))?;
        let warn = |name: &str, message: String| Examined::new(name, Health::Warn, message);
        let hint =
            "a run continues, and what it cannot see is a note: check the query or the file in the policy";
        let restarts = found.events.restarts.map(|restarts| match restarts.unknown {
            Some(reason) => warn("restarts", format!("unknown: {reason}")).hint(
                "a run in which they are unknown is a WARN: give a query of the service in `[restarts]`, or set \
                 `enabled = false` there",
            ),
            None => Examined::new("restarts", Health::Ok, format!("{} in the last interval", restarts.count)),
        });
        let notes = found.notes.iter().map(|note| warn("phase", note.clone()).hint(hint));
        Ok(restarts.into_iter().chain(notes).collect())
    }

    fn is_file(&self) -> bool {
        matches!(self.settings, SourceSettings::File { .. })
    }

    fn asks_queries(&self) -> bool {
        matches!(self.settings, SourceSettings::Prometheus { .. })
    }
}

fn is_unquoted(selector: &str) -> bool {
    selector.contains('=') && !selector.contains(['"', '\'', '`'])
}

fn unquoted(selector: &str) -> String {
    format!("values of `--selector` are quoted, as in `job=\"checkout\"`; it is `{selector}`")
}

/// What is known about a KPI; `None` where the run does without and nobody has anything to say.
fn line(
    kpi: KpiId,
    value: Option<f64>,
    note: Option<(&String, String)>,
    is_needed: bool,
    is_of_verdict: bool,
    is_read: bool,
) -> Option<Examined> {
    let unit = if kpi.unit.symbol() == "1" { "" } else { kpi.unit.symbol() };
    let space = if unit.is_empty() { "" } else { " " };
    let health = if is_needed { Health::Failed } else { Health::Warn };
    match (value, note) {
        (Some(value), _) => Some(Examined::new(
            kpi.name,
            Health::Ok,
            format!("{}{space}{unit}", fixed(value, kpi.decimals())),
        )),
        (None, Some((note, _))) if note.contains("cannot be") => {
            let bound = |bound: Option<f64>| bound.map_or_else(|| "any".to_owned(), |bound| exact(bound, 0));
            let (low, high) = (bound(kpi.lowest), bound(kpi.highest));
            let hint = format!("`[kpi.{}]` allows `lowest` {low} to `highest` {high}", kpi.name);
            Some(Examined::new(kpi.name, Health::Failed, without_name(note)).hint(hint))
        }
        // One reading is all that a counter needs here: a run makes a rate of two.
        (None, Some(_)) if kpi.kind == Kind::Counter && is_read => {
            Some(Examined::new(kpi.name, Health::Ok, "a counter: a run takes its rate".to_owned()))
        }
        (None, Some((note, hint))) => Some(Examined::new(kpi.name, health, without_name(note)).hint(hint)),
        (None, None) if is_needed || is_of_verdict => {
            let hint = format!(
                "let the source deliver `{0}`, or take it out: `enabled = false` in `[kpi.{0}]`",
                kpi.name
            );
            let message =
                if is_needed { "no value, and an iteration needs it to pass" } else { "no value to judge" };
            Some(Examined::new(kpi.name, health, message).hint(hint))
        }
        (None, None) => None,
    }
}

/// The note without the key that stands before the line anyway.
fn without_name(note: &str) -> String {
    let rest = note.split_once("`: ").or_else(|| note.strip_prefix('`')?.split_once("` "));
    rest.map_or(note, |(_, rest)| rest).to_owned()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::core::policy::{Layer, Origin, read};
    use crate::infra::clock::{Reading, Wait};
    use crate::infra::http::Auth;
    use crate::infra::test_server::{Answer as Served, QUICK, TestServer};
    use crate::run::source::prometheus::PrometheusSource;

    /// A clock that stands.
    struct Standing(DateTime<Utc>, Cell<Duration>);

    impl Wait for Standing {
        fn wait(&self, how_long: Duration) -> Result<(), Interrupted> {
            self.1.set(self.1.get() + how_long);
            Ok(())
        }
    }

    impl Clocks for Standing {
        fn read(&self) -> Reading {
            Reading { wall: self.0, awake: self.1.get(), asleep: Duration::ZERO }
        }
    }

    fn policy(text: &str) -> Policy {
        let layer = Layer { origin: Origin::File("p.toml".to_owned()), text: text.to_owned() };
        read(&[layer], &[]).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn body(status: u16, body: &str) -> Served {
        let length = body.len();
        Served::Text(format!(
            "HTTP/1.1 {status} Word\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ))
    }

    fn vector(series: &str) -> Served {
        body(200, &format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#))
    }

    fn value(number: &str) -> Served {
        vector(&format!(r#"{{"metric":{{}},"value":[1760270700,"{number}"]}}"#))
    }

    fn scalar(number: &str) -> Served {
        body(
            200,
            &format!(r#"{{"status":"success","data":{{"resultType":"scalar","result":[1,"{number}"]}}}}"#),
        )
    }

    /// 2025-10-12T12:05:00Z.
    const NOW: i64 = 1_760_270_700;

    /// What a policy makes of these answers, asked in a second of no length.
    fn examined(policy: &Policy, answers: Vec<Served>, interval: u64) -> (Examined, Vec<Examined>) {
        let asked = answers.len();
        let server = TestServer::start(answers).expect("a server");
        let target = Target::new(&server.url(""), &Auth::None, &[]).expect("acceptable");
        let mut source =
            PrometheusSource::new(Store::new(target.clone(), "", QUICK), policy.run.queries.clone());
        let settings = SourceSettings::Prometheus { url: server.url(""), selector: String::new() };
        let clocks = Standing(DateTime::from_timestamp(NOW, 0).expect("a time"), Cell::default());
        let mut patient = Patient {
            policy,
            settings: &settings,
            source: &mut source,
            server: Some(&target),
            interval: Duration::from_secs(interval),
            clocks: &clocks,
            is_clock_fixed: false,
            beside: None,
            unreachable: None,
            sampler: None,
        };
        let clock = patient.clock().expect("not interrupted");
        // Nothing more is asked where no more answers are there.
        let lines = if server.requests().len() < asked {
            patient.source().expect("not interrupted")
        } else {
            Vec::new()
        };
        (clock, lines)
    }

    const THREE: &str = "extends = \"none\"
        [kpi.a]
        unit = \"ms\"
        direction = \"lower\"
        highest = 100
        [kpi.b]
        unit = \"ratio\"
        direction = \"lower\"
        [kpi.c]
        unit = \"1\"
        direction = \"higher\"
        [iteration_pass.kpi.a]
        comparison = \"<=\"
        limit = 50
        [prometheus.a]
        query = \"a\"
        optional = false
        [prometheus.b]
        query = \"b\"
        optional = false
        [prometheus.c]
        query = \"c\"
        optional = true
        ";

    /// Name, health and message of the lines about numbers.
    fn numbers(answers: [Served; 3]) -> Vec<(String, Health, String)> {
        let policy = policy(THREE);
        let mut asked: Vec<String> = policy.run.queries.iter().map(|query| query.metric.clone()).collect();
        asked.retain(|name| ["a", "b", "c"].contains(&name.as_str()));
        assert_eq!(asked, ["a", "b", "c"]);
        let only = Policy {
            run: crate::core::policy::run::RunPolicy {
                queries: policy.run.queries.iter().filter(|query| query.metric.len() == 1).cloned().collect(),
                ..policy.run.clone()
            },
            ..policy
        };
        let answers = std::iter::once(scalar(&NOW.to_string())).chain(answers).collect();
        let (_, lines) = examined(&only, answers, 300);
        assert!(lines.iter().all(|line| line.of_source));
        let about = lines.into_iter().filter(|line| line.name != "source");
        about.map(|line| (line.name, line.health, line.message)).collect()
    }

    fn line(name: &str, health: Health, message: &str) -> (String, Health, String) {
        (name.to_owned(), health, message.to_owned())
    }

    #[test]
    fn every_number_is_a_line_with_its_unit() {
        assert_eq!(
            numbers([value("12.4"), value("0.0125"), value("7")]),
            [line("a", Health::Ok, "12 ms"), line("b", Health::Ok, "0.013"), line("c", Health::Ok, "7.000"),]
        );
    }

    #[test]
    fn what_is_missing_or_cannot_be_fails_where_the_run_needs_it_and_is_a_warning_elsewhere() {
        assert_eq!(
            numbers([value("100.5"), vector(""), value("NaN")]),
            [
                line("a", Health::Failed, "is 100.5, which cannot be, and was left out"),
                line("b", Health::Failed, "no series"),
                line("c", Health::Warn, "no events"),
            ]
        );
        let told = numbers([value("1"), value("0"), vector("")]);
        assert_eq!(told[2], line("c", Health::Warn, "no value to judge"));
    }

    /// The lines about a source that is asked from a machine whose clock is right.
    fn of_source(
        policy: &Policy,
        source: &mut PrometheusSource,
        url: String,
        selector: &str,
    ) -> Vec<Examined> {
        let settings = SourceSettings::Prometheus { url, selector: selector.to_owned() };
        let clocks = Standing(DateTime::from_timestamp(NOW, 0).expect("a time"), Cell::default());
        Patient {
            policy,
            settings: &settings,
            source,
            server: None,
            interval: Duration::from_secs(60),
            clocks: &clocks,
            is_clock_fixed: false,
            beside: None,
            unreachable: None,
            sampler: None,
        }
        .source()
        .expect("not interrupted")
    }

    /// The hint on `b`, whose query is this, where the store answers it so.
    fn hint_on_b(query: &str, selector: &str, answer: Served) -> String {
        let text = THREE.replace("query = \"b\"", &format!("query = \"{query}\""));
        let policy = policy(&text);
        let server = TestServer::start(vec![value("1"), answer, value("1")]).expect("a server");
        let target = Target::new(&server.url(""), &Auth::None, &[]).expect("acceptable");
        let queries = policy.run.queries.iter().filter(|query| query.metric.len() == 1).cloned().collect();
        let mut source = PrometheusSource::new(Store::new(target, selector, QUICK), queries);
        let lines = of_source(&policy, &mut source, server.url(""), selector);
        lines.into_iter().find(|line| line.name == "b").and_then(|line| line.hint).expect("a hint")
    }

    #[test]
    fn a_hint_names_the_likely_cause_and_the_way_out() {
        let out = "Else change the query in `[prometheus.b]`, or take it out: `enabled = false` in `[kpi.b]`";
        let of_a_gauge = hint_on_b("b{$selector}", "job=\"x\"", vector(""));
        assert_eq!(of_a_gauge, format!("has the store this metric for `--selector`? {out}"));
        let of_a_rate = hint_on_b("rate(b[$window])", "", vector(""));
        assert!(
            of_a_rate.starts_with("a rate needs an interval of at least four scrapes; has the store"),
            "{of_a_rate}"
        );
        let refused = || body(400, r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#);
        let unquoted = hint_on_b("b{$selector}", "job=x", refused());
        assert_eq!(unquoted, "values of `--selector` are quoted, as in `job=\"checkout\"`; it is `job=x`");
        let idle = hint_on_b("b", "", value("NaN"));
        assert!(idle.starts_with("nothing happened in the interval: put load on the service"), "{idle}");
    }

    #[test]
    fn an_interval_holds_enough_scrapes_for_a_rate() {
        let text = "[prometheus.net_bps]\nquery = \"rate(n[$window])\"\n";
        let policy = policy(text);
        let mut queries = policy.run.queries.clone();
        queries.retain(|query| query.metric == "net_bps");
        let only =
            Policy { run: crate::core::policy::run::RunPolicy { queries, ..policy.run.clone() }, ..policy };
        let told = |known: Served, scrapes: Served| {
            let (_, lines) = examined(&only, vec![scalar(&NOW.to_string()), value("3"), known, scrapes], 60);
            lines.into_iter().find(|line| line.name == "scrapes").map(|line| (line.health, line.message))
        };
        let line = |health, scrapes: &str| Some((health, format!("{scrapes} in an interval of 60 s")));
        assert_eq!(told(value("40"), value("4")), line(Health::Ok, "4 scrapes"));
        assert_eq!(told(value("40"), value("3")), line(Health::Warn, "3 scrapes"));
        assert_eq!(told(value("40"), value("1")), line(Health::Failed, "1 scrape"));
        assert_eq!(told(value("40"), vector("")), line(Health::Failed, "0 scrapes"));
        assert_eq!(told(vector(""), value("4")), None, "`up` does not have the labels");
        assert_eq!(told(Served::status(500), value("4")), None);
    }

    #[test]
    fn targets_are_up_and_of_one_job() {
        let told = |selector: &str, up: &[(&str, &str)]| {
            let policy = policy(&THREE.replace("query = \"a\"", "query = \"a{$selector}\""));
            let series = |(job, value): &(&str, &str)| {
                format!(r#"{{"metric":{{"job":"{job}","i":"{job}"}},"value":[1760270700,"{value}"]}}"#)
            };
            let up = vector(&up.iter().map(series).collect::<Vec<_>>().join(","));
            let server = TestServer::start(vec![value("1"), up]).expect("a server");
            let target = Target::new(&server.url(""), &Auth::None, &[]).expect("acceptable");
            let mut queries = policy.run.queries.clone();
            queries.retain(|query| query.metric == "a");
            let mut source = PrometheusSource::new(Store::new(target, selector, QUICK), queries);
            let lines = of_source(&policy, &mut source, server.url(""), selector);
            lines.into_iter().find(|line| line.name == "targets").map(|line| (line.health, line.message))
        };
        let line = |health, message: &str| Some((health, message.to_owned()));
        assert_eq!(told("", &[]), None, "`up` does not have the labels");
        assert_eq!(told("", &[("shop", "1")]), line(Health::Ok, "1 target is up"));
        assert_eq!(told("", &[("shop", "1"), ("shop", "1")]), line(Health::Ok, "2 targets are up"));
        let two = [("prometheus", "1"), ("shop", "1")];
        let message = "the queries take in 2 targets of 2 jobs: `prometheus`, `shop`";
        assert_eq!(told("", &two), line(Health::Failed, message));
        assert_eq!(told("env=\"soak\"", &two), line(Health::Warn, message), "it was asked for");
        assert_eq!(
            told("", &[("shop", "1"), ("cart", "0")]),
            line(Health::Failed, "1 of 2 targets is down, `up` is 0: {i=\"cart\",job=\"cart\"} 0")
        );
    }

    #[test]
    fn several_series_are_told() {
        let two = vector(
            r#"{"metric":{"i":"1"},"value":[1760270700,"1"]},{"metric":{"i":"2"},"value":[1760270700,"2"]}"#,
        );
        let told = numbers([value("1"), two, value("1")]);
        assert_eq!((told[1].0.as_str(), told[1].1), ("b", Health::Failed));
        assert!(told[1].2.starts_with("2 series"), "{told:?}");
    }

    #[test]
    fn the_clock_may_differ_by_what_a_run_takes_for_no_step() {
        let policy = policy("");
        let ahead = |server: f64, interval| examined(&policy, vec![scalar(&server.to_string())], interval).0;
        let now = NOW as f64;
        for (server, interval, health) in [
            (now, 10, Health::Ok),
            (now - 2.0, 10, Health::Ok),
            (now - 2.5, 10, Health::Failed),
            (now + 2.5, 10, Health::Failed),
            // A twentieth of five minutes is 15 s.
            (now + 15.0, 300, Health::Ok),
            (now + 15.5, 300, Health::Failed),
        ] {
            assert_eq!(ahead(server, interval).health, health, "{server} {interval}");
        }
        assert_eq!(ahead(now - 60.0, 10).message, "60.0 s ahead of the server's; at most 2 s are fine");
        assert_eq!(ahead(now + 60.0, 10).message, "60.0 s behind the server's; at most 2 s are fine");
        assert!(!ahead(now - 60.0, 10).of_source);
    }

    #[test]
    fn a_server_that_refuses_us_is_a_failed_source_and_says_no_time() {
        let policy = policy("");
        let (clock, lines) = examined(&policy, vec![Served::status(401), Served::status(401)], 300);
        assert_eq!(clock.health, Health::Skipped);
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((line.name.as_str(), line.health), ("source", Health::Failed));
        assert!(line.message.contains("check the token"), "{line:?}");
    }

    #[test]
    fn restarts_are_asked_for_where_the_policy_has_a_query() {
        let policy = policy("[restarts]\nquery = \"r\"\n[prometheus.net_bps]\nquery = \"n\"\n");
        let only = Policy {
            run: crate::core::policy::run::RunPolicy {
                queries: policy
                    .run
                    .queries
                    .iter()
                    .filter(|query| query.metric == "net_bps")
                    .cloned()
                    .collect(),
                ..policy.run.clone()
            },
            ..policy
        };
        let told = |answer: Served| {
            let (_, lines) = examined(&only, vec![scalar(&NOW.to_string()), value("3"), answer], 300);
            lines.into_iter().find(|line| line.name == "restarts").expect("a line")
        };
        let two = told(value("2"));
        assert_eq!((two.health, two.message.as_str()), (Health::Ok, "2 in the last interval"));
        let refused = body(400, r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#);
        let wrong = told(refused);
        assert_eq!(wrong.health, Health::Warn);
        assert!(wrong.message.contains("parse error"), "{wrong:?}");
    }

    #[test]
    fn the_interval_of_the_question_ends_now() {
        let server = TestServer::start(vec![value("1")]).expect("a server");
        let target = Target::new(&server.url(""), &Auth::None, &[]).expect("acceptable");
        let policy = policy("");
        let queries = vec![policy.run.queries[0].clone()];
        let mut source = PrometheusSource::new(Store::new(target, "", QUICK), queries);
        let settings = SourceSettings::Prometheus { url: server.url(""), selector: String::new() };
        let clocks = Standing(DateTime::from_timestamp(NOW, 0).expect("a time"), Cell::default());
        let mut patient = Patient {
            policy: &policy,
            settings: &settings,
            source: &mut source,
            server: None,
            interval: TimeDelta::seconds(60).to_std().expect("positive"),
            clocks: &clocks,
            is_clock_fixed: false,
            beside: None,
            unreachable: None,
            sampler: None,
        };
        patient.source().expect("not interrupted");
        assert_eq!(clocks.1.get(), Duration::ZERO, "no interval is waited for");
        let body = &server.requests()[0].body;
        assert!(body.contains("time=1760270700.000") && body.contains("60s"), "{body}");
    }
}
