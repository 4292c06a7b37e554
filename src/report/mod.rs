//! Reports for people and machines: analyses in, text or bytes out, and which artifacts they become.

pub mod notification;

pub mod soak_metrics;

pub mod config_show;

pub(crate) mod analysis;
pub mod artifacts;
pub mod audit;
pub mod baselines;
pub(crate) mod ci;
pub mod compare;
pub mod config;
pub(crate) mod deltas;
#[cfg(test)]
pub(crate) mod fixture;
pub mod format;
pub mod gate;
pub mod history;
pub(crate) mod metrics;
pub(crate) mod run_results;
pub mod schemas;
pub mod selftest;
pub(crate) mod svg;

pub(crate) use format::{document, html, text};
pub use format::{exposition, json, terminal};
