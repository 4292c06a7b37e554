//! The reports of days in a folder: found by name, read, each that cannot be read told as such.
//!
//! Judges nothing; a folder without reports is no error.

use std::io;
use std::path::Path;

use super::load::read_plain;
use super::loose::FileError;
use crate::core::policy::release::ReleasePolicy;
use crate::core::release::score::{Day, date_in};
use crate::wire::release::day_report;

/// More reports than a folder of days can mean; the newest by name are read.
const MOST: usize = 10_000;

/// Reads the reports in a folder, sorted by name.
pub fn read(folder: &Path, rules: &ReleasePolicy) -> Result<Vec<Day>, FileError> {
    let failed = |source: io::Error| FileError { path: folder.to_owned(), action: "listed", source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if day_report::is_report(&name) {
            names.push(name);
        }
    }
    names.sort();
    let from = names.len().saturating_sub(MOST);
    Ok(names[from..].iter().map(|name| read_one(folder, name, rules)).collect())
}

fn read_one(folder: &Path, name: &str, rules: &ReleasePolicy) -> Day {
    match read_plain(&folder.join(name)) {
        Ok(bytes) => day_report::read(name, &bytes, rules),
        Err(problem) => Day::unusable(name, date_in(name), problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reports_are_read_and_what_cannot_be_read_is_a_day_all_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("REPORT_SOAK_20260101.json"), "{}").expect("a file");
        std::fs::create_dir(folder.path().join("REPORT_SOAK_20260102.json")).expect("a folder");
        std::fs::write(folder.path().join("READINESS_SCORE.json"), "{}").expect("a file");
        let rules = crate::wire::policy::read(&[], &[]).expect("the built-in policy").release;
        let days = read(folder.path(), &rules).expect("a list");
        let files: Vec<&str> = days.iter().map(|day| day.file.as_str()).collect();
        assert_eq!(files, ["REPORT_SOAK_20260101.json", "REPORT_SOAK_20260102.json"]);
        assert_eq!(days[1].problems, ["is a folder, not a file"]);
        assert!(read(&folder.path().join("nowhere"), &rules).is_err());
    }
}
