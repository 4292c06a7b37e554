//! The beginning of a run: a new folder, or the folder of a run that goes on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};

use super::settings::{self, Instruments, Job, plain, usage};
use crate::core::analysis::Origin;
use crate::core::iteration::manifest;
use crate::core::iteration::manifest::{
    DeclaredOverride, MANIFEST_VERSION, RunEvent, RunManifest, RunSettings, RunState, Segment, SourceSettings,
};
use crate::core::iteration::params::{ParamName, ParamValues};
use crate::core::load::overrides_file as overrides;
use crate::core::verdict::failure::Failure;
use crate::infra::artifacts::Durability;
use crate::infra::atomic_file;
use crate::infra::clock;
use crate::infra::environment::{cpu_name, host_name};
use crate::run::folder::{OVERRIDES_FILE, Place, RunFolder};
use crate::run::iteration::tuning::TunerState;
use crate::run::plan::{PlannedFile, RunPlan, plan as make_plan};
use crate::run::source::store::Store;
use crate::run::start::{Start, StartOrigin, StartValue};

/// The note of a run whose clock is fixed and whose reports have times of their own.
const FIXED_CLOCK: &str = "the clock is fixed by the environment (`SOAK_NOW`): whether reports are stale by their own \
                           `runtime.utc` is not checked";

/// What is said of a run with `--no-wait`.
const NO_WAIT: &str = "REHEARSAL: the intervals are not waited for (`--no-wait`); not valid for a release";

/// The note of a run that nobody can ask about restarts and marks.
const NO_STORE: &str = "the policy asks a metrics store about restarts, marks or resources, and no server is named: they are not \
                        recorded; `--prometheus-url` or `SOAK_PROMETHEUS_URL` names one";

/// A run that has its folder.
pub(crate) struct PreparedRun {
    pub(crate) folder: RunFolder,
    pub(crate) settings: RunSettings,
    /// The last iteration that is there; 0 = none.
    pub(crate) done: u64,
    /// The tuner's memory after it; `None` before the first.
    pub(crate) state: Option<TunerState>,
    /// The values that the run started with.
    pub(crate) start: ParamValues,
    /// When it started.
    pub(crate) started: DateTime<Utc>,
    /// The file whose shape the active overrides keep.
    pub(crate) shape: Option<Vec<u8>>,
    /// The store that restarts and marks are asked from, beside a source that has none.
    pub(crate) store: Option<Store>,
    /// What a person should know before it continues.
    pub(crate) notes: Vec<String>,
}

/// Makes the folder, or opens it; the source is made before anything is written.
pub(crate) fn begin(job: &Job<'_>) -> Result<(PreparedRun, Instruments), Failure> {
    if job.args.length.resume { resumed_run(job) } else { new_run(job) }
}

/// The plan of the same.
pub(crate) fn plan(job: &Job<'_>) -> Result<RunPlan, Failure> {
    let out = &job.args.files.out;
    let (settings, iterations, done, start) = if job.args.length.resume {
        let manifest = read_manifest(&out.join("latest"))?;
        let settings = manifest.settings.clone();
        check_declared(job, &manifest)?;
        let start = declared_start(&manifest);
        let iterations = extended(job, &manifest)?;
        (settings, iterations, manifest.last_complete_iteration, start)
    } else {
        let (settings, iterations) = settings::asked(job.args, job.policy)?;
        settings::check_length(iterations, settings.interval_seconds, job.now)?;
        (settings, iterations, 0, settings::start_values(&job.args.tuning, out, &job.policy.run)?)
    };
    // What would stop the run stops the plan; and a wrong URL may hold a password.
    settings::check_places(job, &settings)?;
    settings::check_gates(job, &settings, iterations)?;
    settings::store_beside(&settings, &job.args.source.server, job.policy)?;
    settings::instruments(&settings, job.args, job.policy)?;
    let plan = make_plan(
        job.policy,
        &settings,
        iterations,
        done,
        &start,
        job.args.wants_run_gates(),
        files(job, &settings),
    );
    Ok(RunPlan {
        resources: settings::watched(&settings, &job.args.watched, &job.args.source.server, job.policy)
            .map(|of| of.to_string()),
        ..plan
    })
}

