//! A private copy of a run, to be damaged: in a temporary folder that is gone when the copy is.
//!
//! Never writes into the run itself, and follows no link out of the copy: what is copied are bytes.

#![expect(clippy::disallowed_methods, reason = "the copy is files")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::anyhow;
use tempfile::TempDir;

use crate::core::load::run_folder::RunFolder;
use crate::core::load::{LARGEST, iteration_names, parse_name, read_bounded};
use crate::core::verdict::failure::Failure;
use crate::infra::clock::StopRequest;

/// What stands beside the iterations and has a say in the verdict.
const BESIDE: [&str; 6] = [
    "RUN_MANIFEST.json",
    "TUNING_REPORT.json",
    "runtime_overrides.json",
    "KPI_GATE.json",
    "artifacts/KPI_GATE.json",
    "POST_SOAK_SUMMARY.json",
];

fn failed(error: impl Into<anyhow::Error>) -> Failure {
    Failure::output(error).hint("$TMPDIR names a folder with room for a copy of the iteration files")
}

fn unreadable(path: &Path, reason: &str) -> Failure {
    failed(anyhow!("`{}` {reason}", path.display()))
}

fn unwritable(path: &Path) -> impl FnOnce(std::io::Error) -> Failure {
    let context = format!("a copy of the run cannot be written to `{}`", path.display());
    move |error| failed(anyhow::Error::new(error).context(context))
}

/// The copy.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    /// Names of the iteration files, with symbol and number, sorted by number.
    names: Vec<(u64, Option<String>, String)>,
}

impl Scratch {
    /// Copies the files of a run that have a say in its verdict. A signal ends that, and nothing of the copy is left.
    pub fn copy(run: &RunFolder, stop: &StopRequest) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("soak-selftest-")
            .tempdir()
            .map_err(unwritable(Path::new("the temporary folder")))?;
        let names = iteration_names(run).map_err(failed)?;
        let mut copy = Self { folder, names };
        let mut bytes = Vec::new();
        let mut taken = BTreeSet::new();
        let own = copy.names.iter_mut().map(|(number, symbol, name)| {
            let from = name.clone();
            // A line of a file of iterations becomes a file of its own.
            if parse_name(name).is_none() {
                let symbol = symbol.as_ref().map(|symbol| format!("{symbol}_")).unwrap_or_default();
                let mut digits = number.to_string();
                while !taken.insert(format!("{symbol}{digits}")) {
                    digits.insert(0, '0');
                }
                *name = format!("ITER_SUMMARY_{symbol}{digits}.json");
            }
            (from, name.clone())
        });
        let own: Vec<(String, String)> = own.collect();
        let beside = BESIDE.map(|name| (name.to_owned(), name.to_owned()));
        for (name, to) in own.iter().chain(&beside) {
            if stop.is_requested() {
                return Err(Failure::interrupted(anyhow!("interrupted while the run was copied")));
            }
            if !run.is_file(name) {
                continue;
            }
            let read = run.read_bounded(name, LARGEST, &mut bytes);
            read.map_err(|reason| unreadable(&run.path().join(name), &reason))?;
            let to = copy.folder.path().join(to);
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent).map_err(unwritable(parent))?;
            }
            fs::write(&to, &bytes).map_err(unwritable(&to))?;
        }
        Ok(copy)
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The files of an iteration: those that carry the symbol in their name, else those without any.
    pub fn files_of(&self, number: u64, symbol: Option<&str>) -> Vec<String> {
        let named = |wanted: Option<&str>| -> Vec<String> {
            let fits =
                |(known, of, _): &&(u64, Option<String>, String)| *known == number && of.as_deref() == wanted;
            self.names.iter().filter(fits).map(|(_, _, name)| name.clone()).collect()
        };
        let exact = named(symbol);
        if exact.is_empty() { named(None) } else { exact }
    }

    /// The bytes of a file.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let path = self.folder.path().join(name);
        let mut bytes = Vec::new();
        read_bounded(&path, LARGEST, &mut bytes).map_err(|reason| unreadable(&path, &reason))?;
        Ok(bytes)
    }

    /// Replaces a file.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).map_err(unwritable(&path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_holds_the_run_and_is_gone_in_the_end() -> Result<(), Box<dyn std::error::Error>> {
        let run = tempfile::tempdir()?;
        for name in ["ITER_SUMMARY_1.json", "ITER_SUMMARY_A_1.json", "RUN_MANIFEST.json", "notes.txt"] {
            fs::write(run.path().join(name), name)?;
        }
        let copy = Scratch::copy(&RunFolder::on_disk(run.path()), &StopRequest::default()).expect("a copy");
        let folder = copy.folder().to_owned();
        assert_eq!(copy.read("RUN_MANIFEST.json").expect("a file"), b"RUN_MANIFEST.json");
        assert!(!folder.join("notes.txt").exists());
        assert_eq!(copy.files_of(1, Some("A")), ["ITER_SUMMARY_A_1.json"]);
        assert_eq!(copy.files_of(1, Some("B")), ["ITER_SUMMARY_1.json"]);
        assert_eq!(copy.files_of(1, None), ["ITER_SUMMARY_1.json"]);
        assert!(copy.files_of(2, None).is_empty());
        copy.write("ITER_SUMMARY_1.json", b"changed").expect("written");
        assert_eq!(fs::read(run.path().join("ITER_SUMMARY_1.json"))?, b"ITER_SUMMARY_1.json");
        drop(copy);
        assert!(!folder.exists());
        Ok(())
    }

    #[test]
    fn a_signal_ends_the_copying() -> Result<(), Box<dyn std::error::Error>> {
        let run = tempfile::tempdir()?;
        fs::write(run.path().join("ITER_SUMMARY_1.json"), "{}")?;
        let stop = StopRequest::default();
        stop.request();
        let failure = Scratch::copy(&RunFolder::on_disk(run.path()), &stop).expect_err("interrupted");
        assert_eq!(failure.exit, crate::core::verdict::exit::Exit::Interrupted);
        Ok(())
    }
}
