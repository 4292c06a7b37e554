//! `soak run`: the command line becomes a plan, the plan a run, the run a folder, a report and an exit code.

pub mod arguments;

pub(crate) mod begin;
pub(crate) mod ending;
pub(crate) mod settings;
pub(crate) mod watch;

use std::io::IsTerminal;
use std::time::Duration;

use self::begin::{PreparedRun, origin};
use self::settings::{Instruments, Job};
use self::watch::{Messenger, Voice, Watch};
use crate::cli::arguments::globals::{GlobalArgs, LogFormat};
use crate::cli::arguments::values::Format;
use crate::cli::judge::folder::{collect_provenance, load_policy};
use crate::cli::judge::post_soak::style;
use crate::cli::output::stdout::print;
use crate::cli::run::arguments::RunArgs;
use crate::core::iteration::bot_metrics::LiveBot;
use crate::core::iteration::manifest::{RunState, SourceSettings};
use crate::core::policy::Policy;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::export::live::server::Server;
use crate::export::live::{LiveFacts, LiveRun};
use crate::infra::clock::{self, MachineClocks, StopRequest};
use crate::infra::environment::Environment;
use crate::infra::http_server::{Listening, ServeError};
use crate::infra::notify::{self, NotifyError};
use crate::infra::progress::Progress;
use crate::report::json;
use crate::run::engine::{Clock, Drive, Pace};
use crate::run::events::EventWatch;
use crate::run::iteration::counters::Counters;
use crate::run::output::log::{self, LogEvent};
use crate::run::plan;
use crate::run::planner::Planner;

/// Runs a soak, or prints the plan of one.
pub(crate) fn run(args: &RunArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let policy = load_policy(&args.policy, &[])?;
    let provenance = collect_provenance(&policy, None)?;
    let fixed = clock::fixed(&Environment::of_process()).map_err(Failure::usage)?;
    let (now, is_clock_fixed) = (fixed.unwrap_or_else(clock::machine_time), fixed.is_some());
    let job = Job { args, globals, policy: &policy, provenance, now, is_clock_fixed };
    let target = args.notify.destination().map_err(Failure::usage)?;
    if let Some(target) = &target {
        notify::check(target).map_err(cannot_notify)?;
    }
    if args.dry_run {
        args.serve.map(Listening::at).transpose().map_err(cannot_serve)?;
        let planned = begin::plan(&job)?;
        print(match args.format {
            Format::Text => plan::text(&planned),
            Format::Json => json::pretty(&planned),
        })?;
        return Ok(Exit::Success);
    }
    let messenger = target.map(|target| Messenger::new(target, args.notify.link()));
    let stop = StopRequest::listen().map_err(Failure::failed)?;
    // Taken before the folder is made: a run that cannot start leaves nothing behind and moves nothing aside.
    let listening = args.serve.map(Listening::at).transpose().map_err(cannot_serve)?;
    let (mut prepared, instruments) = begin::begin(&job)?;
    prepared.notes.extend(settings::gates_note(&job));
    let server = listening.map(|listening| serve(&job, &prepared, listening)).transpose()?;
    carry_out(&job, prepared, instruments, &stop, Observers { messenger, server })
}

/// Who follows the run from outside.
struct Observers {
    messenger: Option<Messenger>,
    server: Option<Server>,
}

