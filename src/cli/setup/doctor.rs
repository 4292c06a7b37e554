//! `soak doctor`: can a run measure and write here? One line a question, with what to do.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::arguments::judging::PolicyArgs;
use crate::cli::arguments::values::{Format, seconds};
use crate::cli::judge::folder::load_policy;
use crate::cli::output::stdout::print;
use crate::cli::run::arguments::{AskedSource, SourceArgs, WatchedArgs};
use crate::cli::run::settings::{self, Watched};
use crate::core::iteration::manifest::{MeasureAt, RunSettings, SourceSettings};
use crate::core::policy::Policy;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::infra::clock::{self, MachineClocks, StopRequest};
use crate::infra::environment::Environment;
use crate::report::json;
use crate::report::text::printable;
use crate::run::doctor::{self, Examined, Health, Patient};
use crate::run::source::Checked;

/// `soak doctor`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak doctor
  soak doctor --prometheus-url http://localhost:9090 --selector 'job=\"checkout\"'
  soak doctor -- ./measure.sh")]
pub struct DoctorArgs {
    /// Where the measurements come from.
    #[command(flatten)]
    pub source: SourceArgs,

    /// Whose resources are sampled.
    #[command(flatten)]
    pub watched: WatchedArgs,

    /// Length of an iteration in seconds, over which queries look back [default: $SOAK_SLEEP_SECONDS, else
    /// run.interval_seconds of the policy, else 300]
    #[arg(
        long,
        value_name = "SECONDS",
        env = "SOAK_SLEEP_SECONDS",
        value_parser = seconds,
        allow_negative_numbers = true
    )]
    pub interval: Option<f64>,

    /// Folder of the runs
    #[arg(long, value_name = "DIR", env = "SOAK_OUT_DIR", default_value = "artifacts/soak")]
    pub out: PathBuf,

    /// The limits.
    #[command(flatten)]
    pub policy: PolicyArgs,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// The command of `--source exec` and its arguments, after `--`; it is started once
    #[arg(
        last = true,
        value_name = "COMMAND",
        help = "Command of --source exec and its arguments, after `--` [default: run.command of the policy]"
    )]
    pub command: Vec<OsString>,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DoctorResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    schema_version: &'static str,
    /// Version of the program.
    tool_version: &'static str,
    /// The `soak.toml` that was found; left out without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_file: Option<String>,
    /// Whether no line failed.
    healthy: bool,
    checks: Vec<Examined>,
}

/// Examines and prints.
pub(crate) fn run(args: &DoctorArgs) -> Result<Exit, Failure> {
    let mut checks = Vec::new();
    let policy = match load_policy(&args.policy, &[]) {
        Ok(policy) => Some(policy),
        Err(failure) => {
            checks.push(of_failure("policy", &failure));
            None
        }
    };
    let named = args.policy.policy.as_deref();
    checks.extend(policy.iter().flat_map(|policy| of_policy(policy, named)));
    checks.push(doctor::output(&args.out));
    match &policy {
        Some(policy) => checks.extend(measured(args, policy)?),
        None => checks.push(Examined::new("source", Health::Skipped, "the policy says what is measured")),
    }
    let failed = |check: &&Examined| check.health == Health::Failed;
    let exit = match checks.iter().filter(failed).map(|check| check.of_source).max() {
        None => Exit::Success,
        Some(true) => Exit::ExternalFailed,
        Some(false) => Exit::Failed,
    };
    let result = DoctorResult {
        schema_version: "1.0",
        tool_version: env!("CARGO_PKG_VERSION"),
        policy_file: policy.and_then(|policy| policy.found),
        healthy: exit == Exit::Success,
        checks,
    };
    print(match args.format {
        Format::Text => text(&result.checks),
        Format::Json => json::pretty(&result),
    })?;
    Ok(exit)
}

fn of_failure(name: &str, failure: &Failure) -> Examined {
    let line = Examined::new(name, Health::Failed, failure.sentence());
    failure.hint.iter().fold(line, |line, hint| line.hint(hint.clone()))
}

