//! The program as its user runs it: folders in, exit codes, words and files out.
#![expect(clippy::disallowed_methods, reason = "tests make folders and start the program")]

mod advisory;
mod analyze;
mod archives;
mod artifacts;
mod attacks;
mod audit;
mod ci_errors;
mod compare;
mod config;
mod deltas;
mod doctor;
mod edge_report;
mod export_prom;
mod extract;
mod fixtures;
mod gate;
mod gate_ci;
mod gate_outputs;
mod gate_places;
mod grafana;
mod init;
mod laws;
mod loading;
mod notify;
mod overriding;
mod planner;
mod project;
mod release;
mod run;
mod run_folder;
mod selftest;
mod sim;
mod start_values;
pub(crate) mod support;
mod topics;
mod verdicts;
