//! The resources of the system under test from the store: the queries of `[resources]`, once an iteration.
//!
//! Each must bring one series. A resource without a number is unknown and noted; where none has a number, or the server
//! does not answer, the sample has failed. The start of the process shows restarts.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::core::policy::run::ResourceRules;
use crate::core::trend::resources::{ProcessId, Resource};
use crate::infra::clock::Wait;
use crate::run::iteration::{Resources, Sample};
use crate::run::source::store::{Answer, Patience, Store, Unanswered};

/// Asks a store for the resources of a system.
#[derive(Debug)]
pub(crate) struct StoreSampler {
    store: Store,
    /// What `$window` stands for.
    window: Duration,
    rules: ResourceRules,
    /// The last process that was seen.
    last: Option<ProcessId>,
}

impl StoreSampler {
    pub(crate) fn new(store: Store, window: Duration, rules: ResourceRules) -> Self {
        Self { store, window, rules, last: None }
    }

    /// A sample at this time.
    pub(crate) fn sample(&mut self, at: DateTime<Utc>, wait: &dyn Wait) -> Sample {
        // A sample that fails is one of many: the next iteration does not wait long for it.
        let mut patience = Patience::of(self.window / 4);
        let mut problems = Vec::new();
        let mut values = [None; Resource::ALL.len()];
        let queries = Resource::ALL.iter().zip(&self.rules.queries).zip(&mut values);
        let asked = queries.filter_map(|((of, query), value)| Some((of.word(), query.as_deref()?, value)));
        for (name, query, value) in asked {
            match self.ask(query, at, &mut patience, wait) {
                Ok(Ok(number)) => *value = Some(number),
                Ok(Err(problem)) => problems.push(format!("`{name}`: {problem}")),
                Err(reason) => return failed(reason),
            }
        }
        if values.iter().all(Option::is_none) {
            return failed(problems.join("; "));
        }
        let mut process = None;
        if let Some(query) = &self.rules.started {
            match self.ask(query, at, &mut patience, wait) {
                Ok(Ok(started)) => process = Some(ProcessId { pid: None, started }),
                Ok(Err(problem)) | Err(problem) => problems.push(format!("`started`: {problem}")),
            }
        }
        let is_restarted = self.last.is_some() && process.is_some() && self.last != process;
        self.last = process.or(self.last);
        if is_restarted {
            problems.insert(0, "the watched process was restarted".to_owned());
        }
        let [rss_mb, cpu_pct, threads, open_files] = values;
        let [threads, open_files] = [threads, open_files].map(|count| count.and_then(whole));
        let resources = Resources { cpu_pct, open_files, process, processes: None, rss_mb, threads };
        let note = (!problems.is_empty()).then(|| problems.join("; "));
        Sample { resources: Some(resources), failed: None, restarts: u64::from(is_restarted), note }
    }

    /// The number that a query brings, or why it brings none; the outer error is that the server does not answer.
    fn ask(
        &self,
        query: &str,
        at: DateTime<Utc>,
        patience: &mut Patience,
        wait: &dyn Wait,
    ) -> Result<Result<f64, String>, String> {
        match self.store.ask(query, self.window, at, patience, wait) {
            Ok(told) => Ok(told.and_then(|told| number(told.answer.into(), told.is_partial))),
            Err(Unanswered::Failed(reason)) => Err(reason),
            Err(Unanswered::Interrupted) => Err("the run was interrupted".to_owned()),
        }
    }
}

fn failed(reason: String) -> Sample {
    Sample { resources: None, failed: Some(reason.clone()), restarts: 0, note: Some(reason) }
}

fn number(answer: Answer, is_partial: bool) -> Result<f64, String> {
    match answer {
        _ if is_partial => Err("the server has only part of the data".to_owned()),
        Answer::One { value, .. } => Ok(value),
        Answer::NotFinite(text) => Err(format!("its value is {text}")),
        Answer::Nothing => Err("no series".to_owned()),
        Answer::Several(series) => {
            Err(format!("{} series, expected one; aggregate them in the query", series.len()))
        }
        Answer::OtherKind(kind) => Err(format!("the result is a {kind}, expected one number")),
        Answer::Refused(words) => Err(format!("the server refused the query: {words}")),
    }
}

