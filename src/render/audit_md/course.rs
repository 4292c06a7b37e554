//! Behind section 7: where the KPIs of the verdict are heading, and where they changed their level.

use super::Subject;
use crate::core::analysis::Deep;
use crate::core::course::checks::{duration, interval_text, movement, slope_text, told_change, told_small};
use crate::core::course::{DriftVerdict, KpiChanges, KpiDrift, PaceSource};
use crate::core::number::fixed;
use crate::render::markdown::cell;
use crate::render::report_md::{Column, line, paragraph, prose, row, signed, table};
use crate::render::terminal::{probability, probability_of};

/// Changes and spikes of a KPI that are listed.
const MOST: usize = 20;

pub(super) fn section(out: &mut String, subject: &Subject<'_>, deep: &Deep) {
    paragraph(out, &format!("{}# Drift of the KPIs", subject.mark));
    drifts(out, deep);
    paragraph(out, &format!("{}# Changes of level", subject.mark));
    for found in &deep.changes {
        changes(out, found);
    }
    out.push('\n');
    let course = &subject.policy.change_points.course;
    paragraph(
        out,
        &format!(
            "Each of the two is judged over the KPIs with a limit, of all symbols together: a false alarm in at most \
             {} % of runs in which nothing happens, in each. Fewer than {} values decide nothing.",
            fixed(100.0 * course.false_alarm_rate.value, 1),
            course.min_iterations.value
        ),
    );
}

fn drifts(out: &mut String, deep: &Deep) {
    let unit = if deep.pace.is_some() { "per hour" } else { "per iteration" };
    let interval = format!("95 % interval, {unit}");
    table(
        out,
        &[
            Column::Text("KPI"),
            Column::Text("iterations"),
            Column::Number("n"),
            Column::Number("n_eff"),
            Column::Number("slope"),
            Column::Text(&interval),
            Column::Number("Theil-Sen per iteration"),
            Column::Number("change"),
            Column::Number("p"),
            Column::Number("p with Holm"),
            Column::Text("limit reached in"),
            Column::Text("what it says"),
        ],
    );
    for found in &deep.kpi_drift {
        row(out, cells(deep, found));
    }
    out.push('\n');
    paragraph(
        out,
        match deep.pace.map(|pace| pace.source) {
            Some(PaceSource::TimeStamps) => {
                "Hours are run time: iterations times the usual distance of their time stamps."
            }
            Some(PaceSource::Manifest) => {
                "Hours are run time: iterations times the interval of the manifest."
            }
            None => {
                "Neither time stamps nor a manifest say how long an iteration takes, so slopes are per iteration."
            }
        },
    );
    for (kpi, from) in &deep.settled {
        let name = kpi.name;
        line(
            out,
            &format!("- `{}` moves at the beginning and is steady from iteration {from} on", cell(name)),
        );
    }
    if !deep.settled.is_empty() {
        out.push('\n');
    }
}

fn cells(deep: &Deep, found: &KpiDrift) -> [String; 12] {
    let kpi = found.kpi;
    let name = format!("`{}`", cell(kpi.name));
    let span = found.span.map_or_else(String::new, |(first, last)| format!("{first}-{last}"));
    let n = found.n.to_string();
    let word = word(found);
    let Some(line) = &found.line else {
        let none = String::new;
        return [name, span, n, none(), none(), none(), none(), none(), none(), none(), none(), word];
    };
    [
        name,
        span,
        n,
        fixed(line.fit.n_eff, 1),
        slope_text(kpi, line.fit.slope, deep.pace),
        interval_text(kpi, line, deep.pace),
        found.theil_sen.map_or_else(String::new, |slope| signed(slope, kpi.unit.decimals() + 3)),
        movement(kpi, line.change),
        probability(line.p),
        probability(line.p_adjusted),
        match line.to_breach {
            Some(0.0) => "beyond it".to_owned(),
            Some(iterations) if found.verdict == DriftVerdict::Worsens => duration(iterations, deep.pace),
            _ => String::new(),
        },
        word,
    ]
}

/// What can be said, in words.
pub(crate) fn word(found: &KpiDrift) -> String {
    match found.verdict {
        DriftVerdict::Worsens => "gets steadily worse".to_owned(),
        DriftVerdict::Improves => "gets steadily better".to_owned(),
        DriftVerdict::Settled => found
            .settled_from
            .map_or_else(|| "settled".to_owned(), |from| format!("settled, steady from {from} on")),
        DriftVerdict::NoDrift => "no steady drift shown".to_owned(),
        DriftVerdict::TooFew => "too few values".to_owned(),
        DriftVerdict::CannotTell => "cannot tell, neighbours resemble each other too much".to_owned(),
        DriftVerdict::NoData => "no value".to_owned(),
    }
}

