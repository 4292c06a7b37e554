//! The verdict, the checks that make it, the freeze decision, and where a report comes from.

use std::cmp::Reverse;

use crate::core::analysis::{Analysis, Origin, SymbolAnalysis, pass_limits};
use crate::core::iteration::first_time;
use crate::core::judge::count;
use crate::core::policy::{GateSet, Limit, Policy};
use crate::core::series::Series;
use crate::core::text::number::exact;
use crate::core::verdict::evidence::Finding;
use crate::core::verdict::provenance::{Override, Provenance};
use crate::core::verdict::{Check, Outcome};
use crate::report::document::{Cell, Document, Format, columns, row};
use crate::report::html::{self, text};
use crate::report::terminal::decision;
use crate::report::text::{bound, cell, prose, short_name};

/// Checks, recommendations and findings that are listed.
const MOST: usize = 500;

/// What the sections about one symbol look at.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) analysis: &'a Analysis,
    pub(super) symbol: &'a SymbolAnalysis,
    pub(super) policy: &'a Policy,
    /// What an iteration must show to pass.
    pub(super) limits: &'a GateSet,
}

impl<'a> Subject<'a> {
    pub(super) fn of(analysis: &'a Analysis, symbol: &'a SymbolAnalysis, policy: &'a Policy) -> Self {
        Self { analysis, symbol, policy, limits: pass_limits(policy, analysis.mock) }
    }

    pub(super) fn series(self) -> &'a Series {
        self.analysis.series(self.symbol)
    }
}

/// Title, verdict, and what is to be known about it, as all Markdown reports begin.
pub(super) fn header(title: &str, analysis: &Analysis, provenance: &Provenance) -> Document {
    let mut doc = Document::markdown();
    doc.heading(1, title);
    doc.paragraph(&verdict(analysis));
    let notes =
        [overridden(provenance), origin_line(&analysis.origin), excluded_line(&analysis.evidence.excluded)];
    doc.paragraphs(notes.into_iter().flatten());
    let facts = [
        format!("time: {}", time(Format::Markdown, analysis, provenance)),
        format!("checks: {}", analysis.headline()),
        format!("limits: {}", analysis.limits()),
        version_line(provenance),
    ];
    doc.list(facts.into_iter().chain(archive_line(analysis)), usize::MAX);
    doc
}

/// The program and the beginning of the policy's hash.
pub(crate) fn version_line(provenance: &Provenance) -> String {
    let policy = provenance.policy_sha256.get(..12).unwrap_or(&provenance.policy_sha256);
    let file =
        provenance.policy_file.as_ref().map_or_else(String::new, |file| format!(" with `{}`", cell(file)));
    format!("soak {}, policy {}{file}", cell(&provenance.tool_version), cell(policy))
}

/// The archive that was read, where one was.
pub(crate) fn archive_line(analysis: &Analysis) -> Option<String> {
    let archive = analysis.evidence.archive.as_ref()?;
    Some(format!("archive: {}, SHA-256 {}", cell(&archive.name), archive.sha256))
}

fn verdict(analysis: &Analysis) -> String {
    verdict_line(analysis.outcome, &analysis.reason())
}

/// The verdict in bold, as it is published, and why.
pub(crate) fn verdict_line(outcome: Outcome, reason: &str) -> String {
    let (word, published) = (outcome.word(), outcome.published());
    let known_as = if word == published { String::new() } else { format!(" (published as {published})") };
    format!("**Verdict:** {word}{known_as} - {}", prose(reason))
}

/// What every text of a rehearsal says.
pub(crate) const REHEARSAL: &str = "**REHEARSAL: this is no statement about a release.**";

/// That the data is not valid for a release, in bold; `None` where a real source is recorded.
pub(crate) fn origin_line(origin: &Origin) -> Option<String> {
    origin.note().map(|sentence| format!("**{sentence}.**"))
}

