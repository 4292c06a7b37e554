//! Two-sided sanity: values that are wrong on the good side are wrong all the same. A KPI that stands still, that
//! collapsed, that is too good to be true, fills that fell away, and iterations that are copies of others.
//!
//! Advisory unless the policy says otherwise. Only iterations that repeat earlier ones are INVALID, and join the verdict
//! unless the policy says otherwise: everything else can be true.

pub(crate) mod repeats;

use std::time::Duration;

use crate::core::judge::{count, list_numbers, show};
use crate::core::kpi::{Direction, KpiId, KpiTable};
use crate::core::policy::SanityRules;
use crate::core::series::Series;
use crate::core::series::window::Window;
use crate::core::verdict::evidence::Repeat;
use crate::core::verdict::{Check, Comparison, LimitSource, Outcome, Part};
use crate::stats::summary::median;
use repeats::{Found, Repeats};

/// The median absolute deviation of normal values is their standard deviation divided by this (Rousseeuw & Croux
/// 1993, J. Am. Stat. Assoc. 88:1273–1283).
const MAD_TO_STDEV: f64 = 1.4826;

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'s> {
    /// The iterations.
    pub series: &'s Series,
    /// The newest iterations.
    pub last: &'s Window,
    /// Those after the warm-up.
    pub steady: &'s Window,
    /// Those that the verdict rests on.
    pub judged: &'s Window,
    /// Iterations whose files are copies of each other.
    pub repeats: &'s [Repeat],
    /// The KPIs that an iteration must show to pass.
    pub required: &'s [KpiId],
    /// The KPIs that are looked at one by one.
    pub looked_at: &'s [KpiId],
    /// How long an iteration was to take; `None` where no manifest says.
    pub interval: Option<Duration>,
    /// The KPIs.
    pub kpis: &'s KpiTable,
}

/// One KPI in some iterations, with words about it.
struct Oddity {
    numbers: Vec<u64>,
    words: String,
}

/// All checks of sanity on one symbol.
pub fn checks(subject: &Subject<'_>, rules: &SanityRules) -> Vec<Check> {
    // Of a short run the last iterations begin before the steady part does.
    let end = subject.last.positions.start;
    let history = subject.steady.positions.start.min(end)..end;
    let is_history = history.len() >= rules.history();
    let too_short = || {
        let fewest = count(rules.history(), "steady iteration");
        format!("{fewest} before {} needed to know what is usual", subject.last.name)
    };
    let past = |kpi: KpiId| subject.series.known(kpi, history.clone());
    let per_kpi = |of: &dyn Fn(KpiId) -> Option<Oddity>| -> Vec<Oddity> {
        subject.looked_at.iter().copied().filter_map(of).collect()
    };
    let make = |gate: &str, source: &LimitSource, found: Vec<Oddity>, fine: &str, window: &Window| {
        let oddities: usize = found.iter().map(|oddity| oddity.numbers.len()).sum();
        let words: Vec<String> = found.into_iter().map(|oddity| oddity.words).collect();
        let outcome = if oddities > 0 { rules.severity.of_a_miss() } else { Outcome::Pass };
        let reason = if oddities > 0 { words.join("; ") } else { fine.to_owned() };
        check(subject, rules, gate, source, window, oddities, outcome, reason)
    };
    let not_asked = |gate: &str, source: &LimitSource| {
        check(subject, rules, gate, source, subject.last, 0, Outcome::NotApplicable, too_short())
    };
    let repeats = Repeats::find(*subject);
    let mut checks = vec![repeated(subject, &repeats, rules)];
    checks.extend(repeated_before(subject, &repeats, rules));
    let stuck = per_kpi(&|kpi| stuck(subject, kpi, rules.stuck()));
    let source = &rules.stuck_iterations.source;
    let steady = |kpi| subject.series.known(kpi, subject.steady.positions.clone()).len();
    if subject.looked_at.iter().any(|kpi| steady(*kpi) >= rules.stuck()) {
        checks.push(make("stuck", source, stuck, "every KPI moves", subject.steady));
    } else {
        let fewest = count(rules.stuck(), "steady value");
        let why = format!("{fewest} of a KPI needed to know whether it stands still");
        checks.push(check(subject, rules, "stuck", source, subject.steady, 0, Outcome::NotApplicable, why));
    }
    if is_history {
        let found = per_kpi(&|kpi| collapsed(subject, kpi, &mut past(kpi), rules.collapse_share.value));
        let source = &rules.collapse_share.source;
        checks.push(make("collapsed", source, found, "no KPI collapsed", subject.last));
        let found = per_kpi(&|kpi| too_good(subject, kpi, &mut past(kpi), rules.too_good_spreads.value));
        let source = &rules.too_good_spreads.source;
        checks.push(make("too_good", source, found, "no KPI is too good to be true", subject.last));
    } else {
        checks.push(not_asked("collapsed", &rules.collapse_share.source));
        checks.push(not_asked("too_good", &rules.too_good_spreads.source));
    }
    checks.push(fills(subject, rules, history.clone(), is_history, too_short()));
    checks
}

