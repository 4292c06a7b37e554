//! What lies in the folder of a run besides its iterations, for the audit: the list of files, the key files,
//! the snapshots found there. Reads only, follows no link, judges nothing.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fs;
use std::path::Path;

use super::load::read_bounded;
use crate::core::audit::{Folder, FoundSnapshot, KeyFile};
use crate::wire::literals::parse_marked;
use crate::wire::{baseline, warmup_metrics};

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
pub fn look(folder: &Path, own: &[&str]) -> Folder {
    let mut walk = Walk { own, listed: BinaryHeap::new(), folder: Folder::default(), entries: 0 };
    walk.visit(folder, "", 0);
    let Walk { listed, folder: mut found, .. } = walk;
    found.files = listed.into_sorted_vec().into_iter().map(|Listed(name, size)| (name, size)).collect();
    found.key_files = KeyFile::ALL
        .into_iter()
        .filter(|file| file.places().iter().any(|place| is_file(&folder.join(place))))
        .collect();
    found.warmup = KeyFile::Warmup.places().iter().find_map(|place| {
        let bytes = side_file(folder, place)?.ok()?;
        Some(warmup_metrics::read(&String::from_utf8_lossy(&bytes)))
    });
    found
}

/// The snapshots in a folder.
pub fn snapshots(folder: &Path) -> Vec<FoundSnapshot> {
    let one = |place: &&str| {
        let says = side_file(folder, place)?
            .and_then(|bytes| parse_marked(&bytes, baseline::read).map_err(|error| error.to_string()));
        Some(FoundSnapshot { file: (*place).to_owned(), says })
    };
    KeyFile::Snapshot.places().iter().filter_map(one).collect()
}

fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file())
}

/// `None`: there is no such file. Pipes and devices are never opened.
fn side_file(folder: &Path, place: &str) -> Option<Result<Vec<u8>, String>> {
    let path = folder.join(place);
    if !is_file(&path) {
        return None;
    }
    let mut bytes = Vec::new();
    Some(read_bounded(&path, LARGEST, &mut bytes).map(|()| bytes))
}

/// A file by name, in natural order; the largest stands on top of the heap and gives way.
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
    fn visit(&mut self, path: &Path, above: &str, depth: usize) {
        // A folder that cannot be listed is not there for this purpose; the loader tells the one that matters.
        let Ok(entries) = fs::read_dir(path) else { return };
        for entry in entries.filter_map(Result::ok) {
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                self.folder.cut = true;
                return;
            }
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            let is_own = self.own.contains(&&*name);
            let relative = if above.is_empty() { name.into_owned() } else { format!("{above}/{name}") };
            let Ok(found) = fs::symlink_metadata(entry.path()) else { continue };
            if found.is_dir() {
                if depth < DEEPEST {
                    self.visit(&entry.path(), &relative, depth + 1);
                }
            } else if !is_own {
                self.folder.files_total += 1;
                self.folder.bytes_total = self.folder.bytes_total.saturating_add(found.len());
                self.listed.push(Listed(relative, found.len()));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Folder) -> Vec<&str> {
        folder.files.iter().map(|(name, _)| name.as_str()).collect()
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
        assert_eq!((found.files_total, found.bytes_total, found.cut), (3, 12, false));
        assert_eq!(found.key_files, [KeyFile::TuningReport]);
    }

    #[test]
    fn the_first_120_files_are_listed_and_all_are_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        for n in (1..=130).rev() {
            fs::write(folder.path().join(format!("f_{n}")), b"x").expect("a file");
        }
        let found = look(folder.path(), &[]);
        assert_eq!((found.files.len(), found.files_total, found.bytes_total), (120, 130, 130));
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
        assert_eq!(snapshots(Path::new("/nowhere/at/all")), []);
    }
}
