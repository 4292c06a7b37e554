//! The shape of every file that is read or written, with its tolerance. No effects.

pub mod artifact_manifest;
