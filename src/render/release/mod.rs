//! Texts of `release`: the score, the files of a bundle, what commands say.

pub mod bundle_text;
pub mod canary_checklist;
pub mod canary_ci;
pub mod canary_md;
pub mod canary_text;
pub mod changelog;
pub mod rollback_plan;
pub mod score_md;
pub mod score_text;
mod steps;
pub mod tag_message;
