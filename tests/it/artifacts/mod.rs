//! `soak artifacts` as its user runs it.

mod rotate;
mod usage;

use std::fs;
use std::path::Path;

use crate::it::support::{Ran, Run, program, ran};

/// Noon of a day in January 2026; the runs of these tests end on the first.
const NOON: &str = "2026-01-02T12:00:00Z";

/// `soak artifacts COMMAND --path FOLDER ARGS…` at noon.
fn artifacts(command: &str, folder: &Path, args: &[&str]) -> Ran {
    ran(program().args(["artifacts", command, "--path"]).arg(folder).args(args).env("SOAK_NOW", NOON))
}

/// A folder of runs.
struct Out(tempfile::TempDir);

impl Out {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a run that was declared and ended at this time into a folder below.
    fn add(&self, name: &str, iterations: u64, ended: &str) {
        let folder = self.path().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        Run::passing(iterations).write(&folder);
        let log = format!("{{\"event\":\"complete\",\"iteration\":{iterations},\"utc\":\"{ended}\"}}\n");
        fs::write(folder.join("RUN_LOG.jsonl"), log).expect("a file");
    }

    /// The numbers of the iteration files in a folder below, ascending.
    fn numbers(&self, name: &str) -> Vec<u64> {
        let mut numbers: Vec<u64> = fs::read_dir(self.path().join(name))
            .expect("a folder")
            .filter_map(|entry| {
                let name = entry.expect("an entry").file_name().into_string().expect("a plain name");
                name.strip_prefix("ITER_SUMMARY_")?.strip_suffix(".json")?.parse().ok()
            })
            .collect();
        numbers.sort_unstable();
        numbers
    }

    fn has(&self, name: &str) -> bool {
        self.path().join(name).symlink_metadata().is_ok()
    }
}

/// A real run of the simulator in `latest`.
fn simulated(out: &Path, args: &[&str]) {
    let ended = ran(program().args(["run", "--mock", "--out"]).arg(out).args(args));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}
