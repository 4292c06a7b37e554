//! The live page of a run: one HTML text with its style and script inside, and nothing from elsewhere.
//!
//! Its content at load time can be read without a script; the script draws the charts and continues from
//! there. Text from data is escaped here and set as text there.

use sha2::{Digest, Sha256};

use crate::core::text::number::{fixed, significant};
use crate::export::live::document::{LiveDocument, LiveIterationRow, LiveKpi, LiveRunRow, overview};
use crate::export::live::{LiveFacts, LiveRun};
use crate::report::html::{base64, escape, fill, symbol};
use crate::report::json::compact_ascii;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = concat!(include_str!("../../report/format/palette.css"), include_str!("page.css"));
/// One script in four parts; `use strict` and the braces around them keep their names to themselves.
const SCRIPT: &str = concat!(
    "\n\"use strict\";\n{",
    include_str!("model.js"),
    include_str!("charts.js"),
    include_str!("tuning.js"),
    include_str!("page.js"),
    "}\n"
);
/// So many iterations come with the page, for the charts: all there are, or those that a longer run must not lose.
const FIRST: usize = 1_200;
/// The table has so many iterations.
const ROWS: u64 = 20;

/// What the page may load: its own style and script by their hashes, and data from where it came from.
pub fn content_security_policy() -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        base64(&Sha256::digest(STYLE)),
        base64(&Sha256::digest(SCRIPT)),
    )
}

/// The page of the run's current state.
pub fn page(run: &LiveRun) -> String {
    let from = run.latest().take(usize::try_from(ROWS).unwrap_or(usize::MAX)).last();
    let since = from.map_or(0, |first| first.number.saturating_sub(1));
    let document = LiveDocument::of(run, since, usize::MAX);
    let (row, facts) = (&document.run, &document.run.facts);
    let state = facts.state_word();
    let outcome = facts.verdict.as_ref().map_or("NONE", |verdict| verdict.outcome.word());
    let text = |name: &str| -> String {
        match name {
            "style" => STYLE.to_owned(),
            "script" => SCRIPT.to_owned(),
            "columns" => table_columns(&document, run.tunes),
            "rows" => table_rows(&document),
            // Inside of a JSON text `<` only occurs in strings; escaped, it cannot end the element.
            "first" => compact_ascii(&overview(run, FIRST)).replace('<', "\\u003c"),
            plain => escape(&match plain {
                "title" => format!("soak {state}"),
                "source" if facts.source == "unknown" => String::new(),
                "source" => facts.source.clone(),
                "state_word" if facts.state.is_none() => "state unknown".to_owned(),
                "hidden" => if facts.declared.is_none() { " hidden" } else { "" }.to_owned(),
                "state" | "state_word" => state.to_owned(),
                "facts" => subtitle(facts),
                "outcome" => outcome.to_owned(),
                "symbol" => symbol(outcome).to_owned(),
                "verdict_kind" => verdict_kind(run).to_owned(),
                "verdict_word" => if facts.verdict.is_some() { outcome } else { "none yet" }.to_owned(),
                "verdict_reason" => reason(facts),
                "origin" => facts.origin.clone().unwrap_or_default(),
                "note" => facts.note.clone().unwrap_or_default(),
                "charts" => if run.tunes { "data-charts " } else { "" }.to_owned(),
                "overrides" => if run.tunes { "Overrides in force" } else { "" }.to_owned(),
                "timeline" => {
                    if run.tunes { "Tuning: changes and guards" } else { "What happened" }.to_owned()
                }
                "decision" => facts.decision.clone().unwrap_or_default(),
                "done" => row.last.min(facts.declared.unwrap_or(row.last)).to_string(),
                "declared" => facts.declared.unwrap_or(row.last).max(1).to_string(),
                "progress" => progress(row),
                "passing" => passing(row),
                "version" => facts.tool_version.clone(),
                "policy" => facts.policy_sha256.chars().take(12).collect(),
                unknown => unreachable!("the template has no `{unknown}`"),
            }),
        }
    };
    fill(TEMPLATE, text)
}

fn verdict_kind(run: &LiveRun) -> &'static str {
    if run.is_running() { "Verdict so far:" } else { "Verdict:" }
}

fn reason(facts: &LiveFacts) -> String {
    facts.verdict.as_ref().map_or_else(|| "nothing to judge yet".to_owned(), |verdict| verdict.reason.clone())
}