fn files(job: &Job<'_>, settings: &RunSettings) -> Vec<PlannedFile> {
    let out = &job.args.files.out;
    let run = out.join(if job.args.files.run_isolated { "RUN_<epoch_ms>" } else { "latest" });
    let file = |path: PathBuf, what| PlannedFile { path: path.display().to_string(), what };
    let mut files = vec![
        file(run.join("ITER_SUMMARY_<n>.json"), "one an iteration"),
        file(run.join(manifest::MANIFEST_FILE), "what was declared, and how far it got"),
        file(run.join("RUN_LOG.jsonl"), "size and hash of every iteration file"),
    ];
    if job.policy.run.tunes() {
        let active = settings.active_overrides.as_ref().map(PathBuf::from);
        let active = active.unwrap_or_else(|| run.join(OVERRIDES_FILE));
        files.push(file(run.join("TUNING_REPORT.json"), "at the end"));
        files.push(file(active, "the overrides in force"));
    }
    if !job.args.length.resume && atomic_file::exists(&out.join("latest")) {
        files.push(file(out.join("history"), "the run that is in `latest` now moves here"));
    }
    files.extend(job.args.reports.files().into_iter().map(|(path, what)| file(path, what)));
    files
}

fn new_run(job: &Job<'_>) -> Result<(PreparedRun, Instruments), Failure> {
    let out = &job.args.files.out;
    let (settings, iterations) = settings::asked(job.args, job.policy)?;
    settings::check_length(iterations, settings.interval_seconds, job.now)?;
    let start = settings::start_values(&job.args.tuning, out, &job.policy.run)?;
    let shape = settings::overrides_shape(Path::new(&settings.start_file))?;
    settings::check_places(job, &settings)?;
    settings::check_gates(job, &settings, iterations)?;
    settings::check_program(&settings)?;
    let instruments = settings::instruments(&settings, job.args, job.policy)?;
    let store = settings::store_beside(&settings, &job.args.source.server, job.policy)?;
    // Fractions of a second would only make the times of a simulated run hard to read.
    let started = job.now.trunc_subsecs(0);
    let notes: Vec<String> = start.notes.iter().cloned().chain(remarks(job, &settings)).collect();
    let manifest = RunManifest {
        clock_steps: Vec::new(),
        cpu: cpu_name(),
        extended: Vec::new(),
        host: host_name(),
        iterations,
        last_complete_iteration: 0,
        notes: notes.clone(),
        overrides: start.values.iter().map(declared).collect(),
        policy_sha256: job.policy.sha256.clone(),
        rotated: Vec::new(),
        schema_version: MANIFEST_VERSION.to_owned(),
        segments: vec![segment(job, 1, segment_start(&settings, started, 0))],
        settings: settings.clone(),
        source: settings.source.name().to_owned(),
        started_utc: text(started),
        state: RunState::Running,
        tool_version: job.provenance.tool_version.clone(),
    };
    let place = if job.args.files.run_isolated { Place::Isolated } else { Place::Latest };
    let kpis = &job.policy.kpis;
    let folder = RunFolder::create(out, place, manifest, job.now, kpis, durability(job))?;
    let prepared = PreparedRun {
        folder,
        settings,
        done: 0,
        state: None,
        start: start.overrides(),
        started,
        shape,
        store,
        notes,
    };
    Ok((prepared, instruments))
}

