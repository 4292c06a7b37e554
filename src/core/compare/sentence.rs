//! What the answer about one KPI means, in a sentence for people who do not know statistics.
//!
//! Must not judge.

use super::by_day::Day;
use super::significance::{Answer, Judged, More};
use crate::core::judge::{count, show, with_unit};
use crate::core::kpi::{Direction, KpiId};
use crate::core::text::number::{distance, fixed, trimmed};
use crate::core::trend::Change;
use crate::stats::spread::Spread;

pub fn sentence(judged: &Judged) -> String {
    let kpi = judged.kpi;
    let changes = changes_of(kpi, judged);
    let by_day = by_day(kpi, judged);
    let Some((shift, (low, high))) = judged.shift.zip(judged.interval()) else {
        return format!("cannot tell: {changes}{}", too_few(judged));
    };
    let confidence = (1.0 - 2.0 * judged.level) * 100.0;
    let moved = moved(kpi, shift.mean.shift);
    let mean = outliers(judged);
    let observed = if shift.mean.standard_error == 0.0 {
        format!("{by_day}{changes}{mean} {moved}; no value of a side differs from its others")
    } else {
        format!(
            "{by_day}{changes}{mean} {moved}; between {} and {} is plausible ({} %)",
            signed(kpi, low),
            with_unit(kpi, signed(kpi, high)),
            trimmed(&fixed(confidence, 1)),
        )
    };
    let margin = with_unit(kpi, size(kpi, judged.margin));
    let chance = format!(
        "p {} for worse by more than {margin}, {} after correction for {} KPIs",
        probability(shift.p_worse),
        probability(shift.p_worse_adjusted),
        judged.family
    );
    match judged.answer {
        Answer::Worse => format!("worse by more than the margin of {margin}: {observed}; {chance}"),
        Answer::Better => format!("better by more than the margin of {margin}: {observed}"),
        Answer::NoChange => format!("no change beyond the margin of {margin}: {observed}"),
        Answer::NotWorse => {
            format!("not worse by more than the margin of {margin}, perhaps better: {observed}")
        }
        Answer::CannotTell if judged.is_of_the_hour() => format!(
            "cannot tell: {observed}, and the margin is {margin}; {chance}; runs that cover the same times of day, or two \
             days each, would decide"
        ),
        Answer::CannotTell => {
            let (memory, far) = (memory(kpi, judged), far(kpi, judged));
            format!(
                "cannot tell: {observed}, and the margin is {margin}{memory}{far}{}",
                undecided(kpi, judged)
            )
        }
    }
}

/// How a daily cycle was dealt with: `a daily cycle of ±12 ms is taken out: `, or nothing.
fn by_day(kpi: KpiId, judged: &Judged) -> String {
    match judged.day {
        Day::Paired { amplitude } => format!(
            "compared by time of day (the daily cycle of both, ±{}, is taken out): ",
            with_unit(kpi, size(kpi, amplitude))
        ),
        Day::Apart { spans: [a, b], .. } if judged.is_of_the_hour() => format!(
            "A and B cover less than two periods of 24 h at different times of day (A {}, B {} UTC), and a daily cycle looks \
             like a shift then: ",
            hours(a),
            hours(b)
        ),
        Day::Unasked | Day::Apart { .. } => String::new(),
    }
}

/// `08:00-16:30`.
fn hours((first, last): (f64, f64)) -> String {
    let clock = |hour: f64| {
        let minutes = (hour * 60.0).round().rem_euclid(24.0 * 60.0);
        format!("{:02}:{:02}", (minutes / 60.0).floor(), minutes % 60.0)
    };
    format!("{}-{}", clock(first), clock(last))
}

/// What is compared: `the mean`, or what is usual where outliers are frequent.
fn outliers(judged: &Judged) -> String {
    match judged.outliers {
        Some([a, b]) if judged.pulled_in => {
            format!("outliers are frequent ({a} of A, {b} of B) and are pulled in: the mean without them")
        }
        _ => "the mean".to_owned(),
    }
}

/// Where a few values of B lie far off, and none of A does, or fewer.
fn far(kpi: KpiId, judged: &Judged) -> String {
    let far =
        judged.spread.filter(|spread| spread.found.far[1] > spread.found.far[0] && !spread.is_unlikely());
    far.map_or_else(String::new, |spread| format!("; {}", far_values(kpi, &spread.found, ["A", "B"])))
}

/// `8 of 90 values of B lie more than 12 ms above the median, and 0 of 90 of A`.
pub(super) fn far_values(kpi: KpiId, found: &Spread, [a, b]: [&str; 2]) -> String {
    let side = if kpi.direction == Some(Direction::Higher) { "below" } else { "above" };
    let ([far_a, far_b], [n_a, n_b]) = (found.far, found.n);
    let beyond = with_unit(kpi, size(kpi, found.beyond));
    format!(
        "{far_b} of {n_b} values of {b} lie more than {beyond} {side} the median, and {far_a} of {n_a} of {a}"
    )
}

/// Why the standard error is larger than that of a first-order process.
fn memory(kpi: KpiId, judged: &Judged) -> String {
    let Some(shift) = judged.shift else { return String::new() };
    match shift.mean.first_order {
        Some(first_order) if first_order < shift.mean.standard_error => format!(
            "; the estimators of its standard error disagree ({} for a first-order process, {} by long waves), and the \
             larger one counts",
            size(kpi, first_order),
            with_unit(kpi, size(kpi, shift.mean.standard_error))
        ),
        Some(_) => {
            "; values remember more than a first-order process, so that few degrees of freedom are left"
                .to_owned()
        }
        None => String::new(),
    }
}

