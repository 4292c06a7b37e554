//! From inventory and rules to the plan.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::inventory::{Inventory, Left, RunFacts, Snapshot, Standing};
use crate::core::policy::RotationRules;
use crate::core::series::ranges::Ranges;
use crate::run::iteration::file::utc;

/// Why a run or an archive goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Cause {
    // It is older than `max_age_days`.
    Age,
    // All together is more than `max_bytes`.
    Size,
}

/// A run that loses old iterations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Trim {
    /// Folder of the run, relative to the folder rotated.
    pub run: String,
    /// First and last of each range of numbers that go.
    #[serde(serialize_with = "pairs")]
    #[schemars(with = "Vec<(u64, u64)>")]
    pub numbers: Ranges,
    /// Iteration files that go.
    #[serde(serialize_with = "count")]
    #[schemars(with = "usize")]
    pub files: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
    /// Iteration files that stay.
    pub kept: usize,
}

/// A run, or an archive, that goes as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Removal {
    /// The run's folder, or the archive's name.
    pub name: String,
    /// Why: older than the days, or one of the oldest while the size was too large.
    pub cause: Cause,
    /// When it was last at work, or last written, RFC 3339.
    #[serde(serialize_with = "rfc3339")]
    #[schemars(with = "String")]
    pub time: DateTime<Utc>,
    /// Iteration files in it.
    pub iterations: usize,
    /// Its bytes.
    pub bytes: u64,
    /// Archive in `snapshots` that its snapshot went into; null when it had none, and in a plan.
    pub archive: Option<String>,
}

fn pairs<S: Serializer>(numbers: &Ranges, serializer: S) -> Result<S::Ok, S::Error> {
    numbers.ranges().serialize(serializer)
}

fn count<S: Serializer>(files: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    files.len().serialize(serializer)
}

fn rfc3339<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&utc(*time))
}

/// What is to be done, or was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Plan {
    /// Runs that lose old iterations.
    #[serde(rename = "trimmed")]
    pub trims: Vec<Trim>,
    /// Runs that go, oldest first.
    #[serde(rename = "removed_runs")]
    pub runs: Vec<Removal>,
    /// Archives that go, oldest first.
    #[serde(rename = "removed_archives")]
    pub archives: Vec<Removal>,
    /// Snapshots that become archives.
    #[serde(rename = "compressed")]
    pub compress: Vec<Snapshot>,
    /// What is left alone.
    pub left: Vec<Left>,
    /// Bytes of everything before.
    pub bytes_before: u64,
    /// Bytes of everything afterwards; in a plan without what compressing will save.
    pub bytes_after: u64,
    /// Whether they are within the limit.
    #[serde(rename = "within_limit")]
    pub fits: bool,
}