fn resumed_run(job: &Job<'_>) -> Result<(PreparedRun, Instruments), Failure> {
    let out = &job.args.files.out;
    let place = if job.args.files.run_isolated { Place::Isolated } else { Place::Latest };
    let kpis = &job.policy.kpis;
    let (mut folder, found) = RunFolder::open(out, place, kpis, durability(job))?;
    let mut manifest = folder.manifest().clone();
    check_declared(job, &manifest)?;
    settings::check_places(job, &manifest.settings)?;
    settings::check_gates(job, &manifest.settings, extended(job, &manifest)?)?;
    if let Some(changed) = found.changed.first() {
        let problem = format!("`{}` was changed after the run wrote it", changed.display());
        return Err(Failure::input(plain(problem)).hint(
            "restore the file, or start again without `--resume`, which moves the folder's content to `history`",
        ));
    }
    let done = manifest.last_complete_iteration;
    // A complete run that was killed on its way into `latest` has only that way left.
    let mut is_over = false;
    if let Some(more) = job.args.length.extend {
        manifest.iterations = extended(job, &manifest)?;
        manifest.extended.push(more as u64);
    } else if done == manifest.iterations && manifest.state == RunState::Complete {
        // Or its reports, which may be written again.
        if folder.is_materialised() && job.args.reports.files().is_empty() {
            let problem = format!("the run in `{}` is complete: {done} iterations", folder.path().display());
            return Err(Failure::failed(plain(problem))
                .hint("`--extend K` adds iterations to it, `--reports DIR` writes its reports"));
        }
        is_over = true;
    }
    let settings = RunSettings { abort_after_fails: job.args.abort_after_fails, ..manifest.settings.clone() };
    settings::check_program(&settings)?;
    let instruments = settings::instruments(&settings, job.args, job.policy)?;
    let store = settings::store_beside(&settings, &job.args.source.server, job.policy)?;
    let started = DateTime::parse_from_rfc3339(&manifest.started_utc).map_err(|error| {
        Failure::input(plain(format!("`started_utc` of the manifest is no time: {error}")))
    })?;
    // The active file keeps the shape of the start file; before the first iteration only that one is there.
    let active_copy = settings::overrides_shape(&folder.path().join(OVERRIDES_FILE))?;
    // It is not synced: after a power cut it may be anything.
    let is_whole = |shape: &Vec<u8>| overrides::read(shape).is_ok();
    let shape = match active_copy.filter(is_whole) {
        Some(shape) => Some(shape),
        None => settings::overrides_shape(Path::new(&settings.start_file))?,
    };
    let start = declared_start(&manifest).overrides();
    let remarks = remarks(job, &settings);
    if !is_over {
        let new: Vec<_> = remarks.iter().filter(|remark| !manifest.notes.contains(remark)).cloned().collect();
        manifest.notes.extend(new);
        manifest.state = RunState::Running;
        let starts = segment_start(&settings, started.to_utc(), done);
        manifest.segments.push(segment(job, done + 1, starts));
        folder.declare(manifest)?;
        folder.append_event(RunEvent::Resume, Some(done), None, job.now)?;
    }
    if let Some(last) = found.last.as_ref().filter(|_| !is_over) {
        // After the last iteration nobody else would put them in place.
        let text = overrides::write(shape.as_deref(), &last.state.overrides).map_err(Failure::input)?;
        folder.put_overrides(text.as_bytes())?;
    }
    let set_aside = found.set_aside.iter();
    let mut notes: Vec<String> = set_aside
        .map(|path| format!("a damaged iteration file was set aside as `{}`", path.display()))
        .collect();
    notes.extend(remarks);
    if found.manifest_was_lost {
        let path = folder.path().join(manifest::MANIFEST_FILE);
        notes.push(format!("`{}` was missing or damaged and was made again", path.display()));
    }
    let state = found.last.map(|record| record.state);
    let prepared =
        PreparedRun { folder, settings, done, state, start, started: started.to_utc(), shape, store, notes };
    Ok((prepared, instruments))
}

/// How many iterations a resumed run has, those of `--extend` included.
fn extended(job: &Job<'_>, manifest: &RunManifest) -> Result<u64, Failure> {
    let more = job.args.length.extend.unwrap_or(0) as u64;
    let iterations = manifest.iterations.saturating_add(more);
    if more > 0 {
        let starts =
            DateTime::parse_from_rfc3339(&manifest.started_utc).map_or(job.now, |time| time.to_utc());
        settings::check_length(iterations, manifest.settings.interval_seconds, starts)?;
    }
    Ok(iterations)
}

fn read_manifest(folder: &Path) -> Result<RunManifest, Failure> {
    let path = folder.join(manifest::MANIFEST_FILE);
    let bytes = atomic_file::read_plain(&path)
        .map_err(|error| Failure::input(error).hint("start a run without `--resume`"))?;
    RunManifest::read(&bytes)
        .map_err(|reason| Failure::input(plain(format!("`{}` cannot be used: {reason}", path.display()))))
}

