//! A temporary file beside its destination, written and synced, waiting for its rename.

use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::{Durability, TEMPORARY_PREFIX, WriteError};
use crate::io::failpoint::failpoint;

/// A complete temporary file. Dropped without a rename, it is removed.
#[derive(Debug)]
pub(super) struct Staged {
    temporary: TempPath,
    destination: PathBuf,
}

impl Staged {
    /// Writes the bytes beside the destination. The file is closed afterwards, so that a large set does not
    /// run out of open files.
    pub(super) fn write(
        destination: &Path,
        bytes: &[u8],
        durability: Durability,
    ) -> Result<Self, WriteError> {
        let folder = destination.parent().filter(|parent| !parent.as_os_str().is_empty());
        let mut file = builder()
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            .map_err(WriteError::io("create a temporary file for", destination))?;
        failpoint("after-create");
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let write = WriteError::io("write", destination);
        let written = file.write_all(first).and_then(|()| {
            failpoint("half-written");
            file.write_all(second)?;
            failpoint("before-sync");
            match durability {
                Durability::Synced => file.as_file().sync_all(),
                Durability::Renamed => Ok(()),
            }
        });
        written.map_err(write)?;
        Ok(Self { temporary: file.into_temp_path(), destination: destination.to_owned() })
    }

    /// Puts the file in its place, replacing what is there.
    pub(super) fn rename(self) -> Result<(), WriteError> {
        let Self { temporary, destination } = self;
        temporary
            .persist(&destination)
            .map_err(|refused| WriteError::io("replace", &destination)(refused.error))
    }
}

/// Temporary files get the mode of ordinary files, 0666 less the umask: readers such as `node_exporter` run as
/// another user.
#[cfg(unix)]
fn builder() -> tempfile::Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX).permissions(std::fs::Permissions::from_mode(0o666));
    builder
}

#[cfg(not(unix))]
fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX);
    builder
}
