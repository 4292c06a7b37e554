//! What a person sees of a run on a terminal: a line an iteration, and at the end the trend, the guards, the
//! run gates, resources, the decision and the next command.
//!
//! Decides nothing. Colour is a matter of the style; whatever comes from outside is made printable first.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use crate::core::iteration::guards::{Guard, GuardCounts, GuardSet};
use crate::core::judge::list_numbers;
use crate::core::policy::DriftRules;
use crate::core::text::number::{fixed, trimmed};
use crate::core::text::spark::{Glyphs, sparkline};
use crate::core::trend::resources as drift;
use crate::core::trend::resources::{DriftWord, Resource, ResourceValues};
use crate::core::verdict::Outcome;
use crate::report::format::text::printable;
use crate::report::terminal::{self, Style, explanation, heading, rule};
use crate::run::iteration::{IterationRecord, KpiVerdict};
use crate::run::metrics::RunReport;
use crate::run::output::columns::{Column, Columns};

/// Rows shown from the beginning of a long run.
const FIRST: usize = 4;

/// Rows shown from its end.
const LAST: usize = 16;

/// So many KPIs the table shows; the lines below it show all.
const MOST_KPIS: usize = 8;

/// Columns of a sparkline.
const SPARK: usize = 40;

/// What there is to tell at the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunEnd<'a> {
    /// The iterations, in order.
    pub rows: &'a [TrendRow],
    /// What their values are.
    pub columns: &'a Columns,
    /// When growth of resources counts.
    pub drift: &'a DriftRules,
    /// The run gates, where they were asked for.
    pub report: Option<&'a RunReport>,
    /// What the gate says of the run so far.
    pub decision: &'a Decision,
    /// What to do next.
    pub next: &'a NextStep,
}

/// What the gate says of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The verdict.
    pub outcome: Outcome,
    /// Why, in one sentence.
    pub reason: String,
    /// What others say of the same run where they say something else.
    pub notes: Vec<String>,
}

/// The next command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NextStep {
    /// As it is typed.
    pub command: String,
    /// What it does, for somebody who does not know it.
    pub purpose: &'static str,
}

/// The end of a run as text.
pub(crate) fn end(run: &RunEnd<'_>, style: Style) -> String {
    let mut out = heading("SOAK RUN");
    trend(&mut out, run, style);
    sparklines(&mut out, run, style);
    counts(&mut out, run);
    resource_rows(&mut out, run);
    if let Some(report) = run.report {
        gates(&mut out, report, style);
    }
    decision(&mut out, run, style);
    out
}

/// The last words, since the end of a text is what a terminal shows.
fn decision(out: &mut String, run: &RunEnd<'_>, style: Style) {
    put(out, format_args!("\n{}\n", rule()));
    put(out, format_args!("Decision: {}\n", style.outcome(run.decision.outcome)));
    put(out, format_args!("why:  {}\n", printable(&run.decision.reason)));
    for note in &run.decision.notes {
        put(out, format_args!("also: {}\n", printable(note)));
    }
    put(out, format_args!("next: {}\n      {}\n", printable(&run.next.command), run.next.purpose));
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

/// A cell of the trend table.
fn cell(value: Option<f64>, column: &Column) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if column.is_percent => fixed(100.0 * value, 1),
        Some(value) => fixed(value, column.kpi.decimals()),
    }
}

