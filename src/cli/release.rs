//! Arguments of `soak release …`.

use crate::cli::arguments::globals::GlobalArgs;
use crate::cli::arguments::judging::{CiArgs, MockArgs, OverrideByArgs, PathArgs, PolicyArgs};
use crate::cli::arguments::server::ServerArgs;
use crate::cli::arguments::values::{
    FailOnWarn, Format, ReportFormat, commit, hours, plain_text, ratio, reason, release_name, remote,
    revision, seconds, time,
};
use crate::cli::judge::folder::{cannot_judge, collect_provenance, load_policy, overriding_by};
use crate::cli::judge::post_soak::{leave, say, style, tell_folder};
use crate::cli::output::ci::Reporter;
use crate::cli::output::stdout::print;
use crate::core::analysis::folder::{Judged, Request};
use crate::core::analysis::{Options, folder as judge};
use crate::core::policy::{Policy, Profile};
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::core::verdict::provenance::Provenance;
use crate::infra::clock::StopRequest;
use crate::infra::environment::Environment;
use crate::infra::http::Limits;
use crate::infra::{atomic_file, clock};
use crate::release::bundle::store::{BundleError, archive_of, look, put};
use crate::release::canary::verdict::{CanaryResult, Scope};
use crate::release::canary::{CanaryRequest, LimitsOf, MeasuredBy, Server, report};
use crate::release::day::{Stated, record};
use crate::release::score::SCORE_FILE;
use crate::release::tag::{TagRequest, Tagged, tag};
use crate::release::{bundle, canary, score, validate};
use crate::report::json;
use anyhow::anyhow;
use chrono::{DateTime, SubsecRound, Utc};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// Folder of the run, with the ITER_SUMMARY_*.json files, or an archive of it
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

    /// Filled ÷ placed orders, 0 to 1
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    pub fill_rate: Option<f64>,

    /// 95th percentile of the absolute position skew, 0 to 1
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    pub pos_skew_abs_p95: Option<f64>,

    /// Breaches of intraday caps
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
#[command(
    after_help = "\
Examples:
  soak release bundle artifacts/soak/latest --out release/v1.4.0 --archive
  soak release bundle artifacts/soak/latest --out release/v1.4.0 --dry-run
  soak release bundle artifacts/soak/latest --out release/try --rehearsal   a simulated run",
    mut_arg("run_folder", |arg| {
        arg.required_unless_present("path")
            .help("Folder of the run, with the ITER_SUMMARY_*.json files, or an archive of it (DIR or --src is needed)")
            .long_help(None::<&str>)
    }),
    mut_arg("path", |arg| arg.long("src").alias(None).help("The same as DIR"))
)]
pub struct BundleArgs {
    /// The run.
    #[command(flatten)]
    pub src: PathArgs,

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

    /// Build the bundle despite the refusals; the bundle records who, when, why and which
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

    /// Push the tag, and nothing else, to this remote
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
    /// The exit code is 0 for PASS and WARN. A canary in progress is INCONCLUSIVE, which is exit code 1 (3
    /// with --detailed-exitcode), until its last hour and canary.watch_hours_min have passed; --so-far asks for the
    /// verdict on what is due. A trigger that held is always 1, also where something else is INVALID. Nothing is
    /// written but what --junit and --github ask for. The time is that of the clock, or $SOAK_NOW.
    Check(Box<CanaryCheckArgs>),
}

/// `soak release canary check`
#[derive(Debug, Args)]
#[command(
    after_help = "\
Examples:
  soak release canary check --bundle release/v1.4.0 --since 2026-03-01T09:00:00Z --prometheus-url http://localhost:9090 \\
    --selector 'instance=\"canary:9100\"'
  soak release canary check --bundle release/v1.4.0.tar.gz --since 2026-03-01T09:00:00Z --so-far --detailed-exitcode \\
    --prometheus-url http://localhost:9090      every five minutes: 0 good so far, 1 roll back, others look
  soak release canary check --bundle . --since 2026-03-01T09:00:00Z --hour 6 --format md --canary-run artifacts/canary/latest
  soak release canary check --after-rollback 2026-03-01T16:20:00Z --prometheus-url http://localhost:9090",
    mut_arg("run_folder", |arg| {
        arg.help(
            "In place of a bundle: folder or archive of the soak that the limits of the policy follow; its verdict must be PASS or \
             WARN",
        )
        .long_help(None::<&str>)
    }),
    mut_arg("path", |arg| arg.alias(None).help("The same as DIR"))
)]
pub struct CanaryCheckArgs {
    /// Bundle whose checklist it is, folder or .tar.gz; it is verified, and the policy in it holds (--bundle or DIR is needed but with --after-rollback)
    #[arg(long, value_name = "BUNDLE", conflicts_with_all = ["run_folder", "path"])]
    pub bundle: Option<PathBuf>,