#[expect(clippy::too_many_arguments, reason = "a check has that many sides, and this is where they meet")]
fn check(
    subject: &Subject<'_>,
    rules: &SanityRules,
    gate: &str,
    source: &LimitSource,
    window: &Window,
    oddities: usize,
    outcome: Outcome,
    reason: String,
) -> Check {
    Check {
        part: Part::Sanity,
        gate: format!("sanity.{gate}"),
        kpi: None,
        symbol: subject.series.symbol.clone(),
        severity: rules.severity,
        window: window.used(),
        statistic: "odd values".to_owned(),
        comparison: Some(Comparison::AtMost),
        limit: Some(0.0),
        observed: (outcome != Outcome::NotApplicable).then_some(oddities as f64),
        margin: (outcome != Outcome::NotApplicable).then_some(0.0 - oddities as f64),
        outcome,
        reason,
        limit_source: Some(source.clone()),
        joins: rules.gates,
        inference: None,
    }
}

/// Iterations that the verdict rests on and that repeat earlier ones: INVALID, for no measurement repeats so many
/// digits. Where they have so few that equal ones can be chance, an oddity like others.
fn repeated(subject: &Subject<'_>, repeats: &Repeats<'_>, rules: &SanityRules) -> Check {
    let judged = (subject.judged.from, u64::MAX);
    let sure = repeats.sure(judged, rules.repeats());
    let coarse = repeats.coarse(judged, rules.repeats());
    let (found, outcome, joins) = match (sure.count, coarse.count) {
        _ if subject.judged.is_empty() => (sure, Outcome::NotApplicable, true),
        (0, 0) => (sure, Outcome::Pass, true),
        (0, _) => (coarse, rules.severity.of_a_miss(), false),
        _ => (sure, Outcome::Invalid, true),
    };
    let reason = match outcome {
        Outcome::Pass => "no iteration repeats an earlier one".to_owned(),
        Outcome::NotApplicable => "there is no iteration to look at".to_owned(),
        Outcome::Invalid => format!("the source repeats itself: {}", found.sentence),
        _ => format!("{}; fewer than {} digits can be equal by chance", found.sentence, rules.repeats()),
    };
    let source = &rules.repeats_gate_source;
    let check = check(subject, rules, "repeated", source, subject.judged, found.count, outcome, reason);
    Check {
        statistic: "repeated iterations".to_owned(),
        joins: rules.gates || (rules.repeats_gate && joins),
        ..check
    }
}

/// The same in the steady part before that: it changes no verdict by itself. `None` without any.
fn repeated_before(subject: &Subject<'_>, repeats: &Repeats<'_>, rules: &SanityRules) -> Option<Check> {
    let Found { count, sentence } = repeats.sure((subject.steady.from, subject.judged.from), rules.repeats());
    let (source, outcome) = (&rules.repeats_gate_source, rules.severity.of_a_miss());
    let make = || check(subject, rules, "repeated_before", source, subject.steady, count, outcome, sentence);
    (count > 0).then(make)
}

