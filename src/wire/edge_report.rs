//! `EDGE_REPORT.json`: only `totals` (or `total`) is read, from a stream, in constant memory.

use std::borrow::Cow;
use std::io::Read as IoRead;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess};

use super::number::Reading;
use super::read::{Key, Read, Shape, duplicate};
use crate::core::judge::edge_report::Totals;

/// Reads the totals. `None` when the report has none.
pub fn read(input: impl IoRead) -> Result<Option<Totals>, serde_json::Error> {
    let mut parser = serde_json::Deserializer::from_reader(input);
    let totals = Read(Report).deserialize(&mut parser)?;
    parser.end()?;
    Ok(totals)
}

struct Report;

impl<'de> Shape<'de> for Report {
    type Value = Option<Totals>;
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("edge report")
    }

    fn null(self) -> Self::Value {
        None
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut totals = None;
        while let Some(key) = object.next_key_seed(Key)? {
            if key == "totals" || key == "total" {
                if totals.is_some() {
                    return Err(duplicate(&key));
                }
                totals = Some(object.next_value_seed(Read(TotalsObject))?);
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(totals.flatten())
    }
}

struct TotalsObject;

impl<'de> Shape<'de> for TotalsObject {
    type Value = Option<Totals>;
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("totals")
    }

    fn null(self) -> Self::Value {
        None
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut totals = Totals::new();
        while let Some(key) = object.next_key_seed(Key)? {
            let value = match object.next_value::<Reading>()? {
                Reading::Value(value) => Some(value),
                Reading::Null | Reading::NotFinite | Reading::Wrong(_) => None,
            };
            if totals.insert(key.to_string(), value).is_some() {
                return Err(duplicate(&key));
            }
        }
        Ok(Some(totals))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_found_at_either_end_and_under_either_name() {
        for text in [
            r#"{"totals": {"net_bps": 2.5, "fills": {"maker": 1}}, "symbols": {"A": [1, 2]}}"#,
            r#"{"symbols": {"A": [1, 2]}, "total": {"net_bps": 2.5, "fills": 3}}"#,
        ] {
            let totals = read(text.as_bytes()).expect("valid").expect("has totals");
            assert_eq!(totals["net_bps"], Some(2.5));
        }
    }

    #[test]
    fn what_has_no_number_is_kept_as_known_to_be_missing() {
        let totals =
            read(r#"{"totals": {"a": null, "b": "x", "c": 0}}"#.as_bytes()).expect("valid").expect("some");
        assert_eq!((totals["a"], totals["b"], totals["c"]), (None, None, Some(0.0)));
        assert_eq!(read(&b"{}"[..]).expect("valid"), None);
    }

    #[test]
    fn a_key_that_stands_twice_and_a_cut_off_file_are_errors() {
        assert!(read(r#"{"totals": {"a": 1, "a": 2}}"#.as_bytes()).is_err());
        assert!(read(r#"{"totals": {}, "total": {}}"#.as_bytes()).is_err());
        assert!(read(r#"{"totals": {"a": 1"#.as_bytes()).is_err());
    }
}
