//! Reports as they come, large ones made while they are read.

use std::io;

use super::*;

fn report(text: &str) -> EdgeReport {
    read(text.as_bytes()).expect("valid").expect("has totals")
}

fn error(text: &str) -> String {
    read(text.as_bytes()).expect_err("not valid").to_string()
}

#[test]
fn totals_are_found_at_either_end_and_under_either_name() {
    for text in [
        r#"{"totals": {"net_bps": 2.5, "fills": {"maker": 1}}, "symbols": {"A": [1, 2]}}"#,
        "\u{feff}{\"symbols\": {\"A\": [1, 2]},\r\n \"total\": {\"net_bps\": 2.5, \"fills\": 3}}",
    ] {
        assert_eq!(totals(&report(text))["net_bps"], Some(2.5));
    }
}

#[test]
fn nested_numbers_get_dotted_keys() {
    let report = report(
        r#"{"runtime": {"utc": "2025-10-12T12:00:00Z", "version": "1.2.3", "host": ["a"]}, "totals": {
            "net_bps": 3, "fills": {"maker_count": 7, "maker_volume": 1.5}, "tick_latency_ms": {"p95": 120},
            "block_reasons": {"risk": {"count": 4, "ratio": 0.25}, "throttle": null},
            "component_breakdown": {"fees_bps": -0.5}, "neg_edge_drivers": ["fees", null, "slippage"]}}"#,
    );
    let expected = [
        ("block_reasons.risk.count", Some(4.0)),
        ("block_reasons.risk.ratio", Some(0.25)),
        ("block_reasons.throttle", None),
        ("component_breakdown.fees_bps", Some(-0.5)),
        ("fills.maker_count", Some(7.0)),
        ("fills.maker_volume", Some(1.5)),
        ("net_bps", Some(3.0)),
        ("tick_latency_ms.p95", Some(120.0)),
    ];
    assert_eq!(report.numbers, expected.map(|(key, value)| (key.to_owned(), value)).into());
    assert_eq!(report.neg_edge_drivers, ["fees", "slippage"]);
    assert_eq!(report.utc.as_deref(), Some("2025-10-12T12:00:00Z"));
    assert_eq!(report.version.as_deref(), Some("1.2.3"));
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    // For the limits an object is a key without a number.
    let objects = ["block_reasons", "component_breakdown", "fills", "tick_latency_ms"];
    let mut expected: Totals = objects.map(|key| (key.to_owned(), None)).into();
    expected.insert("net_bps".to_owned(), Some(3.0));
    assert_eq!(totals(&report), expected);
}

#[test]
fn what_has_no_number_is_kept_as_known_to_be_missing() {
    let report = report(
        r#"{"totals": {"a": null, "b": "x", "c": -0.0, "d": NaN, "e": -Infinity, "f": 1e999, "g": [NaN, {}],
            "h": {}, "i": false, "j": {"k": Infinity}}, "symbols": {"NaN": NaN}}"#,
    );
    let known: Vec<&str> = report.numbers.keys().map(String::as_str).collect();
    assert_eq!(known, ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j.k"]);
    assert_eq!(report.numbers.values().flatten().count(), 1);
    assert!(report.number("c").is_some_and(|zero| zero == 0.0 && zero.is_sign_positive()));
}

