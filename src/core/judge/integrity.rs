//! Can the input of the window be trusted? Corrupt, duplicated and missing files, runs that still go on,
//! required KPIs that are nowhere to be seen.
//!
//! Trouble outside the window is a finding and changes no verdict.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::core::iteration::{Defect, KpiDefect};
use crate::core::judge::{count, list_numbers, list_ranges};
use crate::core::kpi::KpiId;
use crate::core::policy::IntegrityRules;
use crate::core::series::ranges::Ranges;
use crate::core::series::window::Window;
use crate::core::series::{Row, Series, instant};
use crate::core::text::excerpt;
use crate::core::text::number::fixed;
use crate::core::verdict::evidence::{BadFile, Declared, Evidence, Finding, RunState};
use crate::core::verdict::{Check, Comparison, LimitSource, Outcome, Part, Severity};
use crate::stats::summary::median;

/// What is wrong with the files that belong to a window.
#[derive(Debug, Default)]
struct Trouble {
    sentences: Vec<String>,
    files: usize,
}

/// The integrity checks of one symbol.
///
/// `so_far` accepts a run that is not finished.
pub fn checks(
    evidence: &Evidence,
    series: &Series,
    window: &Window,
    so_far: bool,
    rules: &IntegrityRules,
) -> Vec<Check> {
    let mut checks = vec![files(evidence, series, window)];
    checks.extend(evidence.manifest_error.iter().map(|error| manifest(error, series, window)));
    checks.extend(run_state(evidence, series, window, so_far));
    if !window.is_empty() {
        checks.push(recorded_files(evidence, series, window));
        checks.push(elapsed_time(evidence, series, window, rules));
        checks.push(time_stamps(evidence, series, window, rules));
    }
    checks
}

/// Whether each required KPI has a value anywhere in the window of the run verdict; without one nothing can be
/// said.
pub fn kpis_present(series: &Series, window: &Window, required: &[KpiId]) -> Vec<Check> {
    if window.is_empty() {
        return Vec::new();
    }
    required.iter().map(|kpi| kpi_present(series, window, *kpi)).collect()
}

/// `--min-windows`: fewer iterations of a symbol than `wanted` are too few to judge.
pub fn enough(series: &Series, window: &Window, wanted: usize) -> Check {
    let n = series.len();
    let (outcome, reason) = if n < wanted {
        (Outcome::Inconclusive, format!("{}, `--min-windows` asks for {wanted}", count(n, "iteration")))
    } else {
        (Outcome::Pass, format!("{}, {wanted} asked for", count(n, "iteration")))
    };
    Check {
        statistic: "iterations".to_owned(),
        comparison: Some(Comparison::AtLeast),
        limit: Some(wanted as f64),
        observed: Some(n as f64),
        margin: Some(n as f64 - wanted as f64),
        outcome,
        reason,
        limit_source: Some(LimitSource { key: "min_windows".to_owned(), origin: "--min-windows".to_owned() }),
        ..base(series, window, "integrity.min_windows")
    }
}

fn manifest(error: &str, series: &Series, window: &Window) -> Check {
    Check {
        statistic: "readable".to_owned(),
        outcome: Outcome::Invalid,
        reason: format!("`RUN_MANIFEST.json` cannot be used, so what the run declared is unknown: {error}"),
        ..base(series, window, "integrity.manifest")
    }
}

fn base(series: &Series, window: &Window, gate: &str) -> Check {
    Check {
        part: Part::Integrity,
        gate: gate.to_owned(),
        kpi: None,
        symbol: series.symbol.clone(),
        severity: Severity::Hard,
        window: window.used(),
        statistic: "count".to_owned(),
        comparison: None,
        limit: None,
        observed: None,
        margin: None,
        outcome: Outcome::Pass,
        reason: String::new(),
        limit_source: None,
        joins: true,
        inference: None,
    }
}

fn files(evidence: &Evidence, series: &Series, window: &Window) -> Check {
    let check = base(series, window, "integrity.files");
    let trouble = trouble(evidence, series, window);
    if window.is_empty() && trouble.files == 0 && evidence.folder.is_empty() {
        return Check {
            outcome: Outcome::Invalid,
            reason: "there is no iteration to judge: no file named `ITER_SUMMARY_<number>.json`".to_owned(),
            ..check
        };
    }
    let reason = if trouble.files == 0 {
        format!("all {} of the window can be read", count(window.len(), "iteration file"))
    } else {
        trouble.sentences.join("; ")
    };
    Check {
        statistic: "unusable files".to_owned(),
        comparison: Some(Comparison::AtMost),
        limit: Some(0.0),
        observed: Some(trouble.files as f64),
        margin: Some(0.0 - trouble.files as f64),
        outcome: if trouble.files == 0 { Outcome::Pass } else { Outcome::Invalid },
        reason,
        ..check
    }
}

fn trouble(evidence: &Evidence, series: &Series, window: &Window) -> Trouble {
    const MOST: usize = 8;
    let concerns = |symbol: &Option<String>| symbol.is_none() || *symbol == series.symbol;
    let inside = |number: u64| number >= window.from;
    let mut trouble = Trouble::default();
    for bad in evidence.bad_files.iter().filter(|bad| concerns(&bad.symbol) && inside(bad.number)) {
        trouble.files += 1;
        if trouble.files <= MOST {
            trouble.sentences.push(format!("`{}`: {}", bad.name, bad.reason));
        }
    }
    for two in evidence.duplicates.iter().filter(|two| concerns(&two.symbol) && inside(two.number)) {
        trouble.files += two.names.len();
        trouble.sentences.push(format!(
            "iteration {} is there more than once: `{}`",
            two.number,
            two.names.join("`, `")
        ));
    }
    let before = Ranges::from_iter([(0, window.from.saturating_sub(1))]);
    let before = if window.from == 0 { Ranges::default() } else { before };
    let mut add = |numbers: &Ranges, what: &str| {
        if !numbers.is_empty() {
            trouble.files = trouble.files.saturating_add(numbers.count());
            trouble.sentences.push(format!("{what}: {}", list_ranges(numbers)));
        }
    };
    match &evidence.declared {
        Some(declared) => {
            let missing = declared.expected_from(window.from).without(&evidence.found(series));
            let missing = missing.without(&missing.without(&evidence.numbers(series)));
            add(&missing, "declared in `RUN_MANIFEST.json` and missing");
            let beyond = evidence.beyond_declared(series).without(&before);
            let done = if declared.state == RunState::Complete { "declared" } else { "completed" };
            add(&beyond, &format!("beyond the {} iterations that the run {done}", declared.last_complete));
        }
        None => add(&evidence.missing_between(series).without(&before), "missing in the window"),
    }
    if trouble.files > trouble.sentences.len() && trouble.files > MOST {
        trouble.sentences.push(format!("{} in all", count(trouble.files, "file")));
    }
    trouble
}

