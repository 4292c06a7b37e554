//! A folder that is being written, judged anew whenever it has changed: for pages and scrapers.
//!
//! Knows no clock: whoever asks decides how often it is looked at.

use std::path::{Path, PathBuf};

use crate::core::analysis::Options;
use crate::core::policy::Policy;
use crate::flow::judge::{self, JudgeError, Judged, Request};
use crate::io::load;

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
    files: load::Follower,
    judged: Option<Judged>,
}

impl Follower {
    /// Will follow a folder; nothing is read before the first [`Self::look`].
    pub fn new(path: &Path, policy: Policy, options: Options) -> Self {
        let files = load::Follower::new(path, &policy.kpis);
        Self { path: path.to_owned(), policy, options, files, judged: None }
    }

    /// The limits it judges by.
    pub fn policy(&self) -> &Policy {
        &self.policy
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
        let load::Look { changed: loaded, files, read } = self.files.look()?;
        let changed = loaded.is_some() || before.is_none();
        let judged = match (loaded, before) {
            (Some(loaded), _) => self.judge(loaded)?,
            (None, Some(judged)) => judged,
            // Whoever has forgotten everything finds something new. Should that fail, there is nothing to
            // judge, which is no pass.
            (None, None) => self.judge(load::Loaded { folder: self.path.clone(), ..Default::default() })?,
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
    use crate::core::verdict::Outcome;
    use crate::wire::policy;

    fn write(folder: &Path, number: u64) {
        let text = format!(
            r#"{{"iteration": {number}, "summary": {{"net_bps": 3.0, "risk_ratio": 0.3, "maker_taker_ratio": 0.9,
                "p95_latency_ms": 250.0, "ticks": {number}}}, "tuning": {{"freeze_triggered": true}}}}"#
        );
        crate::io::loose::write(&folder.join(format!("ITER_SUMMARY_{number}.json")), text.as_bytes())
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
