//! A rotation, its plan, and the usage of a folder as text.

use std::fmt::Write as _;

use super::{Cause, Left, Removal, RotationResult, RotationRules, Trim, UsageResult, UsedByRun, utc};
use crate::core::judge::{count, list_ranges};
use crate::core::text::number::fixed;
use crate::report::terminal::columns;
use crate::report::text::printable;

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

/// What lies below a folder.
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
    fn sizes_are_told_in_the_unit_that_suits_them() {
        let told: Vec<String> = [0, 1023, 1024, 1536, 1_048_576, 524_288_000, u64::MAX].map(size).to_vec();
        assert_eq!(told, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "500.0 MiB", "16384.0 PiB"]);
    }
}
