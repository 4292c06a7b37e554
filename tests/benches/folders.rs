//! How long the post-soak commands take, as ratios against the least that the same files can cost: listing
//! and reading them in parallel, and reading and parsing them. All measured side by side, on a memory file
//! system where there is one, so that fsync is not what is measured.
//!
//! `SOAK_BENCH_ITERATIONS` changes the number of files (default 100000).
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark reads files and prints")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use soak::core::kpi::KpiTable;
use soak::core::load::iteration;

/// Rounds of which the fastest counts; what is slower was disturbed.
const ROUNDS: usize = 5;

fn main() {
    let n: u64 = std::env::var("SOAK_BENCH_ITERATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let place = memory_folder();
    let large = place.path().join("large");
    let other = place.path().join("other");
    let small = place.path().join("small");
    let bytes = make(&large, n);
    make(&other, n);
    make(&small, 24);
    println!("{n} iteration files of {bytes} bytes in {}, best of {ROUNDS} rounds", place.path().display());

    let list = best(|| drop(names(&large)));
    let read = best(|| read_all(&large));
    let parsed = best(|| parse_all(&large));
    println!("  list                       {}", seconds(list));
    println!("  list + read                {}", seconds(read));
    println!("  list + read + parse        {}", seconds(parsed));

    let mut peak = 0;
    let analyze = best(|| peak = peak.max(run(&["analyze", "--path", path(&large)])));
    println!(
        "  soak analyze, writing too  {}  = {:.2} x read, {:.2} x read + parse; peak memory {} MB",
        seconds(analyze),
        ratio(analyze, read),
        ratio(analyze, parsed),
        peak / 1024
    );
    let mut peak = 0;
    let extract = best(|| peak = peak.max(run(&["extract", "--path", path(&large)])));
    println!(
        "  soak extract               {}  = {:.2} x list; peak memory {} MB",
        seconds(extract),
        ratio(extract, list),
        peak / 1024
    );
    let both = best(|| {
        parse_all(&large);
        parse_all(&other);
    });
    let compare = best(|| {
        run(&["compare", "--a", path(&large), "--b", path(&other)]);
    });
    println!(
        "  soak compare, two runs     {}  = {:.2} x read + parse of both ({})",
        seconds(compare),
        ratio(compare, both),
        seconds(both).trim_start()
    );
    let gate = best(|| {
        run(&["gate", "--path", path(&small), "--prometheus"]);
    });
    let nothing = best(|| {
        run(&["completions", "bash"]);
    });
    println!("24 iterations");
    println!(
        "  soak gate, whole process   {}  (a process that only prints: {})",
        seconds(gate),
        seconds(nothing)
    );
}

/// A folder in memory if there is a place for it, else an ordinary temporary one.
fn memory_folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a folder for the benchmark")
}

/// Writes `n` iterations of about 2 KB; returns the size of the last.
fn make(folder: &Path, n: u64) -> usize {
    fs::create_dir_all(folder).expect("a folder");
    let mut size = 0;
    for number in 1..=n {
        let text = iteration_file(number, number + 2 == n);
        size = text.len();
        fs::write(folder.join(format!("ITER_SUMMARY_{number}.json")), text).expect("a file");
    }
    size
}

