//! Restarts of the system under test and marks such as a deploy, as the metrics store and files show them, at the end of
//! each iteration.
//!
//! What cannot be found out is a note and no failure of the iteration; restarts that may have been missed are recorded
//! as such, because none seen is then no proof.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::core::iteration::events::{Events, Restarts};
use crate::core::policy::events::{EventRules, MarkedBy, PhaseMark};
use crate::core::series::instant;
use crate::core::text::excerpt;
use crate::core::text::printable::printable;
use crate::infra::atomic_file;
use crate::infra::clock::{Interrupted, Wait};
use crate::run::source::store::{Every, Patience, Series, Store, Told, Unanswered};

/// Marks that an iteration records; a query may bring any number of series.
const MOST_MARKS: usize = 20;
/// Characters of the name of a mark.
const LONGEST_NAME: usize = 60;

/// What happened in an iteration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Happened {
    pub events: Events,
    /// The first mark during which restarts are expected; `None` = there is none.
    pub expecting: Option<String>,
    /// What could not be found out, for a person.
    pub notes: Vec<String>,
}

/// Looks for restarts and marks.
#[derive(Debug)]
pub(crate) struct EventWatch<'a> {
    rules: &'a EventRules,
    /// `None` = no server is known.
    store: Option<Store>,
    /// Until when somebody has looked.
    seen: Option<DateTime<Utc>>,
    /// What has been noted; once is enough.
    noted: BTreeSet<String>,
}

/// Names of marks, and notes about lines that are none.
type MarksAndNotes = (Vec<String>, Vec<String>);

/// A stretch of time, from its start to its end.
type Stretch = (DateTime<Utc>, DateTime<Utc>);

impl<'a> EventWatch<'a> {
    pub(crate) fn new(rules: &'a EventRules, store: Option<Store>) -> Self {
        Self { rules, store, seen: None, noted: BTreeSet::new() }
    }

    /// Continues where an earlier process of the run ended: what happened since then belongs to the next iteration.
    #[must_use]
    pub(crate) fn after(self, seen: Option<DateTime<Utc>>) -> Self {
        Self { seen, ..self }
    }

    /// Looks at an iteration. Restarts since the one before count, so that none is lost in between. Queries that fail are
    /// asked again for so long.
    pub(crate) fn look(
        &mut self,
        (starts, ends): Stretch,
        patience: Duration,
        wait: &dyn Wait,
    ) -> Result<Happened, Interrupted> {
        let mut happened = Happened::default();
        let since = self.seen.replace(ends).filter(|seen| *seen <= starts).unwrap_or(starts);
        let mut patience = Patience::of(patience);
        for phase in &self.rules.phases {
            match self.marks(phase, (starts, ends), &mut patience, wait)? {
                Ok((marks, notes)) => {
                    if phase.expects_restarts && happened.expecting.is_none() {
                        happened.expecting = marks.first().cloned();
                    }
                    happened.events.marks.extend(marks);
                    happened.notes.extend(notes);
                }
                Err(reason) => happened.notes.push(format!("`phase.{}`: {reason}", phase.name)),
            }
        }
        let mut known = BTreeSet::new();
        happened.events.marks.retain(|mark| known.insert(mark.clone()));
        happened.events.marks.truncate(MOST_MARKS);
        happened.events.restarts = self.restarts((since, ends), &mut patience, wait)?;
        happened.notes.extend(patience.note());
        happened.notes.retain(|note| self.noted.insert(note.clone()));
        Ok(happened)
    }

    fn restarts(
        &self,
        stretch: Stretch,
        patience: &mut Patience,
        wait: &dyn Wait,
    ) -> Result<Option<Restarts>, Interrupted> {
        let (Some(query), Some(store)) = (self.rules.restarts.query_in_force(), &self.store) else {
            return Ok(None);
        };
        let counted = ask(store, query, stretch, patience, wait)?.and_then(|answer| {
            let series = numbers(answer)?;
            if series.is_empty() {
                return Err("the query brought no series".to_owned());
            }
            let sum: f64 = series.iter().map(|one| one.value).sum();
            whole(sum).ok_or_else(|| format!("{sum} is no number of restarts"))
        });
        Ok(Some(match counted {
            Ok(count) => Restarts { count, ..Restarts::default() },
            Err(reason) => Restarts { unknown: Some(reason), ..Restarts::default() },
        }))
    }

