//! `soak compare`: every format, error and exit code.

mod golden;
mod history;
mod runs;
