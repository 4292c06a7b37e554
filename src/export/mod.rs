//! What leaves the program while or after a run: the live page and its endpoints.

pub mod endpoint;
pub mod live;