    /// The names of the marks that are on in a stretch, and notes; the error says why there may be some.
    fn marks(
        &self,
        phase: &PhaseMark,
        stretch: Stretch,
        patience: &mut Patience,
        wait: &dyn Wait,
    ) -> Result<Result<MarksAndNotes, String>, Interrupted> {
        let query = match &phase.by {
            MarkedBy::File(path) => return Ok(of_file(path, &phase.name, stretch)),
            MarkedBy::Query(query) => query,
        };
        let Some(store) = &self.store else { return Ok(Ok(Default::default())) };
        Ok(ask(store, query, stretch, patience, wait)?.and_then(numbers).map(|numbers| {
            let on = numbers.iter().filter(|one| one.value != 0.0);
            let label = |one: &Series| one.labels.get(phase.label.as_ref()?).cloned();
            let names = on.map(|one| short(label(one).as_ref().unwrap_or(&phase.name)));
            (names.collect(), Vec::new())
        }))
    }
}

/// Asks for the end of a stretch; `$window` is its length.
fn ask(
    store: &Store,
    query: &str,
    (starts, ends): Stretch,
    patience: &mut Patience,
    wait: &dyn Wait,
) -> Result<Result<Every, String>, Interrupted> {
    let window = (ends - starts).to_std().unwrap_or_default().max(Duration::from_millis(1));
    match store.ask(query, window, ends, patience, wait) {
        Ok(Ok(Told { is_partial: true, .. })) => Ok(Err("the server has only part of the data".to_owned())),
        Ok(told) => Ok(told.map(|told| told.answer)),
        Err(Unanswered::Failed(reason)) => Ok(Err(reason)),
        Err(Unanswered::Interrupted) => Err(Interrupted),
    }
}

/// The series of an answer that are numbers; the error says why there are none.
fn numbers(answer: Every) -> Result<Vec<Series>, String> {
    match answer {
        Every::Series(series) => match series.iter().find(|one| !one.value.is_finite()) {
            Some(one) => Err(format!("its value is {}", one.value)),
            None => Ok(series),
        },
        Every::OtherKind(kind) => Err(format!("the result is a {kind}, expected numbers")),
        Every::Refused(words) => Err(format!("the server refused the query: {words}")),
    }
}

/// A count, to the nearest whole number: `increase` extrapolates. `None` where it is below 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked: in range")]
fn whole(sum: f64) -> Option<u64> {
    (-0.5..1e15).contains(&sum).then(|| sum.round().max(0.0) as u64)
}

fn short(name: &str) -> String {
    excerpt(&printable(name), LONGEST_NAME)
}

/// A line of a file of marks. With `from` alone the mark is on until a line with its name and `to`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    to: Option<String>,
}

/// The marks of a file that overlap a stretch, and a note about lines that are none.
fn of_file(path: &Path, usual: &str, (starts, ends): Stretch) -> Result<MarksAndNotes, String> {
    if !atomic_file::exists(path) {
        // Nothing has been marked yet.
        return Ok((Vec::new(), vec![format!("`phase.{usual}`: `{}` is not there yet", path.display())]));
    }
    let text = atomic_file::read_text(path).map_err(|error| error.to_string())?;
    let mut marks: Vec<Timed> = Vec::new();
    let mut wrong = Vec::new();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (index, line) in lines {
        match mark(line, usual) {
            Ok((name, Some(from), to)) => marks.push((name, from, to)),
            Ok((name, None, Some(to))) => {
                let is_open = |(open, from, end): &&mut Timed| *open == name && end.is_none() && *from <= to;
                match marks.iter_mut().rev().find(is_open) {
                    Some((.., end)) => *end = Some(to),
                    None => wrong.push((index, format!("`{name}` ends and never began"))),
                }
            }
            Ok((_, None, None)) => wrong.push((index, "has neither `from` nor `to`".to_owned())),
            Err(problem) => wrong.push((index, problem)),
        }
    }
    let overlaps =
        |from: DateTime<Utc>, to: Option<DateTime<Utc>>| from < ends && to.is_none_or(|to| to > starts);
    let on = marks.into_iter().filter(|(_, from, to)| overlaps(*from, *to)).map(|(name, ..)| name);
    let notes = wrong.first().map(|(index, problem)| {
        let more =
            if wrong.len() > 1 { format!(", and {} more lines", wrong.len() - 1) } else { String::new() };
        format!("`phase.{usual}`: line {} of `{}` is no mark: {problem}{more}", index + 1, path.display())
    });
    Ok((on.collect(), notes.into_iter().collect()))
}