fn run_state(evidence: &Evidence, series: &Series, window: &Window, so_far: bool) -> Option<Check> {
    let declared = evidence.declared.as_ref()?;
    let check = base(series, window, "integrity.run_state");
    let progress = format!("{} of {} iterations", declared.last_complete, declared.iterations);
    let (outcome, reason) = match declared.state {
        RunState::Complete => (Outcome::Pass, format!("the run is complete: {progress}")),
        state if so_far => (
            Outcome::NotApplicable,
            format!("the run is {} ({progress}); judged so far, as asked", state.word()),
        ),
        state => (Outcome::Inconclusive, format!("the run is {}: {progress}", state.word())),
    };
    Some(Check {
        statistic: "completed iterations".to_owned(),
        comparison: Some(Comparison::AtLeast),
        limit: Some(declared.iterations as f64),
        observed: Some(declared.last_complete as f64),
        margin: Some(declared.last_complete as f64 - declared.iterations as f64),
        outcome,
        reason,
        ..check
    })
}

fn kpi_present(series: &Series, window: &Window, kpi: KpiId) -> Check {
    let name = kpi.name;
    let known = series.column(kpi)[window.positions.clone()].iter().flatten().count();
    let n = window.len();
    let too_high =
        defects(series, window, kpi).filter(|(_, defect)| matches!(defect.defect, Defect::TooHigh(_)));
    let too_high: Vec<(&Row, &KpiDefect)> = too_high.collect();
    let (outcome, reason) = if let Some((row, defect)) = too_high.first() {
        let numbers: Vec<u64> = too_high.iter().map(|(row, _)| row.number).collect();
        let reason =
            format!("`{name}` cannot be: {} in iteration {}", describe(row, defect), list_numbers(&numbers));
        (Outcome::Invalid, reason)
    } else if known == 0 {
        let why = defects(series, window, kpi)
            .next()
            .map_or_else(|| unmeasured(series, window, kpi), |(row, defect)| describe(row, defect));
        (Outcome::Invalid, format!("`{name}` has no value in the whole window: {why}"))
    } else if known < n {
        (Outcome::Pass, format!("`{name}` has a value in {known} of {n} iterations; the others do not pass"))
    } else {
        (Outcome::Pass, format!("`{name}` has a value in all {}", count(n, "iteration")))
    };
    Check {
        kpi: Some(name.to_owned()),
        statistic: "known values".to_owned(),
        comparison: Some(Comparison::AtLeast),
        limit: Some(1.0),
        observed: Some(known as f64),
        margin: Some(known as f64 - 1.0),
        outcome,
        reason,
        ..base(series, window, &format!("integrity.{name}"))
    }
}

/// Why no iteration has a value. A source notes that in the iteration; a built-in KPI comes from the files of any runner.
fn unmeasured(series: &Series, window: &Window, kpi: KpiId) -> String {
    if kpi.is_built_in() {
        return "no file has the key".to_owned();
    }
    let rows = &series.rows()[window.positions.clone()];
    let failed = rows.iter().rev().find_map(|row| row.collection_failed.as_deref());
    failed.map_or_else(|| "no iteration has one, and its notes say why".to_owned(), str::to_owned)
}

fn defects<'s>(
    series: &'s Series,
    window: &Window,
    kpi: KpiId,
) -> impl Iterator<Item = (&'s Row, &'s KpiDefect)> {
    series.rows()[window.positions.clone()].iter().filter_map(move |row| {
        row.defects.iter().find(|defect| defect.kpi == kpi).map(|defect| (row, defect))
    })
}

/// What is wrong under which key, and where.
fn describe(row: &Row, defect: &KpiDefect) -> String {
    let place = match &row.file {
        Some(file) => format!("`{file}`"),
        None => format!("iteration {}", row.number),
    };
    format!("`{}` {} in {place}", defect.key, defect.defect.describe())
}

/// More single iterations in a sentence help nobody.
const NAMED: usize = 4;

/// Characters of a text that is no time which are shown.
const TEXT: usize = 60;

/// What is wrong between an iteration and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepKind {
    /// It is stamped earlier.
    Back,
    /// Much later than an interval.
    Gap,
    /// The same, and the run was resumed in between.
    Downtime,
}

/// Two iterations that follow each other, with odd times.
#[derive(Clone, Copy, Debug)]
struct Step {
    kind: StepKind,
    from: (u64, DateTime<Utc>),
    to: (u64, DateTime<Utc>),
    /// The usual distance, seconds.
    usual: f64,
}

impl Step {
    fn words(&self) -> String {
        let Self { from: (before, earlier), to: (number, later), .. } = self;
        let distance = lasting(seconds(*later - *earlier).abs());
        match self.kind {
            StepKind::Back => format!(
                "iteration {number} is stamped {distance} before iteration {before} ({} after {})",
                text(*later),
                text(*earlier)
            ),
            StepKind::Gap => format!(
                "a gap of {distance} between iterations {before} and {number}, the interval is {}",
                lasting(self.usual)
            ),
            StepKind::Downtime => {
                format!(
                    "the run was resumed with iteration {number}, {distance} after iteration {before} ended"
                )
            }
        }
    }
}

/// The time stamps of a series.
struct Stamps {
    /// Those that are times, by the order of numbers.
    known: Vec<(u64, DateTime<Utc>)>,
    /// Texts that are none.
    none: Vec<(u64, String)>,
    /// Numbers of those without a zone.
    without_zone: Vec<u64>,
}

impl Stamps {
    fn of(series: &Series) -> Self {
        let mut stamps = Self { known: Vec::new(), none: Vec::new(), without_zone: Vec::new() };
        for row in series.rows() {
            let Some(text) = row.time.as_deref().filter(|text| !text.trim().is_empty()) else { continue };
            match instant::parse(text) {
                Some(time) => {
                    stamps.known.push((row.number, time.at));
                    if !time.has_zone {
                        stamps.without_zone.push(row.number);
                    }
                }
                None => stamps.none.push((row.number, excerpt(text, TEXT))),
            }
        }
        stamps
    }

    /// Whether they show how time passed: there are some, and not all are equal.
    fn are_evidence(&self) -> bool {
        self.known.len() == 1 || self.known.iter().any(|(_, time)| *time != self.known[0].1)
    }

    /// Odd distances. The usual one is the interval that the run declared, or the median where that is longer.
    fn steps(&self, evidence: &Evidence, stride: u64, rules: &IntegrityRules) -> Vec<Step> {
        // Iterations that are missing in between took their time.
        let intervals = |from: u64, to: u64| (to.saturating_sub(from) / stride.max(1)).max(1) as f64;
        let distances = || {
            self.known.windows(2).map(|pair| {
                let ((before, earlier), (number, later)) = (pair[0], pair[1]);
                (intervals(before, number), seconds(later - earlier))
            })
        };
        let mut each: Vec<f64> = distances().map(|(intervals, distance)| distance / intervals).collect();
        let stamped = median(&mut each).unwrap_or(0.0);
        let declared = evidence.declared.as_ref().filter(|declared| !declared.no_wait);
        let declared = declared.and_then(|declared| declared.interval).map_or(0.0, |it| it.as_secs_f64());
        let usual = stamped.max(declared);
        let resumed = |from: u64, to: u64| {
            let segments = evidence.declared.iter().flat_map(|declared| declared.segments.iter().skip(1));
            segments.into_iter().any(|segment| from < segment.from_iteration && segment.from_iteration <= to)
        };
        let kind = |from: (u64, DateTime<Utc>), to: (u64, DateTime<Utc>), intervals: f64, distance: f64| {
            if distance < 0.0 {
                return Some(StepKind::Back);
            }
            // Where most stamps are equal the clock is too coarse to show gaps.
            let largest = (rules.gap_intervals.value + intervals - 1.0) * usual;
            let is_gap = usual > 0.0 && distance > largest;
            is_gap.then(|| if resumed(from.0, to.0) { StepKind::Downtime } else { StepKind::Gap })
        };
        let found = self.known.windows(2).zip(distances()).filter_map(|(pair, (intervals, distance))| {
            let kind = kind(pair[0], pair[1], intervals, distance)?;
            Some(Step { kind, from: pair[0], to: pair[1], usual })
        });
        found.collect()
    }

