//! What lies in `deploy/` and `.github/`, held against the program: metrics, rules, runbooks, dashboards,
//! workflows. What needs a program of somebody else (promtool, amtool) is in `tests/e2e`.

#![expect(clippy::disallowed_methods, reason = "the tests read the files of the repository")]

mod commands;
mod dashboards;
pub(crate) mod files;
mod metrics;
mod promql;
mod rules;
#[path = "../live/run.rs"]
mod run;
pub(crate) mod runbooks;
mod together;
mod workflows;
