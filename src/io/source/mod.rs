//! Where the measurements of a run come from in the real world: a file, a command, a Prometheus server.
//!
//! All implement [`crate::core::run::source::Source`]: they cover an interval and deliver an edge report, or say
//! why there is none. They judge nothing.

pub mod exec;
pub mod file;
pub mod prometheus;
mod report;
#[cfg(test)]
mod test_wait;
