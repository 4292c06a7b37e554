//! From the command line to what the run is asked to do: length, source, start values, and what does not fit together:
//! flags, files that are one and the same or cannot be written, gates that the source cannot feed.
//!
//! Tries and refuses; leaves nothing behind.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use clap::ValueEnum;

use crate::cli::arguments::globals::GlobalArgs;
use crate::cli::arguments::server::ServerArgs;
use crate::cli::arguments::start::StartArgs;
use crate::cli::run::arguments::{
    AskedSource, LengthArgs, RunArgs, SourceArgs, SourceName, TuningArgs, WatchedArgs,
};
use crate::cli::run::watch::Simulated;
use crate::core::iteration::manifest;
use crate::core::iteration::manifest::{RunSettings, SourceSettings};
use crate::core::load::ITERATIONS;
use crate::core::load::measurement::MeasurementReader;
use crate::core::policy::run::{Preset, RunPolicy};
use crate::core::policy::{Policy, Profile, RunGate};
use crate::core::text::shell;
use crate::core::verdict::Severity;
use crate::core::verdict::failure::Failure;
use crate::core::verdict::provenance::Provenance;
use crate::infra::atomic_file;
use crate::infra::clock::Stopwatch;
use crate::infra::http::Limits;
use crate::infra::process::unstartable;
use crate::run::engine::Sampler;
use crate::run::folder::report as tuning_written;
use crate::run::folder::{OVERRIDES_FILE, RunFolder};
use crate::run::metrics::can_come_from;
use crate::run::procfs;
use crate::run::procfs::Top;
use crate::run::simulator::service::ServiceSource;
use crate::run::simulator::{Scenario, SimSource, Simulator};
use crate::run::source::exec::ExecSource;
use crate::run::source::file::FileSource;
use crate::run::source::prometheus::PrometheusSource;
use crate::run::source::resources::StoreSampler;
use crate::run::source::store::Store;
use crate::run::source::{Checked, Source};
use crate::run::start::{OVERRIDES_VARIABLE, Start, StartProblem, StartRequest};

/// What every step of the command needs.
pub(crate) struct Job<'a> {
    pub(crate) args: &'a RunArgs,
    pub(crate) globals: &'a GlobalArgs,
    pub(crate) policy: &'a Policy,
    pub(crate) provenance: Provenance,
    pub(crate) now: DateTime<Utc>,
    /// Whether the environment fixes the time.
    pub(crate) is_clock_fixed: bool,
}

/// How a command line resumes the run in this folder.
pub(crate) fn resume_command(job: &Job<'_>) -> String {
    let isolated = if job.args.files.run_isolated { " --run-isolated" } else { "" };
    format!("soak run --resume{isolated} --out {}", shell::path(&job.args.files.out))
}

/// An error without a cause.
pub(crate) fn plain(problem: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("{problem}")
}

/// Length of a run where nobody says otherwise, hours.
const HOURS: f64 = 72.0;

/// More iterations than any file system bears in one folder are a slip of the hand.
const MOST_ITERATIONS: u64 = 100_000_000;

/// Seconds since 1970 at which the year 10000 begins, which no RFC 3339 time can name.
const END_OF_TIME: f64 = 253_402_300_800.0;

/// Where `--source file` looks where nobody says otherwise.
const EDGE_REPORT: &str = "artifacts/reports/EDGE_REPORT.json";

/// Whose doing it may be that the simulator is asked for.
const MOCK_HINT: &str = "leave out `--mock`, and unset `USE_MOCK` where it is set";

/// What is asked for, and the number of iterations.
pub(crate) fn asked(args: &RunArgs, policy: &Policy) -> Result<(RunSettings, u64), Failure> {
    let LengthArgs { iterations, hours, interval, no_wait, resume: _, extend: _ } = args.length;
    let interval_seconds = self::interval(interval, policy);
    let iterations = match (iterations, hours, policy.run.defaults.iterations) {
        (Some(iterations), ..) => iterations as u64,
        (None, None, Some(iterations)) => iterations,
        (None, hours, _) => whole_iterations(hours.unwrap_or(HOURS), interval_seconds)?,
    };
    check_tuning(&args.tuning, &policy.run)?;
    let source = chosen_source(args.asked_source(), policy)?;
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
        start_file: text_of_path(&start_file(&args.tuning, &args.files.out))?,
        abort_after_fails: args.abort_after_fails,
        no_wait,
        measure_at: args.source.measure_at().unwrap_or(policy.run.measuring.measure_at),
    };
    Ok((settings, iterations))
}

