//! The steps of a canary, asked of a server: each metric's query of the policy, over the step that ends.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::policy::Policy;
use crate::core::release::canary::readings::{Readings, Trouble};
use crate::core::release::canary::watch::Watch;
use crate::core::run::source::Wait;
use crate::io::http::Limits;
use crate::io::source::prometheus::{Range, Target, ask_range};
use crate::wire::prometheus::{RangeAnswer, Sample};

use super::CanaryError;

/// Times that are asked for at once: servers refuse more than 11 000.
const MOST_AT_ONCE: usize = 5000;

/// How far a sample may be from the time that was asked for, seconds. Servers that move the times to multiples of
/// the step are further off.
const NEAR: f64 = 1.0;

/// Whom to ask.
pub(super) struct Server<'a> {
    pub(super) target: &'a Target,
    pub(super) selector: &'a str,
    pub(super) limits: &'a Limits,
}

/// The metrics, step by step. A server that cannot be asked is an error; a query that brings nothing is not.
pub(super) fn readings(
    server: &Server<'_>,
    metrics: &BTreeSet<&str>,
    policy: &Policy,
    watch: &Watch,
    wait: &dyn Wait,
) -> Result<BTreeMap<String, Readings>, CanaryError> {
    let mut found = BTreeMap::new();
    for metric in metrics {
        let query = policy.run.queries.iter().find(|query| query.metric == *metric);
        let readings = match query {
            None => Readings::absent(
                watch.steps(),
                format!("the policy has no query `prometheus.{metric}.query`"),
            ),
            Some(query) => one(server, metric, &query.query, policy, watch, wait)?,
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
    watch: &Watch,
    wait: &dyn Wait,
) -> Result<Readings, CanaryError> {
    let steps = watch.steps();
    let mut values = Vec::with_capacity(steps);
    let mut trouble = None;
    while values.len() < steps {
        wait.wait(std::time::Duration::ZERO).map_err(|_| CanaryError::Interrupted)?;
        let first = values.len();
        let last = (first + MOST_AT_ONCE).min(steps) - 1;
        let range = Range {
            first: watch.end_of(first),
            last: watch.end_of(last),
            step: watch.step().to_std().unwrap_or_default(),
        };
        let Server { target, selector, limits } = server;
        let told = ask_range(target, query, selector, &range, limits, wait).map_err(|problem| {
            if wait.wait(std::time::Duration::ZERO).is_err() {
                CanaryError::Interrupted
            } else {
                CanaryError::Server(problem)
            }
        })?;
        let broken = |reason: String| Readings::broken(steps, format!("`{metric}`: {reason}"));
        if told.is_partial {
            return Ok(broken("the server has only part of the data".to_owned()));
        }
        match told.answer {
            RangeAnswer::Nothing => {}
            RangeAnswer::One(samples) => {
                trouble = put(&samples, metric, policy, watch, (first, last), &mut values).or(trouble);
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

/// Puts samples into their steps; tells what could not be used.
fn put(
    samples: &[Sample],
    metric: &str,
    policy: &Policy,
    watch: &Watch,
    (first, last): (usize, usize),
    values: &mut Vec<Option<f64>>,
) -> Option<Trouble> {
    values.resize(last + 1, None);
    let kpi = policy.kpis.find(metric);
    let seconds = watch.step().num_milliseconds() as f64 / 1000.0;
    let begins = watch.end_of(first).timestamp_millis() as f64 / 1000.0;
    let mut trouble = None;
    let mut note = |reason: String| {
        trouble.get_or_insert(Trouble { reason: format!("`{metric}`: {reason}"), is_broken: true });
    };
    for Sample { at, value } in samples {
        let number = ((at - begins) / seconds).round();
        if (at - begins - number * seconds).abs() > NEAR || number < 0.0 || number > (last - first) as f64 {
            note("the server answers for other times than it was asked for".to_owned());
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

#[cfg(test)]
mod tests;