    /// Iterations that are stamped later than it is.
    fn ahead(&self, evidence: &Evidence, rules: &IntegrityRules) -> Vec<(u64, DateTime<Utc>)> {
        let seconds = rules.ahead_minutes.value * 60.0;
        let allowed = TimeDelta::try_milliseconds(fixed(seconds * 1000.0, 0).parse().unwrap_or(i64::MAX));
        let Some(now) = evidence.now.filter(|_| !evidence.has_virtual_clock()) else { return Vec::new() };
        let Some(latest) = allowed.and_then(|allowed| now.checked_add_signed(allowed)) else {
            return Vec::new();
        };
        self.known.iter().filter(|(_, time)| *time > latest).copied().collect()
    }
}

/// Whether the time stamps of a series show how time passed.
pub fn is_known(series: &Series) -> bool {
    Stamps::of(series).are_evidence()
}

/// The time stamps in the window.
fn time_stamps(evidence: &Evidence, series: &Series, window: &Window, rules: &IntegrityRules) -> Check {
    let stamps = Stamps::of(series);
    let inside = |number: u64| number >= window.from;
    let known = stamps.known.iter().filter(|(number, _)| inside(*number)).count();
    let steps = stamps.steps(evidence, evidence.found(series).stride(), rules);
    let steps: Vec<&Step> =
        steps.iter().filter(|step| step.kind != StepKind::Downtime && inside(step.to.0)).collect();
    let ahead: Vec<(u64, DateTime<Utc>)> =
        stamps.ahead(evidence, rules).into_iter().filter(|(number, _)| inside(*number)).collect();
    let noticed = |step: &Step| {
        let clock_steps = evidence.declared.iter().flat_map(|declared| &declared.clock_steps);
        let during = step.from.0..=step.to.0;
        clock_steps
            .filter(|it| during.contains(&it.iteration))
            .map(|it| format!(": {}", it.words()))
            .next_back()
    };
    let words = |step: &&Step| format!("{}{}", step.words(), noticed(step).unwrap_or_default());
    let mut sentences: Vec<String> = steps.iter().take(NAMED).map(words).collect();
    if steps.len() > NAMED {
        sentences.push(format!("and {} more", steps.len() - NAMED));
    }
    if let Some((_, last)) = ahead.last() {
        let numbers: Vec<u64> = ahead.iter().map(|(number, _)| *number).collect();
        sentences.push(format!(
            "iteration {} is stamped ahead of the clock, up to {}",
            list_numbers(&numbers),
            text(*last)
        ));
    }
    let is_evidence = stamps.are_evidence();
    let (outcome, reason) = if !is_evidence {
        (Outcome::NotApplicable, format!("time unknown: {}", unknown(&stamps)))
    } else if !steps.is_empty() {
        (rules.time_steps, sentences.join("; "))
    } else if !ahead.is_empty() {
        (Outcome::Warn, sentences.join("; "))
    } else if known == 0 {
        (Outcome::NotApplicable, "no iteration of the window has a time stamp".to_owned())
    } else {
        let n = window.len();
        (Outcome::Pass, format!("the time stamps of {known} of {} are in order", count(n, "iteration")))
    };
    let odd = (outcome != Outcome::NotApplicable).then_some((steps.len() + ahead.len()) as f64);
    Check {
        statistic: "odd time stamps".to_owned(),
        comparison: Some(Comparison::AtMost),
        limit: Some(0.0),
        observed: odd,
        margin: odd.map(|odd| 0.0 - odd),
        outcome,
        reason,
        limit_source: Some(rules.time_steps_source.clone()),
        ..base(series, window, "integrity.time_stamps")
    }
}

fn unknown(stamps: &Stamps) -> &'static str {
    if stamps.known.is_empty() { "no iteration has a time stamp" } else { "all time stamps are equal" }
}

/// What the time stamps of a series show besides: texts that are no time, zones that are missing, steps before the
/// window, downtime.
pub fn findings(evidence: &Evidence, series: &Series, from: u64, rules: &IntegrityRules) -> Vec<Finding> {
    let stamps = Stamps::of(series);
    let mut found = Vec::new();
    let mut add = |kind: &'static str, iteration: Option<u64>, in_window: bool, message: String| {
        let symbol = series.symbol.clone();
        found.push(Finding { kind, symbol, iteration, file: None, in_window, message });
    };
    for (number, text) in stamps.none.iter().rev().take(NAMED).rev() {
        let message = format!(
            "`{text}` in iteration {number} is not a time; the iteration counts as one without a time"
        );
        add("not_a_time", Some(*number), *number >= from, message);
    }
    if stamps.none.len() > NAMED {
        let numbers: Vec<u64> = stamps.none.iter().map(|(number, _)| *number).collect();
        let message = format!("the time stamps of iteration {} are not times", list_numbers(&numbers));
        add("not_a_time", None, false, message);
    }
    if let Some(last) = stamps.without_zone.last() {
        let numbers = list_numbers(&stamps.without_zone);
        let message = format!("the time stamps of iteration {numbers} have no zone and are read as UTC");
        add("time_without_zone", Some(*last), *last >= from, message);
    }
    let has_interval = evidence.declared.as_ref().is_some_and(|declared| declared.interval.is_some());
    if !stamps.are_evidence() && !has_interval && !series.is_empty() {
        let message = format!("time unknown: {}; nothing is judged by time", unknown(&stamps));
        add("time_unknown", None, true, message);
    }
    let steps = stamps.steps(evidence, evidence.found(series).stride(), rules);
    let before = |step: &&Step| step.to.0 < from || step.kind == StepKind::Downtime;
    let steps: Vec<&Step> = steps.iter().filter(before).collect();
    for step in steps.iter().rev().take(NAMED).rev() {
        let kind = match step.kind {
            StepKind::Back => "time_step_back",
            StepKind::Gap => "time_gap",
            StepKind::Downtime => "downtime",
        };
        add(kind, Some(step.to.0), step.to.0 >= from, step.words());
    }
    if steps.len() > NAMED {
        add("time_gap", None, false, format!("{} more odd time stamps before", steps.len() - NAMED));
    }
    let ahead = stamps.ahead(evidence, rules);
    if let Some((number, time)) = ahead.iter().rfind(|(number, _)| *number < from) {
        let message = format!("iteration {number} is stamped ahead of the clock, {}", text(*time));
        add("time_ahead", Some(*number), false, message);
    }
    found
}

/// Steps of the clock that the run noticed itself.
pub fn clock_steps(evidence: &Evidence, from: u64) -> Vec<Finding> {
    let steps = evidence.declared.iter().flat_map(|declared| &declared.clock_steps);
    let finding = |step: &crate::core::iteration::manifest::ClockStep| Finding {
        kind: "clock_step",
        symbol: None,
        iteration: Some(step.iteration),
        file: None,
        in_window: step.iteration >= from,
        message: step.words(),
    };
    steps.map(finding).collect()
}