fn whole(count: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    (0.0..1e15).contains(&count).then_some(count.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infra::http::{Auth, Target};
    use crate::infra::test_server::{Answer as Served, QUICK, TestServer};
    use crate::run::source::test_wait::NoWait;

    fn body(status: u16, body: &str) -> Served {
        let length = body.len();
        Served::Text(format!(
            "HTTP/1.1 {status} Word\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ))
    }

    fn value(value: &str) -> Served {
        series(&format!(r#"{{"metric":{{}},"value":[1760270700,"{value}"]}}"#))
    }

    fn series(series: &str) -> Served {
        body(200, &format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#))
    }

    fn sampler(server: &TestServer, queries: [&str; 4], started: Option<&str>) -> StoreSampler {
        let target = Target::new(&server.url(""), &Auth::None, &[]).expect("acceptable");
        let queries = queries.map(|query| (!query.is_empty()).then(|| query.to_owned()));
        let rules =
            ResourceRules { is_on: true, pid_file: None, queries, started: started.map(str::to_owned) };
        StoreSampler::new(Store::new(target, "{job=\"api\"}", QUICK), Duration::from_secs(60), rules)
    }

    fn sample(sampler: &mut StoreSampler) -> Sample {
        let at = "2025-10-12T12:05:00Z".parse().expect("a time");
        sampler.sample(at, &NoWait::doing(|| ()))
    }

    #[test]
    fn each_query_brings_a_resource_at_the_end_of_the_iteration() {
        let server = TestServer::start(vec![
            value("20.5"),
            value("150"),
            value("7"),
            value("12.6"),
            value("1760000000.5"),
        ])
        .expect("a server");
        let mut sampler =
            sampler(&server, ["rss{$selector}", "cpu[$window]", "threads", "fds"], Some("start"));
        let sample = sample(&mut sampler);
        assert_eq!((sample.failed, sample.note, sample.restarts), (None, None, 0));
        let process = Some(ProcessId { pid: None, started: 1_760_000_000.5 });
        assert_eq!(
            sample.resources,
            Some(Resources {
                cpu_pct: Some(150.0),
                open_files: Some(13),
                process,
                processes: None,
                rss_mb: Some(20.5),
                threads: Some(7),
            })
        );
        let bodies: Vec<String> = server.requests().into_iter().map(|request| request.body).collect();
        assert!(
            bodies[0].starts_with("query=rss%7Bjob%3D%22api%22%7D&time=1760270700.000&nocache=1"),
            "{bodies:?}"
        );
        assert!(bodies[1].starts_with("query=cpu%5B60s%5D&"), "{bodies:?}");
    }

    #[test]
    fn another_start_is_a_restart() {
        let answers = ["1", "100", "2", "100", "3", "200"].map(value);
        let server = TestServer::start(answers.into()).expect("a server");
        let mut sampler = sampler(&server, ["rss", "", "", ""], Some("start"));
        let restarts: Vec<u64> = (0..3).map(|_| sample(&mut sampler).restarts).collect();
        assert_eq!(restarts, [0, 0, 1]);
    }

    #[test]
    fn what_brings_no_number_is_unknown_and_noted_and_nothing_at_all_has_failed() {
        let two = r#"{"metric":{"a":"1"},"value":[1,"1"]},{"metric":{},"value":[1,"2"]}"#;
        for (answer, reason) in [
            (series(""), "`rss_mb`: no series"),
            (series(two), "`rss_mb`: 2 series, expected one"),
            (value("NaN"), "`rss_mb`: its value is NaN"),
            (
                body(400, r#"{"status":"error","errorType":"bad_data","error":"parse"}"#),
                "refused the query: bad_data: parse",
            ),
        ] {
            let server = TestServer::start(vec![answer, value("3")]).expect("a server");
            let some = sample(&mut sampler(&server, ["rss", "", "", "fds"], None));
            assert!(some.note.as_deref().is_some_and(|note| note.contains(reason)), "{some:?}");
            assert_eq!(some.resources.and_then(|used| used.open_files), Some(3));
            assert_eq!((some.resources.and_then(|used| used.rss_mb), some.failed), (None, None));
        }
        let server = TestServer::start(vec![series("")]).expect("a server");
        let none = sample(&mut sampler(&server, ["rss", "", "", ""], None));
        assert_eq!((none.resources, none.failed.as_deref()), (None, Some("`rss_mb`: no series")));
        let server = TestServer::start(vec![Served::status(401)]).expect("a server");
        let refused = sample(&mut sampler(&server, ["rss", "", "", "fds"], None));
        assert!(refused.failed.is_some_and(|why| why.contains("401")));
        assert_eq!(server.requests().len(), 1, "it is not asked again for the next");
    }
}
