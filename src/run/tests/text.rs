//! The words of a run, written out by hand.

use crate::core::iteration::params::ParamName;
use crate::core::kpi::KpiId;
use crate::report::fixture::{built_in, hostile};
use crate::run::iteration::tuning::{Applied, SkipCode};
use crate::run::iteration::{IterationRecord, Resources};
use crate::run::metrics::MetricsCollector;
use crate::run::records::{delivering, failed, record, with};
use crate::run::text::*;

const PLAIN: Style = Style { colour: false, ascii: true };

fn ended(records: &[IterationRecord], report: bool) -> String {
    let policy = built_in();
    let rows: Vec<TrendRow> = records.iter().map(TrendRow::of).collect();
    let mut collector = MetricsCollector::default();
    for record in records {
        collector.push(record);
    }
    let report = report.then(|| RunReport::judge(collector.finish(), &policy.run_gates));
    let decision = Decision {
        outcome: Outcome::Warn,
        reason: "6 of 8 pass".to_owned(),
        notes: vec!["gate WARN, goals missed".to_owned()],
    };
    let next = NextStep { command: "soak gate --path out/latest".to_owned(), purpose: "judges" };
    let run = RunEnd {
        rows: &rows,
        drift: &policy.drift,
        report: report.as_ref(),
        decision: &decision,
        next: &next,
    };
    end(&run, PLAIN)
}

fn applied(mut record: IterationRecord) -> IterationRecord {
    record.tuning.applied_values = vec![Applied {
        param: ParamName::flat("min_interval_ms"),
        old: 60.0,
        delta: 5.0,
        new: 65.0,
        at_bound: false,
    }];
    record
}

#[test]
fn a_freeze_in_force_counts_whether_or_not_it_held_anything_back() {
    let mut starts = record(1);
    (starts.tuning.freeze_started, starts.tuning.guards) = (Some("stable".to_owned()), vec![Guard::Freeze]);
    let mut idle = record(2);
    idle.tuning.freeze_active = true;
    let mut partial = record(3);
    partial.tuning.guards = vec![Guard::PartialFreeze];
    let text = ended(&[starts, idle, partial, record(4)], false);
    assert!(text.contains("\nGuards:      freeze 2, partial_freeze 1\n"), "{text}");
}

#[test]
fn a_short_run_shows_every_row_aligned() {
    let mut skipped = with(record(2), KpiId::NET_BPS, Some(-12.5));
    skipped.tuning.skip = Some(SkipCode::Cooldown);
    skipped.tuning.guards = vec![Guard::Cooldown];
    let first = with(applied(record(1)), KpiId::MIN_INTERVAL_RATIO, Some(0.255));
    let text = ended(&[first, skipped, failed(3, "x")], false);
    let expected = "
  iter     net   risk  adv_p95  sl_p95  min_int%  conc%  applied
     1    3.00  0.300        -       -      25.5      -  yes (1)
     2  -12.50  0.300        -       -         -      -  no (cooldown)
     3       -      -        -       -         -      -  no data

  net       #-.  -12.50 to 3.00, last -
  risk      ==.  0.300 to 0.300, last -
  adv_p95   ----------------------------------------  no value
";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("\nGuards:      cooldown 1\nTuning:      applied in 1 of 3 iterations, 0 panic reverts\nCollections: 1 failed\n"), "{text}");
    let last = "=\nDecision: WARN\nwhy:  6 of 8 pass\nalso: gate WARN, goals missed\nnext: soak gate --path out/latest\n      judges\n";
    assert!(text.ends_with(last), "{text}");
    assert!(!text.contains("Resources") && !text.contains("Run gates"), "{text}");
}

#[test]
fn a_long_run_shows_its_first_and_last_rows() {
    let numbers = |n: u64| -> Vec<String> {
        let text = ended(&(1..=n).map(record).collect::<Vec<_>>(), false);
        let rows = text.lines().skip(4).take_while(|line| !line.is_empty());
        rows.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
    };
    assert_eq!(numbers(21).len(), 21);
    let long = numbers(22);
    assert_eq!(long.len(), 21);
    assert_eq!(
        (long[3].as_str(), long[4].as_str(), long[5].as_str(), long[20].as_str()),
        ("4", "...", "7", "22")
    );
}

#[test]
fn run_gates_stand_there_with_their_ladder_when_they_are_asked_for() {
    let text = ended(&[delivering(record(1), "mm_hit_ratio", 0.6)], true);
    assert!(text.contains("  mm_hit_ratio           0.6 (mean, n=1)\n"), "{text}");
    assert!(text.contains("  mm_edge_bps_ema24h     3 bps (ema24h, n=1)\n"), "{text}");
    assert!(text.contains("  ws_lag_max_ms          no data (max, n=0)\n"), "{text}");
    assert!(
        text.contains("[FAIL] run_gates.hit_ratio  mean 0.6 of 1 iteration misses >= 0.7 by 0.1\n"),
        "{text}"
    );
}

#[test]
fn resources_are_told_with_their_drift() {
    let records: Vec<IterationRecord> = (1..=12u32)
        .map(|n| {
            let mut record = record(u64::from(n));
            record.resources = Some(Resources {
                rss_mb: Some(500.0 + f64::from(n)),
                threads: Some(8),
                ..Resources::default()
            });
            record
        })
        .collect();
    let text = ended(&records, false);
    assert!(text.contains("\nResources:\n  rss_mb      501 to 512, +12.0 MB/h [12.0, 12.0]: grows\n  cpu_pct     no data\n  threads     8 to 8, 0.0/h [0.0, 0.0]: no drift shown\n"), "{text}");
}

#[test]
fn nothing_at_all_is_said() {
    assert!(ended(&[], false).contains("No iteration was completed.\n"));
}

#[test]
fn the_line_of_an_iteration_is_aligned_and_says_what_was_done() {
    let full = with(applied(record(3)), KpiId::P95_LATENCY_MS, Some(310.4));
    assert_eq!(
        line(&full, 100, PLAIN, Width(None)),
        "iteration   3/100  net   3.00  risk 0.300  maker     -  p95  310  PASS  min_interval_ms 60->65"
    );
    let narrow = Width(Some(60));
    assert_eq!(
        line(&full, 100, PLAIN, narrow),
        "  3/100 net   3.00 risk 0.300 maker     - p95  310 PASS\n    min_interval_ms 60->65"
    );
    // The whole is 94 columns wide.
    let one_line = line(&full, 100, PLAIN, Width(Some(94)));
    assert_eq!(one_line, line(&full, 100, PLAIN, Width(None)));
    assert!(line(&full, 100, PLAIN, Width(Some(93))).contains("PASS\n    min_interval_ms"));
    let mut skipped = record(100);
    skipped.tuning.skip = Some(SkipCode::Velocity);
    skipped.has_phases = true;
    assert_eq!(
        line(&skipped, 100, PLAIN, Width(None)),
        "iteration 100/100  STEADY    net   3.00  risk 0.300  maker     -  p95    -  PASS  (velocity)"
    );
    assert_eq!(line(&failed(2, "no\nreport"), 24, PLAIN, Width(None)), "iteration  2/24  NO DATA  no report");
    let coloured = line(&record(1), 9, Style { colour: true, ascii: false }, Width(None));
    assert!(coloured.contains("\x1b[32mPASS\x1b[0m"), "{coloured}");
}

#[test]
fn text_from_outside_does_no_harm() {
    let told = line(&failed(1, &hostile()), 9, PLAIN, Width(None));
    assert!(told.len() < 1000 && !told.chars().any(char::is_control), "{told}");
}