/// Length of an iteration, seconds.
pub(crate) fn interval(asked: Option<f64>, policy: &Policy) -> f64 {
    asked.unwrap_or_else(|| policy.run.defaults.interval())
}

/// That a policy without parameters is asked to tune none.
pub(crate) fn check_tuning(args: &TuningArgs, policy: &RunPolicy) -> Result<(), Failure> {
    let TuningArgs { auto_tune, start, preset, preset_file, warmup, warmup_preset, active_overrides, adopt } =
        args;
    let given = [
        ("--auto-tune", *auto_tune),
        ("--profile", start.profile_by_flag().is_some()),
        ("--set", !start.set.is_empty()),
        ("--overrides", start.overrides.is_some()),
        ("--preset", preset.is_some()),
        ("--preset-file", preset_file.is_some()),
        ("--warmup", *warmup),
        ("--warmup-preset", warmup_preset.is_some()),
        ("--active-overrides", active_overrides.is_some()),
        ("--adopt", *adopt),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) if !policy.tunes() => {
            Err(usage(format!("`{flag}` has nothing to tune: the policy declares no parameters"))
                .hint("leave the flag out, or declare what may be tuned as `[parameters.<name>]`"))
        }
        _ => Ok(()),
    }
}

/// That a run of so many iterations can be counted and its times can be written down. A simulated run computes
/// its times, so it gets anywhere.
pub(crate) fn check_length(
    iterations: u64,
    interval_seconds: f64,
    starts: DateTime<Utc>,
) -> Result<(), Failure> {
    if iterations > MOST_ITERATIONS {
        return Err(usage(format!("{iterations} iterations are more than 100 million"))
            .hint("`--iterations`, `--hours` and `--extend` set the length of a run"));
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
pub(crate) fn length(args: &RunArgs, interval_seconds: f64) -> Result<Option<u64>, Failure> {
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

pub(crate) fn warmup_preset(args: &RunArgs, policy: &RunPolicy) -> Result<Option<String>, Failure> {
    if !args.tuning.warmup {
        return Ok(None);
    }
    let name = args.tuning.warmup_preset.as_ref().unwrap_or(&policy.phases.warmup_preset);
    known_preset(policy, name)?;
    Ok(Some(name.clone()))
}

/// That the policy has a preset of this name.
pub(crate) fn known_preset(policy: &RunPolicy, name: &str) -> Result<(), Failure> {
    if policy.preset(name).is_some() {
        return Ok(());
    }
    let known: Vec<&str> = policy.presets.iter().map(|preset| preset.name.as_str()).collect();
    Err(usage(format!("the policy has no preset `{name}`")).hint(format!("it has {}", known.join(", "))))
}

/// The source asked for: by name, else by the flag that only one source has, else by the policy. Nobody else
/// chooses the simulator.
pub(crate) fn chosen_source(args: AskedSource<'_>, policy: &Policy) -> Result<SourceSettings, Failure> {
    let of_policy = policy.run.measuring.source.and_then(|word| SourceName::from_str(word, false).ok());
    let usual = &policy.run.defaults;
    // A variable names a server for whoever needs one; it is the last to choose the source.
    let by_variable = || args.source.server.url().map(|_| SourceName::Prometheus);
    let asks_a_store = asks_a_store(policy);
    let name = named(args, args.source.mock, of_policy, asks_a_store)?.or_else(by_variable);
    match name.ok_or_else(no_source)? {
        SourceName::Sim => sim(args),
        SourceName::Exec => {
            let command = if args.command.is_empty() { usual_command(policy)? } else { command(args)? };
            if command.is_empty() {
                return Err(usage("the source exec needs a command").hint(
                    "give it after `--`: soak run --source exec -- ./measure.sh; or `command` in `[run]` of the policy",
                ));
            }
            Ok(SourceSettings::Exec { command })
        }
        SourceName::File => {
            let of_policy = usual.file.as_ref().map(|file| policy.beside("run.file", file));
            let path = args.source.edge_report.clone().or(of_policy).unwrap_or_else(|| EDGE_REPORT.into());
            Ok(SourceSettings::File { edge_report: text_of_path(&path)? })
        }
        SourceName::Prometheus => {
            let server = &args.source.server;
            let url = store_url(server, policy).ok_or_else(|| {
                usage("the source prometheus needs the address of a server").hint(
                    "give `--prometheus-url`, set `SOAK_PROMETHEUS_URL`, or `prometheus_url` in `[run]` of the policy",
                )
            })?;
            Ok(SourceSettings::Prometheus { url, selector: store_selector(server, policy) })
        }
    }
}

/// The command of the policy; a program with a path is beside the file that names it.
fn usual_command(policy: &Policy) -> Result<Vec<String>, Failure> {
    let mut command = policy.run.defaults.command.clone().unwrap_or_default();
    if let Some(program) = command.first_mut().filter(|program| program.contains(std::path::is_separator)) {
        *program = text_of_path(&policy.beside("run.command", program))?;
    }
    Ok(command)
}

fn no_source() -> Failure {
    usage("no source is named: where do the measurements come from?").hint(
        "a command after `--` (exec), `--source file [--measurement FILE]`, \
         `--source prometheus --prometheus-url URL`, or `--mock` for the simulator; \
         `source` in the table `[run]` of the policy names one for good",
    )
}

/// The declared source with what the flags of a resume say of it; the error is that they mean another one.
pub(crate) fn source_over(
    args: AskedSource<'_>,
    declared: &SourceSettings,
    asks_a_store: bool,
) -> Result<SourceSettings, Failure> {
    let Some(name) = named(args, args.source.mock_by_flag(), None, asks_a_store)? else {
        return Ok(declared.clone());
    };
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
/// says. Where the policy asks a store for more than measurements, its flags go with every source but the simulator.
fn named(
    args: AskedSource<'_>,
    mock: bool,
    of_policy: Option<SourceName>,
    asks_a_store: bool,
) -> Result<Option<SourceName>, Failure> {
    let source = &args.source;
    let given = [
        (SourceName::Exec, "a command after `--`", !args.command.is_empty()),
        (SourceName::Exec, "`--measure-at`", source.measure_at.is_some()),
        (SourceName::File, "`--edge-report`", source.edge_report.is_some()),
        (SourceName::Sim, "`--seed`", source.seed.is_some()),
        (SourceName::Sim, "`--scenario`", source.scenario.is_some()),
        (SourceName::Sim, "`--real-time`", source.real_time),
        // Last: beside another source they name the store that restarts and marks are asked from.
        (SourceName::Prometheus, "`--prometheus-url`", source.server.prometheus_url.is_some()),
        (SourceName::Prometheus, "`--selector`", source.server.selector.is_some()),
        (SourceName::Prometheus, "`--bearer-token-file`", source.server.access.bearer_token_file.is_some()),
        (SourceName::Prometheus, "`--basic-auth-user`", source.server.access.basic_auth_user.is_some()),
        (SourceName::Prometheus, "`--header`", !source.server.access.header.is_empty()),
        (SourceName::Prometheus, "`--ca-file`", source.server.access.ca_file.is_some()),
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
    let has_store = asks_a_store && name != SourceName::Sim;
    let is_beside = |owner: SourceName| has_store && owner == SourceName::Prometheus;
    if let Some((owner, flag, _)) = given.find(|(owner, ..)| *owner != name && !is_beside(*owner)) {
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

fn command(args: AskedSource<'_>) -> Result<Vec<String>, Failure> {
    args.command.iter().map(text).collect()
}

fn sim(args: AskedSource<'_>) -> Result<SourceSettings, Failure> {
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

pub(crate) fn text_of_path(path: &Path) -> Result<String, Failure> {
    text(&path.as_os_str().to_owned())
}

/// A wrong command line.
pub(crate) fn usage(problem: impl std::fmt::Display) -> Failure {
    Failure::usage(anyhow!("{problem}"))
}

/// What measures a run.
pub(crate) struct Instruments {
    pub(crate) source: Box<dyn Source>,
    pub(crate) sampler: Option<Sampler>,
}

/// The source, and what samples the resources; each is tried before anything is written.
pub(crate) fn instruments(
    settings: &RunSettings,
    args: &RunArgs,
    policy: &Policy,
) -> Result<Instruments, Failure> {
    let sampler = match watched(settings, &args.watched, &args.source.server, policy) {
        Some(Watched::Process(top)) => Some(process_sampler(top)?),
        Some(Watched::Store) | None => None,
    };
    let checked = if settings.no_wait { Checked::Nothing } else { Checked::All };
    Ok(Instruments { source: source(settings, checked, &args.source, policy)?, sampler })
}

/// That the program of a command is there; a plan may be made before it is.
pub(crate) fn check_program(settings: &RunSettings) -> Result<(), Failure> {
    if let SourceSettings::Exec { command } = &settings.source
        && let Some(program) = command.first()
        && let Some(why) = unstartable(OsStr::new(program))
    {
        return Err(usage(format!("the command `{program}` cannot be started: {why}"))
            .hint("it is searched for in $PATH; one in this folder is named with it, as in `./measure.sh`"));
    }
    Ok(())
}

/// Whose resources are sampled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    Process(Top),
    /// The queries of `[resources]`.
    Store,
}

impl std::fmt::Display for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Process(Top::Pid(pid)) => write!(f, "process {pid} and its children"),
            Self::Process(Top::File(path)) => {
                write!(f, "the process that `{}` names, and its children", path.display())
            }
            Self::Store => f.write_str("queries of [resources]"),
        }
    }
}

/// What the flags say, else the policy: its queries where there is a store, else its file. A simulated system has
/// resources of its own.
pub(crate) fn watched(
    settings: &RunSettings,
    args: &WatchedArgs,
    server: &ServerArgs,
    policy: &Policy,
) -> Option<Watched> {
    let WatchedArgs { pid, pid_file } = args;
    if let Some(pid) = pid {
        return Some(Watched::Process(Top::Pid(*pid)));
    }
    if let Some(file) = pid_file {
        return Some(Watched::Process(Top::File(file.clone())));
    }
    let rules = Some(&policy.run.resources).filter(|rules| rules.is_on)?;
    let has_store = match settings.source {
        SourceSettings::Sim { .. } => return None,
        SourceSettings::Prometheus { .. } => true,
        SourceSettings::Exec { .. } | SourceSettings::File { .. } => store_url(server, policy).is_some(),
    };
    if has_store && rules.asks_a_store() {
        return Some(Watched::Store);
    }
    rules.pid_file.as_ref().map(|file| Watched::Process(Top::File(file.into())))
}

/// Whether the policy has queries beside those of the prometheus source.
pub(crate) fn asks_a_store(policy: &Policy) -> bool {
    policy.events.asks_a_store() || policy.run.resources.asks_a_store()
}

pub(crate) fn process_sampler(top: Top) -> Result<Sampler, Failure> {
    let hint = match &top {
        Top::Pid(_) => "`--pid` names a process of this machine that is running",
        Top::File(_) => "`--pid-file` and `resources.pid_file` name a file with the number of such a process",
    };
    let mut sampler = procfs::Sampler::new(top).map_err(|error| Failure::input(error).hint(hint))?;
    let watch = Stopwatch::start();
    Ok(noting_once(Box::new(move |_, _| sampler.sample(watch.elapsed()))))
}

/// What asks the store for resources; `None` where it is not to.
pub(crate) fn store_sampler(
    settings: &RunSettings,
    watched: Option<&Watched>,
    policy: &Policy,
    store: Option<&Store>,
) -> Option<Sampler> {
    watched.filter(|of| **of == Watched::Store)?;
    let window = Duration::from_secs_f64(settings.interval_seconds);
    let mut sampler = StoreSampler::new(store?.clone(), window, policy.run.resources.clone());
    Some(noting_once(Box::new(move |at, wait| sampler.sample(at, wait))))
}

/// Once is enough, until it is another matter.
fn noting_once(mut sample: Sampler) -> Sampler {
    let mut told = None;
    Box::new(move |at, wait| {
        let mut sample = sample(at, wait);
        if sample.note == told {
            sample.note = None;
        } else {
            told.clone_from(&sample.note);
        }
        sample
    })
}

/// The source. Credentials come from the files that the command line names, now and at every resume.
pub(crate) fn source(
    settings: &RunSettings,
    checked: Checked,
    args: &SourceArgs,
    policy: &Policy,
) -> Result<Box<dyn Source>, Failure> {
    Ok(match &settings.source {
        SourceSettings::Sim { seed, scenario, real_time } if policy.profile == Profile::Trading => {
            Box::new(SimSource::new(simulator(*seed, scenario)?, *real_time))
        }
        SourceSettings::Sim { seed, scenario, real_time } => {
            let scenario = scenario.parse().map_err(usage)?;
            Box::new(ServiceSource::new(policy, *seed, scenario, *real_time).map_err(usage)?)
        }
        SourceSettings::Exec { command } => {
            let command = command.iter().map(Into::into).collect();
            let patience = &policy.run.patience;
            let grace = Duration::from_secs_f64(patience.child_grace_seconds);
            let source = ExecSource::new(
                command,
                grace,
                Duration::from_secs_f64(patience.child_kill_after_seconds),
                settings.measure_at,
                MeasurementReader::new(policy),
            );
            Box::new(if checked == Checked::Nothing { source.without_times() } else { source })
        }
        SourceSettings::File { edge_report } => {
            let reader = MeasurementReader::new(policy);
            Box::new(FileSource::new(PathBuf::from(edge_report), checked, reader))
        }
        SourceSettings::Prometheus { url, selector } => {
            let store = store_at(url, selector, &args.server)?;
            if policy.run.queries.is_empty() {
                return Err(usage("the policy has no query for the prometheus source"));
            }
            let source = PrometheusSource::new(store, policy.run.queries.clone());
            Box::new(source.looking_at_up(policy.profile != Profile::Trading))
        }
    })
}

/// The store of flag or variable, else that of the policy.
pub(crate) fn store_url(server: &ServerArgs, policy: &Policy) -> Option<String> {
    server.url().or_else(|| policy.run.defaults.prometheus_url.clone())
}

fn store_selector(server: &ServerArgs, policy: &Policy) -> String {
    server.selector().or_else(|| policy.run.defaults.selector.clone()).unwrap_or_default()
}

fn store_at(url: &str, selector: &str, server: &ServerArgs) -> Result<Store, Failure> {
    Ok(Store::new(server.target(url)?, selector, Limits::default()))
}

/// The store that restarts and marks are asked from beside another source; `None` = the policy asks nothing, or no
/// server is named.
pub(crate) fn store_beside(
    settings: &RunSettings,
    server: &ServerArgs,
    policy: &Policy,
) -> Result<Option<Store>, Failure> {
    let is_other = matches!(settings.source, SourceSettings::Exec { .. } | SourceSettings::File { .. });
    let url = store_url(server, policy).filter(|_| is_other && asks_a_store(policy));
    url.map(|url| store_at(&url, &store_selector(server, policy), server)).transpose()
}

/// The simulated bot of these settings, for those who show its metrics; `None` where something else is measured.
pub(crate) fn simulated(settings: &SourceSettings, policy: &Policy) -> Result<Option<Simulated>, Failure> {
    let SourceSettings::Sim { seed, scenario, real_time } = settings else { return Ok(None) };
    if policy.profile != Profile::Trading {
        return Ok(None);
    }
    Ok(Some(Simulated { simulator: simulator(*seed, scenario)?, real_time: *real_time }))
}

fn simulator(seed: u64, scenario: &str) -> Result<Simulator, Failure> {
    let scenario: Scenario = scenario.parse().map_err(usage)?;
    Ok(Simulator::new(seed, scenario))
}

/// The file that start values come from and tuned values are adopted into, there or not.
pub(crate) fn start_file(args: &TuningArgs, out: &Path) -> PathBuf {
    args.start.overrides.clone().unwrap_or_else(|| out.join(OVERRIDES_FILE))
}

/// Its content: the shape that the active file takes. `None` = it is not there.
pub(crate) fn overrides_shape(file: &Path) -> Result<Option<Vec<u8>>, Failure> {
    if atomic_file::exists(file) {
        atomic_file::read_plain(file).map(Some).map_err(Failure::input)
    } else {
        Ok(None)
    }
}

/// Collects and resolves the start values.
pub(crate) fn start_values(args: &TuningArgs, out: &Path, policy: &RunPolicy) -> Result<Start, Failure> {
    if !policy.tunes() {
        return Ok(Start::default());
    }
    let StartArgs { overrides, profile, set } = &args.start;
    let variable = StartArgs::variable(OVERRIDES_VARIABLE);
    let usual_file = out.join(OVERRIDES_FILE);
    let asked = StartRequest {
        file: overrides.as_deref(),
        usual_file: Some(&usual_file),
        variable: variable.as_deref(),
        profile: profile.as_deref(),
        set,
    };
    let preset = chosen_preset(args, policy)?;
    let presets: Vec<&Preset> = preset.iter().collect();
    crate::run::start::resolve(policy, asked, &presets).map_err(start_failure)
}

/// A start value that cannot be; the class says whether a file or the command line is to be mended.
fn start_failure(problem: StartProblem) -> Failure {
    let hint = "`soak config show` prints the parameters, their bounds and where values come from";
    match problem {
        StartProblem::File(_) | StartProblem::Text { .. } => Failure::input(problem).hint(hint),
        StartProblem::Profile { .. } | StartProblem::Values(_) => Failure::usage(problem).hint(hint),
    }
}

fn chosen_preset(args: &TuningArgs, policy: &RunPolicy) -> Result<Option<Preset>, Failure> {
    if let Some(file) = &args.preset_file {
        let json = atomic_file::read(file).map_err(Failure::input)?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let path = file.display().to_string();
        return crate::run::tuner::preset::read(&json, &name, &path).map(Some).map_err(|error| {
            Failure::input(anyhow!(error).context(format!("the preset `{path}` cannot be used")))
        });
    }
    let Some(name) = &args.preset else { return Ok(None) };
    known_preset(policy, name)?;
    policy.preset(name).map(|preset| Some(preset.clone())).ok_or_else(|| usage("no such preset"))
}

/// The way out where a file has two uses.
const APART: &str = "give each file a name of its own";

/// That everything that is written during the run and at its end can have the place that was asked for.
pub(crate) fn check_places(job: &Job<'_>, settings: &RunSettings) -> Result<(), Failure> {
    apart(job, settings)?;
    RunFolder::try_place(&job.args.files.out)?;
    for (path, _) in job.args.reports.files() {
        writable(&path, "the report flags name files in folders that can be written")?;
    }
    if job.args.tuning.adopt {
        let hint = "`--adopt` writes the tuned values into the start file, see `--overrides`";
        writable(Path::new(&settings.start_file), hint)?;
    }
    Ok(())
}

fn writable(path: &Path, hint: &str) -> Result<(), Failure> {
    atomic_file::try_below(path).map_err(|error| Failure::usage(error).hint(hint))
}

/// That none of them is another one.
fn apart(job: &Job<'_>, settings: &RunSettings) -> Result<(), Failure> {
    let start_file = Path::new(&settings.start_file);
    let active = settings.active_overrides.as_deref().map(Path::new);
    if let Some(active) = active {
        check_active(active, start_file)?;
    }
    let latest = job.args.files.out.join("latest").join(OVERRIDES_FILE);
    let active = active.unwrap_or(&latest);
    // Into a device or a pipe several may be written, one after the other.
    let reports: Vec<_> =
        job.args.reports.files().into_iter().filter(|(path, _)| !atomic_file::is_stream(path)).collect();
    for (at, (path, _)) in reports.iter().enumerate() {
        let shown = path.display();
        if is_of_a_run(path) {
            return Err(usage(format!(
                "`{shown}` is the name of a file that runs write; no report goes there"
            ))
            .hint(APART));
        }
        for (other, what) in [(start_file, "the start file"), (active, "the active overrides")] {
            if atomic_file::is_same_place(path, other) {
                return Err(usage(format!("`{shown}` holds {what}; no report goes there")).hint(APART));
            }
        }
        if reports[..at].iter().any(|(before, _)| atomic_file::is_same_place(path, before)) {
            return Err(usage(format!("two reports are to be written to `{shown}`")).hint(APART));
        }
    }
    Ok(())
}

fn check_active(active: &Path, start_file: &Path) -> Result<(), Failure> {
    let shown = active.display();
    if atomic_file::is_same_place(active, start_file) {
        return Err(usage(format!("`--active-overrides` names the start file `{shown}`, which a run never changes"))
            .hint("give the active overrides a file of their own; `--adopt` writes the tuned values into the start file after a PASS"));
    }
    if is_of_a_run(active) {
        let problem =
            format!("`--active-overrides` names `{shown}`, which is the name of a file that runs write");
        return Err(usage(problem).hint(APART));
    }
    if !atomic_file::has_folder(active) {
        return Err(usage(format!("the folder of `--active-overrides {shown}` is not there"))
            .hint("make the folder that the system under test reads from, or name another file"));
    }
    Ok(())
}

/// Whether a file has a name that belongs to a run's own files.
fn is_of_a_run(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    [
        manifest::MANIFEST_FILE,
        crate::core::iteration::manifest::RUN_LOG_FILE,
        tuning_written::STATE_FILE,
        tuning_written::REPORT_FILE,
    ]
    .contains(&name)
        || name.starts_with("ITER_SUMMARY_")
        || ITERATIONS.contains(&name)
}

/// Refuses gates that decide on the exit code and would be INVALID whatever is measured.
///
/// What the reports of a command or of a system hold is not known before; the queries of a policy are.
pub(crate) fn check_gates(job: &Job<'_>, settings: &RunSettings, iterations: u64) -> Result<(), Failure> {
    let policy = job.policy;
    if !job.args.wants_run_gates() {
        return Ok(());
    }
    let hours = iterations as f64 * settings.interval_seconds / 3600.0;
    if let Some(gate) = policy.out_of_reach(hours).next() {
        let (name, symbol, limit) = (&gate.name, gate.comparison.symbol(), gate.limit.value);
        return Err(usage(format!(
            "{iterations} iterations of {} s never meet the hard gate `run_gates.{name}` ({}): `{} {symbol} {limit}`",
            settings.interval_seconds, gate.limit.source.origin, gate.metric
        ))
        .hint("`--hours` and `--iterations` set the length of a run"));
    }
    if !matches!(settings.source, SourceSettings::Prometheus { .. }) {
        return Ok(());
    }
    let keys = || policy.run.queries.iter().map(|query| query.metric.as_str());
    let Some(gate) = hard_gates(policy).find(|gate| !can_come_from(&gate.metric, keys(), &policy.kpis))
    else {
        return Ok(());
    };
    let (name, metric, origin) = (&gate.name, &gate.metric, &gate.limit.source.origin);
    Err(usage(format!(
        "`run_gates.{name}` ({origin}) looks at `{metric}`, and the policy has no query for it"
    ))
    .hint(format!("add `[prometheus.\"{metric}\"]`, or set `enabled = false` in `[run_gates.{name}]`")))
}

/// What a person should know who asks for the run gates of a policy that has no hard one.
pub(crate) fn gates_note(job: &Job<'_>) -> Option<String> {
    let is_idle = job.args.wants_run_gates() && hard_gates(job.policy).next().is_none();
    is_idle.then(|| "no run gate of the policy is hard, so the exit code does not depend on them".to_owned())
}

fn hard_gates(policy: &Policy) -> impl Iterator<Item = &RunGate> {
    policy.run_gates.iter().filter(|gate| gate.severity == Severity::Hard)
}
