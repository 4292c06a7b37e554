//! A followed folder as the live view shows it: facts, iterations, and a note when there is nothing to show.
//!
//! Knows no server and no clock of its own: the caller says when it is looked at, and what time it is.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::core::analysis::folder as judge;
use crate::core::analysis::folder::{JudgeError, Judged, Request};
use crate::core::analysis::{Analysis, Options, SymbolAnalysis, limits_word, pass_limits};
use crate::core::iteration::manifest;
use crate::core::iteration::manifest::{RunManifest, SourceSettings};
use crate::core::load;
use crate::core::load::run_folder::RunFolder;
use crate::core::load::{LARGEST, LoadError};
use crate::core::policy::Policy;
use crate::core::verdict::provenance::Provenance;
use crate::export::live::{LiveFacts, LiveIteration, LiveRun, LiveVerdict};
use crate::infra::atomic_file;

/// Files whose time says when a run last showed activity.
const SIGNS_OF_LIFE: [&str; 2] = ["RUN_LOG.jsonl", manifest::MANIFEST_FILE];

/// What to follow, and how it is checked against the limits.
#[derive(Clone, Debug)]
pub struct Followed {
    /// The requested folder.
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

    /// Looks at the folder. The note reports what cannot be read; the next look may find it mended.
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
        let mut facts =
            LiveFacts { folder: Some(judged.folder.path().display().to_string()), ..empty.clone() };
        describe(&mut facts, judged, now);
        if analysis.evidence.is_empty() && analysis.evidence.bad_files.is_empty() {
            let before = if self.seen { "any more" } else { "yet" };
            facts.note =
                Some(format!("there are no iterations in `{}` {before}", judged.folder.path().display()));
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
        let rows = || LiveIteration::of_series(analysis.series(symbol), policy.kpis.columns(), pass);
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

/// The requested symbol; else the one that was the worst before, as long as it is there; else the worst.
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
            "no iteration for {minutes:.0} min, though the run says that it continues: it may hang, or was killed"
        ));
    }
    let symbols = analysis.symbols.len();
    (symbols > 1).then(|| format!("this is one symbol of {symbols}; the verdict is that on all of them"))
}

/// What the manifest says about the run, and when the run last showed activity.
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
        .filter_map(|name| atomic_file::modified(&judged.folder.path().join(name)))
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

fn manifest(folder: &RunFolder) -> Option<RunManifest> {
    let bytes = folder.read_plain(manifest::MANIFEST_FILE, LARGEST).ok()?;
    RunManifest::read(&bytes).ok()
}

/// What a look cost, and what there is.
#[derive(Debug)]
pub struct Look<'f> {
    /// The folder as it was judged last.
    pub judged: &'f Judged,
    /// Whether that is another result than at the look before. True at the first.
    pub changed: bool,
    /// Iteration files in the folder.
    pub files: usize,
    /// Iteration files that were read for this look.
    pub read: usize,
}

/// Follows a folder and judges it.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    policy: Policy,
    options: Options,
    files: load::follow::Follower,
    judged: Option<Judged>,
}

impl Follower {
    /// Will follow a folder; nothing is read before the first [`Self::look`].
    pub fn new(path: &Path, policy: Policy, options: Options) -> Self {
        let files = load::follow::Follower::new(path, &policy.kpis);
        Self { path: path.to_owned(), policy, options, files, judged: None }
    }

    /// The folder as it was judged last; `None` before the first look, and after one that failed.
    pub fn judged(&self) -> Option<&Judged> {
        self.judged.as_ref()
    }

    /// Looks at the folder. After an error the next look begins from nothing.
    pub fn look(&mut self) -> Result<Look<'_>, JudgeError> {
        if self.judged.is_none() {
            self.files.forget();
        }
        let before = self.judged.take();
        let load::follow::Look { changed: loaded, files, read } = self.files.look()?;
        let changed = loaded.is_some() || before.is_none();
        let judged = match (loaded, before) {
            (Some(loaded), _) => self.judge(loaded)?,
            (None, Some(judged)) => judged,
            // Whoever has forgotten everything finds something new. Should that fail, there is nothing to
            // judge, which is no pass.
            (None, None) => {
                self.judge(load::Loaded { folder: RunFolder::on_disk(&self.path), ..Default::default() })?
            }
        };
        Ok(Look { judged: self.judged.insert(judged), changed, files, read })
    }

    fn judge(&self, loaded: load::Loaded) -> Result<Judged, JudgeError> {
        let Self { path, policy, options, .. } = self;
        let request = Request::new(path, policy, options.clone());
        judge::judge_loaded(loaded, &request, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::policy;
    use crate::core::verdict::Outcome;

    fn write(folder: &Path, number: u64) {
        let text = format!(
            r#"{{"iteration": {number}, "summary": {{"net_bps": 3.0, "risk_ratio": 0.3, "maker_taker_ratio": 0.9,
                "p95_latency_ms": 250.0, "ticks": {number}}}, "tuning": {{"freeze_triggered": true}}}}"#
        );
        crate::infra::atomic_file::write(
            &folder.join(format!("ITER_SUMMARY_{number}.json")),
            text.as_bytes(),
        )
        .expect("written");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a folder for the test")]
    fn a_folder_is_judged_again_when_it_has_changed_and_from_nothing_after_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = folder.path().join("run");
        let policy = policy::read(&[], &[]).expect("the built-in policy is fine");
        let mut follower = Follower::new(&run, policy, Options::default());
        assert!(follower.look().is_err() && follower.judged().is_none());
        std::fs::create_dir(&run).expect("made");
        let look = follower.look().expect("a folder");
        assert_eq!((look.changed, look.files, look.judged.analysis.outcome), (true, 0, Outcome::Invalid));
        assert!(!follower.look().expect("a folder").changed);
        for number in 1..=8 {
            write(&run, number);
        }
        let look = follower.look().expect("a folder");
        assert_eq!((look.changed, look.read, look.judged.analysis.outcome), (true, 8, Outcome::Pass));
        std::fs::rename(&run, folder.path().join("away")).expect("moved");
        assert!(follower.look().is_err() && follower.judged().is_none());
        std::fs::rename(folder.path().join("away"), &run).expect("moved");
        let look = follower.look().expect("a folder");
        assert_eq!((look.changed, look.read, look.judged.analysis.evidence.len()), (true, 8, 8));
    }
}