/// The symbols that were left out of the judgement; `None` where every one was judged.
pub(crate) fn excluded_line(names: &[String]) -> Option<String> {
    let names: Vec<String> = names.iter().map(|name| cell(name)).collect();
    (!names.is_empty()).then(|| format!("Excluded and not judged: {}", names.join(", ")))
}

/// Who overrode the verdict, when and why, in bold, and whether this is a rehearsal; `None` when neither.
pub(crate) fn overridden(provenance: &Provenance) -> Option<String> {
    let rehearsal = provenance.rehearsal.then(|| REHEARSAL.to_owned());
    let overridden = provenance.overridden.as_ref().map(override_line);
    let lines: Vec<String> = rehearsal.into_iter().chain(overridden).collect();
    (!lines.is_empty()).then(|| lines.join("\n\n"))
}

pub(crate) fn override_line(given: &Override) -> String {
    let (by, at) = (cell(&given.by), cell(&given.at));
    format!("**Overridden by {by} at {at}: {}**", prose(&given.reason))
}

/// The time that the report carries, and whose time it is.
pub(crate) fn time(format: Format, analysis: &Analysis, provenance: &Provenance) -> String {
    match (&provenance.fixed_time, analysis.last_time()) {
        (Some(time), _) => format!("{} (set by {})", format.text(time), format.code("SOAK_NOW")),
        (None, Some(time)) => format!("{} (the last one in the data)", format.text(time)),
        (None, None) => "unknown, no iteration carries one".to_owned(),
    }
}

/// A check in one line of Markdown, with everything needed to redo the decision by hand.
pub(crate) fn explanation(check: &Check) -> String {
    let symbol = check.symbol.as_ref().map_or_else(String::new, |symbol| format!(" {}:", cell(symbol)));
    format!(
        "**{}** {}:{symbol} {} ({})",
        check.outcome,
        cell(&check.gate),
        prose(&check.reason),
        prose(&decision(check).replace(" | ", "; "))
    )
}

/// `READY_TO_FREEZE` or `HOLD`, and why, as it is: it may hold text from files.
fn freeze_decision(analysis: &Analysis) -> (&'static str, String) {
    if let (true, Some(sentence)) = (analysis.outcome.is_acceptable(), analysis.origin.sentence()) {
        return ("HOLD", sentence);
    }
    if !analysis.outcome.is_acceptable() {
        return ("HOLD", format!("the verdict is {}: {}", analysis.outcome, analysis.reason()));
    }
    let Some(held) = analysis.symbols.iter().find(|symbol| !symbol.freeze_ready()) else {
        let why = format!("the verdict is {} and a freeze was seen in the window", analysis.outcome);
        return ("READY_TO_FREEZE", why);
    };
    let symbol = held.symbol.as_ref().map_or_else(String::new, |symbol| format!("{symbol}: "));
    let passes = &held.passes;
    let why = if passes.freeze_seen() {
        format!("{} of {} iterations pass, {} needed", passes.passing, passes.n, passes.needed)
    } else {
        format!("no freeze was seen in {}", held.last.name)
    };
    ("HOLD", format!("{symbol}{why}"))
}

/// The freeze decision as a paragraph of Markdown.
pub(super) fn freeze_paragraph(doc: &mut Document, analysis: &Analysis) {
    let (word, why) = freeze_decision(analysis);
    doc.paragraph(&format!("**Freeze decision:** {word} - {}", prose(&why)));
}

/// What a page says below the verdict.
pub(super) fn notes(analysis: &Analysis, provenance: &Provenance) -> String {
    let mut doc = Document::new(Format::Html);
    let mut note = |text: &str| doc.push(&format!("<p class=\"override\">{text}</p>\n"));
    if provenance.rehearsal {
        note("REHEARSAL: this is no statement about a release.");
    }
    if let Some(sentence) = analysis.origin.sentence() {
        note(&format!("{}.", text(&sentence)));
    }
    if let Some(given) = &provenance.overridden {
        let (by, at, why) = (text(&given.by), text(&given.at), html::prose(&given.reason));
        note(&format!("Overridden by {by} at {at}: {why}"));
    }
    if analysis.tunes {
        let (word, why) = freeze_decision(analysis);
        doc.paragraph(&format!("<b>Freeze decision: {word}</b> – {}", html::prose(&why)));
    }
    disagreements(&mut doc, analysis);
    doc.into_markup()
}

