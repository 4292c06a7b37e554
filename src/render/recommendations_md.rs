//! `RECOMMENDATIONS.md`: may the overrides be frozen, which parameters to change, and what is short of which
//! limit by how much.
//!
//! Advises only; the steps and their reasons come from the analysis.

use super::markdown::cell;
use super::report_head::{freeze_decision, header};
use super::report_md::{Column, bounded, finish, maybe, paragraph, prose, row, step, table, with_unit};
use crate::core::analysis::{Analysis, SymbolAnalysis};
use crate::core::judge::action::told;
use crate::core::policy::Policy;
use crate::core::verdict::{Check, Outcome, Part};
use crate::wire::provenance::Provenance;

/// Lines of the list of limits that are not met.
const MOST: usize = 500;

/// The recommendations as Markdown.
pub fn recommendations(analysis: &Analysis, policy: &Policy, provenance: &Provenance) -> String {
    let mut out = header("Recommendations", analysis, provenance);
    let (word, why) = freeze_decision(analysis);
    paragraph(&mut out, &format!("**Freeze decision:** {word} - {why}"));
    for symbol in &analysis.symbols {
        let mark = if let Some(name) = &symbol.symbol {
            paragraph(&mut out, &format!("## Symbol {}: {}", cell(name), symbol.outcome));
            "###"
        } else {
            "##"
        };
        kpis(&mut out, mark, symbol, policy);
        parameters(&mut out, mark, symbol);
        missed(&mut out, mark, symbol, policy);
    }
    finish(out, false)
}

fn kpis(out: &mut String, mark: &str, symbol: &SymbolAnalysis, policy: &Policy) {
    let used = symbol.last.used();
    paragraph(out, &format!("{mark} KPIs of {}", used.name));
    let (Some(first), Some(last)) = (used.first, used.last) else {
        paragraph(out, "There is no iteration.");
        return;
    };
    paragraph(out, &format!("Iterations {first}-{last}, n={}.", used.n));
    table(
        out,
        &[Column::Text("KPI"), Column::Number("mean"), Column::Number("median"), Column::Number("missing")],
    );
    for stats in &symbol.kpis {
        let kpi = policy.kpis.get(stats.kpi);
        let digits = kpi.unit.decimals();
        row(
            out,
            [
                with_unit(&cell(&kpi.name), kpi),
                maybe(stats.summary.map(|summary| summary.mean), digits),
                maybe(stats.summary.map(|summary| summary.median), digits),
                stats.missing.to_string(),
            ],
        );
    }
    out.push('\n');
}

fn parameters(out: &mut String, mark: &str, symbol: &SymbolAnalysis) {
    paragraph(out, &format!("{mark} Parameters"));
    let deep = &symbol.deep;
    if deep.recommendations.is_empty() {
        paragraph(
            out,
            &format!(
                "No parameter change is recommended: no rule of the policy applies to {}.",
                symbol.last.name
            ),
        );
        return;
    }
    table(
        out,
        &[
            Column::Text("parameter"),
            Column::Number("step"),
            Column::Text("why"),
            Column::Text("rules"),
            Column::Text("note"),
        ],
    );
    for advice in &deep.recommendations {
        let note = if advice.conflict { "**conflict**: other rules ask for the opposite" } else { "" };
        row(
            out,
            [
                cell(advice.param.as_str()),
                step(advice.step),
                prose(&advice.rationales.join("; ")),
                prose(&advice.rules.join(", ")),
                note.to_owned(),
            ],
        );
    }
    out.push('\n');
    if deep.recommendations.iter().any(|advice| advice.conflict) {
        paragraph(out, "Where rules conflict, a person has to decide; the program applies neither.");
    }
}

fn missed(out: &mut String, mark: &str, symbol: &SymbolAnalysis, policy: &Policy) {
    paragraph(out, &format!("{mark} Readiness and goals"));
    let of_sets = || symbol.checks.iter().filter(|check| matches!(check.part, Part::Readiness | Part::Goals));
    let missed: Vec<String> =
        of_sets().filter(|check| check.outcome > Outcome::Pass).map(|check| action(check, policy)).collect();
    if of_sets().next().is_none() {
        paragraph(out, "Neither readiness nor goals were looked at.");
    } else if missed.is_empty() {
        paragraph(out, "Every limit of readiness and goals is met.");
    } else {
        bounded(out, missed.into_iter(), MOST);
    }
}

