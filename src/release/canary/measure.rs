//! The measurements of a canary, step by step: queried from a server, or taken from the iterations of a run folder by their
//! times.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;
use chrono::{DateTime, TimeDelta, Utc};

use super::timeline::{Readings, Stretch, Timeline, Trouble, rfc3339};
use crate::core::analysis::Origin;
use crate::core::load;
use crate::core::policy::Policy;
use crate::core::series::Series;
use crate::core::verdict::evidence::Evidence;
use crate::core::verdict::failure::Failure;
use crate::infra::clock::Wait;
use crate::infra::http::Limits;
use crate::infra::http::Target;
use crate::run::source::store::{Range, query_range};
use crate::run::source::store::{RangeAnswer, Sample};

/// A server that is queried for the steps of the canary: each metric's query of the policy, over the step that ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server<'a> {
    pub(crate) target: &'a Target,
    /// The value of `$selector`.
    pub(crate) selector: &'a str,
    /// Time-outs and tries.
    pub(crate) limits: &'a Limits,
}

/// Times that are queried at once: servers refuse more than 11 000.
const MOST_AT_ONCE: usize = 5000;

/// How far a sample may be from the queried time, seconds. Servers that move the times to multiples of
/// the step are further off.
const NEAR: f64 = 1.0;

/// The metrics, step by step. A server that cannot be queried is an error; a query that brings nothing is not.
pub(super) fn from_server(
    server: &Server<'_>,
    metrics: &BTreeSet<&str>,
    policy: &Policy,
    timeline: &Timeline,
    wait: &dyn Wait,
) -> Result<BTreeMap<String, Readings>, Failure> {
    let mut found = BTreeMap::new();
    for metric in metrics {
        let query = policy.run.queries.iter().find(|query| query.metric == *metric);
        let readings = match query {
            None => Readings::absent(
                timeline.steps(),
                format!("the policy has no query `prometheus.{metric}.query`"),
            ),
            Some(query) => one(server, metric, &query.query, policy, timeline, wait)?,
        };
        found.insert((*metric).to_owned(), readings);
    }
    Ok(found)
}

fn one(
    server: &Server<'_>,
    metric: &str,
    query: &str,
    policy: &Policy,
    timeline: &Timeline,
    wait: &dyn Wait,
) -> Result<Readings, Failure> {
    let steps = timeline.steps();
    let mut values = Vec::with_capacity(steps);
    let mut trouble = None;
    while values.len() < steps {
        interrupted(wait)?;
        let first = values.len();
        let last = (first + MOST_AT_ONCE).min(steps) - 1;
        let range = Range {
            first: timeline.end_of(first),
            last: timeline.end_of(last),
            step: timeline.step().to_std().unwrap_or_default(),
        };
        let Server { target, selector, limits } = server;
        let answer = query_range(target, query, selector, &range, limits, wait);
        let answer = answer.or_else(|problem| {
            interrupted(wait)?;
            Err(Failure::external(anyhow!(problem)).hint(
                "nothing was judged; `--prometheus-url` takes the server's address, with its path prefix",
            ))
        })?;
        let broken = |reason: String| Readings::broken(steps, format!("`{metric}`: {reason}"));
        if answer.is_partial {
            return Ok(broken("the server has only part of the data".to_owned()));
        }
        match answer.answer {
            RangeAnswer::Nothing => {}
            RangeAnswer::One(samples) => {
                trouble = put(&samples, metric, policy, timeline, (first, last), &mut values).or(trouble);
            }
            RangeAnswer::Several(number) => {
                return Ok(broken(format!(
                    "{number} series, expected one; aggregate them in `prometheus.{metric}.query`, or narrow them \
                     down by `--selector`"
                )));
            }
            RangeAnswer::OtherKind(kind) => {
                return Ok(broken(format!("the result is a {kind}, expected a series of numbers")));
            }
            RangeAnswer::Refused(words) => {
                return Ok(broken(format!("the server refused `prometheus.{metric}.query`: {words}")));
            }
        }
        values.resize(last + 1, None);
    }
    if values.iter().all(Option::is_none) && trouble.is_none() {
        let reason = format!("`prometheus.{metric}.query` finds no series");
        trouble = Some(Trouble { reason, is_broken: false });
    }
    Ok(Readings { values, trouble })
}

