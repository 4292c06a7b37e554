//! What a metric store tells about itself: what it takes and for how long it keeps it. Prometheus by its status API,
//! `VictoriaMetrics` by the flags among its own metrics.
//!
//! Reads; what follows from it is decided elsewhere. Something that is not told is `None`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

/// Milliseconds of Prometheus' words for lengths of time: `2h`, `1d12h`, `500ms`. `None` when it is none of these.
pub fn duration_ms(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(0);
    }
    let mut total: i64 = 0;
    let mut any = false;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit: i64 = match &rest[..letters] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "y" => 31_536_000_000,
            _ => return None,
        };
        rest = &rest[letters..];
        total = total.checked_add(number.checked_mul(unit)?)?;
        any = true;
    }
    any.then_some(total)
}

#[derive(Deserialize)]
struct Document {
    status: String,
    data: Value,
}

/// The `data` of a successful answer.
fn data(json: &[u8]) -> Option<Value> {
    let document: Document = serde_json::from_slice(json).ok()?;
    (document.status == "success").then_some(document.data)
}

/// Flags of a Prometheus server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    /// Whether it takes remote write at all.
    pub receives: Option<bool>,
    /// Shortest block, ms: half of it is how far behind its newest sample the head takes samples.
    pub min_block_ms: Option<i64>,
}

/// `/api/v1/status/flags` of Prometheus; `None` when this is no Prometheus.
pub fn flags(json: &[u8]) -> Option<Flags> {
    let data = data(json)?;
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    text("config.file")?;
    Some(Flags {
        receives: text("web.enable-remote-write-receiver").and_then(|told| told.parse().ok()),
        min_block_ms: text("storage.tsdb.min-block-duration").and_then(duration_ms),
    })
}

/// `/api/v1/status/config`: `out_of_order_time_window`, ms; 0 when the configuration does not set it.
pub fn out_of_order_ms(json: &[u8]) -> Option<i64> {
    let data = data(json)?;
    let yaml = data.get("yaml")?.as_str()?;
    let told = yaml.lines().find_map(|line| line.trim().strip_prefix("out_of_order_time_window:"));
    match told {
        None => Some(0),
        Some(text) => duration_ms(text.trim().trim_matches(['"', '\''])),
    }
}

/// `/api/v1/status/tsdb`: the newest sample in the head, ms. The outer `None`: not told; the inner: the head is
/// empty.
pub fn head_newest(json: &[u8]) -> Option<Option<i64>> {
    let newest = data(json)?.get("headStats")?.get("maxTime")?.as_i64()?;
    Some((newest != i64::MIN).then_some(newest))
}

/// `/api/v1/status/runtimeinfo`: for how long samples are kept, ms; `None` when only their size is limited, too.
pub fn retention_ms(json: &[u8]) -> Option<i64> {
    let data = data(json)?;
    // `15d`, `10GiB`, or `15d or 10GiB`.
    data.get("storageRetention")?.as_str()?.split(" or ").find_map(duration_ms).filter(|ms| *ms > 0)
}

/// The metrics of `VictoriaMetrics`: for how long samples are kept, ms; `None` when these are not its metrics.
pub fn victoria_retention_ms(metrics: &str) -> Option<i64> {
    let line = metrics.lines().find(|line| line.starts_with("flag{name=\"retentionPeriod\""))?;
    let (_, rest) = line.split_once("value=\"")?;
    let (text, _) = rest.split_once('"')?;
    // A number alone is months of 31 days.
    match text.parse::<i64>() {
        Ok(months) => months.checked_mul(31 * 86_400_000),
        Err(_) => duration_ms(text),
    }
}

/// Times, ms, by the value of a label (`""` where it is absent).
type Times = BTreeMap<String, BTreeSet<i64>>;

/// The times of the samples in a range query's answer, by the value of the label `by`. Only series whose other labels
/// are exactly `labels` count. `None` when it is no such answer.
pub fn stored(json: &[u8], labels: &BTreeMap<String, String>, by: &str) -> Option<Times> {
    let data = data(json)?;
    let mut times = Times::new();
    for series in data.get("result")?.as_array()? {
        let Some(name) = is_wanted(series.get("metric")?, labels, by) else { continue };
        let of_series = times.entry(name).or_default();
        for sample in series.get("values")?.as_array()? {
            let seconds = sample.get(0)?.as_f64()?;
            #[expect(clippy::cast_possible_truncation, reason = "time stamps are far below 2^53 ms")]
            of_series.insert((seconds * 1000.0).round() as i64);
        }
    }
    Some(times)
}

/// The same of an export of `VictoriaMetrics`: a JSON object a line. Lines that are none are left out.
pub fn exported(lines: &[u8], labels: &BTreeMap<String, String>, by: &str) -> Times {
    let mut times = Times::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let Ok(series) = serde_json::from_slice::<Value>(line) else { continue };
        let Some(name) = series.get("metric").and_then(|metric| is_wanted(metric, labels, by)) else {
            continue;
        };
        let told = series.get("timestamps").and_then(Value::as_array).into_iter().flatten();
        times.entry(name).or_default().extend(told.filter_map(Value::as_i64));
    }
    times
}

