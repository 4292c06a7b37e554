//! An edge report of half a gigabyte: judged in the memory that a small one takes.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

use crate::e2e::is_wanted;
use crate::support::Run;

const TOTALS: &str = r#""totals": {"adverse_bps_p95": 2.0, "slippage_bps_p95": 2.0, "cancel_ratio": 0.3,
    "order_age_p95_ms": 300, "ws_lag_p95_ms": 90, "net_bps": 3.0, "maker_share_pct": 90.0, "x": NaN}"#;

/// Writes a report of at least so many bytes, with the totals in front of the symbols or behind them.
fn write_report(path: &Path, bytes: usize, totals_first: bool) {
    let mut symbol = String::from("{\"venue\": \"x\", \"ratio\": 0.125, \"nan\": NaN, \"log\": \"");
    for number in 0..2000 {
        let _ = write!(symbol, "{number} quotes; ");
    }
    symbol.push_str("\"}");
    let mut file = BufWriter::new(File::create(path).expect("a file"));
    let mut put = |text: &str| file.write_all(text.as_bytes()).expect("room on the disk");
    put("{");
    if totals_first {
        put(TOTALS);
        put(",\n");
    }
    put("\"symbols\": [\n");
    for _ in 0..=bytes / symbol.len() {
        put(&symbol);
        put(",\n");
    }
    put("null]");
    if !totals_first {
        put(",\n");
        put(TOTALS);
    }
    put("}\n");
    file.flush().expect("room on the disk");
}

/// Most resident memory that a gate with this report took, KiB; it has to pass.
fn peak(folder: &Path, report: &Path) -> u64 {
    // The shell becomes the program that it measures no sooner than it has to: `time` would be another program.
    let script = r#""$0" gate --path "$1" --edge-report "$2" --out "$3" >/dev/null &
        pid=$!
        peak=0
        while line=$(grep VmHWM "/proc/$pid/status" 2>/dev/null); do
            peak=$(echo "$line" | tr -dc 0-9)
            sleep 0.005
        done
        wait "$pid" || exit 1
        echo "$peak""#;
    let out = folder.join("out");
    let ran = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_soak")])
        .args([folder, report, &out])
        .output()
        .expect("sh runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).trim().parse().expect("a number of KiB")
}

#[test]
fn half_a_gigabyte_takes_no_more_memory_than_a_megabyte() {
    if !is_wanted() {
        return;
    }
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: the memory of a process is read from /proc");
        return;
    }
    let place = Run::passing(8).in_temp();
    let folder = place.file("");
    let report = place.file("EDGE_REPORT.json");
    write_report(&report, 1_000_000, true);
    let small = peak(&folder, &report);
    for totals_first in [true, false] {
        write_report(&report, 500_000_000, totals_first);
        assert!(report.metadata().expect("a file").len() >= 500_000_000);
        let large = peak(&folder, &report);
        eprintln!("peak of resident memory: {small} KiB with 1 MB, {large} KiB with 500 MB");
        assert!(large < small + 8 * 1024, "{small} KiB with 1 MB, {large} KiB with 500 MB");
    }
}
