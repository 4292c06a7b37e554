//! From the command line to what the run is asked to do: length, source, and flags that do not fit together.

use std::ffi::OsString;
use std::path::Path;

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use clap::ValueEnum;

use super::start;
use crate::cli::run::{LengthArgs, RunArgs, SourceName};
use crate::commands::Failure;
use crate::core::policy::Policy;
use crate::core::policy::run::RunPolicy;
use crate::core::run::settings::{RunSettings, SourceSettings};
use crate::core::simulator::Scenario;

/// Length of an iteration where nobody says otherwise, seconds.
const INTERVAL: f64 = 300.0;

/// Length of a run where nobody says otherwise, hours.
const HOURS: f64 = 72.0;

/// More iterations than any file system wants in one folder are a slip of the hand.
const MOST_ITERATIONS: u64 = 100_000_000;

/// Seconds since 1970 at which the year 10000 begins, which no RFC 3339 time can name.
const END_OF_TIME: f64 = 253_402_300_800.0;

/// Where `--source file` looks where nobody says otherwise.
const EDGE_REPORT: &str = "artifacts/reports/EDGE_REPORT.json";

/// Whose doing it may be that the simulator is asked for.
const MOCK_HINT: &str = "leave out `--mock`, and unset `USE_MOCK` where it is set";

/// What is asked for, and the number of iterations.
pub(super) fn asked(args: &RunArgs, policy: &Policy) -> Result<(RunSettings, u64), Failure> {
    let LengthArgs { iterations, hours, interval, no_wait, resume: _, extend: _ } = args.length;
    let interval_seconds = interval.unwrap_or(INTERVAL);
    let iterations = match iterations {
        Some(iterations) => iterations as u64,
        None => whole_iterations(hours.unwrap_or(HOURS), interval_seconds)?,
    };
    let source = source(args, policy.run.measuring.source)?;
    if no_wait && let SourceSettings::Sim { real_time, .. } = source {
        let problem = if real_time {
            "`--real-time` waits for the intervals, and `--no-wait` does not"
        } else {
            "the simulator does not wait anyway, so `--no-wait` has no effect"
        };
        return Err(usage(problem).hint("leave out one of the two flags, or name another source"));
    }
    let settings = RunSettings {
        interval_seconds,
        source,
        auto_tune: args.tuning.auto_tune,
        warmup_preset: warmup_preset(args, &policy.run)?,
        active_overrides: args.tuning.active_overrides.as_deref().map(text_of_path).transpose()?,
        start_file: text_of_path(&start::start_file(&args.tuning, &args.files.out))?,
        abort_after_fails: args.abort_after_fails,
        no_wait,
        measure_at: args.source.measure_at().unwrap_or(policy.run.measuring.measure_at),
    };
    Ok((settings, iterations))
}

/// That a run of so many iterations can be counted and its times can be written down. A simulated run computes
/// its times, so it gets anywhere.
pub(super) fn check_length(
    iterations: u64,
    interval_seconds: f64,
    starts: DateTime<Utc>,
) -> Result<(), Failure> {
    if iterations > MOST_ITERATIONS {
        return Err(usage(format!("{iterations} iterations are more than 100 million"))
            .hint("`--iterations`, `--hours` and `--extend` say how long a run is"));
    }
    let ends = starts.timestamp() as f64 + (iterations as f64 + 1.0) * interval_seconds;
    if ends >= END_OF_TIME {
        return Err(usage(format!(
            "{iterations} iterations of {interval_seconds} s from {} on end after the year 9999",
            starts.format("%Y-%m-%d")
        ))
        .hint("choose fewer iterations or a shorter `--interval`"));
    }
    Ok(())
}

/// The length that the flags of a resume ask for, with intervals of this length; `None` = they say none.
pub(super) fn length(args: &RunArgs, interval_seconds: f64) -> Result<Option<u64>, Failure> {
    match (args.length.iterations, args.length.hours) {
        (Some(iterations), _) => Ok(Some(iterations as u64)),
        (None, Some(hours)) => whole_iterations(hours, interval_seconds).map(Some),
        (None, None) => Ok(None),
    }
}

