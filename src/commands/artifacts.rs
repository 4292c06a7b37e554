//! `soak artifacts`: rotation and usage of a folder of runs.

use anyhow::anyhow;

use super::judging::load_policy;
use super::{Failure, print};
use crate::cli::artifacts::{ArtifactsCommand, Limit, RotateArgs, RotationArgs, UsageArgs};
use crate::cli::values::Format;
use crate::core::policy::RotationRules;
use crate::exit::Exit;
use crate::infra::clock;
use crate::infra::environment::Environment;
use crate::ops::rotation::{self, Rotated};
use crate::report::json;

/// Bytes of a MiB.
const MIB: u64 = 1 << 20;

/// Rotates, or shows what there is.
pub(super) fn run(command: &ArtifactsCommand) -> Result<Exit, Failure> {
    match command {
        ArtifactsCommand::Rotate(args) => rotate(args),
        ArtifactsCommand::Usage(args) => usage(args),
    }
}

fn rotate(args: &RotateArgs) -> Result<Exit, Failure> {
    let RotateArgs { rotation, dry_run } = args;
    let (rules, log_bytes) = rules(rotation)?;
    let folder = rotation.folder();
    let now = now()?;
    let Rotated { result, unlogged } = rotation::rotate(&folder, &rules, log_bytes, now, *dry_run)?;
    print(match rotation.format {
        Format::Text => rotation::rotation_text(&result),
        Format::Json => json::pretty(&result),
    })?;
    if let Some(error) = unlogged {
        return Err(Failure::output(error).hint("what is told above went, and only the log does not say so"));
    }
    if !result.plan.fits {
        let hint = "a lower `--keep` leaves fewer iterations, a higher `--max-size-mb` allows more";
        return Err(Failure::failed(anyhow!("what is left is more than the limit")).hint(hint));
    }
    if let [first, others @ ..] = result.plan.left.as_slice() {
        let more = if others.is_empty() { String::new() } else { format!(", and {} more", others.len()) };
        return Err(Failure::failed(anyhow!("left alone: {}: {}{more}", first.path, first.reason)));
    }
    Ok(Exit::Success)
}

fn usage(args: &UsageArgs) -> Result<Exit, Failure> {
    let UsageArgs { rotation } = args;
    let (rules, _) = rules(rotation)?;
    let result = rotation::usage(&rotation.folder(), &rules, now()?)?;
    print(match rotation.format {
        Format::Text => rotation::usage_text(&result),
        Format::Json => json::pretty(&result),
    })?;
    Ok(Exit::Success)
}

/// The limits: those of the policy, flags over them; and how long the log of rotations may get, in bytes.
fn rules(args: &RotationArgs) -> Result<(RotationRules, u64), Failure> {
    let policy = load_policy(args.policy.policy.as_deref(), &[])?;
    let of = |flag: Option<Limit>, unit: u64, default: Option<u64>| match flag {
        Some(Limit::None) => None,
        Some(Limit::At(limit)) => Some(limit.saturating_mul(unit)),
        None => default,
    };
    let rules = RotationRules {
        keep: args.keep.unwrap_or(policy.rotation.keep),
        max_age_days: of(args.max_age_days, 1, policy.rotation.max_age_days),
        max_bytes: of(args.max_size_mb, MIB, policy.rotation.max_bytes),
    };
    Ok((rules, policy.rotation_log_bytes))
}

fn now() -> Result<chrono::DateTime<chrono::Utc>, Failure> {
    clock::now(&Environment::of_process())
        .map_err(|error| Failure::usage(error).hint("an example of a valid time is 2026-01-31T12:00:00Z"))
}