fn changes(out: &mut String, found: &KpiChanges) {
    let kpi = found.kpi;
    let name = cell(kpi.name);
    if found.changes.is_empty() {
        let what = match (found.block, found.likeliest) {
            (None, _) => format!("too few values ({})", found.n),
            (_, Some(change)) if found.too_small.is_some() => {
                let least = found.too_small.unwrap_or_default();
                let told = prose(&told_small(kpi, &change, least));
                format!("{told}: p {}", probability_of(&change))
            }
            (_, Some(change)) => {
                format!("keeps its level (likeliest change p {})", probability_of(&change))
            }
            _ if found.constant => "has the same value throughout".to_owned(),
            _ => "walks without a level, nothing can be told".to_owned(),
        };
        line(out, &format!("- `{name}`: {what}"));
    }
    for change in found.changes.iter().take(MOST) {
        let told = prose(&format!("{}: p {}", told_change(kpi, change), probability_of(change)));
        line(out, &format!("- `{name}`: {told}"));
    }
    if let Some(block) = found.block.filter(|block| *block > 1) {
        line(out, &format!("  - searched in medians of {block} iterations"));
    }
    for spike in found.spikes.iter().take(MOST) {
        let place = if spike.first == spike.last {
            format!("iteration {}", spike.first)
        } else {
            format!("iterations {}-{}", spike.first, spike.last)
        };
        let digits = kpi.unit.decimals();
        line(
            out,
            &format!(
                "  - outlier in {place}: {} where {} is usual, no change",
                fixed(spike.value, digits),
                fixed(spike.usual, digits)
            ),
        );
    }
    let more = found.spikes.len().saturating_sub(MOST);
    if more > 0 {
        line(out, &format!("  - and {more} more outliers"));
    }
}

#[cfg(test)]
mod tests {
    use crate::core::iteration::Iteration;
    use crate::core::kpi::KpiId;
    use crate::core::verdict::{Outcome, Part};
    use crate::render::audit_md::audit;
    use crate::render::report_fixture::{analysed, assert_well_formed, folder, passing, provenance, with};

    /// Small waves, so that nothing is a constant.
    fn wave(number: u64) -> f64 {
        (number * 7 % 13) as f64 / 130.0 - 0.05
    }

    /// A passing run of an iteration a minute whose net edge is this.
    fn run(n: u64, net: impl Fn(u64) -> f64) -> Vec<Iteration> {
        let one = |iteration: Iteration| {
            let value = net(iteration.number) + wave(iteration.number);
            with(iteration, KpiId::NET_BPS, Some(value))
        };
        passing(n).into_iter().map(one).collect()
    }

    fn told(n: u64, net: impl Fn(u64) -> f64) -> (String, Outcome) {
        let (analysis, policy) = analysed(folder(run(n, net)));
        let text = audit(&analysis, &policy, &provenance(), true);
        assert_well_formed(&text);
        assert!(analysis.checks().filter(|check| check.part == Part::KpiDrift).count() == 4);
        (text, analysis.outcome)
    }

    #[test]
    fn a_slow_fall_within_the_limits_is_told_per_hour_with_the_time_to_the_limit() {
        // From 3.60 to 3.00 in 60 minutes: -0.6 an hour; 0.3 above the limit of 2.70 at the end: half an hour.
        let (text, outcome) = told(61, |number| 3.6 - 0.01 * (number - 1) as f64);
        assert_eq!(outcome, Outcome::Fail);
        let row = text.lines().find(|line| line.starts_with("| `net_bps` | 7-61 | 55 |")).expect("a row");
        assert!(row.contains("-0.60") && row.ends_with("| 0.5 h | gets steadily worse |"), "{row}");
        assert!(text.contains("iterations times the usual distance of their time stamps"), "{text}");
    }

    #[test]
    fn a_step_is_told_with_its_place_and_size_and_a_spike_is_none() {
        let step = |number: u64| match number {
            20 => 9.0,
            number if number >= 60 => 3.0,
            _ => 4.0,
        };
        let (text, _) = told(100, step);
        let line =
            text.lines().find(|line| line.starts_with("- `net_bps`: worsened from")).expect("a change");
        assert!(line.contains("at iteration 60 (-1.00 bps"), "{line}");
        // 140 mod 13 is 10: the wave adds 10/130 - 0.05 to 9.
        assert!(text.contains("  - outlier in iteration 20: 9.03 where"), "{text}");
    }

    #[test]
    fn a_short_run_says_that_it_is_too_short() {
        let (text, outcome) = told(24, |_| 3.0);
        assert_eq!(outcome, Outcome::Pass);
        assert!(text.contains("- `net_bps`: too few values (18)"), "{text}");
    }
}
