//! Findings: what a reader should know about the input although it decides nothing by itself.
//!
//! Aggregated, so that a hundred thousand iterations with the same oddity are one sentence.

use std::collections::BTreeMap;

use super::evidence::{BadFile, Evidence, Finding};
use crate::core::judge::integrity;
use crate::core::judge::{count, list_numbers, list_ranges};
use crate::core::kpi::KpiId;
use crate::core::policy::Policy;
use crate::core::series::ranges::Ranges;
use crate::core::series::{Row, Series};

/// A series, and what of it was judged.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'e> {
    /// The iterations.
    pub series: &'e Series,
    /// The lowest number that the verdict looks at.
    pub from: u64,
}

/// All findings, in a fixed order: files first, then what each symbol shows.
pub fn collect(evidence: &Evidence, judged: &[Judged<'_>], policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(other_policy(evidence, policy));
    files(evidence, judged, &mut findings);
    records(evidence, judged, &mut findings);
    let from = judged.iter().map(|judged| judged.from).min().unwrap_or(0);
    findings.extend(integrity::clock_steps(evidence, from));
    for judged in judged {
        findings.extend(integrity::findings(evidence, judged.series, judged.from, &policy.integrity));
        gaps(evidence, judged, &mut findings);
        collections(judged, &mut findings);
        resources(judged, &mut findings);
        defects(judged, policy.kpis.of_verdict(), &mut findings);
        spellings(judged.series, &mut findings);
    }
    findings.extend(evidence.findings.iter().cloned());
    findings
}

fn finding(kind: &'static str, message: String) -> Finding {
    Finding { kind, symbol: None, iteration: None, file: None, in_window: false, message }
}

/// That the run was made under another policy than it is judged by; flags aside.
fn other_policy(evidence: &Evidence, policy: &Policy) -> Option<Finding> {
    let made_under = evidence.declared.as_ref()?.policy_sha256.as_deref()?;
    (made_under != policy.files_sha256).then(|| {
        let start = |hash: &str| hash.chars().take(12).collect::<String>();
        let with = policy.found.as_ref().map_or_else(String::new, |file| format!(" (with `{file}`)"));
        let (then, now) = (start(made_under), start(&policy.files_sha256));
        finding(
            "other_policy",
            format!("the run was made under policy {then}, this verdict is by policy {now}{with}"),
        )
    })
}

/// Whether an iteration lies in the window of the symbol, or of any where it has none.
fn is_inside(judged: &[Judged<'_>], symbol: Option<&String>, number: u64) -> bool {
    judged
        .iter()
        .filter(|judged| symbol.is_none() || symbol == judged.series.symbol.as_ref())
        .any(|judged| number >= judged.from)
}

/// Files that are not as soak recorded them, and where the folder begins. Those of the window are named by the check
/// of the records.
fn records(evidence: &Evidence, judged: &[Judged<'_>], out: &mut Vec<Finding>) {
    const MOST: usize = 8;
    let before = |file: &&BadFile| !is_inside(judged, file.symbol.as_ref(), file.number);
    let altered: Vec<&BadFile> = evidence.altered.iter().filter(before).collect();
    for file in altered.iter().take(MOST) {
        out.push(Finding {
            symbol: file.symbol.clone(),
            iteration: Some(file.number),
            file: Some(file.name.clone()),
            ..finding("altered_file", format!("`{}` {}", file.name, file.reason))
        });
    }
    if altered.len() > MOST {
        let more = altered.len() - MOST;
        out.push(finding("altered_file", format!("{} more before the window", count(more, "altered file"))));
    }
    let unreadable = evidence.recorded.as_ref().map_or(0, |recorded| recorded.unreadable_lines);
    if unreadable > 0 {
        let lines = count(unreadable, "line");
        out.push(Finding {
            file: Some("RUN_LOG.jsonl".to_owned()),
            ..finding("unreadable_line", format!("`RUN_LOG.jsonl` has {lines} that cannot be read"))
        });
    }
    let found: Vec<Ranges> = judged.iter().map(|judged| evidence.found(judged.series)).collect();
    let first = found.iter().filter_map(|found| Some((found.span()?.0, found.stride().max(1)))).min();
    if let Some((first, stride)) =
        first.filter(|(first, stride)| evidence.declared.is_none() && first > stride)
    {
        let message = format!(
            "the folder begins with iteration {first}; 1-{} were rotated away or not copied",
            first - stride
        );
        out.push(finding("begins_late", message));
    }
}

fn files(evidence: &Evidence, judged: &[Judged<'_>], out: &mut Vec<Finding>) {
    let in_window = |symbol: &Option<String>, number: u64| is_inside(judged, symbol.as_ref(), number);
    for bad in &evidence.bad_files {
        out.push(Finding {
            symbol: bad.symbol.clone(),
            iteration: Some(bad.number),
            file: Some(bad.name.clone()),
            in_window: in_window(&bad.symbol, bad.number),
            ..finding("unusable_file", format!("`{}`: {}", bad.name, bad.reason))
        });
    }
    for two in &evidence.duplicates {
        out.push(Finding {
            symbol: two.symbol.clone(),
            iteration: Some(two.number),
            file: two.names.first().cloned(),
            in_window: in_window(&two.symbol, two.number),
            ..finding(
                "duplicate_iteration",
                format!(
                    "iteration {} is there more than once (`{}`); none of them is used",
                    two.number,
                    two.names.join("`, `")
                ),
            )
        });
    }
    for other in &evidence.renumbered {
        out.push(Finding {
            iteration: Some(other.number),
            file: Some(other.name.clone()),
            in_window: in_window(&None, other.number),
            ..finding(
                "number_disagrees",
                format!("`{}` contains iteration {}; the file name counts", other.name, other.content),
            )
        });
    }
}

fn gaps(evidence: &Evidence, judged: &Judged<'_>, out: &mut Vec<Finding>) {
    let Judged { series, from } = *judged;
    let found = evidence.found(series);
    let mut gap = |missing: &Ranges, what: &str| {
        if let Some((_, last)) = missing.span() {
            out.push(Finding {
                symbol: series.symbol.clone(),
                in_window: last >= from,
                ..finding(
                    "gap",
                    format!("{what}: {} ({})", list_ranges(missing), count(missing.count(), "iteration")),
                )
            });
        }
    };
    let Some(declared) = &evidence.declared else {
        gap(&evidence.missing_between(series), "missing between the first and the last");
        return;
    };
    let between = evidence.numbers(series).span().into_iter().collect::<Ranges>().without(&found);
    let expected = declared.expected_from(1);
    gap(&between.without(&expected).without(&declared.rotated), "missing between the first and the last");
    // Those of the window are told by the check of its files.
    let inside = Ranges::from_iter([(from, u64::MAX)]);
    gap(&expected.without(&found).without(&inside), "declared, and missing before the window");
}

fn collections(judged: &Judged<'_>, out: &mut Vec<Finding>) {
    let Judged { series, from } = *judged;
    let failed: Vec<&crate::core::series::Row> =
        series.rows().iter().filter(|row| row.collection_failed.is_some()).collect();
    let Some(last) = failed.last() else { return };
    let numbers: Vec<u64> = failed.iter().map(|row| row.number).collect();
    let reason = last.collection_failed.as_deref().unwrap_or_default();
    out.push(Finding {
        symbol: series.symbol.clone(),
        iteration: Some(last.number),
        in_window: last.number >= from,
        ..finding(
            "collection_failed",
            format!(
                "measurements could not be collected in iteration {}; the last time: {reason}",
                list_numbers(&numbers)
            ),
        )
    });
}

/// Restarts of the watched process, and samples of it that failed.
fn resources(judged: &Judged<'_>, out: &mut Vec<Finding>) {
    let Judged { series, from } = *judged;
    let mut tell = |kind, numbers: &[u64], message: String| {
        let Some(last) = numbers.last() else { return };
        out.push(Finding {
            symbol: series.symbol.clone(),
            iteration: Some(*last),
            in_window: *last >= from,
            ..finding(kind, message)
        });
    };
    let replaced = series.replaced();
    tell(
        "process_restarted",
        &replaced,
        format!(
            "the watched process was restarted in iteration {}; its resources are not joined over a restart",
            list_numbers(&replaced)
        ),
    );
    let failed = || series.rows().iter().filter(|row| row.resources_failed.is_some());
    let numbers: Vec<u64> = failed().map(|row| row.number).collect();
    let reason = failed().next_back().and_then(|row| row.resources_failed.as_deref()).unwrap_or_default();
    tell(
        "resources_failed",
        &numbers,
        format!(
            "resources could not be sampled in iteration {}; the last time: {reason}",
            list_numbers(&numbers)
        ),
    );
}

fn defects(judged: &Judged<'_>, of_verdict: &[KpiId], out: &mut Vec<Finding>) {
    let series = judged.series;
    let mut by_defect: BTreeMap<(KpiId, String), Vec<&Row>> = BTreeMap::new();
    for row in series.rows() {
        for defect in &row.defects {
            let what = format!("`{}` {}", defect.key, defect.defect.describe());
            by_defect.entry((defect.kpi, what)).or_default().push(row);
        }
    }
    for ((kpi, what), rows) in by_defect {
        let tell =
            |numbers: &str| format!("{what} in iteration {numbers}; `{}` counts as missing there", kpi.name);
        out.push(without_value(judged, "kpi_without_value", &rows, tell));
    }
    for kpi in of_verdict.iter().copied() {
        let absent: Vec<&Row> = series
            .rows()
            .iter()
            .zip(series.column(kpi))
            .filter(|(row, value)| value.is_none() && row.defects.iter().all(|defect| defect.kpi != kpi))
            .map(|(row, _)| row)
            .collect();
        if !absent.is_empty() {
            let tell = |numbers: &str| format!("`{}` is missing in iteration {numbers}", kpi.name);
            out.push(without_value(judged, "kpi_missing", &absent, tell));
        }
    }
}

/// A finding about iterations in which a KPI has no value; names the first file and how many more there are.
fn without_value(
    judged: &Judged<'_>,
    kind: &'static str,
    rows: &[&Row],
    tell: impl Fn(&str) -> String,
) -> Finding {
    let numbers: Vec<u64> = rows.iter().map(|row| row.number).collect();
    let file = rows.first().and_then(|row| row.file.as_deref());
    let place = match (file, rows.len() - 1) {
        (None, _) => String::new(),
        (Some(file), 0) => format!("`{file}`: "),
        (Some(file), more) => format!("`{file}` and {more} more: "),
    };
    Finding {
        symbol: judged.series.symbol.clone(),
        iteration: numbers.first().copied(),
        file: file.map(str::to_owned),
        in_window: numbers.last().is_some_and(|last| *last >= judged.from),
        ..finding(kind, format!("{place}{}", tell(&list_numbers(&numbers))))
    }
}

fn spellings(series: &Series, out: &mut Vec<Finding>) {
    let mut by_spelling: BTreeMap<(KpiId, &str), usize> = BTreeMap::new();
    for row in series.rows() {
        for (kpi, key) in &row.respelled {
            *by_spelling.entry((*kpi, key)).or_default() += 1;
        }
    }
    for ((kpi, key), n) in by_spelling {
        out.push(Finding {
            symbol: series.symbol.clone(),
            ..finding(
                "respelled",
                format!("`{}` was read from `{key}` in {}", kpi.name, count(n, "iteration")),
            )
        });
    }
    let imputed = series.rows().iter().filter(|row| row.gross_imputed).count();
    if imputed > 0 {
        out.push(Finding {
            symbol: series.symbol.clone(),
            ..finding(
                "gross_imputed",
                format!(
                    "`gross_bps` is an upper-bound estimate in {}: net + adverse p95 + slippage p95 + fees",
                    count(imputed, "iteration")
                ),
            )
        });
    }
}
