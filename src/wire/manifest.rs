//! `RUN_MANIFEST.json`: what a run declared, as far as judging it needs to know.

use serde::Deserialize;

use chrono::DateTime;

use crate::core::evidence::{Declared, RunState, SegmentStart};
use crate::core::ranges::Ranges;
use crate::core::run::clock::ClockStep;

/// The part of the manifest that post-soak commands hold a folder against. Further keys are allowed.
#[derive(Debug, Deserialize)]
struct Manifest {
    schema_version: String,
    iterations: u64,
    state: State,
    last_complete_iteration: Option<u64>,
    #[serde(default)]
    rotated: Vec<(u64, u64)>,
    source: Option<String>,
    settings: Option<serde_json::Value>,
    #[serde(default)]
    segments: Vec<Segment>,
    #[serde(default)]
    clock_steps: Vec<ClockStep>,
}

#[derive(Debug, Deserialize)]
struct Segment {
    from_iteration: u64,
    started_utc: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Running,
    Complete,
    Interrupted,
    Failed,
}

/// When the run began, RFC 3339; `None` when this is no manifest that says so.
pub fn started(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Started {
        started_utc: String,
    }
    serde_json::from_slice(bytes).ok().map(|Started { started_utc }| started_utc)
}

/// Reads a manifest; the error says what is wrong with it.
///
/// `rotated` is a list of inclusive ranges `[first, last]` of iterations that rotation removed.
pub fn read(bytes: &[u8]) -> Result<Declared, String> {
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if !manifest.schema_version.starts_with("1.") {
        return Err(format!("schema_version `{}` is not known to this version", manifest.schema_version));
    }
    if manifest.iterations == 0 {
        return Err("`iterations` is 0: the run declared nothing".to_owned());
    }
    if manifest.iterations > MOST {
        return Err(format!("`iterations` is beyond {MOST}"));
    }
    let is_complete = matches!(manifest.state, State::Complete);
    let last = manifest.last_complete_iteration.unwrap_or(if is_complete { manifest.iterations } else { 0 });
    if last > manifest.iterations || (is_complete && last < manifest.iterations) {
        let state = if is_complete { "complete" } else { "unfinished" };
        return Err(format!(
            "it contradicts itself: the run is {state}, and the last complete iteration is {last} of {}",
            manifest.iterations
        ));
    }
    if let Some((first, end)) = manifest.rotated.iter().find(|(first, end)| first > end) {
        return Err(format!("`rotated` has a range that ends before it begins: [{first}, {end}]"));
    }
    let rotated: Ranges =
        manifest.rotated.iter().map(|(first, last)| (*first, (*last).min(manifest.iterations))).collect();
    let setting = |name| manifest.settings.as_ref().and_then(|settings| settings.get(name));
    let segments = manifest.segments.iter().map(|segment| SegmentStart {
        from_iteration: segment.from_iteration,
        started: (segment.started_utc.as_ref())
            .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
            .map(|time| time.to_utc()),
    });
    Ok(Declared {
        iterations: manifest.iterations,
        state: match manifest.state {
            State::Running => RunState::Running,
            State::Complete => RunState::Complete,
            State::Interrupted => RunState::Interrupted,
            State::Failed => RunState::Failed,
        },
        last_complete: last,
        rotated,
        interval: manifest.settings.as_ref().map(|_| interval(setting("interval_seconds"))).transpose()?,
        no_wait: match setting("no_wait") {
            None => false,
            Some(value) => value.as_bool().ok_or("`settings.no_wait` is neither `true` nor `false`")?,
        },
        segments: segments.collect(),
        source: manifest.source,
        clock_steps: manifest.clock_steps,
    })
}

/// A run that records its settings has an interval: without a usable one nobody could say how long it had to last.
fn interval(value: Option<&serde_json::Value>) -> Result<std::time::Duration, String> {
    let seconds = value.and_then(serde_json::Value::as_f64).filter(|seconds| *seconds > 0.0);
    seconds
        .and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "`settings.interval_seconds` is no number of seconds above 0".to_owned())
}

/// More iterations than a run can have; a larger number is damage.
const MOST: u64 = 100_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_says_what_is_owed() {
        let text = br#"{"schema_version": "1.0", "iterations": 24, "state": "running", "seed": 7,
                        "last_complete_iteration": 12, "rotated": [[1, 4]], "source": "sim"}"#;
        let declared = read(text).expect("a whole manifest");
        assert_eq!(declared.iterations, 24);
        assert_eq!(declared.state, RunState::Running);
        assert_eq!(declared.expected_from(1).ranges(), [(5, 12)]);
        assert_eq!(declared.source.as_deref(), Some("sim"));
    }

    #[test]
    fn what_cannot_be_trusted_is_an_error() {
        let missing = read(br#"{"schema_version": "1.0", "state": "complete"}"#).expect_err("no iterations");
        assert!(missing.contains("iterations"), "{missing}");
        let foreign = read(br#"{"schema_version": "9", "iterations": 2, "state": "complete"}"#);
        assert!(foreign.expect_err("unknown schema").contains("`9`"));
        for (last, state) in [(10, "complete"), (25, "complete"), (25, "running")] {
            let text = format!(
                r#"{{"schema_version": "1.0", "iterations": 24, "state": "{state}",
                    "last_complete_iteration": {last}}}"#
            );
            let error = read(text.as_bytes()).expect_err("it contradicts itself");
            assert!(error.contains(&format!("{last} of 24")), "{error}");
        }
        let reversed =
            br#"{"schema_version": "1.0", "iterations": 24, "state": "complete", "rotated": [[9, 2]]}"#;
        assert!(read(reversed).expect_err("a reversed range").contains("[9, 2]"));
        assert!(read(br#"{"schema_version": "1.0", "iterations": 0, "state": "complete"}"#).is_err());
        let with = |settings: &str| {
            let start = r#"{"schema_version": "1.0", "iterations": 2, "state": "complete", "settings": "#;
            read(format!("{start}{settings}}}").as_bytes())
        };
        let seconds = |declared: Declared| declared.interval.map(|interval| interval.as_secs());
        assert_eq!(with(r#"{"interval_seconds": 900}"#).map(seconds), Ok(Some(900)));
        for settings in ["{}", "900", r#"{"interval_seconds": "900"}"#, r#"{"interval_seconds": 0}"#] {
            assert!(with(settings).expect_err(settings).contains("interval_seconds"), "{settings}");
        }
        let unclear = with(r#"{"interval_seconds": 900, "no_wait": "no"}"#).expect_err("no truth value");
        assert!(unclear.contains("no_wait"), "{unclear}");
        assert!(read(br#"{"schema_version": "1.0", "iterations": 2, "state": "done"}"#).is_err());
    }
}
