//! Texts of `release`: the score, the files of a bundle, what commands say.

pub mod score_md;
pub mod score_text;
