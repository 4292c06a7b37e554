//! `soak` answers one question: may this build of a long-running system be frozen and released?
//!
//! The library behind the binary. The way the data goes:
//!
//! ```text
//! files ──load──▶ Series ──▶ Window ──▶ Summary ──▶ Check ──▶ Verdict
//!                    └────────────── one Analysis ──────────────┘ ──report──▶ bytes ──commit──▶ artifacts
//! ```
//!
//! [`infra`] touches the world, [`stats`] computes, [`core`] loads and judges. [`report`] writes what was found,
//! [`run`] makes the runs. [`export`], [`release`], [`rollback`] and [`ops`] are the products that follow, and [`cli`] the
//! commands: arguments, a product, output.

pub mod cli;
pub mod core;
pub mod export;
pub mod infra;
pub mod ops;
pub mod release;
pub mod report;
pub mod rollback;
pub mod run;
pub mod stats;
