//! `RUN_MANIFEST.json` as `run` writes it: what was declared, and how far it got.
//!
//! All that a resumed run needs to go on with what was declared. The judge reads less of it and forgives more:
//! [`super::manifest`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::ranges::Ranges;
use crate::core::run::clock::ClockStep;
use crate::core::run::settings::RunSettings;

/// Name of the file in the run's folder.
pub const FILE_NAME: &str = "RUN_MANIFEST.json";

/// The version of the shape that this program writes; 1.x is read.
pub const SCHEMA_VERSION: &str = "1.0";

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is at work, or was killed.
    Running,
    /// All declared iterations are there.
    Complete,
    /// It was asked to stop; `--resume` goes on.
    Interrupted,
    /// It gave up.
    Failed,
}

/// A manifest. Its fields are declared in the order of their names, so the JSON has sorted keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunManifest {
    /// Steps of the wall clock and suspends that the run noticed, in order.
    #[serde(default)]
    pub clock_steps: Vec<ClockStep>,
    /// The CPU of the host on which the run started, with its cores; `None` where nothing tells it.
    #[serde(default)]
    pub cpu: Option<String>,
    /// By how many iterations the run was extended, each time.
    #[serde(default)]
    pub extended: Vec<u64>,
    /// The host on which the run started.
    pub host: Option<String>,
    /// Declared iterations, extensions included.
    pub iterations: u64,
    /// The last iteration of which the file is there; 0 = none yet.
    pub last_complete_iteration: u64,
    /// For a person: presets that were clamped, and the like.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The overrides that the run started with.
    pub overrides: Vec<DeclaredOverride>,
    /// SHA-256 of the effective policy.
    pub policy_sha256: String,
    /// Inclusive ranges of iterations that rotation removed.
    #[serde(default)]
    pub rotated: Vec<(u64, u64)>,
    /// Version of this shape.
    pub schema_version: String,
    /// One entry for the start and one for each time it was resumed.
    pub segments: Vec<Segment>,
    /// What the run was asked to do.
    pub settings: RunSettings,
    /// Name of the source.
    pub source: String,
    /// When the run started, RFC 3339.
    pub started_utc: String,
    /// Where it stands.
    pub state: State,
    /// Version of the program that started it.
    pub tool_version: String,
}

/// An override with its origin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeclaredOverride {
    /// Where the value comes from.
    pub origin: String,
    /// Flat name of the parameter.
    pub param: String,
    /// The value, in the parameter's unit.
    pub value: f64,
}

/// A stretch of the run in one process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Segment {
    /// The first iteration of it.
    pub from_iteration: u64,
    /// The host.
    pub host: Option<String>,
    /// The process.
    pub pid: u32,
    /// When its first iteration began, RFC 3339, by the clock that stamps the iterations.
    pub started_utc: String,
    /// Version of the program.
    pub version: String,
}

impl RunManifest {
    /// Reads the whole manifest; the error says what is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        // What the judge finds wrong is wrong here too, and its words are better.
        super::manifest::read(bytes)?;
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    /// The bytes of the file: JSON with sorted keys, two blanks of indent, and a final newline.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Derived maps of texts and numbers have no way to fail.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Whether rotation removed this iteration.
    pub fn has_rotated(&self, number: u64) -> bool {
        self.rotated.iter().any(|(first, last)| (*first..=*last).contains(&number))
    }

    /// The first iteration up to `last` that is neither present nor rotated; `None` = all are there.
    pub fn first_gap(&self, present: impl IntoIterator<Item = u64>, last: u64) -> Option<u64> {
        let there: Ranges =
            present.into_iter().map(|number| (number, number)).chain(self.rotated.iter().copied()).collect();
        first_gap(there.ranges(), last)
    }
}

