//! The page as a whole: nothing from elsewhere, nothing obeyed, bounded.

use super::*;
use crate::core::iteration::params::{ParamName, ParamValues};
use crate::core::iteration::{Iteration, SkipReason};
use crate::core::kpi::KpiId;
use crate::core::verdict::evidence::{Evidence, Finding};
use crate::report::fixture::{
    analysed, folder, frozen, good, hostile, overridden, passing, provenance, series, with,
};

fn told(iterations: impl IntoIterator<Item = Iteration>) -> String {
    let (analysis, policy) = analysed(folder(iterations));
    page(&analysis, &policy, &provenance())
}

/// The elements that are opened and closed, as a check that nothing is left open.
#[track_caller]
fn assert_balanced(html: &str) {
    let body = &html[html.find("<body>").expect("a body")..html.find("<script>").expect("a script")];
    for name in [
        "section", "table", "thead", "tbody", "tr", "td", "th", "ul", "li", "p", "div", "span", "svg",
        "text", "figure", "details", "code", "b",
    ] {
        let opened = body.matches(&format!("<{name}>")).count() + body.matches(&format!("<{name} ")).count();
        assert_eq!(opened, body.matches(&format!("</{name}>")).count(), "{name}");
    }
}

#[test]
fn the_verdict_and_its_reason_come_first() {
    let html = told(passing(24));
    assert_balanced(&html);
    let place = |what: &str| html.find(what).unwrap_or_else(|| panic!("`{what}` is missing"));
    let order = [
        "<span id=\"verdict-word\">PASS</span>",
        "gating checks hold",
        "READY_TO_FREEZE",
        "id=\"why\"",
        "class=\"plot\"",
        "id=\"iterations\"",
        "id=\"tuning\"",
        "id=\"findings\"",
        "id=\"provenance\"",
        "Limits that were used",
    ];
    assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])));
    assert_eq!(html.matches("<figure>").count(), 4);
}

#[test]
fn a_failure_says_why_and_marks_what_missed() {
    let html = told((1..=8).map(|n| with(good(n), KpiId::NET_BPS, Some(2.0))));
    assert!(html.contains("<section id=\"verdict\" class=\"verdict\" data-outcome=\"FAIL\""));
    assert!(html.contains("0 of 8 iterations pass"), "the reason");
    assert!(html.contains("<td class=\"bad\">2.00</td>") && html.contains("✗ no"));
    assert!(!html.contains("<small>"));
    // Seven iterations are too few; the files that others read call that FAIL.
    assert!(told(passing(7)).contains("INCONCLUSIVE</span> <small>published as FAIL</small>"));
}

#[test]
fn the_page_asks_nobody_for_anything() {
    let html = told(passing(24));
    for word in ["http://", "https://", "src=", "@import", "url(", "innerHTML", "eval("] {
        assert!(!html.contains(word), "`{word}`");
    }
    let policy = &html[html.find("default-src").expect("a policy")..];
    let policy = &policy[..policy.find('"').expect("an end")];
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    // A policy without 'unsafe-inline' forbids these.
    assert!(!html.contains(" style=") && !html.contains(" onclick="));
    let style = &html[html.find("<style>").expect("a style") + 7..html.find("</style>").expect("its end")];
    assert!(policy.contains(&base64(&Sha256::digest(style))));
    let script =
        &html[html.find("<script>").expect("a script") + 8..html.find("</script>").expect("its end")];
    assert!(policy.contains(&base64(&Sha256::digest(script))));
}

