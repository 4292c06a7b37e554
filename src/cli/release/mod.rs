//! Arguments of `soak release …`.

pub mod readiness;

use clap::Subcommand;

use readiness::{ReadinessArgs, ValidateArgs};

/// `soak release …`, in the order of the work.
#[derive(Debug, Subcommand)]
pub enum ReleaseCommand {
    /// Score the reports of the last days: GO only at 100 of 100
    ///
    /// Reads REPORT_SOAK_<date>.json files, which `release readiness record` writes, and scores net edge, latency,
    /// taker share, guards, chaos tests and bug bash by the limits in [readiness_score] of the policy. A value, a
    /// report or a day that is missing costs points. READINESS_SCORE.json and READINESS_SCORE.md are written. The
    /// exit code is 0 for GO and 1 for HOLD.
    Readiness(ReadinessArgs),
    /// Check a READINESS_SCORE.json: structure, ranges, sum, GO only at 100
    ///
    /// Everything that is wrong is listed. The exit code is 0 only for a valid GO.
    Validate(ValidateArgs),
}
