//! Reads one side of a comparison: a run, judged as `gate` judges it, or a file about one.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::conditions::{self, Condition, Conditions};
use super::significance::{Around, Values};
use super::{ComparedRun, Measured};
use crate::core::analysis::folder as judge;
use crate::core::analysis::folder::{JudgeError, Judged, Request};
use crate::core::analysis::{Analysis, Options, SymbolAnalysis};
use crate::core::compare::snapshot::baseline;
use crate::core::iteration::Iteration;
use crate::core::json::Node;
use crate::core::kpi::{Kind, KpiId};
use crate::core::load::run_folder::RunFolder;
use crate::core::load::{LARGEST, read_bounded};
use crate::core::policy::{KpiRule, Policy, SeasonRule, WindowSpec};
use crate::core::series::Series;
use crate::core::series::window::Window;
use crate::core::trend::Season;
use crate::core::verdict::WindowUsed;
use crate::core::verdict::failure::Failure;
use crate::infra::archive;
use crate::infra::atomic_file;

/// How sides are read.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    pub policy: &'a Policy,
    /// Relaxed limits for the verdict.
    pub mock: bool,
    /// Judge a run that still continues by what is there.
    pub so_far: bool,
    /// The symbol to compare; `None` = the only one.
    pub symbol: Option<&'a str>,
}

/// A side, read.
#[derive(Debug)]
pub struct Side {
    pub run: ComparedRun,
    /// In the order of the rules.
    pub measured: Vec<Measured>,
    /// `None` where it is only a file about a run.
    pub sample: Option<Sample>,
    /// What it was measured under, as far as that is known.
    pub conditions: Conditions,
    /// The folder read, where it is another one than was asked for.
    pub redirected: Option<PathBuf>,
    /// Its path without links, to see whether both sides are one.
    pub place: PathBuf,
}

/// The single values of the window that significance looks at.
#[derive(Debug)]
pub struct Sample {
    /// The iterations.
    pub window: WindowUsed,
    /// Iterations that the run has yet to pass before the window begins; 0 where it has begun.
    pub ahead: usize,
    /// Their known values, in the order of the rules and of time.
    pub values: Values,
    /// When they ended, in hours since 1970-01-01 00:00 UTC, by their numbers; empty where that is not known.
    pub hours: Vec<(u64, f64)>,
}

impl Sample {
    pub(super) fn around(&self) -> Around {
        Around { iterations: self.window.n, ahead: self.ahead }
    }

    /// The hours, where there are so many that a daily cycle is a question.
    pub(super) fn hours_of_a_day(&self) -> Vec<(u64, f64)> {
        let hours: Vec<f64> = self.hours.iter().map(|(_, hour)| *hour).collect();
        let is_off = Season::of(SeasonRule::Auto, Kind::Level, &hours) == Season::Off;
        if is_off { Vec::new() } else { self.hours.clone() }
    }
}

/// Reads a side: a file if there is a file, else a folder. `name` is `A` or `B`.
pub fn read(name: &str, path: &Path, reading: &Reading<'_>) -> Result<Side, Failure> {
    let Reading { policy, mock, so_far, symbol } = *reading;
    let wanted = format!(
        "{name} is a folder with ITER_SUMMARY_<n>.json files, an archive of it, a POST_SOAK_SNAPSHOT.json or a \
         POST_SOAK_AUDIT_SUMMARY.json"
    );
    if atomic_file::is_file(path) && !archive::is_archive(path) {
        return read_file(path, policy).map_err(|reason| {
            Failure::input(anyhow!("`{}` cannot be compared: {reason}", path.display())).hint(wanted)
        });
    }
    // As `gate` judges: what it calls INVALID is no basis for a comparison.
    let options = Options { mock, so_far, ..Options::default() };
    let symbols: Vec<String> = symbol.map(str::to_owned).into_iter().collect();
    let request = Request { path, policy, options, symbols: &symbols, edge_report: None };
    let judged = judge::judge(&request).map_err(|error| match &error {
        JudgeError::Symbol { known, .. } if !known.is_empty() => {
            let hint = format!("{name} has {}", known.join(", "));
            Failure::input(error).hint(hint)
        }
        _ => Failure::input(error).hint(wanted.as_str()),
    })?;
    let is_empty = judged.analysis.evidence.is_empty();
    of_judged(&judged, path, policy).map_err(|failure| if is_empty { failure.hint(wanted) } else { failure })
}

/// A file about a run: a snapshot in any known spelling, or the summary of an audit.
fn read_file(path: &Path, policy: &Policy) -> Result<Side, String> {
    let mut bytes = Vec::new();
    read_bounded(path, LARGEST, &mut bytes)?;
    let (kind, verdict, kpis) =
        parse_file(&bytes, &policy.compare.kpis.iter().map(|rule| rule.kpi).collect::<Vec<_>>())?;
    let run = ComparedRun {
        path: path.to_string_lossy().into_owned(),
        kind,
        verdict,
        reason: None,
        symbol: None,
        source: None,
        window: None,
        archive: None,
    };
    let known = |kpi| kpis.iter().find(|(of, _)| *of == kpi).map(|(_, measured)| *measured);
    let measured = policy.compare.kpis.iter().map(|rule| known(rule.kpi).unwrap_or_default()).collect();
    let place = atomic_file::resolved(path);
    Ok(Side { run, measured, sample: None, conditions: Conditions::new(), redirected: None, place })
}