fn undecided(kpi: KpiId, judged: &Judged) -> String {
    let [a, b] = judged.n;
    let shown = match judged.detectable() {
        [Some(eighty), Some(ninety)] => format!(
            "; {a} and {b} iterations show a worsening of {} in 80 % of cases, of {} in 90 %",
            with_unit(kpi, size(kpi, eighty)),
            with_unit(kpi, size(kpi, ninety))
        ),
        _ => String::new(),
    };
    let if_so = "if the shift is what it looks like";
    let more = match judged.more() {
        Some(More::OfB(more)) => {
            format!("; about {} of B would decide in 80 % of cases, {if_so}", more_of(more))
        }
        Some(More::OfA(more)) => format!(
            "; more of B alone would not decide, about {} of A would in 80 % of cases, {if_so}",
            more_of(more)
        ),
        Some(More::OfBoth(more)) => format!(
            "; more of one alone would not decide, about {} of A and of B would in 80 % of cases, {if_so}",
            more_of(more)
        ),
        Some(More::TooMany) => {
            format!("; not even ten times as many iterations would decide, {if_so}{}", because(judged))
        }
        Some(More::Never) => "; the shift lies on the margin, so that no extension would decide".to_owned(),
        // Where there is a shift both sides are measured.
        Some(More::NotMeasured) | None => String::new(),
    };
    shown + &more
}

/// Why so many iterations say so little.
fn because(judged: &Judged) -> String {
    // From here on nine in ten values say nothing that their neighbours did not.
    const STIFF: f64 = 0.8;
    if judged.shift.is_some_and(|shift| shift.mean.first_order.is_some()) {
        return ": values remember too much".to_owned();
    }
    match judged.shift.map(|shift| shift.mean.phi) {
        Some(phi) if phi >= STIFF => format!(
            ": neighbouring iterations resemble each other too much (autocorrelation {})",
            trimmed(&fixed(phi, 2))
        ),
        _ => ": it is that close to the margin".to_owned(),
    }
}

/// `B changed at iteration 61 (4.80 bps to 2.30 bps) and is compared since then (36 values); `, or nothing.
fn changes_of(kpi: KpiId, judged: &Judged) -> String {
    let sentence = |(name, change, n): (&str, &Option<Change>, usize)| {
        let change = change.as_ref()?;
        let gradual = if change.step.gradual { ", more like a drift than a step" } else { "" };
        Some(format!(
            "{name} changed at iteration {} ({} to {}{gradual}) and is compared since then ({}); ",
            change.first_after,
            show(kpi, change.step.before),
            show(kpi, change.step.after),
            count(n, "value")
        ))
    };
    let ([of_a, of_b], [a, b]) = (&judged.changed, judged.n);
    [("A", of_a, a), ("B", of_b, b)].into_iter().filter_map(sentence).collect()
}

fn too_few(judged: &Judged) -> String {
    let [a, b] = judged.n;
    let unmeasured: Vec<String> = ["A", "B"]
        .into_iter()
        .zip(judged.is_unmeasured().into_iter().zip(judged.around))
        .filter(|(_, (is_unmeasured, _))| *is_unmeasured)
        .map(|(name, (_, around))| {
            format!("{name} has no value in {}", count(around.iterations, "iteration"))
        })
        .collect();
    if !unmeasured.is_empty() {
        return format!("{}; more iterations decide only once they measure it", unmeasured.join(", "));
    }
    let more = match judged.lacking() {
        // Enough of them, and still no number.
        [0, 0] => return "the values are so large that their difference is no number".to_owned(),
        [0, b] => format!("; {} of B would do to begin with", more_of(b)),
        [a, 0] => format!("; {} of A would do to begin with", more_of(a)),
        [a, b] => format!("; {} of A and {b} of B would do to begin with", more_of(a)),
    };
    format!("{} of A and {b} of B, {} of each are needed{more}", count(a, "value"), judged.fewest)
}

fn more_of(more: usize) -> String {
    if more == 1 { "1 more iteration".to_owned() } else { format!("{more} more iterations") }
}

fn moved(kpi: KpiId, shift: f64) -> String {
    match shift {
        _ if shift > 0.0 => format!("rose by {}", with_unit(kpi, size(kpi, shift))),
        _ if shift < 0.0 => format!("fell by {}", with_unit(kpi, size(kpi, shift))),
        _ => "did not move".to_owned(),
    }
}

/// One decimal more than values have: shifts are smaller.
pub(super) fn size(kpi: KpiId, value: f64) -> String {
    trimmed(&distance(value, kpi.decimals_of(value).max(kpi.decimals() + 1))).to_owned()
}

fn signed(kpi: KpiId, value: f64) -> String {
    let sign = match value {
        _ if value > 0.0 => "+",
        _ if value < 0.0 => "-",
        _ => "",
    };
    format!("{sign}{}", size(kpi, value))
}

/// Two digits that say something; what is smaller than one in ten thousand is told so.
pub(super) fn probability(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { trimmed(&distance(p, 4)).to_owned() }
}
