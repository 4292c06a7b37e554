//! Figures, listing and the bytes of the delta report.

use super::*;
use crate::core::analysis::deltas::{Counts, Why};
use crate::core::iteration::params::ParamName;

fn pair(from: u64, status: PairStatus) -> Pair {
    let key = KeyCheck {
        param: ParamName::flat("tail_age_ms"),
        delta: 30.0,
        before: Some(600.0),
        after: Some(30.0),
        state: KeyState::Mismatch { stored_as_value: true },
    };
    Pair {
        from,
        next: Next::Iteration(from + 1),
        status,
        why: Why::AsProposed,
        claimed: true,
        keys: [key].into(),
    }
}

/// 7 proposals: 2 full, 1 explained, 1 unexplained, 1 skipped, 1 failed, 1 stuck.
fn verification() -> Verification {
    let counts = Counts {
        none: 3,
        proposed: 7,
        full: 2,
        partial_explained: 1,
        partial_unexplained: 1,
        skipped: 1,
        failed: 1,
        stuck: 1,
        unverifiable: 0,
        claimed: 6,
        missing_values: 0,
    };
    Verification {
        pairs: vec![pair(1, PairStatus::Full), pair(2, PairStatus::Failed)],
        counts,
        misses: BTreeMap::from([(ParamName::flat("tail_age_ms"), 3)]),
        full_apply_ratio: Some(4.0 / 7.0),
        strict_apply_ratio: Some(2.0 / 6.0),
        status: Status::Verified,
    }
}

#[test]
fn the_figures_follow_from_the_counts() {
    let report = DeltaReport::new(None, &verification());
    assert_eq!((report.proposed_count, report.none_count, report.claimed_count), (7, 3, 6));
    assert_eq!(report.full_apply_count, 2);
    assert_eq!(report.partial_ok_count, 2, "explained partial and skipped");
    assert_eq!(report.fail_count, 2, "failed and unexplained partial");
    assert_eq!((report.signature_stuck_count, report.unverifiable_count, report.skipped_count), (1, 0, 1));
    assert_eq!((report.full_apply_ratio, report.strict_apply_ratio), (Some(0.571), Some(0.333)));
    assert_eq!(report.in_order_count(), 4);
    assert_eq!(report.misses, BTreeMap::from([("tail_age_ms".to_owned(), 3)]));
}

#[test]
fn keys_are_sorted_and_the_file_reads_back() {
    let one = DeltaReport::new(Some("BTCUSDT"), &verification());
    let report = DeltaReport::whole(vec![one]).expect("a report");
    let bytes = serde_json::to_string(&report).expect("JSON");
    // The keys of a `Value` are sorted, so equal bytes mean that the struct writes them sorted.
    assert_eq!(bytes, serde_json::to_value(&report).expect("JSON").to_string());
    assert_eq!(serde_json::from_str::<DeltaReport>(&bytes).expect("reads back"), report);
    let value: serde_json::Value = serde_json::from_str(&bytes).expect("JSON");
    let key = &value["symbols"][0]["pairs"][1]["keys"][0];
    assert_eq!(key["state"], "mismatch");
    assert_eq!((&key["stored_as_value"], &key["change"]), (&true.into(), &(-570.0).into()));
    assert_eq!((&value["schema_version"], &value["status"]), (&"1.0".into(), &"verified".into()));
    assert_eq!(value["symbols"][0]["pairs"][0]["next"], "iteration");
}

#[test]
fn without_ratios_the_fields_are_null_and_not_absent() {
    let empty = Verification {
        pairs: Vec::new(),
        counts: Counts::default(),
        misses: BTreeMap::new(),
        full_apply_ratio: None,
        strict_apply_ratio: None,
        status: Status::NoProposals,
    };
    let value = serde_json::to_value(DeltaReport::new(None, &empty)).expect("JSON");
    assert!(value["full_apply_ratio"].is_null() && value.get("full_apply_ratio").is_some());
    assert_eq!(
        (&value["status"], value.get("symbol"), value.get("symbols")),
        (&"no_proposals".into(), None, None)
    );
}

#[test]
fn too_many_pairs_keep_the_failing_ones_and_stay_in_order() {
    let mut many = verification();
    let limit = LISTED_PAIRS as u64;
    many.pairs = (1..=limit).map(|number| pair(number, PairStatus::Skipped)).collect();
    many.pairs.push(pair(limit + 1, PairStatus::Unverifiable));
    many.pairs.push(pair(limit + 2, PairStatus::Stuck));
    let report = DeltaReport::new(None, &many);
    assert_eq!((report.pairs.len(), report.pairs_total), (LISTED_PAIRS, LISTED_PAIRS + 2));
    let last: Vec<u64> = report.pairs[LISTED_PAIRS - 3..].iter().map(|pair| pair.from).collect();
    assert_eq!(last, [limit - 2, limit + 1, limit + 2]);
    many.pairs.truncate(LISTED_PAIRS);
    assert_eq!(DeltaReport::new(None, &many).pairs.len(), LISTED_PAIRS);
}

#[test]
fn the_whole_has_the_figures_of_the_worst_symbol() {
    let of = |symbol: &str, full: usize, status: Status| {
        let mut one = verification();
        one.counts = Counts { proposed: 10, full, claimed: 10, ..Counts::default() };
        one.full_apply_ratio = (status == Status::Verified).then_some(full as f64 / 10.0);
        one.status = status;
        DeltaReport::new(Some(symbol), &one)
    };
    let reports =
        vec![of("A", 9, Status::Verified), of("B", 8, Status::Verified), of("C", 0, Status::Unverifiable)];
    let whole = DeltaReport::whole(reports).expect("three symbols");
    assert_eq!((whole.symbol.as_deref(), whole.full_apply_ratio), (Some("B"), Some(0.8)));
    assert_eq!((whole.proposed_count, whole.symbols.len(), whole.pairs.len()), (10, 3, 0));
    let plain = DeltaReport::new(None, &verification());
    assert_eq!(DeltaReport::whole(vec![plain.clone()]), Some(plain));
    assert_eq!(DeltaReport::whole(Vec::new()), None);
}

#[test]
fn the_schema_describes_every_field() {
    let schema = serde_json::to_value(schemars::schema_for!(DeltaReport)).expect("JSON");
    let report = serde_json::to_value(DeltaReport::new(Some("A"), &verification())).expect("JSON");
    assert!(jsonschema::is_valid(&schema, &report));
    for key in report.as_object().expect("an object").keys() {
        assert!(schema["properties"].get(key).is_some(), "{key}");
    }
}
