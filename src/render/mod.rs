//! One module per format: values in, text or bytes out. Must not touch the world.

pub use crate::export::live::metrics as live_prom; // moved
pub use crate::export::live::page as live_html; // moved
pub mod notification;
pub use crate::run::log as run_log; // moved
pub use crate::run::plan as run_plan; // moved
pub use crate::run::text as run_text; // moved

pub use crate::report::config; // moved

pub(crate) use crate::report::exposition; // moved

#[cfg(test)]
pub(crate) use crate::report::fixture as report_fixture; // moved

pub use crate::report::gate as gate_text; // moved

pub(crate) use crate::report::metrics as prom; // moved

pub(crate) use crate::report::run_results as soak_results_md; // moved

pub(crate) use crate::report::text as markdown; // moved

pub(crate) use crate::report::{ci, html}; // moved

pub use crate::report::{json, terminal}; // moved
