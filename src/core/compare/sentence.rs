//! What the answer about one KPI means, in a sentence for people who do not know statistics.
//!
//! Must not judge.

use super::significance::{Answer, Judged, More};
use crate::core::judge::{count, show, with_unit};
use crate::core::kpi::KpiId;
use crate::core::text::number::{distance, fixed, trimmed};
use crate::core::trend::Change;

pub fn sentence(judged: &Judged) -> String {
    let kpi = judged.kpi;
    let changes = changes_of(kpi, judged);
    let Some((shift, (low, high))) = judged.shift.zip(judged.interval()) else {
        return format!("cannot tell: {changes}{}", too_few(judged));
    };
    let confidence = (1.0 - 2.0 * judged.level) * 100.0;
    let moved = moved(kpi, shift.mean.shift);
    let observed = if shift.mean.standard_error == 0.0 {
        format!("{changes}the mean {moved}; no value of a side differs from its others")
    } else {
        format!(
            "{changes}the mean {moved}; between {} and {} is plausible ({} %)",
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
        Answer::CannotTell => {
            format!("cannot tell: {observed}, and the margin is {margin}{}", undecided(kpi, judged))
        }
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
fn size(kpi: KpiId, value: f64) -> String {
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
fn probability(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { trimmed(&distance(p, 4)).to_owned() }
}
