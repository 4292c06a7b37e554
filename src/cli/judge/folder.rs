//! What the commands that judge have in common: policy, provenance, and errors with their class.

use anyhow::anyhow;

use crate::cli::arguments::judging::{MockArgs, OverrideArgs, OverrideByArgs, PolicyArgs, WindowArgs};
use crate::core::analysis::Options;
use crate::core::analysis::folder::JudgeError;
use crate::core::load::LoadError;
use crate::core::load::provenance;
use crate::core::load::provenance::Overriding;
use crate::core::policy::{self, Layer, Origin, Patch, Policy, Profile};
use crate::core::verdict::failure::Failure;
use crate::core::verdict::provenance::Provenance;
use crate::infra::artifacts::WriteError;
use crate::infra::atomic_file;
use crate::infra::environment::Environment;

/// The policy in force, lowest first: the built-in one, the `soak.toml` that is found, the file that is named, `patches`.
pub(crate) fn load_policy(args: &PolicyArgs, patches: &[Patch]) -> Result<Policy, Failure> {
    let found = args.found();
    if let Some(found) = &found {
        tracing::info!(file = %found.display(), "the policy has the values of a project");
    }
    let named = args.policy.as_deref().map(|path| (path, "`--policy` and $SOAK_POLICY name a policy file"));
    let found_with_hint = found.as_deref().map(|path| (path, "`--no-config` leaves `soak.toml` out"));
    let layers = found_with_hint.into_iter().chain(named).map(|(path, hint)| {
        let text = atomic_file::read_text(path).map_err(|error| Failure::usage(error).hint(hint))?;
        Ok(Layer { origin: Origin::File(path.display().to_string()), text })
    });
    let policy = policy::read(&layers.collect::<Result<Vec<_>, Failure>>()?, patches).map_err(|errors| {
        Failure::usage(errors)
            .hint("`soak config check FILE` checks a policy; `soak config show` prints the keys")
    })?;
    tracing::info!(policy = policy.sha256, "the policy in force");
    Ok(Policy { found: found.map(|found| found.display().to_string()), ..policy })
}

/// The policy in force, with the window of the command line.
pub(crate) fn load_window_policy(policy: &PolicyArgs, window: &WindowArgs) -> Result<Policy, Failure> {
    let patch = |key: &str, value: String, flag: &str| Patch {
        key: key.to_owned(),
        value,
        origin: Origin::Flag(flag.to_owned()),
    };
    let mut patches = Vec::new();
    patches.extend(window.last_n.map(|n| patch("windows.last_n", n.to_string(), "--last-n")));
    if let Some(n) = window.min_iterations {
        let keys = ["run_verdict.min_iterations", "readiness.min_iterations", "goals.min_iterations"];
        // Of another profile the verdict looks at a longer window than those two.
        let is_trading = load_policy(policy, &[])?.profile == Profile::Trading;
        let keys = keys.into_iter().take(if is_trading { keys.len() } else { 1 });
        patches.extend(keys.map(|key| patch(key, n.to_string(), "--min-iterations")));
    }
    let judging = load_policy(policy, &patches)?;
    if window.exclude_symbol.is_empty() {
        return Ok(judging);
    }
    // It adds to what the policy excludes.
    let mut excluded = judging.symbols.exclude.names.clone();
    let added = window.exclude_symbol.iter().filter(|symbol| !judging.symbols.exclude.contains(symbol));
    excluded.extend(added.cloned());
    // Lists of texts are the same in JSON and in TOML.
    patches.push(patch("symbols.exclude", serde_json::json!(excluded).to_string(), "--exclude-symbol"));
    load_policy(policy, &patches)
}

/// Refuses what only makes sense where there is something to tune: `what` could not do anything.
pub(crate) fn needs_tuning(policy: &Policy, what: &str) -> Result<(), Failure> {
    if policy.run.tunes() {
        return Ok(());
    }
    let profile = policy.profile.word();
    Err(Failure::usage(anyhow!(
        "{what} has nothing to look at: the policy (profile `{profile}`) tunes nothing"
    ))
    .hint("leave it out, or judge by a policy that declares `[parameters]`"))
}

/// How a run is judged by the flags that the judging commands share.
pub(crate) fn judging_options(mock: MockArgs, window: &WindowArgs) -> Options {
    let MockArgs { mock } = mock;
    let WindowArgs { so_far, last_n: _, min_iterations: _, exclude_symbol: _ } = window;
    Options { mock, so_far: *so_far, ..Options::default() }
}

/// Who judges, by what.
pub(crate) fn collect_provenance(
    policy: &Policy,
    overriding: Option<Overriding<'_>>,
) -> Result<Provenance, Failure> {
    provenance::collect(&Environment::of_process(), policy, overriding)
        .map_err(|error| Failure::usage(error).hint("an example of a valid time is 2026-01-31T12:00:00Z"))
}

/// The override that was asked for; `None` = none.
pub(crate) fn overriding(args: &OverrideArgs) -> Option<Overriding<'_>> {
    let OverrideArgs { override_reason, by } = args;
    overriding_by(override_reason.as_deref(), by)
}

/// The same for a command that says itself what an override of it does.
pub(crate) fn overriding_by<'a>(reason: Option<&'a str>, by: &'a OverrideByArgs) -> Option<Overriding<'a>> {
    let OverrideByArgs { by } = by;
    reason.map(|reason| Overriding { reason, by: by.as_deref() })
}

/// What to name where there are no iterations.
pub(crate) const NO_ITERATIONS_HINT: &str =
    "name the folder with the ITER_SUMMARY_<n>.json files, as in `soak gate DIR`";

/// Nothing could be judged.
pub(crate) fn cannot_judge(error: JudgeError) -> Failure {
    let hint = match &error {
        JudgeError::Load(LoadError::Missing { .. }) => NO_ITERATIONS_HINT.to_owned(),
        JudgeError::Load(LoadError::NotAFolder { .. }) => {
            "a run is a folder, or a .tar.gz, .tgz, .tar or .zip of one".to_owned()
        }
        JudgeError::Load(LoadError::List { .. }) => "a run is a folder that can be listed".to_owned(),
        JudgeError::Load(LoadError::Lines { .. }) => {
            "a run has one ITERATIONS.ndjson, or one that `gzip` or `zstd` has compressed".to_owned()
        }
        JudgeError::Load(LoadError::Archive(error)) => error.hint().to_owned(),
        JudgeError::Load(LoadError::SeveralRuns { .. }) => {
            "pack one run: `tar czf run.tar.gz -C FOLDER .`, or unpack it and name the folder".to_owned()
        }
        JudgeError::EdgeFile(_) | JudgeError::EdgeReport { .. } => {
            "`--edge-report` expects an EDGE_REPORT.json with `totals`".to_owned()
        }
        JudgeError::Symbol { known, .. } if known.is_empty() => {
            "the iterations of this run carry no symbol; leave `--symbol` out".to_owned()
        }
        JudgeError::Symbol { known, .. } => format!("it has {}", known.join(", ")),
    };
    Failure::input(error).hint(hint)
}

impl From<JudgeError> for Failure {
    fn from(error: JudgeError) -> Self {
        cannot_judge(error)
    }
}

/// Artifacts could not be written.
pub(crate) fn cannot_write(error: WriteError) -> Failure {
    let hint = error.hint();
    Failure::output(error).hint_if_known(hint)
}