/// A signal ends the asking.
fn interrupted(wait: &dyn Wait) -> Result<(), Failure> {
    wait.wait(Duration::ZERO).map_err(|_| Failure::interrupted(anyhow!("interrupted")))
}

/// Puts samples into their steps; what could not be used is the trouble.
fn put(
    samples: &[Sample],
    metric: &str,
    policy: &Policy,
    timeline: &Timeline,
    (first, last): (usize, usize),
    values: &mut Vec<Option<f64>>,
) -> Option<Trouble> {
    values.resize(last + 1, None);
    let kpi = policy.kpis.find(metric);
    let seconds = timeline.step().num_milliseconds() as f64 / 1000.0;
    let begins = timeline.end_of(first).timestamp_millis() as f64 / 1000.0;
    let mut trouble = None;
    let mut note = |reason: String| {
        trouble.get_or_insert(Trouble { reason: format!("`{metric}`: {reason}"), is_broken: true });
    };
    for Sample { at, value } in samples {
        let number = ((at - begins) / seconds).round();
        if (at - begins - number * seconds).abs() > NEAR || number < 0.0 || number > (last - first) as f64 {
            note("the server answers for other times than the requested ones".to_owned());
            continue;
        }
        let Some(raw) = *value else {
            note("its value is not finite".to_owned());
            continue;
        };
        let usable = match kpi {
            None => Some(raw),
            Some(kpi) => kpi.in_unit(raw, 1.0).filter(|value| kpi.is_possible(*value)),
        };
        if usable.is_none() {
            note(format!("{raw} cannot be"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number from 0 to the number of steps"
        )]
        let step = first + number as usize;
        values[step] = usable;
    }
    trouble
}

/// The metrics of a run folder, step by step, and where its data comes from. An iteration covers the time since the one before it, but no more than its run
/// declared, or than a step where none did.
pub(super) fn from_folder(
    path: &Path,
    symbol: Option<&str>,
    metrics: &BTreeSet<&str>,
    policy: &Policy,
    timeline: &Timeline,
    notes: &mut Vec<String>,
) -> Result<(BTreeMap<String, Readings>, Origin), Failure> {
    let loaded = load::load(path, &policy.kpis).map_err(|error| {
        Failure::input(error).hint("`--canary-run` names the folder with the ITER_SUMMARY_<n>.json files")
    })?;
    let evidence = &loaded.evidence;
    let declared = evidence.declared.as_ref();
    let origin = Origin::of(evidence, |source| policy.release.is_simulated(source));
    note_damage(evidence, notes);
    let Some(series) = series(path, symbol, evidence)? else {
        let reason = format!("`{}` has no iteration that can be read", loaded.folder.path().display());
        return Ok((nothing(metrics, timeline, &reason), origin));
    };
    let interval = declared.and_then(|declared| TimeDelta::from_std(declared.interval?).ok());
    let times = times(series, interval.unwrap_or_else(|| timeline.step()), notes);
    let covered: Vec<_> = times
        .iter()
        .enumerate()
        .filter_map(|(position, time)| Some((position, (*time)?)))
        .filter(|(_, (from, to))| *from < timeline.until && *to > timeline.since)
        .collect();
    if covered.is_empty() {
        let all: Vec<_> = times.iter().flatten().collect();
        let span = match (all.iter().map(|(from, _)| from).min(), all.iter().map(|(_, to)| to).max()) {
            (Some(from), Some(to)) => format!("they go from {} to {}", rfc3339(*from), rfc3339(*to)),
            _ => "none has a time".to_owned(),
        };
        let reason = format!(
            "no iteration of `{}` lies in the time of the canary; {span}",
            loaded.folder.path().display()
        );
        return Ok((nothing(metrics, timeline, &reason), origin));
    }
    if let Some(first) = covered.iter().map(|(_, (from, _))| *from).min()
        && first - timeline.since > timeline.step()
    {
        let late = (first - timeline.since).num_minutes();
        notes.push(format!(
            "the iterations of `{}` begin at {}, {late} minutes after the start of the canary",
            loaded.folder.path().display(),
            rfc3339(first)
        ));
    }
    let of_metric = |metric: &&str| {
        let Some(kpi) = policy.kpis.find(metric) else {
            return Err(format!(
                "; `[kpi.{metric}]` in the policy declares it, so that `soak run` writes it, or the policy of \
                 the bundle makes its triggers `optional`"
            ));
        };
        let column = series.column(kpi);
        let stretch = |(position, (from, to)): &(usize, (DateTime<Utc>, DateTime<Utc>))| {
            Some(Stretch { from: *from, to: *to, value: column.get(*position).copied().flatten()? })
        };
        let stretches: Vec<Stretch> = covered.iter().filter_map(stretch).collect();
        if stretches.is_empty() { Err(String::new()) } else { Ok(timeline.put(&stretches)) }
    };
    let readings = metrics.iter().map(|metric| {
        let readings = match of_metric(metric) {
            Ok(values) => Readings { values, trouble: None },
            Err(why) => Readings::absent(timeline.steps(), format!("no iteration has `{metric}`{why}")),
        };
        ((*metric).to_owned(), readings)
    });
    Ok((readings.collect(), origin))
}

fn nothing(metrics: &BTreeSet<&str>, timeline: &Timeline, reason: &str) -> BTreeMap<String, Readings> {
    metrics.iter().map(|metric| ((*metric).to_owned(), Readings::broken(timeline.steps(), reason))).collect()
}

/// The iterations of the symbol; `None` when there are none at all.
fn series<'e>(
    path: &Path,
    symbol: Option<&str>,
    evidence: &'e Evidence,
) -> Result<Option<&'e Series>, Failure> {
    let all = evidence.series.as_slice();
    let problem = match (symbol, all) {
        (_, []) => return Ok(None),
        (None, [one]) => return Ok(Some(one)),
        (None, _) => "has several symbols".to_owned(),
        (Some(name), _) => match all.iter().find(|series| series.symbol.as_deref() == Some(name)) {
            Some(series) => return Ok(Some(series)),
            None => format!("has no symbol `{name}`"),
        },
    };
    let known: Vec<&str> = all.iter().filter_map(|series| series.symbol.as_deref()).collect();
    let hint = match known.as_slice() {
        [] => "its iterations carry no symbol; leave `--symbol` out".to_owned(),
        known => format!("`--symbol` takes one of {}", known.join(", ")),
    };
    Err(Failure::usage(anyhow!("`{}` {problem}", path.display())).hint(hint))
}

