//! Reading what runners have written, in all the spellings that it has had. All tolerance for foreign files is here.
//!
//! Parses straight from the text without a tree in between: this is the hot path of large folders. Opens no files.

pub mod edge_report;
pub mod iteration;
pub mod overrides;
pub mod tuning;
pub mod tuning_report;