fn subtitle(facts: &LiveFacts) -> String {
    let folder = facts.folder.as_ref().map(|folder| format!("folder {folder}"));
    let symbol = facts.symbol.as_ref().map(|symbol| format!("symbol {symbol}"));
    let seed = facts.seed.map(|seed| format!("seed {seed}"));
    let interval = facts.interval_seconds.map(|seconds| format!("an iteration every {seconds} s"));
    let started = facts.started.map(|at| format!("started {} UTC", at.format("%Y-%m-%d %H:%M:%S")));
    let limits = Some(format!("{} limits", facts.limits));
    [folder, symbol, seed, interval, started, limits].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// A time in RFC 3339 as people read it, without parts of a second and without its zone, which is UTC.
fn seconds(time: &str) -> String {
    time.get(..19).unwrap_or(time).replace('T', " ")
}

fn progress(row: &LiveRunRow) -> String {
    match row.facts.declared {
        Some(declared) => format!("iteration {} of {declared}", row.last),
        None => format!("iteration {}", row.last),
    }
}

fn passing(row: &LiveRunRow) -> String {
    let without = match row.failed_collections {
        0 => String::new(),
        failed => format!(", {failed} without data"),
    };
    format!("{} of {} iterations pass{without}", row.passing, row.seen)
}

/// The KPIs of the columns: those that have a limit, in its order, then the others of the verdict.
fn in_columns(document: &LiveDocument) -> Vec<&LiveKpi> {
    let find = |name: &str| document.kpis.iter().find(|kpi| kpi.name == name);
    let limited = document.limits.iter().filter_map(|limit| find(&limit.kpi));
    limited.chain(document.kpis.iter().filter(|kpi| kpi.beside)).collect()
}

/// The heads of the columns.
pub fn table_columns(document: &LiveDocument, tunes: bool) -> String {
    let mut cells = String::new();
    let mut cell = |class: &str, text: &str| {
        cells.extend(["<th scope=\"col\"", class, ">", &escape(text), "</th>"]);
    };
    let text = " class=\"text\"";
    cell("", "Iteration");
    cell(text, "KPI verdict");
    cell(text, "In limits");
    for kpi in in_columns(document) {
        let unit = if kpi.unit == "ratio" { String::new() } else { format!(", {}", kpi.unit) };
        cell("", &format!("{}{unit}", kpi.label));
    }
    cell(text, "Phase");
    cell(text, if tunes { "Tuning" } else { "Note" });
    cell(text, "Ended (UTC)");
    cells
}

/// The rows, newest first.
pub fn table_rows(document: &LiveDocument) -> String {
    let kpis = in_columns(document);
    document.iterations.iter().rev().map(|row| line(row, &kpis) + "\n").collect()
}

fn line(row: &LiveIterationRow, kpis: &[&LiveKpi]) -> String {
    let mut cells = String::new();
    let mut cell = |class: &str, text: &str| {
        cells.extend(["<td class=\"", class, "\">", &escape(text), "</td>"]);
    };
    let marked = |is_out: bool| if is_out { "beyond" } else { "" };
    cell("", &row.iteration.to_string());
    match (&row.collection_failed, &row.kpi_verdict) {
        (Some(_), _) => cell("text result FAIL", "no data"),
        (None, Some(verdict)) => cell(&format!("text result {verdict}"), verdict),
        (None, None) => cell("text result", "–"),
    }
    cell(&format!("text {}", marked(!row.passes)), if row.passes { "✓ yes" } else { "✗ no" });
    for kpi in kpis {
        let value = row.values.get(&kpi.name).map_or("–".to_owned(), |value| shown(*value, kpi));
        cell(marked(row.misses.contains(&kpi.name)), &value);
    }
    cell("text", &row.phase.to_lowercase());
    cell("text wide", what_happened(row));
    cell("text", row.utc.as_deref().map_or("–".to_owned(), seconds).as_str());
    format!("<tr>{cells}</tr>")
}

fn shown(value: f64, kpi: &LiveKpi) -> String {
    let own = kpi.significant.map_or(0, |_| significant(value));
    fixed(value, kpi.decimals.max(own))
}

fn what_happened(row: &LiveIterationRow) -> &str {
    row.collection_failed.as_deref().unwrap_or(&row.tuning)
}

#[test]
fn the_page_has_nothing_from_elsewhere_and_sets_no_markup_from_data() {
    for word in ["http://", "https://", "src=", "@import", "url("] {
        let allowed = SCRIPT.replace("http://www.w3.org/2000/svg", "");
        assert!(![TEMPLATE, STYLE, &allowed].iter().any(|text| text.contains(word)), "`{word}`");
    }
    for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "</script"] {
        assert!(!SCRIPT.contains(word), "`{word}`");
    }
    assert!(!STYLE.contains("</style"));
}

#[test]
fn the_policy_of_the_page_allows_what_is_in_it_and_no_more() {
    let policy = content_security_policy();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    // 32 bytes are 44 characters.
    assert_eq!(policy.split("'sha256-").skip(1).filter(|part| part.find('\'') == Some(44)).count(), 2);
}
