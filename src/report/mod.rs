//! Reports for people and machines: analyses in, text or bytes out, and which artifacts they become.

pub(crate) mod analysis;
pub mod artifacts;
pub mod audit;
pub(crate) mod ci;
pub(crate) mod deltas;
pub(crate) mod document;
pub mod exposition;
#[cfg(test)]
pub(crate) mod fixture;
pub mod gate;
pub(crate) mod html;
pub mod json;
pub(crate) mod metrics;
pub(crate) mod run_results;
pub(crate) mod svg;
pub mod terminal;
pub(crate) mod text;
