//! The baseline diff as text, as `extract --compare` tells it.
//!
//! Must not compare anything itself; [`crate::core::baseline`] does.

use std::fmt::Write as _;

use crate::core::baseline::{Change, DIGITS, Diff};
use crate::core::number::fixed;

/// One line a KPI, and one for the verdict if it changed.
pub fn text(diff: &Diff) -> String {
    let mut text = "Baseline vs Current:\n".to_owned();
    let side = |value: Option<f64>| value.map_or_else(|| "n/a".to_owned(), |value| fixed(value, DIGITS));
    for line in &diff.lines {
        let change = line.change.map_or_else(String::new, |change| format!(" ({})", shown(change)));
        let (name, before, after) = (line.kpi.name, side(line.before), side(line.after));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name}.mean: {before} → {after}{change}");
    }
    if let Some((before, after)) = &diff.verdict {
        let _ = writeln!(text, "  verdict: {before} → {after}");
    }
    text
}

fn shown(change: Change) -> String {
    let signed = |value: f64, digits| {
        let sign = if value < 0.0 { '-' } else { '+' };
        format!("{sign}{}", fixed(value.abs(), digits))
    };
    match change {
        Change::Percent(percent) => format!("{}%", signed(percent, 1)),
        Change::NearZero(difference) => format!("{}, baseline near 0", signed(difference, DIGITS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::baseline::{Baseline, diff};
    use crate::core::kpi::KpiId;

    fn told(before: [Option<f64>; 4], after: [Option<f64>; 4], verdicts: (&str, &str)) -> String {
        let means = |side: [Option<f64>; 4]| KpiId::OF_THE_VERDICT.into_iter().zip(side).collect::<Vec<_>>();
        let baseline = Baseline {
            schema_version: "1.1".into(),
            verdict: Some(verdicts.0.into()),
            outcome: None,
            means: means(before),
            medians: Vec::new(),
            pass_count: Some(6),
        };
        text(&diff(&baseline, &means(after), verdicts.1))
    }

    #[test]
    fn the_documented_example_comes_out_as_documented() {
        let text = told(
            [Some(0.395), Some(0.880), Some(3.050), Some(320.0)],
            [Some(0.410), Some(0.900), Some(3.138), Some(305.0)],
            ("PASS", "PASS"),
        );
        let expected = "Baseline vs Current:\n  \
                        risk_ratio.mean: 0.395 → 0.410 (+3.8%)\n  \
                        maker_taker_ratio.mean: 0.880 → 0.900 (+2.3%)\n  \
                        net_bps.mean: 3.050 → 3.138 (+2.9%)\n  \
                        p95_latency_ms.mean: 320.000 → 305.000 (-4.7%)\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_baseline_against_itself_shows_no_change() {
        let same = [Some(0.410), Some(0.900), Some(3.138), Some(305.0)];
        let text = told(same, same, ("WARN", "WARN"));
        assert_eq!(text.matches("(+0.0%)").count(), 4, "{text}");
        assert!(!text.contains("verdict"));
    }

    #[test]
    fn unknown_sides_small_baselines_and_a_new_verdict_are_told() {
        let text = told(
            [None, Some(0.880), Some(0.01), Some(0.0)],
            [Some(0.410), None, Some(-0.01), Some(0.0)],
            ("PASS", "FAIL"),
        );
        let expected = "Baseline vs Current:\n  \
                        risk_ratio.mean: n/a → 0.410\n  \
                        maker_taker_ratio.mean: 0.880 → n/a\n  \
                        net_bps.mean: 0.010 → -0.010 (-0.020, baseline near 0)\n  \
                        p95_latency_ms.mean: 0.000 → 0.000 (+0.000, baseline near 0)\n  \
                        verdict: PASS → FAIL\n";
        assert_eq!(text, expected);
    }
}
