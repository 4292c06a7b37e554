//! The section model, and text made safe for each format: Markdown, HTML, the terminal, JSON, metrics.

pub(crate) mod document;
pub mod exposition;
pub(crate) mod html;
pub mod json;
pub mod terminal;
pub(crate) mod text;
