//! How long a simulated run takes: whether it is linear in its length, and what an iteration costs beside the two
//! fsyncs that make it safe. The bare writes that it is held against happen in the same run, on the same disk.
//!
//! `SOAK_BENCH_ITERATIONS` changes the length of the long run (default 100000).
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark writes files and prints")]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Iterations of the run that is made safe on the disk.
const SAFE: u64 = 200;

/// Rounds of which the fastest counts; what is slower was disturbed.
const ROUNDS: usize = 3;

fn main() {
    let long: u64 =
        std::env::var("SOAK_BENCH_ITERATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let short = (long / 10).max(1);
    let memory = memory_folder();
    println!("simulated iterations with tuning, without fsync, in {}", memory.path().display());
    let short_took = simulate(memory.path(), short, &["--no-fsync"]);
    println!("  {short:>7}  {}", told(short_took, short));
    let long_took = simulate(memory.path(), long, &["--no-fsync"]);
    println!("  {long:>7}  {}", told(long_took, long));
    let growth = (long_took.as_secs_f64() / long as f64) / (short_took.as_secs_f64() / short as f64);
    println!("  an iteration of the long run costs {growth:.2} x one of the short run (1.00 = linear)");
    drop(memory);

    // On the disk of the working folder: memory file systems sync for nothing.
    let disk = tempfile::tempdir_in(".").expect("a folder on the disk");
    let (mut bare, mut safe) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        safe = safe.min(simulate(disk.path(), SAFE, &[]));
        bare = bare.min(write_bare(&disk.path().join("bare"), disk.path()));
    }
    println!("with fsync, {SAFE} iterations on the disk of this folder, best of {ROUNDS} rounds");
    println!("  file, fsync, rename, fsync of the folder  {}", told(bare, SAFE));
    println!(
        "  soak run                                  {}  = {:.2} x",
        told(safe, SAFE),
        safe.as_secs_f64() / bare.as_secs_f64()
    );
}

fn memory_folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a folder for the benchmark")
}

/// A whole process: start, run, report at the end.
fn simulate(folder: &Path, iterations: u64, more: &[&str]) -> Duration {
    let out = folder.join("soak");
    let _ = fs::remove_dir_all(&out);
    let started = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(["run", "--mock", "--auto-tune", "--quiet", "--iterations", &iterations.to_string(), "--out"])
        .arg(&out)
        .args(more)
        .stdout(Stdio::null())
        .status()
        .expect("soak starts");
    assert!(status.success(), "soak run ended with {status}");
    started.elapsed()
}

/// The least that makes each iteration file safe: the same bytes, each with a temporary file, fsync, rename and
/// fsync of the folder.
fn write_bare(folder: &Path, run: &Path) -> Duration {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).expect("a folder");
    let name = |number: u64| format!("ITER_SUMMARY_{number}.json");
    let contents: Vec<Vec<u8>> = (1..=SAFE)
        .map(|number| fs::read(run.join("soak/latest").join(name(number))).expect("an iteration"))
        .collect();
    let started = Instant::now();
    for (number, content) in (1..).zip(&contents) {
        let temporary = folder.join("temporary");
        let mut file = File::create(&temporary).expect("a file");
        file.write_all(content).expect("written");
        file.sync_all().expect("synced");
        fs::rename(&temporary, folder.join(name(number))).expect("renamed");
        File::open(folder).and_then(|folder| folder.sync_all()).expect("synced");
    }
    started.elapsed()
}

fn told(took: Duration, iterations: u64) -> String {
    let each = took.as_secs_f64() * 1e6 / iterations as f64;
    format!("{:>8.1} ms  ({each:.0} µs an iteration)", took.as_secs_f64() * 1e3)
}