/// The value of the label `by` of a series whose other labels are exactly `labels`; `None` for any other series.
fn is_wanted(metric: &Value, labels: &BTreeMap<String, String>, by: &str) -> Option<String> {
    let metric = metric.as_object()?;
    let others = || metric.iter().filter(|(name, _)| *name != by && *name != "__name__");
    let is_known = |(name, value): (&String, &Value)| labels.get(name).map(String::as_str) == value.as_str();
    let is_wanted = others().count() == labels.len() && others().all(is_known);
    is_wanted.then(|| metric.get(by).and_then(Value::as_str).unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn lengths_of_time_are_read_as_prometheus_writes_them() {
        for (text, ms) in [
            ("2h", Some(2 * HOUR)),
            ("1d12h", Some(36 * HOUR)),
            ("1h30m10s5ms", Some(HOUR + 1_810_005)),
            ("15d", Some(15 * 24 * HOUR)),
            ("1w", Some(7 * 24 * HOUR)),
            ("1y", Some(365 * 24 * HOUR)),
            ("0s", Some(0)),
            ("0", Some(0)),
        ] {
            assert_eq!(duration_ms(text), ms, "{text}");
        }
        for text in ["", "2", "h", "2x", "-1h", "10GiB", "99999999999999999999h", "9999999999999y"] {
            assert_eq!(duration_ms(text), None, "{text}");
        }
    }

    fn success(data: &str) -> Vec<u8> {
        format!(r#"{{"status":"success","data":{data}}}"#).into_bytes()
    }

    #[test]
    fn the_flags_say_whether_a_server_is_prometheus_and_receives() {
        let told = success(
            r#"{"config.file":"/etc/p.yml","web.enable-remote-write-receiver":"true","storage.tsdb.min-block-duration":"2h"}"#,
        );
        assert_eq!(flags(&told), Some(Flags { receives: Some(true), min_block_ms: Some(2 * HOUR) }));
        let old = success(r#"{"config.file":"/etc/p.yml"}"#);
        assert_eq!(flags(&old), Some(Flags { receives: None, min_block_ms: None }));
        for other in
            [success("{}"), b"unsupported path".to_vec(), br#"{"status":"error","data":{}}"#.to_vec()]
        {
            assert_eq!(flags(&other), None);
        }
    }

    #[test]
    fn the_window_for_late_samples_stands_in_the_configuration() {
        let with = |yaml: &str| out_of_order_ms(&success(&serde_json::json!({ "yaml": yaml }).to_string()));
        let both = "storage:\n  tsdb:\n    outofordertimewindow: 7200000\n    out_of_order_time_window: 2h\n";
        assert_eq!(with(both), Some(2 * HOUR));
        assert_eq!(with("global:\n  scrape_interval: 1s\n"), Some(0));
        assert_eq!(with("out_of_order_time_window: some time"), None);
        assert_eq!(out_of_order_ms(b"no"), None);
    }

    #[test]
    fn an_empty_head_has_no_newest_sample() {
        let with = |max: &str| head_newest(&success(&format!(r#"{{"headStats":{{"maxTime":{max}}}}}"#)));
        assert_eq!(with("1700000000000"), Some(Some(1_700_000_000_000)));
        assert_eq!(with("-9223372036854775808"), Some(None));
        assert_eq!(head_newest(&success("{}")), None);
    }

    #[test]
    fn retention_is_a_length_of_time_where_there_is_one() {
        let with = |text: &str| retention_ms(&success(&format!(r#"{{"storageRetention":"{text}"}}"#)));
        assert_eq!(with("15d"), Some(15 * 24 * HOUR));
        assert_eq!(with("15d or 10GiB"), Some(15 * 24 * HOUR));
        assert_eq!(with("10GiB"), None);
        let flag = |value: &str| {
            format!("a 1\nflag{{name=\"retentionPeriod\", value=\"{value}\", is_set=\"false\"}} 1\n")
        };
        assert_eq!(victoria_retention_ms(&flag("1")), Some(31 * 24 * HOUR));
        assert_eq!(victoria_retention_ms(&flag("100y")), Some(36_500 * 24 * HOUR));
        assert_eq!(victoria_retention_ms("up 1\n"), None);
    }

    #[test]
    fn stored_samples_are_found_by_label_where_all_other_labels_agree() {
        let told = success(
            r#"{"resultType":"matrix","result":[
                {"metric":{"__name__":"n","run":"1","symbol":"A"},"values":[[1700000000.123,"1"],[1700000001,"2"]]},
                {"metric":{"__name__":"n","run":"1"},"values":[[1700000002,"3"]]},
                {"metric":{"__name__":"n","run":"1","dc":"x"},"values":[[1700000003,"4"]]},
                {"metric":{"__name__":"n","run":"2"},"values":[[1700000004,"5"]]}]}"#,
        );
        let expected = BTreeMap::from([
            ("A".to_owned(), BTreeSet::from([1_700_000_000_123, 1_700_000_001_000])),
            (String::new(), BTreeSet::from([1_700_000_002_000])),
        ]);
        let labels = BTreeMap::from([("run".to_owned(), "1".to_owned())]);
        assert_eq!(stored(&told, &labels, "symbol"), Some(expected));
        assert_eq!(stored(&success(r#"{"result":[]}"#), &labels, "symbol"), Some(BTreeMap::new()));
        assert_eq!(stored(b"no", &labels, "symbol"), None);
    }

    #[test]
    fn exported_samples_are_found_line_by_line() {
        let lines =
            br#"{"metric":{"__name__":"n","run":"1","symbol":"A"},"values":[1,2],"timestamps":[1000,2000]}
{"metric":{"__name__":"n","run":"1","symbol":"A"},"values":[3],"timestamps":[3000]}
{"metric":{"__name__":"n","run":"2"},"values":[3],"timestamps":[4000]}
no json
"#;
        let labels = BTreeMap::from([("run".to_owned(), "1".to_owned())]);
        let expected = BTreeMap::from([("A".to_owned(), BTreeSet::from([1000, 2000, 3000]))]);
        assert_eq!(exported(lines, &labels, "symbol"), expected);
        assert_eq!(exported(b"", &labels, "symbol"), BTreeMap::new());
    }
}