fn trend(out: &mut String, run: &RunEnd<'_>, style: Style) {
    if run.rows.is_empty() {
        out.push_str("No iteration was completed.\n");
        return;
    }
    let mut table: Vec<Vec<String>> = Vec::new();
    let kpis = &run.columns.table[..run.columns.table.len().min(MOST_KPIS)];
    let names = kpis.iter().map(|column| printable(column.title));
    let last = if run.columns.tunes { "applied" } else { "verdict" };
    table.push(std::iter::once("iter".to_owned()).chain(names).chain([last.to_owned()]).collect());
    let is_long = run.rows.len() > FIRST + LAST + 1;
    for (at, row) in run.rows.iter().enumerate() {
        if is_long && at == FIRST {
            let dots = if style.ascii { "..." } else { "…" };
            table.push(vec![dots.to_owned(); kpis.len() + 2]);
        }
        if is_long && at >= FIRST && at < run.rows.len() - LAST {
            continue;
        }
        let mut cells = vec![row.number.to_string()];
        cells.extend(kpis.iter().zip(&*row.values).map(|(column, value)| cell(*value, column)));
        cells.push(match row.tuned {
            _ if row.failed => "no data".to_owned(),
            _ if !run.columns.tunes => row.verdict.map_or("-", KpiVerdict::word).to_owned(),
            Tuned::Applied(count) => format!("yes ({count})"),
            Tuned::Skipped(code) => format!("no ({code})"),
            Tuned::Panic => "panic revert".to_owned(),
            Tuned::Nothing => "no".to_owned(),
        });
        table.push(cells);
    }
    let columns = kpis.len() + 2;
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in &table {
        let (numbers, words) = row.split_at(columns - 1);
        let padded = numbers.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}"));
        put(out, format_args!("  {}  {}\n", padded.collect::<Vec<_>>().join("  "), words[0]));
    }
}

fn sparklines(out: &mut String, run: &RunEnd<'_>, style: Style) {
    let glyphs = if style.ascii { Glyphs::Ascii } else { Glyphs::Blocks };
    if run.rows.is_empty() {
        return;
    }
    out.push('\n');
    let titles: Vec<String> = run.columns.table.iter().map(|column| printable(column.title)).collect();
    let width = titles.iter().map(|title| terminal::width(title)).max().unwrap_or_default().max(9);
    for (at, (column, title)) in run.columns.table.iter().zip(&titles).enumerate() {
        let values: Vec<Option<f64>> = run.rows.iter().map(|row| row.values[at]).collect();
        let known = || values.iter().copied().flatten();
        let told = match (known().min_by(f64::total_cmp), known().max_by(f64::total_cmp)) {
            (Some(low), Some(high)) => {
                let show = |value| cell(Some(value), column);
                format!(
                    "{} to {}, last {}",
                    show(low),
                    show(high),
                    cell(values.last().copied().flatten(), column)
                )
            }
            _ => "no value".to_owned(),
        };
        let pad = width - terminal::width(title);
        put(out, format_args!("  {title}{:pad$} {}  {told}\n", "", sparkline(&values, SPARK, glyphs)));
    }
}

/// Guards and steps of the tuner, where there is one, and failed collections.
fn counts(out: &mut String, run: &RunEnd<'_>) {
    let failed = run.rows.iter().filter(|row| row.failed).count();
    out.push('\n');
    if run.columns.tunes {
        tuning(out, run.rows);
    }
    put(out, format_args!("Collections: {failed} failed\n"));
}

fn tuning(out: &mut String, rows: &[TrendRow]) {
    let counts = GuardCounts::over(rows.iter().map(|row| row.guards));
    let spoke: Vec<String> = Guard::ALL
        .into_iter()
        .filter(|guard| counts.of(*guard) > 0)
        .map(|guard| format!("{} {}", guard.word(), counts.of(guard)))
        .collect();
    let spoke = if spoke.is_empty() { "none spoke".to_owned() } else { spoke.join(", ") };
    let applied = rows.iter().filter(|row| matches!(row.tuned, Tuned::Applied(_))).count();
    let panics = rows.iter().filter(|row| row.tuned == Tuned::Panic).count();
    put(out, format_args!("Guards:      {spoke}\n"));
    put(
        out,
        format_args!(
            "Tuning:      applied in {applied} of {} iterations, {panics} panic reverts\n",
            rows.len()
        ),
    );
}

