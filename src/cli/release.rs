//! Arguments of `soak release …`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};

use super::judging::{CiArgs, MockArgs, OverrideByArgs, PolicyArgs};
use super::server::ServerArgs;
use super::values::{
    FailOnWarn, Format, ReportFormat, commit, hours, plain_text, ratio, reason, release_name, remote,
    revision, seconds, time,
};

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

/// What everything about the score takes: by which limits, from which data, told how.
#[derive(Debug, Args)]
pub struct ScoringArgs {
    /// The limits.
    #[command(flatten)]
    pub policy: PolicyArgs,

    /// Take simulated data; the result says so and counts for a rehearsal alone
    #[arg(long)]
    pub rehearsal: bool,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `soak release readiness`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  soak release readiness record artifacts/soak/latest --chaos OK --bug-bash OK
  soak release readiness
  soak release readiness --dir artifacts --out-json artifacts/READINESS_SCORE.json"
)]
pub struct ReadinessArgs {
    /// Something else than the score.
    #[command(subcommand)]
    pub command: Option<ReadinessCommand>,

    /// Folder with the REPORT_SOAK_DATE.json files
    #[arg(long, value_name = "DIR", default_value = "artifacts")]
    pub dir: PathBuf,

    /// File for the score; the same for people goes beside it as .md [default: READINESS_SCORE.json in the folder
    /// of --dir]
    #[arg(long, value_name = "FILE")]
    pub out_json: Option<PathBuf>,

    /// Limits, data, output.
    #[command(flatten)]
    pub scoring: ScoringArgs,
}

/// `soak release readiness …`
#[derive(Debug, Subcommand)]
pub enum ReadinessCommand {
    /// Write the report of the day of a run, REPORT_SOAK_DATE.json
    ///
    /// Net edge, order age and taker share are the means over the iterations from windows.steady_start on. A day
    /// that was not measured is refused, never filled up with zeros: a run that is INVALID or INCONCLUSIVE, a KPI
    /// that no iteration has, drift of resources that nobody watched.
    Record(Box<RecordArgs>),
}

/// `soak release readiness record`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak release readiness record artifacts/soak/latest --chaos OK --bug-bash \"OK (2 minor)\"
  soak release readiness record artifacts/soak/latest --chaos OK --bug-bash OK --drift NONE")]
pub struct RecordArgs {
    /// Folder of the run, with the ITER_SUMMARY_*.json files
    #[arg(value_name = "RUN")]
    pub run: PathBuf,

    /// Outcome of the chaos tests of the day; only a text whose first word is OK counts as passed
    #[arg(long, value_name = "TEXT", value_parser = plain_text)]
    pub chaos: String,

    /// Outcome of the bug bash of the day; only a text whose first word is OK counts as passed
    #[arg(long, value_name = "TEXT", value_parser = plain_text)]
    pub bug_bash: String,

    /// NONE, or what drifts [default: as measured on the resources of the run (`soak run --pid`); without them the
    /// day is refused]
    ///
    /// Drift that was measured stands whatever is stated here.
    #[arg(long, value_name = "TEXT", value_parser = plain_text)]
    pub drift: Option<String>,

    /// Filled ÷ placed orders, 0 to 1 [default: not known]
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    pub fill_rate: Option<f64>,

    /// 95th percentile of the absolute position skew, 0 to 1 [default: not known]
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    pub pos_skew_abs_p95: Option<f64>,

    /// Breaches of intraday caps [default: not known]
    #[arg(long, value_name = "N")]
    pub caps_breaches: Option<u64>,

    /// Folder for the report; earlier reports in it are what regressions are looked for against
    #[arg(long, value_name = "DIR", default_value = "artifacts")]
    pub dir: PathBuf,

    /// Write over a report of the same day that says something else
    #[arg(long)]
    pub replace: bool,

    /// Limits, data, output.
    #[command(flatten)]
    pub scoring: ScoringArgs,
}

/// `soak release validate`
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  soak release validate artifacts/READINESS_SCORE.json")]
pub struct ValidateArgs {
    /// The score's JSON
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Limits, data, output.
    #[command(flatten)]
    pub scoring: ScoringArgs,
}