#[test]
fn whatever_comes_from_files_stays_text() {
    let evil = hostile();
    let text: std::sync::Arc<str> = evil.as_str().into();
    let mut run = passing(24);
    for iteration in &mut run {
        iteration.time = Some(text.clone());
        iteration.phase = Some(text.clone());
        let tuning = &mut iteration.tuning;
        tuning.skip = Some(SkipReason { code: Some(text.clone()), note: Some(text.clone()) });
        tuning.deltas = ParamValues::new(vec![(ParamName::flat("<img src=x onerror=y>"), 1.0)]);
        tuning.dropped = vec![(ParamName::flat("<script>x</script>"), text.clone())];
        tuning.freeze_reason = Some(text.clone());
    }
    run[3].collection_failed = Some(text);
    let mut evidence = Evidence { series: vec![series(Some(&evil), run)], ..Evidence::default() };
    evidence.findings.push(Finding {
        kind: "odd",
        symbol: Some(evil.clone()),
        iteration: None,
        file: None,
        in_window: true,
        message: evil.clone(),
    });
    evidence.sources.insert(evil.clone());
    let (analysis, policy) = analysed(evidence);
    let html = page(&analysis, &policy, &overridden(&evil));
    assert_balanced(&html);
    assert_eq!(html.matches("<script").count(), 1, "the one of the page");
    assert!(!html.contains("<img") && !html.contains("</td><script"));
    assert!(html.contains("&lt;script&gt;"));
    assert!(!html.chars().any(|letter| letter.is_control() && letter != '\n'));
    assert!(html.len() < 1_000_000, "{}", html.len());
}

#[test]
fn a_thousand_busy_iterations_stay_below_a_megabyte() {
    let keys =
        ["base_spread_bps_delta", "concurrency_limit", "impact_cap_ratio", "min_interval_ms", "tail_age_ms"];
    let run = (1..=1000).map(|n| {
        let mut iteration =
            frozen(with(good(n), KpiId::NET_BPS, Some((n % 7) as f64)), "two stable iterations in a row");
        iteration.tuning.deltas =
            ParamValues::new(keys.iter().map(|key| (ParamName::flat(key), 0.0125)).collect());
        iteration.tuning.dropped = keys.iter().map(|key| (ParamName::flat(key), "velocity".into())).collect();
        iteration
    });
    let html = told(run);
    assert!(html.len() < 1_000_000, "{}", html.len());
    assert!(html.contains("1000 iterations with a proposal, of which the last 500 stand here."));
}

#[test]
fn of_a_hundred_thousand_iterations_the_last_and_the_failing_ones_are_listed() {
    let run = (1..=100_000).map(|n| with(good(n), KpiId::NET_BPS, Some(if n == 777 { -9.0 } else { 3.0 })));
    let html = told(run);
    assert!(html.len() < 1_000_000, "{}", html.len());
    assert!(html.contains(
        "100000 iterations, of which the last 1000 stand here, and of those before them the last 1 "
    ));
    assert!(html.contains("<tr><td>777</td>") && html.contains("<tr><td>99001</td>"));
    assert!(!html.contains("<tr><td>99000</td>"));
}

#[test]
fn the_worst_of_many_symbols_are_shown_and_the_page_says_so() {
    let name = |n: u64| format!("S{n:02}");
    let bad =
        |n: u64| (1..=8).map(move |i| with(good(i), KpiId::NET_BPS, Some(if n == 39 { 1.0 } else { 3.0 })));
    let all = (0..40).map(|n| series(Some(&name(n)), bad(n))).collect();
    let (analysis, policy) = analysed(Evidence { series: all, ..Evidence::default() });
    let html = page(&analysis, &policy, &provenance());
    assert_balanced(&html);
    assert!(html.contains("The 12 worst of 40 symbols.") && html.contains("<h3>S39: FAIL</h3>"));
    assert_eq!(html.matches("<figure>").count(), 48);
    assert!(html.len() < 1_000_000, "{}", html.len());
}

#[test]
fn an_override_is_told_and_an_empty_folder_is_reported() {
    let (analysis, policy) = analysed(folder([]));
    let html = page(&analysis, &policy, &overridden("known <outage>"));
    assert_balanced(&html);
    assert!(html.contains("Overridden by alice at 2025-01-03T00:00:00Z: known &lt;outage&gt;"));
    assert!(html.contains("data-outcome=\"INVALID\"") && html.contains("There is no iteration to draw."));
    assert_eq!(html, page(&analysis, &policy, &overridden("known <outage>")));
}