fn resource_rows(out: &mut String, run: &RunEnd<'_>) {
    let samples: Vec<_> = run
        .rows
        .iter()
        .filter_map(|row| Some((row.ends, *row.resources.as_deref()?)))
        .collect::<Vec<(_, ResourceValues)>>();
    let failed: Vec<&TrendRow> = run.rows.iter().filter(|row| row.resources_failed.is_some()).collect();
    if samples.is_empty() && failed.is_empty() {
        return;
    }
    out.push_str("\nResources:\n");
    for drift in drift::find(&samples, run.drift) {
        let span = match (drift.first, drift.last) {
            (Some(first), Some(last)) if drift.word != DriftWord::NoData => {
                let show = |value: f64| trimmed(&fixed(value, 1)).to_owned();
                format!("{} to {}, ", show(first), show(last))
            }
            _ => String::new(),
        };
        put(out, format_args!("  {:<11} {span}{}\n", drift.resource.word(), drift.text()));
    }
    let process = |row: &TrendRow| row.resources.as_ref().and_then(|values| values.process);
    let known: Vec<_> = run.rows.iter().filter_map(|row| Some((row.number, process(row)?))).collect();
    let restarted: Vec<u64> =
        known.windows(2).filter(|pair| pair[0].1 != pair[1].1).map(|pair| pair[1].0).collect();
    if !restarted.is_empty() {
        put(out, format_args!("  restarted   in iteration {}\n", list_numbers(&restarted)));
    }
    if let Some(reason) = failed.last().and_then(|row| row.resources_failed.as_deref()) {
        let numbers: Vec<u64> = failed.iter().map(|row| row.number).collect();
        put(
            out,
            format_args!("  no sample   in iteration {}: {}\n", list_numbers(&numbers), printable(reason)),
        );
    }
}

fn gates(out: &mut String, report: &RunReport, style: Style) {
    out.push_str("\nMetrics of the run:\n");
    for metric in &report.metrics.metrics {
        let told = metric.told();
        let told = told.map_or_else(
            || "no data".to_owned(),
            |value| format!("{value} {}", metric.unit()).trim_end().to_owned(),
        );
        put(out, format_args!("  {:<22} {told} ({}, n={})\n", metric.name, metric.rule.word(), metric.n));
    }
    if report.is_ungated() {
        return;
    }
    put(
        out,
        format_args!("\nRun gates: {} - {}\n", style.outcome(report.outcome), printable(&report.reason())),
    );
    for check in &report.checks {
        out.push_str(&explanation(check, style));
    }
}

/// What became of an iteration's tuning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tuned {
    /// So many parameters were changed.
    Applied(usize),
    /// Nothing was.
    Skipped(&'static str),
    /// The panic profile was put in force.
    Panic,
    /// Nothing is said.
    Nothing,
}

/// An iteration in few bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TrendRow {
    pub(crate) number: u64,
    /// One a column of the table.
    pub(crate) values: Box<[Option<f64>]>,
    pub(crate) verdict: Option<KpiVerdict>,
    pub(crate) tuned: Tuned,
    pub(crate) guards: GuardSet,
    pub(crate) failed: bool,
    pub(crate) ends: DateTime<Utc>,
    pub(crate) resources: Option<Box<ResourceValues>>,
    pub(crate) resources_failed: Option<Box<str>>,
}

impl TrendRow {
    /// The row of an iteration.
    pub(crate) fn of(record: &IterationRecord, columns: &Columns) -> Self {
        Self {
            number: record.number,
            values: columns.table.iter().map(|column| record.summary.value(column.kpi)).collect(),
            verdict: record.summary.kpi_verdict,
            tuned: tuned(record),
            guards: record.tuning.spoke(),
            failed: record.collection_failed.is_some(),
            ends: record.ends,
            resources: resources(record),
            resources_failed: record.resources_failed.as_deref().map(Into::into),
        }
    }
}

fn resources(record: &IterationRecord) -> Option<Box<ResourceValues>> {
    let used = record.resources?;
    let mut values = ResourceValues::default();
    values.set(Resource::RssMb, used.rss_mb);
    values.set(Resource::CpuPct, used.cpu_pct);
    values.set(Resource::Threads, used.threads.map(|count| count as f64));
    values.set(Resource::OpenFiles, used.open_files.map(|count| count as f64));
    values.process = used.process;
    (!values.is_empty()).then(|| Box::new(values))
}

