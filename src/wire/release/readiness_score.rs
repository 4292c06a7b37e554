//! `READINESS_SCORE.json`: the score out of 100, GO or HOLD. Sorted, on one line, ASCII, as its readers know it.

use serde::Serialize;

use super::day_report::RuntimeTold;
use crate::core::release::score::{Day, Score, Section};

/// The points of each section.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SectionPoints {
    /// Chaos tests.
    pub chaos: f64,
    /// Net edge.
    pub edge: f64,
    /// Regressions and drift.
    pub guards: f64,
    /// Order age.
    pub latency: f64,
    /// Taker share.
    pub taker: f64,
    /// Bug bash.
    pub tests: f64,
}

/// A day that was looked at; null = not known.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct DayTold {
    /// Outcome of the bug bash.
    pub bug_bash_ok: Option<bool>,
    /// Outcome of the chaos tests.
    pub chaos_ok: Option<bool>,
    /// `2026-01-31`; null when the name of the file does not say it.
    pub date: Option<String>,
    /// Net edge, bps.
    pub edge_net_bps: Option<f64>,
    /// Name of the file.
    pub file: String,
    /// Neither regression nor drift.
    pub guards_clear: Option<bool>,
    /// Order age, ms.
    pub order_age_p95_ms: Option<f64>,
    /// What is wrong with the report.
    pub problems: Vec<String>,
    /// Its data is no basis for a release, or the report does not say that it is one.
    pub rehearsal: bool,
    /// Where its data came from; null when the report does not say.
    pub source: Option<String>,
    /// Taker share, percent.
    pub taker_share_pct: Option<f64>,
}

/// The score.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ReadinessScore {
    /// Oldest first.
    pub days: Vec<DayTold>,
    /// Days asked for.
    pub days_wanted: usize,
    /// SHA-256 of the policy values in force.
    pub policy_sha256: String,
    /// What costs points because it is not known.
    pub problems: Vec<String>,
    /// Made up data counts; such a GO is none for a release.
    pub rehearsal: bool,
    /// When, and by which version.
    pub runtime: RuntimeTold,
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// 0 to 100, the sum of the sections.
    pub score: f64,
    /// The points of each section.
    pub sections: SectionPoints,
    /// GO only at 100.
    #[schemars(extend("enum" = ["GO", "HOLD"]))]
    pub verdict: String,
}

impl ReadinessScore {
    /// The file of a score.
    pub fn of(score: &Score, runtime: RuntimeTold, policy_sha256: &str) -> Self {
        let points = |section: Section| {
            score.sections.iter().find(|scored| scored.section == section).map_or(0.0, |scored| scored.points)
        };
        Self {
            days: score.days.iter().map(told).collect(),
            days_wanted: score.wanted,
            policy_sha256: policy_sha256.to_owned(),
            problems: score.problems(),
            rehearsal: score.rehearsal,
            runtime,
            schema_version: "1.0".to_owned(),
            score: score.total,
            sections: SectionPoints {
                chaos: points(Section::Chaos),
                edge: points(Section::Edge),
                guards: points(Section::Guards),
                latency: points(Section::Latency),
                taker: points(Section::Taker),
                tests: points(Section::Tests),
            },
            verdict: score.verdict().to_owned(),
        }
    }
}

fn told(day: &Day) -> DayTold {
    DayTold {
        bug_bash_ok: day.tests_ok,
        chaos_ok: day.chaos_ok,
        date: day.date.clone(),
        edge_net_bps: day.edge,
        file: day.file.clone(),
        guards_clear: day.guards_clear,
        order_age_p95_ms: day.latency,
        problems: day.problems.clone(),
        rehearsal: day.unreleasable.is_some(),
        source: day.source.clone(),
        taker_share_pct: day.taker,
    }
}