fn disagreements(doc: &mut Document, analysis: &Analysis) {
    for sentence in &analysis.disagreements {
        let sentence = doc.format.prose(sentence);
        doc.paragraph(&format!("The limits disagree: {sentence}"));
    }
}

/// The last section of the audit.
pub(super) fn verdict_and_actions(doc: &mut Document, analysis: &Analysis) {
    doc.paragraph(&verdict(analysis));
    if analysis.tunes {
        freeze_paragraph(doc, analysis);
    }
    doc.heading(3, "Checks that make the verdict");
    checks(doc, analysis, true);
    doc.heading(3, "Checks that advise or explain");
    checks(doc, analysis, false);
    if analysis.tunes {
        recommended(doc, analysis);
    }
    doc.heading(3, "Findings");
    findings(doc, &analysis.findings, MOST);
}

fn recommended(doc: &mut Document, analysis: &Analysis) {
    doc.heading(3, "Recommendations");
    let mut recommended = Vec::new();
    for symbol in &analysis.symbols {
        let name = symbol.symbol.as_ref().map_or_else(String::new, |symbol| format!("{}: ", cell(symbol)));
        for advice in &symbol.deep.recommendations {
            let conflict = if advice.conflict { " **(conflict)**" } else { "" };
            let (words, why) = (prose(&advice.words()), prose(&advice.rationales.join("; ")));
            recommended.push(format!("{name}{words}{conflict} - {why}"));
        }
    }
    if recommended.is_empty() {
        doc.paragraph("No parameter change is recommended.");
    } else {
        doc.list(recommended, MOST);
    }
}

/// The checks that make the verdict, or those that do not, worst first.
pub(super) fn checks(doc: &mut Document, analysis: &Analysis, joins: bool) {
    let mut checks: Vec<&Check> = analysis.checks().filter(|check| check.joins == joins).collect();
    checks.sort_by_key(|check| Reverse(check.outcome));
    if doc.format == Format::Markdown {
        if checks.is_empty() {
            return doc.paragraph("None.");
        }
        return doc.list(checks.into_iter().map(explanation), MOST);
    }
    let (missed, held) = checks.split_at(checks.partition_point(|check| check.outcome > Outcome::Pass));
    check_items(doc, missed);
    if held.is_empty() {
        return;
    }
    let open = if joins && missed.is_empty() { " open" } else { "" };
    doc.push(&format!("<details{open}><summary>In order: {}</summary>\n", count(held.len(), "check")));
    check_items(doc, held);
    doc.push("</details>\n");
}

fn check_items(doc: &mut Document, checks: &[&Check]) {
    const MOST: usize = 200;
    if checks.is_empty() {
        return;
    }
    doc.push("<ul class=\"checks\">\n");
    for check in checks.iter().take(MOST) {
        let symbol = check.symbol.as_ref().map_or_else(String::new, |name| format!("{}: ", text(name)));
        let outcome = check.outcome.word();
        doc.push(&format!(
            "<li data-outcome=\"{outcome}\"><b>{} {outcome}</b> <code>{}</code><br>{symbol}{}<span>{}</span></li>\n",
            html::symbol(outcome),
            text(&check.gate),
            html::prose(&check.reason),
            text(&decision(check).replace(" | ", " · "))
        ));
    }
    if checks.len() > MOST {
        doc.push(&format!("<li>and {} more</li>\n", checks.len() - MOST));
    }
    doc.push("</ul>\n");
}

