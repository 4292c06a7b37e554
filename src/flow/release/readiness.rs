//! The readiness score of a folder of reports, and the report of a day from a run.

use std::path::{Path, PathBuf};

use chrono::SecondsFormat;

use crate::core::policy::Policy;
use crate::core::release::day::{self, DayMeasured, Stated};
use crate::core::release::score::Score;
use crate::flow::judge::Judged;
use crate::io::clock::{self, ClockError};
use crate::io::day_reports;
use crate::io::environment::Environment;
use crate::io::load::read_plain;
use crate::io::loose::{self, FileError};
use crate::render::json;
use crate::render::release::score_md;
use crate::wire::provenance::Provenance;
use crate::wire::release::day_report::{self, DayReport, RunTold, RuntimeTold};
use crate::wire::release::readiness_score::ReadinessScore;
use crate::wire::release::validated::{self, Validated};

/// Name of the score's file in the folder of the reports.
pub const SCORE_FILE: &str = "READINESS_SCORE.json";

/// A score, and what is written of it.
#[derive(Debug)]
pub struct Scored {
    /// The score.
    pub score: Score,
    /// Its file.
    pub document: ReadinessScore,
    /// For people.
    pub markdown: String,
}

/// The score of the reports in a folder. Its time is the fixed one, else that of the newest report.
pub fn score(
    folder: &Path,
    policy: &Policy,
    provenance: &Provenance,
    rehearsal: bool,
) -> Result<Scored, FileError> {
    let score = Score::of(day_reports::read(folder, &policy.release)?, &policy.release.score, rehearsal);
    let told = |text: &String| chrono::DateTime::parse_from_rfc3339(text).is_ok();
    let newest = score.days.iter().rev().find_map(|day| day.utc.clone().filter(told));
    let utc = provenance
        .fixed_time
        .clone()
        .or(newest)
        .unwrap_or_else(|| clock::machine_time().to_rfc3339_opts(SecondsFormat::Secs, true));
    let runtime = RuntimeTold { utc, version: provenance.tool_version.clone() };
    let document = ReadinessScore::of(&score, runtime, &provenance.policy_sha256);
    Ok(Scored { markdown: score_md::markdown(&score), score, document })
}

/// Writes the score, and beside it the same for people. Gives the name of the second.
pub fn write(scored: &Scored, file: &Path) -> Result<PathBuf, FileError> {
    let beside = file.with_extension("md");
    loose::write_below(&beside, scored.markdown.as_bytes())?;
    loose::write_below(file, json::compact_ascii(&scored.document).as_bytes())?;
    Ok(beside)
}

/// Looks at a score's file.
pub fn validate(file: &Path, policy: &Policy, rehearsal: bool) -> Validated {
    let name = file.display().to_string();
    match read_plain(file) {
        Ok(bytes) => validated::validate(&name, &bytes, &policy.release, rehearsal),
        Err(problem) => Validated::unreadable(&name, format!("the file {problem}")),
    }
}

/// Why a day was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It cannot be measured.
    #[error("the day cannot be recorded: {}", reasons.join("; "))]
    Refused {
        /// All that stands in the way.
        reasons: Vec<String>,
    },
    /// There is a report of that day that says otherwise.
    #[error("`{}` is there already and says something else", path.display())]
    Exists {
        /// The report.
        path: PathBuf,
    },
    /// The folder or the report cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The fixed time is none.
    #[error(transparent)]
    Clock(#[from] ClockError),
}

/// A recorded day.
#[derive(Debug)]
pub struct Recorded {
    /// Where it stands.
    pub path: PathBuf,
    /// The report.
    pub report: DayReport,
    /// What it rests on.
    pub day: DayMeasured,
    /// Earlier reports that could not be used.
    pub unusable: Vec<String>,
}

/// How a day is recorded.
#[derive(Debug)]
pub struct RecordRequest<'a> {
    /// What a person states.
    pub stated: &'a Stated,
    /// The folder of the reports.
    pub folder: &'a Path,
    /// Take made up data.
    pub rehearsal: bool,
    /// Write over another report of the day.
    pub replace: bool,
}

/// Writes the report of the day of a run.
pub fn record(
    judged: &Judged,
    policy: &Policy,
    provenance: &Provenance,
    request: &RecordRequest<'_>,
) -> Result<Recorded, RecordError> {
    let RecordRequest { stated, folder, rehearsal, replace } = request;
    let earlier =
        if loose::exists(folder) { day_reports::read(folder, &policy.release)? } else { Vec::new() };
    let analysis = &judged.analysis;
    let day = day::measure(analysis, policy, stated, earlier.clone(), *rehearsal)
        .map_err(|reasons| RecordError::Refused { reasons })?;
    let own = day_report::file_name(&day.date);
    let unusable = earlier
        .iter()
        .filter(|report| report.file != own)
        .flat_map(|report| {
            let other_kind = report.unreleasable.as_ref().filter(|_| !day.rehearsal);
            report.problems.iter().chain(other_kind).map(move |problem| format!("{}: {problem}", report.file))
        })
        .collect();
    let run = RunTold {
        iterations: day.iterations,
        policy_sha256: provenance.policy_sha256.clone(),
        source: analysis.source(),
        verdict: analysis.outcome.word().to_owned(),
    };
    let utc = clock::fixed(&Environment::of_process())?
        .map_or_else(|| day.utc.clone(), |time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    let runtime = RuntimeTold { utc, version: provenance.tool_version.clone() };
    let report = DayReport::of(&day, stated, run, runtime);
    let path = folder.join(own);
    let bytes = json::pretty_ascii(&report);
    if loose::exists(&path) && !replace && read_plain(&path).ok().as_deref() != Some(bytes.as_bytes()) {
        return Err(RecordError::Exists { path });
    }
    loose::write_below(&path, bytes.as_bytes())?;
    Ok(Recorded { path, report, day, unusable })
}