type Mark = (String, Option<DateTime<Utc>>, Option<DateTime<Utc>>);
/// A mark whose beginning is known; without an end it is still on.
type Timed = (String, DateTime<Utc>, Option<DateTime<Utc>>);

fn mark(line: &str, usual: &str) -> Result<Mark, String> {
    let Line { name, from, to } = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let time = |key: &str, text: Option<String>| match text {
        None => Ok(None),
        Some(text) => match instant::parse(&text) {
            Some(time) => Ok(Some(time.at)),
            None => Err(format!("`{key}` is `{}`, expected an RFC 3339 time", printable(&text))),
        },
    };
    let (from, to) = (time("from", from)?, time("to", to)?);
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        return Err("`to` is before `from`".to_owned());
    }
    Ok((short(name.as_deref().unwrap_or(usual)), from, to))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::core::policy::events::RestartRules;
    use crate::infra::http::{Auth, Target};
    use crate::infra::test_server::{Answer as Served, QUICK, TestServer};
    use crate::run::source::test_wait::NoWait;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_760_270_400 + seconds, 0).expect("a time")
    }

    fn rules(restarts: Option<&str>, phases: Vec<PhaseMark>) -> EventRules {
        let query = restarts.map(str::to_owned);
        EventRules { restarts: RestartRules { is_on: true, query, expected: None }, phases }
    }

    fn phase(name: &str, by: MarkedBy, label: Option<&str>, expects_restarts: bool) -> PhaseMark {
        PhaseMark { name: name.to_owned(), by, label: label.map(str::to_owned), expects_restarts }
    }

    fn vector(series: &[(&str, &str)]) -> Served {
        let series: Vec<String> = series
            .iter()
            .map(|(stage, value)| {
                format!(r#"{{"metric":{{"stage":"{stage}"}},"value":[1760270700,"{value}"]}}"#)
            })
            .collect();
        let data = format!(r#"{{"resultType":"vector","result":[{}]}}"#, series.join(","));
        Served::with_body(200, &format!(r#"{{"status":"success","data":{data}}}"#))
    }

    fn watch<'a>(rules: &'a EventRules, server: &TestServer) -> EventWatch<'a> {
        let target = Target::new(&server.url(""), &Auth::None, &[]).expect("acceptable");
        EventWatch::new(rules, Some(Store::new(target, "job=\"x\"", QUICK)))
    }

    fn looked(rules: &EventRules, answers: Vec<Served>) -> Happened {
        let server = TestServer::start(answers).expect("a server");
        let stretch = (at(0), at(300));
        watch(rules, &server)
            .look(stretch, Duration::from_secs(60), &NoWait::doing(|| ()))
            .expect("not interrupted")
    }

    fn restarts(answer: Served) -> Restarts {
        looked(&rules(Some("restarts"), vec![]), vec![answer]).events.restarts.expect("somebody looked")
    }

    #[test]
    fn restarts_of_all_series_are_added_up() {
        let counts = [
            (vec![("a", "0")], 0),
            (vec![("a", "2")], 2),
            (vec![("a", "1"), ("b", "2")], 3),
            // What `increase` makes of one.
            (vec![("a", "1.034")], 1),
            (vec![("a", "-0.2")], 0),
        ];
        for (series, count) in counts {
            assert_eq!(restarts(vector(&series)), Restarts { count, ..Restarts::default() }, "{series:?}");
        }
    }

    #[test]
    fn restarts_that_cannot_be_counted_are_unknown_and_say_why() {
        for (answer, why) in [
            (vector(&[]), "the query brought no series"),
            (vector(&[("a", "NaN"), ("b", "1")]), "its value is NaN"),
            (vector(&[("a", "-3")]), "-3 is no number of restarts"),
            (Served::status(401), "answered 401: check the token"),
            (
                Served::with_body(400, r#"{"status":"error","errorType":"bad_data","error":"parse"}"#),
                "the server refused the query: bad_data: parse",
            ),
        ] {
            let found = restarts(answer);
            assert_eq!(found.count, 0);
            assert!(found.unknown.as_ref().is_some_and(|reason| reason.contains(why)), "{found:?}");
        }
    }

    #[test]
    fn a_query_of_restarts_reaches_back_to_the_end_of_the_iteration_before() {
        let rules = rules(Some("r{$selector}[$window]"), vec![]);
        let server = TestServer::start(vec![vector(&[]); 3]).expect("a server");
        let mut watch = watch(&rules, &server);
        // The second begins 30 s late; the third after the clock was set back.
        for (starts, ends) in [(0, 300), (330, 630), (500, 800)] {
            watch.look((at(starts), at(ends)), Duration::ZERO, &NoWait::doing(|| ())).expect("a look");
        }
        let asked: Vec<String> = server.requests().into_iter().map(|request| request.body).collect();
        for (body, window) in asked.iter().zip(["300s", "330s", "300s"]) {
            assert!(body.starts_with(&format!("query=r%7Bjob%3D%22x%22%7D%5B{window}%5D&time=")), "{body}");
        }
        assert_eq!(asked.len(), 3);
    }

    #[test]
    fn a_run_that_is_resumed_looks_back_to_its_last_iteration() {
        let rules = rules(Some("r[$window]"), vec![]);
        let server = TestServer::start(vec![vector(&[("a", "0")])]).expect("a server");
        let mut watch = watch(&rules, &server).after(Some(at(-1800)));
        watch.look((at(0), at(300)), Duration::ZERO, &NoWait::doing(|| ())).expect("a look");
        assert!(
            server.requests()[0].body.starts_with("query=r%5B2100s%5D&"),
            "half an hour and five minutes"
        );
    }

    #[test]
    fn a_query_marks_what_is_not_zero_and_a_label_names_it() {
        let by_label = phase("load", MarkedBy::Query("stage".to_owned()), Some("stage"), false);
        let happened = looked(
            &rules(None, vec![by_label]),
            vec![vector(&[("ramp", "1"), ("hold", "0"), ("x\u{200b}", "2")])],
        );
        assert_eq!(happened.events.marks, ["ramp", "x\u{fffd}"]);
        assert_eq!((happened.events.restarts, happened.expecting, happened.notes.len()), (None, None, 0));
        let named = phase("deploy", MarkedBy::Query("d".to_owned()), None, true);
        let happened = looked(&rules(None, vec![named.clone()]), vec![vector(&[("a", "1"), ("b", "1")])]);
        assert_eq!(happened.events.marks, ["deploy"]);
        assert_eq!(happened.expecting.as_deref(), Some("deploy"));
        let off = looked(&rules(None, vec![named]), vec![vector(&[("a", "0")])]);
        assert_eq!((off.events.marks.len(), off.expecting), (0, None));
    }

    #[test]
    fn a_mark_that_cannot_be_asked_for_is_a_note_and_only_once() {
        let rules = rules(None, vec![phase("deploy", MarkedBy::Query("d".to_owned()), None, true)]);
        let server = TestServer::start(vec![Served::status(404); 2]).expect("a server");
        let mut watch = watch(&rules, &server);
        let mut look =
            || watch.look((at(0), at(300)), Duration::ZERO, &NoWait::doing(|| ())).expect("a look");
        let first = look().notes;
        assert!(first.len() == 1 && first[0].starts_with("`phase.deploy`: `http://"), "{first:?}");
        assert_eq!(look().notes, Vec::<String>::new());
    }

    #[test]
    fn queries_share_the_time_for_asking_again() {
        let rules = rules(Some("r"), vec![phase("deploy", MarkedBy::Query("d".to_owned()), None, true)]);
        let happened = looked(&rules, vec![Served::status(503), vector(&[]), vector(&[("a", "1")])]);
        assert_eq!(happened.events.restarts.map(|restarts| restarts.count), Some(1));
        assert_eq!(happened.notes, ["the server was asked once more: the server answered 503"]);
    }

    #[test]
    fn more_marks_than_an_iteration_records_are_cut() {
        let names: Vec<String> = (0..50).map(|n| format!("stage {n:02} {}", "x".repeat(90))).collect();
        let series: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
        let load = phase("load", MarkedBy::Query("stage".to_owned()), Some("stage"), true);
        let marks = looked(&rules(None, vec![load]), vec![vector(&series)]).events.marks;
        assert_eq!((marks.len(), marks[0].chars().count()), (20, 60));
    }

    /// The marks of 12:00:00 to 12:05:00 in a file with this text, and the notes.
    fn marked(text: &str) -> (Vec<String>, Vec<String>) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        crate::infra::atomic_file::write(file.path(), text.as_bytes()).expect("written");
        let (marks, notes) = of_file(file.path(), "deploy", (at(0), at(300))).expect("a readable file");
        let path = file.path().display().to_string();
        (marks, notes.into_iter().map(|note| note.replace(&path, "F")).collect())
    }

    #[test]
    fn a_file_marks_the_iterations_that_its_stretches_overlap() {
        let line =
            |from: &str, to: &str| format!("{{\"from\":\"2025-10-12T{from}Z\",\"to\":\"2025-10-12T{to}Z\"}}");
        for (from, to, is_on) in [
            ("11:00:00", "12:00:00", false),
            ("11:00:00", "12:00:01", true),
            ("12:01:00", "12:02:00", true),
            ("12:04:59", "13:00:00", true),
            ("12:05:00", "13:00:00", false),
            ("11:00:00", "13:00:00", true),
        ] {
            let (marks, notes) = marked(&line(from, to));
            assert_eq!((marks.len(), notes.len()), (usize::from(is_on), 0), "{from} {to}");
        }
    }

    #[test]
    fn a_mark_without_an_end_is_on_until_a_line_ends_it() {
        let open = "{\"name\":\"v2\",\"from\":\"2025-10-12T11:00:00Z\"}\n";
        assert_eq!(marked(open).0, ["v2"]);
        let ended = format!("{open}\n{{\"name\":\"v2\",\"to\":\"2025-10-12T11:30:00Z\"}}\n");
        assert_eq!(marked(&ended), (vec![], vec![]));
        let again = format!("{ended}{{\"name\":\"v2\",\"from\":\"2025-10-12T12:03:00Z\"}}\n");
        assert_eq!(marked(&again).0, ["v2"]);
    }

    #[test]
    fn lines_that_are_no_marks_are_noted_and_the_others_count() {
        let good = "{\"from\":\"2025-10-12T12:00:00Z\"}";
        for (line, why) in [
            ("deploy", "is no mark: expected value"),
            ("{\"form\":\"x\"}", "is no mark: unknown field `form`"),
            ("{}", "is no mark: has neither `from` nor `to`"),
            ("{\"from\":\"noon\"}", "is no mark: `from` is `noon`, expected an RFC 3339 time"),
            ("{\"name\":\"a\",\"to\":\"2025-10-12T12:00:00Z\"}", "is no mark: `a` ends and never began"),
            (
                "{\"from\":\"2025-10-12T12:00:00Z\",\"to\":\"2025-10-12T11:00:00Z\"}",
                "is no mark: `to` is before `from`",
            ),
        ] {
            let (marks, notes) = marked(&format!("{line}\n{good}\n"));
            assert_eq!(marks, ["deploy"], "{line}");
            assert!(notes.len() == 1 && notes[0].starts_with("`phase.deploy`: line 1 of `F` "), "{notes:?}");
            assert!(notes[0].contains(why), "{notes:?}");
        }
        let (_, notes) = marked("x\ny\nz\n");
        assert!(notes[0].ends_with(", and 2 more lines"), "{notes:?}");
    }

    #[test]
    fn a_file_that_is_not_there_yet_marks_nothing_and_is_noted() {
        let rules =
            rules(None, vec![phase("deploy", MarkedBy::File(PathBuf::from("no/such.jsonl")), None, true)]);
        let mut watch = EventWatch::new(&rules, None);
        let happened = watch.look((at(0), at(300)), Duration::ZERO, &NoWait::doing(|| ())).expect("a look");
        assert_eq!(happened.notes, ["`phase.deploy`: `no/such.jsonl` is not there yet"]);
        assert!(happened.events.is_empty());
    }

    #[test]
    fn without_a_store_nothing_is_asked_and_no_restarts_are_recorded() {
        let rules = rules(Some("r"), vec![phase("deploy", MarkedBy::Query("d".to_owned()), None, true)]);
        let mut watch = EventWatch::new(&rules, None);
        let happened = watch.look((at(0), at(300)), Duration::ZERO, &NoWait::doing(|| ())).expect("a look");
        assert_eq!(happened, Happened::default());
    }
}
