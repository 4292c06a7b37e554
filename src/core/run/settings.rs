//! What a run was asked to do: everything that must be the same when it goes on after an interruption.
//!
//! Stands in the run's manifest. Holds no secret: where a token is needed, the file that holds it is named.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names of the sources.
pub const SOURCES: [&str; 4] = ["sim", "exec", "file", "prometheus"];

/// What a run was asked to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunSettings {
    /// Length of an iteration, seconds.
    pub interval_seconds: f64,
    /// Where the measurements come from.
    pub source: SourceSettings,
    /// Whether the tuner's proposals are applied.
    pub auto_tune: bool,
    /// The preset of the warm-up; `None` = the run has no phases.
    pub warmup_preset: Option<String>,
    /// Where the system under test reads the overrides; `None` = in the folder of the run.
    pub active_overrides: Option<String>,
    /// The file that start values are read from where it is there, and tuned values are adopted into.
    pub start_file: String,
    /// So many iterations in a row with KPI FAIL end the run; 0 = never.
    pub abort_after_fails: u64,
    /// Whether the intervals were not waited for, which makes the run a rehearsal.
    #[serde(default)]
    pub no_wait: bool,
    /// When in the interval the command of `exec` is started.
    #[serde(default)]
    pub measure_at: MeasureAt,
}

/// When in the interval a command measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MeasureAt {
    /// It starts at once, and the run waits for the rest of the interval.
    #[default]
    Start,
    /// The run waits for the interval, then it starts.
    End,
}

impl MeasureAt {
    /// `start` or `end`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End => "end",
        }
    }
}

/// Where the measurements come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
pub enum SourceSettings {
    /// The embedded simulator.
    Sim {
        /// The seed.
        seed: u64,
        /// What happens in the market.
        scenario: String,
        /// Whether it waits for each interval to pass.
        real_time: bool,
    },
    /// A command that is started once an iteration.
    Exec {
        /// The command and its arguments.
        command: Vec<String>,
    },
    /// An edge report that the system writes.
    File {
        /// The report.
        edge_report: String,
    },
    /// Queries to Prometheus or what speaks its language.
    Prometheus {
        /// The server, without user and password.
        url: String,
        /// What `$selector` stands for.
        selector: String,
    },
}

impl SourceSettings {
    /// `sim`, `exec`, `file` or `prometheus`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sim { .. } => "sim",
            Self::Exec { .. } => "exec",
            Self::File { .. } => "file",
            Self::Prometheus { .. } => "prometheus",
        }
    }

    /// Whether iterations are computed at once, on a clock of their own.
    pub fn is_virtual(&self) -> bool {
        matches!(self, Self::Sim { real_time: false, .. })
    }
}

impl fmt::Display for SourceSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sim { seed, scenario, real_time } => {
                let clock = if *real_time { ", in real time" } else { "" };
                write!(f, "sim (seed {seed}, scenario {scenario}{clock})")
            }
            Self::Exec { command } => write!(f, "exec (`{}`)", command.join(" ")),
            Self::File { edge_report } => write!(f, "file (`{edge_report}`)"),
            Self::Prometheus { url, selector } if selector.is_empty() => write!(f, "prometheus ({url})"),
            Self::Prometheus { url, selector } => write!(f, "prometheus ({url}, {selector})"),
        }
    }
}

impl RunSettings {
    /// What differs between what was declared and what is asked for now, one line each; empty = they agree.
    pub fn differences(&self, asked: &Self) -> Vec<String> {
        let Self {
            interval_seconds,
            source,
            auto_tune,
            warmup_preset,
            active_overrides,
            start_file: _,
            abort_after_fails: _,
            no_wait,
            measure_at,
        } = self;
        let preset = |preset: &Option<String>| preset.clone().unwrap_or_else(|| "none".to_owned());
        let file = |file: &Option<String>| file.clone().unwrap_or_else(|| "in the run's folder".to_owned());
        let rows = [
            ("interval", interval_seconds.to_string(), asked.interval_seconds.to_string()),
            ("source", source.to_string(), asked.source.to_string()),
            ("auto-tune", auto_tune.to_string(), asked.auto_tune.to_string()),
            ("warm-up preset", preset(warmup_preset), preset(&asked.warmup_preset)),
            ("active overrides", file(active_overrides), file(&asked.active_overrides)),
            ("no waiting", no_wait.to_string(), asked.no_wait.to_string()),
            ("measures at", measure_at.word().to_owned(), asked.measure_at.word().to_owned()),
        ];
        rows.into_iter()
            .filter(|(_, declared, now)| declared != now)
            .map(|(what, declared, now)| format!("{what}: declared {declared}, now {now}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> RunSettings {
        RunSettings {
            interval_seconds: 300.0,
            source: SourceSettings::Sim { seed: 7, scenario: "default".to_owned(), real_time: false },
            auto_tune: true,
            warmup_preset: None,
            active_overrides: None,
            start_file: "runtime_overrides.json".to_owned(),
            abort_after_fails: 0,
            no_wait: false,
            measure_at: MeasureAt::Start,
        }
    }

    #[test]
    fn what_differs_is_told_and_what_agrees_is_not() {
        assert_eq!(settings().differences(&settings()), Vec::<String>::new());
        let asked = RunSettings {
            interval_seconds: 60.0,
            source: SourceSettings::Exec { command: vec!["a".to_owned(), "b".to_owned()] },
            abort_after_fails: 3,
            no_wait: true,
            measure_at: MeasureAt::End,
            ..settings()
        };
        assert_eq!(
            settings().differences(&asked),
            [
                "interval: declared 300, now 60",
                "source: declared sim (seed 7, scenario default), now exec (`a b`)",
                "no waiting: declared false, now true",
                "measures at: declared start, now end"
            ]
        );
    }
}