fn tuned(record: &IterationRecord) -> Tuned {
    let tuning = &record.tuning;
    if tuning.panic_revert {
        Tuned::Panic
    } else if tuning.applied() {
        Tuned::Applied(tuning.applied_values.len())
    } else {
        tuning.skip.map_or(Tuned::Nothing, |code| Tuned::Skipped(code.word()))
    }
}

/// Columns of the terminal; `None` = as many as it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Width(pub Option<usize>);

/// Below so many columns the numbers of an iteration move together.
const ROOMY: usize = 80;

/// The line of an iteration on a terminal, without a line end. `iterations` is how many the run has.
pub(crate) fn line(
    record: &IterationRecord,
    iterations: u64,
    shown: &Columns,
    style: Style,
    Width(columns): Width,
) -> String {
    let is_narrow = columns.is_some_and(|columns| columns < ROOMY);
    let (word, gap) = if is_narrow { ("", " ") } else { ("iteration ", "  ") };
    let digits = iterations.to_string().len();
    let mut head = format!("{word}{:>digits$}/{iterations}", record.number);
    if record.has_phases {
        let phase = format!("{gap}{:<8}", record.phase.word());
        head.push_str(if is_narrow { phase.trim_end() } else { &phase });
    }
    if let Some(reason) = &record.collection_failed {
        return format!("{head}{gap}{}{gap}{}", style.paint(Outcome::Fail, "NO DATA"), printable(reason));
    }
    let show = |column: &Column| {
        let told = cell(record.summary.value(column.kpi), column);
        let width = if is_narrow && record.has_phases { 0 } else { column.width };
        format!("{} {told:>width$}", printable(column.title))
    };
    // Where any KPI may come, the verdict stands in front, and lines break between KPIs.
    let (before, after) = if shown.is_trading { (&*shown.line, &[][..]) } else { (&[][..], &*shown.line) };
    for column in before {
        head.extend([gap, &show(column)]);
    }
    let (outcome, verdict) = match record.summary.kpi_verdict {
        Some(KpiVerdict::Pass) => (Outcome::Pass, "PASS"),
        Some(KpiVerdict::Warn) => (Outcome::Warn, "WARN"),
        Some(KpiVerdict::Fail) => (Outcome::Fail, "FAIL"),
        None => (Outcome::NotApplicable, "-   "),
    };
    let used = terminal::width(&head) + gap.len() + verdict.len();
    let verdict = style.paint(outcome, verdict);
    let parts: Vec<String> = after.iter().map(show).chain(what_was_done(record, style)).collect();
    let mut done = behind(&parts, gap, used, columns);
    if record.tuning.panic_revert {
        done = style.paint(Outcome::Fail, &done);
    }
    format!("{head}{gap}{verdict}{done}").trim_end().to_owned()
}

/// The parts behind a line that is `used` columns long, or below it where they do not fit.
fn behind(parts: &[String], gap: &str, used: usize, columns: Option<usize>) -> String {
    let in_one = parts.join(", ");
    let columns = columns.unwrap_or(usize::MAX);
    if used + gap.len() + terminal::width(&in_one) <= columns {
        return format!("{gap}{in_one}");
    }
    let mut out = String::new();
    let mut at = columns;
    for (n, part) in parts.iter().enumerate() {
        let comma = if n + 1 < parts.len() { "," } else { "" };
        let length = terminal::width(part) + comma.len();
        if at + 1 + length > columns {
            out.push_str("\n    ");
            at = 4 + length;
        } else {
            out.push(' ');
            at += 1 + length;
        }
        out.extend([part.as_str(), comma]);
    }
    out
}

