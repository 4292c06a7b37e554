//! Release bundles on the disk: put in place whole, read back, packed into an archive.
//!
//! A bundle is built in a folder of its own beside its destination and then changes places with it, so that a
//! kill at any moment leaves the former one or the new one. Must not know what is in the files.

mod archive;
mod error;
mod place;
mod read;

pub use archive::pack;
pub use error::BundleError;
pub use place::{Put, archive_of, look, put};
pub use read::read;

/// What the archive of a bundle is called behind the name of its folder.
pub const ARCHIVE_ENDING: &str = ".tar.gz";

/// More files than a bundle ever has.
const MOST_FILES: usize = 1000;

/// More bytes than a bundle ever has, unpacked.
const MOST_BYTES: u64 = 512 * 1024 * 1024;

#[cfg(test)]
mod tests;
