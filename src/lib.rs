//! `soak` answers one question: may this build of a long-running system be frozen and released?
//!
//! The library behind the binary. The way the data goes:
//!
//! ```text
//! files ──load──▶ Series ──▶ Window ──▶ Summary ──▶ Check ──▶ Verdict
//!                    └────────────── one Analysis ──────────────┘ ──render──▶ bytes ──commit──▶ artifacts
//! ```
//!
//! [`core`] is pure and imports nothing of ours; the shapes of files live in [`wire`], what touches the
//! world in [`io`], and the order of things in [`flow`]. [`render`] makes bytes, [`server`] hands them to
//! browsers and scrapers. [`cli`] says what can be
//! asked, [`commands`] answers, [`exit`] names how the program ends, [`failure`] why it did not do its job.

pub mod cli;
pub mod core;
pub mod exit;
pub mod export;
pub mod failure;
pub mod infra;
pub mod ops;
pub mod release;
pub mod report;
pub mod rollback;
pub mod run;
pub mod stats;
