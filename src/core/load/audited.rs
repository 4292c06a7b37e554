//! What the folder contains of a run besides its iterations, for the audit: the list of files, the key files,
//! the snapshots found there. Reads only, follows no link, judges nothing.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};

use crate::core::analysis::audit::{Folder, FoundSnapshot, KeyFile, ListedFile, WarmupMetrics};
use crate::core::compare::snapshot::baseline;
use crate::core::json::text::parse_marked;
use crate::core::kpi::KpiId;
use crate::core::load::run_folder::RunFolder;
use crate::infra::archive::Kind;

/// Files that are listed by name.
const LISTED: usize = 120;

/// Entries after which the walk ends: a run has no more, a folder named by mistake may.
const MOST_ENTRIES: usize = 500_000;

/// Folders below each other that are walked into.
const DEEPEST: usize = 16;

/// A side file larger than this is damage.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Looks at a folder. `own` are names of files, wherever they lie, that the audit itself writes: they are not
/// listed, so that a second audit says the same as the first.
pub fn look(folder: &RunFolder, own: &[&str]) -> Folder {
    let mut walk = Walk { own, listed: BinaryHeap::new(), folder: Folder::default(), entries: 0 };
    walk.visit(folder, "", 0);
    let Walk { listed, folder: mut found, .. } = walk;
    let files = listed.into_sorted_vec().into_iter();
    found.listing.files = files.map(|Listed(file, bytes)| ListedFile { file, bytes }).collect();
    found.key_files = KeyFile::ALL
        .into_iter()
        .filter(|file| file.places().iter().any(|place| folder.is_file(place)))
        .collect();
    found.warmup = KeyFile::Warmup.places().iter().find_map(|place| {
        let bytes = side_file(folder, place)?.ok()?;
        Some(warmup_metrics(&String::from_utf8_lossy(&bytes)))
    });
    found
}

/// The snapshots in a folder, with what they say of these KPIs.
pub fn snapshots(folder: &RunFolder, kpis: &[KpiId]) -> Vec<FoundSnapshot> {
    let one = |place: &&str| {
        let read = |json: &[u8]| baseline::read(json, kpis);
        let says = side_file(folder, place)?.and_then(|bytes| parse_marked(&bytes, read));
        Some(FoundSnapshot { file: (*place).to_owned(), says })
    };
    KeyFile::Snapshot.places().iter().filter_map(one).collect()
}

/// `None`: there is no such file. Pipes and devices are never opened.
fn side_file(folder: &RunFolder, place: &str) -> Option<Result<Vec<u8>, String>> {
    folder.is_file(place).then(|| folder.read_plain(place, LARGEST))
}

/// A file by name, in natural order; the largest is on top of the heap and gives way.
#[derive(Debug, PartialEq, Eq)]
struct Listed(String, u64);

impl Ord for Listed {
    fn cmp(&self, other: &Self) -> Ordering {
        natural(&self.0, &other.0)
    }
}

impl PartialOrd for Listed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

struct Walk<'o> {
    own: &'o [&'o str],
    listed: BinaryHeap<Listed>,
    folder: Folder,
    entries: usize,
}

impl Walk<'_> {
    fn visit(&mut self, folder: &RunFolder, above: &str, depth: usize) {
        // A folder that cannot be listed is not there for this purpose; the loader names the one that matters.
        for (name, kind) in folder.list().unwrap_or_default() {
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                self.folder.cut = true;
                return;
            }
            let name = name.to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            let is_own = self.own.contains(&&*name);
            let relative = if above.is_empty() { name.to_string() } else { format!("{above}/{name}") };
            if kind == Kind::Folder {
                if depth < DEEPEST {
                    self.visit(&folder.below(&name), &relative, depth + 1);
                }
            } else if !is_own {
                let Some((_, size)) = folder.look_at(&name) else { continue };
                self.folder.listing.files_total += 1;
                self.folder.listing.bytes_total = self.folder.listing.bytes_total.saturating_add(size);
                self.listed.push(Listed(relative, size));
                if self.listed.len() > LISTED {
                    self.listed.pop();
                }
            }
        }
    }
}

/// Runs of digits by their number, all else by its bytes; what is equal that way, by its bytes.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    while let (Some(x), Some(y)) = (left.first(), right.first()) {
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (digits_x, rest_x) = number(left);
            let (digits_y, rest_y) = number(right);
            let order = digits_x.len().cmp(&digits_y.len()).then_with(|| digits_x.cmp(digits_y));
            if order != Ordering::Equal {
                return order;
            }
            (left, right) = (rest_x, rest_y);
        } else if x == y {
            (left, right) = (&left[1..], &right[1..]);
        } else {
            return x.cmp(y);
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// The digits at the start without leading zeros, and the rest.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().position(|byte| *byte != b'0').unwrap_or(digits.len());
    (&digits[zeros..], rest)
}

/// Different guards that are counted apart.
const MOST_GUARDS: usize = 64;

/// Names of the metric that says whether the exporter failed, the first present wins.
const EXPORTER_ERROR: [&str; 2] = ["warmup_exporter_error", "exporter_error"];

/// The few lines of `warmup_metrics.prom` that the audit reports. Reads the Prometheus text format line by line; lines
/// that are not understood are left out, as is what nobody reads.
fn warmup_metrics(text: &str) -> WarmupMetrics {
    let mut errors: [Option<f64>; EXPORTER_ERROR.len()] = [None; EXPORTER_ERROR.len()];
    let mut guard_triggers = BTreeMap::new();
    for (name, labels, value) in text.lines().filter_map(sample) {
        if let Some(place) = EXPORTER_ERROR.iter().position(|known| *known == name) {
            errors[place].get_or_insert(value);
        } else if name == "guard_triggers_total"
            && let Some(guard) = label(labels, "type")
            && guard_triggers.len() < MOST_GUARDS
        {
            guard_triggers.entry(guard.chars().take(64).collect()).or_insert(value);
        }
    }
    WarmupMetrics { exporter_error: errors.into_iter().flatten().next(), guard_triggers }
}

