//! A run, as it is planned, tuned, watched and written down.

pub mod iteration_file;
