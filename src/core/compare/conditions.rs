//! Under which conditions two runs were measured: a number over other intervals, or of another machine, is another
//! number.
//!
//! Forgives everything in a manifest: what is not there, or is of another kind, is not known. The judge says what is
//! wrong with a manifest.

use std::collections::BTreeMap;

use serde_json::Value;
use strum::VariantArray as _;

use crate::core::json::text::parse_marked;
use crate::core::text::number::{exact, trimmed};

/// What a run was measured under, in the order of reports.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Condition {
    /// Simulated or real.
    Simulated,
    Source,
    /// The simulator's scenario.
    Scenario,
    /// Declared length of an iteration.
    Interval,
    /// Whether the interval was waited for.
    Waited,
    /// When in the interval a measurement begins.
    MeasureAt,
    Host,
    Cpu,
    /// The preset of the warm-up.
    Warmup,
    /// Whether the tuner was on.
    AutoTune,
    /// SHA-256 of the policy values in force during the run.
    Policy,
}

impl Condition {
    /// Its key in files and in the policy.
    pub fn word(self) -> &'static str {
        self.into()
    }

    /// What differs, in the plural.
    fn plural(self) -> &'static str {
        match self {
            Self::Simulated => "kinds of data",
            Self::Source => "sources",
            Self::Scenario => "scenarios",
            Self::Interval => "intervals",
            Self::Waited => "waits for the interval",
            Self::MeasureAt => "times of measuring",
            Self::Host => "hosts",
            Self::Cpu => "CPUs",
            Self::Warmup => "warm-ups",
            Self::AutoTune => "tuner settings",
            Self::Policy => "policies",
        }
    }
}

/// What is known about the conditions of a run; what is not there is not known.
pub type Conditions = BTreeMap<Condition, String>;

/// What differs between two runs, one sentence each. A condition that only one side knows is no known difference.
pub fn differences(a: &Conditions, b: &Conditions) -> Vec<String> {
    let differs = |condition: Condition| {
        let (a, b) = (a.get(&condition)?, b.get(&condition)?);
        (a != b).then(|| sentence(condition, Some(a), Some(b)))
    };
    Condition::VARIANTS.iter().copied().filter_map(differs).collect()
}

/// Why two runs must not be compared, one sentence each: a condition in which they may not differ differs, or a side
/// does not say it.
pub fn refusals(a: &Conditions, b: &Conditions, refuse: &[Condition]) -> Vec<String> {
    let one = |condition: &Condition| {
        let (a, b) = (a.get(condition), b.get(condition));
        (a.is_none() || a != b).then(|| sentence(*condition, a, b))
    };
    refuse.iter().filter_map(one).collect()
}

fn sentence(condition: Condition, a: Option<&String>, b: Option<&String>) -> String {
    let known = |value: Option<&String>| value.map_or("unknown", String::as_str).to_owned();
    let what = if a.is_some() && b.is_some() { "differ" } else { "are not known on both sides" };
    format!("the {} {what}: A {}, B {}", condition.plural(), known(a), known(b))
}

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
    use crate::core::iteration::manifest::fixture;

    fn of(pairs: &[(Condition, &str)]) -> Conditions {
        pairs.iter().map(|(condition, value)| (*condition, (*value).to_owned())).collect()
    }

    #[test]
    fn every_condition_has_a_word_that_finds_it_again_and_its_order_is_that_of_reports() {
        for condition in Condition::VARIANTS {
            assert_eq!(condition.word().parse(), Ok(*condition));
        }
        assert!("weather".parse::<Condition>().is_err());
        assert!(Condition::VARIANTS.is_sorted());
    }

    #[test]
    fn a_difference_names_both_values_and_what_one_side_alone_knows_is_none() {
        let a =
            of(&[(Condition::Interval, "300 s"), (Condition::Host, "box"), (Condition::Cpu, "x, 2 cores")]);
        let b = of(&[(Condition::Host, "box"), (Condition::Interval, "60 s")]);
        assert_eq!(differences(&a, &b), ["the intervals differ: A 300 s, B 60 s"]);
        assert_eq!(differences(&a, &a), Vec::<String>::new());
        assert_eq!(differences(&a, &Conditions::new()), Vec::<String>::new());
    }

    #[test]
    fn a_condition_that_must_be_equal_must_be_known() {
        let a = of(&[(Condition::Interval, "300 s"), (Condition::Cpu, "x, 2 cores")]);
        let b = of(&[(Condition::Interval, "300 s")]);
        assert_eq!(refusals(&a, &b, &[Condition::Interval]), Vec::<String>::new());
        assert_eq!(
            refusals(&a, &b, &[Condition::Cpu, Condition::Host]),
            [
                "the CPUs are not known on both sides: A x, 2 cores, B unknown",
                "the hosts are not known on both sides: A unknown, B unknown"
            ]
        );
        let other = of(&[(Condition::Interval, "60 s")]);
        assert_eq!(
            refusals(&a, &other, &[Condition::Interval, Condition::Policy])[0],
            "the intervals differ: A 300 s, B 60 s"
        );
    }

    #[test]
    fn a_manifest_tells_its_conditions() {
        let known = of_manifest(&fixture::manifest().to_bytes());
        let of = |condition| known.get(&condition).map(String::as_str);
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
        let known = of_manifest(
            br#"{"settings": {"interval_seconds": 0.5, "warmup_preset": "gentle", "no_wait": true}}"#,
        );
        assert_eq!(known.get(&Condition::Interval).map(String::as_str), Some("0.5 s"));
        assert_eq!(known.get(&Condition::Warmup).map(String::as_str), Some("gentle"));
        assert_eq!(known.get(&Condition::Waited).map(String::as_str), Some("no"));
        let known = of_manifest(
            br#"{"host": "one", "segments": [{"host": "one"}, {"host": null}, {"host": "two"}]}"#,
        );
        assert_eq!(known.get(&Condition::Host).map(String::as_str), Some("one, two"));
    }
}
