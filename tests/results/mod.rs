//! The JSON results of an analysis: what stands in them, and that they keep to their published schemas.

mod compare;
mod documents;
mod error_rates;
mod evidence;
mod run;
mod schemas;
mod service;

// The program that makes the table of error rates, of which a test makes a part again.
#[path = "../benches/error_rates/comparison.rs"]
mod comparison;
#[path = "../benches/error_rates/methods.rs"]
mod methods;
#[path = "../benches/error_rates/peers.rs"]
mod peers;
#[path = "../benches/error_rates/table.rs"]
#[expect(dead_code, reason = "a test writes no table")]
mod table;
#[path = "../benches/error_rates/world.rs"]
mod world;