    /// The soak.
    #[command(flatten)]
    pub soak: PathArgs,

    /// When the canary started to get its traffic, RFC 3339 (--since or --after-rollback is needed)
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

    /// In place of a server: run folder, or an archive of it, whose iterations were measured on the canary; runtime_utc says when each
    /// ended [default: the server of --prometheus-url is asked; one of the two is needed]
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = [
            "prometheus_url", "selector", "bearer_token_file", "basic_auth_user", "basic_auth_password_file", "header",
            "ca_file"
        ]
    )]
    pub canary_run: Option<PathBuf>,

    /// The symbol to look at, where --canary-run has several [default: the only one]
    #[arg(long, value_name = "SYMBOL", requires = "canary_run")]
    pub symbol: Option<String>,

    /// Judge the limits of this hour alone, with the triggers so far [default: all hours]
    #[arg(long, value_name = "HOUR", value_parser = hours, conflicts_with_all = ["so_far", "after_rollback"])]
    pub hour: Option<f64>,

    /// Judge a canary in progress by what is due, instead of INCONCLUSIVE
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

    /// Exit 0 whatever the verdict on this one check is; every form of the result records who, when and why
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

/// The command that was asked for.
pub(crate) fn run(command: &ReleaseCommand, globals: &GlobalArgs) -> Result<Exit, Failure> {
    match command {
        ReleaseCommand::Readiness(args) => readiness(args, globals),
        ReleaseCommand::Validate(args) => validate_score(args),
        ReleaseCommand::Bundle(args) => build_bundle(args, globals),
        ReleaseCommand::Verify(args) => verify(args),
        ReleaseCommand::Tag(args) => make_tag(args),
        ReleaseCommand::Canary(CanaryCommand::Check(args)) => check_canary(args, globals),
    }
}

/// What is left to those whose reports do not say that their data is real, as those of the earlier scripts.
const WAY_OUT: &str = "`--rehearsal` scores such reports as a rehearsal; `soak release readiness record` writes reports \
                       that say where their data came from";

/// That the policy is of the system that the score is made for.
fn check_scored(policy: &Policy) -> Result<(), Failure> {
    if policy.profile == Profile::Trading {
        return Ok(());
    }
    let profile = policy.profile.word();
    Err(Failure::usage(anyhow!(
        "the readiness score is of the profile `trading`, and the policy extends `{profile}`"
    ))
    .hint("`soak audit` shows whether a run is ready, `soak release bundle` refuses one that is not"))
}

/// Scores, writes, prints; HOLD is exit code 1.
fn readiness(args: &ReadinessArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let ReadinessArgs { command, dir, out_json, scoring: ScoringArgs { policy, rehearsal, format } } = args;
    if let Some(ReadinessCommand::Record(args)) = command {
        return record_day(args, globals);
    }
    let policy = load_policy(policy, &[])?;
    check_scored(&policy)?;
    let provenance = collect_provenance(&policy, None)?;
    let score = score::score(dir, &policy, &provenance, *rehearsal).map_err(|error| {
        Failure::input(error).hint("`--dir` names the folder with the REPORT_SOAK_<date>.json files")
    })?;
    let file = out_json.clone().unwrap_or_else(|| dir.join(SCORE_FILE));
    let beside = score.write(&file).map_err(|error| {
        Failure::output(error).hint("`--out-json` names a file in a folder that can be written")
    })?;
    match format {
        Format::Text => print(score.text([&file, &beside]))?,
        Format::Json => print(json::compact_ascii(&score))?,
    }
    if score.has_unreleasable() {
        say(globals, &format!("hint: {WAY_OUT}"));
    }
    Ok(if score.is_go() { Exit::Success } else { Exit::Failed })
}

/// Judges a run.
fn judged(run: &Path, policy: &Policy, options: Options, globals: &GlobalArgs) -> Result<Judged, Failure> {
    let judged = judge::judge(&Request::new(run, policy, options)).map_err(cannot_judge)?;
    tell_folder(globals, &judged, run);
    Ok(judged)
}

