//! The reports about hand-written runs, numbers by hand.

mod audit;
mod failures;
mod page;
mod recommendations;
mod resources;
mod trends;

use super::*;
