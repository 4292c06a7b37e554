//! The use cases that touch the world in order: load and judge, write what was found, tell people.
//!
//! Knows no command line: commands turn arguments into requests, and results into words and exit codes.

pub mod judge;

pub mod provenance;