/// `soak release bundle`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak release bundle --src artifacts/soak/latest --out release/v1.4.0 --archive
  soak release bundle --src artifacts/soak/latest --out release/v1.4.0 --dry-run
  soak release bundle --src artifacts/soak/latest --out release/try --rehearsal   a simulated run")]
pub struct BundleArgs {
    /// Folder of the run, with the ITER_SUMMARY_*.json files
    #[arg(long, value_name = "RUN")]
    pub src: PathBuf,

    /// Folder of the bundle
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Name of the release, which is also that of its tag; that of a rehearsal ends in -rehearsal [default: the
    /// name of the folder of --out]
    #[arg(long, value_name = "NAME", value_parser = release_name)]
    pub name: Option<String>,

    /// Commit of the system under test [default: the `commit` in the iterations, else not recorded]
    #[arg(long, value_name = "SHA", value_parser = commit)]
    pub commit: Option<String>,

    /// Also write the bundle as DIR.tar.gz
    #[arg(long)]
    pub archive: bool,

    /// The limits.
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// Relaxed limits.
    #[command(flatten)]
    pub mock: MockArgs,

    /// Build the bundle in spite of what stands against it; who, when, why, and what it was stand in it [default: no
    /// override]
    ///
    /// When is $SOAK_NOW, else what the clock says: then two bundles of the same run differ in it.
    #[arg(long = "override", value_name = "REASON", env = "READINESS_OVERRIDE", value_parser = reason)]
    pub override_reason: Option<String>,

    /// Who overrides.
    #[command(flatten)]
    pub by: OverrideByArgs,

    /// Allow a simulated run and relaxed limits; every report says so, and the tag must end in -rehearsal
    #[arg(long)]
    pub rehearsal: bool,

    /// Show what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,

    /// How the result is printed; json is the bundle's manifest
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `soak release verify`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak release verify release/v1.4.0
  soak release verify release/v1.4.0.tar.gz")]
pub struct VerifyArgs {
    /// Folder of the bundle, or its .tar.gz
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `soak release tag`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak release tag --bundle release/v1.4.0 --dry-run
  soak release tag --bundle release/v1.4.0 --sign
  soak release tag --bundle release/v1.4.0.tar.gz --tag v1.4.0 --push origin")]
pub struct TagArgs {
    /// Folder of the bundle, or its .tar.gz
    #[arg(long, value_name = "BUNDLE")]
    pub bundle: PathBuf,

    /// Name of the tag [default: the name of the release in the bundle]
    #[arg(long, value_name = "NAME", value_parser = release_name)]
    pub tag: Option<String>,

    /// Folder in the git repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub repo: PathBuf,

    /// What is tagged; must be the commit that the bundle names, if it names one
    #[arg(long, value_name = "REVISION", default_value = "HEAD", value_parser = revision)]
    pub target: String,

    /// Sign the tag with your key, as git is configured
    #[arg(long)]
    pub sign: bool,

    /// Replace a tag of the same name; the old one stays until the new one is there
    #[arg(long)]
    pub force: bool,

    /// Push the tag, and nothing else, to this remote [default: not pushed]
    #[arg(long, value_name = "REMOTE", value_parser = remote)]
    pub push: Option<String>,

    /// Give a push up after so many seconds, and end git with everything that it started; the tag stays in the
    /// repository
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value_t = 120.0, requires = "push")]
    pub push_timeout: f64,

    /// Check everything and show the tag, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `soak release canary …`
#[derive(Debug, Subcommand)]
pub enum CanaryCommand {
    /// Hold a canary against the limits and triggers of its checklist; exits by the verdict
    ///
    /// The limits come from the bundle, which is verified first, or from the policy and a soak. Every trigger is
    /// looked at in steps of canary.step_minutes since the start, every hour that is due by the window that ends with
    /// it, and the time since by the limits of the last hour. Steps that nobody saw are never good ones.
    ///
    /// The exit code is 0 for PASS and WARN. A canary that still goes on is INCONCLUSIVE, which is exit code 1 (3
    /// with --detailed-exitcode), until its last hour and canary.watch_hours_min have passed; --so-far asks for the
    /// verdict on what is due. A trigger that held is always 1, also where something else is INVALID. Nothing is
    /// written but what --junit and --github ask for. The time is that of the clock, or $SOAK_NOW.
    Check(Box<CanaryCheckArgs>),
}

/// `soak release canary check`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak release canary check --bundle release/v1.4.0 --since 2026-03-01T09:00:00Z --prometheus-url http://localhost:9090 \\
    --selector 'instance=\"canary:9100\"'
  soak release canary check --bundle release/v1.4.0.tar.gz --since 2026-03-01T09:00:00Z --so-far --detailed-exitcode \\
    --prometheus-url http://localhost:9090      every five minutes: 0 good so far, 1 roll back, others look
  soak release canary check --bundle . --since 2026-03-01T09:00:00Z --hour 6 --format md --canary-run artifacts/canary/latest
  soak release canary check --after-rollback 2026-03-01T16:20:00Z --prometheus-url http://localhost:9090")]
pub struct CanaryCheckArgs {
    /// Bundle whose checklist it is, folder or .tar.gz; it is verified, and the policy in it holds [default: none;
    /// --bundle or --path is needed but with --after-rollback]
    #[arg(long, value_name = "BUNDLE", conflicts_with = "path")]
    pub bundle: Option<PathBuf>,

    /// In place of a bundle: folder of the soak that the limits of the policy follow; its verdict must be PASS or WARN
    /// [default: none]
    #[arg(long, value_name = "RUN")]
    pub path: Option<PathBuf>,

    /// When the canary started to get its traffic, RFC 3339 [default: none; --since or --after-rollback is needed]
    #[arg(
        long,
        value_name = "TIME",
        value_parser = time,
        required_unless_present = "after_rollback",
        conflicts_with = "after_rollback"
    )]
    pub since: Option<DateTime<Utc>>,