fn record_day(args: &RecordArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let RecordArgs {
        run,
        chaos,
        bug_bash,
        drift,
        fill_rate,
        pos_skew_abs_p95,
        caps_breaches,
        dir,
        replace,
        scoring: ScoringArgs { policy, rehearsal, format },
    } = args;
    let policy = load_policy(policy, &[])?;
    check_scored(&policy)?;
    let provenance = collect_provenance(&policy, None)?;
    let judged = judged(run, &policy, Options::default(), globals)?;
    let stated = Stated {
        chaos: chaos.clone(),
        bug_bash: bug_bash.clone(),
        drift: drift.clone(),
        fill_rate: *fill_rate,
        pos_skew_abs_p95: *pos_skew_abs_p95,
        caps_breach_count: *caps_breaches,
    };
    let recorded = record(&judged, &policy, &provenance, &stated, dir, *rehearsal, *replace)?;
    leave(judged);
    for problem in &recorded.unusable {
        say(globals, &format!("warning: an earlier report is left out of the comparison: {problem}"));
    }
    match format {
        Format::Text => print(recorded.text())?,
        Format::Json => print(json::pretty_ascii(&recorded.report))?,
    }
    Ok(Exit::Success)
}

/// Looks at a score's file; only a valid GO is exit code 0.
fn validate_score(args: &ValidateArgs) -> Result<Exit, Failure> {
    let ValidateArgs { file, scoring: ScoringArgs { policy, rehearsal, format } } = args;
    let policy = load_policy(policy, &[])?;
    check_scored(&policy)?;
    let found = validate::validate(file, &policy.release, *rehearsal);
    match format {
        Format::Text => print(found.text())?,
        Format::Json => print(json::pretty(&found))?,
    }
    Ok(match () {
        () if found.is_go() => Exit::Success,
        () if found.errors.is_empty() => Exit::Failed,
        () => Exit::InputInvalid,
    })
}

/// Judges, builds, puts in place, prints.
fn build_bundle(args: &BundleArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let BundleArgs {
        src,
        out,
        name,
        commit,
        archive,
        policy,
        mock,
        override_reason,
        by,
        rehearsal,
        dry_run,
        format,
    } = args;
    let name = if let Some(name) = name {
        name.clone()
    } else {
        let name = out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        release_name(&name).map_err(|problem| {
            Failure::usage(anyhow!("{problem}"))
                .hint("`--name` gives the release another name than its folder")
        })?
    };
    let Some(src) = src.named() else {
        return Err(Failure::usage(anyhow!("DIR names the run folder")));
    };
    if bundle::overlap(src, out) {
        return Err(Failure::usage(anyhow!("the run folder and `--out` contain one another"))
            .hint("write the bundle next to the run, as in `--out release/v1.0.0`"));
    }
    let policy = load_policy(policy, &[])?;
    let collected = collect_provenance(&policy, overriding_by(override_reason.as_deref(), by))?;
    let provenance = Provenance { rehearsal: *rehearsal, ..collected };
    let options = Options { mock: mock.mock, ..Options::default() };
    let judged = judged(src, &policy, options, globals)?;
    let built = bundle::build(&judged, &policy, &provenance, &name, commit.as_deref())?;
    let packed = if *archive { Some(bundle::archive(&built)?) } else { None };
    leave(judged);
    let cannot_put = |error: BundleError| {
        let hint = error.hint();
        Failure::output(error).hint_if_known(hint)
    };
    if *dry_run {
        look(out, packed.is_some()).map_err(cannot_put)?;
    } else {
        put(out, &built.files, packed.as_deref()).map_err(cannot_put)?;
    }
    let beside = archive_of(out);
    if packed.is_none() && !dry_run && atomic_file::exists(&beside) {
        say(
            globals,
            &format!("warning: `{}` is of an earlier build; `--archive` makes it anew", beside.display()),
        );
    }
    match format {
        Format::Text => {
            let archive = archive.then_some(beside.as_path());
            print(bundle::built_text(&built, out, archive, *dry_run))?;
        }
        Format::Json => print(json::pretty(&built.manifest))?,
    }
    Ok(Exit::Success)
}

/// Checks a bundle; only a sound one is exit code 0.
fn verify(args: &VerifyArgs) -> Result<Exit, Failure> {
    let VerifyArgs { bundle, format } = args;
    let result = bundle::verify(bundle)?;
    match format {
        Format::Text => print(bundle::verified_text(&result))?,
        Format::Json => print(json::pretty(&result))?,
    }
    Ok(if result.valid { Exit::Success } else { Exit::InputInvalid })
}