/// The longest run of equal values, if it is as long as that.
fn stuck(subject: &Subject<'_>, kpi: KpiId, fewest: usize) -> Option<Oddity> {
    let values: Vec<(u64, f64)> = known(subject, kpi, subject.steady);
    let longest = values.chunk_by(|one, other| one.1 == other.1).max_by_key(|run| run.len())?;
    if longest.len() < fewest {
        return None;
    }
    let numbers: Vec<u64> = longest.iter().map(|(number, _)| *number).collect();
    let words = format!(
        "`{}` stands still at {} in iteration {}",
        kpi.name,
        show(kpi, longest[0].1),
        list_numbers(&numbers)
    );
    Some(Oddity { numbers, words })
}

/// Values of a KPI that cannot be negative which are next to nothing of what is usual.
fn collapsed(subject: &Subject<'_>, kpi: KpiId, past: &mut [f64], share: f64) -> Option<Oddity> {
    let of = kpi;
    if of.lowest != Some(0.0) {
        return None;
    }
    let usual = median(past)?;
    // Where nothing is usual there is nothing to fall.
    let bound = share * usual;
    if usual <= of.floor {
        return None;
    }
    odd(subject, kpi, |value| value < bound, &format!("collapsed from {}", show(of, usual)))
}

/// Values on the good side that are farther from what is usual than chance takes them.
fn too_good(subject: &Subject<'_>, kpi: KpiId, past: &mut [f64], spreads: f64) -> Option<Oddity> {
    let of = kpi;
    let good = match of.direction? {
        Direction::Higher => 1.0,
        Direction::Lower => -1.0,
    };
    let usual = median(past)?;
    let mut deviations: Vec<f64> = past.iter().map(|value| (value - usual).abs()).collect();
    let spread = (MAD_TO_STDEV * median(&mut deviations)?).max(of.floor);
    let words = format!("is too good to be true beside {}", show(of, usual));
    odd(subject, kpi, |value| good * (value - usual) > spreads * spread, &words)
}

fn odd(subject: &Subject<'_>, kpi: KpiId, is_odd: impl Fn(f64) -> bool, words: &str) -> Option<Oddity> {
    let values: Vec<(u64, f64)> =
        known(subject, kpi, subject.last).into_iter().filter(|(_, value)| is_odd(*value)).collect();
    let (_, first) = *values.first()?;
    let numbers: Vec<u64> = values.iter().map(|(number, _)| *number).collect();
    let of = kpi;
    let words = format!("`{}` {words}: {} in iteration {}", of.name, show(of, first), list_numbers(&numbers));
    Some(Oddity { numbers, words })
}

fn known(subject: &Subject<'_>, kpi: KpiId, window: &Window) -> Vec<(u64, f64)> {
    let series = subject.series;
    window.positions.clone().filter_map(|at| Some((series.number(at), series.value(kpi, at)?))).collect()
}

/// The number of fills behind the measurements: with few of them the KPIs say little.
fn fills(
    subject: &Subject<'_>,
    rules: &SanityRules,
    history: std::ops::Range<usize>,
    is_history: bool,
    too_short: String,
) -> Check {
    let source = &rules.fills_share.source;
    let of = |positions: std::ops::Range<usize>| -> Vec<f64> {
        subject.series.rows()[positions].iter().filter_map(|row| row.fills).collect()
    };
    let (mut past, mut now) = (of(history), of(subject.last.positions.clone()));
    let medians = median(&mut past).zip(median(&mut now)).filter(|(usual, _)| *usual > 0.0);
    let (outcome, reason) = match medians {
        _ if !is_history => (Outcome::NotApplicable, too_short),
        None => (Outcome::NotApplicable, "the iterations tell no fills".to_owned()),
        Some((usual, seen)) if seen < rules.fills_share.value * usual => {
            let reason =
                format!("the median of fills fell from {usual} to {seen}: the KPIs rest on few of them");
            (rules.severity.of_a_miss(), reason)
        }
        Some((usual, seen)) => (Outcome::Pass, format!("the median of fills is {seen}, and was {usual}")),
    };
    let observed = medians.map(|(usual, seen)| seen / usual);
    Check {
        statistic: "fills, share of what is usual".to_owned(),
        comparison: Some(Comparison::AtLeast),
        limit: Some(rules.fills_share.value),
        observed,
        margin: observed.map(|share| share - rules.fills_share.value),
        ..check(subject, rules, "fills", source, subject.last, 0, outcome, reason)
    }
}

#[cfg(test)]
mod tests;
