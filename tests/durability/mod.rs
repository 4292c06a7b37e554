//! What soak's writers survive: being killed at any step, a full disk, a folder that cannot be written, two
//! writers at once. What this machine does not allow says "skipped" and why.
#![expect(clippy::print_stderr, reason = "a skipped test must say so")]
#![expect(clippy::disallowed_methods, reason = "tests make folders and start the program")]

mod artifacts;
mod baselines;
mod bundles;
mod rotation;
mod runs;

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};

type TestResult = Result<(), Box<dyn Error>>;

/// A small file system of its own; unmounted when dropped.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// `None`, and a word why, where this machine does not let us mount one.
    fn mount(size: &str) -> Result<Option<Self>, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Ok(Some(Self { folder }));
        }
        eprintln!("skipped: mounting a small tmpfs is not possible here (needs root on linux)");
        Ok(None)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn make_read_only(&self) -> Result<bool, Box<dyn Error>> {
        Ok(Command::new("mount").args(["-o", "remount,ro"]).arg(self.path()).status()?.success())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The folder below must not be removed with the disk still on it; there is nothing else to do here.
        let _ = Command::new("umount").arg(self.path()).status();
    }
}
