//! A followed folder as the live view shows it: facts, iterations, and a note when there is nothing to show.
//!
//! Knows no server and no clock of its own: the caller says when it is looked at, and what time it is.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::core::analysis::{Analysis, Options, SymbolAnalysis, limits_word, pass_limits};
use crate::core::policy::Policy;
use crate::core::run::live::{LiveFacts, LiveIteration, LiveRun, LiveVerdict};
use crate::core::run::settings::SourceSettings;
use crate::flow::follow::Follower;
use crate::flow::judge::{JudgeError, Judged};
use crate::io::load::LoadError;
use crate::io::loose;
use crate::wire::provenance::Provenance;
use crate::wire::run_manifest::{self, RunManifest};

/// Files whose time says when a run was last heard of.
const SIGNS_OF_LIFE: [&str; 2] = ["RUN_LOG.jsonl", run_manifest::FILE_NAME];

/// What to follow, and how it is held against the limits.
#[derive(Clone, Debug)]
pub struct Followed {
    /// The folder asked for.
    pub path: PathBuf,
    /// Use the relaxed limits.
    pub mock: bool,
    /// The symbol to show; `None` = the worst.
    pub symbol: Option<String>,
}

/// What a look at the folder shows.
#[derive(Debug)]
pub struct View {
    /// Everything beside the iterations.
    pub facts: LiveFacts,
    /// The iterations, where they may be others than at the look before.
    pub iterations: Option<Vec<LiveIteration>>,
}

impl View {
    /// Shows it.
    pub fn apply(self, live: &mut LiveRun) {
        let Self { facts, iterations } = self;
        live.facts = facts;
        if let Some(iterations) = iterations {
            live.replace(iterations);
        }
    }
}

/// Follows a folder for the live view.
#[derive(Debug)]
pub struct LiveFolder {
    followed: Followed,
    policy: Policy,
    files: Follower,
    empty: LiveFacts,
    /// Whether the last look had iterations to show, and any look.
    shows: bool,
    seen: bool,
    /// The symbol that was found worst when the run was first seen: the page does not jump between symbols.
    worst: Option<String>,
}

impl LiveFolder {
    /// Will follow a folder, which may not be there yet.
    pub fn new(followed: Followed, policy: Policy, provenance: &Provenance) -> Self {
        let options = Options { mock: followed.mock, live: true, ..Options::default() };
        let limits = limits_word(followed.mock);
        let mut empty =
            LiveFacts::new("unknown", limits, &provenance.tool_version, &provenance.policy_sha256);
        empty.state = None;
        empty.folder = Some(followed.path.display().to_string());
        empty.symbol.clone_from(&followed.symbol);
        let files = Follower::new(&followed.path, policy.clone(), options);
        Self { followed, policy, files, empty, shows: false, seen: false, worst: None }
    }

    /// What is shown before the first look.
    pub fn nothing(&self) -> LiveRun {
        let parameters = self.policy.run.parameters.iter().cloned().collect();
        LiveRun::new(self.empty.clone(), &self.policy, parameters)
    }

