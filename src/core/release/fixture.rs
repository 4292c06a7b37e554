//! Rules for the tests of this room, with the numbers of the documents.

use crate::core::judge::fixture::limit;
use crate::core::policy::release::{ScoreRules, ScoredLimit};

/// Seven days; 30, 25, 15, 10, 10, 10 points; 2.5 bps, 350 ms, 15 %.
pub fn score_rules() -> ScoreRules {
    let scored = |points, value| ScoredLimit { points: limit(points), limit: limit(value) };
    ScoreRules {
        days: 7,
        regression_share: limit(0.10),
        warn_share: limit(0.10),
        edge: scored(30.0, 2.5),
        latency: scored(25.0, 350.0),
        taker: scored(15.0, 15.0),
        guards: limit(10.0),
        chaos: limit(10.0),
        tests: limit(10.0),
    }
}
