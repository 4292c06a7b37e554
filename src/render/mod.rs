//! One module per format: values in, text or bytes out. Must not touch the world.

pub mod audit_md;
pub mod audit_summary;
pub mod baseline;
pub mod compare_csv;
pub mod compare_md;
pub mod compare_text;
pub mod config;
pub mod deltas_md;
pub mod exposition;
pub mod failures_md;
pub mod gate_text;
pub mod github;
pub mod golden_text;
pub mod history_md;
pub mod history_text;
pub mod html;
pub mod json;
pub mod junit;
pub mod live_html;
pub mod live_prom;
pub mod markdown;
pub mod notification;
pub mod png;
pub mod prom;
pub mod prom_export;
pub mod recommendations_md;
pub mod release;
pub mod remote_write_text;
mod report_head;
pub mod report_html;
mod report_md;
pub mod rollback_prom;
pub mod rollback_text;
pub mod rotation_text;
pub mod run_log;
pub mod run_plan;
pub mod run_text;
pub mod soak_results_md;
pub mod svg;
pub mod terminal;

#[cfg(test)]
mod report_fixture;