/// The time that each iteration measured; `None` where it is not recorded.
fn times(
    series: &Series,
    longest: TimeDelta,
    notes: &mut Vec<String>,
) -> Vec<Option<(DateTime<Utc>, DateTime<Utc>)>> {
    let mut before: Option<DateTime<Utc>> = None;
    let times: Vec<_> = series
        .rows()
        .iter()
        .map(|row| {
            let to = row.instant()?;
            let earliest = to.checked_sub_signed(longest)?;
            let from = before.filter(|before| *before < to).map_or(earliest, |before| before.max(earliest));
            before = Some(to);
            Some((from, to))
        })
        .collect();
    let without = times.iter().filter(|time| time.is_none()).count();
    if without > 0 {
        notes.push(format!("{without} iterations have no usable time (`runtime_utc`) and are left out"));
    }
    times
}

/// What is wrong with the folder. It is time that nobody saw.
fn note_damage(evidence: &Evidence, notes: &mut Vec<String>) {
    if let Some(first) = evidence.bad_files.first() {
        let more = evidence.bad_files.len() - 1;
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        notes.push(format!("`{}` cannot be used: {}{more}", first.name, first.reason));
    }
    if let Some(first) = evidence.duplicates.first() {
        notes.push(format!("iteration {} has several files: {}", first.number, first.names.join(", ")));
    }
}

