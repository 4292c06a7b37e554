//! `soak release bundle` and `soak release verify`.

use anyhow::anyhow;

use super::{Failure, print};
use crate::cli::globals::GlobalArgs;
use crate::cli::release::bundle::{BundleArgs, VerifyArgs};
use crate::cli::values::{Format, release_name};
use crate::commands::judging::{cannot_judge, collect_provenance, load_policy, overriding_by};
use crate::commands::post_soak::{leave, say, tell_folder};
use crate::core::analysis::Options;
use crate::exit::Exit;
use crate::flow::judge::{self, Request};
use crate::flow::release::bundle::{self, BuildError, Built, BundleRequest};
use crate::flow::release::verify;
use crate::io::bundle::{BundleError, archive_of, look, put};
use crate::io::loose;
use crate::render::json;
use crate::render::release::bundle_text;
use crate::wire::provenance::Provenance;
use crate::wire::release::bundle_check::VerifyResult;

/// Judges, builds, puts in place, tells.
pub(super) fn run(args: &BundleArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
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
    let request = Request::new(src, &policy, options);
    let judged = judge::judge(&request).map_err(|error| {
        cannot_judge(error).hint("`--src` names the folder with the ITER_SUMMARY_<n>.json files")
    })?;
    tell_folder(globals, &judged, src);
    let request = BundleRequest { name: &name, commit: commit.as_deref(), rehearsal: *rehearsal };
    let built = bundle::build(&judged, &policy, &provenance, request).map_err(refused)?;
    let packed = if *archive { Some(bundle::archive(&built).map_err(refused)?) } else { None };
    leave(judged);
    if *dry_run {
        look(out, &built.files, packed.is_some()).map_err(cannot_put)?;
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
    let Built { manifest, sha256, .. } = &built;
    match format {
        Format::Text => {
            let archive = archive.then_some(beside.as_path());
            print(bundle_text::bundle(manifest, sha256, out, archive, *dry_run))?;
        }
        Format::Json => print(json::pretty(manifest))?,
    }
    Ok(Exit::Success)
}

fn refused(error: BuildError) -> Failure {
    match error {
        BuildError::Refused { refusals } => {
            let told = bundle_text::refusals(&refusals);
            Failure::failed(anyhow!("the run may not be released:\n{}", told.trim_end())).hint(
                "`--rehearsal` allows simulated data and relaxed limits; `--override REASON` goes on in spite of it, \
                 and the bundle says so",
            )
        }
        BuildError::Nothing(_) => {
            Failure::input(error).hint("`--src` names the folder with the ITER_SUMMARY_<n>.json files")
        }
        BuildError::Profile { .. } => Failure::input(error)
            .hint("a release needs the runtime_overrides.json of its run; no override replaces it"),
        BuildError::Pack(_) => Failure::output(error),
    }
}

fn cannot_put(error: BundleError) -> Failure {
    let hint = error.hint();
    Failure::output(error).hint_if_known(hint)
}

/// A bundle cannot be read.
pub(super) fn cannot_read(error: BundleError) -> Failure {
    let hint = error.hint();
    Failure::input(error).hint_if_known(hint)
}

/// Checks a bundle; only a sound one is exit code 0.
pub(super) fn verify(args: &VerifyArgs) -> Result<Exit, Failure> {
    let VerifyArgs { bundle, format } = args;
    let checked = verify::verify(bundle).map_err(cannot_read)?;
    let result = VerifyResult::of(&bundle.display().to_string(), &checked);
    match format {
        Format::Text => print(bundle_text::verified(&result))?,
        Format::Json => print(json::pretty(&result))?,
    }
    Ok(if result.valid { Exit::Success } else { Exit::InputInvalid })
}
