//! `TUNING_REPORT.json`: the tuning records of a run in one file, as an object or as the earlier bare list.
//!
//! Reads only what verification needs; its `summary` counts nothing that the records do not say better.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess};
use serde_json::de::SliceRead;

use super::tuning::TuningReader;
use crate::core::iteration::Tuning;
use crate::core::json::{Fields, Key, KeysRead, Object, Read, Reading, Shape, read_all};

/// What a `TUNING_REPORT.json` holds.
#[derive(Debug, Default, PartialEq)]
pub struct TuningReport {
    /// Records by iteration number; of a number that comes twice, the first record.
    pub records: BTreeMap<u64, Tuning>,
    /// Numbers that came more than once.
    pub duplicates: BTreeSet<u64>,
}

/// Reads the bytes of a `TUNING_REPORT.json`.
pub fn read(json: &[u8]) -> Result<TuningReport, serde_json::Error> {
    read_all(SliceRead::new(json), Report)
}

struct Report;

impl<'de> Shape<'de> for Report {
    type Value = TuningReport;
    const EXPECTED: &'static str = "an object with `iterations`, or a list";

    fn key(&self) -> &'static str {
        "TUNING_REPORT"
    }

    fn null(self) -> TuningReport {
        TuningReport::default()
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<TuningReport, A::Error> {
        Entries.list(list)
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<TuningReport, A::Error> {
        let mut report = None;
        let mut seen = KeysRead::default();
        while let Some(key) = object.next_key_seed(Key)? {
            if key == "iterations" {
                seen.once(0, "iterations")?;
                report = Some(object.next_value_seed(Read(Entries))?);
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        report.ok_or_else(|| A::Error::custom("`iterations` is missing"))
    }
}

struct Entries;

impl<'de> Shape<'de> for Entries {
    type Value = TuningReport;
    const EXPECTED: &'static str = "a list";

    fn key(&self) -> &'static str {
        "iterations"
    }

    fn null(self) -> TuningReport {
        TuningReport::default()
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<TuningReport, A::Error> {
        let mut report = TuningReport::default();
        while let Some(record) = list.next_element_seed(Read(Object("iterations[]", Record::default())))? {
            let Some(Record { tuning, number, .. }) = record else { continue };
            let number = number.ok_or_else(|| A::Error::custom("`iteration` is missing"))?;
            let whole = whole(number).ok_or_else(|| {
                A::Error::custom(format_args!("`iteration` is {number}, expected a whole number from 0"))
            })?;
            match report.records.entry(whole) {
                Entry::Vacant(free) => {
                    free.insert(tuning.finish());
                }
                Entry::Occupied(_) => {
                    report.duplicates.insert(whole);
                }
            }
        }
        Ok(report)
    }
}

/// One entry of the list.
#[derive(Default)]
struct Record {
    tuning: TuningReader,
    number: Option<f64>,
    seen: KeysRead,
}

impl<'de> Fields<'de> for Record {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        if key != "iteration" {
            return self.tuning.field(key, map);
        }
        self.seen.once(0, key)?;
        self.number = map.next_value::<Reading>()?.required_type(key)?;
        Ok(true)
    }
}

/// The number as an iteration number: whole, not negative, and exact in floating point.
fn whole(number: f64) -> Option<u64> {
    let digits = format!("{number}");
    (number.abs() < 9_007_199_254_740_992.0).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::iteration::params::ParamName;
    use crate::core::json::NOT_FINITE_SENTINEL;

    fn report(json: &str) -> TuningReport {
        read(json.as_bytes()).expect("a readable report")
    }

    fn error(json: &str) -> String {
        read(json.as_bytes()).expect_err("must not be read").to_string()
    }

    #[test]
    fn the_object_and_the_bare_list_read_the_same() {
        let list = r#"[{"iteration": 1, "applied": true, "proposed_deltas": {"tail_age_ms": 30}, "net_bps": 2},
                       {"iteration": 3, "applied": false, "skip_reason": ""}]"#;
        let plain = report(list);
        assert_eq!(plain, report(&format!(r#"{{"summary": {{"count": 2}}, "iterations": {list}}}"#)));
        assert_eq!(plain.records.keys().copied().collect::<Vec<_>>(), [1, 3]);
        assert_eq!(plain.records[&1].deltas.get(&ParamName::flat("tail_age_ms")), Some(30.0));
        assert_eq!(plain.records[&1].applied, Some(true));
        assert_eq!(plain.records[&3].skip, None);
    }

    #[test]
    fn of_two_records_for_one_number_the_first_stays_and_the_number_is_reported() {
        let found = report(
            r#"[{"iteration": 2, "applied": true}, {"iteration": 2, "applied": false}, {"iteration": 2.0}]"#,
        );
        assert_eq!(found.records[&2].applied, Some(true));
        assert_eq!(found.duplicates, BTreeSet::from([2]));
    }

    #[test]
    fn nothing_in_it_is_no_error() {
        for json in ["[]", r#"{"iterations": []}"#, r#"{"iterations": null}"#, "[null]"] {
            assert_eq!(report(json), TuningReport::default());
        }
    }

    #[test]
    fn what_is_wrong_is_reported_with_its_key() {
        assert!(error("{}").starts_with("`iterations` is missing"));
        assert!(error(r#"{"iterations": {}}"#).starts_with("`iterations` is an object, expected a list"));
        assert!(error(r#"{"iterations": [], "iterations": []}"#).starts_with("duplicate key `iterations`"));
        assert!(error(r#"[{"applied": true}]"#).starts_with("`iteration` is missing"));
        assert!(error(r#"[{"iteration": "1"}]"#).starts_with("`iteration` is text, expected a number"));
        assert!(error(r#"[{"iteration": 1.5}]"#).starts_with("`iteration` is 1.5, expected a whole number"));
        assert!(error(r#"[{"iteration": -1}]"#).starts_with("`iteration` is -1, expected a whole number"));
        assert!(error(r#"[{"iteration": 9007199254740992}]"#).contains("expected a whole number"));
        assert!(error(r#"[{"iteration": 1, "iteration": 1}]"#).starts_with("duplicate key `iteration`"));
        let nan = format!(r#"[{{"iteration": 1, "proposed_deltas": {{"a": "{NOT_FINITE_SENTINEL}"}}}}]"#);
        assert!(error(&nan).starts_with("`proposed_deltas.a` is not finite"));
        assert!(error("[] []").starts_with("trailing characters"));
        assert!(error("3").starts_with("`TUNING_REPORT` is a number, expected an object with"));
    }
}
