//! The program as its user runs it: folders in, exit codes, words and files out.
#![expect(clippy::disallowed_methods, reason = "tests make folders and start the program")]

mod fixtures;
mod support;
mod topics;