/// What must happen for a check to hold.
fn action(check: &Check, policy: &Policy) -> String {
    let what = told(check, &policy.kpis);
    format!("- {} **{}**: {}", check.part.word(), check.outcome, prose(&what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::analysis::{Options, analyse};
    use crate::core::evidence::Evidence;
    use crate::core::guards::Guard;
    use crate::core::iteration::Iteration;
    use crate::core::kpi::KpiId;
    use crate::render::report_fixture::{
        analysed, assert_well_formed, folder, good, overridden, passing, provenance, series, with,
    };
    use crate::wire::policy::{Layer, Origin, read};

    fn told(evidence: Evidence) -> String {
        let (analysis, policy) = analysed(evidence);
        let text = recommendations(&analysis, &policy, &provenance());
        assert_well_formed(&text);
        text
    }

    fn by_layer(toml: &str, evidence: Evidence) -> String {
        let layer =
            Layer { origin: Origin::File("p.toml".into()), text: format!("schema_version = 1\n{toml}") };
        let policy = read(&[layer], &[]).expect("a policy");
        let analysis = analyse(evidence, &policy, &Options::default(), None);
        let text = recommendations(&analysis, &policy, &provenance());
        assert_well_formed(&text);
        text
    }

    /// Passing iterations with this value of a KPI in each.
    fn all(kpi: KpiId, value: f64) -> Evidence {
        folder(passing(8).into_iter().map(|one| with(one, kpi, Some(value))))
    }

    #[track_caller]
    fn has(text: &str, what: &str) {
        assert!(text.contains(what), "{what} is not in:\n{text}");
    }

    #[test]
    fn a_clean_run_may_be_frozen_and_needs_no_change() {
        let text = told(folder(passing(8)));
        has(
            &text,
            "**Freeze decision:** READY_TO_FREEZE - the verdict is PASS and a freeze was seen in the window\n",
        );
        has(&text, "## KPIs of last8\n\nIterations 1-8, n=8.\n");
        has(
            &text,
            "| KPI | mean | median | missing |\n| --- | ---: | ---: | ---: |\n| risk_ratio | 0.300 | 0.300 | 0 |\n",
        );
        has(&text, "| net_bps, bps | 3.00 | 3.00 | 0 |\n| p95_latency_ms, ms | 300 | 300 | 0 |\n");
        has(&text, "No parameter change is recommended: no rule of the policy applies to last8.\n");
        has(&text, "Every limit of readiness and goals is met.\n");
    }

    #[test]
    fn nothing_but_a_pass_with_a_freeze_is_ready() {
        let without = folder((1..=8).map(good));
        has(&told(without), "**Freeze decision:** HOLD - no freeze was seen in last8\n");
        let ignored = by_layer("[run_verdict]\nfreeze = \"ignore\"\n", folder((1..=8).map(good)));
        has(&ignored, "**Verdict:** PASS");
        has(&ignored, "**Freeze decision:** HOLD - no freeze was seen in last8\n");
        let short = told(folder(passing(7)));
        has(
            &short,
            "**Freeze decision:** HOLD - the verdict is INCONCLUSIVE: 7 iterations in the window, 8 needed",
        );
        let (analysis, policy) = analysed(folder((1..=8).map(good)));
        let text = recommendations(&analysis, &policy, &overridden("we know"));
        has(&text, "**Overridden by alice at 2025-01-03T00:00:00Z: we know**\n");
        has(&text, "**Freeze decision:** HOLD");
    }

    #[test]
    fn steps_carry_their_signs_and_their_reasons() {
        let text = told(all(KpiId::RISK_RATIO, 0.5));
        has(&text, "| parameter | step | why | rules | note |\n| --- | ---: | --- | --- | --- |\n");
        has(&text, "| base_spread_bps_delta | +0.030 | mean risk_ratio 0.500 > 0.42 | high_risk | - |\n");
        has(&text, "| min_interval_ms | +35 | mean risk_ratio 0.500 > 0.42 | high_risk | - |\n");
        let text = told(all(KpiId::MAKER_TAKER_RATIO, 0.8));
        has(
            &text,
            "| replace_rate_per_min | x0.85 | mean maker_taker_ratio 0.800 < 0.85 | low_maker_share | - |\n",
        );
        let mut iterations = passing(8);
        iterations[0].tuning.guards.insert(Guard::Velocity);
        has(
            &told(folder(iterations)),
            "| max_delta_per_hour | x0.90 | iterations with velocity 1 > 0 | velocity | - |\n",
        );
    }

    #[test]
    fn a_conflict_is_marked_on_both_sides() {
        let toml = "[recommendations.calm]\nkpi = \"p95_latency_ms\"\nstatistic = \"mean\"\ncomparison = \"<\"\n\
                    limit = 340\n[recommendations.calm.change]\nmin_interval_ms = { add = -5 }\n";
        let text = by_layer(toml, all(KpiId::RISK_RATIO, 0.5));
        let conflict = "**conflict**: other rules ask for the opposite |\n";
        has(
            &text,
            &format!("| min_interval_ms | +35 | mean risk_ratio 0.500 > 0.42 | high_risk | {conflict}"),
        );
        has(&text, &format!("| min_interval_ms | -5 | mean p95_latency_ms 300 < 340 | calm | {conflict}"));
        has(&text, "Where rules conflict, a person has to decide;");
    }

    #[test]
    fn what_misses_a_limit_is_told_with_the_distance() {
        // Readiness asks for a median of 2.9, goals for a mean of 2.5.
        let text = told(all(KpiId::NET_BPS, 2.7));
        has(
            &text,
            "## Readiness and goals\n\n- readiness **FAIL**: raise the median of net_bps in last8 by at least 0.20 bps, \
             from 2.70 bps to >= 2.90 bps\n",
        );
        assert!(!text.contains("- goals"));
        // Readiness 330, goals 340 for the largest.
        let text = told(all(KpiId::P95_LATENCY_MS, 345.5));
        has(
            &text,
            "lower the median of p95_latency_ms in last8 by at least 16 ms, from 345.5 ms to <= 330 ms\n",
        );
        has(
            &text,
            "- goals **FAIL**: lower the max of p95_latency_ms in last8 by at least 6 ms, from 345.5 ms to <= 340 ms\n",
        );
        // Less than a decimal short is still short.
        has(&told(all(KpiId::NET_BPS, 2.898)), "by at least 0.002 bps, from 2.898 bps to >= 2.90 bps\n");
    }

    #[test]
    fn what_cannot_be_judged_says_what_is_missing() {
        let text = told(folder((1..=7).map(good)));
        has(
            &text,
            "- readiness **INCONCLUSIVE**: let the run go on: median 3.00 bps of 7 values in last8, 8 needed",
        );
        let text = told(folder((1..=8).map(|n| with(good(n), KpiId::NET_BPS, None))));
        has(&text, "- readiness **INVALID**: record net_bps: `net_bps` has no value in last8\n");
        has(&text, "| net_bps, bps | - | - | 8 |\n");
        let text = told(Evidence::default());
        has(&text, "**Freeze decision:** HOLD - the verdict is INVALID: there is no iteration to judge");
        has(&text, "There is no iteration.\n");
    }

    #[test]
    fn a_margin_that_is_used_up_is_told() {
        let text = by_layer("[readiness]\nmargin = 0.2\n", folder(passing(8)));
        has(
            &text,
            "- readiness **WARN**: gain room for the median of net_bps in last8: median 3.00 bps meets >= 2.90 bps",
        );
    }

    #[test]
    fn each_symbol_has_its_own_advice() {
        let risky = |n| -> Iteration { with(good(n), KpiId::RISK_RATIO, Some(0.5)) };
        let evidence = Evidence {
            series: vec![series(Some("AAA"), passing(8)), series(Some("B<b>"), (1..=8).map(risky))],
            ..Evidence::default()
        };
        let text = told(evidence);
        has(&text, "## Symbol AAA: PASS\n\n### KPIs of last8\n");
        has(&text, "## Symbol B&lt;b&gt;: FAIL\n\n### KPIs of last8\n");
        assert_eq!(text.matches("base_spread_bps_delta").count(), 1);
    }
}
