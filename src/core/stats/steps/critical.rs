//! Placeholder until the first `make critical-values`.
#![expect(missing_docs, reason = "made")]
pub const NS: [usize; 10] = [24, 32, 48, 64, 96, 128, 200, 400, 1000, 2048];
pub const PHIS: [f64; 11] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
pub const LEVELS: [f64; 10] = [0.5, 0.2, 0.1, 0.05, 0.025, 0.0125, 0.00625, 0.003, 0.001, 0.0005];
pub const RESIDUAL_R1: [[f64; 11]; 10] = [[0.0; 11]; 10];
pub const RESIDUAL_VARIANCE: [[f64; 11]; 10] = [[0.0; 11]; 10];
pub const QUANTILES: [[[f64; 10]; 11]; 10] = [[[0.0; 10]; 11]; 10];