/// Something that can go to make room, by age.
enum Candidate<'a> {
    Run(&'a RunFacts),
    Archive(&'a Snapshot),
}

/// Plans the rotation.
///
/// Former runs above the age go; of all other runs the iterations below the highest `keep` numbers, each symbol
/// by itself. If that leaves more bytes than allowed, former runs and archives go as well, oldest first, until
/// it fits. The current run never goes, nor do its highest iterations: where they alone are too much, `fits` is
/// false.
pub(super) fn plan(inventory: &Inventory, rules: &RotationRules, now: DateTime<Utc>) -> Plan {
    let mut left = inventory.left.clone();
    let (mut runs, mut trims) = (Vec::new(), Vec::new());
    for run in &inventory.runs {
        let is_old = run.standing == Standing::Former && is_older(run.time, rules.max_age_days, now);
        if is_old && may_go(run, &mut left) {
            runs.push(removal_of_run(run, Cause::Age));
            continue;
        }
        let Some(trim) = trim(run, rules.keep) else { continue };
        match &run.untouchable {
            // Reported above already where the run is too old.
            Some(_) if is_old => {}
            Some(reason) => left.push(Left::new(&run.name, reason)),
            None => trims.push(trim),
        }
    }
    let compress: Vec<Snapshot> = inventory
        .snapshots
        .iter()
        .filter(|snapshot| !snapshot.is_archive && is_older(snapshot.time, rules.max_age_days, now))
        .cloned()
        .collect();
    let freed = runs.iter().map(|run| run.bytes).chain(trims.iter().map(|trim| trim.bytes));
    let mut plan = Plan {
        bytes_before: inventory.bytes,
        bytes_after: inventory.bytes.saturating_sub(freed.sum()),
        compress,
        trims,
        runs,
        archives: Vec::new(),
        left,
        fits: true,
    };
    if let Some(most) = rules.max_bytes {
        make_room(&mut plan, inventory, most);
    }
    plan.runs.sort_by(|a, b| (a.time, &a.name).cmp(&(b.time, &b.name)));
    plan.left.sort();
    plan.left.dedup();
    plan
}

/// Removes former runs and archives, oldest first, until at most `most` bytes are left.
fn make_room(plan: &mut Plan, inventory: &Inventory, most: u64) {
    let runs = inventory.runs.iter().filter(|run| run.standing == Standing::Former);
    let archives = inventory.snapshots.iter().filter(|snapshot| snapshot.is_archive);
    let mut candidates: Vec<(DateTime<Utc>, &str, Candidate<'_>)> = runs
        .map(|run| (run.time, run.name.as_str(), Candidate::Run(run)))
        .chain(archives.map(|archive| (archive.time, archive.name.as_str(), Candidate::Archive(archive))))
        .collect();
    candidates.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
    for (time, _, candidate) in candidates {
        if plan.bytes_after <= most {
            break;
        }
        match candidate {
            Candidate::Run(run) if plan.runs.iter().any(|gone| gone.name == run.name) => {}
            Candidate::Run(run) if may_go(run, &mut plan.left) => {
                let trimmed = plan.trims.iter().position(|trim| trim.run == run.name);
                let already = trimmed.map_or(0, |at| plan.trims.remove(at).bytes);
                plan.bytes_after = plan.bytes_after.saturating_sub(run.bytes.saturating_sub(already));
                plan.runs.push(removal_of_run(run, Cause::Size));
            }
            Candidate::Run(_) => {}
            Candidate::Archive(archive) => {
                plan.bytes_after = plan.bytes_after.saturating_sub(archive.bytes);
                plan.archives.push(Removal {
                    name: archive.name.clone(),
                    cause: Cause::Size,
                    time,
                    bytes: archive.bytes,
                    iterations: 0,
                    archive: None,
                });
            }
        }
    }
    plan.fits = plan.bytes_after <= most;
}

/// Whether a run can go as a whole; why not is noted.
fn may_go(run: &RunFacts, left: &mut Vec<Left>) -> bool {
    match run.untouchable.as_ref().or(run.bound.as_ref()) {
        Some(reason) => {
            left.push(Left::new(&run.name, reason));
            false
        }
        None => true,
    }
}

fn removal_of_run(run: &RunFacts, cause: Cause) -> Removal {
    Removal {
        name: run.name.clone(),
        cause,
        time: run.time,
        bytes: run.bytes,
        iterations: run.iterations.len(),
        archive: None,
    }
}

/// Strictly older than so many days of 24 hours.
fn is_older(time: DateTime<Utc>, days: Option<u64>, now: DateTime<Utc>) -> bool {
    let age = days.and_then(|days| i64::try_from(days).ok()).and_then(TimeDelta::try_days);
    age.is_some_and(|age| now.signed_duration_since(time) > age)
}

/// The iterations of a run below the highest `keep` numbers of their symbol. `None` when there is none.
fn trim(run: &RunFacts, keep: usize) -> Option<Trim> {
    let mut symbols: BTreeMap<Option<&str>, Vec<u64>> = BTreeMap::new();
    for file in &run.iterations {
        symbols.entry(file.symbol.as_deref()).or_default().push(file.number);
    }
    let lowest_kept: BTreeMap<Option<&str>, u64> = symbols
        .into_iter()
        .filter_map(|(symbol, numbers)| {
            let numbers: Ranges = numbers.into_iter().map(|number| (number, number)).collect();
            Some((symbol, numbers.highest(keep)?))
        })
        .collect();
    let mut gone: Vec<_> = run
        .iterations
        .iter()
        .filter(|file| lowest_kept.get(&file.symbol.as_deref()).is_some_and(|lowest| file.number < *lowest))
        .collect();
    if gone.is_empty() {
        return None;
    }
    gone.sort_by(|a, b| (a.number, &a.name).cmp(&(b.number, &b.name)));
    Some(Trim {
        run: run.name.clone(),
        numbers: gone.iter().map(|file| (file.number, file.number)).collect(),
        files: gone.iter().map(|file| file.name.clone()).collect(),
        bytes: gone.iter().map(|file| file.bytes).sum(),
        kept: run.iterations.len() - gone.len(),
    })
}
