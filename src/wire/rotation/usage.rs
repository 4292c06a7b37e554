//! What `artifacts usage --format json` prints.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Left, Limits, RotationResult};
use crate::core::rotation::{Inventory, Plan, RotationRules, RunFacts, Standing};
use crate::wire::iteration_file::utc;

/// A run that lies there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UsedByRun {
    /// Its folder, relative to the folder looked at.
    pub run: String,
    /// `current` runs stay, `former` ones may go.
    #[schemars(extend("enum" = ["current", "former"]))]
    pub standing: String,
    /// When it was last at work, RFC 3339.
    pub time: String,
    /// Iteration files.
    pub iterations: usize,
    /// The lowest iteration number; null without iterations.
    pub first: Option<u64>,
    /// The highest iteration number; null without iterations.
    pub last: Option<u64>,
    /// Bytes of everything in it.
    pub bytes: u64,
    /// Why it cannot be touched, or cannot go as a whole; null when nothing is in the way.
    pub note: Option<String>,
}

/// What lies below a folder, and what of it a rotation would free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UsageResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// Version of the program.
    pub tool_version: String,
    /// The folder.
    pub base_dir: String,
    /// The runs.
    pub runs: Vec<UsedByRun>,
    /// Loose snapshots.
    pub snapshots: usize,
    /// Archives of snapshots.
    pub archives: usize,
    /// Bytes of both.
    pub snapshot_bytes: u64,
    /// Bytes of everything, also of what soak did not write.
    pub bytes: u64,
    /// How many files that are.
    pub files: u64,
    /// The limits a rotation would apply.
    pub limits: Limits,
    /// Bytes that a rotation by these limits would free.
    pub would_free_bytes: u64,
    /// What it would leave alone.
    pub left: Vec<Left>,
}

impl UsageResult {
    /// The usage, and what the plan would do about it.
    pub fn of(base_dir: String, inventory: &Inventory, rules: &RotationRules, plan: &Plan) -> Self {
        let planned = RotationResult::new(base_dir, String::new(), rules, true).planned(plan);
        let archives = inventory.snapshots.iter().filter(|snapshot| snapshot.is_archive).count();
        Self {
            schema_version: planned.schema_version,
            tool_version: planned.tool_version,
            base_dir: planned.base_dir,
            runs: inventory.runs.iter().map(used_by).collect(),
            snapshots: inventory.snapshots.len() - archives,
            archives,
            snapshot_bytes: inventory.snapshots.iter().map(|snapshot| snapshot.bytes).sum(),
            bytes: inventory.bytes,
            files: inventory.files,
            limits: planned.limits,
            would_free_bytes: plan.bytes_before.saturating_sub(plan.bytes_after),
            left: planned.left,
        }
    }
}

fn used_by(run: &RunFacts) -> UsedByRun {
    let numbers = || run.iterations.iter().map(|file| file.number);
    UsedByRun {
        run: run.name.clone(),
        standing: match run.standing {
            Standing::Current => "current",
            Standing::Former => "former",
        }
        .to_owned(),
        time: utc(run.time),
        iterations: run.iterations.len(),
        first: numbers().min(),
        last: numbers().max(),
        bytes: run.bytes,
        note: run.untouchable.clone().or_else(|| run.bound.clone()),
    }
}
