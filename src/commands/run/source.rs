//! The source of a run, made from its settings and from what must not stand in them.

use std::path::PathBuf;
use std::time::Duration;

use super::settings::usage;
use super::watch::Simulated;
use crate::cli::run::SourceArgs;
use crate::commands::Failure;
use crate::commands::access::target;
use crate::core::policy::run::RunPolicy;
use crate::core::run::settings::{RunSettings, SourceSettings};
use crate::core::run::source::Source;
use crate::core::simulator::{Scenario, Simulator};
use crate::io::http::Limits;
use crate::io::source::exec::ExecSource;
use crate::io::source::file::FileSource;
use crate::io::source::prometheus::PrometheusSource;
use crate::run::simulator::SimSource;

/// The source. Credentials come from the files that the command line names, now and at every resume.
pub(super) fn source(
    settings: &RunSettings,
    args: &SourceArgs,
    policy: &RunPolicy,
) -> Result<Box<dyn Source>, Failure> {
    Ok(match &settings.source {
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
                settings.measure_at,
            ))
        }
        SourceSettings::File { edge_report } => {
            Box::new(FileSource::new(PathBuf::from(edge_report), !settings.no_wait))
        }
        SourceSettings::Prometheus { url, selector } => {
            let hint = "`--prometheus-url` wants http(s)://host[:port][/prefix]";
            let target = target(url, &args.server.access, hint)?;
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
