//! Finds the folder that holds the iterations, and the iteration files in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::LoadError;

/// A file that looks like an iteration by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Iteration number in the name; `007` is 7.
    pub number: u64,
    /// Symbol in the name, if there is one.
    pub symbol: Option<String>,
    /// The name.
    pub name: String,
    /// Whether the directory says that this is a plain file; links and the rest are looked at before
    /// they are opened.
    pub is_plain_file: bool,
}

/// Symbol and number of `ITER_SUMMARY_<n>.json` or `ITER_SUMMARY_<symbol>_<n>.json`; `None` for other names.
pub fn parse_name(name: &str) -> Option<(Option<&str>, u64)> {
    let middle = name.strip_prefix("ITER_SUMMARY_")?.strip_suffix(".json")?;
    let (symbol, digits) = match middle.rsplit_once('_') {
        Some((symbol, digits)) => (Some(symbol), digits),
        None => (None, middle),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) || symbol == Some("") {
        return None;
    }
    // Digits beyond every number are a number beyond every run.
    Some((symbol, digits.parse().unwrap_or(u64::MAX)))
}

/// The iteration files of a folder, sorted by number, then name.
pub fn list(folder: &Path) -> Result<Vec<Entry>, LoadError> {
    let failed = |source| LoadError::List { path: folder.to_owned(), source };
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let Some((symbol, number)) = parse_name(name) else { continue };
        entries.push(Entry {
            number,
            symbol: symbol.map(str::to_owned),
            is_plain_file: entry.file_type().is_ok_and(|kind| kind.is_file()),
            name: name.to_owned(),
        });
    }
    entries.sort_unstable();
    Ok(entries)
}

/// The folder with the iterations: the one given, else `soak/latest` or `latest` below it, else the newest
/// isolated run (`RUN_<milliseconds>`) there.
pub fn resolve(asked: &Path) -> Result<(PathBuf, Vec<Entry>), LoadError> {
    check_folder(asked)?;
    let given = list(asked)?;
    if !given.is_empty() {
        return Ok((asked.to_owned(), given));
    }
    let mut candidates = vec![asked.join("soak").join("latest"), asked.join("latest")];
    for parent in [asked.to_owned(), asked.join("soak").join("latest"), asked.join("latest")] {
        candidates.extend(newest_isolated(&parent));
    }
    for candidate in candidates {
        if let Ok(entries) = list(&candidate)
            && !entries.is_empty()
        {
            return Ok((candidate, entries));
        }
    }
    Ok((asked.to_owned(), given))
}

fn check_folder(asked: &Path) -> Result<(), LoadError> {
    match fs::metadata(asked) {
        Ok(meta) if meta.is_dir() => Ok(()),
        Ok(_) => Err(LoadError::NotAFolder { path: asked.to_owned() }),
        Err(source) => Err(LoadError::Missing { path: asked.to_owned(), source }),
    }
}

/// The folders with iterations in and below a folder of runs: the folder itself, `latest`, `RUN_*` beside and in it,
/// and what is in `history`. Each once, also where one is a link to another.
pub fn runs_below(asked: &Path) -> Result<Vec<PathBuf>, LoadError> {
    check_folder(asked)?;
    let latest = asked.join("latest");
    let mut candidates = vec![asked.to_owned(), latest.clone()];
    for parent in [asked, &latest] {
        candidates.extend(folders_in(parent, |name| name.starts_with("RUN_")));
    }
    candidates.extend(folders_in(&asked.join("history"), |name| !name.starts_with('.')));
    let mut seen = BTreeSet::new();
    candidates.retain(|folder| {
        list(folder).is_ok_and(|entries| !entries.is_empty())
            && fs::canonicalize(folder).is_ok_and(|real| seen.insert(real))
    });
    Ok(candidates)
}

/// Sorted by name. A folder that cannot be listed has none.
fn folders_in(parent: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_str().is_some_and(&wanted))
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders
}

fn newest_isolated(parent: &Path) -> Option<PathBuf> {
    fs::read_dir(parent)
        .ok()?
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name();
            let started: u64 = name.to_str()?.strip_prefix("RUN_")?.parse().ok()?;
            Some((started, entry.path()))
        })
        .max()
        .map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_and_others_ignored() {
        assert_eq!(parse_name("ITER_SUMMARY_7.json"), Some((None, 7)));
        assert_eq!(parse_name("ITER_SUMMARY_007.json"), Some((None, 7)));
        assert_eq!(parse_name("ITER_SUMMARY_BTCUSDT_001.json"), Some((Some("BTCUSDT"), 1)));
        assert_eq!(parse_name("ITER_SUMMARY_A_B_12.json"), Some((Some("A_B"), 12)));
        assert_eq!(parse_name("ITER_SUMMARY_99999999999999999999999.json"), Some((None, u64::MAX)));
        for other in [
            "ITER_SUMMARY_.json",
            "ITER_SUMMARY_x.json",
            "ITER_SUMMARY_1.json.tmp",
            "ITER_SUMMARY_-1.json",
            "ITER_SUMMARY_1.5.json",
            "ITER_SUMMARY__3.json",
            "iter_summary_1.json",
            "TUNING_REPORT.json",
        ] {
            assert_eq!(parse_name(other), None, "{other}");
        }
    }
}
