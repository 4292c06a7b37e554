//! One module per format: values in, text or bytes out. No effects, no rules.

pub mod deltas_md;
pub mod markdown;
