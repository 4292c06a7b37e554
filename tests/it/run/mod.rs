//! `soak run` as its users see it: what it writes, prints and exits with.

mod files;
mod hostile;
mod plan;
mod preflight;
mod scenarios;
mod service;
mod sources;
mod story;
mod tuning;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::it::support::{Ran, program, ran};

/// A folder for runs.
pub struct Out {
    folder: tempfile::TempDir,
}

impl Out {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("soak")
    }

    pub fn latest(&self) -> PathBuf {
        self.path().join("latest")
    }

    /// `soak run --out OUT ARGS…` at a fixed time.
    pub fn command(&self, args: &[&str]) -> assert_cmd::Command {
        let mut command = program();
        command.arg("run").arg("--out").arg(self.path()).args(args);
        command.current_dir(self.folder.path());
        command.env("SOAK_NOW", "2026-01-01T00:00:00Z");
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        ran(&mut self.command(args))
    }

    /// A simulated run with these arguments, which must end with 0.
    pub fn simulated(&self, args: &[&str]) -> Ran {
        let ran = self.run(&[&["--mock"], args].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        ran
    }

    /// Another command on the run.
    pub fn soak(&self, command: &str, args: &[&str]) -> Ran {
        let mut prepared = program();
        prepared.args(command.split(' ')).arg("--path").arg(self.latest()).args(args);
        ran(&mut prepared)
    }

    /// Starts a run and leaves it running.
    pub fn start(&self, args: &[&str]) -> Running {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_soak"));
        command.arg("run").arg("--out").arg(self.path()).args(args);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("SOAK_") || name.starts_with("MM_") || name == "USE_MOCK" {
                command.env_remove(name);
            }
        }
        command.current_dir(self.folder.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Running { child: Some(command.spawn().expect("soak starts")) }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.latest().join(name)
    }

    pub fn json(&self, name: &str) -> Value {
        json(&self.file(name))
    }

    pub fn iteration(&self, number: u64) -> Value {
        self.json(&format!("ITER_SUMMARY_{number}.json"))
    }

    pub fn iterations(&self) -> Vec<Value> {
        (1..)
            .map(|number| self.file(&format!("ITER_SUMMARY_{number}.json")))
            .map_while(|path| path.exists().then(|| json(&path)))
            .collect()
    }

    /// Waits until a file of the run is there.
    pub fn wait_for(&self, name: &str) {
        wait_until(&format!("`{name}` is there"), || self.file(name).exists());
    }
}

pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()))
}

/// A run that is going on; it is killed when the test forgets it.
pub struct Running {
    child: Option<Child>,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("running").id()
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let status = std::process::Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status()
            .expect("kill starts");
        assert!(status.success());
    }

    /// Waits for the end.
    pub fn end(mut self) -> Ran {
        let output = self.child.take().expect("running").wait_with_output().expect("it ends");
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
