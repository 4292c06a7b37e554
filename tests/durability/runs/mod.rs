//! What `soak run` survives. The real program is started, disturbed and resumed; in the end its folder must hold
//! the bytes of a run that nobody disturbed.

mod damage;
mod disks;
mod killed;
mod races;
mod signals;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use soak::core::iteration::manifest::{RunEvent as Event, RunLogLine as LogLine};

use crate::durability::TestResult;

/// A start file whose shape the active overrides have to keep.
const NESTED: &str = r#"{"engine": {"min_interval_ms": 60, "tail_age_ms": 620}, "risk": {"impact_cap_ratio": 0.1}, "owner": "desk"}"#;

/// The files that must be the same, whatever happened to the run.
fn is_compared(name: &str) -> bool {
    name.starts_with("ITER_SUMMARY_")
        || ["TUNING_REPORT.json", "TUNING_STATE.json", "runtime_overrides.json"].contains(&name)
}

/// A folder for runs.
struct Place {
    root: PathBuf,
    out: PathBuf,
    _root: Option<tempfile::TempDir>,
}

impl Place {
    /// An empty one, but for the start file.
    fn new() -> Result<Self, Box<dyn Error>> {
        let root = tempfile::tempdir()?;
        let place = Self::below(root.path())?;
        Ok(Self { _root: Some(root), ..place })
    }

    /// The same in a folder that is there.
    fn below(root: &Path) -> Result<Self, Box<dyn Error>> {
        let out = root.join("soak");
        fs::create_dir_all(&out)?;
        fs::write(out.join("runtime_overrides.json"), NESTED)?;
        Ok(Self { root: root.to_owned(), out, _root: None })
    }

    /// A run that was killed after so many iterations.
    fn killed_after(args: &[&str], iterations: u64) -> Result<Self, Box<dyn Error>> {
        let place = Self::new()?;
        let killed =
            place.command(args).env("SOAK_FAILPOINT", format!("run-logged:{iterations}")).output()?;
        assert_eq!(killed.status.code(), None, "{}", stderr(&killed));
        Ok(place)
    }

    fn latest(&self) -> PathBuf {
        self.out.join("latest")
    }

    /// `soak run --out OUT ARGS…` at a fixed time.
    fn command(&self, args: &[&str]) -> Command {
        run_command(&self.out, args)
    }

    fn run(&self, args: &[&str]) -> Result<Output, Box<dyn Error>> {
        Ok(self.command(args).output()?)
    }

    /// A run that must end with 0.
    fn complete(&self, args: &[&str]) -> TestResult {
        succeeded(&self.run(args)?)
    }

    /// No temporary file is left anywhere.
    fn assert_tidy(&self, what: &str) -> TestResult {
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                assert!(
                    !name.contains("-tmp-") && !name.starts_with(".latest"),
                    "{what}: {}",
                    path.display()
                );
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        Ok(())
    }
}

fn run_command(out: &Path, args: &[&str]) -> Command {
    let mut command = soak();
    command.arg("run").arg("--out").arg(out).args(args).env("SOAK_NOW", "2026-01-01T00:00:00Z");
    command
}

/// The program, without what the environment of the tests might tell it.
fn soak() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soak"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("SOAK_") || name.starts_with("MM_") || name == "USE_MOCK" {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn succeeded(output: &Output) -> TestResult {
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{:?}: {}", output.status, stderr(output)).into())
}

/// An error of this exit code (with `--detailed-exitcode`) that tells these words.
fn refused(output: &Output, code: i32, words: &[&str]) -> TestResult {
    let told = stderr(output);
    if output.status.code() == Some(code) && words.iter().all(|word| told.contains(word)) {
        return Ok(());
    }
    Err(format!("{:?}, expected {code} and {words:?}: {told}", output.status).into())
}

/// What is compared of a run's folder.
fn compared(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Box<dyn Error>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_compared(&name) {
            files.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(files)
}

/// What a run with these arguments leaves when nobody disturbs it.
fn undisturbed(args: &[&str]) -> Result<BTreeMap<String, Vec<u8>>, Box<dyn Error>> {
    let place = Place::new()?;
    place.complete(args)?;
    compared(&place.latest())
}

fn manifest(folder: &Path) -> Result<Value, Box<dyn Error>> {
    Ok(serde_json::from_slice(&fs::read(folder.join("RUN_MANIFEST.json"))?)?)
}

/// The folder holds a complete run with these bytes, and its log tells of every iteration once.
fn assert_complete(folder: &Path, expected: &BTreeMap<String, Vec<u8>>, what: &str) -> TestResult {
    let found = compared(folder)?;
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{what}");
    for (name, bytes) in expected {
        assert!(found[name] == *bytes, "{what}: {name} has other bytes");
    }
    let manifest = manifest(folder)?;
    let iterations = expected.keys().filter(|name| name.starts_with("ITER_SUMMARY_")).count() as u64;
    assert_eq!(
        (&manifest["state"], &manifest["iterations"], &manifest["last_complete_iteration"]),
        (&json!("complete"), &json!(iterations), &json!(iterations)),
        "{what}"
    );
    let log = fs::read(folder.join("RUN_LOG.jsonl"))?;
    assert!(log.ends_with(b"\n"), "{what}: the log ends with a whole line");
    let mut numbers = Vec::new();
    for line in log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line = LogLine::parse(line).ok_or_else(|| format!("{what}: a line of the log is none"))?;
        if line.event == Event::Iteration {
            let file = line.file.clone().ok_or("a line without a file")?;
            assert!(line.describes(&expected[&file]), "{what}: the log's hash of {file}");
            numbers.extend(line.iteration);
        }
    }
    assert_eq!(numbers, (1..=iterations).collect::<Vec<_>>(), "{what}: one line each, in order");
    Ok(())
}

/// Numbers that look random and are the same in every run of the tests (xorshift64*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }
}
