//! The files that the command line names: none of them may be another one, or what a run writes itself, and each
//! must be a place that can be written, at the end of the run too.
//!
//! Tries and refuses; leaves nothing behind.

use std::path::Path;

use super::settings::usage;
use super::{Job, folder_failure};
use crate::commands::Failure;
use crate::core::run::settings::RunSettings;
use crate::io::loose;
use crate::io::run_folder::{OVERRIDES_FILE, RunFolder};
use crate::wire::{run_log, run_manifest, tuning_written};

/// The way out where a file has two uses.
const APART: &str = "give each file a name of its own";

/// That everything that is written during the run and at its end can have the place that was asked for.
pub(super) fn check(job: &Job<'_>, settings: &RunSettings) -> Result<(), Failure> {
    apart(job, settings)?;
    RunFolder::try_place(&job.args.files.out).map_err(folder_failure)?;
    for (path, _) in job.args.reports.files() {
        writable(&path, "the report flags name files in folders that can be written")?;
    }
    if job.args.tuning.adopt {
        let hint = "`--adopt` writes the tuned values into the start file, see `--overrides`";
        writable(Path::new(&settings.start_file), hint)?;
    }
    Ok(())
}

fn writable(path: &Path, hint: &str) -> Result<(), Failure> {
    loose::try_below(path).map_err(|error| Failure::usage(error).hint(hint))
}

/// That none of them is another one.
fn apart(job: &Job<'_>, settings: &RunSettings) -> Result<(), Failure> {
    let start_file = Path::new(&settings.start_file);
    let active = settings.active_overrides.as_deref().map(Path::new);
    if let Some(active) = active {
        check_active(active, start_file)?;
    }
    let latest = job.args.files.out.join("latest").join(OVERRIDES_FILE);
    let active = active.unwrap_or(&latest);
    // Into a device or a pipe several may be written, one after the other.
    let reports: Vec<_> =
        job.args.reports.files().into_iter().filter(|(path, _)| !loose::is_stream(path)).collect();
    for (at, (path, _)) in reports.iter().enumerate() {
        let shown = path.display();
        if is_of_a_run(path) {
            return Err(usage(format!(
                "`{shown}` is the name of a file that runs write; no report goes there"
            ))
            .hint(APART));
        }
        for (other, what) in [(start_file, "the start file"), (active, "the active overrides")] {
            if loose::is_same_place(path, other) {
                return Err(usage(format!("`{shown}` holds {what}; no report goes there")).hint(APART));
            }
        }
        if reports[..at].iter().any(|(before, _)| loose::is_same_place(path, before)) {
            return Err(usage(format!("two reports are to be written to `{shown}`")).hint(APART));
        }
    }
    Ok(())
}

fn check_active(active: &Path, start_file: &Path) -> Result<(), Failure> {
    let shown = active.display();
    if loose::is_same_place(active, start_file) {
        return Err(usage(format!("`--active-overrides` names the start file `{shown}`, which a run never changes"))
            .hint("give the active overrides a file of their own; `--adopt` writes the tuned values into the start file after a PASS"));
    }
    if is_of_a_run(active) {
        let problem =
            format!("`--active-overrides` names `{shown}`, which is the name of a file that runs write");
        return Err(usage(problem).hint(APART));
    }
    if !loose::has_folder(active) {
        return Err(usage(format!("the folder of `--active-overrides {shown}` is not there"))
            .hint("make the folder that the system under test reads from, or name another file"));
    }
    Ok(())
}

/// Whether a file has a name that belongs to a run's own files.
fn is_of_a_run(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    [run_manifest::FILE_NAME, run_log::FILE_NAME, tuning_written::STATE_FILE, tuning_written::REPORT_FILE]
        .contains(&name)
        || name.starts_with("ITER_SUMMARY_")
}