/// Hours ÷ interval; a last part of an interval counts as a whole one.
fn whole_iterations(hours: f64, interval_seconds: f64) -> Result<u64, Failure> {
    let exact = hours * 3600.0 / interval_seconds;
    // What a binary fraction leaves over is no iteration.
    let whole = (exact - 1e-9).ceil().max(1.0);
    if whole > MOST_ITERATIONS as f64 {
        return Err(usage(format!(
            "{hours} hours of {interval_seconds} s are more than 100 million iterations"
        )));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just above")]
    Ok(whole as u64)
}

pub(super) fn warmup_preset(args: &RunArgs, policy: &RunPolicy) -> Result<Option<String>, Failure> {
    if !args.tuning.warmup {
        return Ok(None);
    }
    let name = args.tuning.warmup_preset.as_ref().unwrap_or(&policy.phases.warmup_preset);
    known_preset(policy, name)?;
    Ok(Some(name.clone()))
}

/// That the policy has a preset of this name.
pub(super) fn known_preset(policy: &RunPolicy, name: &str) -> Result<(), Failure> {
    if policy.preset(name).is_some() {
        return Ok(());
    }
    let known: Vec<&str> = policy.presets.iter().map(|preset| preset.name.as_str()).collect();
    Err(usage(format!("the policy has no preset `{name}`")).hint(format!("it has {}", known.join(", "))))
}

/// The source asked for: by name, else by the flag that only one source has, else by the policy. Nobody else
/// chooses the simulator.
fn source(args: &RunArgs, of_policy: Option<&str>) -> Result<SourceSettings, Failure> {
    let of_policy = of_policy.and_then(|word| SourceName::from_str(word, false).ok());
    let name = named(args, args.source.mock, of_policy)?;
    match name.ok_or_else(no_source)? {
        SourceName::Sim => sim(args),
        SourceName::Exec if args.command.is_empty() => Err(usage("the source exec needs a command")
            .hint("give it after `--`: soak run --source exec -- ./measure.sh")),
        SourceName::Exec => Ok(SourceSettings::Exec { command: command(args)? }),
        SourceName::File => {
            let path = args.source.edge_report.as_deref().unwrap_or(Path::new(EDGE_REPORT));
            Ok(SourceSettings::File { edge_report: text_of_path(path)? })
        }
        SourceName::Prometheus => {
            let url = args.source.server.prometheus_url.clone().ok_or_else(|| {
                usage("the source prometheus needs the address of a server").hint("give `--prometheus-url`")
            })?;
            let selector = args.source.server.selector.clone().unwrap_or_default();
            Ok(SourceSettings::Prometheus { url, selector })
        }
    }
}

fn no_source() -> Failure {
    usage("no source is named: where do the measurements come from?").hint(
        "a command after `--` (exec), `--source file [--edge-report FILE]`, \
         `--source prometheus --prometheus-url URL`, or `--mock` for the simulator; \
         `source` in the table `[run]` of the policy names one for good",
    )
}

/// The declared source with what the flags of a resume say of it; the error is that they mean another one.
pub(super) fn source_over(args: &RunArgs, declared: &SourceSettings) -> Result<SourceSettings, Failure> {
    let Some(name) = named(args, args.source.mock_by_flag(), None)? else { return Ok(declared.clone()) };
    Ok(match (name, declared.clone()) {
        (SourceName::Sim, SourceSettings::Sim { seed, scenario, real_time }) => {
            let asked: Option<Scenario> =
                args.source.scenario.as_deref().map(str::parse).transpose().map_err(usage)?;
            SourceSettings::Sim {
                seed: args.source.seed.unwrap_or(seed),
                scenario: asked.map_or(scenario, |asked| asked.to_string()),
                real_time: args.source.real_time || real_time,
            }
        }
        (SourceName::Exec, SourceSettings::Exec { .. }) if !args.command.is_empty() => {
            SourceSettings::Exec { command: command(args)? }
        }
        (SourceName::File, SourceSettings::File { edge_report }) => {
            let asked = args.source.edge_report.as_deref().map(text_of_path).transpose()?;
            SourceSettings::File { edge_report: asked.unwrap_or(edge_report) }
        }
        (SourceName::Prometheus, SourceSettings::Prometheus { url, selector }) => {
            SourceSettings::Prometheus {
                url: args.source.server.prometheus_url.clone().unwrap_or(url),
                selector: args.source.server.selector.clone().unwrap_or(selector),
            }
        }
        (SourceName::Exec, exec @ SourceSettings::Exec { .. }) => exec,
        (other, declared) => {
            let (declared, other) = (declared.name(), source_word(other));
            return Err(usage(format!(
                "the source of the run that is to go on is {declared}, and the flags ask for {other}"
            ))
            .hint("leave the flags of the source out; what was declared holds"));
        }
    })
}

/// The source that is asked for, by name, by a flag that only one source has, or by the policy; `None` = nobody
/// says.
fn named(args: &RunArgs, mock: bool, of_policy: Option<SourceName>) -> Result<Option<SourceName>, Failure> {
    let source = &args.source;
    let given = [
        (SourceName::Exec, "a command after `--`", !args.command.is_empty()),
        (SourceName::Exec, "`--measure-at`", source.measure_at.is_some()),
        (SourceName::File, "`--edge-report`", source.edge_report.is_some()),
        (SourceName::Prometheus, "`--prometheus-url`", source.server.prometheus_url.is_some()),
        (SourceName::Prometheus, "`--selector`", source.server.selector.is_some()),
        (SourceName::Prometheus, "`--bearer-token-file`", source.server.access.bearer_token_file.is_some()),
        (SourceName::Prometheus, "`--basic-auth-user`", source.server.access.basic_auth_user.is_some()),
        (SourceName::Prometheus, "`--header`", !source.server.access.header.is_empty()),
        (SourceName::Sim, "`--seed`", source.seed.is_some()),
        (SourceName::Sim, "`--scenario`", source.scenario.is_some()),
        (SourceName::Sim, "`--real-time`", source.real_time),
    ];
    let mut given = given.into_iter().filter(|(_, _, is_given)| *is_given);
    let named = match (source.source, mock) {
        (Some(SourceName::Sim) | None, true) => Some(SourceName::Sim),
        (Some(other), true) => {
            let other = source_word(other);
            let problem = format!("`--mock` is `--source sim`, and `--source {other}` is given, too");
            return Err(usage(problem).hint(MOCK_HINT));
        }
        (named, false) => named,
    };
    let by_flag = given.clone().next().map(|(name, ..)| name);
    let Some(name) = named.or(by_flag).or(of_policy) else {
        return Ok(None);
    };
    if let Some((owner, flag, _)) = given.find(|(owner, ..)| *owner != name) {
        let problem = format!(
            "{flag} belongs to `--source {}`, and the source is {}",
            source_word(owner),
            source_word(name)
        );
        let failure = usage(problem);
        return Err(if mock { failure.hint(MOCK_HINT) } else { failure });
    }
    Ok(Some(name))
}

fn command(args: &RunArgs) -> Result<Vec<String>, Failure> {
    args.command.iter().map(text).collect()
}

fn sim(args: &RunArgs) -> Result<SourceSettings, Failure> {
    let scenario: Scenario = match &args.source.scenario {
        Some(name) => name.parse().map_err(usage)?,
        None => Scenario::Default,
    };
    let (seed, real_time) = (args.source.seed.unwrap_or(1), args.source.real_time);
    Ok(SourceSettings::Sim { seed, scenario: scenario.to_string(), real_time })
}

fn source_word(name: SourceName) -> &'static str {
    match name {
        SourceName::Sim => "sim",
        SourceName::Exec => "exec",
        SourceName::File => "file",
        SourceName::Prometheus => "prometheus",
    }
}

fn text(word: &OsString) -> Result<String, Failure> {
    let told = word.to_str().map(str::to_owned);
    told.ok_or_else(|| usage(format!("`{}` is no valid Unicode text", word.to_string_lossy())))
}

pub(super) fn text_of_path(path: &Path) -> Result<String, Failure> {
    text(&path.as_os_str().to_owned())
}

/// A wrong command line.
pub(super) fn usage(problem: impl std::fmt::Display) -> Failure {
    Failure::usage(anyhow!("{problem}"))
}