/// That the flags given now do not contradict what was declared. Flags that are left out say nothing.
fn check_declared(job: &Job<'_>, manifest: &RunManifest) -> Result<(), Failure> {
    let args = job.args;
    settings::check_tuning(&args.tuning, &job.policy.run)?;
    let declared = &manifest.settings;
    let mut problems = Vec::new();
    let interval_seconds = args.length.interval_by_flag().unwrap_or(declared.interval_seconds);
    let at_first = manifest.iterations - manifest.extended.iter().sum::<u64>().min(manifest.iterations);
    if let Some(asked) = settings::length(args, interval_seconds)?
        && asked != manifest.iterations
        && asked != at_first
    {
        problems.push(format!("iterations: declared {}, now {asked}", manifest.iterations));
    }
    if let Some(profile) = args.tuning.start.profile_by_flag() {
        problems.push(format!("profile: a resumed run has its values already, now `{profile}`"));
    }
    let warmup_preset = settings::warmup_preset(args, &job.policy.run)?;
    let active_overrides = args.tuning.active_overrides.as_deref().map(settings::text_of_path).transpose()?;
    // What is not said now is taken as declared.
    let asked = RunSettings {
        interval_seconds,
        source: settings::source_over(
            args.asked_source(),
            &declared.source,
            settings::asks_a_store(job.policy),
        )?,
        auto_tune: args.tuning.auto_tune || declared.auto_tune,
        warmup_preset: if args.tuning.warmup { warmup_preset } else { declared.warmup_preset.clone() },
        active_overrides: active_overrides.or_else(|| declared.active_overrides.clone()),
        no_wait: args.length.no_wait || declared.no_wait,
        measure_at: args.source.measure_at().unwrap_or(declared.measure_at),
        ..declared.clone()
    };
    problems.extend(declared.differences(&asked));
    if job.policy.sha256 != manifest.policy_sha256 {
        let problem = "the policy is not the one that the run was started with";
        return Err(
            usage(problem).hint("give the same policy as then, with `--policy FILE` if it was a file")
        );
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(usage(format!("this contradicts the run that is to go on:\n{}", problems.join("\n")))
        .hint("leave these flags out; `--extend K` makes a run longer"))
}

/// The start values as the manifest tells them.
fn declared_start(manifest: &RunManifest) -> Start {
    let values = manifest.overrides.iter().map(|declared| StartValue {
        param: ParamName::flat(&declared.param),
        value: declared.value,
        origin: StartOrigin::File(declared.origin.clone()),
    });
    Start { values: values.collect(), notes: manifest.notes.clone() }
}

fn declared(value: &StartValue) -> DeclaredOverride {
    DeclaredOverride { origin: value.origin.to_string(), param: value.param.to_string(), value: value.value }
}

/// What is special about how this run takes its time.
fn remarks(job: &Job<'_>, settings: &RunSettings) -> Vec<String> {
    let has_times = matches!(settings.source, SourceSettings::Exec { .. } | SourceSettings::File { .. });
    let is_unchecked = job.is_clock_fixed && has_times && !settings.no_wait;
    let is_storeless = has_times && settings::store_url(&job.args.source.server, job.policy).is_none();
    let is_unasked = is_storeless && settings::asks_a_store(job.policy);
    let remarks = [(settings.no_wait, NO_WAIT), (is_unchecked, FIXED_CLOCK), (is_unasked, NO_STORE)];
    remarks.into_iter().filter(|(holds, _)| *holds).map(|(_, remark)| remark.to_owned()).collect()
}

/// When the iteration after `done` begins, by the clock that stamps the iterations.
fn segment_start(settings: &RunSettings, started: DateTime<Utc>, done: u64) -> DateTime<Utc> {
    if !settings.source.is_virtual() {
        return clock::machine_time();
    }
    let passed = Duration::try_from_secs_f64(settings.interval_seconds * done as f64).unwrap_or_default();
    started + TimeDelta::from_std(passed).unwrap_or_default()
}

fn segment(job: &Job<'_>, from_iteration: u64, starts: DateTime<Utc>) -> Segment {
    Segment {
        from_iteration,
        host: host_name(),
        pid: std::process::id(),
        started_utc: text(starts),
        version: job.provenance.tool_version.clone(),
    }
}

fn durability(job: &Job<'_>) -> Durability {
    if job.args.files.no_fsync { Durability::Renamed } else { Durability::Synced }
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Where the data of the run comes from, as its settings say.
pub(crate) fn origin(job: &Job<'_>, prepared: &PreparedRun) -> Origin {
    let settings = &prepared.settings;
    Origin::of_run(settings.source.name(), settings.no_wait, |name| job.policy.release.is_simulated(name))
}
