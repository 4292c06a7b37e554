//! What is said about the spread of a KPI in two runs. Must not judge.

use super::sentence::{far_values, probability, size};
use super::significance::{ComparedSpread, Judged, JudgedSpread};
use crate::core::judge::{count, with_unit};
use crate::core::kpi::KpiId;
use crate::core::text::number::{fixed, trimmed};
use crate::stats::spread::Spread;

impl ComparedSpread {
    /// `None` where nothing is found.
    pub fn of(judged: &Judged) -> Option<Self> {
        let spread = judged.spread.filter(JudgedSpread::is_unlikely)?;
        let found = spread.found;
        let (low, high) = found.interval(CONFIDENCE).unzip();
        Some(Self {
            answer: if spread.is_wider() { "wider" } else { "cannot_tell" },
            distance_a: found.distance[0],
            distance_b: found.distance[1],
            ratio: found.ratio(),
            low,
            high,
            far: found.beyond,
            far_a: found.far[0],
            far_b: found.far[1],
            p: found.p(),
            p_adjusted: spread.p_adjusted,
            detectable_90: found.detectable(spread.level / spread.family as f64, 0.9),
        })
    }
}

/// Of each end of a 95 % interval.
const CONFIDENCE: f64 = 0.025;

pub fn is_wider(judged: &Judged) -> bool {
    judged.spread.is_some_and(|spread| spread.is_wider())
}

/// A sentence where something is found.
pub fn sentence(judged: &Judged, gates: bool) -> Option<String> {
    let spread = judged.spread.filter(JudgedSpread::is_unlikely)?;
    let advisory = if gates { "" } else { " (advisory)" };
    Some(text(judged.kpi, &spread, ["A", "B"]) + advisory)
}

/// What was found, how large, how unlikely, and what would have been; or why nothing follows from it.
pub fn text(kpi: KpiId, spread: &JudgedSpread, names: [&str; 2]) -> String {
    let p = format!(
        "p {}, {} after correction for {}",
        probability(spread.found.p()),
        probability(spread.p_adjusted),
        count(spread.family, "KPI")
    );
    let found = found(kpi, &spread.found, names);
    if spread.found.clusters {
        return format!(
            "{found}; {p}; nothing follows from it: large deviations come together (as in a GARCH process), and so differ by \
             chance"
        );
    }
    let least = spread.found.detectable(spread.level / spread.family as f64, 0.9);
    let least = least.map_or_else(String::new, |least| {
        format!("; {} times the spread would be found in 90 % of cases", times(least))
    });
    format!("{found}; {p}{least}")
}

/// `p95_latency_ms spreads 9.6 times as wide in B as in A (95 % sure: 6 to 15.4; 15.6 ms and 1.6 ms from the median on
/// average)`, and how many values are far.
fn found(kpi: KpiId, found: &Spread, [a, b]: [&str; 2]) -> String {
    let unit = |value: f64| with_unit(kpi, size(kpi, value));
    let [of_a, of_b] = found.distance.map(unit);
    let means = format!("{of_b} and {of_a} from the median on average");
    let wide = match (found.ratio(), found.interval(CONFIDENCE)) {
        (Some(ratio), Some((low, high))) if ratio > 1.0 => format!(
            "{} spreads {} times as wide in {b} as in {a} (95 % sure: {} to {}; {means})",
            kpi.name,
            times(ratio),
            times(low),
            times(high)
        ),
        (Some(_), _) => format!("{} spreads about as wide in {b} as in {a} ({means})", kpi.name),
        (None, _) => format!("{} varies in {b} and not in {a} ({means})", kpi.name),
    };
    if found.far == [0, 0] { wide } else { format!("{wide}; {}", far_values(kpi, found, [a, b])) }
}

fn times(ratio: f64) -> String {
    trimmed(&fixed(ratio, if ratio < 10.0 { 2 } else { 0 })).to_owned()
}
