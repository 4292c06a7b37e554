//! Writing the `readiness.json` of the earlier scripts; a file in another format is never written over.

use std::path::{Path, PathBuf};

use crate::core::audit::Audit;
use crate::io::load::read_plain;
use crate::io::loose::{self, FileError};
use crate::wire::legacy_readiness::{Answer, Spelling};
use crate::wire::provenance::Provenance;

/// Why it was not written.
#[derive(Debug, thiserror::Error)]
pub enum LegacyError {
    /// Something else is there.
    #[error("`{}` holds something else than the format asked for", path.display())]
    Other {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What an audit answers.
pub fn answer(audit: &Audit<'_>, provenance: &Provenance) -> Answer {
    let readiness = &audit.readiness;
    let mut failures = readiness.failures.clone();
    if !readiness.is_ok() && failures.is_empty() {
        failures.push(format!("{}: {}", readiness.outcome, audit.analysis.reason()));
    }
    Answer {
        ok: readiness.is_ok(),
        kpis: readiness.kpis.clone(),
        failures,
        overridden: provenance.overridden.clone(),
    }
}

/// Writes a file.
pub fn write(path: &Path, spelling: Spelling, answer: &Answer) -> Result<(), LegacyError> {
    if loose::is_file(path) && !read_plain(path).is_ok_and(|there| spelling.is_of(&there)) {
        return Err(LegacyError::Other { path: path.to_owned() });
    }
    Ok(loose::write_below(path, spelling.write(answer).as_bytes())?)
}
