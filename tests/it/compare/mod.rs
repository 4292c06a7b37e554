//! `soak compare`: every format, error and exit code.

mod baseline;
mod golden;
mod history;
mod own;
mod runs;