/// Answers to range queries, as servers and the proxies before them give them.
#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::core::verdict::Outcome;
    use crate::core::verdict::exit::Exit;
    use crate::infra::clock::StopRequest;
    use crate::infra::http::Auth;
    use crate::infra::test_server::{Answer, QUICK, TestServer};

    fn start() -> DateTime<Utc> {
        "2026-01-01T00:00:00Z".parse().expect("a time")
    }

    /// Unix seconds of the end of a step, from 0.
    fn end(step: i64) -> i64 {
        start().timestamp() + 300 * (step + 1)
    }

    fn policy() -> Policy {
        crate::core::policy::read(&[], &[]).expect("the built-in policy")
    }

    fn matrix(series: &[&str]) -> Answer {
        let series = series.iter().map(|values| format!(r#"{{"metric":{{}},"values":[{values}]}}"#));
        let series = series.collect::<Vec<_>>().join(",");
        Answer::with_body(
            200,
            &format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#),
        )
    }

    /// What one metric brings in so many steps, and the requests to the server.
    fn queried(metric: &str, steps: i64, answers: Vec<Answer>) -> (Result<Readings, Failure>, Vec<String>) {
        let server = TestServer::start(answers).expect("a server");
        let target = Target::new(&server.url("/prom"), &Auth::None, &[]).expect("acceptable");
        let policy = policy();
        let now = start() + TimeDelta::minutes(5 * steps);
        let timeline = Timeline::new(start(), now, &policy.release.canary, None).expect("a timeline");
        let queried_server = Server { target: &target, selector: "{job=\"mm\"}", limits: &QUICK };
        let metrics = BTreeSet::from([metric]);
        let found = from_server(&queried_server, &metrics, &policy, &timeline, &StopRequest::default());
        let one = found.map(|mut found| found.remove(metric).expect("the metric"));
        let requests =
            server.requests().into_iter().map(|request| format!("{}\n{}", request.head, request.body));
        (one, requests.collect())
    }

    fn reported(metric: &str, steps: i64, answer: Answer) -> Readings {
        queried(metric, steps, vec![answer]).0.expect("an answer")
    }

    #[test]
    fn every_step_is_queried_at_its_end_and_over_its_own_time() {
        let values = format!("[{},\"3.5\"],[{},\"-0.25\"]", end(0), end(2));
        let (found, requests) = queried("net_bps", 3, vec![matrix(&[&values])]);
        assert_eq!(
            found.expect("an answer"),
            Readings { values: vec![Some(3.5), None, Some(-0.25)], trouble: None }
        );
        let [request] = requests.as_slice() else { panic!("{requests:?}") };
        assert!(request.starts_with("POST /prom/api/v1/query_range HTTP/1.1\r\n"), "{request}");
        let expected = format!(
            "query=avg(avg_over_time(mm_net_bps%7Bjob%3D%22mm%22%7D%5B300s%5D))&start={}.000&end={}.000&step=300&nocache=1",
            end(0),
            end(2)
        );
        assert!(request.ends_with(&expected), "{request}");
    }

    #[test]
    fn what_cannot_be_used_is_named_and_never_a_value() {
        let one = format!("[{},\"1\"]", end(0));
        for (answer, outcome, reason) in [
            (matrix(&[]), Outcome::Inconclusive, "`prometheus.risk_ratio.query` finds no series"),
            (matrix(&[&one, &one]), Outcome::Invalid, "2 series, expected one"),
            (
                matrix(&[&format!("[{},\"NaN\"],[{},\"+Inf\"]", end(0), end(1))]),
                Outcome::Invalid,
                "is not finite",
            ),
            (matrix(&[&format!("[{},\"-0.5\"]", end(0))]), Outcome::Invalid, "-0.5 cannot be"),
            (
                matrix(&[&format!("[{},\"0.5\"]", end(0) + 60)]),
                Outcome::Invalid,
                "other times than the requested ones",
            ),
            (
                matrix(&[&format!("[{},\"0.5\"]", end(7))]),
                Outcome::Invalid,
                "other times than the requested ones",
            ),
            (
                Answer::with_body(
                    200,
                    r#"{"status":"success","isPartial":true,"data":{"resultType":"matrix","result":[]}}"#,
                ),
                Outcome::Invalid,
                "only part of the data",
            ),
            (
                Answer::with_body(200, r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#),
                Outcome::Invalid,
                "the result is a vector",
            ),
            (
                Answer::with_body(400, r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#),
                Outcome::Invalid,
                "the server refused `prometheus.risk_ratio.query`: bad_data: parse error",
            ),
        ] {
            let readings = reported("risk_ratio", 2, answer);
            assert!(readings.is_empty() && readings.values.len() == 2, "{reason}: {readings:?}");
            let (found, why) = readings.nothing();
            assert_eq!(found, outcome, "{why}");
            assert!(why.contains(reason), "{why}");
        }
        // A step that is not finite beside one that is.
        let mixed =
            reported("risk_ratio", 2, matrix(&[&format!("[{},\"NaN\"],[{},\"0.5\"]", end(0), end(1))]));
        assert_eq!(mixed.values, [None, Some(0.5)]);
        // As in a run: a ratio above 1 is a percentage.
        assert_eq!(
            reported("risk_ratio", 1, matrix(&[&format!("[{},\"42\"]", end(0))])).values,
            [Some(0.42)]
        );
        // A metric that the policy has no query for is not queried.
        let (found, requests) = queried("fees_bps", 2, Vec::new());
        assert_eq!(
            found.expect("no answer is needed").nothing().1,
            "the policy has no query `prometheus.fees_bps.query`"
        );
        assert!(requests.is_empty());
    }

    #[test]
    fn a_server_that_cannot_be_queried_is_an_error_that_names_it() {
        let html = Answer::with_body(200, "<html>login</html>");
        for (answers, words) in [
            (vec![html], "/prom` gave an answer that cannot be read"),
            (vec![Answer::status(401)], "/prom` answered 401: check the token"),
            (vec![Answer::status(404)], "/prom` answered 404: check the path of the URL"),
            (vec![Answer::status(503); 3], "/prom` cannot be queried: the server answered 503 (3 tries)"),
            (
                vec![Answer::with(302, &[("Location", "http://127.0.0.1:1/"), ("Content-Length", "0")])],
                "redirects are not followed",
            ),
        ] {
            let error = queried("net_bps", 2, answers).0.expect_err("no answer").sentence();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_long_canary_is_queried_in_pieces() {
        let piece = |from: i64, to: i64| {
            let mut values = String::new();
            for step in from..=to {
                let _ = write!(values, "{}[{},\"{step}\"]", if step == from { "" } else { "," }, end(step));
            }
            matrix(&[&values])
        };
        let (found, requests) = queried("net_bps", 5002, vec![piece(0, 4999), piece(5000, 5001)]);
        let expected: Vec<Option<f64>> = (0..5002).map(|step| Some(f64::from(step))).collect();
        assert_eq!(found.expect("answers").values, expected);
        assert_eq!(requests.len(), 2);
        assert!(
            requests[1].contains(&format!("start={}.000&end={}.000", end(5000), end(5001))),
            "{}",
            requests[1]
        );
    }

    #[test]
    fn a_signal_ends_the_asking() {
        let stop = StopRequest::default();
        stop.request();
        let policy = policy();
        let target = Target::new("http://127.0.0.1:1", &Auth::None, &[]).expect("acceptable");
        let server = Server { target: &target, selector: "", limits: &QUICK };
        let timeline = Timeline::new(start(), start() + TimeDelta::hours(1), &policy.release.canary, None)
            .expect("a timeline");
        let found = from_server(&server, &BTreeSet::from(["net_bps"]), &policy, &timeline, &stop);
        assert_eq!(found.expect_err("a signal").exit, Exit::Interrupted);
    }
}
