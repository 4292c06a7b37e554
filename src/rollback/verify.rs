//! Looks whether what must be true after the actions is true, by asking Prometheus.

use super::event::{ActionResult, CheckResult, Event, OperationKind, Outcome, VerificationResult};
use super::executor::{Context, Refusal, carry_out};
use super::perform::reveal;
use super::policy::condition::{Check, Question, Verification};
use super::state::Operation;
use crate::infra::clock::{Interrupted, Stopwatch, Wait};
use crate::infra::http::Limits;
use crate::infra::http::{Auth, Target};
use crate::run::source::store::Answer;
use crate::run::source::store::ask_now;

/// Carries out an operation that a person requested, and verifies it: how it ended, and whether what must be true
/// afterwards is. An error says that the log could not be written any more, and it was broken off; `None` = nothing is
/// to be verified, or nobody looked.
pub(crate) fn carry_out_by_hand(
    operation: &Operation,
    context: Context<'_>,
    each: &mut dyn FnMut(&ActionResult),
) -> (Result<Outcome, Refusal>, Option<bool>) {
    let outcome = carry_out(operation, context, each);
    let verification = match operation.kind {
        OperationKind::Recovery => &context.policy.recovery.verification,
        _ => &context.policy.auto.verification,
    };
    let did = matches!(outcome, Ok(Outcome::Done | Outcome::Failed));
    let verified =
        if did && !verification.checks.is_empty() { verify(operation, verification, context) } else { None };
    (outcome, verified)
}

/// Asks until every condition came true or its time is over, and logs the result. `None` = nothing was
/// logged: it was interrupted and can be done again, or a recovery was begun meanwhile and there is nothing to judge.
pub(super) fn verify(
    operation: &Operation,
    verification: &Verification,
    context: Context<'_>,
) -> Option<bool> {
    let checks = look(verification, context).ok()?;
    let verified = checks.iter().all(|check| check.holds);
    let failed: Vec<String> = checks
        .iter()
        .filter(|check| !check.holds)
        .map(|check| format!("`{}` did not come true: {}", check.check, check.observed))
        .collect();
    let include = context.policy.audit.include_metrics;
    let checks = checks
        .into_iter()
        .map(|check| CheckResult { observed: if include { check.observed } else { String::new() }, ..check });
    let record = VerificationResult { plan: operation.id, verified, checks: checks.collect() };
    // Where it cannot be written the state stays unverified, and the next start looks again.
    let written = context.append_with_retry(&Event::Verified(record));
    if written == Err(Refusal::Overtaken) {
        tracing::warn!(plan = %operation.id, "a recovery started before it was verified; no check is needed any more");
        return None;
    }
    if !verified {
        context.escalate(operation, &format!("it is not verified: {}", failed.join("; ")));
    }
    Some(verified)
}

fn look(verification: &Verification, context: Context<'_>) -> Result<Vec<CheckResult>, Interrupted> {
    let target = target(context);
    // Its own clock, after the actions: a sample that is newer was read after them, whatever the clock here says.
    let mut acted =
        target.as_ref().map_err(Clone::clone).and_then(|(target, _)| clock_of(target, context.wait));
    context.wait.wait(verification.wait)?;
    let mut records: Vec<CheckResult> = verification
        .checks
        .iter()
        .map(|check| CheckResult {
            check: check.to_string(),
            holds: false,
            observed: "not asked".to_owned(),
            seconds: 0.0,
        })
        .collect();
    let watch = Stopwatch::start();
    loop {
        let mut is_open = false;
        if acted.is_err()
            && let Ok((target, _)) = &target
        {
            acted = clock_of(target, context.wait);
        }
        for (check, record) in verification.checks.iter().zip(&mut records) {
            let elapsed = watch.elapsed();
            // Asked at least once, however short its time is.
            if record.holds || (record.seconds > 0.0 && elapsed > check.timeout) {
                continue;
            }
            let (holds, observed) = match (&target, &acted) {
                (Ok((target, selector)), Ok(acted)) => {
                    query_check(check, *acted, target, selector, context.wait)
                }
                (Err(problem), _) | (_, Err(problem)) => (false, problem.clone()),
            };
            context.wait.wait(std::time::Duration::ZERO)?;
            record.holds = holds;
            record.observed = observed;
            record.seconds = (watch.elapsed().as_secs_f64().max(0.001) * 1000.0).round() / 1000.0;
            is_open |= !holds && watch.elapsed() <= check.timeout;
        }
        if !is_open {
            return Ok(records);
        }
        context.wait.wait(verification.interval)?;
    }
}

fn target(context: Context<'_>) -> Result<(Target, String), String> {
    let access = context.policy.prometheus.as_ref().ok_or("the policy names no `prometheus` to ask")?;
    let auth = match &access.token {
        None => Auth::None,
        Some(source) => Auth::Bearer(reveal(source, context.environment)?),
    };
    let target = Target::new(&access.url, &auth, &[]).map_err(|error| error.to_string())?;
    Ok((target, access.selector.clone()))
}

/// Puts a question.
fn put(query: &str, target: &Target, wait: &dyn Wait) -> Result<Answer, String> {
    let limits = Limits { tries: 1, ..Limits::default() };
    let answered = ask_now(target, query, &limits, wait)?;
    if answered.is_partial {
        Err("the server has only part of the data".to_owned())
    } else {
        Ok(answered.answer)
    }
}

/// What time it is at the server, Unix seconds.
fn clock_of(target: &Target, wait: &dyn Wait) -> Result<f64, String> {
    match put("time()", target, wait)? {
        Answer::One { value, .. } => Ok(value),
        other => Err(format!("the server does not send its time: {}", words(&other))),
    }
}

/// Whether a check holds now, by samples that are newer than `acted`, and what was answered, in words.
fn query_check(
    check: &Check,
    acted: f64,
    target: &Target,
    selector: &str,
    wait: &dyn Wait,
) -> (bool, String) {
    if let Some(query) = check.question_of_age(selector) {
        match put(&query, target, wait) {
            Ok(Answer::One { value, .. }) if value > acted => {}
            Ok(Answer::One { .. }) => {
                return (false, "not scraped since the actions".to_owned());
            }
            Ok(other) => return (false, words(&other)),
            Err(problem) => return (false, problem),
        }
    }
    let question = check.question(selector);
    let put = |question: &Question| put(&question.query, target, wait);
    match put(&question) {
        Err(problem) => (false, problem),
        Ok(Answer::One { value, .. }) => (question.operator.holds(value, question.than), value.to_string()),
        Ok(Answer::Several(series)) => match check.question_of_all(selector) {
            None => (false, format!("{} series, expected one; aggregate them in the query", series.len())),
            Some(of_all) => match put(&of_all) {
                Ok(Answer::One { value, .. }) => {
                    let holds = of_all.operator.holds(value, of_all.than);
                    (
                        holds,
                        format!("{} series, {}", series.len(), if holds { "all so" } else { "not all so" }),
                    )
                }
                Ok(other) => (false, words(&other)),
                Err(problem) => (false, problem),
            },
        },
        Ok(other) => (false, words(&other)),
    }
}

fn words(answer: &Answer) -> String {
    match answer {
        Answer::One { value, .. } => value.to_string(),
        Answer::NotFinite(text) => format!("its value is {text}"),
        Answer::Nothing => "no series".to_owned(),
        Answer::Several(series) => format!("{} series", series.len()),
        Answer::OtherKind(kind) => format!("the result is a {kind}, expected one number"),
        Answer::Refused(words) => format!("the server refused the query: {words}"),
    }
}
