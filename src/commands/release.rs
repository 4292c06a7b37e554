//! `soak release …`: arguments → product → output.

use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;
use chrono::SubsecRound;

use super::access::target;
use super::ci::Reporter;
use super::judging::{cannot_judge, collect_provenance, load_policy, overriding_by};
use super::post_soak::{leave, say, style, tell_folder};
use super::{Failure, print};
use crate::cli::globals::GlobalArgs;
use crate::cli::release::{
    BundleArgs, CanaryCheckArgs, CanaryCommand, ReadinessArgs, ReadinessCommand, RecordArgs, ReleaseCommand,
    ScoringArgs, TagArgs, ValidateArgs, VerifyArgs,
};
use crate::cli::values::{Format, ReportFormat, release_name};
use crate::core::analysis::Options;
use crate::core::analysis::folder as judge;
use crate::core::analysis::folder::{Judged, Request};
use crate::core::policy::Policy;
use crate::core::verdict::provenance::Provenance;
use crate::exit::Exit;
use crate::infra::atomic_file as loose;
use crate::infra::clock;
use crate::infra::clock::StopRequest;
use crate::infra::environment::Environment;
use crate::infra::http::Limits;
use crate::release::bundle::store::{BundleError, archive_of, look, put};
use crate::release::canary::verdict::{CanaryResult, Scope};
use crate::release::canary::{CanaryRequest, LimitsOf, MeasuredBy, Server, report};
use crate::release::day::{Stated, record};
use crate::release::score::SCORE_FILE;
use crate::release::tag::{TagRequest, Tagged, tag};
use crate::release::{bundle, canary, score, validate};
use crate::report::json;

/// The command that was asked for.
pub(super) fn run(command: &ReleaseCommand, globals: &GlobalArgs) -> Result<Exit, Failure> {
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

/// Scores, writes, prints; HOLD is exit code 1.
fn readiness(args: &ReadinessArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let ReadinessArgs { command, dir, out_json, scoring: ScoringArgs { policy, rehearsal, format } } = args;
    if let Some(ReadinessCommand::Record(args)) = command {
        return record_day(args, globals);
    }
    let policy = load_policy(policy.policy.as_deref(), &[])?;
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

/// Judges a run; `hint` says which argument names it.
fn judged(
    run: &Path,
    policy: &Policy,
    options: Options,
    hint: &str,
    globals: &GlobalArgs,
) -> Result<Judged, Failure> {
    let judged = judge::judge(&Request::new(run, policy, options));
    let judged = judged.map_err(|error| cannot_judge(error).hint(hint))?;
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
    let policy = load_policy(policy.policy.as_deref(), &[])?;
    let provenance = collect_provenance(&policy, None)?;
    let hint = "RUN is the folder with the ITER_SUMMARY_<n>.json files";
    let judged = judged(run, &policy, Options::default(), hint, globals)?;
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
    let policy = load_policy(policy.policy.as_deref(), &[])?;
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
    if bundle::overlap(src, out) {
        return Err(Failure::usage(anyhow!("`--src` and `--out` lie in one another"))
            .hint("put the bundle beside the run, as in `--out release/v1.0.0`"));
    }
    let policy = load_policy(policy.policy.as_deref(), &[])?;
    let collected = collect_provenance(&policy, overriding_by(override_reason.as_deref(), by))?;
    let provenance = Provenance { rehearsal: *rehearsal, ..collected };
    let options = Options { mock: mock.mock, ..Options::default() };
    let hint = "`--src` names the folder with the ITER_SUMMARY_<n>.json files";
    let judged = judged(src, &policy, options, hint, globals)?;
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
    if packed.is_none() && !dry_run && loose::exists(&beside) {
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
    let Tagged { name, commit, message, replaces } = tag(request, &stop)?;
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
    print(format!("{message}\nTag `{name}` {verb} at {commit}\n{next}"))?;
    Ok(Exit::Success)
}

/// Checks, prints, ends by the verdict.
fn check_canary(args: &CanaryCheckArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let CanaryCheckArgs {
        bundle,
        path,
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
    let result = reporter.or_error(|| {
        let policy = load_policy(policy.policy.as_deref(), &[])?;
        let provenance = collect_provenance(&policy, overriding_by(override_reason.as_deref(), by))?;
        if bundle.is_none() && path.is_none() && after_rollback.is_none() {
            return Err(Failure::usage(anyhow!("nothing says which limits the canary has"))
                .hint("`--bundle` names the release bundle, `--path` the folder of its soak"));
        }
        let (scope, since) = match (after_rollback, since, hour, so_far) {
            (Some(at), ..) => (Scope::AfterRollback, at),
            (None, Some(since), Some(hour), _) => (Scope::Hour(*hour), since),
            (None, Some(since), None, true) => (Scope::SoFar, since),
            (None, Some(since), None, false) => (Scope::Whole, since),
            (None, None, ..) => {
                return Err(Failure::usage(anyhow!("`--since` says when the canary started")));
            }
        };
        let http = Limits::default();
        let asked;
        let measured = match (canary_run, &server.prometheus_url) {
            (Some(path), _) => MeasuredBy::Folder { path, symbol: symbol.as_deref() },
            (None, Some(url)) => {
                asked =
                    target(url, &server.access, "`--prometheus-url` wants http(s)://host[:port][/prefix]")?;
                let selector = server.selector.as_deref().unwrap_or_default();
                MeasuredBy::Server(Server { target: &asked, selector, limits: &http })
            }
            (None, None) => {
                return Err(Failure::usage(anyhow!("nothing says where the measurements are"))
                    .hint("`--prometheus-url` names a server, `--canary-run` a run folder"));
            }
        };
        let now = clock::now(&Environment::of_process()).map_err(|error| {
            Failure::usage(error).hint("an example of a valid time is 2026-01-31T12:00:00Z")
        })?;
        let stop = StopRequest::listen().map_err(Failure::external)?;
        let soak = path.as_deref().filter(|_| bundle.is_none());
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
    let exit = match (&result.overridden, result.rollback) {
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