/// Name, what is between the braces, and value; `None` for comments and what is no finite sample.
fn sample(line: &str) -> Option<(&str, &str, f64)> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let (name, labels, rest) = if let Some((name, rest)) = line.split_once('{') {
        let (labels, rest) = rest.rsplit_once('}')?;
        (name, labels, rest)
    } else {
        let (name, rest) = line.split_once(char::is_whitespace)?;
        (name, "", rest)
    };
    let value: f64 = rest.split_whitespace().next()?.parse().ok()?;
    value.is_finite().then_some((name.trim(), labels, value))
}

/// The value of a label; escapes in it are left as they are.
fn label<'t>(labels: &'t str, name: &str) -> Option<&'t str> {
    labels.split(',').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim() == name).then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn look(folder: &Path, own: &[&str]) -> Folder {
        super::look(&RunFolder::on_disk(folder), own)
    }

    fn names(folder: &Folder) -> Vec<&str> {
        folder.listing.files.iter().map(|listed| listed.file.as_str()).collect()
    }

    #[test]
    fn numbers_in_names_are_ordered_as_numbers() {
        let mut names =
            ["i_10", "i_2", "i_1", "i_02", "j", "i", "i_2b", "i_2/a", "99999999999999999999", "0"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(
            names,
            ["0", "99999999999999999999", "i", "i_1", "i_02", "i_2", "i_2/a", "i_2b", "i_10", "j"]
        );
    }

    #[test]
    fn files_are_listed_with_sizes_and_own_and_hidden_ones_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("reports/analysis")).expect("a folder");
        for (name, size) in [
            ("b.json", 3),
            ("a/own.csv", 9),
            (".hidden", 5),
            ("TUNING_REPORT.json", 2),
            ("reports/analysis/x", 7),
        ] {
            fs::create_dir_all(at(name).parent().expect("a parent")).expect("a folder");
            fs::write(at(name), vec![b' '; size]).expect("a file");
        }
        let found = look(folder.path(), &["own.csv"]);
        assert_eq!(names(&found), ["TUNING_REPORT.json", "b.json", "reports/analysis/x"]);
        assert_eq!((found.listing.files_total, found.listing.bytes_total, found.cut), (3, 12, false));
        assert_eq!(found.key_files, [KeyFile::TuningReport]);
    }

    #[test]
    fn the_first_120_files_are_listed_and_all_are_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        for n in (1..=130).rev() {
            fs::write(folder.path().join(format!("f_{n}")), b"x").expect("a file");
        }
        let found = look(folder.path(), &[]);
        assert_eq!(
            (found.listing.files.len(), found.listing.files_total, found.listing.bytes_total),
            (120, 130, 130)
        );
        assert_eq!((names(&found)[0], names(&found)[119]), ("f_1", "f_120"));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_counted_and_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).expect("a link");
        let found = look(folder.path(), &[]);
        assert_eq!(names(&found), ["loop"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_empty() {
        let found = look(Path::new("/nowhere/at/all"), &[]);
        assert_eq!(found, Folder::default());
        assert_eq!(snapshots(&RunFolder::on_disk(Path::new("/nowhere/at/all")), &[]), []);
    }

    #[test]
    fn the_exporter_error_and_the_guards_are_read_and_the_rest_is_left_out() {
        let text = "# HELP warmup_exporter_error x\n# TYPE warmup_exporter_error gauge\nwarmup_exporter_error 1\n\
                    soak_net_bps{iteration=\"1\",phase=\"WARMUP\"} 2.5\n\
                    guard_triggers_total{type=\"velocity\"} 3\n  guard_triggers_total{a=\"b\", type=\"freeze\"} 0 1700\n\
                    guard_triggers_total 9\n";
        let metrics = warmup_metrics(text);
        assert_eq!(metrics.exporter_error, Some(1.0));
        let expected = BTreeMap::from([("freeze".to_owned(), 0.0), ("velocity".to_owned(), 3.0)]);
        assert_eq!(metrics.guard_triggers, expected);
    }

    #[test]
    fn another_metric_that_ends_alike_is_not_the_exporters_error() {
        assert_eq!(warmup_metrics("my_exporter_error 1\n").exporter_error, None);
        assert_eq!(warmup_metrics("exporter_error 1\nwarmup_exporter_error 0\n").exporter_error, Some(0.0));
        assert_eq!(warmup_metrics("exporter_error 2\n").exporter_error, Some(2.0));
    }

    #[test]
    fn damage_does_no_harm() {
        for text in ["", "{", "a{", "}", "a", "warmup_exporter_error", "warmup_exporter_error None", "\u{0}"]
        {
            assert_eq!(warmup_metrics(text), WarmupMetrics::default(), "{text}");
        }
        for value in ["NaN", "+Inf", "-Inf", "inf"] {
            assert_eq!(warmup_metrics(&format!("warmup_exporter_error {value}")).exporter_error, None);
        }
        let many: String = (0..200)
            .map(|n| format!("guard_triggers_total{{type=\"{n}\"}} 1"))
            .collect::<Vec<_>>()
            .join("\n");
        assert_eq!(warmup_metrics(&many).guard_triggers.len(), MOST_GUARDS);
    }
}