    /// When a rollback was done: judge only canary.after_rollback, which must hold for its watch_minutes up to now
    /// [default: a canary is judged]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub after_rollback: Option<DateTime<Utc>>,

    /// The server that has the measurements.
    #[command(flatten)]
    pub server: ServerArgs,

    /// In place of a server: run folder whose iterations were measured on the canary; runtime_utc says when each
    /// ended [default: the server of --prometheus-url is asked; one of the two is needed]
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = [
            "prometheus_url", "selector", "bearer_token_file", "basic_auth_user", "basic_auth_password_file", "header"
        ]
    )]
    pub canary_run: Option<PathBuf>,

    /// The symbol to look at, where --canary-run has several [default: the only one]
    #[arg(long, value_name = "SYMBOL", requires = "canary_run")]
    pub symbol: Option<String>,

    /// Judge the limits of this hour alone, with the triggers so far [default: all hours]
    #[arg(long, value_name = "HOUR", value_parser = hours, conflicts_with_all = ["so_far", "after_rollback"])]
    pub hour: Option<f64>,

    /// Judge a canary that still goes on by what is due, instead of INCONCLUSIVE
    #[arg(long, conflicts_with = "after_rollback")]
    pub so_far: bool,

    /// The policy: how metrics are asked for, and the limits where no bundle has them.
    #[command(flatten)]
    pub policy: PolicyArgs,

    /// Take a rehearsal's bundle and simulated data; the result says so
    #[arg(long)]
    pub rehearsal: bool,

    /// Exit 1 on WARN, too [default: WARN exits 0]
    #[arg(long, value_name = "OUTCOME", value_enum)]
    pub fail_on: Option<FailOnWarn>,

    /// Exit 0 whatever the verdict on this one check is; who, when and why stand in every form of the result [default:
    /// no override]
    ///
    /// No rollback is asked for then, also where a trigger held. $READINESS_OVERRIDE is about the release and counts for
    /// nothing here: what is set for a pipeline must not hold a rollback back. What is asked every five minutes must
    /// not carry one either. When is $SOAK_NOW, else what the clock says.
    #[arg(long = "override", value_name = "REASON", value_parser = reason)]
    pub override_reason: Option<String>,

    /// Who overrides.
    #[command(flatten)]
    pub by: OverrideByArgs,

    /// What CI gets.
    #[command(flatten)]
    pub ci: CiArgs,

    /// How the result is printed; md is the checklist, ticked
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}
