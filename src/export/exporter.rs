//! The metrics of a folder for a scraper: looked at when requested, but not more often than agreed.
//!
//! Knows no HTTP.

use std::time::Duration;

use super::metrics::{Looks, metrics};
use crate::core::verdict::provenance::Provenance;
use crate::export::live::folder::Follower;
use crate::infra::clock::Stopwatch;
use crate::report::exposition::Form;

/// Exposes a folder.
#[derive(Debug)]
pub struct Exporter {
    follower: Follower,
    provenance: Provenance,
    legacy: bool,
    refresh: Duration,
    last: Option<Stopwatch>,
    looks: Looks,
    failure: Option<String>,
}

impl Exporter {
    /// An exporter that looks at its folder at most once in `refresh`.
    pub fn new(follower: Follower, provenance: Provenance, legacy: bool, refresh: Duration) -> Self {
        Self { follower, provenance, legacy, refresh, last: None, looks: Looks::default(), failure: None }
    }

    /// The metrics as of now; the error says why there are none, in one line.
    pub fn expose(&mut self, form: Form) -> Result<String, String> {
        self.look()?;
        let judged = self.follower.judged().ok_or("the folder was not looked at yet")?;
        Ok(metrics(&judged.analysis, &self.provenance, form, self.legacy, Some(self.looks)))
    }

    /// Looks at the folder, unless that was done just now.
    pub fn look(&mut self) -> Result<(), String> {
        if self.last.is_none_or(|last| last.elapsed() >= self.refresh) {
            self.looks.times += 1;
            self.failure = match self.follower.look() {
                Ok(look) => {
                    self.looks.files = look.files;
                    self.looks.read += look.read as u64;
                    tracing::debug!(files = look.files, read = look.read, changed = look.changed, "looked");
                    None
                }
                Err(error) => Some(error.to_string()),
            };
            self.last = Some(Stopwatch::start());
        }
        self.failure.clone().map_or(Ok(()), Err)
    }
}