fn seconds(span: TimeDelta) -> f64 {
    span.num_milliseconds() as f64 / 1000.0
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A span of time in the units that people use: `12.5 s`, `5.0 min`, `8.1 h`.
fn lasting(seconds: f64) -> String {
    if seconds < 120.0 {
        format!("{} s", fixed(seconds, 1))
    } else if seconds < 7200.0 {
        format!("{} min", fixed(seconds / 60.0, 1))
    } else {
        format!("{} h", fixed(seconds / 3600.0, 1))
    }
}

/// What is an error of rounding and no time, seconds.
const ROUNDING: f64 = 1e-6;

/// The iterations of one process of the run.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    first: u64,
    last: u64,
    started: Option<DateTime<Utc>>,
}

/// How long a stretch lasted.
#[derive(Clone, Copy, Debug)]
struct Lasted {
    iterations: u64,
    seconds: f64,
}

/// The time that the run lasted against the time that it declared.
fn elapsed_time(evidence: &Evidence, series: &Series, window: &Window, rules: &IntegrityRules) -> Check {
    let check = base(series, window, "integrity.elapsed");
    let not_applicable = |reason: &str| Check {
        statistic: "elapsed seconds".to_owned(),
        outcome: Outcome::NotApplicable,
        reason: reason.to_owned(),
        limit_source: Some(rules.elapsed_share.source.clone()),
        ..base(series, window, "integrity.elapsed")
    };
    let Some(declared) = &evidence.declared else {
        return not_applicable("no `RUN_MANIFEST.json` declares an interval");
    };
    let interval = declared.interval.map(|interval| interval.as_secs_f64()).filter(|seconds| *seconds > 0.0);
    let Some(interval) = interval else {
        return not_applicable("`RUN_MANIFEST.json` declares no interval");
    };
    let clock = Clock { evidence, declared, series, interval };
    let stretches = clock.stretches();
    let lasted: Option<Vec<Lasted>> = stretches.iter().map(|stretch| clock.lasted(stretch)).collect();
    let Some(lasted) = lasted else {
        if declared.no_wait {
            return not_applicable("the run did not wait for its intervals (`--no-wait`), and has no times");
        }
        return Check {
            statistic: "elapsed seconds".to_owned(),
            outcome: Outcome::Invalid,
            reason: format!(
                "the iterations have no time stamps that show the declared interval of {}",
                lasting(interval)
            ),
            limit_source: Some(rules.elapsed_share.source.clone()),
            ..check
        };
    };
    let share = rules.elapsed_share.value;
    let iterations: u64 = lasted.iter().map(|stretch| stretch.iterations).sum();
    let elapsed: f64 = lasted.iter().map(|stretch| stretch.seconds).sum();
    let least = |iterations: u64| share * interval * iterations.saturating_sub(1) as f64;
    let needed = least(iterations);
    let is_short = |seconds: f64, needed: f64| seconds < needed - ROUNDING;
    let short = stretches.iter().zip(&lasted).find(|(_, it)| is_short(it.seconds, least(it.iterations)));
    let whole = format!(
        "{iterations} iterations of {} lasted {}, at least {} is needed",
        lasting(interval),
        lasting(elapsed.max(0.0)),
        lasting(needed)
    );
    let (outcome, reason, observed, limit) = match short {
        _ if is_short(elapsed, needed) => (Outcome::Invalid, whole, elapsed, needed),
        Some((Stretch { first, last, .. }, it)) => {
            let needed = least(it.iterations);
            let reason = format!(
                "iterations {first}-{last} of {} lasted {}, at least {} is needed",
                lasting(interval),
                lasting(it.seconds.max(0.0)),
                lasting(needed)
            );
            (Outcome::Invalid, reason, it.seconds, needed)
        }
        None => (Outcome::Pass, whole, elapsed, needed),
    };
    if outcome == Outcome::Invalid && declared.no_wait {
        return not_applicable(&format!("the run did not wait for its intervals (`--no-wait`): {reason}"));
    }
    Check {
        statistic: "elapsed seconds".to_owned(),
        comparison: Some(Comparison::AtLeast),
        limit: Some(limit),
        observed: Some(observed),
        margin: Some(observed - limit),
        outcome,
        reason,
        limit_source: Some(rules.elapsed_share.source.clone()),
        ..check
    }
}

/// The times of a run: those in its files, and those that it recorded of files that are rotated away.
struct Clock<'e> {
    evidence: &'e Evidence,
    declared: &'e Declared,
    series: &'e Series,
    interval: f64,
}

impl Clock<'_> {
    /// The iterations that were done, by process. The virtual clock of the simulator knows no downtime.
    fn stretches(&self) -> Vec<Stretch> {
        let Declared { iterations, state, last_complete, segments, .. } = self.declared;
        let there = self.series.rows().last().map_or(0, |row| row.number).min(*iterations);
        let done = if *state == RunState::Complete { *iterations } else { there.max(*last_complete) };
        // A symbol that came later has no times before.
        let since = self.series.rows().first().filter(|_| self.series.symbol.is_some());
        let since = since.map_or(1, |row| row.number).max(1);
        let mut starts: Vec<(u64, Option<DateTime<Utc>>)> =
            segments.iter().map(|segment| (segment.from_iteration.max(1), segment.started)).collect();
        if self.evidence.has_virtual_clock() {
            starts.truncate(1);
        }
        if starts.is_empty() {
            starts.push((1, None));
        }
        let ends = starts.iter().skip(1).map(|(first, _)| first - 1).chain([done]);
        let whole = starts.iter().zip(ends).map(|((first, started), last)| Stretch {
            first: (*first).max(since),
            last: last.min(done),
            started: started.filter(|_| since <= *first),
        });
        // A process that was resumed before it completed an iteration did none.
        whole.filter(|stretch| stretch.first <= stretch.last).collect()
    }

    /// From the start of the first iteration to the end of the last one that has a time. Iterations that are rotated
    /// away count one interval each where no time is recorded. `None` = nothing shows how long it lasted.
    fn lasted(&self, stretch: &Stretch) -> Option<Lasted> {
        let Stretch { first, last, started } = *stretch;
        let iterations = last - first + 1;
        let rotated = |from: u64, to: u64| {
            let range = crate::core::series::ranges::Ranges::from_iter([(from, to)]);
            range.count().saturating_sub(range.without(&self.declared.rotated).count()) as f64 * self.interval
        };
        let Some((end_number, end)) = self.last_time(first, last) else {
            let all = rotated(first, last);
            let is_rotated = all >= iterations as f64 * self.interval - ROUNDING;
            return is_rotated.then_some(Lasted { iterations, seconds: all });
        };
        let (begin, before) = if let Some(started) = started {
            (started, 0.0)
        } else {
            let (number, time) = self.first_time(first, last)?;
            (time, if number > first { rotated(first, number - 1) } else { 0.0 })
        };
        let after = if end_number < last { rotated(end_number + 1, last) } else { 0.0 };
        let seconds = seconds(end - begin) - self.stepped(first, end_number) + before + after;
        Some(Lasted { iterations, seconds })
    }

    /// By how much the run noticed that its clock was moved: that is no time that passed in it, seconds.
    fn stepped(&self, first: u64, last: u64) -> f64 {
        let steps = self.declared.clock_steps.iter();
        steps.filter(|step| (first..=last).contains(&step.iteration)).map(|step| step.seconds).sum()
    }

    fn last_time(&self, first: u64, last: u64) -> Option<(u64, DateTime<Utc>)> {
        let rows = &self.series.rows()[self.series.position_of(first)..self.series.position_of(last + 1)];
        let of_files = rows.iter().rev().find_map(|row| Some((row.number, row.instant()?)));
        let log = self.evidence.recorded.as_ref();
        let of_log = log.and_then(|log| {
            log.files.range(first..=last).rev().find_map(|(number, file)| Some((*number, file.ends?)))
        });
        // Of one iteration the file says it as it is judged.
        match (of_files, of_log) {
            (Some(file), Some(log)) if log.0 > file.0 => Some(log),
            (file, log) => file.or(log),
        }
    }

    fn first_time(&self, first: u64, last: u64) -> Option<(u64, DateTime<Utc>)> {
        let rows = &self.series.rows()[self.series.position_of(first)..self.series.position_of(last + 1)];
        let of_files = rows.iter().find_map(|row| Some((row.number, row.instant()?)));
        let log = self.evidence.recorded.as_ref();
        let of_log = log.and_then(|log| {
            log.files.range(first..=last).find_map(|(number, file)| Some((*number, file.ends?)))
        });
        match (of_files, of_log) {
            (Some(file), Some(log)) if log.0 < file.0 => Some(log),
            (file, log) => file.or(log),
        }
    }
}