/// Checks, tags, prints.
fn make_tag(args: &TagArgs) -> Result<Exit, Failure> {
    let TagArgs { bundle, tag: name, repo, target, sign, force, push, push_timeout, dry_run } = args;
    let request = TagRequest {
        bundle,
        name: name.as_deref(),
        repo,
        target,
        sign: *sign,
        force: *force,
        push: push.as_deref(),
        push_limit: Duration::from_secs_f64(*push_timeout),
        dry_run: *dry_run,
    };
    // Git pushes in a process group of its own, which signals of a terminal do not reach.
    let stop =
        if push.is_some() { StopRequest::listen().map_err(Failure::failed)? } else { StopRequest::default() };
    let Tagged { name, commit, message, replaces, repository } = tag(request, &stop)?;
    let verb = match (dry_run, replaces) {
        (true, true) => "would be replaced",
        (true, false) => "would be made",
        (false, true) => "replaced",
        (false, false) => "made",
    };
    let next = match (push, dry_run) {
        (Some(_), false) => "Pushed.\n".to_owned(),
        (Some(_), true) => "It would be pushed.\n".to_owned(),
        (None, _) => format!("Not pushed. To push it: git push REMOTE refs/tags/{name}\n"),
    };
    let place = repository.display();
    print(format!("{message}\nTag `{name}` {verb} at {commit} in `{place}`\n{next}"))?;
    Ok(Exit::Success)
}

/// Checks, prints, ends by the verdict.
fn check_canary(args: &CanaryCheckArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let CanaryCheckArgs {
        bundle,
        soak,
        since,
        after_rollback,
        server,
        canary_run,
        symbol,
        hour,
        so_far,
        policy,
        rehearsal,
        fail_on,
        override_reason,
        by,
        ci,
        format,
    } = args;
    let reporter = Reporter {
        globals,
        args: ci,
        name: "soak canary",
        is_json: *format == ReportFormat::Json,
        is_text: *format == ReportFormat::Text,
    };
    let soak = soak.named();
    let result = reporter.or_error(|| {
        let policy = load_policy(policy, &[])?;
        let provenance = collect_provenance(&policy, overriding_by(override_reason.as_deref(), by))?;
        if bundle.is_none() && soak.is_none() && after_rollback.is_none() {
            return Err(Failure::usage(anyhow!("the canary has no limits"))
                .hint("`--bundle` names the release bundle, DIR the folder of its soak"));
        }
        let (scope, since) = match (after_rollback, since, hour, so_far) {
            (Some(at), ..) => (Scope::AfterRollback, at),
            (None, Some(since), Some(hour), _) => (Scope::Hour(*hour), since),
            (None, Some(since), None, true) => (Scope::SoFar, since),
            (None, Some(since), None, false) => (Scope::Whole, since),
            (None, None, ..) => {
                return Err(Failure::usage(anyhow!("`--since` gives the start of the canary")));
            }
        };
        let http = Limits::default();
        let asked;
        let (url, selector) = (server.url(), server.selector().unwrap_or_default());
        let measured = match (canary_run, &url) {
            (Some(path), _) => MeasuredBy::Folder { path, symbol: symbol.as_deref() },
            (None, Some(url)) => {
                asked = server.target(url)?;
                MeasuredBy::Server(Server { target: &asked, selector: &selector, limits: &http })
            }
            (None, None) => {
                return Err(Failure::usage(anyhow!("no measurements are given"))
                    .hint("`--prometheus-url` names a server, `--canary-run` a run folder"));
            }
        };
        let now = clock::now(&Environment::of_process()).map_err(|error| {
            Failure::usage(error).hint("an example of a valid time is 2026-01-31T12:00:00Z")
        })?;
        let stop = StopRequest::listen().map_err(Failure::external)?;
        let soak = soak.filter(|_| bundle.is_none());
        let soak = soak.map(|run| Ok((run, judge::judge(&Request::new(run, &policy, Options::default()))?)));
        let soak = soak.transpose().map_err(cannot_judge)?;
        let limits = match (bundle, &soak) {
            (Some(bundle), _) => LimitsOf::Bundle(bundle),
            (None, Some((run, judged))) => LimitsOf::Run(run, &judged.analysis),
            (None, None) => LimitsOf::Policy,
        };
        let (now, rehearsal) = (now.trunc_subsecs(0), *rehearsal);
        let request = CanaryRequest { limits, measured, since: *since, now, scope, rehearsal };
        canary::check(&request, &policy, &provenance, &stop)
    })?;
    // A trigger that held wants a rollback, whatever else could not be judged beside it.
    let exit = match (&result.envelope.overridden, result.rollback) {
        (Some(_), _) => Exit::Success,
        (None, Some(_)) => Exit::Failed,
        (None, None) => Exit::of_verdict(result.outcome, fail_on.is_some()),
    };
    reporter.conclude(&report::ci(&result), exit, None, "--fail-on warn", |exit_code, _| {
        let result = CanaryResult { exit_code, ..result.clone() };
        match format {
            ReportFormat::Text => report::text(&result, style(globals, false)),
            ReportFormat::Json => json::pretty(&result),
            ReportFormat::Md => report::markdown(&result),
        }
    })
}
