//! A bundle, read and checked.

use std::path::Path;

use crate::io::bundle::{self, BundleError};
use crate::wire::release::bundle_check::{Checked, check};

/// Checks a folder or an archive.
pub fn verify(path: &Path) -> Result<Checked, BundleError> {
    Ok(check(&bundle::read(path)?))
}
