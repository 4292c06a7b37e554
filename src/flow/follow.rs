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
        let request = Request { path, policy, options: options.clone(), symbols: &[], edge_report: None };
        judge::judge_loaded(loaded, &request, None)
    }
}
