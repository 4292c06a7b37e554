//! Where commands write to: stdout, the log on stderr, and the files that CI reads.

pub(crate) mod ci;
pub(crate) mod logging;
pub(crate) mod stdout;