/// The files of the window against what soak recorded of them.
fn recorded_files(evidence: &Evidence, series: &Series, window: &Window) -> Check {
    let concerns = |file: &&BadFile| {
        (file.symbol.is_none() || file.symbol == series.symbol) && file.number >= window.from
    };
    let altered: Vec<&BadFile> = evidence.altered.iter().filter(concerns).collect();
    let mut sentences: Vec<String> =
        altered.iter().take(NAMED).map(|file| format!("`{}` {}", file.name, file.reason)).collect();
    if altered.len() > NAMED {
        sentences.push(format!("and {} more", altered.len() - NAMED));
    }
    if let Some(error) = &evidence.log_error {
        sentences.push(format!("`RUN_LOG.jsonl` {error}, so nothing shows that the files are unchanged"));
    }
    let (outcome, reason) = match &evidence.recorded {
        _ if !sentences.is_empty() => (Outcome::Invalid, sentences.join("; ")),
        Some(_) => {
            let files = count(window.len(), "iteration file");
            (
                Outcome::Pass,
                format!("all {files} of the window have the SHA-256 that `RUN_LOG.jsonl` records"),
            )
        }
        None => {
            let reason = "there is no `RUN_LOG.jsonl` with the hashes of the files: judged as foreign data";
            (Outcome::NotApplicable, reason.to_owned())
        }
    };
    let observed = (outcome != Outcome::NotApplicable).then_some(altered.len() as f64);
    Check {
        statistic: "altered files".to_owned(),
        comparison: Some(Comparison::AtMost),
        limit: Some(0.0),
        observed,
        margin: observed.map(|altered| 0.0 - altered),
        outcome,
        reason,
        ..base(series, window, "integrity.recorded")
    }
}

#[cfg(test)]
mod tests {

    use super::super::fixture::{WINDOWS, integrity_rules, last, series};
    use super::*;
    use crate::core::policy::WindowSpec;
    use crate::core::verdict::evidence::{BadFile, Declared, Duplicate};

    const NET: [KpiId; 1] = [KpiId::NET_BPS];

    fn five() -> Series {
        series(KpiId::NET_BPS, &[Some(3.0); 5])
    }

    fn bad(number: u64, symbol: Option<&str>) -> BadFile {
        let name = format!("ITER_SUMMARY_{number}.json");
        BadFile { name, number, symbol: symbol.map(str::to_owned), reason: "is damaged".to_owned() }
    }

    fn judged(evidence: &Evidence, series: &Series, so_far: bool) -> Vec<Check> {
        let window = Window::find(series, WindowSpec::LastN, &WINDOWS, &evidence.numbers(series));
        let mut all = checks(evidence, series, &window, so_far, &integrity_rules());
        all.extend(kpis_present(series, &window, &NET));
        all
    }

    fn of_files(evidence: &Evidence) -> Check {
        judged(evidence, &five(), false).remove(0)
    }

    fn declared(state: RunState, iterations: u64, last_complete: u64) -> Evidence {
        let declared = Declared::of(iterations, state, last_complete);
        Evidence { declared: Some(declared), ..Evidence::default() }
    }

    #[test]
    fn a_bad_file_counts_from_the_first_number_of_the_window_on() {
        // With 2 bad the numbers are 1 to 5 still; the window starts at 3.
        for (number, outcome) in [(2, Outcome::Pass), (3, Outcome::Invalid), (5, Outcome::Invalid)] {
            let evidence = Evidence { bad_files: vec![bad(number, None)], ..Evidence::default() };
            assert_eq!(of_files(&evidence).outcome, outcome, "{number}");
        }
    }

    #[test]
    fn a_bad_file_of_another_symbol_concerns_nobody_else() {
        let other = Evidence { bad_files: vec![bad(5, Some("BBB"))], ..Evidence::default() };
        assert_eq!(of_files(&other).outcome, Outcome::Pass);
        // One without a symbol in its name may belong to any.
        let mut named = five();
        named.symbol = Some("AAA".to_owned());
        let evidence = Evidence { bad_files: vec![bad(5, None)], ..Evidence::default() };
        assert_eq!(judged(&evidence, &named, false)[0].outcome, Outcome::Invalid);
    }

    #[test]
    fn each_file_of_a_pair_is_counted() {
        let names = vec!["ITER_SUMMARY_005.json".to_owned(), "ITER_SUMMARY_5.json".to_owned()];
        let pair = Duplicate { symbol: None, number: 5, names };
        let check = of_files(&Evidence { duplicates: vec![pair], ..Evidence::default() });
        assert_eq!((check.outcome, check.observed, check.margin), (Outcome::Invalid, Some(2.0), Some(-2.0)));
    }

    #[test]
    fn no_iteration_at_all_is_invalid_and_asks_for_no_kpi() {
        let checks = judged(&Evidence::default(), &series(KpiId::NET_BPS, &[]), false);
        assert_eq!(checks.len(), 1);
        assert_eq!(checks[0].outcome, Outcome::Invalid);
        assert!(checks[0].reason.contains("there is no iteration to judge"), "{}", checks[0].reason);
    }

    #[test]
    fn a_complete_run_owes_the_iterations_of_the_window() {
        assert_eq!(of_files(&declared(RunState::Complete, 5, 5)).outcome, Outcome::Pass);
        let six = of_files(&declared(RunState::Complete, 6, 6));
        assert_eq!(six.outcome, Outcome::Invalid);
        assert_eq!(six.reason, "declared in `RUN_MANIFEST.json` and missing: 6");
        // A bad file is named once: as damaged, not as missing too.
        let mut evidence = declared(RunState::Complete, 6, 6);
        evidence.bad_files.push(bad(6, None));
        let check = of_files(&evidence);
        assert_eq!((check.observed, check.reason.as_str()), (Some(1.0), "`ITER_SUMMARY_6.json`: is damaged"));
    }

