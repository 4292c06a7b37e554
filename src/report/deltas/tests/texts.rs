//! The words of the delta report, on reports built by hand.

use std::collections::BTreeMap;

use super::*;
use crate::core::verdict::{Comparison, LimitSource, Part, Severity, WindowUsed};

fn key(param: &str, delta: f64, values: Option<(f64, f64)>, state: KeyWord) -> KeyReport {
    KeyReport {
        after: values.map(|(_, after)| after),
        before: values.map(|(before, _)| before),
        change: values.map(|(before, after)| after - before),
        code: (state == KeyWord::Dropped).then(|| "velocity".to_owned()),
        delta,
        param: param.to_owned(),
        state,
        stored_as_value: values.is_some_and(|(_, after)| after == delta),
    }
}

fn pair(from: u64, status: PairWord, reason: &str, keys: Vec<KeyReport>) -> PairReport {
    PairReport {
        claimed: true,
        explained: (status == PairWord::Partial).then_some(false),
        from,
        keys,
        next: NextWord::Iteration,
        reason: reason.to_owned(),
        status,
        to: Some(from + 1),
    }
}

/// Four proposals: full, skipped, failed, unverifiable.
fn report() -> DeltaReport {
    let mut last =
        pair(9, PairWord::Unverifiable, "nothing after", vec![key("a", 1.0, None, KeyWord::Missing)]);
    (last.next, last.to) = (NextWord::Nothing, None);
    DeltaReport {
        claimed_count: 3,
        fail_count: 1,
        full_apply_count: 1,
        full_apply_ratio: Some(0.5),
        misses: BTreeMap::from([("impact_cap_ratio".to_owned(), 1), ("tail_age_ms".to_owned(), 4)]),
        none_count: 5,
        outcome: None,
        outcome_reason: None,
        origin: None,
        excluded_symbols: Vec::new(),
        overridden: None,
        rehearsal: false,
        pairs: vec![
            pair(
                1,
                PairWord::Full,
                "as proposed",
                vec![key("tail_age_ms", 30.0, Some((600.0, 630.0)), KeyWord::Applied)],
            ),
            pair(
                2,
                PairWord::Skipped,
                "velocity: too | fast\n<b>",
                vec![key("tail_age_ms", 30.0, Some((630.0, 630.0)), KeyWord::Unchanged)],
            ),
            pair(
                3,
                PairWord::Failed,
                "no value changed as proposed",
                vec![
                    key("impact_cap_ratio", -0.01, Some((0.1, -0.01)), KeyWord::Mismatch),
                    key("tail_age_ms", 30.0, Some((630.0, 640.0)), KeyWord::Mismatch),
                ],
            ),
            last,
        ],
        pairs_total: 4,
        partial_ok_count: 1,
        proposed_count: 4,
        schema_version: "1.0".to_owned(),
        signature_stuck_count: 0,
        skipped_count: 1,
        status: Status::Verified,
        strict_apply_ratio: Some(0.333),
        symbol: None,
        symbols: Vec::new(),
        unverifiable_count: 1,
    }
}

fn check(outcome: Outcome) -> Check {
    Check {
        part: Part::Deltas,
        gate: "deltas.full_apply_ratio".to_owned(),
        kpi: None,
        symbol: None,
        severity: Severity::Hard,
        window: WindowUsed { name: "overall".to_owned(), first: Some(1), last: Some(9), n: 9 },
        statistic: "full_apply_ratio".to_owned(),
        comparison: Some(Comparison::AtLeast),
        limit: Some(0.9),
        observed: Some(0.5),
        margin: Some(-0.4),
        outcome,
        reason: "2 of 4".to_owned(),
        limit_source: Some(LimitSource {
            key: "deltas.full".to_owned(),
            origin: "built-in policy".to_owned(),
        }),
        joins: true,
        inference: None,
    }
}

fn has(text: &str, line: &str) -> bool {
    text.lines().any(|have| have == line)
}

#[test]
fn the_line_that_programs_read_has_its_form_and_agrees_with_the_ratio() {
    let mut report = report();
    assert!(has(&markdown(&report, &[]), "Full applications: 2/4 (50.0%)"));
    assert!(has(&text(&report, &[]), "Full applications: 2/4 (50.0%)"));
    report.proposed_count = 3;
    assert!(has(&markdown(&report, &[]), "Full applications: 2/3 (66.7%)"));
    report.status = Status::Unverifiable;
    assert!(has(&markdown(&report, &[]), "Full applications: 2/3 (unverifiable)"));
    report = DeltaReport {
        proposed_count: 0,
        full_apply_count: 0,
        partial_ok_count: 0,
        skipped_count: 0,
        ..report
    };
    report.status = Status::NoProposals;
    assert!(has(&markdown(&report, &[]), "Full applications: 0/0 (nothing was proposed)"));
}

#[test]
fn the_verdict_is_the_worst_check_and_shows_its_ladder() {
    let both = markdown(&report(), &[check(Outcome::Pass), check(Outcome::Fail)]);
    assert!(has(&both, "**Deltas: FAIL**"));
    assert!(has(
        &both,
        "- deltas.full_apply_ratio: 0.5 (limit >= 0.9, deltas.full from built-in policy), FAIL: 2 of 4"
    ));
    assert!(has(&markdown(&report(), &[check(Outcome::NotApplicable)]), "**Deltas: NOT_APPLICABLE**"));
}