/// Kind, verdict and KPIs of a file; the verdict is the true one where it has both, as written.
type FileContent = (&'static str, Option<String>, Vec<(KpiId, Measured)>);

fn parse_file(json: &[u8], kpis: &[KpiId]) -> Result<FileContent, String> {
    let root = baseline::parse(json)?;
    if let Some(block) = baseline::get(&root, "snapshot_kpis")? {
        return audit(&root, block, kpis);
    }
    let read = baseline::read(json, kpis)?;
    let measured = |(kpi, mean): &(KpiId, Option<f64>)| {
        (*kpi, Measured { median: read.median(*kpi), mean: *mean, n: None })
    };
    let kpis = read.means.iter().map(measured).collect();
    Ok(("snapshot", read.outcome.or(read.verdict), kpis))
}

/// An audit's summary holds medians.
fn audit(root: &Node, block: &Node, kpis: &[KpiId]) -> Result<FileContent, String> {
    if !matches!(block, Node::Object(_)) {
        return Err(baseline::wrong("snapshot_kpis", block, "an object"));
    }
    let mut found = Vec::new();
    for kpi in kpis.iter().copied() {
        let name = kpi.name;
        let key = format!("snapshot_kpis.{name}");
        let median = match block.get(name) {
            Err(_) => return Err(format!("duplicate key `{key}`")),
            Ok(None | Some(Node::Null)) => None,
            Ok(Some(Node::Number(value))) => Some(*value),
            Ok(Some(other)) => return Err(baseline::wrong(&key, other, "a finite number")),
        };
        found.push((kpi, Measured { median, ..Measured::default() }));
    }
    if found.iter().all(|(_, measured)| measured.median.is_none()) {
        return Err(baseline::NO_KPIS.to_owned());
    }
    let readiness = root.get("readiness").ok().flatten();
    let pass = readiness.and_then(|readiness| readiness.get("pass").ok().flatten());
    let verdict = match pass {
        Some(Node::Boolean(true)) => Some("OK"),
        Some(Node::Boolean(false)) => Some("HOLD"),
        _ => None,
    };
    Ok(("audit", verdict.map(str::to_owned), found))
}

/// A judged folder as one side, with its single values.
pub fn of_judged(judged: &Judged, path: &Path, policy: &Policy) -> Result<Side, Failure> {
    let analysis = &judged.analysis;
    let hint = "`--symbol` says which is compared";
    let folder = judged.folder.path().display();
    if analysis.evidence.is_empty() {
        let reason = analysis.reason();
        return Err(Failure::input(anyhow!("there is nothing to compare in `{folder}`: {reason}")).hint(hint));
    }
    let [only] = analysis.symbols.as_slice() else {
        let symbols: Vec<&str> =
            analysis.symbols.iter().map(|symbol| symbol.symbol.as_deref().unwrap_or_default()).collect();
        let symbols = symbols.join(", ");
        return Err(
            Failure::input(anyhow!("the run in `{folder}` has several symbols: {symbols}")).hint(hint)
        );
    };
    let run = ComparedRun {
        path: path.to_string_lossy().into_owned(),
        kind: "run",
        verdict: Some(analysis.outcome.word().to_owned()),
        reason: Some(analysis.reason()),
        symbol: only.symbol.clone(),
        source: analysis.source(),
        window: Some(only.last.used()),
        archive: analysis.evidence.archive.clone(),
    };
    Ok(Side {
        run,
        measured: measured(only, policy),
        sample: Some(sample(analysis, only, policy)),
        conditions: conditions_of(&judged.folder, analysis),
        redirected: judged.redirected.then(|| judged.folder.path().to_owned()),
        place: atomic_file::resolved(path),
    })
}

/// What the run declares, and where its data came from.
fn conditions_of(folder: &RunFolder, analysis: &Analysis) -> Conditions {
    let mut bytes = Vec::new();
    // The judge reports a manifest that cannot be read.
    let read = folder.read_bounded(crate::core::iteration::manifest::MANIFEST_FILE, LARGEST, &mut bytes);
    let mut known = if read.is_ok() { conditions::of_manifest(&bytes) } else { Conditions::new() };
    if let Some(source) = analysis.source() {
        let is_simulated = analysis.origin.simulated;
        known.insert(Condition::Simulated, if is_simulated { "simulated" } else { "real" }.to_owned());
        known.insert(Condition::Source, source);
    }
    known
}

fn sample(analysis: &Analysis, symbol: &SymbolAnalysis, policy: &Policy) -> Sample {
    let series = analysis.series(symbol);
    let numbers = analysis.evidence.numbers(series);
    let window = Window::find(series, policy.compare.window, &policy.windows, &numbers);
    let values = |rule: &KpiRule| {
        let positions = window.positions.clone();
        positions.filter_map(|at| Some((series.number(at), series.value(rule.kpi, at)?))).collect()
    };
    let values = policy.compare.kpis.iter().map(values).collect();
    let begins = match policy.compare.window {
        WindowSpec::Steady => policy.windows.steady_start,
        _ => 1,
    };
    let last = numbers.ranges().last().map_or(0, |(_, last)| *last);
    let ahead = usize::try_from(begins.saturating_sub(last + 1)).unwrap_or(usize::MAX);
    Sample { window: window.used(), ahead, values, hours: hours(series, window.positions) }
}

fn hours(series: &Series, positions: Range<usize>) -> Vec<(u64, f64)> {
    let Some(start) = series.rows().iter().find_map(Iteration::instant) else { return Vec::new() };
    let start = start.timestamp_millis() as f64 / 3_600_000.0;
    let hours = series.hours();
    positions.filter_map(|at| Some((series.number(at), start + hours.get(at)?))).collect()
}

/// The compared KPIs over the last-n window, in the order of the rules.
pub fn measured(symbol: &SymbolAnalysis, policy: &Policy) -> Vec<Measured> {
    let of_rule = |rule: &KpiRule| {
        let stats = symbol.last_kpi(rule.kpi);
        let summary = stats.and_then(|stats| stats.summary);
        Measured {
            median: summary.map(|summary| summary.median),
            mean: summary.map(|summary| summary.mean),
            n: stats.map(|_| summary.map_or(0, |summary| summary.n)),
        }
    };
    policy.compare.kpis.iter().map(of_rule).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::policy::ORDER;

    fn of(file: &FileContent, kpi: KpiId) -> Measured {
        file.2.iter().find(|(of, _)| *of == kpi).expect("one of the four").1
    }

    fn error(json: &str) -> String {
        parse_file(json.as_bytes(), &ORDER).expect_err(json)
    }

    #[test]
    fn a_snapshot_gives_medians_and_means_and_its_true_verdict() {
        let json = r#"{"schema_version": "1.1", "verdict": "FAIL", "outcome": "INVALID",
            "kpi_last8": {"net_bps": {"mean": 3.1, "median": 3.0}, "risk_ratio": 0.4}}"#;
        let file = parse_file(json.as_bytes(), &ORDER).expect("a snapshot");
        assert_eq!((file.0, file.1.as_deref()), ("snapshot", Some("INVALID")));
        let [maker, net, latency, risk] = ORDER.map(|kpi| of(&file, kpi));
        assert_eq!((maker, latency), (Measured::default(), Measured::default()));
        assert_eq!((net.median, net.mean), (Some(3.0), Some(3.1)));
        assert_eq!((risk.median, risk.mean), (None, Some(0.4)));
    }

    #[test]
    fn a_snapshot_without_a_true_verdict_gives_the_published_one() {
        let json = r#"{"schema_version": "1.2", "verdict": "WARN", "kpi_last_n": {}}"#;
        assert_eq!(parse_file(json.as_bytes(), &ORDER).expect("a snapshot").1.as_deref(), Some("WARN"));
    }

    #[test]
    fn an_audit_gives_medians_and_its_readiness() {
        let json = r#"{"snapshot_kpis": {"net_bps": 3.18, "risk_ratio": null, "p95_latency_ms": 0},
            "readiness": {"pass": false}}"#;
        let file = parse_file(json.as_bytes(), &ORDER).expect("an audit");
        assert_eq!((file.0, file.1.as_deref()), ("audit", Some("HOLD")));
        let medians = ORDER.map(|kpi| of(&file, kpi).median);
        assert_eq!(medians, [None, Some(3.18), Some(0.0), None]);
        let json = r#"{"snapshot_kpis": {"net_bps": 1}, "readiness": {"pass": true}}"#;
        assert_eq!(parse_file(json.as_bytes(), &ORDER).expect("an audit").1.as_deref(), Some("OK"));
        let json = r#"{"snapshot_kpis": {"net_bps": 1}, "readiness": "?"}"#;
        assert_eq!(parse_file(json.as_bytes(), &ORDER).expect("an audit").1, None);
    }

    #[test]
    fn what_is_neither_says_why() {
        assert!(error("{").starts_with("not valid JSON"));
        assert!(error("{}").contains("no `schema_version`"));
        assert!(error(r#"{"schema_version": "7"}"#).contains("schema version `7` is not known"));
        assert_eq!(error(r#"{"snapshot_kpis": 1}"#), "`snapshot_kpis` is a number, expected an object");
        assert_eq!(
            error(r#"{"snapshot_kpis": {"net_bps": NaN}}"#),
            "`snapshot_kpis.net_bps` is a number that is not finite, expected a finite number"
        );
        assert_eq!(
            error(r#"{"snapshot_kpis": {"net_bps": 1, "net_bps": 2}}"#),
            "duplicate key `snapshot_kpis.net_bps`"
        );
        assert_eq!(error(r#"{"snapshot_kpis": {}, "snapshot_kpis": {}}"#), "duplicate key `snapshot_kpis`");
        assert!(error(r#"{"snapshot_kpis": {"net_bps": null}}"#).starts_with("no KPIs"));
    }
}