fn carry_out(
    job: &Job<'_>,
    mut prepared: PreparedRun,
    Instruments { mut source, sampler }: Instruments,
    stop: &StopRequest,
    Observers { messenger, server }: Observers,
) -> Result<Exit, Failure> {
    let Job { args, globals, policy, .. } = job;
    let iterations = prepared.folder.manifest().iterations;
    let name = prepared.settings.source.name();
    let progress = if globals.quiet || globals.log_format == LogFormat::Json {
        Progress::hidden()
    } else {
        Progress::start(iterations, prepared.done)
    };
    let voice = Voice { quiet: globals.quiet, format: globals.log_format, progress };
    let stderr = crate::report::terminal::Style {
        colour: globals.colors(std::io::stderr().is_terminal()),
        ascii: args.ascii,
    };
    let mut watch = Watch::new(policy, prepared.folder.path(), iterations, voice, stderr);
    watch.messenger = messenger;
    watch.publisher = server.as_ref().map(Server::publisher);
    watch.simulated = settings::simulated(&prepared.settings.source, policy)?;
    log_start(&watch.voice, &prepared, policy, server.as_ref());
    let mut counters = Counters::default();
    prepared.folder.for_each_record(|record| {
        watch.earlier(&record);
        counters.see(&record);
        Ok(())
    })?;
    let planner = Planner {
        policy,
        iterations,
        interval: Duration::from_secs_f64(prepared.settings.interval_seconds),
        auto_tune: prepared.settings.auto_tune,
        warmup: prepared.settings.warmup_preset.as_deref().and_then(|name| policy.run.preset(name)),
        source: name,
    };
    let (fails, noted_early) = (watch.fails, watch.measured_early);
    let time = match &prepared.settings {
        settings if settings.source.is_virtual() => Clock::Virtual(prepared.started),
        settings if settings.no_wait => Clock::NoWait,
        _ => Clock::Real,
    };
    let clocks = MachineClocks::new(stop);
    let store = source.store().cloned().or_else(|| prepared.store.take());
    let watched = settings::watched(&prepared.settings, &args.watched, &args.source.server, policy);
    let sampler = sampler
        .or_else(|| settings::store_sampler(&prepared.settings, watched.as_ref(), policy, store.as_ref()));
    let drive = Drive {
        planner,
        source: &mut *source,
        folder: &mut prepared.folder,
        pace: Pace::new(time, &clocks, planner.interval, &policy.run.measuring, !job.is_clock_fixed),
        watcher: &mut watch,
        events: EventWatch::new(&policy.events, store).after(counters.ended),
        sampler,
        counters,
        shape: prepared.shape.as_deref(),
        abort_after_fails: prepared.settings.abort_after_fails,
        in_place: None,
        noted_early,
    };
    let state = prepared.state.take().unwrap_or_else(|| planner.start(prepared.start.clone()));
    let ended = drive.run(prepared.done, state, fails);
    watch.voice.progress.finish();
    ending::end(job, prepared, ended, watch, server, style(globals, args.ascii))
}

fn cannot_notify(error: NotifyError) -> Failure {
    let hint = error.hint();
    Failure::usage(error).hint_if_known(hint)
}

fn cannot_serve(error: ServeError) -> Failure {
    Failure::failed(error).hint("`--serve` takes a free port, e.g. `--serve 0` for any")
}

fn serve(job: &Job<'_>, prepared: &PreparedRun, listening: Listening) -> Result<Server, Failure> {
    let manifest = prepared.folder.manifest();
    let name = prepared.settings.source.name();
    let version = &job.provenance.tool_version;
    let mut facts = LiveFacts::new(name, "production", version, &job.provenance.policy_sha256);
    facts.origin = origin(job, prepared).note();
    facts.declared = Some(manifest.iterations);
    facts.interval_seconds = Some(prepared.settings.interval_seconds);
    facts.state = Some(RunState::Running);
    facts.started = Some(prepared.started);
    facts.heartbeat = Some(clock::machine_time());
    if let SourceSettings::Sim { seed, .. } = prepared.settings.source {
        facts.seed = Some(seed);
    }
    let parameters = job.policy.run.parameters.iter().cloned().collect();
    let mut live = LiveRun::new(facts, job.policy, parameters);
    live.bot = settings::simulated(&prepared.settings.source, job.policy)?.map(|_| LiveBot::default());
    // Another run that is shown at this address later is not taken for this one.
    live.epoch = u64::try_from(prepared.started.timestamp_millis()).unwrap_or_default();
    Server::show(listening, live).map_err(cannot_serve)
}

fn log_start(voice: &Voice, prepared: &PreparedRun, policy: &Policy, server: Option<&Server>) {
    let manifest = prepared.folder.manifest();
    let folder = prepared.folder.path().display().to_string();
    if prepared.done == 0 {
        let seed = match prepared.settings.source {
            SourceSettings::Sim { seed, .. } => Some(seed),
            _ => None,
        };
        voice.log(&log::start(manifest.iterations, prepared.settings.source.name(), seed, &folder));
    } else {
        voice.log(&log::resume(prepared.done, manifest.iterations, &folder));
    }
    for warning in crate::run::plan::too_short(policy, manifest.iterations) {
        voice.log(&LogEvent::new("sanity", "TOO_SHORT").with("note", warning.as_str()));
    }
    for note in &prepared.notes {
        voice.log(&LogEvent::new("sanity", "NOTE").with("note", note.as_str()));
    }
    if let Some(server) = server {
        voice.log(&LogEvent::new("soak", "SERVE").with("url", format!("http://{}/", server.address())));
    }
}