#[test]
fn the_markdown_tells_pairs_mismatches_and_parameters() {
    let text = markdown(&report(), &[check(Outcome::Fail)]);
    for line in [
        "# Delta verification",
        "| full apply ratio | 0.500 |",
        "| strict apply ratio | 0.333 |",
        "| 1 → 2 | tail_age_ms +30 | full | as proposed |",
        r"| 2 → 3 | tail_age_ms +30 | skipped | velocity: too \| fast &lt;b&gt; |",
        "| 3 → 4 | impact_cap_ratio -0.01, tail_age_ms +30 | failed | no value changed as proposed |",
        "| 9 → - | a +1 | unverifiable | nothing after |",
        "| 3 → 4 | impact_cap_ratio | -0.01 | 0.1 | -0.01 | -0.11 | the increment was stored as the value |",
        "| 3 → 4 | tail_age_ms | +30 | 630 | 640 | +10 | changed by something else |",
        "## What unverifiable means",
    ] {
        assert!(has(&text, line), "{line}\n---\n{text}");
    }
    let (most, least) = ("| tail_age_ms | 4 |", "| impact_cap_ratio | 1 |");
    assert!(text.find(most) < text.find(least) && has(&text, most) && has(&text, least));
    assert!(text.ends_with(".\n") && !text.ends_with("\n\n"));
}

#[test]
fn what_is_not_there_gets_no_section() {
    let mut report = report();
    report.pairs.truncate(2);
    (report.unverifiable_count, report.pairs_total) = (0, 2);
    report.misses.clear();
    let text = markdown(&report, &[]);
    assert!(!text.contains("unverifiable means") && !text.contains("Mismatches"), "{text}");
    report.pairs_total = 7;
    assert!(has(&markdown(&report, &[]), "2 of 7 are listed, those that failed first of all."));
}

#[test]
fn each_symbol_has_its_section() {
    let one = |symbol: &str| DeltaReport { symbol: Some(symbol.to_owned()), ..report() };
    let whole = DeltaReport::whole(vec![one("A|B"), one("C")]).expect("two symbols");
    let text = markdown(&whole, &[]);
    assert!(has(&text, r"The figures above are those of the worst symbol, A\|B."), "{text}");
    assert!(has(&text, r"## A\|B") && has(&text, "## C") && has(&text, "### Pairs"));
    assert_eq!(text.matches("Full applications:").count(), 1);
}

#[test]
fn the_terminal_shows_what_failed() {
    let shown = text(&report(), &[check(Outcome::Fail)]);
    let expected = "\
delta verification: FAIL
  deltas.full_apply_ratio: 0.5 (limit >= 0.9, deltas.full from built-in policy), FAIL: 2 of 4
Full applications: 2/4 (50.0%)
  Every increment arrived in 1; a reason explains 0 applied in part and 1 not applied.
  proposed 4, full 1, skipped with a reason 1, explained partial 0, failed 1, stuck 0, unverifiable 1, \
iterations without a proposal 5, full apply ratio 0.500, strict apply ratio 0.333
  3 -> 4: failed, no value changed as proposed
    impact_cap_ratio -0.01 proposed, 0.1 -> -0.01: the increment was stored as the value
    tail_age_ms +30 proposed, 630 -> 640: changed by something else
";
    assert_eq!(shown, expected);
}

#[test]
fn the_terminal_is_not_flooded() {
    let mut report = report();
    let failing = report.pairs[2].clone();
    report.pairs = vec![failing.clone(); FAILING_ON_TERMINAL];
    assert!(!text(&report, &[]).contains("more"));
    report.pairs.push(failing);
    assert!(has(&text(&report, &[]), "  and 1 more"));
}

#[test]
fn numbers_are_short_and_keep_their_sign() {
    assert_eq!(plain(100.0), "100");
    assert_eq!(plain(0.0), "0");
    assert_eq!(plain(0.020_000_000_000_000_004), "0.02");
    assert_eq!(plain(0.000_001), "0.000001");
    assert_eq!(plain(0.000_000_5), "5e-7");
    assert_eq!(plain(1e15), "1e15");
    assert_eq!(signed(-0.005), "-0.005");
    assert_eq!(signed(0.005), "+0.005");
    assert_eq!(signed(0.0), "0");
}

#[test]
fn simulated_data_and_excluded_symbols_are_named_in_both_forms() {
    let origin = crate::core::analysis::Origin::of_run("sim", false, |source| source == "sim");
    let note = origin.note().expect("a sentence");
    let told = DeltaReport {
        origin: crate::core::analysis::origin::OriginBlock::of_no_release(&origin),
        excluded_symbols: vec!["BBB".to_owned()],
        ..report()
    };
    let (page, lines) = (markdown(&told, &[]), text(&told, &[]));
    assert!(page.contains(&format!("\n**{note}.**\n\nExcluded and not judged: BBB\n")), "{page}");
    assert!(lines.contains(&format!("\n{note}\nexcluded and not judged: BBB\n")), "{lines}");
    let nothing = markdown(&report(), &[]) + &text(&report(), &[]);
    assert!(!nothing.contains("SIMULATED") && !nothing.contains("not judged"), "{nothing}");
}
