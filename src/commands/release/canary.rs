//! `soak release canary check`.

use anyhow::anyhow;
use chrono::SubsecRound;

use super::Failure;
use super::bundle::cannot_read;
use crate::cli::globals::GlobalArgs;
use crate::cli::release::canary::{CanaryCheckArgs, CanaryCommand};
use crate::cli::values::ReportFormat;
use crate::commands::access::target;
use crate::commands::ci::Reporter;
use crate::commands::judging::{cannot_judge, collect_provenance, load_policy, overriding_by};
use crate::commands::post_soak::style;
use crate::core::release::canary::verdict::Scope;
use crate::exit::Exit;
use crate::flow::release::canary::{self, CanaryError, CanaryLooked, CanaryRequest, LimitsOf, Measured};
use crate::io::clock;
use crate::io::environment::Environment;
use crate::io::http::Limits;
use crate::io::signals::StopRequest;
use crate::render::json;
use crate::render::release::{canary_ci, canary_md, canary_text};
use crate::wire::release::canary_result::{Asked, CanaryResult};

/// The command that was asked for.
pub(super) fn run(command: &CanaryCommand, globals: &GlobalArgs) -> Result<Exit, Failure> {
    match command {
        CanaryCommand::Check(args) => check(args, globals),
    }
}

/// Looks, tells, ends by the verdict.
fn check(args: &CanaryCheckArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
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
    let (provenance, scope, source, source_place, looked) = reporter.or_error(|| {
        let policy = load_policy(policy.policy.as_deref(), &[])?;
        let provenance = collect_provenance(&policy, overriding_by(override_reason.as_deref(), by))?;
        let limits = match (bundle, path, after_rollback) {
            (Some(bundle), _, _) => LimitsOf::Bundle(bundle),
            (None, Some(run), _) => LimitsOf::Run(run),
            (None, None, Some(_)) => LimitsOf::Policy,
            (None, None, None) => {
                return Err(Failure::usage(anyhow!("nothing says which limits the canary has"))
                    .hint("`--bundle` names the release bundle, `--path` the folder of its soak"));
            }
        };
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
        let asked_server;
        let selector = server.selector.as_deref().unwrap_or_default();
        let (measured, source, source_place) = match (canary_run, &server.prometheus_url) {
            (Some(folder), _) => {
                let measured = Measured::Folder { path: folder, symbol: symbol.as_deref() };
                (measured, "folder", folder.display().to_string())
            }
            (None, Some(url)) => {
                let hint = "`--prometheus-url` wants http(s)://host[:port][/prefix]";
                asked_server = target(url, &server.access, hint)?;
                let place = asked_server.url().to_owned();
                (Measured::Server { target: &asked_server, selector, limits: &http }, "prometheus", place)
            }
            (None, None) => {
                return Err(Failure::usage(anyhow!("nothing says where the measurements are"))
                    .hint("`--prometheus-url` names a server, `--canary-run` a run folder"));
            }
        };
        let now = clock::now(&Environment::of_process())
            .map_err(|error| {
                Failure::usage(error).hint("an example of a valid time is 2026-01-31T12:00:00Z")
            })?
            .trunc_subsecs(0);
        let stop = StopRequest::listen().map_err(Failure::external)?;
        let request = CanaryRequest { limits, measured, since: *since, now, scope, rehearsal: *rehearsal };
        let looked = canary::check(&request, &policy, &stop).map_err(failed)?;
        Ok((provenance, scope, source, source_place, looked))
    })?;
    let CanaryLooked { judged, terms, bundle, rehearsal, notes } = looked;
    // A trigger that held wants a rollback, whatever else could not be judged beside it.
    let exit = match (&provenance.overridden, judged.rollback) {
        (Some(_), _) => Exit::Success,
        (None, Some(_)) => Exit::Failed,
        (None, None) => Exit::of_verdict(judged.outcome, fail_on.is_some()),
    };
    let asked = Asked {
        bundle,
        limits_from: if path.is_some() { "run" } else { "policy" },
        source,
        source_place,
        scope,
        rehearsal,
        notes,
    };
    let result = CanaryResult::of(&judged, &terms, &provenance, asked);
    let told = canary_ci::told(&judged, &result);
    reporter.conclude(&told, exit, None, "--fail-on warn", |exit_code, _| {
        let result = CanaryResult { exit_code, ..result.clone() };
        match format {
            ReportFormat::Text => canary_text::text(&judged, &result, style(globals, false)),
            ReportFormat::Json => json::pretty(&result),
            ReportFormat::Md => canary_md::markdown(&judged, &result),
        }
    })
}

fn failed(error: CanaryError) -> Failure {
    match error {
        CanaryError::Bundle(error) => cannot_read(error),
        CanaryError::Unsound { .. } | CanaryError::BundlePolicy(_) | CanaryError::Notes(_) => {
            Failure::input(error).hint("`soak release verify` lists what is wrong; build the bundle anew")
        }
        CanaryError::Judge(error) => cannot_judge(error),
        CanaryError::NotPassed { .. } => {
            Failure::input(error).hint("`soak gate` tells why; a canary needs a release that passed its soak")
        }
        CanaryError::Rehearsal { .. } => {
            // Not the code of a FAIL, which a machine takes for the order to roll back.
            Failure::input(error).hint("`--rehearsal` takes it, and the result says so")
        }
        CanaryError::Hour { .. } => Failure::usage(error).hint("`--hour` takes one of them"),
        CanaryError::Watch(_) => Failure::usage(error)
            .hint("`--since` is the time, in the past, from which on the canary had its traffic; $SOAK_NOW fixes now"),
        CanaryError::Load(_) => {
            Failure::input(error).hint("`--canary-run` names the folder with the ITER_SUMMARY_<n>.json files")
        }
        CanaryError::Symbol { ref known, .. } if known.is_empty() => {
            Failure::usage(error).hint("its iterations carry no symbol; leave `--symbol` out")
        }
        CanaryError::Symbol { ref known, .. } => {
            let hint = format!("`--symbol` takes one of {}", known.join(", "));
            Failure::usage(error).hint(hint)
        }
        CanaryError::Server(_) => Failure::external(error)
            .hint("nothing was judged; `--prometheus-url` wants the server's address, with its path prefix"),
        CanaryError::Interrupted => Failure::interrupted(error),
    }
}
