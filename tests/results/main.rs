//! The JSON results of an analysis: what stands in them, and that they keep to their published schemas.

mod documents;
mod evidence;
mod run;
mod schemas;
