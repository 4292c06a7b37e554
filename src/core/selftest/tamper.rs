//! Puts faults into the bytes of an iteration file, in whatever layout it has: the inverse of what
//! `iteration` reads.
//!
//! For copies of runs alone; what is written is not told apart from a measurement.

use serde_json::{Map, Number, Value};

use crate::core::kpi::KpiId;
use crate::core::selftest::Edit;

/// Keys below and beside `fills` that a maker share is computed from where none is told.
const FILLS: [&str; 6] =
    ["fills", "maker_share_pct", "maker_volume", "taker_volume", "maker_count", "taker_count"];

/// What tells two files of equal measurements apart, at the top and in `summary`.
pub const NUMBER_AND_TIME: [&str; 6] =
    ["iteration", "number", "window_index", "started_utc", "runtime_utc", "timestamp"];

/// The file with these changes. The error says why it cannot be changed.
pub fn apply(bytes: &[u8], symbol: Option<&str>, edits: &[Edit]) -> Result<Vec<u8>, String> {
    if edits.contains(&Edit::Truncate) {
        return Ok(bytes[..bytes.len() / 2].to_vec());
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut tree: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let summary = summary(&mut tree, symbol).ok_or("it is no object")?;
    for edit in edits {
        match edit {
            Edit::Set(kpi, value) => {
                remove(summary, *kpi);
                let number = Number::from_f64(*value).ok_or("the value is not finite")?;
                summary.insert(kpi.name.to_owned(), Value::Number(number));
            }
            Edit::Remove(kpi) => {
                remove(summary, *kpi);
                if *kpi == KpiId::MAKER_TAKER_RATIO {
                    for key in FILLS {
                        summary.remove(key);
                    }
                }
            }
            // The one is done already, the other takes another file, see `copy`.
            Edit::Truncate | Edit::CopyOf(_) => {}
        }
    }
    let mut written = serde_json::to_vec_pretty(&tree).map_err(|error| error.to_string())?;
    written.push(b'\n');
    Ok(written)
}

/// `source` with the number and the time of `target`, at the top and in `summary`. The error says why that cannot be.
pub fn copy(source: &[u8], target: &[u8]) -> Result<Vec<u8>, String> {
    let read = |bytes: &[u8]| -> Result<Value, String> {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        serde_json::from_slice(text).map_err(|error| error.to_string())
    };
    let (mut source, target) = (read(source)?, read(target)?);
    let take = |to: Option<&mut Value>, from: Option<&Value>| {
        if let (Some(Value::Object(to)), Some(Value::Object(from))) = (to, from) {
            for key in NUMBER_AND_TIME {
                match from.get(key) {
                    Some(value) => to.insert(key.to_owned(), value.clone()),
                    None => to.remove(key),
                };
            }
        }
    };
    take(Some(&mut source), Some(&target));
    take(source.get_mut("summary"), target.get("summary"));
    let mut written = serde_json::to_vec_pretty(&source).map_err(|error| error.to_string())?;
    written.push(b'\n');
    Ok(written)
}

/// The object with the measurements: that of the symbol in a map of symbols, `summary`, or the whole.
fn summary<'t>(tree: &'t mut Value, symbol: Option<&str>) -> Option<&'t mut Map<String, Value>> {
    let top = tree.as_object_mut()?;
    let inner = if top.get("summary").is_some_and(Value::is_object) {
        Some("summary")
    } else {
        symbol.filter(|symbol| top.get(*symbol).is_some_and(Value::is_object))
    };
    match inner {
        Some(key) => top.get_mut(key)?.as_object_mut(),
        None => Some(top),
    }
}

fn remove(summary: &mut Map<String, Value>, kpi: KpiId) {
    for spelling in &*kpi.spellings {
        summary.remove(spelling.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kpi::KpiTable;
    use crate::core::load::iteration::read;

    /// The values of net and maker share as the loader reads them from the changed file.
    fn changed(file: &str, symbol: Option<&str>, edits: &[Edit]) -> (Option<f64>, Option<f64>) {
        let bytes = apply(file.as_bytes(), symbol, edits).expect("a file that can be changed");
        let files = read(&bytes, &KpiTable::default()).expect("a file that can be read");
        let of = files.into_iter().find(|file| symbol.is_none() || file.symbol.as_deref() == symbol);
        let iteration = of.expect("the symbol").iteration;
        (iteration.value(KpiId::NET_BPS), iteration.value(KpiId::MAKER_TAKER_RATIO))
    }

    #[test]
    fn a_value_is_set_and_removed_in_every_layout_and_under_every_name() {
        let layouts = [
            (r#"{"iteration": 1, "summary": {"net_bps": 3.0, "maker_taker_ratio": 0.9}}"#, None),
            (r#"{"net": 3.0, "maker_ratio": 0.9}"#, None),
            (r#"{"edge_bps": 3.0, "fills": {"maker_volume": 9, "taker_volume": 1}}"#, None),
            ("\u{feff}{\"edge_bps\": 3.0, \"maker_share_pct\": 90}", None),
            (r#"{"window_index": 1, "A": {"net_bps": 3.0, "maker_ratio": 0.9}}"#, Some("A")),
        ];
        let (net, maker) = (KpiId::NET_BPS, KpiId::MAKER_TAKER_RATIO);
        for (file, symbol) in layouts {
            assert_eq!(changed(file, symbol, &[]), (Some(3.0), Some(0.9)), "{file}");
            assert_eq!(changed(file, symbol, &[Edit::Set(net, -1.5)]), (Some(-1.5), Some(0.9)), "{file}");
            assert_eq!(changed(file, symbol, &[Edit::Set(maker, 0.25)]), (Some(3.0), Some(0.25)), "{file}");
            assert_eq!(changed(file, symbol, &[Edit::Remove(maker)]), (Some(3.0), None), "{file}");
        }
    }

    #[test]
    fn a_truncated_file_is_no_json_any_more_and_other_damage_is_told() {
        let whole = br#"{"summary": {"net_bps": 3.0, "maker_taker_ratio": 0.9}}"#;
        let half = apply(whole, None, &[Edit::Truncate]).expect("half a file");
        assert!(read(&half, &KpiTable::default()).is_err());
        assert!(apply(b"[1]", None, &[Edit::Remove(KpiId::NET_BPS)]).is_err());
        assert!(apply(b"{\"net\": NaN}", None, &[Edit::Remove(KpiId::NET_BPS)]).is_err());
    }
}
