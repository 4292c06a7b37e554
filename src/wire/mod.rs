//! The shape of every file that is read or written, with its tolerance for old spellings. No effects:
//! text comes in, values go out, and nothing here opens a file.

pub mod policy;