    #[test]
    fn a_run_that_goes_on_is_inconclusive_unless_asked_for_so_far() {
        let state = |evidence: &Evidence, so_far| judged(evidence, &five(), so_far).remove(1);
        let running = declared(RunState::Running, 9, 5);
        assert_eq!(state(&running, false).outcome, Outcome::Inconclusive);
        assert_eq!(state(&running, false).reason, "the run is running: 5 of 9 iterations");
        assert_eq!(state(&running, false).margin, Some(-4.0));
        assert_eq!(state(&running, true).outcome, Outcome::NotApplicable);
        assert_eq!(state(&declared(RunState::Complete, 5, 5), false).outcome, Outcome::Pass);
    }

    #[test]
    fn a_manifest_that_cannot_be_read_is_invalid_whatever_is_asked() {
        let evidence = Evidence { manifest_error: Some("is cut off".to_owned()), ..Evidence::default() };
        for so_far in [false, true] {
            let check = judged(&evidence, &five(), so_far).remove(1);
            assert_eq!((check.gate.as_str(), check.outcome), ("integrity.manifest", Outcome::Invalid));
        }
    }

    #[test]
    fn a_required_kpi_needs_one_value_in_the_window() {
        let with = |values: &[Option<f64>]| {
            judged(&Evidence::default(), &series(KpiId::NET_BPS, values), false).pop().expect("a check")
        };
        let outside = with(&[Some(3.0), Some(3.0), None, None, None]);
        assert_eq!((outside.outcome, outside.observed), (Outcome::Invalid, Some(0.0)));
        assert!(outside.reason.ends_with("no file has the key"), "{}", outside.reason);
        let one = with(&[None, None, None, Some(0.0), None]);
        assert_eq!((one.outcome, one.margin), (Outcome::Pass, Some(0.0)));
        assert!(one.reason.contains("in 1 of 3 iterations"), "{}", one.reason);
    }

    #[test]
    fn min_windows_holds_at_its_number() {
        let five = five();
        for (wanted, outcome) in [(4, Outcome::Pass), (5, Outcome::Pass), (6, Outcome::Inconclusive)] {
            assert_eq!(enough(&five, &last(&five), wanted).outcome, outcome, "{wanted}");
        }
    }
}

#[cfg(test)]
mod time_tests {
    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::iteration::manifest::{ClockStep, ClockStepKind};
    use crate::core::judge::fixture::{empty, integrity_rules, last, series_of};
    use crate::core::verdict::evidence::{Declared, RunState, SegmentStart};

    const MINUTE: i64 = 60;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
    }

    /// Iterations 1, 2, … that end at these minutes.
    fn stamped(minutes: &[i64]) -> Series {
        texts(&minutes.iter().map(|minute| Some(text(at(minute * MINUTE)))).collect::<Vec<_>>())
    }

    fn texts(texts: &[Option<String>]) -> Series {
        series_of((1..).zip(texts).map(|(number, text)| Iteration {
            number,
            time: text.as_deref().map(Into::into),
            ..empty()
        }))
    }

    /// Ten even intervals, then changed.
    fn ten(change: impl FnOnce(&mut Vec<i64>)) -> Series {
        let mut minutes: Vec<i64> = (1..=10).map(|number| 5 * number).collect();
        change(&mut minutes);
        stamped(&minutes)
    }

    fn judged(series: &Series) -> Check {
        time_stamps(&Evidence::default(), series, &last(series), &integrity_rules())
    }

    fn kinds(evidence: &Evidence, series: &Series) -> Vec<(&'static str, bool)> {
        let found = findings(evidence, series, last(series).from, &integrity_rules());
        found.into_iter().map(|finding| (finding.kind, finding.in_window)).collect()
    }

    #[test]
    fn even_jittery_late_and_equal_stamps_are_in_order() {
        // Intervals of 2.5 to 7.5 minutes, one of 15 (3 intervals), and two equal stamps.
        for minutes in [
            vec![5, 10, 15, 20, 25, 30, 35, 40, 45, 50],
            vec![3, 10, 13, 20, 23, 30, 33, 40, 43, 50],
            vec![5, 10, 15, 20, 25, 30, 35, 40, 55, 60],
            vec![5, 10, 15, 20, 25, 30, 35, 40, 40, 50],
        ] {
            let series = stamped(&minutes);
            let check = judged(&series);
            assert_eq!(check.outcome, Outcome::Pass, "{}", check.reason);
            assert_eq!(kinds(&Evidence::default(), &series), []);
        }
    }

    #[test]
    fn a_step_back_inside_the_window_is_a_warning_and_before_it_a_finding() {
        // The window is 8 to 10. Iteration 9 an hour before 8, iteration 8 before 7.
        let inside = ten(|minutes| minutes[8..].iter_mut().for_each(|minute| *minute -= 60));
        let check = judged(&inside);
        assert_eq!((check.outcome, check.observed), (Outcome::Warn, Some(1.0)));
        assert!(
            check.reason.contains("iteration 9 is stamped 55.0 min before iteration 8"),
            "{}",
            check.reason
        );
        let before = ten(|minutes| minutes[6..].iter_mut().for_each(|minute| *minute -= 60));
        assert_eq!(judged(&before).outcome, Outcome::Pass);
        assert_eq!(kinds(&Evidence::default(), &before), [("time_step_back", false)]);
    }

    #[test]
    fn a_distance_of_more_than_five_intervals_is_a_gap() {
        // The median stays 5 minutes, so 25 minutes are allowed.
        for (distance, outcome) in [(24, Outcome::Pass), (25, Outcome::Pass), (26, Outcome::Warn)] {
            let series = ten(|minutes| minutes[9] = minutes[8] + distance);
            assert_eq!(judged(&series).outcome, outcome, "{distance}");
        }
        let first = ten(|minutes| minutes[7..].iter_mut().for_each(|minute| *minute += 480));
        assert_eq!(judged(&first).outcome, Outcome::Warn);
        let before = ten(|minutes| minutes[6..].iter_mut().for_each(|minute| *minute += 480));
        assert_eq!(judged(&before).outcome, Outcome::Pass);
        assert_eq!(kinds(&Evidence::default(), &before), [("time_gap", false)]);
    }

    #[test]
    fn the_policy_can_make_odd_times_invalid() {
        let rules = IntegrityRules { time_steps: Outcome::Invalid, ..integrity_rules() };
        let series = ten(|minutes| minutes[9] += 480);
        assert_eq!(
            time_stamps(&Evidence::default(), &series, &last(&series), &rules).outcome,
            Outcome::Invalid
        );
    }

    #[test]
    fn missing_iterations_take_their_time() {
        // 1 to 4, then 9 and 10 (by the stride of all numbers), 30 minutes later: the four between had 25.
        let rows = [(1, 5), (2, 10), (3, 15), (4, 20), (9, 45), (10, 50)];
        let rows = rows.map(|(number, minute)| Iteration {
            number,
            time: Some(text(at(minute * MINUTE)).as_str().into()),
            ..empty()
        });
        assert_eq!(judged(&series_of(rows)).outcome, Outcome::Pass);
    }

    #[test]
    fn one_instant_in_two_zones_is_no_step() {
        let mut all: Vec<Option<String>> = (1..=10).map(|number| Some(text(at(300 * number)))).collect();
        let later = at(300 * 9) + TimeDelta::hours(2);
        all[8] = Some(text(later).replace('Z', "+02:00"));
        assert_eq!(judged(&texts(&all)).outcome, Outcome::Pass);
    }

    #[test]
    fn what_is_no_time_and_what_has_no_zone_is_named() {
        let mut all: Vec<Option<String>> = (1..=10).map(|number| Some(text(at(300 * number)))).collect();
        all[1] = Some("30/11/2026 08:40".to_owned());
        all[8] = Some("2026-13-45T99:00:00Z".to_owned());
        all[9] = all[9].as_ref().map(|text| text.trim_end_matches('Z').to_owned());
        let series = texts(&all);
        assert_eq!(judged(&series).outcome, Outcome::Pass);
        assert!(judged(&series).reason.contains("2 of 3 iterations"), "{}", judged(&series).reason);
        let found = findings(&Evidence::default(), &series, 8, &integrity_rules());
        let told: Vec<(bool, bool)> =
            found.iter().map(|finding| (finding.in_window, finding.symbol.is_none())).collect();
        assert_eq!(told, [(false, true), (true, true), (true, true)]);
        assert!(found[0].message.contains("`30/11/2026 08:40` in iteration 2"), "{}", found[0].message);
        assert!(found[1].message.contains("`2026-13-45T99:00:00Z` in iteration 9"), "{}", found[1].message);
        assert!(found[2].message.contains("iteration 10 have no zone"), "{}", found[2].message);
    }

    #[test]
    fn all_equal_or_no_times_are_time_unknown() {
        for series in [stamped(&[5; 10]), texts(&[const { None }; 10])] {
            let check = judged(&series);
            assert_eq!(check.outcome, Outcome::NotApplicable);
            assert!(check.reason.starts_with("time unknown"), "{}", check.reason);
            assert_eq!(kinds(&Evidence::default(), &series), [("time_unknown", true)]);
            // With a declared interval the length of an iteration is known.
            let interval = Some(std::time::Duration::from_secs(300));
            let declared = Declared { interval, ..Declared::of(10, RunState::Complete, 10) };
            let evidence = Evidence { declared: Some(declared), ..Evidence::default() };
            assert_eq!(kinds(&evidence, &series), []);
        }
    }

    #[test]
    fn the_downtime_between_two_processes_is_a_note() {
        let interval = Some(std::time::Duration::from_secs(300));
        let segments = vec![
            SegmentStart { from_iteration: 1, started: Some(at(0)) },
            SegmentStart { from_iteration: 10, started: Some(at(600 * MINUTE)) },
        ];
        let declared = Declared { interval, segments, ..Declared::of(10, RunState::Complete, 10) };
        let evidence = Evidence { declared: Some(declared), ..Evidence::default() };
        let resumed = ten(|minutes| minutes[9] = 605);
        assert_eq!(
            time_stamps(&evidence, &resumed, &last(&resumed), &integrity_rules()).outcome,
            Outcome::Pass
        );
        assert_eq!(kinds(&evidence, &resumed), [("downtime", true)]);
        let elsewhere = ten(|minutes| minutes[8..].iter_mut().for_each(|minute| *minute += 600));
        assert_eq!(
            time_stamps(&evidence, &elsewhere, &last(&elsewhere), &integrity_rules()).outcome,
            Outcome::Warn
        );
    }

    #[test]
    fn stamps_ahead_of_the_clock_are_a_warning_but_for_a_virtual_clock() {
        let series = ten(|_| ());
        // The last is at 50 minutes; 5 minutes ahead are allowed.
        for (now, outcome) in [(45 * MINUTE, Outcome::Pass), (45 * MINUTE - 1, Outcome::Warn)] {
            let evidence = Evidence { now: Some(at(now)), ..Evidence::default() };
            assert_eq!(
                time_stamps(&evidence, &series, &last(&series), &integrity_rules()).outcome,
                outcome,
                "{now}"
            );
            let sources = std::iter::once("sim".to_owned()).collect();
            let simulated = Evidence { sources, ..evidence };
            assert_eq!(
                time_stamps(&simulated, &series, &last(&series), &integrity_rules()).outcome,
                Outcome::Pass
            );
        }
    }

    #[test]
    fn steps_that_the_run_noticed_are_named() {
        let step =
            ClockStep { iteration: 9, kind: ClockStepKind::Step, seconds: -7200.0, utc: String::new() };
        let declared =
            Declared { clock_steps: vec![step.clone()], ..Declared::of(10, RunState::Complete, 10) };
        let evidence = Evidence { declared: Some(declared), ..Evidence::default() };
        let found = clock_steps(&evidence, 8);
        assert_eq!((found[0].in_window, found[0].message.clone()), (true, step.words()));
        assert!(!clock_steps(&evidence, 10)[0].in_window);
        let back = ten(|minutes| minutes[8..].iter_mut().for_each(|minute| *minute -= 120));
        let check = time_stamps(&evidence, &back, &last(&back), &integrity_rules());
        assert!(check.reason.ends_with(&format!(": {}", step.words())), "{}", check.reason);
    }
}