/// What a reader should know about the input.
pub(crate) fn findings<'f>(doc: &mut Document, findings: impl IntoIterator<Item = &'f Finding>, most: usize) {
    let format = doc.format;
    let reported = findings.into_iter().map(|finding| {
        let symbol =
            finding.symbol.as_ref().map_or_else(String::new, |name| format!("{}: ", format.text(name)));
        let message = format.prose(&finding.message);
        match (format, finding.in_window) {
            (Format::Markdown, in_window) => {
                let place = if in_window { " (in the window)" } else { "" };
                format!("{}{place}: {symbol}{message}", finding.kind)
            }
            (Format::Html, in_window) => {
                let place = if in_window { " <span class=\"so\">in the window</span>" } else { "" };
                format!("{}{place} {symbol}{message}", format.code(finding.kind))
            }
        }
    });
    let reported: Vec<String> = reported.collect();
    if reported.is_empty() {
        return doc.paragraph(format.pick("None.", "None: every file was read as it is."));
    }
    doc.list(reported, most);
}

/// What was looked at, by which limits, and by which program: section 1 of the audit, the end of the page.
pub(super) fn overview(doc: &mut Document, analysis: &Analysis, policy: &Policy, provenance: &Provenance) {
    let format = doc.format;
    let evidence = &analysis.evidence;
    let source = analysis.source().map(|source| format.text(&source));
    let time = time(format, analysis, provenance);
    let tool = format!("soak {}", format.text(&provenance.tool_version));
    let foreign =
        |name: &str, foreign: &Option<crate::core::verdict::evidence::ForeignVerdict>| -> Option<Vec<Cell>> {
            let foreign = foreign.as_ref()?;
            Some(row![name, format!("{} ({})", format.text(&foreign.verdict), format.text(&foreign.file))])
        };
    let mut rows: Vec<Vec<Cell>>;
    if format == Format::Markdown {
        doc.heading(2, "1. Overview");
        let mut iterations = count(evidence.len(), "iteration");
        if analysis.symbols.len() > 1 {
            iterations = format!("{iterations} of {}", count(analysis.symbols.len(), "symbol"));
        }
        rows = vec![
            row!["iterations", iterations],
            row!["first - last", numbers(analysis)],
            row!["time range", times(analysis)],
        ];
        rows.extend(evidence.declared.as_ref().map(|declared| {
            let n = if declared.iterations == 1 { "" } else { "s" };
            let (all, state) = (declared.iterations, declared.state.word());
            row!["declared", format!("{all} iteration{n}, {state}, {} complete", declared.last_complete)]
        }));
        rows.extend([
            row!["window", windows(analysis)],
            row!["source", source],
            row!["limits", analysis.limits()],
            row!["an iteration passes with", limits_of_iterations(analysis, policy)],
            row!["verdict", analysis.outcome.word()],
            row!["time of this report", time],
            row!["tool", tool],
            row!["policy, SHA-256", cell(&provenance.policy_sha256)],
        ]);
        rows.extend(provenance.policy_file.as_ref().map(|file| row!["policy file", cell(file)]));
        rows.extend(foreign("KPI gate", &evidence.kpi_gate));
    } else {
        rows = vec![
            row!["tool", tool],
            row!["policy, SHA-256", format.code(&provenance.policy_sha256)],
            row!["limits", analysis.limits()],
            row!["time of the report", time],
            row!["source", source],
            row!["iterations used", evidence.len()],
            row!["iteration files that cannot be used", evidence.bad_files.len()],
        ];
        rows.extend(provenance.policy_file.as_ref().map(|file| row!["policy file", format.code(file)]));
        rows.extend(evidence.declared.as_ref().map(|declared| {
            let (all, state) = (declared.iterations, declared.state.word());
            row![
                "the run declared",
                format!("{all} iterations, {state}, {} complete", declared.last_complete)
            ]
        }));
        rows.extend(foreign("KPI gate beside it", &evidence.kpi_gate));
    }
    rows.extend(foreign("earlier snapshot", &evidence.snapshot));
    if let Some(archive) = &evidence.archive {
        rows.push(row!["archive", format.text(&archive.name)]);
        rows.push(row!["archive, SHA-256", format.code(&archive.sha256)]);
    }
    if let (Format::Html, Some(given)) = (format, &provenance.overridden) {
        let (by, at, why) = (text(&given.by), text(&given.at), text(&given.reason));
        rows.push(row!["override", format!("by {by} at {at}: {why}")]);
    }
    doc.table(&columns("what|~value"), rows);
    if format == Format::Markdown {
        disagreements(doc, analysis);
        doc.paragraphs(overridden(provenance));
    }
}

