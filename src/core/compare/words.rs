//! What the answer about one KPI means, in a sentence for people who do not know statistics.
//!
//! Must not judge.

use super::ORDER;
use super::significance::{Answer, Judged, More};
use crate::core::judge::{count, with_unit};
use crate::core::kpi::{Kpi, KpiTable};
use crate::core::number::{distance, fixed, trimmed};

/// What is told about one KPI.
pub fn sentence(judged: &Judged, kpis: &KpiTable) -> String {
    let kpi = kpis.get(judged.kpi);
    let [a, b] = judged.n;
    let Some((shift, (low, high))) = judged.shift.zip(judged.interval()) else {
        let (a, fewest) = (count(a, "value"), judged.fewest);
        return format!("cannot tell: {a} of A and {b} of B, {fewest} of each are needed");
    };
    let confidence = (1.0 - 2.0 * judged.level) * 100.0;
    let seen = format!(
        "the mean {}; between {} and {} is plausible ({} %)",
        moved(kpi, shift.mean.shift),
        signed(kpi, low),
        with_unit(kpi, signed(kpi, high)),
        trimmed(&fixed(confidence, 1)),
    );
    let margin = with_unit(kpi, size(kpi, judged.margin));
    let chance = format!(
        "p = {} for worse by more than {margin}, {} after correction for {} KPIs",
        probability(shift.p_worse),
        probability(shift.p_worse_adjusted),
        ORDER.len()
    );
    match judged.answer {
        Answer::Worse => format!("worse by more than the margin of {margin}: {seen}; {chance}"),
        Answer::Better => format!("better by more than the margin of {margin}: {seen}"),
        Answer::NoChange => format!("no change beyond the margin of {margin}: {seen}"),
        Answer::NotWorse => format!("not worse by more than the margin of {margin}, perhaps better: {seen}"),
        Answer::CannotTell => {
            format!("cannot tell: {seen}, and the margin is {margin}{}", undecided(kpi, judged))
        }
    }
}

fn undecided(kpi: &Kpi, judged: &Judged) -> String {
    let [a, b] = judged.n;
    let shown = match judged.detectable() {
        [Some(eighty), Some(ninety)] => format!(
            "; {a} and {b} iterations show a worsening of {} in 80 % of cases, of {} in 90 %",
            with_unit(kpi, size(kpi, eighty)),
            with_unit(kpi, size(kpi, ninety))
        ),
        _ => String::new(),
    };
    let more = match judged.more() {
        Some(More::OfB(more)) => {
            format!("; about {} of B would decide, if the shift is what it looks like", more_of(more))
        }
        Some(More::OfBoth(more)) => format!(
            "; more of B alone would not decide, about {} of A and of B would, if the shift is what it looks like",
            more_of(more)
        ),
        Some(More::TooClose) => {
            "; the shift is so close to the margin that no extension would decide".to_owned()
        }
        None => String::new(),
    };
    shown + &more
}

fn more_of(more: usize) -> String {
    if more == 1 { "1 more iteration".to_owned() } else { format!("{more} more iterations") }
}

fn moved(kpi: &Kpi, shift: f64) -> String {
    match shift {
        _ if shift > 0.0 => format!("rose by {}", with_unit(kpi, size(kpi, shift))),
        _ if shift < 0.0 => format!("fell by {}", with_unit(kpi, size(kpi, shift))),
        _ => "did not move".to_owned(),
    }
}

/// One decimal more than values have: shifts are smaller.
fn size(kpi: &Kpi, value: f64) -> String {
    trimmed(&distance(value, kpi.unit.decimals() + 1)).to_owned()
}

fn signed(kpi: &Kpi, value: f64) -> String {
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
