//! `summary.resources`: what the watched process tree used.
//!
//! Optional and advisory: a value that is no number is unknown, and no error.

use std::borrow::Cow;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess};

use crate::core::drift::{Resource, ResourceValues};
use crate::wire::number::Reading;
use crate::wire::read::{Key, Shape, drain_list, duplicate};

/// Reads the object; anything else says nothing about resources.
pub(super) struct Resources;

impl<'de> Shape<'de> for Resources {
    /// `None` where nothing is known.
    type Value = Option<Box<ResourceValues>>;
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("resources")
    }

    fn null(self) -> Self::Value {
        None
    }

    fn boolean<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn number<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn not_finite<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn text<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        drain_list(list).map(|()| None)
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut values = ResourceValues::default();
        let mut seen = [false; Resource::ALL.len()];
        while let Some(key) = object.next_key_seed(Key)? {
            let Some(resource) = Resource::ALL.into_iter().find(|resource| resource.word() == key) else {
                object.next_value::<IgnoredAny>()?;
                continue;
            };
            if std::mem::replace(&mut seen[resource as usize], true) {
                return Err(duplicate(&key));
            }
            if let Reading::Value(value) = object.next_value()?
                && value >= 0.0
            {
                values.set(resource, Some(value));
            }
        }
        Ok((!values.is_empty()).then(|| Box::new(values)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kpi::KpiTable;
    use crate::wire::iteration::read;

    fn resources(json: &str) -> Option<[Option<f64>; 4]> {
        let file = format!(r#"{{"iteration": 1, "summary": {{"net_bps": 3.0, "resources": {json}}}}}"#);
        let files = read(file.as_bytes(), &KpiTable::default()).expect("a readable file");
        let values = files[0].iteration.resources.as_ref()?;
        Some(Resource::ALL.map(|resource| values.get(resource)))
    }

    #[test]
    fn known_values_are_read_and_others_are_unknown() {
        assert_eq!(
            resources(r#"{"rss_mb": 512.5, "cpu_pct": null, "threads": 8, "open_files": "x", "more": [1]}"#),
            Some([Some(512.5), None, Some(8.0), None])
        );
        assert_eq!(resources(r#"{"rss_mb": 0, "threads": -1}"#), Some([Some(0.0), None, None, None]));
    }

    #[test]
    fn nothing_usable_is_no_resources() {
        for json in ["null", "{}", r#"{"rss_mb": null}"#, "7", "\"x\"", "[1, 2]", "true"] {
            assert_eq!(resources(json), None, "{json}");
        }
    }

    #[test]
    fn a_resource_that_comes_twice_is_an_error() {
        let file = br#"{"iteration": 1, "resources": {"rss_mb": 1, "rss_mb": 2}}"#;
        assert!(read(file, &KpiTable::default()).is_err());
    }
}