fn numbers(analysis: &Analysis) -> String {
    let rows = || analysis.evidence.series.iter().map(Series::rows);
    let first = rows().filter_map(|rows| Some(rows.first()?.number)).min();
    let last = rows().filter_map(|rows| Some(rows.last()?.number)).max();
    first.zip(last).map_or_else(String::new, |(first, last)| format!("{first} - {last}"))
}

fn times(analysis: &Analysis) -> String {
    let first = first_time(analysis.evidence.series.iter().flat_map(Series::rows));
    let ends = first.zip(analysis.last_time());
    ends.map_or_else(String::new, |(first, last)| format!("{} - {}", cell(first), cell(last)))
}

fn windows(analysis: &Analysis) -> String {
    const MOST: usize = 10;
    let one = |symbol: &SymbolAnalysis| {
        let used = symbol.last.used();
        let name = symbol.symbol.as_ref().map_or_else(String::new, |symbol| format!("{}: ", cell(symbol)));
        match (used.first, used.last) {
            (Some(first), Some(last)) => format!("{name}{}, {first}-{last}, n={}", used.name, used.n),
            _ => format!("{name}{}, empty", used.name),
        }
    };
    let mut windows: Vec<String> = analysis.symbols.iter().take(MOST).map(one).collect();
    let more = analysis.symbols.len().saturating_sub(MOST);
    windows.extend((more > 0).then(|| format!("and {more} more")));
    windows.join("; ")
}

fn limits_of_iterations(analysis: &Analysis, policy: &Policy) -> String {
    let reported = pass_limits(policy, analysis.mock).checks.iter().map(|gate| {
        let kpi = gate.kpi;
        let limit = bound(gate.comparison, gate.limit.value, kpi);
        let reported = format!("{} {limit} {}", short_name(gate.kpi), cell(kpi.unit.symbol()));
        reported.trim_end().to_owned()
    });
    reported.collect::<Vec<_>>().join(", ")
}

/// The limits that were used, with their origins, for the page.
pub(super) fn limits(doc: &mut Document, analysis: &Analysis, policy: &Policy) {
    let row = |name: &str, kpi: &str, holds: &str, limit: &Limit| {
        let Limit { source, .. } = limit;
        row![
            text(name),
            text(kpi),
            text(holds.trim_end()),
            Format::Html.code(&source.key),
            text(&source.origin)
        ]
    };
    let set = |name: &'static str, set: &GateSet| -> Vec<Vec<Cell>> {
        let gates = set.checks.iter().map(|gate| {
            let kpi = gate.kpi;
            let limit = bound(gate.comparison, gate.limit.value, kpi);
            let holds = format!("{} {limit} {}", gate.statistic.word(), kpi.unit.symbol());
            row(name, kpi.title(), &holds, &gate.limit)
        });
        gates.collect()
    };
    let share = |name: &str, share: &Limit| row(name, "", &format!(">= {}", exact(share.value, 3)), share);
    doc.heading(3, "Limits that were used");
    doc.remark("They are different questions, so they have different numbers.");
    let shares = vec![
        share("share of passes for PASS", &policy.run_verdict.pass_share),
        share("share of passes for WARN", &policy.run_verdict.warn_share),
    ];
    let rows = [
        shares,
        set("an iteration passes", pass_limits(policy, analysis.mock)),
        set("readiness", &policy.readiness),
        set("goals", &policy.goals),
    ];
    doc.table(&columns("limit|KPI|what must hold|key|origin"), rows.concat());
}
