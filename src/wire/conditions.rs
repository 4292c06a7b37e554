//! The conditions of a run as its `RUN_MANIFEST.json` declares them, for comparisons.
//!
//! Forgives everything: what is not there, or is of another kind, is not known. The judge says what is wrong with a
//! manifest.

use serde_json::Value;

use super::literals::parse_marked;
use crate::core::compare::conditions::{Condition, Conditions};
use crate::core::number::{exact, trimmed};

/// What a manifest says.
pub fn of_manifest(json: &[u8]) -> Conditions {
    let Ok(manifest) = parse_marked(json, |json| serde_json::from_slice::<Value>(json)) else {
        return Conditions::new();
    };
    let settings = manifest.get("settings").filter(|settings| settings.is_object());
    let setting = |key: &str| settings?.get(key);
    let mut known = Conditions::new();
    let mut know = |condition: Condition, value: Option<String>| {
        if let Some(value) = value {
            known.insert(condition, value);
        }
    };
    know(Condition::Source, text(manifest.get("source")));
    know(Condition::Scenario, text(setting("source").and_then(|source| source.get("scenario"))));
    know(Condition::Interval, seconds(setting("interval_seconds")));
    know(Condition::Waited, word(setting("no_wait"), "no", "yes"));
    know(Condition::MeasureAt, text(setting("measure_at")));
    know(Condition::Host, hosts(&manifest));
    know(Condition::Cpu, text(manifest.get("cpu")));
    let warmup = |_| text(setting("warmup_preset")).unwrap_or_else(|| "none".to_owned());
    know(Condition::Warmup, settings.map(warmup));
    know(Condition::AutoTune, word(setting("auto_tune"), "on", "off"));
    know(Condition::Policy, text(manifest.get("policy_sha256")));
    known
}

/// The host on which the run started, and those on which it was resumed.
fn hosts(manifest: &Value) -> Option<String> {
    let segments = manifest.get("segments").and_then(Value::as_array).into_iter().flatten();
    let all = std::iter::once(manifest).chain(segments);
    let mut hosts: Vec<String> = Vec::new();
    for host in all.filter_map(|part| text(part.get("host"))) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    (!hosts.is_empty()).then(|| hosts.join(", "))
}

fn text(value: Option<&Value>) -> Option<String> {
    value?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn word(value: Option<&Value>, yes: &str, no: &str) -> Option<String> {
    value?.as_bool().map(|is| if is { yes } else { no }.to_owned())
}

fn seconds(value: Option<&Value>) -> Option<String> {
    value?.as_f64().map(|seconds| format!("{} s", trimmed(&exact(seconds, 0))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::run_manifest::fixture;

    #[test]
    fn a_manifest_tells_its_conditions() {
        let told = of_manifest(&fixture::manifest().to_bytes());
        let of = |condition| told.get(&condition).map(String::as_str);
        assert_eq!(of(Condition::Interval), Some("300 s"));
        assert_eq!((of(Condition::Source), of(Condition::Scenario)), (Some("sim"), Some("default")));
        assert_eq!((of(Condition::Host), of(Condition::AutoTune)), (Some("box"), Some("on")));
        assert_eq!(of(Condition::Cpu), Some("a CPU, 2 cores"));
        assert_eq!(of(Condition::Warmup), Some("none"));
        assert_eq!(of(Condition::Policy), Some("0".repeat(64).as_str()));
    }

    #[test]
    fn what_is_missing_or_of_another_kind_is_not_known() {
        for json in ["", "{", "[]", "null", "{\"settings\": 7, \"host\": null, \"source\": \"\"}"] {
            assert_eq!(of_manifest(json.as_bytes()), Conditions::new(), "{json}");
        }
        let told = of_manifest(
            br#"{"settings": {"interval_seconds": 0.5, "warmup_preset": "gentle", "no_wait": true}}"#,
        );
        assert_eq!(told.get(&Condition::Interval).map(String::as_str), Some("0.5 s"));
        assert_eq!(told.get(&Condition::Warmup).map(String::as_str), Some("gentle"));
        assert_eq!(told.get(&Condition::Waited).map(String::as_str), Some("no"));
        let told = of_manifest(
            br#"{"host": "one", "segments": [{"host": "one"}, {"host": null}, {"host": "two"}]}"#,
        );
        assert_eq!(told.get(&Condition::Host).map(String::as_str), Some("one, two"));
    }
}