/// An iteration as the runner writes it: every key that there is, values that wander.
fn iteration_file(number: u64, freeze: bool) -> String {
    let wave = |period: u64, size: f64| size * ((number * 7919 % period) as f64 / period as f64 - 0.5);
    let mut text = String::with_capacity(2200);
    let parts = write!(
        text,
        r#"{{
  "iteration": {number},
  "runtime_overrides": {{"base_spread_bps_delta": 0.14, "concurrency_limit": 10, "impact_cap_ratio": 0.1,
    "max_delta_ratio": 0.15, "min_interval_ms": {interval}, "replace_rate_per_min": 300, "rescue_cooldown_ms": 500,
    "rescue_max_ratio": 0.3, "rescue_min_edge_bps": 1.0, "tail_age_ms": 600, "position_limit_ratio": 1.0}},
  "summary": {{
    "adverse_bps": {a:.4}, "adverse_bps_p95": {ap:.4}, "cancel_ratio": {cr:.4}, "concurrency_ratio": {co:.4},
    "fees_eff_bps": 0.5, "fills": {{"maker_count": 870, "maker_volume": 43500.0, "taker_count": 130, "taker_volume": 6500.0}},
    "gross_bps": {g:.4}, "inventory_bps": 0.1, "kpi_reasons": [], "kpi_verdict": "PASS", "maker_taker_ratio": {m:.4},
    "maker_taker_source": "fills_volume", "min_interval_ratio": {mi:.4}, "neg_edge_drivers": [], "net_bps": {net:.4},
    "blocks": {{"counts": {{"allowed": 91234, "concurrency": 1200, "min_interval": 3400, "other": 0, "risk": 33000,
      "throttle": 12}}, "ratios": {{"concurrency": 1.2, "min_interval": 3.4, "risk": 33.0, "throttle": 0.1}}, "total": 128846}},
    "order_age_p95_ms": {age:.1}, "p95_latency_ms": {p95:.2}, "phase": "STEADY", "risk_ratio": {risk:.4},
    "runtime_utc": "2026-01-{day:02}T{hour:02}:{minute:02}:00Z", "sentinel_advice": [], "slippage_bps": 0.8,
    "slippage_bps_p95": {s:.4}, "version": "1.0.0", "warmup_active": 0, "ws_lag_p95_ms": {ws:.1}}},
  "tuning": {{
    "applied": false, "applied_values": {{}}, "changed_keys": [], "conditions": {{"adverse_p95": {ap:.4}, "net_bps": {net:.4},
      "risk_ratio": {risk:.4}}}, "cooldown_active": false, "deltas": {{}}, "dropped": {{}}, "freeze_triggered": {freeze},
    "guards": [], "old_hash": null, "oscillation_detected": false, "proposed_deltas": {{}}, "rationale": "",
    "reasons": [], "signature": "{sig:032x}", "skip_reason": {{"code": "no_deltas", "cooldown": false, "freeze": false,
      "no_op": true, "note": "no effective change", "oscillation": false, "velocity": false}},
    "state_hash": "cf23bfb3a0375f9e295dcf7925897cd70ccc006c61c02777f83634daad4d8ad9", "velocity_violation": false}}
}}
"#,
        interval = 60 + number / 1000 % 20,
        a = 1.2 + wave(101, 0.4),
        ap = 2.4 + wave(103, 0.8),
        cr = 0.4 + wave(107, 0.1),
        co = 0.012 + wave(109, 0.01),
        g = 6.0 + wave(113, 1.0),
        m = 0.88 + wave(127, 0.04),
        mi = 0.034 + wave(131, 0.02),
        net = 3.2 + wave(137, 0.6),
        age = 300.0 + wave(139, 30.0),
        p95 = 300.0 + wave(149, 60.0),
        risk = 0.33 + wave(151, 0.08),
        s = 1.5 + wave(157, 0.5),
        ws = 80.0 + wave(163, 20.0),
        day = 1 + number * 5 / 1440 % 28,
        hour = number * 5 / 60 % 24,
        minute = number * 5 % 60,
        sig = number % 997,
    );
    parts.expect("writing to a string cannot fail");
    text
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ITER_SUMMARY_"))
        })
        .collect();
    names.sort_unstable();
    names
}

fn each(folder: &Path, see: impl Fn(&[u8]) + Sync) {
    names(folder).par_iter().with_min_len(8).for_each_init(Vec::new, |buffer: &mut Vec<u8>, path| {
        buffer.clear();
        File::open(path).and_then(|mut file| file.read_to_end(buffer)).expect("a file");
        see(buffer);
    });
}

fn read_all(folder: &Path) {
    each(folder, |bytes| {
        std::hint::black_box(bytes);
    });
}

fn parse_all(folder: &Path) {
    let kpis = KpiTable::default();
    each(folder, |bytes| {
        std::hint::black_box(iteration::read(bytes, &kpis)).expect("an iteration");
    });
}

/// Runs the program; returns its peak memory in KB (0 where procfs does not tell).
fn run(args: &[&str]) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        if let Some(kb) = fs::read_to_string(&status).ok().as_deref().and_then(high_water) {
            peak = peak.max(kb);
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    peak
}

fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn best(mut what: impl FnMut()) -> Duration {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            what();
            start.elapsed()
        })
        .min()
        .expect("there are rounds")
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

fn seconds(time: Duration) -> String {
    format!("{:>9.1} ms", time.as_secs_f64() * 1000.0)
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}
