//! The metrics of a folder for a scraper: looked at when asked, but not more often than agreed.
//!
//! Knows no HTTP.

use std::time::Duration;

use crate::flow::follow::Follower;
use crate::io::clock::Stopwatch;
use crate::render::exposition::Form;
use crate::render::prom_export::{Looks, Wanted, metrics};
use crate::wire::provenance::Provenance;

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
        Self {
            follower,
            provenance,
            legacy,
            refresh,
            last: None,
            looks: Looks { files: 0, read: 0, looks: 0 },
            failure: None,
        }
    }

    /// The metrics as of now; the error says why there are none, in one line.
    pub fn expose(&mut self, form: Form) -> Result<String, String> {
        self.look()?;
        let wanted = Wanted { form, legacy: self.legacy };
        match self.follower.judged() {
            Some(judged) => Ok(metrics(&judged.analysis, &self.provenance, wanted, Some(self.looks))),
            None => Err("the folder was not looked at yet".to_owned()),
        }
    }

    /// Looks at the folder, unless that was done just now.
    pub fn look(&mut self) -> Result<(), String> {
        if self.last.is_none_or(|last| last.elapsed() >= self.refresh) {
            self.looks.looks += 1;
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