#[cfg(test)]
mod elapsed_tests {
    use std::time::Duration;

    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::iteration::manifest::{ClockStep, ClockStepKind};
    use crate::core::iteration::recorded::{FileRecord, Recorded};
    use crate::core::judge::fixture::{empty, integrity_rules, series_of, whole};
    use crate::core::series::ranges::Ranges;
    use crate::core::verdict::evidence::SegmentStart;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
    }

    fn rows(ends: impl IntoIterator<Item = (u64, i64)>) -> Series {
        series_of(ends.into_iter().map(|(number, end)| Iteration {
            number,
            time: Some(at(end).to_rfc3339().as_str().into()),
            ..empty()
        }))
    }

    /// Iterations `from` to 10, so many seconds apart.
    fn every(from: u64, seconds: i64) -> Series {
        rows((from..=10).map(|number| (number, seconds * i64::try_from(number).unwrap_or(0))))
    }

    fn segment(from_iteration: u64, started: i64) -> SegmentStart {
        SegmentStart { from_iteration, started: Some(at(started)) }
    }

    fn ten(state: RunState, done: u64) -> Declared {
        let interval = Some(Duration::from_secs(100));
        Declared { interval, segments: vec![segment(1, 0)], ..Declared::of(10, state, done) }
    }

    fn complete() -> Declared {
        ten(RunState::Complete, 10)
    }

    fn judged(declared: Declared, series: &Series) -> Check {
        with_log(declared, series, None)
    }

    fn with_log(declared: Declared, series: &Series, recorded: Option<Recorded>) -> Check {
        let evidence = Evidence { declared: Some(declared), recorded, ..Evidence::default() };
        elapsed_time(&evidence, series, &whole(series), &integrity_rules())
    }

    #[test]
    fn a_run_lasts_nine_tenths_of_what_it_declared() {
        // From 0 on, 10 × 81 = 810 s.
        for (seconds, outcome) in
            [(100, Outcome::Pass), (81, Outcome::Pass), (80, Outcome::Invalid), (1, Outcome::Invalid)]
        {
            let check = judged(complete(), &every(1, seconds));
            assert_eq!(check.outcome, outcome, "{seconds}: {}", check.reason);
            assert_eq!(check.limit, Some(810.0));
            assert_eq!(check.observed, Some(10.0 * seconds as f64));
        }
    }

    #[test]
    fn without_a_declared_interval_there_is_nothing_to_compare_with() {
        let series = every(1, 1);
        assert_eq!(
            judged(Declared { interval: None, ..complete() }, &series).outcome,
            Outcome::NotApplicable
        );
        let check = elapsed_time(&Evidence::default(), &series, &whole(&series), &integrity_rules());
        assert_eq!(check.outcome, Outcome::NotApplicable);
    }

    #[test]
    fn a_run_without_time_stamps_is_invalid() {
        let without = series_of((1..=10).map(|number| Iteration { number, ..empty() }));
        assert_eq!(judged(complete(), &without).outcome, Outcome::Invalid);
        // Of the first iteration alone: 100 s are no 810.
        assert_eq!(judged(complete(), &rows([(1, 100)])).outcome, Outcome::Invalid);
        // All at one time.
        assert_eq!(judged(complete(), &rows((1..=10).map(|number| (number, 0)))).outcome, Outcome::Invalid);
    }

    #[test]
    fn an_unfinished_run_is_compared_with_what_it_did() {
        for state in [RunState::Running, RunState::Interrupted, RunState::Failed] {
            let four = |seconds: i64| {
                rows((1..=4).map(|number| (number, seconds * i64::try_from(number).unwrap_or(0))))
            };
            assert_eq!(judged(ten(state, 4), &four(100)).outcome, Outcome::Pass);
            // 4 × 10 s are no 0.9 × 300 s.
            assert_eq!(judged(ten(state, 4), &four(10)).outcome, Outcome::Invalid);
        }
        // The manifest of a run in progress lags behind.
        assert_eq!(judged(ten(RunState::Running, 0), &every(1, 10)).outcome, Outcome::Invalid);
    }

    #[test]
    fn downtime_is_no_time_of_the_run() {
        let resumed = || Declared { segments: vec![segment(1, 0), segment(6, 5_000)], ..complete() };
        let run = |seconds: i64| {
            rows(
                (1..=5)
                    .map(|n| (n, seconds * i64::try_from(n).unwrap_or(0)))
                    .chain((6..=10).map(|n| (n, 5_000 + seconds * i64::try_from(n - 5).unwrap_or(0)))),
            )
        };
        assert_eq!(judged(resumed(), &run(100)).outcome, Outcome::Pass);
        let short = judged(resumed(), &run(10));
        assert_eq!((short.outcome, short.observed), (Outcome::Invalid, Some(100.0)));
        // A process that was resumed at once does not end the one before it.
        let twice =
            Declared { segments: vec![segment(1, 0), segment(6, 900), segment(6, 5_000)], ..complete() };
        assert_eq!(judged(twice, &run(100)).outcome, Outcome::Pass);
    }

    #[test]
    fn one_slow_iteration_does_not_make_up_for_a_hurried_process() {
        let resumed = Declared { segments: vec![segment(1, 0), segment(6, 1_000)], ..complete() };
        let hurried = (1..=5).map(|n| (n, i64::try_from(n).unwrap_or(0)));
        let check = judged(
            resumed,
            &rows(hurried.chain((6..=10).map(|n| (n, 1_000 + 300 * (i64::try_from(n).unwrap_or(0) - 5))))),
        );
        assert_eq!(check.outcome, Outcome::Invalid);
        assert!(check.reason.starts_with("iterations 1-5 "), "{}", check.reason);
    }

    #[test]
    fn rotated_iterations_count_with_their_recorded_times_or_an_interval_each() {
        let rotated = || Declared { rotated: Ranges::from_iter([(1, 6)]), ..complete() };
        assert_eq!(judged(rotated(), &every(7, 100)).outcome, Outcome::Pass);
        let without_start = |seconds: i64| {
            let series = every(7, seconds);
            (Declared { segments: Vec::new(), ..rotated() }, series)
        };
        // Six intervals and three distances: 600 + 3 × 100, or 600 + 3 × 50 = 750.
        let (declared, series) = without_start(100);
        assert_eq!(judged(declared, &series).observed, Some(900.0));
        let (declared, series) = without_start(50);
        let check = judged(declared, &series);
        assert_eq!((check.outcome, check.observed), (Outcome::Invalid, Some(750.0)));
        // The log knows better: from the end of the first to the end of the last.
        let files = (1..=10)
            .map(|n| (n, FileRecord { sha256: [0; 32], ends: Some(at(80 * i64::try_from(n).unwrap_or(0))) }));
        let log = Recorded { files: files.collect(), unreadable_lines: 0 };
        let (declared, series) = without_start(80);
        let check = with_log(declared, &series, Some(log));
        assert_eq!((check.outcome, check.observed), (Outcome::Invalid, Some(720.0)));
    }

    #[test]
    fn a_process_whose_iterations_are_all_rotated_away_counts_by_intervals() {
        let segments = vec![segment(1, 0), segment(6, 5_000)];
        let declared = Declared { segments, rotated: Ranges::from_iter([(1, 5)]), ..complete() };
        let series = rows((6..=10).map(|n| (n, 5_000 + 100 * (i64::try_from(n).unwrap_or(0) - 5))));
        let check = judged(declared, &series);
        assert_eq!((check.outcome, check.observed), (Outcome::Pass, Some(1_000.0)));
    }

    #[test]
    fn a_step_of_the_clock_is_no_time() {
        let step =
            |seconds| ClockStep { iteration: 5, kind: ClockStepKind::Step, seconds, utc: String::new() };
        // Two hours back in iteration 5: the stamps end 7 200 s too early.
        let back =
            rows((1..=10).map(|n| (n, 100 * i64::try_from(n).unwrap_or(0) - if n >= 5 { 7_200 } else { 0 })));
        let noticed = Declared { clock_steps: vec![step(-7_200.0)], ..complete() };
        assert_eq!(judged(noticed, &back).outcome, Outcome::Pass);
        // Forward: what looks like 1 000 s were 100.
        let forward =
            rows((1..=10).map(|n| (n, 10 * i64::try_from(n).unwrap_or(0) + if n >= 5 { 900 } else { 0 })));
        let noticed = Declared { clock_steps: vec![step(900.0)], ..complete() };
        assert_eq!(judged(noticed, &forward).outcome, Outcome::Invalid);
    }

    #[test]
    fn the_virtual_clock_knows_no_downtime() {
        let source = Some("sim".to_owned());
        let segments = vec![segment(1, 0), segment(6, 90_000)];
        let declared = Declared { source, segments, ..complete() };
        assert_eq!(judged(declared, &every(1, 100)).outcome, Outcome::Pass);
    }

    #[test]
    fn a_run_that_did_not_wait_is_judged_by_its_reports_where_they_last() {
        let declared = || Declared { no_wait: true, ..complete() };
        assert_eq!(judged(declared(), &every(1, 100)).outcome, Outcome::Pass);
        let short = judged(declared(), &every(1, 1));
        assert_eq!(short.outcome, Outcome::NotApplicable);
        assert!(short.reason.contains("--no-wait"), "{}", short.reason);
    }

    #[test]
    fn a_symbol_that_came_later_is_compared_from_there_on() {
        let mut later = every(6, 100);
        later.symbol = Some("BBB".to_owned());
        // Four distances of 100 s between five iterations.
        let check = judged(Declared { segments: Vec::new(), ..complete() }, &later);
        assert_eq!((check.outcome, check.observed, check.limit), (Outcome::Pass, Some(400.0), Some(360.0)));
    }
}
