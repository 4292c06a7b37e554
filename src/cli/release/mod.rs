//! Arguments of `soak release …`.

pub mod bundle;
pub mod canary;
pub mod readiness;
pub mod tag;

use clap::Subcommand;

use bundle::{BundleArgs, VerifyArgs};
use canary::CanaryCommand;
use readiness::{ReadinessArgs, ValidateArgs};
use tag::TagArgs;

/// `soak release …`, in the order of the work.
#[derive(Debug, Subcommand)]
pub enum ReleaseCommand {
    /// Score the reports of the last days: GO only at 100 of 100
    ///
    /// Reads REPORT_SOAK_DATE.json files, which `release readiness record` writes, and scores net edge, latency,
    /// taker share, guards, chaos tests and bug bash by the limits in readiness_score of the policy. A value, a
    /// report or a day that is missing costs points. READINESS_SCORE.json and READINESS_SCORE.md are written. The
    /// exit code is 0 for GO and 1 for HOLD.
    Readiness(ReadinessArgs),
    /// Check a READINESS_SCORE.json: structure, ranges, sum, GO only at 100
    ///
    /// Everything that is wrong is listed. The exit code is 0 only for a valid GO.
    Validate(ValidateArgs),
    /// Build the release bundle of a run: reports, overrides profile, changelog, rollback plan, canary checklist
    ///
    /// Refused, with every reason at once, unless the verdict of the gate is PASS, the overrides may be frozen,
    /// readiness is OK, the tuning reached the overrides, the overrides are in their bounds and those that the
    /// last iteration ran with, the data and the limits are real, and there are enough iterations of one commit.
    /// Built aside and put in place whole; a former bundle that nobody touched is replaced, and anything else is
    /// left alone. MANIFEST.json and SHA256SUMS have the hash of every file. The same run gives the same bytes.
    Bundle(Box<BundleArgs>),
    /// Check a bundle, folder or archive: hashes, missing and extra files, and whether it may be one
    ///
    /// The exit code is 0 only when nothing is wrong.
    Verify(VerifyArgs),
    /// Make an annotated git tag with the KPIs and the hash of a verified bundle
    ///
    /// The bundle is verified first, the tree must be clean, and a tag of the name must not be there. Asks
    /// nothing, pushes only with --push.
    Tag(TagArgs),
    /// Watch the canary of a release by the limits of its checklist
    #[command(subcommand)]
    Canary(CanaryCommand),
}
