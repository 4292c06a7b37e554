//! The source of a run, made from its settings and from what must not stand in them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::settings::usage;
use super::watch::Simulated;
use crate::cli::run::SourceArgs;
use crate::cli::values::header;
use crate::commands::Failure;
use crate::core::policy::run::RunPolicy;
use crate::core::run::settings::SourceSettings;
use crate::core::run::source::Source;
use crate::core::secret::Secret;
use crate::core::simulator::source::SimSource;
use crate::core::simulator::{Scenario, Simulator};
use crate::io::http::Limits;
use crate::io::loose;
use crate::io::source::exec::ExecSource;
use crate::io::source::file::FileSource;
use crate::io::source::prometheus::{Auth, PrometheusSource, Target};

/// The source. Credentials come from the files that the command line names, now and at every resume.
pub(super) fn source(
    settings: &SourceSettings,
    args: &SourceArgs,
    policy: &RunPolicy,
) -> Result<Box<dyn Source>, Failure> {
    Ok(match settings {
        SourceSettings::Sim { seed, scenario, real_time } => {
            Box::new(SimSource::new(simulator(*seed, scenario)?, *real_time))
        }
        SourceSettings::Exec { command } => {
            let command = command.iter().map(Into::into).collect();
            let patience = &policy.patience;
            let grace = Duration::from_secs_f64(patience.child_grace_seconds);
            Box::new(ExecSource::new(
                command,
                grace,
                Duration::from_secs_f64(patience.child_kill_after_seconds),
            ))
        }
        SourceSettings::File { edge_report } => Box::new(FileSource::new(PathBuf::from(edge_report))),
        SourceSettings::Prometheus { url, selector } => {
            let headers = args.header.iter().map(|text| {
                let (name, value) =
                    header(text).map_err(|problem| usage(format!("`--header`: {problem}")))?;
                Ok((name, Secret::from(value)))
            });
            let headers = headers.collect::<Result<Vec<_>, Failure>>()?;
            let target = Target::new(url, &auth(args)?, &headers).map_err(|error| {
                Failure::usage(error).hint("`--prometheus-url` wants http(s)://host[:port][/prefix]")
            })?;
            if policy.queries.is_empty() {
                return Err(usage("the policy has no query for the prometheus source"));
            }
            Box::new(PrometheusSource::new(target, selector, policy.queries.clone(), Limits::default()))
        }
    })
}

/// The simulated system of these settings, for those who show its metrics; `None` where a real one is measured.
pub(super) fn simulated(settings: &SourceSettings) -> Result<Option<Simulated>, Failure> {
    let SourceSettings::Sim { seed, scenario, real_time } = settings else { return Ok(None) };
    Ok(Some(Simulated { simulator: simulator(*seed, scenario)?, real_time: *real_time }))
}

fn simulator(seed: u64, scenario: &str) -> Result<Simulator, Failure> {
    let scenario: Scenario = scenario.parse().map_err(usage)?;
    Ok(Simulator::new(seed, scenario))
}

fn auth(args: &SourceArgs) -> Result<Auth, Failure> {
    if let Some(file) = &args.bearer_token_file {
        return Ok(Auth::Bearer(secret(file)?));
    }
    match (&args.basic_auth_user, &args.basic_auth_password_file) {
        (Some(user), Some(file)) => Ok(Auth::Basic { user: user.clone(), password: secret(file)? }),
        _ => Ok(Auth::None),
    }
}

fn secret(file: &Path) -> Result<Secret, Failure> {
    let text = loose::read_text(file).map_err(Failure::input)?;
    if text.trim().is_empty() {
        return Err(usage(format!("`{}` is empty, expected a secret in it", file.display())));
    }
    Ok(Secret::from(text))
}