/// What tuning did, or why it did nothing.
fn what_was_done(record: &IterationRecord, style: Style) -> Vec<String> {
    let tuning = &record.tuning;
    if tuning.panic_revert {
        return vec!["PANIC REVERT".to_owned()];
    }
    let arrow = if style.ascii { "->" } else { "→" };
    let number = |value: f64| crate::core::text::number::trimmed(&fixed(value, 4)).to_owned();
    let applied = tuning.applied_values.iter();
    let applied: Vec<String> = applied
        .map(|step| {
            format!("{} {}{arrow}{}", printable(step.param.as_str()), number(step.old), number(step.new))
        })
        .collect();
    match tuning.skip {
        _ if !applied.is_empty() => applied,
        Some(code) => vec![format!("({})", code.word())],
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {

    use crate::core::iteration::params::ParamName;
    use crate::core::kpi::KpiId;
    use crate::report::fixture::{built_in, hostile};
    use crate::run::iteration::tuning::{Applied, SkipCode};
    use crate::run::iteration::{IterationRecord, Resources};
    use crate::run::metrics::MetricsCollector;
    use crate::run::output::text::*;
    use crate::run::records::{delivering, failed, record, with};

    const PLAIN: Style = Style { colour: false, ascii: true };

    fn of_bot() -> Columns {
        Columns::of(&built_in())
    }

    fn ended(records: &[IterationRecord], report: bool) -> String {
        let policy = built_in();
        let columns = Columns::of(&policy);
        let rows: Vec<TrendRow> = records.iter().map(|record| TrendRow::of(record, &columns)).collect();
        let mut collector = MetricsCollector::new(&policy);
        for record in records {
            collector.push(record);
        }
        let report = report.then(|| RunReport::judge(collector.finish(), &policy.run_gates));
        let decision = Decision {
            outcome: Outcome::Warn,
            reason: "6 of 8 pass".to_owned(),
            notes: vec!["gate WARN, goals missed".to_owned()],
        };
        let next = NextStep { command: "soak gate --path out/latest".to_owned(), purpose: "judges" };
        let run = RunEnd {
            rows: &rows,
            columns: &columns,
            drift: &policy.drift,
            report: report.as_ref(),
            decision: &decision,
            next: &next,
        };
        end(&run, PLAIN)
    }

    fn applied(mut record: IterationRecord) -> IterationRecord {
        record.tuning.applied_values = vec![Applied {
            param: ParamName::flat("min_interval_ms"),
            old: 60.0,
            delta: 5.0,
            new: 65.0,
            at_bound: false,
        }];
        record
    }

    #[test]
    fn a_freeze_in_force_counts_whether_or_not_it_held_anything_back() {
        let mut starts = record(1);
        (starts.tuning.freeze_started, starts.tuning.guards) =
            (Some("stable".to_owned()), vec![Guard::Freeze]);
        let mut idle = record(2);
        idle.tuning.freeze_active = true;
        let mut partial = record(3);
        partial.tuning.guards = vec![Guard::PartialFreeze];
        let text = ended(&[starts, idle, partial, record(4)], false);
        assert!(text.contains("\nGuards:      freeze 2, partial_freeze 1\n"), "{text}");
    }

    #[test]
    fn a_short_run_shows_every_row_aligned() {
        let mut skipped = with(record(2), KpiId::NET_BPS, Some(-12.5));
        skipped.tuning.skip = Some(SkipCode::Cooldown);
        skipped.tuning.guards = vec![Guard::Cooldown];
        let first = with(applied(record(1)), KpiId::MIN_INTERVAL_RATIO, Some(0.255));
        let text = ended(&[first, skipped, failed(3, "x")], false);
        let expected = "
  iter     net   risk  adv_p95  sl_p95  min_int%  conc%  applied
     1    3.00  0.300        -       -      25.5      -  yes (1)
     2  -12.50  0.300        -       -         -      -  no (cooldown)
     3       -      -        -       -         -      -  no data

  net       #-.  -12.50 to 3.00, last -
  risk      ==.  0.300 to 0.300, last -
  adv_p95   ----------------------------------------  no value
";
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("\nGuards:      cooldown 1\nTuning:      applied in 1 of 3 iterations, 0 panic reverts\nCollections: 1 failed\n"), "{text}");
        let last = "=\nDecision: WARN\nwhy:  6 of 8 pass\nalso: gate WARN, goals missed\nnext: soak gate --path out/latest\n      judges\n";
        assert!(text.ends_with(last), "{text}");
        assert!(!text.contains("Resources") && !text.contains("Run gates"), "{text}");
    }

    #[test]
    fn a_long_run_shows_its_first_and_last_rows() {
        let numbers = |n: u64| -> Vec<String> {
            let text = ended(&(1..=n).map(record).collect::<Vec<_>>(), false);
            let rows = text.lines().skip(4).take_while(|line| !line.is_empty());
            rows.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
        };
        assert_eq!(numbers(21).len(), 21);
        let long = numbers(22);
        assert_eq!(long.len(), 21);
        assert_eq!(
            (long[3].as_str(), long[4].as_str(), long[5].as_str(), long[20].as_str()),
            ("4", "...", "7", "22")
        );
    }

    #[test]
    fn run_gates_stand_there_with_their_ladder_when_they_are_asked_for() {
        let text = ended(&[delivering(record(1), "mm_hit_ratio", 0.6)], true);
        assert!(text.contains("  mm_hit_ratio           0.6 (mean, n=1)\n"), "{text}");
        assert!(text.contains("  mm_edge_bps_ema24h     3 bps (ema24h, n=1)\n"), "{text}");
        assert!(text.contains("  ws_lag_max_ms          no data (max, n=0)\n"), "{text}");
        assert!(
            text.contains("[FAIL] run_gates.hit_ratio  mean 0.6 of 1 iteration misses >= 0.7 by 0.1\n"),
            "{text}"
        );
    }

    #[test]
    fn resources_are_told_with_their_drift() {
        let records: Vec<IterationRecord> = (1..=12u32)
            .map(|n| {
                let mut record = record(u64::from(n));
                record.resources = Some(Resources {
                    rss_mb: Some(500.0 + f64::from(n)),
                    threads: Some(8),
                    ..Resources::default()
                });
                record
            })
            .collect();
        let text = ended(&records, false);
        assert!(text.contains("\nResources:\n  rss_mb      501 to 512, +12.0 MB/h [12.0, 12.0]: grows\n  cpu_pct     no data\n  threads     8 to 8, 0.0/h [0.0, 0.0]: no drift shown\n"), "{text}");
    }

    #[test]
    fn nothing_at_all_is_said() {
        assert!(ended(&[], false).contains("No iteration was completed.\n"));
    }

    #[test]
    fn the_line_of_an_iteration_is_aligned_and_says_what_was_done() {
        let full = with(applied(record(3)), KpiId::P95_LATENCY_MS, Some(310.4));
        assert_eq!(
            line(&full, 100, &of_bot(), PLAIN, Width(None)),
            "iteration   3/100  net   3.00  risk 0.300  maker     -  p95  310  PASS  min_interval_ms 60->65"
        );
        let narrow = Width(Some(60));
        assert_eq!(
            line(&full, 100, &of_bot(), PLAIN, narrow),
            "  3/100 net   3.00 risk 0.300 maker     - p95  310 PASS\n    min_interval_ms 60->65"
        );
        // The whole is 94 columns wide.
        let one_line = line(&full, 100, &of_bot(), PLAIN, Width(Some(94)));
        assert_eq!(one_line, line(&full, 100, &of_bot(), PLAIN, Width(None)));
        assert!(line(&full, 100, &of_bot(), PLAIN, Width(Some(93))).contains("PASS\n    min_interval_ms"));
        let mut skipped = record(100);
        skipped.tuning.skip = Some(SkipCode::Velocity);
        skipped.has_phases = true;
        assert_eq!(
            line(&skipped, 100, &of_bot(), PLAIN, Width(None)),
            "iteration 100/100  STEADY    net   3.00  risk 0.300  maker     -  p95    -  PASS  (velocity)"
        );
        assert_eq!(
            line(&failed(2, "no\nreport"), 24, &of_bot(), PLAIN, Width(None)),
            "iteration  2/24  NO DATA  no report"
        );
        let coloured = line(&record(1), 9, &of_bot(), Style { colour: true, ascii: false }, Width(None));
        assert!(coloured.contains("\x1b[32mPASS\x1b[0m"), "{coloured}");
    }

    #[test]
    fn text_from_outside_does_no_harm() {
        let told = line(&failed(1, &hostile()), 9, &of_bot(), PLAIN, Width(None));
        assert!(told.len() < 1000 && !told.chars().any(char::is_control), "{told}");
    }
}