/// The first number from 1 to `last` that no range holds.
fn first_gap(ranges: &[(u64, u64)], last: u64) -> Option<u64> {
    let mut next = 1;
    for (first, end) in ranges {
        if *first > next {
            break;
        }
        next = next.max(end + 1);
    }
    (next <= last).then_some(next)
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::core::run::settings::{MeasureAt, SourceSettings};

    /// A run of three iterations that has just begun.
    pub(crate) fn manifest() -> RunManifest {
        RunManifest {
            clock_steps: Vec::new(),
            cpu: Some("a CPU, 2 cores".to_owned()),
            extended: Vec::new(),
            host: Some("box".to_owned()),
            iterations: 3,
            last_complete_iteration: 0,
            notes: Vec::new(),
            overrides: vec![DeclaredOverride {
                origin: "default".to_owned(),
                param: "min_interval_ms".to_owned(),
                value: 60.0,
            }],
            policy_sha256: "0".repeat(64),
            rotated: Vec::new(),
            schema_version: SCHEMA_VERSION.to_owned(),
            segments: vec![Segment {
                from_iteration: 1,
                host: None,
                pid: 42,
                started_utc: "2025-10-12T12:00:00Z".to_owned(),
                version: "0.1.0".to_owned(),
            }],
            settings: RunSettings {
                interval_seconds: 300.0,
                source: SourceSettings::Sim { seed: 7, scenario: "default".to_owned(), real_time: false },
                auto_tune: true,
                warmup_preset: None,
                active_overrides: None,
                start_file: "runtime_overrides.json".to_owned(),
                abort_after_fails: 0,
                no_wait: false,
                measure_at: MeasureAt::Start,
            },
            source: "sim".to_owned(),
            started_utc: "2025-10-12T12:00:00Z".to_owned(),
            state: State::Running,
            tool_version: "0.1.0".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::evidence::{RunState, SegmentStart};
    use crate::core::run::clock::ClockStepKind;

    #[test]
    fn a_manifest_is_read_back_as_it_was_and_the_judge_understands_it() {
        let step = ClockStep {
            iteration: 2,
            kind: ClockStepKind::Step,
            seconds: -3.5,
            utc: "2025-10-12T12:09:00Z".to_owned(),
        };
        let mut manifest = RunManifest {
            clock_steps: vec![step.clone()],
            last_complete_iteration: 2,
            rotated: vec![(1, 1)],
            ..fixture::manifest()
        };
        manifest.settings.no_wait = true;
        assert_eq!(RunManifest::read(&manifest.to_bytes()), Ok(manifest.clone()));
        let declared = super::super::manifest::read(&manifest.to_bytes()).expect("the judge reads it");
        assert_eq!((declared.iterations, declared.last_complete), (3, 2));
        assert_eq!((declared.state, declared.source.as_deref()), (RunState::Running, Some("sim")));
        assert!(declared.no_wait && declared.clock_steps == [step]);
        let started = "2025-10-12T12:00:00Z".parse().ok();
        assert_eq!(declared.segments, [SegmentStart { from_iteration: 1, started }]);
        let text = String::from_utf8(manifest.to_bytes()).expect("text");
        let keys: Vec<_> = text.lines().filter(|line| line.starts_with("  \"")).collect();
        assert!(keys.is_sorted() && text.ends_with("}\n"), "{text}");
    }

    #[test]
    fn a_manifest_keeps_to_its_schema() {
        let schema = crate::wire::schemas::schema("run_manifest").expect("a schema");
        let validator = jsonschema::draft202012::new(&schema).expect("a usable schema");
        let mut tree = serde_json::to_value(fixture::manifest()).expect("JSON");
        assert!(validator.is_valid(&tree));
        tree["segments"][0]["pid"] = serde_json::json!("42");
        assert!(!validator.is_valid(&tree));
    }

    #[test]
    fn a_manifest_of_an_older_version_waited_and_measured_at_the_start() {
        let mut tree = serde_json::to_value(fixture::manifest()).expect("JSON");
        tree.as_object_mut().expect("an object").remove("clock_steps");
        let settings = tree["settings"].as_object_mut().expect("an object");
        assert!(settings.remove("no_wait").is_some() && settings.remove("measure_at").is_some());
        assert_eq!(RunManifest::read(tree.to_string().as_bytes()), Ok(fixture::manifest()));
    }

    #[test]
    fn what_resume_needs_and_is_missing_is_named() {
        let text = String::from_utf8(fixture::manifest().to_bytes()).expect("text");
        let error = RunManifest::read(text.replace("\"policy_sha256\"", "\"x\"").as_bytes());
        assert!(error.expect_err("a key is missing").contains("policy_sha256"));
        let error = RunManifest::read(text.replace("\"1.0\"", "\"7\"").as_bytes());
        assert!(error.expect_err("another version").contains("`7`"));
    }

    #[test]
    fn the_first_gap_is_found_and_what_was_rotated_is_none() {
        let manifest = RunManifest { rotated: vec![(1, 2)], ..fixture::manifest() };
        assert_eq!(manifest.first_gap([3, 4, 5], 5), None);
        assert_eq!(manifest.first_gap([3, 5], 5), Some(4));
        assert_eq!(manifest.first_gap([4], 4), Some(3));
        assert_eq!(fixture::manifest().first_gap([2], 2), Some(1));
        assert_eq!(fixture::manifest().first_gap([], 0), None);
        assert!(manifest.has_rotated(2) && !manifest.has_rotated(3));
    }
}
