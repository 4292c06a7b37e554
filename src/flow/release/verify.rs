//! A bundle, read and checked.

use std::path::Path;

use crate::io::bundle::{self, BundleError};
use crate::wire::release::bundle_check::{Checked, Contents, check};

/// Checks a folder or an archive.
pub fn verify(path: &Path) -> Result<Checked, BundleError> {
    Ok(verify_with_files(path)?.0)
}

/// Checks a folder or an archive, and gives its files with what was found.
pub fn verify_with_files(path: &Path) -> Result<(Checked, Contents), BundleError> {
    let contents = bundle::read(path)?;
    Ok((check(&contents), contents))
}