#[test]
fn a_report_without_totals_is_none() {
    for text in ["{}", "null", r#"{"totals": null}"#, r#"{"runtime": {"utc": "now"}}"#] {
        assert_eq!(read(text.as_bytes()).expect("valid"), None, "{text}");
    }
    assert_eq!(report(r#"{"totals": {}}"#), EdgeReport::default());
}

#[test]
fn a_key_that_stands_twice_is_named() {
    for (text, key) in [
        (r#"{"totals": {"a": 1, "a": 2}}"#, "totals.a"),
        (r#"{"totals": {"a": {"b": 1}, "a": {"c": 2}}}"#, "totals.a"),
        (r#"{"totals": {"a": {"b": 1, "b": null}}}"#, "totals.a.b"),
        (r#"{"totals": {"a.b": 1, "a": {"b": 2}}}"#, "totals.a.b"),
        (r#"{"totals": {}, "total": {}}"#, "total"),
        (r#"{"totals": null, "totals": {}}"#, "totals"),
        (r#"{"totals": {}, "runtime": {}, "runtime": {}}"#, "runtime"),
        (r#"{"totals": {}, "runtime": {"utc": null, "utc": "x"}}"#, "runtime.utc"),
    ] {
        assert!(error(text).starts_with(&format!("duplicate key `{key}`")), "{}", error(text));
    }
    // Twice in what nobody reads.
    assert!(report(r#"{"totals": {}, "a": 1, "a": 2, "runtime": {"b": 1, "b": 2}}"#).notes.is_empty());
}

#[test]
fn syntax_errors_anywhere_and_wrong_types_are_errors() {
    for text in ["", "{", r#"{"totals": {"a": 1"#, r#"{"totals": {}} x"#, r#"{"totals": {}, "a": nan}"#] {
        assert!(read(text.as_bytes()).is_err(), "{text}");
    }
    assert!(error(r#"{"totals": [1]}"#).starts_with("`totals` is a list, expected an object"));
    assert!(error("[]").starts_with("`edge report` is a list, expected an object"));
    assert!(
        error(r#"{"totals": {"neg_edge_drivers": 3}}"#).starts_with("`totals.neg_edge_drivers` is a number")
    );
}

#[test]
fn what_only_describes_is_left_out_with_a_note_when_it_is_malformed() {
    let runtime = report(r#"{"totals": {"a": 1}, "runtime": {"utc": 5, "version": null}}"#);
    assert_eq!((runtime.utc, runtime.version), (None, None));
    assert_eq!(runtime.notes, ["`runtime.utc` is a number, expected text; it was left out"]);
    for (value, kind) in [("1", "a number"), ("[{}]", "a list"), (r#""x""#, "text"), ("true", "a boolean")] {
        let odd = report(&format!(r#"{{"runtime": {value}, "totals": {{"a": 1}}}}"#));
        assert_eq!(odd.notes, [format!("`runtime` is {kind}, expected an object; it was left out")]);
        assert_eq!(odd.number("a"), Some(1.0));
    }
    let drivers = report(r#"{"totals": {"neg_edge_drivers": ["a", 1, {}]}}"#);
    assert_eq!(drivers.neg_edge_drivers, ["a"]);
    assert_eq!(drivers.notes, ["`totals.neg_edge_drivers[]` is an object, expected text; it was left out"]);
    assert_eq!(report(r#"{"totals": {"neg_edge_drivers": "fees"}}"#).neg_edge_drivers, ["fees"]);
}

#[test]
fn keys_are_bounded_in_depth_number_and_length() {
    let deep = report(r#"{"totals": {"a": {"b": {"c": {"d": 1, "e": {"f": 2}}}}}}"#);
    let expected = [("a.b.c.d", Some(1.0)), ("a.b.c.e", None)];
    assert_eq!(deep.numbers, expected.map(|(key, value)| (key.to_owned(), value)).into());

    let many = |keys: usize| {
        let keys: Vec<String> = (0..keys).map(|key| format!("\"k{key}\":1")).collect();
        format!("{{\"totals\":{{{}}}}}", keys.join(","))
    };
    assert_eq!(report(&many(MOST_KEYS)).numbers.len(), MOST_KEYS);
    assert!(error(&many(MOST_KEYS + 1)).starts_with("`totals` has more than 4096 keys"));

    let long = |length: usize| format!("{{\"totals\":{{\"{}\":1}}}}", "k".repeat(length));
    assert_eq!(report(&long(LONGEST_KEY)).numbers.len(), 1);
    assert!(error(&long(LONGEST_KEY + 1)).starts_with("a key of `totals` is longer than 256 bytes"));

    let drivers = |number: usize| {
        report(&format!(r#"{{"totals": {{"neg_edge_drivers": [{}]}}}}"#, vec![r#""d""#; number].join(",")))
    };
    assert_eq!((drivers(100).neg_edge_drivers.len(), drivers(100).notes.len()), (100, 0));
    assert_eq!((drivers(101).neg_edge_drivers.len(), drivers(101).notes.len()), (100, 1));
}

#[test]
fn nesting_over_128_levels_is_refused_also_in_keys_that_nobody_reads() {
    // The object of the file is the first level.
    let nested =
        |levels: usize| format!(r#"{{"x": {}{}, "totals": {{}}}}"#, "[".repeat(levels), "]".repeat(levels));
    assert!(report(&nested(127)).notes.is_empty());
    assert!(error(&nested(128)).contains("deeper than 128 levels"));
}

/// A report of many symbols that is made while it is read: `before`, then `blocks` times the same symbols,
/// then `after`. Nothing of it stands in memory.
struct Endless {
    before: Vec<u8>,
    block: Vec<u8>,
    blocks: usize,
    after: Vec<u8>,
    given: usize,
}

impl io::Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (before, blocks) = (self.before.len(), self.block.len() * self.blocks);
        let left = if self.given < before {
            &self.before[self.given..]
        } else if self.given < before + blocks {
            &self.block[(self.given - before) % self.block.len()..]
        } else {
            &self.after[self.given - before - blocks..]
        };
        let length = left.len().min(buffer.len());
        buffer[..length].copy_from_slice(&left[..length]);
        self.given += length;
        Ok(length)
    }
}

/// Megabytes of symbols with the totals at one end.
fn large(megabytes: usize, totals_first: bool) -> Endless {
    let symbol = br#""BTCUSDT": {"net_bps": -1.25, "venues": ["a", "b"], "note": "NaN {[", "x": NaN}, "#;
    let block = symbol.repeat(200);
    let (before, after) = if totals_first {
        (r#"{"totals": {"net_bps": 2.5}, "symbols": {"#, r#""last": 1}}"#)
    } else {
        (r#"{"symbols": {"#, r#""last": 1}, "totals": {"net_bps": 2.5}}"#)
    };
    let blocks = megabytes * 1_000_000 / block.len() + 1;
    Endless { before: before.into(), block, blocks, after: after.into(), given: 0 }
}

#[test]
fn nothing_grows_with_the_size_of_a_report() {
    for totals_first in [true, false] {
        let mut source = large(20, totals_first);
        let report = read(&mut source).expect("valid").expect("has totals");
        assert!(source.given > 20_000_000);
        assert_eq!(report.numbers, [("net_bps".to_owned(), Some(2.5))].into());
        assert_eq!((report.neg_edge_drivers.len(), report.notes.len()), (0, 0));
    }
}