    /// Looks at the folder. What cannot be read is told in the note; the next look may find it mended.
    pub fn look(&mut self, now: DateTime<Utc>) -> View {
        let Self { followed, policy, files, empty, .. } = self;
        let (judged, changed) = match files.look() {
            Ok(look) => (look.judged, look.changed),
            Err(error) => {
                let gone = if self.seen { "; it was there, and is waited for" } else { "; it is waited for" };
                let problem = match &error {
                    // That nothing is there is all that the system would say, too.
                    JudgeError::Load(LoadError::Missing { .. }) => error.to_string(),
                    _ => format!("{:#}", anyhow::anyhow!(error)),
                };
                let note = format!("{problem}{gone}");
                let facts = LiveFacts { note: Some(note), ..empty.clone() };
                return self.nothing_but(facts);
            }
        };
        let analysis = &judged.analysis;
        let mut facts = LiveFacts { folder: Some(judged.folder.display().to_string()), ..empty.clone() };
        describe(&mut facts, judged, now);
        if analysis.evidence.is_empty() && analysis.evidence.bad_files.is_empty() {
            let before = if self.seen { "any more" } else { "yet" };
            facts.note = Some(format!("there are no iterations in `{}` {before}", judged.folder.display()));
            let claims =
                analysis.evidence.declared.as_ref().is_some_and(|declared| declared.last_complete > 0);
            facts.verdict = claims.then(|| LiveVerdict::of(analysis));
            return self.nothing_but(facts);
        }
        let wanted = followed.symbol.as_deref();
        let Some(symbol) = choose(analysis, wanted, self.worst.as_deref()) else {
            facts.note = Some(no_symbol(analysis, wanted.unwrap_or_default()));
            return self.nothing_but(facts);
        };
        facts.symbol.clone_from(&symbol.symbol);
        self.worst.clone_from(&symbol.symbol);
        facts.verdict = Some(LiveVerdict::of(analysis));
        facts.note = note(&facts, analysis, now);
        let pass = pass_limits(policy, followed.mock);
        let rows = || LiveIteration::of_series(analysis.series(symbol), policy.kpis.len(), pass);
        let iterations = (changed || !self.shows).then(rows);
        (self.shows, self.seen) = (true, true);
        View { facts, iterations }
    }

    fn nothing_but(&mut self, facts: LiveFacts) -> View {
        self.worst = None;
        let iterations = std::mem::take(&mut self.shows).then(Vec::new);
        View { facts, iterations }
    }
}

/// The symbol asked for; else the one that was the worst before, as long as it is there; else the worst.
fn choose<'a>(
    analysis: &'a Analysis,
    wanted: Option<&str>,
    before: Option<&str>,
) -> Option<&'a SymbolAnalysis> {
    let named = |name| analysis.symbols.iter().find(|symbol| symbol.symbol.as_deref() == Some(name));
    match wanted {
        Some(wanted) => named(wanted),
        None => before.and_then(named).or_else(|| Some(analysis.worst())),
    }
}

fn no_symbol(analysis: &Analysis, wanted: &str) -> String {
    let known: Vec<&str> = analysis.symbols.iter().filter_map(|symbol| symbol.symbol.as_deref()).collect();
    if known.is_empty() {
        return format!("the run has no symbol `{wanted}`; its iterations carry none");
    }
    format!("the run has no symbol `{wanted}`; it has {}", known.join(", "))
}

/// What a person should know beside the verdict.
fn note(facts: &LiveFacts, analysis: &Analysis, now: DateTime<Utc>) -> Option<String> {
    if let Some(silent) = facts.silent_seconds(now) {
        let minutes = silent / 60.0;
        return Some(format!(
            "no iteration for {minutes:.0} min, though the run says that it goes on: it may hang, or was killed"
        ));
    }
    let symbols = analysis.symbols.len();
    (symbols > 1).then(|| format!("this is one symbol of {symbols}; the verdict is that on all of them"))
}

/// What the manifest tells of the run, and when it was last heard of.
fn describe(facts: &mut LiveFacts, judged: &Judged, now: DateTime<Utc>) {
    let analysis = &judged.analysis;
    facts.origin = analysis.origin.note();
    if let Some(source) = analysis.source() {
        facts.source = source;
    }
    let Some(declared) = &analysis.evidence.declared else { return };
    facts.declared = Some(declared.iterations);
    facts.state = Some(declared.state);
    facts.heartbeat = SIGNS_OF_LIFE
        .iter()
        .filter_map(|name| loose::modified(&judged.folder.join(name)))
        .max()
        .map(|heard| heard.min(now));
    let Some(manifest) = manifest(&judged.folder) else { return };
    facts.started = DateTime::parse_from_rfc3339(&manifest.started_utc).ok().map(|time| time.to_utc());
    let interval = manifest.settings.interval_seconds;
    facts.interval_seconds = Some(interval);
    facts.pace_seconds = (!manifest.settings.source.is_virtual()).then_some(interval);
    if let SourceSettings::Sim { seed, .. } = manifest.settings.source {
        facts.seed = Some(seed);
    }
}

fn manifest(folder: &Path) -> Option<RunManifest> {
    let bytes = loose::read(&folder.join(run_manifest::FILE_NAME)).ok()?;
    RunManifest::read(&bytes).ok()
}