/// That the policy is valid, and what of it fails later.
fn of_policy(policy: &Policy, named: Option<&Path>) -> Vec<Examined> {
    let problems = policy.fails_later();
    if !problems.is_empty() {
        let hint = "`soak config show` prints every value and its origin";
        return problems
            .into_iter()
            .map(|it| Examined::new("policy", Health::Failed, it).hint(hint))
            .collect();
    }
    let message = match (named, &policy.found) {
        (Some(over), Some(file)) => format!("`{}` over `{file}` is valid", over.display()),
        (Some(file), None) => format!("`{}` is valid", file.display()),
        (None, Some(file)) => format!("`{file}` is valid"),
        (None, None) => "no `soak.toml` here or above".to_owned(),
    };
    vec![Examined::new("policy", Health::Ok, message)]
}

/// Clock and source.
fn measured(args: &DoctorArgs, policy: &Policy) -> Result<Vec<Examined>, Failure> {
    let asked = AskedSource { source: &args.source, command: &args.command };
    let interval = settings::interval(args.interval, policy);
    // A flag that contradicts another one is an error of the command line; a source that is missing is a finding.
    let chosen = settings::chosen_source(asked, policy).and_then(|source| {
        let settings = of_a_look(source, interval);
        let beside = settings::store_beside(&settings, &args.source.server, policy)?;
        Ok((settings::source(&settings, Checked::Samples, &args.source, policy)?, beside, settings))
    });
    let (mut source, beside, settings) = match chosen {
        Ok(chosen) => chosen,
        Err(failure) => return Ok(vec![of_failure("source", &failure)]),
    };
    let watched = settings::watched(&settings, &args.watched, &args.source.server, policy);
    let mut lines = Vec::new();
    let sampler = match &watched {
        Some(Watched::Process(top)) => settings::process_sampler(top.clone())
            .map_err(|failure| lines.push(of_failure("resources", &failure)))
            .ok(),
        of => {
            let store = source.store().or(beside.as_ref()).cloned();
            settings::store_sampler(&settings, of.as_ref(), policy, store.as_ref())
        }
    };
    let settings = settings.source;
    let server = match &settings {
        SourceSettings::Prometheus { url, .. } => Some(args.source.server.target(url)?),
        _ => None,
    };
    let stop = StopRequest::listen().map_err(Failure::failed)?;
    let clocks = MachineClocks::new(&stop);
    let fixed = clock::fixed(&Environment::of_process()).map_err(Failure::usage)?;
    let mut patient = Patient {
        policy,
        settings: &settings,
        source: &mut *source,
        server: server.as_ref(),
        interval: Duration::from_secs_f64(interval),
        clocks: &clocks,
        is_clock_fixed: fixed.is_some(),
        beside,
        unreachable: None,
        sampler,
    };
    let interrupted = |_| Failure::interrupted(anyhow::anyhow!("interrupted"));
    let clock = patient.clock().map_err(interrupted)?;
    lines.insert(0, clock);
    lines.extend(patient.source().map_err(interrupted)?);
    Ok(lines)
}

/// The settings of one measurement, for which no interval is waited.
fn of_a_look(source: SourceSettings, interval_seconds: f64) -> RunSettings {
    RunSettings {
        interval_seconds,
        source,
        auto_tune: false,
        warmup_preset: None,
        active_overrides: None,
        start_file: String::new(),
        abort_after_fails: 0,
        no_wait: true,
        measure_at: MeasureAt::Start,
    }
}

/// One line a check, its hint below it, and how many of them failed.
fn text(checks: &[Examined]) -> String {
    let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or_default();
    let lines = checks.iter().map(|check| {
        let Examined { name, health, message, hint, .. } = check;
        let hint = hint.iter().map(|hint| format!("{:11}{:width$}hint: {}\n", "", "", printable(hint)));
        format!("{:7}  {name:width$}  {}\n", health.word(), printable(message)) + &hint.collect::<String>()
    });
    let lines: String = lines.collect();
    let failed = checks.iter().filter(|check| check.health == Health::Failed).count();
    let end = if failed == 0 { "ready for `soak run`".to_owned() } else { format!("{failed} failed") };
    format!("{lines}{} checks, {end}\n", checks.len())
}
