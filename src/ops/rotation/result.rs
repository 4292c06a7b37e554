//! What a rotation and the usage of a folder come to, as data and as text.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::inventory::{Left, Standing};
use super::plan::{Cause, Plan, Removal, Trim};
use crate::core::judge::{count, list_ranges};
use crate::core::policy::RotationRules;
use crate::core::text::number::fixed;
use crate::report::terminal::columns;
use crate::report::text::printable;
use crate::run::iteration::file::utc;

/// A rotation, or with `dry_run` the plan of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RotationResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: &'static str,
    /// Version of the program.
    pub tool_version: &'static str,
    /// The folder.
    pub base_dir: String,
    /// When, RFC 3339; ages are counted to here.
    pub timestamp: String,
    /// Whether this is a plan and nothing was changed.
    pub dry_run: bool,
    /// The limits applied.
    pub limits: RotationRules,
    #[serde(flatten)]
    pub plan: Plan,
}

/// A run in the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UsedByRun {
    /// Its folder, relative to the folder looked at.
    pub run: String,
    /// `current` runs stay, `former` ones may go.
    pub standing: Standing,
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

/// What a folder contains, and what of it a rotation would free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UsageResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: &'static str,
    /// Version of the program.
    pub tool_version: &'static str,
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
    pub limits: RotationRules,
    /// Bytes that a rotation by these limits would free.
    pub would_free_bytes: u64,
    /// What it would leave alone.
    pub left: Vec<Left>,
}

/// A rotation, or what one would do.
pub fn rotation(result: &RotationResult) -> String {
    let mut text = String::new();
    let (removes, becomes) =
        if result.dry_run { ("would remove", "would become") } else { ("removed", "became") };
    // Writing to a string cannot fail.
    for file in &result.plan.compress {
        let to = file.archive_bytes.map(|bytes| format!(", {}", size(bytes))).unwrap_or_default();
        let name = printable(&file.name);
        let _ = writeln!(text, "snapshots/{name} ({}) {becomes} {name}.tar.gz{to}", size(file.bytes));
    }
    for run in &result.plan.trims {
        let _ = writeln!(text, "{}", trimmed(run, removes));
    }
    for run in &result.plan.runs {
        let _ = writeln!(text, "{}", removed(run, removes, "run"));
    }
    for archive in &result.plan.archives {
        let _ = writeln!(text, "{}", removed(archive, removes, "archive"));
    }
    if text.is_empty() {
        text.push_str(if result.dry_run { "nothing would go\n" } else { "nothing had to go\n" });
    }
    text.push_str(&left_alone(&result.plan.left));
    let freed = result.plan.bytes_before.saturating_sub(result.plan.bytes_after);
    let (would, are) = if result.dry_run { ("would be ", "would be") } else { ("", "are") };
    let _ = writeln!(
        text,
        "{} {would}freed; {} {are} left in {}, {}",
        size(freed),
        size(result.plan.bytes_after),
        printable(&result.base_dir),
        limit(&result.limits, result.plan.fits)
    );
    text
}

fn trimmed(run: &Trim, removes: &str) -> String {
    format!(
        "{}: {removes} {} ({}), {}; {} stay",
        printable(&run.run),
        count(run.files.len(), "iteration"),
        list_ranges(&run.numbers),
        size(run.bytes),
        run.kept
    )
}

fn removed(removal: &Removal, removes: &str, what: &str) -> String {
    let why = if removal.cause == Cause::Age { "too old" } else { "to make room" };
    let iterations = match removal.iterations {
        0 => String::new(),
        n => format!(", {}", count(n, "iteration")),
    };
    let kept = removal
        .archive
        .as_ref()
        .map_or_else(String::new, |archive| format!("; its snapshot is in snapshots/{}", printable(archive)));
    format!(
        "{}: {removes} the whole {what}, {why}: from {}{iterations}, {}{kept}",
        printable(&removal.name),
        utc(removal.time),
        size(removal.bytes)
    )
}

fn left_alone(left: &[Left]) -> String {
    left.iter().fold(String::new(), |mut text, left| {
        let _ = writeln!(text, "left alone: {}: {}", printable(&left.path), printable(&left.reason));
        text
    })
}

fn limit(limits: &RotationRules, within: bool) -> String {
    match limits.max_bytes {
        None => "and there is no limit".to_owned(),
        Some(most) if within => format!("within the limit of {}", size(most)),
        Some(most) => format!("MORE than the limit of {}", size(most)),
    }
}

/// What a folder contains.
pub fn usage(result: &UsageResult) -> String {
    let heads = ["run", "iterations", "numbers", "size", "last at work", ""].map(str::to_owned);
    let mut table = vec![heads.to_vec()];
    table.extend(result.runs.iter().map(row));
    let mut text = if result.runs.is_empty() { "there is no run\n".to_owned() } else { columns(&table) };
    if result.snapshots + result.archives > 0 {
        let _ = writeln!(
            text,
            "snapshots: {} loose and {}, {}",
            result.snapshots,
            count(result.archives, "archive"),
            size(result.snapshot_bytes)
        );
    }
    let _ = writeln!(
        text,
        "all together {} in {} files in {}, {}",
        size(result.bytes),
        result.files,
        printable(&result.base_dir),
        limit(&result.limits, result.limits.max_bytes.is_none_or(|most| result.bytes <= most))
    );
    let _ = writeln!(text, "`soak artifacts rotate` would free {}", size(result.would_free_bytes));
    text.push_str(&left_alone(&result.left));
    text
}

fn row(run: &UsedByRun) -> Vec<String> {
    let numbers = match run.first.zip(run.last) {
        Some((first, last)) if first < last => format!("{first}-{last}"),
        Some((only, _)) => only.to_string(),
        None => "none".to_owned(),
    };
    let note = run.note.as_ref().map_or_else(String::new, |note| printable(note));
    vec![printable(&run.run), run.iterations.to_string(), numbers, size(run.bytes), run.time.clone(), note]
}

/// Bytes as people read them, in units of 1024.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut amount = bytes as f64 / 1024.0;
    let mut unit = 0;
    while amount >= 1024.0 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{} {}", fixed(amount, 1), UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_reported_in_the_unit_that_suits_them() {
        let reported: Vec<String> =
            [0, 1023, 1024, 1536, 1_048_576, 524_288_000, u64::MAX].map(size).to_vec();
        assert_eq!(reported, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "500.0 MiB", "16384.0 PiB"]);
    }
}
